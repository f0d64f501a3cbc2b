"""Pictures of training: ways over a loss, losses over steps, the way back, and what is confused.

Named like the chapter that they explain. Everything is drawn from the numbers given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinytorch.course.pictures.strokes import (
    BLUE,
    CELL,
    GREEN,
    ORANGE,
    RED,
    WIDTH,
    Array,
    Drawing,
    Picture,
    as_array,
    as_word,
    hue_of,
    runs,
    width_of,
)

__all__ = ["confusion", "convergence", "descents", "way_back"]

BANDS = 9  # of height on a loss surface
FEW = 30  # points of a line that get a dot each


def descents(
    losses: Any,
    paths: Mapping[str, Any],
    *,
    x: tuple[float, float],
    y: tuple[float, float],
    axes: tuple[str, str] = ("x", "y"),
) -> Picture:
    """Draw ways downhill, each on its own map of the same loss: fuller is higher.

    losses: (rows, columns), the first row at the bottom; paths: by name, (steps, 2) of x and y.
    A ring is where a way begins, a dot where it ends. What leaves the map runs along its edge.
    """
    heights, drawing, told = as_array(losses), Drawing(), []
    side = (WIDTH - 28) / 2
    for number, (name, given) in enumerate(paths.items()):
        left, top = (side + 16) * (number % 2), (side + 46) * (number // 2)
        drawing.words(left, top + 10, name, anchor="start")
        _draw_map(drawing, heights, left, top + 22, side)
        path = as_array(given)
        shares = (path - [x[0], y[0]]) / [x[1] - x[0], y[1] - y[0]]  # of the map's sides
        shares = np.nan_to_num(shares, nan=0.0, posinf=1.0, neginf=0.0).clip(0.0, 1.0)
        places = [(left + side * a, top + 22 + side * (1 - b)) for a, b in shares]
        drawing.line(places, RED, width=1.8)
        drawing.dot(*places[0], 4.5, RED, filled=False)
        drawing.dot(*places[-1], 3.5, RED)
        ends = [f"({as_word(float(a))}, {as_word(float(b))})" for a, b in (path[0], path[-1])]
        told.append(f"{name}: from {ends[0]} to {ends[1]} in {len(path) - 1} steps")
    ranges = zip(("across", "up"), axes, (x, y), strict=True)
    told.append("; ".join(f"{way}: {name}, {a:g} to {b:g}" for way, name, (a, b) in ranges))
    drawing.words(0, (side + 46) * -(-len(paths) // 2) - 6, told[-1], anchor="start", size=12)
    return drawing.picture("\n".join(told))


def convergence(
    named: Mapping[str, Sequence[float]],
    *,
    title: str,
    over: Sequence[object] = (),
    average: int = 1,
) -> Picture:
    """Draw lines whose heights are powers of ten, so that a small number is seen beside a large.

    named: name to heights above 0; `over`: one word for each place, written where there is room,
    or else places are numbered from 0. What is drawn is the average of so many heights, of each
    place and those before it. A line ends where that is no longer finite; 0 is drawn at the floor.
    """
    rows = {name: _averaged(heights, average) for name, heights in named.items()}
    over = over or _numbers(max(map(len, rows.values())))
    good = np.concatenate([row[np.isfinite(row) & (row > 0)] for row in rows.values()])
    low, high = int(np.floor(np.log10(good.min()))), int(np.ceil(np.log10(good.max())))
    high = max(high, low + 1)
    left, right, ceiling, floor = 52.0, WIDTH - 8, 36.0, 216.0
    drawing = Drawing()
    drawing.words(0, 14, title, anchor="start")
    for power in range(low, high + 1, max(1, -(-(high - low) // 6))):
        y = floor - (floor - ceiling) * (power - low) / (high - low)
        drawing.words(left - 8, y, f"{10.0**power:g}", anchor="end", size=12)
        drawing.rule(left, y, right, y)
    _write_below(drawing, over, left, right, floor + 16)
    seen = [word for word in map(str, over) if word]
    told = [f"{title}, over {seen[0]} to {seen[-1]}"]
    for number, (name, row) in enumerate(rows.items()):
        ended = np.flatnonzero(~np.isfinite(row))
        row = row[: ended[0]] if len(ended) else row
        shares = (np.log10(np.maximum(row, 10.0**low)) - low) / (high - low)
        across = left + (right - left) * np.arange(len(row)) / max(len(over) - 1, 1)
        places = list(
            zip(across.tolist(), (floor - (floor - ceiling) * shares).tolist(), strict=True)
        )
        _draw_line(drawing, places, hue_of(number))
        told.append(_told_line(name, row, is_cut=bool(len(ended))))
    _write_names(drawing, list(rows), floor + 40)
    return drawing.picture("\n".join(told))


def way_back(passed: Sequence[Any]) -> Picture:
    """Draw a network with what flows forward through it, and what flows back.

    passed: one for each layer, with its ``layer``, its ``input`` and its ``output``. A gradient has
    the shape of what it is the gradient of; layers with parameters leave some beside the way.
    """
    drawing, told = Drawing(), []
    middle, wide, high = WIDTH / 2, 112.0, 54.0
    drawing.words(middle - 118, 8, "forward")
    drawing.words(middle + 118, 8, "backward")
    for number, one in enumerate(passed):
        top, name = 34 + high * number, type(one.layer).__name__
        own = [word for word, _ in one.layer.named_parameters()]
        drawing.cell(middle - wide / 2, top, wide, name, GREEN if own else BLUE)
        _write_shapes(drawing, one.input.shape, middle, top - 10)
        told.append(f"{name}: {one.input.shape} -> {one.output.shape}, and the gradient back")
        if own:
            drawing.words(middle, top + CELL + 9, "+ " + ", ".join(own), size=12)
    bottom = 34 + high * len(passed)
    drawing.cell(middle - wide / 2, bottom, wide, "loss", ORANGE)
    _write_shapes(drawing, passed[-1].output.shape, middle, bottom - 10)
    for x, begin, end in ((middle - 76, 34.0, bottom + 14), (middle + 76, bottom + 14, 34.0)):
        drawing.line([(x, begin), (x, end)], BLUE if begin < end else RED)
        tip = 7.0 if begin < end else -7.0
        drawing.line([(x - 4, end - tip), (x, end), (x + 4, end - tip)], BLUE if tip > 0 else RED)
    return drawing.picture("\n".join(told))


def confusion(counts: Any, names: Sequence[object]) -> Picture:
    """Draw how often which class was taken for which: rows are truths, columns guesses.

    counts: (classes, classes). What is right has one hue, what is wrong another.
    """
    grid = as_array(counts)
    labels = [str(name) for name in names]
    left = 10 + max(map(width_of, labels))
    wide = min(34.0, (WIDTH - left) / len(grid))
    drawing, most = Drawing(), int(grid.max()) or 1
    drawing.words(left, 8, "guessed", anchor="start")
    drawing.words(0, 28, "is", anchor="start")
    for column, label in enumerate(labels):
        if width_of(label) < wide:
            drawing.words(left + wide * (column + 0.5), 28, label)
    for row, label in enumerate(labels):
        top = 40 + wide * row
        drawing.words(left - 8, top + wide / 2, label, anchor="end")
        for column, count in enumerate(grid[row].tolist()):
            place = left + wide * column, top
            hue = BLUE if row == column else ORANGE
            share = 0.0 if not count else 0.1 + 0.5 * (count / most if row == column else 1.0)
            drawing.shade(*place, wide - 1, wide - 1, hue, share)
            if count:
                drawing.words(place[0] + wide / 2, top + wide / 2, str(count), size=12)
    return drawing.picture(_told_confusion(grid, labels))


def _averaged(heights: Sequence[float], count: int) -> Array:
    """Return for each place the mean of its height and of those before it, so many in all."""
    row = np.asarray(heights, dtype=float)
    ends = range(1, len(row) + 1)
    return np.array([row[max(end - count, 0) : end].mean() for end in ends])


def _numbers(count: int) -> list[str]:
    """Return the numbers of the places, all but a few round ones left out."""
    rounds = (one * 10**power for power in range(9) for one in (1, 2, 5))
    apart = next(number for number in rounds if count <= 6 * number)
    return [str(place) if place % apart == 0 else "" for place in range(count)]


def _draw_map(drawing: Drawing, heights: Array, left: float, top: float, side: float) -> None:
    """Shade a square by height: equal factors of the height above the lowest make equal bands."""
    above = np.log(heights - heights.min() + 1e-3 * np.ptp(heights))
    band = ((above - above.min()) / np.ptp(above) * BANDS).astype(int).clip(0, BANDS - 1)
    tall, pixel = side / len(band), side / band.shape[1]
    for level in range(1, BANDS):
        bars = [
            (left + pixel * x, top + side - tall * (y + 1), pixel * length, tall)
            for y, x, length in runs(band == level)
        ]
        drawing.bars(bars, BLUE, share=0.07 * level)
    drawing.frame(left, top, side, side, BLUE)


def _draw_line(drawing: Drawing, places: Sequence[tuple[float, float]], hue: str) -> None:
    if len(places) > 1:
        drawing.line(places, hue, width=1.8)
    for place in places if len(places) <= FEW else ():
        drawing.dot(*place, 2.5, hue)


def _write_below(
    drawing: Drawing, words: Sequence[object], left: float, right: float, y: float
) -> None:
    """Write words at their places below a chart, leaving out those for which there is no room."""
    free = -np.inf
    for number, word in enumerate(map(str, words)):
        half = width_of(word, 12) / 2
        x = left + (right - left) * number / max(len(words) - 1, 1)
        x = min(x, WIDTH - half)
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


def _write_shapes(drawing: Drawing, shape: object, middle: float, y: float) -> None:
    """Write what flows between two boxes: forward to the left, its gradient to the right."""
    drawing.words(middle - 82, y, str(shape), anchor="end", size=12)
    drawing.words(middle + 82, y, str(shape), anchor="start", size=12)


def _told_line(name: str, row: Array, *, is_cut: bool) -> str:
    if not len(row):
        return f"{name}: never finite"
    end = f"{row[-1]:.3g}" + (", then not finite" if is_cut else "")
    return f"{name}: from {row[0]:.3g} to {end}, lowest {row.min():.3g}"


def _told_confusion(grid: Array, labels: Sequence[str]) -> str:
    wrong = grid - np.diag(np.diag(grid))
    told = [f"{int(grid.trace())} of {int(grid.sum())} right"]
    for place in np.argsort(-wrong, axis=None, kind="stable")[:3]:
        row, column = divmod(int(place), len(grid))
        if wrong[row, column]:
            told.append(f"{labels[row]} taken for {labels[column]}: {wrong[row, column]}")
    return "\n".join(told)
