"""Charts: lines, curves, histograms and dots of numbers, whatever a chapter has measured.

The one file that is about no chapter. Every chart writes its numbers at its ends, so that it can
be read without a colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinytorch.course.pictures.strokes import (
    BLUE,
    WIDTH,
    Array,
    Drawing,
    Picture,
    as_array,
    as_word,
    hue_of,
    size_for,
    width_of,
)

__all__ = ["curves", "dots", "histograms", "lines"]

COLUMNS = 3  # of small charts beside each other
GAP, DOWN = 14.0, 88.0  # between small charts, and their height
BINS = 25


def lines(
    named: Mapping[str, Sequence[float]], *, over: Sequence[object], title: str, unit: str = ""
) -> Picture:
    """Draw lines in one chart, over the same evenly spaced places, with their names below.

    named: name to heights, one for each of `over`, whose words are written below the places.
    """
    highest = max(map(max, named.values())) or 1.0
    marks = {share: f"{as_word(highest * share)}{unit}" for share in (0.0, 0.5, 1.0)}
    left = 12 + max(width_of(mark, 12) for mark in marks.values())
    right, ceiling, floor = WIDTH - max(8, width_of(str(over[-1]), 12) / 2), 36.0, 216.0
    across = np.linspace(left, right, len(over))
    drawing = Drawing()
    drawing.words(0, 14, title, anchor="start")
    for share, mark in marks.items():
        y = floor - (floor - ceiling) * share
        drawing.words(left - 8, y, mark, anchor="end", size=12)
        drawing.rule(left, y, right, y)
    _write_places(drawing, list(zip(across, map(str, over), strict=True)), floor + 16)
    told = [f"{title}, over {', '.join(str(place) for place in over if str(place))}"]
    for number, (name, heights) in enumerate(named.items()):
        ups = [floor - (floor - ceiling) * height / highest for height in heights]
        _draw_line(drawing, list(zip(across, ups, strict=True)), hue_of(number))
        told.append(f"{name}: {', '.join(as_word(float(height)) + unit for height in heights)}")
    _write_names(drawing, list(named), floor + 40)
    return drawing.picture("\n".join(told))


def curves(x: Any, named: Mapping[str, Any]) -> Picture:
    """Draw one small chart for each named curve over x, all on the same axes."""
    across = as_array(x)
    ups = {name: as_array(values) for name, values in named.items()}
    everything = np.concatenate([values[np.isfinite(values)] for values in ups.values()])
    low, high = float(min(everything.min(), 0)), float(max(everything.max(), 0))
    scale = _Scale(float(across.min()), float(across.max()), low, high or 1.0)
    drawing, told = Drawing(), []
    for number, (name, values) in enumerate(ups.items()):
        corner = scale.corner(number)
        size = size_for(name, scale.across)
        drawing.words(corner[0] + scale.across / 2, corner[1] - 14, name, size=size)
        scale.draw_axes(drawing, corner)
        points = [scale.place(corner, *point) for point in zip(across, values, strict=True)]
        drawing.line(points, BLUE, width=2.2)
        told.append(f"{name}: {_ends(across, values)}")
    return drawing.picture("\n".join(told))


def histograms(rows: Mapping[str, Mapping[str, Any]], *, reach: float) -> Picture:
    """Draw a row of histograms from -reach to reach for each name, with spread and place below."""
    drawing, told = Drawing(), []
    wide = (WIDTH + 8) / max(map(len, rows.values())) - 8
    for row, (name, columns) in enumerate(rows.items()):
        top = 12 + 116 * row
        drawing.words(0, top, name, anchor="start")
        spreads = []
        for column, (where, values) in enumerate(columns.items()):
            array, left = as_array(values), (wide + 8) * column
            spread = f"{float(array.std()):.2g}"
            _draw_bars(drawing, array.clip(-reach, reach), reach, (left, top + 14, wide))
            drawing.words(left + wide / 2, top + 74, spread, size=12)
            drawing.words(left + wide / 2, top + 88, where, size=12, pale=True)
            spreads.append(f"{where} {spread}")
        told.append(f"{name}: spread in {', '.join(spreads)}")
    return drawing.picture("\n".join(told))


def dots(scores: Sequence[float], *, title: str) -> Picture:
    """Draw one dot for each score on a line from the lowest to the highest."""
    low, high = min(scores), max(scores)
    stacks: dict[int, int] = {}
    for score in scores:
        slot = round(24 * (score - low) / ((high - low) or 1))
        stacks[slot] = stacks.get(slot, 0) + 1
    floor = 42 + 15 * max(stacks.values())
    drawing = Drawing()
    drawing.words(WIDTH / 2, 14, title)
    drawing.line([(14, floor), (WIDTH - 14, floor)])
    for slot, count in stacks.items():
        for level in range(count):
            drawing.dot(22 + 13 * slot, floor - 9 - 15 * level, 5.5, BLUE)
    drawing.words(22, floor + 16, f"{low:.3f}")
    drawing.words(WIDTH - 22, floor + 16, f"{high:.3f}")
    middle = sorted(scores)[len(scores) // 2]
    return drawing.picture(f"{title}: lowest {low:.3f}, middle {middle:.3f}, highest {high:.3f}")


class _Scale:
    """From numbers to places in small charts that stand beside each other."""

    def __init__(self, left: float, right: float, low: float, high: float) -> None:
        self.left, self.right, self.low, self.high = left, right, low, high
        self.margin = 6 + max(width_of(f"{height:.2g}", 12) for height in (low, high))
        self.across = (WIDTH - self.margin - GAP * (COLUMNS - 1)) / COLUMNS

    def corner(self, number: int) -> tuple[float, float]:
        """Return where the n-th chart begins."""
        row, column = divmod(number, COLUMNS)
        return self.margin + (self.across + GAP) * column, 26 + (DOWN + 46) * row

    def place(self, corner: tuple[float, float], x: float, y: float) -> tuple[float, float]:
        """Return where a point of the curve lies in the chart with this corner."""
        across = (float(x) - self.left) / (self.right - self.left)
        down = (self.high - float(y)) / (self.high - self.low)
        return corner[0] + self.across * across, corner[1] + DOWN * down

    def draw_axes(self, drawing: Drawing, corner: tuple[float, float]) -> None:
        """Draw both axes through zero, with the numbers at their ends."""
        (left, top), right = corner, corner[0] + self.across
        across, down = self.place(corner, min(max(0.0, self.left), self.right), 0.0)
        drawing.rule(left, down, right, down)
        drawing.rule(across, top, across, top + DOWN)
        for x, number, anchor in ((left, self.left, "start"), (right, self.right, "end")):
            drawing.words(x, top + DOWN + 11, f"{number:g}", anchor=anchor, size=12)
        if left == self.margin:
            for y, number in ((top + 4, self.high), (top + DOWN - 4, self.low)):
                drawing.words(left - 4, y, f"{number:.2g}", anchor="end", size=12)


def _draw_line(drawing: Drawing, points: Sequence[tuple[float, float]], hue: str) -> None:
    drawing.line(points, hue, width=2)
    for x, y in points:
        drawing.dot(x, y, 2.5, hue)


def _write_places(drawing: Drawing, places: Sequence[tuple[float, str]], y: float) -> None:
    """Write the words below a chart, leaving out those for which there is no room."""
    free = -np.inf
    for x, word in places:
        half = width_of(word, 12) / 2
        if word and x - half > free:
            drawing.words(x, y, word, size=12)
            free = x + half + 5


def _write_names(drawing: Drawing, names: Sequence[str], top: float) -> None:
    """Write the names of lines beside a piece of them, two in a row where they fit."""
    wide = WIDTH / 2 if max(map(width_of, names)) + 30 < WIDTH / 2 else WIDTH
    per_row = round(WIDTH / wide)
    for number, name in enumerate(names):
        x, y = wide * (number % per_row), top + 20 * (number // per_row)
        drawing.line([(x, y), (x + 18, y)], hue_of(number), width=2)
        drawing.words(x + 24, y, name, anchor="start")


def _ends(across: Array, values: Array) -> str:
    """Return the curve at its left end, in its middle and at its right end, in words."""
    places = (0, len(across) // 2, -1)
    return ", ".join(f"{values[place]:.3g} at {across[place]:.3g}" for place in places)


def _draw_bars(
    drawing: Drawing, array: Array, reach: float, place: tuple[float, float, float]
) -> None:
    """Draw a histogram of 48 units in height; place: its left, its top and its width."""
    left, top, wide = place
    counts, _ = np.histogram(array, BINS, (-reach, reach))
    heights, bar = 48 * counts / max(int(counts.max()), 1), wide / BINS
    drawing.bars([(left + bar * n, top + 48 - h, bar, h) for n, h in enumerate(heights) if h], BLUE)
    drawing.line([(left, top + 48.5), (left + wide, top + 48.5)])
