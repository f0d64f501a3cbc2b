"""The kernels in NumPy: what each operation does to arrays once it is through the door."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.tensors.door import Kernel, ShapeRule, register_kernel
from tinytorch.tensors.dtypes import Array, DType, cast_array, int64
from tinytorch.tensors.memory import element_strides, memory_of
from tinytorch.tensors.shapes import Shape, broadcast_shapes, broadcast_strides, matmul_shape

# Without NumPy's warnings: x / 0 is inf and log(-1) is nan, silently.
_quiet = np.errstate(all="ignore")


def _of_numbers(kernel: Kernel) -> Kernel:
    """Return the kernel for all but bools, of which NumPy makes int8 or float16."""

    def guarded(*arrays: Array) -> Any:
        if arrays[0].dtype.kind == "b":
            raise TypeError("bools are no numbers")
        return kernel(*arrays)

    return guarded


def _by_integers(kernel: Kernel) -> Kernel:
    def guarded(a: Array, b: Array) -> Any:
        if b.dtype.kind in "biu" and not b.all():
            raise ZeroDivisionError("an integer divided by zero has no value; use floats for inf")
        return kernel(a, b)

    return _quiet(guarded)


@_quiet
def _power(base: Array, exponent: Array) -> Any:
    if exponent.dtype.kind == "i" and (exponent < 0).any():
        raise ValueError("a negative power of an integer is no integer; use .to(float32) first")
    return np.power(base, exponent)


def _dtype_of_total(array: Array) -> DType:
    return array.dtype if array.dtype.kind == "f" else int64


# Any, because NumPy's stubs from 2.5 on take no keepdims that varies beside a dtype.
def _sum(array: Any, *, dim: Shape, keepdim: bool) -> Any:
    return array.sum(axis=dim, keepdims=keepdim, dtype=_dtype_of_total(array))


def _prod(array: Any, *, dim: Shape, keepdim: bool) -> Any:
    return array.prod(axis=dim, keepdims=keepdim, dtype=_dtype_of_total(array))


def _cumsum(array: Array, *, dim: int) -> Any:
    return array.cumsum(axis=dim, dtype=_dtype_of_total(array))


def _reduction(kernel: Kernel) -> Kernel:
    def reduce_dims(array: Array, *, dim: Shape | int | None, keepdim: bool) -> Any:
        try:
            return kernel(array, axis=dim, keepdims=keepdim)
        except ValueError:
            raise ValueError(
                f"no element to pick: shape {array.shape} is empty along {dim}"
            ) from None

    return reduce_dims


def _place(kernel: Kernel) -> Kernel:
    find = _reduction(kernel)

    def place(array: Array, **dims: Any) -> Any:
        return find(array, **dims).astype(int64, copy=False)  # NumPy's own is int32 in a browser

    return place


def _reshape(array: Array, *, shape: Shape) -> Array:
    return array.reshape(shape)


def _permute(array: Array, *, dims: Shape) -> Array:
    return array.transpose(dims)


def _expand(array: Array, *, shape: Shape) -> Array:
    strides = broadcast_strides(array.shape, element_strides(array), shape)
    memory, start = memory_of(array)
    reach = [(size - 1) * stride for size, stride in zip(shape, strides, strict=True)]
    if array.size and not 0 <= start + sum(reach) < memory.size:
        raise ValueError(f"strides {strides} of shape {shape} leave the tensor's memory")
    in_bytes = [stride * array.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(array, shape, in_bytes, writeable=False)


def _getitem(array: Array, *, index: tuple[Any, ...]) -> Array:
    try:
        item = array[index]
        return item if isinstance(item, np.ndarray) else array[(*index, ...)]  # a view of it
    except IndexError as problem:
        raise IndexError(f"cannot index a tensor of shape {array.shape}: {problem}") from None


def _setitem(array: Array, value: Array, *, index: tuple[Any, ...]) -> Array:
    if not array.flags.writeable:
        raise ValueError("cannot write to memory that is repeated or borrowed; .clone() it first")
    try:
        array[index] = value
    except IndexError as problem:
        raise IndexError(f"cannot index a tensor of shape {array.shape}: {problem}") from None
    return array


def _clone(array: Array) -> Array:
    return array.copy()


def _cat(*arrays: Array, dim: int) -> Array:
    return np.concatenate(arrays, axis=dim)


def _where(a: Array, b: Array, *, condition: Array) -> Array:
    return np.where(condition, a, b)


_BROADCASTING: dict[str, Kernel] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": _quiet(np.true_divide),
    "floor_divide": _of_numbers(_by_integers(np.floor_divide)),
    "remainder": _of_numbers(_by_integers(np.remainder)),
    "pow": _of_numbers(_power),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
}
_UNARY: dict[str, Kernel] = {
    "neg": np.negative,
    "abs": np.absolute,
    "exp": _quiet(np.exp),
    "log": _quiet(np.log),
    "sqrt": _quiet(np.sqrt),
    "sin": _quiet(np.sin),
    "cos": _quiet(np.cos),
    "tanh": np.tanh,
    "sign": np.sign,
    "floor": _of_numbers(np.floor),
    "ceil": _of_numbers(np.ceil),
    "round": _of_numbers(np.round),
    "isnan": np.isnan,
    "isfinite": np.isfinite,
    "bitwise_not": np.invert,
}
_REDUCTIONS: dict[str, Kernel] = {
    "sum": _sum,
    "prod": _prod,
    "cumsum": _cumsum,
    "amax": _reduction(np.maximum.reduce),
    "amin": _reduction(np.minimum.reduce),
    "argmax": _place(np.argmax),
    "argmin": _place(np.argmin),
    "any": _reduction(np.logical_or.reduce),
    "all": _reduction(np.logical_and.reduce),
}
_MOVES: dict[str, Kernel] = {
    "reshape": _reshape,
    "permute": _permute,
    "expand": _expand,
    "getitem": _getitem,
    "setitem": _setitem,
    "cast": cast_array,
    "clone": _clone,
    "cat": _cat,
    "where": _where,
    "matmul": np.matmul,
}

# Looked up when called, so that the rules in force are the ones that explain.
_RULES: dict[str, ShapeRule] = {
    **dict.fromkeys([*_BROADCASTING, "where"], lambda *shapes: broadcast_shapes(*shapes)),
    "matmul": lambda a, b: matmul_shape(a, b),
}
for _operation, _kernel in {**_BROADCASTING, **_UNARY, **_REDUCTIONS, **_MOVES}.items():
    register_kernel(_operation, _kernel, shape_rule=_RULES.get(_operation))
