"""Serve the book on this machine, with a Jupyter server beside it for its cells.

    python -m book._publish.serve [--no-open] [--no-build] [--port 8000]

Pages carry the address and the token of that Jupyter server, so they go to this machine only:
the server listens on loopback and answers no other host name.
"""

import argparse
import html
import io
import json
import signal
import sys
import threading
import webbrowser
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

from book._publish.build import HERE, BuildFailed, build
from book._publish.display import Report, progress
from book._publish.jupyter import Jupyter, JupyterFailed

HOST = "127.0.0.1"
MIME_TYPES = {
    ".css": "text/css",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".whl": "application/zip",
    ".woff2": "font/woff2",
}


class BookServer(ThreadingHTTPServer):
    """Serve a built book from a folder."""

    daemon_threads = True
    head = b""  # what every page gets at the start of its <head>

    def __init__(self, port: int, folder: Path) -> None:
        self.folder = folder
        super().__init__((HOST, port), Page)

    @property
    def origin(self) -> str:
        """The one origin that pages of this server have."""
        return f"http://{HOST}:{self.server_port}"

    def offer(self, jupyter: Jupyter) -> None:
        """Tell every page from now on about a Jupyter server."""
        value = json.dumps({"baseUrl": jupyter.address, "token": jupyter.token})
        self.head = f'<meta name="tinytorch-server" content="{html.escape(value)}">'.encode()


class Page(SimpleHTTPRequestHandler):
    """Answer one request for a file of the book."""

    server: BookServer
    protocol_version = "HTTP/1.1"
    extensions_map = SimpleHTTPRequestHandler.extensions_map | MIME_TYPES

    def __init__(self, request: Any, client: Any, server: BookServer) -> None:
        super().__init__(request, client, server, directory=str(server.folder))

    def send_head(self) -> BinaryIO | io.BytesIO | None:
        """Send the headers and return the body, if this request gets one."""
        own = self.server.origin.removeprefix("http://")
        host = self.headers.get("Host", "")
        if host == own.replace(HOST, "localhost"):
            self._redirect(self.server.origin + self.path)
            return None
        if host != own:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, f"This server is {own}, not {host}")
            return None
        path = Path(self.translate_path(self.path))
        if path.is_dir() and self.path.partition("?")[0].endswith("/"):
            path /= "index.html"
        if path.suffix == ".html" and path.is_file():
            return self._page(path, HTTPStatus.OK)
        return super().send_head()

    def list_directory(self, path: Any) -> None:
        """Answer 404: folders are not listed."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer with the book's own page where nothing was found."""
        missing = self.server.folder / "404.html"
        if code == HTTPStatus.NOT_FOUND and missing.is_file():
            with self._page(missing, HTTPStatus.NOT_FOUND) as body:
                if self.command != "HEAD":
                    self.copyfile(body, self.wfile)
        else:
            super().send_error(code, message, explain)

    def end_headers(self) -> None:
        """Add what holds for every answer: always ask again, believe the type, never in a frame."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the overridden name)
        """Say nothing: the terminal is for the address."""

    def _page(self, path: Path, status: HTTPStatus) -> io.BytesIO:
        """Send a page that tells its scripts about the Jupyter server; never kept in a cache."""
        content = path.read_bytes().replace(b"<head>", b"<head>" + self.server.head, 1)
        self.send_response(status)
        self.send_header("Content-Type", MIME_TYPES[".html"])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return io.BytesIO(content)

    def _redirect(self, address: str) -> None:
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()


def bind(port: int, folder: Path) -> BookServer:
    """Return a server on `port`, or on the next one that is free."""
    for candidate in range(port, port + 50):
        try:
            return BookServer(candidate, folder)
        except OSError:
            continue
    raise SystemExit(f"Ports {port} to {port + 49} are all in use: choose another with --port.")


def serve(options: argparse.Namespace, report: Report) -> tuple[BookServer, Jupyter | None]:
    """Bring the book up to date and both servers up."""
    if not options.no_build:
        build(report)
    server = bind(options.port, HERE.site)
    report("Jupyter server", "", None)
    jupyter = Jupyter.start(server.origin, HERE.output / "scratch", HERE.output / "jupyter.log")
    try:
        jupyter.wait_until_ready()
    except JupyterFailed as failure:
        print(f"No Jupyter server; cells run in the browser.\n{failure}", file=sys.stderr)
        return server, None
    server.offer(jupyter)
    return server, jupyter


def announce(server: BookServer, options: argparse.Namespace) -> None:
    """Print the address, say why it is not the preferred one, and open it."""
    if server.server_port != options.port:
        print(f"Port {options.port} is in use.")
    print(f"TinyTorch is at {server.origin}/ (Ctrl-C stops it)", flush=True)
    if not options.no_open:
        # Beside the server, since a browser may keep the call until it has the page.
        threading.Thread(target=webbrowser.open, args=[f"{server.origin}/"], daemon=True).start()


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="tinytorch serve", description="Serve the book.")
    parser.add_argument("--no-open", action="store_true", help="print the address only")
    parser.add_argument("--no-build", action="store_true", help="serve the book as it was built")
    parser.add_argument("--port", type=int, default=8000, help="the port to try first")
    options = parser.parse_args(arguments)
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.default_int_handler)
    jupyter = None
    try:
        with progress() as report:
            server, jupyter = serve(options, report)
        announce(server, options)
        server.serve_forever()
    except BuildFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopping.")
    finally:
        if jupyter:
            jupyter.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
