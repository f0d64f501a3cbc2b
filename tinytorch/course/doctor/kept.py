"""Look at what the learner and the course keep in files."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator

from tinytorch.course import catalog, checks, work
from tinytorch.course.doctor import finding
from tinytorch.course.doctor.finding import Finding
from tinytorch.course.present import count
from tinytorch.course.workspace import VARIABLE, Workspace


def check_files() -> Iterator[Finding]:
    """Look whether the checks are those that the course came with."""
    changed = checks.changed_files()
    if not changed:
        yield Finding("ok", "The checks are as published")
        return
    names = " ".join(shlex.quote(str(path)) for path in changed)
    again = f"{finding.install('--force-reinstall', '--no-deps')} tinytorch"
    mend = (
        f"git -C {shlex.quote(str(finding.CHECKOUT))} checkout -- {names}"
        if finding.is_checkout()
        else again
    )
    why = f"{', '.join(path.name for path in changed)}: a pass would mean nothing."
    yield Finding("broken", "Checks are not as they were published.", why, mend)


def workspace_files(workspace: Workspace | None) -> Iterator[Finding]:
    """Look at the learner's folder: its version, its files, and what the course keeps there."""
    named = os.environ.get(VARIABLE, "")
    if workspace is None and named not in ("", "off"):
        why = f"{VARIABLE} says that your workspace is there."
        yield Finding("broken", f"{named} is no workspace.", why, f"unset {VARIABLE}")
        return
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
    marker = finding.read_json(workspace.home / "workspace.json")
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
    if progress.exists() and finding.read_json(progress) is None:
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
