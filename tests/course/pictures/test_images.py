"""A gallery shows every pixel of what hangs in it, on a page and in a terminal."""

import re

import numpy as np
import pytest

from tests.course.pictures.reading import drawing, shapes, written
from tinytorch.course import pictures


def pixels(picture):
    """Read the runs of the first image back into a grid of shades."""
    grid = np.zeros((3, 3))
    for path in shapes(picture, "path"):
        for start, row, length in re.findall(r"M(\d+) (\d+)\.5h(\d+)", path.get("d")):
            columns = slice(int(start), int(start) + int(length))
            grid[int(row), columns] = float(path.get("stroke-opacity"))
    return grid


def test_a_gallery_draws_every_pixel_in_its_shade():
    image = np.array([[0, 255, 255], [128, 0, 128], [64, 64, 64]], np.uint8)
    drawn = pixels(pictures.gallery(image[None]))
    np.testing.assert_allclose(drawn, image / 255, atol=1 / 16)


def test_a_blank_image_has_no_ink():
    assert not pixels(pictures.gallery(np.zeros((1, 3, 3)))).any()


def test_a_gallery_says_what_hangs_in_it():
    picture = pictures.gallery(np.array([np.eye(3), np.zeros((3, 3))]), labels=[1, 0])
    assert drawing(picture).get("aria-label") == "2 gray images of 3 by 3 pixels labelled 1, 0"
    assert written(picture) == ["1", "0"]


def test_images_are_drawn_with_letters_in_a_terminal():
    text = str(pictures.gallery(np.array([[[0, 4], [2, 1]]]), labels=["x"]))
    assert text == "  @@\n==::\n x"


def test_large_images_are_drawn_with_half_as_many_rows_of_letters():
    image = np.zeros((1, 28, 28))
    image[0, :2] = 1
    assert str(pictures.gallery(image)).split("\n") == ["@" * 28, *[""] * 13]


def test_one_image_needs_no_batch():
    assert "1 gray image of 3 by 3" in pictures.gallery(np.eye(3)).svg


def test_images_hang_in_rows_of_about_equal_length():
    assert str(pictures.gallery(np.ones((5, 2, 2)), columns=2)).count("\n") == 3 * 2 - 1
    places = [box.get("x") for box in shapes(pictures.gallery(np.ones((10, 2, 2))), "rect")]
    assert len(set(places)) == 5


def test_long_labels_get_the_room_they_need():
    picture = pictures.gallery(np.ones((4, 2, 2)), ["a longer label"] * 4)
    assert len({words.get("y") for words in shapes(picture, "text")}) == 2


@pytest.mark.parametrize("shape", [(3,), (0, 3, 3), (1, 1, 3, 3)])
def test_a_gallery_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match=re.escape(str(shape))):
        pictures.gallery(np.ones(shape))


def test_a_gallery_needs_as_many_labels_as_images():
    with pytest.raises(ValueError, match="2 images need 2 labels, got 1"):
        pictures.gallery(np.ones((2, 3, 3)), ["one"])
