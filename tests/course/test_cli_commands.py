"""Each command in a workspace of its own; the checks themselves are played where they are not met.

The scripted learner in test_learner.py takes the same commands with nothing played.
"""

import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import CliRunner

from tinytorch.course import commands, source, supervisor
from tinytorch.course.catalog import load_course
from tinytorch.course.checks import CheckResult
from tinytorch.course.commands import screen
from tinytorch.course.files import write_atomically
from tinytorch.course.report import StepResult

COURSE = load_course()
SETUP, TENSORS, *_ = COURSE.published
STEP, SECOND, *_ = SETUP.steps


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder that the learner stands in, and nothing of theirs anywhere else."""
    monkeypatch.delenv("TINYTORCH_WORKSPACE", raising=False)
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    screen.console.cache_clear()
    yield tmp_path / "work"
    screen.console.cache_clear()


@pytest.fixture
def run():
    """Run the command in this process; return its exit code and what a person reads."""

    def type_(*arguments):
        found = CliRunner().invoke(commands.tinytorch, list(map(str, arguments)))
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found.exit_code, " ".join(found.output.split())

    return type_


@pytest.fixture
def finds(monkeypatch):
    """Let every examination find these states, by step id; the rest passes."""

    def arrange(problem="", **states):
        asked = []

        def examine(here, stem, *, on_step=None, **_):
            asked.append(stem)
            module = COURSE.module(stem)
            steps = [] if problem else [result(s, states.get(s.name)) for s in module.steps]
            for step in steps if on_step else ():
                on_step(step)
            return supervisor.Examination(
                module=module,
                steps=tuple(steps),
                problem=problem,
                fingerprint=supervisor.fingerprint(here, module),
            )

        monkeypatch.setattr(supervisor, "examine", examine)
        return asked

    return arrange


def result(step, state):
    state = state or "passed"
    outcome = "passed" if state == "passed" else "failed"
    check = CheckResult(
        step=step.id,
        name="test_it",
        title="it holds",
        kind="package",
        outcome=outcome,
        provenance="yours",
    )
    checks = () if state == "unbuilt" else (check,)
    return StepResult(step=step, state=state, in_place="yours", checks=checks)


# start


def test_start_writes_the_first_module_and_says_what_to_do(run, folder):
    code, shown = run("start")
    assert code == 0
    assert (folder / "tinytorch" / "setup.py").read_text() == source.blanked_files(
        "setup", SETUP.steps
    )["setup.py"]
    assert shown == (
        f"Setup is yours to build: {len(SETUP.steps)} steps. open tinytorch/setup.py "
        f"read {COURSE.address(SETUP)} check tinytorch check --watch"
    )


def test_start_overwrites_nothing(run, folder):
    run("start", "setup")
    (folder / "tinytorch" / "setup.py").write_text("mine = 1\n")
    code, shown = run("start", "setup")
    assert (code, (folder / "tinytorch" / "setup.py").read_text()) == (0, "mine = 1\n")
    assert "was started before, and is as you left it" in shown


def test_start_in_another_folder_says_how_to_go_there(run, folder):
    code, shown = run("start", "--in", "deep/er")
    assert code == 0
    assert (folder / "deep" / "er" / "tinytorch" / "setup.py").is_file()
    assert "go to cd" in shown
    assert "open tinytorch/setup.py" in shown


def test_start_makes_the_workspace_that_the_environment_names(run, folder, monkeypatch):
    monkeypatch.setenv("TINYTORCH_WORKSPACE", str(folder / "named"))
    assert run("start")[0] == 0
    assert (folder / "named" / "tinytorch" / "setup.py").is_file()
    assert run("start")[1].startswith("Setup was started before")


def test_start_without_a_stem_takes_the_first_module_that_is_not_complete(run, finds):
    run("start")
    finds()
    run("check")
    assert f"read {COURSE.address(TENSORS)}" in run("start")[1]


def test_start_refuses_a_module_before_there_is_a_workspace(run, folder):
    code, shown = run("start", "tensors")
    assert (code, list(folder.iterdir())) == (1, [])
    assert shown.endswith("Begin with: tinytorch start setup")


def test_start_refuses_behind_the_gate_and_force_opens_it(run, finds, folder):
    run("start")
    finds(**{STEP.name: "failed"})
    code, shown = run("start", "tensors")
    assert code == 1
    assert f"mend {STEP.id} first" in shown
    assert "tinytorch check setup" in shown
    assert not (folder / "tinytorch" / "tensors").exists()
    assert run("start", "tensors", "--force")[0] == 0
    assert (folder / "tinytorch" / "tensors").is_dir()


@pytest.mark.parametrize(
    ("stem", "sentence"),
    [
        ("tensor", "no module is called 'tensor'; did you mean 'tensors'?"),
        ("production", "Production is planned and has no chapter yet; there are: setup, tensors"),
    ],
)
def test_start_refuses_what_there_is_not(run, folder, stem, sentence):
    code, shown = run("start", stem)
    assert (code, list(folder.iterdir())) == (2, [])
    assert sentence in shown


def test_start_says_when_everything_is_done(run, finds):
    for module in COURSE.published:
        run("start", module.stem, "--force")
    finds()
    for module in COURSE.published:
        run("check", module.stem)
    assert "Every module that is published so far is complete on your code." in run("start")[1]


def work_of_a_page(path, cell):
    page = {"code": {STEP.id: cell}, "passed": {STEP.id: "2026-01-31T23:59:59+00:00"}}
    work = {"format": "tinytorch-work-1", "saved": "", "pages": {SETUP.page: page}}
    path.write_text(json.dumps(work))
    return path


def test_start_from_a_page_places_its_code_and_checks_it(run, folder):
    name = source.locate(STEP).qualname
    answer = source.function_text(source.package_files("setup")["setup.py"], name)
    build = f'from tinytorch.course import build\n\n@build("{STEP.id}")\n'
    file = work_of_a_page(folder / "page.json", build + answer)
    code, shown = run("start", "--from", file)
    assert code == 0
    assert f"Setup: placed {STEP.id}." in shown
    assert f"{STEP.name} passed yours" in shown
    assert f"Next to build: {SECOND.id}" in shown


def test_start_from_a_page_says_what_could_not_be_placed(run, finds, folder):
    finds(**{STEP.name: "unbuilt"})
    code, shown = run("start", "--from", work_of_a_page(folder / "page.json", "def broken("))
    assert code == 0
    assert f"{STEP.id} of the page could not be placed" in shown
    assert "Its text is kept in" in shown


def test_start_from_something_else_changes_nothing(run, folder):
    (folder / "notes.json").write_text("{}")
    code, shown = run("start", "--from", "notes.json")
    assert (code, [path.name for path in folder.iterdir()]) == (2, ["notes.json"])
    assert "is not saved TinyTorch work" in shown


def test_start_from_a_file_that_is_not_there_is_one_sentence(run, folder):
    code, shown = run("start", "--from", "none.json")
    assert (code, list(folder.iterdir())) == (2, [])
    assert shown.startswith("Error: cannot use none.json")


def test_start_in_a_folder_that_is_gone_says_so(run, folder):
    folder.rmdir()
    code, shown = run("start")
    assert (code, shown) == (1, "Error: the folder you are in is gone; go to another one first")


# check


def test_check_is_green_only_when_every_step_is(run, finds):
    run("start")
    finds()
    assert run("check")[0] == 0
    for state in ("failed", "unbuilt"):
        finds(**{STEP.name: state})
        assert run("check")[0] == 1
    finds(problem="setup.py is empty.")
    code, shown = run("check")
    assert code == 1
    assert shown.endswith("setup.py is empty.")


def test_check_takes_the_first_started_module_that_is_not_green(run, finds):
    for module in (SETUP, TENSORS):
        run("start", module.stem, "--force")
    asked = finds(**{TENSORS.steps[0].name: "failed"})
    run("check")
    run("check")
    run("check", "setup")
    assert asked == ["setup", "tensors", "setup"]


def test_check_names_a_module_that_is_not_started(run):
    run("start")
    code, shown = run("check", "tensors")
    assert (code, shown) == (2, "Error: Tensors is not started: tinytorch start tensors")


# hint


def test_hint_opens_one_more_each_time_and_then_the_chapter(run, finds):
    run("start")
    finds(**{STEP.name: "unbuilt"})
    for number, hint in enumerate(STEP.hints, 1):
        shown = run("hint")[1]
        assert f"Hint {number} of {len(STEP.hints)} {' '.join(hint.split())}" in shown
        assert ("That was the last one" in shown) == (number == len(STEP.hints))
    assert shown.endswith(COURSE.address(SETUP, STEP.anchor))
    assert shown == run("hint", STEP.id)[1]


def test_hint_goes_to_the_first_red_step_before_the_first_blank_one(run, finds):
    run("start")
    finds(**{STEP.name: "unbuilt", SECOND.name: "failed"})
    assert SECOND.id in run("hint")[1]


def test_hint_takes_a_step_by_its_short_name(run):
    run("start")
    assert f"{SECOND.id}: {SECOND.title}" in run("hint", SECOND.name)[1]


def test_hint_for_a_module_lists_its_steps(run):
    run("start")
    code, shown = run("hint", "setup")
    assert code == 2
    assert f"its steps are: {STEP.name}, {SECOND.name}" in shown


def test_hint_has_nothing_to_say_when_all_is_green(run, finds):
    run("start")
    finds()
    assert run("hint")[1].endswith("Go on: tinytorch next")


# progress


def test_progress_shows_the_whole_course(run, finds):
    run("start")
    finds(**{STEP.name: "failed"})
    shown = run("progress")[1]
    steps = len(SETUP.steps)
    assert f"00 Setup {steps - 1} of {steps} {steps - 1} yours, 1 reference 0 of " in shown
    assert f"01 Tensors 0 of {len(TENSORS.steps)} not started" in shown
    planned = [module for module in COURSE.modules if not module.published]
    assert all(f"{module.title} planned" in shown for module in planned)
    assert all(part.name in shown for part in COURSE.parts)
    assert "Reflect none yet Analyze none yet Optimize none yet" in shown
    assert shown.endswith(f"Next: {STEP.id}, {STEP.title}")


def test_progress_checks_again_only_what_changed(run, finds, folder):
    run("start")
    asked = finds(**{STEP.name: "unbuilt"})
    run("progress")
    run("progress")
    assert asked == ["setup"]
    path = folder / "tinytorch" / "setup.py"
    write_atomically(path, path.read_text() + "\n# more\n")
    assert run("progress")[1].startswith("Checking Setup")
    assert asked == ["setup", "setup"]


def test_progress_says_what_cannot_be_checked(run, finds):
    run("start")
    finds(problem="setup.py is empty.")
    shown = run("progress")[1]
    assert "00 Setup cannot be checked" in shown
    assert shown.endswith("Next: tinytorch check setup")


def test_progress_counts_the_answers_of_each_pattern(run, finds, folder):
    run("start")
    finds()
    answers = {f"setup.{n}": {"text": "Because.", "kind": "reflect"} for n in ("one", "two")}
    work = {"format": "tinytorch-work-1", "saved": "", "pages": {SETUP.page: {"answers": answers}}}
    (folder / ".tinytorch" / "work.json").write_text(json.dumps(work))
    shown = run("progress")[1]
    assert "Reflect 2 questions taken up in Setup" in shown
    assert shown.endswith("Next: tinytorch next")


def test_progress_sets_a_damaged_file_aside_and_says_so(run, finds, folder):
    run("start")
    finds()
    (folder / ".tinytorch" / "progress.json").write_text("[")
    code, shown = run("progress")
    assert code == 0
    assert "The progress file was damaged." in shown
    (aside,) = (folder / ".tinytorch").glob("progress-damaged-*.json")
    assert aside.read_text() == "["


# next


def test_next_refuses_until_the_module_is_green_and_names_the_step(run, finds, folder):
    run("start")
    for state, word in (("failed", "mend"), ("unbuilt", "build")):
        finds(**{SECOND.name: state})
        code, shown = run("next")
        assert code == 1
        assert f"Setup is not complete on your code: {word} {SECOND.id} first." in shown
        assert shown.endswith("tinytorch check setup")
    finds(problem="setup.py is empty.")
    assert run("next") == (1, "Error: setup.py is empty.")
    assert not (folder / "tinytorch" / "tensors").exists()


def test_next_starts_the_next_module_and_checks_for_real_before(run, finds, folder):
    run("start")
    finds()
    run("check")
    asked = finds()
    code, shown = run("next")
    assert (code, asked) == (0, ["setup"])
    assert f"read {COURSE.address(TENSORS)}" in shown
    assert (folder / "tinytorch" / "tensors").is_dir()


def test_next_does_not_believe_a_file_that_says_green(run, finds):
    run("start")
    finds()
    run("check")
    finds(**{STEP.name: "failed"})
    code, shown = run("next")
    assert code == 1
    assert f"mend {STEP.id} first" in shown


# reset


def test_reset_puts_the_blank_back_and_keeps_a_copy(run, folder):
    run("start")
    path = folder / "tinytorch" / "setup.py"
    blank, place = path.read_text(), source.locate(STEP)
    mine = source.replace_function(blank, place.qualname, f"def {place.qualname}(count):\n    1")
    for name in (STEP.id, STEP.name, "setup"):
        path.write_text(mine)
        code, shown = run("reset", name)
        assert (code, path.read_text()) == (0, blank)
        copy = folder / shown.partition("kept in ")[2] / "tinytorch" / "setup.py"
        assert copy.read_text() == mine


# report


def test_report_writes_the_portfolio_beside_the_work(run, finds, folder):
    run("start")
    finds(**{STEP.name: "unbuilt"})
    code, shown = run("report")
    assert (code, shown) == (0, "portfolio/portfolio.md portfolio/portfolio.html")
    assert STEP.id in (folder / "portfolio" / "portfolio.md").read_text()
    assert STEP.id in (folder / "portfolio" / "portfolio.html").read_text()


def test_report_says_what_could_not_be_checked(run, finds, folder):
    run("start")
    finds(problem="setup.py is empty.")
    code, shown = run("report", "--to", "shown")
    assert code == 0
    assert shown.startswith("Setup was not checked: setup.py is empty.")
    assert (folder / "shown" / "portfolio.html").is_file()


def test_report_exports_what_start_brings_back(run, folder):
    run("start")
    place = source.locate(STEP)
    answer = source.function_text(source.package_files("setup")[place.path], place.qualname)
    path = folder / "tinytorch" / place.path
    path.write_text(source.replace_function(path.read_text(), place.qualname, answer))
    run("check")
    assert run("report", "--export", "work.json")[0] == 0
    assert f"placed {STEP.id}" in run("start", "--from", "work.json", "--in", "other")[1]


def test_report_packs_the_library_under_the_name_that_pip_needs(run, folder):
    run("start")
    code, shown = run("report", "--wheel", "dist")
    (wheel,) = (folder / "dist").iterdir()
    assert code == 0
    assert shown.endswith(
        f"0 of {len(SETUP.steps)} steps you started pass and are in it; all else is the reference. "
        f"Your library, to install anywhere: pip install dist/{wheel.name}"
    )
    assert "tinytorch/setup.py" in ZipFile(wheel).namelist()
    code, shown = run("report", "--wheel", "mine.whl")
    assert code == 2
    assert shown.endswith(f"this one has to be called {wheel.name}")
    assert run("report", "--wheel", wheel.name)[0] == 0


def test_an_answer_that_fails_its_checks_is_not_packed(run, folder):
    run("start")
    path = folder / "tinytorch" / source.locate(STEP).path
    function = source.function_text(path.read_text(), source.locate(STEP).qualname)
    wrong = f"{function.partition('    raise NotImplementedError')[0]}    return 'wrong'"
    path.write_text(source.replace_function(path.read_text(), source.locate(STEP).qualname, wrong))
    assert "0 of" in run("report", "--wheel", "dist")[1]
    (wheel,) = (folder / "dist").iterdir()
    packed = ZipFile(wheel).read(f"tinytorch/{source.locate(STEP).path}").decode()
    assert packed == source.package_files("setup")[source.locate(STEP).path]


def test_start_brings_back_a_file_that_is_gone(run, folder):
    run("start")
    (folder / "tinytorch" / "setup.py").unlink()
    assert "bring it back with: tinytorch start setup" in run("check")[1]
    assert "; 1 file brought back, blank." in run("start", "setup")[1]
    assert (folder / "tinytorch" / "setup.py").is_file()


# All of them


@pytest.mark.parametrize(
    "arguments",
    ["check", "check --watch", "hint", "progress", "next", "reset setup", "report"],
)
def test_outside_of_a_workspace_every_command_says_how_to_begin(run, arguments, folder):
    code, shown = run(*arguments.split())
    assert (code, list(folder.iterdir())) == (2, [])
    assert shown.endswith("tinytorch start setup")


def test_a_name_that_is_none_is_met_with_the_nearest(run):
    run("start")
    for command in ("hint", "reset"):
        code, shown = run(command, "setup.format_byte")
        assert (code, shown) == (
            2,
            "Error: no module or step is called 'setup.format_byte'; "
            "did you mean 'setup.format_bytes'?",
        )


@pytest.mark.parametrize("command", ["--help", "progress"])
def test_what_answers_at_once_loads_neither_numpy_nor_pytest(run, finds, command):
    run("start")
    finds()
    run("progress")
    code = (
        "import sys; from tinytorch.course.cli import main\n"
        f"sys.argv = ['tinytorch', {command!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('numpy', 'pytest', 'IPython') if name in sys.modules])\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


def test_the_command_works_where_the_terminal_knows_no_colour_and_no_utf8():
    Path("tinytorch").mkdir()
    found = subprocess.run(
        [Path(sys.executable).with_name("tinytorch"), "start"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONIOENCODING": "ascii", "TERM": "dumb", "HOME": str(Path.cwd())},
    )
    assert "Setup is yours to build" in found.stdout
    assert "\x1b" not in found.stdout


def test_a_letter_that_the_terminal_lacks_is_written_out(folder):
    run_it = [Path(sys.executable).with_name("tinytorch")]
    environment = {"PYTHONIOENCODING": "ascii", "HOME": str(folder)}
    subprocess.run([*run_it, "start"], env=environment, check=True, capture_output=True)
    path = folder / "tinytorch" / "setup.py"
    path.write_text(f"{path.read_text()}\nprint('\u00e9')\nraise ValueError('na\u00efve')\n")
    found = subprocess.run(
        [*run_it, "check"], env=environment, check=False, capture_output=True, text=True
    )
    assert found.returncode == 1
    assert "na\\xefve" in found.stdout
