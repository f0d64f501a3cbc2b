"""Functions of layers: the linear map, and the activations with their kernels.

A kernel takes arrays and does the arithmetic; the function of the same name sends a tensor
through the door to it.
"""

from __future__ import annotations

import math

import numpy as np

from tinytorch.tensors import Tensor, apply, float32, normalize_dims, register_kernel
from tinytorch.tensors.dtypes import Array

# Without NumPy's warnings: what is not finite says so in the result.
_quiet = np.errstate(all="ignore")
_erfc_of_number = np.frompyfunc(math.erfc, 1, 1)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``x @ weight.T + bias``: every output is a weighted sum of all inputs.

    x: (..., inputs), weight: (outputs, inputs), bias: (outputs,) -> (..., outputs).
    Raises ValueError where the last size of x is not the number of inputs.
    """
    if x.shape[-1:] != weight.shape[1:]:
        raise ValueError(
            f"cannot apply a weight of shape {weight.shape} to shape {x.shape}: "
            "the last sizes of both have to be equal"
        )
    product = x @ weight.T  # (..., outputs)
    return product if bias is None else product + bias


# Activations that keep or damp each number


def relu(x: Tensor) -> Tensor:
    """Return the elements, with 0 in place of those below 0."""
    return apply("relu", x)


def _relu(array: Array) -> Array:
    if array.dtype.kind == "b":
        raise TypeError("bools are no numbers")
    return np.maximum(array, 0)


@_quiet
def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """Return the elements, those below 0 multiplied by the slope."""
    return apply("leaky_relu", _as_floats(x), negative_slope=negative_slope)


def _leaky_relu(array: Array, *, negative_slope: float) -> Array:
    return np.where(array > 0, array, array * negative_slope)


def sigmoid(x: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x)) for each element: a number from 0 to 1."""
    return apply("sigmoid", _as_floats(x))


def sigmoid_kernel(array: Array) -> Array:
    """Return 1 / (1 + exp(-x)) for each element x, in the dtype of the array.

    No step of the computation overflows, whatever x is; where x is far below 0, the result keeps
    its precision: ``[-1000, -90, 0, 1000] -> [0, 8.2e-40, 0.5, 1]``.
    """
    decay = np.exp(-np.abs(array))  # from 0 to 1, so it never overflows
    return np.asarray(np.where(array >= 0, 1, decay) / (1 + decay))


@_quiet
def gelu(x: Tensor, *, approximate: str = "none") -> Tensor:
    """Return each element times the share of the normal distribution that lies below it.

    ``approximate="tanh"`` replaces that share by a sigmoid, which is much faster and differs by
    less than 0.0005. Source: Hendrycks & Gimpel 2016.
    """
    return apply("gelu", _as_floats(x), approximate=approximate)


def gelu_kernel(array: Array, *, approximate: str) -> Array:
    """Return each element x times the share of the normal distribution below x.

    The share is erfc(-x / sqrt(2)) / 2 where ``approximate`` is "none", and where it is "tanh"
    (1 + tanh(z)) / 2, which is sigmoid(2 z), with z = sqrt(2 / pi) * (x + 0.044715 x^3).
    The result has the dtype of the array and keeps its precision far below 0:
    ``[-10, 0, 10] -> [-7.6e-23, 0, 10]``. Raises ValueError for any other word.
    """
    if approximate == "none":
        return array * (erfc(-array / math.sqrt(2)) / 2)
    if approximate == "tanh":
        z = math.sqrt(2 / math.pi) * (array + 0.044715 * array**3)
        return array * sigmoid_kernel(2 * z)
    raise ValueError(f"gelu is not approximated by {approximate!r}; use 'none' or 'tanh'")


def erfc(array: Array) -> Array:
    """Return 1 - erf(x) for each element x, without the cancellation of that difference.

    NumPy has no such function, and Python's takes one number at a time.
    """
    return np.asarray(_erfc_of_number(array), array.dtype)


# Activations that share 1 among the elements along a dim


@_quiet
def softmax(x: Tensor, dim: int) -> Tensor:
    """Return exp(x), divided by its sum along the dim: shares that add up to 1."""
    return apply("softmax", _as_floats(x), dim=normalize_dims(dim, x.ndim)[0])


def softmax_kernel(array: Array, *, dim: int) -> Array:
    """Return exp(x) divided by the sum of exp(x) along the dim, in the dtype of the array.

    No step overflows, however large x is: the largest x along the dim is subtracted from all,
    which changes no share. ``[1000, 1000] -> [0.5, 0.5]``. An empty array stays empty.
    """
    shifted = array - array.max(axis=dim, keepdims=True, initial=-np.inf)
    powers = np.exp(shifted)
    return np.asarray(powers / powers.sum(axis=dim, keepdims=True))


@_quiet
def log_softmax(x: Tensor, dim: int) -> Tensor:
    """Return the logarithm of ``softmax(x, dim)``, finite where the softmax rounds to 0."""
    return apply("log_softmax", _as_floats(x), dim=normalize_dims(dim, x.ndim)[0])


def log_softmax_kernel(array: Array, *, dim: int) -> Array:
    """Return x - log(sum of exp(x)) along the dim: the logarithm of each share.

    No step overflows, and no share is computed, so none is rounded to 0 before its logarithm is
    taken: ``[0, -1000] -> [0, -1000]``. An empty array stays empty.
    """
    shifted = array - array.max(axis=dim, keepdims=True, initial=-np.inf)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=dim, keepdims=True)))


def _as_floats(x: Tensor) -> Tensor:
    return x if x.is_floating_point() else x.to(float32)


register_kernel("relu", _relu)
register_kernel("leaky_relu", _leaky_relu)
register_kernel("sigmoid", sigmoid_kernel)
register_kernel("gelu", gelu_kernel)
register_kernel("softmax", softmax_kernel)
register_kernel("log_softmax", log_softmax_kernel)
