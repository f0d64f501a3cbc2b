"""Time the builds of the book: from scratch, with nothing changed, and after small edits.

    python -m benchmarks.book_build

Works on a copy of the checkout. The last column is the share of the build from scratch.
"""

import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from book._publish.build import ROOT, Outcome, Places, build

CHAPTER = "book/modules/01_tensors.md"


def copy_checkout(folder: Path) -> Places:
    """Copy what the repository holds, the assembled browser kernel included."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listed, cwd=ROOT, text=True).splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return Places(folder)


def edit(places: Places, change: Callable[[str], str]) -> None:
    """Rewrite the chapter."""
    path = places.root / CHAPTER
    path.write_text(change(path.read_text()))


def timed(places: Places) -> tuple[float, Outcome]:
    """Build, and return the seconds from start to site."""
    start = time.perf_counter()
    outcome = build(lambda stage, detail, fraction: None, places)
    return time.perf_counter() - start, outcome


def main() -> None:
    """Print one line for each kind of build."""
    with tempfile.TemporaryDirectory() as folder:
        places = copy_checkout(Path(folder) / "checkout")
        edits: dict[str, Callable[[str], str]] = {
            "from scratch": str,
            "nothing changed": str,
            "one chapter, prose": lambda text: f"{text}\nOne more sentence.\n",
            "one chapter, a cell": lambda text: text.replace(
                "import tinytorch as tt", "import tinytorch as tt  # edited", 1
            ),
        }
        print(f"{platform.machine()}, Python {platform.python_version()}, {sys.platform}")
        print(f"{'build':<22}{'seconds':>9}{'executed':>10}{'written':>9}{'share':>9}")
        scratch = 0.0
        for name, change in edits.items():
            edit(places, change)
            seconds, done = timed(places)
            scratch = scratch or seconds
            counts = f"{len(done.executed):>10}{len(done.written):>9}"
            print(f"{name:<22}{seconds:>9.2f}{counts}{seconds / scratch:>9.1%}")


if __name__ == "__main__":
    main()
