"""Pictures of autograd: in which order gradients went back through a graph, and what arrived.

Named like the chapter that they explain. Everything is drawn from what the chapter's code noted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinytorch.course.pictures.strokes import (
    BLUE,
    CELL,
    ORANGE,
    WIDTH,
    Drawing,
    Picture,
    as_word,
)

__all__ = ["visits"]

DOWN = CELL + 12  # from one visit to the next


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
