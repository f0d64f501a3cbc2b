"""Live cells: the launcher's script and style, and what a page must know before it starts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.application import Sphinx

from tinytorch.course.catalog import load_course

from .repository import BRANCH, repository

BINDER = "https://mybinder.org"
SCRIPTS = Path("_static") / "js"
START = "launcher.js"


def settings(app: Sphinx) -> dict[str, Any]:
    """Return what book/_static/js/settings.js reads from the page."""
    return {
        "browser": (Path(app.srcdir) / "_static" / "live" / "manifest.json").is_file(),
        "binder": {
            "binderUrl": BINDER,
            "repo": urlsplit(repository()).path.strip("/"),
            "ref": BRANCH,
        },
        "course": list(chapters()),
    }


def chapters() -> Iterator[dict[str, Any]]:
    """Yield what book/_static/js/course.js knows of each published module."""
    course = load_course()
    for module in course.published:
        yield {
            "stem": module.stem,
            "title": module.title,
            "page": module.page,
            "needs": [needed.stem for needed in course.prerequisites(module.stem)],
            "steps": {step.id: step.title for step in module.steps},
        }


def add_to_head(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Write the settings into the page, as data that no browser runs, and name the modules.

    A module that is named here is fetched at once and not only when another one imports it.
    """
    data = json.dumps(settings(app), ensure_ascii=False).replace("<", "\\u003c")
    lines = [f'<script type="application/json" id="tinytorch-live">{data}</script>']
    for script in sorted((Path(app.srcdir) / SCRIPTS).glob("*.js")):
        if script.name != START:
            address = context["pathto"]((SCRIPTS / script.name).as_posix(), resource=True)
            lines.append(f'<link rel="modulepreload" href="{address}">')
    context["metatags"] = context.get("metatags", "") + "\n".join(lines) + "\n"


def setup_live(app: Sphinx) -> None:
    app.add_css_file("css/live.css", priority=900)
    app.add_css_file("css/path.css", priority=900)
    # The page is painted when the launcher has put its parts in place: nothing moves afterwards.
    app.add_js_file(f"js/{START}", type="module", blocking="render")
    app.connect("html-page-context", add_to_head)
