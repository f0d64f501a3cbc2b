"""What steps of training cost: TinyTorch against PyTorch, where it is installed.

    python benchmarks/training.py

Optimizer steps, and whole steps of training with gradients derived by hand, in float32, each
library on one thread. Rounds of both alternate; a figure is the median over the rounds.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from itertools import pairwise
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported

import numpy as np
from machine import processor, versions
from networks import Contestants, check_equal, medians, show

import tinytorch as tt

OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {"lr": 0.1}),
    "SGD with momentum": ("SGD", {"lr": 0.1, "momentum": 0.9}),
    "RMSprop": ("RMSprop", {"lr": 0.01}),
    "Adam": ("Adam", {"lr": 0.01}),
    "AdamW": ("AdamW", {"lr": 0.01, "weight_decay": 0.01}),
}
SHAPES = ((64, 64), (784, 256), (2000, 1000))
NETWORKS = {(64, 64, 10): 32, (784, 256, 10): 64}  # sizes of an MLP, and examples in a batch


def stepping(name: str, shape: tuple[int, int]) -> Contestants:
    """Return how each library steps one parameter."""
    kind, settings = OPTIMIZERS[name]
    rng = np.random.default_rng(0)
    start, gradient = (rng.standard_normal(shape, np.float32) for _ in range(2))
    weight, given = tt.tensor(start), [tt.tensor(gradient)]
    optimizer = getattr(tt, kind)([weight], **settings)

    def ours() -> tt.Tensor:
        optimizer.step(given)
        return weight

    made: Contestants = {"TinyTorch": ours}
    if importlib.util.find_spec("torch") is not None:
        import torch

        parameter = torch.nn.Parameter(torch.from_numpy(start.copy()))
        parameter.grad = torch.from_numpy(gradient.copy())
        peer = getattr(torch.optim, kind)([parameter], **settings)

        def theirs() -> Any:
            peer.step()
            return parameter.detach()

        made["PyTorch"] = theirs
        check_equal(made)
    return made


def training(sizes: tuple[int, ...], batch: int) -> Contestants:
    """Return how each library trains an MLP for one step."""
    model = tt.MLP(*sizes, generator=np.random.default_rng(0))
    rng = np.random.default_rng(1)
    inputs = rng.standard_normal((batch, sizes[0]), np.float32)
    labels = rng.integers(0, sizes[-1], batch)
    trainer = tt.Trainer(model, tt.cross_entropy, tt.Adam(model.parameters()), log=None)
    given = tt.tensor(inputs), tt.tensor(labels)
    made: Contestants = {"TinyTorch": lambda: trainer.train_step(*given)}
    if importlib.util.find_spec("torch") is not None:
        made["PyTorch"] = torch_training(model, sizes, inputs, labels)
        check_equal(made)
    return made


def torch_training(
    model: tt.MLP, sizes: tuple[int, ...], inputs: np.ndarray, labels: np.ndarray
) -> Any:
    """Return PyTorch's step of training, of a network with the same weights."""
    import torch

    pairs = [(torch.nn.Linear(a, b), torch.nn.ReLU()) for a, b in pairwise(sizes)]
    peer = torch.nn.Sequential(*[layer for pair in pairs for layer in pair][:-1])
    for parameter, weights in zip(peer.parameters(), model.parameters(), strict=True):
        parameter.data = torch.from_numpy(weights.numpy().copy())
    optimizer = torch.optim.Adam(peer.parameters())
    x, y = torch.from_numpy(inputs), torch.from_numpy(labels)

    def step() -> float:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(peer(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def main() -> int:
    """Print the table."""
    if importlib.util.find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)
    else:
        print("PyTorch is not installed here, so there is nothing to compare with.")
    print(f"{processor()}, {versions()}, one thread")
    for name in OPTIMIZERS:
        for shape in SHAPES:
            show(f"{name}, {shape[0]}x{shape[1]}", medians(stepping(name, shape)))
    for sizes, batch in NETWORKS.items():
        layers = "-".join(map(str, sizes))
        show(f"a step of training, MLP {layers}, batch {batch}", medians(training(sizes, batch)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
