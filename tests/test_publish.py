"""Building the book only where it changed, and serving it to this machine alone."""

import http.client
import shutil
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from threading import Thread

import pytest

from book._publish.build import BuildFailed, Outcome, Places, build
from book._publish.serve import BookServer, bind

CONFIG = """
title: A small book
execute: {execute_notebooks: cache}
"""
TOC = "format: jb-book\nroot: index\nchapters: [{file: modules/00_one}, {file: modules/01_two}]\n"
CHAPTER = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---
# NAME

Some prose.

```{code-cell} ipython3
print("NAME")
```
"""


def _write(places: Places, path: str, text: str) -> None:
    target = places.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def _replace(places: Places, path: str, old: str, new: str) -> None:
    text = (places.root / path).read_text()
    assert old in text
    _write(places, path, text.replace(old, new))


def _build(places: Places) -> Outcome:
    return build(lambda stage, detail, fraction: None, places)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Places, Outcome]:
    """A small book of two chapters, and what its first build did."""
    places = Places(tmp_path_factory.mktemp("checkout"))
    _write(places, "_config.yml", CONFIG)
    _write(places, "_toc.yml", TOC)
    _write(places, "book/index.md", "# A small book\n")
    _write(places, "book/modules/00_one.md", CHAPTER.replace("NAME", "one"))
    _write(places, "book/modules/01_two.md", CHAPTER.replace("NAME", "two"))
    _write(places, "tinytorch/tensors.py", "x = 1\n")
    _write(places, "book/_live/assemble.py", "raise SystemExit('No npm here.')")
    return places, _build(places)


@pytest.fixture
def book(built: tuple[Places, Outcome], tmp_path: Path) -> Iterator[Places]:
    """That book, to change: it is put back afterwards, since Sphinx remembers where it built."""
    places, _ = built
    shutil.copytree(places.root, tmp_path / "as_built")
    yield places
    shutil.rmtree(places.root)
    (tmp_path / "as_built").rename(places.root)


def test_the_first_build_executes_every_chapter(built):
    places, outcome = built
    assert outcome.executed == ["modules/00_one", "modules/01_two"]
    assert ">one\n" in (places.site / "modules/00_one.html").read_text()


def test_nothing_changed_means_nothing_done(built):
    assert _build(built[0]) == Outcome()


def test_new_prose_rewrites_one_chapter_and_executes_none(book):
    _replace(book, "book/modules/00_one.md", "Some prose", "Better prose")
    outcome = _build(book)
    assert outcome.executed == []
    assert outcome.written == ["index", "modules/00_one"]  # index holds the table of contents
    assert "Better prose" in (book.site / "modules/00_one.html").read_text()


def test_a_new_cell_executes_that_chapter_only(book):
    _replace(book, "book/modules/01_two.md", 'print("two")', "print(1 + 1)")
    outcome = _build(book)
    assert outcome.executed == ["modules/01_two"]
    assert outcome.written == ["index", "modules/01_two"]


def test_a_new_heading_rewrites_every_page_that_may_show_it(book):
    _replace(book, "book/modules/01_two.md", "# two", "# Deux")
    outcome = _build(book)
    assert outcome.executed == []
    assert len(outcome.written) == 3
    assert "Deux" in (book.site / "modules/00_one.html").read_text()


def test_a_changed_library_executes_every_chapter_again(book, capfd):
    _write(book, "tinytorch/tensors.py", "x = 2\n")
    assert len(_build(book).executed) == 2
    said = capfd.readouterr().err
    assert said == "No npm here.\nThe book has no cells that run in the browser.\n"


def test_a_failed_build_keeps_the_site_and_fails_again_until_mended(book):
    _replace(book, "book/modules/00_one.md", 'print("one")', "1 / 0")
    for _ in range(2):
        with pytest.raises(BuildFailed, match="ZeroDivisionError"):
            _build(book)
        assert ">one\n" in (book.site / "modules/00_one.html").read_text()
    _replace(book, "book/modules/00_one.md", "1 / 0", 'print("mended")')
    assert "modules/00_one" in _build(book).executed
    assert ">mended\n" in (book.site / "modules/00_one.html").read_text()


def test_a_warning_stops_the_build_every_time(book):
    _replace(book, "book/modules/00_one.md", "Some prose", "[Somewhere](#nowhere)")
    for _ in range(2):
        with pytest.raises(BuildFailed, match="nowhere"):
            _build(book)
        _replace(book, "book/modules/01_two.md", "prose", "prose, still")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[BookServer]:
    """A served folder beside a secret."""
    (tmp_path / "secret.txt").write_text("secret")
    site = tmp_path / "site"
    (site / "_static").mkdir(parents=True)
    (site / "index.html").write_text("<html><head><title>Home</title></head></html>")
    (site / "404.html").write_text("<html><head></head>Not in this book</html>")
    for name in ("module.mjs", "kernel.wasm", "pytest.whl"):
        (site / "_static" / name).write_text("content")
    server = bind(8850, site)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _get(server: BookServer, path: str, host: str | None = None) -> tuple[int, Message, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    own = f"127.0.0.1:{server.server_port}"
    connection.request("GET", path, headers={"Host": host or own})
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, response.headers, body


def test_a_folder_is_answered_with_its_index_and_never_listed(server):
    assert _get(server, "/")[2].count("<title>Home</title>") == 1
    status, _, body = _get(server, "/_static/")
    assert status == 404
    assert "Not in this book" in body


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/_static/../../secret.txt"]
)
def test_no_path_leads_out_of_the_site(server, path):
    assert _get(server, path)[0] == 404


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("module.mjs", "text/javascript"),
        ("kernel.wasm", "application/wasm"),
        ("pytest.whl", "application/zip"),
    ],
)
def test_files_have_the_type_that_browsers_insist_on(server, name, kind):
    headers = _get(server, f"/_static/{name}")[1]
    assert headers["Content-Type"] == kind
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_only_loopback_names_are_answered(server):
    assert _get(server, "/", host="course.example")[0] == 421
    status, headers, _ = _get(server, "/a?b", host=f"localhost:{server.server_port}")
    assert status == 302
    assert headers["Location"] == f"{server.origin}/a?b"


def test_pages_carry_the_jupyter_server_and_scripts_do_not(server):
    server.head = b'<meta name="tinytorch-server" content="secret">'
    assert '<head><meta name="tinytorch-server"' in _get(server, "/")[2]
    assert _get(server, "/_static/module.mjs")[2] == "content"


def test_a_taken_port_leads_to_the_next_one(server):
    second = bind(server.server_port, server.folder)
    second.server_close()
    assert second.server_port > server.server_port
