"""Where the learner is: in which workspace, on which module, at which step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinytorch.course.catalog import CourseError, Module, Step, load_course

if TYPE_CHECKING:
    from tinytorch.course.progress import Progress
    from tinytorch.course.workspace import Workspace


def started_module(workspace: Workspace, stem: str | None, progress: Progress) -> Module:
    """Return the module that is meant: the one named, or the one being worked on."""
    if stem is None:
        return current_module(workspace, progress)
    return require_started(workspace, stem)


def require_started(workspace: Workspace, stem: str) -> Module:
    """Return the module, or say that it is not started."""
    module = published_module(stem)
    if stem not in workspace.started:
        raise CourseError(f"{module.title} is not started: tinytorch start {stem}")
    return module


def published_module(stem: str) -> Module:
    """Return the module, or say that there is nothing of it yet."""
    module = load_course().module(stem)
    if not module.published:
        there = ", ".join(module.stem for module in load_course().published)
        raise CourseError(f"{module.title} is planned and has no chapter yet; there are: {there}")
    return module


def current_module(workspace: Workspace, progress: Progress) -> Module:
    """Return the first started module that is not green, or the last one started."""
    started = [module for module in load_course().published if module.stem in workspace.started]
    if not started:
        raise CourseError("no module is started here: tinytorch start")
    open_modules = [module for module in started if not progress.is_green(module.stem)]
    return (open_modules or started[-1:])[0]


def step_to_mend(module: Module, progress: Progress) -> Step | None:
    """Return the first step that fails, or else the first that is not known to pass, or None."""
    failed = [step for step in module.steps if progress.state(step) == "failed"]
    others = [step for step in module.steps if progress.state(step) != "passed"]
    return next(iter(failed or others), None)


def a_step(name: str) -> Step:
    """Return the step with this name, in full or short."""
    found = load_course().named(name)
    if isinstance(found, Module):
        steps = ", ".join(step.name for step in found.steps)
        raise CourseError(f"{name!r} is a module; its steps are: {steps or 'still to be written'}")
    return found
