"""What keeps a learner's files from being checked, in one sentence each."""

from __future__ import annotations

import linecache
import textwrap
from collections.abc import Iterable
from dataclasses import replace

from tinytorch.course import catalog, checks, source, syntax
from tinytorch.course.checks import CheckResult
from tinytorch.course.expectation import SHOWN
from tinytorch.course.limits import OutOfTime
from tinytorch.course.overlay import holds, missing, name_of
from tinytorch.course.report import StepResult
from tinytorch.course.verdicts import message, places
from tinytorch.course.workspace import Workspace


def about_files(workspace: Workspace, module: catalog.Module) -> str:
    """Return what is wrong with a module's files before they are run, or nothing."""
    if module.stem not in workspace.started:
        return f"{module.title} is not started here; start it with: tinytorch start {module.stem}"
    if gone := workspace.missing(module.stem):
        return missing(gone[0])
    texts = workspace.files(module.stem)
    for path, text in texts.items():
        try:
            syntax.parse(text)
        except SyntaxError as error:
            return _about_syntax(f"tinytorch/{path}", error)
        if not text.strip() and source.package_files(module.stem).get(path):
            return f"tinytorch/{path} is empty; {_bring_back(module.stem)}"
    return next(filter(None, (_about_step(step, texts) for step in module.steps)), "")


def _about_syntax(name: str, error: SyntaxError) -> str:
    return f"{_where(name, error.lineno)} is not valid Python: {error.msg}"


def _about_step(step: catalog.Step, texts: dict[str, str]) -> str:
    place = source.locate(step)
    text = texts[place.path]
    name = place.qualname.partition(".")[0]
    if syntax.find_function(text, place.qualname) or syntax.binding(text, name):
        return ""
    return (
        f"tinytorch/{place.path} no longer defines `{place.qualname}`, which is what {step.id} "
        f"builds; write it again, or {_bring_back(step.stem)}"
    )


def about_loading(stem: str, error: BaseException) -> str:
    """Return why a module could not be imported."""
    if isinstance(error, ImportError) and str(error).startswith("tinytorch/"):
        return str(error)  # the finder's own sentence
    if isinstance(error, SyntaxError) and holds(error.filename or ""):
        return _about_syntax(name_of(error.filename or ""), error)
    filename, line = next(
        (place for place in reversed(places(error)) if holds(place[0])), (f"tinytorch/{stem}", None)
    )
    where = _where(name_of(filename), line, linecache.getline(filename, line or 0))
    if isinstance(error, OutOfTime):
        return f"{where} gave {message(error)}: does a loop outside of a function never end?"
    if isinstance(error, SystemExit):
        return f"{where} leaves Python while the file is loaded; take the call of sys.exit out."
    said = in_a_line(error).partition(" (/")[0]
    if isinstance(error, ImportError):
        return f"{where} could not be loaded: {said}. Write it again, or {_bring_back(stem)}"
    return f"{where} could not be loaded: {said}"


def in_a_line(error: BaseException) -> str:
    """Return the kind and the message of an error, in a line that is not too long."""
    said = " ".join(f"{type(error).__name__}: {message(error)}".split())
    return textwrap.shorten(said.removesuffix(":"), SHOWN, placeholder=" ...")


def about_the_end(stem: str, got: str) -> str:
    """Return why nothing was checked when the examiner ended before the first check."""
    if not stem:
        return f"The checks could not begin: {got}. See what is wrong with: tinytorch doctor"
    return (
        f"Loading tinytorch/{stem} came to nothing: {got}. Outside of its functions, does a file "
        "of it loop without end, or leave Python?"
    )


def _where(name: str, line: int | None, quoted: str = "") -> str:
    quoted = f", `{quoted.strip()}`," if quoted.strip() and "`" not in quoted else ""
    return f"{name}, line {line}{quoted}" if line else name


def _bring_back(stem: str) -> str:
    return f"bring it back with: tinytorch reset {stem} (your files are kept)"


def stopped(step: catalog.Step, begun: Iterable[CheckResult], got: str, because: str) -> StepResult:
    """Return the result of a step whose checks came to a sudden end, in the last that began."""
    found = interrupted(step.id, begun, got, because)
    return StepResult(step=step, state="failed", in_place="reference", checks=found)


def interrupted(
    step: str, begun: Iterable[CheckResult], got: str, because: str
) -> tuple[CheckResult, ...]:
    """Return the checks that began, the last of them failed in this way."""
    *before, last = tuple(begun) or (_unnamed(step),)
    failed = replace(last, outcome="failed", got=got, expected="an answer", because=because)
    return (*before, failed)


def as_check(problem: str) -> CheckResult:
    """Return the problem of a whole module as a check that failed."""
    return replace(_unnamed(checks.WHOLE), outcome="failed", because=problem)


def _unnamed(step: str) -> CheckResult:
    return CheckResult(
        step=step,
        name="",
        title="the checks can run",
        kind="package",
        outcome="waiting",
        provenance="yours",
    )
