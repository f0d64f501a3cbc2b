"""Memory: which line of numbers an array looks at, and how it walks along it."""

from __future__ import annotations

import numpy as np

from tinytorch.tensors.dtypes import Array
from tinytorch.tensors.shapes import Shape


def element_strides(array: Array) -> Shape:
    """Return the strides of an array in elements; NumPy counts them in bytes."""
    return tuple(stride // array.itemsize for stride in array.strides)


def memory_of(array: Array) -> tuple[Array, int]:
    """Return the whole line of memory that an array looks at, and where in it the array starts."""
    owner, base = array, array.base
    while base is not None:  # a stretched view stands on an object that stands on the array
        owner = base if isinstance(base, np.ndarray) and base.dtype == array.dtype else owner
        base = getattr(base, "base", None)
    start: int = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
    return owner.ravel(order="K"), start // array.itemsize
