"""Waiting for what processes do, for as long as a busy machine may take."""

import time

import psutil


def wait_for(look, seconds=60):
    """Return what is found as soon as there is something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def has_ended(number):
    """Whether no process of this number runs; one whose end nobody has noted does not."""
    try:
        return psutil.Process(number).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
