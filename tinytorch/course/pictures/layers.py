"""Pictures of layers: how a dense one computes, and what a composition of them holds.

Named like the chapter that they explain.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinytorch.course.pictures.strokes import (
    BLUE,
    CELL,
    GREEN,
    ORANGE,
    PURPLE,
    Array,
    Drawing,
    Picture,
    as_array,
    as_word,
    width_of,
)

__all__ = ["dense_layer", "module_tree"]

HIGH = CELL + 3  # from one row of numbers to the next


def dense_layer(x: Any, weight: Any, bias: Any) -> Picture:
    """Draw x @ weight.T + bias = y; what does not make the first number of y is dashed."""
    left, right, added = as_array(x), as_array(weight).T, as_array(bias)
    product = left @ right + added
    parts = (
        ("", "x", left, BLUE, np.s_[0, :]),
        ("@", "weight.T", right, ORANGE, np.s_[:, 0]),
        ("+", "bias", added[None], PURPLE, np.s_[0, 0]),
        ("=", "y", product, GREEN, np.s_[0, 0]),
    )
    drawing, across = Drawing(), 0.0
    wide = 12 + max(width_of(as_word(value)) for part in parts for value in part[2].ravel())
    middle = 34 + max(left.shape[0], right.shape[0]) * HIGH / 2
    for sign, name, matrix, hue, bright in parts:
        if sign:
            drawing.words(across + 6, middle, sign)
            across += 16
        corner = across, middle - len(matrix) * HIGH / 2
        _draw_matrix(drawing, matrix, (*corner, wide), hue, bright)
        centre = across + matrix.shape[1] * wide / 2
        drawing.words(centre, 10, name)
        drawing.words(centre, 26, f"{matrix.shape[0]} x {matrix.shape[1]}", size=12)
        across += matrix.shape[1] * wide + 2
    terms = [f"{as_word(a)} * {as_word(b)}" for a, b in zip(left[0], right[:, 0], strict=True)]
    total = f"{' + '.join([*terms, as_word(added[0])])} = {as_word(product[0, 0])}"
    shapes = f"{left.shape} @ {right.shape} + {added.shape} = {product.shape}"
    return drawing.picture(f"{shapes}\nthe first number of y: {total}")


def module_tree(module: Any) -> Picture:
    """Draw a module and what it holds: modules in blue, parameters in green, buffers in orange."""
    drawing, told = Drawing(), []
    floors: dict[int, float] = {}  # of the last box at each depth
    for number, (name, what, depth, hue) in enumerate(_held("", module, 0)):
        x, y = 28.0 * depth, 32.0 * number
        written = f"{name}: {what}" if name else what
        drawing.box(x, y, 20 + width_of(written), CELL, hue)
        drawing.words(x + 10, y + CELL / 2, written, anchor="start")
        if depth:
            middle = y + CELL / 2
            drawing.line([(x - 16, floors[depth - 1]), (x - 16, middle), (x, middle)])
        floors[depth] = y + CELL
        told.append(f"{'  ' * depth}{written}")
    return drawing.picture("\n".join(told))


def _draw_matrix(
    drawing: Drawing, matrix: Array, place: tuple[float, float, float], hue: str, bright: Any
) -> None:
    """Draw the numbers of a matrix, dashed where they are not the bright ones.

    place: its left, its top, and from one column to the next.
    """
    left, top, wide = place
    lit = np.zeros(matrix.shape, dtype=bool)
    lit[bright] = True
    for (row, column), value in np.ndenumerate(matrix):
        x, y = left + column * wide, top + row * HIGH
        drawing.cell(x, y, wide - 3, as_word(value), hue, solid=bool(lit[row, column]))


def _held(name: str, module: Any, depth: int) -> Iterator[tuple[str, str, int, str]]:
    """Yield name, content, depth and hue of a module and of everything inside it."""
    yield name, type(module).__name__, depth, BLUE
    for noun, hue, tensors in (
        ("parameter", GREEN, module.named_parameters()),
        ("buffer", ORANGE, module.named_buffers()),
    ):
        for held, tensor in tensors:
            if "." not in held:
                yield held, f"{noun} {tensor.shape}", depth + 1, hue
    for child_name, child in module.named_children():
        yield from _held(child_name, child, depth + 1)
