"""The charts show the numbers they are given, in shapes and in words."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from tinytorch.course import charts

SVG = "{http://www.w3.org/2000/svg}"
X = np.linspace(-2, 2, 9)
SIGNAL = np.array([-9.0, -0.5, 0.0, 0.5, 0.5, 9.0])


def drawing(picture):
    return ET.fromstring(picture._repr_html_())


def shapes(picture, kind, **look):
    found = drawing(picture).iter(f"{SVG}{kind}")
    return [one for one in found if all(one.get(name) == value for name, value in look.items())]


def one_of_each():
    return {
        "curves": charts.curves(X, {"x": X, "<square>": X**2, "half": X / 2, "none": 0 * X}),
        "histograms": charts.histograms({"tanh": {"1": SIGNAL, "20": 0 * SIGNAL}}, reach=1),
    }


@pytest.mark.parametrize("name", charts.__all__)
def test_every_chart_is_an_image_that_says_what_it_shows(name):
    picture = one_of_each()[name]
    assert drawing(picture).get("role") == "img"
    assert drawing(picture).get("aria-label") == " ".join(repr(picture).split())


@pytest.mark.parametrize("name", charts.__all__)
def test_everything_lies_inside_a_frame_that_fits_a_telephone(name):
    picture = one_of_each()[name]
    _, _, width, height = map(float, drawing(picture).get("viewBox").split())
    assert width <= 420
    for bar in shapes(picture, "rect"):
        assert float(bar.get("x")) + float(bar.get("width")) <= width
        assert float(bar.get("y")) + float(bar.get("height")) <= height
    for words in shapes(picture, "text"):
        share = {"start": 1.0, "middle": 0.5, "end": 0.0}[words.get("text-anchor")]
        reach = 0.61 * float(words.get("font-size")) * len(words.text)  # of a monospaced letter
        assert float(words.get("x")) + share * reach <= width
        assert float(words.get("x")) - (1 - share) * reach >= 0
        assert float(words.get("y")) + float(words.get("font-size")) / 2 <= height
    for path in shapes(picture, "path"):
        numbers = [float(found) for found in re.findall(r"-?[\d.]+", path.get("d"))]
        assert all(0 <= x <= width for x in numbers[::2])
        assert all(0 <= y <= height for y in numbers[1::2])


def test_curves_share_their_axes():
    picture = charts.curves(X, {"x": X, "square": X**2})
    straight, square = (path.get("d") for path in shapes(picture, "path", fill="none"))
    assert straight.split("L")[-1].split()[1] != square.split("L")[-1].split()[1]
    assert [words.text for words in shapes(picture, "text")].count("4") == 1  # the top, beside the first
    assert repr(picture) == "x: -2 at -2, 0 at 0, 2 at 2\nsquare: 4 at -2, 0 at 0, 4 at 2"


def test_a_curve_has_a_point_for_each_number():
    (path,) = shapes(charts.curves(X, {"x": X}), "path", fill="none")
    assert path.get("d").count("L") == len(X) - 1


def test_a_chart_of_zeros_is_no_division_by_zero():
    assert "zero: 0 at -2, 0 at 0, 0 at 2" in repr(charts.curves(X, {"zero": np.zeros(9)}))


def test_more_curves_than_columns_go_on_below():
    picture = drawing(charts.curves(X, {str(number): X for number in range(4)}))
    above, below = (drawing(charts.curves(X, {"x": X})), picture)
    heights = [float(one.get("viewBox").split()[3]) for one in (above, below)]
    assert heights[1] - heights[0] == 132


def test_histograms_count_what_lies_beyond_their_reach_at_its_ends():
    picture = charts.histograms({"name": {"1": SIGNAL}}, reach=1)
    bars = sorted(shapes(picture, "rect"), key=lambda bar: float(bar.get("x")))
    assert [float(bar.get("height")) for bar in bars] == [24, 24, 24, 48, 24]
    assert repr(picture) == f"name: spread in 1 {SIGNAL.std():.2g}"


def test_numbers_that_are_all_equal_make_one_bar():
    assert len(shapes(charts.histograms({"zero": {"1": np.zeros(5)}}, reach=1), "rect")) == 1
