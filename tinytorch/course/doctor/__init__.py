"""Find what breaks an installation, each with the command that mends it.

Everything is read from metadata, the environment and the file system. Nothing heavy is imported,
so the doctor answers at once, and also where NumPy or pytest is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tinytorch.course.doctor import checkout, environment, kept, machine, packages
from tinytorch.course.doctor.finding import Finding, State

if TYPE_CHECKING:
    from tinytorch.course.workspace import Workspace

__all__ = ["Finding", "State", "findings"]


def findings(workspace: Workspace | None) -> list[Finding]:
    """Return everything that was found, in the order in which to mend it."""
    looks: dict[str, Callable[[], Iterable[Finding]]] = {
        "Python": packages.python,
        "the installed packages": packages.packages,
        "the environment": environment.environment,
        "other copies of tinytorch": environment.installations,
        "files that hide a package": lambda: environment.shadows(_folders(workspace)),
        "the checks": kept.check_files,
        "the workspace": lambda: kept.workspace_files(workspace),
        "proxy settings": environment.proxy,
        "the ports": checkout.ports,
        "the built book": checkout.built_book,
        "the tools of a checkout": checkout.tools,
        "optional tools": machine.optional_tools,
        "disk and memory": lambda: machine.room(_folders(workspace)[0]),
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
