"""Show what is being done: a live bar on a terminal, plain lines everywhere else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Report = Callable[[str, str, float | None], None]  # stage, detail, fraction done or None


@contextmanager
def progress() -> Iterator[Report]:
    """Yield the function that the work calls to say where it stands."""
    if not sys.stdout.isatty():
        yield _plain_lines()
        return
    columns = [
        SpinnerColumn(),
        TextColumn("{task.description:<24}"),
        BarColumn(bar_width=30),
        TextColumn("[dim]{task.fields[detail]}", markup=True),
        TimeElapsedColumn(),
    ]
    with Progress(*columns, console=Console(), transient=True) as bar:
        task = bar.add_task("", total=None, detail="")

        def report(stage: str, detail: str = "", fraction: float | None = None) -> None:
            total = None if fraction is None else 1.0
            bar.update(task, description=stage, detail=detail, total=total, completed=fraction or 0)

        yield report


def _plain_lines() -> Report:
    previous = ""

    def report(stage: str, detail: str = "", fraction: float | None = None) -> None:
        nonlocal previous
        line = stage if fraction is not None else f"{stage} {detail}".rstrip()
        if line != previous:
            print(line, flush=True)
        previous = line

    return report
