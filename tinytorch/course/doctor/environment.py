"""Look whose Python and whose tinytorch a shell starts, and what stands in their way."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from tinytorch.course.doctor import finding
from tinytorch.course.doctor.finding import Finding

LOOPBACK = ("localhost", "127.0.0.1")
GUARDED = {"numpy", "pytest", "tinytorch"}  # what no file in a folder may hide
VIRTUAL = "python3 -m venv .venv && . .venv/bin/activate"


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
        yield Finding("ok", f"tinytorch: {finding.PACKAGE}")
        return
    variable = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    is_named = any(path and Path(path).resolve() in several for path in variable)
    uninstall = f"{shlex.quote(sys.executable)} -m pip uninstall tinytorch"
    why = f"{' and '.join(map(str, several))}; what runs is {finding.PACKAGE}."
    mend = "unset PYTHONPATH" if is_named else uninstall
    yield Finding("broken", "There are two tinytorch, and one hides the other.", why, mend)


def shadows(folders: Iterable[Path]) -> Iterator[Finding]:
    """Look for files that Python would import in the place of a package."""
    guarded = (GUARDED | sys.stdlib_module_names) - set(sys.builtin_module_names)
    for folder in folders:
        files = [path for path in folder.glob("*.py") if path.stem in guarded]
        packages = [path for path in folder.glob("*/__init__.py") if path.parent.name in guarded]
        for path in sorted([*files, *packages]):
            if path.resolve() != finding.PACKAGE / "__init__.py":
                yield _shadow(path)


def _shadow(path: Path) -> Finding:
    is_package = path.name == "__init__.py"
    hidden = path.parent if is_package else path
    away, name = hidden.with_name(f"my_{hidden.name}"), hidden.stem
    why = f"Code that runs in {hidden.parent} imports it in the place of the real {name}."
    mend = f"mv {shlex.quote(str(hidden))} {shlex.quote(str(away))}"
    if is_package and name == "tinytorch":  # the learner's own modules are in there
        mend = f"mv {shlex.quote(str(path))} {shlex.quote(str(path.with_name('_init.py')))}"
        if (hidden.parent / "pyproject.toml").is_file():  # another checkout of the course
            mend = finding.install("-e", str(hidden.parent))
    return Finding("broken", f"{hidden.name} hides the package {name}.", why, mend)


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
