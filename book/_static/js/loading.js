// What is fetched only after the button is pressed.

import { LIVE } from "./settings.js";

const loaded = new Map();

/** Load Thebe: editors, outputs and the connections to kernels. */
export async function loadThebe() {
  addStylesheet(new URL("thebe/thebe.css", LIVE));
  await loadScript(new URL("thebe/index.js", LIVE));
}

/** Load thebe-lite: a Jupyter server inside the page. */
export async function loadThebeLite() {
  await loadScript(new URL("thebe-lite/thebe-lite.min.js", LIVE));
}

/** @returns {Promise<{packages: string[], lock: string, atStart: Record<string, number>}>} */
export async function fetchManifest() {
  const response = await fetch(new URL("manifest.json", LIVE), { cache: "no-cache" });
  if (!response.ok) throw new Error("This copy of the book was built without the browser kernel.");
  return response.json();
}

/**
 * Bring the files of the start into the browser's cache, and report how far that is. The worker
 * that runs Python asks for them again and finds them there.
 */
export async function warmUp(manifest, report) {
  const total = Object.values(manifest.atStart).reduce((sum, size) => sum + size, 0);
  let received = 0;
  const fetchOne = async (name) => {
    const response = await fetch(new URL(`pyodide/${name}`, LIVE));
    if (!response.ok) throw new Error(`${name} could not be fetched (${response.status}).`);
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      received += part.value.length;
      report(`Fetching Python: ${megabytes(received)} of ${megabytes(total)} MB`, received / total);
    }
  };
  await Promise.all(Object.keys(manifest.atStart).map(fetchOne));
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1);
}

/** In a layer, so that the book's own style wins whatever Thebe's selectors are. */
function addStylesheet(address) {
  if (document.getElementById("tt-thebe-style")) return;
  const style = document.createElement("style");
  style.id = "tt-thebe-style";
  style.textContent = `@import url("${address.href}") layer(thebe);`;
  document.head.append(style);
}

function loadScript(address) {
  if (!loaded.has(address.href)) {
    loaded.set(address.href, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address.href;
      script.onload = resolve;
      script.onerror = () => {
        loaded.delete(address.href);
        reject(new Error(`${address.pathname} could not be loaded.`));
      };
      document.head.append(script);
    }));
  }
  return loaded.get(address.href);
}
