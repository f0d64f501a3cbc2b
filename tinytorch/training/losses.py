"""Losses: one number that says how far predictions are from what they should be.

Every loss is made of operations on tensors. It comes as the mean over its terms unless the
reduction is "sum", or "none", which returns the terms themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from tinytorch.layers import log_softmax
from tinytorch.tensors import Tensor, apply, arange, float32, minimum, register_kernel
from tinytorch.tensors.dtypes import Array

Loss = Callable[[Tensor, Tensor], Tensor]
Reduction = Literal["mean", "sum", "none"]


def mse_loss(prediction: Tensor, target: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """Return the mean of the squared distances between predictions and targets.

    prediction: (...), target: the same shape -> (), or (...) where the reduction is "none".
    ``[1, 2], [1, 5] -> (0 + 9) / 2 = 4.5``. Nothing is broadcast.
    Raises ValueError where the shapes differ (``require_same_shape``) and for any other reduction
    (``reduced``).
    """
    require_same_shape(prediction, target)
    distance = prediction - target
    return reduced(distance * distance, reduction)


def huber_loss(
    prediction: Tensor, target: Tensor, *, reduction: Reduction = "mean", delta: float = 1.0
) -> Tensor:
    """Return the mean of distances that count squared when small and plainly when large.

    A distance d counts ``d * d / 2`` up to delta, and ``delta * (d - delta / 2)`` beyond, so that
    one that is far off pulls no harder than delta. With a delta of 1:
    ``[0.5, 3], [0, 0] -> (0.125 + 2.5) / 2 = 1.3125``.
    Raises ValueError where the shapes differ or delta is not above 0. Source: Huber 1964.
    """
    require_same_shape(prediction, target)
    if not delta > 0:
        raise ValueError(
            f"delta is the distance where the loss grows plainly: above 0, not {delta}"
        )
    distance = abs(prediction - target)
    squared = minimum(distance, delta)  # the part of the distance that counts squared
    return reduced(squared * (distance - squared / 2), reduction)


def cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
) -> Tensor:
    """Return how surprised the scores are by the true classes: the mean of -log(share).

    logits: (batch, classes, ...), or (classes,) for one example; targets: the same shape without
    the classes, integers from 0 to classes - 1 -> (), or the targets' shape for "none".
    The shares are the softmax of the scores; their logarithm is taken in one step, so that no
    score is too large. With a label smoothing of s, 1 - s of the surprise is the true class's,
    and s is the mean of all classes'.
    Raises TypeError for targets that are no integers, ValueError for shapes that do not fit and
    for a class that is not there (``require_classes``), or a smoothing that is no share
    (``require_share``).
    """
    require_classes(logits, targets)
    require_share(label_smoothing)
    by_class = -log_softmax(classes_last(logits), 1)  # (examples, classes)
    terms = by_class[arange(len(by_class)), targets.flatten()]  # (examples,)
    if label_smoothing:
        terms = terms * (1 - label_smoothing) + by_class.mean(1) * label_smoothing
    return reduced(terms.reshape(targets.shape), reduction)


def binary_cross_entropy_with_logits(
    logits: Tensor, targets: Tensor, *, reduction: Reduction = "mean"
) -> Tensor:
    """Return how surprised the scores are by answers that are yes (1) or no (0).

    logits: (...), targets: the same shape, floats from 0 to 1 -> (), or (...) for "none".
    With p = sigmoid(score), the term is ``-y * log(p) - (1 - y) * log(1 - p)``. It is computed from
    ``softplus(-score) = -log(p)`` and ``softplus(score) = -log(1 - p)``, so that a share that
    rounds to 0 or 1 is never taken the logarithm of.
    Raises ValueError where the shapes differ.
    """
    require_same_shape(logits, targets)
    return reduced(targets * softplus(-logits) + (1 - targets) * softplus(logits), reduction)


def softplus(x: Tensor) -> Tensor:
    """Return log(1 + exp(x)) for each element, finite and exact however large x is."""
    return apply("softplus", x if x.is_floating_point() else x.to(float32))


def _softplus(array: Array) -> Array:
    zero = array.dtype.type(0)
    return np.asarray(np.logaddexp(array, zero))


register_kernel("softplus", _softplus)


# What losses have in common


def reduced(terms: Tensor, reduction: Reduction) -> Tensor:
    """Return the mean or the sum of the terms, or for "none" the terms themselves."""
    if reduction == "none":
        return terms
    if reduction == "sum":
        return terms.sum()
    if reduction == "mean":
        return terms.mean()
    raise ValueError(f"a reduction is 'mean', 'sum' or 'none', not {reduction!r}")


def require_same_shape(prediction: Tensor, target: Tensor) -> None:
    """Raise an error where a prediction and a target do not pair up one by one."""
    require_tensors(prediction, target)
    if prediction.shape != target.shape:
        raise ValueError(
            f"cannot compare predictions of shape {prediction.shape} with targets of shape "
            f"{target.shape}: each prediction needs a target of its own; reshape one of them"
        )


def require_classes(logits: Tensor, targets: Tensor) -> None:
    """Raise an error where targets do not name one of the scored classes for each example."""
    require_tensors(logits, targets)
    if targets.dtype.kind not in "iu":
        raise TypeError(f"a target is the number of a class, an integer, not {targets.dtype}")
    classes_at = 1 if logits.ndim > 1 else 0
    shape = logits.shape
    if not shape or targets.shape != (*shape[:classes_at], *shape[classes_at + 1 :]):
        raise ValueError(
            f"cannot score targets of shape {targets.shape} with logits of shape {shape}: logits "
            "are (batch, classes, ...) and targets (batch, ...)"
        )
    classes, named = shape[classes_at], targets.numpy()
    is_wrong = (named < 0) | (named >= classes)
    if is_wrong.any():
        wrong = int(named[is_wrong].flat[0])
        raise ValueError(f"there is no class {wrong}: the logits score classes 0 to {classes - 1}")


def require_tensors(*given: Tensor) -> None:
    """Raise TypeError for predictions or targets that are no tensors."""
    for one in given:
        if not isinstance(one, Tensor):
            raise TypeError(f"a loss compares tensors: give tensor(...), not {type(one).__name__}")


def require_share(label_smoothing: float) -> None:
    """Raise ValueError for a smoothing that is not from 0 to 1."""
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing is a share, from 0 to 1, not {label_smoothing}")


def classes_last(scores: Tensor) -> Tensor:
    """Return one row of scores for each example: (batch, classes, ...) -> (examples, classes)."""
    if scores.ndim > 2:
        scores = scores.permute(0, *range(2, scores.ndim), 1)
    return scores.reshape(-1, scores.shape[-1])
