"""What `build` does with what learners write."""

import random
import signal
import sys
import threading
import time
import unittest

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import build, catalog, exercise, install, limits


def attempt(toys, answer):
    """Check an answer to the step that doubles."""
    return exercise.check_answer(toys.double, answer)


def first_failure(result):
    """The check that failed first."""
    return next(check for check in result.checks if check.outcome == "failed")


def right(number):
    """A right answer."""
    if isinstance(number, str):
        raise TypeError(f"cannot double {number!r}")
    return number + number


def test_a_right_answer_takes_the_place_of_the_reference(toys):
    assert attempt(toys, right).state == "passed"
    assert tt.toys.double is right


def test_a_wrong_answer_leaves_the_reference_in_place(toys):
    reference = toys.library.double
    assert attempt(toys, lambda number: number + 2).state == "failed"
    assert tt.toys.double is reference


def test_build_returns_what_the_learner_wrote_whether_right_or_wrong(toys):
    def wrong(number):
        return number

    assert build("toys.double")(right) is right
    assert build("toys.double")(wrong) is wrong


def test_a_stub_is_not_built_and_the_page_runs_on_with_the_reference(toys, capsys):
    @build("toys.double")
    def double(number):
        """Return twice the number."""
        raise NotImplementedError("Return twice the number.")

    assert double is toys.library.double
    assert double(2) == 4
    assert "Not built yet. toys.double: Return twice the number." in capsys.readouterr().out


def test_a_stub_after_a_right_answer_leaves_the_right_answer_in_place(toys, capsys):
    build("toys.double")(right)

    @build("toys.double")
    def double(number):
        raise NotImplementedError("Return twice the number.")

    assert double is right
    assert "your last version that passed" in " ".join(capsys.readouterr().out.split())


def test_breaking_what_passed_leaves_the_last_version_that_passed(toys):
    attempt(toys, right)
    broken = attempt(toys, lambda number: None)
    assert (broken.state, broken.in_place) == ("failed", "yours")
    assert tt.toys.double is right
    better = eval("lambda number: right(number)", {"right": right})
    assert attempt(toys, better).state == "passed"
    assert tt.toys.double is better


def test_checking_the_reference_itself_is_no_answer_of_the_learner(toys):
    result = attempt(toys, toys.library.double)
    assert (result.state, result.ran, result.in_place) == ("passed", "reference", "reference")


def test_checking_the_reference_after_an_own_answer_puts_the_reference_back(toys):
    reference = toys.library.double
    attempt(toys, right)
    assert attempt(toys, reference).in_place == "reference"


def test_every_check_says_whose_code_ran(toys):
    assert {check.provenance for check in attempt(toys, right).checks} == {"yours"}


def test_module_checks_wait_until_the_package_checks_pass(toys):
    wrong = attempt(toys, lambda number: 5)
    assert [check.outcome for check in wrong.checks] == ["failed", "failed", "waiting"]
    only_package = attempt(toys, lambda number: 2 * number)
    assert [check.outcome for check in only_package.checks] == ["passed", "passed", "failed"]


def test_a_failure_shows_what_came_what_was_expected_and_why(toys):
    failure = first_failure(attempt(toys, lambda number: 5))
    assert (failure.got, failure.expected) == ("5", "4")
    assert failure.because == "twice two is four"
    assert failure.title == "two doubled is four"


def test_a_catalogued_mistake_is_recognised(toys):
    failure = first_failure(attempt(toys, lambda number: number * number))
    assert failure.misconception == "You **squared** it."


def test_another_mistake_is_not_taken_for_a_catalogued_one(toys):
    failure = first_failure(attempt(toys, lambda number: number + 4))
    assert failure.misconception == ""


def test_an_error_is_a_mistake_only_with_the_same_message(toys):
    toys.mistakes.write_text(
        "from tinytorch.course import mistake\n"
        "@mistake('toys.double', caught_by='test_two_doubled_is_four', says='Spelling.')\n"
        "def double(number):\n    return number.twice\n"
    )
    typo = first_failure(attempt(toys, lambda number: number.length))
    same = first_failure(attempt(toys, lambda value: value.twice))
    assert (typo.misconception, same.misconception) == ("", "Spelling.")


def test_a_recursive_answer_finds_itself(toys):
    namespace = {"build": build}
    source = """
@build("toys.double")
def double(number):
    if isinstance(number, str):
        raise TypeError(repr(number))
    return 0 if number == 0 else 1.0 if number == 0.5 else 2 + double(number - 1)
"""
    exec(source, namespace)
    assert tt.toys.double is namespace["double"]


def test_a_decorated_recursive_answer_finds_itself(toys):
    namespace = {"build": build}
    source = """
import functools

@build("toys.double")
@functools.cache
def double(number):
    if isinstance(number, str):
        raise TypeError(repr(number))
    return 0 if number == 0 else 1.0 if number == 0.5 else 2 + double(number - 1)
"""
    exec(source, namespace)
    assert tt.toys.double(5) == 10
    assert install.provenance_of("toys.double") == "yours"


def test_build_without_a_step_says_how_to_write_it(toys):
    with pytest.raises(catalog.CourseError, match=r'@build\("module.step"\)'):
        build(lambda number: number)


def test_checking_does_not_bind_a_name_inside_of_the_library(toys):
    reference = toys.library.double
    attempt(toys, right)
    toys.write("package", toys.folder.joinpath("package/test_toys.py").read_text() + FAILING)
    assert attempt(toys, reference).state == "failed"
    assert tt.toys.double is right


FAILING = """
@pytest.mark.step("toys.double")
def test_three_doubled_is_seven():
    expect(tt.toys.double(3), 7, because="of nothing")
"""


# Hostile learners.


def test_an_empty_function_fails(toys):
    def double(number):
        """Return twice the number."""

    result = attempt(toys, double)
    assert result.state == "failed"
    assert first_failure(result).got == "None"


def test_wrong_parameters_are_named_as_such(toys):
    failure = first_failure(attempt(toys, lambda: 4))
    assert "takes 0 positional arguments but 1 was given" in failure.got
    assert "compare your parameters" in failure.because


def test_an_exception_is_shown_with_the_learners_own_line(toys):
    def double(number):
        return {}[number]

    failure = first_failure(attempt(toys, double))
    assert failure.got == "KeyError: 2"
    assert failure.because.endswith("of your code: `return {}[number]`")


def test_an_exception_in_code_that_used_the_answer_says_where(toys):
    toys.write("package", PACKAGE_THAT_USES)
    failure = first_failure(attempt(toys, lambda number: None))
    assert failure.got.startswith("AttributeError")
    assert "which used what your code returned" in failure.because


PACKAGE_THAT_USES = """
import pytest
import tinytorch as tt


@pytest.mark.step("toys.double")
def test_a_double_has_a_real_part():
    tt.toys.real_double(2)
"""


def test_leaving_the_program_is_contained(toys):
    assert first_failure(attempt(toys, lambda number: sys.exit(3))).got == "SystemExit: 3"


def test_leaving_pytest_is_contained(toys):
    result = attempt(toys, lambda number: pytest.exit("enough"))
    assert result.state == "failed"
    assert tt.toys.double is not None


def test_skipping_is_failing(toys):
    def double(number):
        raise unittest.SkipTest("later")

    assert attempt(toys, double).state == "failed"


def test_a_flood_of_printing_is_cut_and_shown_only_with_a_failure(toys, capsys):
    def double(number):
        for _ in range(1000):
            print("number", number)
        return right(number)

    assert {check.printed for check in attempt(toys, double).checks} == {""}

    def flood(number):
        print("x" * 10_000_000)

    printed = first_failure(attempt(toys, flood)).printed
    assert printed.startswith("xxx")
    assert len(printed) < 1100
    assert capsys.readouterr().out == ""


def test_endless_recursion_is_one_clear_failure(toys):
    def double(number):
        return double(number)

    failure = first_failure(attempt(toys, double))
    assert failure.got.startswith("RecursionError")
    assert len(failure.got) < 400


def test_an_endless_loop_is_stopped_and_named(toys, monkeypatch):
    monkeypatch.setattr(limits, "TIME_LIMIT", 0.2)

    def double(number):
        while True:
            try:
                number += 1
            except Exception:  # noqa: BLE001 - as learners do
                number = 0

    result = attempt(toys, double)
    failure = first_failure(result)
    assert failure.got == "no answer within 0.2 s of computing"
    assert "Does a loop never end? It happened in line" in failure.because
    assert [check.outcome for check in result.checks] == ["failed", "waiting", "waiting"]


def test_endless_waiting_is_stopped_too(toys, monkeypatch):
    monkeypatch.setattr(limits, "TIME_LIMIT", 0.02)

    def double(number):
        time.sleep(60)

    assert first_failure(attempt(toys, double)).got == "no answer within 0.2 s"


def test_a_timer_of_the_learners_goes_on_after_the_checks(toys):
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *given: rung.append(given))
    try:
        signal.setitimer(signal.ITIMER_REAL, 60)
        attempt(toys, right)
        remaining, _ = signal.setitimer(signal.ITIMER_REAL, 0)
        assert 0 < remaining <= 60
        signal.raise_signal(signal.SIGALRM)
        assert len(rung) == 1
    finally:
        signal.signal(signal.SIGALRM, before)


def test_an_interrupt_reaches_the_learner_and_restores_the_reference(toys):
    reference = toys.library.double

    def double(number):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"line \d+ of your code: `raise") as stop:
        build("toys.double")(double)
    assert tt.toys.double is reference
    assert len(stop.traceback) <= 2


def test_an_answer_whose_repr_fails_is_still_shown(toys):
    class Odd:
        def __repr__(self):
            raise RuntimeError("no")

        def __eq__(self, other):
            raise RuntimeError("no")

        __hash__ = None

    assert "Odd" in first_failure(attempt(toys, lambda number: Odd())).got


def test_an_error_whose_text_fails_is_still_shown(toys):
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError("no")

        __repr__ = __str__

    def double(number):
        raise Odd

    assert first_failure(attempt(toys, double)).got.startswith("Odd: ")


def test_what_is_no_function_fails(toys):
    assert attempt(toys, 4).state == "failed"
    assert "not callable" in first_failure(attempt(toys, None)).got


def test_an_answer_that_changes_its_mind_is_checked_as_it_is(toys):
    class Once:
        calls = 0

        def __call__(self, number):
            self.calls += 1
            return 4 if self.calls == 1 else None

    assert attempt(toys, Once()).state == "failed"


# What a run leaves behind.


def test_a_run_leaves_random_numbers_alone(toys):
    def double(number):
        random.random()
        np.random.random()
        tt.setup.default_generator().random()
        return right(number)

    states = [random.getstate(), tt.setup.default_generator().bit_generator.state]
    legacy = np.random.get_state()[1].tolist()
    attempt(toys, double)
    assert [random.getstate(), tt.setup.default_generator().bit_generator.state] == states
    assert np.random.get_state()[1].tolist() == legacy


def test_a_run_works_away_from_the_main_thread(toys):
    results = []
    thread = threading.Thread(target=lambda: results.append(attempt(toys, right)))
    thread.start()
    thread.join()
    assert results[0].state == "passed"


def test_a_run_works_where_nothing_can_be_written(toys, tmp_path, monkeypatch):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    monkeypatch.chdir(folder)
    assert attempt(toys, right).state == "passed"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "body",
    [
        "raise NotImplementedError('later')",
        "raise NotImplementedError",
        "'doc'\n    raise NotImplementedError(\n        'lines ' 'of text'\n    )",
        "...\n    raise NotImplementedError('later')",
    ],
)
def test_a_stub_is_known_by_what_it_can_do(body):
    namespace = {}
    exec(f"def stub(number, *more, flag=True):\n    {body}\n", namespace)
    assert exercise.is_stub(namespace["stub"])


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "return number",
        "if number:\n        return 1\n    raise NotImplementedError('later')",
        "raise ValueError('NotImplementedError')",
        "yield number\n    raise NotImplementedError('later')",
    ],
)
def test_what_can_return_is_no_stub(body):
    namespace = {}
    exec(f"def built(number):\n    {body}\n", namespace)
    assert not exercise.is_stub(namespace["built"])


@pytest.mark.parametrize("thing", [None, 3, int, print, "text"])
def test_what_has_no_code_is_no_stub(thing):
    assert not exercise.is_stub(thing)


def test_an_unknown_step_is_named_with_the_closest_one(toys):
    with pytest.raises(ValueError, match=r"no step is called 'toys.dubble'.*'toys.double'"):
        build("toys.dubble")


def test_a_method_can_be_a_step(toys):
    def spin(turns):
        return turns * 360

    reference = vars(toys.library.Top)["spin"]
    assert exercise.check_answer(toys.spin, spin).state == "passed"
    assert toys.library.Top().spin(2) == 720
    assert isinstance(vars(toys.library.Top)["spin"], staticmethod)
    install.reset()
    assert vars(toys.library.Top)["spin"] is reference
