"""A question with one right answer: a choice, or a number within an error."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from tinytorch.course import journal
from tinytorch.course.engagement.question import (
    Choice,
    disclosure,
    is_right,
    number_box,
    own_answer,
    radio_group,
    require_choice,
    section,
    spoken,
)
from tinytorch.course.present import Shown, markdown, tag, wrapped


@dataclass(frozen=True, kw_only=True)
class ClosedQuestion:
    """What is asked, what is right, and why."""

    kind: str
    id: str
    question: str
    answer: Choice
    because: str
    choices: tuple[Choice, ...] = ()
    within: float = 0.0
    unit: str = ""
    evidence: Shown | None = None

    def __post_init__(self) -> None:
        require_choice(self.id, self.answer, self.choices)

    def shown(self, guess: Choice | None) -> Shown:
        """Return the question with a place for the answer, or with a verdict on it."""
        form, lines = self._ask() if guess is None else self._judge(guess)
        seen = tag("div", self.evidence.html, _class="tt-evidence") if self.evidence else ""
        html = section(
            self.kind,
            self.id,
            self.question,
            seen,
            form,
            self._solution(),
            data_answer=str(self.answer),
            data_within=str(self.within),
        )
        text = [self.evidence.text, ""] if self.evidence else []
        return Shown(html, "\n".join([*text, wrapped(self.question), "", *lines]))

    def _ask(self) -> tuple[str, list[str]]:
        options = {str(choice): spoken(choice, self.unit) for choice in self.choices}
        way = f'  Answer it: {self.kind}("{self.id}", ..., guess=...)'
        if not options:
            return number_box("Your answer", self.unit), [way]
        form = radio_group("choice", "Your answer", self.id, options)
        return form, [*(f"  - {label}" for label in options.values()), way]

    def _judge(self, guess: Choice) -> tuple[str, list[str]]:
        right = is_right(guess, self.answer, self.within)
        verdict = "Right." if right else f"Not so: it is {spoken(self.answer, self.unit)}."
        note = journal.record(self.id, self.question, str(guess), kind=self.kind, field="choice")
        form, text = own_answer(spoken(guess, self.unit), f"{verdict} {note}")
        return form, [text, "", wrapped(self.because)]

    def _solution(self) -> str:
        right = tag("strong", escape(spoken(self.answer, self.unit)))
        return disclosure("Show the answer", tag("p", right), markdown(self.because))
