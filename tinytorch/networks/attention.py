"""Attention: every place of a sequence asks all others, and mixes what they hold."""

from __future__ import annotations

import math

import numpy as np

from tinytorch.layers import Dense, Module, linear, softmax, xavier_uniform_, zeros_
from tinytorch.tensors import Tensor, bool_, from_numpy, where, zeros


def attention_weights(query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return how much each query takes from each key: shares that add up to 1.

    query: (..., queries, size), key: (..., keys, size) -> (..., queries, keys)
    The scores are the products of query and key, divided by sqrt(size), then a softmax over the
    keys. Where the mask, a tensor of bools that broadcasts to the scores, is False, a query does
    not look: it takes exactly 0. A query that may look nowhere takes 0 from everywhere.
    Raises TypeError, naming its dtype, for a mask not of bools. Source: Vaswani et al. 2017, eq. 1.
    """
    scores = (query / math.sqrt(query.shape[-1])) @ key.transpose(-2, -1)
    if mask is None:
        return softmax(scores, dim=-1)
    if mask.dtype != bool_:
        raise TypeError(f"a mask says where to look, in bools, not {mask.dtype}; compare first")
    unseen = float(np.finfo(scores.dtype).min)  # finite, so that a row of it has a softmax
    shares = softmax(where(mask, scores, unseen), dim=-1)
    return where(mask, shares, 0.0)


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Return for each query the mean of the values, weighted by ``attention_weights``.

    query: (..., queries, size), key: (..., keys, size), value: (..., keys, width)
    -> (..., queries, width)
    """
    return attention_weights(query, key, mask) @ value


def causal_mask(length: int) -> Tensor:
    """Return the mask with which each place looks at itself and at what came before.

    -> (length, length) of bools
    """
    return from_numpy(np.tri(length, dtype=np.bool_))


class MultiHeadAttention(Module):
    """Attend in several ways at once, each in a part of the features.

    query: (..., queries, embed_dim), key and value: (..., keys, embed_dim)
    -> (..., queries, embed_dim). Source: Vaswani et al. 2017, section 3.2.2.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        bias: bool = True,
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        if num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"{embed_dim} features cannot be cut into {num_heads} equal heads")
        self.num_heads = num_heads
        self.in_proj_weight = xavier_uniform_(zeros(3 * embed_dim, embed_dim), generator=generator)
        self.in_proj_bias = zeros(3 * embed_dim) if bias else None
        self.out_proj = Dense(embed_dim, embed_dim, bias, generator=generator)
        if self.out_proj.bias is not None:
            zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        *,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Return what the queries find; without a key, the sequence attends to itself."""
        asked = query if key is None else key
        heads = self.maps(query, key, mask=mask) @ self._project(
            asked if value is None else value, 2
        )
        joined = heads.transpose(-3, -2).flatten(-2)  # (..., queries, embed_dim)
        mixed: Tensor = self.out_proj(joined)
        return mixed

    def maps(
        self, query: Tensor, key: Tensor | None = None, *, mask: Tensor | None = None
    ) -> Tensor:
        """Return the attention maps: (..., heads, queries, keys)."""
        asked = query if key is None else key
        return attention_weights(self._project(query, 0), self._project(asked, 1), mask)

    def _project(self, x: Tensor, part: int) -> Tensor:
        """Return the queries (0), keys (1) or values (2) of x: (..., heads, length, size)."""
        size = self.in_proj_weight.shape[1]
        rows = slice(part * size, (part + 1) * size)
        bias = None if self.in_proj_bias is None else self.in_proj_bias[rows]
        projected = linear(x, self.in_proj_weight[rows], bias)  # (..., length, embed_dim)
        return projected.reshape(*x.shape[:-1], self.num_heads, -1).transpose(-3, -2)

    def extra_repr(self) -> str:
        """Return the layer's settings."""
        return f"embed_dim={self.in_proj_weight.shape[1]}, num_heads={self.num_heads}"
