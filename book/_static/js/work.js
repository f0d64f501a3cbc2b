// "Your work": take edits, progress and journal away as one file, and bring them back.

import { download } from "./download.js";
import { journal } from "./engagement.js";
import * as store from "./store.js";

/**
 * @param {import("./panel.js").Panel} panel
 * @param {() => void} refresh  shows on the page what was imported
 */
export function addWorkMenu(panel, refresh) {
  const menu = panel.element.querySelector(".tt-live-menu");
  menu.insertAdjacentHTML("beforeend", MARKUP);
  menu.querySelector("#tt-work-export").addEventListener("click", () => {
    download("tinytorch-work.json", store.exported());
    panel.closeMenu();
    panel.say("Your work was saved as tinytorch-work.json.");
  });
  menu.querySelector("#tt-work-journal").addEventListener("click", () => {
    download("tinytorch-journal.md", journal());
    panel.closeMenu();
    panel.say("Your journal was saved as tinytorch-journal.md.");
  });
  menu.querySelector("#tt-work-import").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    panel.closeMenu();
    try {
      const held = store.imported(await readSmall(file));
      panel.clearProblem();
      refresh();
      panel.say(`Brought in: ${counted(held.pages, "page")}, ${counted(held.steps, "passed step")}, ${counted(held.answers, "answer")}.`);
    } catch (reason) {
      panel.showProblem(`Nothing was imported. ${reason.message}`, [
        { label: "Dismiss", act: () => panel.clearProblem() },
      ]);
    }
  });
}

const MARKUP = `
  <p>Edits, passed steps and journal stay in this browser, on this machine: no account, no tracking.</p>
  <button type="button" id="tt-work-export">Save all of it as a file</button>
  <button type="button" id="tt-work-journal">Save the journal to read</button>
  <p>On your own machine the file goes on: <code>tinytorch start --from FILE</code></p>
  <p>Bring in only what you trust: its code runs when you run the cells or use it in later chapters.</p>
  <label>Bring in a saved file <input type="file" id="tt-work-import" accept="application/json,.json"></label>`;

async function readSmall(file) {
  if (file.size > store.LARGEST_FILE) throw new Error("The file is larger than 2 MB, so it is not one of ours.");
  return file.text();
}

function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
