// The published modules, and how far the learner is in each.

import { readSettings, SITE } from "./settings.js";
import * as store from "./store.js";

/**
 * @typedef {object} Module
 * @property {string} stem
 * @property {string} title
 * @property {string} page  as pageName() names it
 * @property {string[]} needs  the stems of all modules that it stands on
 * @property {Record<string, string>} steps  the title of each step by its id
 */

/** @type {Module[]} in reading order */
export const MODULES = readSettings().course;

/** @returns {Module | undefined} the module whose chapter this page is */
export function moduleOf(page = store.pageName()) {
  return MODULES.find((module) => module.page === page);
}

/** @returns {Module[]} the modules before this page's; on a page that is no chapter, all */
export function earlierModules(page = store.pageName()) {
  const place = MODULES.findIndex((module) => module.page === page);
  return place < 0 ? MODULES : MODULES.slice(0, place);
}

/** @returns {string[]} the ids of the module's steps that have not passed in this browser */
export function stepsToGo(module) {
  const { passed } = store.load(module.page);
  return Object.keys(module.steps).filter((step) => !(step in passed));
}

/** @returns {{done: number, all: number}} how many of the module's steps have passed */
export function tally(module) {
  const all = Object.keys(module.steps).length;
  return { done: all - stepsToGo(module).length, all };
}

/** @returns {Record<string, string>} the cell that passed, for every step of the modules */
export function passedCode(modules) {
  const code = {};
  for (const module of modules) {
    const work = store.load(module.page);
    for (const step of Object.keys(module.steps)) {
      if (step in work.passed && step in work.code) code[step] = work.code[step];
    }
  }
  return code;
}

/** @returns {string} the address of a step's heading in its chapter */
export function addressOf(module, step) {
  const anchor = step ? `#${step.replaceAll(/[._]/g, "-").replace(/-+$/, "").toLowerCase()}` : "";
  return new URL(`${module.page}.html${anchor}`, SITE).href;
}
