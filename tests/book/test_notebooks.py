"""Chapters leave the book as notebooks that read and run well elsewhere, and cells link names."""

import ast
import re

import nbformat
import pytest

import tinytorch as tt
from book._extension.tinytorch_book import notebooks
from tinytorch.course.catalog import load_course

EVERY_CHAPTER = pytest.mark.parametrize("module", load_course().published, ids=lambda m: m.stem)


def downloaded(site, module):
    """The notebook behind the chapter's download button."""
    page = site.chapter(module)
    address = page.html.select_one("a[href$='.ipynb'][href*='../notebooks/']")["href"]
    return nbformat.read(page.path.parent / address, as_version=4)


@EVERY_CHAPTER
def test_the_chapter_can_be_downloaded_as_a_valid_notebook(site, module):
    notebook = downloaded(site, module)
    nbformat.validate(notebook)
    exercises = [cell for cell in notebook.cells if "exercise" in cell.metadata.get("tags", [])]
    assert len(exercises) == len(module.steps)


@EVERY_CHAPTER
def test_the_notebook_is_plain_markdown(site, module):
    cells = [cell for cell in downloaded(site, module).cells if cell.cell_type == "markdown"]
    left = re.compile(r"^(?:```+|:::+)\{.*|^\([\w-]+\)=.*|\{[\w:-]+\}`.*", re.MULTILINE)
    assert [found for cell in cells for found in left.findall(cell.source)] == []


@EVERY_CHAPTER
def test_the_notebook_starts_by_installing_the_library_where_it_is_missing(site, module):
    first, *_ = downloaded(site, module).cells
    assert first.cell_type == "code"
    assert "%pip install" in first.source
    assert load_course().repository in first.source


@EVERY_CHAPTER
def test_the_chapter_opens_in_binder_colab_and_jupyterlab(site, module):
    links = [link["href"] for link in site.chapter(module).html.select("a[href]")]
    place = f"notebooks/{module.chapter}.ipynb"
    assert [link for link in links if "mybinder.org" in link and link.endswith(f"lab/tree/{place}")]
    assert [link for link in links if "colab.research" in link and link.endswith(place)]


@EVERY_CHAPTER
def test_every_public_name_in_a_cell_leads_to_the_reference(site, module):
    cells = site.chapter(module).article.select(".cell_input pre")
    used, linked = set(), set()
    for cell in cells:
        used |= public_names(cell.get_text())
        linked |= {link["href"].rpartition(".")[2] for link in cell.select("a[href]")}
    assert used
    assert used - linked == set()


def public_names(source):
    """The names of the library that a cell reaches as `tt.name`."""
    plain = "\n".join(line for line in source.splitlines() if not line.startswith("%"))
    return {
        node.attr
        for node in ast.walk(ast.parse(plain))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "tt"
        and callable(getattr(tt, node.attr, None))
    }


@pytest.mark.parametrize(
    ("myst", "markdown"),
    [
        ("(tensors-apply)=", '<a id="tensors-apply"></a>'),
        ("See {term}`strides` and {term}`a view <view>`.", "See *strides* and *a view*."),
        ("Say {py:func}`tt.arange`.", "Say `tt.arange`."),
        ("$x$ or {math}`y`", "$x$ or $y$"),
        ("```{math}\nx = 1\n```", "$$\nx = 1\n$$"),
        ("```{note}\nMind this.\n```", "> **Note**\n>\n> Mind this."),
        (":::{tip} Short\nTwo\n\nlines\n:::", "> **Short**\n>\n> Two\n>\n> lines"),
        ("```python\nx = 1\n```", "```python\nx = 1\n```"),
    ],
)
def test_myst_becomes_plain_markdown(myst, markdown):
    assert notebooks.plain(myst) == markdown


def test_a_link_to_a_page_leads_to_the_published_book(monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/copy")
    link = "[Setup](/modules/00_setup.md#build)"
    assert notebooks.plain(link).endswith("someone.github.io/copy/modules/00_setup.html#build)")
