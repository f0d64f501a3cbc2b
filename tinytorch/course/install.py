"""Put a learner's object in the place of the reference, everywhere the library uses it."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import sys
import types
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from tinytorch.course import overlay
from tinytorch.course.catalog import CourseError

Provenance = Literal["yours", "reference"]

_references: dict[str, Any] = {}  # what each target was before anything was installed


def current(target: str) -> Any:
    """Return the object that the library uses for this target now."""
    owner, name = _locate(target)
    return vars(owner)[name]


def reference(target: str) -> Any:
    """Return the object that the library came with."""
    return _references.get(target, current(target))


def provenance_of(target: str) -> Provenance:
    """Return whose code the library uses for this target now."""
    now = current(target)
    if now is not reference(target):
        return "yours"
    module, code = sys.modules[f"tinytorch.{target.partition('.')[0]}"], code_of(now)
    is_laid_over = overlay.holds(getattr(module, "__file__", None) or "")
    is_filled = code is not None and overlay.is_ours(code.co_filename)
    return "yours" if is_laid_over and not is_filled else "reference"


def install(target: str, candidate: Any) -> Any:
    """Use the candidate for this target from now on; return what it replaced."""
    replaced = current(target)
    original = _references.setdefault(target, replaced)
    if candidate is not replaced and candidate is not original:
        candidate = _bound_like(original, _of_its_own(candidate))
    _swap(replaced, candidate)
    return replaced


@contextlib.contextmanager
def installed(target: str, candidate: Any) -> Iterator[None]:
    """Use the candidate for this target inside the block."""
    replaced = install(target, candidate)
    try:
        yield
    finally:
        _swap(current(target), replaced)


def restore(target: str, replaced: Any) -> None:
    """Use again what `install` replaced."""
    _swap(current(target), replaced)


def reset() -> None:
    """Use the reference for every target again."""
    for target, original in _references.items():
        _swap(current(target), original)


def use_as_references(references: Mapping[str, Any]) -> dict[str, Any]:
    """Use these objects as the references of their targets; return what they replaced."""
    replaced = {target: current(target) for target in references}
    uses = Counter(map(id, replaced.values()))
    for target, made in references.items():
        mine = replaced[target]
        code = code_of(mine)
        is_its_own = uses[id(mine)] == 1 and code is not None and overlay.holds(code.co_filename)
        for put in list(_places(mine)):
            if is_its_own or put.args[-1] == target.rpartition(".")[2]:
                put(made)
        _references[target] = made
    return replaced


def learner_files() -> frozenset[str]:
    """Return the file names that the code of installed objects comes from."""
    yours = (current(target) for target in _references if provenance_of(target) == "yours")
    return frozenset(code.co_filename for code in map(code_of, yours) if code is not None)


def code_of(candidate: Any) -> Any:
    """Return the code of a function, method or decorated function, or None."""
    return getattr(inspect.unwrap(_unbound(candidate)), "__code__", None)


def _locate(target: str) -> tuple[Any, str]:
    stem, *path, name = target.split(".")
    owner: Any = importlib.import_module(f"tinytorch.{stem}")
    for part in path:
        owner = getattr(owner, part, None)
    if owner is None or name not in vars(owner):
        raise CourseError(f"tinytorch has no {target}: the step's target is missing")
    return owner, name


def _of_its_own(candidate: Any) -> Any:
    """Return a function for the candidate that is nowhere in the library yet."""
    candidate = _unbound(candidate)
    if isinstance(candidate, types.FunctionType) and not any(_places(candidate)):
        return candidate

    @functools.wraps(candidate)
    def forward(*inputs: Any, **options: Any) -> Any:
        return candidate(*inputs, **options)

    return forward


def _unbound(candidate: Any) -> Any:
    if isinstance(candidate, property):
        return candidate.fget
    return candidate.__func__ if isinstance(candidate, (staticmethod, classmethod)) else candidate


def _bound_like(original: Any, function: Any) -> Any:
    """Wrap a function as the reference is: static method, class method, property."""
    for kind in (staticmethod, classmethod, property):
        if isinstance(original, kind):
            return kind(function)
    return function


def _swap(old: Any, new: Any) -> None:
    """Replace by identity in the library's modules, their tables and classes."""
    for put in list(_places(old)):
        put(new)


def _places(thing: Any) -> Iterator[functools.partial[None]]:
    """Yield for each place where the library holds it what puts another there."""
    for module_name, module in list(sys.modules.items()):
        if module is None or not is_library(module_name):
            continue
        yield from _places_in_table(vars(module), thing)
        for owner in list(vars(module).values()):
            if inspect.isclass(owner) and owner.__module__ == module_name:
                for name in [name for name, value in vars(owner).items() if value is thing]:
                    yield functools.partial(setattr, owner, name)


def _places_in_table(
    table: dict[Any, Any], thing: Any, *, depth: int = 3
) -> Iterator[functools.partial[None]]:
    """Look in the table, its named tuples and its tables, to a depth that ends cycles."""
    for key, value in list(table.items()):
        if value is thing:
            yield functools.partial(table.__setitem__, key)
        elif _names_of(value, thing):
            yield functools.partial(_put_into_row, table, key, _names_of(value, thing))
        elif type(value) is dict and depth and not _is_dunder(key):
            yield from _places_in_table(value, thing, depth=depth - 1)


def _names_of(row: Any, thing: Any) -> list[str]:
    """Return under which names a named tuple holds the thing; of anything else, nothing."""
    names: tuple[str, ...] = getattr(row, "_fields", ()) if isinstance(row, tuple) else ()
    return [name for name in names if getattr(row, name) is thing]


def _put_into_row(table: dict[Any, Any], key: Any, names: list[str], new: Any) -> None:
    table[key] = table[key]._replace(**dict.fromkeys(names, new))


def _is_dunder(key: Any) -> bool:
    return isinstance(key, str) and key.startswith("__")


def is_library(module_name: str) -> bool:
    """Return whether a learner's object can be installed in the module."""
    package, _, rest = module_name.partition(".")
    return package == "tinytorch" and rest.partition(".")[0] != "course"
