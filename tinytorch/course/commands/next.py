"""`tinytorch next`: the module after this one, once this one is green."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tinytorch.course.commands.refusal import Refused

if TYPE_CHECKING:
    from tinytorch.course.catalog import Module
    from tinytorch.course.progress import Progress
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
    if not force:
        _pass_gate(here)
    waiting = [module for module in load_course().published if module.stem not in here.started]
    if waiting:
        begin(here, waiting[0])
    else:
        say_that_all_is_done()


def _pass_gate(here: Workspace) -> None:
    """Refuse while a started module is not green on the learner's code."""
    from tinytorch.course import progress
    from tinytorch.course.catalog import load_course

    found = progress.refresh(here)
    for module in load_course().published:
        if module.stem in here.started and not found.is_green(module.stem):
            raise Refused(_what_to_mend(module, found), exit_code=1)


def _what_to_mend(module: Module, found: Progress) -> str:
    from tinytorch.course.commands import learner

    step = learner.step_to_mend(module, found)
    mend = f"mend {step.id} first" if step else "the checks of the whole module do not pass"
    return f"{module.title} is not complete on your code: {mend}. tinytorch check {module.stem}"
