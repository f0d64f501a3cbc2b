"""The pictures of the setup show what they are given, in shapes and in words."""

from tests.course.pictures.reading import shapes
from tinytorch.course import pictures
from tinytorch.course.pictures.strokes import GREEN, ORANGE, RED

VERSIONS = {"~=2.3": {"2.2": False, "2.3": True, "2.4": True}, "<2": {"2.2": False, "2.3": False}}


def test_items_that_keep_their_place_are_green_and_others_red():
    picture = pictures.orders(["10", "9", "a"], ["9", "10", "a"], titles=("as", "by"))
    assert len(shapes(picture, "path", stroke=RED)) == 2
    assert len(shapes(picture, "path", stroke=GREEN)) == 1


def test_a_full_circle_is_admitted_and_a_ring_is_not():
    picture = pictures.admission(VERSIONS)
    assert len(shapes(picture, "circle", fill=GREEN)) == 2
    assert len(shapes(picture, "circle", fill="none")) == 3
    assert repr(picture) == "~=2.3 admits 2.3, 2.4\n<2 admits none"


def test_runs_that_repeat_are_green():
    picture = pictures.draws({"one": ([0.1, 0.2], [0.1, 0.2]), "two": ([0.0], [1.0])})
    assert len(shapes(picture, "rect", fill=GREEN)) == 4
    assert len(shapes(picture, "rect", fill=ORANGE)) == 2
    assert "one: the second run repeats the first" in repr(picture)
    assert "two: the second run differs from the first" in repr(picture)


def test_digits_that_differ_are_marked_and_counted():
    picture = pictures.digests({"before": "0a" * 32, "after": "0b" * 32})
    assert len(shapes(picture, "rect", fill=ORANGE)) == 32
    assert len(shapes(picture, "rect", fill=GREEN)) == 96
    assert "after: 32 of 64 digits differ" in repr(picture)
