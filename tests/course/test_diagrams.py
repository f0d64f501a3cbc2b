"""The diagrams show what they are given, in shapes and in words."""

import xml.etree.ElementTree as ET

import pytest

from tinytorch.course import diagrams

SVG = "{http://www.w3.org/2000/svg}"
VERSIONS = {"~=2.3": {"2.2": False, "2.3": True, "2.4": True}, "<2": {"2.2": False, "2.3": False}}


def drawing(picture):
    return ET.fromstring(picture._repr_html_())


def count(picture, shape, **look):
    found = drawing(picture).iter(f"{SVG}{shape}")
    return sum(all(one.get(name) == value for name, value in look.items()) for one in found)


def one_of_each():
    return {
        "orders": diagrams.orders(["10", "9", "<a&b>"], ["9", "10", "<a&b>"], titles=("as", "by")),
        "admission": diagrams.admission(VERSIONS),
        "environments": diagrams.environments(),
        "draws": diagrams.draws({"one": ([0.1, 0.2], [0.1, 0.2]), "two": ([0.0], [1.0])}),
        "digests": diagrams.digests({"before": "0a" * 32, "after": "0b" * 32}),
        "spread": diagrams.spread([0.5, 0.75, 0.75, 1.0], title="four seeds"),
    }


@pytest.mark.parametrize("name", diagrams.__all__)
def test_every_diagram_is_an_image_that_says_what_it_shows(name):
    picture = one_of_each()[name]
    assert drawing(picture).get("role") == "img"
    assert drawing(picture).get("aria-label") == " ".join(repr(picture).split())


@pytest.mark.parametrize("name", diagrams.__all__)
def test_everything_lies_inside_a_frame_that_fits_a_telephone(name):
    picture = drawing(one_of_each()[name])
    _, _, width, height = map(float, picture.get("viewBox").split())
    assert width <= 420
    for shape in picture.iter(f"{SVG}rect"):
        assert float(shape.get("x")) + float(shape.get("width")) <= width
        assert float(shape.get("y")) + float(shape.get("height")) <= height
    for words in picture.iter(f"{SVG}text"):
        share = {"start": 1.0, "middle": 0.5}[words.get("text-anchor")]
        reach = 0.61 * float(words.get("font-size")) * len(words.text)  # of a monospaced letter
        assert float(words.get("x")) + share * reach <= width
        assert float(words.get("x")) - (1 - share) * reach >= 0


def test_items_that_keep_their_place_are_green_and_others_red():
    picture = one_of_each()["orders"]
    assert count(picture, "path", stroke=diagrams.RED) == 2
    assert count(picture, "path", stroke=diagrams.GREEN) == 1


def test_a_full_circle_is_admitted_and_a_ring_is_not():
    picture = one_of_each()["admission"]
    assert count(picture, "circle", fill=diagrams.GREEN) == 2
    assert count(picture, "circle", fill="none") == 3
    assert repr(picture) == "~=2.3 admits 2.3, 2.4\n<2 admits none"


def test_runs_that_repeat_are_green():
    picture = one_of_each()["draws"]
    assert count(picture, "rect", fill=diagrams.GREEN) == 4
    assert count(picture, "rect", fill=diagrams.ORANGE) == 2
    assert "one: the second run repeats the first" in repr(picture)
    assert "two: the second run differs from the first" in repr(picture)


def test_digits_that_differ_are_marked_and_counted():
    picture = one_of_each()["digests"]
    assert count(picture, "rect", fill=diagrams.ORANGE) == 32
    assert count(picture, "rect", fill=diagrams.GREEN) == 96
    assert "after: 32 of 64 digits differ" in repr(picture)


def test_equal_scores_pile_up():
    picture = one_of_each()["spread"]
    places = [(dot.get("cx"), dot.get("cy")) for dot in drawing(picture).iter(f"{SVG}circle")]
    assert len(set(places)) == 4
    assert len({x for x, _ in places}) == 3
    assert repr(picture) == "four seeds: lowest 0.500, middle 0.750, highest 1.000"


def test_one_score_is_no_division_by_zero():
    assert count(diagrams.spread([0.5, 0.5], title="two"), "circle") == 2
