"""Write the exercise cells of the chapters from the reference.

An exercise cell is the reference with its body blanked: the same signature, the same docstring,
and the step's task as the message of a NotImplementedError. Before it stand the imports of every
name that the reference uses, in its signature or its body. So the cell runs by itself, and so does
the reference when a learner copies it into the cell. Decorators that only say how a class holds the
function (staticmethod, classmethod, property) are left out; `build` puts them back.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinytorch.course import install
from tinytorch.course.catalog import Course, CourseError, Module, Step, load_course

CHECKOUT = Path(__file__).resolve().parents[2]
WIDTH = 100
STRUCTURAL = {"staticmethod", "classmethod", "property"}
CELL = re.compile(
    r"^```\{code-cell\}[^\n]*\n(?P<options>(?::[^\n]*\n|---\n.*?\n---\n)*\n*)"
    r"(?P<code>.*?)^```[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
EXERCISE = re.compile(r"^@build\(['\"](?P<step>[^'\"]+)['\"]\)", re.MULTILINE)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def stub(step: Step) -> str:
    """Return the source of the step's exercise cell."""
    module, function, source = _find(step)
    decorators = [
        ast.get_source_segment(source, decorator) or ""
        for decorator in function.decorator_list
        if not (isinstance(decorator, ast.Name) and decorator.id in STRUCTURAL)
    ]
    last = _docstring(step, function).end_lineno
    lines = source.splitlines()[function.lineno - 1 : last]
    return "\n".join(
        [
            *_imports(step, module, function),
            "",
            f'@build("{step.id}")',
            *(f"@{decorator}" for decorator in decorators),
            textwrap.dedent("\n".join(lines)),
            *_blank_body(step),
        ]
    ).lstrip("\n")


def _find(step: Step) -> tuple[types.ModuleType, Function, str]:
    """Return the reference's module, its syntax tree and the module's source."""
    code = install.code_of(install.reference(step.target))
    if code is None:
        raise CourseError(f"step {step.id!r}: only functions and methods can be exercises")
    module = _defining_module(step, code.co_filename)
    source = Path(code.co_filename).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function) and _first_line(node) == code.co_firstlineno:
            return module, node, source
    raise CourseError(f"step {step.id!r}: {step.target} is not in {code.co_filename}")


def _defining_module(step: Step, filename: str) -> types.ModuleType:
    importlib.import_module(f"tinytorch.{step.stem}")
    for name, module in list(sys.modules.items()):
        if name.startswith("tinytorch.") and getattr(module, "__file__", None) == filename:
            return module
    raise CourseError(f"step {step.id!r}: {step.target} is not defined in tinytorch")


def _first_line(function: Function) -> int:
    return min([function.lineno, *(node.lineno for node in function.decorator_list)])


def _docstring(step: Step, function: Function) -> ast.stmt:
    if ast.get_docstring(function) is None:
        raise CourseError(f"step {step.id!r}: {step.target} has no docstring to specify it")
    return function.body[0]


def _blank_body(step: Step) -> Iterator[str]:
    line = f'    raise NotImplementedError("{step.task}")'
    if '"' in step.task or "\\" in step.task or "\n" in step.task:
        raise CourseError(f"step {step.id!r}: the task must be one line without quotes")
    if len(line) <= WIDTH:
        yield line
        return
    yield "    raise NotImplementedError("
    pieces = textwrap.wrap(step.task, WIDTH - 12)
    for piece in pieces[:-1]:
        yield f'        "{piece} "'
    yield f'        "{pieces[-1]}"'
    yield "    )"


def _imports(step: Step, module: types.ModuleType, function: Function) -> list[str]:
    """Return imports of the names of its module that the function uses."""
    imported = _imports_of(module)
    whole: set[str] = set()  # import numpy as np
    parts: dict[str, set[str]] = {}  # from math import prod
    for name in _names_used(function) - {function.name}:
        statement, source = imported.get(name, ("", ""))
        if source.startswith("tinytorch") or (not statement and name in vars(module)):
            parts.setdefault(_home(step, module, name), set()).add(name)
        elif source:
            parts.setdefault(source, set()).add(statement)
        elif statement:
            whole.add(statement)
    lines = [f"from {source} import {', '.join(sorted(names))}" for source, names in parts.items()]
    return sorted([*whole, *lines], key=_import_order)


def _imports_of(module: types.ModuleType) -> dict[str, tuple[str, str]]:
    """Return how each name is imported: (`import json`, "") or (`prod`, `math`)."""
    found = {}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                source = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
                found[name] = (ast.unparse(alias if source else ast.Import([alias])), source)
    return found


def _names_used(function: Function) -> set[str]:
    """Return the names that the function reads and does not make itself."""
    nodes = list(ast.walk(function))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    made |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    return {node.id for node in names if isinstance(node.ctx, ast.Load)} - made


def _home(step: Step, module: types.ModuleType, name: str) -> str:
    """Return where to import the name from: the chapter's module, if it has it."""
    value: Any = vars(module)[name]
    public = f"tinytorch.{step.stem}"
    if getattr(importlib.import_module(public), name, None) is value:
        return public
    return module.__name__


def _import_order(statement: str) -> tuple[bool, bool, bool, str]:
    """Put the standard library first and ours last."""
    word, source, *_ = statement.split()
    package = source.partition(".")[0]
    outside = package not in sys.stdlib_module_names
    return (package == "tinytorch", outside, word == "from", statement)


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How a chapter differs from what the reference says it should be."""

    chapter: Path
    text: str  # the chapter as it should be
    drifted: tuple[str, ...]  # steps whose cells are out of date
    problems: tuple[str, ...]  # what rewriting cannot mend


def compare(module: Module, folder: Path) -> Drift:
    """Compare the chapter's exercise cells with the reference."""
    chapter = folder / f"{module.chapter}.md"
    before = chapter.read_text(encoding="utf-8") if chapter.is_file() else ""
    known = {step.id: step for step in module.steps}
    seen: list[str] = []
    drifted: list[str] = []

    def rewritten(match: re.Match[str]) -> str:
        found = EXERCISE.search(match["code"])
        if found is None:
            return match[0]
        seen.append(found["step"])
        if found["step"] not in known:
            return match[0]
        code = f"{stub(known[found['step']])}\n"
        if code != match["code"]:
            drifted.append(found["step"])
        start, end = (place - match.start() for place in match.span("code"))
        return match[0][:start] + code + match[0][end:]

    text = CELL.sub(rewritten, before)
    problems = [
        f"{chapter.name}: no exercise cell for {step}" for step in known if step not in seen
    ]
    problems += [f"{chapter.name}: {step} is no step" for step in seen if step not in known]
    problems += [
        f"{chapter.name}: {step} has {seen.count(step)} exercise cells"
        for step in known
        if seen.count(step) > 1
    ]
    return Drift(chapter=chapter, text=text, drifted=tuple(drifted), problems=tuple(problems))


def sync(*, check: bool, course: Course | None = None, folder: Path | None = None) -> list[str]:
    """Rewrite the cells that have drifted, or only look; return what is amiss."""
    modules = (course or load_course()).published
    found = [compare(module, folder or CHECKOUT / "book" / "modules") for module in modules]
    problems = [problem for drift in found for problem in drift.problems]
    for drift in found:
        if check:
            problems += [f"{drift.chapter.name}: {step} has drifted" for step in drift.drifted]
        elif drift.drifted:
            drift.chapter.write_text(drift.text, encoding="utf-8")
    return problems


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; `--check` changes nothing."""
    given = sys.argv[1:] if arguments is None else arguments
    if unknown := [argument for argument in given if argument != "--check"]:
        print(f"unknown option {unknown[0]}; the only one is --check", file=sys.stderr)
        return 2
    problems = sync(check="--check" in given)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
