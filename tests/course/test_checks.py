"""How checks are found and run: real pytest, inside of this process, leaving no trace."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tinytorch.course import catalog, checks

REPOSITORY = Path(__file__).parents[2]


def run(toys, **options):
    """Run the checks of the step that doubles."""
    return checks.run_checks(checks.check_files("toys"), step="toys.double", **options)


def outcomes(results):
    """Name and outcome of each result."""
    return [(result.name, result.outcome) for result in results]


HEAD = "import pytest\nimport tinytorch as tt\nfrom tinytorch.course import expect\n"


def test_only_the_checks_of_the_step_run_and_package_checks_come_first(toys):
    assert outcomes(run(toys)) == [
        ("test_two_doubled_is_four", "passed"),
        ("test_one_half_doubled_is_one", "passed"),
        ("test_text_is_refused", "passed"),
    ]


def test_without_a_step_every_test_of_the_module_runs(toys):
    results = checks.run_checks(checks.check_files("toys"))
    assert len(results) == 6
    assert [result.step for result in results if result.name.startswith("test_a_top")] == [""]


def test_the_checks_of_the_whole_module_can_be_run_alone(toys):
    found = checks.run_checks(checks.check_files("toys"), step=checks.WHOLE)
    assert outcomes(found) == [
        ("test_a_top_spins_twice_as_far_in_twice_the_turns", "passed"),
    ]
    assert found[0].step == checks.WHOLE


def test_a_module_needs_no_checks_that_belong_to_all_of_it(toys):
    source = (toys.folder / "modules" / "test_toys.py").read_text()
    toys.write("package", source)
    assert checks.run_checks(checks.check_files("toys"), step=checks.WHOLE) == ()


def test_files_that_cannot_be_read_fail_the_whole_module(toys):
    toys.write("package", "this is no Python")
    found = checks.run_checks(checks.check_files("toys"), step=checks.WHOLE)
    assert "failed" in {result.outcome for result in found}


def test_a_check_is_announced_as_it_begins_and_with_what_it_found(toys):
    toys.library.double = lambda number: 4
    said = []
    run(toys, announce=lambda result: said.append((result.name, result.outcome)))
    assert said == [
        ("test_two_doubled_is_four", "waiting"),
        ("test_two_doubled_is_four", "passed"),
        ("test_one_half_doubled_is_one", "waiting"),
        ("test_one_half_doubled_is_one", "failed"),
    ]


def test_in_a_module_the_module_checks_of_one_step_do_not_wait_for_another(toys):
    toys.library.double = lambda number: number
    found = dict(outcomes(checks.run_checks(checks.check_files("toys"))))
    assert found["test_text_is_refused"] == "waiting"
    assert found["test_no_turn_is_no_angle"] == "passed"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", "there is a package check"),
        (HEAD + "def test_other():\n    pass\n", "there is a package check"),
        ("this is no Python", "there is a package check"),
        ("import missing_module_of_nobody", "there is a package check"),
    ],
)
def test_no_check_is_a_failure(toys, source, says):
    toys.write("package", source)
    failures = [result for result in run(toys) if result.outcome == "failed"]
    assert [failure.title.startswith(says) for failure in failures] == [True]
    assert failures[0].because.startswith("Nothing was checked")


def test_why_a_file_could_not_be_collected_is_told(toys):
    toys.write("package", "import missing_module_of_nobody")
    assert "missing_module_of_nobody" in run(toys)[-1].because


def test_missing_files_are_a_failure(toys):
    for kind in ("package", "modules"):
        (toys.folder / kind / "test_toys.py").unlink()
    assert [result.outcome for result in run(toys)] == ["failed", "failed"]


@pytest.mark.parametrize(
    "mark",
    ["skip(reason='later')", "skipif(True, reason='later')", "xfail(reason='known', run=False)"],
)
def test_a_skipped_check_is_a_failure(toys, mark):
    source = f"@pytest.mark.step('toys.double')\n@pytest.mark.{mark}\ndef test_it():\n    pass\n"
    toys.write("package", HEAD + source)
    assert outcomes(run(toys))[0] == ("test_it", "failed")


def test_a_check_expected_to_fail_is_a_failure_when_it_fails(toys):
    mark = "@pytest.mark.step('toys.double')\n@pytest.mark.xfail\n"
    toys.write("package", HEAD + mark + "def test_it():\n    assert tt.toys.double(1) == 3\n")
    assert outcomes(run(toys))[0] == ("test_it", "failed")


@pytest.mark.parametrize("phase", ["pass\n    yield\n    1 / 0", "1 / 0\n    yield"])
def test_a_fixture_that_fails_fails_its_check(toys, phase):
    fixture = f"@pytest.fixture\ndef broken():\n    {phase}\n\n"
    check = "@pytest.mark.step('toys.double')\ndef test_it(broken):\n    pass\n"
    toys.write("package", HEAD + fixture + check)
    found = run(toys)[0]
    assert (found.outcome, found.got) == ("failed", "ZeroDivisionError: division by zero")


def test_parameters_are_shown_in_the_title(toys):
    mark = "@pytest.mark.step('toys.double')\n@pytest.mark.parametrize('n', [1, 2])\n"
    toys.write("package", HEAD + mark + "def test_it_doubles(n):\n    pass\n")
    assert [result.title for result in run(toys)[:2]] == ["it doubles[1]", "it doubles[2]"]
    assert {result.name for result in run(toys)[:2]} == {"test_it_doubles"}


def test_a_changed_test_file_counts_at_once(toys):
    assert run(toys)[0].outcome == "passed"
    source = (toys.folder / "package" / "test_toys.py").read_text()
    toys.write("package", source.replace("double(2), 4", "double(2), 6"))
    assert run(toys)[0].outcome == "failed"


def test_test_modules_and_plugins_leave_no_trace(toys):
    run(toys)
    modules, variables = set(sys.modules), dict(os.environ)
    run(toys)
    assert set(sys.modules) == modules
    assert dict(os.environ) == variables


def test_the_options_of_a_surrounding_pytest_do_not_reach_in(toys, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    assert {result.outcome for result in run(toys)} == {"passed"}
    assert os.environ["PYTEST_ADDOPTS"] == "--no-such-option"


def test_a_conftest_beside_the_checks_is_not_read(toys):
    (toys.folder / "conftest.py").write_text("raise RuntimeError('read')")
    (toys.folder / "package" / "conftest.py").write_text("raise RuntimeError('read')")
    assert {result.outcome for result in run(toys)} == {"passed"}


def test_other_files_beside_the_checks_are_not_executed(toys):
    (toys.folder / "package" / "test_more.py").write_text("raise SystemExit('executed')")
    assert {result.outcome for result in run(toys)} == {"passed"}


def test_a_broken_catalogue_of_mistakes_is_reported_as_such(toys):
    def mistakes():
        raise RuntimeError("the catalogue is broken")

    toys.write("package", HEAD + "@pytest.mark.step('toys.double')\ndef test_it():\n    1 / 0\n")
    with pytest.raises(catalog.CourseError, match="the catalogue is broken"):
        run(toys, mistakes=mistakes)


def test_what_a_check_costs_is_measured(toys):
    assert all(0 < result.seconds < 1 for result in run(toys))


def test_the_published_checks_are_these(tmp_path, monkeypatch):
    """Where this fails: .venv/bin/tinytorch author sync."""
    assert checks.changed_files() == []
    published = checks.DIGESTS.read_text()
    monkeypatch.setattr(checks, "DIGESTS", tmp_path / "checks.sha256")
    assert len(checks.changed_files()) == len(published.splitlines())
    checks.write_digests()
    assert checks.DIGESTS.read_text() == published


def test_a_file_of_checks_that_was_touched_is_known_by_its_digest(toys, monkeypatch):
    monkeypatch.setattr(checks, "DIGESTS", toys.folder / "checks.sha256")
    checks.write_digests()
    assert checks.changed_files("toys") == []
    toys.write("package", "")
    toys.mistakes.unlink()
    assert checks.changed_files("toys") == [
        toys.folder / "package" / "test_toys.py",
        toys.mistakes,
    ]


def test_the_digests_are_those_that_anyone_can_compute():
    for line in checks.DIGESTS.read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((checks.tests_root() / name).read_bytes()).hexdigest() == digest


def test_every_published_module_has_its_files():
    for module in catalog.load_course().published:
        files = [*checks.check_files(module.stem).values(), checks.mistakes_file(module.stem)]
        assert [file for file in files if not file.is_file()] == []


def test_an_installed_package_brings_its_own_checks(tmp_path):
    package = REPOSITORY / "tinytorch"
    shutil.copytree(package, tmp_path / "tinytorch", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("package", "modules", "mutants"):
        brought = tmp_path / "tinytorch" / "course" / "tests" / folder
        shutil.copytree(REPOSITORY / "tests" / folder, brought)
    code = (
        "import tinytorch as tt\nfrom tinytorch.course import build, check_module\n"
        "@build('setup.format_bytes')\ndef format_bytes(count): return f'{count / 1000:.1f} kB'\n"
        "check_module('setup')\nprint(tt.__file__)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert found.stdout.startswith("Not yet. setup.format_bytes: 0 of ")
    assert "every check passes, but 8 of 8 steps ran the reference" in found.stdout.replace(
        "\n", " "
    )
    assert found.stdout.endswith(f"{tmp_path / 'tinytorch' / '__init__.py'}\n")
