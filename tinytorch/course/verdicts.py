"""Put what went wrong in a check into words for the learner."""

from __future__ import annotations

import linecache
from pathlib import Path

from tinytorch.course import install, overlay
from tinytorch.course.expectation import CheckFailure, safe_repr
from tinytorch.course.limits import OutOfTime


def symptom(error: BaseException | None) -> tuple[str, str]:
    """Return what tells one way of failing from another."""
    if isinstance(error, CheckFailure):
        return error.symptom, error.expected
    return type(error).__name__, message(error)


def verdict(error: BaseException) -> tuple[str, str, str]:
    """Return what came, what was expected, and why it matters."""
    if isinstance(error, CheckFailure):
        return error.got, error.expected, error.because
    line = learner_line(error)
    if isinstance(error, OutOfTime):
        return message(error), "an answer", f"Does a loop never end?{line}"
    if message(error).startswith("pytest: reading from stdin"):
        return "a question at the keyboard", "no question", f"Nobody is there to answer.{line}"
    got = f"{type(error).__name__}: {message(error)}".removesuffix(": ")
    return got, "no error", line.strip() or _outside(error)


def message(error: BaseException | None) -> str:
    """Return the message of an error, whatever its `__str__` does."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the error class may be the learner's
        return safe_repr(error)


def learner_line(error: BaseException) -> str:
    """Return a sentence on where the learner's own code was, or nothing."""
    files = install.learner_files()
    for filename, number in reversed(places(error)):
        if filename in files or overlay.holds(filename):
            source = linecache.getline(filename, number).strip()
            quoted = f": `{source}`" if source and "`" not in source else "."
            yours = overlay.name_of(filename) if overlay.holds(filename) else "your code"
            return f" It happened in line {number} of {yours}{quoted}"
    return ""


def _outside(error: BaseException) -> str:
    """Return what to look at when no line of the learner's was running."""
    if isinstance(error, TypeError) and "argument" in str(error):
        return "The call did not fit: compare your parameters with those of the exercise."
    filename, number = places(error)[-1]
    where = f"line {number} of {Path(filename).name}"
    return f"It happened in {where}, which used what your code returned."


def places(error: BaseException) -> list[tuple[str, int]]:
    """Return the file and line of each call that led to the error."""
    found = []
    trace = error.__traceback__
    while trace is not None:
        found.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    return found
