"""Show a result as HTML in a notebook and as plain text in a terminal.

Every piece of text is escaped. The style has no specificity (`:where`), so that it helps where
the book's style sheet is absent and gives way where it is present.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 88  # columns of the plain text

PARAGRAPH_END = re.compile(r"\n\s*\n")
LIST_ITEM = re.compile(r"^[-*] ", re.MULTILINE)
CODE = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)")
STRONG = re.compile(r"\*\*(\S(?:.*?\S)?)\*\*")
EMPHASIS = re.compile(r"(?<![\w*])\*([^\s*](?:[^*]*[^\s*])?)\*(?![\w*])")

STYLE = (
    "<style>"
    ":where(.tt-result,.tt-question){border-left:4px solid #8884;padding:.5em 1em;margin:.5em 0}"
    ":where(.tt-passed){border-color:#2da44e}:where(.tt-failed){border-color:#cf222e}"
    ":where(.tt-unbuilt){border-color:#9a6700}"
    ":where(.tt-result,.tt-question) :where(p,dl,ul){margin:.4em 0}"
    ":where(.tt-outcomes){list-style:none;padding-left:0}"
    ":where(.tt-mark){display:inline-block;min-width:4.5em;font-weight:bold}"
    ":where(.tt-finding){display:grid;grid-template-columns:max-content 1fr;gap:.1em 1em;"
    "margin-left:4.5em}:where(.tt-finding dd){margin:0;overflow-wrap:anywhere}"
    ":where(.tt-finding code,.tt-finding pre){white-space:pre-wrap}"
    ":where(.tt-misconception){margin-left:4.5em;font-weight:bold}"
    ":where(.tt-table th,.tt-table td){text-align:left;padding:.1em 1.5em .1em 0}"
    ":where(.tt-question textarea){width:100%;box-sizing:border-box;font:inherit}"
    ":where(.tt-question label){display:block}:where(.tt-question fieldset){border:0;padding:0}"
    "</style>"
)


@dataclass(frozen=True)
class Shown:
    """One thing to look at, in both of its forms."""

    html: str
    text: str

    def _repr_html_(self) -> str:
        return STYLE + self.html

    def __repr__(self) -> str:
        return self.text


def show(thing: Shown) -> None:
    """Display in a notebook; print elsewhere."""
    display = notebook_display()
    if display is None:
        print(thing.text)
    else:
        display(thing)


def notebook_display() -> Callable[[Shown], object] | None:
    """Return how IPython displays things, where it runs."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        return None
    display: Callable[[Shown], object] = ipython.display.display
    return display


def tag(_name: str, *children: str, **attributes: str | None) -> str:
    """Return an HTML element; its children are HTML, its attributes text."""
    pairs = "".join(
        f' {name.strip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{_name}{pairs}>{''.join(children)}</{_name}>"


def markdown(text: str) -> str:
    """Return paragraphs, lists and what `inline` knows as HTML."""
    blocks = PARAGRAPH_END.split(inspect.cleandoc(text))
    return "".join(_block(block) for block in blocks if block.strip())


def _block(block: str) -> str:
    before, *items = LIST_ITEM.split(block)
    paragraph = tag("p", inline(before)) if before.strip() else ""
    return paragraph + (tag("ul", *(tag("li", inline(item)) for item in items)) if items else "")


def inline(text: str) -> str:
    """Return `code`, *emphasis* and **strong** as HTML, and all else escaped."""
    pieces = CODE.split(" ".join(text.replace("\0", "").split()))
    spans = [tag("code", escape(code)) for code in pieces[2::3]]
    marked = STRONG.sub(r"<strong>\1</strong>", escape("\0".join(pieces[0::3])))
    prose = EMPHASIS.sub(r"<em>\1</em>", marked).split("\0")
    return "".join(word for pair in zip(prose, [*spans, ""], strict=True) for word in pair)


def wrapped(text: str, indent: str = "") -> str:
    """Return the text as paragraphs of plain lines, indented."""
    bare = STRONG.sub(r"\1", inspect.cleandoc(text))
    blocks = re.split(r"\n\s*\n|\n(?=[-*] )", bare)
    return "\n".join(
        textwrap.fill(
            " ".join(block.split()),
            WIDTH,
            initial_indent=indent,
            subsequent_indent=indent,
            break_on_hyphens=False,
        )
        for block in blocks
    )


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Shown:
    """Return rows under headers, in both forms."""
    cells = [[str(cell) for cell in row] for row in rows]
    head = tag("tr", *(tag("th", escape(header), scope="col") for header in headers))
    body = "".join(tag("tr", *(tag("td", escape(cell)) for cell in row)) for row in cells)
    html = tag("table", tag("thead", head), tag("tbody", body), _class="tt-table")
    columns = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, columns, strict=True)).rstrip()
        for row in (headers, *cells)
    ]
    return Shown(html, "\n".join(lines))


def count(number: int, noun: str) -> str:
    """Return a number with its noun: `1 check`, `2 checks`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
