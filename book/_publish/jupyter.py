"""A Jupyter server beside the book, for one origin, that ends with whoever started it.

    python -m book._publish.jupyter ORIGIN PORT FOLDER    (the token comes in JUPYTER_TOKEN)

It watches its standard input: when the other end closes, however that came about, the server
shuts its kernels down and ends. So nothing is left running after the page's own server is gone.
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path


class JupyterFailed(Exception):
    """The Jupyter server did not start; the message is the end of its log."""


@dataclass
class Jupyter:
    """A running Jupyter server: where it is, and the token it asks for."""

    process: subprocess.Popen[bytes]
    address: str
    token: str
    log: Path

    @classmethod
    def start(cls, origin: str, folder: Path, log: Path) -> "Jupyter":
        """Start a server whose kernels work in `folder` and which answers pages of `origin`."""
        folder.mkdir(parents=True, exist_ok=True)
        token, port = secrets.token_urlsafe(24), _free_port()
        environment = os.environ | {
            "JUPYTER_NO_CONFIG": "1",  # a reader's own settings must not open this server
            "JUPYTER_PREFER_ENV_PATH": "1",
            "JUPYTER_TOKEN": token,
        }
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", __name__, origin, str(port), str(folder)],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us alone; we then end it in good order
            )
        return cls(process, f"http://127.0.0.1:{port}/", token, log)

    def wait_until_ready(self, seconds: float = 60) -> None:
        """Return when the server answers; raise JupyterFailed when it ends or takes too long."""
        status = urllib.request.Request(
            f"{self.address}api/status", headers={"Authorization": f"token {self.token}"}
        )
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(status, timeout=5).close()
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        self.stop()
        raise JupyterFailed("\n".join(self.log.read_text().splitlines()[-5:]))

    def stop(self) -> None:
        """Let the server shut its kernels down and end; insist after ten seconds."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_with_the_starter() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main(origin: str, port: str, folder: str) -> None:
    """Run the server in this process."""
    from jupyter_server.serverapp import ServerApp  # the starter does without it

    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    options = {
        "ip": "127.0.0.1",
        "port": port,
        "port_retries": "0",
        "allow_origin": origin,
        "open_browser": "False",
        "root_dir": folder,
        "terminals_enabled": "False",
    }
    arguments = [f"--ServerApp.{name}={value}" for name, value in options.items()]
    if os.geteuid() == 0:
        arguments.append("--allow-root")  # in containers; reachable from this machine alone
    ServerApp.launch_instance(arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
