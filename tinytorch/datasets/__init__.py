"""Small real data sets that come with the package; ORIGINS.md says where each is from."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from tinytorch.tensors import Tensor, from_numpy

__all__ = ["load_digits"]

_DIGITS = Path(__file__).with_name("digits.npz")
_DIGITS_SHA256 = "b2dab7b501728c22e9119ad76740b2e17c77a231e42d1e592380d90886f1a05e"


def load_digits() -> tuple[Tensor, Tensor]:
    """Return 1,797 handwritten digits and what they are.

    images: (1797, 8, 8) of uint8 from 0 (paper) to 16 (ink); labels: (1797,) of uint8.
    Raises FileNotFoundError or ValueError where the file is missing or damaged.
    """
    _verify(_DIGITS, _DIGITS_SHA256)
    with np.load(_DIGITS, allow_pickle=False) as arrays:
        return from_numpy(arrays["images"]), from_numpy(arrays["labels"])


def _verify(path: Path, sha256: str) -> None:
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; reinstall tinytorch to get it back")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise ValueError(
            f"{path} is damaged: its SHA-256 starts with {found[:12]}, expected {sha256[:12]}; "
            "reinstall tinytorch to get it back"
        )
