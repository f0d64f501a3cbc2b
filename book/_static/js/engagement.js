// The learner's journal: answers to questions are kept as they are given, and a question with one
// right answer says at once whether it was found.

import * as store from "./store.js";

const QUESTION = "[data-question]";
const FIELD = "[data-field]";

/** Put the kept answers back into the questions below root. */
export function restoreAnswers(root) {
  const { answers } = store.load();
  for (const question of root.querySelectorAll(QUESTION)) {
    const kept = answers[question.dataset.question] ?? {};
    for (const field of question.querySelectorAll(FIELD)) restoreField(field, kept[field.dataset.field]);
    if (kept.choice !== undefined) judge(question, kept.choice);
  }
}

function restoreField(field, value) {
  if (value === undefined) return;
  if (field.type === "radio") field.checked = field.value === value;
  else field.value = value;
}

function keepAnswer(event) {
  const question = event.target.closest?.(QUESTION);
  if (!question || !event.target.matches(FIELD)) return;
  const id = question.dataset.question;
  const { field } = event.target.dataset;
  const asked = question.querySelector(".tt-asked")?.textContent.trim() ?? id;
  const kind = /\btt-(reflect|predict|analyze)\b/.exec(question.className)?.[1] ?? "";
  const answer = { ...store.load().answers[id], [field]: event.target.value, asked, kind };
  store.keep("answers", id, { ...answer, at: new Date().toISOString() });
  if (field === "choice" && event.type === "change") judge(question, event.target.value);
}

/** Say whether a closed question's choice is right; an open question has no data-answer. */
function judge(question, choice) {
  const { answer, within } = question.dataset;
  if (answer === undefined || choice === "") return;
  let verdict = question.querySelector(".tt-verdict");
  if (!verdict) {
    verdict = document.createElement("p");
    verdict.className = "tt-verdict";
    verdict.setAttribute("role", "status");
    question.querySelector("details").before(verdict);
  }
  verdict.textContent = isRight(choice, answer, Number(within)) ? "Right." : "Not so: think again, or open the answer.";
}

function isRight(choice, answer, within) {
  if (choice === answer) return true;
  const error = Math.abs(Number(choice) - Number(answer));
  return error <= within; // false for what is not a number
}

/** @returns {string} every answer on this site, page by page, as Markdown */
export function journal() {
  const pages = Object.entries(store.everything()).filter(([, { answers }]) => Object.keys(answers).length > 0);
  const entries = ([page, { answers }]) => [`## ${page}`, ...Object.values(answers).map(entry)];
  return ["# My journal", ...pages.flatMap(entries)].join("\n\n") + "\n";
}

function entry({ asked = "", text, choice, rating, at = "" }) {
  const lines = [`**${asked}**`, text ?? choice ?? ""];
  if (rating) lines.push(`Compared with the considered answer: ${rating}.`);
  return [...lines, `(${at.slice(0, 10)})`].join("\n\n");
}

document.addEventListener("input", keepAnswer);
document.addEventListener("change", keepAnswer);
