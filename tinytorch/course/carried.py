"""Carry what a learner built in earlier modules into this session, and pack it as a wheel."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib
import json
import linecache
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from tinytorch.course import catalog, checks, exercise, install, present, source
from tinytorch.course.limits import BoundedText, capturing, time_limit
from tinytorch.course.verdicts import verdict

LONGEST = 300  # characters of a reason


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What became of one cell: whose code its step runs, and why not the learner's."""

    step_id: str
    why_not: str = ""
    receipt: str = ""  # of the answer in use, see `receipt_of`

    @property
    def code(self) -> install.Provenance:
        """Whose code the step runs."""
        return "reference" if self.why_not else "yours"


def carry_over(code: Mapping[str, str], receipts: Mapping[str, str] | None = None) -> None:
    """Check cells that passed before, by step, use each that passes again, and show a table.

    Each cell runs in a namespace of its own. Whatever is in it, the table says whose code its
    step runs from here on, and why not the learner's. A cell that comes with the receipt of an
    earlier time is not checked again.
    """
    present.show(_shown(carried(code, receipts)))


def carried(
    code: Mapping[str, str], receipts: Mapping[str, str] | None = None
) -> tuple[Carried, ...]:
    """Use each cell whose answer passes its checks; return what became of every one."""
    given = receipts or {}
    return tuple(_carry(one, code[one], given.get(one, "")) for one in _in_course_order(code))


def receipt_of(step: catalog.Step, cell: str) -> str:
    """Return what shows that this cell has passed the step's checks, as they and the module are.

    Checks give the same result whenever they run, so that there is no need to run them again.
    """
    files = [path.read_bytes() for path in checks.check_files(step.stem).values()]
    texts = [step.id, cell, *source.package_files(step.stem).values()]
    parts = [*files, *(text.encode() for text in texts)]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def library_wheel(code: Mapping[str, str]) -> None:
    """Show a link that downloads the library with these cells' code in it, as a wheel.

    The session runs on what it ran on before.
    """
    from tinytorch.course import wheel  # here, because few sessions pack one

    with _put_back(code):
        found = carried(code)
    texts: dict[str, str] = {}
    packed = []
    for one in found:
        why_not = one.why_not or _put_into(texts, one.step_id, code[one.step_id])
        packed.append(Carried(step_id=one.step_id, why_not=why_not))
    name, data = wheel.build_wheel(texts)
    present.show(_offered(name, data, tuple(packed)))


# One cell.


def _carry(step_id: str, cell: object, given: str) -> Carried:
    """Use the cell's answer, if it can be."""
    try:
        step = catalog.load_course().step(step_id)
    except catalog.CourseError as error:
        return Carried(step_id=str(step_id), why_not=f"{error}.")
    if not isinstance(cell, str):
        return Carried(step_id=step.id, why_not=f"The cell is no text: {type(cell).__name__}.")
    receipt = receipt_of(step, cell)
    why_not = _why_not(step, cell, has_passed=given == receipt)
    return Carried(step_id=step.id, why_not=why_not, receipt="" if why_not else receipt)


def _why_not(step: catalog.Step, cell: str, *, has_passed: bool) -> str:
    """Use the cell's answer; return why that cannot be, or nothing."""
    answers, problem = _run(step, cell)
    if step.id not in answers:
        return problem or f'The cell holds no @build("{step.id}").'
    if exercise.is_stub(answers[step.id]):
        return "Not built yet."
    if has_passed:
        exercise.use_answer(step, answers[step.id])
        return ""
    return _failure(step, answers[step.id])


def _failure(step: catalog.Step, answer: object) -> str:
    """Check an answer, and use it; return why that cannot be, or nothing."""
    try:
        result = exercise.check_answer(step, answer)
    except catalog.CourseError as error:
        return f"It could not be checked: {error}."
    failed = next((check for check in result.checks if check.outcome == "failed"), None)
    if failed:
        return _explained(f'Its check "{failed.title}" no longer passes: {failed.got}')
    return "" if result.in_place == "yours" else "It is the reference itself."


def _run(step: catalog.Step, cell: str) -> tuple[dict[str, Any], str]:
    """Run a cell; return the answers it builds, by step, and what stopped it."""
    name = f"<your {step.id}>"
    linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
    with _collecting() as answers, capturing(BoundedText()):
        try:
            with time_limit():
                exec(compile(cell, name, "exec", dont_inherit=True), _namespace())
        except KeyboardInterrupt:
            raise
        except SyntaxError as error:
            return answers, f"SyntaxError in line {error.lineno}: {error.msg}."
        except BaseException as error:  # noqa: BLE001 - the cell may raise anything
            return answers, _explained(verdict(error)[0])
    return answers, ""


@contextlib.contextmanager
def _collecting() -> Iterator[dict[str, Any]]:
    """Let `build` keep what it is given, wherever a cell takes it from."""
    answers: dict[str, Any] = {}
    homes = [importlib.import_module("tinytorch.course"), exercise]

    def build(step_id: str) -> Callable[[Any], Any]:
        def keep(candidate: Any) -> Any:
            answers[step_id] = candidate
            return candidate

        return keep

    before = [vars(home)["build"] for home in homes]
    for home in homes:
        vars(home)["build"] = build
    try:
        yield answers
    finally:
        for home, original in zip(homes, before, strict=True):
            vars(home)["build"] = original


def _namespace() -> dict[str, Any]:
    """Return the names that a chapter's first cells give."""
    course = importlib.import_module("tinytorch.course")
    return {
        "__name__": "__main__",
        "np": importlib.import_module("numpy"),
        "tt": importlib.import_module("tinytorch"),
        **{name: getattr(course, name) for name in course.__all__},
    }


def _explained(got: str) -> str:
    """Return a finding as a sentence; a name that is missing is one of another cell."""
    sentence = f"{textwrap.shorten(got, LONGEST, placeholder=' ...').removesuffix('.')}."
    if "NameError: name " not in sentence:
        return sentence
    return f"{sentence} It comes from another cell; define it in this one."


# The library around it.


def _in_course_order(code: Mapping[str, str]) -> list[str]:
    order = {step.id: place for place, step in enumerate(catalog.load_course().steps)}
    return sorted(code, key=lambda step_id: order.get(step_id, len(order)))


@contextlib.contextmanager
def _put_back(step_ids: Mapping[str, str]) -> Iterator[None]:
    """Let the library end with the objects it began with."""
    steps = [step for step in catalog.load_course().steps if step.id in step_ids]
    before = [(step.target, install.current(step.target)) for step in steps]
    try:
        yield
    finally:
        for target, original in before:
            install.restore(target, original)


def _put_into(texts: dict[str, str], step_id: str, cell: str) -> str:
    """Put the cell's function into the module's files; return why that cannot be, or nothing."""
    from tinytorch.course import cells

    step = catalog.load_course().step(step_id)
    published = source.package_files(step.stem)
    own = {path: texts.get(path, text) for path, text in published.items()}
    try:
        texts |= cells.with_cell(own, step, cell)
    except ValueError as error:
        return f"{error}."
    return ""


# What is shown.


def _shown(found: tuple[Carried, ...]) -> present.Shown:
    return _result(_headline(found), found)


def _offered(name: str, data: bytes, found: tuple[Carried, ...]) -> present.Shown:
    size = f"{len(data) / 1024:.0f} KiB"
    address = f"data:application/zip;base64,{base64.b64encode(data).decode()}"
    link = present.tag(
        "a", escape(f"Download {name}"), _class="tt-wheel", download=name, href=address
    )
    way = f"Install it with: pip install {name}"
    return _result(
        f"Your library, packed: {_headline(found)}",
        found,
        after=present.Shown(f"<p>{link} ({size}). {escape(way)}</p>", f"{name} ({size}). {way}"),
    )


def _headline(found: tuple[Carried, ...]) -> str:
    """Return how many steps of each module run the learner's code."""
    mine = {one.step_id for one in found if one.code == "yours"}
    tallies = [
        f"{sum(step.id in mine for step in module.steps)} of "
        f"{present.count(len(module.steps), 'step')} of {module.title}"
        for module in _modules(found)
    ]
    if not tallies:
        return "No step of yours was given, so the reference runs."
    return f"{', '.join(tallies)} run your code."


def _modules(found: tuple[Carried, ...]) -> list[catalog.Module]:
    stems = {one.step_id.partition(".")[0] for one in found}
    return [module for module in catalog.load_course().modules if module.stem in stems]


def _result(
    headline: str, found: tuple[Carried, ...], *, after: present.Shown | None = None
) -> present.Shown:
    rows = [(one.step_id, one.code, one.why_not) for one in found]
    end = after or present.Shown("", "")
    html = present.tag(
        "div",
        present.tag("p", escape(headline), _class="tt-headline"),
        present.table(("step", "code", "why not yours"), rows).html if rows else "",
        end.html,
        _class="tt-result tt-carried",
        role="status",
        data_receipts=json.dumps({one.step_id: one.receipt for one in found if one.receipt}),
        data_yours=str(sum(one.code == "yours" for one in found)),
        data_steps=str(sum(len(module.steps) for module in _modules(found))),
    )
    lines = present.table(("step", "code"), [row[:2] for row in rows]).text if rows else ""
    reasons = [present.wrapped(f"{one.step_id}: {one.why_not}") for one in found if one.why_not]
    parts = [present.wrapped(headline), lines, "\n".join(reasons), end.text]
    return present.Shown(html, "\n\n".join(filter(None, parts)))
