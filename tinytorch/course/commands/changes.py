"""What a save changed: which steps to check before all others."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from tinytorch.course import source, syntax
from tinytorch.course.catalog import Module, Step

Texts = Mapping[str, str]  # what each file held, by its path


def touched(module: Module, before: Texts, now: Texts, *, place: Step | None) -> tuple[Step, ...]:
    """Return the steps whose functions changed.

    Where anything else changed as well, every step can have: then it is the step in hand and
    those after it.
    """
    if _without_functions(module, before) != _without_functions(module, now):
        return module.steps[module.steps.index(place) if place in module.steps else 0 :]
    return tuple(step for step in module.steps if _function(step, before) != _function(step, now))


def _function(step: Step, texts: Texts) -> str | None:
    place = source.locate(step)
    with contextlib.suppress(SyntaxError):
        return source.function_text(texts.get(place.path, ""), place.qualname)
    return texts[place.path]


def _without_functions(module: Module, texts: Texts) -> Texts:
    """Return the files with the functions of the steps cut out."""
    rest = dict(texts)
    for path, text in texts.items():
        names = [place.qualname for place in map(source.locate, module.steps) if place.path == path]
        with contextlib.suppress(SyntaxError):
            found = [syntax.find_function(text, name) for name in names]
            spans = [syntax.lines_of(text, function) for function in found if function]
            inside = {number for span in spans for number in range(*span)}
            lines = enumerate(text.split("\n"))
            rest[path] = "\n".join(line for number, line in lines if number not in inside)
    return rest
