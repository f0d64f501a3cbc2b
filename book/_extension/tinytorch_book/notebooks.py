"""Each chapter as a notebook that reads well in JupyterLab, Binder and Colab.

The executed notebook speaks MyST, which those programs show as raw text. Here the course's
directives become the Markdown that the page shows too, the common MyST forms become plain
Markdown, and a first cell installs the library where it is missing.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nbformat
from docutils import nodes
from sphinx.application import Sphinx

from tinytorch.course.catalog import load_course

from .component import writers
from .repository import BRANCH, repository, site

FOLDER = "notebooks"
NOTEBOOK_BRANCH = "notebooks"  # the publishing workflow pushes the folder there, for Colab

DIRECTIVE = re.compile(
    r"^(?P<fence>```+|:::+)\{(?P<name>[\w-]+)\} *(?P<argument>[^\n]*)\n(?P<body>.*?)^(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
OPTION = re.compile(r"^:(\w[\w-]*): *(.*)\n", re.MULTILINE)
ROLE = re.compile(r"\{(?P<role>[\w:-]+)\}`(?P<text>[^`<]*?)(?: *<[^`]*>)?`")
MARKS = {"math": "$", "term": "*", "doc": "*", "ref": "*"}
ANCHOR = re.compile(r"^\(([\w-]+)\)= *$", re.MULTILINE)
PAGE = re.compile(r"\]\((?:/|\.\./)?((?:[\w-]+/)*[\w-]+)\.md(#[\w-]*)?\)")

INSTALL = """\
# Where tinytorch is missing (Colab, for one), install it first.
import importlib.util

if importlib.util.find_spec("tinytorch") is None:
    %pip install --quiet "tinytorch[learn] @ git+{repository}"
"""


def plain_directive(match: re.Match[str]) -> str:
    """Return a directive as plain Markdown."""
    name, argument = match["name"], match["argument"].strip()
    if name in writers:
        return writers[name](argument)
    body = OPTION.sub("", match["body"]).strip()
    if name in ("figure", "image"):
        alt = dict(OPTION.findall(match["body"])).get("alt", "")
        return f"![{alt}]({argument})\n\n{body}"
    if name in ("math", "code-block", "literalinclude"):
        return f"$$\n{body}\n$$" if name == "math" else f"```{argument}\n{body}\n```"
    title = argument or name.replace("-", " ").capitalize()
    quoted = "\n".join(f"> {line}".rstrip() for line in plain(body).splitlines())
    return f"> **{title}**\n>\n{quoted}"


def plain_role(match: re.Match[str]) -> str:
    """Return a role's text, marked as code unless it is prose or a formula."""
    mark = MARKS.get(match["role"], "`")
    return f"{mark}{match['text']}{mark}"


def plain(text: str) -> str:
    """Return MyST as the plain Markdown that every notebook program shows."""
    text = DIRECTIVE.sub(plain_directive, text)
    text = ANCHOR.sub(r'<a id="\1"></a>', text)
    text = PAGE.sub(lambda page: f"]({site()}{page[1]}.html{page[2] or ''})", text)
    return ROLE.sub(plain_role, text)


def portable(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the notebook in plain Markdown, ready to run where tinytorch is not installed."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source)
    first = nbformat.v4.new_code_cell(INSTALL.format(repository=repository()), id="install")
    notebook.cells.insert(0, first)
    return notebook


def write(app: Sphinx, pagename: str) -> str:
    """Write the page's notebook into the site; return its place there."""
    executed = Path(app.outdir).parent / "jupyter_execute" / f"{pagename}.ipynb"
    place = f"{FOLDER}/{Path(pagename).name}.ipynb"
    target = Path(app.outdir) / place
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(portable(nbformat.read(executed, as_version=4)), target)
    return place


def buttons(place: str, path: str, pathto: Any) -> dict[str, Any]:
    """Return the header's group of ways to open the page as a notebook."""
    owner_and_name = "/".join(repository().split("/")[-2:])
    binder = f"https://mybinder.org/v2/gh/{owner_and_name}/{BRANCH}"
    colab = f"https://colab.research.google.com/github/{owner_and_name}/blob/{NOTEBOOK_BRANCH}"
    ways = [
        ("JupyterLab on Binder", f"{binder}?urlpath={quote(f'lab/tree/{path}')}", "fas fa-flask"),
        ("Colab", f"{colab}/{Path(place).name}", "fas fa-cloud"),
        ("Download .ipynb", pathto(place, 1), "fas fa-download"),
    ]
    links = [
        {"type": "link", "text": text, "tooltip": text, "url": url, "icon": icon}
        for text, url, icon in ways
    ]
    return {
        "type": "group",
        "tooltip": "Open as a notebook",
        "icon": "fas fa-rocket",
        "buttons": links,
        "label": "notebook-buttons",
    }


def add_buttons(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    chapters = {f"modules/{module.chapter}" for module in load_course().published}
    if app.builder.name == "html" and pagename in chapters:
        place = write(app, pagename)
        path = f"{FOLDER}/{Path(place).name}"
        context["header_buttons"].insert(0, buttons(place, path, context["pathto"]))


def setup_notebooks(app: Sphinx) -> None:
    app.connect("html-page-context", add_buttons, priority=600)
