// The code cells of the page. A cell is one published source, the learner's edit of it if there
// is one, an editor and a place for output once the page is live.

import * as store from "./store.js";

const ESCAPE_HINT = "Escape leaves the editor";
const DOUBLE_CLICK = 600; // milliseconds

export class Cell {
  /**
   * @param {HTMLElement} element  div.cell
   * @param {number} number  1 for the first cell of the page
   */
  constructor(element, number) {
    this.element = element;
    this.number = number;
    this.pre = element.querySelector(".cell_input pre");
    this.publishedNodes = [...this.pre.childNodes].map((node) => node.cloneNode(true));
    this.published = sourceOf(this.pre);
    this.step = /@(?:\w+\.)?build\(\s*["']([\w.]+)["']/.exec(this.published)?.[1] ?? null;
    this.mayFail = element.classList.contains("tag_raises-exception");
    this.id = `cell-${crypto.randomUUID().slice(0, 8)}`;
    this.source = this.published;
    this.ran = ""; // the source of the last run
    this.editor = null;
    element.dataset.cell = String(number);
    if (this.step) element.dataset.step = this.step;
    element.querySelector(".cell_input").after(makeBar(this));
    this.state = "waiting";
  }

  /** Whether a press of the cell's button means stop: not the second half of a double click. */
  get canStop() {
    return this.state === "running" && performance.now() - this.startedAt > DOUBLE_CLICK;
  }

  get isEdited() {
    return this.source !== this.published;
  }

  get label() {
    return this.step ? `Exercise ${this.step}` : `Cell ${this.number}`;
  }

  /** @param {"waiting" | "running" | "done" | "failed"} state */
  set state(state) {
    this.element.dataset.state = state;
    this.startedAt = state === "running" ? performance.now() : 0;
    const button = this.element.querySelector(".tt-cell-run");
    if (button) name(button, state === "running" ? "Stop" : "Run", this);
  }

  get state() {
    return this.element.dataset.state;
  }

  /** Show the learner's edit where the published source stands. */
  restore() {
    const edit = store.load().edits[this.key];
    if (edit === undefined || edit === this.published) return;
    this.source = edit;
    if (this.editor) this.editor.setValue(edit);
    else this.pre.textContent = edit;
    this.#showWhetherEdited();
  }

  /** Put the published source back and forget the edit. */
  reset() {
    store.keep("edits", this.key, undefined);
    this.source = this.published;
    if (this.editor) this.editor.setValue(this.published);
    else this.pre.replaceChildren(...this.publishedNodes.map((node) => node.cloneNode(true)));
    this.#showWhetherEdited();
  }

  /**
   * Take over the editor and the output area that Thebe made for this cell.
   * @param {object} thebeCell
   * @param {{run: (cell: Cell) => void, failed: (message: string) => void}} actions
   */
  makeLive(thebeCell, actions) {
    this.area = thebeCell.area;
    this.editor = this.element.querySelector(".CodeMirror").CodeMirror;
    this.editor.setOption("screenReaderLabel", `${this.label}: code. ${ESCAPE_HINT}.`);
    this.editor.setOption("viewportMargin", Infinity);
    this.editor.setOption("indentUnit", 4);
    this.editor.setOption("extraKeys", {
      ...this.editor.getOption("extraKeys"),
      "Shift-Enter": () => actions.run(this),
      "Ctrl-Enter": () => actions.run(this),
      Tab: indent,
      "Shift-Tab": "indentLess",
      Esc: () => this.element.querySelector(".tt-cell-run").focus(),
    });
    this.editor.on("change", () => this.#edited(actions));
    this.element.classList.add("tt-is-live");
  }

  #edited(actions) {
    this.source = this.editor.getValue();
    const stored = store.keep("edits", this.key, this.isEdited ? this.source : undefined);
    if (!stored) actions.failed("This browser does not store your edits: export them before you leave.");
    this.#showWhetherEdited();
  }

  #showWhetherEdited() {
    this.element.classList.toggle("tt-is-edited", this.isEdited);
    this.element.querySelector(".tt-cell-reset").hidden = !this.isEdited;
  }

  /**
   * Run the cell; its new output replaces the old one.
   * @param {import("./kernels.js").Connection} connection
   * @returns {Promise<"ok" | "error">}
   */
  async run(connection) {
    this.state = "running";
    this.ran = this.source;
    this.element.querySelector(".cell_output:not(.tt-output)")?.remove();
    const future = connection.kernel.requestExecute({ code: this.ran });
    this.area.future = future;
    future.done.catch(() => {});
    try {
      const reply = await Promise.race([future.done, connection.gone]);
      this.state = reply.content.status === "ok" ? "done" : "failed";
      return reply.content.status;
    } catch (stopped) {
      this.state = "waiting";
      throw stopped;
    }
  }

  /** Add a line of our own to the cell's output. */
  say(text) {
    this.area.model.add({ output_type: "stream", name: "stderr", text: `${text}\n` });
  }
}

/**
 * Find the cells of the page and give each a key under which its edit is stored: the step of an
 * exercise, which outlives a change of the text around it, or a digest of the published source.
 * @returns {Cell[]}
 */
export function findCells() {
  const elements = [...document.querySelectorAll("div.cell")].filter((element) => element.querySelector(".cell_input pre"));
  const cells = elements.map((element, index) => new Cell(element, index + 1));
  const seen = new Map();
  for (const cell of cells) {
    const name = cell.step ? `step:${cell.step}` : `source:${shortDigest(cell.published)}`;
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    cell.key = count === 1 ? name : `${name}:${count}`;
  }
  return cells;
}

/** @returns {string} the code of a published cell, without line numbers or prompts */
function sourceOf(pre) {
  const copy = pre.cloneNode(true);
  for (const extra of copy.querySelectorAll(".linenos, .gp, button")) extra.remove();
  return copy.textContent.trim();
}

function makeBar(cell) {
  const bar = document.createElement("div");
  bar.className = "tt-cell-bar";
  bar.innerHTML = `
    <button type="button" class="tt-cell-run" data-action="run">Run</button>
    <button type="button" class="tt-cell-above" data-action="above">Run all above</button>
    <button type="button" class="tt-cell-reset" data-action="reset" hidden>Reset to published</button>
    <span class="tt-cell-state" aria-hidden="true"></span>`;
  for (const button of bar.querySelectorAll("button")) name(button, button.textContent, cell);
  return bar;
}

function name(button, text, cell) {
  button.textContent = text;
  button.setAttribute("aria-label", `${text}: ${cell.label}`);
}

function indent(editor) {
  if (editor.somethingSelected()) editor.execCommand("indentMore");
  else editor.execCommand("insertSoftTab");
}

/** FNV-1a, 32 bits: names a source; it protects nothing. */
function shortDigest(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
