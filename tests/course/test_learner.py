"""A learner from an empty folder to the end of the course, at the real command in a real terminal.

Everything is asked of the catalogue, so a module that is published later is learned as well.
"""

import ast
import builtins
import json
import re
from collections import Counter

import pexpect
import pytest

from tests.course.terminal import COMMAND, SAVED, Learner
from tinytorch.course import checks, source, syntax
from tinytorch.course.catalog import load_course
from tinytorch.course.files import write_atomically
from tinytorch.course.misconceptions import read_mistakes

COURSE = load_course()
REFLECTION = """
from tinytorch.course import reflect
reflect("{stem}.why", "Why?", considered="Because.", answer="{answer}", rating="partly")
"""


def plain(sentence):
    return " ".join(sentence.replace("**", "").split())


def typed(mistake):
    """A catalogued mistake as a learner types it: the function, and below it what it needs."""
    text = checks.mistakes_file(mistake.step.partition(".")[0]).read_text()
    name = mistake.answer.__name__
    function = syntax.find_function(text, name)
    lines = text.split("\n")
    code = "\n".join(lines[function.lineno - 1 : function.end_lineno])
    below, wanted, known = "", syntax.names_used(code), {name, *dir(builtins)}
    while wanted - known:
        known.add(needed := min(wanted - known))
        statement = syntax.binding(text, needed)
        if statement is not None:
            first = syntax.lines_of(text, statement)[0]
            found = "\n".join(lines[first : statement.end_lineno])
            below, wanted = f"\n{found}\n{below}", wanted | syntax.names_used(found)
    step = COURSE.step(mistake.step)
    return syntax.renamed(code, name, source.locate(step).qualname.rpartition(".")[2]), below


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("learner")


def test_a_learner_goes_from_an_empty_folder_to_the_end_of_the_course(home):
    learner = Learner(home / "work", home / "home")
    assert "tinytorch start setup" in learner.types("progress", code=2)
    meets_the_gate(learner, closed(complete=()))
    for number, module in enumerate(COURSE.published):
        meets_the_gate(learner, closed(complete=COURSE.published[:number])[:1])
        shown = learner.types("next" if number else "start")
        assert COURSE.address(module) in shown
        assert "tinytorch check --watch" in shown
        makes_a_mistake(learner, module)
        works_with_the_watch(learner, module)
        resets_and_restores(learner, module)
        learner.runs(REFLECTION.format(stem=module.stem, answer=f"I built {module.stem}."))
    assert "complete" in learner.types("next")
    shown = learner.types("progress")
    for pattern, count in Counter(module.pattern for module in COURSE.published).items():
        assert re.search(rf"{pattern} {count} questions? taken up", shown)
    damages_the_progress_file(learner)
    takes_the_work_along(learner, home)


def closed(complete):
    """The modules that stand on others than these."""
    needed = {module.stem: COURSE.prerequisites(module.stem) for module in COURSE.published}
    return [m for m in COURSE.published if any(one not in complete for one in needed[m.stem])]


def meets_the_gate(learner, modules):
    """No module opens before those that it stands on are the learner's own."""
    for module in modules:
        shown = learner.types("start", module.stem, code=1)
        assert "tinytorch" in shown
        assert not (learner.folder / "tinytorch" / module.stem).exists()
        assert not (learner.folder / "tinytorch" / f"{module.stem}.py").exists()


def makes_a_mistake(learner, module):
    """A mistake of the catalogue is named, and the gate names the step."""
    step = module.steps[0]
    blank = learner.file(step).read_text()
    mistakes = read_mistakes(checks.mistakes_file(module.stem))
    mistake = next(mistake for mistake in mistakes if mistake.step == step.id)
    function, below = typed(mistake)
    learner.writes(step, function, below=below)
    shown = learner.types("check", code=1)
    assert f"Not yet: {step.id}" in shown
    assert plain(mistake.says) in shown
    name = source.locate(step).qualname
    line = syntax.find_function(learner.file(step).read_text(), name).lineno
    assert f"{learner.file(step).relative_to(learner.folder)}:{line}" in shown
    assert f"{COURSE.address(module, step.anchor)}" in shown
    assert step.id in learner.types("next", code=1)
    for hint in step.hints[:2]:
        assert plain(hint) in learner.types("hint")
    write_atomically(learner.file(step), blank)


def works_with_the_watch(learner, module):
    """The watch answers at every save, and ends with Ctrl-C."""
    first, *others = module.steps
    terminal = learner.begins(COMMAND, "check", "--watch")
    terminal.expect(f"Next to build: {re.escape(first.id)}")
    terminal.expect(SAVED)
    learner.solves(first)
    terminal.expect(rf"{first.name} [^\n]*passed[^\n]*yours")  # benchmarks/command.py: how soon
    terminal.expect(SAVED)
    whole = learner.file(first).read_text()
    learner.file(first).write_text(f"{whole}\ndef half(")
    terminal.expect("line")
    terminal.expect(SAVED)
    learner.file(first).unlink()
    terminal.expect(SAVED)
    learner.file(first).write_text(whole)
    terminal.expect(f"Next to build: {re.escape(others[0].id)}")
    terminal.expect(SAVED)
    for step in others:
        learner.solves(step)
    terminal.expect(f"{module.title} is complete")
    terminal.expect(SAVED)
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    assert "Traceback" not in terminal.before


def resets_and_restores(learner, module):
    """A reset puts the blank back and says where the copy is."""
    step = module.steps[-1]
    solved = learner.file(step).read_text()
    shown = learner.types("reset", step.id)
    assert "raise NotImplementedError" in learner.file(step).read_text()
    folder = learner.folder / re.search(r"kept in (\S+)", shown)[1]
    (copy,) = folder.rglob(learner.file(step).name)
    assert copy.read_text() == solved
    assert f"Next to build: {step.id}" in learner.types("check", module.stem, code=1)
    write_atomically(learner.file(step), copy.read_text())


def damages_the_progress_file(learner):
    """A progress file that nobody can read is set aside, and the checks say what is true."""
    home = learner.folder / ".tinytorch"
    (home / "progress.json").write_text('{"half": ')
    shown = learner.types("progress")
    for module in COURSE.published:
        assert f"{module.title} {len(module.steps)} of {len(module.steps)}" in shown
    assert [path for path in home.glob("progress-*.json") if path.read_text() == '{"half": ']
    assert "damaged" in shown


def takes_the_work_along(learner, home):
    """The portfolio shows it all, and the page's file makes the same workspace elsewhere."""
    learner.types("report", "--to", "portfolio")
    for name in ("portfolio.md", "portfolio.html"):
        text = (learner.folder / "portfolio" / name).read_text()
        assert all(f"I built {module.stem}." in text for module in COURSE.published)
        assert all(step.name in text for step in COURSE.steps)
    learner.types("report", "--export", "work.json")
    work = json.loads((learner.folder / "work.json").read_text())
    assert set(work["pages"]) >= {module.page for module in COURSE.published}
    other = Learner(home / "elsewhere", home / "home")
    shown = other.types("start", "--from", learner.folder / "work.json")
    assert all(f"{module.title} is complete" in shown for module in COURSE.published)
    assert "complete" in other.types("next")
    assert [step.id for step in COURSE.steps if not is_the_same(step, learner, other)] == []


def is_the_same(step, *learners):
    name = source.locate(step).qualname
    one, other = (source.function_text(each.file(step).read_text(), name) for each in learners)
    return ast.dump(syntax.parse(one)) == ast.dump(syntax.parse(other))
