"""A learner in the browser from the landing page to the end of the course, and back and forth.

Everything is asked of the catalogue, so a module that is published later is learned as well.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.chapter import Chapter
from tests.browser.conftest import PATIENCE, Watch
from tests.course.conftest import solution
from tests.course.test_learner import plain, typed
from tests.course.test_wheel import venv  # noqa: F401 - a fixture
from tinytorch.course import checks, stubs
from tinytorch.course.catalog import Module, Step, load_course
from tinytorch.course.misconceptions import read_mistakes

COURSE = load_course()
COMMAND = Path(sys.executable).with_name("tinytorch")
MINE = "# my own"
WHOSE = f"""
import inspect
from tinytorch.course import install
from tinytorch.course.catalog import load_course
for step in load_course().steps:
    if {MINE!r} in inspect.getsource(install.code_of(install.current(step.target))):
        print(step.id)
"""


def answered(step: Step) -> str:
    """The exercise cell with the reference's body, and a comment that no reference holds."""
    text = solution(step)
    function = next(node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef))
    lines = text.split("\n")
    lines.insert(function.body[0].end_lineno or 0, f"    {MINE}")
    return "\n".join(lines)


def mistaken(module: Module) -> tuple[Step, str, str]:
    """The first catalogued mistake: its step, the cell that makes it, what the learner is told."""
    mistake = read_mistakes(checks.mistakes_file(module.stem))[0]
    step = COURSE.step(mistake.step)
    imports = stubs.stub(step).partition("@build")[0]
    function, around = typed(mistake)
    return step, f'{imports}\n{around}\n@build("{step.id}")\n{function}\n', mistake.says


class Machine:
    """The learner's own machine: a folder and the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.work.mkdir()

    def types(self, *arguments: str | Path) -> str:
        """Run `tinytorch` and return what it says; it must succeed."""
        kept = ("PATH", "LANG", "PYTHONPATH")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        done = subprocess.run(
            [COMMAND, *map(str, arguments)],
            cwd=self.work,
            env={**environment, "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine on which nothing is begun."""
    return Machine(tmp_path)


@pytest.fixture
def learner(page: Page, watch: Watch) -> Iterator[Chapter]:
    """Somebody who has never been here."""
    yield Chapter(page)
    assert watch.errors == []
    assert watch.third_parties == []


def test_a_learner_goes_from_the_landing_page_to_the_end_of_the_course(
    learner: Chapter,
    machine: Machine,
    browser: Browser,
    address: str,
    venv,  # noqa: F811
) -> None:
    for module in COURSE.published:
        opens(learner, module, address)
        runs_on_their_own_code(learner, module)
        makes_a_mistake(learner, module)
        solves_every_step(learner, module)
        engages(learner.page, module)
    wheel = saves(learner, "#tt-library", machine.folder)
    assert venv(wheel.name, wheel.read_bytes(), WHOSE).split() == [s.id for s in COURSE.steps]
    finds_everything_done(learner.page, address)
    learner.open(f"{address}{COURSE.published[0].page}.html")
    moves_to_their_own_machine(machine, saves(learner, "#tt-work-export", machine.folder))
    back = machine.folder / "back.json"
    machine.types("report", "--export", back)
    moves_to_another_browser(browser, back, address)


def opens(learner: Chapter, module: Module, address: str) -> None:
    """Go to the chapter by the map: nothing that it stands on is missing."""
    learner.page.goto(address)
    learner.page.locator(".tt-map").get_by_role("link", name=module.title, exact=True).click()
    expect(learner.panel).to_be_visible()
    expect(learner.page).to_have_url(f"{address}{module.page}.html")
    expect(learner.page.locator("#tt-gate")).to_have_count(0)


def runs_on_their_own_code(learner: Chapter, module: Module) -> None:
    """Switch on, in the second chapter, what stays on from then: the code of earlier chapters."""
    earlier = COURSE.published[: COURSE.published.index(module)]
    choice = learner.page.locator("#tt-carried")
    expect(choice).to_be_visible(visible=bool(earlier))
    if earlier:
        choice.check()
    learner.launch()
    table = learner.page.locator("#tt-carried-result")
    expect(table).to_be_visible(visible=bool(earlier))
    for one in earlier:
        steps = len(one.steps)
        expect(table.locator("summary")).to_contain_text(f"{steps} of {steps} steps of {one.title}")


def makes_a_mistake(learner: Chapter, module: Module) -> None:
    """Be told which mistake it is."""
    step, cell, says = mistaken(module)
    exercise = learner.exercise(step.id)
    exercise.write(cell)
    exercise.run()
    expect(exercise.result).to_have_attribute("data-state", "failed")
    told = exercise.result.locator(".tt-misconception").first
    expect(told).to_contain_text(plain(says).replace("`", "")[:40])


def solves_every_step(learner: Chapter, module: Module) -> None:
    """Build the module, and see it marked."""
    mark = learner.page.locator(".bd-sidebar-primary a.current .tt-mark-done")
    for number, step in enumerate(module.steps, 1):
        exercise = learner.exercise(step.id)
        exercise.write(answered(step))
        exercise.run()
        expect(exercise.result).to_have_attribute("data-state", "passed")
        expect(mark).to_contain_text(f"{number} of {len(module.steps)} steps pass")
    expect(mark).to_contain_text("✓")


def engages(page: Page, module: Module) -> None:
    """Answer a question, in words, by a number or by a choice."""
    field, answer = question(page, module)
    if answer:
        field.fill(answer)
    else:
        field.check()


def finds_the_answer(page: Page, module: Module) -> None:
    """See the answer in its place."""
    field, answer = question(page, module)
    if answer:
        expect(field).to_have_value(answer)
    else:
        expect(field).to_be_checked()


def question(page: Page, module: Module) -> tuple[Locator, str]:
    """The first field for an answer, and what to write into it; nothing, where it is a choice."""
    field = page.locator(".tt-reflect textarea, .tt-analyze [data-field]").first
    answers = {None: f"I built {module.stem}.", "number": "4", "radio": ""}
    return field, answers[field.get_attribute("type")]


def finds_everything_done(page: Page, address: str) -> None:
    """See every chapter marked on the landing page, and nothing left to go on to."""
    page.goto(address)
    expect(page.locator(".tt-map-progress")).to_have_text(
        [f"All {len(module.steps)} steps pass on your code." for module in COURSE.published]
    )
    expect(page.locator(".tt-mark-done span[aria-hidden]")).to_have_text(
        ["✓" for _ in COURSE.published]
    )
    expect(page.locator("#tt-resume")).to_contain_text("Every step that is published passes")


def saves(learner: Chapter, button: str, folder: Path) -> Path:
    """Press a button of the work menu and keep the file that it makes."""
    learner.page.locator(".tt-live-more summary").click()
    with learner.page.expect_download() as download:
        learner.page.locator(button).click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


def moves_to_their_own_machine(machine: Machine, file: Path) -> None:
    """Go on in a workspace made of the file, in which all is green and theirs."""
    machine.types("start", "--from", file)
    for module in COURSE.published:
        assert "complete" in machine.types("check", module.stem)
        own = (machine.work / "tinytorch").rglob("*.py")
        text = "".join(path.read_text() for path in own if module.stem in str(path))
        assert text.count(MINE) == len(module.steps)
    assert "every module" in machine.types("next").lower()


def moves_to_another_browser(browser: Browser, file: Path, address: str) -> None:
    """Bring the machine's file into a browser that knows nothing: everything counts as passed."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    elsewhere = Chapter(page)
    elsewhere.open(f"{address}{COURSE.published[-1].page}.html")
    page.locator(".tt-live-more summary").click()
    page.locator("#tt-work-import").set_input_files(file)
    pages, steps = len(COURSE.published), len(COURSE.steps)
    expect(elsewhere.status).to_contain_text(
        f"{pages} pages, {steps} passed steps, {pages} answers"
    )
    for module in COURSE.published:
        elsewhere.open(f"{address}{module.page}.html")
        for step in module.steps:
            cell = elsewhere.exercise(step.id)
            expect(cell.locator).to_contain_class("tt-has-passed")
            expect(cell.printed).to_contain_text(MINE)
        finds_the_answer(page, module)
    finds_everything_done(page, address)
    page.close()
