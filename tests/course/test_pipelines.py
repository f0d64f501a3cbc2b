"""The pictures of a pipeline show what happened in it, in shapes and in words."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

import numpy as np
import pytest

from tinytorch.course import pipelines
from tinytorch.course.pictures import HUES

SVG = "{http://www.w3.org/2000/svg}"


@dataclass
class Event:
    who: str
    what: str
    batch: int
    start: float
    end: float


EVENTS = [
    Event("worker 1", "read", 3, 5.0, 5.08),
    Event("caller", "wait", 3, 5.0, 5.08),
    Event("caller", "use", 3, 5.08, 5.1),
]


def one_of_each():
    return {
        "sample_path": pipelines.sample_path([[3, 0], [1, 2], [9]], ["(2, 8, 8)"] * 2 + ["<1&>"]),
        "timeline": pipelines.timeline(EVENTS, title="one worker"),
        "shards": pipelines.shards([8, 7], {0, 9}, size=4),
        "curves": pipelines.curves(
            {"lru": [0.0, 0.5, 1.0], "fifo": [0.0, 0.25, 1.0], "none": [0.0, 0.0, 0.0]},
            over=["1 KiB", "8 KiB", "512 KiB"],
            title="hits by budget",
            unit="%",
        ),
        "gallery": pipelines.gallery(np.arange(18).reshape(2, 3, 3), ["one", "two"]),
    }


def drawing(picture):
    return ET.fromstring(picture._repr_html_())


def written(picture):
    return [shape.text for shape in drawing(picture).iter(f"{SVG}text")]


def boxes(picture, **look):
    found = drawing(picture).iter(f"{SVG}rect")
    return [one for one in found if all(one.get(key) == value for key, value in look.items())]


@pytest.mark.parametrize("name", one_of_each())
def test_every_picture_is_an_image_that_says_what_it_shows(name):
    picture = one_of_each()[name]
    assert drawing(picture).get("role") == "img"
    assert drawing(picture).get("aria-label") == " ".join(repr(picture).split())


@pytest.mark.parametrize("name", one_of_each())
def test_every_picture_takes_its_ink_from_the_page(name):
    for shape in drawing(one_of_each()[name]).iter():
        for paint in (shape.get("fill"), shape.get("stroke")):
            assert paint in (None, "none", "currentColor", *HUES)


@pytest.mark.parametrize("name", one_of_each())
def test_everything_lies_inside_a_frame_that_fits_a_telephone(name):
    picture = drawing(one_of_each()[name])
    _, _, width, height = map(float, picture.get("viewBox").split())
    assert width <= 420
    for shape in picture.iter(f"{SVG}rect"):
        assert 0 <= float(shape.get("x")) <= width - float(shape.get("width"))
        assert 0 <= float(shape.get("y")) <= height - float(shape.get("height"))
    for words in picture.iter(f"{SVG}text"):
        share = {"start": 1.0, "middle": 0.5, "end": 0.0}[words.get("text-anchor")]
        reach = 0.61 * float(words.get("font-size")) * len(words.text)  # of a monospaced letter
        assert float(words.get("x")) + share * reach <= width
        assert float(words.get("x")) - (1 - share) * reach >= 0
        assert 0 < float(words.get("y")) < height


def test_a_sample_keeps_the_hue_of_its_batch_on_its_way():
    picture = pipelines.sample_path([[1, 0], [2]], ["(2,)", "(1,)"])
    hues = [box.get("fill") for box in boxes(picture)]
    assert hues.count(HUES[0]) == 2 * 2 + 1
    assert hues.count(HUES[1]) == 2 * 1 + 1
    assert repr(picture) == (
        "the sampler's order of the dataset: 1 0 2\n"
        "the batch of 1 0 becomes (2,)\n"
        "the batch of 2 becomes (1,)"
    )


@pytest.mark.parametrize("batches", [[], [[]], [[10]], [list(range(11))]])
def test_a_path_that_does_not_fit_is_refused(batches):
    with pytest.raises(ValueError, match="samples 0 to 9"):
        pipelines.sample_path(batches, ["?"] * len(batches))


def test_a_timeline_has_a_lane_for_each_who_and_a_box_as_long_as_the_event():
    picture = pipelines.timeline(EVENTS)
    wait, read, use = boxes(picture)
    assert wait.get("stroke-dasharray")
    assert read.get("y") != use.get("y") == wait.get("y")
    assert {each.get("fill") for each in (wait, read, use)} == {HUES[3]}
    assert float(read.get("width")) / float(use.get("width")) == pytest.approx(4, rel=1e-3)
    assert repr(picture).splitlines()[1:] == [
        "worker 1 spends 80% read",
        "caller spends 80% wait, 20% use",
    ]
    assert {"worker 1", "caller", "read 3", "100 ms"} <= set(written(picture))


def test_the_caller_comes_last_and_the_workers_in_order():
    events = [Event(who, "use", 0, 0.0, 1.0) for who in ("caller", "worker 1", "worker 0")]
    lanes = [words for words in written(pipelines.timeline(events)) if words[0] in "wc"]
    assert lanes == ["worker 0", "worker 1", "caller"]


def test_an_event_too_short_for_its_words_keeps_the_last_or_none():
    crowded = [Event("caller", "use", n, n * 0.001, (n + 0.9) * 0.001) for n in range(20)]
    assert {"0", "9"} <= set(written(pipelines.timeline(crowded)))
    crowded = [Event("caller", "use", n, n * 0.001, (n + 0.9) * 0.001) for n in range(100)]
    assert set(written(pipelines.timeline(crowded))) == {"caller", "0", "100 ms"}


def test_a_timeline_of_nothing_says_so():
    with pytest.raises(ValueError, match="no event was recorded"):
        pipelines.timeline([])


def test_pages_in_memory_are_solid_and_the_others_dashed():
    picture = pipelines.shards([8, 7], {0, 9, 10}, size=4)
    assert [box.get("stroke-dasharray") is None for box in boxes(picture)] == [
        *(True, False),
        *(True, False),
    ]
    assert "shard 1: samples 8 to 14; 1 of its 2 pages are in memory" in repr(picture)


def test_curves_go_through_the_heights_they_are_given():
    picture = pipelines.curves({"half": [0, 1, 2]}, over=[1, 2, 3], title="a line")
    circles = [*drawing(picture).iter(f"{SVG}circle")]
    heights = [float(circle.get("cy")) for circle in circles]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2])
    assert repr(picture) == "a line, over 1, 2, 3\nhalf: 0, 1, 2"
    assert {"0", "1", "2", "3", "half"} <= set(written(picture))


def test_curves_of_zeros_are_no_division_by_zero():
    assert repr(pipelines.curves({"none": [0, 0]}, over=[1, 2], title="t")).endswith("none: 0, 0")


def pixels(picture):
    """Read the runs of the first image back into a grid of shades."""
    grid = np.zeros((3, 3))
    for path in drawing(picture).iter(f"{SVG}path"):
        for start, row, length in re.findall(r"M(\d+) (\d+)\.5h(\d+)", path.get("d")):
            columns = slice(int(start), int(start) + int(length))
            grid[int(row), columns] = float(path.get("stroke-opacity"))
    return grid


def test_a_gallery_draws_every_pixel_in_its_shade():
    image = np.array([[0, 255, 255], [128, 0, 128], [64, 64, 64]], np.uint8)
    drawn = pixels(pipelines.gallery(image[None]))
    np.testing.assert_allclose(drawn, image / 255, atol=1 / 16)


def test_a_gallery_says_what_hangs_in_it():
    picture = pipelines.gallery(np.ones((5, 3, 3)), range(5), columns=2)
    assert repr(picture) == "5 gray images of 3 by 3 pixels labelled 0, 1, 2, 3, 4"
    assert written(picture) == ["0", "1", "2", "3", "4"]


def test_a_blank_image_has_no_ink():
    assert not pixels(pipelines.gallery(np.zeros((1, 3, 3)))).any()


@pytest.mark.parametrize("shape", [(3, 3), (0, 3, 3), (1, 1, 3, 3)])
def test_a_gallery_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match=re.escape(str(shape))):
        pipelines.gallery(np.ones(shape))


def test_a_gallery_needs_as_many_labels_as_images():
    with pytest.raises(ValueError, match="2 images need 2 labels, got 1"):
        pipelines.gallery(np.ones((2, 3, 3)), ["one"])
