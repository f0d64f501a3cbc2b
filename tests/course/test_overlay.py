"""In a workspace the learner's files run, and the reference where one is blank."""

import inspect
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tinytorch.course import catalog, overlay, source, workspace

ROOT = Path(__file__).resolve().parents[2]
COURSE = catalog.load_course()

SHOW = """
import tinytorch as tt
from tinytorch.course import catalog, install, overlay
steps = catalog.load_course().steps
"""


@pytest.fixture
def here(tmp_path):
    """A workspace in which every published module was started."""
    found = workspace.create(tmp_path / "ws")
    for module in COURSE.published:
        found.start(module.stem)
    return found


def solve(here, *stems):
    for stem in stems:
        for path, text in source.package_files(stem).items():
            (here.code / path).write_text(text)


def answer(here, path, name, text):
    """Replace a function in a file of the workspace."""
    file = here.code / path
    file.write_text(source.replace_function(file.read_text(), name, textwrap.dedent(text)))


def run(folder, code, *, works=True, **environment):
    """Return what a program prints that is started in this folder."""
    variables = {**os.environ, **environment}
    variables.pop("TINYTORCH_WORKSPACE", None)
    done = subprocess.run(
        [sys.executable, "-c", SHOW + textwrap.dedent(code)],
        cwd=folder,
        env=variables | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == works, done.stderr
    return (done.stdout if works else done.stderr.splitlines()[-1]).strip()


PROVENANCE = "print(*sorted({install.provenance_of(step.target) for step in steps}))"


def test_a_blank_workspace_runs_on_the_reference(here):
    code = "print(tt.tensor([[1, 2], [3, 4]]) @ tt.tensor([1, 1]), overlay.laid_over())"
    assert run(here.root, code) == f"tensor([3, 7]) {here.root}"
    assert run(here.root, PROVENANCE) == "reference"


def test_the_learners_files_are_the_library_in_their_folder_and_nowhere_else(here):
    solve(here, "setup", "tensors")
    mine = "steps = [step for step in steps if step.stem in ('setup', 'tensors')]; "
    code = mine + PROVENANCE + "; print(tt.setup.__file__, tt.tensors.shapes.__file__)"
    files = f"{here.code / 'setup.py'} {here.code / 'tensors' / 'shapes.py'}"
    assert run(here.root, code) == f"yours\n{files}"
    assert run(here.code / "tensors", code) == f"yours\n{files}"
    assert run(here.root.parent, PROVENANCE) == "reference"


def test_a_script_in_a_workspace_runs_on_it_from_anywhere(here, tmp_path):
    solve(here, "setup")
    script = here.root / "try.py"
    script.write_text("import tinytorch\nprint(tinytorch.setup.__file__)")
    environment = {k: v for k, v in os.environ.items() if k != "TINYTORCH_WORKSPACE"}
    command = [sys.executable, str(script)]
    found = subprocess.check_output(command, cwd=tmp_path, env=environment, text=True)
    assert found.strip() == str(here.code / "setup.py")


def test_an_environment_variable_names_a_workspace_or_none(here, tmp_path):
    solve(here, "setup")
    print_file = "print(tt.setup.__file__)"
    named = run(tmp_path, print_file, TINYTORCH_WORKSPACE=str(here.root))
    assert named == str(here.code / "setup.py")
    off = run(here.root, print_file, TINYTORCH_WORKSPACE="off")
    assert off == str(source.PACKAGE / "setup.py")


def test_a_checkout_inside_of_a_workspace_runs_its_own_code(here):
    solve(here, "setup")
    checkout = here.root / "course" / "tinytorch"
    checkout.mkdir(parents=True)
    (checkout / "__init__.py").touch()
    found = run(checkout.parent / "tinytorch", "print(overlay.laid_over())", PYTHONPATH=str(ROOT))
    assert found == "None"


def test_a_deleted_current_folder_is_no_workspace(tmp_path):
    code = "import os; os.rmdir(os.getcwd()); import tinytorch; print(tinytorch.tensor([1]))"
    gone = tmp_path / "gone"
    gone.mkdir()
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, cwd=gone, text=True) == "tensor([1])\n"


def test_what_is_built_is_yours_and_the_rest_is_the_reference(here):
    answer(here, "tensors/shapes.py", "infer_shape", "def infer_shape(values):\n    return (9, 9)")
    code = """
    print([step.name for step in steps if install.provenance_of(step.target) == "yours"])
    print(tt.infer_shape([1]), tt.tensors.shapes.infer_shape is tt.infer_shape)
    """
    assert run(here.root, code) == "['infer_shape']\n(9, 9) True"


def test_a_filled_step_uses_what_the_learner_built(here):
    text = "def format_bytes(count):\n    return 'mine'"
    answer(here, "setup.py", "format_bytes", text)
    answer(here, "setup.py", "parse_version", "def parse_version(text):\n    return ((7,),)")
    assert run(here.root, "print(tt.satisfies('1.0', '==2.0'))") == "True"


def test_a_filled_step_is_traced_to_the_reference(here):
    code = """
    import inspect, traceback
    print(inspect.getsource(tt.format_bytes).splitlines()[0])
    try:
        tt.format_bytes(-1)
    except ValueError as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        print(last.filename, last.line)
    """
    raised = 'raise ValueError(f"cannot format {count} bytes: a size is zero or more")'
    assert run(here.root, code) == (
        "def format_bytes(count: int) -> str:\n" + f"{source.PACKAGE / 'setup.py'} {raised}"
    )


def test_a_filled_step_imports_for_itself_what_a_tidy_editor_took_out(here):
    file = here.code / "setup.py"
    file.write_text(file.read_text().replace("import re\n", ""))
    assert run(here.root, "print(tt.parse_version('2.0rc1'))") == "((2,), (-1, 1), (0, 0))"
    assert "no attribute 're'" in run(here.root, "tt.setup.re", works=False)


def test_the_docstring_of_a_filled_step_is_that_of_the_reference(here):
    found = run(here.root, "print(tt.parse_version.__doc__)")
    assert found.startswith("Turn a version into a tuple that compares as the versions do.")


def test_no_bytecode_is_written_into_a_workspace(here):
    run(here.root, "tt.tensor([1])")
    assert list(here.root.rglob("*.pyc")) == []


def test_a_change_counts_in_the_next_program(here):
    for number in range(2):
        answer(here, "setup.py", "format_bytes", f"def format_bytes(count):\n    return {number}")
        assert run(here.root, "print(tt.format_bytes(1))") == str(number)


@pytest.mark.parametrize(("path", "stem"), [("setup.py", "setup"), ("tensors/door.py", "tensors")])
def test_a_missing_file_is_named_and_never_replaced_by_the_reference(here, path, stem):
    (here.code / path).unlink()
    said = run(here.root, "tt.tensor([1])", works=False)
    assert said == (
        f"ImportError: tinytorch/{path} is missing; bring it back with: tinytorch start {stem}"
    )


def test_a_file_of_ones_own_is_found_beside_the_given_ones(here):
    (here.code / "tensors" / "extra.py").write_text("number = 7")
    assert run(here.root, "import tinytorch.tensors.extra as e; print(e.number)") == "7"
    said = run(here.root, "import tinytorch.tensors.nothing", works=False)
    assert said == "ModuleNotFoundError: No module named 'tinytorch.tensors.nothing'"


def test_the_course_and_the_data_are_never_taken_from_a_workspace(here):
    for name in ("course", "datasets"):
        (here.code / name).mkdir()
        (here.code / name / "__init__.py").write_text("raise RuntimeError('the wrong file')")
    assert run(here.root, "import tinytorch.datasets; print(tt.tensor([1]))") == "tensor([1])"


def test_a_module_that_was_not_started_is_the_reference(tmp_path):
    found = workspace.create(tmp_path / "ws")
    found.start("setup")
    assert run(found.root, "print(tt.tensors.__file__)").startswith(str(source.PACKAGE))


def test_a_virtual_environment_in_the_workspace_is_not_the_learners_code(here, monkeypatch):
    monkeypatch.setattr(source, "PACKAGE", here.root / ".venv" / "tinytorch")
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    overlay.lay_over(here.root)
    assert overlay.holds(str(here.code / "setup.py"))
    assert not overlay.holds(str(here.root / ".venv" / "tinytorch" / "setup.py"))
    assert not overlay.holds(str(here.root.parent / "ws2" / "setup.py"))
    assert overlay.name_of(str(here.code / "setup.py")) == "tinytorch/setup.py"


def test_laying_over_again_replaces_the_workspace(here, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    assert overlay.laid_over() is None
    assert not overlay.holds(str(here.code / "setup.py"))
    for folder in (here.root, tmp_path):
        overlay.lay_over(folder)
        assert overlay.laid_over() == folder
    assert sum(isinstance(one, overlay.WorkspaceFinder) for one in sys.meta_path) == 1


# Steps that are methods, in a module of our own making.

METHODS = '''
"""Tops."""


class Thing:
    """What can be named."""

    def name(self):
        """Return a name."""
        return "thing"


class Top(Thing):
    """A spinning top."""

    def name(self):
        """Return a longer name."""
        return f"{super().name()} that spins"

    @staticmethod
    def spin(turns):
        """Return the angle after some turns."""

        def angle():
            return 360 * turns

        return angle()
'''


@pytest.fixture
def tops(tmp_path, monkeypatch):
    """A library of one module whose steps are methods, and the same module to be loaded."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "tops.py").write_text(METHODS)
    steps = [
        catalog.Step(stem="tops", name=name, title=name, task="Do it.", target=f"tops.Top.{name}")
        for name in ("name", "spin")
    ]
    row = {**vars(COURSE.module("setup")), "stem": "tops", "steps": tuple(steps)}
    course = {**vars(COURSE), "modules": (catalog.Module(**row),)}
    monkeypatch.setattr(catalog, "load_course", lambda: catalog.Course(**course))
    monkeypatch.setattr(source, "PACKAGE", package)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return steps


def load(tmp_path, text):
    """Load this text as the learner's file."""
    path = tmp_path / "tops.py"
    path.write_text(text)
    loader = overlay.LearnersFile("tinytorch.tops", str(path), "tops.py")
    spec = overlay.importlib.util.spec_from_file_location("tinytorch.tops", path, loader=loader)
    module = overlay.importlib.util.module_from_spec(spec)
    sys.modules["tinytorch.tops"] = module
    loader.exec_module(module)
    return module


BLANK = METHODS
for body in (
    'return f"{super().name()} that spins"',
    "def angle():\n            return 360 * turns\n\n        return angle()",
):
    BLANK = BLANK.replace(body, "raise NotImplementedError('Do it.')")


def test_a_blank_method_is_filled_with_its_super_and_its_decorators(tmp_path, tops):
    module = load(tmp_path, BLANK)
    top = module.Top()
    assert (top.name(), top.spin(2)) == ("thing that spins", 720)
    reference = str(source.PACKAGE / "tops.py")
    assert {module.Top.name.__code__.co_filename, top.spin.__code__.co_filename} == {reference}
    inner = [one for one in top.spin.__code__.co_consts if inspect.iscode(one)]
    assert [one.co_filename for one in inner] == [reference]
    assert module.Thing.name.__code__.co_filename == str(tmp_path / "tops.py")


def test_the_reference_of_a_method_is_made_inside_of_the_learners_class(tmp_path, tops):
    mine = METHODS.replace("that spins", "of mine").replace('return "thing"', 'return "own thing"')
    module = load(tmp_path, mine)
    assert module.Top().name() == "own thing of mine"
    for step in tops:
        setattr(module.Top, step.name, overlay.reference(step))
    assert module.Top().name() == "own thing that spins"
    assert module.Top.spin(2) == 720
    assert isinstance(vars(module.Top)["spin"], staticmethod)
