"""`tinytorch check`: the module's checks, on the learner's code and on nothing else."""

from __future__ import annotations

import sys

import click


@click.command()
@click.argument("stem", required=False)
@click.option("--watch", is_flag=True, help="Stay, and check again each time you save.")
def check(stem: str | None, watch: bool) -> None:
    """Check a module on your code: the one you are working on.

    Name another one by its stem. The exit code is 0 when the module is complete.
    """
    from tinytorch.course import workspace
    from tinytorch.course.commands import examination, learner
    from tinytorch.course.progress import Progress

    here = workspace.require()
    module = learner.started_module(here, stem, Progress.load(here))
    if watch:
        from tinytorch.course.commands import watching

        sys.exit(watching.watch(here, module))
    sys.exit(0 if examination.shown(here, module).is_green else 1)
