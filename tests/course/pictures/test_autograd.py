"""The pictures of autograd show in which order a graph was gone back through, and its memory."""

from tests.course.pictures.reading import dashed, shapes, solid, written
from tinytorch.course import pictures

TWICE = [("c", 1.0), ("a", 1.0), ("b", 0.5), ("a", 1.5)]
ONCE = [("c", 1.0), ("b", 0.5), ("a", 1.5)]


def test_every_visit_has_its_box_with_the_gradient_that_the_node_had_then():
    picture = pictures.visits({"early": TWICE, "in order": ONCE})
    assert written(picture) == [
        *("early", "c: 1", "a: 1", "b: 0.5", "a: 1.5"),
        *("in order", "c: 1", "b: 0.5", "a: 1.5"),
    ]
    assert "early, 4 visits: c has 1, a has 1, b has 0.5, a has 1.5" in picture.text


def test_a_visit_that_was_not_the_last_one_is_dashed():
    picture = pictures.visits({"early": TWICE})
    assert len(dashed(picture)) == 1
    assert len(solid(picture)) == 3
    assert dashed(picture)[0].get("y") == shapes(picture, "rect")[1].get("y")


def test_visits_follow_each_other_downwards_and_ways_stand_side_by_side():
    boxes = shapes(pictures.visits({"early": TWICE, "in order": ONCE}), "rect")
    down = [float(box.get("y")) for box in boxes]
    assert down[:4] == sorted(down[:4])
    assert down[4:] == down[:3]
    assert len({box.get("x") for box in boxes}) == 2


def test_the_memory_of_each_run_is_a_line_whose_highest_place_is_named():
    picture = pictures.memory_held({"all": [0, 3 << 20, 2**20], "again": [0, 1 << 20, 0, 2**19]})
    assert {"all: at most 3 MiB", "again: at most 1 MiB"} <= set(written(picture))
    assert "again: at most 1 MiB, in 4 operations" in picture.text


def test_runs_of_different_lengths_are_drawn_on_one_scale():
    picture = pictures.memory_held({"short": [0, 3 << 20, 0], "long": [0, 0, 0, 0, 3 << 20]})
    short, long = (places(path) for path in shapes(picture, "path") if path.get("d").count("L") > 1)
    assert (short[0][0], short[-1][0]) == (long[0][0], long[-1][0])
    assert min(y for _, y in short) == min(y for _, y in long)
    assert long[-1][1] < long[0][1]


def places(path):
    """Return the corners of a line."""
    return [tuple(map(float, place.split())) for place in path.get("d").lstrip("M").split("L")]
