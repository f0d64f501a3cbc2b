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

TOUCHED = "Did yours touch these?"


def reflect(
    question_id: str,
    question: str,
    *,
    considered: str,
    compare: Sequence[str] = (),
    answer: str | None = None,
    rating: str = "",
) -> None:
    """Ask an open question; with `answer`, keep it in the journal and compare.

    `considered` is one good answer. `compare` names points that a good answer touches.
    `rating` is how the learner rates their own: missed, partly or whole.
    """
    if rating and rating not in RATINGS:
        raise ValueError(f"{question_id}: rate with one of {', '.join(RATINGS)}, not {rating!r}")
    if answer is None:
        form = text_box("Your answer")
        way = f'reflect("{question_id}", ..., answer="what you think")'
        lines = [f"  Write your answer first: {way}"]
    else:
        note = journal.record(question_id, question, answer, rating=rating, kind="reflect")
        form, text = own_answer(answer, note)
        lines = [text, "", *_comparison(considered, compare)]
    html = section(
        "reflect", question_id, question, form, _disclosed(question_id, considered, compare)
    )
    show(Shown(html, "\n".join([wrapped(question), "", *lines])))


def _disclosed(question_id: str, considered: str, compare: Sequence[str]) -> str:
    points = [tag("li", inline(point)) for point in compare]
    return disclosure(
        "Compare with a considered answer",
        markdown(considered),
        tag("p", TOUCHED) + tag("ul", *points) if points else "",
        radio_group("rating", "How close was yours?", question_id, RATINGS),
    )


def _comparison(considered: str, compare: Sequence[str]) -> list[str]:
    points = [wrapped(f"- {point}", "  ") for point in compare]
    touched = ["", TOUCHED, *points] if points else []
    rate = f'How close was yours? Add rating="..." to the call: {" / ".join(RATINGS)}'
    return ["A considered answer", wrapped(considered, "  "), *touched, "", rate]
