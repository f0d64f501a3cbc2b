"""Rules of layers: activations, normalisation, embeddings."""

from __future__ import annotations

import math

import numpy as np

from tinytorch.autograd.arithmetic_rules import choose, masked
from tinytorch.autograd.rules import register_rule
from tinytorch.layers import erfc, sigmoid
from tinytorch.tensors import Tensor, apply, register_kernel
from tinytorch.tensors.dtypes import Array
from tinytorch.tensors.shapes import Shape

# Activations


def leaky_relu_gradient(gradient: Tensor, a: Tensor, *, negative_slope: float) -> Tensor:
    """Return the gradient where a is above 0, and a fraction of it elsewhere."""
    return choose(a > 0, gradient, gradient * negative_slope)


def gelu_gradient(gradient: Tensor, a: Tensor, *, approximate: str) -> Tensor:
    """Return the gradient of a in ``gelu(a)``: the share below a, plus a times its density."""
    if approximate == "none":
        return gradient * (apply("normal_share", a) + a * normal_density(a))
    scale = 2 * math.sqrt(2 / math.pi)
    share = sigmoid(scale * (a + 0.044715 * a * a * a))
    slope = scale * (1 + 3 * 0.044715 * a * a)
    return gradient * (share + a * share * (1 - share) * slope)


def normal_share_kernel(array: Array) -> Array:
    """Return the share of the normal distribution that lies below each element."""
    return np.asarray(erfc(-array / math.sqrt(2)) / 2)


def normal_density(a: Tensor) -> Tensor:
    """Return how dense the normal distribution is at each element."""
    return (a * a / -2).exp() / math.sqrt(2 * math.pi)


def softmax_gradient(gradient: Tensor, output: Tensor, *, dim: int) -> Tensor:
    """Return the gradient of x in ``softmax(x, dim)``, given its output.

    More of one score takes from all other shares: what counts is by how much a share's gradient
    is above their mean, weighted by the shares.
    """
    mean = (gradient * output).sum(dim, keepdim=True)
    return (gradient - mean) * output


def log_softmax_gradient(gradient: Tensor, output: Tensor, *, dim: int) -> Tensor:
    """Return the gradient of x in ``log_softmax(x, dim)``, given its output.

    Each logarithm of a share is a score, less one number that all scores of the line have a part
    in, by their shares: so from each gradient the share ``exp(output)`` of the line's total is
    taken away. A line is what lies along the dim.
    """
    return gradient - output.exp() * gradient.sum(dim, keepdim=True)


# Normalisation


def normalised(a: Tensor, dims: Shape, eps: float) -> tuple[Tensor, Tensor]:
    """Return a with mean 0 and variance 1 over the dims, and the scale it was divided by."""
    moved = a - a.mean(dims, keepdim=True)
    scale = ((moved * moved).mean(dims, keepdim=True) + eps).sqrt()
    return moved / scale, scale


def layer_norm_gradient(gradient: Tensor, a: Tensor, b: Tensor, *, eps: float) -> Tensor:
    """Return the gradient of x in ``layer_norm``: less its mean, and less its part along x."""
    dims = tuple(range(a.ndim - b.ndim, a.ndim))
    x, scale = normalised(a, dims, eps)
    weighted = gradient * b
    along = (weighted * x).mean(dims, keepdim=True)
    return (weighted - weighted.mean(dims, keepdim=True) - x * along) / scale


def layer_norm_weight_gradient(gradient: Tensor, a: Tensor, shape: Shape, *, eps: float) -> Tensor:
    """Return the gradient of the weight in ``layer_norm``: times what it multiplied."""
    dims = tuple(range(a.ndim - len(shape), a.ndim))
    return gradient * normalised(a, dims, eps)[0]


# Embeddings


def embedding_gradient(gradient: Tensor, shape: Shape, *, indices: Array) -> Tensor:
    """Return the gradient of the weight in ``embedding``: each row's, summed over its uses."""
    return apply("embedding_gradient", gradient, indices=indices, count=shape[0])


def embedding_gradient_kernel(values: Array, *, indices: Array, count: int) -> Array:
    """Return a row for each of count names: the sum of the values that stand for it, or zeros.

    values: (..., size), indices: (...) -> (count, size)
    """
    rows = values.reshape(-1, values.shape[-1])
    result = np.zeros((count, rows.shape[1]), values.dtype)
    if rows.size:
        order = np.argsort(indices.ravel(), kind="stable")
        names, starts = np.unique(indices.ravel()[order], return_index=True)
        result[names] = np.add.reduceat(rows[order], starts, axis=0)
    return result


register_kernel("normal_share", normal_share_kernel)
register_kernel("embedding_gradient", embedding_gradient_kernel)

register_rule("relu", lambda gradient, output: masked(gradient, output > 0))
register_rule("leaky_relu", leaky_relu_gradient)
register_rule("sigmoid", lambda gradient, output: gradient * (output * (1 - output)))
register_rule("softplus", lambda gradient, a: gradient * sigmoid(a))
register_rule("gelu", gelu_gradient)
register_rule("normal_share", lambda gradient, a: gradient * normal_density(a))
register_rule("softmax", softmax_gradient)
register_rule("log_softmax", log_softmax_gradient)
register_rule(
    "layer_norm",
    layer_norm_gradient,
    layer_norm_weight_gradient,
    lambda gradient: gradient,
)
register_rule("embedding", embedding_gradient)
register_rule(
    "embedding_gradient",
    lambda gradient, *, indices: apply("embedding", gradient, indices=indices),
)
