"""How soon the command answers, and how soon after a save the watch does.

    python benchmarks/command.py

Works in a workspace of its own, on chapter 1: the prerequisites solved, the first step in hand.
A figure is the median over the rounds. Exits with 1 where a bound of the README is broken.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pexpect

from tinytorch.course import source
from tinytorch.course.catalog import load_course
from tinytorch.course.files import write_atomically

ROUNDS = 15
SAVES = 10
MODULE = "tensors"
START_BOUND = 0.4  # seconds
SAVE_BOUND = 1.0
COMMAND = Path(sys.executable).with_name("tinytorch")
COURSE = load_course()


def tinytorch(folder: Path, *arguments: str) -> float:
    """Run the command, and return the seconds that it took as a process."""
    started = time.perf_counter()
    subprocess.run([COMMAND, *arguments], cwd=folder, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


def prepare(folder: Path) -> None:
    """Make a workspace in which everything before the module is solved."""
    for module in (*COURSE.prerequisites(MODULE), COURSE.module(MODULE)):
        tinytorch(folder, "start", module.stem)
        if module.stem != MODULE:
            for path, text in source.package_files(module.stem).items():
                write_atomically(folder / "tinytorch" / path, text)
            tinytorch(folder, "check", module.stem)
    tinytorch(folder, "check")


def starts(folder: Path, *arguments: str) -> float:
    """Return the median seconds of the command."""
    return median(tinytorch(folder, *arguments) for _ in range(ROUNDS))


def saves(folder: Path) -> Iterator[tuple[float, float]]:
    """Save a right and a wrong answer in turns; yield the seconds to the step and to the end."""
    step = COURSE.module(MODULE).steps[0]
    place = source.locate(step)
    path = folder / "tinytorch" / place.path
    blank = path.read_text()
    right = source.function_text(source.package_files(MODULE)[place.path], place.qualname) or ""
    head = right[: right.index("(")]
    answers = {"passed": right, "not yet": f"{head}(*inputs):\n    return None"}
    watch = pexpect.spawn(
        str(COMMAND), ["check", "--watch"], cwd=str(folder), encoding="utf-8", timeout=60
    )
    watch.expect("watching for the next save")
    for number in range(2 * SAVES):
        word = ("passed", "not yet")[number % 2]
        write_atomically(path, source.replace_function(blank, place.qualname, answers[word]))
        saved = time.perf_counter()
        watch.expect(f"{step.name} .*{word}")
        answered = time.perf_counter() - saved
        watch.expect("watching for the next save")
        yield answered, time.perf_counter() - saved
        time.sleep(1)  # as a person would, at the least
    watch.sendintr()
    watch.expect(pexpect.EOF)


def main() -> int:
    """Print the medians; return 1 where a bound is broken."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        help_seconds, progress_seconds = starts(folder, "--help"), starts(folder, "progress")
        answers, ends = zip(*saves(folder), strict=True)
    print(f"tinytorch --help                  {help_seconds:.2f} s")
    print(f"tinytorch progress, unchanged     {progress_seconds:.2f} s")
    print(
        f"from a save to the step's line    {median(answers):.2f} s, at most {max(answers):.2f} s"
    )
    print(f"from a save to the whole verdict  {median(ends):.2f} s, at most {max(ends):.2f} s")
    soon = max(help_seconds, progress_seconds) < START_BOUND
    return 0 if soon and median(answers) < SAVE_BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
