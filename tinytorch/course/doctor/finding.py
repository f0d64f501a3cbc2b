"""What the doctor finds, and the words that several looks share."""

from __future__ import annotations

import importlib.util
import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

State = Literal["ok", "note", "broken"]

PACKAGE = Path(__file__).resolve().parents[2]
CHECKOUT = PACKAGE.parent


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what it is, why it matters, and what mends it."""

    state: State
    what: str
    why: str = ""
    mend: str = ""


def is_checkout() -> bool:
    """Return whether this is a checkout of the course, with its book."""
    return (CHECKOUT / "book" / "_publish" / "serve.py").is_file()


def install(*what: str) -> str:
    """Return the command that installs into the very environment that runs this."""
    here = shlex.quote(sys.executable)
    installer = f"{here} -m pip install"
    if importlib.util.find_spec("pip") is None:
        installer = f"uv pip install --python {here}"
    return f"{installer} {' '.join(map(shlex.quote, what))}"


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the record in a file, or None where there is none that can be read."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
