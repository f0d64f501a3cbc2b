"""Every chapter, run from top to bottom in a real kernel: solved, and answered by mistakes.

As published it runs when the book is built, and `tests/book/test_anatomy.py` reads what came of it.
"""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tinytorch.course import catalog, checks, stubs
from tinytorch.course.misconceptions import read_mistakes

COURSE = catalog.load_course()
REPOSITORY = Path(__file__).parents[2]
EVERY_CHAPTER = pytest.mark.parametrize("module", COURSE.published, ids=lambda module: module.stem)

READ_A_MISTAKE = """
from pathlib import Path
from tinytorch.course.misconceptions import read_mistakes
build({step!r})(read_mistakes(Path({path!r}))[{place}].answer);
"""


def cells(module):
    """Source and tags of each code cell of the chapter."""
    chapter = REPOSITORY / "book" / "modules" / f"{module.chapter}.md"
    for match in stubs.CELL.finditer(chapter.read_text(encoding="utf-8")):
        yield match["code"].strip(), re.findall(r"[\w-]+-[\w-]+|exercise", match["options"])


def run(module, answer):
    """Execute the chapter with each exercise answered; the results by step, and the last one."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    for source, tags in cells(module):
        found = stubs.EXERCISE.search(source)
        code = answer(COURSE.step(found["step"])) if found else source
        notebook.cells.append(nbformat.v4.new_code_cell(code, metadata={"tags": tags}))
    place = {"metadata": {"path": str(REPOSITORY)}}
    NotebookClient(notebook, timeout=600, resources=place).execute()
    shown = [
        output.data["text/html"]
        for cell in notebook.cells
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]
    return dict(found for html in shown if (found := result(html)))


def result(html):
    """Subject, state and HTML of a result, if it is one."""
    subject = re.search(r'<div class="tt-result[^>]*data-(?:step|module)="([^"]+)"', html)
    state = re.search(r'data-state="(\w+)"', html)
    return (subject[1], (state[1], html)) if subject else None


def states(results):
    """The state of each result."""
    return {subject: state for subject, (state, _) in results.items()}


@EVERY_CHAPTER
def test_solved_every_step_and_the_module_pass(module, solved):
    results = run(module, solved)
    expected = [*(step.id for step in module.steps), module.stem]
    assert states(results) == dict.fromkeys(expected, "passed")
    assert "is complete" in results[module.stem][1]


@EVERY_CHAPTER
def test_answered_by_mistakes_every_step_fails_with_its_explanation_and_the_page_runs_on(module):
    path = checks.mistakes_file(module.stem)
    steps = [mistake.step for mistake in read_mistakes(path)]

    def answer(step):
        source = READ_A_MISTAKE
        return source.format(step=step.id, path=str(path), place=steps.index(step.id))

    results = run(module, answer)
    assert [
        step.id
        for step in module.steps
        if results[step.id][0] != "failed" or "tt-misconception" not in results[step.id][1]
    ] == []
    assert results[module.stem][0] == "unbuilt"
