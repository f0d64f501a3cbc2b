"""Rules of convolution, pooling and padding. Their gradients are operations of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.autograd.rules import register_rule
from tinytorch.networks.convolution import blocks
from tinytorch.networks.pooling import lowest
from tinytorch.networks.windows import Pair, pad, unfold
from tinytorch.tensors import Tensor, apply, register_kernel
from tinytorch.tensors.door import Kernel
from tinytorch.tensors.dtypes import Array
from tinytorch.tensors.shapes import Shape

# Convolution


def conv2d_input_gradient_kernel(
    gradient: Array,
    weight: Array,
    *,
    size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """Return the gradient of a convolution's images: each window's, added where it lay.

    gradient: (batch, filters, rows, columns), weight: as in ``conv2d``
    -> (batch, channels, height, width), size: (height, width)
    """
    filters, depth, *kernel = weight.shape
    batch, _, rows, columns = gradient.shape
    matrix = weight.reshape(groups, filters // groups, -1).transpose(0, 2, 1)
    dtype = np.result_type(gradient, weight)
    images = pad(np.zeros((batch, depth * groups, *size), dtype), padding)
    for some, band in blocks((batch, depth * groups, kernel[0], kernel[1], rows, columns)):
        block = gradient[some, :, band]
        parts = matrix @ block.reshape(len(block), groups, filters // groups, -1)
        shape = (len(block), depth * groups, *kernel, *block.shape[2:])
        fold(images[some], parts.reshape(shape), band.start, stride=stride, dilation=dilation)
    return without_margin(images, padding)


def fold(images: Array, parts: Array, top: int, *, stride: Pair, dilation: Pair) -> None:
    """Add to the images what each window, from a row of windows on, gives to its places.

    parts: (batch, channels, kernel height, kernel width, rows, columns)
    """
    rows, columns = parts.shape[4:]
    for i, j in np.ndindex(*parts.shape[2:4]):
        down, right = top * stride[0] + i * dilation[0], j * dilation[1]
        down_end = down + (rows - 1) * stride[0] + 1
        right_end = right + (columns - 1) * stride[1] + 1
        images[:, :, down : down_end : stride[0], right : right_end : stride[1]] += parts[
            :, :, i, j
        ]


def without_margin(images: Array, padding: Pair) -> Array:
    """Return the images inside of a margin."""
    down, right = padding
    return images[:, :, down : images.shape[2] - down, right : images.shape[3] - right]


def conv2d_weight_gradient_kernel(
    images: Array,
    gradient: Array,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """Return the gradient of a convolution's weight: every window times what came back from it.

    images: (batch, channels, height, width), gradient: (batch, filters, rows, columns)
    -> (filters, channels / groups, kernel height, kernel width)
    """
    windows = unfold(pad(images, padding), kernel_size, stride=stride, dilation=dilation)
    windows = windows.transpose(0, 1, 4, 5, 2, 3)  # (batch, channels, i, j, rows, columns)
    rows, columns = gradient.shape[2:]
    filters, depth = gradient.shape[1], images.shape[1] // groups
    shape = (groups, filters // groups, depth * kernel_size[0] * kernel_size[1])
    total = np.zeros(shape, np.result_type(images, gradient))
    for some, band in blocks((*windows.shape[:4], rows, columns)):
        block = windows[some, ..., :rows, :columns][..., band, :]
        flat = block.reshape(len(block), groups, shape[2], -1)  # the copy
        part = gradient[some, :, band].reshape(len(block), groups, shape[1], -1)
        total += (part @ flat.transpose(0, 1, 3, 2)).sum(0)
    return total.reshape(filters, depth, *kernel_size)


def conv2d_images_rule(
    gradient: Tensor, shape: Shape, b: Tensor, *, stride: Pair, padding: Pair, dilation: Pair,
    groups: int,
) -> Tensor:  # fmt: skip
    """Return the gradient of the images in ``conv2d``."""
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return apply("conv2d_input_gradient", gradient, b, size=shape[2:], **options)


def conv2d_weight_rule(
    gradient: Tensor, a: Tensor, shape: Shape, *, stride: Pair, padding: Pair, dilation: Pair,
    groups: int,
) -> Tensor:  # fmt: skip
    """Return the gradient of the weight in ``conv2d``."""
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return apply("conv2d_weight_gradient", a, gradient, kernel_size=shape[2:], **options)


def conv2d_again(
    gradient: Tensor, b: Tensor, *, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Tensor:
    """Return the gradient of a gradient of the images: it is linear, and this is its transpose."""
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return apply("conv2d", gradient, b, **options)


# Pooling


def places_of_largest(
    images: Array, largest: Array, *, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Array:
    """Return where each window's largest number stands: in the padded images, as one line.

    The first of several counts. largest: what ``max_pool2d`` returned.
    """
    padded = pad(images, padding, lowest(images.dtype))
    windows = unfold(padded, kernel_size, stride=stride, dilation=dilation)
    has_nan = bool(np.isnan(largest).any())
    is_found = np.zeros(largest.shape, np.bool_)
    before = np.zeros(largest.shape, np.intp)  # how many places of a window come before its largest
    for i, j in np.ndindex(kernel_size):
        number = windows[..., i, j]
        is_found |= number == largest
        if has_nan:
            is_found |= np.isnan(number)
        before += ~is_found
    batch, channels, height, width = padded.shape
    image = np.arange(batch * channels).reshape(batch, channels, 1, 1) * (height * width)
    down = np.arange(largest.shape[2])[:, None] * (stride[0] * width)
    right = np.arange(largest.shape[3]) * stride[1]
    i, j = np.indices(kernel_size)
    inside = (i * dilation[0] * width + j * dilation[1]).ravel()  # by the number of the place
    return np.asarray(inside[before] + (image + (down + right)))


def max_pool2d_gradient(
    gradient: Tensor, a: Tensor, output: Tensor, *, kernel_size: Pair, stride: Pair, padding: Pair,
    dilation: Pair,
) -> Tensor:  # fmt: skip
    """Return the gradient of the images in ``max_pool2d``: all of it to each window's largest."""
    options = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    places = places_of_largest(a.array, output.array, **options, dilation=dilation)
    return apply("scatter2d", gradient, places=places, size=a.shape[2:], padding=padding)


def scatter2d_kernel(values: Array, *, places: Array, size: Pair, padding: Pair) -> Array:
    """Return images of zeros, with each value added at its place in them with their margin."""
    images = pad(np.zeros((*values.shape[:2], *size), values.dtype), padding)
    np.add.at(images.reshape(-1), places.ravel(), values.ravel())
    return without_margin(images, padding)


def gather2d_kernel(images: Array, *, places: Array, size: Pair, padding: Pair) -> Array:
    """Return what stands at each of the places in the images with their margin."""
    return pad(images, padding).ravel()[places]


def avg_pool2d_gradient(
    gradient: Tensor, shape: Shape, *, kernel_size: Pair, stride: Pair, padding: Pair,
    count_include_pad: bool,
) -> Tensor:  # fmt: skip
    """Return the gradient of the images in ``avg_pool2d``: an equal part to each of a window."""
    options = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    return apply(
        "avg_pool2d_gradient",
        gradient,
        size=shape[2:],
        count_include_pad=count_include_pad,
        **options,
    )


def avg_pool2d_gradient_kernel(
    values: Array, *, size: Pair, kernel_size: Pair, stride: Pair, padding: Pair,
    count_include_pad: bool,
) -> Array:  # fmt: skip
    """Return images of zeros, with a part of each window's value added at all its places."""
    images = pad(np.zeros((*values.shape[:2], *size), values.dtype), padding)
    inside = pad(np.ones((1, 1, *size), values.dtype), padding)
    counts: Any = unfold(inside, kernel_size, stride=stride).sum((4, 5))
    if count_include_pad:
        counts = values.dtype.type(kernel_size[0] * kernel_size[1])
    shares = (values / counts)[:, :, None, None]
    for i, j in np.ndindex(kernel_size):
        fold(images[:, :, i:, j:], shares, 0, stride=stride, dilation=(1, 1))
    return without_margin(images, padding)


def avg_pool2d_again(
    gradient: Tensor, *, kernel_size: Pair, stride: Pair, padding: Pair, count_include_pad: bool
) -> Tensor:
    """Return the gradient of a gradient of the images: it is linear, and this is its transpose."""
    options = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    return apply("avg_pool2d", gradient, count_include_pad=count_include_pad, **options)


# Padding

_NUMPYS_NAMES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad2d_gradient_kernel(gradient: Array, *, padding: Pair, mode: str) -> Array:
    """Return the gradient of the images in ``pad2d``: the margin's, added where it came from."""
    if mode == "zeros":
        return without_margin(gradient, padding)
    down, right = padding
    rows = gradient[:, :, down : gradient.shape[2] - down].copy()
    for margin, row in _margin(gradient.shape[2], down, mode):
        rows[:, :, row] += gradient[:, :, margin]
    images = rows[..., right : gradient.shape[3] - right].copy()
    for margin, column in _margin(gradient.shape[3], right, mode):
        images[..., column] += rows[..., margin]
    return images


def _margin(size: int, width: int, mode: str) -> list[tuple[int, int]]:
    """Return each place of a margin with the place inside that it repeats."""
    numpys: Any = _NUMPYS_NAMES[mode]
    inside = np.pad(np.arange(size - 2 * width), width, numpys).tolist()
    return [(at, inside[at]) for at in (*range(width), *range(size - width, size))]


_KERNELS: dict[str, Kernel] = {
    "conv2d_input_gradient": conv2d_input_gradient_kernel,
    "conv2d_weight_gradient": conv2d_weight_gradient_kernel,
    "scatter2d": scatter2d_kernel,
    "gather2d": gather2d_kernel,
    "avg_pool2d_gradient": avg_pool2d_gradient_kernel,
    "pad2d_gradient": pad2d_gradient_kernel,
}
for _name, _kernel in _KERNELS.items():
    register_kernel(_name, _kernel)

register_rule(
    "conv2d", conv2d_images_rule, conv2d_weight_rule, lambda gradient: gradient.sum((0, 2, 3))
)
register_rule(
    "conv2d_input_gradient",
    conv2d_again,
    lambda gradient, a, shape, *, stride, padding, dilation, groups: conv2d_weight_rule(
        a, gradient, shape, stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
)
register_rule(
    "conv2d_weight_gradient",
    lambda gradient, shape, b, *, stride, padding, dilation, groups: conv2d_images_rule(
        b, shape, gradient, stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    lambda gradient, a, *, stride, padding, dilation, groups: conv2d_again(
        a, gradient, stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
)
register_rule("max_pool2d", max_pool2d_gradient)
register_rule(
    "scatter2d",
    lambda gradient, *, places, size, padding: apply(
        "gather2d", gradient, places=places, size=size, padding=padding
    ),
)
register_rule(
    "gather2d",
    lambda gradient, *, places, size, padding: apply(
        "scatter2d", gradient, places=places, size=size, padding=padding
    ),
)
register_rule("avg_pool2d", avg_pool2d_gradient)
register_rule("avg_pool2d_gradient", avg_pool2d_again)
register_rule(
    "pad2d",
    lambda gradient, *, padding, mode: apply(
        "pad2d_gradient", gradient, padding=padding, mode=mode
    ),
)
register_rule(
    "pad2d_gradient",
    lambda gradient, *, padding, mode: apply("pad2d", gradient, padding=padding, mode=mode),
)
