"""The hints of a step: each lies inside the one before, so that they open one at a time."""

from sphinx.application import Sphinx

from tinytorch.course.catalog import CourseError, load_course

from .component import add_component


def step_hints(name: str) -> str:
    hints = load_course().step(name).hints
    if not hints:
        raise CourseError(f"step {name!r} has no hints in course.toml; write two to four")
    opening = "\n\n".join(
        f'<details class="tt-hint">\n<summary>Hint {number} of {len(hints)}</summary>\n\n{hint}'
        for number, hint in enumerate(hints, start=1)
    )
    return opening + "\n\n</details>" * len(hints) + "\n"


def setup_step_hints(app: Sphinx) -> None:
    add_component(app, "step-hints", step_hints)
