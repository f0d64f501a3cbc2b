"""The wheel of a learner's library: what is in it, and that it installs."""

import base64
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from tinytorch.course import catalog, source, wheel, workspace

ROOT = Path(__file__).resolve().parents[2]
MINE = f'{(ROOT / "tinytorch" / "setup.py").read_text()}\n\nWHOSE = "mine"\n'


def opened(data):
    """The wheel as an archive."""
    return zipfile.ZipFile(io.BytesIO(data))


def run(*command, cwd):
    """What the command prints."""
    environment = {**os.environ, "TINYTORCH_WORKSPACE": "off", "PYTHONPATH": ""}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def venv(tmp_path_factory):
    """A virtual environment with NumPy alone; returns how to install into it and run in it."""
    folder = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    site = Path(run(python, "-c", "import site; print(site.getsitepackages()[0])", cwd=folder))
    for name in {f.parts[0] for f in metadata.files("numpy") or () if f.parts[0] != ".."}:
        (site / name).symlink_to(metadata.distribution("numpy").locate_file(name))

    def install_and_run(name, data, code):
        (folder / name).write_bytes(data)
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
        run(*pip, "--no-index", "--no-deps", "--force-reinstall", folder / name, cwd=folder)
        return run(python, "-c", code, cwd=folder)

    return install_and_run


def test_a_wheel_installs_and_the_files_in_it_are_the_learners(venv):
    name, data = wheel.build_wheel({"setup.py": MINE})
    told = venv(
        name,
        data,
        "import os, sys, tinytorch.tensors, tinytorch.setup\n"
        "from importlib import metadata\n"
        "command = os.path.join(os.path.dirname(sys.executable), 'tinytorch')\n"
        "print(tinytorch.setup.WHOSE, metadata.version('tinytorch'), os.path.exists(command))",
    )
    assert told == "mine 0.1.0+mine True"


def test_an_installed_wheel_brings_its_checks_and_packs_again(venv):
    told = venv(
        *wheel.build_wheel({}),
        "from tinytorch.course import catalog, checks, wheel\n"
        "print(all(p.is_file() for p in checks.check_files('tensors').values()))\n"
        "name, data = wheel.build_wheel({})\n"
        "print(name, catalog.load_course().version)",
    )
    assert told.split() == ["True", "tinytorch-0.1.0+mine-py3-none-any.whl", "0.1.0"]


def test_the_same_code_gives_the_same_bytes():
    assert wheel.build_wheel({"setup.py": MINE}) == wheel.build_wheel({"setup.py": MINE})


def test_other_code_gives_other_bytes():
    assert wheel.build_wheel({"setup.py": MINE}) != wheel.build_wheel({})


def test_the_record_lists_every_file_with_its_digest():
    archive = opened(wheel.build_wheel({"setup.py": MINE})[1])
    record = "tinytorch-0.1.0+mine.dist-info/RECORD"
    rows = [line.split(",") for line in archive.read(record).decode().splitlines()]
    assert [row[0] for row in rows] == archive.namelist()
    assert rows.pop() == [record, "", ""]
    for name, digest, size in rows:
        data = archive.read(name)
        hashed = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        assert (digest, size) == (f"sha256={hashed}", str(len(data)))


def test_the_metadata_is_that_of_the_installed_package_under_another_version():
    archive = opened(wheel.build_wheel({})[1])
    text = archive.read("tinytorch-0.1.0+mine.dist-info/METADATA").decode()
    installed = metadata.distribution("tinytorch")
    assert text == installed.read_text("METADATA").replace("Version: 0.1.0", "Version: 0.1.0+mine")
    entry_points = archive.read("tinytorch-0.1.0+mine.dist-info/entry_points.txt").decode()
    assert entry_points.strip() == installed.read_text("entry_points.txt").strip()
    licence = archive.read("tinytorch-0.1.0+mine.dist-info/licenses/LICENSE").decode()
    assert licence == (ROOT / "LICENSE").read_text()


def test_metadata_that_says_little_is_made_up_for(monkeypatch):
    def unknown(name):
        raise metadata.PackageNotFoundError(name)

    told = metadata.distribution("tinytorch").metadata
    monkeypatch.setattr(metadata, "distribution", unknown)
    archive = opened(wheel.build_wheel({})[1])
    lines = archive.read("tinytorch-0.1.0+mine.dist-info/METADATA").decode().splitlines()
    assert "Version: 0.1.0+mine" in lines
    assert f"Requires-Python: {told['Requires-Python']}" in lines
    needed = [line for line in told.get_all("Requires-Dist") if "extra" not in line]
    assert [f"Requires-Dist: {line}" for line in needed] == lines[-1:]


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("0.1.0", "0.1.0+mine"),
        ("0.1.0+mine", "0.1.0+mine"),
        ("0.1.0.dev1+abc", "0.1.0.dev1+abc.mine"),
    ],
)
def test_the_version_gets_a_label_once(version, release):
    assert wheel._release(version) == release


def test_the_course_and_the_package_have_one_version():
    assert catalog.load_course().version == metadata.version("tinytorch")


def test_no_bytecode_and_nothing_hidden_is_packed():
    names = opened(wheel.build_wheel({})[1]).namelist()
    assert [name for name in names if name.endswith(".pyc") or "/." in name] == []
    assert len(names) == len(set(names))


# A workspace, packed.


@pytest.fixture
def learner(tmp_path):
    """A workspace with the module setup blank in it."""
    folder = workspace.create(tmp_path / "learner")
    folder.start("setup")
    return folder


def write_own(learner, step_id, body):
    """Write the learner's own function over the step's."""
    place = source.locate(catalog.load_course().step(step_id))
    path = learner.code / place.path
    path.write_text(source.replace_function(path.read_text(), place.qualname, body))


FORMAT_BYTES = 'def format_bytes(count):\n    return f"{count} of my bytes"\n'


def test_a_workspace_installs_with_the_reference_where_nothing_is_built(venv, learner):
    write_own(learner, "setup.format_bytes", FORMAT_BYTES)
    told = venv(
        *wheel.workspace_wheel(learner),
        "import tinytorch as tt\n"
        "print(tt.format_bytes(3), tt.satisfies('3.12', '>=3.11'), tt.tensor([1, 2]).sum())",
    )
    assert told == "3 of my bytes True tensor(3)"


def test_only_the_steps_that_passed_are_packed_when_they_are_named(learner):
    write_own(learner, "setup.format_bytes", FORMAT_BYTES)
    assert wheel.workspace_wheel(learner, passed=[])[1] == wheel.build_wheel({})[1]
    packed = wheel.workspace_wheel(learner, passed=["setup.format_bytes"])
    assert packed == wheel.workspace_wheel(learner)


def test_the_reference_brings_the_imports_that_the_learner_dropped(venv, learner):
    file = learner.code / "setup.py"
    file.write_text(file.read_text().replace("import re\n", ""))
    told = venv(
        *wheel.workspace_wheel(learner),
        "import tinytorch as tt; print(tt.satisfies('3.12', '>=3.11,<3.14'))",
    )
    assert told == "True"


def test_what_a_learner_adds_to_a_module_is_packed_too(learner):
    file = learner.code / "setup.py"
    file.write_text(file.read_text() + "\n\nMY_CONSTANT = 7\n")
    archive = opened(wheel.workspace_wheel(learner)[1])
    assert "MY_CONSTANT = 7" in archive.read("tinytorch/setup.py").decode()


def test_a_file_that_is_gone_is_packed_as_the_reference(learner):
    learner.start("tensors")
    (learner.code / "tensors" / "memory.py").unlink()
    archive = opened(wheel.workspace_wheel(learner)[1])
    reference = (ROOT / "tinytorch" / "tensors" / "memory.py").read_bytes()
    assert archive.read("tinytorch/tensors/memory.py") == reference


def test_a_file_that_is_no_python_is_refused_with_its_line(learner):
    (learner.code / "setup.py").write_text("x = 1\ndef broken(:\n")
    with pytest.raises(catalog.CourseError, match=r"^setup.py, line 2: .*; mend it before"):
        wheel.workspace_wheel(learner)


def test_a_function_that_is_gone_is_named_with_what_brings_it_back(learner):
    (learner.code / "setup.py").write_text("x = 1\n")
    with pytest.raises(
        catalog.CourseError, match=r"no \w+ any more; .*`tinytorch reset setup\.\w+"
    ):
        wheel.workspace_wheel(learner)
