"""The strokes that drawings are made of: SVG text, boxes and lines in the page's own ink.

A drawing is at most 420 units wide, so that its words can be read on a telephone.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tinytorch.course.pictures import Picture

__all__ = ["box", "close", "line", "words"]

LETTER = 0.61  # the width of a monospaced letter, in heights


def words(x: float, y: float, text: str, *, anchor: str = "middle", size: int = 12) -> str:
    """Return one line of text whose vertical middle is y."""
    look = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}"'
    return f'<text {look} dominant-baseline="central">{escape(text)}</text>'


def box(x: float, y: float, width: float, height: float, hue: str, *, full: bool = True) -> str:
    """Return a box; one that is not full is pale and dashed."""
    look = 'fill-opacity=".22"' if full else 'fill-opacity=".04" stroke-dasharray="3 3"'
    return (
        f'<rect x="{x:.6g}" y="{y:.6g}" width="{width:.6g}" height="{height:.6g}" rx="3" '
        f'fill="{hue}" stroke="{hue}" {look}/>'
    )


def line(places: Sequence[tuple[float, float]], hue: str = "currentColor") -> str:
    """Return a line through places."""
    path = "L".join(f"{x:.6g} {y:.6g}" for x, y in places)
    return f'<path d="M{path}" fill="none" stroke="{hue}" stroke-width="1.5"/>'


def close(width: float, height: float, shapes: Sequence[str], text: str) -> Picture:
    """Return the finished picture; its text is also what a screen reader says."""
    label = escape(" ".join(text.split()), quote=True)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tt-picture" role="img" '
        f'aria-label="{label}" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'style="max-width:100%;height:auto;display:block;margin:.5rem auto" fill="currentColor" '
        f'font-family="ui-monospace, Menlo, Consolas, monospace">{"".join(shapes)}</svg>'
    )
    return Picture(svg, text)
