"""A learner's object replaces the reference by identity, wherever the library holds it."""

import sys
import types
from typing import NamedTuple

import pytest

import tinytorch
from tinytorch.course import catalog, install


def double(number):
    """Stand for a learner's answer."""
    return number * 2


@pytest.fixture
def user(monkeypatch, toys):
    """A later module of the library that imported the function by name."""
    module = types.ModuleType("tinytorch.games")
    module.twice = toys.library.double
    monkeypatch.setitem(sys.modules, "tinytorch.games", module)
    return module


def test_modules_classes_and_tables_all_use_what_is_installed(toys, user):
    install.install("toys.double", double)
    assert toys.library.double is double
    assert user.twice is double
    assert toys.library.Top.turned is double
    assert toys.library.kernels == {"double": double, "more": {"double": double}}


def test_a_table_that_holds_itself_does_not_hang_the_search(toys):
    toys.library.kernels["itself"] = toys.library.kernels
    install.install("toys.double", double)
    assert toys.library.kernels["double"] is double


def test_named_tuples_in_a_table_use_it_too(toys):
    class Row(NamedTuple):
        title: str
        rule: object

    reference = toys.library.double
    toys.library.kernels["row"] = Row("twice", reference)
    replaced = install.install("toys.double", double)
    assert toys.library.kernels["row"] == Row("twice", double)
    install.restore("toys.double", replaced)
    assert toys.library.kernels["row"] == Row("twice", reference)


def test_a_name_that_the_package_has_handed_out_is_replaced_as_well(untouched):
    reference = tinytorch.format_bytes
    assert vars(tinytorch)["format_bytes"] is reference
    install.install("setup.format_bytes", double)
    assert tinytorch.format_bytes is double
    install.reset()
    assert tinytorch.format_bytes is reference


def test_restoring_puts_back_exactly_what_was_there(toys, user):
    reference = toys.library.double
    replaced = install.install("toys.double", double)
    install.restore("toys.double", replaced)
    assert replaced is reference
    assert user.twice is reference
    assert toys.library.kernels["more"]["double"] is reference


def test_the_course_itself_and_other_packages_are_left_alone(toys, monkeypatch):
    other = types.ModuleType("tinytorch.course.other")
    stranger = types.ModuleType("tinytorch_stranger")
    for module in (other, stranger):
        module.double = toys.library.double
        monkeypatch.setitem(sys.modules, module.__name__, module)
    install.install("toys.double", double)
    assert other.double is not double
    assert stranger.double is not double


def test_a_block_can_use_another_object_and_ends_with_the_former_one(toys):
    reference = toys.library.double

    def fail():
        with install.installed("toys.double", double):
            raise RuntimeError(toys.library.double.__name__)

    with pytest.raises(RuntimeError, match="double"):
        fail()
    assert toys.library.double is reference


def test_provenance_follows_what_is_installed(toys):
    assert install.provenance_of("toys.double") == "reference"
    install.install("toys.double", double)
    assert install.provenance_of("toys.double") == "yours"
    install.install("toys.double", install.reference("toys.double"))
    assert install.provenance_of("toys.double") == "reference"


def test_the_reference_stays_known_after_many_versions(toys):
    reference = toys.library.double
    for _ in range(3):
        install.install("toys.double", lambda number: number)
    assert install.reference("toys.double") is reference
    install.reset()
    assert toys.library.double is reference


def test_installing_the_same_object_twice_is_the_same_as_once(toys):
    reference = toys.library.double
    install.install("toys.double", double)
    install.restore("toys.double", install.install("toys.double", double))
    assert toys.library.double is double
    install.reset()
    assert toys.library.double is reference


@pytest.mark.parametrize("shared", [None, True, len, 3, "text", print])
def test_what_the_library_may_hold_elsewhere_is_not_confused_with_it(toys, shared):
    toys.library.elsewhere = shared
    reference = toys.library.double
    install.restore("toys.double", install.install("toys.double", shared))
    assert toys.library.double is reference
    assert toys.library.elsewhere is shared


def test_one_function_can_answer_two_steps(toys):
    install.install("toys.double", double)
    install.install("toys.Top.spin", double)
    install.install("toys.double", install.reference("toys.double"))
    assert install.provenance_of("toys.double") == "reference"
    assert toys.library.Top.spin(4) == 8


def test_another_function_of_the_library_can_be_an_answer(toys):
    other = toys.library.real_double
    replaced = install.install("toys.double", other)
    install.restore("toys.double", replaced)
    assert toys.library.real_double is other


@pytest.mark.parametrize("kind", [staticmethod, classmethod, property])
def test_an_answer_may_already_be_wrapped(toys, kind):
    toys.library.Top.spin = kind(lambda top: 1)
    install.install("toys.Top.spin", kind(double))
    assert install.code_of(vars(toys.library.Top)["spin"]) is double.__code__


@pytest.mark.parametrize("kind", [staticmethod, classmethod, property])
def test_a_plain_function_is_held_by_a_class_as_the_reference_was(toys, kind):
    toys.library.Top.spin = kind(lambda top: 1)
    install.install("toys.Top.spin", double)
    held = vars(toys.library.Top)["spin"]
    assert isinstance(held, kind)
    assert install.code_of(held) is double.__code__


def test_a_method_is_replaced_as_a_method(toys):
    toys.library.Top.grow = lambda top, number: number
    install.install("toys.Top.grow", lambda top, number: (type(top).__name__, number))
    assert toys.library.Top().grow(3) == ("Top", 3)


@pytest.mark.parametrize("target", ["toys.nothing", "toys.Nobody.spin", "toys.Top.nothing"])
def test_a_missing_target_is_named(toys, target):
    with pytest.raises(catalog.CourseError, match=f"tinytorch has no {target}"):
        install.install(target, double)


def test_every_step_of_the_course_has_a_target():
    steps = catalog.load_course().steps
    assert all(callable(install.reference(step.target)) for step in steps)
    assert {install.provenance_of(step.target) for step in steps} == {"reference"}


def test_every_use_of_a_step_inside_the_library_is_replaced(untouched):
    for step in catalog.load_course().steps:
        reference = install.reference(step.target)
        install.install(step.target, lambda *inputs, **options: None)
        left = [
            f"{name}.{key}"
            for name, module in list(sys.modules.items())
            if install.is_library(name)
            for key, value in vars(module).items()
            if value is reference
        ]
        assert left == []
        install.restore(step.target, reference)
