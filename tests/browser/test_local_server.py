"""`make serve`: the book and a Jupyter server beside it, for this machine and this page alone."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import pytest
from playwright.sync_api import Page, expect

from book._publish.build import HERE
from tests.browser.chapter import Chapter
from tests.browser.conftest import Watch
from tests.browser.earlier import SETUP, passed, prefer_own_code, remember
from tests.browser.test_live_cells import COLUMN_MAJOR, SOLUTION, STEP
from tests.course.processes import has_ended, wait_for

META = re.compile(r'<meta name="tinytorch-server" content="([^"]*)">')


@dataclass
class Served:
    """What `make serve` started: the book, and the Jupyter server that its pages know."""

    process: subprocess.Popen[str]
    address: str
    jupyter: str
    token: str

    @property
    def descendants(self) -> list[psutil.Process]:
        """Every process that it started, kernels included."""
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def serve(*options: str) -> Iterator[Served]:
    """Run the command of `make serve`."""
    command = [sys.executable, "-m", "book._publish.serve", "--no-open", "--port", "8900"]
    process = subprocess.Popen(
        [*command, *options], cwd=HERE.root, stdout=subprocess.PIPE, text=True
    )
    try:
        said = iter(process.stdout or ())
        address = next(m[1] for line in said if (m := re.search(r"(http://\S+)/ \(", line)))
        page = urllib.request.urlopen(f"{address}/index.html", timeout=60).read().decode()
        known = json.loads(META.search(page)[1].replace("&quot;", '"'))
        yield Served(process, address, known["baseUrl"], known["token"])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.fixture(scope="module")
def served(site) -> Iterator[Served]:
    """One server for the tests that do not stop it."""
    with serve("--no-build") as served:
        yield served


def ask(address: str, method: str = "GET", **headers: str) -> int:
    """Return the status of an answer."""
    data = b"{}" if method == "POST" else None
    request = urllib.request.Request(address, data, headers, method=method)
    try:
        return urllib.request.urlopen(request, timeout=60).status
    except urllib.error.HTTPError as refusal:
        return refusal.code


def listens(address: str) -> bool:
    """Return whether anything answers there."""
    host, port = address.removeprefix("http://").rstrip("/").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def start_kernel(served: Served) -> None:
    authorized = {"Authorization": f"token {served.token}"}
    assert ask(f"{served.jupyter}api/kernels", "POST", **authorized) == 201


def test_the_jupyter_server_asks_for_its_token(served):
    kernels = f"{served.jupyter}api/kernels"
    assert ask(kernels) == 403
    assert ask(f"{kernels}?token=guess") == 403
    assert ask(kernels, "POST", Origin=served.address) == 403
    assert ask(f"{kernels}?token={served.token}") == 200


def test_both_listen_on_loopback_only(served):
    processes = [psutil.Process(served.process.pid), *served.descendants]
    sockets = [c for process in processes for c in process.net_connections("tcp")]
    assert {c.laddr.ip for c in sockets if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


def test_a_start_with_nothing_changed_is_up_within_five_seconds(site):
    with serve() as served:
        assert ask(f"{served.address}/") == 200
        family = [psutil.Process(served.process.pid), *served.descendants]
        computed = sum(sum(one.cpu_times()[:4]) for one in family)  # and by those that have ended
        assert computed < 5


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_running(site, how):
    with serve("--no-build") as served:
        start_kernel(served)
        started = served.descendants
        assert len(started) >= 2  # the Jupyter server and its kernel
        served.process.send_signal(how)
        served.process.wait(60)
        wait_for(lambda: all(has_ended(process.pid) for process in started))
        assert not listens(served.jupyter)


def test_a_page_of_another_origin_gets_nothing_even_with_the_token(served, address, page: Page):
    page.goto(address)
    kernels = f"{served.jupyter}api/kernels?token={served.token}"
    asked = "url => fetch(url).then(answer => answer.status, failure => failure.name)"
    assert page.evaluate(asked, kernels) == "TypeError"
    assert page.evaluate(asked, f"{served.address}/index.html") == "TypeError"
    page.goto(f"{served.address}/")
    assert page.evaluate(asked, kernels) == 200


@pytest.fixture
def chapter(page: Page, watch: Watch, served: Served) -> Iterator[Chapter]:
    """Chapter 1 as `make serve` shows it, live on the Jupyter server beside it."""
    chapter = Chapter(page)
    chapter.open(f"{served.address}/modules/01_tensors.html")
    chapter.launch("local")
    yield chapter
    assert watch.errors == []
    assert watch.third_parties == []


def test_a_cell_runs_in_the_virtual_environment_of_the_checkout(chapter):
    cell = chapter.cell(1)
    cell.write("import sys, tinytorch; print(sys.executable, tinytorch.__file__)")
    cell.run()
    library = HERE.root / "tinytorch" / "__init__.py"
    expect(cell.output).to_have_text(f"{sys.executable} {library}")


def test_an_exercise_is_solved_on_the_local_server(chapter):
    exercise = chapter.exercise(STEP)
    exercise.write(COLUMN_MAJOR)
    exercise.run()
    expect(exercise.result).to_have_attribute("data-state", "failed")
    expect(exercise.result.locator(".tt-misconception").first).to_contain_text("column-major")
    exercise.write(SOLUTION)
    exercise.run()
    expect(exercise.result).to_have_attribute("data-state", "passed")


def test_the_local_server_runs_on_code_of_earlier_chapters(chapter, served):
    page = chapter.page
    remember(page, f"{served.address}/", {SETUP.page: passed(SETUP.steps[:2])})
    prefer_own_code(page)
    chapter.open(f"{served.address}/modules/01_tensors.html")
    chapter.launch("local")
    headline = page.locator("#tt-carried-result summary")
    expect(headline).to_have_text("2 of 8 steps of Setup run your code.")
    whose = "from tinytorch.course.install import provenance_of\n"
    cell = chapter.cell(1)
    cell.write(whose + 'print(provenance_of("setup.format_bytes"))')
    cell.run()
    expect(cell.output).to_have_text("yours")
    page.locator("#tt-carried").uncheck()
    expect(chapter.status).to_contain_text("Restarted")
    expect(headline).to_be_hidden()
    cell.run()
    expect(cell.output).to_have_text("reference")


def test_an_infinite_loop_is_interrupted_and_variables_are_kept(chapter):
    cell = chapter.cell(1)
    cell.write("kept = 42\nwhile True:\n    pass")
    cell.start()
    cell.wait("running")
    chapter.stop()
    cell.write("print(kept)")
    cell.run()
    expect(cell.output).to_have_text("42")
