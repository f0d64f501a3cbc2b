"""Trained networks: an architecture and the weights that come with the package."""

from __future__ import annotations

from collections.abc import Callable

from tinytorch.datasets.weights import weights_path
from tinytorch.layers import Module
from tinytorch.networks.architectures import CNN, MLP
from tinytorch.networks.safetensors import load_safetensors

ARCHITECTURES: dict[str, Callable[[], Module]] = {
    "xor": lambda: MLP(2, 4, 2),  # (batch, 2) of 0 and 1 -> scores of False and True
    "mlp_digits": lambda: MLP(64, 64, 10),  # (batch, 8, 8) of ink from 0 to 1
    "mlp_mnist": lambda: MLP(784, 64, 10),  # (batch, 1, 28, 28) of ink from 0 to 1
    "cnn_mnist": lambda: CNN(1, 10),  # (batch, 1, 28, 28) of ink from 0 to 1
}


def load_pretrained(name: str) -> Module:
    """Return a trained network, set to inference: xor, mlp_digits, mlp_mnist or cnn_mnist.

    Every fifth example of its data set, the first included, was kept for testing: ``images[::5]``.
    Raises ValueError for another name, or where the file with the weights is damaged.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"no trained network is called {name!r}; choose from {[*ARCHITECTURES]}")
    model = ARCHITECTURES[name]()
    model.load_state_dict(load_safetensors(weights_path(name)))
    return model.eval()
