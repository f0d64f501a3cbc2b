"""The tensor: an array with a shape, strides and a dtype, whose every method uses the door."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Self

import numpy as np

from tinytorch.tensors.door import apply, wrap
from tinytorch.tensors.dtypes import (
    Array,
    DType,
    DTypeLike,
    Number,
    TensorLike,
    as_array,
    as_dtype,
    bool_,
    float32,
    int64,
    result_type,
)
from tinytorch.tensors.memory import element_strides, memory_of
from tinytorch.tensors.shapes import (
    Dims,
    Shape,
    checked_shape,
    contiguous_strides,
    flat_sizes,
    normalize_dims,
    resolve_shape,
    view_strides,
)


class Tensor:
    """An n-dimensional array whose operations all pass through ``apply``.

    ``array`` is the NumPy array that holds the numbers; ``shape`` counts elements along each
    dim and ``strides`` says how many elements of memory one step along it skips.
    """

    array: Array
    __array_ufunc__ = None  # so that NumPy leaves array + tensor to the tensor

    def __init__(self, data: TensorLike, dtype: DTypeLike = None) -> None:
        self.array = as_array(data, dtype).copy()

    @property
    def shape(self) -> Shape:
        """The number of elements along each dim."""
        return self.array.shape

    @property
    def strides(self) -> Shape:
        """The elements of memory that one step along each dim skips."""
        return element_strides(self.array)

    @property
    def dtype(self) -> DType:
        """The kind of number and its width."""
        return self.array.dtype

    @property
    def ndim(self) -> int:
        """The number of dims."""
        return self.array.ndim

    @property
    def nbytes(self) -> int:
        """The bytes that the elements would fill, each counted once per place it is shown."""
        return self.array.nbytes

    def numel(self) -> int:
        """Return the number of elements."""
        return self.array.size

    def numpy(self) -> Array:
        """Return the NumPy array inside. It shares memory with the tensor."""
        return self.array

    def tolist(self) -> Any:
        """Return the elements as nested lists of Python numbers."""
        return self.array.tolist()

    def item(self) -> Number:
        """Return the only element as a Python number. Raises ValueError for more than one."""
        if self.numel() != 1:
            raise ValueError(f"item() needs one element; shape {self.shape} has {self.numel()}")
        value: Number = self.array.item()
        return value

    # Memory

    def storage(self) -> Tensor:
        """Return the whole line of memory that this tensor looks at, as a 1-D tensor."""
        return wrap(memory_of(self.array)[0])

    def storage_offset(self) -> int:
        """Return the place in ``storage()`` where the first element lives."""
        return memory_of(self.array)[1]

    def shares_memory(self, other: TensorLike) -> bool:
        """Return whether writing to one tensor can change the other."""
        return bool(np.shares_memory(self.array, as_array(other)))

    def is_contiguous(self) -> bool:
        """Return whether the elements lie in memory in the order of the indices, with no gap."""
        steps = zip(self.shape, self.strides, contiguous_strides(self.shape), strict=True)
        return not self.numel() or all(
            size == 1 or stride == wanted for size, stride, wanted in steps
        )

    def contiguous(self) -> Tensor:
        """Return this tensor if it is contiguous, else a contiguous copy."""
        return self if self.is_contiguous() else self.clone()

    def clone(self) -> Tensor:
        """Return a contiguous copy that shares no memory."""
        return apply("clone", self)

    def to(self, dtype: DTypeLike) -> Tensor:
        """Return the elements as another dtype; this tensor itself if it has that dtype.

        Fractions are cut off towards zero. Raises ValueError for a NaN, an infinity or a
        float out of range where the dtype is an integer.
        """
        wanted = as_dtype(dtype)
        return self if wanted == self.dtype else apply("cast", self, dtype=wanted)

    def is_floating_point(self) -> bool:
        """Return whether the dtype is a float."""
        return self.dtype.kind == "f"

    # Shape

    def reshape(self, *shape: int | Sequence[int]) -> Tensor:
        """Return the elements in a new shape: a view where strides allow it, else a copy.

        One size may be -1: it takes what is left over.
        """
        return apply("reshape", self, shape=resolve_shape(self.shape, shape))

    def view(self, *shape: int | Sequence[int]) -> Tensor:
        """Return a view in a new shape. Raises ValueError where that would need a copy."""
        wanted = resolve_shape(self.shape, shape)
        if view_strides(self.shape, self.strides, wanted) is None:
            raise ValueError(
                f"cannot view shape {self.shape} with strides {self.strides} as {wanted} without "
                "a copy; use reshape()"
            )
        return apply("reshape", self, shape=wanted)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """Return the dims from start to end, both included, joined into one."""
        if self.ndim == 0:
            return self.reshape(1)
        start, end = normalize_dims(start_dim, self.ndim)[0], normalize_dims(end_dim, self.ndim)[0]
        if start > end:
            raise ValueError(f"start_dim {start_dim} comes after end_dim {end_dim}; swap them")
        joined = math.prod(self.shape[start : end + 1])
        return self.reshape(*self.shape[:start], joined, *self.shape[end + 1 :])

    def squeeze(self, dim: int | Sequence[int] | None = None) -> Tensor:
        """Return a view without the dims of size 1, or without those named if they are 1."""
        dims = normalize_dims(dim, self.ndim)
        kept = [size for i, size in enumerate(self.shape) if size != 1 or i not in dims]
        return self.reshape(kept)

    def unsqueeze(self, dim: int) -> Tensor:
        """Return a view with a new dim of size 1 at a place from 0 to ndim."""
        place = normalize_dims(dim, self.ndim + 1)[0]
        return self.reshape(*self.shape[:place], 1, *self.shape[place:])

    def permute(self, *dims: int | Sequence[int]) -> Tensor:
        """Return a view with the dims in a new order. Every dim is named once."""
        order = normalize_dims(flat_sizes(dims), self.ndim)
        if len(order) != self.ndim:
            raise ValueError(
                f"permute needs all {self.ndim} dims of shape {self.shape}, got {dims}"
            )
        return apply("permute", self, dims=order)

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Return a view with two dims swapped."""
        order = list(range(self.ndim))
        a, b = normalize_dims(dim0, self.ndim)[0], normalize_dims(dim1, self.ndim)[0]
        order[a], order[b] = b, a
        return apply("permute", self, dims=tuple(order))

    @property
    def T(self) -> Tensor:  # noqa: N802
        """The tensor with its dims in reverse order, as a view."""
        return apply("permute", self, dims=tuple(range(self.ndim))[::-1])

    def expand(self, *sizes: int | Sequence[int]) -> Tensor:
        """Return a read-only view stretched to the sizes; -1 keeps a size. Nothing is copied."""
        wanted = flat_sizes(sizes)
        new = len(wanted) - self.ndim
        shape = [
            self.shape[dim - new] if size == -1 and dim >= new else size
            for dim, size in enumerate(wanted)
        ]
        return apply("expand", self, shape=checked_shape(shape))

    # Indexing

    def __getitem__(self, index: Any) -> Tensor:
        return apply("getitem", self, index=_plain_index(index))

    def __setitem__(self, index: Any, value: TensorLike) -> None:
        apply("setitem", self, as_tensor(value).to(self.dtype), index=_plain_index(index))

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("a tensor without dims has no length; use numel()")
        return self.shape[0]

    def __contains__(self, value: TensorLike) -> bool:
        return bool((self == as_tensor(value)).any())

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    # Arithmetic

    def __add__(self, other: TensorLike) -> Tensor:
        return apply("add", self, other)

    def __radd__(self, other: TensorLike) -> Tensor:
        return apply("add", other, self)

    def __sub__(self, other: TensorLike) -> Tensor:
        return apply("sub", self, other)

    def __rsub__(self, other: TensorLike) -> Tensor:
        return apply("sub", other, self)

    def __mul__(self, other: TensorLike) -> Tensor:
        return apply("mul", self, other)

    def __rmul__(self, other: TensorLike) -> Tensor:
        return apply("mul", other, self)

    def __truediv__(self, other: TensorLike) -> Tensor:
        return apply("div", _floating(self, other), other)

    def __rtruediv__(self, other: TensorLike) -> Tensor:
        return apply("div", other, _floating(self, other))

    def __floordiv__(self, other: TensorLike) -> Tensor:
        return apply("floor_divide", self, other)

    def __rfloordiv__(self, other: TensorLike) -> Tensor:
        return apply("floor_divide", other, self)

    def __mod__(self, other: TensorLike) -> Tensor:
        return apply("remainder", self, other)

    def __rmod__(self, other: TensorLike) -> Tensor:
        return apply("remainder", other, self)

    def __pow__(self, other: TensorLike) -> Tensor:
        return apply("pow", self, other)

    def __rpow__(self, other: TensorLike) -> Tensor:
        return apply("pow", other, self)

    def __matmul__(self, other: TensorLike) -> Tensor:
        return apply("matmul", self, other)

    def __rmatmul__(self, other: TensorLike) -> Tensor:
        return apply("matmul", other, self)

    def __and__(self, other: TensorLike) -> Tensor:
        return apply("bitwise_and", self, other)

    def __or__(self, other: TensorLike) -> Tensor:
        return apply("bitwise_or", self, other)

    def __xor__(self, other: TensorLike) -> Tensor:
        return apply("bitwise_xor", self, other)

    def __lt__(self, other: TensorLike) -> Tensor:
        return apply("lt", self, other)

    def __le__(self, other: TensorLike) -> Tensor:
        return apply("le", self, other)

    def __gt__(self, other: TensorLike) -> Tensor:
        return apply("gt", self, other)

    def __ge__(self, other: TensorLike) -> Tensor:
        return apply("ge", self, other)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        if not _is_numeric(other):
            return NotImplemented
        return apply("eq", self, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        if not _is_numeric(other):
            return NotImplemented
        return apply("ne", self, other)

    __hash__ = object.__hash__

    def __iadd__(self, other: TensorLike) -> Self:
        return self._assign(self + other)

    def __isub__(self, other: TensorLike) -> Self:
        return self._assign(self - other)

    def __imul__(self, other: TensorLike) -> Self:
        return self._assign(self * other)

    def __itruediv__(self, other: TensorLike) -> Self:
        return self._assign(self / other)

    def _assign(self, result: Tensor) -> Self:
        if result.shape != self.shape:
            raise ValueError(
                f"shape {self.shape} cannot grow to {result.shape} in place; write x = x + y"
            )
        if result_type(self.dtype, result.dtype) != self.dtype:
            raise TypeError(f"{self.dtype} cannot hold {result.dtype} in place; write x = x + y")
        self[...] = result
        return self

    def __neg__(self) -> Tensor:
        return apply("neg", self)

    def __abs__(self) -> Tensor:
        return apply("abs", self)

    def __invert__(self) -> Tensor:
        return apply("bitwise_not", self)

    def matmul(self, other: TensorLike) -> Tensor:
        """Return the matrix product, as ``@`` does."""
        return apply("matmul", self, other)

    def abs(self) -> Tensor:
        """Return the size of each element without its sign."""
        return apply("abs", self)

    def exp(self) -> Tensor:
        """Return e to the power of each element."""
        return apply("exp", _floating(self))

    def log(self) -> Tensor:
        """Return the natural logarithm; -inf for 0, nan below."""
        return apply("log", _floating(self))

    def sqrt(self) -> Tensor:
        """Return the square root; nan below 0."""
        return apply("sqrt", _floating(self))

    def sin(self) -> Tensor:
        """Return the sine of each element, in radians."""
        return apply("sin", _floating(self))

    def cos(self) -> Tensor:
        """Return the cosine of each element, in radians."""
        return apply("cos", _floating(self))

    def tanh(self) -> Tensor:
        """Return the hyperbolic tangent."""
        return apply("tanh", _floating(self))

    def sign(self) -> Tensor:
        """Return -1, 0 or 1 for each element."""
        return apply("sign", self)

    def floor(self) -> Tensor:
        """Return the largest whole number not above each element."""
        return apply("floor", self)

    def ceil(self) -> Tensor:
        """Return the smallest whole number not below each element."""
        return apply("ceil", self)

    def round(self) -> Tensor:
        """Return the nearest whole number; halves go to the even one."""
        return apply("round", self)

    def isnan(self) -> Tensor:
        """Return whether each element is not a number."""
        return apply("isnan", self)

    def isfinite(self) -> Tensor:
        """Return whether each element is neither infinite nor nan."""
        return apply("isfinite", self)

    def clamp(self, low: Number | None = None, high: Number | None = None) -> Tensor:
        """Return the elements, none below ``low`` and none above ``high``."""
        raised = self if low is None else apply("maximum", self, low)
        return raised if high is None else apply("minimum", raised, high)

    # Reductions

    def sum(self, dim: Dims = None, *, keepdim: bool = False) -> Tensor:
        """Return the sum along the dims. Integers and bools add up as int64."""
        return apply("sum", self, dim=normalize_dims(dim, self.ndim), keepdim=keepdim)

    def prod(self, dim: Dims = None, *, keepdim: bool = False) -> Tensor:
        """Return the product along the dims. Integers and bools multiply as int64."""
        return apply("prod", self, dim=normalize_dims(dim, self.ndim), keepdim=keepdim)

    def amax(self, dim: Dims = None, *, keepdim: bool = False) -> Tensor:
        """Return the largest element along the dims; nan if one is nan."""
        return apply("amax", self, dim=normalize_dims(dim, self.ndim), keepdim=keepdim)

    def amin(self, dim: Dims = None, *, keepdim: bool = False) -> Tensor:
        """Return the smallest element along the dims; nan if one is nan."""
        return apply("amin", self, dim=normalize_dims(dim, self.ndim), keepdim=keepdim)

    def any(self, dim: Dims = None, *, keepdim: bool = False) -> Tensor:
        """Return whether any element along the dims is not zero."""
        return apply("any", self, dim=normalize_dims(dim, self.ndim), keepdim=keepdim)

    def all(self, dim: Dims = None, *, keepdim: bool = False) -> Tensor:
        """Return whether all elements along the dims are not zero."""
        return apply("all", self, dim=normalize_dims(dim, self.ndim), keepdim=keepdim)

    def mean(self, dim: Dims = None, *, keepdim: bool = False) -> Tensor:
        """Return the mean along the dims. Raises TypeError for integers."""
        if not self.is_floating_point():
            raise TypeError(f"a mean of {self.dtype} is not of that dtype; use .to(float32) first")
        return self.sum(dim, keepdim=keepdim) / self._count(dim)

    def var(self, dim: Dims = None, *, correction: int = 1, keepdim: bool = False) -> Tensor:
        """Return the variance along the dims: squared distance from the mean, summed, divided
        by the count less the correction."""
        distance = self - self.mean(dim, keepdim=True)
        total = (distance * distance).sum(dim, keepdim=keepdim)
        return total / max(self._count(dim) - correction, 0)

    def std(self, dim: Dims = None, *, correction: int = 1, keepdim: bool = False) -> Tensor:
        """Return the standard deviation along the dims: the square root of ``var``."""
        return self.var(dim, correction=correction, keepdim=keepdim).sqrt()

    def _count(self, dim: Dims) -> int:
        return math.prod(self.shape[i] for i in normalize_dims(dim, self.ndim))

    def argmax(self, dim: int | None = None, *, keepdim: bool = False) -> Tensor:
        """Return the index of the largest element along a dim, or in the flattened tensor."""
        return self._pick("argmax", dim, keepdim)

    def argmin(self, dim: int | None = None, *, keepdim: bool = False) -> Tensor:
        """Return the index of the smallest element along a dim, or in the flattened tensor."""
        return self._pick("argmin", dim, keepdim)

    def _pick(self, operation: str, dim: int | None, keepdim: bool) -> Tensor:
        one = None if dim is None else normalize_dims(dim, self.ndim)[0]
        return apply(operation, self, dim=one, keepdim=keepdim)

    def cumsum(self, dim: int) -> Tensor:
        """Return the running sum along a dim. Integers and bools add up as int64."""
        return apply("cumsum", self, dim=normalize_dims(dim, self.ndim)[0])

    # As a Python object

    def __bool__(self) -> bool:
        if self.numel() != 1:
            raise ValueError(
                f"the truth of a tensor of shape {self.shape} is not one answer; "
                "say .any() or .all()"
            )
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        number = self.item()
        if not math.isfinite(number):
            raise ValueError(f"cannot convert {number} to an integer: it is not finite")
        return int(number)

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise TypeError(f"an index is an integer, not {self.dtype}")
        return int(self.item())

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> Array:
        return np.array(self.array, dtype, copy=copy)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __repr__(self) -> str:
        """Return the elements as ``tensor(...)``, with what they do not show by themselves."""
        body = np.array2string(
            self.array, separator=", ", prefix="tensor(", precision=4, threshold=1000
        )
        notes = [body]
        if self.numel() == 0 or self.numel() > 1000:
            notes.append(f"shape={self.shape}")
        if self.dtype not in (float32, int64, bool_):
            notes.append(f"dtype={self.dtype}")
        return f"tensor({', '.join(notes)})"


def as_tensor(data: TensorLike) -> Tensor:
    """Return a tensor as it is, and anything else as a new one."""
    return data if isinstance(data, Tensor) else Tensor(data)


def extend_tensor(name: str, value: Any) -> ExitStack:
    """Add an attribute, property or method to every tensor: the one way to do so.

    Returns a handle that takes it away again. Raises ValueError for a name that is taken.
    """
    if hasattr(Tensor, name):
        raise ValueError(f"tensors have {name!r} already; choose another name")
    setattr(Tensor, name, value)
    handle = ExitStack()
    handle.callback(delattr, Tensor, name)
    return handle


def _floating(tensor: Tensor, other: TensorLike = 0) -> Tensor:
    """Return the tensor, as float32 if neither it nor the other is of a float dtype."""
    is_floating = tensor.dtype.kind == "f" or as_array(other).dtype.kind == "f"
    return tensor if is_floating else tensor.to(float32)


def _is_numeric(value: object) -> bool:
    return isinstance(value, Tensor | np.ndarray | np.generic | bool | int | float | list | tuple)


def _plain_index(index: Any) -> tuple[Any, ...]:
    parts = index if isinstance(index, tuple) else (index,)
    return tuple([part.array if isinstance(part, Tensor) else part for part in parts])
