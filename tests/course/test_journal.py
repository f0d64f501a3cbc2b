"""The journal keeps answers, and never stands in the way of a lesson."""

import json
import os
import stat

import pytest

from tinytorch.course import journal


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A journal folder of the test's own."""
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def entries(home):
    """What the journal holds."""
    return json.loads((home / "journal.json").read_text(encoding="utf-8"))


def test_answers_are_kept_and_the_newest_of_a_question_wins(home):
    journal.record("toys.why", "Why?", "Because.")
    journal.record("toys.how", "How?", "Slowly: ü.")
    note = journal.record("toys.why", "Why?", "Because of <b>it</b>.")
    assert note == f"Your answer is kept in {home / 'journal.json'}."
    assert {name: entry["answer"] for name, entry in entries(home).items()} == {
        "toys.why": "Because of <b>it</b>.",
        "toys.how": "Slowly: ü.",
    }


def test_only_the_journal_is_left_in_the_folder(home):
    journal.record("toys.why", "Why?", "Because.")
    assert [path.name for path in home.iterdir()] == ["journal.json"]


@pytest.mark.parametrize("content", ["{broken", "[1, 2]", "\x00", ""])
def test_a_file_that_is_no_journal_is_set_aside_and_kept(home, content):
    home.mkdir()
    (home / "journal.json").write_text(content)
    journal.record("toys.why", "Why?", "Because.")
    aside = [path for path in home.iterdir() if path.name.startswith("journal-unreadable")]
    assert [path.read_text() for path in aside] == [content]
    assert list(entries(home)) == ["toys.why"]


def test_a_file_that_is_no_text_is_set_aside(home):
    home.mkdir()
    (home / "journal.json").write_bytes(b"\xff\xfe\x00")
    journal.record("toys.why", "Why?", "Because.")
    assert list(entries(home)) == ["toys.why"]


def test_a_folder_that_cannot_be_is_told_and_nothing_raised(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path / "file" / "home"))
    note = journal.record("toys.why", "Why?", "Because.")
    assert note.startswith("Your answer could not be kept")
    assert "TINYTORCH_HOME" in note


def test_a_failed_write_leaves_the_journal_as_it_was(home, monkeypatch):
    journal.record("toys.why", "Why?", "Because.")

    def full(*paths):
        raise OSError("no space left on device")

    monkeypatch.setattr(type(home), "replace", full)
    note = journal.record("toys.how", "How?", "Slowly.")
    assert "no space left on device" in note
    assert list(entries(home)) == ["toys.why"]
    assert [path.name for path in home.iterdir()] == ["journal.json"]


def test_the_journal_is_the_learners_alone(home):
    journal.record("toys.why", "Why?", "Because.")
    assert stat.S_IMODE(os.stat(home / "journal.json").st_mode) == 0o600


def test_without_a_folder_named_it_is_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("TINYTORCH_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert journal.journal_file() == tmp_path / ".tinytorch" / "journal.json"
