"""`analyze`: look at evidence that this very cell produced, and say what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinytorch.course.engagement.closed import ClosedQuestion
from tinytorch.course.engagement.question import Choice
from tinytorch.course.present import Shown, show, table


def analyze(
    question_id: str,
    question: str,
    *,
    evidence: Sequence[Mapping[str, Any]],
    answer: Choice,
    because: str,
    choices: Sequence[Choice] = (),
    within: float = 0.0,
    unit: str = "",
    guess: Choice | None = None,
) -> None:
    """Show the evidence, one mapping a row, and ask what it shows.

    Compute `answer` and `within` (the absolute error allowed in a number) from the evidence:
    then the question is right on every machine. With `guess`, keep it in the journal and say
    whether the evidence supports it.
    """
    asked = ClosedQuestion(
        kind="analyze",
        id=question_id,
        question=question,
        answer=answer,
        because=because,
        choices=tuple(choices),
        within=within,
        unit=unit,
        evidence=_table(question_id, evidence),
    )
    show(asked.shown(guess))


def _table(question_id: str, evidence: Sequence[Mapping[str, Any]]) -> Shown:
    if not evidence:
        raise ValueError(f"{question_id}: there is no evidence; measure something first")
    headers = list(evidence[0])
    if uneven := next((row for row in evidence if list(row) != headers), None):
        raise ValueError(f"{question_id}: a row has {list(uneven)}, the first has {headers}")
    return table(headers, [[_rounded(row[name]) for name in headers] for row in evidence])


def _rounded(value: object) -> object:
    return f"{value:.4g}" if isinstance(value, float) else value
