"""The pictures of data show what happened on its way, in shapes and in words."""

from dataclasses import dataclass

import pytest

from tests.course.pictures.reading import shapes, written
from tinytorch.course import pictures
from tinytorch.course.pictures.strokes import HUES


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


def test_a_sample_keeps_the_hue_of_its_batch_on_its_way():
    picture = pictures.sample_path([[1, 0], [2]], ["(2,)", "(1,)"])
    hues = [box.get("fill") for box in shapes(picture, "rect")]
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
        pictures.sample_path(batches, ["?"] * len(batches))


def test_a_timeline_has_a_lane_for_each_who_and_a_box_as_long_as_the_event():
    picture = pictures.timeline(EVENTS)
    wait, read, use = shapes(picture, "rect")
    assert wait.get("stroke-dasharray")
    assert read.get("y") != use.get("y") == wait.get("y")
    assert {each.get("fill") for each in (wait, read, use)} == {HUES[3]}
    assert float(read.get("width")) / float(use.get("width")) == pytest.approx(4, rel=1e-3)
    assert repr(picture).splitlines()[1:] == [
        "worker 1 spends 80% read",
        "caller spends 80% wait, 20% use",
    ]
    assert {"worker 1", "caller", "read", "3", "100 ms"} <= set(written(picture))


def test_nobody_waits_for_what_they_do_themselves():
    events = [Event("caller", what, 0, 0.0, 1.0) for what in ("read", "wait")]
    assert repr(pictures.timeline(events)).endswith("caller spends 100% read")


def test_the_caller_comes_last_and_the_workers_in_order():
    events = [Event(who, "use", 0, 0.0, 1.0) for who in ("caller", "worker 1", "worker 0")]
    lanes = [words for words in written(pictures.timeline(events)) if words[0] in "wc"]
    assert lanes == ["worker 0", "worker 1", "caller"]


def test_an_event_too_short_for_its_words_keeps_its_number_or_none():
    crowded = [Event("caller", "use", n, n * 0.001, (n + 0.9) * 0.001) for n in range(20)]
    assert {"0", "9"} <= set(written(pictures.timeline(crowded)))
    crowded = [Event("caller", "use", n, n * 0.001, (n + 0.9) * 0.001) for n in range(100)]
    assert set(written(pictures.timeline(crowded))) == {"caller", "0", "100 ms"}


def test_a_timeline_of_nothing_says_so():
    with pytest.raises(ValueError, match="no event was recorded"):
        pictures.timeline([])


def test_pages_in_memory_are_solid_and_the_others_dashed():
    picture = pictures.shards([8, 7], {0, 9, 10}, size=4)
    assert [box.get("stroke-dasharray") is None for box in shapes(picture, "rect")] == [
        *(True, False),
        *(True, False),
    ]
    assert "shard 1: samples 8 to 14; 1 of its 2 pages are in memory" in repr(picture)
