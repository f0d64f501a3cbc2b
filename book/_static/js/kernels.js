// The three places where cells can run. Each connects through Thebe and hands back a Connection.

import { LIVE } from "./settings.js";
import { fetchManifest, loadThebeLite, warmUp } from "./loading.js";

export const KERNELS = {
  browser: {
    name: "This browser",
    note: "Python runs inside this page; nothing leaves your machine.",
    isOffered: (settings) => settings.browser,
    connect: connectToBrowser,
  },
  local: {
    name: "Local server",
    note: "Python runs in the Jupyter server that was started beside this book.",
    isOffered: (settings) => settings.local !== null,
    connect: connectToLocalServer,
  },
  binder: {
    name: "Binder",
    note: "Python runs on a public server, which can take some minutes to start.",
    isOffered: (settings) => settings.binder !== null,
    connect: connectToBinder,
  },
};

/** A running kernel: what the cells need of it, and how to tell when it is gone. */
export class Connection {
  /**
   * @param {object} server  Thebe's server
   * @param {object} session  Thebe's session
   * @param {() => Promise<object>} renew  starts another session on the same server
   * @param {boolean} canInterrupt  whether running code can be stopped without losing its state
   */
  constructor(server, session, renew, canInterrupt) {
    Object.assign(this, { server, session, renew, canInterrupt });
    /** @type {(reason: string) => void} called when the kernel dies by itself */
    this.onDeath = () => {};
    /** @type {() => void} called when the kernel has lost its state but runs again */
    this.onRestart = () => {};
    this.#watch();
    addEventListener("pagehide", () => this.#leave());
  }

  get kernel() {
    return this.session.kernel;
  }

  /**
   * Run code of the page's own, outside of the cells.
   * @returns {Promise<{html: string, error: string}>} what it displayed, or why it failed
   */
  async ask(code) {
    const future = this.kernel.requestExecute({ code, store_history: false, allow_stdin: false });
    let html = "";
    future.onIOPub = ({ content }) => {
      html += content.data?.["text/html"] ?? "";
    };
    future.done.catch(() => {});
    const { content } = await Promise.race([future.done, this.gone]);
    const name = /[\w.]+(?='>$)|$/.exec(content.ename)[0] || content.ename; // Pyodide's is <class 'Name'>
    return { html, error: content.status === "ok" ? "" : `${name}: ${content.evalue}` };
  }

  /** Stop what runs. Resolves to true when the kernel kept its state. */
  async interrupt() {
    if (this.canInterrupt) await this.kernel.interrupt();
    else await this.restart();
    return this.canInterrupt;
  }

  /** Begin again with an empty kernel. */
  async restart() {
    this.#abandon();
    const old = this.session;
    await Promise.race([old.shutdown().catch(() => {}), after(2000)]);
    this.session = await this.renew();
    this.#watch();
  }

  /** Give the kernel up. */
  close() {
    this.#abandon();
    this.session.shutdown().catch(() => {});
  }

  /** Rejects when the kernel is stopped, restarted or dies, so that nothing waits for ever. */
  get gone() {
    return this.lost.promise;
  }

  /** Leave no kernel behind on a server when the page goes away. */
  #leave() {
    if (!this.canInterrupt || this.session.kernel.isDisposed) return;
    const { baseUrl, token } = this.server.settings;
    const headers = { Authorization: `token ${token}` };
    fetch(`${baseUrl}api/sessions/${this.session.id}`, { method: "DELETE", keepalive: true, headers });
  }

  #abandon() {
    this.lost.reject(new Stopped());
  }

  #watch() {
    const session = this.session;
    const lost = deferred();
    this.lost = lost;
    const isCurrent = () => this.lost === lost && !lost.settled;
    const die = (reason) => {
      if (!isCurrent()) return;
      lost.reject(new Stopped());
      this.onDeath(reason);
    };
    session.kernel.statusChanged.connect((_, status) => {
      if (status === "dead") die("The kernel died.");
      if (status === "autorestarting" && isCurrent()) {
        lost.reject(new Stopped());
        this.#watch();
        this.onRestart();
      }
    });
    session.kernel.connectionStatusChanged.connect((_, status) => {
      if (status === "disconnected") die("The connection to the kernel was lost.");
    });
    session.failure?.catch(() => die("Python crashed in this page."));
  }
}

/** Why a cell's run ended without a reply. */
export class Stopped extends Error {}

async function connectToBrowser(settings, rendermime, report) {
  const manifest = await fetchManifest();
  await warmUp(manifest, report);
  await loadThebeLite();
  const server = newServer({}, report);
  report("Starting Python in this page ...");
  await withoutServiceWorker(() => server.connectToJupyterLiteServer(liteConfiguration(manifest)));
  const renew = () => watchingWorker(() => startSession(server, rendermime, "python"));
  return new Connection(server, await renew(), renew, false);
}

async function connectToLocalServer(settings, rendermime, report) {
  report("Connecting to the local Jupyter server ...");
  const server = newServer({ serverSettings: { ...settings.local, appendToken: true } }, report);
  server.connectToJupyterServer();
  await server.ready;
  const renew = () => startSession(server, rendermime, "python3");
  return new Connection(server, await renew(), renew, true);
}

async function connectToBinder(settings, rendermime, report, log) {
  report("Asking Binder for a server; the first time this can take some minutes ...");
  const binderOptions = { repoProvider: "github", ...settings.binder };
  const server = newServer({ binderOptions, savedSessionOptions: { enabled: false } }, (said) => {
    const [, phase, line] = /^Binder is: (\w*) - (.*)$/s.exec(said);
    if (phase) report(`Binder: ${phase}`);
    log(line);
  });
  server.connectToServerViaBinder();
  await server.ready;
  const renew = () => startSession(server, rendermime, "python3");
  return new Connection(server, await renew(), renew, true);
}

function newServer(options, report) {
  const { makeConfiguration, makeEvents, makeServer } = globalThis.thebeCore.api;
  const events = makeEvents();
  events.on("status", (_, { subject, message }) => {
    if (subject === "server" && message.startsWith("Binder is:")) report(message);
  });
  return makeServer(makeConfiguration(options, events));
}

async function startSession(server, rendermime, kernelName) {
  const path = `/tinytorch-${crypto.randomUUID().slice(0, 8)}.ipynb`;
  const session = await server.startNewSession(rendermime, { kernelName, path });
  await session.kernel.info;
  return session;
}

function liteConfiguration(manifest) {
  const pypi = new URL("pyodide/", LIVE);
  return {
    litePluginSettings: {
      "@jupyterlite/pyodide-kernel-extension:kernel": {
        pyodideUrl: new URL("pyodide.js", pypi).href,
        disablePyPIFallback: true,
        loadPyodideOptions: {
          packages: manifest.packages,
          lockFileURL: new URL(`pyodide-lock.json?${manifest.lock}`, pypi).href,
        },
      },
    },
  };
}

/** JupyterLite would register a service worker for a file drive that the course does not use. */
async function withoutServiceWorker(start) {
  Object.defineProperty(navigator, "serviceWorker", { value: undefined, configurable: true });
  try {
    await start();
  } finally {
    delete navigator.serviceWorker;
  }
}

/**
 * Start a session in a worker and watch the worker: what goes wrong in it shows only as an error
 * of the worker or, while it starts, as a rejection that nobody handles.
 */
async function watchingWorker(start) {
  const failure = deferred();
  const fail = (event) => {
    event.preventDefault();
    failure.reject(event.reason ?? new Error(event.message));
  };
  const Original = globalThis.Worker;
  globalThis.Worker = class extends Original {
    constructor(...args) {
      super(...args);
      this.addEventListener("error", fail);
    }
  };
  addEventListener("unhandledrejection", fail);
  try {
    const session = await Promise.race([start(), failure.promise]);
    session.failure = failure.promise;
    return session;
  } finally {
    removeEventListener("unhandledrejection", fail);
    globalThis.Worker = Original;
  }
}

function deferred() {
  const result = { settled: false };
  result.promise = new Promise((_, reject) => {
    result.reject = (reason) => {
      result.settled = true;
      reject(reason);
    };
  });
  result.promise.catch(() => {});
  return result;
}

function after(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
