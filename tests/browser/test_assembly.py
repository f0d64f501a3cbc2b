"""The browser kernel as it is assembled: whole, genuine, or refused in one sentence."""

import hashlib
import io
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from book._publish.build import HERE

SOURCES = HERE.root / "book" / "_live"


@pytest.fixture
def assemble(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that assembles."""
    monkeypatch.syspath_prepend(str(SOURCES))
    import assemble

    return assemble


@pytest.fixture
def live(site: Path) -> Path:
    """The kernel inside the built book."""
    return site / "_static" / "live"


def test_every_file_of_the_manifest_is_in_the_book(live: Path) -> None:
    manifest = json.loads((live / "manifest.json").read_text())
    sizes = {name: (live / name).stat().st_size for name in manifest["files"]}
    assert sizes == manifest["files"]


def test_the_lock_describes_the_wheels_beside_it(live: Path) -> None:
    packages = json.loads((live / "pyodide" / "pyodide-lock.json").read_text())["packages"]
    for entry in packages.values():
        wheel = (live / "pyodide" / entry["file_name"]).read_bytes()
        assert hashlib.sha256(wheel).hexdigest() == entry["sha256"]
        assert set(entry["depends"]) <= set(packages)


def test_nothing_is_left_to_resolve_at_run_time(live: Path) -> None:
    named = json.loads((live / "manifest.json").read_text())["packages"]
    asked_for = {"ssl", "sqlite3", "ipykernel", "comm", "pyodide-kernel", "ipython", "piplite"}
    assert asked_for | {"micropip", "numpy", "pytest", "tinytorch"} <= set(named)


def test_the_npm_lock_names_no_registry() -> None:
    lock = json.loads((SOURCES / "package-lock.json").read_text())
    entries = {name: entry for name, entry in lock["packages"].items() if name}
    assert all("resolved" not in entry and "integrity" in entry for entry in entries.values())


def test_a_machine_without_npm_is_told_so_in_one_sentence(
    assemble: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(assemble.Unavailable, match=r"^npm was not found; install Node.js.*\.$"):
        assemble._search_path()


def test_a_wheel_that_is_not_the_official_one_is_refused(
    assemble: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entry = {"file_name": "numpy.whl", "sha256": "0" * 64, "depends": []}
    lock: dict[str, Any] = {"info": {"version": "0.27.7"}, "packages": {"numpy": entry}}
    wheels = assemble.wheels
    monkeypatch.setattr(wheels.urllib.request, "urlopen", lambda *_, **__: io.BytesIO(b"forged"))
    with pytest.raises(assemble.Unavailable, match="not the file that Pyodide's lock describes"):
        wheels.collect_official(lock, ["numpy"], tmp_path)
    assert list(tmp_path.iterdir()) == []
