"""The anatomy of a chapter: its ten sections in order, and the parts of every step."""

import re
from pathlib import Path

import pytest

from tinytorch.course.catalog import load_course

EVERY_CHAPTER = pytest.mark.parametrize("module", load_course().published, ids=lambda m: m.stem)
CHAPTERS = Path(__file__).resolve().parents[2] / "book" / "modules"
LEAST_STEPS = {
    "setup": 6,
    "tensors": 10,
    "layers": 10,
    "data": 9,
    "networks": 10,
    "training": 12,
    "autograd": 12,
}
LEAST_FIGURES = {
    "setup": 1,
    "tensors": 4,
    "layers": 6,
    "data": 11,
    "networks": 12,
    "training": 16,
    "autograd": 12,
}


def heading(article, words):
    """The section heading that starts with the words."""
    found = [h for h in article.select("h2") if h.get_text().lower().startswith(words.lower())]
    assert len(found) == 1, f"{len(found)} sections are called {words!r}"
    return found[0]


def anatomy(module):
    """What marks each section of the module's chapter, in order."""
    return {
        "title": lambda article: article.select_one("h1"),
        "learning pattern": lambda article: article.select_one(".tt-pattern"),
        "what you will build": lambda article: heading(article, "What you will build"),
        "first result": lambda article: heading(article, "First result in two minutes"),
        "build": lambda article: heading(article, "Build"),
        "use": lambda article: heading(article, "Use"),
        "engage": lambda article: heading(article, module.pattern),
        "in the real world": lambda article: heading(article, "In the real world"),
        "check your module": lambda article: heading(article, "Check your module"),
        "what success looks like": lambda article: heading(article, "What success looks like"),
    }


def place(article):
    """How far into the article an element stands."""
    order = {id(element): number for number, element in enumerate(article.find_all(True))}
    return lambda element: order[id(element)]


@EVERY_CHAPTER
def test_the_ten_sections_stand_in_order(site, module):
    article = site.chapter(module).article
    found = {name: find(article) for name, find in anatomy(module).items()}
    assert [name for name, element in found.items() if element is None] == []
    position = place(article)
    assert sorted(found, key=lambda name: position(found[name])) == list(found)


@EVERY_CHAPTER
def test_the_chapter_has_300_to_900_lines_of_markdown_beside_its_cells(module):
    source = (CHAPTERS / f"{module.chapter}.md").read_text(encoding="utf-8")
    prose = re.sub(r"^```\{code-cell\}.*?^```$", "", source, flags=re.MULTILINE | re.DOTALL)
    assert 300 <= len(prose.splitlines()) <= 900


@EVERY_CHAPTER
def test_the_insight_stands_before_everything_else(site, module):
    first = site.chapter(module).article.select_one("h1").find_next("p")
    assert module.insight in first.get_text()


@EVERY_CHAPTER
def test_something_is_seen_before_the_first_step(site, module):
    article = site.chapter(module).article
    shown = heading(article, "First result in two minutes").find_parent("section")
    assert shown.select(".cell_output")


@EVERY_CHAPTER
def test_every_step_has_its_exercise_check_hints_and_solution_in_order(site, module):
    assert len(module.steps) >= LEAST_STEPS[module.stem]
    article = site.chapter(module).article
    position = place(article)
    sections = [article.find(id=step.anchor) for step in module.steps]
    assert None not in sections
    assert sorted(sections, key=position) == sections
    for step, anchor in zip(module.steps, sections, strict=True):
        section = anchor if anchor.name == "section" else anchor.find_parent("section")
        cells = [c for c in section.select(".cell.tag_exercise") if step.id in c.get_text()]
        assert len(cells) == 1, step.id
        assert cells[0].select(f'.tt-result.tt-unbuilt[data-step="{step.id}"]'), step.id
        parts = [cells[0], section.select_one(".tt-hint"), section.select_one(".tt-solution")]
        assert None not in parts, step.id
        assert sorted(parts, key=position) == parts, step.id


@EVERY_CHAPTER
def test_as_published_no_exercise_passes_by_itself(site, module):
    results = site.chapter(module).article.select(".cell .tt-result")
    found = {one.get("data-step") or one["data-module"]: one["data-state"] for one in results}
    assert found == dict.fromkeys([*(step.id for step in module.steps), module.stem], "unbuilt")


@EVERY_CHAPTER
def test_hints_open_one_at_a_time(site, module):
    for step in module.steps:
        assert 2 <= len(step.hints) <= 4, step.id
    for outer in site.chapter(module).article.select("details.tt-hint"):
        assert not outer.has_attr("open")
        assert len([child for child in outer.children if child.name == "details"]) <= 1


@EVERY_CHAPTER
def test_solutions_are_folded_and_name_their_source(site, module):
    solutions = site.chapter(module).article.select("details.tt-solution")
    assert len(solutions) == len(module.steps)
    for solution in solutions:
        assert not solution.has_attr("open")
        assert "/blob/main/tinytorch/" in solution.select_one(".tt-source a")["href"]


@EVERY_CHAPTER
def test_the_pattern_is_practised(site, module):
    section = heading(site.chapter(module).article, module.pattern).find_parent("section")
    widget = {"Reflect": "reflect", "Analyze": "analyze", "Optimize": "challenge"}[module.pattern]
    questions = section.select(f".tt-{widget}")
    assert len(questions) >= len(module.activities)
    assert all(question.select("details") for question in questions)


@EVERY_CHAPTER
def test_the_checks_and_the_indicators_stand_in_their_sections(site, module):
    article = site.chapter(module).article
    checks = heading(article, "Check your module").find_parent("section")
    assert checks.select(".tt-checks .tt-check")
    success = heading(article, "What success looks like").find_parent("section")
    indicators = load_course().pattern(module.pattern).indicators
    assert [item.get_text().strip() for item in success.select(".tt-success li")] == [*indicators]


@EVERY_CHAPTER
def test_the_real_world_links_to_both_frameworks(site, module):
    section = heading(site.chapter(module).article, "In the real world").find_parent("section")
    addresses = " ".join(link["href"] for link in section.select("a[href]"))
    assert "pytorch" in addresses
    assert "tensorflow" in addresses


@EVERY_CHAPTER
def test_a_chapter_has_its_pictures(site, module):
    pictures = site.chapter(module).article.select(".cell_output svg, .cell_output img, figure img")
    assert len(pictures) >= LEAST_FIGURES[module.stem]
