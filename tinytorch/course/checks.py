"""The checks of a step or a module: where they are, whether they are ours, and how to run them.

They run with pytest, inside of this process.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tinytorch.course import catalog, install
from tinytorch.course.catalog import CourseError
from tinytorch.course.misconceptions import Mistake

Kind = Literal["package", "module"]
Outcome = Literal["passed", "failed", "waiting"]

FOLDERS: dict[Kind, str] = {"package": "package", "module": "modules"}
WHOLE = ""  # in the place of a step's id: the checks that belong to the whole module
DIGESTS = Path(__file__).with_name("checks.sha256")


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What one check found."""

    step: str  # WHOLE where the check belongs to the whole module
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


def changed_files(*stems: str) -> list[Path]:
    """Return the files of these modules, or of all, that are not as they were published."""
    lines = DIGESTS.read_text("utf-8").splitlines() if DIGESTS.is_file() else []
    published = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    return [path for name, path in _named(stems).items() if published.get(name) != _digest(path)]


def write_digests() -> None:
    """Publish the checks as they are now."""
    lines = [f"{_digest(path)}  {name}\n" for name, path in sorted(_named(()).items())]
    DIGESTS.write_text("".join(lines), "utf-8")


def _named(stems: Sequence[str]) -> dict[str, Path]:
    """Return the files of these modules, or of all, by the names under which we publish them."""
    root = tests_root()
    return {
        path.relative_to(root).as_posix(): path
        for stem in stems or [module.stem for module in catalog.load_course().published]
        for path in (*check_files(stem).values(), mistakes_file(stem))
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"


def run_checks(
    files: dict[Kind, Path],
    *,
    step: str | None = None,
    provenance: Callable[[str], install.Provenance] = lambda step: "reference",
    mistakes: Callable[[], Sequence[Mistake]] = tuple,
    announce: Callable[[CheckResult], None] = lambda result: None,
) -> tuple[CheckResult, ...]:
    """Run the checks of one step; every check where `step` is None.

    A step's module checks wait until its package checks have passed. Each check is announced as
    it begins, and again with what it found.
    """
    if importlib.util.find_spec("pytest") is None:
        raise CourseError('checks need pytest: pip install "tinytorch[learn]"')
    from tinytorch.course import plugin  # here, because pytest takes its time to import

    checker = plugin.Checker(
        files, step=step, provenance=provenance, mistakes=mistakes, announce=announce
    )
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
