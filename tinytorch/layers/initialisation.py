"""Initialisation: the random numbers that a weight starts from.

Filling a tensor writes to its memory. It is no operation and does not pass the door.
"""

from __future__ import annotations

import math

import numpy as np

from tinytorch.setup import default_generator
from tinytorch.tensors import Tensor
from tinytorch.tensors.dtypes import Array
from tinytorch.tensors.shapes import Shape


def fan_in_and_fan_out(shape: Shape) -> tuple[int, int]:
    """Return how many inputs each output sums, and how many outputs each input feeds.

    shape: ``(outputs, inputs, *window)``, where a convolution slides a window of weights:
    ``(3, 4) -> (4, 3)``, ``(8, 3, 5, 5) -> (75, 200)``.
    Raises ValueError for a shape with fewer than two dims.
    """
    if len(shape) < 2:
        raise ValueError(f"shape {shape} has no fans: a weight has outputs and inputs, two dims")
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def calculate_gain(nonlinearity: str, param: float = 0.01) -> float:
    """Return the factor that makes up for what an activation takes from the signal's size.

    ``param`` is the negative slope, for "leaky_relu". Source: He et al. 2015, section 2.2.
    """
    gains = {
        "linear": 1.0,
        "sigmoid": 1.0,
        "tanh": 5 / 3,
        "relu": math.sqrt(2),
        "leaky_relu": math.sqrt(2 / (1 + param**2)),
    }
    if nonlinearity not in gains:
        raise ValueError(f"no gain is known for {nonlinearity!r}; choose from {sorted(gains)}")
    return gains[nonlinearity]


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    *,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: np.random.Generator | None = None,
) -> Tensor:
    """Return the tensor, filled with uniform numbers that keep the size of a signal.

    They lie from -b to b, with the standard deviation b / sqrt(3) = gain / sqrt(fan). The gain is
    that of the nonlinearity, with the negative slope a; the mode chooses "fan_in" or "fan_out".
    A fan of 0 counts as 1. The tensor is filled in its memory, past the door.
    Raises ValueError for any other mode, TypeError where the dtype is no float.
    Source: He et al. 2015.
    """
    gain, fan = calculate_gain(nonlinearity, a), chosen_fan(tensor.shape, mode)
    bound = math.sqrt(3) * gain / math.sqrt(max(fan, 1))
    source = generator or default_generator()
    return fill_(tensor, source.uniform(-bound, bound, tensor.shape))


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    *,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: np.random.Generator | None = None,
) -> Tensor:
    """Return the tensor, filled with normal numbers that keep the size of a signal.

    Their standard deviation is gain / sqrt(fan). Source: He et al. 2015.
    """
    gain, fan = calculate_gain(nonlinearity, a), chosen_fan(tensor.shape, mode)
    return normal_(tensor, std=gain / math.sqrt(max(fan, 1)), generator=generator)


def chosen_fan(shape: Shape, mode: str) -> int:
    """Return the fan that the mode names, "fan_in" or "fan_out"."""
    fans = dict(zip(("fan_in", "fan_out"), fan_in_and_fan_out(shape), strict=True))
    if mode not in fans:
        raise ValueError(f"a mode is 'fan_in' or 'fan_out', not {mode!r}")
    return fans[mode]


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, *, generator: np.random.Generator | None = None
) -> Tensor:
    """Return the tensor, filled with uniform numbers between the needs of both fans.

    Their standard deviation is gain * sqrt(2 / (fan_in + fan_out)). Source: Glorot & Bengio 2010.
    """
    bound = math.sqrt(3) * _xavier_std(tensor, gain)
    return uniform_(tensor, low=-bound, high=bound, generator=generator)


def xavier_normal_(
    tensor: Tensor, gain: float = 1.0, *, generator: np.random.Generator | None = None
) -> Tensor:
    """Return the tensor, filled with normal numbers between the needs of both fans.

    Their standard deviation is gain * sqrt(2 / (fan_in + fan_out)). Source: Glorot & Bengio 2010.
    """
    return normal_(tensor, std=_xavier_std(tensor, gain), generator=generator)


def _xavier_std(tensor: Tensor, gain: float) -> float:
    return gain * math.sqrt(2 / max(sum(fan_in_and_fan_out(tensor.shape)), 1))


def uniform_(
    tensor: Tensor,
    *,
    low: float = 0.0,
    high: float = 1.0,
    generator: np.random.Generator | None = None,
) -> Tensor:
    """Return the tensor, filled with uniform numbers from low to high."""
    source = generator or default_generator()
    return fill_(tensor, source.uniform(low, high, tensor.shape))


def normal_(
    tensor: Tensor,
    *,
    mean: float = 0.0,
    std: float = 1.0,
    generator: np.random.Generator | None = None,
) -> Tensor:
    """Return the tensor, filled with normal numbers of this mean and standard deviation."""
    source = generator or default_generator()
    return fill_(tensor, source.normal(mean, std, tensor.shape))


def zeros_(tensor: Tensor) -> Tensor:
    """Return the tensor, filled with zeros."""
    return fill_(tensor, 0)


def ones_(tensor: Tensor) -> Tensor:
    """Return the tensor, filled with ones."""
    return fill_(tensor, 1)


def fill_(tensor: Tensor, values: Array | int) -> Tensor:
    """Return the tensor with the values written to its memory, past the door.

    Raises TypeError for fractions in a tensor of integers.
    """
    if isinstance(values, np.ndarray) and not tensor.is_floating_point():
        raise TypeError(f"{tensor.dtype} holds no fractions; fill a tensor of a float dtype")
    tensor.numpy()[...] = values
    return tensor
