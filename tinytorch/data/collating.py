"""Collating: one batch of many samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinytorch.tensors import Tensor, stack, tensor

_KINDS: dict[str, tuple[type, ...]] = {
    "a tensor": (Tensor, np.ndarray, np.generic),
    "a number": (bool, int, float),
    "text": (str, bytes),
    "a dict": (Mapping,),
    "a tuple": (tuple,),
    "a list": (list,),
}


def kind_of(samples: Sequence[Any]) -> str:
    """Return what the samples are: a tensor, a number, text, a dict, a tuple or a list.

    Raises ValueError for no samples, TypeError where they differ or are something else.
    """
    if not samples:
        raise ValueError("no samples make no batch; give at least one")
    found = [_kind_of_one(sample) for sample in samples]
    for position, kind in enumerate(found):
        if kind != found[0]:
            raise TypeError(f"sample {position} is {kind}, but sample 0 is {found[0]}")
    return found[0]


def _kind_of_one(sample: Any) -> str:
    for kind, types in _KINDS.items():
        if isinstance(sample, types):
            return kind
    raise TypeError(
        f"a batch cannot be made of {type(sample).__name__}; return tensors, numbers, text, or "
        "tuples, lists and dicts of them, or give the loader a collate_fn"
    )


def collate(samples: Sequence[Any]) -> Any:
    """Return the batch that the samples make.

    Tensors and arrays are stacked: n of (28, 28) -> (n, 28, 28); numbers become a tensor (n,);
    text becomes a list. Tuples, lists and dicts are collated part by part into one of their kind:
    ``[(image, 7), (image, 2)] -> (images, tensor([7, 2]))``.
    Raises ValueError for no samples and for shapes, lengths or keys that differ, TypeError
    where the kinds differ or a batch cannot be made of them (``kind_of``).
    """
    kind, first = kind_of(samples), samples[0]
    if kind == "a tensor":
        return stack(samples)
    if kind == "a number":
        return tensor(samples)
    if kind == "text":
        return list(samples)
    for position, sample in enumerate(samples):
        if len(sample) != len(first) or (kind == "a dict" and sample.keys() != first.keys()):
            raise ValueError(f"the parts of sample {position} are not those of sample 0")
    if kind == "a dict":
        return {key: collate([sample[key] for sample in samples]) for key in first}
    parts = [collate(part) for part in zip(*samples, strict=True)]
    return getattr(first, "_make", type(first))(parts)  # a named tuple keeps its names
