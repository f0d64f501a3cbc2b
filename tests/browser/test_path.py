"""From page to page: marks in the side bar, the way on, and the note that stops nobody."""

import itertools
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import Found
from tests.browser.chapter import Chapter
from tests.browser.conftest import Watch
from tests.browser.earlier import SETUP, TENSORS, passed, remember, stored
from tests.browser.test_keyboard import tab_to
from tests.browser.test_live_cells import SOLUTION, STEP
from tests.browser.test_work import put, saved
from tinytorch.course.catalog import Module, load_course

COURSE = load_course()
ALL_OF_SETUP = {SETUP.page: passed(SETUP.steps)}
SHIFTS = """() => new Promise((resolve) => {
    const moved = [];
    const look = (list) => {
        for (const shift of list.getEntries()) moved.push(...shift.sources.map(({ node }) => node));
    };
    new PerformanceObserver(look).observe({ type: "layout-shift", buffered: true });
    const ours = (node) => node?.closest?.("article, .bd-sidebar-primary a");
    setTimeout(() => resolve(moved.filter(ours).map((node) => node.outerHTML.slice(0, 80))), 500);
})"""

HEADINGS = """async (stem) => {
    const launcher = document.querySelector("script[src*='js/launcher.js']").src;
    const { MODULES, addressOf } = await import(new URL("course.js", launcher));
    const module = MODULES.find((each) => each.stem === stem);
    return Object.keys(module.steps).map((step) => {
        const anchor = document.getElementById(new URL(addressOf(module, step)).hash.slice(1));
        return anchor?.parentElement.querySelector("h3").firstChild.textContent;
    });
}"""


@pytest.fixture(autouse=True)
def _quiet(watch: Watch):
    """Nothing goes wrong behind the scenes."""
    yield
    assert watch.errors == []
    assert watch.third_parties == []


def test_a_newcomer_finds_no_marks_and_no_way_on(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("#tt-live")).to_be_visible()
    expect(page.locator(".tt-mark-done, .tt-map-progress, #tt-resume, #tt-gate")).to_have_count(0)
    kept = page.evaluate("Object.keys(localStorage)")
    assert [key for key in kept if "tinytorch" in key] == []


def test_the_side_bar_says_how_many_steps_pass(page: Page, address: str) -> None:
    remember(page, address, {**ALL_OF_SETUP, TENSORS.page: passed(TENSORS.steps[:3])})
    sidebar = page.get_by_role("navigation", name="Main")
    expect(sidebar.get_by_role("link", name="Setup , 8 of 8 steps pass")).to_contain_text("✓")
    expect(sidebar.get_by_role("link", name="Tensors , 3 of 10 steps pass")).to_contain_text("3/10")
    expect(page.locator(".tt-map-progress")).to_have_text(
        ["All 8 steps pass on your code.", "3 of 10 steps pass on your code."]
    )


def test_a_step_that_passes_is_marked_at_once_and_its_code_kept(chapter: Chapter) -> None:
    chapter.launch()
    exercise = chapter.exercise(STEP)
    exercise.write(SOLUTION)
    exercise.run()
    expect(chapter.page.locator(".bd-sidebar-primary .tt-mark-done")).to_contain_text("1/10")
    assert stored(chapter.page, TENSORS)["code"] == {STEP: SOLUTION}
    exercise.write("raise SystemExit")
    exercise.run()
    assert stored(chapter.page, TENSORS)["code"] == {STEP: SOLUTION}


def test_the_way_on_leads_to_the_first_step_not_passed(page: Page, address: str) -> None:
    remember(page, address, {**ALL_OF_SETUP, TENSORS.page: passed(TENSORS.steps[:3])})
    way_on = page.get_by_role("navigation", name="Your work")
    expect(way_on).to_contain_text("no account, no tracking")
    step = TENSORS.steps[3]
    way_on.get_by_role("link", name=f"Go on: Tensors, step 4: {step.title}").click()
    expect(page).to_have_url(f"{address}{TENSORS.page}.html#{step.anchor}")
    heading = page.get_by_role("heading", name=step.title)
    expect(heading).to_be_in_viewport()


def test_the_way_on_leads_to_the_chapter_worked_on_last(chapter: Chapter, address: str) -> None:
    page = chapter.page
    remember(page, address, {TENSORS.page: passed(TENSORS.steps[:3])})
    chapter.open(f"{address}{SETUP.page}.html")
    page.locator(".tt-reflect textarea").first.fill("To work on this chapter.")
    page.goto(address)
    expect(page.locator("#tt-resume")).to_contain_text("Go on: Setup, step 1")


def test_the_way_on_leads_past_a_chapter_that_is_done(page: Page, address: str) -> None:
    for module, following in itertools.pairwise(COURSE.published):
        remember(page, address, {module.page: passed(module.steps)})
        way_on = page.locator("#tt-resume")
        expect(way_on).to_contain_text(f"Go on: {following.title}, step 1")
    remember(page, address, {following.page: passed(following.steps)})
    expect(way_on).to_contain_text("Every step that is published passes")


@pytest.mark.parametrize("module", COURSE.published, ids=lambda module: module.stem)
def test_the_way_on_knows_the_heading_of_every_step(
    module: Module, page: Page, address: str
) -> None:
    page.goto(f"{address}{module.page}.html")
    titles = [f"Step {number}: {step.title}" for number, step in enumerate(module.steps, 1)]
    assert page.evaluate(HEADINGS, module.stem) == titles


def test_a_chapter_names_what_it_stands_on_until_that_is_passed(page: Page, address: str) -> None:
    chapter = f"{address}{TENSORS.page}.html"
    page.goto(chapter)
    gate = page.get_by_role("complementary", name="Before this chapter")
    expect(gate).to_contain_text("Tensors stands on Setup (8 steps to go).")
    remember(page, address, {SETUP.page: passed(SETUP.steps[1:])})
    page.goto(chapter)
    expect(gate).to_contain_text("Setup (1 step to go).")
    gate.get_by_role("link", name="Setup").click()
    expect(page).to_have_url(f"{address}{SETUP.page}.html#{SETUP.steps[0].anchor}")
    expect(gate).to_have_count(0)
    remember(page, address, ALL_OF_SETUP)
    page.goto(chapter)
    expect(page.locator("#tt-live")).to_be_visible()
    expect(gate).to_have_count(0)


def test_the_note_is_dismissed_for_good_by_keyboard(chapter: Chapter) -> None:
    page = chapter.page
    tab_to(page, "#tt-gate button")
    page.keyboard.press("Enter")
    expect(page.locator("#tt-gate")).to_have_count(0)
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "tt-live-start"
    page.reload()
    expect(chapter.panel).to_be_visible()
    expect(page.locator("#tt-gate")).to_have_count(0)


def test_the_note_stops_nobody(chapter: Chapter) -> None:
    expect(chapter.page.locator("#tt-gate")).to_be_visible()
    chapter.launch()
    chapter.cell(1).write("print('runs')")
    chapter.cell(1).run()
    expect(chapter.cell(1).output).to_have_text("runs")


@pytest.mark.parametrize("work", [{}, {SETUP.page: passed(SETUP.steps[:2])}], ids=["new", "some"])
def test_nothing_of_the_page_moves_once_it_is_painted(work: dict, page: Page, address: str) -> None:
    remember(page, address, work)
    for name in ("index", SETUP.page, TENSORS.page):
        page.goto(f"{address}{name}.html")
        assert page.evaluate(SHIFTS) == [], name


def test_an_import_says_what_came_in_and_what_runs_goes_on(
    chapter: Chapter, tmp_path: Path
) -> None:
    page = chapter.page
    chapter.launch()
    cell = chapter.cell(1)
    cell.write("before = 'still here'")
    cell.run()
    answer = {"text": "Rows.", "at": "2026-01-01"}
    score = {"ratio": "2.5", "target": "2", "medal": "bronze", "at": "2026-01-01"}
    tensors = {
        **passed(TENSORS.steps[:2]),
        "edits": {f"step:{STEP}": SOLUTION},
        "answers": {page.locator(".tt-reflect").first.get_attribute("data-question"): answer},
        "scores": {"tensors.faster": score},
    }
    file = tmp_path / "work.json"
    file.write_text(saved(**ALL_OF_SETUP, **{TENSORS.page: tensors}))
    put(chapter, file)
    expect(chapter.status).to_have_text("Brought in: 2 pages, 10 passed steps, 1 answer.")
    expect(page.locator(".bd-sidebar-primary .tt-mark-done")).to_have_count(2)
    expect(page.locator("#tt-gate")).to_have_count(0)
    expect(page.locator("#tt-live-steps")).to_contain_text("2 of 10")
    assert chapter.exercise(STEP).source == SOLUTION
    assert stored(page, TENSORS)["scores"] == {"tensors.faster": score}
    cell.write("print(before)")
    cell.run()
    expect(cell.output).to_have_text("still here")


def test_the_best_score_of_a_challenge_is_kept(chapter: Chapter) -> None:
    chapter.launch()
    cell = chapter.cell(1)
    for ratio, medal in (("2.5", "silver"), ("1.2", "")):
        html = (
            '<section class="tt-challenge" data-question="tensors.faster" data-state="passed" '
            f'data-ratio="{ratio}" data-target="2" data-medal="{medal}">{ratio}</section>'
        )
        cell.write(f"from IPython.display import HTML\nHTML({html!r})")
        cell.run()
        expect(cell.output).to_contain_text(ratio)
    kept = stored(chapter.page, TENSORS)["scores"]["tensors.faster"]
    assert {**kept, "at": ""} == {"ratio": "2.5", "target": "2", "medal": "silver", "at": ""}


def test_of_two_answers_the_later_stays_and_of_two_scores_the_better(
    chapter: Chapter, tmp_path: Path
) -> None:
    here = {
        "answers": {"q.old": answer("mine", "2026-03"), "q.new": answer("mine", "2026-01")},
        "scores": {"c.good": {"ratio": "3"}, "c.bad": {"ratio": "1"}},
    }
    brought = {
        "answers": {name: answer("theirs", "2026-02") for name in ("q.old", "q.new")},
        "scores": {name: {"ratio": "2"} for name in ("c.good", "c.bad")},
    }
    file = tmp_path / "work.json"
    for work in (here, brought):
        file.write_text(saved(**{TENSORS.page: work}))
        put(chapter, file)
        expect(chapter.status).to_contain_text("2 answers")
        chapter.page.reload()
    kept = stored(chapter.page, TENSORS)
    assert {name: one["text"] for name, one in kept["answers"].items()} == {
        "q.old": "mine",
        "q.new": "theirs",
    }
    assert kept["scores"] == {"c.good": {"ratio": "3"}, "c.bad": {"ratio": "2"}}


def answer(text: str, month: str) -> dict[str, str]:
    """An answer of that month."""
    return {"text": text, "at": f"{month}-01T20:00:00.000Z"}


def test_an_answer_says_what_kind_of_question_it_answers(chapter: Chapter) -> None:
    question = chapter.page.locator(".tt-reflect").first
    question.locator("textarea").fill("Rows.")
    kept = stored(chapter.page, TENSORS)["answers"]
    assert kept[question.get_attribute("data-question")]["kind"] == "reflect"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", TENSORS.page])
def test_marks_and_notes_break_no_rule_of_accessibility(
    name: str, scheme: str, page: Page, address: str
) -> None:
    page.emulate_media(color_scheme=scheme)
    remember(page, address, {SETUP.page: passed(SETUP.steps[:2])})
    page.goto(f"{address}{name}.html")
    page.locator(".tt-live-more summary").click()
    where = {"include": [["article"], [".bd-sidebar-primary nav"]]}
    assert Found(page, where=where).broken == []
