"""Normalisation: numbers moved and scaled to mean 0 and variance 1, over different dims."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinytorch.layers import Module
from tinytorch.tensors import Tensor, apply, ones, register_kernel, zeros
from tinytorch.tensors.dtypes import Array


def batch_norm(
    x: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Return x with each channel moved and scaled: ``(x - mean) / sqrt(var + eps)``.

    x: (batch, channels, ...) -> the same; all else: (channels,)
    In training, mean and variance (divided by the count) are those of this batch, over all dims
    but the channels, and ``update_running`` remembers them; otherwise they are the running ones.
    Then each channel is multiplied by its weight and its bias is added, where there are any.
    Raises ValueError in training on one number a channel. Source: Ioffe & Szegedy 2015.
    """
    per_channel = (1, -1, *[1] * (x.ndim - 2))
    mean, var = running_mean, running_var
    if training:
        dims = (0, *range(2, x.ndim))
        mean, var = x.mean(dims), x.var(dims, correction=0)
        count = x.numel() // x.shape[1]
        update_running((running_mean, running_var), (mean, var), count, momentum)
    moved = x - mean.reshape(per_channel)
    result = moved / (var + eps).sqrt().reshape(per_channel)
    if weight is not None:
        result = result * weight.reshape(per_channel)
    return result if bias is None else result + bias.reshape(per_channel)


def update_running(
    running: tuple[Tensor, Tensor], batch: tuple[Tensor, Tensor], count: int, momentum: float
) -> None:
    """Move the running mean and variance a little towards those of a batch, in their memory.

    The batch's variance is scaled to divide by count - 1, as an estimate of all data would.
    No gradient flows into what is remembered, so this does not pass the door.
    Raises ValueError for a single number a channel, which has no variance.
    """
    if count < 2:
        raise ValueError(
            f"{count} number a channel has no variance: train on larger batches, or call .eval()"
        )
    scales = 1, count / (count - 1)
    for kept, new, scale in zip(running, batch, scales, strict=True):
        kept.numpy()[...] += momentum * (scale * new.numpy() - kept.numpy())


def layer_norm(
    x: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Return x with its last dims moved and scaled to mean 0 and variance 1, each by itself.

    x: ``(..., *normalized_shape)`` -> the same; weight and bias: normalized_shape.
    Raises ValueError where the last sizes of x are others. Source: Ba, Kiros & Hinton 2016.
    """
    shape = tuple(normalized_shape)
    if not shape or x.shape[-len(shape) :] != shape:
        raise ValueError(f"cannot normalise {x.shape} over {shape}: these are not its last sizes")
    weights = ones(shape, dtype=x.dtype) if weight is None else weight
    biases = zeros(shape, dtype=x.dtype) if bias is None else bias
    return apply("layer_norm", x, weights, biases, eps=eps)


def layer_norm_kernel(x: Array, weight: Array, bias: Array, *, eps: float) -> Array:
    """Return x normalised over as many last dims as the weight has."""
    dims = tuple(range(-weight.ndim, 0))
    moved = x - x.mean(dims, keepdims=True)
    var = np.square(moved).mean(dims, keepdims=True)
    result: Array = moved / np.sqrt(var + x.dtype.type(eps)) * weight + bias
    return result


class _BatchNorm(Module):
    """Normalise each channel over the batch, and later by what was seen in training."""

    _ndims: tuple[int, ...]
    _layout: str

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True
    ) -> None:
        self.eps = eps
        self.momentum = momentum
        self.weight = ones(num_features) if affine else None
        self.bias = zeros(num_features) if affine else None
        self.register_buffer("running_mean", zeros(num_features))
        self.register_buffer("running_var", ones(num_features))

    running_mean: Tensor
    running_var: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Return x, each channel normalised."""
        channels = self.running_mean.shape
        if x.ndim not in self._ndims or x.shape[1:2] != channels:
            raise ValueError(
                f"cannot normalise {x.shape}: {type(self).__name__} takes {self._layout} "
                f"with {channels[0]} channels"
            )
        return batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=self.training,
            momentum=self.momentum,
            eps=self.eps,
        )

    def extra_repr(self) -> str:
        """Return the layer's settings."""
        return (
            f"{self.running_mean.numel()}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.weight is not None}"
        )


class BatchNorm1d(_BatchNorm):
    """Normalise each channel of (batch, channels) or (batch, channels, length)."""

    _ndims = (2, 3)
    _layout = "(batch, channels) or (batch, channels, length)"


class BatchNorm2d(_BatchNorm):
    """Normalise each channel of (batch, channels, height, width)."""

    _ndims = (4,)
    _layout = "(batch, channels, height, width)"


class LayerNorm(Module):
    """Normalise each example by itself, over its last dims."""

    def __init__(self, normalized_shape: int | Sequence[int], eps: float = 1e-5) -> None:
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
        self.normalized_shape = tuple(shape)
        self.eps = eps
        self.weight = ones(self.normalized_shape)
        self.bias = zeros(self.normalized_shape)

    def forward(self, x: Tensor) -> Tensor:
        """Return x, its last dims normalised."""
        return layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the layer's settings."""
        return f"{self.normalized_shape}, eps={self.eps}"


register_kernel("layer_norm", layer_norm_kernel)
