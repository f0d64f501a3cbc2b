"""The library as text: find the function of a step, blank it, replace it.

Nothing here imports a chapter: a learner's file may be broken, and its text must still be safe.
"""

from __future__ import annotations

import ast
import functools
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tinytorch.course import syntax
from tinytorch.course.catalog import CourseError, Step
from tinytorch.course.syntax import (
    Function,
    binding,
    find_function,
    function_text,
    is_blank,
    replace_function,
)

__all__ = [
    "PACKAGE",
    "Place",
    "blanked",
    "blanked_files",
    "find_function",
    "function_text",
    "is_blank",
    "locate",
    "package_files",
    "put_function",
    "replace_function",
]

PACKAGE = Path(__file__).resolve().parents[1]
WIDTH = 100


@dataclass(frozen=True)
class Place:
    """Where a step's function stands in the library."""

    path: str
    """The file, below tinytorch/: `tensors/shapes.py`."""
    qualname: str
    """The name inside of the file: `infer_shape`, `Tensor.view`."""

    @property
    def module(self) -> str:
        """The file's name as a module: `tinytorch.tensors.shapes`."""
        return module_name(self.path)


def module_name(path: str) -> str:
    """Return the module that a file below tinytorch/ is."""
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join(["tinytorch", *parts])


def package_files(stem: str) -> dict[str, str]:
    """Return the reference of a module: each file's path below tinytorch/, and its text."""
    return dict(_package_files(stem))


@functools.cache
def _package_files(stem: str) -> Mapping[str, str]:
    single, folder = PACKAGE / f"{stem}.py", PACKAGE / stem
    paths = [single] if single.is_file() else sorted(folder.rglob("*.py"))
    if not paths:
        raise CourseError(f"the library has no module {stem!r}; install tinytorch again")
    return {path.relative_to(PACKAGE).as_posix(): path.read_text("utf-8") for path in paths}


@functools.cache
def locate(step: Step) -> Place:
    """Return where the step's function stands in the reference."""
    files = package_files(step.stem)
    qualname = step.target.partition(".")[2]
    name, *inner = qualname.split(".")
    path, name = origin(files, front(step.stem, files), name)
    place = Place(path, ".".join([name, *inner]))
    if find_function(files.get(path, ""), place.qualname) is None:
        raise CourseError(f"step {step.id!r}: {step.target} is no function of the library")
    return place


def front(stem: str, files: Iterable[str]) -> str:
    """Return the file that `tinytorch.STEM` is: `setup.py`, `tensors/__init__.py`."""
    return f"{stem}.py" if f"{stem}.py" in files else f"{stem}/__init__.py"


def origin(files: Mapping[str, str], path: str, name: str) -> tuple[str, str]:
    """Return the file that defines what a file of the module calls by this name, and its name."""
    statement = syntax.binding(files.get(path, ""), name)
    if isinstance(statement, ast.ImportFrom):
        source = absolute(statement, path)
        for alias in statement.names:
            after = file_of(source, files)
            if after and after != path and (alias.asname or alias.name) == name:
                return origin(files, after, alias.name)
    return path, name


def absolute(statement: ast.ImportFrom, path: str) -> str:
    """Return the module that an import in this file names, dots in front resolved."""
    if not statement.level:
        return statement.module or ""
    package = ["tinytorch", *path.split("/")][: -statement.level]
    return ".".join([*package, *filter(None, [statement.module])])


def file_of(module: str, files: Iterable[str]) -> str | None:
    """Return the file, among these, that a module is."""
    return next((path for path in files if module_name(path) == module), None)


def blanked(text: str, steps: Iterable[Step]) -> str:
    """Return the text with the bodies of these steps' functions taken out."""
    for step in steps:
        function = find_function(text, locate(step).qualname)
        text = text if function is None else _with_blank_body(text, function, step)
    return text


def _with_blank_body(text: str, function: Function, step: Step) -> str:
    lines, (_, last) = text.split("\n"), syntax.lines_of(text, function)
    body = _blank_body(step, margin=" " * function.col_offset)
    lines[_docstring(step, function).end_lineno : last] = body
    return "\n".join(lines)


def blanked_files(stem: str, steps: Iterable[Step]) -> dict[str, str]:
    """Return the reference of a module with the bodies of these steps' functions taken out."""
    files = package_files(stem)
    for step in steps:
        path = locate(step).path
        files[path] = blanked(files[path], [step])
    return files


def _docstring(step: Step, function: Function) -> ast.stmt:
    if ast.get_docstring(function) is None:
        raise CourseError(f"step {step.id!r}: {step.target} has no docstring to specify it")
    return function.body[0]


def _blank_body(step: Step, *, margin: str) -> Iterator[str]:
    line = f'{margin}    raise NotImplementedError("{step.task}")'
    if '"' in step.task or "\\" in step.task or "\n" in step.task:
        raise CourseError(f"step {step.id!r}: the task must be one line without quotes")
    if len(line) <= WIDTH:
        yield line
        return
    yield f"{margin}    raise NotImplementedError("
    pieces = textwrap.wrap(step.task, WIDTH - 12 - len(margin))
    for piece in pieces[:-1]:
        yield f'{margin}        "{piece} "'
    yield f'{margin}        "{pieces[-1]}"'
    yield f"{margin}    )"


def put_function(text: str, place: Place, function: str) -> str:
    """Return the file with this function in its place, where it was or where it belongs."""
    if find_function(text, place.qualname) is not None:
        return replace_function(text, place.qualname, function)
    owner, _, _ = place.qualname.rpartition(".")
    if owner:
        raise ValueError(f"tinytorch/{place.path} has no class {owner} any more; bring it back")
    reference = package_files(place.path.partition("/")[0].removesuffix(".py"))[place.path]
    order = [node.name for node in syntax.parse(reference).body if hasattr(node, "name")]
    after = (binding(text, name) for name in order[order.index(place.qualname) + 1 :])
    return with_lines(text, next(filter(None, after), None), function)


def with_lines(text: str, before: ast.stmt | None, piece: str) -> str:
    """Return the text with a piece above a statement, or at its end."""
    if before is None:
        return f"{text.rstrip()}\n\n\n{piece}\n".lstrip("\n")
    lines = text.split("\n")
    first, _ = syntax.lines_of(text, before)
    return "\n".join([*lines[:first], piece, "", "", *lines[first:]])
