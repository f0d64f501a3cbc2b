"""The learner's portfolio in a real browser, at any width and without a network."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.accessibility import Found
from tests.browser.conftest import Watch
from tinytorch.course import catalog, portfolio, source, supervisor, workspace
from tinytorch.course.report import StepResult

ANSWER = {"kind": "reflect", "asked": "Why?", "at": "2026-03-12T10:00:00Z", "rating": "whole"}
WIDE = "word " * 40 + "x" * 200 + "\n\n    code " + "y" * 200
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A portfolio with code, a long answer, hostile HTML and a score in it."""
    learner = workspace.create(tmp_path_factory.mktemp("learner"))
    learner.start("setup")
    module = catalog.load_course().module("setup")
    for path, text in source.package_files("setup").items():
        (learner.code / path).write_text(text)
    answers = {"setup.a": ANSWER | {"text": WIDE}, "setup.b": ANSWER | {"text": "<img src=x>"}}
    scores = {"setup.fast": {"ratio": "12.3", "target": "10", "medal": "gold", "at": "2026-03-12"}}
    page = {"answers": answers, "scores": scores}
    kept = {"format": "tinytorch-work-1", "saved": "", "pages": {"modules/00_setup": page}}
    (learner.home / "work.json").write_text(json.dumps(kept))
    steps = [StepResult(step=step, state="passed", in_place="yours") for step in module.steps]
    found = supervisor.Examination(module=module, steps=tuple(steps))
    file = learner.root / "portfolio.html"
    file.write_text(portfolio.html(learner, [found]))
    return file


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_portfolio_reads_at_any_width_and_in_the_dark(
    browser: Browser, written: Path, width: int, scheme: str
) -> None:
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}, offline=True
    )
    page = context.new_page()
    watch = Watch(page)
    page.goto(written.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h2", has_text="Setup").is_visible()
    assert Found(page, RULES).broken == []
    assert (watch.errors, watch.requests) == ([], [written.as_uri()])
    context.close()


def test_code_scrolls_with_the_keyboard(page: Page, written: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(written.as_uri())
    code = page.locator("pre").first
    code.focus()
    for _ in range(20):  # a busy machine may drop one
        page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('pre').scrollLeft > 0")
