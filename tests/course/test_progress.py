"""Progress is what the checks found on these very files, and nothing is believed beyond that."""

import pytest

from tinytorch.course import catalog, progress, source, supervisor, workspace
from tinytorch.course.progress import Progress
from tinytorch.course.report import StepResult
from tinytorch.course.supervisor import Examination

COURSE = catalog.load_course()
SETUP, TENSORS = COURSE.module("setup"), COURSE.module("tensors")


@pytest.fixture
def here(tmp_path):
    """A workspace in which both modules were started."""
    found = workspace.create(tmp_path / "ws")
    for module in (SETUP, TENSORS):
        found.start(module.stem)
    return found


@pytest.fixture
def examined(monkeypatch):
    """Let every examination find what the test says, and note which modules were examined."""
    found = Findings()
    monkeypatch.setattr(supervisor, "examine", found.examine)
    return found


class Findings:
    """Stands for the checks: a state for each step that is not passed."""

    def __init__(self):
        self.asked, self.states, self.problem = [], {}, ""

    def examine(self, here, stem, on_step=None):
        self.asked.append(stem)
        return examination(here, COURSE.module(stem), self.states, problem=self.problem)


def examination(here, module, states=(), problem=""):
    steps = [
        StepResult(step=step, state=dict(states).get(step.id, "passed"), in_place="yours")
        for step in module.steps
    ]
    return Examination(
        module=module,
        steps=() if problem else tuple(steps),
        problem=problem,
        fingerprint=supervisor.fingerprint(here, module),
    )


def solve(here, *modules):
    for module in modules:
        for path, text in source.package_files(module.stem).items():
            (here.code / path).write_text(text)


# What is kept.


def test_nothing_is_known_before_the_first_examination(here):
    found = Progress.load(here)
    assert {found.state(step) for step in COURSE.steps} == {"unknown"}
    assert not found.is_green("setup")
    assert found.stretch("setup")[0] == 0
    assert found.stretch("setup")[1] > 20


def test_what_was_found_is_known_to_the_next_command(here):
    states = {"setup.satisfies": "failed", "setup.fingerprint": "unbuilt"}
    Progress.load(here).record(examination(here, SETUP, states))
    found = Progress.load(here)
    known = {step.id: found.state(step) for step in SETUP.steps}
    assert known == {step.id: "passed" for step in SETUP.steps} | states
    assert not found.is_green("setup")


def test_a_green_module_is_known_to_be_green(here):
    Progress.load(here).record(examination(here, SETUP))
    assert Progress.load(here).is_green("setup")


@pytest.mark.parametrize("path", ["setup.py", "tensors/door.py"])
def test_a_change_in_a_file_is_no_longer_believed(here, path):
    for module in (SETUP, TENSORS):
        Progress.load(here).record(examination(here, module))
    file = here.code / path
    before = file.read_bytes()
    file.write_bytes(before + b"\n")
    found = Progress.load(here)
    assert found.state(TENSORS.steps[0]) == "changed"
    assert not found.is_green("tensors")
    assert found.is_green("setup") == (path != "setup.py")
    file.write_bytes(before)
    assert Progress.load(here).is_green("tensors")


def test_a_file_that_is_added_or_taken_away_counts_as_a_change(here):
    Progress.load(here).record(examination(here, TENSORS))
    (here.code / "tensors" / "extra.py").touch()
    assert not Progress.load(here).is_green("tensors")
    (here.code / "tensors" / "extra.py").unlink()
    assert Progress.load(here).is_green("tensors")
    (here.code / "tensors" / "door.py").unlink()
    assert not Progress.load(here).is_green("tensors")


def test_a_save_during_the_checks_does_not_take_the_result_with_it(here):
    found = examination(here, SETUP)
    (here.code / "setup.py").write_text("")
    Progress.load(here).record(found)
    assert Progress.load(here).state(SETUP.steps[0]) == "changed"


def test_other_checks_make_other_results(here, monkeypatch, tmp_path):
    Progress.load(here).record(examination(here, SETUP))
    monkeypatch.setattr(supervisor.checks, "tests_root", lambda: tmp_path)
    assert not Progress.load(here).is_known(SETUP)


def test_hints_are_opened_one_at_a_time_and_counted(here):
    step = SETUP.steps[0]
    found = Progress.load(here)
    numbers = [found.open_hint(step) for _ in range(len(step.hints) + 2)]
    assert numbers == [*range(1, len(step.hints) + 1), len(step.hints), len(step.hints)]
    assert Progress.load(here).hints(step) == len(step.hints)
    assert Progress.load(here).hints(SETUP.steps[1]) == 0


def test_two_commands_at_once_forget_nothing(here):
    first, second = Progress.load(here), Progress.load(here)
    first.open_hint(SETUP.steps[0])
    second.record(examination(here, SETUP))
    first.open_hint(SETUP.steps[0])
    found = Progress.load(here)
    assert (found.hints(SETUP.steps[0]), found.is_green("setup")) == (2, True)


# What is damaged.


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "\0",
        '"progress"',
        '{"format": "tinytorch-progress-2", "modules": {}, "hints": {}}',
        '{"format": "tinytorch-progress-1", "modules": []}',
        '{"format": "tinytorch-progress-1", "modules": {"setup": 3}, "hints": {}}',
        '{"format": "tinytorch-progress-1", "modules": {"a": {"fingerprint": "", "steps": []}}}',
        '{"format": "tinytorch-progress-1", "modules": {}, "hints": {"setup.satisfies": "2"}}',
        "[" * 100_000,
    ],
)
def test_a_damaged_file_is_set_aside_with_a_message(here, text, capsys):
    path = here.home / "progress.json"
    path.write_text(text)
    found = Progress.load(here)
    assert found.state(SETUP.steps[0]) == "unknown"
    said = capsys.readouterr().err
    (aside,) = here.home.glob("progress-damaged-*.json")
    assert f"It is kept as {aside}" in said
    assert aside.read_text() == text
    found.record(examination(here, SETUP))
    assert Progress.load(here).is_green("setup")
    assert capsys.readouterr().err == ""


def test_a_state_that_nobody_finds_is_damage(here, capsys):
    Progress.load(here).record(examination(here, SETUP))
    path = here.home / "progress.json"
    path.write_text(path.read_text().replace('"passed"', '"perfect"'))
    assert Progress.load(here).state(SETUP.steps[0]) == "unknown"
    assert "damaged" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_sentence(here, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(progress.files, "write_atomically", refuse)
    with pytest.raises(catalog.CourseError, match="permission denied"):
        Progress.load(here).open_hint(SETUP.steps[0])


# What is found out anew.


def test_only_what_has_changed_is_checked_again(here, examined):
    progress.refresh(here)
    assert examined.asked == ["setup", "tensors"]
    progress.refresh(here)
    assert examined.asked == ["setup", "tensors"]
    (here.code / "tensors" / "door.py").write_text("")
    progress.refresh(here)
    assert examined.asked == ["setup", "tensors", "tensors"]
    (here.code / "setup.py").write_text("")
    progress.refresh(here)
    assert examined.asked == ["setup", "tensors", "tensors", "setup", "tensors"]


def test_a_module_that_was_not_started_is_not_checked(tmp_path, examined):
    found = progress.refresh(workspace.create(tmp_path / "ws"))
    assert examined.asked == []
    assert not found.is_green("setup")


# The gate.


def test_the_first_module_has_no_gate(here, examined):
    assert progress.gate(here, "setup") is None
    assert examined.asked == []


def test_the_gate_believes_the_checks_and_no_file(here, examined):
    Progress.load(here).record(examination(here, SETUP))
    examined.states = {"setup.satisfies": "failed", "setup.format_bytes": "unbuilt"}
    refusal = progress.gate(here, "tensors")
    assert examined.asked == ["setup"]
    assert refusal.step.id == "setup.satisfies"
    assert refusal.module == SETUP
    assert refusal.sentence == (
        "Tensors stands on Setup, which is not complete on your code: mend setup.satisfies first. "
        "See what is missing with: tinytorch check setup"
    )
    assert Progress.load(here).state(refusal.step) == "failed"


def test_the_gate_names_the_step_to_build(here, examined):
    examined.states = {"setup.fingerprint": "unbuilt"}
    assert "build setup.fingerprint first" in progress.gate(here, "tensors").sentence


def test_the_gate_passes_a_problem_on(here, examined):
    examined.problem = "tinytorch/setup.py is empty."
    refusal = progress.gate(here, "tensors")
    assert refusal.sentence == "Tensors stands on Setup. tinytorch/setup.py is empty."
    assert refusal.step is None


def test_the_gate_opens_on_a_solved_module_and_on_nothing_less(here):
    refusal = progress.gate(here, "tensors")
    assert refusal.step == SETUP.steps[0]
    solve(here, SETUP)
    assert progress.gate(here, "tensors") is None
    found = Progress.load(here)
    assert found.is_green("setup")
    done, goals = found.stretch("setup")
    assert 20 < done == goals
