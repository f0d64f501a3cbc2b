"""A chapter that runs on the learner's own code of earlier ones, and the library they take away."""

import json
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import Found
from tests.browser.chapter import Chapter
from tests.browser.conftest import Watch
from tests.browser.earlier import SETUP, TENSORS, Work, folder, passed, prefer_own_code, remember
from tests.browser.test_keyboard import tab_to

CHAPTER = f"{TENSORS.page}.html"
WHOSE = """\
from tinytorch.course.install import provenance_of
print(provenance_of("setup.format_bytes"), provenance_of("setup.satisfies"))
"""


@pytest.fixture
def tensors(page: Page, watch: Watch, address: str):
    """Chapter 1 for a learner who built two steps of Setup."""
    remember(page, address, {SETUP.page: passed(SETUP.steps[:2])})
    chapter = Chapter(page)
    chapter.open(f"{address}{CHAPTER}")
    yield chapter
    assert watch.errors == []
    assert watch.third_parties == []


def headline(chapter: Chapter):
    """What the panel says about the code that it carried over."""
    return chapter.page.locator("#tt-carried-result summary")


def key(page: Page) -> str:
    """Where the browser keeps the receipts of code that a kernel has checked."""
    return f"tinytorch:receipts:{folder(page)}"


def receipts(page: Page) -> dict[str, str]:
    """The receipts that the browser keeps."""
    found: dict[str, str] = json.loads(page.evaluate("k => localStorage.getItem(k)", key(page)))
    return found


def expect_whose(chapter: Chapter, text: str) -> None:
    """Ask the kernel whose code it runs, in the first cell."""
    chapter.cell(1).write(WHOSE)
    chapter.cell(1).run()
    expect(chapter.cell(1).output).to_have_text(text)


def broken(code: str) -> Work:
    """Setup, whose first step passed on a cell that says something else now."""
    work = passed(SETUP.steps[:2])
    work["code"][SETUP.steps[0].id] = code
    return work


def test_it_is_offered_where_earlier_chapters_have_passed_code(
    tensors: Chapter, address: str
) -> None:
    choice = tensors.page.get_by_label("Use my code of earlier chapters")
    expect(choice).to_be_visible()
    expect(choice).not_to_be_checked()
    tensors.open(f"{address}{SETUP.page}.html")
    expect(choice).to_be_hidden()


def test_a_newcomer_is_not_offered_it(chapter: Chapter) -> None:
    expect(chapter.page.locator("#tt-carried")).to_be_hidden()


def test_the_chapter_runs_on_it_from_the_start_and_after_every_restart(tensors: Chapter) -> None:
    page = tensors.page
    tensors.launch()
    expect_whose(tensors, "reference reference")
    page.locator("#tt-carried").check()
    expect(headline(tensors)).to_have_text("2 of 8 steps of Setup run your code.")
    expect_whose(tensors, "yours reference")
    assert set(receipts(page)) == {step.id for step in SETUP.steps[:2]}
    page.locator("#tt-live-restart").click()
    expect(tensors.status).to_contain_text("was checked")
    expect_whose(tensors, "yours reference")
    tensors.cell(1).write("while True:\n    pass")
    tensors.cell(1).start()
    tensors.cell(1).wait("running")
    tensors.stop()
    expect(tensors.status).to_contain_text("was checked")
    expect_whose(tensors, "yours reference")
    page.reload()
    tensors.launch()
    expect(headline(tensors)).to_have_text("2 of 8 steps of Setup run your code.")
    page.locator("#tt-carried").uncheck()
    expect(tensors.status).to_contain_text("Restarted")
    expect(headline(tensors)).to_be_hidden()
    expect_whose(tensors, "reference reference")


def test_a_receipt_that_is_not_ours_saves_no_check(tensors: Chapter, address: str) -> None:
    page = tensors.page
    remember(page, address, {SETUP.page: broken("1 / 0")})
    forged = json.dumps({step.id: "0" * 64 for step in SETUP.steps[:2]})
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [key(page), forged])
    prefer_own_code(page)
    tensors.open(f"{address}{CHAPTER}")
    tensors.launch()
    expect(headline(tensors)).to_have_text("1 of 8 steps of Setup run your code.")


def test_a_cell_that_waits_runs_after_it(tensors: Chapter) -> None:
    prefer_own_code(tensors.page)
    tensors.page.reload()
    tensors.launch()
    tensors.cell(1).write(WHOSE)
    tensors.page.locator("#tt-live-restart").click()
    tensors.cell(1).run()
    expect(tensors.cell(1).output).to_have_text("yours reference")


def test_code_that_does_not_pass_any_more_says_why(tensors: Chapter, address: str) -> None:
    page = tensors.page
    remember(page, address, {SETUP.page: broken("1 / 0")})
    prefer_own_code(page)
    tensors.open(f"{address}{CHAPTER}")
    tensors.launch()
    headline(tensors).click()
    row = page.locator("#tt-carried-result tr", has_text=SETUP.steps[0].id)
    expect(row).to_contain_text("reference")
    expect(row).to_contain_text("division by zero")
    expect(headline(tensors)).to_have_text("1 of 8 steps of Setup run your code.")


def test_code_that_never_ends_is_stopped_and_left_out(tensors: Chapter, address: str) -> None:
    page = tensors.page
    remember(page, address, {SETUP.page: broken("while True:\n    pass")})
    prefer_own_code(page)
    tensors.open(f"{address}{CHAPTER}")
    page.locator("#tt-live-start").click()
    expect(tensors.status).to_contain_text("is checked ...")
    tensors.stop()
    expect(page.locator("#tt-carried")).not_to_be_checked()
    expect_whose(tensors, "reference reference")


def test_a_library_is_packed_once_the_page_is_live(tensors: Chapter, tmp_path: Path) -> None:
    page = tensors.page
    page.locator(".tt-live-more summary").click()
    page.locator("#tt-library").click()
    expect(tensors.status).to_contain_text("Make this page live")
    assert page.evaluate("document.activeElement.id") == "tt-live-start"
    tensors.launch()
    page.locator(".tt-live-more summary").click()
    with page.expect_download() as download:
        page.locator("#tt-library").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    expect(tensors.status).to_contain_text("2 of 8 steps of Setup run your code.")
    expect(tensors.status).to_contain_text(f"Saved as {file.name}.")
    assert file.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(file) as wheel:
        assert wheel.testzip() is None
        assert "tinytorch/setup.py" in wheel.namelist()


def test_who_has_built_nothing_is_told_so(chapter: Chapter) -> None:
    chapter.page.locator(".tt-live-more summary").click()
    chapter.page.locator("#tt-library").click()
    expect(chapter.status).to_contain_text("No step has passed in this browser yet")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_switched_and_read_by_keyboard_and_breaks_no_rule(
    tensors: Chapter, scheme: str
) -> None:
    page = tensors.page
    page.emulate_media(color_scheme=scheme)
    tab_to(page, "#tt-carried")
    page.keyboard.press("Space")
    tensors.launch()
    expect(headline(tensors)).to_be_visible()
    tab_to(page, "#tt-carried-result summary")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Whose code each step runs")).to_be_visible()
    assert Found(page, where="#tt-live").broken == []
