"""What the door costs: TinyTorch against NumPy, and against eager PyTorch where it is installed.

    python benchmarks/door.py

Rounds of all contestants alternate, so that a busy moment of the machine meets each of them; a
figure is the median over the rounds. Exits with 1 where a bound of the README beside it is broken.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from timeit import Timer

import numpy as np
from machine import processor, versions

import tinytorch as tt

ROUNDS = 200
CALLS = 200  # in one round
NUMPY_BOUND = 3.0
TORCH_BOUND = 1.0
IMPORT_BOUND = 1.5
FIRST_TENSOR = "import and first tensor against import numpy"
EVERY_NAME = "import of every name against import numpy"

OPERATIONS: dict[str, Callable[..., object]] = {
    "a + b": lambda a, b: a + b,
    "a * 2.0": lambda a, b: a * 2.0,
    "a < b": lambda a, b: a < b,
    "a / b": lambda a, b: a / b,
    "a @ b": lambda a, b: a @ b,
    "a.sum()": lambda a, b: a.sum(),
    "a.reshape(16, 64)": lambda a, b: a.reshape(16, 64),
    "a[0]": lambda a, b: a[0],
}


def contestants() -> dict[str, Callable[[np.ndarray], object]]:
    """Return how each library makes a tensor of an array."""
    makers: dict[str, Callable[[np.ndarray], object]] = {
        "NumPy": np.array,
        "TinyTorch": tt.tensor,
    }
    if importlib.util.find_spec("torch") is not None:
        import torch

        makers["PyTorch"] = torch.tensor
    return makers


def medians(operation: Callable[..., object]) -> dict[str, float]:
    """Return each library's median time of an operation on 32x32 float32, in nanoseconds."""
    a, b = np.random.default_rng(0).random((2, 32, 32), dtype=np.float32)
    timers = {}
    for name, make in contestants().items():
        inputs = {"operation": operation, "x": make(a), "y": make(b)}
        timers[name] = Timer("operation(x, y)", globals=inputs)
    rounds = [{name: one.timeit(CALLS) for name, one in timers.items()} for _ in range(ROUNDS)]
    return {name: median(r[name] for r in rounds) / CALLS * 1e9 for name in timers}


def import_ratios() -> dict[str, float]:
    """Return the processor time of a first tensor and of every name, in `import numpy`s."""
    seconds = "import time; s = time.process_time(); {}; print(time.process_time() - s)"
    programs = {
        "numpy": "import numpy",
        FIRST_TENSOR: "import tinytorch; tinytorch.tensor([1.0])",
        EVERY_NAME: "from tinytorch import *",
    }
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(21):
        for name, program in programs.items():
            command = [sys.executable, "-c", seconds.format(program)]
            times[name].append(float(subprocess.check_output(command)))
    return {name: median(times[name]) / median(times["numpy"]) for name in programs}


def show(line: str, times: dict[str, float]) -> None:
    """Print one operation's times and TinyTorch's ratio to each of the others."""
    peers = [name for name in times if name != "TinyTorch"]
    ratios = ", ".join(f"{times['TinyTorch'] / times[name]:.2f} x {name}" for name in peers)
    print(f"{line:20}" + "".join(f"{time:9.0f} ns" for time in times.values()) + f"     {ratios}")


def main() -> int:
    """Print the table and the verdicts; return 1 where a bound is broken."""
    print(f"{processor()}, {os.cpu_count()} cores, {versions()}")
    print(
        f"{'32x32 float32':20}" + "".join(f"{name:>12}" for name in contestants()) + "     ratios"
    )
    table = {line: medians(operation) for line, operation in OPERATIONS.items()}
    for line, times in table.items():
        show(line, times)
    ours, numpys, torchs = (table["a + b"].get(n) for n in ("TinyTorch", "NumPy", "PyTorch"))
    verdicts = {"a + b against NumPy": (ours / numpys, NUMPY_BOUND)}
    if torchs is None:
        print("PyTorch is not installed here, so nothing is said about it.")
    else:
        verdicts["a + b against eager PyTorch"] = (ours / torchs, TORCH_BOUND)
    imports = import_ratios()
    verdicts[FIRST_TENSOR] = (imports[FIRST_TENSOR], IMPORT_BOUND)
    for what, (ratio, bound) in verdicts.items():
        print(f"{what}: {ratio:.2f}, at most {bound}: {'yes' if ratio <= bound else 'NO'}")
    print(f"{EVERY_NAME}: {imports[EVERY_NAME]:.2f}")
    return int(any(ratio > bound for ratio, bound in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main())
