"""The rules of the house: layout, imports, style, packaging, and what every module owes."""

import ast
import importlib
import inspect
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator
from packaging.requirements import Requirement

import tinytorch
from tinytorch.course.catalog import Module, Step, load_course
from tinytorch.course.misconceptions import read_mistakes

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "tinytorch"
COURSE = load_course()
PUBLISHED = COURSE.published
STEMS = [module.stem for module in PUBLISHED]
STEPS = [step for module in PUBLISHED for step in module.steps]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

each_module = pytest.mark.parametrize("module", PUBLISHED, ids=lambda module: module.stem)
each_step = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    """Return what the command says; fail with it when the command fails."""
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def tool(name: str) -> Path:
    """Return a program of the virtual environment that runs these tests."""
    return Path(sys.executable).with_name(name)


def tracked_files() -> list[Path]:
    """Return the files of the repository, the new ones included."""
    names = run("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    return [path for name in names if (path := ROOT / name).is_file()]


def chapter(module: Module) -> str:
    return (ROOT / "book" / "modules" / f"{module.chapter}.md").read_text()


def sources(stem: str) -> list[Path]:
    """Return the file of a chapter module, or the files of its folder."""
    file = LIBRARY / f"{stem}.py"
    return [file] if file.exists() else sorted((LIBRARY / stem).rglob("*.py"))


# Style


def test_the_code_is_formatted_and_free_of_lint():
    run(tool("ruff"), "check", "--quiet", ".")
    run(tool("ruff"), "format", "--quiet", "--check", ".")


def test_the_library_is_strictly_typed():
    run(tool("mypy"))


def functions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in tracked_files():
        if path.suffix == ".py":
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield path, node


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function's body, docstring left out."""
    skipped = 1 if ast.get_docstring(function) else 0
    statements = function.body[skipped:] or function.body
    return (function.end_lineno or 0) - statements[0].lineno + 1


def test_no_function_is_longer_than_40_lines():
    long = [f"{path}:{f.lineno} {f.name}" for path, f in functions() if body_length(f) > 40]
    assert long == []


def test_no_test_is_skipped_or_asserts_nothing():
    empty = re.compile(r"pytest\.(skip|importorskip|mark\.skip)|assert True\b|except ImportError")
    tests = [path for path in tracked_files() if path.is_relative_to(ROOT / "tests")]
    tests = [path for path in tests if path.suffix == ".py" and path != Path(__file__)]
    assert [path for path in tests if empty.search(path.read_text())] == []


def test_no_file_names_a_place_on_somebodys_machine():
    place = re.compile(rb"(?<![\w.~$}-])/(?:home|opt|root|work|Users)/\w+")
    found = {path: place.search(path.read_bytes()) for path in tracked_files()}
    assert {path: match[0] for path, match in found.items() if match} == {}


# Where things are, and what may import what


def test_chapters_modules_and_their_tests_have_the_same_stems():
    published = {module.stem for module in PUBLISHED}
    beside = {"course", "datasets", "py"}
    assert {path.stem for path in LIBRARY.glob("[!_]*")} - beside == published
    assert {path.stem for path in (ROOT / "book/modules").glob("*.md")} == {
        module.chapter for module in PUBLISHED
    }
    for folder in ("package", "modules"):
        names = {path.stem for path in (ROOT / "tests" / folder).glob("*.py")}
        assert names == {f"test_{stem}" for stem in published}
    assert {path.stem for path in (ROOT / "tests/mutants").glob("*.py")} == published


def test_the_course_stands_on_the_chapters_and_a_chapter_on_earlier_ones():
    run(tool("lint-imports"))


def test_the_import_contracts_name_every_module_in_the_order_of_the_course():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers, by_name_only = contracts["contracts"]
    stems = [layer.strip("()").removeprefix("tinytorch.") for layer in layers["layers"]]
    assert stems[0] == "course"
    assert by_name_only["forbidden_modules"] == [f"tinytorch.{m.stem}" for m in PUBLISHED]
    required = {m.stem: m.requires for m in COURSE.modules if m.stem in stems}
    for stem, needs in required.items():
        assert all(stems.index(need) > stems.index(stem) for need in needs if need in stems)


def imports_at_the_top(path: Path) -> set[str]:
    nodes = ast.parse(path.read_text()).body
    plain = {name.name for n in nodes if isinstance(n, ast.Import) for name in n.names}
    return plain | {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}


@each_module
def test_a_chapter_module_imports_numpy_and_no_other_package(module):
    names = set.union(*(imports_at_the_top(path) for path in sources(module.stem)))
    roots = {name.partition(".")[0] for name in names}
    assert roots <= sys.stdlib_module_names | {"numpy", "tinytorch"}


def test_the_library_is_lazy_and_the_course_needs_no_part_of_it():
    on_demand = {"comparison", "examiner", "plugin"}
    names = [path.stem for path in (LIBRARY / "course").glob("[!_]*.py")]
    engine = [f"tinytorch.course.{name}" for name in names if name not in on_demand]
    loaded = "; import sys; print(*({'numpy', 'pytest', 'tinytorch.setup'} & set(sys.modules)))"
    assert run(sys.executable, "-c", f"import {', '.join(engine)}" + loaded) == ""
    assert run(sys.executable, "-c", "import tinytorch; dir(tinytorch)" + loaded) == ""


def test_the_names_of_the_library_are_those_that_a_type_checker_reads():
    tree = ast.parse((LIBRARY / "__init__.py").read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and is_type_checking(node)]
    named = [(node.module, alias.name) for node in block.body for alias in node.names]
    stems = [name for module, name in named if module == "tinytorch"]
    assert stems == sorted(STEMS)
    assert list(tinytorch._MODULES) == STEMS
    assert sorted(name for _, name in named) == sorted(tinytorch.__all__)
    assert set(tinytorch.__all__) <= set(dir(tinytorch))
    for module, name in named[len(stems) :]:
        home = importlib.import_module(module)
        assert getattr(tinytorch, name) is getattr(home, name)


def test_the_names_of_the_library_can_be_imported_by_star_and_pickled():
    code = (
        "import pickle; from tinytorch import *; found = tensor([1, 2]), zeros, setup.__name__;"
        "print(*pickle.loads(pickle.dumps(found)))"
    )
    found = run(sys.executable, "-c", code)
    assert re.fullmatch(r"tensor\(\[1, 2\]\) <function zeros at \w+> tinytorch.setup", found)


# What every module and every step owes


@each_module
def test_every_public_name_is_exported_and_shown_in_the_chapter(module):
    library, text = importlib.import_module(f"tinytorch.{module.stem}"), chapter(module)
    defined = {
        name
        for name, value in vars(library).items()
        if not name.startswith("_") and inspect.isroutine(value) | inspect.isclass(value)
        if value.__module__.startswith(library.__name__)
    }
    assert defined - set(library.__all__) == set()
    assert [name for name in library.__all__ if not re.search(rf"\b{name}\b", text)] == []


@each_step
def test_a_step_has_a_documented_target(step):
    target = importlib.import_module(f"tinytorch.{step.stem}")
    for name in step.target.split(".")[1:]:
        target = getattr(target, name)
    assert callable(target)
    assert inspect.getdoc(target)
    assert len(step.hints) >= 2


@each_step
def test_a_step_has_its_place_in_the_chapter(step):
    text = chapter(COURSE.module(step.stem))
    heading = re.search(rf"^\({step.anchor}\)=\n+#+ (.+)$", text, re.MULTILINE)
    assert heading, f"no heading follows ({step.anchor})="
    assert step.title in heading[1].replace("`", "")
    assert text.count(f'@build("{step.id}")') == 1


@each_step
def test_a_step_has_package_checks_module_checks_and_three_mistakes(step: Step):
    for folder in ("package", "modules"):
        checks = (ROOT / "tests" / folder / f"test_{step.stem}.py").read_text()
        assert f'@pytest.mark.step("{step.id}")' in checks, folder
    mistakes = read_mistakes(ROOT / "tests" / "mutants" / f"{step.stem}.py")
    assert len([mistake for mistake in mistakes if mistake.step == step.id]) >= 3


@pytest.mark.parametrize("last", range(len(PUBLISHED)), ids=lambda n: PUBLISHED[n].stem)
def test_a_prefix_of_the_course_stands_alone(tmp_path, last):
    """Modules 0 to N import and pass their tests with no file of a later one present."""
    kept = {module.stem for module in PUBLISHED[: last + 1]}
    later = {module.stem for module in PUBLISHED[last + 1 :]}
    left_out = shutil.ignore_patterns(
        "__pycache__",
        *(f"{stem}{end}" for stem in later for end in ("", ".py")),
        *(f"test_{stem}.py" for stem in later),
    )
    for folder in ("tinytorch", "tests/package", "tests/modules", "tests/mutants"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=left_out)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    leave_out_imports(tmp_path / "tinytorch" / "__init__.py", later)
    where = run(sys.executable, "-c", "import tinytorch; print(tinytorch.__file__)", cwd=tmp_path)
    assert Path(where).is_relative_to(tmp_path)
    run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    assert {path.stem for path in (tmp_path / "tests/mutants").glob("*.py")} == kept


def is_type_checking(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def leave_out_imports(path: Path, stems: set[str]) -> None:
    """Rewrite a package without its imports of these modules and what came with them."""
    tree = ast.parse(path.read_text())
    gone = set(stems)
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and is_type_checking(node)]
    for node in block.body:
        module = (node.module or "").removeprefix("tinytorch.").partition(".")[0]
        if module in stems:
            gone |= {alias.asname or alias.name for alias in node.names}
        node.names = [alias for alias in node.names if (alias.asname or alias.name) not in gone]
    block.body = [node for node in block.body if node.names]
    for node in ast.walk(tree):
        if isinstance(node, ast.List | ast.Tuple):  # __all__ and the order of the modules
            node.elts = [e for e in node.elts if getattr(e, "value", None) not in gone]
    path.write_text(ast.unparse(tree))


# Packaging


def test_the_library_installs_with_numpy_alone(tmp_path):
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path)
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    site = Path(run(python, "-c", "import site; print(site.getsitepackages()[0])"))
    for folder in {
        file.parts[0] for file in metadata.files("numpy") or () if file.parts[0] != ".."
    }:
        (site / folder).symlink_to(metadata.distribution("numpy").locate_file(folder))
    (wheel,) = tmp_path.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", python]
    run(*pip, "install", "--no-index", wheel)
    run(*pip, "check")
    run(python, "-c", "import tinytorch.course, tinytorch.datasets", cwd=tmp_path)
    for kind in ("package", "modules", "mutants"):
        assert list((site / "tinytorch/course/tests" / kind).glob("*.py"))
    known = "from tinytorch.course import checks; print(checks.changed_files(), checks.DIGESTS)"
    digests = site / "tinytorch/course/checks.sha256"
    assert run(python, "-c", known, cwd=tmp_path) == f"[] {digests}"


def test_a_first_tensor_costs_little_more_than_importing_numpy():
    timed = "import time; t = time.process_time(); {}; print(time.process_time() - t)"
    first_tensor = "import tinytorch; tinytorch.tensor([1.0])"
    used = {"numpy": "import numpy", "tinytorch": first_tensor}
    seconds: dict[str, list[float]] = {name: [] for name in used}
    for _ in range(9):
        for name, measured in seconds.items():
            measured.append(float(run(sys.executable, "-c", timed.format(used[name]))))
    ratio = statistics.median(seconds["tinytorch"]) / statistics.median(seconds["numpy"])
    assert ratio < 1.5


def pins(path: Path) -> dict[str, set[str]]:
    """Return the versions that a lock pins, by normalized name."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", path.read_text(), re.MULTILINE):
        found.setdefault(normalized(name), set()).add(version)
    return found


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def asked_for(path: Path) -> set[str]:
    """Return what a lock says that pyproject.toml itself asks for."""
    entry = (
        r"^([\w.-]+)==.*(?:\n    --hash.*)*\n    # via(?:\n    #   .*)*(?: |\n    #   )tinytorch "
    )
    return {normalized(name) for name in re.findall(entry, path.read_text(), re.MULTILINE)}


@pytest.mark.parametrize(
    ("lock", "extras"),
    [("requirements.lock", ["learn", "book", "dev"]), ("binder/requirements.txt", ["binder"])],
)
def test_the_locks_hold_what_the_project_asks_for(lock, extras):
    wanted = [*PROJECT["dependencies"]]
    wanted += [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    requirements = {normalized(r.name): r for r in map(Requirement, wanted)}
    locked = pins(ROOT / lock)
    assert asked_for(ROOT / lock) == set(requirements)
    for name, requirement in requirements.items():
        assert all(requirement.specifier.contains(version) for version in locked[name]), name


def test_binder_installs_the_versions_of_the_shared_lock():
    shared, binder = pins(ROOT / "requirements.lock"), pins(ROOT / "binder/requirements.txt")
    assert {name: binder[name] for name in binder if name in shared} == {
        name: shared[name] for name in binder if name in shared
    }


def test_a_lock_pins_every_file_and_names_no_index():
    for name in ("requirements.lock", "binder/requirements.txt", "book/_publish/node.txt"):
        text = (ROOT / name).read_text()
        assert "make lock" in text.splitlines()[1]
        assert "index-url" not in text
        assert "://" not in text
        assert len(re.findall(r"==.*\\\n    --hash=", text)) == len(
            re.findall(r"^\w.*==", text, re.MULTILINE)
        )


def test_the_readme_shows_a_live_chapter_and_the_two_commands():
    readme = (ROOT / "README.md").read_text()
    (picture,) = re.findall(r"!\[.+\]\((.+\.png)\)", readme)
    assert 10_000 < (ROOT / picture).stat().st_size < 300_000
    assert re.findall(r"^make (\w+)", readme, re.MULTILINE) == ["serve", "test"]


# Continuous integration


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_follows_the_official_schema(path):
    spec = find_spec("check_jsonschema")
    vendored = Path(spec.origin).parent / "builtin_schemas/vendor/github-workflows.json"
    workflow = yaml.safe_load(path.read_text().replace("\non:", "\n'on':"))  # YAML 1.1: on is true
    schema = json.loads(vendored.read_text())
    Draft7Validator.check_schema(schema)
    assert [error.message for error in Draft7Validator(schema).iter_errors(workflow)] == []


def test_the_workflows_call_the_commands_of_the_readme():
    assert [path.name for path in WORKFLOWS] == ["publish.yml", "test.yml"]
    assert all(".ci/run" in path.read_text() for path in WORKFLOWS)
    commands = (ROOT / ".ci/run").read_text()
    assert all(command in commands for command in ("make test\n", "make test-peers", "make book"))
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_the_workflows_test_every_python_that_the_package_names():
    tests = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    (matrix,) = [j["strategy"]["matrix"] for j in tests["jobs"].values() if "strategy" in j]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert matrix["python"] == named
