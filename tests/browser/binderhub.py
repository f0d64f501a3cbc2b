"""A stand-in for a BinderHub: the real event stream, a real build, a real Jupyter server.

A BinderHub answers GET /build/gh/OWNER/NAME/REF with server-sent events until the server that it
built from the repository's binder/ folder is up. This one takes the steps that repo2docker takes,
in a virtual environment where repo2docker makes an image. A ref called `broken` names a checkout
whose requirements cannot be installed.
"""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Event = dict[str, str]

BROKEN = "-r no-such-list.txt\n"


class BuildFailed(Exception):
    """A step of the build returned a non-zero code."""


class BinderHub(ThreadingHTTPServer):
    """Build checkouts of one repository and launch Jupyter servers from them."""

    daemon_threads = True

    def __init__(self, repository: Path, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repository = repository
        self.folder = folder
        self.built: set[str] = set()
        self.servers: list[subprocess.Popen[bytes]] = []
        self.closed = threading.Event()
        self.building = threading.Lock()

    @property
    def address(self) -> str:
        """The address that a page is given as binderUrl."""
        return f"http://127.0.0.1:{self.server_port}"

    def events(self, repo: str, ref: str) -> Iterator[Event]:
        """Yield what a BinderHub says from the request to the running server."""
        image = f"stand-in/{repo.replace('/', '-2d').lower()}:{ref}"
        try:
            with self.building:
                if ref in self.built:
                    yield _built(image, "Found built image, launching...\n")
                else:
                    yield {"phase": "waiting", "message": "Waiting for build to start...\n"}
                    yield from self._fetch(repo, ref)
                    yield from self._build(ref)
                    self.built.add(ref)
                    yield {"phase": "pushing", "message": "Pushing image\n"}
                    yield _built(image, "Built image, launching...\n")
            yield from self._launch(repo, ref, image)
        except BuildFailed as failure:
            yield {"phase": "failed", "message": f"Error during build: {failure}\n"}

    def stop(self) -> None:
        """End every server that was launched, and then the hub."""
        self.closed.set()
        for process in self.servers:
            process.terminate()
        for process in self.servers:
            process.wait(20)
        self.shutdown()
        self.server_close()

    def _fetch(self, repo: str, ref: str) -> Iterator[Event]:
        """Copy what a clone of this working tree would hold."""
        yield {"message": "Picked Git content provider.\n"}
        yield {"phase": "fetching", "message": f"Cloning into '{repo}' at {ref}...\n"}
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        names = subprocess.check_output(listed, cwd=self.repository, text=True).splitlines()
        checkout = self._checkout(ref)
        shutil.rmtree(checkout, ignore_errors=True)
        for name in names:
            if (self.repository / name).is_file():
                (checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self.repository / name, checkout / name)
        if ref == "broken":
            (checkout / "binder" / "requirements.txt").write_text(BROKEN)

    def _build(self, ref: str) -> Iterator[Event]:
        """Install what binder/ asks for, and nothing else, as repo2docker does."""
        checkout, environment = self._checkout(ref), self._environment(ref)
        python = self._image(ref) / "bin" / "python"
        version = (checkout / "binder" / "runtime.txt").read_text().strip()
        if not re.fullmatch(r"python-3\.1[1-3]", version):
            raise BuildFailed(f"binder/runtime.txt asks for {version}")
        yield {"phase": "building", "message": "Using PythonBuildPack builder\n"}
        for step in (
            [sys.executable, "-m", "venv", "--clear", str(self._image(ref))],
            [str(python), "-m", "pip", "install", "-r", "binder/requirements.txt"],
            ["./binder/postBuild"],
        ):
            yield from _run(step, checkout, environment)

    def _launch(self, repo: str, ref: str, image: str) -> Iterator[Event]:
        """Start the Jupyter server with the arguments that BinderHub's spawner gives it."""
        yield {"phase": "launching", "message": "Launching server...\n"}
        name = f"{repo.replace('/', '-').lower()}-{secrets.token_hex(4)}"
        token, port = secrets.token_urlsafe(16), _free_port()
        options = {
            "base_url": f"/user/{name}/",
            "token": token,
            "trust_xheaders": "True",
            "allow_origin": "*",
            "allow_origin_pat": ".*",
        }
        arguments = ["--ip=127.0.0.1", f"--port={port}", "--allow-root", "--no-browser"]
        arguments += [f"--ServerApp.{key}={value}" for key, value in options.items()]
        python = self._image(ref) / "bin" / "python"
        with (self.folder / "server.log").open("ab") as log:
            process = subprocess.Popen(
                [python, "-m", "jupyter_server", *arguments],
                cwd=self._checkout(ref),
                env=self._environment(ref),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.servers.append(process)
        url = f"http://127.0.0.1:{port}/user/{name}/"
        yield {"phase": "launching", "message": "Server requested\n"}
        _wait_for(url, token, process)
        yield {"phase": "launching", "message": f"Server ready at /user/{name}/\n"}
        yield {
            "phase": "ready",
            "message": f"server running at {url}\n",
            "image": image,
            "repo_url": f"https://github.com/{repo}",
            "token": token,
            "binder_ref_url": f"https://github.com/{repo}/tree/{ref}",
            "binder_launch_host": f"{self.address}/",
            "binder_request": f"v2/gh/{repo}/{ref}",
            "binder_persistent_request": f"v2/gh/{repo}/{ref}",
            "url": url,
        }

    def _checkout(self, ref: str) -> Path:
        return self.folder / ref / "checkout"

    def _image(self, ref: str) -> Path:
        return self.folder / ref / "image"

    def _environment(self, ref: str) -> dict[str, str]:
        """Return the environment of a container: the image's programs, no settings of ours."""
        programs = self._image(ref) / "bin"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "JUPYTER_"))}
        return kept | {"PATH": f"{programs}:{kept['PATH']}", "JUPYTER_NO_CONFIG": "1"}


class Handler(BaseHTTPRequestHandler):
    """Answer one request as BinderHub's BuildHandler does."""

    server: BinderHub

    def do_GET(self) -> None:
        """Stream the events of a build, each as one `data:` line of JSON."""
        request = re.fullmatch(r"/build/gh/([\w.-]+/[\w.-]+)/([\w.-]+)", self.path)
        if not request:
            self.send_error(404)
        elif "text/event-stream" not in self.headers.get("Accept", ""):
            self.send_error(400, "Missing Accept header: text/event-stream")
        else:
            self._stream(*request.groups())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the overridden name)
        """Say nothing."""

    def _stream(self, repo: str, ref: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "cache-control")
        self.end_headers()
        try:
            self.wfile.write(b":keepalive\n\n")
            for event in self.server.events(repo, ref):
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        except ConnectionError:
            return
        # A client that is still there when the stream ends asks again, which builds again.
        self.server.closed.wait(60)


def _built(image: str, message: str) -> Event:
    return {"phase": "built", "imageName": image, "message": message}


def _run(step: list[str], folder: Path, environment: dict[str, str]) -> Iterator[Event]:
    """Run one step and yield every line that it prints."""
    with subprocess.Popen(
        step,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            yield {"phase": "building", "message": line}
    if process.returncode:
        command = " ".join(step[-4:])
        raise BuildFailed(f"The command '{command}' returned a non-zero code: {process.returncode}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, token: str, process: subprocess.Popen[bytes]) -> None:
    status = urllib.request.Request(f"{url}api/status?token={token}")
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(status, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise BuildFailed("The server did not start.")
