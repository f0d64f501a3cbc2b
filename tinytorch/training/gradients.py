"""Gradients: where they come from is an argument of training.

A gradient source is called with a model, a loss, inputs and targets. It returns the loss and a list
of gradients, in the order of ``model.parameters()``, None for a parameter the loss does not need.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch.layers import Module
from tinytorch.tensors import Tensor, from_numpy
from tinytorch.tensors.dtypes import Array
from tinytorch.training.losses import Loss
from tinytorch.training.randomness import rehearsal

GradientSource = Callable[[Module, Loss, Any, Any], tuple[Tensor, list[Tensor | None]]]


def finite_differences(
    model: Module, loss: Loss, inputs: Any, targets: Any, *, step: float | None = None
) -> tuple[Tensor, list[Tensor | None]]:
    """Return the loss and its gradients, measured: every parameter is moved a little, both ways.

    Works for every model and loss, and computes the loss twice for every number of every parameter.
    Layers that draw at random draw the same each time. The model is left as after one forward pass.
    step: how far to move a number, see ``central_differences``.
    """
    with rehearsal(model) as put_back:

        def measure() -> float:
            put_back()
            return float(loss(model(inputs), targets))

        slopes = [
            central_differences(measure, parameter.numpy(), step=step)
            for parameter in model.parameters()
        ]
    return loss(model(inputs), targets), [from_numpy(one) for one in slopes]


def central_differences(
    function: Callable[[], float], numbers: Array, *, step: float | None = None
) -> Array:
    """Return how fast ``function()`` changes with each of the numbers that it reads.

    numbers: any shape, of floats -> the same shape and dtype.
    Each number x is moved to x + h and to x - h in its memory, where h is the step times the larger
    of 1 and ``|x|``. The slope is the difference of the two results, divided by the distance of the
    two numbers as they were rounded in memory. Then x is put back, bit for bit, even where the
    function raises an error. The step is the cube root of the dtype's precision unless it is given:
    smaller ones drown in rounding, larger ones measure a curve by its chord.
    """
    step = step or float(np.finfo(numbers.dtype).eps) ** (1 / 3)
    slopes = np.zeros_like(numbers)
    for place in np.ndindex(numbers.shape):
        kept = numbers[place]
        reach = step * max(1.0, abs(float(kept)))
        try:
            numbers[place] = kept + reach
            right, above = float(numbers[place]), function()
            numbers[place] = kept - reach
            left, below = float(numbers[place]), function()
        finally:
            numbers[place] = kept
        slopes[place] = (above - below) / (right - left)
    return slopes
