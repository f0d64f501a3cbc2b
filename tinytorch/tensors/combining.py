"""Combining tensors: joining them along a dim, and choosing between their elements."""

from __future__ import annotations

from collections.abc import Sequence

from tinytorch.tensors.door import apply
from tinytorch.tensors.dtypes import TensorLike, as_array
from tinytorch.tensors.shapes import normalize_dims
from tinytorch.tensors.tensor_class import Tensor, as_tensor


def cat(tensors: Sequence[TensorLike], dim: int = 0) -> Tensor:
    """Return the tensors joined along a dim. All their other sizes are the same."""
    parts = [as_tensor(one) for one in tensors]
    if not parts:
        raise ValueError("cat needs at least one tensor")
    first = parts[0].shape
    place = normalize_dims(dim, len(first))[0]
    for position, one in enumerate(parts):
        if one.shape[:place] != first[:place] or one.shape[place + 1 :] != first[place + 1 :]:
            raise ValueError(
                f"cannot join {first} and {one.shape} along dim {dim}: tensor {position} differs "
                "in another dim"
            )
    return apply("cat", *parts, dim=place)


def stack(tensors: Sequence[TensorLike], dim: int = 0) -> Tensor:
    """Return the tensors joined along a new dim. All their shapes are the same."""
    parts = [as_tensor(one) for one in tensors]
    for position, one in enumerate(parts):
        if one.shape != parts[0].shape:
            first = parts[0].shape
            raise ValueError(f"cannot stack {first} and {one.shape}: tensor {position} differs")
    return cat([one.unsqueeze(dim) for one in parts], dim)


def where(condition: Tensor, a: TensorLike, b: TensorLike) -> Tensor:
    """Return elements of a where the condition holds, of b elsewhere; all three broadcast."""
    return apply("where", a, b, condition=as_array(condition).astype(bool))


def maximum(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the larger of each pair of elements."""
    return apply("maximum", a, b)


def minimum(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the smaller of each pair of elements."""
    return apply("minimum", a, b)
