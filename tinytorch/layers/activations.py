"""Activations as modules: functions of the elements, without parameters."""

from __future__ import annotations

from tinytorch.layers.functions import gelu, leaky_relu, log_softmax, relu, sigmoid, softmax
from tinytorch.layers.module import Module
from tinytorch.tensors import Tensor


class ReLU(Module):
    """A layer that puts 0 in place of what is below 0."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the larger of x and 0."""
        return relu(x)


class LeakyReLU(Module):
    """A layer that multiplies what is below 0 by a small slope."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        """Return x, its elements below 0 multiplied by the slope."""
        return leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """Return the layer's settings."""
        return f"negative_slope={self.negative_slope}"


class Sigmoid(Module):
    """A layer that squashes each element to a number from 0 to 1."""

    def forward(self, x: Tensor) -> Tensor:
        """Return 1 / (1 + exp(-x))."""
        return sigmoid(x)


class Tanh(Module):
    """A layer that squashes each element to a number from -1 to 1."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the hyperbolic tangent of x."""
        return x.tanh()


class GELU(Module):
    """A layer that lets each element through in proportion to its rank in a normal crowd."""

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Tensor) -> Tensor:
        """Return x times the share of the normal distribution below x."""
        return gelu(x, approximate=self.approximate)

    def extra_repr(self) -> str:
        """Return the layer's settings."""
        return f"approximate={self.approximate!r}"


class Softmax(Module):
    """A layer that turns scores along a dim into shares that add up to 1."""

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """Return exp(x), divided by its sum along the dim."""
        return softmax(x, self.dim)

    def extra_repr(self) -> str:
        """Return the layer's settings."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """A layer that turns scores along a dim into the logarithms of shares."""

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """Return the logarithm of the softmax of x along the dim."""
        return log_softmax(x, self.dim)

    def extra_repr(self) -> str:
        """Return the layer's settings."""
        return f"dim={self.dim}"
