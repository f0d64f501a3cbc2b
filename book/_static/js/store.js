// The learner's work on this site, kept in localStorage: one record per page.
//
//   edits    {cell key: source}        what replaced a published cell
//   answers  {question id: {...}}      the journal: text, choice and self-rating
//   passed   {step id: date}           the steps whose checks passed on the learner's own code
//   code     {step id: source}         the cell that passed last
//   scores   {question id: {...}}      the best result of a challenge: ratio, target and medal
//
// The command line reads and writes the same records: tinytorch/course/work.py.

import { SITE } from "./settings.js";

const PREFIX = `tinytorch:${SITE.pathname}:`;
const SECTIONS = ["edits", "answers", "passed", "code", "scores"];
const RECORDS = ["answers", "scores"]; // the sections whose entries have parts
const FORMAT = "tinytorch-work-1";
export const LARGEST_FILE = 2_000_000;
const LONGEST_TEXT = 100_000;
const UNSAFE = new Set(["__proto__", "constructor", "prototype"]);

/** What remembers; where the browser refuses to, work lasts as long as the page. */
export const storage = openStorage();

/**
 * @typedef {object} Work
 * @property {Record<string, string>} edits
 * @property {Record<string, Record<string, string>>} answers
 * @property {Record<string, string>} passed
 * @property {Record<string, string>} code
 * @property {Record<string, Record<string, string>>} scores
 */

/** @returns {string} the page's path below the site's folder, without ".html" */
export function pageName(path = location.pathname) {
  const below = path.startsWith(SITE.pathname) ? path.slice(SITE.pathname.length) : path;
  return decodeURIComponent(below).replace(/(index)?\.html$/, "") || "index";
}

/** @returns {Work} */
export function load(page = pageName()) {
  const text = storage.getItem(PREFIX + page);
  return { ...emptyWork(), ...(text ? parse(text) : {}) };
}

/**
 * Change one entry of a page's record; undefined removes it.
 * @returns {boolean} false when the browser refuses to store it
 */
export function keep(section, key, value, page = pageName()) {
  const work = load(page);
  if (value === undefined) delete work[section][key];
  else work[section][key] = value;
  remember(`at:${page}`, new Date().toISOString());
  return save(page, work);
}

/** Keep something about the reader that is no work and is not exported. */
export function remember(name, value) {
  try {
    storage.setItem(`tinytorch:${name}:${SITE.pathname}`, value);
  } catch {
    // A full browser forgets it, and nothing is lost.
  }
}

/** @returns {string | null} what was remembered under this name */
export function recall(name) {
  return storage.getItem(`tinytorch:${name}:${SITE.pathname}`);
}

/** @returns {string} when the learner last worked on a page, as far as this browser knows */
export function lastWorked(page) {
  return recall(`at:${page}`) ?? "";
}

/** @returns {boolean} whether anything of the learner's is kept for a page */
export function hasWork(page) {
  const work = load(page);
  return SECTIONS.some((section) => Object.keys(work[section]).length > 0);
}

/** @returns {Record<string, Work>} the work on every page of this site */
export function everything() {
  const pages = {};
  for (let i = 0; i < storage.length; i += 1) {
    const key = storage.key(i);
    if (key.startsWith(PREFIX)) pages[key.slice(PREFIX.length)] = load(key.slice(PREFIX.length));
  }
  return pages;
}

/** @returns {string} one file that holds the work on every page */
export function exported() {
  return JSON.stringify({ format: FORMAT, saved: new Date().toISOString(), pages: everything() }, null, 1);
}

/**
 * Add the work in a file to what is here. Of two answers the later stays, of two scores the
 * better; any other entry of the file wins over one of the same name.
 * @param {string} text  the file; anybody may have written it
 * @returns {{pages: number, steps: number, answers: number}} what it held
 */
export function imported(text) {
  if (text.length > LARGEST_FILE) throw new Error("The file is larger than 2 MB, so it is not one of ours.");
  const file = parse(text);
  if (file?.format !== FORMAT || !isPlain(file.pages)) {
    throw new Error(`The file is not saved TinyTorch work: its format is not "${FORMAT}".`);
  }
  const pages = Object.entries(file.pages);
  for (const [page, work] of pages) validate(page, work);
  for (const [page, work] of pages) {
    const merged = load(page);
    for (const section of SECTIONS) merge(section, merged[section], work[section] ?? {});
    if (!save(page, merged)) throw new Error("The browser has no room to store this work.");
    if (lastDate(work) > lastWorked(page)) remember(`at:${page}`, lastDate(work));
  }
  const count = (section) => pages.reduce((sum, [, work]) => sum + Object.keys(work[section] ?? {}).length, 0);
  return { pages: pages.length, steps: count("passed"), answers: count("answers") };
}

function merge(section, here, brought) {
  for (const [key, entry] of Object.entries(brought)) {
    const kept = here[key];
    const isLater = section === "answers" && (kept?.at ?? "").slice(0, 19) > (entry.at ?? "").slice(0, 19);
    const isBetter = section === "scores" && Number(kept?.ratio ?? 0) > Number(entry.ratio ?? 0);
    if (!isLater && !isBetter) here[key] = entry;
  }
}

/** @returns {string} when something was last done on a page, as far as its record says */
function lastDate({ answers = {}, passed = {}, scores = {} }) {
  const given = [...Object.values(answers), ...Object.values(scores)].map(({ at = "" }) => at);
  return [...given, ...Object.values(passed)].toSorted().at(-1) ?? "";
}

/** @returns {Work} */
function emptyWork() {
  return Object.fromEntries(SECTIONS.map((section) => [section, {}]));
}

function save(page, work) {
  try {
    storage.setItem(PREFIX + page, JSON.stringify(work));
    return true;
  } catch {
    return false;
  }
}

function openStorage() {
  try {
    localStorage.getItem(PREFIX);
    return localStorage;
  } catch {
    const kept = new Map();
    return {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => kept.set(key, value),
      key: (index) => [...kept.keys()][index],
      get length() {
        return kept.size;
      },
    };
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function validate(page, work) {
  checkName(page);
  if (!isPlain(work)) throw new Error(`The work saved for ${page} is not a record.`);
  for (const [section, entries] of Object.entries(work)) {
    if (!SECTIONS.includes(section) || !isPlain(entries)) {
      throw new Error(`The work saved for ${page} has a part that does not belong: ${section.slice(0, 40)}.`);
    }
    for (const [key, value] of Object.entries(entries)) validateEntry(section, key, value);
  }
}

function validateEntry(section, key, value) {
  checkName(key);
  const hasParts = RECORDS.includes(section);
  if (hasParts && !isPlain(value)) throw new Error(`The entry ${key} of the ${section} is not a record.`);
  const texts = hasParts ? Object.entries(value) : [[key, value]];
  for (const [name, text] of texts) {
    checkName(name);
    if (typeof text !== "string" || text.length > LONGEST_TEXT) {
      throw new Error(`The entry ${key} is not a text of at most ${LONGEST_TEXT} characters.`);
    }
  }
}

function checkName(name) {
  if (UNSAFE.has(name) || !/^[\w./:-]{1,200}$/.test(name)) {
    throw new Error(`The file holds a name that no page uses: ${name.slice(0, 40)}.`);
  }
}

function isPlain(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
