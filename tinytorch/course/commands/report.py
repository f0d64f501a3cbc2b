"""`tinytorch report`: what the learner has made, to show and to take along."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinytorch.course.commands.refusal import Refused

if TYPE_CHECKING:
    from tinytorch.course.workspace import Workspace

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
PLACE = click.Path(path_type=Path)


@click.command()
@click.option("--to", "folder", type=FOLDER, help="Write the portfolio into this folder.")
@click.option("--export", type=FILE, help="Write your work as the file that a page brings in.")
@click.option("--wheel", type=PLACE, help="Write the library with your code into this folder.")
def report(folder: Path | None, export: Path | None, wheel: Path | None) -> None:
    """Write your portfolio: code, journal, measurements.

    With --export or --wheel, write your work for the page, or your library, instead.
    """
    from tinytorch.course import workspace

    here = workspace.require()
    if export is not None:
        _export(here, export)
    if wheel is not None:
        _pack(here, wheel)
    if folder is not None or (export is None and wheel is None):
        _write_portfolio(here, folder or here.root / "portfolio")


def _export(here: Workspace, path: Path) -> None:
    from tinytorch.course import work
    from tinytorch.course.commands.screen import line, near

    work.save(work.export_work(here), path)
    line(f"Your work is in {near(path)}")
    line("Bring it in on any page of the book, under: Keys and your work")


def _pack(here: Workspace, place: Path) -> None:
    from tinytorch.course.catalog import load_course
    from tinytorch.course.commands.examination import refreshed
    from tinytorch.course.commands.screen import line, near, say
    from tinytorch.course.present import count
    from tinytorch.course.wheel import workspace_wheel

    found = refreshed(here)
    steps = [step for step in load_course().steps if step.stem in here.started]
    passed = [step.id for step in steps if found.state(step) == "passed"]
    name, data = workspace_wheel(here, passed=passed)
    if place.suffix == ".whl" and place.name != name:
        raise Refused(f"pip knows a wheel by its name, so this one has to be called {name}")
    path = place if place.suffix == ".whl" else place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    say(
        f"{len(passed)} of {count(len(steps), 'step')} you started pass and are in it; all else is "
        "the reference."
    )
    line("Your library, to install anywhere:")
    line(f"  pip install {near(path)}")


def _write_portfolio(here: Workspace, folder: Path) -> None:
    from tinytorch.course import portfolio, supervisor
    from tinytorch.course.commands.screen import line, near, say

    examinations = [supervisor.examine(here, stem) for stem in here.started]
    for examination in examinations:
        if examination.problem:
            say(f"{examination.module.title} was not checked: {examination.problem}", style="red")
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in (("portfolio.md", portfolio.markdown), ("portfolio.html", portfolio.html)):
        (folder / name).write_text(write(here, examinations), encoding="utf-8")
        line(near(folder / name))
