"""The charts show the numbers they are given, in shapes and in words."""

import re

import numpy as np
import pytest

from tests.course.pictures.reading import drawing, shapes, written
from tinytorch.course import pictures
from tinytorch.course.pictures.strokes import BLUE

X = np.linspace(-2, 2, 9)
SIGNAL = np.array([-9.0, -0.5, 0.0, 0.5, 0.5, 9.0])


def test_curves_share_their_axes():
    picture = pictures.curves(X, {"x": X, "square": X**2})
    straight, square = (path.get("d") for path in shapes(picture, "path", fill="none"))
    assert straight.split("L")[-1].split()[1] != square.split("L")[-1].split()[1]
    assert written(picture).count("4") == 1  # the top, beside the first
    assert repr(picture) == "x: -2 at -2, 0 at 0, 2 at 2\nsquare: 4 at -2, 0 at 0, 4 at 2"


def test_a_curve_has_a_point_for_each_number():
    (path,) = shapes(pictures.curves(X, {"x": X}), "path", fill="none")
    assert path.get("d").count("L") == len(X) - 1


def test_a_chart_of_zeros_is_no_division_by_zero():
    assert "zero: 0 at -2, 0 at 0, 0 at 2" in repr(pictures.curves(X, {"zero": np.zeros(9)}))


def test_more_curves_than_columns_go_on_below():
    one, four = (pictures.curves(X, {str(n): X for n in range(count)}) for count in (1, 4))
    heights = [float(drawing(picture).get("viewBox").split()[3]) for picture in (one, four)]
    assert 1.5 < heights[1] / heights[0] <= 2


def bars(picture):
    """Return the heights of the bars of a histogram, from left to right."""
    (path,) = shapes(picture, "path", fill=BLUE)
    return [float(height) for height in re.findall(r"v([\d.]+)", path.get("d"))]


def test_histograms_count_what_lies_beyond_their_reach_at_its_ends():
    picture = pictures.histograms({"name": {"1": SIGNAL.clip(-1, 1)}}, reach=1)
    assert bars(picture) == [24, 24, 24, 48, 24]
    assert bars(pictures.histograms({"name": {"1": SIGNAL}}, reach=1)) == bars(picture)


def test_histograms_tell_the_spread_of_all_numbers():
    picture = pictures.histograms({"name": {"1": SIGNAL}}, reach=1)
    assert repr(picture) == f"name: spread in 1 {SIGNAL.std():.2g}"


def test_numbers_that_are_all_equal_make_one_bar():
    assert bars(pictures.histograms({"zero": {"1": np.zeros(5)}}, reach=1)) == [48]


def test_lines_go_through_the_heights_they_are_given():
    picture = pictures.lines({"half": [0, 1, 2]}, over=[1, 2, 3], title="a line")
    heights = [float(dot.get("cy")) for dot in shapes(picture, "circle")]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2])
    assert repr(picture) == "a line, over 1, 2, 3\nhalf: 0, 1, 2"
    assert {"0", "1", "2", "3", "half"} <= set(written(picture))


def test_places_without_a_word_are_not_told():
    picture = pictures.lines({"a": [1, 2, 3]}, over=["", 5, ""], title="some")
    assert repr(picture).startswith("some, over 5\n")


def test_a_word_is_left_out_where_there_is_no_room_for_it():
    places = [f"place {number}" for number in range(20)]
    below = written(pictures.lines({"a": range(20)}, over=places, title="t"))
    assert "place 0" in below
    assert "place 1" not in below


def test_lines_of_zeros_are_no_division_by_zero():
    assert repr(pictures.lines({"none": [0, 0]}, over=[1, 2], title="t")).endswith("none: 0, 0")


def test_equal_scores_pile_up():
    picture = pictures.dots([0.5, 0.75, 0.75, 1.0], title="four seeds")
    places = [(dot.get("cx"), dot.get("cy")) for dot in shapes(picture, "circle")]
    assert len(set(places)) == 4
    assert len({x for x, _ in places}) == 3
    assert repr(picture) == "four seeds: lowest 0.500, middle 0.750, highest 1.000"


def test_one_score_is_no_division_by_zero():
    assert len(shapes(pictures.dots([0.5, 0.5], title="two"), "circle")) == 2
