"""Pictures of what networks see: windows, receptive fields, regions, filters and attention.

Everything is drawn from the numbers given, and reads on light and dark pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tinytorch.course.drawing import box, close, words
from tinytorch.course.pictures import HUES, Picture

__all__ = ["Layer", "attention_maps", "filters", "receptive_fields", "regions", "sliding_window"]

Array = npt.NDArray[Any]

WIDTH = 420
MOST_PLACES = 12  # rows or columns in which a number or a word can still be read
BLUE, ORANGE, GREEN, *_ = HUES


class Layer(NamedTuple):
    """A layer of windows along one side of an image."""

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
    pixels, weights = _array(image), _array(kernel)
    _refuse_large(max(pixels.shape, default=0))
    reach = [dilation * (size - 1) + 1 for size in weights.shape]
    rows, columns = ((size - r) // stride + 1 for size, r in zip(pixels.shape, reach, strict=True))
    sums = np.empty((rows, columns), pixels.dtype)
    for y, x in np.ndindex(rows, columns):
        sums[y, x] = (_window(pixels, (y, x), reach, stride, dilation) * weights).sum()
    wide = min(28.0, (WIDTH - 56) / (pixels.shape[1] + weights.shape[1] + columns))
    lefts = 2.0, 26 + wide * pixels.shape[1], 52 + wide * (pixels.shape[1] + weights.shape[1])
    grids = zip(("image", "kernel", "sums"), lefts, (pixels, weights, sums), strict=True)
    shapes = [one for name, left, grid in grids for one in _numbers(name, left, grid, wide)]
    for number in range(min(shown, columns)):
        corner, hue = lefts[0] + wide * stride * number, HUES[1 + number]
        size = wide * reach[1] - 2, wide * reach[0] - 2
        shapes.append(_frame(corner + 1 + 2 * number, 27 + 2 * number, *size, hue))
        shapes.append(_frame(lefts[2] + wide * number + 1, 27, wide - 2, wide - 2, hue))
    text = [f"image {pixels.tolist()}", f"kernel {weights.tolist()}, stride {stride}"]
    text += [f"sums {sums.tolist()}"]
    return close(WIDTH, 30 + wide * max(pixels.shape[0], len(sums)), shapes, "\n".join(text))


def receptive_fields(layers: Sequence[Layer]) -> Picture:
    """Draw, along one side of the image, what one place of the last layer sees in each before."""
    seen = [1]
    for layer in reversed(layers):
        seen.append(layer.stride * (seen[-1] - 1) + layer.dilation * (layer.kernel - 1) + 1)
    seen.reverse()  # how many places of the image, of the first layer's output, and so on
    step, start, fields = 1, 0.0, [(1, 0.0, "image", 1)]
    size = 1
    for layer in layers:
        size += (layer.kernel - 1) * layer.dilation * step
        start += (layer.kernel - 1) * layer.dilation * step / 2
        step *= layer.stride
        fields.append((step, start, layer.name, size))
    pixel, shapes, lines = min(30.0, (WIDTH - 20) / seen[0]), [], []
    bottom = 58 * len(layers)
    for depth, ((gap, middle, name, field), count) in enumerate(zip(fields, seen, strict=True)):
        y = bottom - 58 * depth
        note = f"{name}: one place sees {field}" if depth else f"{name}: {count} pixels"
        shapes.append(words(4, y + 8, note, anchor="start"))
        across = pixel * min(gap, 3)
        for place in range(count):
            x = 10 + pixel * (middle + gap * place + 0.5)
            shapes.append(box(x - across / 2 + 1, y + 18, across - 2, 16, HUES[depth % len(HUES)]))
        lines.append(note)
    return close(WIDTH, bottom + 40, shapes, "\n".join(lines))


def regions(
    guesses: Mapping[str, Any], points: Sequence[tuple[float, float]], truth: Sequence[int]
) -> Picture:
    """Draw what each network says at every place of a square, and the points with their truth.

    guesses: by name, (n, n) of classes, from x, y = -0.5 at the bottom left to 1.5.
    A full point is class 1, a ring is class 0.
    """
    shapes, lines = [], []
    side = min(180.0, (WIDTH - 20) / len(guesses) - 16)
    for number, (name, given) in enumerate(guesses.items()):
        left, grid = 8 + (side + 20) * number, _array(given)
        pixel = side / len(grid)
        shapes.append(words(left + side / 2, 12, name))
        for hue, kind in ((BLUE, 0), (ORANGE, 1)):
            path = "".join(
                f"M{left + pixel * x:.4g} {26 + side - pixel * (y + 1):.4g}"
                f"h{pixel * length:.4g}v{pixel:.4g}h{-pixel * length:.4g}z"
                for y, row in enumerate(grid)
                for x, length in _runs(row == kind)
            )
            shapes.append(f'<path d="{path}" fill="{hue}" fill-opacity=".3"/>')
        right = 0
        for (x, y), label in zip(points, truth, strict=True):
            place = left + side * (x + 0.5) / 2, 26 + side * (1.5 - y) / 2
            shapes.append(_point(*place, filled=bool(label)))
            across, up = (int(len(grid) * (v + 0.5) / 2) for v in (x, y))
            right += int(grid[min(up, len(grid) - 1), min(across, len(grid) - 1)] == label)
        lines.append(f"{name}: {right} of {len(points)} points lie in the region of their class")
    return close(WIDTH, 34 + side, shapes, "\n".join(lines))


def filters(weights: Any, names: Sequence[str] | None = None, *, columns: int = 6) -> Picture:
    """Draw small kernels, (count, rows, columns): one hue above zero, another below."""
    kernels = _array(weights)
    largest = float(np.abs(kernels).max()) or 1.0
    cell = min(22.0, (WIDTH - 10 * columns) / (columns * kernels.shape[2]))
    wide, high = cell * kernels.shape[2] + 10, cell * kernels.shape[1] + (26 if names else 10)
    shapes = []
    for number, kernel in enumerate(kernels):
        left, top = 4 + wide * (number % columns), 4 + high * (number // columns)
        for (y, x), weight in np.ndenumerate(kernel):
            hue = ORANGE if weight < 0 else BLUE
            place = left + cell * x, top + cell * y
            shapes.append(_shade(*place, cell, cell, hue, abs(weight) / largest))
        if names:
            middle = left + cell * kernels.shape[2] / 2
            shapes.append(words(middle, top + high - 16, names[number], size=11))
    text = f"{len(kernels)} kernels of {kernels.shape[1]} by {kernels.shape[2]} weights, "
    text += f"from {kernels.min():.2f} to {kernels.max():.2f}"
    return close(WIDTH, 4 + high * -(-len(kernels) // columns), shapes, text)


def attention_maps(
    shares: Mapping[str, Any], queries: Sequence[str], keys: Sequence[str] | None = None
) -> Picture:
    """Draw who looks where: a row for each query, a column for each key, darker for a larger share.

    shares: by name, (queries, keys).
    """
    looked_at = queries if keys is None else keys
    _refuse_large(max(len(queries), len(looked_at)))
    margin = 12 + 7.4 * max(map(len, queries))
    cell = min(34.0, (WIDTH - margin - 4) / len(looked_at))
    shapes, lines, top = [], [], 0.0
    for name, given in shares.items():
        grid = _array(given)
        shapes.append(words(4, top + 12, name, anchor="start"))
        for x, key in enumerate(looked_at):
            shapes.append(words(margin + cell * (x + 0.5), top + 32, key, size=11))
        for y, query in enumerate(queries):
            middle = top + 42 + cell * (y + 0.5)
            shapes.append(words(margin - 6, middle, query, anchor="end"))
            for x, share in enumerate(grid[y]):
                corner = margin + cell * x, top + 42 + cell * y
                shapes.append(_shade(*corner, cell, cell, BLUE, float(share)))
            most = int(grid[y].argmax())
            lines.append(f"{name}: {query} looks most at {looked_at[most]}, {grid[y, most]:.0%}")
        top += 54 + cell * len(queries)
    return close(WIDTH, top, shapes, "\n".join(lines))


def _array(tensor: Any) -> Array:
    """Return the array behind a tensor, sharing its memory."""
    numpy = getattr(tensor, "numpy", None)
    return np.asarray(numpy() if callable(numpy) else tensor)


def _window(
    pixels: Array, place: tuple[int, int], reach: Sequence[int], stride: int, dilation: int
) -> Array:
    top, left = (stride * index for index in place)
    return pixels[top : top + reach[0] : dilation, left : left + reach[1] : dilation]


def _refuse_large(count: int) -> None:
    if count > MOST_PLACES:
        raise ValueError(f"at most {MOST_PLACES} places can be read in a picture, not {count}")


def _numbers(name: str, left: float, grid: Array, wide: float) -> list[str]:
    """Return a grid of numbers in their boxes, with its name above."""
    shapes = [words(left, 12, name, anchor="start")]
    largest = float(np.abs(grid).max()) or 1.0
    for (y, x), number in np.ndenumerate(grid):
        corner = left + wide * x, 26 + wide * y
        shapes.append(
            _shade(*corner, wide, wide, ORANGE if number < 0 else BLUE, abs(number) / largest / 2)
        )
        middle = corner[0] + wide / 2, corner[1] + wide / 2
        shapes.append(words(*middle, f"{number:.3g}", size=11))
    return shapes


def _shade(x: float, y: float, width: float, height: float, hue: str, share: float) -> str:
    return (
        f'<rect x="{x:.5g}" y="{y:.5g}" width="{width - 1:.5g}" height="{height - 1:.5g}" '
        f'fill="{hue}" fill-opacity="{share:.2f}" stroke="{hue}" stroke-opacity=".3"/>'
    )


def _frame(x: float, y: float, width: float, height: float, hue: str) -> str:
    return (
        f'<rect x="{x:.5g}" y="{y:.5g}" width="{width:.5g}" height="{height:.5g}" rx="3" '
        f'fill="none" stroke="{hue}" stroke-width="2.5"/>'
    )


def _point(x: float, y: float, *, filled: bool) -> str:
    fill = "currentColor" if filled else "none"
    return (
        f'<circle cx="{x:.5g}" cy="{y:.5g}" r="6" fill="{fill}" '
        f'stroke="currentColor" stroke-width="2"/>'
    )


def _runs(row: Array) -> list[tuple[int, int]]:
    """Return where each run of true begins, and its length."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
    return [(int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
