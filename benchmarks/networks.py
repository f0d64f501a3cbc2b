"""What convolution and pooling cost: TinyTorch against PyTorch, where it is installed.

    python benchmarks/networks.py

Forward only, in float32, each library on one thread. Rounds of both alternate, so that a busy
moment of the machine meets both; a figure is the median over the rounds.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported

import numpy as np
from machine import processor, versions

import tinytorch as tt

ROUNDS = 31

# images, filters, and how the windows lie
CONVOLUTIONS = {
    "3x3, 1 to 16 channels, 28x28, batch 32": ((32, 1, 28, 28), (16, 1, 3, 3), {"padding": 1}),
    "3x3, 16 to 32 channels, 14x14, batch 32": ((32, 16, 14, 14), (32, 16, 3, 3), {"padding": 1}),
    "3x3, 32 to 64 channels, 28x28, batch 32": ((32, 32, 28, 28), (64, 32, 3, 3), {"padding": 1}),
    "3x3, 64 to 64 channels, 56x56, batch 8": ((8, 64, 56, 56), (64, 64, 3, 3), {"padding": 1}),
    "7x7, 3 to 64 channels, 224x224, stride 2": (
        (1, 3, 224, 224),
        (64, 3, 7, 7),
        {"stride": 2, "padding": 3},
    ),
    "1x1, 64 to 128 channels, 14x14, batch 32": ((32, 64, 14, 14), (128, 64, 1, 1), {}),
    "3x3, 64 groups, 28x28, batch 8": (
        (8, 64, 28, 28),
        (64, 1, 3, 3),
        {"padding": 1, "groups": 64},
    ),
}
POOLS = {
    "2x2, 16 channels, 28x28, batch 32": ((32, 16, 28, 28), (2,)),
    "3x3, stride 2, 64 channels, 56x56, batch 8": ((8, 64, 56, 56), (3, 2, 1)),
}

Contestants = dict[str, Callable[[], object]]


def convolving(name: str) -> Contestants:
    """Return how each library computes a convolution of that name."""
    images, weight, options = CONVOLUTIONS[name]
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape, np.float32) for shape in (images, weight, weight[:1])]
    ours = [tt.from_numpy(array) for array in arrays]
    made: Contestants = {"TinyTorch": lambda: tt.conv2d(*ours, **options)}
    if importlib.util.find_spec("torch") is not None:
        import torch

        theirs = [torch.from_numpy(array) for array in arrays]
        made["PyTorch"] = lambda: torch.conv2d(*theirs, **options)
        check_equal(made)
    return made


def pooling(kind: str, name: str) -> Contestants:
    """Return how each library pools: "max" or "avg"."""
    shape, settings = POOLS[name]
    array = np.random.default_rng(0).standard_normal(shape, np.float32)
    pool, image = getattr(tt, f"{kind}_pool2d"), tt.from_numpy(array)
    made: Contestants = {"TinyTorch": lambda: pool(image, *settings)}
    if importlib.util.find_spec("torch") is not None:
        import torch

        theirs, given = getattr(torch.nn.functional, f"{kind}_pool2d"), torch.from_numpy(array)
        made["PyTorch"] = lambda: theirs(given, *settings)
        check_equal(made)
    return made


def check_equal(made: Contestants) -> None:
    """Raise ValueError where the libraries do not compute the same."""
    ours, theirs = (np.asarray(compute()) for compute in made.values())
    if not np.allclose(ours, theirs, atol=1e-3):
        raise ValueError("the two libraries differ, so their times say nothing")


def medians(made: Contestants) -> dict[str, float]:
    """Return each contestant's median time, in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(ROUNDS + 1):
        for name, compute in made.items():
            started = perf_counter()
            compute()
            times[name].append((perf_counter() - started) * 1e3)
    return {name: median(measured[1:]) for name, measured in times.items()}


def show(name: str, times: dict[str, float]) -> None:
    """Print one line of the table."""
    cells = [f"{time:.3f} ms" for time in times.values()]
    if "PyTorch" in times:
        cells.append(f"{times['TinyTorch'] / times['PyTorch']:.2f}")
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main() -> int:
    """Print the table."""
    if importlib.util.find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
    else:
        print("PyTorch is not installed here, so there is nothing to compare with.")
    print(f"{processor()}, {versions()}, one thread")
    for name in CONVOLUTIONS:
        show(f"convolution {name}", medians(convolving(name)))
    for kind in ("max", "avg"):
        for name in POOLS:
            show(f"{kind} pooling {name}", medians(pooling(kind, name)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
