"""Are the files that came with the package still as they were shipped?"""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["require_intact"]


def require_intact(path: Path, sha256: str) -> None:
    """Raise FileNotFoundError or ValueError where a shipped file is missing or damaged."""
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; reinstall tinytorch to get it back")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise ValueError(
            f"{path} is damaged: its SHA-256 starts with {found[:12]}, expected {sha256[:12]}; "
            "reinstall tinytorch to get it back"
        )
