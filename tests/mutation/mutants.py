"""Generic mutants: copies of a source file that differ in one operator, number or condition."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider

LEFT_OUT = {
    "VariableInserter": "needs the names of variables",
    "VariableReplacer": "needs the names of variables",
    "ReplaceComparisonOperator_Eq_Is": "the same for small integers and for dtypes",
    "ReplaceComparisonOperator_NotEq_IsNot": "the same for small integers and for dtypes",
    "ReplaceComparisonOperator_Is_Eq": "the same for None, for types and for dtypes",
    "ReplaceComparisonOperator_IsNot_NotEq": "the same for None, for types and for dtypes",
}
PROVIDER = OperatorProvider()
OPERATORS = [PROVIDER[name]() for name in PROVIDER if name not in LEFT_OUT]


@dataclass(frozen=True)
class Unit:
    """What one mutant changes: a function, a method, or a statement outside of both."""

    path: Path
    name: str  # "Tensor.reshape"; empty outside of functions
    first: int  # its first line, counted from 0
    lines: tuple[str, ...]

    @property
    def code(self) -> str:
        """The unit's source without its indentation."""
        return textwrap.dedent("".join(self.lines))

    @property
    def indent(self) -> str:
        """What stands before each line."""
        return self.lines[0][: len(self.lines[0]) - len(self.lines[0].lstrip())]


@dataclass(frozen=True)
class Mutant:
    """A source file with one change."""

    unit: Unit
    change: str  # "size - 1 => size + 1", from the lines that differ
    source: str


def mutants_of(path: Path) -> list[Mutant]:
    """Return every mutant of a file that does something else, each once."""
    return [mutant for unit in units_of(path) for mutant in _mutants_of_unit(unit)]


def units_of(path: Path) -> Iterator[Unit]:
    """Yield a file's functions, methods, and statements outside of both."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for statement in ast.parse("".join(lines)).body:
        if isinstance(statement, ast.ClassDef):
            for part in statement.body:
                yield _unit(path, part, lines, prefix=f"{statement.name}.")
        else:
            yield _unit(path, statement, lines, prefix="")


def _unit(path: Path, statement: ast.stmt, lines: list[str], *, prefix: str) -> Unit:
    is_function = isinstance(statement, ast.FunctionDef)
    decorators = statement.decorator_list if is_function else []
    first = min([statement.lineno, *(one.lineno for one in decorators)]) - 1
    name = prefix + statement.name if is_function else ""
    return Unit(path, name, first, tuple(lines[first : statement.end_lineno]))


def _mutants_of_unit(unit: Unit) -> Iterator[Mutant]:
    seen = {meaning(unit.code)}
    nodes = list(ast_nodes(get_ast(unit.code)))
    for operator in OPERATORS:
        for occurrence in range(sum(len(list(operator.mutation_positions(n))) for n in nodes)):
            code = mutate_code(unit.code, operator, occurrence)
            does = meaning(code)
            if does is not None and does not in seen:
                seen.add(does)
                yield Mutant(unit, _change(unit.code, code), _spliced(unit, code))


def meaning(code: str) -> str | None:
    """Return what code does, without annotations and docstrings; None where it is no Python."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.arguments):  # the star in `(a, *, b)` is no multiplication
            node.args, node.posonlyargs = [*node.posonlyargs, *node.args, *node.kwonlyargs], []
            node.kwonlyargs, node.defaults = [], [*node.defaults, *filter(None, node.kw_defaults)]
            node.kw_defaults = []
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
            if ast.get_docstring(node) is not None:
                node.body[0] = ast.Pass()
    return ast.dump(tree)


def _change(before: str, after: str) -> str:
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return " => ".join(" ".join(" ".join(lines).split()) for lines in (old, new))


def _spliced(unit: Unit, code: str) -> str:
    lines = unit.path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[unit.first : unit.first + len(unit.lines)] = [textwrap.indent(code, unit.indent)]
    return "".join(lines)
