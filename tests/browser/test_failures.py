"""A kernel that cannot start, or dies, says so, offers a way on and loses no edit."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.chapter import Chapter


@pytest.fixture
def fragile(page: Page, address: str) -> Chapter:
    """Chapter 1, in which something will go wrong."""
    chapter = Chapter(page)
    chapter.open(f"{address}modules/01_tensors.html")
    return chapter


def press_start(chapter: Chapter) -> None:
    chapter.page.locator("#tt-live-start").click()


def test_a_kernel_that_cannot_be_fetched_says_so_and_starts_at_the_next_try(
    fragile: Chapter,
) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=503)

    fragile.page.route("**/pyodide.asm.wasm", refuse)
    press_start(fragile)
    fragile.wait("failed")
    expect(fragile.problem).to_contain_text("This browser did not start")
    expect(fragile.problem.get_by_role("button", name="Use instead: Binder")).to_be_visible()
    fragile.page.unroute("**/pyodide.asm.wasm", refuse)
    fragile.problem.get_by_role("button", name="Try again").click()
    fragile.wait("ready")
    expect(fragile.problem).to_be_hidden()


def test_a_kernel_that_dies_says_so_and_keeps_the_edits(fragile: Chapter) -> None:
    fragile.launch()
    cell = fragile.cell(1)
    cell.write("import os\nos.abort()")
    cell.start()
    fragile.wait("failed")
    expect(fragile.problem).to_contain_text("your edits are kept")
    assert cell.source == "import os\nos.abort()"
    cell.write("print('back')")
    fragile.problem.get_by_role("button", name="Try again").click()
    fragile.wait("ready")
    cell.run()
    expect(cell.output).to_have_text("back")


def test_a_local_server_that_is_gone_offers_the_browser(page: Page, address: str) -> None:
    page.add_init_script(
        'window.tinytorchLive = {local: {baseUrl: "http://127.0.0.1:9/", token: "t"}}'
    )
    chapter = Chapter(page)
    chapter.open(f"{address}modules/01_tensors.html")
    page.locator("#tt-live-kernel").select_option("local")
    press_start(chapter)
    chapter.wait("failed")
    expect(chapter.problem).to_contain_text("Local server did not start")
    chapter.problem.get_by_role("button", name="Use instead: This browser").click()
    chapter.wait("ready")
    expect(chapter.panel).to_have_attribute("data-kernel", "browser")
