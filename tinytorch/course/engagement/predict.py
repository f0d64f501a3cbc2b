"""`predict`: say what will happen before the code says it."""

from __future__ import annotations

from collections.abc import Sequence

from tinytorch.course.engagement.closed import ClosedQuestion
from tinytorch.course.engagement.question import Choice
from tinytorch.course.present import show


def predict(
    question_id: str,
    question: str,
    *,
    answer: Choice,
    because: str,
    choices: Sequence[Choice] = (),
    within: float = 0.0,
    unit: str = "",
    guess: Choice | None = None,
) -> None:
    """Ask for a prediction: one of the choices, or a number where there are none.

    With `guess`, keep it in the journal and say whether it is right; `within` is the
    absolute error allowed in a number.
    """
    asked = ClosedQuestion(
        kind="predict",
        id=question_id,
        question=question,
        answer=answer,
        because=because,
        choices=tuple(choices),
        within=within,
        unit=unit,
    )
    show(asked.shown(guess))
