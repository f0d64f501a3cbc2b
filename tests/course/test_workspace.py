"""A workspace belongs to the learner: nothing in it is ever overwritten or lost."""

import json
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from tinytorch.course import catalog, source, work, workspace
from tinytorch.course.catalog import CourseError

COURSE = catalog.load_course()
SHAPES = "tensors/shapes.py"
MINE = "def infer_shape(nested):\n    # mine\n    return ()\n"


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """No workspace around the test, and no answers of anybody else's."""
    monkeypatch.delenv("TINYTORCH_WORKSPACE", raising=False)
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path / "nobody"))


@pytest.fixture
def here(tmp_path):
    """A workspace with chapter 1 in it."""
    found = workspace.create(tmp_path / "mine")
    found.start("tensors")
    return found


def write_mine(here, text=MINE):
    """Solve the first step of chapter 1, in a way."""
    path = here.code / SHAPES
    path.write_text(source.replace_function(path.read_text(), "infer_shape", text))
    return path.read_text()


def everything(folder):
    """Each file below a folder, with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_started_module_is_the_reference_with_its_steps_blanked(tmp_path):
    here = workspace.create(tmp_path / "deep" / "mine")
    written = here.start("setup")
    assert written == (here.code / "setup.py",)
    assert here.files("setup") == source.blanked_files("setup", COURSE.module("setup").steps)
    assert here.started == ("setup",)
    assert sorted(everything(here.root)) == [
        ".tinytorch/workspace.json",
        "README.md",
        "tinytorch/setup.py",
    ]
    assert stat.S_IMODE((here.code / "setup.py").stat().st_mode) & 0o600 == 0o600


def test_the_marker_says_what_was_started_and_when(here):
    marker = json.loads((here.root / ".tinytorch" / "workspace.json").read_text())
    assert marker["format"] == "tinytorch-workspace-1"
    assert marker["version"] == COURSE.version
    assert list(marker["started"]) == ["tensors"]
    assert marker["started"]["tensors"].startswith("20")


def test_a_new_workspace_explains_itself_on_one_page(here):
    text = (here.root / "README.md").read_text()
    assert len(text.splitlines()) <= 25
    assert max(map(len, text.splitlines())) <= 100


def test_a_second_start_changes_nothing_and_brings_back_what_is_missing(here):
    write_mine(here)
    (here.root / "README.md").write_text("My own notes.")
    (here.code / "tensors" / "door.py").unlink()
    before = everything(here.root)
    assert here.missing("tensors") == ["tensors/door.py"]
    assert workspace.create(here.root).start("tensors") == (here.code / "tensors" / "door.py",)
    after = everything(here.root)
    assert {path: after[path] for path in before} == before
    assert here.missing("tensors") == []


def start_all(folder):
    """Start both modules, as several terminals may."""
    for stem in ("setup", "tensors"):
        workspace.create(folder).start(stem)


def test_starts_at_the_same_time_do_no_harm(tmp_path):
    context = multiprocessing.get_context("spawn")
    racers = [context.Process(target=start_all, args=(tmp_path / "mine",)) for _ in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert [racer.exitcode for racer in racers] == [0, 0, 0, 0]
    here = workspace.find(tmp_path / "mine")
    assert here.started == ("setup", "tensors")
    for stem in here.started:
        assert here.files(stem) == source.blanked_files(stem, COURSE.module(stem).steps)
    assert not [name for name in everything(here.root) if name.rpartition("/")[2].startswith(".")]


def test_a_module_that_is_not_there_to_start_is_named(here):
    later = next(module.stem for module in COURSE.modules if not module.published)
    with pytest.raises(CourseError, match=f"'{later}' is not published yet; there are: setup, ten"):
        here.start(later)
    with pytest.raises(CourseError, match="did you mean 'tensors'"):
        here.start("tensor")


def test_the_folder_of_the_package_itself_is_refused(tmp_path):
    (tmp_path / "tinytorch").mkdir()
    (tmp_path / "tinytorch" / "__init__.py").touch()
    with pytest.raises(CourseError, match=r"holds the tinytorch package itself.*--in"):
        workspace.create(tmp_path)
    assert sorted(everything(tmp_path)) == ["tinytorch/__init__.py"]


def test_a_package_that_was_put_into_a_workspace_later_is_refused(here):
    (here.code / "__init__.py").touch()
    with pytest.raises(CourseError, match="holds the tinytorch package itself"):
        here.start("setup")


@pytest.mark.parametrize(
    "folder", ["file", "file/deeper", "long/" + "a" * 300, "marked", "\N{SNOWMAN}" * 100]
)
def test_a_place_where_no_folder_can_be_is_one_sentence(tmp_path, folder):
    for path in ("file", "marked/.tinytorch"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("in the way")
    with pytest.raises(CourseError, match=r"^cannot use /[^\n]+: [^\n]+; mend that, or choose"):
        workspace.create(tmp_path / folder)
    assert (tmp_path / "file").read_text() == "in the way"


def test_the_home_folder_of_nobody_is_one_sentence(monkeypatch):
    with pytest.raises(CourseError, match="there is no home folder ~nobody-at-all; write it out"):
        workspace.create(Path("~nobody-at-all/mine"))


def test_a_folder_that_refuses_is_one_sentence(tmp_path, monkeypatch):
    here = workspace.create(tmp_path)

    def refuse(draft, *_):
        raise PermissionError(13, "Permission denied", str(draft))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(
        CourseError, match=r"^cannot use .*/tinytorch/setup\.py: permission denied;"
    ):
        here.start("setup")
    assert here.started == ()


def test_a_workspace_is_found_from_anywhere_inside(here, monkeypatch):
    assert workspace.find(here.code / "tensors") == here
    monkeypatch.chdir(here.code)
    assert workspace.find() == here
    assert workspace.require() == here


def test_a_workspace_can_be_named_or_switched_off(here, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYTORCH_WORKSPACE", str(here.root))
    assert workspace.find(tmp_path) == here
    monkeypatch.setenv("TINYTORCH_WORKSPACE", "off")
    assert workspace.find(here.root) is None
    monkeypatch.setenv("TINYTORCH_WORKSPACE", str(tmp_path / "nowhere"))
    with pytest.raises(CourseError, match=r"in .*nowhere, which TINYTORCH_WORKSPACE names; make"):
        workspace.require()


def test_where_there_is_none_the_way_to_one_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert workspace.find() is None
    with pytest.raises(CourseError, match="in this folder or above it; make one with: tinytorch s"):
        workspace.require()


def test_a_folder_that_may_not_be_looked_into_holds_no_workspace(here, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refuse)
    assert workspace.find(here.root) is None


def test_a_current_folder_that_was_deleted_holds_no_workspace(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert workspace.find() is None


@pytest.mark.parametrize("content", ["", "{broken", "[1]", '{"started": 3}', "\x00"])
def test_a_damaged_marker_loses_no_module_and_is_kept(here, content):
    marker = here.root / ".tinytorch" / "workspace.json"
    marker.write_text(content)
    assert workspace.find(here.root) == here
    assert here.started == ("tensors",)
    here.start("setup")
    assert here.started == ("setup", "tensors")
    assert json.loads(marker.read_text())["format"] == "tinytorch-workspace-1"
    if content != '{"started": 3}':  # nothing of it was lost
        (aside,) = here.home.glob("workspace-damaged-*.json")
        assert aside.read_text() == content


def test_a_module_whose_files_are_gone_is_still_started(here):
    for path in (here.code / "tensors").iterdir():
        path.unlink()
    (here.code / "tensors").rmdir()
    assert here.started == ("tensors",)
    assert here.missing("tensors") == list(source.package_files("tensors"))
    assert here.files("tensors") == {}


def test_files_of_the_learners_own_belong_to_the_module(here):
    for name in ("mine.py", ".mine.py", "notes.txt", "__pycache__/a.py", ".ipynb_checkpoints/b.py"):
        path = here.code / "tensors" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x = 1")
    assert set(here.files("tensors")) - set(source.package_files("tensors")) == {"tensors/mine.py"}


def test_a_file_that_is_no_text_is_named(here):
    (here.code / SHAPES).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CourseError, match=r"shapes\.py is not UTF-8 text"):
        here.files("tensors")


def test_a_step_that_is_reset_is_blank_and_the_rest_is_kept(here):
    blank = here.files("tensors")
    mine = write_mine(here)
    (here.code / SHAPES).write_text("# My file\n" + mine)
    backup = here.reset_step(COURSE.step("tensors.infer_shape"))
    assert here.files("tensors") == blank | {SHAPES: "# My file\n" + blank[SHAPES]}
    assert backup.parent == here.home / "backups"
    assert everything(backup) == {f"tinytorch/{SHAPES}": ("# My file\n" + mine).encode()}


def test_a_reset_keeps_the_way_to_end_a_line(here):
    write_mine(here)
    path = here.code / SHAPES
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    here.reset_step(COURSE.step("tensors.infer_shape"))
    assert path.read_bytes().count(b"\n") == path.read_bytes().count(b"\r\n") > 100


def test_a_step_whose_function_or_file_is_gone_is_brought_back_by_a_reset(here):
    blank = here.files("tensors")
    step = COURSE.step("tensors.infer_shape")
    path = here.code / SHAPES
    path.write_text(source.replace_function(path.read_text(), step.name, "x = 1"))
    here.reset_step(step)
    assert source.function_text(path.read_text(), step.name) in blank[SHAPES]
    path.unlink()
    here.reset_step(step)
    assert source.is_blank(source.find_function(path.read_text(), step.name))


def test_a_step_in_a_file_that_is_no_python_is_reset_with_its_module(here):
    path = here.code / SHAPES
    path.write_text("def infer_shape(:\n")
    with pytest.raises(
        CourseError, match=r"shapes\.py is not valid Python \(line 1: .*`tinytorch "
    ):
        here.reset_step(COURSE.step("tensors.infer_shape"))
    assert path.read_text() == "def infer_shape(:\n"
    assert not (here.home / "backups").exists()
    backup = here.reset_module("tensors")
    assert (backup / "tinytorch" / SHAPES).read_text() == "def infer_shape(:\n"
    assert here.files("tensors") == source.blanked_files("tensors", COURSE.module("tensors").steps)


def test_two_resets_in_one_second_keep_both_versions(here):
    kept = []
    for name in "ab":
        write_mine(here, MINE.replace("mine", name))
        backup = here.reset_step(COURSE.step("tensors.infer_shape"))
        kept.append((backup / "tinytorch" / SHAPES).read_text())
    assert ["# a" in kept[0], "# b" in kept[1]] == [True, True]


def test_a_reset_forgets_what_a_page_had_of_the_step_and_keeps_a_copy(here):
    step = COURSE.step("tensors.infer_shape")
    kept = work.Work()
    page = kept.page("modules/01_tensors")
    page["edits"] |= {f"step:{step.id}": MINE, "source:0a": "x"}
    page["passed"][step.id] = page["code"][step.id] = "yes"
    work.save(kept, here.work)
    backup = here.reset_step(step)
    assert work.read(backup / ".tinytorch" / "work.json") == kept
    left = work.read(here.work).pages["modules/01_tensors"]
    assert (left["edits"], left["passed"], left["code"]) == ({"source:0a": "x"}, {}, {})


def test_a_cell_of_a_page_takes_its_place_and_what_it_replaces_is_kept(here):
    mine = write_mine(here)
    step = COURSE.step("tensors.infer_shape")
    cell = f'@build("{step.id}")\n{MINE.replace("mine", "of the page")}'
    backup = here.put_cell(step, cell)
    assert "# of the page" in here.files("tensors")[SHAPES]
    assert (backup / "tinytorch" / SHAPES).read_text() == mine
    assert here.put_cell(step, cell) is None
