"""Charts: curves and histograms of the numbers they are given, readable on light and dark pages.

Every function returns a `Picture`: SVG for pages, text for terminals and screen readers. They are
at most 420 units wide, so that their words can be read on a telephone. Tensors and NumPy arrays
are both welcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinytorch.course.diagrams import _line, _picture, _words
from tinytorch.course.pictures import HUES, Array, Picture, _array

__all__ = ["curves", "histograms"]

BLUE, ORANGE, *_ = HUES
COLUMNS = 3  # of small charts beside each other
BINS = 25


def curves(x: Any, named: Mapping[str, Any]) -> Picture:
    """Draw one small chart for each named curve over x, all on the same axes."""
    across = _array(x)
    up = {name: _array(values) for name, values in named.items()}
    everything = np.concatenate([values[np.isfinite(values)] for values in up.values()])
    low, high = float(min(everything.min(), 0)), float(max(everything.max(), 0))
    scale = _Scale(float(across.min()), float(across.max()), low, high or 1.0)
    shapes, lines = [], []
    for number, (name, values) in enumerate(up.items()):
        left, top = 34 + 130 * (number % COLUMNS), 26 + 132 * (number // COLUMNS)
        shapes += [_words(left + 59, top - 14, name), *scale.axes(left, top)]
        shapes += [] if number % COLUMNS else scale.heights(left, top)
        points = [scale.place(left, top, *point) for point in zip(across, values, strict=True)]
        path = "L".join(f"{right:.1f} {down:.1f}" for right, down in points)
        shapes.append(f'<path d="M{path}" fill="none" stroke="{BLUE}" stroke-width="2.2"/>')
        lines.append(f"{name}: {_ends(across, values)}")
    rows = -(-len(up) // COLUMNS)
    return _picture(420, 132 * rows + 6, shapes, "\n".join(lines))


class _Scale:
    """From numbers to places in a small chart of 118 by 88 units."""

    def __init__(self, left: float, right: float, low: float, high: float) -> None:
        self.left, self.right, self.low, self.high = left, right, low, high

    def place(self, left: float, top: float, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the curve lies in the chart with this corner."""
        across = (float(x) - self.left) / (self.right - self.left)
        down = (self.high - float(y)) / (self.high - self.low)
        return left + 118 * across, top + 88 * down

    def axes(self, left: float, top: float) -> list[str]:
        """Return both axes through zero, with the numbers at the ends of the one across."""
        across, down = self.place(left, top, min(max(0.0, self.left), self.right), 0.0)
        return [
            f'<g stroke-opacity=".35">{_line(left, down, left + 118, down)}'
            f"{_line(across, top, across, top + 88)}</g>",
            _words(left, top + 98, f"{self.left:g}", anchor="start", size=11),
            _words(left + 118, top + 98, f"{self.right:g}", anchor="end", size=11),
        ]

    def heights(self, left: float, top: float) -> list[str]:
        """Return the numbers at the ends of the axis that goes up."""
        return [
            _words(left - 4, top + 4, f"{self.high:.2g}", anchor="end", size=11),
            _words(left - 4, top + 84, f"{self.low:.2g}", anchor="end", size=11),
        ]


def _ends(across: Array, values: Array) -> str:
    """Return the curve at its left end, in its middle and at its right end, in words."""
    places = (0, len(across) // 2, -1)
    return ", ".join(f"{values[place]:.3g} at {across[place]:.3g}" for place in places)


def histograms(rows: Mapping[str, Mapping[str, Any]], *, reach: float) -> Picture:
    """Draw a row of histograms from -reach to reach for each name, each with its spread below."""
    shapes, lines = [], []
    for row, (name, columns) in enumerate(rows.items()):
        top = 12 + 104 * row
        shapes.append(_words(4, top, name, anchor="start"))
        spreads = []
        for column, (where, values) in enumerate(columns.items()):
            array, left = _array(values), 4 + 84 * column
            spread = f"{float(array.std()):.2g}"
            shapes += [_bars(array, reach, left, top + 14)]
            shapes += [_words(left + 38, top + 72, f"{where}: {spread}", size=11)]
            spreads.append(f"{where} {spread}")
        lines.append(f"{name}: spread in {', '.join(spreads)}")
    width = 84 * max(map(len, rows.values()), default=0)
    return _picture(width, 104 * len(rows) - 8, shapes, "\n".join(lines))


def _bars(array: Array, reach: float, left: float, top: float) -> str:
    """Return a histogram of 76 by 48 units; what lies beyond its reach counts at its ends."""
    counts, _ = np.histogram(array.clip(-reach, reach), BINS, (-reach, reach))
    wide = 76 / BINS
    bars = [
        f'<rect x="{left + wide * number:.2f}" y="{top + 48 - height:.2f}" '
        f'width="{wide - 0.4:.2f}" height="{height:.2f}" fill="{BLUE}"/>'
        for number, height in enumerate(48 * counts / max(int(counts.max()), 1))
        if height
    ]
    return "".join([*bars, _line(left, top + 48.5, left + 76, top + 48.5)])
