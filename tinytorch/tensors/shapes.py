"""Shapes and strides: the arithmetic of where elements live, in plain tuples of integers."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

Shape = tuple[int, ...]
Dims = int | Sequence[int] | None


def infer_shape(nested: Any) -> Shape:
    """Return the shape of nested lists: ``[[1, 2, 3], [4, 5, 6]] -> (2, 3)``.

    A number has shape ``()``, an empty list ``(0,)``.
    Raises ValueError for a ragged list, whose items differ in shape.
    """
    if not isinstance(nested, list | tuple):
        return tuple(getattr(nested, "shape", ()))
    shapes = [infer_shape(item) for item in nested]
    for position, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ValueError(
                f"ragged list: item 0 has shape {shapes[0]} but item {position} has shape {shape}; "
                "give all items of a list the same shape"
            )
    return (len(nested), *(shapes[0] if shapes else ()))


def contiguous_strides(shape: Shape) -> Shape:
    """Return the row-major strides of a shape, in elements: ``(2, 3, 4) -> (12, 4, 1)``.

    The last dim moves one element at a time; each dim before it jumps over all that follow.
    A dim of size 0 counts as 1, so that strides stay positive.
    """
    strides = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def view_strides(shape: Shape, strides: Shape, new_shape: Shape) -> Shape | None:
    """Return the strides that show the same memory in a new shape, or None.

    None means that no strides can do it and the elements must be copied. Both shapes hold
    the same number of elements. ``(2, 3), (3, 1), (6,) -> (1,)``;
    ``(3, 2), (1, 3), (6,) -> None`` (a transposed matrix cannot be flattened in place).
    """
    if 0 in shape:
        return contiguous_strides(new_shape)
    runs = _runs(shape, strides)
    new_strides = []
    room, step = runs.pop()
    for size in reversed(new_shape):
        if room == 1 and size != 1 and runs:
            room, step = runs.pop()
        if room % size:
            return None
        new_strides.append(step)
        room //= size
        step *= size
    return tuple(reversed(new_strides))


def _runs(shape: Shape, strides: Shape) -> list[tuple[int, int]]:
    """Return the evenly spaced runs of memory, outermost first, as (elements, stride)."""
    runs = [(1, 1)]
    for size, stride in zip(shape, strides, strict=True):
        if size == 1:
            continue
        outer_size, outer_stride = runs[-1]
        if outer_size == 1:
            runs[-1] = (size, stride)
        elif outer_stride == size * stride:
            runs[-1] = (outer_size * size, stride)
        else:
            runs.append((size, stride))
    return runs


def broadcast_shapes(*shapes: Shape) -> Shape:
    """Return the shape that all shapes stretch to: ``(3, 1), (4,) -> (3, 4)``.

    Shapes line up from the right; a missing dim counts as 1, and a 1 stretches to any size.
    Raises ValueError where two sizes differ and neither is 1.
    """
    ndim = max((len(shape) for shape in shapes), default=0)
    result = [1] * ndim
    for shape in shapes:
        for dim, size in enumerate(shape, start=ndim - len(shape)):
            if size != 1 and result[dim] not in (1, size):
                raise ValueError(
                    f"cannot broadcast {' with '.join(map(str, shapes))}: sizes {result[dim]} and "
                    f"{size} differ in dim {dim - ndim} and neither is 1"
                )
            if size != 1:
                result[dim] = size
    return tuple(result)


def broadcast_strides(shape: Shape, strides: Shape, target: Shape) -> Shape:
    """Return the strides that stretch a tensor to a target shape without copying.

    A dim that is new, or that grows from 1, gets stride 0: every step reads the same element.
    ``(3, 1), (1, 1), (2, 3, 4) -> (0, 1, 0)``.
    Raises ValueError where a size differs from the target and is not 1.
    """
    new = len(target) - len(shape)
    if new < 0:
        raise ValueError(f"cannot expand {shape} to {target}: the target has fewer dims")
    result = [0] * new
    for size, stride, wanted in zip(shape, strides, target[new:], strict=True):
        if size not in (1, wanted):
            raise ValueError(
                f"cannot expand {shape} to {target}: size {size} is neither 1 nor {wanted}"
            )
        result.append(stride if size == wanted else 0)
    return tuple(result)


def normalize_dims(dim: Dims, ndim: int) -> Shape:
    """Return dims as a tuple of numbers from 0 to ndim - 1: ``-1, 3 -> (2,)``.

    None stands for all dims. Negative dims count from the end.
    Raises IndexError out of range, ValueError for a dim named twice, TypeError for no integer.
    """
    if dim is None:
        return tuple(range(ndim))
    dims = []
    for one in dim if isinstance(dim, list | tuple) else (dim,):
        if isinstance(one, bool) or not hasattr(one, "__index__"):
            raise TypeError(f"a dim is an integer, not {one_line(one)}")
        number = operator.index(one)
        if not -ndim <= number < ndim:
            raise IndexError(
                f"dim {number} is out of range for a tensor with {ndim} dims; "
                + (f"use {-ndim} to {ndim - 1}" if ndim else "it is a single number")
            )
        dims.append(number % ndim)
    if len(set(dims)) < len(dims):
        raise ValueError(f"dim {dim} names the same dim twice; name each dim once")
    return tuple(dims)


def matmul_shape(a: Shape, b: Shape) -> Shape:
    """Return the shape of a matrix product: ``(3, 4), (4, 5) -> (3, 5)``.

    Rows of a meet columns of b; dims before the last two broadcast. A 1-D a is one row, a 1-D
    b one column, and the dim so added is dropped again.
    Raises ValueError where the inner sizes differ or a shape has no dims.
    """
    if not a or not b:
        raise ValueError(f"cannot multiply {a} by {b}: a single number has no rows; use *")
    inner_a, inner_b = a[-1], b[-2] if len(b) > 1 else b[0]
    if inner_a != inner_b:
        raise ValueError(f"cannot multiply {a} by {b}: inner sizes {inner_a} and {inner_b} differ")
    columns = b[-1:] if len(b) > 1 else ()
    return (*broadcast_shapes(a[:-2], b[:-2]), *a[-2:-1], *columns)


def flat_sizes(sizes: Sequence[Any]) -> tuple[Any, ...]:
    """Return (2, 3) for both ``f(2, 3)`` and ``f((2, 3))``."""
    one = sizes[0] if len(sizes) == 1 else None
    return tuple(one) if isinstance(one, list | tuple) else tuple(sizes)


def checked_shape(*sizes: Any) -> Shape:
    """Return sizes, given one by one or as one sequence, as a shape of integers >= 0."""
    return tuple(map(_checked_size, flat_sizes(sizes)))


def _checked_size(size: Any, lowest: int = 0) -> int:
    if isinstance(size, bool) or not hasattr(size, "__index__"):
        raise TypeError(f"a size is an integer, not {one_line(size)}")
    number = operator.index(size)
    if number < lowest:
        raise ValueError(f"a size is 0 or more, not {number}")
    return number


def resolve_shape(shape: Shape, sizes: Sequence[Any]) -> Shape:
    """Return the new shape of a reshape; one size may be -1 and takes what is left over."""
    wanted = tuple([_checked_size(size, lowest=-1) for size in flat_sizes(sizes)])
    count, product = math.prod(shape), math.prod(wanted)
    if wanted.count(-1) == 1 and product < 0 and count % product == 0:
        return checked_shape([count // -product if size == -1 else size for size in wanted])
    if product != count or -1 in wanted:
        raise ValueError(f"cannot reshape {shape} to {wanted}: {count} elements do not fill it")
    return wanted


def one_line(value: object) -> str:
    """Return the repr of a value as an error message quotes it: on one line, and not long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."
