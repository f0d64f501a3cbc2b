"""Compare with PyTorch itself: ``python -m tests.peers`` fetches its CPU wheel and runs the tests.

The wheel goes into a folder of its own, so that everything else runs as if it were not there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.frozen import TORCH

ROOT = Path(__file__).resolve().parents[2]
WHEELS = "https://download.pytorch.org/whl/cpu"  # elsewhere, Linux gets gigabytes of CUDA


def install_torch() -> Path:
    """Return the folder that holds the pinned PyTorch, installed there if it is not yet."""
    folder = ROOT / "_build" / f"torch-{TORCH}"
    finished = folder / "finished"
    if not finished.exists():
        print(f"Installing PyTorch {TORCH} for the CPU in {folder.relative_to(ROOT)}", flush=True)
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "-qq", "--retries", "1", "--upgrade",
             "--target", folder, "--extra-index-url", WHEELS, f"torch=={TORCH}"],
            check=True,
        )  # fmt: skip
        finished.touch()
    return folder


def main() -> int:
    """Run the comparison and return pytest's exit code."""
    sys.path.append(str(install_torch()))  # last, so that it replaces no package of ours
    os.environ["PEERS"] = "live"
    return pytest.main([str(Path(__file__).parent), *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
