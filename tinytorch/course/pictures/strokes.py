"""The strokes that every picture is made of: words, boxes, shades, dots and lines on one drawing.

A drawing remembers how far its strokes reach and puts its frame around them, so that nothing is
cut. It takes its ink from the page, and its hues from the page's light or dark theme. What is at
most `WIDTH` wide can be read on a telephone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Drawing", "Picture"]

Array = npt.NDArray[Any]

WIDTH = 356.0  # units: a telephone shows nine of them in eight pixels or more
ENLARGED = 1.15  # on a wide page
MARGIN = 2.0  # around everything, for the thickness of strokes
CELL = 26.0  # the height of a box that holds a number
SHADES = 8  # of gray in an image
LETTER = 0.61  # the width of a monospaced letter, in heights
INK = "currentColor"
HUES = BLUE, ORANGE, GREEN, PURPLE, RED, OLIVE = (
    "var(--tt-hue-0, #3b82c4)",
    "var(--tt-hue-1, #c8762b)",
    "var(--tt-hue-2, #3f9a5f)",
    "var(--tt-hue-3, #a45bb5)",
    "var(--tt-hue-4, #c4504f)",
    "var(--tt-hue-5, #7f8a2f)",
)
FILLED = 'fill-opacity=".22"'
DASHED = 'fill-opacity=".04" stroke-dasharray="3 3"'


@dataclass(frozen=True)
class Picture:
    """One drawing: `svg` for pages, `text` for terminals and screen readers."""

    svg: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.svg


@dataclass
class Drawing:
    """SVG strokes, and how far they reach to the left, up, to the right and down."""

    strokes: list[str] = field(default_factory=list)
    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0

    def reach(self, x: float, y: float) -> None:
        """Make the frame hold this place."""
        self.left, self.right = min(self.left, x), max(self.right, x)
        self.top, self.bottom = min(self.top, y), max(self.bottom, y)

    def words(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: str = "middle",
        size: int = 13,
        pale: bool = False,
    ) -> None:
        """Write one line of text whose vertical middle is y."""
        look = ' fill-opacity=".7"' if pale else ""
        self.strokes.append(
            f'<text x="{x:.6g}" y="{y:.6g}" text-anchor="{anchor}" font-size="{size}" '
            f'dominant-baseline="central"{look}>{escape(text)}</text>'
        )
        start = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * width_of(text, size)
        self.reach(start, y - size / 2)
        self.reach(start + width_of(text, size), y + size / 2)

    def box(
        self, x: float, y: float, width: float, height: float, hue: str, *, solid: bool = True
    ) -> None:
        """Draw a box; one that is not solid is dashed and pale."""
        look = f'rx="3" fill="{hue}" stroke="{hue}" {FILLED if solid else DASHED}'
        self._rect(x, y, width, height, look)

    def cell(
        self, x: float, y: float, width: float, text: str, hue: str, *, solid: bool = True
    ) -> None:
        """Draw a box with a number or a word in it."""
        self.box(x, y, width, CELL, hue, solid=solid)
        size = size_for(text, width)
        self.words(x + width / 2, y + CELL / 2, text, size=size, pale=not solid)

    def shade(
        self, x: float, y: float, width: float, height: float, hue: str, share: float
    ) -> None:
        """Draw a box whose ink is a share from 0 to 1."""
        look = f'fill="{hue}" fill-opacity="{share:.2f}" stroke="{hue}" stroke-opacity=".3"'
        self._rect(x, y, width, height, look)

    def frame(self, x: float, y: float, width: float, height: float, hue: str) -> None:
        """Draw the outline of a box, thick enough to stand out over others."""
        self._rect(x, y, width, height, f'rx="3" fill="none" stroke="{hue}" stroke-width="2.5"')

    def dot(
        self, x: float, y: float, radius: float, hue: str = INK, *, filled: bool = True
    ) -> None:
        """Draw a dot, or a ring where it is not filled."""
        self.strokes.append(
            f'<circle cx="{x:.6g}" cy="{y:.6g}" r="{radius:g}" stroke="{hue}" stroke-width="1.5" '
            f'fill="{hue if filled else "none"}"/>'
        )
        self.reach(x - radius, y - radius)
        self.reach(x + radius, y + radius)

    def line(
        self, places: Sequence[tuple[float, float]], hue: str = INK, *, width: float = 1.5
    ) -> None:
        """Draw a line from place to place."""
        path = "L".join(f"{x:.6g} {y:.6g}" for x, y in places)
        self.strokes.append(
            f'<path d="M{path}" fill="none" stroke="{hue}" stroke-width="{width:g}"/>'
        )
        for place in places:
            self.reach(*place)

    def rule(self, x: float, y: float, to_x: float, to_y: float) -> None:
        """Draw a faint line, for axes and grids."""
        self.strokes.append(
            f'<path d="M{x:.6g} {y:.6g}L{to_x:.6g} {to_y:.6g}" stroke="{INK}" '
            f'stroke-opacity=".3" stroke-width="1.5"/>'
        )
        self.reach(x, y)
        self.reach(to_x, to_y)

    def bars(
        self,
        bars: Iterable[tuple[float, float, float, float]],
        hue: str = INK,
        *,
        share: float = 1.0,
    ) -> None:
        """Draw many boxes of one ink, each x, y, width and height, as a single stroke."""
        path = []
        for x, y, width, height in bars:
            path.append(f"M{x:.5g} {y:.5g}h{width:.5g}v{height:.5g}h{-width:.5g}z")
            self.reach(x, y)
            self.reach(x + width, y + height)
        if path:
            ink = f'fill="{hue}" fill-opacity="{share:.3g}"'
            self.strokes.append(f'<path d="{"".join(path)}" {ink} shape-rendering="crispEdges"/>')

    def pixels(self, x: float, y: float, side: float, image: Array) -> None:
        """Draw a gray image, (rows, columns) from 0 to 1, whose pixels have this side.

        Every shade is one stroke, so that a page with many images stays small.
        """
        rows, columns = image.shape
        frame = f'width="{columns * side:.6g}" height="{rows * side:.6g}"'
        self.strokes.append(f'<rect x="{x:.6g}" y="{y:.6g}" {frame} fill-opacity=".06"/>')
        shades = np.rint(image * SHADES).astype(int)
        for shade in range(1, SHADES + 1):
            if path := "".join(f"M{s} {r}.5h{length}" for r, s, length in runs(shades == shade)):
                self.strokes.append(
                    f'<path d="{path}" fill="none" stroke="{INK}" stroke-width="1.02" '
                    f'stroke-opacity="{shade / SHADES:.3g}" '
                    f'transform="translate({x:.6g} {y:.6g}) scale({side:.6g})"/>'
                )
        self.reach(x, y)
        self.reach(x + columns * side, y + rows * side)

    def picture(self, text: str) -> Picture:
        """Frame the drawing; its text is also what a screen reader says."""
        width = self.right - self.left + 2 * MARGIN
        height = self.bottom - self.top + 2 * MARGIN
        corner = f"{self.left - MARGIN:g} {self.top - MARGIN:g}"
        label = escape(" ".join(text.split()), quote=True)
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="tt-picture" role="img" '
            f'aria-label="{label}" viewBox="{corner} {width:g} {height:g}" '
            f'width="{ENLARGED * width:g}" '
            f'style="max-width:100%;height:auto;display:block;margin:.5rem auto" fill="{INK}" '
            f'font-family="ui-monospace, Menlo, Consolas, monospace">{"".join(self.strokes)}</svg>'
        )
        return Picture(svg, text)

    def _rect(self, x: float, y: float, width: float, height: float, look: str) -> None:
        place = f'x="{x:.6g}" y="{y:.6g}" width="{width:.6g}" height="{height:.6g}"'
        self.strokes.append(f"<rect {place} {look}/>")
        self.reach(x, y)
        self.reach(x + width, y + height)


def as_array(tensor: Any) -> Array:
    """Return the array behind a tensor, sharing its memory."""
    numpy = getattr(tensor, "numpy", None)
    return np.asarray(numpy() if callable(numpy) else tensor)


def as_word(value: Any) -> str:
    """Return a value as it stands in a box: fractions with three digits, thousands in full."""
    if not isinstance(value, (float, np.floating)):
        return str(value)
    return f"{value:,.0f}" if 1000 <= abs(float(value)) < 1e6 else f"{value:.3g}"


def hue_of(number: int) -> str:
    """Return the hue of the n-th thing; after the last hue comes the first again."""
    return HUES[number % len(HUES)]


def width_of(text: str, size: int = 13) -> float:
    """Return how wide a line of text is, in units."""
    return LETTER * size * len(text)


def size_for(text: str, width: float) -> int:
    """Return how high to write a text that has this much room."""
    return 13 if width_of(text) < width else 12


def in_a_row(count: int, most: int, labels: Sequence[str]) -> int:
    """Return how many things to draw side by side, so that labels fit and rows are about equal."""
    room = int((WIDTH + 8) / (8 + max(map(width_of, labels), default=0)))
    rows = -(-count // max(1, min(most, room)))
    return -(-count // rows)


def runs(mask: Array) -> list[tuple[int, int, int]]:
    """Return the row, the first column and the length of every run of true: (rows, columns)."""
    edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    starts, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    return [(int(r), int(s), int(e - s)) for (r, s), (_, e) in zip(starts, ends, strict=True)]
