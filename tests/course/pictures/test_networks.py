"""The pictures of networks show what the numbers say, in shapes and in words."""

import numpy as np
import pytest

from tests.course.pictures.reading import shapes, written
from tinytorch.course import pictures
from tinytorch.course.pictures.strokes import BLUE, ORANGE

EDGE = np.repeat([[0, 0, 0, 1, 1, 1]], 6, axis=0)
RIGHT_MINUS_LEFT = np.repeat([[-1, 0, 1]], 3, axis=0)
CORNERS = [(0, 0), (0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize(
    ("options", "sums"),
    [
        ({}, [[0, 3, 3, 0]] * 4),
        ({"stride": 2}, [[0, 3]] * 2),
        ({"dilation": 2}, [[3, 3]] * 2),
    ],
)
def test_a_sliding_window_leaves_its_sums(options, sums):
    picture = pictures.sliding_window(EDGE, RIGHT_MINUS_LEFT, **options)
    assert picture.text.endswith(f"sums {sums}")
    assert written(picture)[-np.size(sums) :] == [str(one) for row in sums for one in row]


@pytest.mark.parametrize("stride", [1, 2])
def test_neighbouring_windows_are_as_far_apart_as_the_stride(stride):
    picture = pictures.sliding_window(EDGE, RIGHT_MINUS_LEFT, stride=stride)
    first, its_sum, second, _ = shapes(picture, "rect", fill="none")
    pixel = float(its_sum.get("width")) + 1
    apart = float(second.get("x")) - float(first.get("x"))
    assert apart == pytest.approx(stride * pixel, rel=1e-3)


def test_an_image_too_large_to_read_is_refused():
    with pytest.raises(ValueError, match="12 places can be read in a picture, not 28"):
        pictures.sliding_window(np.zeros((28, 28)), RIGHT_MINUS_LEFT)


@pytest.mark.parametrize(
    ("layers", "fields"),
    [
        ([("a", 3), ("b", 3), ("c", 3)], [3, 5, 7]),
        ([("a", 3), ("b", 2, 2), ("c", 3)], [3, 4, 8]),
        ([("a", 3), ("b", 3, 1, 2), ("c", 3, 1, 4)], [3, 7, 15]),
    ],
)
def test_receptive_fields_grow_layer_by_layer(layers, fields):
    picture = pictures.receptive_fields([pictures.Window(*layer) for layer in layers])
    assert [int(line.split()[-1]) for line in picture.text.splitlines()[1:]] == fields
    assert picture.text.startswith(f"image: {fields[-1]} pixels")
    lowest = max(float(box.get("y")) for box in shapes(picture, "rect"))
    assert len(shapes(picture, "rect", y=f"{lowest:g}")) == fields[-1]


def test_regions_count_the_points_that_lie_in_the_region_of_their_class():
    across, up = np.meshgrid(np.linspace(-0.5, 1.5, 40), np.linspace(-0.5, 1.5, 40))
    xor = ((across > 0.5) != (up > 0.5)).astype(int)
    named = {"left and right": (across > 0.5).astype(int), "exactly one": xor}
    picture = pictures.regions(named, CORNERS, [0, 1, 1, 0])
    assert picture.text.splitlines() == [
        "left and right: 2 of 4 points lie in the region of their class",
        "exactly one: 4 of 4 points lie in the region of their class",
    ]


def test_filters_are_darkest_where_their_weights_are_largest():
    picture = pictures.filters(np.array([[[-2.0, 1.0], [0.0, 2.0]]]))
    shades = [(box.get("fill"), float(box.get("fill-opacity"))) for box in shapes(picture, "rect")]
    below, above = ORANGE, BLUE
    assert shades == [(below, 1), (above, 0.5), (above, 0), (above, 1)]


def test_an_attention_map_names_where_each_query_looks_most():
    shares = np.array([[0.25, 0.75], [1.0, 0.0]])
    picture = pictures.attention_maps({"head 0": shares}, ["you", "me"])
    assert picture.text == "head 0: you looks most at me, 75%\nhead 0: me looks most at you, 100%"
    assert [float(box.get("fill-opacity")) for box in shapes(picture, "rect")] == [0.25, 0.75, 1, 0]


def test_an_attention_map_too_large_to_read_is_refused():
    with pytest.raises(ValueError, match="not 13"):
        pictures.attention_maps({"head": np.eye(13)}, [*map(str, range(13))])
