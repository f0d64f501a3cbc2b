"""The learner's journal: answers to the course's questions, and scores, in a file of their own."""

from __future__ import annotations

from collections.abc import Callable

from tinytorch.course import files, work
from tinytorch.course.catalog import CourseError
from tinytorch.course.work import Work


def record(
    question_id: str,
    question: str,
    answer: str,
    *,
    rating: str = "",
    kind: str = "",
    field: str = "text",
) -> str:
    """Keep the answer, and say where it is or why it could not be kept.

    `field` is "text" for what was written, "choice" for what was chosen.
    """

    def change(kept: Work) -> None:
        answers = kept.page(work.page_of(question_id))["answers"]
        answer_now = {field: answer, "asked": question, "kind": kind, "at": files.now()}
        given = {"rating": rating} if rating else {}
        answers[question_id] = {**answers.get(question_id, {}), **answer_now, **given}

    problem, path = _change(change)
    found = f"could not be kept: {problem}" if problem else f"is kept in {path}"
    return f"Your answer {found}."


def score(question_id: str, ratio: float, target: float, medal: str) -> str:
    """Keep the score of a challenge if it is the best; say so only where it cannot be kept."""

    def change(kept: Work) -> None:
        scores = kept.page(work.page_of(question_id))["scores"]
        new = {"ratio": f"{ratio:.2f}", "target": f"{target:g}", "medal": medal, "at": files.now()}
        scores[question_id] = max(scores.get(question_id, new), new, key=work.ratio_of)

    problem, _ = _change(change)
    return f"Your score could not be kept: {problem}." if problem else ""


def _change(change: Callable[[Work], None]) -> tuple[str, str]:
    """Change what is kept; return the problem, if there is one, and the file."""
    try:
        path = work.work_file()
        kept = work.load(path)
        change(kept)
        work.save(kept, path)
    except CourseError as error:
        refused = isinstance(error.__cause__, OSError)
        way_out = f"; or set {work.VARIABLE} to a folder you can write" if refused else ""
        return f"{error}{way_out}", ""
    return "", str(path)
