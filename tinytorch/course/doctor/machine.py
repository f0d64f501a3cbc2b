"""Look at the machine: programs that optional parts ask for, disk and memory."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tinytorch.course.doctor import finding
from tinytorch.course.doctor.finding import Finding, State

COMPILERS = ("cc", "gcc", "clang")
LAUNCHERS = ("mpiexec", "mpirun")
LITTLE_DISK, LEAST_DISK = 2 * 2**30, 100 * 2**20  # bytes
LITTLE_MEMORY = 2 * 2**30  # bytes


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
        mend = "xcode-select --install" if sys.platform == "darwin" else system_install("gcc")
        yield Finding("note", "There is no C compiler.", why, mend)
    if launcher:
        yield Finding("ok", f"MPI: {launcher}")
    else:
        why = (
            "No published module needs it. Distributed will run its last step on MPI, if you like."
        )
        yield Finding("note", "There is no MPI.", why, finding.install("mpich", "mpi4py"))


def system_install(name: str) -> str:
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
