"""Where two values differ: in type, shape, dtype or a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinytorch.course.expectation import safe_repr


def difference(got: Any, expected: Any, within: float | None) -> str | None:
    """Return None when equal, where they differ, or "" when the reprs say enough."""
    if _is_array(expected):
        return _array_difference(got, expected, within)
    if not _same_kind(got, expected):
        same = safe_repr(got) == safe_repr(expected)
        return f"a {type(got).__name__}, not a {type(expected).__name__}" if same else ""
    if isinstance(expected, Mapping):
        return _mapping_difference(got, expected, within)
    if isinstance(expected, (list, tuple)):
        return _sequence_difference(got, expected, within)
    return None if _equal(got, expected, within) else ""


def describe(value: Any) -> str:
    """Return the value in one line."""
    if not isinstance(value, np.ndarray):
        return safe_repr(value)
    return " ".join(safe_repr(value).split())


def _array_difference(got: Any, expected: Any, within: float | None) -> str | None:
    if not _is_array(got) or (_is_tensor(expected) and not _is_tensor(got)):
        return ""
    values, wanted = _values(got), _values(expected)
    if values.shape != wanted.shape:
        return f"its shape is {values.shape}, not {wanted.shape}"
    if values.dtype != wanted.dtype:
        return f"its dtype is {values.dtype}, not {wanted.dtype}"
    same = _close(values, wanted, within)
    if same.all():
        return None
    place = tuple(int(index) for index in np.argwhere(~same)[0])
    where = f"at {list(place)} it is" if place else "it is"
    return f"{where} {values[place]}, not {wanted[place]}"


def _close(values: np.ndarray, wanted: np.ndarray, within: float | None) -> np.ndarray:
    if wanted.dtype.kind not in "fc":
        return np.asarray(values == wanted)
    return np.asarray(np.isclose(values, wanted, rtol=0, atol=within or 0.0, equal_nan=True))


def _sequence_difference(
    got: Sequence[Any], expected: Sequence[Any], within: float | None
) -> str | None:
    if len(got) != len(expected):
        return ""
    differences = (difference(*pair, within) for pair in zip(got, expected, strict=True))
    return next((found for found in differences if found is not None), None)


def _mapping_difference(
    got: Mapping[Any, Any], expected: Mapping[Any, Any], within: float | None
) -> str | None:
    if set(got) != set(expected):
        return ""
    differences = (difference(got[key], expected[key], within) for key in expected)
    return next((found for found in differences if found is not None), None)


def _equal(got: Any, expected: Any, within: float | None) -> bool:
    if isinstance(expected, (float, complex, np.inexact)):
        return bool(np.isclose(got, expected, rtol=0, atol=within or 0.0, equal_nan=True))
    return bool(got == expected)


def _same_kind(got: Any, expected: Any) -> bool:
    """Tell True from 1, 1 from 1.0 and a tuple from a list."""
    for kind in ((bool, np.bool_), (int, np.integer), (float, np.floating)):
        if isinstance(expected, kind) or isinstance(got, kind):
            return isinstance(got, kind) and isinstance(expected, kind)
    return isinstance(got, type(expected))


def _is_tensor(value: Any) -> bool:
    return hasattr(type(value), "numpy") and hasattr(type(value), "shape")


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or _is_tensor(value)


def _values(array: Any) -> np.ndarray:
    return np.asarray(array.numpy() if _is_tensor(array) else array)
