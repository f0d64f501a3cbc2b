"""A learner's work beside the code: answers, scores, what passed, and edits of the book's pages.

One format for the page and the machine, that of book/_static/js/store.js: by page, texts by name.
"""

from __future__ import annotations

import functools
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinytorch.course import catalog, cells, files, source, syntax, workspace
from tinytorch.course.catalog import CourseError, Step
from tinytorch.course.workspace import Workspace

FORMAT = "tinytorch-work-1"
VARIABLE = "TINYTORCH_HOME"
SECTIONS = ("edits", "answers", "passed", "code", "scores")
RECORDS = ("answers", "scores")  # the sections whose entries have parts
LARGEST_FILE = 2_000_000
LONGEST_TEXT = 100_000
UNSAFE = {"__proto__", "constructor", "prototype"}

Page = dict[str, dict[str, Any]]
"""The work on one page: every section, empty or not."""


@dataclass
class Work:
    """What is kept, by page."""

    pages: dict[str, Page] = field(default_factory=dict)

    def page(self, name: str) -> Page:
        """Return the work on a page, to change it."""
        return self.pages.setdefault(name, {section: {} for section in SECTIONS})

    @property
    def text(self) -> str:
        """The work as it stands in a file. Raises CourseError for what no page would take."""
        pages = {name: _without_empty(page) for name, page in self.pages.items() if any_of(page)}
        _require_pages(pages)
        record = {"format": FORMAT, "saved": files.now(), "pages": pages}
        text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        if len(text.encode("utf-8", "backslashreplace")) > LARGEST_FILE:
            raise CourseError("your work would fill more than the 2 MB that a page takes")
        return text


def any_of(page: Page) -> bool:
    """Return whether anything is kept of a page."""
    return any(page.values())


def _without_empty(page: Page) -> Page:
    return {section: entries for section, entries in page.items() if entries}


def work_file() -> Path:
    """Return where work is kept: in the workspace, else in TINYTORCH_HOME or ~/.tinytorch."""
    here = workspace.find()
    return here.work if here else home() / "work.json"


def home() -> Path:
    """Return the folder of a learner without a workspace."""
    folder = os.environ.get(VARIABLE)
    try:
        return Path(folder) if folder else Path.home() / ".tinytorch"
    except RuntimeError:
        raise CourseError("this machine names no home folder for you") from None


def read(path: Path) -> Work:
    """Return the work in a file. Raises CourseError for a file that is not ours."""
    with files.one_sentence(path):
        data = path.read_bytes()
    if len(data) > LARGEST_FILE:
        raise CourseError(f"{path} is larger than 2 MB, so it is not one of ours")
    try:
        found = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        found = None
    pages = found.get("pages") if isinstance(found, dict) else None
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(pages, dict):
        raise CourseError(f'{path} is not saved TinyTorch work: its format is not "{FORMAT}"')
    try:
        _require_pages(pages)
    except CourseError as error:
        raise CourseError(f"{path} cannot be used: {error}") from None
    work = Work()
    for name, sections in pages.items():
        work.page(name).update(sections)
    return work


def load(path: Path) -> Work:
    """Return the work in a file of our own; set a damaged one aside and say so."""
    work = Work()
    if path.exists():
        try:
            work = read(path)
        except CourseError as error:
            with files.one_sentence(path):
                path.read_bytes()  # what cannot be read at all is not damaged
                aside = files.set_aside(path, "damaged")
            print(f"{error}. It is kept as {aside}; a new one begins.", file=sys.stderr)
    _adopt_journal(work, path)
    return work


def save(work: Work, path: Path) -> None:
    """Write the work, whole or not at all, for the learner alone to read."""
    text = work.text
    with files.one_sentence(path):
        files.write_atomically(path, text, mode=files.PRIVATE)


def merged(older: Work, newer: Work) -> Work:
    """Return the work of both; where both have an entry, the newer's or the better."""
    both = Work()
    for work in (older, newer):
        for name, page in work.pages.items():
            for section, entries in page.items():
                kept = both.page(name)[section]
                for key, entry in entries.items():
                    kept[key] = _chosen(section, kept.get(key), entry)
    return both


def _chosen(section: str, older: Any, newer: Any) -> Any:
    if older is None or section not in RECORDS:
        return newer
    if section == "scores":
        return max(older, newer, key=ratio_of)
    return max(newer, older, key=lambda answer: answer.get("at", "")[:19])


def ratio_of(score: Mapping[str, str]) -> float:
    """Return how many times faster than the baseline; 0 for what is no number."""
    try:
        return float(score.get("ratio", ""))
    except ValueError:
        return 0.0


def _adopt_journal(work: Work, path: Path) -> None:
    """Take over, once, the file in which answers were kept before there was this one."""
    former = home() / "journal.json"
    if not former.is_file():
        return
    try:
        answers = dict(_former_answers(json.loads(former.read_text("utf-8"))))
    except (OSError, ValueError, AttributeError):
        answers = {}
    for question, answer in answers.items():
        work.page(page_of(question))["answers"].setdefault(question, answer)
    try:
        save(work, path)
        files.set_aside(former, "moved" if answers else "unreadable")
    except (OSError, CourseError):
        return  # a folder that cannot be written: it stays where it is, for the next time


def _former_answers(entries: Any) -> Iterator[tuple[str, dict[str, str]]]:
    new = {"answer": "text", "rating": "rating", "question": "asked", "answered": "at"}
    for question, entry in entries.items():
        answer = {new[part]: text for part, text in entry.items() if part in new}
        try:
            _require_entry("answers", question, answer)
        except CourseError:
            continue  # it stays in the file that is set aside
        yield question, answer


def page_of(question_id: str) -> str:
    """Return the page of the chapter that asks the question, or "journal"."""
    stem = question_id.partition(".")[0]
    modules = {module.stem: module for module in catalog.load_course().modules}
    return modules[stem].page if stem in modules else "journal"


def _require_pages(pages: Mapping[str, Any]) -> None:
    """Raise CourseError where something is not what a page writes."""
    for name, page in pages.items():
        _require_name(name)
        if not isinstance(page, dict):
            raise CourseError(f"the work saved for {name} is not a record")
        for section, entries in page.items():
            if section not in SECTIONS or not isinstance(entries, dict):
                raise CourseError(
                    f"the work saved for {name} has a part that does not belong: {section[:40]!r}"
                )
            for key, entry in entries.items():
                _require_entry(section, key, entry)


def _require_entry(section: str, key: str, entry: Any) -> None:
    _require_name(key)
    if section in RECORDS and not isinstance(entry, dict):
        raise CourseError(f"the entry {key} of the {section} is not a record")
    for name, text in entry.items() if section in RECORDS else [(key, entry)]:
        _require_name(name)
        if not isinstance(text, str) or _length(text) > LONGEST_TEXT:
            raise CourseError(f"the entry {key} is not a text of at most {LONGEST_TEXT} characters")


def _require_name(name: str) -> None:
    if name in UNSAFE or not re.fullmatch(r"[\w./:-]{1,200}", name, re.ASCII):
        raise CourseError(f"it holds a name that no page uses: {name[:40]!r}")


def _length(text: str) -> int:
    """Return how long a browser finds the text: in units of UTF-16."""
    return len(text) + sum(character > "\uffff" for character in text)


# Between the page and the machine


def import_work(here: Workspace, brought: Work) -> list[str]:
    """Put the work of a page into the workspace; return what was placed and what could not be.

    Code that passed takes its step's place, and what it replaces is kept. Code that did not pass
    fills only what is blank.
    """
    kept = load(here.work)
    arrival = _Arrival(here, brought)
    for module in catalog.load_course().published:
        for step in module.steps:
            arrival.place(step)
        arrival.say_what_was_placed(module.title)
    both = merged(kept, brought)
    if kept.pages not in ({}, both.pages):
        here.copy([here.work], arrival.folder)
    save(both, here.work)
    return arrival.said


@dataclass
class _Arrival:
    """What happens to the steps of a file on their way into a workspace."""

    here: Workspace
    brought: Work
    said: list[str] = field(default_factory=list)
    placed: list[str] = field(default_factory=list)

    @functools.cached_property
    def folder(self) -> Path:
        """The folder of backups, made when something has to be kept."""
        return self.here.new_backup("import")

    def place(self, step: Step) -> None:
        """Put the step's cells into the files: first what passed, then what was written since."""
        pages = [self.brought.pages.get(page_of(step.id), {}), *self.brought.pages.values()]
        page = next((one for one in pages if any(_cells_of(one, step))), {})
        passed, edit = _cells_of(page, step)
        if passed is None and edit is None:
            return
        if step.stem not in self.here.started:
            self.here.start(step.stem)
        around = _other_cells(page, step)
        if passed is not None:
            self._put(step, passed, around, has_passed=True)
        if edit is not None and edit != passed:
            self._put(step, edit, around, has_passed=False)

    def _put(self, step: Step, cell: str, around: Sequence[str], *, has_passed: bool) -> None:
        try:
            before = self.here.filled(step.stem)
            after = cells.with_cell(before, step, cell, around=around)
        except ValueError as error:
            self._keep(step, cell, f"could not be placed: {error}")
            return
        if after == before or not _is_built(step, after):
            return
        if _is_built(step, before):
            if not has_passed:
                self._keep(step, cell, "has not passed and differs from what your file has")
                return
            self.here.copy([self.here.code / source.locate(step).path], self.folder)
            self.said.append(f"{step.id}: what your file had is kept in {self._near(self.folder)}.")
        self.here.write({path: text for path, text in after.items() if text != before.get(path)})
        self.placed.append(step.id)

    def _keep(self, step: Step, cell: str, why: str) -> None:
        path = files.unused(self.folder / "page" / f"{step.id}.py")
        with files.one_sentence(path):
            files.write_atomically(path, cell)
        self.said.append(f"{step.id} of the page {why}. Its text is kept in {self._near(path)}.")

    def _near(self, path: Path) -> str:
        return path.relative_to(self.here.root).as_posix()

    def say_what_was_placed(self, title: str) -> None:
        """Add a sentence on the steps of one module."""
        if self.placed:
            self.said.append(f"{title}: placed {', '.join(self.placed)}.")
        self.placed = []


def _cells_of(page: Page, step: Step) -> tuple[str | None, str | None]:
    """Return the cell that passed last, and the cell as it stands on the page."""
    edit = page.get("edits", {}).get(f"step:{step.id}")
    passed = page.get("code", {}).get(step.id)
    if passed is None and step.id in page.get("passed", {}):
        passed = edit
    return passed, edit


def _other_cells(page: Page, step: Step) -> list[str]:
    """Return the learner's other cells on the page, from which names may come."""
    texts = {**page.get("code", {}), **page.get("edits", {})}
    return [text for key, text in texts.items() if key not in (step.id, f"step:{step.id}")]


def _is_built(step: Step, texts: Mapping[str, str]) -> bool:
    place = source.locate(step)
    function = source.find_function(texts.get(place.path, ""), place.qualname)
    return function is not None and not source.is_blank(function)


def export_work(here: Workspace) -> Work:
    """Return the work of the workspace as a page brings it in: what is kept, and the code.

    What has changed since it was checked is checked first, so that it says truly what passed.
    Raises CourseError where a file is no Python.
    """
    from tinytorch.course import progress

    code = {stem: here.files(stem) for stem in here.started}
    for texts in code.values():
        for path, text in texts.items():
            _require_python(text, path)
    work, found = load(here.work), progress.refresh(here)
    for stem, texts in code.items():
        for step in catalog.load_course().module(stem).steps:
            cell = _exported(step, texts, work) if _is_built(step, texts) else ""
            _note(work.page(page_of(step.id)), step, cell, found.state(step) == "passed")
    return work


def _require_python(text: str, path: str) -> None:
    try:
        syntax.require_python(text, f"tinytorch/{path}")
    except CourseError as error:
        raise CourseError(f"{error}; mend it, then export again") from None


def _exported(step: Step, texts: Mapping[str, str], work: Work) -> str:
    """Return the page's own cell while it says what the file says, else one made of the file."""
    page = work.page(page_of(step.id))
    around = _other_cells(page, step)
    for kept in reversed(_cells_of(page, step)):
        try:
            if kept is not None and cells.with_cell(texts, step, kept, around=around) == texts:
                return kept
        except ValueError:
            continue
    return cells.cell(step, texts)


def _note(page: Page, step: Step, cell: str, has_passed: bool) -> None:
    if cell:
        page["edits"][f"step:{step.id}"] = cell
    if cell and has_passed:
        page["code"][step.id] = cell
        page["passed"].setdefault(step.id, files.now())
    else:
        page["code"].pop(step.id, None)
        page["passed"].pop(step.id, None)


def forget(here: Workspace, steps: Sequence[Step]) -> None:
    """Forget the pages' cells of steps that begin anew."""
    if not here.work.exists():
        return
    work = load(here.work)
    for step in steps:
        page = work.page(page_of(step.id))
        page["edits"].pop(f"step:{step.id}", None)
        _note(page, step, "", has_passed=False)
    save(work, here.work)
