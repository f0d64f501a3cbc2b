"""Dtypes: which kinds of numbers tensors hold, and how Python's data becomes arrays of them."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from tinytorch.tensors.shapes import infer_shape, one_line

Array = npt.NDArray[Any]
DType = np.dtype[Any]
DTypeLike = npt.DTypeLike | None
Number = bool | int | float
TensorLike = Any  # a Tensor, a NumPy array, a number, or nested lists of numbers

bool_ = np.dtype(np.bool_)
uint8 = np.dtype(np.uint8)
int8 = np.dtype(np.int8)
int16 = np.dtype(np.int16)
int32 = np.dtype(np.int32)
int64 = np.dtype(np.int64)
float16 = np.dtype(np.float16)
float32 = np.dtype(np.float32)
float64 = np.dtype(np.float64)

SUPPORTED = (bool_, uint8, int8, int16, int32, int64, float16, float32, float64)
_IS_SUPPORTED = frozenset(SUPPORTED)
CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}  # bool < integer < floating


def result_type(*dtypes: DType) -> DType:
    """Return the dtype that holds a mix of dtypes: ``int64, float32 -> float32``.

    Categories come first: bool < integer < floating. Only dtypes of the highest category
    present count, and among them the smallest dtype that holds all of their values.
    """
    highest = max(CATEGORY[dtype.kind] for dtype in dtypes)
    contenders = [dtype for dtype in dtypes if CATEGORY[dtype.kind] == highest]
    return reduce(np.promote_types, contenders)


def as_dtype(dtype: DTypeLike) -> DType:
    """Return the dtype meant. Raises TypeError for one that tensors do not have."""
    try:
        wanted = np.dtype(dtype)
    except TypeError:
        wanted = np.dtype(object)
    if dtype is None or wanted not in _IS_SUPPORTED:
        names = ", ".join(map(str, SUPPORTED))
        raise TypeError(f"tensors have no dtype {one_line(dtype)}; choose from {names}")
    return wanted


def as_array(data: TensorLike, dtype: DTypeLike = None) -> Array:
    """Return the data as an array, without a copy where it is one of that dtype.

    Python's floats become float32 and its integers int64 unless a dtype is given.
    Raises ValueError for ragged lists, TypeError for anything but numbers.
    """
    given = getattr(data, "array", data)
    if isinstance(given, list | tuple):
        infer_shape(given)
    try:
        array = np.asarray(given)
    except (ValueError, TypeError) as problem:
        raise TypeError(f"cannot make a tensor of this {type(data).__name__}: {problem}") from None
    if array.dtype not in _IS_SUPPORTED:
        raise TypeError(f"a tensor holds numbers of a supported dtype, not {_offender(array)}")
    is_plain = not isinstance(given, np.ndarray | np.generic)
    if is_plain and array.dtype == np.intp:
        array = array.astype(int64, copy=False)  # NumPy's own is int32 in a browser
    if dtype is None:
        return array.astype(float32) if is_plain and array.dtype == float64 else array
    wanted = as_dtype(dtype)
    return (
        fit(given, wanted) if is_plain and array.dtype == int64 else cast_array(array, dtype=wanted)
    )


def fit(value: TensorLike, dtype: DType) -> Array:
    """Return numbers as an array. Raises ValueError for an integer past what the dtype holds."""
    try:
        return np.asarray(value, dtype)
    except OverflowError as problem:
        raise ValueError(f"{problem}; use a wider dtype") from None


def _offender(array: Array) -> str:
    """Return what in the array is no supported number."""
    if array.dtype.kind in "US":
        return f"text like {one_line(str(array.flat[0]))}"
    if array.dtype != object:
        return str(array.dtype)
    numbers = (bool, int, float)
    odd = [one for one in array.flat if not isinstance(one, numbers)]
    return one_line(odd[0]) if odd else f"{max(array.flat, key=abs)}, which is past int64"


def cast_array(array: Array, *, dtype: DType) -> Array:
    """Return the elements as another dtype; fractions are cut off towards zero.

    Raises ValueError where a NaN, an infinity or a float out of range should become an integer.
    """
    if array.dtype == dtype:
        return array
    with np.errstate(all="ignore"):
        if array.dtype.kind == "f" and dtype.kind in "iu":
            limits = np.iinfo(dtype)
            whole = np.trunc(array.astype(float64))  # float16 has no room for the limits
            fits = (whole >= float(limits.min)) & (whole < float(limits.max + 1))
            if not fits.all():
                misfit = array[~fits].flat[0]
                raise ValueError(f"cannot convert {misfit} to {dtype}: it is not in its range")
        return array.astype(dtype)
