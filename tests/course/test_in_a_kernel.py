"""The engine room inside of a real Jupyter kernel, as in JupyterLab, Binder and Colab."""

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = {
    "stub": """
from tinytorch.course import build, check_module, predict, provenance, reflect
import tinytorch as tt

@build("setup.format_bytes")
def format_bytes(count):
    raise NotImplementedError("Write it.")
""",
    "wrong": """
@build("setup.format_bytes")
def format_bytes(count):
    print("counting", count)
    return {}[count]
""",
    "endless": """
from tinytorch.course import limits
limits.TIME_LIMIT = 0.3

@build("setup.format_bytes")
def format_bytes(count):
    while True:
        pass
""",
    "quits": """
import sys

@build("setup.format_bytes")
def format_bytes(count):
    sys.exit("bye")
""",
    "right": """
limits.TIME_LIMIT = 3.0
units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

@build("setup.format_bytes")
def format_bytes(count):
    if count < 0:
        raise ValueError(f"no size is below zero: {count}")
    if count < 1024:
        return "1 byte" if count == 1 else f"{count} bytes"
    power = 1
    while power < 6 and round(count / 1024**power, 1) >= 1024:
        power += 1
    return f"{count / 1024**power:.1f} {units[power - 1]}"
""",
    "used": "tt.setup.format_bytes is format_bytes",
    "question": "predict('setup.p', 'How *many*?', answer=1, because='so')",
    "module": "check_module('setup')",
}


@pytest.fixture(scope="module")
def outputs():
    """What each cell showed, run one after the other in one kernel."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source.strip()) for source in CELLS.values()],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    NotebookClient(notebook, timeout=300).execute()
    return dict(zip(CELLS, (cell.outputs for cell in notebook.cells), strict=True))


def html(outputs, cell):
    """The one thing that the cell showed, as HTML."""
    (shown,) = outputs[cell]
    assert shown.output_type == "display_data"
    return shown.data["text/html"]


@pytest.mark.parametrize(
    ("cell", "state", "says"),
    [
        ("stub", "unbuilt", "Until then the library uses the reference."),
        ("wrong", "failed", "It happened in line 4 of your code: <code>return {}[count]</code>"),
        ("endless", "failed", "no answer within 0.3 s of computing"),
        ("quits", "failed", "SystemExit: bye"),
        ("right", "passed", "the library uses it from here on"),
    ],
)
def test_a_result_is_shown_in_the_notebook(outputs, cell, state, says):
    shown = html(outputs, cell)
    assert f'data-state="{state}"' in shown
    assert says in shown


def test_printing_is_shown_with_the_failure_and_nowhere_else(outputs):
    assert "counting 1536" in html(outputs, "wrong")


def test_what_passed_is_used_by_the_library(outputs):
    assert outputs["used"][0].data["text/plain"] == "True"


def test_a_question_is_shown_in_the_notebook(outputs):
    assert "How <em>many</em>?" in html(outputs, "question")


def test_a_module_is_checked_in_the_notebook(outputs):
    assert "7 of 8 steps ran the reference" in html(outputs, "module")


def test_plain_text_goes_along_for_readers_without_html(outputs):
    (shown,) = outputs["wrong"]
    assert shown.data["text/plain"].startswith("Not yet. setup.format_bytes:")
