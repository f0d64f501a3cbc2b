"""What a check says: this was expected, that came, and here is why it matters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

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
    from tinytorch.course import comparison  # here, because it needs NumPy

    found = comparison.difference(got, expected, within)
    if found is None:
        return
    detail = f" ({found})" if found else ""
    describe = comparison.describe
    raise CheckFailure(describe(got) + detail, describe(expected), because, _symptom(got))


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
        from tinytorch.course import comparison

        returned = comparison.describe(result)
        _fail_error(f"no error; it returned {returned}", wanted, because, None)


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


def _symptom(value: Any) -> str:
    return f"{type(value).__name__} {safe_repr(value, limit=100_000)}"
