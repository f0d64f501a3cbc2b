"""What `carry_over` makes of the cells that passed on earlier pages."""

import base64
import inspect
import io
import json
import re
import subprocess
import sys
import zipfile

import nbformat
import pytest
from nbclient import NotebookClient

import tinytorch as tt
from tinytorch.course import carried, catalog, checks, exercise, install, limits, source

STEPS = catalog.load_course().steps
DOUBLE = """
@build("toys.double")
def double(number):
    if isinstance(number, str):
        raise TypeError(repr(number))
    return number + number
"""
SPIN = """
@build("toys.spin")
def spin(turns):
    return 360 * turns
"""
BOTH = {"toys.double": DOUBLE, "toys.spin": SPIN}


def why_not(code):
    """Why the one cell is not used."""
    (found,) = carried.carried(code)
    assert found.code == "reference"
    return found.why_not


def test_cells_that_pass_become_the_library(toys):
    found = carried.carried(BOTH)
    assert [one.code for one in found] == ["yours", "yours"]
    assert tt.toys.double.__code__.co_filename == "<your toys.double>"
    assert install.provenance_of("toys.Top.spin") == "yours"
    assert tt.toys.Top().spin(2) == 720


def test_one_table_says_whose_code_each_step_runs(toys, capsys):
    carried.carry_over(BOTH)
    assert capsys.readouterr().out.splitlines() == [
        "2 of 2 steps of Toys run your code.",
        "",
        "step         code",
        "toys.double  yours",
        "toys.spin    yours",
    ]


def test_the_table_gives_the_reason_where_the_reference_runs(toys, capsys):
    carried.carry_over({"toys.double": DOUBLE, "toys.spin": SPIN.replace("360", "180")})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 of 2 steps of Toys run your code."
    assert "toys.spin    reference" in lines
    assert 'toys.spin: Its check "one turn is 360 degrees" no longer passes: 180.' in lines


def test_the_html_counts_and_escapes(toys, outline):
    found = carried.carried({**BOTH, "toys.<b>": "pass"})
    page = outline(carried._shown(found).html)
    box = page.first("div")
    assert (box["data-yours"], box["data-steps"], box["role"]) == ("2", "2", "status")
    assert box["class"] == "tt-result tt-carried"
    assert "toys.<b>" in page.text


@pytest.fixture
def checked(monkeypatch):
    """The steps whose checks have run since the fixture was asked for."""
    ids = []
    whole = exercise.check_answer

    def check_answer(step, answer):
        ids.append(step.id)
        return whole(step, answer)

    monkeypatch.setattr(exercise, "check_answer", check_answer)
    return ids


def receipts():
    """The receipts of cells that pass."""
    return {one.step_id: one.receipt for one in carried.carried(BOTH)}


def test_a_cell_with_its_receipt_is_used_without_another_check(toys, checked):
    given = receipts()
    install.reset()
    checked.clear()
    assert [one.code for one in carried.carried(BOTH, given)] == ["yours", "yours"]
    assert checked == []
    assert tt.toys.double.__code__.co_filename == "<your toys.double>"
    assert tt.toys.Top().spin(2) == 720


def test_a_receipt_is_good_for_its_own_cell_alone(toys, checked):
    given = receipts()
    checked.clear()
    wrong = {"toys.double": DOUBLE, "toys.spin": SPIN.replace("360", "180")}
    found = carried.carried(wrong, {**given, "toys.double": given["toys.spin"]})
    assert checked == ["toys.double", "toys.spin"]
    assert [one.code for one in found] == ["yours", "reference"]
    assert [bool(one.receipt) for one in found] == [True, False]


@pytest.mark.parametrize("changed", ["the checks", "the library"])
def test_a_receipt_is_void_when_what_it_was_given_for_changes(toys, checked, monkeypatch, changed):
    given = receipts()
    checked.clear()
    if changed == "the checks":
        path = checks.check_files("toys")["module"]
        path.write_text(f"{path.read_text('utf-8')}\n", "utf-8")
    else:
        monkeypatch.setattr(source, "_package_files", lambda stem: {"toys.py": "pass"})
    carried.carried(BOTH, given)
    assert checked == ["toys.double", "toys.spin"]


@pytest.mark.parametrize("given", [None, {}, {"toys.double": 7}, {"toys.double": ""}])
def test_what_is_no_receipt_saves_no_check(toys, checked, given):
    carried.carried({"toys.double": DOUBLE}, given)
    assert checked == ["toys.double"]


def test_a_receipt_does_not_make_a_stub_or_a_broken_cell_an_answer(toys):
    step = catalog.load_course().step("toys.double")
    stub = (
        '@build("toys.double")\ndef double(number):\n    raise NotImplementedError("Double it.")\n'
    )
    for cell in (stub, "1 / 0"):
        found = carried.carried({step.id: cell}, {step.id: carried.receipt_of(step, cell)})
        assert [one.code for one in found] == ["reference"]


def test_the_page_gets_the_receipts_of_what_is_in_use(toys, outline):
    found = carried.carried({**BOTH, "toys.spin": SPIN.replace("360", "180")})
    box = outline(carried._shown(found).html).first("div")
    assert json.loads(box["data-receipts"]) == {"toys.double": found[0].receipt}


def test_steps_run_in_the_order_of_the_course_whatever_order_they_come_in(toys):
    found = carried.carried(dict(reversed(BOTH.items())))
    assert [one.step_id for one in found] == ["toys.double", "toys.spin"]


def test_no_cells_say_so(toys, capsys):
    carried.carry_over({})
    assert capsys.readouterr().out == "No step of yours was given, so the reference runs.\n"


def test_a_cell_finds_the_names_that_a_chapter_begins_with(toys):
    cell = f"expect(np.ones(2).sum(), 2.0, because='')\nassert tt.toys and reflect{DOUBLE}"
    assert carried.carried({"toys.double": cell})[0].code == "yours"


@pytest.mark.parametrize(
    "import_line",
    [
        "from tinytorch.course import build",
        "from tinytorch.course.exercise import build",
        "import tinytorch.course as course; build = course.build",
    ],
)
def test_a_cell_that_imports_build_itself_prints_no_result_of_its_own(toys, capsys, import_line):
    cell = import_line + DOUBLE
    assert carried.carried({"toys.double": cell})[0].code == "yours"
    assert capsys.readouterr().out == ""
    assert tt.course.build is exercise.build


def test_a_helper_in_the_cell_comes_along(toys):
    cell = f"def twice(number):\n    return number * 2\n{DOUBLE}".replace(
        "number + number", "twice(number)"
    )
    assert carried.carried({"toys.double": cell})[0].code == "yours"


def test_a_helper_in_another_cell_is_named(toys):
    reason = why_not({"toys.double": DOUBLE.replace("number + number", "twice(number)")})
    assert "NameError: name 'twice' is not defined. It comes from another cell" in reason


def test_a_name_missing_while_the_cell_runs_is_named_too(toys):
    reason = why_not({"toys.double": f"settings\n{DOUBLE}"})
    assert reason.startswith("NameError: name 'settings' is not defined. It comes from another")


def test_what_a_cell_defines_stays_in_that_cell(toys):
    code = {"toys.double": f"twice = 2\n{DOUBLE}", "toys.spin": f"twice\n{SPIN}"}
    assert [one.code for one in carried.carried(code)] == ["yours", "reference"]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (None, "The cell is no text: NoneType."),
        (["pass"], "The cell is no text: list."),
        ("", 'The cell holds no @build("toys.double").'),
        (SPIN, 'The cell holds no @build("toys.double").'),
        ("def double(:", "SyntaxError in line 1: invalid syntax."),
        ("x = 1\0", "null bytes"),
        ("import sys\nsys.exit(3)", "SystemExit: 3."),
        ("raise GeneratorExit", "GeneratorExit."),
        ("1 / 0", "ZeroDivisionError: division by zero."),
        ("import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'."),
        (DOUBLE.replace("number + number", "exit()"), "SystemExit"),
        ('@build("toys.double")\ndef double(n):\n    raise NotImplementedError("")', "Not built"),
        ('build("toys.double")(tt.toys.double)', "It is the reference itself."),
    ],
)
def test_a_cell_that_cannot_be_used_says_why(toys, cell, reason):
    assert reason in why_not({"toys.double": cell})
    assert tt.toys.double is toys.library.double


def test_an_unknown_step_is_named(toys):
    assert "no step is called 'toys.dubble'" in why_not({"toys.dubble": DOUBLE})


def test_a_key_that_is_no_text_is_named(toys, capsys):
    assert "no step is called 7" in why_not({7: DOUBLE})
    carried.carry_over({7: DOUBLE, **BOTH})
    assert "2 of 2 steps of Toys run your code." in capsys.readouterr().out


def test_an_endless_loop_in_a_cell_is_stopped(toys, monkeypatch):
    monkeypatch.setattr(limits, "TIME_LIMIT", 0.2)
    assert why_not({"toys.double": "while True: pass"}).startswith("no answer within 0.2 s")


def test_an_endless_loop_in_an_answer_is_stopped(toys, monkeypatch):
    monkeypatch.setattr(limits, "TIME_LIMIT", 0.2)
    cell = DOUBLE.replace("return number + number", "while True: pass")
    assert "no longer passes: no answer within 0.2 s" in why_not({"toys.double": cell})


def test_a_flood_of_printing_stays_out_of_sight(toys, capsys):
    carried.carried({"toys.double": f"print('x' * 10**6)\n{DOUBLE}"})
    assert capsys.readouterr().out == ""


def test_a_long_reason_is_cut(toys):
    assert len(why_not({"toys.double": "raise ValueError('x y ' * 1000)"})) < 400


def test_an_interrupt_reaches_the_learner(toys):
    with pytest.raises(KeyboardInterrupt):
        carried.carry_over({"toys.double": "raise KeyboardInterrupt"})
    assert tt.course.build is exercise.build


def test_a_later_cell_runs_on_the_earlier_ones(toys):
    cell = SPIN.replace("360 * turns", "360 * turns if tt.toys.double(1) == 2 else None")
    marked = DOUBLE.replace("return", "spins.append(number)\n    return")
    code = {"toys.double": f"spins = tt.toys.spins = []{marked}", "toys.spin": cell}
    assert [one.code for one in carried.carried(code)] == ["yours", "yours"]
    assert 1 in tt.toys.spins


def test_carrying_twice_uses_the_newer_cells(toys):
    carried.carried(BOTH)
    carried.carried({"toys.double": DOUBLE.replace("number + number", "number * 2")})
    assert install.provenance_of("toys.double") == "yours"
    assert tt.toys.double.__code__.co_consts[-1] == 2


def test_every_solved_exercise_of_the_course_is_carried_over(untouched, solved):
    code = {step.id: solved(step) for step in STEPS}
    found = carried.carried(code)
    assert {one.step_id: one.why_not for one in found if one.why_not} == {}
    assert len(found) == len(STEPS)
    assert tt.contiguous_strides.__code__.co_filename == "<your tensors.contiguous_strides>"
    assert sys.modules["tinytorch.tensors.shapes"].contiguous_strides is tt.contiguous_strides


# The library as a wheel.

CONTIGUOUS = """
def product(numbers):
    result = 1
    for number in numbers:
        result *= max(number, 1)
    return result

@build("tensors.contiguous_strides")
def contiguous_strides(shape):
    # mine
    return tuple(product(shape[dim + 1:]) for dim in range(len(shape)))
"""


def link_in(shown):
    """The file name and the wheel that the link of a result offers."""
    link = re.search(r'<a class="tt-wheel" download="([^"]+)" href="data:[^,]+,([^"]+)"', shown)
    return link[1], zipfile.ZipFile(io.BytesIO(base64.b64decode(link[2])))


@pytest.fixture
def packed(monkeypatch, untouched):
    """Pack cells; returns the headline, the file name and the wheel."""

    def pack(code):
        shown = []
        monkeypatch.setattr(carried.present, "show", shown.append)
        carried.library_wheel(code)
        return shown[0].text.splitlines()[0], *link_in(shown[0].html)

    return pack


def test_the_library_is_packed_with_the_code_that_passes(packed):
    headline, name, archive = packed({"tensors.contiguous_strides": CONTIGUOUS})
    assert headline.startswith("Your library, packed: 1 of 10 steps of Tensors run your code.")
    assert name == "tinytorch-0.1.0+mine-py3-none-any.whl"
    text = archive.read("tinytorch/tensors/shapes.py").decode()
    assert "    # mine\n    return tuple(product(" in text
    assert "def product(numbers):" in text
    assert "@build" not in text


def test_packing_leaves_the_session_as_it_was(packed):
    before = tt.contiguous_strides
    packed({"tensors.contiguous_strides": CONTIGUOUS})
    assert tt.contiguous_strides is before
    assert install.provenance_of("tensors.contiguous_strides") == "reference"


def test_code_that_does_not_pass_is_packed_as_the_reference(packed):
    wrong = CONTIGUOUS.replace("dim + 1", "dim")
    headline, _, archive = packed({"tensors.contiguous_strides": wrong, "toys.x": 3})
    assert "0 of 10 steps of Tensors" in headline
    reference = inspect.getsource(sys.modules["tinytorch.tensors.shapes"])
    assert archive.read("tinytorch/tensors/shapes.py").decode() == reference


def test_the_whole_course_solved_is_packed_and_passes_its_checks_there(
    packed, solved, tmp_path, monkeypatch
):
    *_, archive = packed({step.id: solved(step) for step in STEPS})
    archive.extractall(tmp_path)
    code = (
        "from tinytorch.course import carried, completion\n"
        "import tinytorch; print(tinytorch.__file__)\n"
        "for stem in ('setup', 'tensors'):\n"
        "    print({check.outcome for check in completion.module_result(stem).checks})"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert told.stderr == ""
    where, *outcomes = told.stdout.splitlines()
    assert where.startswith(str(tmp_path))
    assert outcomes == ["{'passed'}"] * 2


def test_a_notebook_shows_the_table_and_the_link():
    """In a real Jupyter kernel, as on a page, in JupyterLab and on Binder."""
    cell = {"tensors.contiguous_strides": CONTIGUOUS}
    sources = [
        f"from tinytorch.course import carry_over\ncarry_over({cell!r});",
        "import tinytorch as tt; tt.contiguous_strides((2, 3)), tt.contiguous_strides.__code__",
        f"from tinytorch.course import library_wheel\nlibrary_wheel({cell!r});",
    ]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    NotebookClient(notebook, timeout=60).execute()
    table, used, link = (only.data for (only,) in (one.outputs for one in notebook.cells))
    assert 'data-yours="1" data-steps="10"' in table["text/html"]
    assert "(3, 1)" in used["text/plain"]
    assert "<your tensors.contiguous_strides>" in used["text/plain"]
    assert link_in(link["text/html"])[0] == "tinytorch-0.1.0+mine-py3-none-any.whl"
