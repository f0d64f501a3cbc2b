"""Real Chromium on the real book, served from a sub-path as GitHub Pages serves it."""

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    Request,
    Response,
    expect,
    sync_playwright,
)

from book._publish.build import HERE, build
from tests.browser.chapter import Chapter

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
]
FOLDER = "/course/"
PATIENCE = 180_000  # milliseconds, for the slowest of continuous integration
NO_CHROMIUM = (
    "These tests need Chromium. Get one with `apt-get install chromium` or "
    "`python -m playwright install chromium`, or name one in the variable CHROMIUM."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--site", type=Path, help="test this built site instead of building the book")


def find_chromium(playwright: Playwright) -> str:
    """Return the Chromium of this machine; there is no test of the pages without one."""
    named = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    found = named or playwright.chromium.executable_path
    if not Path(found).exists():
        pytest.fail(NO_CHROMIUM, pytrace=False)
    return found


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Path:
    """The folder of the built book, brought up to date."""
    given: Path | None = request.config.getoption("--site")
    if given:
        return given
    build(lambda stage, detail, fraction: None)
    return HERE.site


class _Files(http.server.SimpleHTTPRequestHandler):
    """Serve the site below FOLDER and nothing beside it."""

    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",
        ".wasm": "application/wasm",
    }

    def translate_path(self, path: str) -> str:
        inside = path.startswith(FOLDER)
        return super().translate_path(path.removeprefix(FOLDER) if inside else "/nothing-here")

    def log_message(self, *arguments: object) -> None:
        """Stay silent."""


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the book is served: http://127.0.0.1:PORT/course/."""
    handler = functools.partial(_Files, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}{FOLDER}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    with sync_playwright() as playwright:
        executable = find_chromium(playwright)
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A reader who has never been here."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield context
    context.close()


class Watch:
    """What a page must not do: report errors, or ask another host for anything."""

    def __init__(self, page: Page, *allowed: str) -> None:
        self.allowed = {"127.0.0.1", *allowed}
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("response", self._refuse_errors)
        page.on("requestfailed", self._refuse_failures)

    def _note(self, kind: str, text: str) -> None:
        if kind == "error":
            self.errors.append(text)

    def _refuse_failures(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the reader left before it arrived
            self.errors.append(f"failed: {request.url}: {request.failure}")

    def _refuse_errors(self, response: Response) -> None:
        if response.status >= HTTPStatus.BAD_REQUEST:
            self.errors.append(f"{response.status}: {response.url}")

    @property
    def third_parties(self) -> list[str]:
        """Requests that left the book's own host."""
        parts = [(url, urlsplit(url)) for url in self.requests]
        return [url for url, part in parts if part.hostname and part.hostname not in self.allowed]


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty page."""
    return context.new_page()


@pytest.fixture
def watch(page: Page) -> Watch:
    """A witness of everything that the page does."""
    return Watch(page)


@pytest.fixture
def chapter(page: Page, watch: Watch, address: str) -> Iterator[Chapter]:
    """Chapter 1; whatever the test does there, nothing may go wrong behind the scenes."""
    chapter = Chapter(page)
    chapter.open(f"{address}modules/01_tensors.html")
    yield chapter
    assert watch.errors == []
    assert watch.third_parties == []
