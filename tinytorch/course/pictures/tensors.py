"""Pictures of tensors: shapes, strides and the memory they really share.

Named like the chapter that they explain. Every picture is drawn from the tensors it is given;
tensors and NumPy arrays are both welcome.
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np

from tinytorch.course.pictures.strokes import (
    BLUE,
    CELL,
    GREEN,
    HUES,
    INK,
    ORANGE,
    Array,
    Drawing,
    Picture,
    as_array,
    as_word,
    hue_of,
    width_of,
)

__all__ = ["broadcasting", "matmul_shapes", "memory_layout", "shared_memory"]

MOST_CELLS = 64  # a drawing with more numbers than this teaches nothing


def memory_layout(tensor: Any) -> Picture:
    """Draw a tensor, the memory it reads, and one line of steps for each dimension."""
    array = as_array(tensor)
    memory, cells = _memory(array)
    _refuse_large(max(memory.size, array.size))
    words = [as_word(value) for value in memory]
    hues = _row_hues(cells)
    drawing = Drawing()
    strides = tuple(step // array.itemsize for step in array.strides)
    title = f"shape {array.shape}, strides {strides}"
    drawing.words(0, CELL / 2, title, anchor="start")
    _draw_blocks(drawing, cells, words, hues)
    top = drawing.bottom + 14
    drawing.words(0, top + CELL / 2, "memory", anchor="start")
    left = 8 + width_of("dim 0: +00")
    _draw_memory(drawing, left, top, words, hues)
    for dim, walk in enumerate(_walks(cells)):
        y = top + (CELL + 4) * (dim + 1)
        drawing.words(0, y + 8, f"dim {dim}: {strides[dim]:+d}", anchor="start")
        for start, end in pairwise(left + (cell + 0.5) * _cell_width(words) for cell in walk):
            _draw_hop(drawing, start, end, y, HUES[-1 - dim % len(HUES)])
    return drawing.picture(_describe_layout(title, cells, words, strides))


def shared_memory(**tensors: Any) -> Picture:
    """Draw which memory each named tensor reads: `shared_memory(x=x, row=x[1])`."""
    arrays = {name: as_array(tensor) for name, tensor in tensors.items()}
    drawing, lines = Drawing(), []
    left = 8 + max(map(width_of, (*arrays, "memory 0")))
    for number, names in enumerate(_share_groups(arrays)):
        memory, _ = _memory(arrays[names[0]])
        _refuse_large(memory.size)
        words = [as_word(value) for value in memory]
        top = drawing.bottom + (12 if number else 0)
        lines.append(f"memory {number}: {' '.join(words)}")
        drawing.words(0, top + CELL / 2, f"memory {number}", anchor="start")
        _draw_memory(drawing, left, top, words, {})
        for row, name in enumerate(names, start=1):
            y = top + row * (CELL + 4)
            seen = sorted(set(_memory(arrays[name])[1].ravel().tolist()))
            lines.append(f"  {name} reads {_cells(seen)}")
            drawing.words(0, y + CELL / 2, name, anchor="start")
            for position in seen:
                wide = _cell_width(words)
                drawing.cell(left + position * wide, y, wide - 3, words[position], hue_of(row))
    return drawing.picture("\n".join(lines))


def broadcasting(a: Any, b: Any) -> Picture:
    """Draw a + b with the numbers that are repeated dashed: two dimensions at most."""
    left, right = as_array(a), as_array(b)
    target = _common_shape(left, right)
    drawing, x = Drawing(), 0.0
    for sign, array, hue in (("", left, BLUE), ("+", right, ORANGE), ("=", None, GREEN)):
        if sign:
            drawing.words(x + 8, CELL * 1.5, sign)
            x += 20
        given = left + right if array is None else array
        drawing.words(x, CELL / 2, str(given.shape), anchor="start")
        _draw_stretched(drawing, x, CELL + 2, given, target, hue)
        x = drawing.right + 6
    stretched = [name for name, array in (("a", left), ("b", right)) if array.shape != target]
    total = left + right
    lines = [f"{left.shape} + {right.shape} = {target}"]
    lines += [f"{name} is repeated to fill {target}" for name in stretched]
    lines += [f"a = {left.tolist()}, b = {right.tolist()}", f"a + b = {total.tolist()}"]
    return drawing.picture("\n".join(lines))


def matmul_shapes(a: Any, b: Any) -> Picture:
    """Draw the shapes that meet in a @ b: give tensors or shapes, one or two dimensions each."""
    left, right = _shape(a), _shape(b)
    if not 1 <= len(left) <= 2 or not 1 <= len(right) <= 2:
        raise ValueError(f"matmul_shapes draws 1 or 2 dimensions, not {left} @ {right}")
    rows, inner = left if len(left) == 2 else (1, *left)
    other, columns = right if len(right) == 2 else (*right, 1)
    fits = inner == other
    result = (*left[:-1], *right[1:])
    drawing = Drawing()
    gap = 12 + width_of(str(max(rows, other)))  # room for the number of rows
    x, y = gap + _drawn(inner) + gap, 20 + _drawn(other) + 28
    _draw_matrix(drawing, (x, 20), (other, columns), f"b {right}", ORANGE)
    _draw_matrix(drawing, (gap, y), (rows, inner), f"a {left}", BLUE)
    if fits:
        _draw_matrix(drawing, (x, y), (rows, columns), f"a @ b {result}", GREEN)
        text = f"{left} @ {right} = {result}\nboth inner sizes are {inner}"
    else:
        drawing.words(x, y + CELL / 2, f"{inner} and {other} differ", anchor="start")
        text = f"{left} @ {right} cannot be multiplied\ninner sizes {inner} and {other} differ"
    return drawing.picture(text)


def _common_shape(left: Array, right: Array) -> tuple[int, ...]:
    if max(left.ndim, right.ndim) > 2:
        raise ValueError(
            f"broadcasting draws at most 2 dimensions, these tensors have {left.ndim} and "
            f"{right.ndim}: draw a slice"
        )
    try:
        target = np.broadcast_shapes(left.shape, right.shape)
    except ValueError as error:
        raise ValueError(
            f"there is no picture of {left.shape} + {right.shape}: the shapes do not broadcast"
        ) from error
    _refuse_large(int(np.prod(target)))
    return target


def _shape(given: Any) -> tuple[int, ...]:
    if isinstance(given, tuple) and all(isinstance(size, int) for size in given):
        return given
    return as_array(given).shape


def _memory(array: Array) -> tuple[Array, Array]:
    """Return the whole memory an array lies in, and the position in it of each element."""
    owner = _owner(array)
    start = (_address(array) - _address(owner)) // array.itemsize
    cells = np.full(array.shape, start, dtype=np.intp)
    for dim, step in enumerate(array.strides):
        along = [1] * array.ndim
        along[dim] = -1
        cells += (np.arange(array.shape[dim]) * (step // array.itemsize)).reshape(along)
    return owner.ravel(order="K"), cells


def _owner(array: Array) -> Array:
    """Follow a view to the array of the same dtype that owns the memory."""
    owner, base = array, array.base
    while base is not None:
        if isinstance(base, np.ndarray) and base.dtype == array.dtype:
            owner = base
        base = getattr(base, "base", None)
    return owner


def _address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])


def _share_groups(arrays: dict[str, Array]) -> list[list[str]]:
    """Group names by the memory their arrays lie in, in the order given."""
    groups: dict[int, list[str]] = {}
    for name, array in arrays.items():
        groups.setdefault(_address(_owner(array)), []).append(name)
    return list(groups.values())


def _walks(cells: Array) -> list[list[int]]:
    """Return, for each dimension, the memory positions met by walking along it from the origin."""
    if not cells.size:
        return [[] for _ in range(cells.ndim)]
    return [
        np.moveaxis(cells, dim, -1).reshape(-1, cells.shape[dim])[0].tolist()
        for dim in range(cells.ndim)
    ]


def _row_hues(cells: Array) -> dict[int, str]:
    """Give every memory position the hue of the first row that reads it."""
    rows = cells.reshape(-1, cells.shape[-1]) if cells.size and cells.ndim else cells.reshape(1, -1)
    hues: dict[int, str] = {}
    for number, row in enumerate(rows.tolist()):
        for position in row:
            hues.setdefault(position, hue_of(number))
    return hues


def _draw_blocks(drawing: Drawing, cells: Array, words: list[str], hues: dict[int, str]) -> None:
    """Draw the last two dimensions as grids below what is there, the leading ones side by side."""
    grids = cells.reshape((1,) * max(0, 2 - cells.ndim) + cells.shape)
    wide, left, top = _cell_width(words), 0.0, CELL + 4
    for place in product(*map(range, grids.shape[:-2])):
        name = "".join(f"[{index}]" for index in place)
        drop = CELL if name else 0
        if name:
            drawing.words(left, top + CELL / 2, name, anchor="start")
        for (row, column), position in np.ndenumerate(grids[place]):
            x, y = left + column * wide, top + drop + row * (CELL + 3)
            drawing.cell(x, y, wide - 3, words[position], hues[position])
        left += grids.shape[-1] * wide + 14


def _draw_memory(
    drawing: Drawing, left: float, top: float, words: list[str], hues: dict[int, str]
) -> None:
    """Draw one cell after another, dashed where nothing gives it a hue."""
    wide = _cell_width(words)
    for position, word in enumerate(words):
        x, hue = left + position * wide, hues.get(position, INK)
        drawing.cell(x, top, wide - 3, word, hue, solid=position in hues)


def _draw_hop(drawing: Drawing, start: float, end: float, y: float, hue: str) -> None:
    """Draw an arrow that dips below y on its way from one x to another, or to itself."""
    if start == end:
        start, end = start - 7, end + 5
    tip = 4 if end >= start else -4
    drawing.strokes.append(
        f'<path d="M{start:g} {y:g}Q{(start + end) / 2:g} {y + 24:g} {end - tip / 2:g} {y + 3:g}" '
        f'fill="none" stroke="{hue}" stroke-width="1.6"/>'
        f'<path d="M{end:g} {y:g}l{-tip * 1.8:g} 2.4l{tip:g} 4.4z" fill="{hue}"/>'
    )
    drawing.reach(max(start, end), y + 16)


def _draw_stretched(
    drawing: Drawing, left: float, top: float, array: Array, target: tuple[int, ...], hue: str
) -> None:
    """Draw an array stretched to the target shape, its repeated numbers dashed."""
    whole = np.broadcast_to(array, target)
    grid = whole.reshape((1,) * (2 - whole.ndim) + whole.shape)
    own = array.reshape((1,) * (2 - array.ndim) + array.shape).shape
    words = [as_word(value) for value in grid.ravel()]
    wide = _cell_width(words)
    for (row, column), value in np.ndenumerate(grid):
        solid = row < own[0] and column < own[1]
        x, y = left + column * wide, top + row * (CELL + 3)
        drawing.cell(x, y, wide - 3, as_word(value), hue, solid=solid)


def _draw_matrix(
    drawing: Drawing, corner: tuple[float, float], sizes: tuple[int, int], name: str, hue: str
) -> None:
    """Draw a matrix as a box with its number of rows at its left and of columns above it."""
    (x, y), (rows, columns) = corner, sizes
    width, height = _drawn(columns), _drawn(rows)
    drawing.box(x, y, width, height, hue)
    drawing.words(x + width / 2, y - 9, str(columns))
    drawing.words(x - 5, y + height / 2, str(rows), anchor="end")
    drawing.words(x + width / 2, y + height / 2, name)


def _drawn(size: int) -> float:
    """Return the length in pixels of a side: it grows with the size, within bounds."""
    return float(min(132, 86 + 8 * size))


def _describe_layout(title: str, cells: Array, words: list[str], strides: tuple[int, ...]) -> str:
    values = np.array([words[position] for position in cells.ravel()], dtype=object)
    lines = [title, *_print_rows(values.reshape(cells.shape)), f"memory: {' '.join(words)}"]
    for dim, walk in enumerate(_walks(cells)):
        lines.append(f"dim {dim}: {strides[dim]:+d} a step, memory {_cells(walk)}")
    return "\n".join(lines)


def _print_rows(values: Array) -> list[str]:
    if values.ndim < 2:
        return ["  " + " ".join(np.ravel(values).tolist())]
    if values.ndim == 2:
        return ["  " + " ".join(row) for row in values.tolist()]
    return [
        line for index, block in enumerate(values) for line in (f" [{index}]", *_print_rows(block))
    ]


def _cells(positions: list[int]) -> str:
    if not positions:
        return "cells: none"
    return ("cell " if len(positions) == 1 else "cells ") + " ".join(map(str, positions))


def _refuse_large(count: int) -> None:
    if count > MOST_CELLS:
        raise ValueError(
            f"a picture holds at most {MOST_CELLS} numbers, this needs {count}: "
            "draw a copy of a slice"
        )


def _cell_width(words: list[str]) -> float:
    return max(25.0, 9 + max(map(width_of, words), default=0))
