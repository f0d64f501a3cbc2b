"""The portfolio: what it says, and that nothing a learner wrote can break it."""

import itertools
import json
import re

import pytest

from tinytorch.course import catalog, checks, portfolio, source, supervisor, workspace
from tinytorch.course.report import StepResult

COURSE = catalog.load_course()
SETUP = COURSE.module("setup")
HOSTILE = """# A heading

<script>alert(1)</script> <img src="http://example.org/x.png"> ![x](http://example.org/y.png)

Setext
======

```python
import this
```

An unclosed fence:
```
## Not the end
"""


@pytest.fixture
def learner(tmp_path):
    """A workspace with the module setup blank in it."""
    made = workspace.create(tmp_path / "learner")
    made.start("setup")
    return made


def build(learner, step, body='    return "mine"\n'):
    """Write a function of the learner's own over the step's."""
    place = source.locate(step)
    path = learner.code / place.path
    name = place.qualname.rpartition(".")[2]
    own = f"def {name}(*given):\n{body}"
    path.write_text(source.replace_function(path.read_text(), place.qualname, own))


def check(step, kind, outcome="passed", title="a check"):
    """What one check found."""
    return checks.CheckResult(
        step=step, name="", title=title, kind=kind, outcome=outcome, provenance="yours"
    )


def result(step, state="passed", goals=("passed", "passed")):
    """What the checks of a step found."""
    found = [check(step.id, "package")]
    found += [check(step.id, "module", one, f"goal {number}") for number, one in enumerate(goals)]
    code = "yours" if state == "passed" else "reference"
    return StepResult(
        step=step, state=state, in_place=code, checks=() if state == "unbuilt" else tuple(found)
    )


def examination(*, built=8, **given):
    """What the checks of setup found where the first steps are built."""
    states = ["passed" if number < built else "unbuilt" for number in range(len(SETUP.steps))]
    results = (result(step, state) for step, state in zip(SETUP.steps, states, strict=True))
    return supervisor.Examination(module=SETUP, steps=tuple(results), **given)


def keep(learner, *, answers=(), scores=()):
    """Write the learner's journal."""
    page = {"answers": dict(answers), "scores": dict(scores)}
    kept = {"format": "tinytorch-work-1", "saved": "", "pages": {"modules/00_setup": page}}
    (learner.home / "work.json").write_text(json.dumps(kept))


def answer(**fields):
    """An answer of the journal."""
    return {"asked": "Why?", "text": "Because.", "at": "2026-03-12T10:00:00Z", **fields}


# What it says


def test_a_workspace_without_a_module_reads_well(tmp_path):
    text = portfolio.markdown(workspace.create(tmp_path / "new"), [])
    assert "Nothing is built yet. The first module begins with `tinytorch start setup`." in text
    assert "| Setup | Reflect |  |  | not started |" in text
    assert text.count("Still to come.") == 3


def test_the_title_page_says_how_much_is_the_learners_own(learner):
    text = portfolio.markdown(learner, [examination(built=3)])
    assert f"**3 of {len(COURSE.steps)} steps run my own code.**" in text
    assert re.search(r"on this very code, on \d{4}-\d\d-\d\d\.", text)
    assert "| Setup | Reflect | 3 of 8 | 6 so far | in work |" in text
    assert "| Tensors | Reflect |  |  | not started |" in text


def test_a_complete_module_is_called_complete(learner):
    whole = (check("", "module"), check("", "package"))
    text = portfolio.markdown(learner, [examination(whole=whole)])
    assert "| Setup | Reflect | 8 of 8 | 17 of 17 | complete |" in text


def test_each_step_shows_the_learners_function_and_nothing_else(learner):
    build(learner, SETUP.steps[0])
    text = portfolio.markdown(learner, [examination(built=1)])
    assert '```python\ndef format_bytes(*given):\n    return "mine"\n```' in text
    assert text.count("```python") == 1
    assert f"#### {SETUP.steps[1].title}\n\n`setup.parse_version` is not built yet." in text


def test_each_step_says_whether_it_passes_and_which_stretch_goals_are_open(learner):
    results = (
        result(SETUP.steps[0]),
        result(SETUP.steps[1], goals=("passed", "failed", "waiting")),
        result(SETUP.steps[2], "failed", goals=("waiting",)),
    )
    text = portfolio.markdown(learner, [supervisor.Examination(module=SETUP, steps=results)])
    assert "`setup.format_bytes` passes. Stretch goals: 2 of 2." in text
    assert "passes. Stretch goals: 1 of 3; to go: goal 1; goal 2." in text
    assert "`setup.satisfies` does not pass yet. Stretch goals: 0 of 1; to go: goal 0." in text


def test_what_kept_the_checks_from_running_is_told(learner):
    found = supervisor.Examination(module=SETUP, problem="setup.py *line 3* is no Python.")
    assert r"The checks could not be run: setup.py \*line 3\* is no Python." in portfolio.markdown(
        learner, [found]
    )


@pytest.mark.parametrize("text", ["x = 1\ndef broken(:\n", "x = 1\n", None])
def test_a_file_without_the_function_shows_none(learner, text):
    file = learner.code / "setup.py"
    file.unlink() if text is None else file.write_text(text)
    found = supervisor.Examination(module=SETUP, problem="There is nothing to check.")
    shown = portfolio.markdown(learner, [found])
    assert shown.count("The checks could not be run: There is nothing to check.\n") == 1
    assert shown.count("was not checked.") == len(SETUP.steps)
    assert "```" not in shown


def test_the_journal_stands_with_its_module_in_the_order_of_time(learner):
    keep(
        learner,
        answers={
            "setup.second": answer(kind="reflect", at="2026-03-13T10:00:00Z", rating="partly"),
            "setup.first_one": answer(kind="reflect"),
            "setup.guess": answer(kind="predict", text="", choice="64 elements"),
            "setup.measured": answer(kind="analyze", choice="rows", text=""),
        },
    )
    text = portfolio.markdown(learner, [examination()])
    headings = re.findall(r"^#+ (Refl.*|Pred.*|Meas.*|First.*|Second|Guess)$", text, re.MULTILINE)
    assert headings == [
        "Reflections",
        "First one",
        "Second",
        "Predictions",
        "Guess",
        "Measurements",
        "Measured",
        "Reflect",
    ]
    assert "> Why?\n\nI wrote on 2026-03-13:\n\n> Because.\n\nCompared with" in text
    assert "Compared with the considered answer: I had part of it." in text
    assert "I predicted on 2026-03-12:\n\n> 64 elements" in text
    assert "I concluded on 2026-03-12:\n\n> rows" in text
    assert "4 questions taken up in Setup." in text


def test_an_answer_that_says_little_of_itself_is_still_shown(learner):
    keep(learner, answers={"setup.a": {"text": "x"}, "setup.b": {"choice": "y", "at": "long ago"}})
    text = portfolio.markdown(learner, [examination()])
    assert "#### A\n\nI wrote:\n\n> x" in text
    assert "#### B\n\nI predicted:\n\n> y" in text


def test_a_module_without_an_answer_says_so(learner):
    assert "*No question of this module is answered yet.*" in portfolio.markdown(
        learner, [examination()]
    )


def test_answers_to_modules_that_are_not_started_and_to_other_pages_are_kept(tmp_path):
    fresh = workspace.create(tmp_path / "fresh")
    keep(fresh, answers={"tensors.why": answer(), "guide.how": answer(text="With a pencil.")})
    text = portfolio.markdown(fresh, [])
    tensors, elsewhere = text.partition("## Tensors")[2].split("## Elsewhere in the book")
    assert "### Reflections\n\n#### Why\n" in tensors
    assert "### Code" not in tensors
    assert "With a pencil." in elsewhere


def test_challenges_stand_with_their_medals(learner):
    won = {"ratio": "12.31", "target": "10", "medal": "gold", "at": "2026-03-12T10:00:00Z"}
    keep(learner, scores={"setup.fast-sum": won, "setup.slow": {"ratio": "0.5", "target": "2"}})
    text = portfolio.markdown(learner, [examination()])
    assert "| Fast sum | 12.31 times as fast | 10 | gold | 2026-03-12 |" in text
    assert "| Slow | 0.5 times as fast | 2 | none |  |" in text


def test_a_damaged_journal_is_set_aside_and_told(learner, capsys):
    (learner.home / "work.json").write_text("{")
    assert "No question of this module" in portfolio.markdown(learner, [examination()])
    assert "work-damaged-" in capsys.readouterr().err
    assert len(list(learner.home.glob("work-damaged-*.json"))) == 1


def test_the_portfolio_of_a_real_examination_holds(learner):
    found = supervisor.examine(learner, "setup", whole=False)
    text = portfolio.markdown(learner, [found])
    assert text.count("is not built yet.") == len(SETUP.steps)
    assert "| Setup | Reflect | 0 of 8 | 0 so far | in work |" in text


# The page


def page(learner, **given):
    """The portfolio as HTML."""
    return portfolio.html(learner, [examination(**given)])


def test_the_page_needs_no_other_file_and_runs_nothing(learner):
    keep(learner, answers={"setup.a": answer(text=HOSTILE, asked=HOSTILE)})
    text = page(learner)
    assert "default-src 'none'" in text
    assert not re.search(r"<(script|img|link|iframe)\b|<[^>]*\bsrc=|@import|url\(", text)


def test_raw_html_of_the_learners_stays_text(learner, outline):
    build(learner, SETUP.steps[0], '    return "</code></pre><script>alert(2)</script>"\n')
    keep(learner, answers={"setup.a": answer(text=HOSTILE)})
    text = page(learner)
    assert "<script>alert(1)</script>" in text_of(outline, text)
    assert "<script>alert(2)</script>" in text_of(outline, text)


def text_of(outline, text):
    """The words of the page; its style sheet and its head are left out."""
    return outline(f"<main>{text.partition('<main>')[2].partition('</main>')[0]}</main>").text


def test_no_answer_disturbs_the_order_of_the_headings(learner):
    keep(learner, answers={"setup.a": answer(text=HOSTILE, asked=HOSTILE, rating="whole")})
    text = page(learner)
    levels = [int(level) for level in re.findall(r"<h(\d)", text)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert "Compared with the considered answer: I said as much, or more." in text


def test_a_fence_in_the_learners_code_does_not_end_the_block(learner):
    build(learner, SETUP.steps[0], '    """\n    ```\n    ````\n    """\n    return 1\n')
    text = portfolio.markdown(learner, [examination()])
    assert "`````python\ndef format_bytes" in text
    assert page(learner).count("<pre") == 1


def test_the_page_leads_to_each_module(learner):
    text = page(learner)
    for name, title in (("setup", "Setup"), ("patterns-practised", "Patterns practised")):
        assert f'<a href="#{name}">{title}</a>' in text
        assert f'<h2 id="{name}">{title}</h2>' in text
    assert '<html lang="en">' in text


def colors(scheme):
    """The colours of the style sheet in light or in dark."""
    light, dark = re.findall(r":root \{(.*?)\}", portfolio.STYLE_SHEET.read_text(), re.DOTALL)
    return dict(re.findall(r"--(\w+): (#\w{6});", light if scheme == "light" else dark))


def luminance(color):
    """Relative luminance, as WCAG 2 defines it."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_has_contrast(scheme):
    found = colors(scheme)
    grounds = [luminance(found.pop(name)) for name in ("page", "block")]
    assert found.pop("line")
    for name, color in found.items():
        for ground in grounds:
            dark, light = sorted((luminance(color), ground))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, name
