"""Small real data sets that come with the package; ORIGINS.md says where each is from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinytorch.datasets.integrity import require_intact
from tinytorch.tensors import Tensor, from_numpy

__all__ = ["load_digits", "load_mnist"]

_DIGITS = Path(__file__).with_name("digits.npz")
_DIGITS_SHA256 = "b2dab7b501728c22e9119ad76740b2e17c77a231e42d1e592380d90886f1a05e"
_MNIST = Path(__file__).with_name("mnist_5k.npz")
_MNIST_SHA256 = "246e0c30eeea57c8d0037d3f38c8e00651ec204cc61b8022563e9aeeb9d756f4"


def load_digits() -> tuple[Tensor, Tensor]:
    """Return 1,797 handwritten digits and what they are.

    images: (1797, 8, 8) of uint8 from 0 (paper) to 16 (ink); labels: (1797,) of uint8.
    Raises FileNotFoundError or ValueError where the file is missing or damaged.
    """
    return _load(_DIGITS, _DIGITS_SHA256)


def load_mnist() -> tuple[Tensor, Tensor]:
    """Return 5,000 handwritten digits of MNIST and what they are: all zeros first, nines last.

    images: (5000, 28, 28) of uint8 from 0 (paper) to 255 (ink); labels: (5000,) of uint8.
    Raises FileNotFoundError or ValueError where the file is missing or damaged.
    """
    return _load(_MNIST, _MNIST_SHA256)


def _load(path: Path, sha256: str) -> tuple[Tensor, Tensor]:
    require_intact(path, sha256)
    with np.load(path, allow_pickle=False) as arrays:
        return from_numpy(arrays["images"]), from_numpy(arrays["labels"])
