"""Pictures of tensors: SVG that reads on light and dark pages, plain text in a terminal.

Every picture is drawn from the tensors it is given: their values, their strides and the memory
they really share. Tensors and NumPy arrays are both welcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise, product
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Picture", "broadcasting", "digits", "matmul_shapes", "memory_layout", "shared_memory"]

Array = npt.NDArray[Any]

MOST_CELLS = 64  # a drawing with more numbers than this teaches nothing
HEIGHT = 26  # of one drawn number, in pixels
HUES = (
    "var(--tt-hue-0, #3b82c4)",
    "var(--tt-hue-1, #c8762b)",
    "var(--tt-hue-2, #3f9a5f)",
    "var(--tt-hue-3, #a45bb5)",
    "var(--tt-hue-4, #c4504f)",
    "var(--tt-hue-5, #7f8a2f)",
)
INK = " .:-=+*#%@"  # from empty to full, for images in a terminal


@dataclass(frozen=True)
class Picture:
    """One drawing: `svg` for pages, `text` for terminals and screen readers."""

    svg: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.svg


@dataclass
class _Canvas:
    """SVG shapes, and how far right and down they reach."""

    shapes: list[str] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0

    def cell(self, x: float, y: float, width: float, text: str, hue: str, *, solid: bool) -> None:
        """Draw one number in its box; a box that is not solid is dashed and pale."""
        look = 'fill-opacity=".22"' if solid else 'fill-opacity=".04" stroke-dasharray="3 3"'
        self.shapes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{HEIGHT}" rx="3" '
            f'fill="{hue}" stroke="{hue}" {look}/>'
        )
        self.reach(x + width, y + HEIGHT)
        self.say(x + width / 2, y + HEIGHT / 2, text, anchor="middle", pale=not solid)

    def say(
        self, x: float, y: float, text: str, *, anchor: str = "start", pale: bool = False
    ) -> None:
        """Write one line whose vertical middle is y."""
        look = ' fill-opacity=".65"' if pale else ""
        self.shapes.append(
            f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" '
            f'dominant-baseline="central"{look}>{escape(text)}</text>'
        )
        if anchor == "start":
            self.reach(x + _width(text), y + HEIGHT / 2)

    def hop(self, start: float, end: float, y: float, hue: str) -> None:
        """Draw an arrow that dips below y on its way from one x to another, or to itself."""
        if start == end:
            start, end = start - 7, end + 5
        tip = 4 if end >= start else -4
        self.shapes.append(
            f'<path d="M{start:g} {y:g}Q{(start + end) / 2:g} {y + 24:g} {end - tip / 2:g} '
            f'{y + 3:g}" fill="none" stroke="{hue}" stroke-width="1.6"/>'
            f'<path d="M{end:g} {y:g}l{-tip * 1.8:g} 2.4l{tip:g} 4.4z" fill="{hue}"/>'
        )
        self.reach(max(start, end), y + 16)

    def reach(self, x: float, y: float) -> None:
        self.width, self.height = max(self.width, x), max(self.height, y)

    def picture(self, text: str) -> Picture:
        """Close the drawing; its text is also what a screen reader says."""
        width, height = self.width + 3, self.height + 3
        label = escape(" ".join(text.split()), quote=True)
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="tt-picture" role="img" '
            f'aria-label="{label}" viewBox="-1.5 -1.5 {width:g} {height:g}" width="{width:g}" '
            f'style="max-width:100%;height:auto;display:block;margin:.5rem auto" '
            f'fill="currentColor" stroke="none" font-family="ui-monospace, Menlo, Consolas, '
            f'monospace" font-size="13">{"".join(self.shapes)}</svg>'
        )
        return Picture(svg, text)


def memory_layout(tensor: Any) -> Picture:
    """Draw a tensor, the memory it reads, and one line of steps for each dimension."""
    array = _array(tensor)
    memory, cells = _memory(array)
    _refuse_large(max(memory.size, array.size))
    words = [_show(value) for value in memory]
    hues = _row_hues(cells, memory.size)
    canvas = _Canvas()
    strides = tuple(step // array.itemsize for step in array.strides)
    title = f"shape {array.shape}, strides {strides}"
    canvas.say(0, HEIGHT / 2, title)
    _draw_blocks(canvas, 0, HEIGHT + 4, cells, words, hues)
    top, left = canvas.height + 14, 8 * len("dim 0: +00")
    wide = _cell_width(words)
    canvas.say(0, top + HEIGHT / 2, "memory")
    for position, word in enumerate(words):
        hue = hues.get(position)
        canvas.cell(
            left + position * wide,
            top,
            wide - 3,
            word,
            hue or "currentColor",
            solid=hue is not None,
        )
    for dim, walk in enumerate(_walks(cells)):
        y = top + (HEIGHT + 4) * (dim + 1)
        canvas.say(0, y + 8, f"dim {dim}: {strides[dim]:+d}")
        centres = [left + position * wide + wide / 2 for position in walk]
        for start, end in pairwise(centres):
            canvas.hop(start, end, y, HUES[-1 - dim % len(HUES)])
    return canvas.picture(_describe_layout(title, cells, words, strides))


def shared_memory(**tensors: Any) -> Picture:
    """Draw which memory each named tensor reads: `shared_memory(x=x, row=x[1])`."""
    arrays = {name: _array(tensor) for name, tensor in tensors.items()}
    canvas, lines = _Canvas(), []
    left = 8.0 * max(map(len, (*arrays, "memory 0"))) + 8
    for number, names in enumerate(_share_groups(arrays)):
        memory, _ = _memory(arrays[names[0]])
        _refuse_large(memory.size)
        words = [_show(value) for value in memory]
        wide, top = _cell_width(words), canvas.height + (12 if number else 0)
        lines.append(f"memory {number}: {' '.join(words)}")
        canvas.say(0, top + HEIGHT / 2, f"memory {number}")
        for position, word in enumerate(words):
            canvas.cell(left + position * wide, top, wide - 3, word, "currentColor", solid=False)
        for row, name in enumerate(names, start=1):
            y = top + row * (HEIGHT + 4)
            seen = sorted(set(_memory(arrays[name])[1].ravel().tolist()))
            lines.append(f"  {name} reads {_cells(seen)}")
            canvas.say(0, y + HEIGHT / 2, name)
            for position in seen:
                x = left + position * wide
                canvas.cell(x, y, wide - 3, words[position], HUES[row % len(HUES)], solid=True)
    return canvas.picture("\n".join(lines))


def broadcasting(a: Any, b: Any) -> Picture:
    """Draw a + b with the numbers that are repeated dashed: two dimensions at most."""
    left, right = _array(a), _array(b)
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
    canvas, x = _Canvas(), 0.0
    for sign, array, hue in (("", left, HUES[0]), ("+", right, HUES[1]), ("=", None, HUES[2])):
        if sign:
            canvas.say(x + 4, HEIGHT * 1.5, sign)
            x += 20
        given = left + right if array is None else array
        canvas.say(x, HEIGHT / 2, str(given.shape))
        _draw_stretched(canvas, x, HEIGHT + 2, given, target, hue)
        x = canvas.width + 6
    stretched = [name for name, array in (("a", left), ("b", right)) if array.shape != target]
    total = left + right
    lines = [f"{left.shape} + {right.shape} = {target}"]
    lines += [f"{name} is repeated to fill {target}" for name in stretched]
    lines += [f"a = {left.tolist()}, b = {right.tolist()}", f"a + b = {total.tolist()}"]
    return canvas.picture("\n".join(lines))


def matmul_shapes(a: Any, b: Any) -> Picture:
    """Draw the shapes that meet in a @ b: give tensors or shapes, one or two dimensions each."""
    left, right = _shape(a), _shape(b)
    if not 1 <= len(left) <= 2 or not 1 <= len(right) <= 2:
        raise ValueError(f"matmul_shapes draws 1 or 2 dimensions, not {left} @ {right}")
    rows, inner = left if len(left) == 2 else (1, *left)
    other, columns = right if len(right) == 2 else (*right, 1)
    fits = inner == other
    result = (*left[:-1], *right[1:])
    canvas = _Canvas()
    gap = 16 + _width(str(max(rows, other)))  # room for the number of rows
    x, y = gap + _drawn(inner) + gap, 20 + _drawn(other) + 28
    _draw_matrix(canvas, (x, 20), (other, columns), f"b {right}", HUES[1])
    _draw_matrix(canvas, (gap, y), (rows, inner), f"a {left}", HUES[0])
    if fits:
        _draw_matrix(canvas, (x, y), (rows, columns), f"a @ b {result}", HUES[2])
        text = f"{left} @ {right} = {result}\nboth inner sizes are {inner}"
    else:
        canvas.say(x, y + HEIGHT / 2, f"{inner} and {other} differ")
        text = f"{left} @ {right} cannot be multiplied\ninner sizes {inner} and {other} differ"
    return canvas.picture(text)


def digits(images: Any, labels: Sequence[Any] | None = None, *, columns: int = 8) -> Picture:
    """Draw gray images, (count, rows, columns) or one (rows, columns), with labels below them."""
    given = _array(images)
    batch = given if given.ndim == 3 else given[None]
    if batch.ndim != 3 or not batch.size:
        raise ValueError(f"digits draws images of shape (count, rows, columns), not {given.shape}")
    tags = [""] * len(batch) if labels is None else [_show(tag) for tag in np.ravel(_array(labels))]
    if len(tags) != len(batch):
        raise ValueError(f"{len(batch)} images need {len(batch)} labels, got {len(tags)}")
    dark = float(batch.max()) or 1.0
    pixel, gap = 12 if len(batch) == 1 else 6, 12
    canvas = _Canvas()
    for number, (image, tag) in enumerate(zip(batch, tags, strict=True)):
        x = (number % columns) * (image.shape[1] * pixel + gap)
        y = (number // columns) * (image.shape[0] * pixel + gap + (16 if any(tags) else 0))
        _draw_image(canvas, x, y, image / dark, pixel)
        middle, bottom = x + image.shape[1] * pixel / 2, y + image.shape[0] * pixel
        if tag:
            canvas.say(middle, bottom + 10, tag, anchor="middle")
            canvas.reach(middle, bottom + 18)
    picture = canvas.picture(_describe_digits(len(batch), batch.shape[1:], tags))
    return Picture(picture.svg, _print_images(batch / dark, tags, columns))


def _array(tensor: Any) -> Array:
    """Return the array behind a tensor, sharing its memory."""
    numpy = getattr(tensor, "numpy", None)
    return np.asarray(numpy() if callable(numpy) else tensor)


def _shape(given: Any) -> tuple[int, ...]:
    if isinstance(given, tuple) and all(isinstance(size, int) for size in given):
        return given
    return _array(given).shape


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


def _row_hues(cells: Array, count: int) -> dict[int, str]:
    """Give every memory position the hue of the first row that reads it."""
    rows = cells.reshape(-1, cells.shape[-1]) if cells.size and cells.ndim else cells.reshape(1, -1)
    hues: dict[int, str] = {}
    for number, row in enumerate(rows.tolist()):
        for position in row:
            hues.setdefault(position, HUES[number % len(HUES)])
    return hues


def _draw_blocks(
    canvas: _Canvas,
    left: float,
    top: float,
    cells: Array,
    words: list[str],
    hues: dict[int, str],
) -> None:
    """Draw the last two dimensions as grids, the leading ones side by side."""
    grids = cells.reshape((1,) * max(0, 2 - cells.ndim) + cells.shape)
    wide = _cell_width(words)
    for place in product(*map(range, grids.shape[:-2])):
        name = "".join(f"[{index}]" for index in place)
        drop = HEIGHT if name else 0
        if name:
            canvas.say(left, top + HEIGHT / 2, name)
        for (row, column), position in np.ndenumerate(grids[place]):
            x, y = left + column * wide, top + drop + row * (HEIGHT + 3)
            canvas.cell(x, y, wide - 3, words[position], hues[position], solid=True)
        left += grids.shape[-1] * wide + 14


def _draw_stretched(
    canvas: _Canvas, left: float, top: float, array: Array, target: tuple[int, ...], hue: str
) -> None:
    """Draw an array stretched to the target shape, its repeated numbers dashed."""
    whole = np.broadcast_to(array, target)
    grid = whole.reshape((1,) * (2 - whole.ndim) + whole.shape)
    own = array.reshape((1,) * (2 - array.ndim) + array.shape).shape
    words = [_show(value) for value in grid.ravel()]
    wide = _cell_width(words)
    for (row, column), value in np.ndenumerate(grid):
        solid = row < own[0] and column < own[1]
        x, y = left + column * wide, top + row * (HEIGHT + 3)
        canvas.cell(x, y, wide - 3, _show(value), hue, solid=solid)


def _draw_matrix(
    canvas: _Canvas, corner: tuple[float, float], sizes: tuple[int, int], name: str, hue: str
) -> None:
    """Draw a matrix as a box with its number of rows at its left and of columns above it."""
    (x, y), (rows, columns) = corner, sizes
    width, height = _drawn(columns), _drawn(rows)
    canvas.shapes.append(
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" '
        f'fill="{hue}" fill-opacity=".22" stroke="{hue}"/>'
    )
    canvas.reach(x + width, y + height)
    canvas.say(x + width / 2, y - 9, str(columns), anchor="middle")
    canvas.say(x - 5, y + height / 2, str(rows), anchor="end")
    canvas.say(x + 5, y + height / 2, name)


def _draw_image(canvas: _Canvas, left: float, top: float, image: Array, pixel: int) -> None:
    height, width = image.shape[0] * pixel, image.shape[1] * pixel
    canvas.shapes.append(
        f'<rect x="{left:g}" y="{top:g}" width="{width}" height="{height}" '
        f'fill="currentColor" fill-opacity=".06"/>'
    )
    for (row, column), ink in np.ndenumerate(image):
        if ink > 0:
            canvas.shapes.append(
                f'<rect x="{left + column * pixel:g}" y="{top + row * pixel:g}" '
                f'width="{pixel}" height="{pixel}" fill-opacity="{ink:.2g}"/>'
            )
    canvas.reach(left + width, top + height)


def _drawn(size: int) -> float:
    """Return the length in pixels of a side: it grows with the size, within bounds."""
    return float(min(150, 86 + 8 * size))


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


def _describe_digits(count: int, sizes: Sequence[int], tags: list[str]) -> str:
    named = f" labelled {', '.join(tags)}" if any(tags) else ""
    noun = "image" if count == 1 else "images"
    return f"{count} gray {noun} of {sizes[0]} by {sizes[1]} pixels{named}"


def _print_images(batch: Array, tags: list[str], columns: int) -> str:
    """Write images with characters that grow darker, a row of images at a time."""
    width, lines = 2 * batch.shape[2], []
    for first in range(0, len(batch), columns):
        some = np.rint(batch[first : first + columns] * (len(INK) - 1)).clip(0).astype(int)
        for rows in some.swapaxes(0, 1):  # row of pixels, image, pixel
            lines += ["  ".join("".join(INK[ink] * 2 for ink in row) for row in rows)]
        if any(tags):
            lines.append("  ".join(tag.center(width) for tag in tags[first : first + columns]))
    return "\n".join(line.rstrip() for line in lines)


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


def _show(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, (float, np.floating)) else str(value)


def _width(text: str) -> float:
    return 8.0 * len(text)


def _cell_width(words: list[str]) -> float:
    return max(30.0, _width("0" * max(map(len, words), default=1)) + 13)
