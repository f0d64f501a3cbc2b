"""The pictures of networks show what the numbers say, in shapes and in words."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from tinytorch.course import sights

SVG = "{http://www.w3.org/2000/svg}"
EDGE = np.repeat([[0, 0, 0, 1, 1, 1]], 6, axis=0)
RIGHT_MINUS_LEFT = np.repeat([[-1, 0, 1]], 3, axis=0)
CORNERS = [(0, 0), (0, 1), (1, 0), (1, 1)]


def one_of_each():
    return {
        "sliding_window": sights.sliding_window(EDGE, RIGHT_MINUS_LEFT),
        "receptive_fields": sights.receptive_fields(
            [sights.Layer("<a&>", 3), sights.Layer("b", 2, 2)]
        ),
        "regions": sights.regions({"<x>": np.tri(8, dtype=int)}, CORNERS, [0, 1, 1, 0]),
        "filters": sights.filters(np.arange(-9, 9).reshape(2, 3, 3), ["one", "<2>"]),
        "attention_maps": sights.attention_maps({"head 0": np.eye(3)}, ["a", "<b>", "c"]),
    }


def drawing(picture):
    return ET.fromstring(picture._repr_html_())


def written(picture):
    return [shape.text for shape in drawing(picture).iter(f"{SVG}text")]


def boxes(picture):
    return list(drawing(picture).iter(f"{SVG}rect"))


@pytest.mark.parametrize("name", one_of_each())
def test_every_picture_is_an_image_that_says_what_it_shows(name):
    svg = drawing(one_of_each()[name])
    assert svg.get("role") == "img"
    assert len(svg.get("aria-label")) > 20


@pytest.mark.parametrize("name", one_of_each())
def test_every_picture_takes_its_ink_from_the_page(name):
    for shape in drawing(one_of_each()[name]).iter():
        for paint in (shape.get("fill"), shape.get("stroke")):
            assert paint in (None, "none", "currentColor") or paint.startswith("var(--tt-hue-")


@pytest.mark.parametrize("name", one_of_each())
def test_every_picture_fits_its_frame_and_a_telephone(name):
    svg = drawing(one_of_each()[name])
    _, _, width, height = map(float, svg.get("viewBox").split())
    assert width <= 420
    for box in svg.iter(f"{SVG}rect"):
        x, y = float(box.get("x")), float(box.get("y"))
        assert 0 <= x < x + float(box.get("width")) <= width
        assert 0 <= y < y + float(box.get("height")) <= height


@pytest.mark.parametrize(
    ("options", "sums"),
    [
        ({}, [[0, 3, 3, 0]] * 4),
        ({"stride": 2}, [[0, 3]] * 2),
        ({"dilation": 2}, [[3, 3]] * 2),
    ],
)
def test_a_sliding_window_leaves_its_sums(options, sums):
    picture = sights.sliding_window(EDGE, RIGHT_MINUS_LEFT, **options)
    assert picture.text.endswith(f"sums {sums}")
    assert written(picture)[-np.size(sums) :] == [str(one) for row in sums for one in row]


def test_neighbouring_windows_are_as_far_apart_as_the_stride():
    places = {}
    for stride in (1, 2):
        picture = sights.sliding_window(EDGE, RIGHT_MINUS_LEFT, stride=stride)
        frames = [float(b.get("x")) for b in boxes(picture) if b.get("fill") == "none"]
        places[stride] = frames[2] - frames[0]  # between them stands the frame of a sum
    assert places[2] == pytest.approx(2 * places[1], rel=0.1)


def test_an_image_too_large_to_read_is_refused():
    with pytest.raises(ValueError, match="12 places can be read in a picture, not 28"):
        sights.sliding_window(np.zeros((28, 28)), RIGHT_MINUS_LEFT)


@pytest.mark.parametrize(
    ("layers", "fields"),
    [
        ([("a", 3), ("b", 3), ("c", 3)], [3, 5, 7]),
        ([("a", 3), ("b", 2, 2), ("c", 3)], [3, 4, 8]),
        ([("a", 3), ("b", 3, 1, 2), ("c", 3, 1, 4)], [3, 7, 15]),
    ],
)
def test_receptive_fields_grow_layer_by_layer(layers, fields):
    picture = sights.receptive_fields([sights.Layer(*layer) for layer in layers])
    assert [int(line.split()[-1]) for line in picture.text.splitlines()[1:]] == fields
    assert picture.text.startswith(f"image: {fields[-1]} pixels")
    lowest = max(float(box.get("y")) for box in boxes(picture))
    assert len([box for box in boxes(picture) if float(box.get("y")) == lowest]) == fields[-1]


def test_regions_count_the_points_that_lie_in_the_region_of_their_class():
    across, up = np.meshgrid(np.linspace(-0.5, 1.5, 40), np.linspace(-0.5, 1.5, 40))
    xor = ((across > 0.5) != (up > 0.5)).astype(int)
    named = {"left and right": (across > 0.5).astype(int), "exactly one": xor}
    picture = sights.regions(named, CORNERS, [0, 1, 1, 0])
    assert picture.text.splitlines() == [
        "left and right: 2 of 4 points lie in the region of their class",
        "exactly one: 4 of 4 points lie in the region of their class",
    ]


def test_filters_are_darkest_where_their_weights_are_largest():
    picture = sights.filters(np.array([[[-2.0, 1.0], [0.0, 2.0]]]))
    shades = [(box.get("fill"), float(box.get("fill-opacity"))) for box in boxes(picture)]
    below, above = sights.ORANGE, sights.BLUE
    assert shades == [(below, 1), (above, 0.5), (above, 0), (above, 1)]


def test_an_attention_map_names_where_each_query_looks_most():
    shares = np.array([[0.25, 0.75], [1.0, 0.0]])
    picture = sights.attention_maps({"head 0": shares}, ["you", "me"])
    assert picture.text == "head 0: you looks most at me, 75%\nhead 0: me looks most at you, 100%"
    assert [float(box.get("fill-opacity")) for box in boxes(picture)] == [0.25, 0.75, 1, 0]


def test_an_attention_map_too_large_to_read_is_refused():
    with pytest.raises(ValueError, match="not 13"):
        sights.attention_maps({"head": np.eye(13)}, [*map(str, range(13))])
