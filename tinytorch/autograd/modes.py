"""Modes: whether what a thread computes is recorded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Mode(threading.local):
    """What each thread has chosen; a new thread records."""

    is_recording = True


mode = Mode()


def is_grad_enabled() -> bool:
    """Return whether operations of this thread are recorded."""
    return mode.is_recording


@contextmanager
def no_grad() -> Iterator[None]:
    """Record nothing inside of the block, or of the function that this decorates.

    Only the calling thread is concerned. At the end, after an error too, the mode is again what
    it was before the block, which need not be recording: blocks may lie inside each other.
    """
    former = mode.is_recording
    mode.is_recording = False
    try:
        yield
    finally:
        mode.is_recording = former


@contextmanager
def enable_grad() -> Iterator[None]:
    """Record inside of the block even where a ``no_grad`` lies around it."""
    former = mode.is_recording
    mode.is_recording = True
    try:
        yield
    finally:
        mode.is_recording = former
