"""`tinytorch check --watch`: the checks again at every save, what changed first.

The step that the learner works on stays the one that is shown for as long as it does not pass.
Nothing that was printed is taken away again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import watchfiles

from tinytorch.course import supervisor
from tinytorch.course.catalog import CourseError, Module, Step, load_course
from tinytorch.course.commands import results
from tinytorch.course.commands.changes import Texts, touched
from tinytorch.course.commands.screen import console, say
from tinytorch.course.present import count
from tinytorch.course.progress import Progress
from tinytorch.course.report import StepResult
from tinytorch.course.supervisor import Examination
from tinytorch.course.workspace import Workspace

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended
QUIET = 20  # milliseconds without another change, after which a save is over
GLANCE = 300  # milliseconds after which we look at the files ourselves


class Overtaken(Exception):
    """The files have changed while they were being checked."""


def watch(workspace: Workspace, module: Module) -> int:
    """Check now and after every save, until Ctrl-C; return the exit code."""
    watcher = Watcher(workspace, module)
    try:
        watcher.look()
        for _ in moments(workspace.code):
            watcher.look()
    except KeyboardInterrupt:
        console().print()
    finally:
        watcher.close()
    return INTERRUPTED


def moments(folder: Path) -> Iterator[None]:
    """Yield when something in the folder has changed, and now and then to be sure."""
    while True:
        # An OSError or RuntimeError: the folder is gone, or the system cannot watch it.
        with contextlib.suppress(OSError, RuntimeError):
            for _ in watchfiles.watch(
                folder, step=QUIET, rust_timeout=GLANCE, yield_on_timeout=True
            ):
                yield
                if not folder.is_dir():
                    break
        time.sleep(GLANCE / 1000)
        yield


class Watcher:
    """Knows what was checked last, and therefore what to check first."""

    def __init__(self, workspace: Workspace, module: Module) -> None:
        self.workspace = workspace
        self.module = module
        self.spare = supervisor.Spare()
        self.seen: Texts | None = None  # what the files held when they were checked last
        self.known: Texts | None = None  # the same, when the checks could run
        self.lines = results.Lines(module)
        self.found: dict[str, StepResult] = {}
        self.place: Step | None = None

    def close(self) -> None:
        """End the process that waits."""
        self.spare.close()

    def look(self) -> None:
        """Check what the files hold, unless that has been checked."""
        while (texts := self._read()) != self.seen:
            time.sleep(QUIET / 1000)
            if self._read() == texts:  # and not half of what an editor writes
                self.seen = texts
                with contextlib.suppress(Overtaken):
                    self._check(texts)

    def _check(self, texts: Texts) -> None:
        first = self._first(texts)
        if first is None:
            self._say(f"checking {self.module.title} on your code")
            examination = self._examine(self.module.steps)
        else:
            say()
            self._say(f"saved; checking {_named(first)}")
            examination = self._examine(first, whole=False)
            if _is_fine(examination):
                examination = self._check_the_rest(examination)
        if not examination.problem:
            self.known = texts
        self._show_verdict(examination)

    def _check_the_rest(self, first: Examination) -> Examination:
        """Check everything else; show what came out otherwise than before."""
        done = {result.step.id: result for result in first.steps}
        others = [step for step in self.module.steps if step.id not in done]
        found = self._examine(others, in_hand=False)
        done |= {result.step.id: result for result in found.steps}
        steps = tuple(done[step.id] for step in self.module.steps if step.id in done)
        return dataclasses.replace(found, steps=steps)

    def _examine(
        self, steps: Iterable[Step], *, whole: bool = True, in_hand: bool = True
    ) -> Examination:
        """Check these steps; print a line for each that is in hand, or not as it was."""

        def on_step(result: StepResult) -> None:
            self._look_up()
            is_news = _state(self.found.get(result.step.id)) != _state(result)
            if is_news or (in_hand and result.state != "unbuilt"):
                self.lines.show(result)
            self.found[result.step.id] = result

        spare, self.spare = self.spare, supervisor.Spare()
        return supervisor.examine(
            self.workspace,
            self.module.stem,
            steps=[step.id for step in steps],
            trusted=[name for name, result in self.found.items() if _passed(result)],
            whole=whole,
            spare=spare,
            on_step=on_step,
            on_wait=self._look_up,
        )

    def _look_up(self) -> None:
        """Stop a check, a hanging one too, when the files were saved again."""
        if self._read() != self.seen:
            raise Overtaken

    def _show_verdict(self, examination: Examination) -> None:
        """Show the step to work on, then how much is done."""
        self.lines.end(examination)
        mend = self._to_mend(examination)
        if mend is None or examination.problem:
            results.show_verdict(self.workspace, examination)
        else:
            results.show_first_to_mend(self.workspace, mend)
        if not examination.problem:
            self.place = mend.step if mend else None
        summary = ""
        if len(examination.steps) == len(self.module.steps):
            passed = sum(map(_passed, examination.steps))
            summary = f"{passed} of {count(len(self.module.steps), 'step')} pass; "
            Progress.load(self.workspace).record(examination)
        say()
        self._say(f"{summary}watching for the next save, Ctrl-C ends")

    def _to_mend(self, examination: Examination) -> StepResult | None:
        """Return the step in hand while it is red, else the first to mend."""
        red = {result.step: result for result in examination.steps if result.state == "failed"}
        if self.place in red:
            return red[self.place]
        return examination.first_to_mend

    # What changed.

    def _first(self, texts: Texts) -> tuple[Step, ...] | None:
        """Return the steps to check before all others, or None: check everything."""
        if self.known is None:
            return None
        changed = touched(self.module, self.known, texts, place=self.place)
        return changed or ((self.place,) if self.place else None)

    def _read(self) -> Texts:
        """Return what the files of the module, and of those it stands on, hold now."""
        modules = (*load_course().prerequisites(self.module.stem), self.module)
        stems = [module.stem for module in modules if module.stem in self.workspace.started]
        try:
            texts = [self.workspace.files(stem) for stem in stems]
        except CourseError as unreadable:
            return {"": str(unreadable)}
        return {path: text for files in texts for path, text in files.items()}

    def _say(self, text: str) -> None:
        say(f"{datetime.now():%H:%M:%S}  {text}", style="dim")


def _is_fine(examination: Examination) -> bool:
    failed = any(result.state == "failed" for result in examination.steps)
    return not failed and not examination.problem


def _passed(result: StepResult) -> bool:
    return result.state == "passed"


def _state(result: StepResult | None) -> tuple[str, ...]:
    if result is None:
        return ()
    return (result.state, *(check.outcome for check in result.checks))


def _named(steps: Iterable[Step]) -> str:
    names = [step.name for step in steps]
    return ", ".join(names) if len(names) < 4 else f"{names[0]} and the {len(names) - 1} after it"
