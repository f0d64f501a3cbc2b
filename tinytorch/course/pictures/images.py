"""Pictures of images: every chapter that reads images hangs them here, digits or photographs.

Tensors and NumPy arrays are both welcome, as in all pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinytorch.course.pictures.strokes import (
    WIDTH,
    Array,
    Drawing,
    Picture,
    as_array,
    as_word,
    in_a_row,
    width_of,
)

__all__ = ["gallery"]

GAP = 4.0
MOST_LETTERS = 100  # of a line in a terminal
LETTERS = " .:-=+*#%@"  # from empty to full, for images in a terminal


def gallery(images: Any, labels: Sequence[Any] | None = None, *, columns: int = 8) -> Picture:
    """Draw gray images, (count, rows, columns) or one (rows, columns), with labels below them.

    At most `columns` hang in a row. One to three of them are no larger than four would be.
    """
    given = as_array(images)
    batch = given if given.ndim == 3 else given[None]
    if batch.ndim != 3 or not batch.size:
        raise ValueError(f"a gallery hangs images (count, rows, columns), not {given.shape}")
    tags = [""] * len(batch) if labels is None else [as_word(tag) for tag in as_array(labels)]
    if len(tags) != len(batch):
        raise ValueError(f"{len(batch)} images need {len(batch)} labels, got {len(tags)}")
    batch = batch / (float(batch.max()) or 1.0)
    drawing, abreast = Drawing(), in_a_row(len(batch), columns, tags)
    wide = (WIDTH + GAP) / max(abreast, min(columns, 4)) - GAP
    if abreast > 1:
        wide = max(wide, 4 + max(map(width_of, tags)))
    for first in range(0, len(batch), abreast):
        some = slice(first, first + abreast)
        _hang(drawing, batch[some], tags[some], wide)
    picture = drawing.picture(_described(len(batch), batch.shape[1:], tags))
    return Picture(picture.svg, _printed(batch, tags, columns))


def _hang(drawing: Drawing, images: Array, tags: Sequence[str], wide: float) -> None:
    """Draw one row of images below everything that is there."""
    top = drawing.bottom + (GAP if drawing.strokes else 0)
    side = wide / images.shape[2]
    for number, (image, tag) in enumerate(zip(images, tags, strict=True)):
        left = (wide + GAP) * number
        drawing.pixels(left, top, side, image)
        if tag:
            drawing.words(left + wide / 2, top + side * images.shape[1] + 10, tag)


def _described(count: int, sizes: Sequence[int], tags: Sequence[str]) -> str:
    named = f" labelled {', '.join(tags)}" if any(tags) else ""
    noun = "image" if count == 1 else "images"
    return f"{count} gray {noun} of {sizes[0]} by {sizes[1]} pixels{named}"


def _printed(batch: Array, tags: Sequence[str], columns: int) -> str:
    """Write images with letters that grow darker, a row of images at a time.

    A letter is twice as high as wide: it is written twice, or for every second row of pixels.
    """
    twice = 1 if batch.shape[2] > MOST_LETTERS // 4 else 2
    width = twice * batch.shape[2]
    columns, lines = min(columns, max(1, MOST_LETTERS // (width + 2))), []
    inks = np.rint(batch[:, :: 3 - twice] * (len(LETTERS) - 1)).clip(0).astype(int)
    for first in range(0, len(batch), columns):
        for rows in inks[first : first + columns].swapaxes(0, 1):  # row of pixels, image, pixel
            lines += ["  ".join("".join(LETTERS[ink] * twice for ink in row) for row in rows)]
        if any(tags):
            lines.append("  ".join(tag.center(width) for tag in tags[first : first + columns]))
    return "\n".join(line.rstrip() for line in lines)
