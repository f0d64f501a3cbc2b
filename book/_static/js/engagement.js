// The learner's journal: answers to questions are kept as they are typed or chosen.

import * as store from "./store.js";

const QUESTION = "[data-question]";

/** Put the kept answers back into the questions below root. */
export function restoreAnswers(root) {
  const { answers } = store.load();
  for (const question of root.querySelectorAll(QUESTION)) {
    const kept = answers[question.dataset.question];
    if (!kept) continue;
    for (const field of question.querySelectorAll("textarea, input")) restoreField(field, kept);
  }
}

function restoreField(field, kept) {
  const value = kept[nameOf(field)];
  if (value === undefined) return;
  if (field.type === "radio") field.checked = field.value === value;
  else field.value = value;
}

function nameOf(field) {
  return field.dataset.field ?? (field.type === "radio" ? "rating" : "text");
}

function keepAnswer(event) {
  const question = event.target.closest?.(QUESTION);
  if (!question || !event.target.matches("textarea, input")) return;
  const id = question.dataset.question;
  const answer = { ...store.load().answers[id], [nameOf(event.target)]: event.target.value };
  store.keep("answers", id, { ...answer, at: new Date().toISOString() });
}

document.addEventListener("input", keepAnswer);
document.addEventListener("change", keepAnswer);
