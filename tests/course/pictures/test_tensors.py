"""The pictures of tensors show what is really there: values, strides and shared memory."""

import numpy as np
import pytest

from tests.course.pictures.reading import dashed, shapes, written
from tinytorch.course import pictures

GRID = np.arange(6).reshape(2, 3)


def test_a_layout_names_shape_strides_and_steps():
    assert str(pictures.memory_layout(GRID)) == (
        "shape (2, 3), strides (3, 1)\n"
        "  0 1 2\n"
        "  3 4 5\n"
        "memory: 0 1 2 3 4 5\n"
        "dim 0: +3 a step, memory cells 0 3\n"
        "dim 1: +1 a step, memory cells 0 1 2"
    )


def test_a_transposed_tensor_has_the_same_memory_and_other_steps():
    text = str(pictures.memory_layout(GRID.T))
    assert "shape (3, 2), strides (1, 3)" in text
    assert "memory: 0 1 2 3 4 5" in text
    assert "dim 0: +1 a step, memory cells 0 1 2" in text


def test_a_slice_shows_the_memory_that_it_skips():
    picture = pictures.memory_layout(np.arange(7)[1::3])
    assert "memory: 0 1 2 3 4 5 6" in str(picture)
    assert "dim 0: +3 a step, memory cells 1 4" in str(picture)
    assert len(dashed(picture)) == 5


def test_a_column_major_array_shows_its_memory_in_order():
    assert "memory: 0 3 1 4 2 5" in str(pictures.memory_layout(np.asfortranarray(GRID)))


def test_a_reversed_view_steps_backward():
    assert "dim 0: -1 a step, memory cells 2 1 0" in str(pictures.memory_layout(np.arange(3)[::-1]))


def test_a_stretched_axis_stays_on_its_cell():
    text = str(pictures.memory_layout(np.broadcast_to(np.arange(2), (3, 2))))
    assert "dim 0: +0 a step, memory cells 0 0 0" in text


def test_three_dimensions_are_drawn_as_blocks():
    picture = pictures.memory_layout(np.arange(12).reshape(2, 2, 3))
    assert {"[0]", "[1]"} <= set(written(picture))
    assert len(shapes(picture, "rect")) == 12 + 12  # the blocks, and the memory


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (1, 1)])
def test_the_smallest_tensors_can_be_drawn(shape):
    assert f"shape {shape}" in str(pictures.memory_layout(np.ones(shape)))


def test_a_large_tensor_is_refused_with_its_size():
    with pytest.raises(ValueError, match="at most 64 numbers, this needs 100"):
        pictures.memory_layout(np.ones(100))


def test_views_share_a_memory_and_a_copy_has_its_own():
    picture = pictures.shared_memory(grid=GRID, column=GRID[:, 1], copy=GRID.copy())
    assert str(picture) == (
        "memory 0: 0 1 2 3 4 5\n"
        "  grid reads cells 0 1 2 3 4 5\n"
        "  column reads cells 1 4\n"
        "memory 1: 0 1 2 3 4 5\n"
        "  copy reads cells 0 1 2 3 4 5"
    )


def test_more_views_than_hues_can_be_drawn():
    views = {f"view{number}": GRID for number in range(8)}
    assert str(pictures.shared_memory(**views)).count("reads") == 8


def test_broadcasting_dashes_what_is_repeated():
    picture = pictures.broadcasting(np.array([[1], [2]]), np.array([10, 20, 30]))
    assert len(shapes(picture, "rect")) == 3 * 6
    assert len(dashed(picture)) == 4 + 3
    assert "a + b = [[11, 21, 31], [12, 22, 32]]" in str(picture)


def test_shapes_that_do_not_broadcast_have_no_picture():
    with pytest.raises(ValueError, match=r"\(3,\) \+ \(4,\)"):
        pictures.broadcasting(np.ones(3), np.ones(4))


def test_broadcasting_in_three_dimensions_asks_for_a_slice():
    with pytest.raises(ValueError, match="3 and 1: draw a slice"):
        pictures.broadcasting(np.ones((2, 2, 2)), np.ones(2))


def test_matmul_shows_the_inner_sizes_that_meet():
    picture = pictures.matmul_shapes(np.ones((2, 3)), np.ones((3, 4)))
    assert str(picture) == "(2, 3) @ (3, 4) = (2, 4)\nboth inner sizes are 3"
    assert len(shapes(picture, "rect")) == 3


def test_matmul_shows_the_inner_sizes_that_differ():
    picture = pictures.matmul_shapes((3, 4), (5, 2))
    assert "inner sizes 4 and 5 differ" in str(picture)
    assert len(shapes(picture, "rect")) == 2


def test_matmul_of_vectors_drops_their_dimension():
    assert "(4,) @ (4, 2) = (2,)" in str(pictures.matmul_shapes((4,), (4, 2)))
    assert "(4,) @ (4,) = ()" in str(pictures.matmul_shapes((4,), (4,)))


def test_matmul_of_stacks_is_refused():
    with pytest.raises(ValueError, match="1 or 2 dimensions"):
        pictures.matmul_shapes((2, 3, 4), (4, 5))
