"""Embedding: numbers for names, and for places."""

from __future__ import annotations

import numpy as np

from tinytorch.layers import Module, normal_
from tinytorch.tensors import Tensor, apply, float32, from_numpy, register_kernel, zeros
from tinytorch.tensors.dtypes import Array


def embedding(indices: Tensor, weight: Tensor) -> Tensor:
    """Return a row of the weight for each index.

    indices: (...) of integers, weight: (count, size) -> (..., size)
    Raises TypeError for indices that are no integers, IndexError for one without a row.
    """
    if indices.dtype.kind not in "iu":
        raise TypeError(f"an index into an embedding is an integer, not {indices.dtype}")
    return apply("embedding", weight, indices=indices.numpy())


def embedding_kernel(weight: Array, *, indices: Array) -> Array:
    """Return a row of the weight for each index: (count, size), (...) -> (..., size).

    Raises IndexError, naming the first index that has no row; none counts from the end.
    """
    has_no_row = (indices < 0) | (indices >= len(weight))
    if has_no_row.any():
        raise IndexError(
            f"index {indices[has_no_row].flat[0]} has no row: the embedding has rows 0 to "
            f"{len(weight) - 1}"
        )
    rows: Array = weight[indices]
    return rows


class Embedding(Module):
    """A table with one row of learned numbers for each of num_embeddings names."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.weight = normal_(zeros(num_embeddings, embedding_dim), generator=generator)

    def forward(self, indices: Tensor) -> Tensor:
        """Return a row for each index: (...) -> (..., embedding_dim)."""
        return embedding(indices, self.weight)

    def extra_repr(self) -> str:
        """Return the layer's settings."""
        return ", ".join(map(str, self.weight.shape))


def sinusoids(length: int, size: int) -> Tensor:
    """Return sines and cosines that tell places apart: (length, size).

    Features 2i and 2i + 1 of place p are the sine and cosine of ``p / 10000 ** (2i / size)``.
    Source: Vaswani et al. 2017, section 3.5.
    """
    features = np.arange(size)
    wavelengths = 10000 ** (features // 2 * 2 / size)  # the same for a sine and its cosine
    angles = np.arange(length)[:, None] / wavelengths  # (length, size)
    waves = np.where(features % 2, np.cos(angles), np.sin(angles))
    return from_numpy(waves.astype(float32))


class PositionalEncoding(Module):
    """Add to each place of a sequence what tells it from the others."""

    def __init__(self, embedding_dim: int, max_length: int = 512) -> None:
        self.register_buffer("table", sinusoids(max_length, embedding_dim))

    table: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Return x with its places marked: (batch, length, embedding_dim) -> the same."""
        length = x.shape[-2]
        if length > len(self.table):
            raise ValueError(
                f"a sequence of {length} is longer than the {len(self.table)} places that are "
                "marked; raise max_length"
            )
        return x + self.table[:length]

    def extra_repr(self) -> str:
        """Return the layer's settings."""
        return f"{self.table.shape[1]}, max_length={self.table.shape[0]}"


register_kernel("embedding", embedding_kernel)
