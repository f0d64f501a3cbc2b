// A chapter whose foundations have not passed in this browser says so, and stops nobody.

import { MODULES, addressOf, moduleOf, stepsToGo } from "./course.js";
import * as store from "./store.js";

/** Show the note below the title, or take it away when nothing is missing any more. */
export function showGate() {
  document.getElementById("tt-gate")?.remove();
  const module = moduleOf();
  if (!module || store.recall(`went-on:${module.page}`)) return;
  const missing = MODULES.filter((one) => module.needs.includes(one.stem) && stepsToGo(one).length > 0);
  if (missing.length > 0) document.querySelector("article h1").after(note(module, missing));
}

function note(module, missing) {
  const box = document.createElement("aside");
  box.id = "tt-gate";
  box.className = "tt-note";
  box.setAttribute("aria-label", "Before this chapter");
  const line = document.createElement("p");
  line.append(`${module.title} stands on `, ...joined(missing.map(linkWithCount)), ". ");
  line.append("What you have not built yet runs on the reference.");
  box.append(line, dismissal(module, box));
  return box;
}

/** @returns {Node} the module's title, leading to its first step not passed, and how many those are */
function linkWithCount(module) {
  const steps = stepsToGo(module);
  const isNew = steps.length === Object.keys(module.steps).length;
  const link = document.createElement("a");
  link.href = addressOf(module, isNew ? undefined : steps[0]);
  link.textContent = module.title;
  const both = document.createElement("span");
  both.append(link, ` (${steps.length} ${steps.length === 1 ? "step" : "steps"} to go)`);
  return both;
}

function joined(nodes) {
  const before = (index) => (index === 0 ? "" : index === nodes.length - 1 ? " and " : ", ");
  return nodes.flatMap((node, index) => [before(index), node]);
}

function dismissal(module, box) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Go on here anyway";
  button.addEventListener("click", () => {
    store.remember(`went-on:${module.page}`, new Date().toISOString());
    const title = document.querySelector("article h1");
    title.tabIndex = -1; // so that who came by keyboard goes on from the title
    title.focus();
    box.remove();
  });
  return button;
}
