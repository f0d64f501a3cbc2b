"""The door: every operation on tensors passes through ``apply``.

It looks the operation's kernel up in a table, so that kernels can be swapped, and tells listeners
what happened, so that later chapters can record, count and time without a change to this one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from threading import get_ident
from time import perf_counter
from typing import Any

import numpy as np

from tinytorch.tensors.dtypes import (
    CATEGORY,
    Array,
    DType,
    Number,
    TensorLike,
    as_array,
    bool_,
    fit,
    float32,
    int64,
    result_type,
)
from tinytorch.tensors.shapes import Shape

_ndarray = np.ndarray
_new = object.__new__
_DTYPE_OF_NUMBER: dict[type, DType] = {bool: bool_, int: int64, float: float32}

Kernel = Callable[..., Any]
Listener = Callable[[str, tuple[Any, ...], dict[str, Any], "Tensor", float], None]
ShapeRule = Callable[..., Shape]

_kernels: dict[str, Kernel] = {}
_kernel_sets: dict[str, dict[str, Kernel]] = {}
_shape_rules: dict[str, ShapeRule] = {}
_listeners: list[Listener] = []
_telling: set[int] = set()  # the threads that a listener is at work in


def apply(operation: str, *inputs: TensorLike, **options: Any) -> Tensor:
    """Return the tensor that an operation makes of its inputs. The one door.

    Unwraps the inputs to arrays of one dtype, runs the operation's kernel on them, wraps the
    result, and tells whoever is listening. Inputs are what a gradient could flow to; all else
    (dims, shapes, indices) is an option.
    """
    arrays = unwrap(inputs)
    started = perf_counter() if _listeners else 0.0
    try:
        result = _kernels[operation](*arrays, **options)
    except (KeyError, TypeError, ValueError) as problem:
        raise explain(operation, arrays, options, problem) from None
    output = wrap(result)
    if _listeners:
        tell(operation, inputs, options, output, perf_counter() - started)
    return output


def unwrap(inputs: Sequence[TensorLike]) -> tuple[Array, ...]:
    """Return the arrays inside of the inputs, all in one dtype.

    A plain number takes the tensors' dtype unless its category is higher:
    float32 and 2.5 give float32, int64 and 2.5 give float32, int64 and 2 give int64.
    """
    if len(inputs) == 2:  # two tensors of one dtype, or floats and a number, are most common
        a, b = inputs
        if type(a) is type(b) is Tensor and a.array.dtype is b.array.dtype:
            return a.array, b.array
        if type(b) in _DTYPE_OF_NUMBER and type(a) is Tensor and a.array.dtype.kind == "f":
            return a.array, fit(b, a.array.dtype)
    elif len(inputs) == 1 and type(inputs[0]) is Tensor:
        return (inputs[0].array,)
    return _in_one_dtype([_array_or_number(one) for one in inputs])


def _array_or_number(value: TensorLike) -> Array | Number:
    if type(value) in _DTYPE_OF_NUMBER:
        return value  # type: ignore[no-any-return]
    if isinstance(value, Tensor):
        return value.array
    return value.item() if isinstance(value, np.generic) else as_array(value)


def _in_one_dtype(values: Sequence[Array | Number]) -> tuple[Array, ...]:
    dtypes = {value.dtype for value in values if isinstance(value, np.ndarray)}
    common = result_type(*dtypes) if len(dtypes) > 1 else next(iter(dtypes), bool_)
    for value in values:
        kind = _DTYPE_OF_NUMBER.get(type(value), common)
        if CATEGORY[kind.kind] > CATEGORY[common.kind]:
            common = kind
    return tuple([fit(value, common) for value in values])


def wrap(result: Any) -> Tensor:
    """Return a tensor around a kernel's result, without copying."""
    output = _new(Tensor)
    output.array = result if type(result) is _ndarray else np.asarray(result)
    return output


def tell(
    operation: str,
    inputs: tuple[TensorLike, ...],
    options: dict[str, Any],
    output: Tensor,
    seconds: float,
) -> None:
    """Tell each listener of one operation. What a listener computes itself is not told."""
    thread = get_ident()
    if thread in _telling:
        return
    _telling.add(thread)
    try:
        for listener in tuple(_listeners):
            listener(operation, inputs, options, output, seconds)
    finally:
        _telling.discard(thread)


def listen(listener: Listener) -> ExitStack:
    """Call ``listener(operation, inputs, options, output, seconds)`` after every operation.

    Returns a handle that stops listening: use it in a ``with`` statement, or call ``close()``.
    """
    _listeners.append(listener)
    handle = ExitStack()
    handle.callback(_listeners.remove, listener)
    return handle


def register_kernel(
    operation: str, kernel: Kernel, *, name: str = "numpy", shape_rule: ShapeRule | None = None
) -> None:
    """Keep a kernel for an operation in the named set; the set "numpy" is always in use.

    A kernel takes arrays of one dtype, and the options by name, and returns an array. The rule
    takes their shapes; where the kernel fails, it raises the error that says why.
    """
    _kernel_sets.setdefault(name, {})[operation] = kernel
    if name == "numpy":
        _kernels[operation] = kernel
    if shape_rule is not None:
        _shape_rules[operation] = shape_rule


def use_kernels(name: str) -> ExitStack:
    """Put the named set's kernels behind the door; operations it lacks keep theirs.

    Returns a handle that puts the former ones back: use ``with``, or call ``close()``.
    """
    if name not in _kernel_sets:
        raise ValueError(f"no kernels are named {name!r}; choose from {sorted(_kernel_sets)}")
    former = {operation: _kernels.get(operation) for operation in _kernel_sets[name]}
    _kernels.update(_kernel_sets[name])
    handle = ExitStack()
    handle.callback(_put_back, former)
    return handle


def _put_back(former: dict[str, Kernel | None]) -> None:
    for operation, kernel in former.items():
        if kernel is None:
            del _kernels[operation]
        else:
            _kernels[operation] = kernel


def explain(
    operation: str, arrays: Sequence[Array], options: dict[str, Any], problem: Exception
) -> Exception:
    """Return the error to raise where a kernel failed: the broken rule, with its values."""
    shapes = [array.shape for array in arrays]
    if operation not in _kernels:
        return ValueError(f"no kernel is registered for the operation {operation!r}")
    if isinstance(problem, ValueError) and operation in _shape_rules:
        try:
            _shape_rules[operation](*shapes)
        except ValueError as broken_rule:
            return broken_rule
    if isinstance(problem, TypeError) and not options:
        dtypes = " and ".join(str(array.dtype) for array in arrays)
        return TypeError(f"{operation} is not defined for {dtypes}; convert with .to(dtype) first")
    return problem


# The door makes tensors and a tensor's methods use the door, so each needs the other.
from tinytorch.tensors.tensor_class import Tensor  # noqa: E402
