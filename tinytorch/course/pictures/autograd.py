"""Pictures of autograd: in which order gradients went back, and what was held in memory meanwhile.

Named like the chapter that they explain. Everything is drawn from what the chapter's code noted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tinytorch.course.pictures.strokes import (
    BLUE,
    CELL,
    ORANGE,
    WIDTH,
    Drawing,
    Picture,
    as_word,
    hue_of,
)

__all__ = ["memory_held", "visits"]

DOWN = CELL + 12  # from one visit to the next
MIB = 2**20
LEFT, RIGHT, CEILING, FLOOR = 52.0, WIDTH - 8, 36.0, 216.0  # of a chart


def visits(logs: Mapping[str, Sequence[tuple[str, float]]]) -> Picture:
    """Draw each way to go back as a column: the nodes it visited, and their gradients by then.

    logs: for the name of each way, pairs of a node's name and its gradient at that visit, in time.
    A node's last visit is solid and the earlier ones, whose numbers were not final, are dashed.
    """
    drawing, told = Drawing(), []
    wide = WIDTH / len(logs)
    for column, (way, log) in enumerate(logs.items()):
        left, last = wide * column, {name: place for place, (name, _) in enumerate(log)}
        drawing.words(left + wide / 2, 8, way)
        for place, (name, gradient) in enumerate(log):
            y, is_last = 26 + DOWN * place, last[name] == place
            if place:
                drawing.line([(left + wide / 2, y - 11), (left + wide / 2, y - 1)])
            text, hue = f"{name}: {as_word(gradient)}", BLUE if is_last else ORANGE
            drawing.cell(left + 12, y, wide - 24, text, hue, solid=is_last)
        steps = ", ".join(f"{name} has {as_word(gradient)}" for name, gradient in log)
        told.append(f"{way}, {len(log)} visits: {steps}")
    return drawing.picture("\n".join(told))


def memory_held(held: Mapping[str, Sequence[int]]) -> Picture:
    """Draw how much memory each run held, from its start to its end.

    held: for the name of each run, the bytes after each of its operations, of which runs may have
    different numbers: all are stretched to the same width.
    """
    most = max(max(run) for run in held.values())
    drawing, told = Drawing(), ["memory held, from start to end"]
    _draw_axes(drawing, most)
    for number, (name, run) in enumerate(held.items()):
        across = np.linspace(LEFT, RIGHT, len(run)).tolist()
        ups = (FLOOR - (FLOOR - CEILING) * np.asarray(run) / most).tolist()
        drawing.line(list(zip(across, ups, strict=True)), hue_of(number), width=2)
        y = FLOOR + 40 + 20 * number
        drawing.line([(0, y), (18, y)], hue_of(number), width=2)
        peak = f"at most {as_word(max(run) / MIB)} MiB"
        drawing.words(24, y, f"{name}: {peak}", anchor="start")
        told.append(f"{name}: {peak}, in {len(run)} operations")
    return drawing.picture("\n".join(told))


def _draw_axes(drawing: Drawing, most: int) -> None:
    """Draw the frame of a chart of bytes over time: nothing, half of the most, and the most."""
    drawing.words(0, 14, "MiB held, operation by operation", anchor="start")
    for share in (0.0, 0.5, 1.0):
        y = FLOOR - (FLOOR - CEILING) * share
        drawing.words(LEFT - 8, y, as_word(share * most / MIB), anchor="end", size=12)
        drawing.rule(LEFT, y, RIGHT, y)
    drawing.words(LEFT, FLOOR + 16, "start", anchor="start", size=12)
    drawing.words(RIGHT, FLOOR + 16, "end", anchor="end", size=12)
