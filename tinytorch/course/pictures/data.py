"""Pictures of data on its way: samples that travel, who worked when, shards and their memory.

Named like the chapter that they explain. They draw what happened, from indices and times.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import Protocol

from tinytorch.course.pictures.strokes import WIDTH, Drawing, Picture, hue_of, width_of

__all__ = ["Happening", "sample_path", "shards", "timeline"]

MOST_SAMPLES = 10  # in a drawn path: more do not fit a telephone
HIGH = 38  # of an event, which has two lines of words
LANE = HIGH + 6
PAGE, PER_ROW = 19.8, 18  # from one drawn page of memory to the next


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
    hues = {index: hue_of(number) for number, batch in enumerate(batches) for index in batch}
    step = (WIDTH + 4) / max(len(order), *(index + 1 for index in order))
    drawing = Drawing()
    drawing.words(0, 12, "the dataset: a sample for each index", anchor="start", size=12)
    for rank, index in enumerate(order):
        here, there = step * index, step * rank
        drawing.cell(here, 24, step - 4, str(index), hues[index])
        drawing.cell(there, 100, step - 4, str(index), hues[index])
        drawing.line([(here + step / 2 - 2, 52), (there + step / 2 - 2, 98)], hues[index])
    drawing.words(0, 138, "the sampler: an order of the indices", anchor="start", size=12)
    ends = accumulate(map(len, batches))
    for end, batch, result in zip(ends, batches, results, strict=True):
        left, wide = step * (end - len(batch)), step * len(batch) - 4
        drawing.cell(left, 156, wide, str(result), hues[batch[0]])
    loader = "the loader: each batch, collated into one tensor"
    drawing.words(0, 194, loader, anchor="start", size=12)
    return drawing.picture(_told_path(order, batches, results))


def timeline(events: Sequence[Happening], *, title: str = "") -> Picture:
    """Draw who did what when: a lane for each worker and one for the caller, a hue for each batch.

    Waiting is dashed.
    """
    if not events:
        raise ValueError("there is nothing to draw: no event was recorded")
    began, over = min(e.start for e in events), max(e.end for e in events)
    span = (over - began) or 1e-9
    lanes = sorted({e.who for e in events}, key=lambda who: (who == "caller", who))
    left, top = 10 + max(map(width_of, lanes)), 28 if title else 8
    drawing = Drawing()
    if title:
        drawing.words(0, 14, title, anchor="start")
    events = [event for event in events if not _is_hidden(event, events)]
    for event in sorted(events, key=lambda event: event.what != "wait"):  # waiting lies below
        x = left + (WIDTH - left) * (event.start - began) / span
        wide = max((WIDTH - left) * (event.end - event.start) / span, 0.5)
        _draw_event(drawing, event, x, top + LANE * lanes.index(event.who), wide)
    for lane, who in enumerate(lanes):
        drawing.words(0, top + LANE * lane + HIGH / 2, who, anchor="start")
    _write_times(drawing, left, top + LANE * len(lanes) + 2, span)
    told = [f"{title or 'who did what'}, in {span * 1e3:.0f} ms"]
    told += [_told_lane(who, [e for e in events if e.who == who], span) for who in lanes]
    return drawing.picture("\n".join(told))


def shards(counts: Sequence[int], resident: Collection[int], *, size: int = 4) -> Picture:
    """Draw shards of `counts` samples as pages of `size`, those that are in memory solid.

    resident: the samples in memory, by their index in the whole set.
    """
    drawing, told, y, first = Drawing(), [], 14, 0
    for number, count in enumerate(counts):
        pages = [range(i, min(i + size, count)) for i in range(0, count, size)]
        held = [any(first + sample in resident for sample in page) for page in pages]
        note = f"shard {number}: samples {first} to {first + count - 1}"
        drawing.words(0, y, note, anchor="start")
        for place, is_held in enumerate(held):
            x, down = PAGE * (place % PER_ROW), y + 12 + 22 * (place // PER_ROW)
            drawing.box(x, down, PAGE - 3, 18, hue_of(number), solid=is_held)
        told.append(f"{note}; {sum(held)} of its {len(held)} pages are in memory")
        y += 32 + 22 * -(-len(pages) // PER_ROW)
        first += count
    return drawing.picture("\n".join(told))


def _told_path(
    order: Sequence[int], batches: Sequence[Sequence[int]], results: Sequence[object]
) -> str:
    told = [f"the sampler's order of the dataset: {' '.join(map(str, order))}"]
    for batch, result in zip(batches, results, strict=True):
        told.append(f"the batch of {' '.join(map(str, batch))} becomes {result}")
    return "\n".join(told)


def _draw_event(drawing: Drawing, event: Happening, x: float, y: float, wide: float) -> None:
    """Draw what somebody did, with as many of its words as it has room for."""
    busy = event.what != "wait"
    drawing.box(x, y, wide, HIGH, hue_of(event.batch), solid=busy)
    words = [word for word in (event.what, str(event.batch)) if width_of(word, 12) < wide]
    for place, word in enumerate(words if busy else []):
        middle = y + HIGH * (place + 1) / (len(words) + 1)
        drawing.words(x + wide / 2, middle, word, size=12)


def _write_times(drawing: Drawing, left: float, floor: float, span: float) -> None:
    drawing.line([(left, floor), (WIDTH, floor)])
    drawing.words(left, floor + 12, "0", anchor="start", size=12)
    drawing.words(WIDTH, floor + 12, f"{span * 1e3:.0f} ms", anchor="end", size=12)


def _is_hidden(event: Happening, events: Sequence[Happening]) -> bool:
    """Return whether someone is said to wait for what they do themselves."""
    mine = [other for other in events if other.who == event.who and other.what != "wait"]
    middle = (event.start + event.end) / 2
    return event.what == "wait" and any(o.start <= middle <= o.end for o in mine)


def _told_lane(who: str, events: Sequence[Happening], span: float) -> str:
    shares: dict[str, float] = {}
    for event in events:
        shares[event.what] = shares.get(event.what, 0.0) + (event.end - event.start) / span
    spent = ", ".join(f"{share:.0%} {what}" for what, share in shares.items())
    return f"{who} spends {spent}"
