"""Time the browser kernel: from the press of the button to the first result.

    python benchmarks/live_launch.py [--rounds 3] [--site _build/html]

Cold is a browser that has never seen the site; warm is the same browser after a reload, its cache
filled. The site is served from this machine, so the times are those of a fast network; the bytes
say what a slow one has to carry.
"""

import argparse
import functools
import http.server
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, Playwright, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.browser.conftest import FLAGS, find_chromium

CHAPTER = "modules/01_tensors.html"
PATIENCE = 120_000  # milliseconds


@dataclass(frozen=True)
class Launch:
    """One launch: seconds after the press, and the bytes that crossed the network."""

    ready: float
    result: float
    bytes: int


class CountingHandler(http.server.SimpleHTTPRequestHandler):
    """Serve files as a static host does, and count what is sent."""

    protocol_version = "HTTP/1.1"
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",
        ".wasm": "application/wasm",
    }
    sent = 0

    def end_headers(self) -> None:
        """Let browsers keep files for ten minutes, as GitHub Pages does."""
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()

    def copyfile(self, source: object, outputfile: object) -> None:
        """Send a file and add its size to the count."""
        before = source.tell()  # type: ignore[attr-defined]
        super().copyfile(source, outputfile)  # type: ignore[arg-type]
        CountingHandler.sent += source.tell() - before  # type: ignore[attr-defined]

    def log_message(self, *arguments: object) -> None:
        """Stay silent."""


def launch(page: Page) -> Launch:
    """Press the button, run the first cell, and wait for its output."""
    CountingHandler.sent = 0
    start = time.perf_counter()
    page.locator("#tt-live-start").click()
    page.wait_for_selector('#tt-live[data-state="ready"]', timeout=PATIENCE)
    ready = time.perf_counter() - start
    page.locator('div.cell[data-cell="1"] .tt-cell-run').click()
    page.wait_for_selector('div.cell[data-cell="1"][data-state="done"]', timeout=PATIENCE)
    return Launch(ready, time.perf_counter() - start, CountingHandler.sent)


def measure(playwright: Playwright, address: str) -> tuple[Launch, Launch]:
    """Return a cold launch and a warm one, by a browser with a cache on disk."""
    with tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=find_chromium(playwright), args=FLAGS
        )
        page = context.new_page()
        page.goto(address, wait_until="networkidle")
        cold = launch(page)
        page.goto("about:blank")
        page.goto(address, wait_until="networkidle")
        warm = launch(page)
        context.close()
    return cold, warm


def report(name: str, launches: list[Launch]) -> None:
    """Print the medians of some launches."""
    ready = statistics.median(one.ready for one in launches)
    result = statistics.median(one.result for one in launches)
    size = statistics.median(one.bytes for one in launches)
    print(f"{name:<6}{ready:8.2f} s {result:14.2f} s {size / 1e6:12.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--site", type=Path, default=Path("_build/html"))
    options = parser.parse_args()
    handler = functools.partial(CountingHandler, directory=str(options.site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        address = f"http://127.0.0.1:{server.server_port}/{CHAPTER}"
        rounds = [measure(playwright, address) for _ in range(options.rounds)]
    print(f"{'':<6}{'kernel ready':>10} {'first result':>14} {'transferred':>15}")
    report("cold", [cold for cold, _ in rounds])
    report("warm", [warm for _, warm in rounds])


if __name__ == "__main__":
    main()
