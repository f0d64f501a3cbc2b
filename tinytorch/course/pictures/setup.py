"""Pictures of the setup: environments, what a requirement admits, draws and fingerprints.

Named like the chapter that they explain. They come first because they need no tensor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinytorch.course.pictures.strokes import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    WIDTH,
    Drawing,
    Picture,
    width_of,
)

__all__ = ["admission", "digests", "draws", "environments", "orders"]


def orders(left: Sequence[str], right: Sequence[str], *, titles: tuple[str, str]) -> Picture:
    """Draw two orders of the same items side by side, with a line from each to itself."""
    drawing = Drawing()
    drawing.words(60, 14, titles[0])
    drawing.words(280, 14, titles[1])
    for row, item in enumerate(left):
        here, there = 44 + 30 * row, 44 + 30 * right.index(item)
        hue = GREEN if here == there else RED
        drawing.cell(0, here - 13, 120, item, hue)
        drawing.cell(220, there - 13, 120, item, hue)
        drawing.line([(122, here), (218, there)], hue)
    return drawing.picture(f"{titles[0]}: {', '.join(left)}\n{titles[1]}: {', '.join(right)}")


def admission(rows: Mapping[str, Mapping[str, bool]]) -> Picture:
    """Draw which columns each row admits: a full circle where it does, a ring where not."""
    columns = list(next(iter(rows.values())))
    drawing, lines, right = Drawing(), [], 4 + max(map(width_of, rows))
    place = {}
    for column in columns:
        half = max(10, width_of(column, 12) / 2) + 4
        place[column] = right + half
        right += 2 * half
        drawing.words(place[column], 14, column, size=12)
    for number, (row, admits) in enumerate(rows.items()):
        y = 44 + 28 * number
        drawing.words(0, y, row, anchor="start")
        for column, admitted in admits.items():
            drawing.dot(place[column], y, 8, GREEN if admitted else RED, filled=admitted)
        names = [column for column, admitted in admits.items() if admitted]
        lines.append(f"{row} admits {', '.join(names) or 'none'}")
    return drawing.picture("\n".join(lines))


def environments() -> Picture:
    """Draw two projects that share one folder of packages, and two with a folder each."""
    projects = ((0, "project A", "numpy<2"), (190, "project B", "numpy>=2.1"))
    drawing = Drawing()
    drawing.words(170, 14, "one folder for all")
    for x, name, needs in projects:
        _card(drawing, x, 32, name, needs, BLUE)
        drawing.line([(x + 75, 80), (170, 106)])
    drawing.cell(70, 108, 200, "site-packages: numpy ?", RED)
    drawing.words(170, 176, "a virtual environment for each")
    for (x, name, needs), found in zip(projects, ("numpy 1.26", "numpy 2.4"), strict=True):
        _card(drawing, x, 194, name, needs, BLUE)
        _card(drawing, x, 262, ".venv", found, GREEN)
        drawing.line([(x + 75, 242), (x + 75, 262)])
        drawing.line([(x + 75, 310), (170, 336)])
    drawing.cell(80, 338, 180, "one Python program", BLUE)
    return drawing.picture(
        "One folder for all: project A needs numpy<2, project B needs numpy>=2.1, and one\n"
        "site-packages folder holds only one of them.\n"
        "A virtual environment for each: .venv of project A holds numpy 1.26, .venv of project B\n"
        "holds numpy 2.4, and both use one Python program."
    )


def draws(runs: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Picture:
    """Draw the numbers from 0 to 1 that each generator gave in two runs."""
    drawing, lines = Drawing(), []
    left = 12 + max(map(width_of, runs))
    wide = (WIDTH - left - 20) / 2
    for place, (name, (first, second)) in enumerate(runs.items()):
        floor, repeats = 64 + 76 * place, list(first) == list(second)
        drawing.words(0, floor - 28, name, anchor="start")
        for start, values in ((left, first), (left + wide + 20, second)):
            for number, value in enumerate(values):
                x, height = start + wide * number / len(values), round(4 + 56 * value, 1)
                hue = GREEN if repeats else ORANGE
                drawing.box(x, floor - height, wide / len(values) - 3, height, hue)
        lines.append(f"{name}: the second run {'repeats' if repeats else 'differs from'} the first")
    for start, words in ((left, "first run"), (left + wide + 20, "second run")):
        drawing.words(start + wide / 2, 76 * len(runs) + 4, words)
    return drawing.picture("\n".join(lines))


def digests(named: Mapping[str, str]) -> Picture:
    """Draw hexadecimal digests in rows of 16, and mark where they differ from the first."""
    first = next(iter(named.values()))
    drawing, y = Drawing(), 14.0
    lines: list[str] = []
    for name, digest in named.items():
        pairs = list(zip(first, digest, strict=True))
        differing = sum(ours != theirs for ours, theirs in pairs)
        note = f"{name}: {differing} of {len(pairs)} digits differ" if lines else name
        drawing.words(0, y, note, anchor="start")
        for place, (ours, theirs) in enumerate(pairs):
            left, top = 22.4 * (place % 16), y + 14 + 23 * (place // 16)
            drawing.box(left, top, 20, 20, GREEN if ours == theirs else ORANGE)
            drawing.words(left + 10, top + 10.5, theirs)
        lines.append(f"{note}\n  {digest}")
        y += 34 + 23 * -(-len(pairs) // 16)
    return drawing.picture("\n".join(lines))


def _card(drawing: Drawing, x: float, y: float, title: str, note: str, hue: str) -> None:
    drawing.box(x, y, 150, 48, hue)
    drawing.words(x + 75, y + 15, title)
    drawing.words(x + 75, y + 34, note)
