"""A workspace is laid over the library: the learner's files are loaded instead of ours.

Python asks the finders in `sys.meta_path` where a module is; ours answers first, with the file of
the workspace. A step that is not built yet would stop every module that uses it. So while such a
file is loaded, the reference's function is put where the learner's is still blank. It becomes a
part of the learner's module and sees what the rest of that module sees, but it keeps the file name
of the reference: in a traceback, and wherever the course asks whose code runs.
"""

from __future__ import annotations

import ast
import copy
import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import types
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from tinytorch.course import catalog, source, syntax
from tinytorch.course.workspace import Workspace

Mark = tuple[str, int]  # by which the code of a filled function is known: its name, its first line


def lay_over(folder: Path) -> None:
    """Load from this workspace, from now on, every module that was started in it."""
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, WorkspaceFinder)]
    sys.meta_path.insert(0, WorkspaceFinder(Workspace(folder.absolute())))


def laid_over() -> Path | None:
    """Return the folder of the workspace that is laid over the library, or None."""
    finder = next((one for one in sys.meta_path if isinstance(one, WorkspaceFinder)), None)
    return finder.workspace.root if finder else None


def holds(filename: str) -> bool:
    """Return whether a file is one of the learner's modules."""
    root = laid_over()  # in which there may be a .venv as well
    return root is not None and filename.startswith(f"{root / 'tinytorch'}{os.sep}")


def is_ours(filename: str) -> bool:
    """Return whether a file is one of the reference's modules."""
    return filename.startswith(f"{source.PACKAGE}{os.sep}")


def name_of(filename: str) -> str:
    """Return how a learner knows their file: `tinytorch/setup.py`."""
    root = laid_over()
    return os.path.relpath(filename, root) if root and holds(filename) else filename


class WorkspaceFinder(importlib.abc.MetaPathFinder):
    """Finds the modules of the library in a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.started = frozenset(workspace.started)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return where the module is in the workspace, or None for what is not a part of it."""
        package, *parts = name.split(".")
        if package != "tinytorch" or not parts or parts[0] not in self.started:
            return None
        relative = "/".join(parts)
        places = [f"{relative}/__init__.py", f"{relative}.py"]
        for place in places:
            if (self.workspace.code / place).is_file():
                loader = LearnersFile(name, str(self.workspace.code / place), place)
                return importlib.util.spec_from_file_location(name, loader.path, loader=loader)
        if gone := [place for place in places if (source.PACKAGE / place).is_file()]:
            raise ImportError(missing(gone[0]), name=name)
        return None


def missing(place: str) -> str:
    """Return the sentence on a file of a started module that is not there."""
    return f"tinytorch/{place} is missing; bring it back with: tinytorch start {_stem(place)}"


def _stem(place: str) -> str:
    return place.partition("/")[0].removesuffix(".py")


class LearnersFile(importlib.machinery.SourceFileLoader):
    """Loads a file of the workspace, with the reference where a step is not built yet."""

    def __init__(self, name: str, path: str, place: str) -> None:
        super().__init__(name, path)
        self.place = place

    def get_code(self, fullname: str) -> types.CodeType:
        """Return the code of the file as it is now, its blank steps filled."""
        tree = ast.parse(self.get_data(self.path), self.path)
        marks = fill(tree, self.place)
        code = compile(tree, self.path, "exec", dont_inherit=True)
        return _attributed(code, marks, str(source.PACKAGE / self.place))


def fill(tree: ast.Module, place: str) -> set[Mark]:
    """Put the reference's function where that of a step is blank; return the marks of these."""
    steps = catalog.load_course().module(_stem(place)).steps
    wanted = {at.qualname for at in map(source.locate, steps) if at.path == place}
    bound: set[str] = set().union(*map(syntax.names_bound, tree.body))
    marks: set[Mark] = set()
    for qualname, function, body, number in list(_functions(tree)):
        if qualname in wanted and syntax.is_blank(function):
            body[number] = given = _reference(place, qualname, bound)
            marks.add((qualname, _first_line(given)))
    return marks


def _functions(
    owner: ast.Module | ast.ClassDef, prefix: str = ""
) -> Iterator[tuple[str, ast.FunctionDef, list[ast.stmt], int]]:
    """Yield each function and method under its full name, and its place in a body."""
    for number, node in enumerate(owner.body):
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node, owner.body, number
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")


def _reference(place: str, qualname: str, bound: Collection[str]) -> ast.FunctionDef:
    """Return the reference's function; it imports for itself what its new module does not."""
    text = (source.PACKAGE / place).read_text(encoding="utf-8")
    function = copy.copy(syntax.find_function(text, qualname))
    if not isinstance(function, ast.FunctionDef):
        raise catalog.CourseError(f"the library has no {qualname} in {place}")
    lacking = syntax.names_used(syntax.function_text(text, qualname) or "") - set(bound)
    imports = [
        _only(node, lacking)
        for node in syntax.parse(text).body
        if isinstance(node, ast.Import | ast.ImportFrom) and syntax.names_bound(node) & lacking
    ]
    function.body = [function.body[0], *imports, *function.body[1:]]  # the docstring stays first
    return function


def _only(node: ast.Import | ast.ImportFrom, names: set[str]) -> ast.stmt:
    """Return the import with no other names than these."""
    node = copy.copy(node)
    node.names = [one for one in node.names if (one.asname or one.name.split(".")[0]) in names]
    return node


def _first_line(function: ast.FunctionDef) -> int:
    return min([function.lineno, *(node.lineno for node in function.decorator_list)])


def _attributed(
    code: types.CodeType, marks: Collection[Mark], filename: str, own: str | None = None
) -> types.CodeType:
    """Return the code with the marked functions, and all inside of them, under this file name."""
    own = filename if (code.co_qualname, code.co_firstlineno) in marks else own or code.co_filename
    inner = tuple(
        _attributed(one, marks, filename, own) if isinstance(one, types.CodeType) else one
        for one in code.co_consts
    )
    return code.replace(co_consts=inner, co_filename=own)


def reference(step: catalog.Step) -> Any:
    """Return the step's reference, made anew as a part of the module that is loaded now."""
    place = source.locate(step)
    module = importlib.import_module(place.module)
    owners = place.qualname.split(".")[:-1]
    function = _reference(place.path, place.qualname, vars(module))
    tree = ast.parse("from __future__ import annotations\ndef make(__class__): return _")
    make: Any = tree.body[1]  # its parameter is what super() without arguments looks for
    make.body = [function, ast.Return(ast.Name(function.name, ast.Load()))]
    made: dict[str, Any] = {}
    ast.fix_missing_locations(tree)
    code = compile(tree, source.PACKAGE / place.path, "exec", dont_inherit=True)
    exec(code, vars(module), made)
    found = made["make"](functools.reduce(getattr, owners, module))
    plain = getattr(found, "__func__", found)  # of a static method or class method
    if isinstance(plain, types.FunctionType):
        plain.__qualname__ = place.qualname  # as Python calls it in its errors
    return found
