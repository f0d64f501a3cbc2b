// On the landing page, the way back to where the learner left off.

import { MODULES, addressOf, stepsToGo } from "./course.js";
import * as store from "./store.js";

/** Show, below the title of the landing page, where to go on; nothing to who has done nothing. */
export function showResume() {
  document.getElementById("tt-resume")?.remove();
  if (store.pageName() !== "index") return;
  const latest = lastWorkedOn();
  if (!latest) return;
  const box = document.createElement("nav");
  box.id = "tt-resume";
  box.className = "tt-note";
  box.setAttribute("aria-label", "Your work");
  box.append(wayOn(latest), paragraph("Your work is kept in this browser alone: no account, no tracking."));
  document.querySelector("article h1").after(box);
}

/** @returns {import("./course.js").Module | undefined} */
function lastWorkedOn() {
  const begun = MODULES.filter(({ page }) => store.hasWork(page));
  const date = ({ page }) => store.lastWorked(page);
  return begun.reduce((latest, module) => (latest && date(latest) > date(module) ? latest : module), undefined);
}

/** Lead to the first step not passed: of this module, else of those after it, else of any. */
function wayOn(latest) {
  const place = MODULES.indexOf(latest);
  const module = [...MODULES.slice(place), ...MODULES].find((one) => stepsToGo(one).length > 0);
  if (!module) return paragraph("Every step that is published passes on your code.");
  const [step] = stepsToGo(module);
  const number = Object.keys(module.steps).indexOf(step) + 1;
  const link = document.createElement("a");
  link.href = addressOf(module, step);
  link.textContent = `Go on: ${module.title}, step ${number}: ${module.steps[step]}`;
  const line = document.createElement("p");
  line.append(link);
  return line;
}

function paragraph(text) {
  const element = document.createElement("p");
  element.textContent = text;
  return element;
}
