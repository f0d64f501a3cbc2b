"""Creating tensors: from data, filled with a value, counted, or random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinytorch.setup import default_generator
from tinytorch.tensors.door import wrap
from tinytorch.tensors.dtypes import (
    Array,
    DTypeLike,
    Number,
    TensorLike,
    as_array,
    as_dtype,
    float32,
    int64,
)
from tinytorch.tensors.shapes import checked_shape
from tinytorch.tensors.tensor_class import Tensor


def tensor(data: TensorLike, dtype: DTypeLike = None) -> Tensor:
    """Return a tensor with a copy of the data: a number, nested lists, an array or a tensor.

    Python's floats become float32 and its integers int64; arrays keep their dtype.
    Raises ValueError for ragged lists, TypeError for anything but numbers.
    """
    return Tensor(data, dtype)


def from_numpy(array: Array) -> Tensor:
    """Return a tensor that shares memory with a NumPy array."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy takes a NumPy array, not {type(array).__name__}; use tensor()")
    return wrap(as_array(array))


def full(shape: int | Sequence[int], value: Number, dtype: DTypeLike = None) -> Tensor:
    """Return a tensor filled with one value; the dtype is the value's unless given."""
    chosen = as_array(value).dtype if dtype is None else as_dtype(dtype)
    return wrap(np.full(checked_shape(shape), value, chosen))


def zeros(*shape: int | Sequence[int], dtype: DTypeLike = float32) -> Tensor:
    """Return a tensor of zeros."""
    return wrap(np.zeros(checked_shape(*shape), as_dtype(dtype)))


def ones(*shape: int | Sequence[int], dtype: DTypeLike = float32) -> Tensor:
    """Return a tensor of ones."""
    return wrap(np.ones(checked_shape(*shape), as_dtype(dtype)))


def zeros_like(other: TensorLike) -> Tensor:
    """Return zeros in the other tensor's shape and dtype."""
    return wrap(np.zeros_like(as_array(other)))


def ones_like(other: TensorLike) -> Tensor:
    """Return ones in the other tensor's shape and dtype."""
    return wrap(np.ones_like(as_array(other)))


def eye(size: int, dtype: DTypeLike = float32) -> Tensor:
    """Return the identity matrix: (size, size)."""
    return wrap(np.eye(*checked_shape(size), dtype=as_dtype(dtype)))


def arange(
    start: Number, end: Number | None = None, step: Number = 1, dtype: DTypeLike = None
) -> Tensor:
    """Return the numbers from start up to, without, end: ``arange(3) -> [0, 1, 2]``."""
    if step == 0:
        raise ValueError("a step of 0 never arrives; use a step above or below 0")
    first, last = (0, start) if end is None else (start, end)
    is_whole = all(isinstance(number, int) for number in (first, last, step))
    chosen = dtype or (int64 if is_whole else float32)
    return wrap(as_array(np.arange(first, last, step), chosen))


def linspace(start: float, end: float, steps: int, dtype: DTypeLike = float32) -> Tensor:
    """Return evenly spaced numbers from start to end, both included: (steps,)."""
    (count,) = checked_shape(steps)
    return wrap(np.linspace(start, end, count, dtype=as_dtype(dtype)))


def rand(*shape: int | Sequence[int], generator: np.random.Generator | None = None) -> Tensor:
    """Return uniform random float32 from 0 up to, without, 1."""
    source = generator or default_generator()
    return wrap(source.random(checked_shape(*shape), dtype=np.float32))


def randn(*shape: int | Sequence[int], generator: np.random.Generator | None = None) -> Tensor:
    """Return normal random float32 with mean 0 and standard deviation 1."""
    source = generator or default_generator()
    return wrap(source.standard_normal(checked_shape(*shape), dtype=np.float32))


def randint(
    low: int, high: int, shape: int | Sequence[int], *, generator: np.random.Generator | None = None
) -> Tensor:
    """Return random int64 from low up to, without, high."""
    if low >= high:
        raise ValueError(f"no integer lies from {low} up to, without, {high}; raise high")
    source = generator or default_generator()
    return wrap(source.integers(low, high, checked_shape(shape)))


def randperm(count: int, *, generator: np.random.Generator | None = None) -> Tensor:
    """Return the numbers 0 to count - 1 in random order."""
    source = generator or default_generator()
    return wrap(source.permutation(*checked_shape(count)).astype(int64, copy=False))
