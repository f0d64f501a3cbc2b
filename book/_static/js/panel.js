// The panel at the head of a chapter: the one button, the choice of kernel, status and problems.

/**
 * @typedef {object} Actions
 * @property {() => void} start
 * @property {(kind: string) => void} choose
 * @property {() => void} runAll
 * @property {() => void} stop
 * @property {() => void} restart
 */

export class Panel {
  /**
   * @param {Record<string, {name: string, note: string}>} kernels  the ones on offer, best first
   * @param {string} chosen
   * @param {Actions} actions
   */
  constructor(kernels, chosen, actions) {
    this.kernels = kernels;
    this.element = document.createElement("section");
    this.element.id = "tt-live";
    this.element.className = "tt-live";
    this.element.setAttribute("aria-label", "Live cells");
    this.element.innerHTML = MARKUP;
    this.#offerKernels(chosen);
    this.#listen(actions);
    this.state = "idle";
    this.kernel = chosen;
  }

  /** @param {"idle" | "starting" | "ready" | "busy" | "failed"} state */
  set state(state) {
    this.element.dataset.state = state;
    this.#find("#tt-live-stop").disabled = state !== "busy";
    this.#find("#tt-live-start").setAttribute("aria-disabled", String(state === "starting"));
    if (state !== "starting") this.report("");
    if (state === "ready" && document.activeElement === this.#find("#tt-live-start")) {
      this.#find("#tt-live-run-all").focus();
    }
  }

  get state() {
    return this.element.dataset.state;
  }

  /** Whether a kernel runs the cells. */
  get isLive() {
    return this.state === "ready" || this.state === "busy";
  }

  set kernel(kind) {
    this.element.dataset.kernel = kind;
    this.#find("#tt-live-kernel").value = kind;
    this.#find(".tt-live-note").textContent = this.kernels[kind].note;
  }

  get kernel() {
    return this.element.dataset.kernel;
  }

  set progress(text) {
    this.#find("#tt-live-steps").textContent = text;
  }

  /** Say something in the status line, which screen readers read out. */
  say(text) {
    this.#find("#tt-live-status").textContent = text;
  }

  /** Fold the menu, which lies over the status line. */
  closeMenu() {
    this.#find(".tt-live-more").open = false;
    this.#find(".tt-live-more summary").focus();
  }

  /** Show how far the start is; the bar is for the eye, so the ear is not flooded. */
  report(text, fraction) {
    this.#find(".tt-live-progress-text").textContent = text;
    const bar = this.#find("progress");
    bar.hidden = fraction === undefined;
    if (fraction !== undefined) bar.value = fraction;
  }

  /**
   * Show what went wrong and the ways out.
   * @param {string} text
   * @param {{label: string, act: () => void}[]} ways
   */
  showProblem(text, ways) {
    const box = this.#find("#tt-live-problem");
    const message = document.createElement("p");
    message.textContent = text;
    const buttons = ways.map(({ label, act }) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.addEventListener("click", act);
      return button;
    });
    box.replaceChildren(message, ...buttons);
    box.hidden = false;
    this.#find("#tt-live-log").open = true;
  }

  /** Keep a line of what a server says while it is being built. */
  log(line) {
    this.#find("#tt-live-log").hidden = false;
    this.#find("#tt-live-log pre").append(line);
  }

  clearLog() {
    this.#find("#tt-live-log").hidden = true;
    this.#find("#tt-live-log pre").replaceChildren();
  }

  clearProblem() {
    this.#find("#tt-live-problem").hidden = true;
    this.#find("#tt-live-problem").replaceChildren();
  }

  #find(selector) {
    return this.element.querySelector(selector);
  }

  #offerKernels(chosen) {
    const choice = this.#find("#tt-live-kernel");
    for (const [kind, { name }] of Object.entries(this.kernels)) {
      choice.add(new Option(name, kind, false, kind === chosen));
    }
  }

  #listen(actions) {
    this.#find("#tt-live-start").addEventListener("click", () => {
      if (this.state !== "starting") actions.start();
    });
    this.#find("#tt-live-run-all").addEventListener("click", actions.runAll);
    this.#find("#tt-live-stop").addEventListener("click", actions.stop);
    this.#find("#tt-live-restart").addEventListener("click", actions.restart);
    this.#find("#tt-live-kernel").addEventListener("change", (event) => actions.choose(event.target.value));
  }
}

const MARKUP = `
  <div class="tt-live-controls">
    <button type="button" id="tt-live-start">Make this page live</button>
    <button type="button" id="tt-live-run-all">Run all</button>
    <button type="button" id="tt-live-stop" disabled>Stop</button>
    <button type="button" id="tt-live-restart">Restart</button>
    <label>Runs in <select id="tt-live-kernel"></select></label>
    <details class="tt-live-more"><summary>Keys and your work</summary><div class="tt-live-menu">
      <p><kbd>Shift</kbd>+<kbd>Enter</kbd> runs a cell, and first the cells above that have not run.</p>
      <p><kbd>Tab</kbd> indents; <kbd>Esc</kbd> leaves the editor, so that <kbd>Tab</kbd> moves on.</p>
      <p><kbd>Ctrl</kbd>+<kbd>Space</kbd> completes a name.</p>
    </div></details>
  </div>
  <p class="tt-live-progress"><span class="tt-live-progress-text"></span> <progress max="1" hidden></progress></p>
  <div class="tt-live-state">
    <p class="tt-live-note"></p>
    <p id="tt-live-status" role="status" aria-live="polite"></p>
    <p id="tt-live-steps"></p>
  </div>
  <div id="tt-live-problem" class="tt-live-problem" role="alert" hidden></div>
  <details id="tt-live-log" class="tt-live-log" hidden>
    <summary>What the server says</summary><pre tabindex="0"></pre>
  </details>`;
