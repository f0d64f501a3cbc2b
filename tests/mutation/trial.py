"""Put each mutant in the place of the library, in a process of its own, and run the checks."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import os
import resource
import signal
import sys
from collections import defaultdict
from contextlib import suppress
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.mutants import Mutant, Unit
from tinytorch.course import catalog

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 5.0  # seconds that a mutant may take beyond five times those of the reference
SURVIVED, BY_ITS_STEP, BY_OTHERS = range(3)  # exit codes; a signal ended a mutant that ran on


def try_mutants(files: tuple[Path, ...], mutants: list[Mutant], jobs: int) -> dict[Mutant, int]:
    """Return how each mutant ended on the tests: one of the codes above, or a signal below 0."""
    trial = Trial(mutants, jobs)
    os.environ.pop("PYTEST_ADDOPTS", None)  # which is for a run around this one
    options = ["-c", str(ROOT / "tinytorch" / "course" / "checks.ini"), "--import-mode=importlib"]
    options += ["-p", "no:cacheprovider", "-p", "no:terminal", "--capture=no", "--noconftest"]
    if pytest.main([*options, *map(str, files)], plugins=[trial]) != pytest.ExitCode.OK:
        raise SystemExit(f"these checks fail on the reference: {trial.failed}")
    return trial.outcomes


class Trial:
    """A pytest plugin: collects the checks once, then runs them against every mutant."""

    def __init__(self, mutants: list[Mutant], jobs: int) -> None:
        self.mutants, self.jobs = mutants, jobs
        self.outcomes: dict[Mutant, int] = {}
        self.failed: list[str] = []
        self.calls: dict[pytest.Item, set[tuple[str, str]]] = {}
        self.seconds: dict[pytest.Item, float] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run every check on the reference, then on each mutant in a fork of this process."""
        at_import = _calls_of(lambda: _import_library(None))
        for item in session.items:
            started = perf_counter()
            self.calls[item] = at_import | _calls_of(lambda item=item: self._run_reference(item))
            self.seconds[item] = perf_counter() - started
        running: dict[int, Mutant] = {}
        for mutant in self.mutants if not self.failed else ():
            if len(running) == self.jobs:
                self._wait(running)
            running[self._fork(mutant)] = mutant
        while running:
            self._wait(running)
        session.testsfailed = len(self.failed)
        return True

    def _run_reference(self, item: pytest.Item) -> None:
        item.module.tt = sys.modules["tinytorch"]
        reports = runtestprotocol(item, log=False, nextitem=None)
        self.failed += [item.nodeid for report in reports if report.failed]

    def _wait(self, running: dict[int, Mutant]) -> None:
        process, status = os.wait()
        self.outcomes[running.pop(process)] = os.waitstatus_to_exitcode(status)
        with suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)  # what the mutant started, and left behind

    def _fork(self, mutant: Mutant) -> int:
        process = os.fork()
        if process == 0:
            code = BY_OTHERS
            try:
                _limit_this_process(sum(self.seconds.values()))
                code = self._run_checks(mutant)
            finally:
                os._exit(code)  # an error of the mutant itself kills it, too
        return process

    def _run_checks(self, mutant: Mutant) -> int:
        _import_library(mutant)
        checks = sorted(self._checks_of(mutant.unit), key=self._order(mutant.unit))
        for item in checks:
            signal.alarm(ceil(3 * _longest(self.seconds[item])))  # others may be using this machine
            item.module.tt = sys.modules["tinytorch"]
            if any(report.failed for report in runtestprotocol(item, log=False, nextitem=None)):
                return BY_ITS_STEP if _is_of_step(item, mutant.unit) else BY_OTHERS
        return SURVIVED

    def _checks_of(self, unit: Unit) -> list[pytest.Item]:
        """Return the checks that a change in the unit can reach: those seen to call it.

        Who calls it in a thread or a process is not seen. So where nobody was, all may.
        """
        place = (str(unit.path), unit.name)
        return [item for item, calls in self.calls.items() if place in calls] or list(self.calls)

    def _order(self, unit: Unit) -> Any:
        return lambda item: (not _is_of_step(item, unit), self.seconds[item])


def _is_of_step(item: pytest.Item, unit: Unit) -> bool:
    steps = [catalog.load_course().step(mark.args[0]) for mark in item.iter_markers("step")]
    return any(step.target.partition(".")[2] == unit.name for step in steps)


def _longest(seconds: float) -> float:
    """Return how long a mutant may take for what took the reference so long."""
    return PATIENCE + 5 * seconds


def _limit_this_process(seconds: float) -> None:
    """Let neither an endless loop, an endless list nor another process outlive this mutant."""
    os.setpgid(0, 0)
    most = ceil(_longest(seconds))
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)


def _import_library(mutant: Mutant | None) -> None:
    """Import the library anew, with a mutant in it; the machinery of the course stays."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "tinytorch"]:
        if not name.startswith("tinytorch.course"):
            del sys.modules[name]
    if mutant is not None:
        sys.meta_path.insert(0, MutantFinder(mutant))
    package = importlib.import_module("tinytorch")
    for module in catalog.load_course().published:
        importlib.import_module(f"tinytorch.{module.stem}")
    package.course = sys.modules["tinytorch.course"]


class MutantFinder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds the mutant where Python looks for the module it was made of."""

    def __init__(self, mutant: Mutant) -> None:
        parts = mutant.unit.path.relative_to(ROOT).with_suffix("").parts
        self.name = ".".join(parts).removesuffix(".__init__")
        self.mutant = mutant

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """Return the mutant's spec if it is the module that is asked for."""
        if name != self.name:
            return None
        return importlib.util.spec_from_loader(name, self, origin=str(self.mutant.unit.path))

    def get_source(self, fullname: str) -> str:
        """Return the mutant's source."""
        return self.mutant.source


def _calls_of(action: Any) -> set[tuple[str, str]]:
    """Return the library's functions that an action calls, as (file, name)."""
    called: defaultdict[str, set[str]] = defaultdict(set)

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call":
            called[frame.f_code.co_filename].add(frame.f_code.co_qualname.partition(".<")[0])

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    ours = str(ROOT / "tinytorch")
    return {
        (file, name) for file, names in called.items() if file.startswith(ours) for name in names
    }
