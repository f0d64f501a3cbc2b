"""The built book, read as its readers' browsers read it."""

from functools import cached_property
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from book._publish.build import HERE, build


class Page:
    """One page of the site."""

    def __init__(self, path: Path, site: Path) -> None:
        self.path = path
        self.name = path.relative_to(site).as_posix()

    @cached_property
    def html(self) -> BeautifulSoup:
        """The page as a tree of elements."""
        return BeautifulSoup(self.path.read_text(encoding="utf-8"), "html.parser")

    @cached_property
    def article(self) -> Tag:
        """What the page says, without the bars around it."""
        article = self.html.select_one("article.bd-article")
        assert article is not None, self.name
        return article

    @cached_property
    def anchors(self) -> set[str]:
        """Every place in the page that a link can lead to."""
        return {element[key] for key in ("id", "name") for element in self.html.select(f"[{key}]")}


class Site:
    """All pages of the book."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        found = (path for path in folder.rglob("*.html") if "_static" not in path.parts)
        self.pages = {page.name: page for page in (Page(path, folder) for path in sorted(found))}

    def chapter(self, module) -> Page:
        """The chapter of a module."""
        return self.pages[f"modules/{module.chapter}.html"]


@pytest.fixture(scope="session")
def site() -> Site:
    """The book, brought up to date."""
    build(lambda stage, detail, fraction: None)
    return Site(HERE.site)
