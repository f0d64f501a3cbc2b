"""What `expect` and `expect_error` accept, refuse and say."""

import math

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import CheckFailure, expect, expect_error

NAN = float("nan")


def failure(got, expected, **options):
    """The failure that expecting this raises."""
    with pytest.raises(CheckFailure) as caught:
        expect(got, expected, because="of the rule", **options)
    return caught.value


EQUAL = [
    (1, 1),
    (np.int64(3), 3),
    (1.5, 1.5),
    (np.float64(1.5), 1.5),
    (NAN, NAN),
    (math.inf, math.inf),
    (True, True),
    (np.True_, True),
    (None, None),
    ("a", "a"),
    ((1, (2, NAN)), (1, (2, NAN))),
    ([1, "a"], [1, "a"]),
    ({"a": [NAN]}, {"a": [NAN]}),
    ({1, 2}, {2, 1}),
    (np.dtype("float32"), np.dtype("float32")),
    (np.array([1.0, NAN]), np.array([1.0, NAN])),
    (np.zeros((0, 3)), np.zeros((0, 3))),
    (tt.tensor([1, 2]), tt.tensor([1, 2])),
    (tt.tensor([1, 2]), np.array([1, 2])),
    (tt.tensor(2.0), tt.tensor(2.0)),
]


@pytest.mark.parametrize(("got", "expected"), EQUAL, ids=repr)
def test_equal_values_pass(got, expected):
    expect(got, expected, because="they are equal")


DIFFERENT = [
    (True, 1),
    (1, True),
    (1, 1.0),
    (1.0, 1),
    ((1,), [1]),
    ([1], (1,)),
    ((1, 2), (1, 2, 3)),
    ([True], [1]),
    ({"a": 1}, {"a": 1, "b": 2}),
    ({"a": 1}, {"a": True}),
    ("1", 1),
    (None, 0),
    (0, None),
    (np.float32, np.dtype("float32")),
    (np.dtype("float64"), np.dtype("float32")),
    ([1, 2], np.array([1, 2])),
    (np.array([1, 2]), tt.tensor([1, 2])),
    (np.array([1, 2]), [1, 2]),
    (np.array(1), 1),
    (1.0, 1.0 + 1e-12),
    (NAN, 1.0),
]


@pytest.mark.parametrize(("got", "expected"), DIFFERENT, ids=repr)
def test_different_values_fail(got, expected):
    found = failure(got, expected)
    assert str(found) == f"expected {found.expected}, got {found.got}: of the rule"


@pytest.mark.parametrize(
    ("got", "expected", "says"),
    [
        (tt.zeros(2, 3), tt.zeros(3, 2), "its shape is (2, 3), not (3, 2)"),
        (np.zeros(2, np.float32), np.zeros(2), "its dtype is float32, not float64"),
        (np.array([[1, 2], [3, 5]]), np.array([[1, 2], [3, 4]]), "at [1, 1] it is 5, not 4"),
        (np.array(5), np.array(4), "it is 5, not 4"),
    ],
)
def test_the_difference_between_arrays_is_named(got, expected, says):
    assert f"({says})" in failure(got, expected).got


def test_what_looks_alike_is_told_apart_by_type():
    class Odd(list):
        pass

    assert "a list, not a Odd" in failure([1], Odd([1])).got


def test_an_error_within_the_bound_passes_and_beyond_it_fails():
    expect(1.0, 1.05, within=0.1, because="it is near")
    expect((1.0, [2.0]), (1.05, [1.95]), within=0.1, because="they are near")
    expect(np.array([1.0]), np.array([1.05]), within=0.1, because="it is near")
    failure(1.0, 1.2, within=0.1)
    failure(np.array([1.0]), np.array([1.2]), within=0.1)


def test_the_bound_is_for_floats_only():
    failure(1, 2, within=5)
    failure(np.array([1]), np.array([2]), within=5)


def test_long_values_are_shortened():
    found = failure("a" * 5000, "b" * 5000)
    assert len(found.got) < 320
    assert len(str(found)) < 700


def test_equal_mistakes_have_equal_symptoms_and_others_do_not():
    long = list(range(500))
    assert failure(long, 1).symptom == failure(list(range(500)), 1).symptom
    assert failure(long, 1).symptom != failure([*long[:250], -1, *long[251:]], 1).symptom


def raises(error):
    """A call that raises the error."""

    def call():
        raise error

    return call


def error_failure(call, kind, *mentions):
    """The failure that expecting this error raises."""
    with pytest.raises(CheckFailure) as caught:
        expect_error(call, kind, *mentions, because="of the rule")
    return caught.value


def test_the_right_error_with_its_mentions_passes():
    expect_error(raises(ValueError("3 and 4")), ValueError, "3", "4", because="they differ")
    expect_error(raises(KeyError("a")), LookupError, because="a kind of it is as good")


@pytest.mark.parametrize(
    ("call", "got"),
    [
        (lambda: 7, "no error; it returned 7"),
        (raises(TypeError("odd")), "TypeError: odd"),
        (raises(ValueError("3 and 5")), "ValueError: 3 and 5 (it does not mention 4)"),
    ],
)
def test_the_wrong_error_fails(call, got):
    found = error_failure(call, ValueError, "3", "4")
    assert (found.got, found.expected) == (got, "ValueError that mentions 3 and 4")


def test_a_stub_never_raises_the_right_error():
    stub = raises(NotImplementedError("later"))
    for kind in (RuntimeError, NotImplementedError, Exception):
        assert error_failure(stub, kind).got == "NotImplementedError: later"


def test_a_failure_inside_of_the_call_stays_what_it_is():
    inner = CheckFailure("1", "2", "of another rule")
    with pytest.raises(CheckFailure, match="another rule"):
        expect_error(raises(inner), AssertionError, because="of the rule")


def test_leaving_the_program_is_no_error_of_the_answer():
    with pytest.raises(SystemExit):
        expect_error(raises(SystemExit(1)), Exception, because="of the rule")
