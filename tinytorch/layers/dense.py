"""The dense layer: a linear map with weights of its own."""

from __future__ import annotations

import math

import numpy as np

from tinytorch.layers.functions import linear
from tinytorch.layers.initialisation import kaiming_uniform_, uniform_
from tinytorch.layers.module import Module
from tinytorch.tensors import Tensor, zeros


class Dense(Module):
    """A layer that computes ``x @ weight.T + bias``.

    x: (..., in_features) -> (..., out_features), weight: (out_features, in_features),
    bias: (out_features,), or None. Both start as in PyTorch: uniform from -b to b, where
    b = 1 / sqrt(in_features).
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.in_features = in_features
        self.out_features = out_features
        weight = zeros(out_features, in_features)
        self.weight = kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
        self.bias: Tensor | None = None
        if bias:
            bound = 1 / math.sqrt(max(in_features, 1))
            self.bias = uniform_(zeros(out_features), low=-bound, high=bound, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """Return a weighted sum of the inputs for every output, plus the bias."""
        return linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the layer's settings."""
        has_bias = self.bias is not None
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={has_bias}"


Linear = Dense  # PyTorch's name for it
