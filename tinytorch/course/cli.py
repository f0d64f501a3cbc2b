"""The command `tinytorch`."""

from __future__ import annotations

import importlib.util
import sys


def main() -> None:
    """Run the command line, or say what it needs."""
    if importlib.util.find_spec("click") is None:
        sys.exit('tinytorch needs its extra "learn": pip install "tinytorch[learn]"')
    from tinytorch.course.commands import tinytorch

    tinytorch()
