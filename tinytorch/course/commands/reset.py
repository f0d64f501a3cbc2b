"""`tinytorch reset`: the blank again, with a copy of what it replaces."""

from __future__ import annotations

import click


@click.command()
@click.argument("name", metavar="STEP|STEM")
def reset(name: str) -> None:
    """Begin a step or a module again; a copy is kept."""
    from tinytorch.course import workspace
    from tinytorch.course.catalog import Module, load_course
    from tinytorch.course.commands import learner, results
    from tinytorch.course.commands.screen import line, near

    here = workspace.require()
    found = load_course().named(name)
    learner.require_started(here, found.stem)
    if isinstance(found, Module):
        copy = here.reset_module(found.stem)
        line(f"{found.title} is blank again.")
    else:
        copy = here.reset_step(found)
        line(f"{found.id} is blank again: {results.place_of(here, found)}")
    line(f"What you had is kept in {near(copy)}")
