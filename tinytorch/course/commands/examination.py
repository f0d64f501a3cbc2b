"""Examine a module while the learner looks on."""

from __future__ import annotations

from tinytorch.course import supervisor
from tinytorch.course.catalog import Module, load_course
from tinytorch.course.commands import results
from tinytorch.course.commands.screen import say
from tinytorch.course.present import count
from tinytorch.course.progress import Progress, refresh
from tinytorch.course.report import StepResult
from tinytorch.course.supervisor import Examination
from tinytorch.course.workspace import Workspace


def shown(workspace: Workspace, module: Module) -> Examination:
    """Check the whole module, a line for each step as it comes, then the verdict."""
    say(f"{module.title}: {count(len(module.steps), 'step')}, checked on your code", style="bold")
    lines = results.Lines(module)
    examination = supervisor.examine(workspace, module.stem, on_step=lines.show)
    lines.end(examination)
    results.show_verdict(workspace, examination)
    Progress.load(workspace).record(examination)
    return examination


def refreshed(workspace: Workspace) -> Progress:
    """Return the progress; say what has to be checked for it."""
    announced: set[str] = set()

    def announce(result: StepResult) -> None:
        if result.step.stem not in announced:
            announced.add(result.step.stem)
            title = load_course().module(result.step.stem).title
            say(f"Checking {title}", style="dim")

    return refresh(workspace, on_step=announce)
