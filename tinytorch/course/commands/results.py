"""What an examination found, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinytorch.course import source, syntax
from tinytorch.course.catalog import Module, Step, load_course
from tinytorch.course.checks import CheckResult
from tinytorch.course.commands import screen
from tinytorch.course.commands.screen import field, line, row, say
from tinytorch.course.present import count
from tinytorch.course.report import FIELDS, KINDS, StepResult

if TYPE_CHECKING:
    from tinytorch.course.supervisor import Examination
    from tinytorch.course.workspace import Workspace

WORDS = {"passed": "passed", "failed": "not yet", "unbuilt": "not built"}
WHOLE = "the whole module"
STYLES = {"passed": "green", "failed": "bold red", "unbuilt": "yellow"}


class Lines:
    """A line for each step, under a head that says what its columns mean."""

    def __init__(self, module: Module) -> None:
        self._name = max(len(WHOLE), *(len(step.name) for step in module.steps))
        self._has_head = self._is_open = False

    def show(self, result: StepResult) -> None:
        """Print the line of one step."""
        code = "reference" if result.state == "unbuilt" else result.ran
        self._show(result.step.name, result.state, code, result.checks)

    def end(self, examination: Examination) -> None:
        """Print the line of the checks that need every step, and leave room below."""
        mine = sum(map(_is_mine, examination.steps))
        checks = examination.whole
        if checks and mine == len(examination.module.steps):
            passed = all(check.outcome == "passed" for check in checks)
            self._show(WHOLE, "passed" if passed else "failed", "yours", checks)
        if self._is_open:
            say()
        self._is_open = False

    def _show(self, name: str, state: str, code: str, checks: Sequence[CheckResult]) -> None:
        if not self._has_head:
            counts = ["checks"] if screen.is_narrow() else ["package", "module"]
            head = [("step", self._name), ("state", 9), ("code", 9), *((c, 10) for c in counts)]
            row(*((word, width, "dim") for word, width in head))
            self._has_head = True
        self._is_open = True
        row(
            (name, self._name, ""),
            (WORDS[state], 9, STYLES[state]),
            (code, 9, ""),
            *((cell, 10, "") for cell in _tallies(checks)),
        )


def _is_mine(result: StepResult) -> bool:
    return result.state == "passed" and result.ran == "yours"


def _tallies(checks: Sequence[CheckResult]) -> list[str]:
    if not checks:
        return []
    if screen.is_narrow():
        return [_tally(checks)]
    return [_tally([check for check in checks if check.kind == kind]) for kind in KINDS]


def _tally(checks: Sequence[CheckResult]) -> str:
    outcomes = [check.outcome for check in checks]
    if not outcomes:
        return "none"
    if set(outcomes) == {"waiting"}:
        return "waiting"
    return f"{outcomes.count('passed')} of {len(outcomes)}"


def show_verdict(workspace: Workspace, examination: Examination) -> None:
    """Print what comes after the lines: what to mend first, or what opens."""
    if examination.problem:
        say(examination.problem, style="bold red")
    elif examination.is_green:
        show_complete(examination)
    elif examination.first_to_mend is not None:
        show_first_to_mend(workspace, examination.first_to_mend)
    else:
        show_failures(examination.whole)


def show_complete(examination: Examination) -> None:
    """Print that the module is done, and what that opens."""
    module, course = examination.module, load_course()
    opened = [later.title for later in course.modules if module.stem in later.requires]
    say(f"{module.title} is complete, and every step of it is your code.", style="bold green")
    say(f"It opens: {', '.join(opened)}. {module.unlocks}" if opened else module.unlocks)
    say("Go on with: tinytorch next")


def show_first_to_mend(workspace: Workspace, result: StepResult) -> None:
    """Print everything about the step that a learner should look at now."""
    step = result.step
    if result.state == "unbuilt":
        say(f"Next to build: {step.id}", style="bold yellow")
        say(f"{step.title}. {step.task}", indent=2)
    else:
        say(f"Not yet: {step.id}", style="bold red")
        show_failures(result.checks)
    show_where(workspace, step, again=result.state == "failed")


def show_failures(checks: Sequence[CheckResult]) -> None:
    """Print the first check that fails whole, and the names of the others."""
    failed = [check for check in checks if check.outcome == "failed"]
    for check in sorted(failed, key=lambda check: not check.misconception)[:1]:
        failed.remove(check)
        say(check.title, indent=2)
        if check.misconception:
            say(check.misconception, style="bold", indent=4)
        for name, word in FIELDS.items():
            if value := getattr(check, name):
                field(word, value, indent=4)
    for check in failed:
        say(f"also fails: {check.title}", style="dim", indent=2)
    if waiting := sum(check.outcome == "waiting" for check in checks):
        say(f"waiting for these: {count(waiting, 'check')}", style="dim", indent=2)


def show_where(workspace: Workspace, step: Step, *, again: bool) -> None:
    """Print where to read and where to write."""
    course = load_course()
    address = course.address(course.module(step.stem), step.anchor)
    chapter = f"{'Read again' if again else 'Read'}: {step.title},"
    if len(chapter) + len(address) < screen.console().width - 2:
        line(f"{chapter} {address}", indent=2)
    else:
        say(chapter, indent=2)
        line(address, indent=4)
    line(f"Your function: {place_of(workspace, step)}", indent=2)
    line(f"A hint: tinytorch hint {step.id}", indent=2)


def place_of(workspace: Workspace, step: Step) -> str:
    """Return the path and line of the learner's function for a step."""
    place = source.locate(step)
    path = workspace.code / place.path
    text = workspace.files(step.stem).get(place.path, "")
    try:
        function = syntax.find_function(text, place.qualname)
    except SyntaxError:
        function = None
    return f"{screen.near(path)}:{function.lineno}" if function else screen.near(path)
