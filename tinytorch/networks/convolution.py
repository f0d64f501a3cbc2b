"""Convolution: one small set of weights, slid over the whole image."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tinytorch.layers import Module, kaiming_uniform_, uniform_
from tinytorch.networks.windows import Pair, Size, as_pair, check_images, pad, unfold
from tinytorch.tensors import Tensor, apply, register_kernel, zeros
from tinytorch.tensors.dtypes import Array
from tinytorch.tensors.shapes import Shape

_IN_CACHE = 2**17  # numbers: a block of columns that the processor can keep at hand


def conv2d_kernel(
    images: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """Return the images' convolution with the weights: every window times every filter, summed.

    images: (batch, channels, height, width), of any batch size, also 0
    weight: (filters, channels / groups, kernel height, kernel width), bias: (filters,)
    -> (batch, filters, rows, columns)
    The padding is of zeros. With groups, the channels and the filters are cut into that many equal
    parts, and a filter sees the channels of its own part only.
    """
    filters, _, *kernel = weight.shape
    windows = unfold(pad(images, padding), (kernel[0], kernel[1]), stride=stride, dilation=dilation)
    batch, _, rows, columns = windows.shape[:4]
    windows = windows.transpose(0, 1, 4, 5, 2, 3)  # (batch, channels, i, j, rows, columns)
    matrix = weight.reshape(groups, filters // groups, -1)
    result = np.empty((batch, filters, rows, columns), np.result_type(images, weight))
    for some, band in blocks(windows.shape):
        block = windows[some, ..., band, :]
        flat = block.reshape(len(block), groups, matrix.shape[2], -1)  # the copy
        result[some, :, band] = (matrix @ flat).reshape(len(block), filters, -1, columns)
    if bias is not None:
        result += bias[:, None, None]
    return result


def blocks(shape: Shape) -> Iterator[tuple[slice, slice]]:
    """Yield slices of images and of rows that cover all windows, each small enough for the cache.

    shape: (batch, channels, kernel height, kernel width, rows, columns)
    """
    batch, rows, one_row = shape[0], shape[4], math.prod(shape[1:4]) * shape[5]
    height = max(1, _IN_CACHE // one_row)
    images = max(1, _IN_CACHE // (one_row * rows))
    for first in range(0, batch, images):
        for top in range(0, rows, height):
            yield slice(first, first + images), slice(top, top + height)


def conv2d(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Return every window of the images times every filter, summed.

    images: (batch, channels, height, width)
    weight: (filters, channels / groups, kernel height, kernel width), bias: (filters,)
    -> (batch, filters, rows, columns), by ``conv_output_size``
    Raises ValueError where the shapes do not fit together.
    """
    _check_shapes(images.shape, weight.shape, bias, groups)
    options = {
        "stride": as_pair(stride, "stride"),
        "padding": as_pair(padding, "padding", lowest=0),
        "dilation": as_pair(dilation, "dilation"),
        "groups": groups,
    }
    inputs = (images, weight) if bias is None else (images, weight, bias)
    return apply("conv2d", *inputs, **options)


def _check_shapes(images: Shape, weight: Shape, bias: Tensor | None, groups: int) -> None:
    check_images(images)
    if len(weight) != 4:
        raise ValueError(
            "weights are (filters, channels / groups, kernel height, kernel width), not "
            f"{weight}; reshape first"
        )
    as_pair(weight[2:], "kernel_size")
    _check_groups(images[1], weight[0], groups)
    if images[1] != weight[1] * groups:
        raise ValueError(
            f"cannot convolve {images} with {weight} in {groups} groups: the images have "
            f"{images[1]} channels, the filters expect {weight[1] * groups}"
        )
    if bias is not None and bias.shape != weight[:1]:
        raise ValueError(f"a bias of shape {bias.shape} does not fit {weight[0]} filters")


def _check_groups(channels: int, filters: int, groups: int) -> None:
    if min(channels, filters, groups) < 1 or channels % groups or filters % groups:
        raise ValueError(
            f"{channels} channels and {filters} filters cannot both be cut into {groups} equal "
            "groups; all three are 1 or more"
        )


_NUMPYS_NAMES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad2d(images: Tensor, padding: Size, mode: str = "zeros") -> Tensor:
    """Return the images with a margin on all four sides.

    Modes: zeros; reflect (the image mirrored at its outermost pixels); replicate (the outermost
    pixels repeated); circular (the opposite side).
    images: (batch, channels, height, width). Raises ValueError for a margin that the image is too
    small to fill.
    """
    check_images(images.shape)
    _check_mode(mode)
    margins = as_pair(padding, "padding", lowest=0)
    most = {"reflect": 1, "circular": 0}
    for size, margin in zip(images.shape[2:], margins, strict=True):
        if mode in most and margin > size - most[mode]:
            raise ValueError(f"{size} pixels cannot fill a margin of {margin} in mode {mode!r}")
    return apply("pad2d", images, padding=margins, mode=mode)


def _check_mode(mode: str) -> None:
    if mode not in _NUMPYS_NAMES:
        raise ValueError(f"no padding mode is called {mode!r}; choose from {list(_NUMPYS_NAMES)}")


def pad2d_kernel(images: Array, *, padding: Pair, mode: str) -> Array:
    """Return the images with a margin filled in one of the modes of ``pad2d``."""
    down, right = padding
    widths = [(0, 0), (0, 0), (down, down), (right, right)]
    return np.pad(images, widths, _NUMPYS_NAMES[mode])  # type: ignore[call-overload, no-any-return]


class Conv2d(Module):
    """Slide filters over images: the same weights at every place.

    images: (batch, in_channels, height, width) -> (batch, out_channels, rows, columns).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        _check_groups(in_channels, out_channels, groups)
        _check_mode(padding_mode)
        self.kernel_size = as_pair(kernel_size, "kernel_size")
        self.stride = as_pair(stride, "stride")
        self.padding = as_pair(padding, "padding", lowest=0)
        self.dilation = as_pair(dilation, "dilation")
        self.groups = groups
        self.padding_mode = padding_mode
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = kaiming_uniform_(zeros(shape), a=math.sqrt(5), generator=generator)
        self.bias: Tensor | None = None
        if bias:
            bound = 1 / math.sqrt(math.prod(shape[1:]))
            self.bias = uniform_(zeros(out_channels), low=-bound, high=bound, generator=generator)

    def forward(self, images: Tensor) -> Tensor:
        """Return the filters' answers at every place."""
        padding = self.padding
        if self.padding_mode != "zeros":
            images, padding = pad2d(images, padding, self.padding_mode), (0, 0)
        return conv2d(
            images,
            self.weight,
            self.bias,
            stride=self.stride,
            padding=padding,
            dilation=self.dilation,
            groups=self.groups,
        )

    def extra_repr(self) -> str:
        """Return the layer's settings."""
        filters, depth = self.weight.shape[:2]
        return (
            f"{depth * self.groups}, {filters}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"groups={self.groups}, bias={self.bias is not None}, padding_mode={self.padding_mode}"
        )


register_kernel("conv2d", conv2d_kernel)
register_kernel("pad2d", pad2d_kernel)
