"""`check --watch`: what is checked first, and what stays on the screen."""

import pytest

from tinytorch.course import source
from tinytorch.course.catalog import load_course
from tinytorch.course.commands.changes import touched

TENSORS = load_course().module("tensors")
FIRST, SECOND, THIRD, *LATER = TENSORS.steps
BLANK = source.blanked_files("tensors", TENSORS.steps)
SOLVED = source.package_files("tensors")


def solving(*steps):
    """The files with these steps solved."""
    files = dict(BLANK)
    for step in steps:
        place = source.locate(step)
        answer = source.function_text(SOLVED[place.path], place.qualname)
        files[place.path] = source.replace_function(files[place.path], place.qualname, answer)
    return files


def with_line(step, line, files):
    """The files with one more line above everything in the file of a step."""
    path = source.locate(step).path
    return {**files, path: f"{line}\n{files[path]}"}


@pytest.mark.parametrize("steps", [(FIRST,), (SECOND, THIRD), TENSORS.steps], ids=len)
def test_only_the_steps_whose_functions_changed_come_first(steps):
    assert touched(TENSORS, BLANK, solving(*steps), place=FIRST) == steps
    assert touched(TENSORS, solving(*steps), BLANK, place=THIRD) == steps


def test_nothing_comes_first_when_nothing_changed():
    assert touched(TENSORS, BLANK, dict(BLANK), place=FIRST) == ()


def test_a_function_that_only_moved_has_not_changed():
    before = with_line(FIRST, "", BLANK)
    path = source.locate(FIRST).path
    assert before[path].count("\n") == BLANK[path].count("\n") + 1
    assert touched(TENSORS, before, {**before, path: before[path]}, place=FIRST) == ()


@pytest.mark.parametrize("place", [FIRST, THIRD, LATER[-1]], ids=lambda step: step.name)
def test_any_other_change_reaches_from_the_step_in_hand_on(place):
    changed = with_line(FIRST, "import math", BLANK)
    steps = TENSORS.steps[TENSORS.steps.index(place) :]
    assert touched(TENSORS, BLANK, changed, place=place) == steps


def test_without_a_step_in_hand_any_other_change_reaches_every_step():
    assert touched(TENSORS, BLANK, with_line(FIRST, "x = 1", BLANK), place=None) == TENSORS.steps


def test_a_file_that_is_no_python_reaches_from_the_step_in_hand_on():
    path = source.locate(SECOND).path
    broken = {**BLANK, path: f"{BLANK[path]}\ndef half("}
    assert touched(TENSORS, BLANK, broken, place=SECOND) == TENSORS.steps[1:]
    assert touched(TENSORS, broken, BLANK, place=SECOND) == TENSORS.steps[1:]


def test_a_file_that_is_gone_reaches_from_the_step_in_hand_on():
    path = source.locate(SECOND).path
    gone = {name: text for name, text in BLANK.items() if name != path}
    assert touched(TENSORS, BLANK, gone, place=SECOND) == TENSORS.steps[1:]
    assert touched(TENSORS, gone, BLANK, place=SECOND) == TENSORS.steps[1:]


def test_a_file_of_another_module_reaches_from_the_step_in_hand_on():
    before, now = {**BLANK, "setup.py": "x = 1"}, {**BLANK, "setup.py": "x = 2"}
    assert touched(TENSORS, before, now, place=SECOND) == TENSORS.steps[1:]
