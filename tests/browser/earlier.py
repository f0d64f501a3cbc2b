"""What a learner did on earlier evenings, put into the browser before the test begins."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.browser.conftest import FOLDER
from tests.course.conftest import solution
from tinytorch.course.catalog import Module, Step, load_course

SETUP, TENSORS = (load_course().module(stem) for stem in ("setup", "tensors"))

Work = dict[str, dict[str, Any]]


def passed(steps: Iterable[Step], *, on: str = "2026-01-01T20:00:00.000Z") -> Work:
    """A page on which these steps passed, answered by the reference."""
    code = {step.id: solution(step) for step in steps}
    return {"passed": dict.fromkeys(code, on), "code": code}


def remember(page: Page, address: str, pages: Mapping[str, Work]) -> None:
    """Put the work on these pages into the browser, and end on the landing page."""
    page.goto(address)
    store = "([key, text]) => localStorage.setItem(key, text)"
    for name, work in pages.items():
        page.evaluate(store, [f"tinytorch:{folder(page)}:{name}", json.dumps(work)])
    page.reload()


def stored(page: Page, module: Module) -> Work:
    """The work that the browser keeps for the module's chapter."""
    key = f"tinytorch:{folder(page)}:{module.page}"
    work: Work = json.loads(page.evaluate("key => localStorage.getItem(key)", key) or "{}")
    return work


def prefer_own_code(page: Page) -> None:
    """Switch "Use my code of earlier chapters" on, as if on an earlier page."""
    key = f"tinytorch:carried:{folder(page)}"
    page.evaluate("key => localStorage.setItem(key, 'on')", key)


def folder(page: Page) -> str:
    """Where the site lies on its host: /course/, or / on a local server."""
    return FOLDER if urlsplit(page.url).path.startswith(FOLDER) else "/"
