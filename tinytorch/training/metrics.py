"""Metrics: what people want to know of a model, as opposed to what it is trained on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinytorch.tensors import Tensor, from_numpy, int64
from tinytorch.training.losses import require_classes

Metric = Callable[[Tensor, Tensor], float]


def accuracy(logits: Tensor, targets: Tensor) -> float:
    """Return the share of the examples whose highest score is that of the true class.

    logits: (batch, classes), targets: (batch,) of integers.
    """
    return top_k_accuracy(logits, targets, k=1)


def top_k_accuracy(logits: Tensor, targets: Tensor, *, k: int = 5) -> float:
    """Return the share of the examples whose true class has one of the k highest scores.

    The place of a class is 1 more than the number of classes that score higher, and of those with
    a lower number that score the same.
    Raises ValueError where there is no example, or k is below 1.
    """
    require_rows(logits, targets)
    if k < 1:
        raise ValueError(f"k is how many places count: 1 or more, not {k}")
    if not len(targets):
        raise ValueError("there is no share of 0 examples; leave an empty batch out")
    scores = logits.numpy()
    own = np.take_along_axis(scores, targets.numpy()[:, None].astype(np.int64), 1)
    is_before = np.arange(scores.shape[1]) < targets.numpy()[:, None]
    ahead = ((scores > own) | ((scores == own) & is_before)).sum(1)
    is_good = (ahead < k) & ~np.isnan(own[:, 0])
    return float(is_good.mean())


def confusion_matrix(logits: Tensor, targets: Tensor) -> Tensor:
    """Return how often which class was taken for which: true classes are rows, guesses columns.

    logits: (batch, classes), targets: (batch,) of integers -> (classes, classes) of int64.
    The guess is the class with the highest score, the first one of equals. What is right lies on
    the diagonal; all numbers add up to the number of examples.
    """
    require_rows(logits, targets)
    classes = logits.shape[1]
    pairs = targets.to(int64) * classes + logits.argmax(1)  # (batch,)
    places = pairs.numpy().astype(np.intp)  # int32 in a browser, and bincount takes no other
    counts = np.bincount(places, minlength=classes * classes)
    return from_numpy(counts.astype(np.int64).reshape(classes, classes))


def require_rows(logits: Tensor, targets: Tensor) -> None:
    """Raise an error where there is not one row of scores, and one class, for each example."""
    require_classes(logits, targets)
    if logits.ndim != 2:
        raise ValueError(f"logits are (batch, classes) here, not {logits.shape}; reshape them")
