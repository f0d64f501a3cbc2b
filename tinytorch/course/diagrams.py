"""Diagrams of environments: drawn from what they are given, readable on light and dark pages.

Every function returns a `Picture`: SVG for pages, text for terminals and screen readers. They are
at most 420 units wide, so that their words can be read on a telephone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from tinytorch.course.pictures import HUES, Picture

__all__ = ["admission", "digests", "draws", "environments", "orders", "spread"]

BLUE, ORANGE, GREEN, _, RED, _ = HUES


def orders(left: Sequence[str], right: Sequence[str], *, titles: tuple[str, str]) -> Picture:
    """Draw two orders of the same items side by side, with a line from each to itself."""
    shapes = [_words(70, 14, titles[0]), _words(290, 14, titles[1])]
    for row, item in enumerate(left):
        here, there = 44 + 30 * row, 44 + 30 * right.index(item)
        hue = GREEN if here == there else RED
        shapes += [_box(10, here - 12, 120, 24, hue), _words(70, here, item)]
        shapes += [_box(230, there - 12, 120, 24, hue), _words(290, there, item)]
        shapes.append(_line(132, here, 228, there, hue))
    text = f"{titles[0]}: {', '.join(left)}\n{titles[1]}: {', '.join(right)}"
    return _picture(360, 40 + 30 * len(left), shapes, text)


def admission(rows: Mapping[str, Mapping[str, bool]]) -> Picture:
    """Draw which columns each row admits: a full circle where it does, a ring where not."""
    columns = list(next(iter(rows.values())))
    place = {column: 134 + 42 * number for number, column in enumerate(columns)}
    shapes = [_words(x, 14, column, size=11) for column, x in place.items()]
    lines = []
    for number, (row, admits) in enumerate(rows.items()):
        y = 44 + 28 * number
        shapes.append(_words(4, y, row, anchor="start"))
        for column, admitted in admits.items():
            look = f'fill="{GREEN}" stroke="{GREEN}"' if admitted else f'fill="none" stroke="{RED}"'
            shapes.append(f'<circle cx="{place[column]}" cy="{y}" r="8" {look}/>')
        names = [column for column, admitted in admits.items() if admitted]
        lines.append(f"{row} admits {', '.join(names) or 'none'}")
    return _picture(118 + 42 * len(columns), 40 + 28 * len(rows), shapes, "\n".join(lines))


def environments() -> Picture:
    """Draw two projects that share one folder of packages, and two with a folder each."""
    projects = ((20, "project A", "numpy<2"), (220, "project B", "numpy>=2.1"))
    shapes = [_words(200, 14, "one folder for all")]
    for x, name, needs in projects:
        shapes += [_card(x, 32, name, needs, BLUE), _line(x + 80, 80, 200, 106)]
    shapes += [_box(90, 108, 220, 28, RED), _words(200, 122, "site-packages: numpy ?")]
    shapes.append(_words(200, 176, "a virtual environment for each"))
    for (x, name, needs), found in zip(projects, ("numpy 1.26", "numpy 2.4"), strict=True):
        shapes += [_card(x, 194, name, needs, BLUE), _line(x + 80, 242, x + 80, 262)]
        shapes += [_card(x, 262, ".venv", found, GREEN), _line(x + 80, 310, 200, 336)]
    shapes += [_box(110, 338, 180, 28, BLUE), _words(200, 352, "one Python program")]
    text = (
        "One folder for all: project A needs numpy<2, project B needs numpy>=2.1, and one\n"
        "site-packages folder holds only one of them.\n"
        "A virtual environment for each: .venv of project A holds numpy 1.26, .venv of project B\n"
        "holds numpy 2.4, and both use one Python program."
    )
    return _picture(400, 368, shapes, text)


def draws(runs: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Picture:
    """Draw the numbers from 0 to 1 that each generator gave in two runs."""
    shapes, lines = [], []
    for place, (name, (first, second)) in enumerate(runs.items()):
        bottom, repeats = 72 + 84 * place, list(first) == list(second)
        shapes.append(_words(4, bottom - 30, name, anchor="start"))
        for left, values in ((160, first), (290, second)):
            for number, value in enumerate(values):
                height = round(4 + 56 * value, 1)
                hue = GREEN if repeats else ORANGE
                shapes.append(_box(left + 13 * number, bottom - height, 10, height, hue))
        lines.append(f"{name}: the second run {'repeats' if repeats else 'differs from'} the first")
    height = 84 * len(runs) + 28
    shapes += [_words(210, height - 14, "first run"), _words(340, height - 14, "second run")]
    return _picture(400, height, shapes, "\n".join(lines))


def digests(named: Mapping[str, str]) -> Picture:
    """Draw hexadecimal digests in rows of 16, and mark where they differ from the first."""
    first = next(iter(named.values()))
    shapes: list[str] = []
    lines: list[str] = []
    y = 14.0
    for name, digest in named.items():
        pairs = list(zip(first, digest, strict=True))
        differing = sum(ours != theirs for ours, theirs in pairs)
        note = f"{name}: {differing} of {len(pairs)} digits differ" if lines else name
        shapes.append(_words(4, y, note, anchor="start"))
        for place, (ours, theirs) in enumerate(pairs):
            left, top = 4 + 24 * (place % 16), y + 14 + 24 * (place // 16)
            shapes.append(_box(left, top, 21, 21, GREEN if ours == theirs else ORANGE))
            shapes.append(_words(left + 10.5, top + 11, theirs))
        lines.append(f"{note}\n  {digest}")
        y += 34 + 24 * -(-len(pairs) // 16)
    return _picture(392, y - 14, shapes, "\n".join(lines))


def spread(scores: Sequence[float], *, title: str) -> Picture:
    """Draw one dot for each score on a line from the lowest to the highest."""
    low, high = min(scores), max(scores)
    stacks: dict[int, int] = {}
    for score in scores:
        slot = round(24 * (score - low) / ((high - low) or 1))
        stacks[slot] = stacks.get(slot, 0) + 1
    floor = 42 + 16 * max(stacks.values())
    shapes = [_words(200, 14, title), _line(24, floor, 376, floor, "currentColor")]
    for slot, count in stacks.items():
        for level in range(count):
            x, y = 32 + 14 * slot, floor - 9 - 16 * level
            shapes.append(f'<circle cx="{x}" cy="{y}" r="6" fill="{BLUE}"/>')
    shapes += [_words(32, floor + 16, f"{low:.3f}"), _words(368, floor + 16, f"{high:.3f}")]
    middle = sorted(scores)[len(scores) // 2]
    text = f"{title}: lowest {low:.3f}, middle {middle:.3f}, highest {high:.3f}"
    return _picture(400, floor + 30, shapes, text)


def _words(x: float, y: float, text: str, *, anchor: str = "middle", size: int = 13) -> str:
    look = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}"'
    return f'<text {look} dominant-baseline="central">{escape(text)}</text>'


def _box(x: float, y: float, width: float, height: float, hue: str) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="3" '
        f'fill="{hue}" fill-opacity=".22" stroke="{hue}"/>'
    )


def _card(x: float, y: float, title: str, note: str, hue: str) -> str:
    title, note = _words(x + 80, y + 15, title), _words(x + 80, y + 34, note)
    return _box(x, y, 160, 48, hue) + title + note


def _line(x: float, y: float, to_x: float, to_y: float, hue: str = "currentColor") -> str:
    return f'<path d="M{x:g} {y:g}L{to_x:g} {to_y:g}" stroke="{hue}" stroke-width="1.5"/>'


def _picture(width: float, height: float, shapes: Sequence[str], text: str) -> Picture:
    label = escape(" ".join(text.split()), quote=True)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tt-picture" role="img" '
        f'aria-label="{label}" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'style="max-width:100%;height:auto;display:block;margin:.5rem auto" fill="currentColor" '
        f'font-family="ui-monospace, Menlo, Consolas, monospace">{"".join(shapes)}</svg>'
    )
    return Picture(svg, text)
