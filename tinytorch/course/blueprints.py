"""Blueprints of layers: how one computes, and what a composition of them holds.

Every function returns a `Picture`: SVG for pages, text for terminals and screen readers. They are
at most 420 units wide, so that their words can be read on a telephone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinytorch.course.diagrams import _box, _line, _picture, _words
from tinytorch.course.pictures import HUES, Array, Picture, _array, _show

__all__ = ["dense_layer", "module_tree"]

BLUE, ORANGE, GREEN, PURPLE, *_ = HUES
WIDE, HIGH = 36, 26  # of one drawn number


def dense_layer(x: Any, weight: Any, bias: Any) -> Picture:
    """Draw x @ weight.T + bias = y, with what makes the first number of y in full colour."""
    left, right, added = _array(x), _array(weight).T, _array(bias)
    product = left @ right + added
    parts = (
        ("", "x", left, BLUE, np.s_[0, :]),
        ("@", "weight.T", right, ORANGE, np.s_[:, 0]),
        ("+", "bias", added[None], PURPLE, np.s_[0, 0]),
        ("=", "y", product, GREEN, np.s_[0, 0]),
    )
    tall = max(left.shape[0], right.shape[0]) * (HIGH + 3)
    shapes, across = [], 4.0
    for sign, name, matrix, hue, bright in parts:
        if sign:
            shapes.append(_words(across + 6, 34 + tall / 2, sign))
            across += 16
        shapes += _matrix(matrix, (across, 34 + (tall - len(matrix) * (HIGH + 3)) / 2), hue, bright)
        middle = across + matrix.shape[1] * WIDE / 2
        shapes += [_words(middle, 10, name, size=12), _words(middle, 25, _size(matrix), size=11)]
        across += matrix.shape[1] * WIDE + 2
    terms = [f"{_show(a)} * {_show(b)}" for a, b in zip(left[0], right[:, 0], strict=True)]
    text = (
        f"{left.shape} @ {right.shape} + {added.shape} = {product.shape}\n"
        f"the first number of y: {' + '.join([*terms, _show(added[0])])} = {_show(product[0, 0])}"
    )
    return _picture(across + 2, 40 + tall, shapes, text)


def _matrix(matrix: Array, corner: tuple[float, float], hue: str, bright: Any) -> list[str]:
    """Return the drawn numbers of a matrix, pale where they are not the bright ones."""
    lit = np.zeros(matrix.shape, dtype=bool)
    lit[bright] = True
    shapes = []
    for (row, column), value in np.ndenumerate(matrix):
        x, y = corner[0] + column * WIDE, corner[1] + row * (HIGH + 3)
        look = "" if lit[row, column] else ' opacity=".4"'
        number = _words(x + WIDE / 2 - 1.5, y + HIGH / 2, _show(value))
        shapes.append(f"<g{look}>{_box(x, y, WIDE - 3, HIGH, hue)}{number}</g>")
    return shapes


def _size(matrix: Array) -> str:
    return f"{matrix.shape[0]} x {matrix.shape[1]}"


def module_tree(module: Any) -> Picture:
    """Draw a module and what it holds: modules in blue, parameters in green, buffers in orange."""
    rows = [("", type(module).__name__, 0, BLUE), *_held(module, 1)]
    shapes, lines = [], []
    bottom: dict[int, float] = {}  # of the last box at each depth
    for number, (name, what, depth, hue) in enumerate(rows):
        x, y = 4 + 28 * depth, 4 + 32 * number
        written = f"{name}: {what}" if name else what
        shapes.append(_box(x, y, 20 + 7.9 * len(written), 26, hue))
        shapes.append(_words(x + 10, y + 13, written, anchor="start"))
        if depth:
            shapes += [
                _line(x - 16, bottom[depth - 1], x - 16, y + 13),
                _line(x - 16, y + 13, x, y + 13),
            ]
        bottom[depth] = y + 26
        lines.append(f"{'  ' * depth}{written}")
    width = max(28 + 28 * depth + 7.9 * len(f"{n}: {what}") for n, what, depth, _ in rows)
    return _picture(width, 4 + 32 * len(rows), shapes, "\n".join(lines))


def _held(module: Any, depth: int) -> Iterator[tuple[str, str, int, str]]:
    """Yield name, content, depth and hue of everything inside a module."""
    for noun, hue, tensors in (
        ("parameter", GREEN, module.named_parameters()),
        ("buffer", ORANGE, module.named_buffers()),
    ):
        for name, tensor in tensors:
            if "." not in name:
                yield name, f"{noun} {tensor.shape}", depth, hue
    for name, child in module.named_children():
        yield name, type(child).__name__, depth, BLUE
        yield from _held(child, depth + 1)
