"""The examiner finds on files what the page finds in its cells."""

import ast
import re

import pytest

from tinytorch.course import catalog, cells, checks, exercise, supervisor, workspace
from tinytorch.course.misconceptions import read_mistakes

COURSE = catalog.load_course()
PLACE = re.compile(r"\s*It happened in line .*")
CHANCE = re.compile(r"-?\d{12,}|0\.\d{6,}")  # what comes out otherwise in every process


def in_its_words(results, name):
    """What each check says, but for the place in the learner's code and the answer's own name."""
    return [
        (
            found.title,
            found.kind,
            found.outcome,
            CHANCE.sub("number", found.got.replace(name, "answer")),
            found.expected,
            PLACE.sub("", found.because),
            found.misconception,
            found.provenance,
        )
        for found in results
    ]


def as_cell(mistake):
    """The catalogue of mistakes as a cell in which this one is the answer."""
    text = checks.mistakes_file(COURSE.step(mistake.step).stem).read_text()
    name = mistake.answer.__name__
    (answer,) = (node for node in ast.parse(text).body if getattr(node, "name", "") == name)
    decorator, lines = answer.decorator_list[0], text.splitlines()
    lines[decorator.lineno - 1 : decorator.end_lineno] = [f'@build("{mistake.step}")']
    return "\n".join(lines)


@pytest.mark.parametrize("module", COURSE.published, ids=lambda module: module.stem)
@pytest.mark.parametrize("number", range(3))
def test_the_verdicts_on_files_are_those_of_the_page(module, number, tmp_path, untouched):
    here = workspace.create(tmp_path / "ws")
    for needed in (*COURSE.prerequisites(module.stem), module):
        here.start(needed.stem)
    answers = {}
    for step in module.steps:
        known = read_mistakes(checks.mistakes_file(module.stem))
        mistake = [one for one in known if one.step == step.id][number]
        for path, text in cells.with_cell(here.files(module.stem), step, as_cell(mistake)).items():
            (here.code / path).write_text(text)
        answers[step] = mistake.answer
    found = supervisor.examine(here, module.stem, whole=False)
    assert found.problem == ""
    assert [result.step for result in found.steps] == list(module.steps)
    for result in found.steps:
        answer = answers[result.step]
        page = exercise.check_answer(result.step, answer)
        assert (result.state, result.in_place) == (page.state, page.in_place)
        assert result.state == "failed"
        mine = in_its_words(result.checks, result.step.name)
        assert mine == in_its_words(page.checks, answer.__name__)
