"""Progress: what the checks found, believed for as long as nothing they depend on has changed."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tinytorch.course import catalog, checks, files, supervisor
from tinytorch.course.catalog import Module, Step
from tinytorch.course.report import StepResult
from tinytorch.course.supervisor import Examination
from tinytorch.course.workspace import Workspace

State = Literal["passed", "failed", "unbuilt", "changed", "unknown"]

FORMAT = "tinytorch-progress-1"
STATES = ("passed", "failed", "unbuilt")


class Progress:
    """What is known about each step of a workspace, and how many hints were opened."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.path = workspace.home / "progress.json"
        self._known = _read(self.path)
        self._fingerprints: dict[str, str] = {}

    @classmethod
    def load(cls, workspace: Workspace) -> Progress:
        """Return the progress of the workspace; a damaged file is set aside with a message."""
        return cls(workspace)

    def is_known(self, module: Module) -> bool:
        """Return whether the last examination of the module still holds."""
        if module.stem not in self._fingerprints:
            self._fingerprints[module.stem] = supervisor.fingerprint(self.workspace, module)
        found = self._known["modules"].get(module.stem)
        return found is not None and found["fingerprint"] == self._fingerprints[module.stem]

    def state(self, step: Step) -> State:
        """Return what the checks found; "changed" where the files are no longer the same."""
        found = self._known["modules"].get(step.stem)
        if found is None or step.id not in found["steps"]:
            return "unknown"
        known: State = found["steps"][step.id]
        return known if self.is_known(catalog.load_course().module(step.stem)) else "changed"

    def is_green(self, stem: str) -> bool:
        """Return whether the whole module is known to pass on the learner's code."""
        module = catalog.load_course().module(stem)
        return self.is_known(module) and self._known["modules"][stem]["is_green"] is True

    def stretch(self, stem: str) -> tuple[int, int]:
        """Return how many of the module checks were passed last, and how many there are."""
        found = self._known["modules"].get(stem)
        text = checks.check_files(stem)["module"].read_text("utf-8")
        goals = len(re.findall(r"^def test_", text, re.MULTILINE))
        return min(found["stretch"], goals) if found else 0, goals

    def hints(self, step: Step) -> int:
        """Return how many hints of the step were opened."""
        opened: int = self._known["hints"].get(step.id, 0)
        return min(opened, len(step.hints))

    def open_hint(self, step: Step) -> int:
        """Open one more hint, if there is one; return how many are open now."""
        self._known = _read(self.path)  # another command may have written to it
        number = min(self.hints(step) + 1, len(step.hints))
        self._known["hints"][step.id] = number
        self._write()
        return number

    def record(self, examination: Examination) -> None:
        """Keep what an examination found, for the files that it was made on."""
        module, self._known = examination.module, _read(self.path)
        self._fingerprints.pop(module.stem, None)
        now = supervisor.fingerprint(self.workspace, module)
        self._known["modules"][module.stem] = {
            "fingerprint": examination.fingerprint or now,
            "steps": {found.step.id: found.state for found in examination.steps},
            "is_green": examination.is_green,
            "stretch": _stretch_goals_reached(examination),
            "at": files.now(),
        }
        self._write()

    def _write(self) -> None:
        with files.one_sentence(self.path):
            files.write_atomically(self.path, json.dumps(self._known, indent=1) + "\n")


def _stretch_goals_reached(examination: Examination) -> int:
    found = [check for step in examination.steps for check in step.checks]
    if all(step.state == "passed" for step in examination.steps):
        found += examination.whole  # before that, they pass on the reference
    deeper = [check for check in found if check.kind == "module"]
    missed = {check.name for check in deeper if check.outcome != "passed"}
    return len({check.name for check in deeper} - missed)


def _read(path: Path) -> dict[str, Any]:
    """Return what the file holds; set it aside, and say so, where that is nothing of ours."""
    if path.exists():
        with files.one_sentence(path):
            text = path.read_bytes()
        try:
            return _checked(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            with files.one_sentence(path):
                aside = files.set_aside(path, "damaged")
            print(
                f"The progress file was damaged. It is kept as {aside}; the checks find out again "
                "what passes, and opened hints count from zero.",
                file=sys.stderr,
            )
    return {"format": FORMAT, "modules": {}, "hints": {}}


def _checked(found: Any) -> dict[str, Any]:
    """Return what was read, with what is ours in it. Raise where that is not of our making."""
    if found["format"] != FORMAT:
        raise ValueError(found["format"])
    modules = {
        stem: {
            "fingerprint": _of(str, row["fingerprint"]),
            "steps": {step: STATES[STATES.index(state)] for step, state in row["steps"].items()},
            "is_green": _of(bool, row["is_green"]),
            "stretch": _of(int, row["stretch"]),
            "at": _of(str, row["at"]),
        }
        for stem, row in dict(found["modules"]).items()
    }
    hints = {step: _of(int, number) for step, number in dict(found["hints"]).items()}
    return {"format": FORMAT, "modules": modules, "hints": hints}


def _of(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(value)
    return value


def refresh(workspace: Workspace, on_step: Callable[[StepResult], None] | None = None) -> Progress:
    """Return the progress, with every started module checked again that is not as it was."""
    progress = Progress.load(workspace)
    for module in catalog.load_course().published:
        if module.stem in workspace.started and not progress.is_known(module):
            progress.record(supervisor.examine(workspace, module.stem, on_step=on_step))
    return progress


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a module cannot be started yet."""

    sentence: str
    module: Module  # the one to go back to
    step: Step | None  # the one to mend, where it is one


def gate(workspace: Workspace, stem: str) -> Refusal | None:
    """Return why a module has to wait, after a check of all that it stands on; None opens it."""
    course = catalog.load_course()
    for needed in course.prerequisites(stem):
        examination = supervisor.examine(workspace, needed.stem)
        Progress.load(workspace).record(examination)
        if not examination.is_green:
            return _refusal(course.module(stem), examination)
    return None


def _refusal(wanted: Module, examination: Examination) -> Refusal:
    needed, mend = examination.module, examination.first_to_mend
    what = f"{wanted.title} stands on {needed.title}"
    if examination.problem:
        sentence = f"{what}. {examination.problem}"
    elif mend is None:
        sentence = f"{what}, and its checks as a whole do not pass: tinytorch check {needed.stem}"
    else:
        sentence = (
            f"{what}, which is not complete on your code: {what_to_do(mend)}. "
            f"See what is missing with: tinytorch check {needed.stem}"
        )
    return Refusal(sentence=sentence, module=needed, step=mend.step if mend else None)


def what_to_do(mend: StepResult) -> str:
    """Return what a step that does not pass asks for: `mend setup.satisfies first`."""
    return f"{'mend' if mend.state == 'failed' else 'build'} {mend.step.id} first"
