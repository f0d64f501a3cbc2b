"""An object's source, read from the package: prose never holds a copy of the implementation."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sphinx.application import Sphinx

from tinytorch.course.catalog import CourseError

from .component import add_component
from .repository import ROOT, source_url

PACKAGE = ROOT / "tinytorch"

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Excerpt:
    """Some lines of a file of the package."""

    path: Path
    first: int
    last: int

    @property
    def text(self) -> str:
        return "\n".join(self.path.read_text().splitlines()[self.first - 1 : self.last])

    @property
    def place(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def link(self) -> str:
        """A link to these lines in the repository, as HTML."""
        url = source_url(self.place, self.first, self.last)
        is_one = self.first == self.last
        lines = f"line {self.first}" if is_one else f"lines {self.first} to {self.last}"
        return f'<a href="{url}">{self.place}, {lines}</a>'


def files(target: str) -> list[Path]:
    """Return the files that may define `target`: the module's one file, or those of its folder."""
    stem = target.partition(".")[0]
    one = PACKAGE / f"{stem}.py"
    return [one] if one.is_file() else sorted((PACKAGE / stem).glob("*.py"))


def names(node: ast.stmt) -> list[str]:
    """Return the names a statement defines."""
    if isinstance(node, Definition):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def find(body: list[ast.stmt], path: list[str]) -> ast.stmt | None:
    """Return the statement that defines the dotted `path`."""
    for node in body:
        if path[0] in names(node):
            return node if len(path) == 1 else find(getattr(node, "body", []), path[1:])
    return None


def excerpt(target: str) -> Excerpt:
    """Return the lines that define `target`, decorators included."""
    path = target.split(".")[1:]
    for file in files(target) if path else []:
        node = find(ast.parse(file.read_text()).body, path)
        if node is not None:
            decorators = getattr(node, "decorator_list", [])
            first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
            return Excerpt(file, first, node.end_lineno or node.lineno)
    raise CourseError(f"no object {target!r} in the package")


def code(found: Excerpt) -> str:
    """Return the excerpt as a Markdown code block followed by its place."""
    return f'```python\n{dedent(found.text)}\n```\n\n<p class="tt-source">{found.link}</p>\n'


def dedent(text: str) -> str:
    lines = text.splitlines()
    margin = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[margin:] for line in lines)


def source(target: str) -> str:
    return code(excerpt(target))


def reads(target: str) -> Iterable[Path]:
    return files(target)


def setup_source(app: Sphinx) -> None:
    add_component(app, "source", source, reads)
