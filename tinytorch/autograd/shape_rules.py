"""Rules of reductions, of moves, of indexing, and of the matrix product."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinytorch.autograd.arithmetic_rules import choose, masked
from tinytorch.autograd.rules import register_rule, sum_to_shape
from tinytorch.tensors import Tensor, apply, eye, from_numpy, register_kernel
from tinytorch.tensors.dtypes import Array
from tinytorch.tensors.shapes import Shape

# Reductions


def sum_gradient(gradient: Tensor, shape: Shape, *, dim: Shape, keepdim: bool) -> Tensor:
    """Return the gradient of what was summed: each element got it whole."""
    return with_dims(gradient, shape, dim, keepdim=keepdim).expand(shape)


def with_dims(reduced: Tensor, shape: Shape, dim: Shape, *, keepdim: bool) -> Tensor:
    """Return what a reduction left, with its dims back, as size 1."""
    if keepdim or not reduced.ndim:  # one number fits everywhere
        return reduced
    return reduced.reshape([1 if place in dim else size for place, size in enumerate(shape)])


def extreme_gradient(
    gradient: Tensor, a: Tensor, output: Tensor, *, dim: Shape, keepdim: bool
) -> Tensor:
    """Return the gradient of what ``amax`` or ``amin`` looked through.

    It goes to the elements that were picked; those that are equal share it.
    """
    gradient = with_dims(gradient, a.shape, dim, keepdim=keepdim)
    is_picked = a == with_dims(output, a.shape, dim, keepdim=keepdim)
    count = is_picked.sum(dim, keepdim=True).to(a.dtype)
    return masked(gradient / count, is_picked)


def prod_gradient(
    gradient: Tensor, a: Tensor, output: Tensor, *, dim: Shape, keepdim: bool
) -> Tensor:
    """Return the gradient of what was multiplied: times the product of all others.

    That is the product divided by the element, unless an element is 0.
    """
    gradient = with_dims(gradient, a.shape, dim, keepdim=keepdim)
    if bool((a != 0).all()):
        return gradient * with_dims(output, a.shape, dim, keepdim=keepdim) / a
    return gradient * products_of_others(a, dim)


def products_of_others(a: Tensor, dim: Shape) -> Tensor:
    """Return for each element the product of all others along the dims."""
    kept = tuple(place for place in range(a.ndim) if place not in dim)
    order = (*kept, *dim)
    moved = a.permute(order)
    count = math.prod(a.shape[place] for place in dim)
    lines = moved.reshape(*moved.shape[: len(kept)], 1, count)
    others = choose(eye(count) == 1, 1.0, lines).prod(-1)  # (..., count)
    return others.reshape(moved.shape).permute([order.index(place) for place in range(a.ndim)])


def cumsum_gradient(gradient: Tensor, *, dim: int) -> Tensor:
    """Return the gradient of what was summed up: a running sum from the other end."""
    backwards = (*[slice(None)] * dim, slice(None, None, -1))
    return gradient[backwards].cumsum(dim)[backwards]


# Moves and indices


def reshape_gradient(gradient: Tensor, shape: Shape) -> Tensor:
    """Return the gradient in the shape that there was."""
    return gradient if gradient.shape == shape else gradient.reshape(shape)


def permute_gradient(gradient: Tensor, *, dims: Shape) -> Tensor:
    """Return the gradient with its dims back in their places."""
    return apply("permute", gradient, dims=tuple([dims.index(place) for place in range(len(dims))]))


def getitem_gradient(gradient: Tensor, shape: Shape, *, index: tuple[Any, ...]) -> Tensor:
    """Return the gradient of what was indexed: 0 wherever the index did not reach."""
    return apply("put", gradient, shape=shape, index=index)


def put_kernel(values: Array, *, shape: Shape, index: tuple[Any, ...]) -> Array:
    """Return zeros of a shape, with the values added at an index.

    values: what ``zeros(shape)[index]`` has for a shape, in the dtype of the result.
    A place that the index names several times gets the sum of all its values:
    ``[1, 2, 3], shape (4,), index ([0, 2, 0],) -> [4, 0, 2, 0]``.
    """
    if not any(isinstance(part, list | np.ndarray) for part in index):
        result = np.zeros(shape, values.dtype)
        result[index] = values  # without lists of places, none is named twice
        return result
    count = math.prod(shape)
    places = np.arange(count).reshape(shape)[index]
    totals = np.bincount(places.ravel(), values.ravel(), minlength=count)
    return totals.reshape(shape).astype(values.dtype)


def overwritten_gradient(gradient: Tensor, *, index: tuple[Any, ...]) -> Tensor:
    """Return the gradient of what was there before a write: 0 where it was overwritten."""
    is_kept = np.ones(gradient.shape, np.bool_)
    is_kept[index] = False
    return masked(gradient, from_numpy(is_kept))


def written_gradient(gradient: Tensor, shape: Shape, *, index: tuple[Any, ...]) -> Tensor:
    """Return the gradient of what was written: that of the places where it stands now."""
    part = apply("getitem", gradient, index=index)
    surplus = max(len(shape) - part.ndim, 0)  # a (1, 3) may be written to a place of (3,)
    return sum_to_shape(part, shape[surplus:]).reshape(shape)


# Matrix products


def left_gradient(gradient: Tensor, a_shape: Shape, b: Tensor) -> Tensor:
    """Return the gradient of a in ``a @ b``: ``gradient @ b.T``, for matrices.

    Dims before the last two are stacks, and stay: summing over what was broadcast is left to
    ``sum_to_shape``. A 1-D a is one row, a 1-D b one column; the gradient has no dim for them.
    a_shape: (..., m, k) or (k,), b: (..., k, n) or (k,), gradient: that of ``a @ b``
    """
    rows = gradient if b.ndim > 1 else gradient.unsqueeze(-1)
    rows = rows if len(a_shape) > 1 else rows.unsqueeze(-2)  # (..., m, n)
    columns = b if b.ndim > 1 else b.unsqueeze(-1)  # (..., k, n)
    product = rows @ columns.transpose(-1, -2)  # (..., m, k)
    return product if len(a_shape) > 1 else product.squeeze(-2)


def right_gradient(gradient: Tensor, a: Tensor, b_shape: Shape, b_strides: Shape) -> Tensor:
    """Return the gradient of b in ``a @ b``: ``a.T @ gradient``, for matrices.

    a: (..., m, k) or (k,), b_shape: (..., k, n) or (k,), gradient: that of ``a @ b``
    A stack of a that meets one b is one tall matrix. The result lies in memory as b does, so that
    nothing has to be moved where it is added to b.
    """
    columns = gradient if len(b_shape) > 1 else gradient.unsqueeze(-1)
    columns = columns if a.ndim > 1 else columns.unsqueeze(-2)  # (..., m, n)
    rows = a if a.ndim > 1 else a.unsqueeze(0)  # (..., m, k)
    if len(b_shape) < 3 and rows.ndim > 2:
        rows = rows.reshape(-1, rows.shape[-1])
        columns = columns.reshape(-1, columns.shape[-1])
    if b_strides[-1] > b_strides[-2 % len(b_strides)]:
        product = turned(turned(columns) @ rows)
    else:
        product = turned(rows) @ columns  # (..., k, n)
    return product if len(b_shape) > 1 else product.squeeze(-1)


def turned(matrices: Tensor) -> Tensor:
    """Return each matrix of a stack, or the only one, with rows and columns swapped."""
    return matrices.T if matrices.ndim == 2 else matrices.transpose(-1, -2)


register_kernel("put", put_kernel)

register_rule("sum", sum_gradient)
register_rule("prod", prod_gradient)
register_rule("amax", extreme_gradient)
register_rule("amin", extreme_gradient)
register_rule("cumsum", cumsum_gradient)
register_rule("reshape", reshape_gradient)
register_rule("expand", sum_to_shape)
register_rule("permute", permute_gradient)
register_rule("getitem", getitem_gradient)
register_rule("put", lambda gradient, *, index: apply("getitem", gradient, index=index))
register_rule("setitem", overwritten_gradient, written_gradient)
register_rule(
    "matmul",
    lambda gradient, shape, b: left_gradient(gradient, shape, b),
    lambda gradient, a, shape, strides: right_gradient(gradient, a, shape, strides[1]),
)
