"""Live cells without a mouse, and what a screen reader is told."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import Found
from tests.browser.chapter import Chapter

FOCUS = """() => {
    const element = document.activeElement;
    const host = element.closest(".CodeMirror") ?? element;
    const rings = [getComputedStyle(element), getComputedStyle(host)];
    return {
        id: element.id,
        classes: element.className,
        label: element.getAttribute("aria-label") ?? element.textContent.trim(),
        seen: rings.some((s) => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0),
    };
}"""


def tab_to(page: Page, selector: str, limit: int = 80) -> None:
    """Press Tab until this element has the focus; every stop on the way must show it."""
    for _ in range(limit):
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            break
        page.keyboard.press("Tab")
    focus = page.evaluate(FOCUS)
    assert page.evaluate("s => document.activeElement.matches(s)", selector), focus
    assert focus["seen"], focus


def test_a_cell_is_launched_edited_run_and_left_by_keyboard(chapter: Chapter) -> None:
    page = chapter.page
    tab_to(page, "#tt-live-start")
    page.keyboard.press("Enter")
    chapter.wait("ready")
    assert page.evaluate("document.activeElement.id") == "tt-live-run-all"

    tab_to(page, ".CodeMirror textarea")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("if True:")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # Tab indents, it does not move on
    page.keyboard.insert_text("print('by hand')")
    assert chapter.cell(1).source.endswith("    print('by hand')")
    page.keyboard.press("Shift+Enter")
    chapter.cell(1).wait("done")
    expect(chapter.cell(1).output).to_have_text("by hand")

    page.keyboard.press("Escape")
    assert "tt-cell-run" in page.evaluate(FOCUS)["classes"]
    page.keyboard.press("Tab")
    assert "tt-cell-above" in page.evaluate(FOCUS)["classes"]
    page.keyboard.press("Tab")
    assert "tt-cell-reset" in page.evaluate(FOCUS)["classes"]
    page.keyboard.press("Enter")
    assert "by hand" not in chapter.cell(1).source


def test_the_kernel_is_switched_and_stopped_by_keyboard(chapter: Chapter) -> None:
    page = chapter.page
    tab_to(page, "#tt-live-kernel")
    page.keyboard.press("ArrowDown")
    expect(chapter.panel).to_have_attribute("data-kernel", "binder")
    page.keyboard.press("ArrowUp")
    expect(chapter.panel).to_have_attribute("data-kernel", "browser")
    chapter.launch()
    chapter.cell(1).write("while True: pass")
    page.keyboard.press("Shift+Enter")
    chapter.cell(1).wait("running")
    page.locator("#tt-live-run-all").focus()
    tab_to(page, "#tt-live-stop")
    page.keyboard.press("Enter")
    chapter.wait("ready")


def test_the_status_line_is_announced(chapter: Chapter) -> None:
    expect(chapter.status).to_have_attribute("aria-live", "polite")
    expect(chapter.problem).to_have_attribute("role", "alert")
    chapter.launch()
    expect(chapter.status).to_contain_text("Ready")
    chapter.cell(1).write("1 / 0")
    chapter.cell(1).run()
    expect(chapter.status).to_contain_text("stopped with an error")


def test_every_control_of_a_cell_says_which_cell_it_serves(chapter: Chapter) -> None:
    chapter.launch()
    labels = chapter.page.locator(".tt-cell-bar button:visible").evaluate_all(
        "buttons => buttons.map((button) => button.getAttribute('aria-label'))"
    )
    assert len(labels) == len(set(labels)) > 0
    editors = chapter.page.locator(".CodeMirror textarea").evaluate_all(
        "areas => areas.map((area) => area.getAttribute('aria-label'))"
    )
    assert all("Escape leaves the editor" in label for label in editors)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_live_page_breaks_no_rule_of_accessibility(chapter: Chapter, scheme: str) -> None:
    chapter.page.emulate_media(color_scheme=scheme)
    chapter.launch()
    chapter.exercise("tensors.contiguous_strides").run()
    assert Found(chapter.page, where="article").broken == []
