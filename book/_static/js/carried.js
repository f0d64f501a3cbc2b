// "Use my code of earlier chapters": the cells that passed there, brought into this page's kernel.

import { earlierModules, passedCode } from "./course.js";
import * as store from "./store.js";

const CHOICE = "carried";
const RECEIPTS = "receipts"; // the kernel's, for code that it has checked: no need to check it again

export class Carried {
  /**
   * @param {import("./panel.js").Panel} panel
   * @param {() => void} switched  told when the reader switches it on or off
   */
  constructor(panel, switched) {
    panel.element.querySelector(".tt-live-state").insertAdjacentHTML("afterend", MARKUP);
    this.box = panel.element.querySelector("#tt-carried");
    this.result = panel.element.querySelector("#tt-carried-result");
    this.panel = panel;
    this.isBrought = false;
    this.isBringing = false;
    this.box.checked = store.recall(CHOICE) === "on";
    this.box.addEventListener("change", () => {
      this.#remember();
      switched();
    });
    this.offer();
  }

  /** Offer it where code of earlier chapters has passed in this browser. */
  offer() {
    this.code = passedCode(earlierModules());
    this.box.closest(".tt-carried-row").hidden = Object.keys(this.code).length === 0;
  }

  /** Whether the kernel has still to be given the code. */
  get isDue() {
    return this.box.checked && Object.keys(this.code).length > 0 && !this.isBrought;
  }

  /**
   * Let a kernel that has not got the code check it and run on what passes.
   * @param {import("./kernels.js").Connection} connection
   */
  async bring(connection) {
    if (!this.isDue) return;
    this.panel.say("Your code of earlier chapters is checked ...");
    this.isBringing = true;
    try {
      const given = [this.code, knownReceipts()].map((one) => JSON.stringify(one)).join(", ");
      this.#show(await connection.ask(`from tinytorch.course import carry_over\ncarry_over(${given});`));
      this.isBrought = true;
    } finally {
      this.isBringing = false;
    }
  }

  /** Go on without it. */
  turnOff() {
    this.box.checked = false;
    this.#remember();
  }

  /** The kernel is gone, and the code with it. */
  forget() {
    this.isBrought = false;
    this.result.hidden = true;
  }

  #show({ html, error }) {
    const [summary, table] = this.result.children;
    table.innerHTML = html; // of the kernel, as a cell's output is
    const headline = table.querySelector(".tt-headline");
    headline?.remove();
    keepReceipts(table.querySelector("[data-receipts]")?.dataset.receipts);
    summary.textContent = headline?.textContent ?? `Your code of earlier chapters is not used. ${error}`;
    this.result.hidden = false;
    this.panel.say(headline ? "Ready. Your code of earlier chapters was checked." : summary.textContent);
  }

  #remember() {
    store.remember(CHOICE, this.box.checked ? "on" : "off");
  }
}

/** @returns {Record<string, string>} a receipt for every step whose code a kernel has checked */
function knownReceipts() {
  try {
    return JSON.parse(store.recall(RECEIPTS)) ?? {};
  } catch {
    return {}; // not ours: all is checked
  }
}

function keepReceipts(found) {
  if (found) store.remember(RECEIPTS, JSON.stringify({ ...knownReceipts(), ...JSON.parse(found) }));
}

const MARKUP = `
  <div class="tt-carried-row" hidden>
    <label><input type="checkbox" id="tt-carried"> Use my code of earlier chapters</label>
    <details id="tt-carried-result" hidden><summary></summary><div tabindex="0" role="region" aria-label="Whose code each step runs"></div></details>
  </div>`;
