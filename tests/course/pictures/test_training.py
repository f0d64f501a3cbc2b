"""The pictures of training show ways, losses, gradients and confusions as they are."""

import re

import numpy as np

import tinytorch as tt
from tests.course.pictures.reading import shapes, written
from tinytorch.course import pictures
from tinytorch.course.pictures.strokes import BLUE, ORANGE, RED

BOWL = np.array([[4.0, 0.05, 4.0], [0.5, 0.0, 0.5], [4.0, 0.05, 4.0]])


def ways(picture):
    """Return the places of every line, as numbers."""
    found = shapes(picture, "path", fill="none", stroke=RED)
    return [
        [tuple(map(float, place.split())) for place in way.get("d")[1:].split("L")] for way in found
    ]


def test_a_way_downhill_begins_with_a_ring_and_ends_with_a_dot():
    picture = pictures.descents(BOWL, {"a": [(0, 0), (1, 1)]}, x=(0, 2), y=(0, 2))
    ring, dot = shapes(picture, "circle")
    assert (ring.get("fill"), dot.get("fill")) == ("none", RED)
    assert repr(picture).splitlines()[0] == "a: from (0, 0) to (1, 1) in 1 steps"


def test_maps_say_what_lies_along_their_sides():
    ways = {"a": [(0, 0)], "b": [(0, 0)], "c": [(0, 0)]}
    picture = pictures.descents(BOWL, ways, x=(0, 2), y=(-1, 3), axes=("weight", "bias"))
    said = "across: weight, 0 to 2; up: bias, -1 to 3"
    assert repr(picture).splitlines()[-1] == said
    assert said in written(picture)


def test_up_is_up_on_a_map():
    picture = pictures.descents(BOWL, {"a": [(1, 0), (1, 2)]}, x=(0, 2), y=(0, 2))
    ((begin, end),) = ways(picture)
    assert begin[0] == end[0]
    assert begin[1] > end[1]


def test_a_way_that_leaves_the_map_runs_along_its_edge():
    path = [(1, 1), (1e9, 1), (np.inf, -np.inf), (np.nan, 1)]
    ((_, far, corner, lost),) = ways(pictures.descents(BOWL, {"a": path}, x=(0, 2), y=(0, 2)))
    assert far[0] == corner[0] > lost[0]
    assert corner[1] > far[1]


def test_the_lowest_place_of_a_map_is_the_palest():
    picture = pictures.descents(BOWL, {"a": [(0, 0), (1, 1)]}, x=(0, 2), y=(0, 2))
    inks = {float(band.get("fill-opacity")) for band in shapes(picture, "path", fill=BLUE)}
    assert len(inks) == 3  # of the four heights, the lowest has none
    assert max(inks) < 0.6


def test_equal_factors_are_equal_distances_in_a_picture_of_convergence():
    picture = pictures.convergence({"loss": [100, 10, 1]}, over=[0, 1, 2], title="t")
    first, second, third = (float(dot.get("cy")) for dot in shapes(picture, "circle"))
    assert abs((second - first) - (third - second)) < 1e-3
    assert repr(picture) == "t, over 0 to 2\nloss: from 100 to 1, lowest 1"


def test_a_line_ends_where_its_heights_are_no_longer_finite():
    named = {"wild": [1, 10, np.inf, 5], "never": [np.nan, 1]}
    picture = pictures.convergence(named, over=[0, 1, 2, 3], title="t")
    assert len(shapes(picture, "circle")) == 2
    assert "wild: from 1 to 10, then not finite, lowest 1" in repr(picture)
    assert "never: never finite" in repr(picture)


def test_places_without_words_are_numbered_where_there_is_room():
    picture = pictures.convergence({"loss": [1.0] * 38, "short": [1.0]}, title="t")
    assert [word for word in written(picture) if word.isdigit()] == [
        "1",
        "10",
        "0",
        "10",
        "20",
        "30",
    ]
    assert repr(picture).splitlines()[0] == "t, over 0 to 30"


def test_an_average_is_that_of_a_height_and_those_before_it():
    picture = pictures.convergence({"loss": [1, 3, 5, 9]}, title="t", average=2)
    assert repr(picture).splitlines()[1] == "loss: from 1 to 7, lowest 1"
    (_, second, third, _) = (float(dot.get("cy")) for dot in shapes(picture, "circle"))
    plain = pictures.convergence({"loss": [1, 2, 4, 7]}, title="t")
    assert [second, third] == [float(dot.get("cy")) for dot in shapes(plain, "circle")[1:3]]


def test_heights_of_zero_lie_on_the_floor():
    picture = pictures.convergence({"a": [1.0, 0.0]}, over=[0, 1], title="t")
    _, zero = shapes(picture, "circle")
    assert float(zero.get("cy")) == 216


def test_the_way_back_shows_every_layer_and_its_parameters():
    model = tt.MLP(4, 3, 2)
    picture = pictures.way_back(tt.training.passes(model, tt.zeros(5, 4)))
    found = written(picture)
    assert [word for word in found if word in ("Flatten", "Dense", "ReLU", "loss")] == [
        "Flatten", "Dense", "ReLU", "Dense", "loss"
    ]  # fmt: skip
    assert found.count("+ weight, bias") == 2
    assert found.count("(5, 3)") == 2 * 2  # into the activation and out of it, there and back
    assert repr(picture).splitlines()[1] == "Dense: (5, 4) -> (5, 3), and the gradient back"


def test_a_confusion_counts_what_is_right_and_names_what_is_wrong():
    picture = pictures.confusion([[3, 1, 0], [0, 4, 0], [2, 0, 5]], "abc")
    assert repr(picture) == "12 of 15 right\nc taken for a: 2\na taken for b: 1"
    wrong = [box for box in shapes(picture, "rect", fill=ORANGE) if box.get("fill-opacity") > "0"]
    assert [box.get("fill-opacity") for box in wrong].count("0.60") == 2
    assert not re.search(r">0<", picture.svg)
