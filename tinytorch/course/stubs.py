"""Write the exercise cells of the chapters from the reference.

An exercise cell is the reference with its body blanked: the same signature, the same docstring,
and the step's task as the message of a NotImplementedError. Before it stand the imports of every
name that the reference uses, in its signature or its body. So the cell runs by itself, and so does
the reference when a learner copies it into the cell. Decorators that only say how a class holds the
function (staticmethod, classmethod, property) are left out; `build` puts them back.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tinytorch.course.catalog import Course, Module, load_course
from tinytorch.course.cells import stub

CHECKOUT = Path(__file__).resolve().parents[2]
CELL = re.compile(
    r"^```\{code-cell\}[^\n]*\n(?P<options>(?::[^\n]*\n|---\n.*?\n---\n)*\n*)"
    r"(?P<code>.*?)^```[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
EXERCISE = re.compile(r"^@build\(['\"](?P<step>[^'\"]+)['\"]\)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How a chapter differs from what the reference says it should be."""

    chapter: Path
    text: str  # the chapter as it should be
    drifted: tuple[str, ...]  # steps whose cells are out of date
    problems: tuple[str, ...]  # what rewriting cannot mend


def compare(module: Module, folder: Path) -> Drift:
    """Compare the chapter's exercise cells with the reference."""
    chapter = folder / f"{module.chapter}.md"
    before = chapter.read_text(encoding="utf-8") if chapter.is_file() else ""
    known = {step.id: step for step in module.steps}
    seen: list[str] = []
    drifted: list[str] = []

    def rewritten(match: re.Match[str]) -> str:
        found = EXERCISE.search(match["code"])
        if found is None:
            return match[0]
        seen.append(found["step"])
        if found["step"] not in known:
            return match[0]
        code = f"{stub(known[found['step']])}\n"
        if code != match["code"]:
            drifted.append(found["step"])
        start, end = (place - match.start() for place in match.span("code"))
        return match[0][:start] + code + match[0][end:]

    text = CELL.sub(rewritten, before)
    problems = [
        f"{chapter.name}: no exercise cell for {step}" for step in known if step not in seen
    ]
    problems += [f"{chapter.name}: {step} is no step" for step in seen if step not in known]
    problems += [
        f"{chapter.name}: {step} has {seen.count(step)} exercise cells"
        for step in known
        if seen.count(step) > 1
    ]
    return Drift(chapter=chapter, text=text, drifted=tuple(drifted), problems=tuple(problems))


def sync(*, check: bool, course: Course | None = None, folder: Path | None = None) -> list[str]:
    """Rewrite the cells that have drifted, or only look; return what is amiss."""
    modules = (course or load_course()).published
    found = [compare(module, folder or CHECKOUT / "book" / "modules") for module in modules]
    problems = [problem for drift in found for problem in drift.problems]
    for drift in found:
        if check:
            problems += [f"{drift.chapter.name}: {step} has drifted" for step in drift.drifted]
        elif drift.drifted:
            drift.chapter.write_text(drift.text, encoding="utf-8")
    return problems


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; `--check` changes nothing."""
    given = sys.argv[1:] if arguments is None else arguments
    if unknown := [argument for argument in given if argument != "--check"]:
        print(f"unknown option {unknown[0]}; the only one is --check", file=sys.stderr)
        return 2
    problems = sync(check="--check" in given)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
