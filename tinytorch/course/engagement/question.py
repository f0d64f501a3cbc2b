"""The parts that every question is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TypeGuard

from tinytorch.course.present import inline, markdown, tag, wrapped

Choice = str | int | float | bool

RATINGS = {
    "missed": "I missed the main point.",
    "partly": "I had part of it.",
    "whole": "I said as much, or more.",
}


def section(
    kind: str, question_id: str, question: str, *parts: str, **attributes: str | None
) -> str:
    """Return a question as a landmark that style sheets and scripts can find."""
    return tag(
        "section",
        tag("div", markdown(question), _class="tt-asked"),
        *parts,
        _class=f"tt-question tt-{kind}",
        data_question=question_id,
        aria_label=f"{kind.capitalize()}: {question_id}",
        **attributes,
    )


def text_box(label: str) -> str:
    """Return a box to write an answer in."""
    box = tag("textarea", rows="4", name="text", data_field="text")
    return tag("label", tag("span", escape(label)), box)


def radio_group(field: str, legend: str, question_id: str, options: dict[str, str]) -> str:
    """Return a choice of one out of several."""
    buttons = [
        tag("label", _radio(f"tt-{question_id}-{field}", value, field), " ", inline(label))
        for value, label in options.items()
    ]
    return tag("fieldset", tag("legend", escape(legend)), *buttons, _class=f"tt-{field}")


def _radio(name: str, value: str, field: str) -> str:
    return (
        f'<input type="radio" name="{escape(name)}" value="{escape(value)}"'
        f' data-field="{escape(field)}">'
    )


def number_box(label: str, unit: str) -> str:
    """Return a box to write a number in."""
    box = '<input type="number" step="any" name="number" data-field="choice">'
    return tag("label", escape(label), " ", box, " ", escape(unit))


def disclosure(summary: str, *parts: str) -> str:
    """Return something to open after answering."""
    return tag("details", tag("summary", escape(summary)), *parts)


def own_answer(answer: str, note: str) -> tuple[str, str]:
    """Return the learner's answer and what became of it, as HTML and as text."""
    html = tag(
        "div", tag("p", tag("strong", "Your answer")), markdown(answer), tag("p", inline(note))
    )
    return html, f"Your answer\n{wrapped(answer, '  ')}\n{wrapped(note)}"


def spoken(value: Choice, unit: str = "") -> str:
    """Return a choice as text, with its unit."""
    number = f"{value:,}" if _is_number(value) else str(value)
    return f"{number} {unit}".rstrip()


def require_choice(question_id: str, answer: Choice, choices: Sequence[Choice]) -> None:
    """Refuse a question that nobody can answer."""
    if choices and answer not in choices:
        shown = ", ".join(map(repr, choices))
        raise ValueError(f"{question_id}: the answer {answer!r} is not among the choices {shown}")
    if not choices and not (_is_number(answer) and math.isfinite(answer)):
        raise ValueError(f"{question_id}: without choices the answer must be a number")


def is_right(guess: Choice, answer: Choice, within: float) -> bool:
    """Return whether the guess is the answer, or within the error allowed of it."""
    if _is_number(guess) and _is_number(answer):
        return math.isclose(float(guess), float(answer), rel_tol=0, abs_tol=within)
    return str(guess) == str(answer)


def _is_number(value: Choice) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
