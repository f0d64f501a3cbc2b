// Which steps passed on the learner's own code.

import * as store from "./store.js";

/**
 * Keep the steps that passed in a cell's output.
 * @param {import("./cells.js").Cell} cell
 * @returns {string[]} one sentence for each result, for the status line
 */
export function recordResults(cell) {
  const results = [...cell.element.querySelectorAll(".tt-output .tt-result")];
  return results.map((result) => {
    const step = result.dataset.step ?? cell.step;
    if (result.classList.contains("tt-passed")) {
      store.keep("passed", step, new Date().toISOString());
      return `${step}: all checks pass.`;
    }
    if (result.classList.contains("tt-failed")) return `${step}: a check failed.`;
    return `${step} is not built yet.`;
  });
}
