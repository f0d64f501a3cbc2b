"""What the learner wrote: the journal, and taking all of it away as one file."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chapter import Chapter
from tests.browser.conftest import PATIENCE

FORMAT = "tinytorch-work-1"


def put(chapter: Chapter, file: Path) -> None:
    """Choose a file in the import field."""
    chapter.page.locator(".tt-live-more summary").click()
    chapter.page.locator("#tt-work-import").set_input_files(file)


def stored(page: Page) -> dict[str, Any]:
    """Everything that the site keeps in the browser."""
    text = page.evaluate("JSON.stringify({...localStorage})")
    kept: dict[str, Any] = json.loads(text)
    return {key: value for key, value in kept.items() if key.startswith("tinytorch:/")}


def test_an_answer_and_its_rating_survive_a_reload(chapter: Chapter) -> None:
    question = chapter.page.locator(".tt-reflect").first
    question.locator("textarea").fill("Rows lie one after the other.")
    question.locator("summary").click()
    rating = question.locator("input[type=radio]").nth(1)
    rating.check()
    chapter.page.reload()
    expect(question.locator("textarea")).to_have_value("Rows lie one after the other.")
    expect(rating).to_be_checked()


def test_a_prediction_is_judged_at_once(chapter: Chapter) -> None:
    radio = chapter.page.locator("input[type=radio]")
    question = chapter.page.locator(".tt-predict[data-answer]", has=radio).first
    answer = question.get_attribute("data-answer")
    wrong = question.locator(f'input:not([value="{answer}"])').first
    wrong.check()
    expect(question.locator(".tt-verdict")).to_contain_text("Not so")
    question.locator(f'input[value="{answer}"]').check()
    expect(question.locator(".tt-verdict")).to_have_text("Right.")


def test_an_answer_outlives_a_new_run_of_its_cell(chapter: Chapter) -> None:
    question = chapter.page.locator(".tt-reflect").first
    question.locator("textarea").fill("Kept.")
    chapter.launch()
    cell = chapter.cell_around(".tt-reflect")
    cell.unfold()
    cell.run()
    expect(cell.output.locator("textarea")).to_have_value("Kept.")


def test_work_is_taken_to_another_browser_as_one_file(
    chapter: Chapter, browser: Browser, address: str, tmp_path: Path
) -> None:
    chapter.page.locator(".tt-reflect textarea").first.fill("My answer.")
    chapter.page.locator(".tt-live-more summary").click()
    with chapter.page.expect_download() as download:
        chapter.page.locator("#tt-work-export").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert json.loads(file.read_text())["format"] == FORMAT

    elsewhere = browser.new_page()
    elsewhere.set_default_timeout(PATIENCE)
    other = Chapter(elsewhere)
    other.open(f"{address}modules/01_tensors.html")
    put(other, file)
    expect(elsewhere.locator(".tt-reflect textarea").first).to_have_value("My answer.")
    assert stored(elsewhere).keys() == stored(chapter.page).keys()
    elsewhere.close()


def test_the_journal_reads_as_text(chapter: Chapter, tmp_path: Path) -> None:
    question = chapter.page.locator(".tt-reflect").first
    question.locator("textarea").fill("My answer.")
    chapter.page.locator(".tt-live-more summary").click()
    with chapter.page.expect_download() as download:
        chapter.page.locator("#tt-work-journal").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    journal = file.read_text()
    assert "## modules/01_tensors" in journal
    assert "My answer." in journal
    assert question.locator(".tt-asked").inner_text().split("\n")[0][:40] in journal


def saved(**pages: Any) -> str:
    return json.dumps({"format": FORMAT, "pages": pages})


HOSTILE = {
    "not JSON": "<script>alert(1)</script>",
    "another format": json.dumps({"format": "other", "pages": {}}),
    "no pages": json.dumps({"format": FORMAT, "pages": ["a"]}),
    "an unknown part": saved(page={"settings": {"a": "b"}}),
    "a prototype": '{"format": "tinytorch-work-1", "pages": {"__proto__": {"edits": {"a": "b"}}}}',
    "a poisoned entry": '{"format":"tinytorch-work-1","pages":{"p":{"edits":{"__proto__":"b"}}}}',
    "a name with markup": saved(page={"edits": {"<img src=x onerror=alert(1)>": "x"}}),
    "an edit that is no text": saved(page={"edits": {"a": {"b": "c"}}}),
    "an answer that is no record": saved(page={"answers": {"a": "text"}}),
    "a score that is no record": saved(page={"scores": {"a": "2.5"}}),
    "a score that is a number": saved(page={"scores": {"a": {"ratio": 2.5}}}),
    "code that is no text": saved(page={"code": {"tensors.apply": ["import os"]}}),
    "a date that is no text": saved(page={"passed": {"tensors.apply": True}}),
    "an endless edit": saved(page={"edits": {"a": "x" * 200_000}}),
    "a large file": saved(page={"edits": {f"a{i}": "x" * 90_000 for i in range(30)}}),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_file_that_is_not_ours_changes_nothing(
    chapter: Chapter, content: str, tmp_path: Path
) -> None:
    before = stored(chapter.page)
    file = tmp_path / "work.json"
    file.write_text(content)
    put(chapter, file)
    expect(chapter.problem).to_contain_text("Nothing was imported")
    assert stored(chapter.page) == before


def test_markup_in_an_imported_answer_stays_text(chapter: Chapter, tmp_path: Path) -> None:
    question = chapter.page.locator(".tt-reflect").first
    name = question.get_attribute("data-question")
    attack = "</textarea><img src=x onerror='document.title=1'>"
    file = tmp_path / "work.json"
    file.write_text(saved(**{"modules/01_tensors": {"answers": {name: {"text": attack}}}}))
    put(chapter, file)
    expect(question.locator("textarea")).to_have_value(attack)
    assert chapter.page.title() != "1"


def test_the_map_counts_the_steps_that_passed(
    chapter: Chapter, address: str, tmp_path: Path
) -> None:
    file = tmp_path / "work.json"
    passed = {"tensors.infer_shape": "2026-01-01", "tensors.apply": "2026-01-02"}
    file.write_text(saved(**{"modules/01_tensors": {"passed": passed}}))
    put(chapter, file)
    expect(chapter.page.locator("#tt-live-steps")).to_contain_text("2 of 10")
    chapter.page.goto(address)
    expect(chapter.page.locator(".tt-map-progress")).to_have_text(
        "2 of 10 steps pass on your code."
    )


def test_a_browser_that_refuses_storage_still_runs_cells(page: Page, address: str) -> None:
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('refused'); }})"
    )
    chapter = Chapter(page)
    chapter.open(f"{address}modules/01_tensors.html")
    chapter.launch()
    chapter.cell(1).write("print('runs')")
    chapter.cell(1).run()
    expect(chapter.cell(1).output).to_have_text("runs")


def test_two_sites_on_one_host_keep_their_work_apart(chapter: Chapter) -> None:
    chapter.page.locator(".tt-reflect textarea").first.fill("Here.")
    assert all(key.startswith("tinytorch:/course/:") for key in stored(chapter.page))
