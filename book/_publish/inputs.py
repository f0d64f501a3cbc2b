"""What the book is made from, as content hashes, and what a change to it calls for."""

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCES = (
    "_config.yml",
    "_toc.yml",
    "book",
    "book/_static/live/manifest.json",
    "pyproject.toml",
    "requirements.lock",
    "tests/modules",
    "tests/mutants",
    "tests/package",
    "tinytorch",
)
# Made by a build, or no part of one.
LEFT_OUT = {"__pycache__", "node_modules", ".ipynb_checkpoints", "_publish", "book/_static/live"}
RUN_BY_CHAPTERS = ("requirements.lock", "tests/", "tinytorch/", "python")
OUTLINE = re.compile(r"^(?:#+ |\(.+\)=).*$", re.MULTILINE)


@dataclass(frozen=True)
class Inputs:
    """Content hashes of all sources by path, and the headings and anchors of every page."""

    files: dict[str, str]
    outlines: dict[str, str]

    @classmethod
    def of(cls, root: Path) -> "Inputs":
        """Read and hash every source below `root`."""
        contents = {path.relative_to(root).as_posix(): path.read_bytes() for path in _walk(root)}
        files = {path: _digest(content) for path, content in sorted(contents.items())}
        outlines = {path: _outline(text) for path, text in contents.items() if _is_page(path)}
        return cls({**files, "python": sys.version}, dict(sorted(outlines.items())))

    @classmethod
    def load(cls, path: Path) -> "Inputs | None":
        """Read what an earlier build was made from, if there was one."""
        return cls(**json.loads(path.read_text())) if path.exists() else None

    def save(self, path: Path) -> None:
        """Write these inputs down for the next build."""
        path.write_text(json.dumps({"files": self.files, "outlines": self.outlines}, indent=1))

    @property
    def library(self) -> str:
        """Digest of all that a chapter's cells run: their outputs hold as long as it does."""
        run = {k: v for k, v in self.files.items() if k.startswith(RUN_BY_CHAPTERS)}
        return _digest(json.dumps(run).encode())

    def only_pages_differ(self, other: "Inputs") -> bool:
        """Whether all that changed is the inside of pages: no heading, no anchor, no page."""
        return self.outlines == other.outlines and self._but_pages() == other._but_pages()

    def _but_pages(self) -> dict[str, str]:
        return {path: digest for path, digest in self.files.items() if not _is_page(path)}


def _walk(root: Path) -> Iterator[Path]:
    pending = [root / source for source in SOURCES]
    while pending:
        path = pending.pop()
        if path.name in LEFT_OUT or path.relative_to(root).as_posix() in LEFT_OUT:
            continue
        if path.is_dir():
            pending.extend(path.iterdir())
        elif path.exists():
            yield path


def _is_page(path: str) -> bool:
    return path.startswith("book/") and path.endswith(".md")


def _outline(text: bytes) -> str:
    return _digest("\n".join(OUTLINE.findall(text.decode())).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
