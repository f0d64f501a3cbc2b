// "Download my library": tinytorch with every step that passed in this browser, as a wheel.

import { MODULES, passedCode } from "./course.js";
import { download } from "./download.js";

/**
 * @param {import("./panel.js").Panel} panel
 * @param {(code: string) => Promise<{html: string, error: string} | undefined>} ask
 *   runs code in the kernel; undefined when none runs or it is stopped
 */
export function addLibrary(panel, ask) {
  const menu = panel.element.querySelector(".tt-live-menu");
  menu.insertAdjacentHTML("beforeend", MARKUP);
  menu.querySelector("#tt-library").addEventListener("click", async () => {
    const code = passedCode(MODULES);
    panel.closeMenu();
    if (Object.keys(code).length === 0) {
      panel.say("No step has passed in this browser yet, so there is no library of yours to pack.");
    } else if (!panel.isLive) {
      panel.say("Press “Make this page live” first: Python packs your library, and it does not run yet.");
      panel.element.querySelector("#tt-live-start").focus();
    } else {
      panel.say("Your library is checked and packed ...");
      const answer = await ask(`from tinytorch.course import library_wheel\nlibrary_wheel(${JSON.stringify(code)});`);
      if (answer) panel.say(save(answer));
    }
  });
}

/** @returns {string} what became of it, in one sentence */
function save({ html, error }) {
  if (error) return `Your library was not packed: ${error}`;
  const shown = new DOMParser().parseFromString(html, "text/html");
  const link = shown.querySelector("a.tt-wheel");
  const bytes = Uint8Array.from(atob(link.href.split(",")[1]), (character) => character.charCodeAt(0));
  download(link.download, bytes);
  return [shown.querySelector(".tt-headline").textContent, ...notTheirs(shown), `Saved as ${link.download}.`].join(" ");
}

/** @returns {string[]} why a step of the library is the reference's all the same */
function notTheirs(shown) {
  const rows = [...shown.querySelectorAll("tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent));
  return rows.filter(([, code]) => code !== "yours").map(([step, , why]) => `Not ${step}: ${why}`);
}

const MARKUP = `
  <button type="button" id="tt-library">Download my library</button>
  <p>One file for pip: tinytorch with your code in every step that passed here.</p>`;
