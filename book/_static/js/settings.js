// What the page was told about live cells: by the build (script#tinytorch-live), by the local
// server (meta[name=tinytorch-server]) and, in tests, by window.tinytorchLive.

/**
 * @typedef {object} Settings
 * @property {boolean} browser  whether the browser kernel was assembled with the book
 * @property {{baseUrl: string, token: string} | null} local  the Jupyter server beside the book
 * @property {{binderUrl: string, repo: string, ref: string} | null} binder
 * @property {import("./course.js").Module[]} course  the published modules, in reading order
 */

/** The folder of the site, where index.html lies. */
export const SITE = new URL("../../", import.meta.url);

/** The folder of the assembled browser kernel. */
export const LIVE = new URL("../live/", import.meta.url);

/** @returns {Settings} */
export function readSettings() {
  const built = document.getElementById("tinytorch-live")?.textContent ?? "{}";
  const local = document.querySelector('meta[name="tinytorch-server"]')?.getAttribute("content");
  return {
    browser: false,
    binder: null,
    course: [],
    local: local ? JSON.parse(local) : null,
    ...JSON.parse(built),
    ...globalThis.tinytorchLive,
  };
}
