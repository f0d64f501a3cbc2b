"""Pictures of data on its way: drawn from what happened, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tinytorch.course.drawing import LETTER, box, close, line, words
from tinytorch.course.pictures import HUES, Picture

__all__ = ["Happening", "curves", "gallery", "sample_path", "shards", "timeline"]

WIDTH = 420
MOST_SAMPLES = 10  # in a drawn path: more do not fit a telephone
SHADES = 8  # of gray in a gallery


class Happening(Protocol):
    """What a timeline draws: who did what with which batch, from when to when, in seconds."""

    @property
    def who(self) -> str:
        """The lane it is drawn in."""

    @property
    def what(self) -> str:
        """What was done; to "wait" is drawn dashed."""

    @property
    def batch(self) -> int:
        """The number of the batch, which gives it its hue."""

    @property
    def start(self) -> float:
        """When it began."""

    @property
    def end(self) -> float:
        """When it was over."""


def sample_path(batches: Sequence[Sequence[int]], results: Sequence[object]) -> Picture:
    """Draw how samples travel: the dataset, the sampler's order, and what becomes of each batch.

    batches: the indices of each batch. results: what each has become, a shape or a word.
    """
    order = [index for batch in batches for index in batch]
    if not 1 <= len(order) <= MOST_SAMPLES or max(order) >= MOST_SAMPLES:
        raise ValueError(f"a path is drawn for samples 0 to {MOST_SAMPLES - 1}, not {order}")
    hue_of = {i: _hue(b) for b, batch in enumerate(batches) for i in batch}
    step = (WIDTH - 8) / max(len(order), *(index + 1 for index in order))
    shapes = [words(4, 12, "the dataset: a sample for each index", anchor="start")]
    for rank, index in enumerate(order):
        shapes += _cell(4 + step * index, 24, step - 4, str(index), hue_of[index])
        shapes += _cell(4 + step * rank, 100, step - 4, str(index), hue_of[index])
        middle = 2 + step / 2
        shapes.append(line([(step * index + middle, 52), (step * rank + middle, 98)]))
    shapes.append(words(4, 138, "the sampler: an order of the indices", anchor="start"))
    ends = list(accumulate(map(len, batches)))
    for end, batch, result in zip(ends, batches, results, strict=True):
        left, wide = 4 + step * (end - len(batch)), step * len(batch) - 4
        shapes += _cell(left, 156, wide, str(result), hue_of[batch[0]])
    shapes.append(words(4, 194, "the loader: each batch, collated into one tensor", anchor="start"))
    lines = [f"the sampler's order of the dataset: {' '.join(map(str, order))}"]
    for batch, result in zip(batches, results, strict=True):
        lines.append(f"the batch of {' '.join(map(str, batch))} becomes {result}")
    return close(WIDTH, 204, shapes, "\n".join(lines))


def timeline(events: Sequence[Happening], *, title: str = "") -> Picture:
    """Draw who did what when: a lane for each worker and one for the caller, a hue for each batch.

    Waiting is dashed.
    """
    if not events:
        raise ValueError("there is nothing to draw: no event was recorded")
    began, over = min(e.start for e in events), max(e.end for e in events)
    span = (over - began) or 1e-9
    lanes = sorted({e.who for e in events}, key=lambda who: (who == "caller", who))
    left = 10 + 12 * LETTER * max(map(len, lanes))
    top = 28 if title else 8
    shapes = [words(4, 14, title, anchor="start")] if title else []
    for event in sorted(events, key=lambda event: event.what != "wait"):  # waiting lies below
        x = left + (WIDTH - 4 - left) * (event.start - began) / span
        wide = max((WIDTH - 4 - left) * (event.end - event.start) / span, 0.5)
        y, busy = top + 34 * lanes.index(event.who), event.what != "wait"
        shapes.append(box(x, y, wide, 26, _hue(event.batch), full=busy))
        if busy and (text := _fitting(f"{event.what} {event.batch}", wide)):
            shapes.append(words(x + wide / 2, y + 13, text))
    for lane, who in enumerate(lanes):
        shapes.append(words(4, top + 34 * lane + 13, who, anchor="start"))
    floor = top + 34 * len(lanes) + 2
    shapes.append(line([(left, floor), (WIDTH - 4, floor)]))
    shapes.append(words(left, floor + 12, "0", anchor="start"))
    shapes.append(words(WIDTH - 4, floor + 12, f"{span * 1e3:.0f} ms", anchor="end"))
    told = [f"{title or 'who did what'}, in {span * 1e3:.0f} ms"]
    told += [_described(who, [e for e in events if e.who == who], span) for who in lanes]
    return close(WIDTH, floor + 24, shapes, "\n".join(told))


def shards(counts: Sequence[int], resident: Collection[int], *, size: int = 4) -> Picture:
    """Draw shards of `counts` samples as pages of `size`, those that are in memory solid.

    resident: the samples in memory, by their index in the whole set.
    """
    wide, per_row = 19, 21
    shapes, lines, y, first = [], [], 14, 0
    for number, count in enumerate(counts):
        pages = [range(i, min(i + size, count)) for i in range(0, count, size)]
        held = [any(first + sample in resident for sample in page) for page in pages]
        note = f"shard {number}: samples {first} to {first + count - 1}"
        shapes.append(words(4, y, note, anchor="start"))
        for place, is_held in enumerate(held):
            x, down = 4 + (wide + 0.7) * (place % per_row), y + 12 + 22 * (place // per_row)
            shapes.append(box(x, down, wide - 2, 18, _hue(number), full=is_held))
        lines.append(f"{note}; {sum(held)} of its {len(held)} pages are in memory")
        y += 26 + 22 * -(-len(pages) // per_row) + 6
        first += count
    return close(WIDTH, y - 8, shapes, "\n".join(lines))


def curves(
    lines: Mapping[str, Sequence[float]], *, over: Sequence[object], title: str, unit: str = ""
) -> Picture:
    """Draw lines that share their places along x, evenly spaced, each with its name beside it.

    lines: name to heights, one for each of `over`, whose words are written below.
    """
    highest = max(map(max, lines.values())) or 1.0
    left, right, ceiling, floor = 62.0, WIDTH - 30.0, 36.0, 216.0
    step = (right - left) / max(1, len(over) - 1)
    shapes = [words(4, 14, title, anchor="start")]
    for share in (0.0, 0.5, 1.0):
        y = floor - (floor - ceiling) * share
        shapes.append(words(left - 8, y, f"{highest * share:.3g}{unit}", anchor="end", size=11))
        shapes.append(f'<path d="M{left} {y}H{right}" stroke="currentColor" stroke-opacity=".25"/>')
    for number, place in enumerate(over):
        shapes.append(words(left + step * number, floor + 14, str(place), size=11))
    text = [f"{title}, over {', '.join(map(str, over))}"]
    for number, (name, heights) in enumerate(lines.items()):
        hue, y = _hue(number), floor + 36 + 18 * (number // 2)
        x = 8 + (WIDTH / 2) * (number % 2)
        places = [
            (left + step * rank, floor - (floor - ceiling) * height / highest)
            for rank, height in enumerate(heights)
        ]
        shapes.append(line(places, hue))
        shapes += [f'<circle cx="{a:.4g}" cy="{b:.4g}" r="3" fill="{hue}"/>' for a, b in places]
        shapes += [line([(x, y), (x + 18, y)], hue), words(x + 24, y, name, anchor="start")]
        text.append(f"{name}: {', '.join(f'{height:.3g}{unit}' for height in heights)}")
    bottom = floor + 48 + 18 * ((len(lines) - 1) // 2)
    return close(WIDTH, bottom, shapes, "\n".join(text))


def gallery(images: Any, labels: Sequence[object] | None = None, *, columns: int = 8) -> Picture:
    """Draw gray images of any size, (count, rows, columns), with labels below them.

    Every shade is one stroke of the pen, so that photographs of many pixels stay small pages.
    """
    batch = np.asarray(images.numpy() if hasattr(images, "numpy") else images)
    if batch.ndim != 3 or not batch.size:
        raise ValueError(f"a gallery hangs images (count, rows, columns), not {batch.shape}")
    tags = [""] * len(batch) if labels is None else [str(label) for label in labels]
    if len(tags) != len(batch):
        raise ValueError(f"{len(batch)} images need {len(batch)} labels, got {len(tags)}")
    side = (WIDTH - 4) / columns - 4
    high = side * batch.shape[1] / batch.shape[2]
    down = high + (20 if any(tags) else 4)
    darkest = float(batch.max()) or 1.0
    shapes = []
    for number, (image, tag) in enumerate(zip(batch, tags, strict=True)):
        x, y = 4 + (side + 4) * (number % columns), 4 + down * (number // columns)
        shapes += _image(image / darkest, x, y, side / batch.shape[2])
        shapes.append(words(x + side / 2, y + high + 9, tag) if tag else "")
    named = f" labelled {', '.join(tags)}" if any(tags) else ""
    noun = "image" if len(batch) == 1 else "images"
    text = f"{len(batch)} gray {noun} of {batch.shape[1]} by {batch.shape[2]} pixels{named}"
    return close(WIDTH, 4 + down * -(-len(batch) // columns), shapes, text)


def _cell(x: float, y: float, width: float, text: str, hue: str) -> list[str]:
    return [box(x, y, width, 26, hue), words(x + width / 2, y + 13, text)]


def _hue(number: int) -> str:
    return HUES[number % len(HUES)]


def _fitting(text: str, width: float) -> str:
    """Return the text, its last word where there is no room for all, or nothing."""
    choices = (text, text.rpartition(" ")[2], "")
    return next(choice for choice in choices if 12 * LETTER * len(choice) < width or not choice)


def _described(who: str, events: Sequence[Happening], span: float) -> str:
    shares: dict[str, float] = {}
    for event in events:
        shares[event.what] = shares.get(event.what, 0.0) + (event.end - event.start) / span
    spent = ", ".join(f"{share:.0%} {what}" for what, share in shares.items())
    return f"{who} spends {spent}"


def _image(image: npt.NDArray[Any], left: float, top: float, pixel: float) -> list[str]:
    """Return a background and one path for each shade, of runs of equal pixels."""
    rows, columns = image.shape
    shades = np.rint(image * SHADES).astype(int)
    frame = f'width="{columns * pixel:.5g}" height="{rows * pixel:.5g}"'
    shapes = [f'<rect x="{left:.5g}" y="{top:.5g}" {frame} fill-opacity=".06"/>']
    for shade in range(1, SHADES + 1):
        if runs := _runs(shades == shade):
            path = "".join(f"M{start} {row + 0.5}h{length}" for row, start, length in runs)
            shapes.append(
                f'<path d="{path}" fill="none" stroke="currentColor" stroke-width="1.02" '
                f'stroke-opacity="{shade / SHADES:.3g}" '
                f'transform="translate({left:.5g} {top:.5g}) scale({pixel:.4g})"/>'
            )
    return shapes


def _runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Return the row, the first column and the length of every run of True."""
    padded = np.pad(mask, ((0, 0), (1, 1))).astype(np.int8)
    change = np.diff(padded, axis=1)
    starts, ends = np.argwhere(change == 1), np.argwhere(change == -1)
    return [(int(r), int(s), int(e - s)) for (r, s), (_, e) in zip(starts, ends, strict=True)]
