"""`tinytorch hint`: one more hint, and no more than one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tinytorch.course.catalog import Step
    from tinytorch.course.progress import Progress
    from tinytorch.course.workspace import Workspace


@click.command()
@click.argument("step", required=False)
def hint(step: str | None) -> None:
    """Open one more hint, for the first step to mend.

    Or for the step that you name: tensors.apply, or just apply.
    """
    from tinytorch.course import workspace
    from tinytorch.course.commands import learner
    from tinytorch.course.commands.examination import refreshed
    from tinytorch.course.commands.screen import say
    from tinytorch.course.progress import Progress

    here = workspace.require()
    progress = Progress.load(here) if step else refreshed(here)
    wanted = learner.a_step(step) if step else _first_to_mend(here, progress)
    if wanted is None:
        say("Every step you started passes: there is nothing to hint at. Go on: tinytorch next")
    else:
        _open(wanted, progress)


def _open(step: Step, progress: Progress) -> None:
    """Print the next hint; with the last one, and after it, where the chapter explains it."""
    from tinytorch.course.catalog import load_course
    from tinytorch.course.commands.screen import line, say

    number, hints = progress.open_hint(step), step.hints
    say(f"{step.id}: {step.title}", style="bold")
    say(f"Hint {number} of {len(hints)}", style="dim", indent=2)
    say(hints[number - 1], indent=2)
    if number == len(hints):
        course = load_course()
        say("That was the last one. The chapter explains it, with the solution folded away:")
        line(course.address(course.module(step.stem), step.anchor))


def _first_to_mend(here: Workspace, progress: Progress) -> Step | None:
    from tinytorch.course.commands import learner

    return learner.step_to_mend(learner.current_module(here, progress), progress)
