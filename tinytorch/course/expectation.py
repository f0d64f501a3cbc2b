"""What a check says: this was expected, that came, and here is why it matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

SHOWN = 300  # characters of a value that a learner is shown


class CheckFailure(AssertionError):
    """A check's verdict, in the learner's terms."""

    def __init__(self, got: str, expected: str, because: str, symptom: str | None = None) -> None:
        self.got = _shorten(got)
        self.expected = _shorten(expected)
        self.because = because
        self.symptom = got if symptom is None else symptom  # equal for equal mistakes
        super().__init__(f"expected {self.expected}, got {self.got}: {because}")


def expect(got: Any, expected: Any, *, because: str, within: float | None = None) -> None:
    """Fail unless `got` is `expected`: in type, shape, dtype and every value.

    `within` is the absolute error allowed in floats; None allows none. NaN equals NaN.
    """
    difference = _difference(got, expected, within)
    if difference is None:
        return
    detail = f" ({difference})" if difference else ""
    raise CheckFailure(_describe(got) + detail, _describe(expected), because, _symptom(got))


def expect_error(
    call: Callable[[], Any], kind: type[Exception], *mentions: str, because: str
) -> None:
    """Fail unless `call` raises this kind of error, with every mention in it."""
    wanted = kind.__name__
    if mentions:
        wanted += " that mentions " + " and ".join(mentions)
    try:
        result = call()
    except CheckFailure:
        raise
    except Exception as error:  # noqa: BLE001 - any error but the wanted one is the finding
        name = type(error).__name__
        if not isinstance(error, kind) or isinstance(error, NotImplementedError):
            _fail_error(f"{name}: {error}", wanted, because, symptom=name)
        if missing := [word for word in mentions if word not in str(error)]:
            got = f"{name}: {error} (it does not mention {missing[0]})"
            _fail_error(got, wanted, because, symptom=f"{name} without {missing[0]}")
    else:
        _fail_error(f"no error; it returned {_describe(result)}", wanted, because, None)


def _fail_error(got: str, wanted: str, because: str, symptom: str | None) -> NoReturn:
    raise CheckFailure(got, wanted, because, symptom) from None


def safe_repr(value: object, limit: int = SHOWN) -> str:
    """Return the repr of a value, shortened, whatever its `__repr__` does."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - the class may be the learner's
        text = f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    return _shorten(text, limit)


def _shorten(text: str, limit: int = SHOWN) -> str:
    if len(text) <= limit:
        return text
    keep = (limit - 5) // 2
    return f"{text[:keep]} ... {text[-keep:]}"


def _difference(got: Any, expected: Any, within: float | None) -> str | None:
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
    differences = (_difference(*pair, within) for pair in zip(got, expected, strict=True))
    return next((found for found in differences if found is not None), None)


def _mapping_difference(
    got: Mapping[Any, Any], expected: Mapping[Any, Any], within: float | None
) -> str | None:
    if set(got) != set(expected):
        return ""
    differences = (_difference(got[key], expected[key], within) for key in expected)
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


def _describe(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return safe_repr(value)
    return " ".join(safe_repr(value).split())


def _symptom(value: Any) -> str:
    return f"{type(value).__name__} {safe_repr(value, limit=100_000)}"
