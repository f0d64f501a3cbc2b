"""The page and the machine are one path: work goes to and fro, and nothing is lost on it."""

import json
import random

import pytest

from tinytorch.course import catalog, cells, progress, source, work, workspace
from tinytorch.course.catalog import CourseError

COURSE = catalog.load_course()
STEP = COURSE.step("tensors.infer_shape")
PAGE = "modules/01_tensors"
SHAPES = "tensors/shapes.py"
MINE = (
    f'@build("{STEP.id}")\ndef infer_shape(nested):\n    # mine\n    return ()\n\n\ninfer_shape(1)'
)
THEIRS = MINE.replace("mine", "theirs")
BROKEN = MINE.replace("nested):", "nested:")


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """No workspace around the test, and no answers of anybody else's."""
    monkeypatch.setenv("TINYTORCH_WORKSPACE", "off")
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path / "nobody"))


@pytest.fixture
def here(tmp_path):
    """A workspace without a module."""
    return workspace.create(tmp_path / "mine")


@pytest.fixture
def all_passed(monkeypatch):
    """Let the checks have found that every step passes."""
    monkeypatch.setattr(progress, "refresh", progress.Progress.load)
    monkeypatch.setattr(progress.Progress, "state", lambda self, step: "passed")


def page_work(*, edits=(), code=(), passed=(), **sections):
    """The work of a page on chapter 1."""
    found = work.Work()
    found.page(PAGE).update(
        {"edits": dict(edits), "code": dict(code), "passed": dict.fromkeys(passed, "2026-01-01")}
        | sections
    )
    return found


def exported(pages):
    """The text of a file as a page writes it."""
    return json.dumps({"format": "tinytorch-work-1", "saved": "2026-01-31", "pages": pages})


# The format


def test_what_a_page_writes_is_read_and_written_again(tmp_path):
    pages = {
        PAGE: {
            "edits": {"step:tensors.listen": "code ü \U0001f642", "source:0a1b2c3d:2": "x"},
            "answers": {"tensors.q": {"text": "", "rating": "whole", "at": "2026"}},
            "passed": {"tensors.listen": "2026-01-31T00:00:00.000Z"},
            "code": {"tensors.listen": "code"},
            "scores": {"tensors.race": {"ratio": "2.5", "target": "2", "medal": "", "at": ""}},
        },
        "modules/00_setup": {"edits": {"source:1": "y"}, "answers": {}, "passed": {}},
    }
    (tmp_path / "a.json").write_text(exported(pages))
    found = work.read(tmp_path / "a.json")
    assert found.pages[PAGE] == pages[PAGE]
    assert found.pages["modules/00_setup"]["scores"] == {}
    work.save(found, tmp_path / "b.json")
    assert work.read(tmp_path / "b.json") == found


NAME = "it holds a name that no page uses"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is not saved TinyTorch work"),
        ("\x00", "is not saved TinyTorch work"),
        ("null", "is not saved TinyTorch work"),
        ("[1]", "is not saved TinyTorch work"),
        ('{"format": "tinytorch-work-2", "pages": {}}', 'its format is not "tinytorch-work-1"'),
        ('{"format": "tinytorch-work-1"}', "is not saved TinyTorch work"),
        ('{"format": "tinytorch-work-1", "pages": []}', "is not saved TinyTorch work"),
        ("[" * 99_999, "is not saved TinyTorch work"),
        (exported({"a b": {}}), NAME),
        (exported({"__proto__": {}}), NAME),
        (exported({"a" * 201: {}}), NAME),
        (exported({"a\n": {}}), NAME),
        (exported({"ä": {}}), NAME),
        (exported({PAGE: []}), "the work saved for modules/01_tensors is not a record"),
        (exported({PAGE: {"secrets": {}}}), "has a part that does not belong: 'secrets'"),
        (exported({PAGE: {"edits": []}}), "has a part that does not belong: 'edits'"),
        (exported({PAGE: {"edits": {"a": 1}}}), "the entry a is not a text of at most 100000"),
        (exported({PAGE: {"edits": {"a": "x" * 100_001}}}), "not a text of at most 100000"),
        (exported({PAGE: {"edits": {"a": "\U0001f642" * 50_001}}}), "not a text of at most"),
        (exported({PAGE: {"answers": {"a": "b"}}}), "entry a of the answers is not a record"),
        (exported({PAGE: {"scores": {"a": {"b": 1}}}}), "the entry a is not a text"),
        (exported({PAGE: {"scores": {"a": {"b c": "1"}}}}), NAME),
        (" " * 2_000_001, "is larger than 2 MB"),
    ],
)
def test_a_file_that_no_page_writes_is_refused_in_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(CourseError) as refused:
        work.read(path)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert path.read_text() == content


def test_bytes_that_are_no_text_and_files_that_are_not_there_are_refused(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xff\xfe")
    with pytest.raises(CourseError, match="is not saved TinyTorch work"):
        work.read(tmp_path / "a.json")
    with pytest.raises(CourseError, match="no such file"):
        work.read(tmp_path / "b.json")
    assert work.load(tmp_path / "b.json") == work.Work()


def test_nothing_is_written_that_a_page_would_refuse(tmp_path):
    with pytest.raises(CourseError, match="not a text of at most"):
        work.save(page_work(edits={"a": "x" * 100_001}), tmp_path / "a.json")
    with pytest.raises(CourseError, match="more than the 2 MB that a page takes"):
        work.save(page_work(edits={f"a{n}": "x" * 99_999 for n in range(20)}), tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


def test_of_two_answers_the_newer_is_kept_and_of_two_scores_the_better():
    def given(at, ratio, edit):
        return page_work(
            edits={"source:1": edit},
            answers={"q": {"text": at, "at": at}},
            scores={"r": {"ratio": ratio}},
        )

    early = given("2026-01-01T00:00:00.000Z", "3.0", "early")
    late = given("2026-01-01T00:00:01+00:00", "nonsense", "late")
    for older, newer in ((early, late), (late, early)):
        page = work.merged(older, newer).pages[PAGE]
        assert page["answers"]["q"]["at"].startswith("2026-01-01T00:00:01")
        assert page["scores"]["r"]["ratio"] == "3.0"
        assert page["edits"] == newer.pages[PAGE]["edits"]


# From the page to the machine


def test_code_that_passed_makes_a_workspace(here):
    sentences = work.import_work(
        here, page_work(code={STEP.id: MINE}, edits={f"step:{STEP.id}": MINE}, passed=[STEP.id])
    )
    assert sentences == ["Tensors: placed tensors.infer_shape."]
    assert here.started == ("tensors",)
    text = here.files("tensors")[SHAPES]
    assert "\n\n\ndef infer_shape(nested):\n    # mine\n    return ()\n\n\ndef cont" in text
    assert not (here.home / "backups").exists()


def test_a_page_that_kept_no_code_of_what_passed_has_it_in_its_edits(here):
    work.import_work(here, page_work(edits={f"step:{STEP.id}": MINE}, passed=[STEP.id]))
    assert "# mine" in here.files("tensors")[SHAPES]


def test_an_edit_that_did_not_pass_fills_what_is_blank(here):
    work.import_work(here, page_work(edits={f"step:{STEP.id}": MINE}))
    assert "# mine" in here.files("tensors")[SHAPES]


def test_an_edit_that_did_not_pass_takes_the_place_of_nothing(here):
    work.import_work(here, page_work(code={STEP.id: MINE}))
    before = here.files("tensors")
    (sentence,) = work.import_work(here, page_work(edits={f"step:{STEP.id}": THEIRS}))
    assert "has not passed and differs from what your file has" in sentence
    assert here.files("tensors") == before
    (kept,) = here.home.glob("backups/*/page/tensors.infer_shape.py")
    assert kept.read_text() == THEIRS
    assert kept.relative_to(here.root).as_posix() in sentence


def test_code_that_passed_takes_the_place_of_the_learners_and_keeps_it(here):
    work.import_work(here, page_work(code={STEP.id: MINE}))
    before = here.files("tensors")[SHAPES]
    sentences = work.import_work(here, page_work(code={STEP.id: THEIRS}))
    (kept,) = here.home.glob(f"backups/*/tinytorch/{SHAPES}")
    assert kept.read_text() == before
    assert sentences == [
        f"tensors.infer_shape: what your file had is kept in .tinytorch/backups/{kept.parts[-4]}.",
        "Tensors: placed tensors.infer_shape.",
    ]
    assert "# theirs" in here.files("tensors")[SHAPES]


def test_an_edit_after_the_code_that_passed_is_kept_beside_it(here):
    edits = {f"step:{STEP.id}": BROKEN}
    sentences = work.import_work(here, page_work(code={STEP.id: MINE}, edits=edits))
    assert "could not be placed: its cell is not valid Python (line 2" in sentences[0]
    assert "# mine" in here.files("tensors")[SHAPES]
    (kept,) = here.home.glob("backups/*/page/tensors.infer_shape.py")
    assert kept.read_text() == BROKEN


def test_an_edit_that_is_no_python_still_starts_its_module(here):
    (sentence,) = work.import_work(here, page_work(edits={f"step:{STEP.id}": BROKEN}))
    assert "Its text is kept in" in sentence
    assert here.files("tensors") == source.blanked_files("tensors", COURSE.module("tensors").steps)


def test_a_file_of_the_learners_that_is_no_python_is_left_alone(here):
    here.start("tensors")
    (here.code / SHAPES).write_text("def broken(:\n")
    (sentence,) = work.import_work(here, page_work(code={STEP.id: MINE}))
    assert "could not be placed: tinytorch/tensors/shapes.py is not valid Python" in sentence
    assert (here.code / SHAPES).read_text() == "def broken(:\n"
    (kept,) = here.home.glob("backups/*/page/tensors.infer_shape.py")
    assert kept.read_text() == MINE


def test_a_stub_that_was_touched_and_a_step_of_no_course_place_nothing(here):
    touched = MINE.replace("return ()", "pass")
    edits = {f"step:{STEP.id}": touched, "step:no.step": MINE, "source:1": "x"}
    assert work.import_work(here, page_work(edits=edits)) == []
    assert work.read(here.work).pages[PAGE]["edits"] == edits


def test_a_second_import_of_a_file_changes_nothing(here):
    brought = page_work(
        code={STEP.id: MINE}, edits={f"step:{STEP.id}": MINE}, answers={"q": {"text": "a"}}
    )
    work.import_work(here, brought)
    before = {path: path.read_bytes() for path in here.root.rglob("*.py")}
    assert work.import_work(here, brought) == []
    assert {path: path.read_bytes() for path in here.root.rglob("*.py")} == before
    assert work.read(here.work).pages == brought.pages
    assert not (here.home / "backups").exists()


def test_what_was_kept_before_an_import_is_kept_as_a_copy(here):
    former = page_work(answers={"q": {"text": "a"}})
    work.save(former, here.work)
    work.import_work(here, page_work(answers={"q": {"text": "b"}, "r": {"text": "c"}}))
    (copy,) = here.home.glob("backups/*/.tinytorch/work.json")
    assert work.read(copy) == former
    assert set(work.read(here.work).pages[PAGE]["answers"]) == {"q", "r"}


def test_a_helper_in_another_cell_of_the_page_comes_along(here):
    cell = f'@build("{STEP.id}")\ndef infer_shape(nested):\n    return twice(1)'
    edits = {"source:1": "def twice(x):\n    return 2 * x\n\nprint(twice(2))"}
    work.import_work(here, page_work(code={STEP.id: cell}, edits=edits))
    assert "\n\n\ndef twice(x):\n    return 2 * x\n\n\ndef infer" in here.files("tensors")[SHAPES]


def test_a_chapter_that_moved_since_is_recognised_by_its_steps(here):
    moved = work.Work({"modules/07_tensors": page_work(code={STEP.id: MINE}).pages[PAGE]})
    work.import_work(here, moved)
    assert "# mine" in here.files("tensors")[SHAPES]


# From the machine to the page


def test_code_goes_to_the_page_with_what_passed(here, solved, all_passed):
    here.start("tensors")
    here.put_cell(STEP, solved(STEP))
    page = work.export_work(here).pages[PAGE]
    assert page["edits"] == {f"step:{STEP.id}": solved(STEP)}
    assert page["code"] == {STEP.id: solved(STEP)}
    assert list(page["passed"]) == [STEP.id]


def test_the_checks_say_what_goes_as_passed_and_what_as_an_edit(here, solved):
    other = COURSE.step("tensors.contiguous_strides")
    here.start("tensors")
    here.put_cell(STEP, MINE)  # which is wrong
    here.put_cell(other, solved(other))
    page = work.export_work(here).pages[PAGE]
    assert set(page["edits"]) == {f"step:{STEP.id}", f"step:{other.id}"}
    assert page["code"] == {other.id: solved(other)}
    assert list(page["passed"]) == [other.id]


def test_a_cell_that_came_from_the_page_goes_back_as_it_was(here, all_passed):
    brought = page_work(
        code={STEP.id: MINE},
        edits={f"step:{STEP.id}": MINE, "source:12": "a trial"},
        passed=[STEP.id],
        answers={"q": {"text": "a"}},
        scores={"r": {"ratio": "2"}},
    )
    work.import_work(here, brought)
    assert work.export_work(here) == brought
    path = here.code / SHAPES
    path.write_text(path.read_text().replace("# mine", "# still mine"))
    page = work.export_work(here).pages[PAGE]
    assert page["code"][STEP.id] == page["edits"][f"step:{STEP.id}"]
    assert page["code"][STEP.id].endswith(
        "def infer_shape(nested):\n    # still mine\n    return ()"
    )
    assert page["edits"]["source:12"] == "a trial"


def test_a_cell_that_no_longer_fits_is_made_anew(here, all_passed):
    work.import_work(here, page_work(code={STEP.id: MINE}, edits={f"step:{STEP.id}": BROKEN}))
    page = work.export_work(here).pages[PAGE]
    assert page["code"] == {STEP.id: MINE}
    assert page["edits"] == {f"step:{STEP.id}": MINE}


def test_an_edit_that_could_not_be_placed_goes_back_to_the_page(here, all_passed):
    brought = page_work(edits={f"step:{STEP.id}": BROKEN})
    work.import_work(here, brought)
    assert work.export_work(here) == brought


def test_a_step_that_was_reset_does_not_come_back_from_the_page(here, all_passed):
    work.import_work(here, page_work(code={STEP.id: MINE}, edits={f"step:{STEP.id}": MINE}))
    here.reset_step(STEP)
    assert not any(work.export_work(here).pages[PAGE].values())


def test_a_file_that_is_no_python_is_named_before_anything_is_exported(here):
    here.start("tensors")
    (here.code / SHAPES).write_text("def broken(:\n")
    with pytest.raises(CourseError, match=r"tensors/shapes\.py is not valid .*; mend it, then exp"):
        work.export_work(here)


def test_every_step_of_the_course_goes_to_and_fro_without_a_change(tmp_path, solved, all_passed):
    """Page, machine, page, machine: from the first journey on nothing changes any more."""
    first = work.Work()
    for step in random.Random(2).sample(COURSE.steps, len(COURSE.steps)):
        head, build, function = solved(step).partition("@build")
        cell = f"# by hand\n{head}\nHALF = 0.5\n\n# why not\n{build}{function}\n\nprint(HALF)\n"
        page = first.page(COURSE.module(step.stem).page)
        page["edits"][f"step:{step.id}"] = page["code"][step.id] = cell
        page["passed"][step.id] = "2026-01-31T00:00:00.000Z"
    one, two = (workspace.create(tmp_path / name) for name in ("one", "two"))
    assert len(work.import_work(one, first)) == len(COURSE.published)
    second = work.export_work(one)
    assert second == first
    bare = work.Work()  # as if the machine had never seen the page
    one.work.unlink()
    bare = work.export_work(one)
    work.import_work(two, bare)
    for module in COURSE.published:
        assert two.files(module.stem) == one.files(module.stem)
        for step in module.steps:
            made = bare.pages[module.page]["code"][step.id]
            assert made == cells.cell(step, one.files(module.stem))
    assert work.export_work(two) == bare
