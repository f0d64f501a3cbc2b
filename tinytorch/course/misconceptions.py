"""Known-wrong answers, the checks that catch them, and the sentences that explain them."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """An answer a learner might write, and what to tell them."""

    step: str
    caught_by: str
    says: str
    answer: Any


_catalogue: list[Mistake] = []


def mistake(step: str, *, caught_by: str, says: str) -> Callable[[Answer], Answer]:
    """Catalogue the decorated object as a known-wrong answer to the step."""

    def record(answer: Answer) -> Answer:
        _catalogue.append(Mistake(step=step, caught_by=caught_by, says=says, answer=answer))
        return answer

    return record


def read_mistakes(path: Path) -> tuple[Mistake, ...]:
    """Return the mistakes that the file catalogues, in its order."""
    if not path.is_file():
        return ()
    _catalogue.clear()
    runpy.run_path(str(path), run_name=f"tinytorch_mistakes_{path.stem}")
    found = tuple(_catalogue)
    _catalogue.clear()
    return found
