"""What gradients cost: TinyTorch's tape against PyTorch's, where it is installed.

    python benchmarks/autograd.py

Forward and backward together, in float32, each library on one thread. Rounds of both alternate, so
that a busy moment of the machine meets both; a figure is the median over the rounds.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from time import perf_counter

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported

import numpy as np
from machine import processor, versions

import tinytorch as tt

ROUNDS = 31
SCALARS = 10_000
MLPS = {"64-128-10, batch 64": ((64, 128, 10), 64), "784-256-128-10, batch 128": (
    (784, 256, 128, 10), 128)}  # fmt: skip

Contestants = dict[str, Callable[[], object]]
HAS_TORCH = importlib.util.find_spec("torch") is not None


def chain(start: object) -> object:
    """Return what ten thousand sums and products make of a number."""
    value = start
    for _ in range(SCALARS // 2):
        value = value * 1.0001 + start
    return value


def scalars() -> Contestants:
    """Return how each library differentiates a long chain of single numbers."""
    ours = tt.tensor(1.0).requires_grad_()
    made: Contestants = {"TinyTorch": lambda: chain(ours).backward()}
    if HAS_TORCH:
        import torch

        theirs = torch.tensor(1.0, requires_grad=True)
        made["PyTorch"] = lambda: chain(theirs).backward()
    return made


def constants() -> Contestants:
    """Return how each library computes the chain where nothing requires a gradient."""
    made: Contestants = {"TinyTorch": lambda: chain(tt.tensor(1.0))}
    if HAS_TORCH:
        import torch

        made["PyTorch"] = lambda: chain(torch.tensor(1.0))
    return made


def training(model: object, theirs: object, inputs: np.ndarray, classes: int) -> Contestants:
    """Return how each library trains a model for one step."""
    targets = np.arange(len(inputs)) % classes
    ours = tt.from_numpy(inputs), tt.from_numpy(targets)
    optimizer = tt.SGD(model.parameters(), 0.01)

    def step() -> None:
        _, gradients = tt.tape_gradients(model, tt.cross_entropy, *ours)
        optimizer.step(gradients)

    made: Contestants = {"TinyTorch": step}
    if theirs is not None:
        made["PyTorch"] = torch_step(theirs, inputs, targets)
    return made


def torch_step(model: object, inputs: np.ndarray, targets: np.ndarray) -> Callable[[], object]:
    """Return how PyTorch trains a model for one step."""
    import torch

    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    given = torch.from_numpy(inputs), torch.from_numpy(targets)

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(given[0]), given[1]).backward()
        optimizer.step()

    return step


def mlp(sizes: tuple[int, ...], batch: int) -> Contestants:
    """Return a training step of an MLP."""
    theirs = None
    if HAS_TORCH:
        from torch import nn

        pairs = pairwise(sizes)
        layers = [layer for a, b in pairs for layer in (nn.Linear(a, b), nn.ReLU())]
        theirs = nn.Sequential(*layers[:-1])
    inputs = np.random.default_rng(0).standard_normal((batch, sizes[0]), np.float32)
    return training(tt.MLP(*sizes), theirs, inputs, sizes[-1])


def cnn(batch: int) -> Contestants:
    """Return a training step of the CNN of the chapter on networks."""
    theirs = None
    if HAS_TORCH:
        from torch import nn

        layers: list[object] = []
        for channels, filters, window in ((1, 12, 2), (12, 24, 2), (24, 64, 7)):
            layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(window)]
        theirs = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64, 10))
    inputs = np.random.default_rng(0).standard_normal((batch, 1, 28, 28), np.float32)
    return training(tt.CNN(), theirs, inputs, 10)


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
    cells = [f"{time:.2f} ms" for time in times.values()]
    if "PyTorch" in times:
        cells.append(f"{times['TinyTorch'] / times['PyTorch']:.2f}")
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main() -> int:
    """Print the table."""
    if HAS_TORCH:
        import torch

        torch.set_num_threads(1)
    else:
        print("PyTorch is not installed here, so there is nothing to compare with.")
    print(f"{processor()}, {versions()}, one thread")
    show(f"{SCALARS:,} operations on single numbers, nothing recorded", medians(constants()))
    show(f"{SCALARS:,} operations on single numbers, and back", medians(scalars()))
    for name, (sizes, batch) in MLPS.items():
        show(f"a training step of an MLP {name}", medians(mlp(sizes, batch)))
    show("a training step of the CNN, batch 32", medians(cnn(32)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
