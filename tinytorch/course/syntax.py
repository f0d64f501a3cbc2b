"""Python as text: where a statement stands, which names it needs, and how to move it.

Everything a person wrote is kept to the letter: trees say where to cut, and only lines are moved.
What is no Python raises SyntaxError.
"""

from __future__ import annotations

import ast
import functools
import io
import re
import symtable
import tokenize
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from tinytorch.course.catalog import CourseError

Function = ast.FunctionDef | ast.AsyncFunctionDef

_TREE_ONLY = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_STRINGS = {"STRING", "FSTRING_MIDDLE"}
_STARTS = {"ENCODING", "NEWLINE", "INDENT", "DEDENT"}  # what stands before a statement
_SILENT = {"COMMENT", "NL"}


@functools.lru_cache(maxsize=128)
def parse(text: str) -> ast.Module:
    """Return the syntax tree, to read and not to change; SyntaxError for all that is no Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = compile(text, "<text>", "exec", flags=_TREE_ONLY, dont_inherit=True)
            return cast(ast.Module, tree)
        except (ValueError, RecursionError, MemoryError) as error:  # a null byte, deep nesting
            raise SyntaxError(str(error) or "it is nested too deeply") from None


def require_python(text: str, name: str) -> None:
    """Raise CourseError where the text, known to the learner by this name, is no Python."""
    try:
        parse(text)
    except SyntaxError as error:
        raise CourseError(
            f"{name} is not valid Python (line {error.lineno or 1}: {error.msg})"
        ) from None


def statements(scope: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements of a module or class, those inside of its `if` and `try` as well."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.stmt):
            yield node
        if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case) and not isinstance(
            node, Function | ast.ClassDef
        ):
            yield from statements(node)


def find_function(text: str, qualname: str) -> Function | None:
    """Return the function or method of that name, the last where there are several."""
    *owners, name = qualname.split(".")
    scope: ast.AST = parse(text)
    for owner in owners:
        classes = [node for node in statements(scope) if isinstance(node, ast.ClassDef)]
        if not (found := [node for node in classes if node.name == owner]):
            return None
        scope = found[-1]
    functions = [node for node in statements(scope) if isinstance(node, Function)]
    return next((node for node in reversed(functions) if node.name == name), None)


def lines_of(text: str, node: ast.stmt) -> tuple[int, int]:
    """Return the first line of a statement and the line after it, counted from 0.

    Decorators belong to it, and so do the comments directly above and those that end its body.
    """
    lines = text.split("\n")
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1
    while first and re.match(rf" {{{node.col_offset}}}#", lines[first - 1]):
        first -= 1
    last = node.end_lineno or node.lineno
    for number in range(last, len(lines)):
        line = lines[number].lstrip()
        if line and not (line[0] == "#" and len(lines[number]) - len(line) > node.col_offset):
            break
        last = number + 1 if line else last
    return first, last


def text_of(text: str, node: ast.stmt) -> str:
    """Return the lines of a statement, moved to the left margin."""
    first, last = lines_of(text, node)
    return shifted("\n".join(text.split("\n")[first:last]), -node.col_offset)


def is_blank(function: Function) -> bool:
    """Return whether the body holds nothing but a docstring and what stands for "to do"."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return all(map(_is_nothing, body)) if body else True


def _is_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant) and statement.value.value is ...
    if isinstance(statement, ast.Raise):
        raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    return isinstance(statement, ast.Pass)


def function_text(text: str, qualname: str) -> str | None:
    """Return the function with its decorators and the comments directly above, or None."""
    function = find_function(text, qualname)
    return None if function is None else text_of(text, function)


def replace_function(text: str, qualname: str, new_text: str) -> str:
    """Return the text with another function in the place of this one."""
    function = find_function(text, qualname)
    if function is None:
        raise ValueError(f"there is no {qualname} to replace")
    first, last = lines_of(text, function)
    lines = text.split("\n")
    lines[first:last] = shifted(new_text.strip("\n"), function.col_offset).split("\n")
    return "\n".join(lines)


def shifted(text: str, columns: int) -> str:
    """Return the lines moved to the right, or to the left; a string's own lines keep theirs."""
    if not columns or not text:
        return text
    kept, margin = _lines_in_strings(text), " " * abs(columns)
    return "\n".join(
        line
        if number in kept or not line.strip()
        else margin + line
        if columns > 0
        else line.removeprefix(margin)
        for number, line in enumerate(text.split("\n"))
    )


def _lines_in_strings(text: str) -> set[int]:
    """Return the lines that begin inside of a string, docstrings aside."""
    inside: set[int] = set()
    before = "ENCODING"
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        if kind in _STRINGS and before not in _STARTS:
            inside.update(range(token.start[0], token.end[0]))
        before = before if kind in _SILENT else kind
    return inside


def names_used(text: str) -> set[str]:
    """Return the names that the statements read from the module around them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        top = symtable.symtable(text, "<text>", "exec")
    used = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    tables = list(top.get_children())
    for table in tables:
        tables += table.get_children()
        used |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_declared_global() or (symbol.is_global() and symbol.is_referenced())
        }
    return used


def names_bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement at the top of a module gives a meaning."""
    if isinstance(statement, Function | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Expr | ast.AugAssign):
        return set()
    bound: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, Function | ast.ClassDef):
            bound.add(node.name)
    return bound


def binding(text: str, name: str) -> ast.stmt | None:
    """Return the last statement at the top of the module that gives the name a meaning."""
    return _bindings(text).get(name)


@functools.lru_cache(maxsize=128)
def _bindings(text: str) -> Mapping[str, ast.stmt]:
    return {name: node for node in parse(text).body for name in names_bound(node)}


def renamed(text: str, old: str, new: str) -> str:
    """Return the text with one name in the place of another, strings and comments left alone."""
    rows = text.split("\n")
    word = re.compile(rf"(?<![\w.]){re.escape(old)}(?!\w)")
    before = ""
    for token in reversed(_with_former(tokenize.generate_tokens(io.StringIO(text).readline))):
        before, found = token
        is_name = found.type == tokenize.NAME and found.string == old and before != "."
        is_format = found.type == tokenize.STRING and "f" in found.string[:2].lower()
        if not is_name and not is_format:
            continue
        row, start = found.start[0] - 1, found.start[1]
        if is_format and found.end[0] == found.start[0]:
            rows[row] = rows[row][:start] + word.sub(new, found.string) + rows[row][found.end[1] :]
        elif is_name:
            rows[row] = rows[row][:start] + new + rows[row][start + len(old) :]
    return "\n".join(rows)


def _with_former(
    tokens: Iterator[tokenize.TokenInfo],
) -> Sequence[tuple[str, tokenize.TokenInfo]]:
    found = list(tokens)
    return list(zip(["", *(token.string for token in found)], found, strict=False))
