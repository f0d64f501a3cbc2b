// What came of the learner's own code: the steps that passed, and the scores of challenges.

import { MODULES, tally } from "./course.js";
import * as store from "./store.js";

/**
 * Keep what a cell's new output says.
 * @param {import("./cells.js").Cell} cell
 * @returns {string} the results in a few words, for the status line; empty where there is none
 */
export function recordResults(cell) {
  const results = [...cell.element.querySelectorAll(".tt-output .tt-result[data-state]")];
  for (const { dataset } of results) {
    if (dataset.step && dataset.state === "passed" && dataset.provenance === "yours") {
      const page = MODULES.find(({ steps }) => dataset.step in steps)?.page;
      store.keep("passed", dataset.step, new Date().toISOString(), page);
      store.keep("code", dataset.step, cell.ran, page);
    }
  }
  for (const { dataset } of cell.element.querySelectorAll(".tt-output .tt-challenge[data-ratio]")) keepScore(dataset);
  return results.map((result) => result.querySelector("strong")?.textContent ?? "").join(" ");
}

/** Keep the score of a challenge when it is the best so far. */
function keepScore({ question, ratio, target = "", medal = "" }) {
  const best = store.load().scores[question];
  if (best && Number(best.ratio) >= Number(ratio)) return;
  store.keep("scores", question, { ratio, target, medal, at: new Date().toISOString() });
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

/** Say at the modules of the sidebar, and of the course map, how many of their steps pass. */
export function showMarks() {
  for (const link of document.querySelectorAll(".bd-sidebar-primary a.reference, .tt-map-module a[href]")) {
    const page = store.pageName(new URL(link.href).pathname);
    const module = MODULES.find((one) => one.page === page);
    if (!module) continue;
    const entry = link.closest(".tt-map-module");
    if (entry) show(entry, "p", "tt-map-progress", mapNote(tally(module)));
    else show(link, "span", "tt-mark-done", sidebarMark(tally(module)));
  }
}

function mapNote({ done, all }) {
  if (done === 0) return "";
  return done === all ? `All ${all} steps pass on your code.` : `${done} of ${all} steps pass on your code.`;
}

function sidebarMark({ done, all }) {
  if (done === 0) return "";
  const seen = done === all ? "✓" : `${done}/${all}`;
  return `<span aria-hidden="true">${seen}</span><span class="tt-heard">, ${done} of ${all} steps pass</span>`;
}

/** Put a mark at the end of a place, in the place of the one that is there. */
function show(place, element, name, html) {
  place.querySelector(`.${name}`)?.remove();
  if (!html) return;
  const mark = document.createElement(element);
  mark.className = name;
  mark.innerHTML = html;
  place.append(mark);
}
