"""The blueprints show how a layer computes and what a module holds."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import blueprints

SVG = "{http://www.w3.org/2000/svg}"
X, WEIGHT, BIAS = np.array([[1, 0, 2], [3, 1, 0]]), np.array([[1, 2, 3], [0, 1, -1]]), [10, 20]


class Scaled(tt.Module):
    """A chain behind a scale that is not learned."""

    def __init__(self):
        self.register_buffer("scale", tt.ones(3))
        self.inner = tt.Sequential(tt.Dense(3, 2), tt.ReLU())

    def forward(self, x):
        return self.inner(x * self.scale)


def drawing(picture):
    return ET.fromstring(picture._repr_html_())


def one_of_each():
    return {
        "dense_layer": blueprints.dense_layer(X, WEIGHT, BIAS),
        "module_tree": blueprints.module_tree(Scaled()),
    }


@pytest.mark.parametrize("name", blueprints.__all__)
def test_every_blueprint_is_an_image_that_says_what_it_shows(name):
    picture = one_of_each()[name]
    assert drawing(picture).get("role") == "img"
    assert drawing(picture).get("aria-label") == " ".join(repr(picture).split())


@pytest.mark.parametrize("name", blueprints.__all__)
def test_everything_lies_inside_a_frame_that_fits_a_telephone(name):
    picture = drawing(one_of_each()[name])
    _, _, width, height = map(float, picture.get("viewBox").split())
    assert width <= 420
    for box in picture.iter(f"{SVG}rect"):
        assert float(box.get("x")) + float(box.get("width")) <= width
        assert float(box.get("y")) + float(box.get("height")) <= height
    for words in picture.iter(f"{SVG}text"):
        share = {"start": 1.0, "middle": 0.5}[words.get("text-anchor")]
        reach = 0.61 * float(words.get("font-size")) * len(words.text)  # of a monospaced letter
        assert float(words.get("x")) + share * reach <= width
        assert float(words.get("x")) - (1 - share) * reach >= 0


def test_a_dense_layer_shows_its_arithmetic():
    assert repr(one_of_each()["dense_layer"]) == (
        "(2, 3) @ (3, 2) + (2,) = (2, 2)\nthe first number of y: 1 * 1 + 0 * 2 + 2 * 3 + 10 = 17"
    )


def test_what_makes_the_first_number_is_in_full_colour():
    picture = drawing(one_of_each()["dense_layer"])
    numbers = [group for group in picture.iter(f"{SVG}g") if group.find(f"{SVG}rect") is not None]
    bright = [group.find(f"{SVG}text").text for group in numbers if group.get("opacity") is None]
    assert bright == ["1", "0", "2", "1", "2", "3", "10", "17"]
    assert len(numbers) == X.size + WEIGHT.size + len(BIAS) + 4


def test_tensors_are_drawn_like_arrays():
    picture = blueprints.dense_layer(tt.tensor(X), tt.tensor(WEIGHT), tt.tensor(BIAS))
    assert repr(picture) == repr(one_of_each()["dense_layer"])


def test_a_module_shows_what_it_holds_and_what_is_learned():
    assert repr(one_of_each()["module_tree"]) == (
        "Scaled\n"
        "  scale: buffer (3,)\n"
        "  inner: Sequential\n"
        "    0: Dense\n"
        "      weight: parameter (2, 3)\n"
        "      bias: parameter (2,)\n"
        "    1: ReLU"
    )


def test_each_box_hangs_on_the_one_that_holds_it():
    picture = drawing(one_of_each()["module_tree"])
    boxes, lines = list(picture.iter(f"{SVG}rect")), list(picture.iter(f"{SVG}path"))
    assert len(lines) == 2 * (len(boxes) - 1)
