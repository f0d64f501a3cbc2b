"""The ways to engage: predict, reflect, analyze, and the challenges of optimize."""

import math
import time

import pytest

from tinytorch.course import CheckFailure, analyze, challenge, predict, present, reflect, work
from tinytorch.course.engagement.challenge import race


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    """What is kept of a page during a test: by default of the journal's own."""
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path))
    monkeypatch.setenv("TINYTORCH_WORKSPACE", "off")
    return lambda page="journal": work.read(tmp_path / "work.json").pages[page]


@pytest.fixture
def journal(kept):
    """The answers kept during a test."""
    return lambda: {
        name: entry.get("text", entry.get("choice")) for name, entry in kept()["answers"].items()
    }


@pytest.fixture
def page(monkeypatch, outline):
    """What was shown last, as HTML that has been read."""
    things = []
    monkeypatch.setattr(present, "notebook_display", lambda: things.append)
    return lambda: outline(things[-1].html)


QUESTION = "Why *row-major*? <b>Say</b> `a < b`."
CONSIDERED = "Because **together**.\n\nAnd `so` on."


def ask(**options):
    """Ask the question about layout."""
    reflect("toys.layout", QUESTION, considered=CONSIDERED, compare=["use `rows`"], **options)


def test_reflect_asks_before_it_answers(capsys):
    ask()
    shown = capsys.readouterr().out
    assert "Why *row-major*?" in shown
    assert "together" not in shown
    assert 'reflect("toys.layout", ..., answer="what you think")' in shown


def test_reflect_keeps_an_answer_and_then_compares(capsys, journal):
    ask(answer="I do not <i>know</i>.")
    shown = capsys.readouterr().out
    assert journal() == {"toys.layout": "I do not <i>know</i>."}
    assert "I do not <i>know</i>." in shown
    assert "Because together." in shown
    assert "- use `rows`" in shown


def test_reflect_keeps_even_an_empty_answer_apart_from_none(capsys, journal):
    ask(answer="")
    assert journal() == {"toys.layout": ""}


def test_reflect_keeps_the_learners_own_rating(capsys, kept):
    ask(answer="Because.", rating="partly")
    entry = kept()["answers"]["toys.layout"]
    assert (entry["rating"], entry["kind"], entry["asked"]) == ("partly", "reflect", QUESTION)


def test_a_rating_is_one_of_three():
    with pytest.raises(ValueError, match="rate with one of missed, partly, whole, not 'great'"):
        ask(answer="Because.", rating="great")


def test_the_page_of_a_reflection_has_a_box_an_answer_and_a_rating(page):
    ask()
    found = page()
    assert found.first("section") == {
        "class": "tt-question tt-reflect",
        "data-question": "toys.layout",
        "aria-label": "Reflect: toys.layout",
    }
    assert found.first("textarea")["data-field"] == "text"
    ratings = [a for name, a in found.attributes if name == "input"]
    assert [rating["value"] for rating in ratings] == ["missed", "partly", "whole"]
    assert {rating["data-field"] for rating in ratings} == {"rating"}
    assert {rating["name"] for rating in ratings} == {"tt-toys.layout-rating"}
    assert "<b>Say</b> a < b." in found.text


def test_every_field_has_a_label(page):
    ask()
    source = page()
    predict("toys.p", "How many?", answer=3, because="so")
    for found in (source, page()):
        fields = [name for name, _ in found.attributes if name in ("input", "textarea")]
        labels = [name for name, _ in found.attributes if name == "label"]
        assert len(labels) == len(fields) > 0


def test_predict_offers_choices_and_hides_the_answer_in_the_terminal(capsys):
    predict(
        "toys.p", "Which?", choices=["a view", "a copy"], answer="a view", because="No byte moves."
    )
    shown = capsys.readouterr().out
    assert "- a view\n  - a copy" in shown
    assert "No byte moves" not in shown


def test_the_page_of_a_prediction_can_be_judged_by_itself(page):
    predict("toys.p", "How much?", answer=1024, within=8, unit="bytes", because="4 x 256.")
    found = page()
    section = found.first("section")
    assert (section["data-answer"], section["data-within"]) == ("1024", "8")
    assert found.first("input")["type"] == "number"
    assert found.first("input")["data-field"] == "choice"
    assert "1,024 bytes" in found.text


@pytest.mark.parametrize(
    ("guess", "verdict"),
    [(1024, "Right."), (1030, "Right."), (1000, "Not so: it is 1,024 bytes."), ("1 KiB", "Not so")],
)
def test_a_guess_is_judged_within_its_error(capsys, journal, guess, verdict):
    predict(
        "toys.p", "How much?", answer=1024, within=8, unit="bytes", because="4 x 256.", guess=guess
    )
    shown = " ".join(capsys.readouterr().out.split())
    assert verdict in shown
    assert "4 x 256." in shown
    assert journal() == {"toys.p": str(guess)}  # as a page keeps it, which judges it again


def test_a_guess_among_choices_is_judged_by_its_text(capsys, journal):
    choices = [True, False, "it depends"]
    predict("toys.p", "Is it?", choices=choices, answer=True, because="so", guess="True")
    assert "Right." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "choices", "message"),
    [
        ("c", ["a", "b"], r"toys.p: the answer 'c' is not among the choices 'a', 'b'"),
        ("c", [], "without choices the answer must be a number"),
        (True, [], "without choices the answer must be a number"),
        (math.nan, [], "without choices the answer must be a number"),
    ],
)
def test_a_question_that_nobody_can_answer_is_refused(answer, choices, message):
    with pytest.raises(ValueError, match=message):
        predict("toys.p", "Which?", choices=choices, answer=answer, because="so")


EVIDENCE = [{"size": 10, "seconds": 0.123456}, {"size": 20, "seconds": 0.5}]


def test_analyze_shows_the_evidence_before_the_question(capsys):
    analyze("toys.a", "Does it <grow>?", evidence=EVIDENCE, answer=4.05, within=0.5, because="so")
    shown = capsys.readouterr().out
    assert shown.index("0.1235") < shown.index("Does it <grow>?")


def test_the_page_of_an_analysis_holds_the_evidence_as_a_table(page):
    analyze(
        "toys.a", "Does it?", evidence=EVIDENCE, choices=["yes", "no"], answer="yes", because="s"
    )
    found = page()
    assert [name for name, _ in found.attributes].count("tr") == 3
    assert found.first("section")["class"] == "tt-question tt-analyze"


@pytest.mark.parametrize(
    ("evidence", "message"),
    [([], "there is no evidence"), ([{"a": 1}, {"b": 2}], r"a row has \['b'\], the first has")],
)
def test_evidence_that_shows_nothing_is_refused(evidence, message):
    with pytest.raises(ValueError, match=message):
        analyze("toys.a", "Does it?", evidence=evidence, answer=1, because="so")


def slow(number):
    """Count by waiting."""
    time.sleep(0.002)
    return number + 1


def numbers():
    """Fresh arguments for the race."""
    return (41,)


def compete(attempt, **options):
    """Race an attempt against the slow way to count."""
    return challenge(
        "toys.race", baseline=slow, attempt=attempt, inputs=numbers, **{"target": 4, **options}
    )


def test_a_faster_attempt_reaches_the_target(capsys):
    score = compete(lambda number: number + 1, medals={"bronze": 2, "silver": 8, "gold": 1e9})
    assert score.reached
    assert score.ratio > 8
    assert "reaches the target of 4. Medal: silver." in " ".join(capsys.readouterr().out.split())


def test_the_best_score_is_kept_and_stands_on_the_page(page, kept):
    best = compete(lambda number: number + 1, medals={"bronze": 2})
    section = page().first("section")
    compete(slow)
    score = kept()["scores"]["toys.race"]
    assert score | {"at": ""} == {
        "ratio": f"{best.ratio:.2f}",
        "target": "4",
        "medal": "bronze",
        "at": "",
    }
    assert [section[f"data-{part}"] for part in ("ratio", "target", "medal")] == [
        score["ratio"],
        "4",
        "bronze",
    ]


def test_a_score_that_cannot_be_kept_is_told(page, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path / "file" / "home"))
    assert compete(lambda number: number + 1).reached
    assert "Your score could not be kept: cannot use" in page().text


def test_the_baseline_itself_does_not_reach_it(capsys):
    score = compete(slow)
    assert 0.5 < score.ratio < 2
    assert "does not reach the target" in " ".join(capsys.readouterr().out.split())


def test_a_fast_wrong_attempt_gets_no_time(capsys):
    assert compete(lambda number: number) is None
    shown = " ".join(capsys.readouterr().out.split())
    assert "Correct first, fast second. Expected `42`, got `41`." in shown
    assert "times as fast" not in shown


def test_an_attempt_that_turns_wrong_while_it_is_timed_is_found_out(capsys):
    calls = iter([42])
    assert compete(lambda number: next(calls, 0)) is None
    assert "Correct first" in capsys.readouterr().out


@pytest.mark.parametrize(
    "attempt", [lambda number: 1 / 0, lambda: 42, lambda number: exit(3), None]
)
def test_an_attempt_that_fails_is_told(capsys, attempt):
    assert compete(attempt) is None
    assert "Your code raised" in capsys.readouterr().out


def test_a_stub_is_told_its_target(capsys):
    def attempt(number):
        raise NotImplementedError("faster")

    assert compete(attempt) is None
    assert "Make it 4 times as fast as the baseline." in capsys.readouterr().out


def test_correctness_may_have_its_own_rule(capsys):
    def agree(got, expected):
        if abs(got - expected) > 1:
            raise CheckFailure(str(got), str(expected), "It may differ by one.")

    assert compete(lambda number: number, correct=agree) is not None
    assert compete(lambda number: 0, correct=agree) is None
    assert "It may differ by one." in capsys.readouterr().out


def test_both_sides_are_timed_in_turns_on_the_same_arguments():
    seen = []
    given = iter(range(1000))

    def side(name):
        return lambda number: seen.append((name, number))

    race(side("baseline"), side("attempt"), lambda: (next(given),), target=1)
    per_round = {}
    for name, number in seen[-1:0:-1]:
        per_round.setdefault(number, set()).add(name)
    rounds = [names for number, names in per_round.items() if number >= 2]
    assert rounds == [{"baseline", "attempt"}] * len(rounds)
    assert len(rounds) >= 5


def test_the_page_of_a_challenge_says_its_state(page):
    compete(lambda number: number)
    assert page().first("section") == {
        "class": "tt-question tt-challenge tt-failed",
        "data-question": "toys.race",
        "data-state": "failed",
        "role": "status",
    }
