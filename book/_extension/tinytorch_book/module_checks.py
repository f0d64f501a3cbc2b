"""The checks of a module as sentences, gathered from its test files without running them."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sphinx.application import Sphinx

from tinytorch.course.catalog import CourseError, Module, load_course

from .component import add_component
from .repository import ROOT, chapter_link

SUITES = {"package": "Package tests", "modules": "Module tests"}


@dataclass(frozen=True)
class Check:
    suite: str
    step: str | None
    sentence: str


def test_file(suite: str, stem: str) -> Path:
    return ROOT / "tests" / suite / f"test_{stem}.py"


def marked_step(function: ast.FunctionDef) -> str | None:
    """Return the step named by `@pytest.mark.step("...")`."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.step":
            return str(ast.literal_eval(decorator.args[0]))
    return None


def gather(stem: str) -> Iterator[Check]:
    for suite in SUITES:
        path = test_file(suite, stem)
        if not path.is_file():
            raise CourseError(f"module {stem!r} has no {path.relative_to(ROOT)}")
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                sentence = node.name.removeprefix("test_").replace("_", " ")
                yield Check(suite, marked_step(node), sentence)


def listing(checks: list[Check]) -> str:
    blocks = []
    for suite, title in SUITES.items():
        sentences = [check.sentence for check in checks if check.suite == suite]
        if sentences:
            items = "\n".join(f"- {sentence}" for sentence in sentences)
            blocks.append(f"**{title}**\n\n{items}")
    return "\n\n".join(blocks)


def fold(title: str, checks: list[Check]) -> str:
    return f"""\
<details class="tt-check">
<summary>{title} <span class="tt-count">{len(checks)} checks</span></summary>

{listing(checks)}

</details>
"""


def next_up(module: Module) -> str:
    """Return what the module unlocks, linked where it is published."""
    later = [row for row in load_course().published if module.stem in row.requires]
    links = ", ".join(chapter_link(row) for row in later)
    return f"**Unlocks next.** {module.unlocks}" + (f" Go on to {links}." if links else "")


def module_checks(stem: str) -> str:
    module = load_course().module(stem)
    checks = list(gather(stem))
    folds = [
        fold(step.title, [check for check in checks if check.step == step.id])
        for step in module.steps
    ]
    together = [check for check in checks if check.step is None]
    if together:
        folds.append(fold("All of it together", together))
    body = "\n".join(folds)
    return f'<div class="tt-checks">\n\n{body}\n{next_up(module)}\n\n</div>\n'


def reads(stem: str) -> Iterable[Path]:
    return [test_file(suite, stem) for suite in SUITES]


def setup_module_checks(app: Sphinx) -> None:
    add_component(app, "module-checks", module_checks, reads)
