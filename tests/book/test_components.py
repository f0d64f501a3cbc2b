"""The components by themselves: what they write, what they read, and how they refuse."""

import io
import re

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from book._extension.tinytorch_book import (
    linked_names,
    module_checks,
    module_overview,
    repository,
    source,
    step_hints,
)
from tinytorch.course.catalog import COURSE_FILE, load_course

COURSE = load_course()
LATER = next(module.stem for module in COURSE.modules if not module.published)
CONFIGURATION = """
import importlib

extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath"]
html_math_renderer = "mathml"
components = [
    "course_map", "formulas", "learning_pattern", "module_checks", "module_overview",
    "source", "step_hints", "step_solution", "success_indicators",
]


def setup(app):
    for name in components:
        module = importlib.import_module(f"book._extension.tinytorch_book.{name}")
        getattr(module, f"setup_{name}")(app)
"""

ORPHAN = "---\norphan: true\n---\n# {}\n"


class Book:
    """A book of one page."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "modules").mkdir()
        for module in COURSE.published:
            (folder / "modules" / f"{module.chapter}.md").write_text(ORPHAN.format(module.title))

    def build(self, page):
        """Build the page; return its HTML, the warnings, and the files it was made from."""
        (self.folder / "index.md").write_text(f"# Page\n\n{page}\n")
        (self.folder / "conf.py").write_text(CONFIGURATION)
        warnings, out = io.StringIO(), self.folder / "out"
        with docutils_namespace():
            app = Sphinx(self.folder, self.folder, out, out, "html", status=None, warning=warnings)
            app.build()
        html = (out / "index.html").read_text()
        return html, warnings.getvalue(), app.env.dependencies["index"]


@pytest.fixture
def book(tmp_path):
    """A book of one page, beside chapters that hold no more than their titles."""
    return Book(tmp_path)


@pytest.mark.parametrize(
    ("directive", "argument", "says"),
    [
        ("learning-pattern", "tensor", "no module is called 'tensor'; did you mean 'tensors'?"),
        ("module-overview", "tensor", "no module is called 'tensor'"),
        ("module-checks", "tensor", "no module is called 'tensor'"),
        ("module-checks", LATER, f"module '{LATER}' has no tests/package/test_{LATER}.py"),
        ("step-hints", "tensors.aply", "no step is called 'tensors.aply'"),
        ("step-solution", "tensors.aply", "no step is called 'tensors.aply'"),
        ("success-indicators", "Refect", "did you mean 'Reflect'?"),
        ("source", "tensors.aply", "no object 'tensors.aply' in the package"),
        ("source", "tensors", "no object 'tensors' in the package"),
    ],
)
def test_an_unknown_name_fails_the_build_and_says_where(book, directive, argument, says):
    _, warnings, _ = book.build(f"```{{{directive}}} {argument}\n```")
    assert f"{directive}: " in warnings
    assert says in warnings
    assert "index.md:3" in warnings


@pytest.mark.parametrize(
    ("directive", "argument", "marks"),
    [
        ("learning-pattern", "tensors", ["Build → Use → Reflect", "Pattern choice", "Rationale"]),
        ("module-overview", "tensors", ["<svg", "PyTorch", "TensorFlow", "about 3 h"]),
        ("module-checks", "setup", ["Package tests", "Module tests", "Unlocks next"]),
        ("step-hints", "tensors.apply", ["<summary>Hint 1 of "]),
        ("step-solution", "tensors.apply", ["Reference solution", "tinytorch/tensors"]),
        ("success-indicators", "Analyze", ["Can measure and interpret system characteristics"]),
        ("source", "tensors.Tensor.permute", ["highlight-python", "tinytorch/tensors"]),
        ("course-map", "", ["planned", "Distributed"]),
    ],
)
def test_a_component_renders_and_notes_what_it_read(book, directive, argument, marks):
    html, warnings, read = book.build(f"```{{{directive}}} {argument}\n```")
    assert warnings == ""
    assert [mark for mark in marks if mark not in html] == []
    assert str(COURSE_FILE) in read


def test_checks_are_read_again_when_their_files_change(book):
    _, _, read = book.build("```{module-checks} setup\n```")
    assert {str(module_checks.test_file(suite, "setup")) for suite in module_checks.SUITES} <= read


@pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.id)
def test_every_hint_lies_inside_of_the_one_before(step):
    text = step_hints.step_hints(step.id)
    assert text.count("<details") == text.count("</details>") == len(step.hints)
    assert text.index("</details>") > text.rindex("<details")


@pytest.mark.parametrize("module", COURSE.published, ids=lambda module: module.stem)
def test_every_check_of_a_module_is_listed_as_a_sentence(module):
    listed = module_checks.module_checks(module.stem)
    checks = list(module_checks.gather(module.stem))
    assert {check.step for check in checks} <= {None, *(step.id for step in module.steps)}
    for suite in module_checks.SUITES:
        for step in module.steps:
            assert [c for c in checks if c.step == step.id and c.suite == suite], (suite, step.id)
    for check in checks:
        assert f"\n- {check.sentence}\n" in listed
        assert "_" not in check.sentence


@pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.id)
def test_a_solution_is_the_whole_definition_of_its_target(step):
    found = source.excerpt(step.target)
    name = step.target.rpartition(".")[2]
    assert f"def {name}(" in found.text
    assert found.text == "\n".join(
        found.path.read_text().splitlines()[found.first - 1 : found.last]
    )


def test_the_link_to_a_source_counts_its_lines():
    assert re.search(r"setup\.py, line \d+</a>", source.excerpt("setup.MISSING").link)
    assert re.search(r"setup\.py, lines \d+ to \d+</a>", source.excerpt("setup.Difference").link)


def test_the_source_of_a_method_is_moved_to_the_margin():
    assert (
        "\ndef permute(self" in f"\n{source.dedent(source.excerpt('tensors.Tensor.permute').text)}"
    )


def test_a_formula_is_mathml_and_needs_no_script(book):
    html, warnings, _ = book.build("$a_i$\n\n$$\n\\sum_k a_k\n$$ (total)\n\nSee {eq}`total`.")
    assert warnings == ""
    assert html.count("<math") == 2
    assert '<span class="eqno">(1)' in html
    assert "mathjax" not in html.lower().replace("mathjax_ignore", "").replace(
        "mathjax_process", ""
    )


def test_a_formula_that_cannot_be_read_fails_the_build(book):
    html, warnings, _ = book.build("$\\nonsense{x}$")
    assert "cannot read the formula" in warnings
    assert "<code>" in html


def test_a_fork_links_to_itself(monkeypatch):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    assert repository.repository() == COURSE.repository
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/copy")
    assert repository.site() == "https://someone.github.io/copy/"
    assert repository.source_url("a.py", 1, 2).startswith("https://github.com/someone/copy/blob/")


@pytest.mark.parametrize(
    ("written", "documented"),
    [
        ("tinytorch.arange", "tinytorch.tensors.arange"),
        ("tinytorch.Tensor.permute", "tinytorch.tensors.Tensor.permute"),
        ("tinytorch.manual_seed", "tinytorch.setup.manual_seed"),
    ],
)
def test_a_name_leads_to_where_it_is_documented(written, documented):
    assert dict(linked_names.aliases())[written] == documented


def test_hours_are_written_as_people_say_them():
    assert [module_overview.hours(minutes) for minutes in (45, 60, 90)] == [
        "45 min",
        "1 h",
        "1 h 30 min",
    ]


LINKED = """
from book._extension.tinytorch_book import linked_names

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_codeautolink"]
setup = linked_names.setup_linked_names
"""
REFERENCE = (
    "# API\n\n```{eval-rst}\n.. automodule:: tinytorch.setup\n   :members: format_bytes\n```\n"
)
ROOT = """\
# Page

```python
import tinytorch as tt
tt.format_bytes(1)
```

```{toctree}
other
```
"""


def test_names_stay_linked_when_only_another_page_changes(tmp_path):
    (tmp_path / "conf.py").write_text(LINKED)
    (tmp_path / "index.md").write_text(ROOT)
    for text in ("Before", "After"):
        (tmp_path / "other.md").write_text(REFERENCE + f"\n{text}\n")
        with docutils_namespace():
            out = tmp_path / "out"
            Sphinx(tmp_path, tmp_path, out, out, "html", status=None, warning=None).build()
        assert text in (out / "other.html").read_text()
        assert 'other.html#tinytorch.setup.format_bytes"' in (out / "index.html").read_text()
