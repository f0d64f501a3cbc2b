"""Live cells: the launcher's script and style, and what a page must know before it starts."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.application import Sphinx

from .repository import BRANCH, repository

BINDER = "https://mybinder.org"


def settings(app: Sphinx) -> dict[str, Any]:
    """Return what book/_static/js/settings.js reads from the page."""
    return {
        "browser": (Path(app.srcdir) / "_static" / "live" / "manifest.json").is_file(),
        "binder": {
            "binderUrl": BINDER,
            "repo": urlsplit(repository()).path.strip("/"),
            "ref": BRANCH,
        },
    }


def add_settings(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Write the settings into the page, as data that no browser runs."""
    data = json.dumps(settings(app)).replace("<", "\\u003c")
    script = f'<script type="application/json" id="tinytorch-live">{data}</script>\n'
    context["metatags"] = context.get("metatags", "") + script


def setup_live(app: Sphinx) -> None:
    app.add_css_file("css/live.css", priority=900)
    app.add_js_file("js/launcher.js", type="module")
    app.connect("html-page-context", add_settings)
