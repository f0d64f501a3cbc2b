"""`check --watch`: what is checked first, and what stays on the screen."""

import shutil
import signal
import subprocess

import pexpect
import psutil
import pytest

from tests.course.processes import has_ended, wait_for
from tests.course.terminal import COLOURS, COMMAND, SAVED, Learner
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


# In a terminal

SETUP = load_course().module("setup")
ONE, TWO, THREE, *_ = SETUP.steps
HANGS = "def {name}(*inputs):\n    while True:\n        pass"
WRONG = "def {name}(*inputs):\n    return {answer}"


@pytest.fixture
def learner(tmp_path):
    """Somebody who has started the first module."""
    found = Learner(tmp_path / "work", tmp_path / "home")
    found.types("start")
    return found


def answers(learner, step, code, **words):
    learner.writes(step, code.format(name=source.locate(step).qualname, **words))


def ends(terminal):
    """Press Ctrl-C; return what was shown after it."""
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert (terminal.exitstatus, terminal.signalstatus) == (130, None)
    return terminal.before


def test_the_step_in_hand_stays_the_one_shown_while_it_is_red(learner):
    watch = learner.watches()
    answers(learner, ONE, WRONG, answer=1)
    watch.expect(f"Not yet: {ONE.id}.*{SAVED}")
    answers(learner, THREE, WRONG, answer=1)
    watch.expect(f"Not yet: {THREE.id}.*{SAVED}")
    for number in (2, 3):
        answers(learner, THREE, WRONG, answer=number)
        watch.expect(SAVED)
        assert f"Not yet: {THREE.id}" in watch.before
        assert f"Not yet: {ONE.id}" not in watch.before
    learner.solves(TWO)
    watch.expect(SAVED)
    assert f"Not yet: {THREE.id}" in watch.before
    learner.solves(THREE)
    watch.expect(f"Not yet: {ONE.id}.*{SAVED}")
    ends(watch)


def test_only_what_changed_is_checked_before_the_first_answer(learner):
    watch = learner.watches()
    learner.solves(TWO)
    watch.expect(f"saved; checking {TWO.name}\\W")
    watch.expect(SAVED)
    assert [step.name for step in SETUP.steps if f"  {step.name} " in watch.before] == [TWO.name]
    ends(watch)


def test_nothing_on_the_screen_is_taken_away(learner):
    watch = learner.watches()
    learner.solves(ONE)
    watch.expect(SAVED)
    assert not [code for code in ("[2J", "[H", "[K", "[A") if f"\x1b{code}" in watch.before]
    assert COLOURS.sub("", ends(watch)).strip(" \r\n^C") == ""


def test_a_check_that_hangs_is_given_up_when_the_file_is_saved_again(learner):
    watch = learner.watches()
    answers(learner, ONE, HANGS)
    watch.expect(f"saved; checking {ONE.name}")
    learner.solves(ONE)
    watch.expect(f"{ONE.name} .*passed")
    assert "no answer within" not in watch.before
    watch.expect(SAVED)
    ends(watch)


def test_ctrl_c_in_the_middle_of_a_check_leaves_no_process_behind(learner):
    watch = learner.watches()
    answers(learner, ONE, HANGS)
    watch.expect(f"saved; checking {ONE.name}")
    started = wait_for(lambda: psutil.Process(watch.pid).children(recursive=True))
    assert "Traceback" not in ends(watch)
    wait_for(lambda: all(has_ended(process.pid) for process in started))


def test_a_folder_that_goes_and_comes_back_is_seen(learner):
    watch = learner.watches()
    code = learner.folder / "tinytorch"
    shutil.move(code, learner.folder / "elsewhere")
    watch.expect(f"(?i)setup.*{SAVED}")
    shutil.move(learner.folder / "elsewhere", code)
    watch.expect(f"Next to build: {ONE.id}.*{SAVED}")
    learner.solves(ONE)
    watch.expect(f"{ONE.name} .*passed.*{SAVED}")
    ends(watch)


def test_the_watch_works_without_a_terminal(learner):
    watch = subprocess.Popen(
        [COMMAND, "check", "--watch"],
        cwd=learner.folder,
        env={**learner.environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    shown = []
    while SAVED not in "".join(shown):
        shown.append(watch.stdout.readline())
    watch.send_signal(signal.SIGINT)
    shown.append(watch.communicate(timeout=10)[0])
    assert watch.returncode == 130
    assert "\x1b" not in "".join(shown)
    assert "Traceback" not in "".join(shown)
