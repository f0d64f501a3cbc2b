"""Run the checks of a step or a module, with pytest, inside this process."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tinytorch.course import install
from tinytorch.course.catalog import CourseError
from tinytorch.course.misconceptions import Mistake

Kind = Literal["package", "module"]
Outcome = Literal["passed", "failed", "waiting"]

FOLDERS: dict[Kind, str] = {"package": "package", "module": "modules"}


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What one check found."""

    step: str  # "" where the check belongs to the whole module
    name: str
    title: str
    kind: Kind
    outcome: Outcome
    provenance: install.Provenance
    got: str = ""
    expected: str = ""
    because: str = ""
    misconception: str = ""
    printed: str = ""
    seconds: float = 0.0


def tests_root() -> Path:
    """Return the folder of the checks: the checkout's, or the wheel's copy."""
    here = Path(__file__).resolve().parent
    checkout = here.parents[1] / "tests"
    return checkout if (checkout / "package").is_dir() else here / "tests"


def check_files(stem: str) -> dict[Kind, Path]:
    """Return the module's pair of test files."""
    return {kind: tests_root() / folder / f"test_{stem}.py" for kind, folder in FOLDERS.items()}


def mistakes_file(stem: str) -> Path:
    """Return the module's catalogue of known-wrong answers."""
    return tests_root() / "mutants" / f"{stem}.py"


def run_checks(
    files: dict[Kind, Path],
    *,
    step: str | None = None,
    provenance: Callable[[str], install.Provenance] = lambda step: "reference",
    mistakes: Callable[[], Sequence[Mistake]] = tuple,
) -> tuple[CheckResult, ...]:
    """Run the checks of one step, or every check where `step` is None.

    A step's module checks wait until its package checks have passed.
    """
    if importlib.util.find_spec("pytest") is None:
        raise CourseError('checks need pytest: pip install "tinytorch[learn]"')
    from tinytorch.course import plugin  # here, because pytest takes its time to import

    checker = plugin.Checker(files, step=step, provenance=provenance, mistakes=mistakes)
    with _undisturbed_environment(), _undisturbed_chance():
        plugin.run(checker)
    return checker.results()


@contextlib.contextmanager
def _undisturbed_environment() -> Iterator[None]:
    """Keep a surrounding pytest, and its options, out of this one."""
    ours: dict[str, Any] = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    hidden = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_CURRENT_TEST", *ours)
    before = {name: os.environ.pop(name, None) for name in hidden}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def _undisturbed_chance() -> Iterator[None]:
    """Let the learner's random numbers go on as if nothing had been checked."""
    import numpy as np  # here, so that a command which checks nothing answers at once

    setup = sys.modules.get("tinytorch.setup")
    ours = setup.default_generator().bit_generator if setup else None
    before = random.getstate(), np.random.get_state(), ours.state if ours else None
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        if ours is not None:
            ours.state = before[2]
