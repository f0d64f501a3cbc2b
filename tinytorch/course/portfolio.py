"""Write a learner's portfolio: what they built, what they thought, what they measured.

The Markdown is the portfolio; the page is the same Markdown, rendered into one file that needs
nothing else. What a learner wrote stays inside of quotations and code blocks, and raw HTML in it
stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from tinytorch.course import catalog, source, work
from tinytorch.course.catalog import Step
from tinytorch.course.engagement.question import RATINGS
from tinytorch.course.present import count
from tinytorch.course.report import StepResult

if TYPE_CHECKING:
    from markdown_it.token import Token

    from tinytorch.course.supervisor import Examination
    from tinytorch.course.workspace import Workspace

Answer = Mapping[str, str]

STYLE_SHEET = Path(__file__).with_name("portfolio.css")
TITLE = "My TinyTorch"
STATES = {"passed": "passes", "failed": "does not pass yet", "unbuilt": "is not built yet"}
KINDS = {"reflect": "Reflections", "predict": "Predictions", "analyze": "Measurements"}
GIVEN = {"reflect": "I wrote", "predict": "I predicted", "analyze": "I concluded"}
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<nav aria-label="Contents">
<ul>
{contents}
</ul>
</nav>
<main>
{body}</main>
</body>
</html>
"""
SCROLLS = '<div class="scrolls" role="group" aria-label="Table" tabindex="0">'


@dataclass(frozen=True)
class Journal:
    """What a learner answered and scored, by the module that asked."""

    answers: Mapping[str, Answer]
    scores: Mapping[str, Answer]

    @classmethod
    def of(cls, workspace: Workspace) -> Journal:
        """Read the journal of a workspace."""
        pages = work.load(workspace.home / "work.json").pages.values()
        return cls(
            {name: answer for page in pages for name, answer in page["answers"].items()},
            {name: score for page in pages for name, score in page["scores"].items()},
        )

    def of_kind(self, stem: str, kind: str) -> dict[str, Answer]:
        """Return the answers to the questions of one kind that a module asks."""
        return {
            name: answer
            for name, answer in self.answers.items()
            if _stem(name) == stem and _kind(answer) == kind
        }

    def scores_of(self, stem: str) -> dict[str, Answer]:
        """Return the scores in the challenges of a module."""
        return {name: score for name, score in self.scores.items() if _stem(name) == stem}

    def count(self, stem: str) -> int:
        """Return how many questions and challenges of a module were taken up."""
        return sum(_stem(name) == stem for name in [*self.answers, *self.scores])


def _stem(question_id: str) -> str:
    return question_id.partition(".")[0]


def _kind(answer: Answer) -> str:
    kind = answer.get("kind", "")
    return kind if kind in KINDS else "predict" if "choice" in answer else "reflect"


# Markdown


def markdown(workspace: Workspace, examinations: Sequence[Examination]) -> str:
    """Return the portfolio of a workspace, with what its checks have just found."""
    journal = Journal.of(workspace)
    examined = {one.module.stem: one for one in examinations}
    parts = [*_title(examinations)]
    for module in catalog.load_course().published:
        if module.stem in examined or journal.count(module.stem):
            parts += [f"## {module.title}", f"*{module.insight}*"]
            parts += _code(workspace, examined[module.stem]) if module.stem in examined else []
            parts += _thoughts(module.stem, journal)
    parts += [*_elsewhere(journal), *_patterns(journal)]
    return "\n\n".join(parts) + "\n"


def _title(examinations: Sequence[Examination]) -> Iterator[str]:
    course = catalog.load_course()
    mine = sum(_is_mine(result) for one in examinations for result in one.steps)
    steps = count(sum(len(module.steps) for module in course.published), "step")
    yield f"# {TITLE}"
    yield f"{course.title}: {course.subtitle}"
    if not examinations:
        yield "Nothing is built yet. The first module begins with `tinytorch start setup`."
    else:
        yield (
            f"**{mine} of {steps} run my own code.** What passes was found by running the checks "
            f"of the course on this very code, on {datetime.now(UTC):%Y-%m-%d}."
        )
    examined = {one.module.stem: one for one in examinations}
    rows = [
        (module.title, module.pattern, *_summary(examined.get(module.stem)))
        for module in course.published
    ]
    yield _table(("Module", "Pattern", "My steps", "Stretch goals", "State"), rows)


def _summary(examination: Examination | None) -> tuple[str, str, str]:
    if examination is None:
        return "", "", "not started"
    mine = sum(map(_is_mine, examination.steps))
    state = "complete" if examination.is_green else "in work"
    return f"{mine} of {len(examination.module.steps)}", _all_stretch_goals(examination), state


def _is_mine(result: StepResult) -> bool:
    return result.state == "passed" and result.ran == "yours"


def _all_stretch_goals(examination: Examination) -> str:
    """Return how many of the module's deeper checks pass on nothing but the learner's code."""
    found = [check for result in examination.steps for check in result.checks]
    is_built = all(map(_is_mine, examination.steps))
    deeper = [check for check in [*found, *examination.whole] if check.kind == "module"]
    if is_built and deeper:
        return f"{sum(check.outcome == 'passed' for check in deeper)} of {len(deeper)}"
    done = [check for check in deeper if check.step and check.outcome == "passed"]
    return f"{len(done)} so far"


def _code(workspace: Workspace, examination: Examination) -> Iterator[str]:
    """Yield the learner's functions, by step, with what their checks found."""
    if examination.problem:
        yield f"The checks could not be run: {_plain(examination.problem).removesuffix('.')}."
    yield "### Code"
    results = {result.step: result for result in examination.steps}
    texts = workspace.files(examination.module.stem)
    for step in examination.module.steps:
        yield from _step(step, results.get(step), texts)


def _step(step: Step, result: StepResult | None, texts: Mapping[str, str]) -> Iterator[str]:
    state = STATES[result.state] if result else "was not checked"
    yield f"#### {step.title}"
    yield f"`{step.id}` {state}." + _stretch_goals(result)
    place = source.locate(step)
    text = texts.get(place.path, "")
    try:
        function = source.find_function(text, place.qualname)
    except SyntaxError:
        return  # the checks have said so
    if function is not None and not source.is_blank(function):
        yield _fenced(source.function_text(text, place.qualname) or "")


def _stretch_goals(result: StepResult | None) -> str:
    goals = [check for check in result.checks if check.kind == "module"] if result else []
    if not goals or (result and result.state == "unbuilt"):
        return ""
    open_goals = [check.title for check in goals if check.outcome != "passed"]
    done = f" Stretch goals: {len(goals) - len(open_goals)} of {len(goals)}"
    return f"{done}; to go: {_plain('; '.join(open_goals))}." if open_goals else f"{done}."


def _thoughts(stem: str, journal: Journal) -> Iterator[str]:
    """Yield the journal of a module: reflections, predictions, measurements, challenges."""
    if not journal.count(stem):
        yield "*No question of this module is answered yet.*"
    for kind, heading in KINDS.items():
        answers = journal.of_kind(stem, kind)
        if answers:
            yield f"### {heading}"
        for name, answer in sorted(answers.items(), key=lambda item: item[1].get("at", "")):
            yield f"#### {_name(name)}"
            yield from _answered(GIVEN[kind], answer)
    if scores := journal.scores_of(stem):
        yield "### Challenges"
        rows = [_scored(name, score) for name, score in scores.items()]
        yield _table(("Challenge", "Reached", "Target", "Medal", "On"), rows)


def _answered(given: str, answer: Answer) -> Iterator[str]:
    if answer.get("asked"):
        yield _quoted(answer["asked"])
    date = _date(answer)
    yield f"{given} on {date}:" if date else f"{given}:"
    yield _quoted(answer.get("text") or answer.get("choice") or "(nothing)")
    if rating := RATINGS.get(answer.get("rating", "")):
        yield f"Compared with the considered answer: {rating}"


def _scored(name: str, score: Answer) -> tuple[str, ...]:
    reached = f"{score.get('ratio', '')} times as fast"
    medal = score.get("medal", "") or "none"
    return _name(name), reached, score.get("target", ""), medal, _date(score)


def _elsewhere(journal: Journal) -> Iterator[str]:
    """Yield what was asked on pages that are no chapter of the course as it is now."""
    known = {module.stem for module in catalog.load_course().published}
    stems = {_stem(name) for name in [*journal.answers, *journal.scores]} - known
    if stems:
        yield "## Elsewhere in the book"
    for stem in sorted(stems):
        yield from _thoughts(stem, journal)


def _patterns(journal: Journal) -> Iterator[str]:
    """Yield what was practised, by the patterns of the course."""
    course = catalog.load_course()
    yield "## Patterns practised"
    yield "Build, use, then one of these: every module ends in a way to think about systems."
    for pattern in course.patterns:
        taken = {
            module.title: journal.count(module.stem)
            for module in course.published
            if module.pattern == pattern.name
        }
        where = " and ".join(title for title, number in taken.items() if number)
        number = sum(taken.values())
        yield f"### {pattern.name}"
        yield f"{pattern.focus} " + (
            f"{count(number, 'question')} taken up in {where}." if number else "Still to come."
        )
        if number:
            yield "\n".join(f"- {indicator}" for indicator in pattern.indicators)


def _name(question_id: str) -> str:
    """Return the name of a question as words: `tensors.memory_layout` is Memory layout."""
    words = re.sub(r"[\W_]+", " ", question_id.partition(".")[2] or question_id).strip()
    return _plain(words[:1].upper() + words[1:])


def _date(entry: Answer) -> str:
    found = DATE.match(entry.get("at", ""))
    return found[0] if found else ""


def _plain(text: str) -> str:
    """Return the text on one line, with nothing in it that Markdown reads."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _quoted(text: str) -> str:
    """Return the text as a quotation, which nothing in it can end."""
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines() or [""])


def _fenced(code: str) -> str:
    """Return the code as a block with a fence longer than any in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", code)), 3)
    return f"{fence}python\n{code.strip(chr(10))}\n{fence}"


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [[_plain(cell) for cell in row] for row in rows]
    lines = [headers, ["---"] * len(headers), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# HTML


def html(workspace: Workspace, examinations: Sequence[Examination]) -> str:
    """Return the portfolio as one page that needs no other file and no network."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False})
    reader.enable("table").disable("image")
    reader.add_render_rule("fence", _block)
    reader.add_render_rule("code_block", _block)
    reader.add_render_rule("table_open", lambda *_: f"{SCROLLS}<table>\n")
    reader.add_render_rule("table_close", lambda *_: "</table></div>\n")
    tokens = reader.parse(markdown(workspace, examinations))
    contents = [f'<li><a href="#{name}">{title}</a></li>' for name, title in _headings(tokens)]
    return PAGE.format(
        title=TITLE,
        style=STYLE_SHEET.read_text(encoding="utf-8"),
        contents="\n".join(contents),
        body=reader.renderer.render(tokens, reader.options, {}),
    )


def _headings(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Name the chapters of the page; a heading inside of a quotation becomes a paragraph."""
    for token, inside in pairwise(tokens):
        if token.type.startswith("heading") and token.level > 0:
            token.tag = "p"
        elif token.type == "heading_open" and token.tag == "h2":
            name = re.sub(r"\W+", "-", inside.content.lower()).strip("-")
            token.attrSet("id", name)
            yield name, escape(inside.content)


def _block(renderer: object, tokens: Sequence[Token], place: int, *_: object) -> str:
    """Return a block of code that can be scrolled with the keyboard."""
    token = tokens[place]
    code = _highlighted(token.content) if token.info == "python" else escape(token.content)
    return f'<pre tabindex="0"><code>{code}</code></pre>\n'


def _highlighted(code: str) -> str:
    from pygments import highlight  # type: ignore[import-untyped]
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
    from pygments.lexers import PythonLexer  # type: ignore[import-untyped]

    shown: str = highlight(code, PythonLexer(), HtmlFormatter(nowrap=True))
    return shown
