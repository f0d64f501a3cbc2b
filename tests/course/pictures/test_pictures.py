"""What every picture promises: words for its content, the page's ink, and room for a telephone."""

import inspect
from dataclasses import dataclass

import numpy as np
import pytest

import tinytorch as tt
from tests.course.pictures.reading import drawing, extents, overlaps, shapes
from tinytorch.course import pictures
from tinytorch.course.pictures import Window
from tinytorch.course.pictures.strokes import HUES

MARKUP = '<a> & "b"'
GRID = np.arange(6).reshape(2, 3)
TELEPHONE = 360  # units, which it shows in 325 pixels


@dataclass
class Event:
    """Somebody reads a batch."""

    who: str = "worker 0"
    what: str = "read"
    batch: int = 0
    start: float = 0.0
    end: float = 1.0


EXAMPLES = {
    "admission": lambda: pictures.admission({MARKUP: {"2.2": False, "2.3": True}}),
    "attention_maps": lambda: pictures.attention_maps({MARKUP: np.eye(6)}, ["somebody"] * 6),
    "broadcasting": lambda: pictures.broadcasting(GRID, np.array([10, 20, 30])),
    "confusion": lambda: pictures.confusion(np.arange(100).reshape(10, 10), [MARKUP, *range(9)]),
    "convergence": lambda: pictures.convergence(
        {MARKUP: [1e-3, 1e4, np.nan], "b": [0, 1, 2]}, over=["1", "20", "300"], title="a title"
    ),
    "curves": lambda: pictures.curves(np.arange(-9, 9), {MARKUP: -np.arange(18) * 1e3} | MORE),
    "dense_layer": lambda: pictures.dense_layer(GRID, GRID, [10, 20]),
    "descents": lambda: pictures.descents(
        GRID, {MARKUP: [(0, 0), (9, -9), (1, 1)], "b": [(0, 1), (1, 0)]}, x=(0, 2), y=(0, 2)
    ),
    "digests": lambda: pictures.digests({MARKUP: "0a" * 32, "after": "0b" * 32}),
    "dots": lambda: pictures.dots([0.5, 0.75, 0.75, 1.0], title=MARKUP),
    "draws": lambda: pictures.draws({MARKUP: ([0.1, 0.2], [0.1, 0.2]), "two": ([0.0], [1.0])}),
    "environments": pictures.environments,
    "filters": lambda: pictures.filters(np.arange(-9, 9).reshape(2, 3, 3), [MARKUP, "b"]),
    "gallery": lambda: pictures.gallery(np.arange(108).reshape(12, 3, 3), [MARKUP] * 12, columns=4),
    "histograms": lambda: pictures.histograms(
        {MARKUP: {str(layer): GRID / 6 for layer in (1, 5, 10, 15, 20)}}, reach=1
    ),
    "lines": lambda: pictures.lines(
        {MARKUP: [1e-3, 1e4]} | {"a name of twenty six letters": [0, 1], "b": [0, 1]},
        over=["512 KiB", "1024 KiB"],
        title="a title",
        unit="%",
    ),
    "matmul_shapes": lambda: pictures.matmul_shapes((1797, 64), (64, 10)),
    "memory_held": lambda: pictures.memory_held({MARKUP: [0, 3 << 20, 100], "b": [2**30]}),
    "memory_layout": lambda: pictures.memory_layout(GRID),
    "module_tree": lambda: pictures.module_tree(tt.Sequential(tt.Dense(3, 2), tt.ReLU())),
    "orders": lambda: pictures.orders(["10", "9", MARKUP], ["9", MARKUP, "10"], titles=("a", "b")),
    "receptive_fields": lambda: pictures.receptive_fields([Window(MARKUP, 3), Window("b", 2, 2)]),
    "regions": lambda: pictures.regions({MARKUP: np.tri(8, dtype=int)}, [(0, 0), (1, 1)], [0, 1]),
    "sample_path": lambda: pictures.sample_path([[3, 0, 9], [1]], ["(3, 8, 8)", "<&"]),
    "shards": lambda: pictures.shards([100, 7], {0, 9}, size=4),
    "shared_memory": lambda: pictures.shared_memory(grid=GRID, row=GRID[1], copy=GRID.copy()),
    "sliding_window": lambda: pictures.sliding_window(np.eye(6), np.ones((3, 3))),
    "timeline": lambda: pictures.timeline([Event(), Event(MARKUP, "wait")], title="a title"),
    "visits": lambda: pictures.visits({MARKUP: [("a", 1.0), ("b", 2e3), ("a", 1e-4)], "b": []}),
    "way_back": lambda: pictures.way_back(
        tt.training.passes(tt.MLP(4, 3, 2, activation=tt.Tanh), tt.zeros(5, 2, 2))
    ),
}
MORE = {name: np.arange(18.0) for name in ("b", "c", "d")}
every_picture = pytest.mark.parametrize("name", EXAMPLES)


def test_every_picture_is_tried():
    functions = {name for name in pictures.__all__ if inspect.isfunction(getattr(pictures, name))}
    assert functions == set(EXAMPLES)


@every_picture
def test_every_picture_is_an_image_that_says_what_it_shows(name):
    picture = EXAMPLES[name]()
    assert drawing(picture).get("role") == "img"
    assert len(drawing(picture).get("aria-label")) >= 20
    if name != "gallery":  # whose text draws the images with letters
        assert drawing(picture).get("aria-label") == " ".join(repr(picture).split())


@every_picture
def test_every_picture_takes_its_ink_from_the_page(name):
    svg = drawing(EXAMPLES[name]())
    assert svg.get("fill") == "currentColor"
    for stroke in svg.iter():
        for paint in (stroke.get("fill"), stroke.get("stroke")):
            assert paint in (None, "none", "currentColor", *HUES)


@every_picture
def test_nothing_is_cut(name):
    picture = EXAMPLES[name]()
    left, top, width, height = map(float, drawing(picture).get("viewBox").split())
    for x, y, right, bottom in extents(picture):
        assert left <= x < right <= left + width
        assert top <= y < bottom <= top + height


@every_picture
def test_every_picture_has_room_on_a_telephone_and_letters_that_can_be_read(name):
    picture = EXAMPLES[name]()
    assert float(drawing(picture).get("viewBox").split()[2]) <= TELEPHONE
    assert all(int(words.get("font-size")) >= 12 for words in shapes(picture, "text"))


@every_picture
def test_no_words_are_written_over_others(name):
    assert overlaps(EXAMPLES[name]()) == []


@every_picture
def test_markup_in_a_name_is_escaped(name):
    assert "<a>" not in EXAMPLES[name]().svg
