"""`tinytorch progress`: the whole course at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tinytorch.course.catalog import Course, Module
    from tinytorch.course.progress import Progress
    from tinytorch.course.workspace import Workspace


@click.command()
def progress() -> None:
    """Show the whole course at a glance.

    What is built, whose code runs, and what is to come.
    """
    from tinytorch.course import workspace
    from tinytorch.course.catalog import load_course
    from tinytorch.course.commands.examination import refreshed
    from tinytorch.course.commands.screen import say

    here = workspace.require()
    course = load_course()
    found = refreshed(here)
    _show_modules(course, here, found)
    _show_patterns(course, here)
    say()
    _show_whats_next(course, here, found)


def _show_modules(course: Course, here: Workspace, found: Progress) -> None:
    from tinytorch.course.commands.screen import is_narrow, row, say

    width = max(len(module.title) for module in course.modules) + 3
    head = [("module", width), ("steps", 8), ("code", 22), ("stretch goals", 13)]
    cells = [(word, size, "dim") for word, size in head]
    row(*(cells[:2] if is_narrow() else cells), ("", 0, ""))
    for part in course.parts:
        say(part.name, style="bold")
        for module in (module for module in course.modules if module.part == part.name):
            title = f"{module.number:>2} {module.title}"
            row((title, width, "" if module.published else "dim"), *_cells(module, here, found))


def _cells(module: Module, here: Workspace, found: Progress) -> list[tuple[str, int, str]]:
    """Return what stands beside a module: steps, whose code, stretch goals, state."""
    from tinytorch.course.commands.screen import is_narrow

    if not module.published:
        return [("planned", 8, "dim")]
    if module.stem in here.started and found.state(module.steps[0]) == "unknown":
        return [("cannot be checked", 0, "red")]
    passed = sum(found.state(step) == "passed" for step in module.steps)
    steps = (f"{passed} of {len(module.steps)}", 8, "")
    if module.stem not in here.started:
        return [steps, ("not started", 0, "dim")]
    borrowed = len(module.steps) - passed
    code = f"{passed} yours" + (f", {borrowed} reference" if borrowed else "")
    done, goals = found.stretch(module.stem)
    state = ("complete", 0, "green") if found.is_green(module.stem) else ("in work", 0, "yellow")
    wide = [(code, 22, ""), (f"{done} of {goals}", 13, "")]
    return [steps, *([] if is_narrow() else wide), state]


def _show_patterns(course: Course, here: Workspace) -> None:
    """Print how many questions were taken up, by the pattern that their modules practise."""
    from tinytorch.course import work
    from tinytorch.course.commands.screen import field, say
    from tinytorch.course.present import count

    pages = work.load(here.work).pages.values()
    taken = [
        name.partition(".")[0] for page in pages for name in (*page["answers"], *page["scores"])
    ]
    say()
    say("Patterns practised", style="bold")
    for pattern in course.patterns:
        modules = [module for module in course.modules if module.pattern == pattern.name]
        number = sum(taken.count(module.stem) for module in modules)
        titles = ", ".join(module.title for module in modules if module.stem in taken)
        where = f"{count(number, 'question')} taken up in {titles}" if number else "none yet"
        field(pattern.name, where, indent=2, style="")


def _show_whats_next(course: Course, here: Workspace, found: Progress) -> None:
    from tinytorch.course.commands import learner
    from tinytorch.course.commands.screen import say

    if all(found.is_green(module.stem) for module in course.published):
        say("Everything that is published is complete. To show it: tinytorch report", style="bold")
        return
    module = learner.current_module(here, found)
    step = learner.step_to_mend(module, found)
    if step is None:
        what = "tinytorch next"
    elif found.state(step) == "unknown":
        what = f"tinytorch check {module.stem}"
    else:
        what = f"{step.id}, {step.title}"
    say(f"Next: {what}", style="bold")
