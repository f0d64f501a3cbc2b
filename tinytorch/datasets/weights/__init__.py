"""Weights of trained networks that come with the package; ORIGINS.md says how they were made."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["weights_path"]

FOLDER = Path(__file__).parent
_SHA256 = {
    "xor": "4186c29e74132b844d1ddb8ae6266f8a0dd0578ef6df976211a8acdfa0bf0547",
    "mlp_digits": "59b73ad3ae29522b4f59e1cb659dd83be4ff2ca5c2b0dfd36468d93f2ea5f58c",
    "mlp_mnist": "4690cb57df67059017cafa35c2e747973fcbac0b41303d31521248581c4e52ea",
    "cnn_mnist": "5b7d48941f54bf171b2f441d2a43e21039f0059d02e2ffd18ea4329077126eb2",
}


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
