"""Put what the checks found into words: for one step, for a module, for the whole session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Literal

from tinytorch.course.catalog import Course, Module, Step
from tinytorch.course.checks import CheckResult
from tinytorch.course.install import Provenance
from tinytorch.course.present import Shown, count, inline, table, tag, wrapped

State = Literal["passed", "failed", "unbuilt"]
KINDS = {"package": "package checks", "module": "module checks"}
FIELDS = {"expected": "expected", "got": "got", "because": "why", "printed": "printed"}
WORDS = {"passed": "Passed", "failed": "Not yet", "unbuilt": "Not built yet"}


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What the checks of one step found."""

    step: Step
    state: State
    in_place: Provenance  # whose code the library uses from here on
    checks: tuple[CheckResult, ...] = ()

    @property
    def ran(self) -> Provenance:
        """Whose code was checked."""
        return self.checks[0].provenance if self.checks else self.in_place


@dataclass(frozen=True, kw_only=True)
class ModuleResult:
    """What every check of a module found, and whose code each step ran."""

    module: Module
    checks: tuple[CheckResult, ...]
    provenance: dict[str, Provenance]
    unlocked: tuple[Module, ...] = ()

    @property
    def state(self) -> State:
        """Passed only where every check passes and every step is the learner's."""
        if any(check.outcome != "passed" for check in self.checks):
            return "failed"
        return "passed" if not self.borrowed else "unbuilt"

    @property
    def borrowed(self) -> tuple[str, ...]:
        """The steps that ran the reference."""
        return tuple(step for step, code in self.provenance.items() if code == "reference")


def show_step(result: StepResult) -> Shown:
    """Return the result of one step, to look at."""
    step = result.step
    passed = result.state == "passed"
    html = tag(
        "div",
        tag(
            "p",
            tag("strong", f"{WORDS[result.state]}."),
            " ",
            tag("code", escape(step.id)),
            ": ",
            inline(_step_sentence(result)),
            _class="tt-headline",
        ),
        _outcomes(result.checks, folded=passed),
        "" if passed else _read_again(step),
        _class=f"tt-result tt-{result.state}",
        data_step=step.id,
        data_state=result.state,
        data_provenance=result.ran,
        role="status",
    )
    lines = [wrapped(f"{WORDS[result.state]}. {step.id}: {_step_sentence(result)}")]
    if not passed:
        lines += [*_outcome_lines(result.checks), f'Read again: "{step.title}".']
    return Shown(html, "\n".join(lines))


def _step_sentence(result: StepResult) -> str:
    keeps = "your last version that passed" if result.in_place == "yours" else "the reference"
    if result.state == "unbuilt":
        return f"{result.step.task} Until then the library uses {keeps}."
    done = sum(check.outcome == "passed" for check in result.checks)
    if result.state == "failed":
        of = count(len(result.checks), "check")
        return f"{done} of {of} pass on {_whose(result.ran)}; the library keeps {keeps}."
    if result.ran == "reference":
        return f"{count(done, 'check')} pass, but on the reference: this is not your code."
    return f"{count(done, 'check')} pass on your code; the library uses it from here on."


def _whose(code: Provenance) -> str:
    return "your code" if code == "yours" else "the reference"


def _read_again(step: Step) -> str:
    link = tag("a", escape(step.title), href=f"#{step.anchor}")
    return tag("p", "Read again: ", link, _class="tt-read-again")


def _outcomes(checks: Sequence[CheckResult], *, folded: bool) -> str:
    lists = []
    first = next((check for check in checks if check.outcome == "failed"), None)
    for kind, heading in KINDS.items():
        of_kind = [check for check in checks if check.kind == kind]
        if of_kind:
            items = [
                _outcome(check, is_open=whole is first or bool(check.misconception))
                for whole, check in zip(of_kind, _without_echo(of_kind), strict=True)
            ]
            lists.append(tag("p", f"{heading.capitalize()}{_wait(of_kind)}", _class="tt-kind"))
            lists.append(tag("ul", *items, _class="tt-outcomes"))
    if not folded or not lists:
        return "".join(lists)
    return tag("details", tag("summary", "What was checked"), *lists)


def _wait(checks: Sequence[CheckResult]) -> str:
    waiting = all(check.outcome == "waiting" for check in checks)
    return " (they run when those before them pass)" if waiting else ""


def _without_echo(checks: Sequence[CheckResult]) -> Iterator[CheckResult]:
    """Say it once where one error fails check after check."""
    said = None
    for check in checks:
        finding = (check.got, check.expected, check.because, check.misconception)
        if check.outcome == "failed" and finding == said:
            yield replace(
                check, got="the same", expected="", because="", misconception="", printed=""
            )
            continue
        said = finding
        yield check


def _outcome(check: CheckResult, *, is_open: bool) -> str:
    """Return one check; what it found is open where a learner should begin to read."""
    headline = f"{tag('span', check.outcome, _class='tt-mark')} {escape(check.title)}"
    found = _misconception(check) + _finding(check)
    if found:
        opened = "" if is_open else None
        headline = tag("details", tag("summary", headline), found, open=opened)
    return tag("li", headline, _class=f"tt-outcome tt-outcome-{check.outcome}")


def _misconception(check: CheckResult) -> str:
    if not check.misconception:
        return ""
    return tag("p", inline(check.misconception), _class="tt-misconception")


def _finding(check: CheckResult) -> str:
    rows = []
    for field, word in FIELDS.items():
        if value := getattr(check, field):
            shown = inline(value) if field == "because" else tag("code", escape(value))
            rows.append(tag("dt", word) + tag("dd", shown))
    return tag("dl", *rows, _class="tt-finding") if rows else ""


def _outcome_lines(checks: Sequence[CheckResult]) -> list[str]:
    lines = []
    for kind, heading in KINDS.items():
        of_kind = [check for check in checks if check.kind == kind]
        lines += [f"  {heading}{_wait(of_kind)}"] if of_kind else []
        for check in _without_echo(of_kind):
            lines.append(f"    {check.outcome:<9}{check.title}")
            lines += _finding_lines(check)
    return lines


def _finding_lines(check: CheckResult) -> list[str]:
    indent = " " * 13
    lines = [wrapped(check.misconception, indent)] if check.misconception else []
    for field, word in FIELDS.items():
        if value := getattr(check, field):
            text = wrapped(value, indent + " " * 10) if field == "because" else value
            lines.append(f"{indent}{word:<10}{text.lstrip()}")
    return lines


def show_module(result: ModuleResult) -> Shown:
    """Return the result of a whole module, step by step, to look at."""
    steps = table(
        ("step", "ran", "package checks", "module checks"),
        [_step_row(result, step) for step in result.module.steps] + _whole_module_row(result),
    )
    failed = [check for check in result.checks if check.outcome != "passed"]
    html = tag(
        "div",
        tag("p", inline(_module_sentence(result)), _class="tt-headline"),
        steps.html,
        _outcomes(failed, folded=False),
        _class=f"tt-result tt-module tt-{result.state}",
        data_module=result.module.stem,
        data_state=result.state,
        role="status",
    )
    lines = [wrapped(_module_sentence(result)), "", steps.text, *_outcome_lines(failed)]
    return Shown(html, "\n".join(lines))


def _module_sentence(result: ModuleResult) -> str:
    title = result.module.title
    if result.state == "failed":
        failed = [check for check in result.checks if check.outcome == "failed"]
        where = next((check.step for check in failed if check.step), "")
        mend = f" Mend `{where}` first." if where else ""
        return (
            f"**{title} is not complete:** {len(failed)} of "
            f"{count(len(result.checks), 'check')} fail.{mend}"
        )
    if result.state == "unbuilt":
        borrowed, steps = len(result.borrowed), count(len(result.provenance), "step")
        return (
            f"**{title} is not yours yet:** every check passes, but {borrowed} of {steps} ran the "
            f"reference. A pass of the reference does not count as yours; next: "
            f"`{result.borrowed[0]}`."
        )
    return f"**{title} is complete,** and every step of it is your code. {_unlocks(result)}"


def _unlocks(result: ModuleResult) -> str:
    names = [module.title for module in result.unlocked]
    opens = f"It opens: {', '.join(names)}. " if names else ""
    return opens + result.module.unlocks


def _step_row(result: ModuleResult, step: Step) -> tuple[str, ...]:
    checks = [check for check in result.checks if check.step == step.id]
    return (step.name, result.provenance[step.id], *(_tally(checks, kind) for kind in KINDS))


def _whole_module_row(result: ModuleResult) -> list[tuple[str, ...]]:
    checks = [check for check in result.checks if not check.step]
    if not checks:
        return []
    return [("the whole module", "", *(_tally(checks, kind) for kind in KINDS))]


def _tally(checks: Sequence[CheckResult], kind: str) -> str:
    outcomes = [check.outcome for check in checks if check.kind == kind]
    return f"{outcomes.count('passed')} of {len(outcomes)}" if outcomes else "none"


def show_provenance(course: Course, provenance: dict[str, Provenance]) -> Shown:
    """Return whose code each step of the course runs now, to look at."""
    yours = sum(code == "yours" for code in provenance.values())
    headline = f"{yours} of {count(len(provenance), 'step')} run your code."
    rows = table(
        ("step", "what it builds", "code"),
        [(step.id, step.title, provenance[step.id]) for step in course.steps],
    )
    html = tag("div", tag("p", headline), rows.html, _class="tt-result tt-provenance")
    return Shown(html, f"{headline}\n\n{rows.text}")
