"""The supervisor: has a learner's files checked in a process of its own, and outlives what they do.

An examiner that says nothing for too long is ended, with all that it started. What it was at when
it ended early has failed, under its name; the other steps are checked by another examiner. Nothing
passes unless an examiner said so, and nothing is complete unless it said that it was done.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tinytorch.course import catalog, checks, complaints, source
from tinytorch.course.checks import CheckResult
from tinytorch.course.report import ModuleResult, StepResult
from tinytorch.course.workspace import Workspace

SILENCE = 15.0  # seconds without a word after which an examiner is ended
TO_BEGIN = 60.0  # seconds that it may take to its first word: a cold disk is slow
GLANCE = 0.2  # seconds of waiting after which `on_wait` is called
START = (
    "import sys; folder = {!r}; folder in sys.path or sys.path.insert(0, folder); "
    "from tinytorch.course import examiner; examiner.main()"
)


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What the checks found on a learner's files."""

    module: catalog.Module
    steps: tuple[StepResult, ...] = ()
    whole: tuple[CheckResult, ...] = ()
    problem: str = ""  # one sentence, where nothing could be checked
    fingerprint: str = ""  # of the files that were checked
    is_whole: bool = True  # whether the checks of the whole module were asked for

    @property
    def is_green(self) -> bool:
        """Return whether every step, and the whole module, passes on the learner's code."""
        passed = {one.step for one in self.steps if one.state == "passed" and one.ran == "yours"}
        holds = self.is_whole and all(check.outcome == "passed" for check in self.whole)
        return passed == set(self.module.steps) and holds and not self.problem

    @property
    def first_to_mend(self) -> StepResult | None:
        """Return the first step that fails, or else the first that is not built, or None."""
        found = [one for one in self.steps if one.state == "failed"]
        found += [one for one in self.steps if one.state == "unbuilt"]
        return found[0] if found else None

    @property
    def result(self) -> ModuleResult:
        """Return the same in the words of the page; what was not checked counts as not built."""
        later = catalog.load_course().modules
        found = (*(check for step in self.steps for check in step.checks), *self.whole)
        in_place = {one.step.id: one.in_place for one in self.steps}
        return ModuleResult(
            module=self.module,
            checks=(*found, complaints.as_check(self.problem)) if self.problem else found,
            provenance={step.id: in_place.get(step.id, "reference") for step in self.module.steps},
            unlocked=tuple(one for one in later if self.module.stem in one.requires),
        )


def examine(
    workspace: Workspace,
    stem: str,
    *,
    steps: Iterable[str] | None = None,
    trusted: Iterable[str] = (),
    whole: bool = True,
    spare: Spare | None = None,
    on_step: Callable[[StepResult], None] | None = None,
    on_wait: Callable[[], None] | None = None,
) -> Examination:
    """Check these steps of a module, or all, on the learner's files and on nothing else.

    Steps that are `trusted` are used without a check; any other is the reference. `on_step` is
    called with each result as it comes, and `on_wait` a few times a second while none does; what
    one of them raises ends the examination.
    """
    module = catalog.load_course().module(stem)
    wanted = {step.id for step in module.steps} if steps is None else set(steps)
    hearing = Hearing(
        module=module,
        workspace=workspace,
        wanted=wanted,
        trusted=set(trusted) - wanted,
        whole=whole,
        on_step=on_step or (lambda result: None),
        on_wait=on_wait or (lambda: None),
        fingerprint=fingerprint(workspace, module),
        problem=_about_the_checks(stem),
    )
    try:
        while not hearing.is_over:
            spare = spare or Spare()
            hearing.attend(spare)
            spare.close()
            spare = None
    finally:
        if spare is not None:
            spare.close()
    return hearing.examination()


def _about_the_checks(stem: str) -> str:
    changed = checks.changed_files(stem)
    if not changed:
        return ""
    return (
        f"{changed[0]} is not as it came with the course, so its checks prove nothing; bring it "
        "back by installing tinytorch again, or in a checkout with: git checkout -- tests"
    )


def fingerprint(workspace: Workspace, module: catalog.Module) -> str:
    """Return a digest of all that the checks of a module depend on."""
    course = catalog.load_course()
    digest = hashlib.sha256(f"{course.version} {sys.version}".encode())
    for one in (*course.prerequisites(module.stem), module):
        paths = [*checks.check_files(one.stem).values(), checks.mistakes_file(one.stem)]
        for code in (source.PACKAGE, workspace.code):
            paths += [code / f"{one.stem}.py", *sorted((code / one.stem).rglob("*.py"))]
        for path in filter(Path.is_file, paths):
            digest.update(f"{path} {hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    return digest.hexdigest()


class Silent(Exception):
    """An examiner has said nothing for too long."""


class Spare:
    """An examiner that has loaded what checks need, and waits for its one request."""

    def __init__(self) -> None:
        self._is_closed = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", START.format(str(source.PACKAGE.parent))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TINYTORCH_WORKSPACE": "off"},
            start_new_session=True,  # so that it can be ended with all that it started
        )

    def ask(self, request: dict[str, Any], on_wait: Callable[[], None]) -> Iterator[dict[str, Any]]:
        """Yield what the examiner says, until it ends. Raise Silent when it says nothing."""
        with contextlib.suppress(BrokenPipeError):  # it has ended, and will say nothing
            os.write(_number(self._process.stdin), f"{json.dumps(request)}\n".encode())
        received, deadline = b"", time.monotonic() + TO_BEGIN
        while chunk := self._read(deadline, on_wait):
            *lines, received = (received + chunk).split(b"\n")
            for event in map(_event, lines):
                if event is not None:
                    deadline = time.monotonic() + request["silence"]
                    yield event

    def _read(self, deadline: float, on_wait: Callable[[], None]) -> bytes:
        answers = _number(self._process.stdout)
        while (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select([answers], [], [], min(left, GLANCE))
            if ready:
                return os.read(answers, 65536)
            on_wait()
        raise Silent

    def ending(self) -> str:
        """Return how the process ended, in words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(timeout=1)
            return signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return "for no known reason"

    def close(self) -> None:
        """End the process, and all that it started."""
        if self._is_closed:
            return  # its number may be that of another process by now
        self._is_closed = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _number(pipe: IO[bytes] | None) -> int:
    return pipe.fileno() if pipe else -1


def _event(line: bytes) -> dict[str, Any] | None:
    """Return what the examiner said, or None for what something else wrote on its line."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "event" in found else None


@dataclass(kw_only=True)
class Hearing:
    """Puts together what one examiner after the other says."""

    module: catalog.Module
    workspace: Workspace
    wanted: set[str]
    trusted: set[str]
    whole: bool
    on_step: Callable[[StepResult], None]
    on_wait: Callable[[], None]
    fingerprint: str
    problem: str = ""
    is_done: bool = False
    _steps: dict[str, StepResult] = field(default_factory=dict)
    _whole: tuple[CheckResult, ...] = ()
    _at: str | None = None  # the step that is being checked
    _loading: str = ""  # the module that is being imported
    _begun: dict[str, CheckResult] = field(default_factory=dict)
    _is_second_try: bool = False

    @property
    def is_over(self) -> bool:
        """Return whether there is nothing left to ask."""
        return self.is_done or bool(self.problem)

    def examination(self) -> Examination:
        """Return what was found."""
        steps = [self._steps[step.id] for step in self.module.steps if step.id in self._steps]
        return Examination(
            module=self.module,
            steps=tuple(steps),
            whole=self._whole,
            problem=self.problem,
            fingerprint=self.fingerprint,
            is_whole=self.whole,
        )

    def attend(self, examiner: Spare) -> None:
        """Hear one examiner to its end; where that comes too early, blame what it was at."""
        self._at, self._loading = None, ""
        try:
            for said in examiner.ask(self._request(), self.on_wait):
                self._hear(said)
                if self.is_over:
                    return
        except Silent:
            self._blame(
                f"no answer within {SILENCE:g} s",
                "It could not be interrupted, so the Python that ran it was ended. Does a loop "
                "never end, and does a bare `except:` keep it alive?",
            )
        else:
            self._blame(
                f"the end of Python ({examiner.ending()})",
                "What is checked has to return. Does your code leave Python, with `os._exit`?",
            )

    def _request(self) -> dict[str, Any]:
        passed = {name for name, found in self._steps.items() if found.state == "passed"}
        return {
            "workspace": str(self.workspace.root),
            "stem": self.module.stem,
            "steps": sorted(self.wanted - set(self._steps)),
            "trusted": sorted(self.trusted | passed),
            "whole": self.whole,
            "silence": SILENCE,
        }

    def _hear(self, said: dict[str, Any]) -> None:
        match said:
            case {"event": "loading", "stem": stem}:
                self._loading = stem
            case {"event": "begin", "step": step}:
                self._at, self._begun = step, {}
            case {"event": "check", "result": result}:
                self._begun[result["title"]] = CheckResult(**result)
            case {"event": "step", "step": step, "state": state, "in_place": code, "checks": found}:
                self._keep(
                    StepResult(
                        step=catalog.load_course().step(step),
                        state=state,
                        in_place=code,
                        checks=tuple(CheckResult(**result) for result in found),
                    )
                )
            case {"event": "whole", "checks": found}:
                self._whole = tuple(CheckResult(**result) for result in found)
            case {"event": "problem", "sentence": sentence}:
                self.problem = sentence
            case {"event": "end"}:
                self.is_done = True

    def _keep(self, result: StepResult) -> None:
        self._steps[result.step.id] = result
        self.on_step(result)

    def _blame(self, got: str, because: str) -> None:
        """Put an early end down to what was going on."""
        if not self._loading and not self._is_second_try:
            self._is_second_try = True  # somebody ended it while it waited
        elif self._at is None:
            self.problem = complaints.about_the_end(self._loading, got)
        elif self._at == checks.WHOLE:
            self._whole = complaints.interrupted(checks.WHOLE, self._begun.values(), got, because)
            self.is_done = True
        else:
            step = catalog.load_course().step(self._at)
            self._keep(complaints.stopped(step, self._begun.values(), got, because))
