"""Every catalogued mistake is caught by the check it names and explained by its own sentence."""

import pytest

import tinytorch as tt
from tinytorch.course import catalog, checks, exercise
from tinytorch.course.misconceptions import read_mistakes

COURSE = catalog.load_course()
LEAST = 3  # mistakes for each step
MISTAKES = [
    pytest.param(found, id=f"{found.step}-{found.answer.__name__}")
    for module in COURSE.published
    for found in read_mistakes(checks.mistakes_file(module.stem))
]


@pytest.mark.parametrize("found", MISTAKES)
def test_a_mistake_is_caught_and_recognised_as_itself(found, untouched):
    result = exercise.check_answer(COURSE.step(found.step), found.answer)
    catching = [check for check in result.checks if check.name == found.caught_by]
    assert "failed" in {check.outcome for check in catching}
    assert found.says in {check.misconception for check in catching}
    assert result.in_place == "reference"


@pytest.mark.parametrize("found", [one for one in MISTAKES if "no_grad" in one.id])
def test_a_wrong_switch_does_not_leave_the_tape_off(found, untouched):
    exercise.check_answer(COURSE.step(found.step), found.answer)
    assert tt.is_grad_enabled()


@pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.id)
def test_every_step_has_its_mistakes(step):
    found = [given.values[0] for given in MISTAKES if given.values[0].step == step.id]
    assert len(found) >= LEAST
    assert len({mistake.says for mistake in found}) == len(found)


def test_every_mistake_belongs_to_a_step():
    steps = {step.id for step in COURSE.steps}
    assert {given.values[0].step for given in MISTAKES} <= steps


def test_a_file_that_is_not_there_holds_no_mistakes(tmp_path):
    assert read_mistakes(tmp_path / "nothing.py") == ()


def test_reading_a_file_twice_finds_each_mistake_once(toys):
    assert len(read_mistakes(toys.mistakes)) == len(read_mistakes(toys.mistakes)) == 3
