"""The course as one table: parts, modules and build steps, read from course.toml."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

COURSE_FILE = Path(__file__).with_name("course.toml")


class CourseError(ValueError):
    """The table of the course is wrong, or was asked for something it does not hold."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """An engagement pattern: Build, Use, then this."""

    name: str
    focus: str
    indicators: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A group of modules on the way from tensors to production."""

    name: str
    summary: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to build: an exercise cell, its checks and its hints."""

    stem: str
    name: str
    title: str
    task: str
    target: str
    hints: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The name learners use: `tensors.contiguous_strides`."""
        return f"{self.stem}.{self.name}"

    @property
    def anchor(self) -> str:
        """The label of the step's heading in its chapter."""
        return self.id.replace(".", "-").replace("_", "-").strip("-").lower()


@dataclass(frozen=True, kw_only=True)
class Module:
    """One chapter, one source file, one pair of test files, one stem."""

    stem: str
    number: str
    title: str
    part: str
    pattern: str
    insight: str
    rationale: str
    activities: tuple[str, ...]
    objectives: tuple[str, ...]
    minutes: int
    requires: tuple[str, ...]
    unlocks: str
    frameworks: Mapping[str, tuple[str, ...]]
    published: bool
    steps: tuple[Step, ...] = ()

    @property
    def chapter(self) -> str:
        """The chapter's file name without its suffix: `01_tensors`."""
        return f"{self.number}_{self.stem}" if self.number else self.stem

    @property
    def page(self) -> str:
        """The chapter's page below the book's address: `modules/01_tensors`."""
        return f"modules/{self.chapter}"


@dataclass(frozen=True, kw_only=True)
class Course:
    """The whole table, in reading order."""

    title: str
    subtitle: str
    version: str
    repository: str
    patterns: tuple[Pattern, ...]
    parts: tuple[Part, ...]
    modules: tuple[Module, ...]

    @property
    def published(self) -> tuple[Module, ...]:
        """The modules that have a chapter."""
        return tuple(module for module in self.modules if module.published)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of every module, in reading order."""
        return tuple(step for module in self.modules for step in module.steps)

    @property
    def site(self) -> str:
        """The address of the published book, with a slash at the end."""
        return site_of(self.repository)

    def address(self, module: Module, anchor: str = "") -> str:
        """Return the address of the module's chapter, or of a heading in it."""
        return f"{self.site}{module.page}.html{f'#{anchor}' if anchor else ''}"

    def prerequisites(self, stem: str) -> tuple[Module, ...]:
        """Return every published module that this one stands on, in reading order."""
        needed: set[str] = set()
        waiting = [stem]
        while waiting:
            required = self.module(waiting.pop()).requires
            waiting += [name for name in required if name not in needed]
            needed.update(required)
        return tuple(module for module in self.published if module.stem in needed)

    def module(self, stem: str) -> Module:
        """Return the module with this stem."""
        return _find(stem, {module.stem: module for module in self.modules}, "module")

    def step(self, step_id: str) -> Step:
        """Return the step with this id."""
        return _find(step_id, {step.id: step for step in self.steps}, "step")

    def named(self, name: str) -> Module | Step:
        """Return the module or the step with this name; `apply` will do for `tensors.apply`."""
        short = [step for step in self.steps if step.name == name]
        if len(short) == 1 and name not in {module.stem for module in self.modules}:
            return short[0]
        everything: dict[str, Module | Step] = {module.stem: module for module in self.modules}
        everything |= {step.id: step for step in self.steps}
        return _find(name, everything, "module or step")

    def pattern(self, name: str) -> Pattern:
        """Return the engagement pattern with this name."""
        return _find(name, {pattern.name: pattern for pattern in self.patterns}, "pattern")


def site_of(repository: str) -> str:
    """Return where the pages of a GitHub repository are published."""
    owner, name = repository.rstrip("/").split("/")[-2:]
    return f"https://{owner}.github.io/{name}/"


def _find(name: str, found: Mapping[str, T], noun: str) -> T:
    if name in found:
        return found[name]
    close = difflib.get_close_matches(str(name), found, n=1)
    way_out = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(found)}"
    raise CourseError(f"no {noun} is called {name!r}; {way_out}")


@functools.cache
def load_course() -> Course:
    """Return the course, read once."""
    return read_course(COURSE_FILE)


def read_course(path: Path) -> Course:
    """Read and validate the table of a course."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"{path.name} is not valid TOML: {error}") from error
    course = _course(table)
    _validate(course)
    return course


def _course(table: Mapping[str, Any]) -> Course:
    known = {"course", "pattern", "part", "module"}
    if unknown := sorted(set(table) - known):
        raise CourseError(f"unknown table [{unknown[0]}]; known are: {', '.join(sorted(known))}")
    return _record(
        Course,
        {
            **table.get("course", {}),
            "patterns": [_record(Pattern, row, "pattern") for row in table.get("pattern", ())],
            "parts": [_record(Part, row, "part") for row in table.get("part", ())],
            "modules": [_module(row) for row in table.get("module", ())],
        },
        "course",
    )


def _module(row: Mapping[str, Any]) -> Module:
    stem = row.get("stem", "")
    steps = [_step(stem, step) for step in row.get("step", ())]
    fields = {key: value for key, value in row.items() if key != "step"}
    return _record(Module, {**fields, "steps": steps}, f"module {stem!r}")


def _step(stem: str, row: Mapping[str, Any]) -> Step:
    name = row.get("name", "")
    target = row.get("target", f"{stem}.{name}")
    return _record(Step, {**row, "stem": stem, "target": target}, f"step '{stem}.{name}'")


def _record(kind: type[T], row: Mapping[str, Any], where: str) -> T:
    """Build the dataclass from a row, naming what is missing, unknown or mistyped."""
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    required = [name for name, field in fields.items() if field.default is dataclasses.MISSING]
    if missing := [name for name in required if name not in row]:
        raise CourseError(f"{where}: {missing[0]!r} is missing")
    if unknown := [name for name in row if name not in fields]:
        raise CourseError(f"{where}: unknown key {unknown[0]!r}; known are: {', '.join(fields)}")
    for name, value in row.items():
        expected = _PYTHON_TYPES[str(fields[name].type).partition("[")[0]]
        if type(value) not in expected:
            raise CourseError(
                f"{where}: {name} must be a {expected[0].__name__}, got {type(value).__name__}"
            )
    return kind(**{name: _frozen(value) for name, value in row.items()})


_PYTHON_TYPES = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "tuple": (list, tuple),
    "Mapping": (dict,),
}


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return value


def _validate(course: Course) -> None:
    _unique((module.stem for module in course.modules), "module")
    _unique((step.id for step in course.steps), "step")
    parts = {part.name for part in course.parts}
    earlier: set[str] = set()
    for module in course.modules:
        where = f"module {module.stem!r}"
        if module.part not in parts:
            raise CourseError(f"{where}: there is no part {module.part!r}")
        course.pattern(module.pattern)
        if late := [stem for stem in module.requires if stem not in earlier]:
            raise CourseError(f"{where}: requires {late[0]!r}, which does not come before it")
        if module.published and not module.steps:
            raise CourseError(f"{where}: is published but has no steps")
        for step in module.steps:
            _validate_step(step)
        earlier.add(module.stem)


def _validate_step(step: Step) -> None:
    where = f"step {step.id!r}"
    if not step.name.isidentifier():
        raise CourseError(f"{where}: its name must be a Python name")
    if not step.target.startswith(f"{step.stem}."):
        raise CourseError(f"{where}: its target must lie in its module, got {step.target!r}")
    if not step.title.strip() or not step.task.strip():
        raise CourseError(f"{where}: title and task must say something")


def _unique(names: Iterable[str], noun: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise CourseError(f"two {noun}s are called {name!r}")
        seen.add(name)
