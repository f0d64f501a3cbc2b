"""Every page can be read on a phone and on a desk, in the light and in the dark."""

import pytest

from book._publish.build import HERE
from tests.browser.accessibility import Found

RULES = ["color-contrast", "link-in-text-block", "image-alt", "svg-img-alt", "label"]
BOOK = HERE.root / "book"
SOURCES = [*BOOK.glob("*.md"), *BOOK.glob("[!_]*/*.md")]
NAMES = sorted(source.relative_to(BOOK).with_suffix("").as_posix() for source in SOURCES)
OPEN_ALL = "document.querySelectorAll('details').forEach((each) => (each.open = true))"


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_no_page_is_wider_than_its_window(width, page, address):
    page.set_viewport_size({"width": width, "height": 900})
    wide = {}
    for name in NAMES:
        page.goto(f"{address}{name}.html")
        page.evaluate(OPEN_ALL)
        wide[name] = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert {name: pixels for name, pixels in wide.items() if pixels > 0} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_text_stands_out_and_pictures_and_fields_have_names(name, scheme, page, address):
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{address}{name}.html")
    page.evaluate(OPEN_ALL)
    found = Found(page, RULES, "article")
    assert "color-contrast" in found.passed
    assert found.broken == []
