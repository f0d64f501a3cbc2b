"""Architectures: layers composed into networks. Nothing here computes; it only connects."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tinytorch.layers import Dense, Dropout, Flatten, Module, ReLU, Sequential
from tinytorch.networks.attention import MultiHeadAttention
from tinytorch.networks.convolution import Conv2d
from tinytorch.networks.normalization import LayerNorm
from tinytorch.networks.pooling import MaxPool2d
from tinytorch.tensors import Tensor


class Residual(Module):
    """Add what a chain of modules makes of x to x itself, so that it has only to correct it."""

    def __init__(self, *modules: Module, shortcut: Module | None = None) -> None:
        self.inner = Sequential(*modules)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Return x, through the shortcut if there is one, plus what the chain makes of it.

        x: any shape that the chain keeps, or that the shortcut turns into the chain's
        Raises ValueError where the two shapes differ: nothing is broadcast. Source: He et al. 2016.
        """
        kept = x if self.shortcut is None else self.shortcut(x)
        change: Tensor = self.inner(x)
        if kept.shape != change.shape:
            raise ValueError(
                f"cannot add {kept.shape} and {change.shape}: the chain has to keep the shape, or "
                "a shortcut has to change it in the same way"
            )
        return kept + change


class MLP(Sequential):
    """Dense layers with an activation between each two: ``MLP(784, 64, 10)``.

    x: (batch, ...), flattened to the first size -> (batch, last size)
    """

    def __init__(
        self,
        *sizes: int,
        activation: type[Module] = ReLU,
        generator: np.random.Generator | None = None,
    ) -> None:
        if len(sizes) < 2:
            raise ValueError(f"an MLP has at least an input and an output size, not {sizes}")
        modules: list[Module] = [Flatten()]
        for inputs, outputs in pairwise(sizes):
            modules += [Dense(inputs, outputs, generator=generator), activation()]
        super().__init__(*modules[:-1])  # the last layer's numbers are scores, left as they are


class CNN(Sequential):
    """Convolutions that halve the image, the strongest answer of each filter, and one Dense layer.

    images: (batch, in_channels, image_size, image_size) -> (batch, classes)
    """

    def __init__(
        self,
        in_channels: int = 1,
        classes: int = 10,
        *,
        filters: Sequence[int] = (12, 24, 64),
        image_size: int = 28,
        generator: np.random.Generator | None = None,
    ) -> None:
        halvings = len(filters) - 1
        if image_size < 2**halvings:
            raise ValueError(
                f"{image_size} pixels cannot be halved {halvings} times: take fewer filters"
            )
        modules: list[Module] = []
        channels, size = in_channels, image_size
        for number, count in enumerate(filters):
            window = size if number == halvings else 2  # at the end, the whole image
            convolution = Conv2d(channels, count, 3, padding=1, generator=generator)
            modules += [convolution, ReLU(), MaxPool2d(window)]
            channels, size = count, size // window
        super().__init__(*modules, Flatten(), Dense(channels, classes, generator=generator))


class TransformerEncoderLayer(Module):
    """Let each place attend to the others, then think for itself; both as corrections.

    x: (..., length, d_model) -> the same. Each part first normalises what it reads.
    Source: Vaswani et al. 2017, with the order of Xiong et al. 2020.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.norm1 = LayerNorm(d_model)
        self.self_attn = MultiHeadAttention(d_model, nhead, generator=generator)
        self.norm2 = LayerNorm(d_model)
        self.linear1 = Dense(d_model, dim_feedforward, generator=generator)
        self.activation = ReLU()
        self.linear2 = Dense(dim_feedforward, d_model, generator=generator)
        self.dropout = Dropout(dropout, generator=generator)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return x, corrected twice."""
        x = x + self.dropout(self.self_attn(self.norm1(x), mask=mask))
        hidden = self.dropout(self.activation(self.linear1(self.norm2(x))))
        corrected: Tensor = x + self.dropout(self.linear2(hidden))
        return corrected


class TransformerEncoder(Module):
    """Several encoder layers, one after another, and a last normalisation."""

    def __init__(
        self,
        d_model: int,
        nhead: int,
        num_layers: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        made = [
            TransformerEncoderLayer(d_model, nhead, dim_feedforward, dropout, generator=generator)
            for _ in range(num_layers)
        ]
        self.layers = Sequential(*made)
        self.norm = LayerNorm(d_model)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return x after all layers: (..., length, d_model) -> the same."""
        for layer in self.layers:
            x = layer(x, mask)
        normalised: Tensor = self.norm(x)
        return normalised
