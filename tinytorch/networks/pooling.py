"""Pooling: each window of an image becomes one number."""

from __future__ import annotations

import numpy as np

from tinytorch.layers import Module
from tinytorch.networks.windows import Pair, Size, as_pair, check_images, pad, unfold
from tinytorch.tensors import Tensor, apply, register_kernel
from tinytorch.tensors.dtypes import Array, DType


def max_pool2d_kernel(
    images: Array, *, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Array:
    """Return the largest number of each window.

    images: (batch, channels, height, width) -> (batch, channels, rows, columns)
    The margin never wins, however small the numbers inside are. A window with a NaN gives NaN.
    """
    padded = pad(images, padding, lowest(images.dtype))
    windows = unfold(padded, kernel_size, stride=stride, dilation=dilation)
    largest = windows[..., 0, 0].copy()  # of the first place in every window at once
    for i, j in np.ndindex(kernel_size):
        np.maximum(largest, windows[..., i, j], out=largest)
    return largest


def lowest(dtype: DType) -> float:
    """Return the number of a dtype that is below, or equal to, every other."""
    if dtype.kind == "f":
        return -np.inf
    return 0 if dtype.kind == "b" else int(np.iinfo(dtype).min)


def avg_pool2d_kernel(
    images: Array, *, kernel_size: Pair, stride: Pair, padding: Pair, count_include_pad: bool
) -> Array:
    """Return the mean of each window. Raises TypeError for integers, which have no mean."""
    if images.dtype.kind != "f":
        raise TypeError(f"the mean of {images.dtype} is no {images.dtype}; use .to(float32) first")
    total = _sum_windows(pad(images, padding), kernel_size, stride)
    if count_include_pad:
        return np.asarray(total / images.dtype.type(kernel_size[0] * kernel_size[1]))
    inside = pad(np.ones((1, 1, *images.shape[2:]), images.dtype), padding)
    return np.asarray(total / _sum_windows(inside, kernel_size, stride))


def _sum_windows(images: Array, kernel_size: Pair, stride: Pair) -> Array:
    windows = unfold(images, kernel_size, stride=stride)
    total = np.zeros(windows.shape[:4], images.dtype)
    for i, j in np.ndindex(kernel_size):
        total += windows[..., i, j]
    return total


def max_pool2d(
    images: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
) -> Tensor:
    """Return the largest number of each window; windows do not overlap unless a stride says so.

    images: (batch, channels, height, width) -> (batch, channels, rows, columns)
    Raises ValueError for a margin of more than half a window.
    """
    dilated = as_pair(dilation, "dilation")
    options = _window_options(images, kernel_size, stride, padding)
    return apply("max_pool2d", images, **options, dilation=dilated)


def avg_pool2d(
    images: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    *,
    count_include_pad: bool = True,
) -> Tensor:
    """Return the mean of each window; windows do not overlap unless a stride says so.

    images: (batch, channels, height, width) -> (batch, channels, rows, columns)
    The zeros of the margin count, unless ``count_include_pad`` is False.
    Raises ValueError for a margin of more than half a window.
    """
    options = _window_options(images, kernel_size, stride, padding)
    return apply("avg_pool2d", images, **options, count_include_pad=count_include_pad)


def _window_options(
    images: Tensor, kernel_size: Size, stride: Size | None, padding: Size
) -> dict[str, Pair]:
    check_images(images.shape)
    kernel = as_pair(kernel_size, "kernel_size")
    margin = as_pair(padding, "padding", lowest=0)
    if any(2 * one > size for one, size in zip(margin, kernel, strict=True)):
        raise ValueError(
            f"padding {margin} is more than half of kernel_size {kernel}: some windows would see "
            "the margin alone"
        )
    steps = kernel if stride is None else as_pair(stride, "stride")
    return {"kernel_size": kernel, "stride": steps, "padding": margin}


class MaxPool2d(Module):
    """Keep the largest number of each window: (batch, channels, height, width) -> smaller."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
    ) -> None:
        self.kernel_size = as_pair(kernel_size, "kernel_size")
        self.stride = self.kernel_size if stride is None else as_pair(stride, "stride")
        self.padding = as_pair(padding, "padding", lowest=0)
        self.dilation = as_pair(dilation, "dilation")

    def forward(self, images: Tensor) -> Tensor:
        """Return the maxima."""
        return max_pool2d(images, self.kernel_size, self.stride, self.padding, self.dilation)

    def extra_repr(self) -> str:
        """Return the layer's settings."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}"
        )


class AvgPool2d(Module):
    """Take the mean of each window: (batch, channels, height, width) -> smaller."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        *,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size = as_pair(kernel_size, "kernel_size")
        self.stride = self.kernel_size if stride is None else as_pair(stride, "stride")
        self.padding = as_pair(padding, "padding", lowest=0)
        self.dilation = (1, 1)
        self.count_include_pad = count_include_pad

    def forward(self, images: Tensor) -> Tensor:
        """Return the means."""
        return avg_pool2d(
            images,
            self.kernel_size,
            self.stride,
            self.padding,
            count_include_pad=self.count_include_pad,
        )

    def extra_repr(self) -> str:
        """Return the layer's settings."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"count_include_pad={self.count_include_pad}"
        )


register_kernel("max_pool2d", max_pool2d_kernel)
register_kernel("avg_pool2d", avg_pool2d_kernel)
