"""The command line: what it offers, what it refuses, and how little it loads."""

import errno
import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tinytorch.course import cli, commands, stubs
from tinytorch.course.catalog import CourseError

serve = importlib.import_module("tinytorch.course.commands.serve")


def run(*arguments):
    """Run the command in this process."""
    return CliRunner().invoke(commands.tinytorch, list(arguments))


def test_help_names_every_command():
    found = run("--help")
    assert found.exit_code == 0
    assert [name for name in ("author", "serve") if name not in found.output] == []


def test_help_loads_neither_the_library_nor_pytest():
    code = (
        "import sys; sys.argv = ['tinytorch', '--help']\n"
        "from tinytorch.course.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('pytest', 'rich', 'IPython') if name in sys.modules])\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


def test_sync_fails_and_names_what_is_not_in_order(monkeypatch):
    given = []

    def sync(*, check):
        given.append(check)
        return ["01_tensors.md: tensors.apply has drifted"]

    monkeypatch.setattr(stubs, "sync", sync)
    found = run("author", "sync", "--check")
    assert (found.exit_code, given) == (1, [True])
    assert "tensors.apply has drifted" in found.output


def test_sync_is_silent_when_all_is_in_order(monkeypatch):
    monkeypatch.setattr(stubs, "sync", lambda *, check: [])
    found = run("author", "sync")
    assert (found.exit_code, found.output) == (0, "")


def test_serve_hands_over_to_the_checkout_with_every_option(monkeypatch, tmp_path):
    handed = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(serve.os, "execv", lambda *given: handed.append(given))
    run("serve", "--port", "0", "--help")
    module = ["-m", "book._publish.serve"]
    assert handed == [(sys.executable, [sys.executable, *module, "--port", "0", "--help"])]
    assert Path.cwd() == serve.CHECKOUT


def test_serve_really_starts_there(tmp_path):
    command = [sys.executable, "-c", "from tinytorch.course.cli import main; main()"]
    found = subprocess.run(
        [*command, "serve", "--help"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert "--no-build" in found.stdout


def test_serve_without_a_checkout_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(serve, "CHECKOUT", tmp_path)
    found = run("serve")
    assert found.exit_code == 1
    assert "run this in a checkout of the course" in found.output


def test_without_its_extra_the_command_says_what_to_install(monkeypatch):
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"tinytorch\[learn\]"):
        cli.main()


@pytest.fixture
def refuses(monkeypatch):
    """Let the command `author sync` end in an error."""

    def arrange(error):
        def sync(*, check):
            raise error

        monkeypatch.setattr(stubs, "sync", sync)
        return run("author", "sync")

    return arrange


def test_what_the_course_refuses_is_one_sentence(refuses):
    found = refuses(CourseError("no step is called 'x';\n did you mean 'y'?"))
    assert (found.exit_code, found.output) == (
        2,
        "Error: no step is called 'x'; did you mean 'y'?\n",
    )


def test_what_the_system_refuses_is_one_sentence(refuses):
    found = refuses(PermissionError(errno.EACCES, "Permission denied", "progress.json"))
    assert (found.exit_code, found.output) == (1, "Error: Permission denied: progress.json\n")


def test_a_reader_that_goes_away_is_no_error(refuses):
    found = refuses(BrokenPipeError(errno.EPIPE, "Broken pipe"))
    assert (found.exit_code, found.output) == (1, "")


def test_a_defect_of_ours_is_not_hidden(refuses):
    assert isinstance(refuses(ZeroDivisionError("ours")).exception, ZeroDivisionError)
