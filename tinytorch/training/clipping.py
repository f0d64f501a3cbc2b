"""Clipping: gradients that are too large are made smaller before they do harm."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tinytorch.tensors import Tensor, float16, float32


def total_norm(gradients: Sequence[Tensor | None]) -> float:
    """Return the length of all gradients taken together: the root of the sum of all squares."""
    lines = [one.flatten() for one in gradients if one is not None]
    wide = [line.to(float32) if line.dtype == float16 else line for line in lines]  # room to square
    with np.errstate(over="ignore"):
        return math.sqrt(sum(float(line @ line) for line in wide))


def clip_grad_norm_(gradients: list[Tensor | None], max_norm: float) -> float:
    """Return the length of all gradients together, and shorten them in the list if it is too long.

    Where the length is above ``max_norm``, every gradient in the list is replaced by one that is
    ``max_norm / length`` times as large: their direction stays. A tensor that was in the list keeps
    its numbers, since its memory may belong to others. Where the length is no finite number,
    nothing is replaced: no factor mends that, and it should be seen.
    Raises ValueError for a ``max_norm`` that is not above 0, and says which it was.
    Source: Pascanu et al. 2013.
    """
    if not max_norm > 0:
        raise ValueError(f"a longest length is above 0, not {max_norm}")
    norm = total_norm(gradients)
    if max_norm < norm < math.inf:
        for place, gradient in enumerate(gradients):
            if gradient is not None:
                gradients[place] = gradient * (max_norm / norm)
    return norm


def clip_grad_value_(gradients: list[Tensor | None], clip_value: float) -> None:
    """Replace every gradient in the list by one whose numbers lie from -clip_value to clip_value.

    Unlike a shorter length, this turns the direction.
    """
    if not clip_value > 0:
        raise ValueError(f"a largest size is above 0, not {clip_value}")
    for place, gradient in enumerate(gradients):
        if gradient is not None:
            gradients[place] = gradient.clamp(-clip_value, clip_value)
