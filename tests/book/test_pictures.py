"""The pictures that the chapters have drawn can be read, on a telephone too."""

import re

import pytest

from tests.course.pictures.reading import drawing, overlaps, shapes
from tinytorch.course import catalog
from tinytorch.course.pictures import Picture

CHAPTERS = catalog.load_course().published
DRAWN = re.compile(r'<svg[^>]*class="tt-picture".*?</svg>', re.DOTALL)
TELEPHONE = 360  # units, which it shows in 325 pixels


@pytest.fixture(params=CHAPTERS, ids=lambda module: module.stem)
def drawn(request, site):
    """Every picture of a chapter."""
    page = site.chapter(request.param).path.read_text(encoding="utf-8")
    page = page.replace("viewbox=", "viewBox=")  # the theme writes all attributes small
    found = [Picture(svg, "") for svg in DRAWN.findall(page)]
    assert found
    return found


def test_every_picture_says_what_it_shows(drawn):
    assert all(len(drawing(picture).get("aria-label")) >= 20 for picture in drawn)


def test_every_picture_has_room_on_a_telephone_and_letters_that_can_be_read(drawn):
    for picture in drawn:
        assert float(drawing(picture).get("viewBox").split()[2]) <= TELEPHONE
        assert all(int(words.get("font-size")) >= 12 for words in shapes(picture, "text"))


def test_no_words_are_written_over_others(drawn):
    assert [pair for picture in drawn for pair in overlaps(picture)] == []
