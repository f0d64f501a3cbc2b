"""Which machine measured: said beside every table of figures."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np


def processor() -> str:
    """Return the name of the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor()


def versions() -> str:
    """Return the system, and the versions of what computes."""
    return f"{platform.system()}, Python {platform.python_version()}, NumPy {np.__version__}"
