"""The command `tinytorch`."""

from __future__ import annotations

import importlib.util
import io
import sys


def main() -> None:
    """Run the command line, or say what it needs."""
    if importlib.util.find_spec("click") is None:
        sys.exit('tinytorch needs its extra "learn": pip install "tinytorch[learn]"')
    from tinytorch.course.commands import tinytorch

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # where a terminal lacks a letter
    tinytorch()
