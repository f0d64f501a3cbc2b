"""Live cells on Binder, against a stand-in that builds from binder/ and speaks its protocol."""

import json
import threading
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from book._publish.build import HERE
from tests.browser.binderhub import BinderHub, Event
from tests.browser.chapter import Chapter
from tests.browser.conftest import Watch
from tests.browser.earlier import SETUP, passed, prefer_own_code, remember
from tests.browser.test_live_cells import SOLUTION, STEP

REPOSITORY = "tinytorch/tinytorch"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BinderHub]:
    """A hub that has built nothing yet."""
    hub = BinderHub(HERE.root, tmp_path_factory.mktemp("binderhub"))
    threading.Thread(target=hub.serve_forever).start()
    yield hub
    hub.stop()


@pytest.fixture
def visit(page: Page, watch: Watch) -> Iterator[Chapter]:
    """A page that asks nobody but this machine."""
    yield Chapter(page)
    assert watch.third_parties == []


def open_chapter(visit: Chapter, hub: BinderHub, address: str, ref: str) -> None:
    """Open chapter 1 for a reader whose Binder is the stand-in, and press the button."""
    binder = {"binderUrl": hub.address, "repo": REPOSITORY, "ref": ref}
    visit.page.add_init_script(f"window.tinytorchLive = {json.dumps({'binder': binder})}")
    visit.open(f"{address}modules/01_tensors.html")
    visit.page.locator("#tt-live-kernel").select_option("binder")
    visit.page.locator("#tt-live-start").click()


def events_of(hub: BinderHub, ref: str, accept: str = "text/event-stream") -> list[Event]:
    """Read the stream of a build as a client does, to its last event."""
    address = f"{hub.address}/build/gh/{REPOSITORY}/{ref}"
    request = urllib.request.Request(address, headers={"Accept": accept})
    events = []
    with urllib.request.urlopen(request, timeout=600) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        for line in stream:
            if line.startswith(b"data: "):
                events.append(json.loads(line[6:]))
                if events[-1].get("phase") in ("ready", "failed"):
                    return events
    raise AssertionError("the stream ended before the server was ready")


def test_a_reader_builds_runs_and_solves_on_binder(visit, hub, address, watch):
    remember(visit.page, address, {SETUP.page: passed(SETUP.steps[:2])})
    prefer_own_code(visit.page)
    open_chapter(visit, hub, address, "main")
    visit.wait("starting")
    log = visit.page.locator("#tt-live-log")
    expect(visit.panel).to_contain_text("Binder: building")
    expect(log).to_contain_text("Successfully installed", timeout=600_000)
    expect(log).to_contain_text("Launching server...", timeout=300_000)
    visit.wait("ready")
    carried = visit.page.locator("#tt-carried-result summary")
    expect(carried).to_have_text("2 of 8 steps of Setup run your code.")
    exercise = visit.exercise(STEP)
    exercise.write(SOLUTION)
    exercise.run()
    expect(exercise.result).to_have_attribute("data-state", "passed")
    cell = visit.cell(1)
    cell.write("import os, sys; print(sys.prefix, os.getcwd())")
    cell.run()
    built = hub.folder / "main"
    expect(cell.output).to_have_text(f"{built / 'image'} {built / 'checkout'}")
    stream = f"{hub.address}/build/gh/{REPOSITORY}/main"
    assert set(watch.errors) <= {f"failed: {stream}"}  # the page hangs up when the server is ready


def test_a_second_reader_gets_the_image_that_was_built(hub):
    events = events_of(hub, "main")
    assert [event["phase"] for event in events if event["phase"] != "launching"] == [
        "built",
        "ready",
    ]
    assert (hub.folder / "main" / "checkout" / "notebooks" / "01_tensors.ipynb").exists()


def test_a_failed_build_shows_what_happened_and_offers_the_browser(visit, hub, address):
    open_chapter(visit, hub, address, "broken")
    visit.wait("failed")
    expect(visit.problem).to_contain_text("pip install -r binder/requirements.txt")
    expect(visit.page.locator("#tt-live-log")).to_contain_text("no-such-list.txt")
    visit.problem.get_by_role("button", name="This browser").click()
    visit.wait("ready")
    cell = visit.cell(1)
    cell.write("print('still here')")
    cell.run()
    expect(cell.output).to_have_text("still here")


def test_a_binder_that_does_not_answer_is_said_to_be_lost(visit, hub, address):
    nobody = BinderHub(hub.repository, hub.folder)
    nobody.server_close()
    open_chapter(visit, nobody, address, "main")
    visit.wait("failed")
    expect(visit.problem).to_contain_text(nobody.address)
    expect(visit.problem.get_by_role("button", name="This browser")).to_be_visible()
