"""Files of a person are written whole or not at all, and never thrown away."""

import os
import stat

import pytest

from tinytorch.course import files
from tinytorch.course.catalog import CourseError


def test_a_file_is_written_whole_in_a_folder_that_is_made(tmp_path):
    files.write_atomically(tmp_path / "a" / "b.txt", "ä\n")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "ä\n".encode()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]


def test_a_file_keeps_its_permissions_and_a_link_its_end(tmp_path):
    there, link = tmp_path / "there.txt", tmp_path / "link.txt"
    there.write_text("old")
    there.chmod(0o640)
    link.symlink_to(there)
    files.write_atomically(link, "new")
    assert there.read_text() == "new"
    assert stat.S_IMODE(there.stat().st_mode) == 0o640
    assert link.is_symlink()


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    refused = pytest.raises(CourseError, match=r"cannot use .*: no space left on device")
    with refused, files.one_sentence(path):
        files.write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_never_takes_the_place_of_another(tmp_path, monkeypatch, links):
    def no_links(*_):
        raise OSError(1, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    assert files.write_new(tmp_path / "a.txt", "first")
    assert not files.write_new(tmp_path / "a.txt", "second")
    assert (tmp_path / "a.txt").read_text() == "first"


def test_of_two_who_write_a_new_file_at_once_the_first_wins(tmp_path, monkeypatch):
    link = os.link

    def slow(draft, path):
        path.write_text("theirs")
        link(draft, path)

    monkeypatch.setattr(os, "link", slow)
    assert not files.write_new(tmp_path / "a.txt", "mine")
    assert (tmp_path / "a.txt").read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_what_is_set_aside_says_why_and_hides_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "moment", lambda: "20260131-235959")
    names = []
    for content in ("one", "two"):
        (tmp_path / "a.json").write_text(content)
        names.append(files.set_aside(tmp_path / "a.json", "damaged").name)
    assert names == ["a-damaged-20260131-235959.json", "a-damaged-20260131-235959-2.json"]
    assert [(tmp_path / name).read_text() for name in names] == ["one", "two"]


def test_text_is_read_with_newlines_alone(tmp_path):
    (tmp_path / "a.py").write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\n")
    assert files.read_text(tmp_path / "a.py") == "one\ntwo\nthree\n"


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "a.py").write_bytes(b"\xff\xfe")
    with pytest.raises(CourseError, match=r"a\.py is not UTF-8 text; save it as UTF-8"):
        files.read_text(tmp_path / "a.py")
