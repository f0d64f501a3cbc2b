"""Updates: the arithmetic by which one parameter moves.

Each is one operation of the door, for all parameters of a model. Its kernel gets a piece of one, or
several small ones end to end, and the same piece of all beside it. It writes to the memory of the
parameters and of what is remembered about them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinytorch.tensors import register_kernel
from tinytorch.tensors.door import Kernel
from tinytorch.tensors.dtypes import Array


def sgd_step(
    parameter: Array,
    gradient: Array,
    velocity: Array | None = None,
    *,
    lr: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> None:
    """Move a parameter against its gradient, in its memory: ``p -= lr * g``.

    A weight decay w first adds ``w * p`` to the gradient g. Where there is a velocity v, it becomes
    ``momentum * v + g``, in its memory too, and the parameter moves by the velocity instead, or
    with Nesterov's look ahead by ``g + momentum * v``. The gradient's memory is left as it is.
    Source: Sutskever et al. 2013, with the velocity not yet multiplied by lr.
    """
    if weight_decay:
        gradient = gradient + weight_decay * parameter
    if velocity is not None:
        velocity *= momentum
        velocity += gradient
        gradient = gradient + momentum * velocity if nesterov else velocity
    parameter -= lr * gradient


def rmsprop_step(
    parameter: Array,
    gradient: Array,
    square: Array,
    velocity: Array | None = None,
    *,
    lr: float,
    alpha: float,
    eps: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> None:
    """Move a parameter by its gradient, divided by the gradient's usual size, in its memory.

    The square becomes ``alpha * square + (1 - alpha) * g * g``, and the step is
    ``g / (sqrt(square) + eps)``; a velocity sums steps up, as in ``sgd_step``.
    Source: Tieleman & Hinton 2012, lecture 6e.
    """
    if weight_decay:
        gradient = gradient + weight_decay * parameter
    square *= alpha
    square += (1 - alpha) * gradient * gradient
    step = gradient / (np.sqrt(square) + eps)
    if velocity is not None:
        velocity *= momentum
        velocity += step
        step = velocity
    parameter -= lr * step


def adam_step(
    parameter: Array,
    gradient: Array,
    mean: Array,
    square: Array,
    *,
    step: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float = 0.0,
    decoupled: bool = False,
) -> None:
    """Move a parameter by its mean gradient, divided by the gradient's usual size, in its memory.

    mean and square follow the gradient g and g * g, in their memory: each keeps the share beta of
    what it was and takes 1 - beta of the new. Both began at 0, so the number of this step (1 is the
    first) says how much is missing: divided by ``1 - beta ** step`` they are right on average. The
    parameter moves by ``lr * mean / (sqrt(square) + eps)`` of the corrected two.
    A weight decay w adds ``w * p`` to the gradient; decoupled, it multiplies the parameter by
    ``1 - lr * w`` before the step instead, past mean and square.
    Source: Kingma & Ba 2015, Algorithm 1; Loshchilov & Hutter 2019, Algorithm 2.
    """
    if weight_decay and decoupled:
        parameter *= 1 - lr * weight_decay
    elif weight_decay:
        gradient = gradient + weight_decay * parameter
    mean *= betas[0]
    mean += (1 - betas[0]) * gradient
    square *= betas[1]
    square += (1 - betas[1]) * gradient * gradient
    usual = np.sqrt(square / (1 - betas[1] ** step)) + eps
    parameter -= lr / (1 - betas[0] ** step) * mean / usual


PIECE = 16_384  # numbers of a piece: what a step computes on the way stays in the cache
GRADIENT = 1  # its place beside a parameter
SMALL = PIECE // 4  # parameters up to this size are laid end to end, and moved as one


def update(kernel: Kernel, *arrays: Array, count: int = 1, **options: Any) -> Array:
    """Return the first of ``count`` parameters, after the kernel wrote to all of them.

    arrays: a parameter, its gradient and what is remembered, in one shape; then those of the next.
    So a kernel may be written as plain formulas, and no step allocates an array that is large, or
    calls NumPy once for every bias.
    """
    each = len(arrays) // count
    parts = [arrays[at : at + each] for at in range(0, len(arrays), each)]
    with np.errstate(all="ignore"):
        for some in bundles(parts):
            if len(some) == 1:
                in_pieces(kernel, *some[0], **options)
            else:
                in_one(kernel, some, **options)
    return arrays[0]


def bundles(parts: Sequence[Sequence[Array]]) -> list[list[Sequence[Array]]]:
    """Return the parts in lists of one, or of several small ones that are no more than a piece."""
    found: list[list[Sequence[Array]]] = []
    room = -1  # none is open yet
    for part in parts:
        size = part[0].size
        if size > SMALL:
            found.insert(0, [part])
        elif size > room:
            found.append([part])
            room = PIECE - size
        else:
            found[-1].append(part)
            room -= size
    return found


def in_pieces(kernel: Kernel, *arrays: Array, **options: Any) -> None:
    """Call the kernel with all of the arrays, a piece at a time."""
    if arrays[0].size <= PIECE:
        kernel(*arrays, **options)
        return
    if all(one.flags.c_contiguous for one in arrays):
        arrays = tuple([one.reshape(-1) for one in arrays])  # (numbers,)
    rows = max(PIECE // math.prod(arrays[0].shape[1:]), 1)
    for start in range(0, len(arrays[0]), rows):
        kernel(*[one[start : start + rows] for one in arrays], **options)


def in_one(kernel: Kernel, parts: Sequence[Sequence[Array]], **options: Any) -> None:
    """Call the kernel once with the arrays of all parts end to end, and put back what it wrote."""
    lines = [np.concatenate(column, axis=None) for column in zip(*parts, strict=True)]
    kernel(*lines, **options)
    end = 0
    for part in parts:
        start, end = end, end + part[0].size
        for place, (array, line) in enumerate(zip(part, lines, strict=True)):
            if place != GRADIENT:
                array[...] = line[start:end].reshape(array.shape)


# Looked up when called, so that the steps in force are the ones that run.
register_kernel("sgd_step", lambda *arrays, **options: update(sgd_step, *arrays, **options))
register_kernel("adam_step", lambda *arrays, **options: update(adam_step, *arrays, **options))
register_kernel("rmsprop_step", lambda *arrays, **options: update(rmsprop_step, *arrays, **options))

# Which inputs these operations write to, of each parameter's: itself, and what is remembered.
WRITTEN = {"sgd_step": (0, 2), "rmsprop_step": (0, 2, 3), "adam_step": (0, 2, 3)}
