"""The journal keeps answers, and never stands in the way of a lesson."""

import json
import os
import stat

import pytest

from tinytorch.course import files, journal, work, workspace


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of the test's own for what is kept, outside of any workspace."""
    monkeypatch.setenv("TINYTORCH_WORKSPACE", "off")
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def answers(home, page="journal"):
    """The answers that are kept, by question."""
    return work.read(home / "work.json").pages[page]["answers"]


def test_answers_are_kept_and_the_newest_of_a_question_wins(home):
    journal.record("toys.why", "Why?", "Because.")
    journal.record("toys.how", "How?", "Slowly: ü \ud800.")
    note = journal.record("toys.why", "Why?", "Because of <b>it</b>.", kind="reflect")
    assert note == f"Your answer is kept in {home / 'work.json'}."
    assert {name: answer["text"] for name, answer in answers(home).items()} == {
        "toys.why": "Because of <b>it</b>.",
        "toys.how": "Slowly: ü \ud800.",
    }
    assert answers(home)["toys.why"]["asked"] == "Why?"
    assert answers(home)["toys.why"]["kind"] == "reflect"


def test_an_answer_belongs_to_the_page_of_its_chapter(home):
    journal.record("tensors.layout", "Why?", "Because.")
    journal.record("tensors.layout", "Why?", "both", field="choice")
    assert answers(home, "modules/01_tensors")["tensors.layout"]["text"] == "Because."
    assert answers(home, "modules/01_tensors")["tensors.layout"]["choice"] == "both"


def test_inside_a_workspace_answers_are_kept_there(home, tmp_path, monkeypatch):
    here = workspace.create(tmp_path / "mine")
    monkeypatch.delenv("TINYTORCH_WORKSPACE")
    monkeypatch.chdir(here.code)
    journal.record("toys.why", "Why?", "Because.")
    assert list(answers(here.home)) == ["toys.why"]
    assert not home.exists()


def test_only_the_journal_is_left_in_the_folder(home):
    journal.record("toys.why", "Why?", "Because.")
    assert [path.name for path in home.iterdir()] == ["work.json"]


@pytest.mark.parametrize(
    "content", [b"{broken", b"[1, 2]", b"\x00", b"", b"\xff\xfe\x00", b"[" * 99_999]
)
def test_a_file_that_is_no_journal_is_set_aside_and_told(home, content, capsys):
    home.mkdir()
    (home / "work.json").write_bytes(content)
    journal.record("toys.why", "Why?", "Because.")
    (aside,) = home.glob("work-damaged-*.json")
    assert aside.read_bytes() == content
    assert f"It is kept as {aside}; a new one begins." in capsys.readouterr().err
    assert list(answers(home)) == ["toys.why"]


FORMER = {
    "toys.why": {"question": "Why?", "answer": "So.", "rating": "partly", "answered": "2026-01-02"},
    "toys.how": {"question": "How?", "answer": "Slowly.", "rating": "", "answered": "2026-01-03"},
    "no name": {"question": "?", "answer": "odd", "rating": "", "answered": ""},
}


def test_the_journal_of_former_versions_is_taken_over_once_and_kept(home):
    home.mkdir()
    (home / "journal.json").write_text(json.dumps(FORMER))
    journal.record("toys.how", "How?", "Quickly.")
    assert answers(home)["toys.why"] == {
        "asked": "Why?",
        "text": "So.",
        "rating": "partly",
        "at": "2026-01-02",
    }
    assert answers(home)["toys.how"]["text"] == "Quickly."
    assert set(answers(home)) == {"toys.why", "toys.how"}
    (aside,) = home.glob("journal-*.json")
    assert json.loads(aside.read_text()) == FORMER
    assert work.load(home / "work.json").pages["journal"]["answers"] == answers(home)


@pytest.mark.parametrize("content", ["{broken", "[1, 2]", '{"a": 1}', ""])
def test_a_former_journal_that_nobody_can_read_is_kept(home, content):
    home.mkdir()
    (home / "journal.json").write_text(content)
    journal.record("toys.why", "Why?", "Because.")
    (aside,) = home.glob("journal-unreadable-*.json")
    assert aside.read_text() == content
    assert list(answers(home)) == ["toys.why"]


def test_a_machine_without_a_home_folder_is_told(monkeypatch):
    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("TINYTORCH_WORKSPACE", "off")
    monkeypatch.delenv("TINYTORCH_HOME", raising=False)
    monkeypatch.setattr(work.Path, "home", nobody)
    note = journal.record("toys.why", "Why?", "Because.")
    assert note == "Your answer could not be kept: this machine names no home folder for you."


def test_a_former_journal_stays_where_nothing_can_be_written(home, monkeypatch):
    home.mkdir()
    (home / "journal.json").write_text(json.dumps(FORMER))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_atomically", full)
    assert set(work.load(home / "work.json").pages["journal"]["answers"]) == {
        "toys.why",
        "toys.how",
    }
    assert [path.name for path in home.iterdir()] == ["journal.json"]


def test_a_folder_that_cannot_be_is_told_and_nothing_raised(home, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path / "file" / "home"))
    note = journal.record("toys.why", "Why?", "Because.")
    assert note.startswith("Your answer could not be kept: cannot use")
    assert "TINYTORCH_HOME" in note


def test_an_answer_as_long_as_a_book_is_told_and_nothing_lost(home):
    journal.record("toys.why", "Why?", "Because.")
    note = journal.record("toys.how", "How?", "x" * 100_001)
    assert "not a text of at most 100000 characters" in note
    assert list(answers(home)) == ["toys.why"]


def test_a_failed_write_leaves_the_journal_as_it_was(home, monkeypatch):
    journal.record("toys.why", "Why?", "Because.")

    def full(*paths):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(home), "replace", full)
    note = journal.record("toys.how", "How?", "Slowly.")
    assert "no space left on device" in note
    assert list(answers(home)) == ["toys.why"]
    assert [path.name for path in home.iterdir()] == ["work.json"]


def test_the_journal_is_the_learners_alone(home):
    journal.record("toys.why", "Why?", "Because.")
    assert stat.S_IMODE(os.stat(home / "work.json").st_mode) == files.PRIVATE


def test_without_a_folder_named_it_is_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYTORCH_WORKSPACE", "off")
    monkeypatch.delenv("TINYTORCH_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert work.work_file() == tmp_path / ".tinytorch" / "work.json"


def test_the_best_score_of_a_challenge_is_kept(home):
    for ratio, medal in ((2.5, "silver"), (1.2, ""), (2.6, "gold")):
        assert journal.score("toys.race", ratio, 2, medal) == ""
    score = work.read(home / "work.json").pages["journal"]["scores"]["toys.race"]
    assert (score["ratio"], score["target"], score["medal"]) == ("2.60", "2", "gold")
