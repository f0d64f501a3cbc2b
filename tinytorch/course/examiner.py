"""The examiner: a Python of its own that checks a learner's files.

A supervisor starts it, hands it one request and listens. It does what a page does: first the
reference is in the place of every step. Then, in the order of the course, each answer is put in,
checked, and taken out again where it fails. Whatever the learner's code does to this process, the
supervisor lives on; it may even end without a word, and that is a finding like any other.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from tinytorch.course import (
    catalog,
    checks,
    comparison,
    complaints,
    exercise,
    install,
    limits,
    overlay,
    plugin,
    source,
)
from tinytorch.course.catalog import CourseError
from tinytorch.course.report import StepResult
from tinytorch.course.workspace import Workspace

Say = Callable[..., None]

NEEDED_LATER = (np, pytest, comparison, plugin)  # imported while there is no request yet


def main() -> NoReturn:
    """Answer one request, then leave at once, whatever still runs."""
    say, requests = _private_channel()
    for step in catalog.load_course().steps:
        source.locate(step)  # reads the reference while there is time
    say("ready")
    request = json.loads(requests.readline() or "null")
    threading.Thread(target=_leave_with_the_supervisor, args=[requests], daemon=True).start()
    try:
        if request is not None:
            examine(request, say)
            say("end")
    except CourseError as problem:
        say("problem", sentence=str(problem))
    except BaseException as error:  # noqa: BLE001 - their code may have broken anything
        say("problem", sentence=f"The checks were broken off: {complaints.in_a_line(error)}")
    finally:
        os._exit(0)  # without waiting for threads


def _private_channel() -> tuple[Say, Any]:
    """Return how to speak to the supervisor, and its requests; 0, 1 and 2 lead nowhere from now."""
    answers, requests = os.fdopen(os.dup(1), "w"), os.fdopen(os.dup(0))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    examiner = os.getpid()

    def say(event: str, **what: Any) -> None:
        if os.getpid() == examiner:  # not a fork that the learner's code made
            print(json.dumps({"event": event, **what}), file=answers, flush=True)

    return say, requests


def _leave_with_the_supervisor(requests: Any) -> None:
    requests.read()  # it holds the other end for as long as it lives
    os._exit(1)


def examine(request: dict[str, Any], say: Say) -> None:
    """Check the steps that the request names, then what belongs to the whole module."""
    # A check that can be interrupted is, before the silence is too long.
    limits.TIME_LIMIT, limits.PATIENCE = min(limits.TIME_LIMIT, request["silence"] / 5), 4
    module = catalog.load_course().module(request["stem"])
    answers = _load(module, Workspace(Path(request["workspace"])), say)
    for step in module.steps:
        if step.id in request["steps"]:
            say("begin", step=step.id)
            result = _checked(step, answers, say)
            say("step", **_plain(result))
        elif step.id in request["trusted"] and step.id in answers:
            install.install(step.target, answers[step.id])
    if request["whole"]:
        say("begin", step=checks.WHOLE)
        say("whole", checks=[dataclasses.asdict(found) for found in _whole(module, say)])


def _load(module: catalog.Module, workspace: Workspace, say: Say) -> dict[str, Any]:
    """Import the learner's files, and return their answers with the reference in their places."""
    overlay.lay_over(workspace.root)
    os.chdir(workspace.root)
    for needed in (*catalog.load_course().prerequisites(module.stem), module):
        if needed is module or needed.stem in workspace.started:
            if complaint := complaints.about_files(workspace, needed):
                raise CourseError(complaint)
            say("loading", stem=needed.stem)
            _import(needed.stem)
    theirs = [step for step in module.steps if _is_theirs(step)]
    answers = install.use_as_references({one.target: overlay.reference(one) for one in theirs})
    built = [step for step in theirs if not exercise.is_stub(answers[step.target])]
    return {step.id: answers[step.target] for step in built}


def _import(stem: str) -> None:
    try:
        with limits.capturing(limits.BoundedText()), limits.time_limit():
            importlib.import_module(f"tinytorch.{stem}")
    except BaseException as error:  # noqa: BLE001 - their code may raise anything
        raise CourseError(complaints.about_loading(stem, error)) from None


def _is_theirs(step: catalog.Step) -> bool:
    try:
        return install.provenance_of(step.target) == "yours"
    except (CourseError, TypeError) as error:
        raise CourseError(f"{error}; bring it back with: tinytorch reset {step.stem}") from None


def _checked(step: catalog.Step, answers: dict[str, Any], say: Say) -> StepResult:
    """Check one answer; when it tampers with the modules of Python it has failed."""
    if step.id not in answers:
        return StepResult(step=step, state="unbuilt", in_place="reference")
    begun: dict[str, checks.CheckResult] = {}

    def announce(result: checks.CheckResult) -> None:
        begun[result.title] = result
        say("check", result=dataclasses.asdict(result))

    loaded, before = dict(sys.modules), install.current(step.target)
    try:
        result = exercise.check_answer(step, answers[step.id], announce)
    except BaseException as error:  # noqa: BLE001 - their code may have broken anything
        said, why = complaints.in_a_line(error), "It stopped the checks themselves."
        result = complaints.stopped(step, begun.values(), said, why)
    tampered = [name for name, module in loaded.items() if sys.modules.get(name) is not module]
    sys.modules.update(loaded)
    if tampered:
        install.restore(step.target, before)
        why = "Python's table of modules belongs to Python: code that changes it breaks other code."
        return complaints.stopped(step, begun.values(), f"no {tampered[0]} in sys.modules", why)
    return result


def _whole(module: catalog.Module, say: Say) -> tuple[checks.CheckResult, ...]:
    return checks.run_checks(
        checks.check_files(module.stem),
        step=checks.WHOLE,
        announce=lambda result: say("check", result=dataclasses.asdict(result)),
    )


def _plain(result: StepResult) -> dict[str, Any]:
    return {**dataclasses.asdict(result), "step": result.step.id}


if __name__ == "__main__":
    main()
