"""What the command prints: readable in any terminal, and nothing of it hidden."""

import re
from types import SimpleNamespace

import pytest

from tinytorch.course import source, supervisor, workspace
from tinytorch.course.catalog import load_course
from tinytorch.course.checks import CheckResult
from tinytorch.course.commands import results, screen
from tinytorch.course.report import StepResult

COURSE = load_course()
SETUP = COURSE.module("setup")
STEP = SETUP.steps[0]


@pytest.fixture(autouse=True)
def new_terminal(monkeypatch):
    """A terminal that no other test has looked at, 80 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")
    screen.console.cache_clear()
    yield
    screen.console.cache_clear()


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A workspace in which setup is started, and which the learner stands in."""
    monkeypatch.chdir(tmp_path)
    made = workspace.create(tmp_path)
    made.start("setup")
    return made


def check(outcome, title="two is two", kind="package", **found):
    return CheckResult(
        step=STEP.id,
        name="test_it",
        title=title,
        kind=kind,
        outcome=outcome,
        provenance="yours",
        **found,
    )


def failing(*checks):
    return StepResult(step=STEP, state="failed", in_place="yours", checks=checks)


def unbuilt():
    return StepResult(step=STEP, state="unbuilt", in_place="reference")


def examined(**found):
    whole = {"module": SETUP, "steps": (), "whole": (), "problem": "", "is_green": False}
    return SimpleNamespace(**{**whole, "first_to_mend": None, **found})


def test_what_would_steer_the_terminal_is_written_out(capsys):
    screen.say("\x1b[2J gone\r\x07")
    screen.field("printed", "one\ttwo\nthr\x1b]0;title\x07ee")
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\\x1b[2J" in shown
    assert re.search(r"printed +one +two\n +thr", shown)


def test_text_of_the_learners_is_no_markup(capsys):
    screen.say("[bold]not bold[/bold] :smile: [/]")
    assert capsys.readouterr().out == "[bold]not bold[/bold] :smile: [/]\n"


def test_a_paragraph_is_wrapped_and_an_address_is_not(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    screen.console.cache_clear()
    screen.say("word " * 30, indent=4)
    screen.line(f"Read: https://example.org/{'a' * 80}", indent=4)
    *paragraph, address = capsys.readouterr().out.splitlines()
    assert all(line.startswith("    word") and len(line) <= 50 for line in paragraph)
    assert address.endswith("a" * 80)


@pytest.mark.parametrize(("columns", "tallies"), [("80", "1 of 2 +waiting"), ("50", "1 of 3")])
def test_a_line_says_what_whose_and_how_many(columns, tallies, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    screen.console.cache_clear()
    lines = results.Lines(SETUP)
    found = failing(check("passed"), check("failed"), check("waiting", kind="module"))
    lines.show(found)
    lines.show(unbuilt())
    head, first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf" +{STEP.name} +not yet +yours +{tallies}", first)
    assert re.fullmatch(rf" +{STEP.name} +not built +reference", second)
    assert head.split()[:3] == ["step", "state", "code"]
    assert max(map(len, (head, first, second))) <= int(columns)


@pytest.mark.parametrize(("state", "shown"), [("passed", 1), ("unbuilt", 0), ("failed", 0)])
def test_the_checks_of_the_whole_module_count_once_every_step_is_the_learners(state, shown, capsys):
    steps = [StepResult(step=s, state="passed", in_place="yours") for s in SETUP.steps]
    steps[0] = StepResult(step=STEP, state=state, in_place="yours")
    found = supervisor.Examination(module=SETUP, steps=tuple(steps), whole=(check("passed"),))
    results.Lines(SETUP).end(found)
    assert capsys.readouterr().out.count("the whole module") == shown


def test_a_long_value_is_cut(capsys):
    screen.field("printed", "x" * 3000)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == screen.MOST
    assert lines[-1].strip() == "..."


def test_an_address_that_does_not_fit_has_a_line_of_its_own(work, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    screen.console.cache_clear()
    results.show_where(work, STEP, again=True)
    lines = capsys.readouterr().out.splitlines()
    assert f"    {COURSE.address(SETUP, STEP.anchor)}" in lines


def test_the_first_red_step_is_shown_whole(work, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    screen.console.cache_clear()
    found = failing(
        check("passed", "nothing is zero bytes"),
        check("failed", "a size has a unit", got="'1'", expected="'1 byte'", because="units tell"),
        check(
            "failed",
            "a thousand is not 1024",
            got="'1.0 KB'",
            expected="'1000 bytes'",
            because="one is",
            misconception="You counted in **thousands**.",
            printed="hello",
        ),
        check("waiting", "it is refused", kind="module"),
    )
    results.show_verdict(work, examined(first_to_mend=found))
    shown = capsys.readouterr().out
    assert re.sub(r" +", " ", shown).splitlines() == [
        f"Not yet: {STEP.id}",
        " a thousand is not 1024",
        " You counted in thousands.",
        " expected '1000 bytes'",
        " got '1.0 KB'",
        " why one is",
        " printed hello",
        " also fails: a size has a unit",
        " waiting for these: 1 check",
        f" Read again: {STEP.title}, {COURSE.address(SETUP, STEP.anchor)}",
        f" Your function: {results.place_of(work, STEP)}",
        f" A hint: tinytorch hint {STEP.id}",
    ]


def test_the_place_of_a_function_is_its_line_in_the_learners_file(work):
    lines = (work.code / "setup.py").read_text().split("\n")
    name = source.locate(STEP).qualname
    number = next(n for n, line in enumerate(lines, 1) if line.startswith(f"def {name}("))
    assert results.place_of(work, STEP) == f"tinytorch/setup.py:{number}"


@pytest.mark.parametrize("text", ["", "def broken(", None])
def test_a_file_without_the_function_is_named_without_a_line(work, text):
    (work.code / "setup.py").unlink()
    if text is not None:
        (work.code / "setup.py").write_text(text)
    assert results.place_of(work, STEP) == "tinytorch/setup.py"


def test_a_step_to_build_says_what_to_do_and_where(work, capsys):
    results.show_verdict(work, examined(first_to_mend=unbuilt()))
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith(f"Next to build: {STEP.id} {STEP.title}. {STEP.task} Read: ")


def test_a_complete_module_says_what_it_opens(work, capsys):
    results.show_verdict(work, examined(is_green=True))
    shown = " ".join(capsys.readouterr().out.split())
    assert "Setup is complete, and every step of it is your code." in shown
    assert "It opens: Tensors." in shown
    assert shown.endswith("Go on with: tinytorch next")


def test_a_problem_is_said_instead_of_a_verdict(work, capsys):
    results.show_verdict(work, examined(problem="setup.py is empty.", is_green=True))
    assert capsys.readouterr().out == "setup.py is empty.\n"


def test_a_failing_check_of_the_whole_module_is_shown_when_every_step_passes(work, capsys):
    results.show_verdict(work, examined(whole=(check("failed", "all of it fits", got="1"),)))
    shown = capsys.readouterr().out
    assert "all of it fits" in shown
    assert re.search("got +1", shown)
