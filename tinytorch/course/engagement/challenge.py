"""`challenge`: make a baseline faster, by a target ratio, without making it wrong."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from tinytorch.course import journal
from tinytorch.course.exercise import is_stub
from tinytorch.course.expectation import CheckFailure, expect
from tinytorch.course.present import Shown, inline, show, table, tag, wrapped

ROUNDS = 7
ROUND_SECONDS = 0.01  # how long one side of a round should at least run
LARGEST_REPEAT = 1000


class _Wrong(Exception):
    """The attempt's answer is wrong, in the words for the learner."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """Median times of one call, in seconds, and the median of the rounds' ratios."""

    baseline: float
    attempt: float
    ratio: float
    target: float

    @property
    def reached(self) -> bool:
        """Whether the attempt is as many times faster as was asked."""
        return self.ratio >= self.target


def challenge(
    question_id: str,
    *,
    baseline: Callable[..., Any],
    attempt: Callable[..., Any],
    inputs: Callable[[], tuple[Any, ...]] = tuple,
    correct: Callable[[Any, Any], None] | None = None,
    target: float,
    medals: Mapping[str, float] | None = None,
) -> Score | None:
    """Check the attempt, time it against the baseline, and return the score.

    `inputs` makes fresh arguments. `correct(got, expected)` raises where the attempt's answer
    is wrong; by default it must be the baseline's. None is returned for a stub or an error.
    """
    if is_stub(attempt):
        _say(question_id, "unbuilt", f"Make it {target:g} times as fast as the baseline.")
        return None
    agree = correct or _same_answer
    try:
        _agree(baseline, attempt, inputs, agree)
        score = race(baseline, attempt, inputs, target=target)
        _agree(baseline, attempt, inputs, agree)
    except _Wrong as wrong:
        _say(question_id, "failed", f"Correct first, fast second. {wrong}")
        return None
    _say_score(question_id, score, medals or {})
    return score


def race(
    baseline: Callable[..., Any],
    attempt: Callable[..., Any],
    inputs: Callable[[], tuple[Any, ...]],
    *,
    target: float,
) -> Score:
    """Time both in turns, so that whatever else the machine does befalls both."""
    sides = (baseline, attempt)
    repeats = [_repeat(side, inputs()) for side in sides]
    rounds = []
    for turn in range(ROUNDS):
        arguments = inputs()
        times = [0.0, 0.0]
        for side in (turn % 2, 1 - turn % 2):
            times[side] = _seconds(sides[side], arguments, repeats[side])
        rounds.append(times)
    return Score(
        baseline=statistics.median(slow for slow, _ in rounds),
        attempt=statistics.median(fast for _, fast in rounds),
        ratio=statistics.median(slow / fast for slow, fast in rounds),
        target=target,
    )


def _repeat(call: Callable[..., Any], arguments: tuple[Any, ...]) -> int:
    once = _seconds(call, arguments, 1)
    return max(1, min(LARGEST_REPEAT, round(ROUND_SECONDS / once)))


def _seconds(call: Callable[..., Any], arguments: tuple[Any, ...], repeat: int) -> float:
    with _blaming_the_attempt():
        started = perf_counter()
        for _ in range(repeat):
            call(*arguments)
        return max(perf_counter() - started, 1e-9) / repeat


def _same_answer(got: Any, expected: Any) -> None:
    expect(got, expected, within=1e-5, because="A fast wrong answer is a wrong answer.")


def _agree(
    baseline: Callable[..., Any],
    attempt: Callable[..., Any],
    inputs: Callable[[], tuple[Any, ...]],
    agree: Callable[[Any, Any], None],
) -> None:
    """Raise _Wrong unless both give the same answer to the same arguments."""
    arguments = inputs()
    expected = baseline(*arguments)
    with _blaming_the_attempt():
        agree(attempt(*arguments), expected)


@contextlib.contextmanager
def _blaming_the_attempt() -> Iterator[None]:
    try:
        yield
    except CheckFailure as failure:
        got, expected = failure.got, failure.expected
        raise _Wrong(f"Expected `{expected}`, got `{got}`. {failure.because}") from failure
    except (Exception, SystemExit) as error:
        raise _Wrong(f"Your code raised `{type(error).__name__}: {error}`.") from error


def _say_score(question_id: str, score: Score, medals: Mapping[str, float]) -> None:
    won = [name for name, ratio in medals.items() if score.ratio >= ratio]
    medal = max(won, key=medals.__getitem__, default="")
    verdict = "reaches" if score.reached else "does not reach"
    sentence = (
        f"{score.ratio:.2f} times as fast as the baseline; that {verdict} the target of "
        f"{score.target:g}." + (f" Medal: {medal}." if medal else "")
    )
    problem = journal.score(question_id, score.ratio, score.target, medal)
    rows = [
        ("baseline", _duration(score.baseline), "1.00"),
        ("attempt", _duration(score.attempt), f"{score.ratio:.2f}"),
    ]
    _say(
        question_id,
        "passed" if score.reached else "failed",
        f"{sentence} {problem}".rstrip(),
        table(("what", "median time", "ratio"), rows),
        data_ratio=f"{score.ratio:.2f}",
        data_target=f"{score.target:g}",
        data_medal=medal,
    )


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def _say(
    question_id: str, state: str, sentence: str, times: Shown | None = None, **score: str
) -> None:
    html = tag(
        "section",
        tag("p", tag("strong", inline(question_id)), ": ", inline(sentence)),
        times.html if times else "",
        _class=f"tt-question tt-challenge tt-{state}",
        data_question=question_id,
        data_state=state,
        role="status",
        **score,
    )
    text = wrapped(f"{question_id}: {sentence}")
    show(Shown(html, f"{text}\n\n{times.text}" if times else text))
