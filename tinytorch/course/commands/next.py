"""`tinytorch next`: the module after this one, once this one is green."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tinytorch.course.commands.refusal import NotYet

if TYPE_CHECKING:
    from tinytorch.course.catalog import Module
    from tinytorch.course.supervisor import Examination
    from tinytorch.course.workspace import Workspace


@click.command(name="next")
@click.option("--force", is_flag=True, help="Open the gate (for instructors).")
def next_module(force: bool) -> None:
    """Go on to the next module, once this one is complete.

    Until then, this names the step to mend.
    """
    from tinytorch.course import workspace
    from tinytorch.course.catalog import load_course
    from tinytorch.course.commands.start import begin, say_that_all_is_done

    here = workspace.require()
    waiting = [module for module in load_course().published if module.stem not in here.started]
    if not force:
        _pass_gate(here, waiting[:1])
    if waiting:
        begin(here, waiting[0])
    else:
        say_that_all_is_done()


def _pass_gate(here: Workspace, waiting: Sequence[Module]) -> None:
    """Refuse while a module before the next one is not green on the learner's code."""
    from tinytorch.course import progress, supervisor
    from tinytorch.course.catalog import load_course

    found = progress.Progress.load(here)
    for module in load_course().published:
        if module.stem in here.started and not found.is_green(module.stem):
            examination = supervisor.examine(here, module.stem)
            found.record(examination)
            if not examination.is_green:
                raise NotYet(_what_to_mend(examination))
    for module in waiting:
        if refusal := progress.gate(here, module.stem):
            raise NotYet(refusal.sentence)


def _what_to_mend(examination: Examination) -> str:
    from tinytorch.course.progress import what_to_do

    module, mend = examination.module, examination.first_to_mend
    if examination.problem:
        return examination.problem
    what = what_to_do(mend) if mend else "its checks as a whole do not pass"
    return (
        f"{module.title} is not complete on your code: {what}. "
        f"See what is missing with: tinytorch check {module.stem}"
    )
