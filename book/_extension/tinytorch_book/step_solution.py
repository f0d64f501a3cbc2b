"""The reference solution of a step, folded away, with the place it was read from."""

from collections.abc import Iterable
from pathlib import Path

from sphinx.application import Sphinx

from tinytorch.course.catalog import load_course

from .component import add_component
from .source import code, excerpt, files


def step_solution(name: str) -> str:
    found = excerpt(load_course().step(name).target)
    return f"""\
<details class="tt-solution">
<summary>Reference solution</summary>

{code(found)}
</details>
"""


def reads(name: str) -> Iterable[Path]:
    return files(load_course().step(name).target)


def setup_step_solution(app: Sphinx) -> None:
    add_component(app, "step-solution", step_solution, reads)
