"""Pictures of networks: what windows, places, filters and attention see of an image or a sentence.

Named like the chapter that they explain. Everything is drawn from the numbers given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinytorch.course.pictures.strokes import (
    BLUE,
    ORANGE,
    WIDTH,
    Array,
    Drawing,
    Picture,
    as_array,
    hue_of,
    in_a_row,
    runs,
    width_of,
)

__all__ = ["Window", "attention_maps", "filters", "receptive_fields", "regions", "sliding_window"]

ROW = 30.0  # of a map of attention
MOST_PLACES = 12  # rows or columns in which a number or a word can still be read


class Window(NamedTuple):
    """A layer that looks through windows, along one side of an image."""

    name: str
    kernel: int
    stride: int = 1
    dilation: int = 1


def sliding_window(
    image: Any, kernel: Any, *, stride: int = 1, dilation: int = 1, shown: int = 2
) -> Picture:
    """Draw a kernel on its way over an image, and the sums it leaves behind.

    image, kernel: (rows, columns). The first `shown` windows have hues, and so have their sums.
    """
    pixels, weights = as_array(image), as_array(kernel)
    _refuse_large(max(pixels.shape, default=0))
    reach = [dilation * (size - 1) + 1 for size in weights.shape]
    sums = _slide(pixels, weights, reach, stride, dilation)
    grids = {"image": pixels, "kernel": weights, "sums": sums}
    wide = min(28.0, (WIDTH - 40) / sum(grid.shape[1] for grid in grids.values()))
    drawing, left, lefts = Drawing(), 0.0, {}
    for name, grid in grids.items():
        _draw_numbers(drawing, name, left, grid, wide)
        lefts[name], left = left, max(left + wide * grid.shape[1], left + width_of(name)) + 20
    for number in range(min(shown, sums.shape[1])):
        corner, hue = wide * stride * number, hue_of(1 + number)
        drawing.frame(corner, 26 + 2 * number, wide * reach[1] - 1, wide * reach[0] - 1, hue)
        drawing.frame(lefts["sums"] + wide * number, 26, wide - 1, wide - 1, hue)
    return drawing.picture(
        f"image {pixels.tolist()}\nkernel {weights.tolist()}, stride {stride}\nsums {sums.tolist()}"
    )


def receptive_fields(windows: Sequence[Window]) -> Picture:
    """Draw, along one side of the image, what one place of the last layer sees in each before."""
    seen = [1]
    for window in reversed(windows):
        seen.append(window.stride * (seen[-1] - 1) + window.dilation * (window.kernel - 1) + 1)
    seen.reverse()  # how many places of the image, of the first layer's output, and so on
    pixel, drawing, told = min(30.0, WIDTH / seen[0]), Drawing(), []
    for depth, (name, step, middle, field) in enumerate(_fields(windows)):
        y, count = 58 * (len(windows) - depth), seen[depth]
        note = f"{name}: one place sees {field}" if depth else f"{name}: {count} pixels"
        drawing.words(0, y + 8, note, anchor="start")
        across = pixel * min(step, 3)
        for place in range(count):
            x = pixel * (middle + step * place + 0.5)
            drawing.box(x - across / 2 + 1, y + 18, across - 2, 16, hue_of(depth))
        told.append(note)
    return drawing.picture("\n".join(told))


def regions(
    guesses: Mapping[str, Any], points: Sequence[tuple[float, float]], truth: Sequence[int]
) -> Picture:
    """Draw what each network says at every place of a square, and the points with their truth.

    guesses: by name, (n, n) of classes, from x, y = -0.5 at the bottom left to 1.5.
    A full point is class 1, a ring is class 0.
    """
    drawing, told = Drawing(), []
    side = min(180.0, (WIDTH + 20) / len(guesses) - 20)
    for number, (name, given) in enumerate(guesses.items()):
        left, grid = (side + 20) * number, as_array(given)
        drawing.words(left + side / 2, 10, name)
        for hue, kind in ((BLUE, 0), (ORANGE, 1)):
            _fill(drawing, grid == kind, left, side, hue)
        right = 0
        for (x, y), label in zip(points, truth, strict=True):
            place = left + side * (x + 0.5) / 2, 24 + side * (1.5 - y) / 2
            drawing.dot(*place, 6, filled=bool(label))
            across, up = (min(int(len(grid) * (v + 0.5) / 2), len(grid) - 1) for v in (x, y))
            right += int(grid[up, across] == label)
        told.append(f"{name}: {right} of {len(points)} points lie in the region of their class")
    return drawing.picture("\n".join(told))


def filters(weights: Any, names: Sequence[str] | None = None, *, columns: int = 6) -> Picture:
    """Draw small kernels, (count, rows, columns): one hue above zero, another below."""
    kernels = as_array(weights)
    largest = float(np.abs(kernels).max()) or 1.0
    _, rows, across = kernels.shape
    abreast = in_a_row(len(kernels), columns, names or [])
    wide, drawing = (WIDTH + 10) / abreast, Drawing()
    cell = min(22.0, (wide - 10) / across)
    for number, kernel in enumerate(kernels):
        down, right = divmod(number, abreast)
        left, top = wide * right, (cell * rows + (30 if names else 10)) * down
        for (y, x), weight in np.ndenumerate(kernel):
            hue = ORANGE if weight < 0 else BLUE
            place = left + cell * x, top + cell * y
            drawing.shade(*place, cell - 1, cell - 1, hue, abs(weight) / largest)
        if names:
            middle = left + cell * across / 2
            drawing.words(middle, top + cell * rows + 11, names[number])
    return drawing.picture(
        f"{len(kernels)} kernels of {rows} by {across} weights, "
        f"from {kernels.min():.2f} to {kernels.max():.2f}"
    )


def attention_maps(
    shares: Mapping[str, Any], queries: Sequence[str], keys: Sequence[str] | None = None
) -> Picture:
    """Draw who looks where: a row for each query, a column for each key, darker for a larger share.

    shares: by name, (queries, keys).
    """
    looked_at = queries if keys is None else keys
    _refuse_large(max(len(queries), len(looked_at)))
    left = 8 + max(map(width_of, queries))
    wide = min(52.0, (WIDTH - left - _overhang(looked_at)) / len(looked_at))
    drawing, told = Drawing(), []
    for name, given in shares.items():
        grid, top = as_array(given), drawing.bottom + (20 if drawing.strokes else 0)
        drawing.words(0, top + 10, name, anchor="start")
        top = _write_keys(drawing, looked_at, left, top + 28, wide)
        for y, query in enumerate(queries):
            down = top + ROW * y
            drawing.words(left - 6, down + ROW / 2, query, anchor="end")
            for x, share in enumerate(grid[y]):
                drawing.shade(left + wide * x, down, wide - 1, ROW - 1, BLUE, float(share))
            most = int(grid[y].argmax())
            told.append(f"{name}: {query} looks most at {looked_at[most]}, {grid[y, most]:.0%}")
    return drawing.picture("\n".join(told))


def _slide(
    pixels: Array, weights: Array, reach: Sequence[int], stride: int, dilation: int
) -> Array:
    """Return the sum of each window's pixels times the weights: (rows, columns)."""
    counts = [(size - r) // stride + 1 for size, r in zip(pixels.shape, reach, strict=True)]
    sums = np.empty(counts, pixels.dtype)
    for place in np.ndindex(*counts):
        top, left = (stride * index for index in place)
        window = pixels[top : top + reach[0] : dilation, left : left + reach[1] : dilation]
        sums[place] = (window * weights).sum()
    return sums


def _fields(windows: Sequence[Window]) -> Iterator[tuple[str, int, float, int]]:
    """Yield, for the image and each layer, its name and, in pixels, three lengths.

    From place to place, to the middle of the first place, and what a place sees.
    """
    step, middle, field = 1, 0.0, 1
    yield "image", step, middle, field
    for window in windows:
        field += (window.kernel - 1) * window.dilation * step
        middle += (window.kernel - 1) * window.dilation * step / 2
        step *= window.stride
        yield window.name, step, middle, field


def _refuse_large(count: int) -> None:
    if count > MOST_PLACES:
        raise ValueError(f"at most {MOST_PLACES} places can be read in a picture, not {count}")


def _draw_numbers(drawing: Drawing, name: str, left: float, grid: Array, wide: float) -> None:
    """Draw a grid of numbers in their boxes, with its name above."""
    drawing.words(left, 12, name, anchor="start")
    largest = float(np.abs(grid).max()) or 1.0
    for (y, x), number in np.ndenumerate(grid):
        corner = left + wide * x, 26 + wide * y
        hue = ORANGE if number < 0 else BLUE
        drawing.shade(*corner, wide - 1, wide - 1, hue, abs(number) / largest / 2)
        drawing.words(corner[0] + wide / 2, corner[1] + wide / 2, f"{number:.3g}", size=12)


def _fill(drawing: Drawing, mask: Array, left: float, side: float, hue: str) -> None:
    """Fill the part of a square where the mask is true, whose first row lies at the bottom."""
    pixel = side / len(mask)
    drawing.bars(
        (
            (left + pixel * x, 24 + side - pixel * (y + 1), pixel * length, pixel)
            for y, x, length in runs(mask)
        ),
        hue,
        share=0.3,
    )


def _overhang(keys: Sequence[str]) -> float:
    """Return how far the last word may reach beyond its column."""
    return max(0.0, max(map(width_of, keys)) / 2 - 20)


def _write_keys(drawing: Drawing, keys: Sequence[str], left: float, y: float, wide: float) -> float:
    """Write a word above each column, in turn on two lines where crowded; return what is below."""
    lines = 2 if max(map(width_of, keys)) + 6 > wide else 1
    for x, key in enumerate(keys):
        drawing.words(left + wide * (x + 0.5), y + 16 * ((x + 1) % lines), key)
    return y + 16 * lines - 4
