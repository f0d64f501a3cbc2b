"""An exercise as a page has it: made of a learner's file, and put back into one.

On a page, a step is one cell: imports, whatever helps, and the function below `@build`. In a file,
the same function stands among given code. `cell` and `with_cell` lead from one to the other.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tinytorch.course import catalog, source, syntax
from tinytorch.course.catalog import Step
from tinytorch.course.syntax import (
    Function,
    binding,
    find_function,
    function_text,
    names_bound,
    names_used,
    text_of,
)

STRUCTURAL = {"staticmethod", "classmethod", "property"}  # they say how a class holds a function
WIDEST = 100  # characters of a line
CONVENTIONS = {"np": "import numpy as np", "tt": "import tinytorch as tt"}


@dataclass
class _Surroundings:
    """What a function needs around it on a page."""

    whole: set[str] = field(default_factory=set)
    """Imports of modules: `import numpy as np`."""
    parts: dict[str, set[str]] = field(default_factory=dict)
    """Imports from modules: what, by module."""
    own: dict[tuple[str, int], str] = field(default_factory=dict)
    """The learner's definitions, by the file and the line where they stand."""

    @property
    def imports(self) -> list[str]:
        """The lines that import, the standard library first and ours last."""
        parts = [line for name, p in self.parts.items() for line in _import_lines(name, sorted(p))]
        return sorted([*self.whole, *parts], key=lambda line: _import_order((line, "")))


def cell(step: Step, module_texts: Mapping[str, str]) -> str:
    """Return the exercise cell of a page with the learner's function in it.

    Before it stand the imports of the names that it uses, and the learner's own definitions;
    what is given with the module is imported.
    """
    place = source.locate(step)
    text = function_text(module_texts.get(place.path, ""), place.qualname)
    if text is None:
        raise ValueError(f"tinytorch/{place.path} has no {place.qualname}")
    return _cell(step, text, _surroundings(step, module_texts))


def stub(step: Step) -> str:
    """Return the exercise cell as a page publishes it; its imports are those of the reference."""
    place, files = source.locate(step), source.package_files(step.stem)
    text = function_text(source.blanked(files[place.path], [step]), place.qualname) or ""
    _, published = _split_comments(text)
    return _cell(step, published, _surroundings(step, files))


def _cell(step: Step, text: str, around: _Surroundings) -> str:
    comments, function = _split_comments(text)
    own = [line for _, piece in sorted(around.own.items()) for line in (piece, "")]
    lines = function.split("\n")
    for decorator in _only_function(function).decorator_list:
        if isinstance(decorator, ast.Name) and decorator.id in STRUCTURAL:
            lines.remove(f"@{decorator.id}")
    build = f'@build("{step.id}")'
    return "\n".join([*around.imports, "", *own, *comments, build, *lines]).lstrip("\n")


def _split_comments(text: str) -> tuple[list[str], str]:
    """Return the lines of comments above a function, and the function."""
    node = _only_function(text)
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
    lines = text.split("\n")
    return lines[:first], "\n".join(lines[first:])


def _only_function(text: str) -> Function:
    return next(node for node in syntax.parse(text).body if isinstance(node, Function))


def _surroundings(step: Step, texts: Mapping[str, str]) -> _Surroundings:
    """Return what the step's function, as it stands in these texts, needs around it."""
    place, found = source.locate(step), _Surroundings()
    seen = {(place.path, place.qualname)}  # it may call itself
    waiting = [(place.path, function_text(texts[place.path], place.qualname) or "")]
    for path, text in waiting:
        for name in sorted(names_used(text)):
            after, original = source.origin(texts, path, name)
            statement = binding(texts.get(after, ""), original)
            if statement is None or (after, original) in seen:
                continue
            if isinstance(statement, ast.Import | ast.ImportFrom):
                _add_import(found, statement, name, after)
            elif _is_given(step.stem, statement, after, original):
                _add_given(found, step.stem, name, seen_from=path, defined=(after, original))
            else:
                seen.add((after, original))
                found.own[after, statement.lineno] = text_of(texts[after], statement)
                waiting.append((after, found.own[after, statement.lineno]))
    return found


def _add_import(
    found: _Surroundings, statement: ast.Import | ast.ImportFrom, name: str, path: str
) -> None:
    for alias in statement.names:
        if name != _name_of(alias):
            continue
        if isinstance(statement, ast.Import):
            found.whole.add(ast.unparse(ast.Import([alias])))
        else:
            _add_part(found, source.absolute(statement, path), alias.name, name)


def _add_given(
    found: _Surroundings, stem: str, name: str, *, seen_from: str, defined: tuple[str, str]
) -> None:
    """Import what comes with the module: from its public face, if that has it."""
    files = source.package_files(stem)
    home, original = defined
    if source.origin(files, source.front(stem, files), original) == defined:
        _add_part(found, f"tinytorch.{stem}", original, name)
    elif source.origin(files, seen_from, name) == defined:
        _add_part(found, source.module_name(seen_from), name, name)
    else:
        _add_part(found, source.module_name(home), original, name)


def _add_part(found: _Surroundings, module: str, original: str, name: str) -> None:
    part = original if original == name else f"{original} as {name}"
    found.parts.setdefault(module, set()).add(part)


def _is_given(stem: str, statement: ast.stmt, path: str, name: str) -> bool:
    """Return whether a definition comes with the module, so that a page has it as well."""
    published = binding(source.package_files(stem).get(path, ""), name)
    if published is None:
        return False
    is_step = any(source.locate(step) == source.Place(path, name) for step in _steps(stem))
    is_class = isinstance(statement, ast.ClassDef) and isinstance(published, ast.ClassDef)
    return is_step or is_class or ast.dump(statement) == ast.dump(published)


def _steps(stem: str) -> tuple[Step, ...]:
    return catalog.load_course().module(stem).steps


def _import_lines(module: str, names: Sequence[str]) -> list[str]:
    """Return the imports of names from one module, in more than one line where one is too long."""
    start = f"from {module} import "
    rows = textwrap.wrap(", ".join(names), WIDEST - len(start), break_long_words=False)
    return [start + row.rstrip(",") for row in rows]


def _import_order(found: tuple[str, str]) -> tuple[bool, bool, bool, str]:
    """Put the standard library first and ours last."""
    word, name, *_ = found[0].split()
    package = name.partition(".")[0]
    outside = package not in sys.stdlib_module_names
    return (package == "tinytorch", outside, word == "from", found[0])


def with_cell(
    module_texts: Mapping[str, str], step: Step, cell_source: str, *, around: Sequence[str] = ()
) -> dict[str, str]:
    """Return the module's files with the function of a page's cell in its place.

    The definitions and imports that it needs come with it, from the cell or from the page's other
    cells `around` it; trial calls stay behind. Raises ValueError where there is no function.
    """
    place = source.locate(step)
    file = module_texts.get(place.path, "")
    syntax.require_python(file, f"tinytorch/{place.path}")
    try:
        text = _with_borrowed(_readable(cell_source, step), step, file, around)
        text = _without_clashes(text, step, module_texts)
    except SyntaxError as error:  # what is found when names are, such as two equal parameters
        raise ValueError(f"its cell is not valid Python ({error.msg})") from None
    answer = _answer(text, step)
    needed = _needed(text, answer)
    helpers = [node for node in needed if not isinstance(node, ast.Import | ast.ImportFrom)]
    pieces = [text_of(text, node) for node in helpers] + [_unwrapped(text, answer, helpers, step)]
    imports = [
        one for node in needed for one in _imports([node]) if binding(text, one[1]) is node
    ]  # without those that a later statement of the cell overrides
    file, pieces = _with_imports(file, pieces, sorted(imports, key=_import_order), step)
    file = source.put_function(file, place, pieces.pop())
    for piece in pieces:
        file = _with_helper(file, place, piece)
    return {**module_texts, place.path: file}


def _with_imports(
    file: str, pieces: list[str], imports: Iterable[tuple[str, str]], step: Step
) -> tuple[str, list[str]]:
    """Return the file and the pieces of code with the imports that they need and do not have."""
    path = source.locate(step).path
    for line, name in imports:
        is_used = any(name in names_used(piece) for piece in pieces)
        if not is_used or _meaning(path, line, name) == _meaning(path, file, name):
            continue
        if binding(file, name) is None and _may_stand_on_top(line, step):
            file = _with_import(file, line)
        else:
            pieces = [_with_inner_import(p, line) if name in names_used(p) else p for p in pieces]
    return file, pieces


def _with_helper(text: str, place: source.Place, piece: str) -> str:
    """Return the file with a definition above the function, or in place of one of its name."""
    (name, *_) = sorted(names_bound(syntax.parse(piece).body[-1]))
    former = binding(text, name)
    if former is None or isinstance(former, ast.Import | ast.ImportFrom):
        return source.with_lines(text, binding(text, place.qualname.partition(".")[0]), piece)
    first, last = syntax.lines_of(text, former)
    lines = text.split("\n")
    return "\n".join([*lines[:first], piece, *lines[last:]])


def _readable(text: str, step: Step) -> str:
    """Return the cell as Python whose answer has its own name; drop what only IPython reads."""
    text = _plain(text)
    syntax.require_python(text, "its cell")
    answer = _answer(text, step)
    name = source.locate(step).qualname.rpartition(".")[2]
    if answer.name == name:
        return text
    if binding(text, name):  # a helper of that name
        text = syntax.renamed(text, name, f"_{name}_of_mine")
    return syntax.renamed(text, answer.name, name)


def _plain(text: str) -> str:
    """Return the cell with newlines alone, and without lines that only IPython reads."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        syntax.parse(text)
    except SyntaxError:
        return re.sub(r"^([%!].*|[\w.]+\?\??|\?\??[\w.]+)$", "", text, flags=re.MULTILINE)
    return text


def _answer(text: str, step: Step) -> Function:
    """Return the function that the cell gives to `build`, or else the one of the step's name."""
    functions = [node for node in syntax.parse(text).body if isinstance(node, Function)]
    name = source.locate(step).qualname.rpartition(".")[2]
    built = [node for node in functions if any(map(_is_build, node.decorator_list))]
    named = [node for node in functions if node.name == name]
    if not built and not named:
        raise ValueError(f'its cell has no function below @build("{step.id}")')
    return (built or named)[-1]


def _is_build(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else None
    return getattr(called, "attr", getattr(called, "id", "")) == "build"


def _needed(text: str, answer: Function) -> list[ast.stmt]:
    """Return the statements of the cell that the answer cannot do without, in their order."""
    others = [node for node in syntax.parse(text).body if not _is_idle(text, node, answer)]
    names = names_used(_undecorated(text, answer))
    needed: list[ast.stmt] = []
    while more := [node for node in others if node not in needed and names_bound(node) & names]:
        needed += more
        for node in more:
            if not isinstance(node, ast.Import | ast.ImportFrom):
                names |= names_used(text_of(text, node))
    return sorted(needed, key=lambda node: node.lineno)


def _is_idle(text: str, node: ast.stmt, answer: Function) -> bool:
    """Return whether a statement is the answer, binds no name, or none that lasts."""
    anew = Function | ast.ClassDef | ast.Import | ast.ImportFrom
    last = [binding(text, name) for name in names_bound(node)]
    return node is answer or all(one is not node and isinstance(one, anew) for one in last)


def _undecorated(text: str, answer: Function) -> str:
    """Return the answer without its `@build`."""
    first, last = syntax.lines_of(text, answer)
    builds = [one for one in answer.decorator_list if _is_build(one)]
    gone = {n for one in builds for n in range(one.lineno - 1, one.end_lineno or one.lineno)}
    lines = text.split("\n")
    return "\n".join(lines[number] for number in range(first, last) if number not in gone)


def _unwrapped(text: str, answer: Function, helpers: Sequence[ast.stmt], step: Step) -> str:
    """Return the answer as it stands in a file, below every comment that led to it."""
    place = source.locate(step)
    given = find_function(source.package_files(step.stem)[place.path], place.qualname)
    decorators = given.decorator_list if given else []
    own = {ast.unparse(decorator) for decorator in answer.decorator_list}
    structural = [f"@{name}" for name in map(ast.unparse, decorators) if name in STRUCTURAL - own]
    _, function = _split_comments(_undecorated(text, answer))
    return "\n".join([*_comments_above(text, answer, helpers), *structural, function])


def _comments_above(text: str, answer: Function, helpers: Sequence[ast.stmt]) -> list[str]:
    taken: set[int] = set()
    for node in syntax.parse(text).body:
        if node is not answer:
            start, end = syntax.lines_of(text, node)
            taken.update(range(start if node in helpers else node.lineno - 1, end))
    first = min([answer.lineno, *(one.lineno for one in answer.decorator_list)]) - 1
    lines = text.split("\n")[:first]
    return [line for n, line in enumerate(lines) if line.startswith("#") and n not in taken]


def _with_borrowed(text: str, step: Step, file: str, around: Sequence[str]) -> str:
    """Return the cell with what the answer needs from elsewhere on its page in front of it."""
    known = set(dir(builtins))
    while True:
        answer = _answer(text, step)
        needed = [answer, *_needed(text, answer)]
        known |= {name for node in needed for name in names_bound(node)}
        pieces = [_undecorated(text, answer), *(text_of(text, node) for node in needed[1:])]
        names = {name for piece in pieces for name in names_used(piece)} - known
        known |= names
        missing = sorted(name for name in names if binding(file, name) is None)
        borrowed = [piece for name in missing if (piece := _borrowed(name, step, around))]
        if not borrowed:
            return text
        text = "\n\n".join([*borrowed, text])


def _borrowed(name: str, step: Step, around: Sequence[str]) -> str:
    """Return a definition or an import of a name that a page has from another cell."""
    for other in map(_plain, reversed(around)):
        try:
            found = binding(other, name)
        except SyntaxError:
            continue
        if isinstance(found, ast.Import | ast.ImportFrom):
            return next(line for line, one in _imports([found]) if one == name)
        if found and not any(map(_is_build, getattr(found, "decorator_list", []))):
            return text_of(other, found)
    if name in CONVENTIONS:
        return CONVENTIONS[name]
    for stem in [step.stem, *_earlier(step.stem)]:
        files = source.package_files(stem)
        for path in [source.front(stem, files), *files]:
            after, original = source.origin(files, path, name)
            found = binding(files[after], original)
            if found and not isinstance(found, ast.Import | ast.ImportFrom):
                return f"from {source.module_name(path)} import {name}"
    return ""


def _earlier(stem: str) -> list[str]:
    """Return the stems of the modules before this one, the nearest first."""
    stems = [module.stem for module in catalog.load_course().published]
    return stems[: stems.index(stem)][::-1]


def _without_clashes(text: str, step: Step, texts: Mapping[str, str]) -> str:
    """Return the cell with other names for what would take the place of given code."""
    answer = _answer(text, step)
    helpers = _needed(text, answer)
    for node in helpers:
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for name in names_bound(node):
            if _is_spoken_for(name, node, step, texts):
                text = syntax.renamed(text, name, f"_{step.name}_{name.strip('_')}")
    return text


def _is_spoken_for(name: str, node: ast.stmt, step: Step, texts: Mapping[str, str]) -> bool:
    """Return whether the file gives the name to something that others use."""
    place = source.locate(step)
    file = texts.get(place.path, "")
    given, there = binding(source.package_files(step.stem)[place.path], name), binding(file, name)
    if given is None or there is None or ast.dump(node) == ast.dump(there):
        return False
    if any(source.locate(other) == source.Place(place.path, name) for other in _steps(step.stem)):
        return True
    files = source.package_files(step.stem)
    return any(
        name in names_used(text_of(text, other))
        for text in (files[place.path], file)
        for other in syntax.parse(text).body
        if not names_bound(other) & {name, place.qualname}
    ) or any(re.search(rf"\b{name}\b", files[path]) for path in files if path != place.path)


def _imports(statements: Iterable[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Yield each import as a line of its own, with the name it binds."""
    for node in statements:
        if isinstance(node, ast.Import):
            yield from ((ast.unparse(ast.Import([one])), _name_of(one)) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                yield ast.unparse(ast.ImportFrom(node.module, [one], node.level)), _name_of(one)


def _name_of(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _meaning(path: str, text: str, name: str) -> tuple[str, str]:
    """Return the module and the name in it that a name of this text stands for."""
    files = source.package_files(path.partition("/")[0].removesuffix(".py"))
    statement = binding(text, name)
    if not isinstance(statement, ast.Import | ast.ImportFrom):
        return source.module_name(path) if statement else "", name
    alias = next(one for one in statement.names if _name_of(one) == name)
    if isinstance(statement, ast.Import):
        return alias.name, ""
    module = source.absolute(statement, path)
    if (after := source.file_of(module, files)) is None:
        return module, alias.name
    after, original = source.origin(files, after, alias.name)
    return source.module_name(after), original


def _may_stand_on_top(line: str, step: Step) -> bool:
    """Return whether an import can run while the module is still being imported."""
    statement = syntax.parse(line).body[0]
    if not isinstance(statement, ast.ImportFrom):
        return True
    package, _, rest = (statement.module or "").partition(".")
    earlier = ["course", *_earlier(step.stem)]
    return package != "tinytorch" or rest.partition(".")[0] in earlier


def _with_import(text: str, line: str) -> str:
    """Return the file with one more import below those at its top."""
    lines, last, gap = text.split("\n"), 0, [""]
    for node in syntax.parse(text).body:
        is_import = isinstance(node, ast.Import | ast.ImportFrom)
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not is_import and not is_docstring:
            break
        is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        last, gap = node.end_lineno or 0, [] if is_import and not is_future else [""]
    return "\n".join([*lines[:last], *gap, line, *lines[last:]])


def _with_inner_import(piece: str, line: str) -> str:
    """Return a function that imports for itself what its file cannot; else the import above it."""
    node = syntax.parse(piece).body[-1]
    if not isinstance(node, Function) or node.body[0].lineno == node.lineno:
        return f"{line}\n{piece}"
    has_docstring = ast.get_docstring(node) is not None
    first = node.body[1 if has_docstring and len(node.body) > 1 else 0]
    lines = piece.split("\n")
    before = min([first.lineno, *(one.lineno for one in getattr(first, "decorator_list", []))]) - 1
    return "\n".join([*lines[:before], " " * first.col_offset + line, *lines[before:]])
