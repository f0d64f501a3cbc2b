"""Score the learner-facing checks: the share of mutants that they kill, by file and by step."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutation.mutants import Mutant, meaning, mutants_of
from tests.mutation.trial import BY_OTHERS, ROOT, SURVIVED, try_mutants
from tinytorch.course.catalog import load_course

REQUIRED = 0.9
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
REPORT = Path(__file__).with_name("report.json")
SAMPLED = 10  # one in so many of the mutants outside of steps
WORKERS = ROOT / "tests" / "properties" / "test_data_workers.py"
BEYOND_THE_PAGE = {  # what Python in the browser cannot start, and the tests that stand in
    "data/threads.py": (WORKERS,),
    "data/processes.py": (WORKERS,),
}


@dataclass(frozen=True)
class Score:
    """How many mutants were killed of those that could be, and which were not."""

    name: str
    killed: int
    survivors: tuple[str, ...]
    equivalent: int

    @property
    def share(self) -> float:
        """The killed as a share of those that could be."""
        return self.killed / max(self.killed + len(self.survivors), 1)

    def __str__(self) -> str:
        """Return the score as a line of a table."""
        total = self.killed + len(self.survivors)
        return f"{self.name:42}{self.killed:6} of {total:4} {self.share:7.1%}{self.equivalent:6}"


def main(parts: list[str], jobs: int, *, is_sample: bool) -> int:
    """Print the scores of modules, and keep those of a full run; return 1 where one is too low.

    parts: modules by their stems, or single files of theirs as the report names them.
    """
    outcomes: dict[Mutant, int] = {}
    for part in parts:
        mutants = [one for path in source_files(part) for one in mutants_of(path)]
        chosen = list(_sample(mutants)) if is_sample else mutants
        for files, some in _by_tests(part.partition("/")[0], chosen).items():
            outcomes |= try_mutants(files, some, jobs)
    files, steps = by_file(outcomes), by_step(outcomes)
    _print(files, steps)
    if not is_sample:
        _keep(files, steps)
    mistaken = [] if is_sample else _mistaken(outcomes)
    for line in mistaken:
        print(f"in equivalent.toml, but killed or gone: {line}")
    return int(bool(mistaken) or any(one.share < REQUIRED for one in [*files, *steps]))


def source_files(part: str) -> list[Path]:
    """Return a module's source, one file or those of a folder, or a single file of it."""
    folder = ROOT / "tinytorch" / part
    if folder.suffix == ".py":
        return [folder]
    return sorted(folder.glob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def _by_tests(stem: str, mutants: list[Mutant]) -> dict[tuple[Path, ...], list[Mutant]]:
    """Return the mutants by the files of tests that try them: mostly the checks of the page."""
    checks = tuple([ROOT / "tests" / kind / f"test_{stem}.py" for kind in ("package", "modules")])
    found: dict[tuple[Path, ...], list[Mutant]] = {}
    for one in mutants:
        found.setdefault(BEYOND_THE_PAGE.get(_short(one.unit.path), checks), []).append(one)
    return found


def by_file(outcomes: dict[Mutant, int]) -> list[Score]:
    """Return each file's score, by all checks of its module, or the tests that stand in."""
    paths = dict.fromkeys(one.unit.path for one in outcomes)
    return [
        _score(_short(path), {m: code for m, code in outcomes.items() if m.unit.path == path})
        for path in paths
    ]


def by_step(outcomes: dict[Mutant, int]) -> list[Score]:
    """Return each step's score, by the checks of that step alone."""
    return [
        _score(step, {m: SURVIVED if code == BY_OTHERS else code for m, code in found.items()})
        for step, target in _targets().items()
        if (found := {m: code for m, code in outcomes.items() if target == _target(m)})
    ]


def _score(name: str, outcomes: dict[Mutant, int]) -> Score:
    known = {line for lines in equivalents().values() for line in lines}
    survivors = [one for one, code in outcomes.items() if code == SURVIVED]
    missed = tuple(describe(one) for one in survivors if describe(one) not in known)
    killed = len(outcomes) - len(survivors)
    return Score(name, killed, missed, len(survivors) - len(missed))


def equivalents() -> dict[str, list[str]]:
    """Return the mutants that no check could kill, by the reason why not."""
    table = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))
    return {row["reason"]: row["mutants"] for row in table["equivalent"]}


def describe(mutant: Mutant) -> str:
    """Return a mutant in one line: its file, its function and what it changes."""
    return f"{_short(mutant.unit.path)} {mutant.unit.name or 'module'}: {mutant.change}"


def fingerprint(path: Path) -> str:
    """Return a digest of what a file does; comments and docstrings do not change it."""
    return hashlib.sha256(str(meaning(path.read_text(encoding="utf-8"))).encode()).hexdigest()[:16]


def _mistaken(outcomes: dict[Mutant, int]) -> list[str]:
    """Return the mutants listed as equivalent that were killed, or are none."""
    files = {_short(one.unit.path) for one in outcomes}
    survived = {describe(one) for one, code in outcomes.items() if code == SURVIVED}
    listed = [line for lines in equivalents().values() for line in lines]
    return [line for line in listed if line.split()[0] in files and line not in survived]


def _sample(mutants: list[Mutant]) -> Iterator[Mutant]:
    targets = set(_targets().values())
    yield from (one for one in mutants if _target(one) in targets)
    yield from [one for one in mutants if _target(one) not in targets][::SAMPLED]


def _targets() -> dict[str, str]:
    return {step.id: step.target for step in load_course().steps}


def _target(mutant: Mutant) -> str:
    stem = mutant.unit.path.relative_to(ROOT / "tinytorch").parts[0].removesuffix(".py")
    return f"{stem}.{mutant.unit.name}"


def _short(path: Path) -> str:
    return path.relative_to(ROOT / "tinytorch").as_posix()


def _print(files: list[Score], steps: list[Score]) -> None:
    print(f"{'file, by all checks of its module':42}{'killed':>21}{'equivalent':>12}")
    print(*files, sep="\n")
    print(f"{'step, by its own checks':42}{'killed':>21}{'equivalent':>12}")
    print(*steps, sep="\n")
    survivors = [line for one in files for line in one.survivors]
    missed = [line for one in steps for line in one.survivors if line not in survivors]
    for line in survivors:
        print(f"survived: {line}")
    for line in missed:
        print(f"missed by the step's own checks: {line}")


def _keep(files: list[Score], steps: list[Score]) -> None:
    """Write the scores of a full run to the report, beside those of other modules."""
    report = json.loads(REPORT.read_text(encoding="utf-8")) if REPORT.exists() else {}
    for kind, scores in (("files", files), ("steps", steps)):
        report.setdefault(kind, {}).update({one.name: _row(one) for one in scores})
    for name in [one.name for one in files]:
        report["files"][name]["code"] = fingerprint(ROOT / "tinytorch" / name)
    text = json.dumps(report, indent=1, sort_keys=True)
    REPORT.write_text(f"{text}\n", encoding="utf-8")


def _row(score: Score) -> dict[str, Any]:
    return {
        "killed": score.killed,
        "equivalent": score.equivalent,
        "survivors": list(score.survivors),
    }
