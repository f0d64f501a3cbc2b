"""The learner's journal: answers to the course's questions, in one file of their own."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

VARIABLE = "TINYTORCH_HOME"


def journal_file() -> Path:
    """Return where answers are kept: in ~/.tinytorch or in TINYTORCH_HOME."""
    folder = os.environ.get(VARIABLE)
    return (Path(folder) if folder else Path.home() / ".tinytorch") / "journal.json"


def record(question_id: str, question: str, answer: str, *, rating: str = "") -> str:
    """Keep the answer, and say where it is or why it could not be kept."""
    try:
        path = journal_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        entries = _read(path)
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        entry = {"question": question, "answer": answer, "rating": rating, "answered": moment}
        entries[question_id] = entry
        _replace(path, json.dumps(entries, indent=1, ensure_ascii=False))
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
        return f"Your answer could not be kept ({error}); set {VARIABLE} to a folder you can write."
    return f"Your answer is kept in {path}."


def _read(path: Path) -> dict[str, Any]:
    """Return the entries so far; set a file that is no journal aside."""
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        entries = None
    if isinstance(entries, dict):
        return entries
    path.replace(path.with_name(f"journal-unreadable-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"))
    return {}


def _replace(path: Path, text: str) -> None:
    """Write the whole file or nothing."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(draft).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(draft).unlink()
        raise
