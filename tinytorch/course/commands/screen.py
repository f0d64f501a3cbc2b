"""Print for a person: in colour where it helps, within the terminal's width, nothing hidden."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tinytorch.course.present import STRONG

NARROW = 64  # columns below which a table leaves out what it can
LABEL = 10  # columns of the word before a value
MOST = 8  # lines of a value that are shown


@functools.cache
def console() -> Console:
    """Return the terminal, which takes text as it is: no markup, no guessing at colours."""
    return Console(markup=False, highlight=False, emoji=False)


def is_narrow() -> bool:
    """Return whether a table has to leave out what it can."""
    return console().width < NARROW


def visible(text: str) -> str:
    """Return the text with everything that would steer the terminal written out."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else ascii(letter)[1:-1]
        for letter in text
    )


def say(text: str = "", *, style: str = "", indent: int = 0) -> None:
    """Print a paragraph, wrapped and indented."""
    paragraph = Text(visible(" ".join(STRONG.sub(r"\1", text).split())), style=style)
    margin = Text(" " * indent)
    for part in paragraph.wrap(console(), max(20, console().width - indent)):
        part.rstrip()
        console().print(margin + part)


def line(text: str, *, style: str = "", indent: int = 0) -> None:
    """Print one line that is never broken, so that an address in it can be followed."""
    console().print(Text(" " * indent + visible(text), style=style), soft_wrap=True)


def row(*cells: tuple[str, int, str]) -> None:
    """Print one line of a table: text, width and style of each cell."""
    gap = " " if is_narrow() else "  "
    text = Text(gap)
    for content, width, style in cells:
        text.append(content, style=style if content else "")
        text.append(" " * (width - len(content)) + gap)
    text.rstrip()
    console().print(text, soft_wrap=True)


def field(word: str, value: str, *, indent: int = 0, style: str = "dim") -> None:
    """Print a word in this style and what it names, every line of that below the first."""
    text = Text(visible(value.rstrip().expandtabs()))
    label = Text(" " * indent).append(word.ljust(LABEL), style=style)
    lines = list(text.wrap(console(), max(20, console().width - indent - LABEL)))
    shown = lines if len(lines) <= MOST else [*lines[: MOST - 1], Text("...")]
    for part in shown:
        part.rstrip()
        console().print(label + part)
        label = Text(" " * (indent + LABEL))


def near(path: Path) -> str:
    """Return the path as it is shortest to type from here."""
    try:
        below = path.is_absolute() and path.is_relative_to(Path.cwd())
        return os.path.relpath(path) if below else str(path)
    except OSError:  # the current folder is gone
        return str(path)
