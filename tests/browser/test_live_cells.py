"""The path of a learner through a chapter whose cells run in the browser itself."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chapter import Chapter
from tests.browser.conftest import Watch
from tinytorch.course.catalog import Module, load_course

STEP = "tensors.contiguous_strides"
WHOLE_CHAPTER = 900_000  # milliseconds, for every cell of one on a machine that is busy
SOLUTION = """\
@build("tensors.contiguous_strides")
def contiguous_strides(shape):
    strides = []
    jump = 1
    for size in reversed(shape):
        strides.append(jump)
        jump *= max(size, 1)
    return tuple(reversed(strides))
"""
COLUMN_MAJOR = """\
@build("tensors.contiguous_strides")
def contiguous_strides(shape):
    strides = []
    jump = 1
    for size in shape:
        strides.append(jump)
        jump *= size
    return tuple(strides)
"""


def test_an_edited_cell_shows_its_new_output_in_place_of_the_old(chapter: Chapter) -> None:
    chapter.launch()
    cell = chapter.cell(1)
    expect(cell.published_output).not_to_be_empty()
    cell.write("print(6 * 7)")
    cell.run()
    expect(cell.output).to_have_text("42")
    expect(cell.published_output).to_have_count(0)
    cell.write("print('again')")
    cell.run()
    expect(cell.output).to_have_text("again")


def test_a_solved_exercise_passes_and_the_library_runs_on_it(chapter: Chapter) -> None:
    chapter.launch()
    exercise = chapter.exercise(STEP)
    exercise.run()
    expect(exercise.result).to_have_attribute("data-state", "unbuilt")
    exercise.write(SOLUTION)
    exercise.run()
    expect(exercise.result).to_have_attribute("data-state", "passed")
    expect(exercise.result).to_have_attribute("data-provenance", "yours")
    expect(chapter.page.locator("#tt-live-steps")).to_contain_text("1 of ")
    expect(chapter.status).to_have_text(f"Exercise {STEP}: Passed.")


def test_a_catalogued_mistake_is_explained(chapter: Chapter) -> None:
    chapter.launch()
    exercise = chapter.exercise(STEP)
    exercise.write(COLUMN_MAJOR)
    exercise.run()
    expect(exercise.result).to_have_attribute("data-state", "failed")
    expect(exercise.result.locator(".tt-misconception").first).to_contain_text("column-major")
    expect(exercise.result).to_contain_text("expected")
    chapter.page.set_viewport_size({"width": 390, "height": 844})
    assert exercise.result.evaluate("result => result.scrollWidth - result.clientWidth") <= 0


def test_the_cells_above_run_first(chapter: Chapter) -> None:
    chapter.launch()
    first = chapter.cell(1)
    first.write(f"{first.source}\nabove = 5")
    last = chapter.exercise(STEP)
    last.write("print(above)")
    last.run()
    expect(last.output).to_have_text("5")
    expect(first.locator).to_have_attribute("data-state", "done")


def test_an_infinite_loop_can_be_stopped(chapter: Chapter) -> None:
    chapter.launch()
    cell = chapter.cell(1)
    cell.write("while True:\n    pass")
    cell.start()
    cell.wait("running")
    chapter.stop()
    expect(chapter.status).to_contain_text("cells above run again at the next run")
    expect(cell.output).to_contain_text("Stopped")
    assert cell.source == "while True:\n    pass"
    cell.write("print('alive')")
    cell.run()
    expect(cell.output).to_have_text("alive")


def test_edits_are_there_after_a_reload(chapter: Chapter) -> None:
    chapter.launch()
    chapter.cell(1).write("kept = 'kept'")
    chapter.exercise(STEP).write(SOLUTION)
    chapter.page.reload()
    expect(chapter.cell(1).printed).to_have_text("kept = 'kept'")
    expect(chapter.cell(1).locator).to_contain_class("tt-is-edited")
    chapter.launch()
    assert chapter.cell(1).source == "kept = 'kept'"
    assert chapter.exercise(STEP).source.strip() == SOLUTION.strip()


def test_a_reset_cell_is_as_published(chapter: Chapter) -> None:
    published = chapter.cell(1).printed.inner_text().strip()
    chapter.launch()
    cell = chapter.cell(1)
    cell.write("something = 'else'")
    cell.reset()
    assert cell.source == published
    chapter.page.reload()
    expect(chapter.cell(1).locator).not_to_contain_class("tt-is-edited")


@pytest.mark.parametrize("module", load_course().published, ids=lambda module: module.stem)
def test_run_all_runs_the_page_as_published(
    module: Module, page: Page, watch: Watch, address: str
) -> None:
    chapter = Chapter(page)
    chapter.open(f"{address}{module.page}.html")
    chapter.launch()
    page.locator("#tt-live-run-all").click()
    chapter.wait("busy")
    chapter.wait("ready", timeout=WHOLE_CHAPTER)
    cells = page.locator("div.cell[data-cell]")
    expect(cells.and_(page.locator('[data-state="done"]'))).to_have_count(cells.count())
    expect(page.locator(".tt-output .tt-module")).to_have_attribute("data-state", "unbuilt")
    expect(page.locator(".tt-output .tt-failed")).to_have_count(0)
    assert watch.errors == []
    assert watch.third_parties == []


def test_restart_forgets_the_variables(chapter: Chapter) -> None:
    chapter.launch()
    cell = chapter.cell(1)
    cell.write("print('seen' if 'seen' in globals() else 'new')\nseen = True")
    cell.run()
    expect(cell.output).to_have_text("new")
    cell.run()
    expect(cell.output).to_have_text("seen")
    chapter.page.locator("#tt-live-restart").click()
    expect(chapter.status).to_contain_text("Restarted")
    cell.run()
    expect(cell.output).to_have_text("new")
