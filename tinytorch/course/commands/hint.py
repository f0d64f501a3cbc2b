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
    from tinytorch.course.catalog import load_course
    from tinytorch.course.commands import learner
    from tinytorch.course.commands.examination import refreshed
    from tinytorch.course.commands.screen import line, say
    from tinytorch.course.progress import Progress

    here = workspace.require()
    progress = Progress.load(here) if step else refreshed(here)
    wanted = learner.a_step(step) if step else _first_to_mend(here, progress)
    if wanted is None:
        say("Every step you started passes: there is nothing to hint at. Go on: tinytorch next")
        return
    opened = progress.hints(wanted)
    exhausted = opened >= len(wanted.hints)
    number = len(wanted.hints) if exhausted else progress.open_hint(wanted)
    say(f"{wanted.id}: {wanted.title}", style="bold")
    say(f"Hint {number} of {len(wanted.hints)}", style="dim", indent=2)
    say(wanted.hints[number - 1], indent=2)
    if number == len(wanted.hints):
        course = load_course()
        address = course.address(course.module(wanted.stem), wanted.anchor)
        say("That was the last one. The chapter explains it, with the solution folded away:")
        line(address)


def _first_to_mend(here: Workspace, progress: Progress) -> Step | None:
    from tinytorch.course.commands import learner

    return learner.step_to_mend(learner.current_module(here, progress), progress)
