"""Bounds on what a learner's code may do to a check: its time and its printing."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
import threading
import types
from collections.abc import Iterator

TIME_LIMIT = 3.0  # seconds a check may compute before it is stopped
PATIENCE = 10  # times longer that it may take in all
PRINTED = 1000  # characters of a learner's printing that are kept


class OutOfTime(BaseException):
    """A check took too long; not an Exception, so that `except Exception` cannot hold it."""


class BoundedText(io.TextIOBase):
    """Keeps the first characters written to it and drops the flood."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._room = PRINTED

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Take the text, and keep it while there is room."""
        if self._room > 0:
            self._parts.append(text[: self._room])
            self._room -= len(text)
        return len(text)

    def getvalue(self) -> str:
        """Return what was kept."""
        return "".join(self._parts) + (" ..." if self._room < 0 else "")


@contextlib.contextmanager
def capturing(stream: io.TextIOBase) -> Iterator[None]:
    """Send everything printed in the block to the stream."""
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        yield


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    """Raise OutOfTime when the block takes too long and signals can interrupt it.

    Time is the processor's, so that a busy machine stops nobody; a block that only waits
    is stopped as well, but later.
    """
    on_main_thread = threading.current_thread() is threading.main_thread()
    if not on_main_thread or not hasattr(signal, "setitimer") or sys.platform == "emscripten":
        yield
        return
    computing = _timer(signal.ITIMER_PROF, signal.SIGPROF, TIME_LIMIT, "s of computing")
    waiting = _timer(signal.ITIMER_REAL, signal.SIGALRM, PATIENCE * TIME_LIMIT, "s")
    with computing, waiting:
        yield


@contextlib.contextmanager
def _timer(kind: int, number: int, seconds: float, unit: str) -> Iterator[None]:
    """Raise OutOfTime after so many seconds of this kind, then put back what was set."""

    def stop(number: int, frame: types.FrameType | None) -> None:
        raise OutOfTime(f"no answer within {seconds:g} {unit}")

    handler = signal.signal(number, stop)
    before = signal.setitimer(kind, seconds)
    try:
        yield
    finally:
        signal.setitimer(kind, *before)
        signal.signal(number, handler)
