"""`tinytorch start`: a module to build, in a folder that belongs to the learner."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinytorch.course.commands.refusal import NotYet

if TYPE_CHECKING:
    from tinytorch.course.catalog import Module
    from tinytorch.course.work import Work
    from tinytorch.course.workspace import Workspace

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("stem", required=False)
@click.option("--in", "folder", type=FOLDER, help="Work in this folder instead of here.")
@click.option("--from", "file", type=FILE, help="Begin with the work that a page saved.")
@click.option("--force", is_flag=True, help="Open the gate (for instructors).")
def start(stem: str | None, folder: Path | None, file: Path | None, force: bool) -> None:
    """Write a module into your workspace, to be built.

    It is the one you name, or the first that is not complete. In a folder without a workspace
    this makes one. Nothing of yours is ever overwritten.
    """
    from tinytorch.course import work, workspace
    from tinytorch.course.commands import learner

    if stem:
        learner.published_module(stem)
    here = workspace.find() if folder is None else _workspace_in(folder)
    place = folder or _place()
    if file is not None:
        brought = work.read(file)
        begin_from(brought, here or workspace.create(place), stem)
        return
    module = _module(here, stem)
    if module is None:
        say_that_all_is_done()
        return
    if not force:
        _pass_gate(here, module)
    begin(here or workspace.create(place), module)


def _workspace_in(folder: Path) -> Workspace | None:
    """Return the workspace that this very folder is."""
    from tinytorch.course.workspace import Workspace, is_workspace

    root = folder.expanduser().absolute()
    return Workspace(root) if is_workspace(root) else None


def _place() -> Path:
    """Return where a new workspace belongs: here, or where TINYTORCH_WORKSPACE wants it."""
    from tinytorch.course.workspace import VARIABLE

    named = os.environ.get(VARIABLE, "off")
    if named not in ("", "off"):
        return Path(named)
    try:
        return Path.cwd()
    except OSError:
        raise NotYet("the folder you are in is gone; go to another one first") from None


def _module(here: Workspace | None, stem: str | None) -> Module | None:
    """Return the module that is named, or the first that is not complete, or None."""
    from tinytorch.course.catalog import load_course

    course = load_course()
    if stem:
        return course.module(stem)
    if here is None:
        return course.published[0]
    from tinytorch.course.progress import Progress

    progress = Progress.load(here)
    waiting = (module for module in course.published if not progress.is_green(module.stem))
    return next(waiting, None)


def _pass_gate(here: Workspace | None, module: Module) -> None:
    """Refuse a module while something that it stands on is not green."""
    from tinytorch.course.catalog import load_course

    needed = load_course().prerequisites(module.stem)
    if here is None and needed:
        raise NotYet(
            f"{module.title} stands on {needed[0].title}, and there is no workspace here yet. "
            f"Begin with: tinytorch start {needed[0].stem}"
        )
    if here is None or not needed:
        return
    from tinytorch.course import progress

    if refusal := progress.gate(here, module.stem):
        raise NotYet(refusal.sentence)


def begin(here: Workspace, module: Module) -> None:
    """Write the module where it is not yet, and say what to do with it."""
    from tinytorch.course import source
    from tinytorch.course.catalog import load_course
    from tinytorch.course.commands.screen import line, near, say
    from tinytorch.course.present import count

    known = module.stem in here.started
    written = here.start(module.stem)
    was = f"is yours to build: {count(len(module.steps), 'step')}"
    if known:
        back = f"; {count(len(written), 'file')} brought back, blank" if written else ""
        was = f"was started before, and is as you left it{back}"
    file = here.code / source.locate(module.steps[0]).path
    say(f"{module.title} {was}.", style="bold")
    if _say_how_to_go_to(here):
        file = file.relative_to(here.root)
    line(f"  open    {near(file)}")
    line(f"  read    {load_course().address(module)}")
    line("  check   tinytorch check --watch")


def _say_how_to_go_to(here: Workspace) -> bool:
    """Print the way to the workspace, unless the learner is in it; return whether it was."""
    from tinytorch.course.commands.screen import line, near

    is_elsewhere = not Path.cwd().is_relative_to(here.root)
    if is_elsewhere:
        line(f"  go to   cd {near(here.root)}")
    return is_elsewhere


def begin_from(brought: Work, here: Workspace, stem: str | None) -> None:
    """Place the work that a page saved, check it, and say what could not be placed."""
    from tinytorch.course import work
    from tinytorch.course.catalog import load_course
    from tinytorch.course.commands import examination
    from tinytorch.course.commands.screen import say

    for sentence in work.import_work(here, brought):
        say(sentence)
    wanted = [module for module in load_course().published if module.stem in here.started]
    for module in wanted:
        if stem in (None, module.stem):
            say()
            examination.shown(here, module)
    if not wanted:
        say("The file holds no code of a step. Begin a module with: tinytorch start")
    _say_how_to_go_to(here)


def say_that_all_is_done() -> None:
    """Print that nothing is left to build, and what will come."""
    from tinytorch.course.catalog import load_course
    from tinytorch.course.commands.screen import say

    planned = [module.title for module in load_course().modules if not module.published]
    say("Every module that is published so far is complete on your code.", style="bold green")
    if planned:
        say(f"Planned next: {planned[0]}.")
    say("What you have built, to show: tinytorch report")
