// Live cells: one button makes the page run, in one of three kernels.
//
// Stable hooks, for styles and tests
//   #tt-live                    the panel; data-state: idle, starting, ready, busy, failed;
//                               data-kernel: browser, local, binder
//   #tt-live-start              the button          #tt-live-kernel   the choice of kernel
//   #tt-live-run-all            #tt-live-stop       #tt-live-restart
//   #tt-live-status             the status line (aria-live)
//   #tt-live-steps              how many steps of the page pass on the learner's code
//   #tt-live-problem            what went wrong (role=alert), with one button for each way out
//   #tt-carried                 "Use my code of earlier chapters"; #tt-carried-result whose code runs
//   .tt-live-more               the menu: keys, #tt-work-export, #tt-work-journal, #tt-work-import
//                               (a file input) and #tt-library
//   #tt-gate                    on a chapter: what it stands on is not passed yet
//   #tt-resume                  on the landing page: where to go on
//   .tt-mark-done               in the sidebar: how many steps of the chapter pass
//   div.cell[data-cell=N]       a cell, counted from 1; data-state: waiting, running, done, failed;
//                               .tt-is-edited when it differs from the published source;
//                               data-step on an exercise
//     .CodeMirror               its editor          .tt-output        its new output
//     .tt-cell-run  .tt-cell-above  .tt-cell-reset  its buttons; the first stops a running cell
//   window.tinytorchLive        settings that win over the page's own (see settings.js)

import { Carried } from "./carried.js";
import { findCells } from "./cells.js";
import { restoreAnswers } from "./engagement.js";
import { showGate } from "./gate.js";
import { KERNELS, Stopped } from "./kernels.js";
import { addLibrary } from "./library.js";
import { loadThebe } from "./loading.js";
import { Panel } from "./panel.js";
import { recordResults, showMarks, showProgress } from "./progress.js";
import { showResume } from "./resume.js";
import { readSettings } from "./settings.js";
import { storage } from "./store.js";
import { addWorkMenu } from "./work.js";

const CHOICE = "tinytorch:kernel";

class Launcher {
  constructor(cells, settings) {
    this.cells = cells;
    this.settings = settings;
    this.connection = null;
    this.rendermime = null;
    this.notebook = null;
    this.queue = Promise.resolve(); // the runs asked for, one after the other
    this.change = Promise.resolve(); // the start, stop or restart under way
    this.attempt = 0;
    const offered = Object.entries(KERNELS).filter(([, kernel]) => kernel.isOffered(settings));
    this.kernels = Object.fromEntries(offered);
    this.panel = new Panel(this.kernels, this.#firstChoice(), {
      start: () => this.start(),
      choose: (kind) => this.choose(kind),
      runAll: () => this.runTo(this.cells.at(-1)),
      stop: () => this.stop(),
      restart: () => this.restart(),
    });
    this.carried = new Carried(this.panel, () => this.panel.isLive && this.restart());
  }

  #firstChoice() {
    const kept = storage.getItem(CHOICE);
    return kept in this.kernels ? kept : Object.keys(this.kernels)[0];
  }

  /** Show the panel under the title, and what the learner wrote here before. */
  mount() {
    document.querySelector("article h1").after(this.panel.element);
    for (const cell of this.cells) {
      cell.restore();
      cell.element.addEventListener("click", (event) => this.#act(cell, event.target));
    }
    this.panel.progress = showProgress(this.cells);
    addWorkMenu(this.panel, () => this.#refresh());
    addLibrary(this.panel, (code) => this.ask(code));
  }

  /** Show work that came in from a file; what runs goes on running. */
  #refresh() {
    for (const cell of this.cells) cell.restore();
    this.panel.progress = showProgress(this.cells);
    this.carried.offer();
    showWhereTheLearnerIs();
  }

  #act(cell, target) {
    const action = target.closest("button[data-action]")?.dataset.action;
    if (action === "run" && cell.canStop) this.stop();
    else if (action === "run" && cell.state !== "running") this.runTo(cell);
    if (action === "above") this.runTo(this.cells[cell.number - 2]);
    if (action === "reset") {
      cell.reset();
      this.panel.say(`${cell.label} is as published again.`);
    }
  }

  /** Make the cells editable and connect the chosen kernel. */
  start() {
    this.change = this.#start();
    return this.change;
  }

  async #start() {
    const attempt = (this.attempt += 1);
    const kind = this.panel.kernel;
    this.panel.clearProblem();
    this.panel.clearLog();
    this.panel.state = "starting";
    this.panel.say(`Starting: ${this.kernels[kind].name}.`);
    try {
      await this.#makeEditable();
      const report = (text, fraction) => attempt === this.attempt && this.panel.report(text, fraction);
      const log = (line) => attempt === this.attempt && this.panel.log(line);
      const connection = await this.kernels[kind].connect(this.settings, this.rendermime, report, log);
      if (attempt !== this.attempt) return connection.close();
      this.#attach(connection);
      this.panel.state = "ready";
      this.panel.say(`Ready. The cells run in: ${this.kernels[kind].name}.`);
      this.#bringEarlierCode();
    } catch (reason) {
      if (attempt === this.attempt) this.#failedToStart(kind, reason);
    }
  }

  async #makeEditable() {
    if (this.notebook) return;
    await loadThebe();
    const { api } = globalThis.thebeCore;
    const configuration = api.makeConfiguration({ mathjaxUrl: "" });
    this.rendermime = api.makeRenderMimeRegistry(configuration.mathjax);
    this.notebook = api.setupNotebookFromBlocks(
      this.cells.map(({ id, source }) => ({ id, source })),
      configuration,
      this.rendermime,
    );
    const items = this.cells.map((cell) => ({ id: cell.id, placeholders: placeholders(cell) }));
    globalThis.thebe.renderAllCells(EDITOR_OPTIONS, this.notebook, items);
    for (const cell of this.cells) {
      cell.makeLive(this.notebook.getCellById(cell.id), {
        run: (which) => this.runTo(which),
        failed: (message) => this.panel.say(message),
      });
    }
    document.body.classList.add("tt-page-is-live");
  }

  #attach(connection) {
    this.connection = connection;
    connection.onDeath = (reason) => this.#died(reason);
    connection.onRestart = () => {
      this.#forgetRuns("The kernel restarted by itself; its variables are gone.");
      this.#bringEarlierCode();
    };
    this.notebook.attachSession(connection.session);
  }

  /** Choose another kernel; when the page is live, move to it. */
  choose(kind) {
    storage.setItem(CHOICE, kind);
    this.panel.kernel = kind;
    if (this.panel.state === "idle") return;
    this.attempt += 1;
    this.connection?.close();
    this.connection = null;
    this.#forgetRuns();
    this.start();
  }

  /** Run a cell, and before it every cell above that has not run yet. */
  runTo(cell) {
    if (!cell) return undefined;
    return this.#enqueue(async (connection) => {
      await this.carried.bring(connection);
      if (this.interrupted) return;
      await this.#runAll(connection, [...this.cells.slice(0, cell.number - 1).filter(hasNotRun), cell]);
    });
  }

  /** Run code of the page's own when its turn comes. */
  async ask(code) {
    let answer;
    await this.#enqueue(async (connection) => {
      answer = await connection.ask(code);
    });
    return answer;
  }

  /** Let a kernel that is new begin with the learner's code of earlier chapters. */
  #bringEarlierCode() {
    if (this.carried.isDue) this.#enqueue((connection) => this.carried.bring(connection));
  }

  /**
   * Let the kernel do something after all that was asked of it before.
   * @param {(connection: object) => Promise<void>} work
   */
  #enqueue(work) {
    const turn = async () => {
      await this.change;
      const { connection } = this;
      if (!connection) return;
      this.panel.state = "busy";
      this.interrupted = false;
      try {
        await work(connection);
      } catch (reason) {
        if (!(reason instanceof Stopped)) this.#died(String(reason));
      } finally {
        if (this.panel.state === "busy") this.panel.state = "ready";
      }
    };
    this.queue = this.queue.then(turn);
    return this.queue;
  }

  async #runAll(connection, cells) {
    for (const cell of cells) {
      this.panel.say(`${cell.label} runs ...`);
      const status = await cell.run(connection);
      restoreAnswers(cell.element);
      const result = recordResults(cell);
      this.panel.progress = showProgress(this.cells);
      showMarks();
      if (this.interrupted) return;
      if (status !== "ok" && !cell.mayFail) {
        this.panel.say(`${cell.label} stopped with an error.`);
        return;
      }
      this.panel.say(result ? `${cell.label}: ${result}` : `${cell.label} has run.`);
    }
  }

  /** Interrupt what runs; begin anew where that is the learner's earlier code. */
  stop() {
    if (this.carried.isBringing) {
      this.carried.turnOff();
      return this.restart();
    }
    const running = this.cells.find(isRunning);
    this.interrupted = true;
    return this.#changeKernel("Stopping ...", async (connection) => {
      if (await connection.interrupt()) return "Stopped. Variables are kept.";
      const text = "Stopped. Python began anew, so the cells above run again at the next run.";
      running?.say(text);
      this.#forgetRuns();
      return text;
    });
  }

  /** Begin again with an empty kernel. */
  restart() {
    return this.#changeKernel("Restarting ...", async (connection) => {
      await connection.restart();
      this.#forgetRuns();
      return "Restarted. Every cell counts as not run.";
    });
  }

  /**
   * Do something to the kernel; runs wait until it is done.
   * @param {string} text  said meanwhile
   * @param {(connection: object) => Promise<string>} action  resolves to what is said in the end
   */
  #changeKernel(text, action) {
    const { connection } = this;
    if (!connection) return this.change;
    const change = async () => {
      this.panel.say(text);
      this.panel.state = "starting";
      try {
        const said = await action(connection);
        if (connection !== this.connection) return;
        this.notebook.attachSession(connection.session);
        this.panel.state = this.cells.some(isRunning) ? "busy" : "ready";
        this.panel.say(said);
        this.#bringEarlierCode();
      } catch (reason) {
        if (connection === this.connection) this.#died(messageOf(reason));
      }
    };
    this.change = this.change.then(change);
    return this.change;
  }

  #forgetRuns(text) {
    for (const cell of this.cells) cell.state = "waiting";
    this.carried.forget();
    if (text) this.panel.say(text);
  }

  #failedToStart(kind, reason) {
    this.#showFailure(`${this.kernels[kind].name} did not start. ${messageOf(reason)}`);
  }

  #died(reason) {
    this.connection?.close();
    this.connection = null;
    this.#forgetRuns();
    this.#showFailure(`${reason} Variables are gone; your edits are kept.`);
  }

  #showFailure(text) {
    this.panel.state = "failed";
    this.panel.say("");
    const others = Object.entries(this.kernels).filter(([kind]) => kind !== this.panel.kernel);
    this.panel.showProblem(text, [
      { label: "Try again", act: () => this.start() },
      ...others.map(([kind, { name }]) => ({ label: `Use instead: ${name}`, act: () => this.choose(kind) })),
    ]);
  }
}

const EDITOR_OPTIONS = {
  mountRunButton: false,
  mountRunAllButton: false,
  mountRestartButton: false,
  mountRestartAllButton: false,
  codeMirrorConfig: { theme: "tinytorch", lineNumbers: false, lineWrapping: true },
};

/** Thebe puts an editor in place of the source, and new output into a place of its own. */
function placeholders(cell) {
  for (const button of cell.element.querySelectorAll(".copybtn")) button.remove();
  const output = document.createElement("div");
  output.className = "cell_output tt-output docutils container";
  cell.element.append(output);
  cell.pre.textContent = cell.source;
  return { source: cell.pre, output };
}

function hasNotRun(cell) {
  return cell.state === "waiting";
}

function isRunning(cell) {
  return cell.state === "running";
}

function messageOf(reason) {
  return String(reason?.message ?? reason);
}

/** What the page says of work that is kept in this browser. */
function showWhereTheLearnerIs() {
  restoreAnswers(document);
  showMarks();
  showGate();
  showResume();
}

const settings = readSettings();
const cells = findCells();
if (cells.length > 0 && settings.browser) new Launcher(cells, settings).mount();
showWhereTheLearnerIs();
