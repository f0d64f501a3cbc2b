"""The pictures of layers show how one computes and what a module holds."""

import numpy as np

import tinytorch as tt
from tests.course.pictures.reading import dashed, shapes, solid
from tinytorch.course import pictures

X, WEIGHT, BIAS = np.array([[1, 0, 2], [3, 1, 0]]), np.array([[1, 2, 3], [0, 1, -1]]), [10, 20]


class Scaled(tt.Module):
    """A chain behind a scale that is not learned."""

    def __init__(self):
        self.register_buffer("scale", tt.ones(3))
        self.inner = tt.Sequential(tt.Dense(3, 2), tt.ReLU())

    def forward(self, x):
        return self.inner(x * self.scale)


def test_a_dense_layer_shows_its_arithmetic():
    assert repr(pictures.dense_layer(X, WEIGHT, BIAS)) == (
        "(2, 3) @ (3, 2) + (2,) = (2, 2)\nthe first number of y: 1 * 1 + 0 * 2 + 2 * 3 + 10 = 17"
    )


def test_what_makes_the_first_number_is_solid_and_the_rest_dashed():
    picture = pictures.dense_layer(X, WEIGHT, BIAS)
    assert len(solid(picture)) == 3 + 3 + 1 + 1
    assert len(dashed(picture)) == X.size + WEIGHT.size + len(BIAS) + 4 - 8
    pale = [words.text for words in shapes(picture, "text") if words.get("fill-opacity")]
    assert pale == ["3", "1", "0", "0", "1", "-1", "20", "18", "15", "21"]


def test_tensors_are_drawn_like_arrays():
    picture = pictures.dense_layer(tt.tensor(X), tt.tensor(WEIGHT), tt.tensor(BIAS))
    assert repr(picture) == repr(pictures.dense_layer(X, WEIGHT, BIAS))


def test_a_module_shows_what_it_holds_and_what_is_learned():
    assert repr(pictures.module_tree(Scaled())) == (
        "Scaled\n"
        "  scale: buffer (3,)\n"
        "  inner: Sequential\n"
        "    0: Dense\n"
        "      weight: parameter (2, 3)\n"
        "      bias: parameter (2,)\n"
        "    1: ReLU"
    )


def test_each_box_hangs_on_the_one_that_holds_it():
    picture = pictures.module_tree(Scaled())
    assert len(shapes(picture, "path")) == len(shapes(picture, "rect")) - 1
