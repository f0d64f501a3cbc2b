"""The book's style sheets, in reading order.

Jupyter Book would load every script and sheet below _static on every page, the browser
kernel's included; a page loads what the extension names and nothing else.
"""

from sphinx.application import Sphinx
from sphinx.config import Config

SHEETS = ("type.css", "page.css", "course.css", "print.css")


def only_what_is_named(app: Sphinx, config: Config) -> None:
    config.html_css_files = []
    config.html_js_files = []


def setup_style(app: Sphinx) -> None:
    app.add_config_value("comments_config", {}, "")  # Jupyter Book sets it for an extension we drop
    app.connect("config-inited", only_what_is_named, priority=100)
    for sheet in SHEETS:
        app.add_css_file(f"css/{sheet}", priority=900)
