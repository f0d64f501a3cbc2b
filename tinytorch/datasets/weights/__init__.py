"""Weights of trained networks that come with the package; ORIGINS.md says how they were made."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["weights_path"]

FOLDER = Path(__file__).parent
_SHA256: dict[str, str] = {}


def weights_path(name: str) -> Path:
    """Return the file with the weights of that name, once its bytes are known to be the right ones.

    Raises FileNotFoundError or ValueError where the file is missing or damaged.
    """
    if name not in _SHA256:
        raise ValueError(f"no weights are called {name!r}; there are {', '.join(_SHA256)}")
    path = FOLDER / f"{name}.safetensors"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; reinstall tinytorch to get it back")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != _SHA256[name]:
        raise ValueError(
            f"{path} is damaged: its SHA-256 starts with {found[:12]}, expected "
            f"{_SHA256[name][:12]}; reinstall tinytorch to get it back"
        )
    return path
