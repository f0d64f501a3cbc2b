"""Where the course is published: every link to its source and its site starts here.

The address stands once, in course.toml; a fork's continuous integration names its own
through GITHUB_REPOSITORY, so that its book links to itself.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from sphinx.application import Sphinx
from sphinx.config import Config

from tinytorch.course.catalog import Module, load_course, site_of

ROOT = Path(__file__).resolve().parents[3]
BRANCH = "main"


def repository() -> str:
    """Return the address of the repository."""
    fork = os.environ.get("GITHUB_REPOSITORY")
    if fork:
        return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{fork}"
    return load_course().repository


def site() -> str:
    """Return the address of the published book, with a slash at the end."""
    return site_of(repository())


def source_url(path: str, first: int, last: int) -> str:
    """Return the address of some lines of a source file."""
    return f"{repository()}/blob/{BRANCH}/{path}#L{first}-L{last}"


def chapter_link(module: Module) -> str:
    """Return the module's title, linked to its chapter once that is published."""
    return f"[{module.title}](/modules/{module.chapter}.md)" if module.published else module.title


def configure(app: Sphinx, config: Config) -> None:
    """Give the theme and the publishing extensions the one address."""
    config.html_baseurl = config.ogp_site_url = site()
    config.notfound_urls_prefix = urlsplit(site()).path
    config.html_theme_options |= {
        "repository_url": repository(),
        "repository_branch": BRANCH,
        "path_to_docs": "book",
        "repository_provider": "github",
        "use_repository_button": True,
        "use_issues_button": True,
        "use_edit_page_button": True,
    }


def setup_repository(app: Sphinx) -> None:
    app.connect("config-inited", configure, priority=100)
