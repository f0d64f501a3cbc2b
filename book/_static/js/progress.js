// Which steps passed on the learner's own code.

import * as store from "./store.js";

/**
 * Keep the steps that passed in a cell's new output.
 * @param {import("./cells.js").Cell} cell
 * @returns {string} the results in a few words, for the status line; empty where there is none
 */
export function recordResults(cell) {
  const results = [...cell.element.querySelectorAll(".tt-output .tt-result[data-state]")];
  for (const { dataset } of results) {
    if (dataset.step && dataset.state === "passed" && dataset.provenance === "yours") {
      store.keep("passed", dataset.step, new Date().toISOString());
    }
  }
  return results.map((result) => result.querySelector("strong")?.textContent ?? "").join(" ");
}

/**
 * Mark the exercises that have passed, on this page load or an earlier one.
 * @param {import("./cells.js").Cell[]} cells
 * @returns {string} how far the learner is on this page; empty where there is no exercise
 */
export function showProgress(cells) {
  const { passed } = store.load();
  const exercises = cells.filter((cell) => cell.step);
  for (const cell of exercises) cell.element.classList.toggle("tt-has-passed", cell.step in passed);
  if (exercises.length === 0) return "";
  const done = exercises.filter((cell) => cell.step in passed).length;
  return `${done} of ${exercises.length} steps pass on your code.`;
}

/** Say at every module of the course map how many of its steps pass. */
export function showProgressOnMap() {
  for (const link of document.querySelectorAll(".tt-map-module a[href]")) {
    const { passed } = store.load(store.pageName(new URL(link.href).pathname));
    const count = Object.keys(passed).length;
    if (count === 0) continue;
    const note = document.createElement("p");
    note.className = "tt-map-progress";
    note.textContent = `${count} ${count === 1 ? "step passes" : "steps pass"} on your code.`;
    link.closest(".tt-map-module").append(note);
  }
}
