"""The workspace: a folder that a learner owns, laid over the library."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinytorch.course import catalog, cells, files, source, syntax
from tinytorch.course.catalog import CourseError, Step

FORMAT = "tinytorch-workspace-1"
VARIABLE = "TINYTORCH_WORKSPACE"
MARKER = Path(".tinytorch") / "workspace.json"

README = """\
# My TinyTorch

This folder is yours. In `tinytorch/` is the library that you are building, piece by piece: write
the functions that still raise `NotImplementedError`, in any editor you like. What you run in this
folder uses your code, and the course's own for what you have not built yet.

    tinytorch check --watch    check what you save, while you write
    tinytorch hint             give one more hint for the step you are at
    tinytorch progress         show the whole course at a glance
    tinytorch next             start the next module
    tinytorch reset STEP       begin a step anew; your version is kept
    tinytorch report           write your portfolio: code, journal, measurements
    tinytorch doctor           find out what is wrong when nothing works

What a command replaces is kept in `.tinytorch/backups/`, and nothing leaves this machine. Take your
time, break things, and enjoy what you build.
"""


@dataclass(frozen=True)
class Workspace:
    """A folder with the learner's modules, and what the course remembers beside them."""

    root: Path

    @property
    def code(self) -> Path:
        """The folder of the learner's modules."""
        return self.root / "tinytorch"

    @property
    def home(self) -> Path:
        """The folder of what the course remembers."""
        return self.root / ".tinytorch"

    @property
    def work(self) -> Path:
        """The file of answers, scores and the pages' edits."""
        return self.home / "work.json"

    @property
    def started(self) -> tuple[str, ...]:
        """The stems of the modules that were started, in the order of the course."""
        noted = self._marker().get("started")
        stems = set(noted) if isinstance(noted, dict) else set()
        return tuple(
            module.stem
            for module in catalog.load_course().published
            if module.stem in stems or self._is_there(module.stem)
        )

    def _is_there(self, stem: str) -> bool:
        return (self.code / f"{stem}.py").is_file() or (self.code / stem).is_dir()

    def _marker(self) -> dict[str, Any]:
        try:
            found = json.loads((self.root / MARKER).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def files(self, stem: str) -> dict[str, str]:
        """Return the learner's files of a module: paths below tinytorch/, and texts."""
        given = set(source.package_files(stem))
        added = (path for path in (self.code / stem).rglob("*.py") if path.is_file())
        given |= {relative for path in added if not _is_hidden(relative := self._below(path))}
        paths = [relative for relative in sorted(given) if (self.code / relative).is_file()]
        with files.one_sentence(self.code):
            return {relative: files.read_text(self.code / relative) for relative in paths}

    def _below(self, path: Path) -> str:
        return path.relative_to(self.code).as_posix()

    def missing(self, stem: str) -> list[str]:
        """Return the files of a module that the learner does not have."""
        return [path for path in source.package_files(stem) if not (self.code / path).is_file()]

    def start(self, stem: str) -> tuple[Path, ...]:
        """Write the blanked module where there is none yet, and return what was written."""
        _refuse_a_package(self.root)
        module = catalog.load_course().module(stem)
        if not module.published:
            known = ", ".join(one.stem for one in catalog.load_course().published)
            raise CourseError(f"module {stem!r} is not published yet; there are: {known}")
        blank = source.blanked_files(stem, module.steps)
        with files.one_sentence(self.root):
            written = [
                self.code / path
                for path, text in blank.items()
                if files.write_new(self.code / path, text)
            ]
            self._note_start(stem)
        return tuple(written)

    def _note_start(self, stem: str) -> None:
        marker = self._marker()
        if not marker and (self.root / MARKER).exists():
            files.set_aside(self.root / MARKER, "damaged")
        noted = marker.get("started")
        started = noted if isinstance(noted, dict) else {}
        if stem not in started:
            text = _marker({**started, stem: files.now()})
            files.write_atomically(self.root / MARKER, text)

    def reset_step(self, step: Step) -> Path:
        """Blank the step's function again, and return the folder of what was there."""
        from tinytorch.course import work

        place = source.locate(step)
        blank = source.blanked_files(step.stem, [step])[place.path]
        text = self.files(step.stem).get(place.path)
        anew = blank if text is None else _with_function(text, blank, step)
        backup = self.back_up([self.code / place.path, self.work], f"reset-{step.id}")
        self.write({place.path: anew})
        work.forget(self, [step])
        return backup

    def reset_module(self, stem: str) -> Path:
        """Write the blanked module anew, and return the folder of what was there."""
        from tinytorch.course import work

        module = catalog.load_course().module(stem)
        blank = source.blanked_files(stem, module.steps)
        backup = self.back_up([*(self.code / path for path in blank), self.work], f"reset-{stem}")
        self.write(blank)
        work.forget(self, module.steps)
        return backup

    def put_cell(self, step: Step, cell: str) -> Path | None:
        """Put the function of a page's cell into its file; return the folder of what was there."""
        before = self.filled(step.stem)
        after = cells.with_cell(before, step, cell)
        changed = {path: text for path, text in after.items() if text != before[path]}
        if not changed:
            return None
        backup = self.back_up([self.code / path for path in changed], f"page-{step.id}")
        self.write(changed)
        return backup

    def filled(self, stem: str) -> dict[str, str]:
        """Return the learner's files of a module, with blanks for those that are missing."""
        blank = source.blanked_files(stem, catalog.load_course().module(stem).steps)
        return blank | self.files(stem)

    def back_up(self, paths: Iterable[Path], why: str) -> Path:
        """Copy files of the workspace into a new folder of backups, and return it."""
        folder = self.new_backup(why)
        self.copy(paths, folder)
        return folder

    def new_backup(self, why: str) -> Path:
        """Make a folder for what is about to be replaced."""
        name = f"{files.moment()}-{re.sub(r'[^A-Za-z0-9._-]+', '-', why)}"
        with files.one_sentence(self.home):
            folder = files.unused(self.home / "backups" / name)
            folder.mkdir(parents=True)
        return folder

    def copy(self, paths: Iterable[Path], folder: Path) -> None:
        """Copy those of the files that are there, each under its path in the workspace."""
        with files.one_sentence(folder):
            for path in paths:
                kept = folder / path.relative_to(self.root)
                if path.is_file() and not kept.exists():
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(path, kept)

    def write(self, texts: Mapping[str, str]) -> None:
        """Replace files of the learner's, each of which keeps its way to end a line."""
        for relative, text in texts.items():
            path = self.code / relative
            with files.one_sentence(self.code):
                has_carriage_returns = path.is_file() and b"\r\n" in path.read_bytes()
                whole = text.replace("\n", "\r\n") if has_carriage_returns else text
                files.write_atomically(path, whole)


def _is_hidden(relative: str) -> bool:
    return any(part.startswith((".", "__pycache__")) for part in relative.split("/"))


def _with_function(text: str, blank: str, step: Step) -> str:
    """Return the learner's text with the step's function as it is given."""
    place = source.locate(step)
    try:
        syntax.require_python(text, f"tinytorch/{place.path}")
        return source.put_function(text, place, source.function_text(blank, place.qualname) or "")
    except ValueError as error:
        raise CourseError(
            f"{error}, so no single function of it can be put back; mend it, or begin the whole "
            f"module anew with `tinytorch reset {step.stem}`, which keeps a copy"
        ) from None


def find(start: Path | None = None) -> Workspace | None:
    """Return the workspace that this folder is in, or the one that TINYTORCH_WORKSPACE names."""
    named = os.environ.get(VARIABLE)
    if named == "off":
        return None
    try:
        folder = (start or Path.cwd()).absolute()
    except OSError:  # the current folder was deleted
        return None
    candidates = [_absolute(Path(named))] if named else [folder, *folder.parents]
    return next((Workspace(root) for root in candidates if is_workspace(root)), None)


def is_workspace(root: Path) -> bool:
    """Return whether the folder holds the marker of a workspace."""
    try:
        return (root / MARKER).is_file()
    except OSError:  # a folder that may not be looked into
        return False


def _absolute(folder: Path) -> Path:
    try:
        return folder.expanduser().absolute()
    except RuntimeError:
        raise CourseError(f"there is no home folder {folder.parts[0]}; write it out") from None


def require() -> Workspace:
    """Return the workspace of the current folder. Raise CourseError where there is none."""
    workspace = find()
    if workspace is None:
        named = os.environ.get(VARIABLE)
        where = f"in {named}, which {VARIABLE} names" if named else "in this folder or above it"
        raise CourseError(f"there is no workspace {where}; make one with: tinytorch start setup")
    return workspace


def create(folder: Path) -> Workspace:
    """Make the folder a workspace, unless it is one, and return it."""
    root = _absolute(folder)
    with files.one_sentence(root):
        _refuse_a_package(root)
        if not is_workspace(root):
            (root / "tinytorch").mkdir(parents=True, exist_ok=True)
            files.write_new(root / "README.md", README)
            files.write_new(root / MARKER, _marker({}))
    return Workspace(root)


def _refuse_a_package(root: Path) -> None:
    if (root / "tinytorch" / "__init__.py").exists():
        raise CourseError(
            f"{root} holds the tinytorch package itself, so it cannot be your workspace; "
            "choose another folder, for instance: tinytorch start --in ~/my-tinytorch"
        )


def _marker(started: dict[str, str]) -> str:
    version = catalog.load_course().version
    return json.dumps({"format": FORMAT, "version": version, "started": started}, indent=1) + "\n"
