"""Windows: how many fit into an image, and how to look through all of them without a copy."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from tinytorch.tensors.dtypes import Array
from tinytorch.tensors.shapes import Shape

Pair = tuple[int, int]
Size = int | Sequence[int]  # one number for both height and width, or one for each


def conv_output_size(
    size: int, kernel: int, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Return how many windows fit along one side of an image: ``28, 3 -> 26``.

    The padding goes on both ends. A dilation of 2 takes every second pixel, so that a kernel of 3
    reaches over 5. The stride is the distance between one window and the next.
    Raises ValueError where the kernel reaches further than the padded image.
    """
    reach = dilation * (kernel - 1) + 1
    padded = size + 2 * padding
    if reach > padded:
        raise ValueError(
            f"no window of {reach} fits into {padded} pixels: size {size} with padding {padding} "
            f"on both ends, kernel {kernel} with dilation {dilation}; use a smaller kernel"
        )
    return (padded - reach) // stride + 1


def unfold(images: Array, kernel: Pair, *, stride: Pair = (1, 1), dilation: Pair = (1, 1)) -> Array:
    """Return every window of the images, as a view of the same memory.

    images: (batch, channels, height, width)
    -> (batch, channels, rows, columns, kernel height, kernel width)
    Element ``[n, c, y, x, i, j]`` of the result is the pixel
    ``[n, c, y * stride[0] + i * dilation[0], x * stride[1] + j * dilation[1]]`` of the images.
    The view cannot be written to: neighbouring windows share their pixels.
    Raises ValueError where a window does not fit.
    """
    batch, channels, height, width = images.shape
    to_image, to_channel, down, right = images.strides  # in bytes
    rows = conv_output_size(height, kernel[0], stride=stride[0], dilation=dilation[0])
    columns = conv_output_size(width, kernel[1], stride=stride[1], dilation=dilation[1])
    shape = (batch, channels, rows, columns, *kernel)
    between = (down * stride[0], right * stride[1])
    inside = (down * dilation[0], right * dilation[1])
    strides = (to_image, to_channel, *between, *inside)
    return np.lib.stride_tricks.as_strided(images, shape, strides, writeable=False)


def pad(images: Array, padding: Pair, value: float = 0) -> Array:
    """Return the images with a margin of one value: rows above and below, columns at the sides."""
    down, right = padding
    if not down and not right:
        return images
    batch, channels, height, width = images.shape
    shape = (batch, channels, height + 2 * down, width + 2 * right)
    padded = np.full(shape, value, images.dtype)
    padded[:, :, down : down + height, right : right + width] = images
    return padded


def as_pair(size: Size, what: str, lowest: int = 1) -> Pair:
    """Return (height, width), given as one number for both or one each.

    Raises ValueError for a number below the lowest, TypeError for anything but integers.
    """
    both = size if isinstance(size, list | tuple) else (size, size)
    if len(both) != 2 or any(isinstance(n, bool) or not hasattr(n, "__index__") for n in both):
        raise TypeError(f"{what} is an integer or two, for height and width, not {size!r}")
    if min(both) < lowest:
        raise ValueError(f"{what} is {lowest} or more, not {size!r}")
    return operator.index(both[0]), operator.index(both[1])


def check_images(shape: Shape) -> None:
    """Raise ValueError unless this is the shape of images in a batch."""
    if len(shape) != 4:
        raise ValueError(f"images are (batch, channels, height, width), not {shape}; reshape first")
