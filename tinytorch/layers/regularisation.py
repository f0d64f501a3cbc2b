"""Dropout: noise while training, nothing afterwards."""

from __future__ import annotations

import numpy as np

from tinytorch.layers.module import Module
from tinytorch.setup import default_generator
from tinytorch.tensors import Tensor, tensor, where


class Dropout(Module):
    """A layer that, while training, puts 0 in place of each element with probability p."""

    def __init__(self, p: float = 0.5, *, generator: np.random.Generator | None = None) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"a probability lies from 0 to 1, so p cannot be {p}")
        self.p = p
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        """Return x itself, or while training x with elements dropped at random.

        Each element is kept where a uniform random number, drawn for it from the generator, is
        not below p. What is kept is divided by 1 - p, which keeps the expected value; all else is
        0. A p of 1 drops everything. Source: Srivastava et al. 2014.
        """
        if not self.training:
            return x
        source = self.generator or default_generator()
        is_kept = tensor(source.random(x.shape) >= self.p)
        return where(is_kept, x / (1 - self.p), 0.0)

    def extra_repr(self) -> str:
        """Return the layer's settings."""
        return f"p={self.p}"


def dropout(
    x: Tensor,
    p: float = 0.5,
    *,
    training: bool = True,
    generator: np.random.Generator | None = None,
) -> Tensor:
    """Return what ``Dropout(p)`` makes of x, in training or not."""
    layer: Tensor = Dropout(p, generator=generator).train(training)(x)
    return layer
