"""Weights of trained networks that come with the package; ORIGINS.md says how they were made."""

from __future__ import annotations

from pathlib import Path

from tinytorch.datasets.integrity import require_intact

__all__ = ["weights_path"]

FOLDER = Path(__file__).parent
_SHA256 = {
    "xor": "d1ad2cf61129bc83a93e0eab7cfe1fd77c81bc8b0c4dc319cea49e7f96279533",
    "mlp_digits": "b9a5ec758bca041f60e23861daa94f011ebef911c2b8db87af2d2e6897722186",
    "mlp_mnist": "e78d5fb66a83e7f269b18aad606fa00571af7c1ba064251ad3d606f4d27b358b",
    "cnn_mnist": "8dbce5ed398208f15dc603cd204da65f9881d85a8b8008e82e5f429c2fe567b2",
}


def weights_path(name: str) -> Path:
    """Return the file with the weights of that name, once its bytes are known to be the right ones.

    Raises FileNotFoundError or ValueError where the file is missing or damaged.
    """
    if name not in _SHA256:
        raise ValueError(f"no weights are called {name!r}; there are {', '.join(_SHA256)}")
    path = FOLDER / f"{name}.safetensors"
    require_intact(path, _SHA256[name])
    return path
