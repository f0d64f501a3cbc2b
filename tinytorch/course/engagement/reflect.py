"""`reflect`: an open question about a design, with a considered answer to compare with."""

from __future__ import annotations

from collections.abc import Sequence

from tinytorch.course import journal
from tinytorch.course.engagement.question import (
    RATINGS,
    disclosure,
    own_answer,
    radio_group,
    section,
    text_box,
)
from tinytorch.course.present import Shown, inline, markdown, show, tag, wrapped


def reflect(
    question_id: str,
    question: str,
    *,
    considered: str,
    compare: Sequence[str] = (),
    answer: str | None = None,
) -> None:
    """Ask an open question; with `answer`, keep it in the journal and compare.

    `considered` is one good answer. `compare` names points that a good answer touches.
    """
    if answer is None:
        show(
            Shown(_page(question_id, question, considered, compare), _plain(question_id, question))
        )
        return
    note = journal.record(question_id, question, answer)
    html, text = own_answer(answer, note)
    points = "\n\n".join(f"- {point}" for point in compare)
    asked = _page(question_id, question, considered, compare, html)
    show(
        Shown(
            asked,
            f"{wrapped(question)}\n\n{text}\n\nA considered answer\n{wrapped(considered, '  ')}"
            + (f"\n\nDid yours touch these?\n{wrapped(points, '  ')}" if points else ""),
        )
    )


def _page(
    question_id: str, question: str, considered: str, compare: Sequence[str], answered: str = ""
) -> str:
    points = tag("ul", *(tag("li", inline(point)) for point in compare)) if compare else ""
    return section(
        "reflect",
        question_id,
        question,
        answered or text_box("Your answer"),
        disclosure(
            "Compare with a considered answer",
            markdown(considered),
            tag("p", "Did yours touch these?") + points if points else "",
            radio_group("rating", "How close was yours?", question_id, RATINGS),
        ),
    )


def _plain(question_id: str, question: str) -> str:
    way = f'reflect("{question_id}", ..., answer="what you think")'
    return f"{wrapped(question)}\n\n  Write your answer first: {way}"
