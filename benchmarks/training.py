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
MODELS: dict[str, list[tuple[int, ...]]] = {  # the shapes of their parameters
    "one matrix 2000x1000": [(2000, 1000)],
    "MLP 64-32-10": [(32, 64), (32,), (10, 32), (10,)],
    "MLP 784-256-128-10": [(256, 784), (256,), (128, 256), (128,), (10, 128), (10,)],
    "50 small parameters": [(32, 32), (32,)] * 25,
}
STEPS = {  # whole steps of training: the sizes of an MLP, examples in a batch, and the optimizer
    "MLP 64-32-10, batch 32": ((64, 32, 10), 32, "Adam"),
    "MLP 784-256-128-10, batch 64": ((784, 256, 128, 10), 64, "SGD with momentum"),
}


def stepping(name: str, shapes: list[tuple[int, ...]]) -> Contestants:
    """Return how each library steps parameters of these shapes."""
    kind, settings = OPTIMIZERS[name]
    rng = np.random.default_rng(0)
    starts, gradients = ([rng.standard_normal(s, np.float32) for s in shapes] for _ in range(2))
    weights, given = [tt.tensor(one) for one in starts], [tt.tensor(one) for one in gradients]
    optimizer = getattr(tt, kind)(weights, **settings)

    def ours() -> tt.Tensor:
        optimizer.step(given)
        return weights[0]

    made: Contestants = {"TinyTorch": ours}
    if importlib.util.find_spec("torch") is not None:
        import torch

        parameters = [torch.nn.Parameter(torch.from_numpy(one.copy())) for one in starts]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = torch.from_numpy(gradient.copy())
        peer = getattr(torch.optim, kind)(parameters, **settings)

        def theirs() -> Any:
            peer.step()
            return parameters[0].detach()

        made["PyTorch"] = theirs
        check_equal(made)
    return made


def training(sizes: tuple[int, ...], batch: int, name: str) -> Contestants:
    """Return how each library trains an MLP for one step."""
    kind, settings = OPTIMIZERS[name]
    model = tt.MLP(*sizes, generator=np.random.default_rng(0))
    rng = np.random.default_rng(1)
    inputs = rng.standard_normal((batch, sizes[0]), np.float32)
    labels = rng.integers(0, sizes[-1], batch)
    optimizer = getattr(tt, kind)(model.parameters(), **settings)
    trainer = tt.Trainer(model, tt.cross_entropy, optimizer, log=None)
    given = tt.tensor(inputs), tt.tensor(labels)
    made: Contestants = {"TinyTorch": lambda: trainer.train_step(*given)}
    if importlib.util.find_spec("torch") is not None:
        made["PyTorch"] = torch_training(model, sizes, inputs, labels, name)
        check_equal(made)
    return made


def torch_training(
    model: tt.MLP, sizes: tuple[int, ...], inputs: np.ndarray, labels: np.ndarray, name: str
) -> Any:
    """Return PyTorch's step of training, of a network with the same weights."""
    import torch

    pairs = [(torch.nn.Linear(a, b), torch.nn.ReLU()) for a, b in pairwise(sizes)]
    peer = torch.nn.Sequential(*[layer for pair in pairs for layer in pair][:-1])
    for parameter, weights in zip(peer.parameters(), model.parameters(), strict=True):
        parameter.data = torch.from_numpy(weights.numpy().copy())
    kind, settings = OPTIMIZERS[name]
    optimizer = getattr(torch.optim, kind)(peer.parameters(), **settings)
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
        for model, shapes in MODELS.items():
            show(f"{name}, {model}", medians(stepping(name, shapes)))
    for label, (sizes, batch, name) in STEPS.items():
        show(f"a step of training, {label}, {name}", medians(training(sizes, batch, name)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
