"""`build`: check what a learner wrote and, when it is right, make it the library's."""

from __future__ import annotations

import dis
import inspect
import types
from collections.abc import Callable
from typing import Any, TypeVar

from tinytorch.course import catalog, checks, install, misconceptions, present
from tinytorch.course.report import StepResult, show_step

Built = TypeVar("Built")


def build(step_id: str) -> Callable[[Built], Built]:
    """Check the decorated object as the answer to a step, and use it when it passes.

    A stub leaves the library as it is; so does an answer that fails, whether the library
    uses the reference or the last version that passed.
    """
    if callable(step_id):
        raise catalog.CourseError('build needs the step in brackets: @build("module.step")')
    step = catalog.load_course().step(step_id)

    def check(candidate: Built) -> Built:
        if is_stub(candidate):
            in_place = install.provenance_of(step.target)
            present.show(show_step(StepResult(step=step, state="unbuilt", in_place=in_place)))
            return install.current(step.target)  # type: ignore[no-any-return]
        try:
            present.show(show_step(check_answer(step, candidate)))
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(*stop.args) from None  # without our part of the traceback
        return candidate

    return check


def check_answer(
    step: catalog.Step,
    candidate: Any,
    announce: Callable[[checks.CheckResult], None] = lambda result: None,
) -> StepResult:
    """Run the step's checks on the candidate; leave it installed when they pass."""
    replaced = use_answer(step, candidate)
    passed = False
    try:
        found = checks.run_checks(
            checks.check_files(step.stem),
            step=step.id,
            provenance=lambda _: install.provenance_of(step.target),
            mistakes=lambda: misconceptions.read_mistakes(checks.mistakes_file(step.stem)),
            announce=announce,
        )
        passed = all(result.outcome == "passed" for result in found)
    finally:
        if not passed:
            install.restore(step.target, replaced)
    return StepResult(
        step=step,
        state="passed" if passed else "failed",
        in_place=install.provenance_of(step.target),
        checks=found,
    )


def use_answer(step: catalog.Step, candidate: Any) -> Any:
    """Put the candidate in the place of what the library uses for a step; return the latter."""
    _bind_own_name(candidate)
    return install.install(step.target, candidate)


def is_stub(candidate: object) -> bool:
    """Return whether all that a function can do is raise NotImplementedError."""
    code = install.code_of(candidate)
    if not isinstance(code, types.CodeType) or code.co_names != ("NotImplementedError",):
        return False
    operations = {instruction.opname for instruction in dis.get_instructions(code)}
    leaves = any(name.startswith(("RETURN", "YIELD")) for name in operations)
    return "RAISE_VARARGS" in operations and not leaves


def _bind_own_name(candidate: Any) -> None:
    """Let a recursive function find itself before its name is bound."""
    function = inspect.unwrap(candidate) if callable(candidate) else candidate
    if not isinstance(function, types.FunctionType) or "." in function.__qualname__:
        return
    if not install.is_library(function.__module__ or ""):
        function.__globals__[function.__name__] = candidate
