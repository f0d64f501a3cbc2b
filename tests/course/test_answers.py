"""Every step of the course, answered in the three ways that are known beforehand.

Its stub leaves it unbuilt and passes none of its checks, an empty function fails, and the
reference, copied into the exercise cell, passes.
"""

import linecache
import time

import pytest

import tinytorch as tt
from tinytorch.course import build, catalog, checks, exercise, install, stubs

COURSE = catalog.load_course()
EVERY_STEP = pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.id)


def function_of(step):
    """The name of the function that the step asks for; a method's step has a name of its own."""
    return step.target.rpartition(".")[2]


def run_cell(source, name):
    """Run a cell as a notebook does in which only these names are known."""
    filename = f"<cell {name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    namespace = {"__name__": "__main__", "build": build, "tt": tt}
    exec(compile(source, filename, "exec"), namespace)
    return namespace[name]


@EVERY_STEP
def test_a_stub_runs_by_itself_and_is_not_built(step, untouched, capsys):
    answer = run_cell(stubs.stub(step), function_of(step))
    assert answer is install.reference(step.target)
    assert f"Not built yet. {step.id}:" in capsys.readouterr().out


@EVERY_STEP
def test_the_reference_copied_into_the_cell_passes_as_the_learners_own(
    step, untouched, capsys, solved
):
    run_cell(solved(step), function_of(step))
    assert capsys.readouterr().out.startswith("Passed.")
    assert install.provenance_of(step.target) == "yours"


@EVERY_STEP
def test_no_check_passes_on_a_stub(step, untouched):
    stub = run_cell(stubs.stub(step).replace(f'@build("{step.id}")', ""), function_of(step))
    assert exercise.is_stub(stub)
    assert passing(step, stub) == []


@EVERY_STEP
def test_no_check_passes_where_the_function_is_missing(step, untouched):
    def missing(*inputs, **options):
        raise AttributeError(f"module 'tinytorch' has no attribute {step.name!r}")

    assert passing(step, missing) == []


@EVERY_STEP
@pytest.mark.parametrize("nothing", [None, 0, (), "", True])
def test_no_step_passes_with_an_empty_answer(step, nothing, untouched):
    result = exercise.check_answer(step, lambda *inputs, **options: nothing)
    assert result.state == "failed"
    assert "failed" in {check.outcome for check in result.checks if check.kind == "package"}


@EVERY_STEP
def test_the_checks_of_a_step_take_well_under_a_second(step, untouched):
    started = time.process_time()
    exercise.check_answer(step, install.reference(step.target))
    assert time.process_time() - started < 0.7


def passing(step, answer):
    """The checks of the step that the answer passes."""
    with install.installed(step.target, answer):
        found = [
            check
            for kind, file in checks.check_files(step.stem).items()
            for check in checks.run_checks({kind: file}, step=step.id)
        ]
    assert "waiting" not in {check.outcome for check in found}
    return [check.name for check in found if check.outcome == "passed"]


def test_all_steps_solved_at_once_make_every_module_complete(untouched, capsys, solved):
    for step in COURSE.steps:
        run_cell(solved(step), function_of(step))
    capsys.readouterr()
    for module in COURSE.published:
        tt.course.check_module(module.stem)
        assert f"{module.title} is complete" in capsys.readouterr().out
