"""Cases on which TinyTorch and PyTorch are compared.

A case is one line of Python that both libraries understand, since TinyTorch takes PyTorch's
names, and the inputs it runs on: ``a + b`` with ``{"a": "float32[3,1]", "b": "int64[4]"}``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np

from tests.peers import gradient_cases, layer_cases, network_cases, training_cases
from tests.peers.case import Case

DTYPES = ("bool", "uint8", "int32", "int64", "float16", "float32", "float64")
FLOATS = ("float16", "float32", "float64")
ODD = [np.nan, np.inf, -np.inf, -0.0, 0.0, 1.5, -2.5, 65504.0]


def make(spec: str) -> np.ndarray:
    """Return the array that a description stands for; the same on every machine.

    Layouts: ``T`` has its dims reversed in memory, ``S`` skips every second element of the last
    dim, ``*`` holds infinities, NaN and signed zeros.
    """
    dtype, sizes, layout = re.fullmatch(r"(\w+)\[([\d,]*)\](\D?)", spec).groups()
    shape = tuple(int(size) for size in sizes.split(",") if size)
    if layout == "T":
        return _fill(shape[::-1], dtype).transpose()
    if layout == "S":
        return _fill((*shape[:-1], 2 * shape[-1]), dtype)[..., ::2]
    if layout == "*":
        return np.resize(np.array(ODD), shape).astype(dtype)
    return _fill(shape, dtype)


def _fill(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    mixed = np.arange(np.prod(shape, dtype=int)) * 7 % 17  # 0, 7, 14, 4, 11, ...
    if dtype == "bool":
        values = mixed % 3 == 0
    elif dtype in FLOATS:
        values = (mixed - 8) * 0.3
    else:
        values = mixed if dtype == "uint8" else mixed - 8
    return np.reshape(values, shape).astype(dtype)


def run(case: Case, library: ModuleType) -> dict[str, Any]:
    """Return what a library makes of a case: a tensor's parts, a value, or a refusal."""
    inputs = {name: library.from_numpy(make(spec)) for name, spec in case.inputs.items()}
    try:
        result = eval(case.line, {"lib": library, **_HELPERS}, inputs)
    except (ArithmeticError, IndexError, RuntimeError, TypeError, ValueError):
        return {"refused": True}
    if not hasattr(result, "numpy"):
        return {"value": repr(result)}
    values = result.detach().numpy() if hasattr(result, "detach") else result.numpy()
    parts = {"dtype": str(values.dtype), "shape": list(values.shape), "values": values}
    return parts if case.group != "views" else {**parts, "strides": meaningful_strides(result)}


def strides(tensor: Any) -> list[int]:
    """Return a tensor's strides in elements, whichever library it is of."""
    return list(tensor.stride() if callable(getattr(tensor, "stride", None)) else tensor.strides)


def meaningful_strides(tensor: Any) -> list[int | None]:
    """Return the strides that are ever stepped along: none of size 1, none of an empty tensor."""
    sizes = tuple(tensor.shape)
    if 0 in sizes:
        return [None for _ in sizes]
    return [
        None if size == 1 else stride for size, stride in zip(sizes, strides(tensor), strict=True)
    ]


def shares(a: Any, b: Any) -> bool:
    """Return whether two tensors look at the same memory."""
    return bool(np.shares_memory(a.numpy(), b.numpy()))


def written(tensor: Any, index: Any, value: Any) -> Any:
    """Return the tensor after ``tensor[index] = value``."""
    tensor[index] = value
    return tensor


def after(tensor: Any, change: Callable[[Any], Any]) -> Any:
    """Return the tensor after a change in place."""
    change(tensor)
    return tensor


def with_dtype(lib: ModuleType, name: str) -> Any:
    """Return a library's dtype of that name; TinyTorch's bool is ``bool_``."""
    return getattr(lib, name, None) or getattr(lib, f"{name}_")


_LAYOUT = {
    "after": after,
    "dtype": with_dtype,
    "shares": shares,
    "strides": strides,
    "written": written,
}
_HELPERS = {
    **_LAYOUT,
    **layer_cases.HELPERS,
    **network_cases.HELPERS,
    **training_cases.HELPERS,
    **gradient_cases.HELPERS,
}

# Elementwise operations

BINARY = ("a + b", "a - b", "a * b", "a / b", "a // b", "a % b", "a ** b", "lib.maximum(a, b)",
          "lib.minimum(a, b)")  # fmt: skip
COMPARISONS = ("a == b", "a != b", "a < b", "a <= b", "a > b", "a >= b")
BITWISE = ("a & b", "a | b", "a ^ b")
UNARY = ("-a", "abs(a)", "~a", "a.exp()", "a.log()", "a.sqrt()", "a.sin()", "a.cos()",
         "a.tanh()", "a.sign()", "a.floor()", "a.ceil()", "a.round()", "a.isnan()",
         "a.isfinite()", "a.clamp(-1, 2)", "a.clamp(None, 1)", "a.clamp(0.5, None)",
         "a.clamp(2, 1)")  # fmt: skip
NUMBERS = ("True", "2", "-3", "2.5", "0", "0.0")
PAIRS = (("2,3", "2,3"), ("3,1", "4"), ("2,1,3", "4,1"), ("0,3", "3"), ("2,1", "0"), ("4", ""),
         ("", ""), ("2,3", "3,2"), ("3", "4"))  # fmt: skip


def elementwise() -> Iterator[Case]:
    """Yield arithmetic on all pairs of dtypes, all pairs of shapes, and odd layouts and values."""
    for line, (a, b) in product(BINARY + COMPARISONS, product(DTYPES, DTYPES)):
        yield Case("promotion", line, {"a": f"{a}[5]", "b": f"{b}[2,5]"})
    for line, (a, b) in product(BITWISE, product(DTYPES[:4], DTYPES[:4])):
        yield Case("promotion", line, {"a": f"{a}[5]", "b": f"{b}[2,5]"})
    for line, (a, b) in product(("a + b", "a / b", "a < b", "lib.maximum(a, b)"), PAIRS):
        for dtype in ("int64", "float32"):
            yield Case("broadcasting", line, {"a": f"{dtype}[{a}]", "b": f"{dtype}[{b}]"})
    for line, dtype in product(BINARY + COMPARISONS, FLOATS):
        yield Case("odd values", line, {"a": f"{dtype}[8,1]*", "b": f"{dtype}[8]*"})
        yield Case("layouts", line, {"a": f"{dtype}[3,4]T", "b": f"{dtype}[3,4]S"})


def with_numbers() -> Iterator[Case]:
    """Yield tensors with Python numbers, on either side, and with tensors of no dims."""
    for line, number, dtype in product(BINARY + COMPARISONS, NUMBERS, DTYPES):
        if "lib" not in line:
            yield Case("numbers", line.replace("b", number), {"a": f"{dtype}[5]"})
            yield Case("numbers", line.replace("a", number).replace("b", "a"), {"a": f"{dtype}[5]"})
    for line in ("a // True", "a % True", "a ** True", "True ** a", "a ** 2"):
        yield Case("numbers", line, {"a": "bool[5]"})
    for a, b in product(DTYPES, DTYPES):
        yield Case("no dims", "a + b", {"a": f"{a}[2]", "b": f"{b}[]"})
        yield Case("no dims", "a * b", {"a": f"{a}[]", "b": f"{b}[]"})


def unary() -> Iterator[Case]:
    """Yield operations on one tensor."""
    for line, dtype in product(UNARY, DTYPES):
        for shape in ("3,4", "", "0", "2,0,3", "4,3"):
            yield Case("unary", line, {"a": f"{dtype}[{shape}]" + ("T" if shape == "4,3" else "")})
    for line, dtype in product(UNARY, FLOATS):
        yield Case("odd values", line, {"a": f"{dtype}[8]*"})


# Reductions

REDUCTIONS = ("sum", "amax", "amin", "any", "all", "mean", "var", "std")
ONE_DIM = ("prod", "argmax", "argmin", "cumsum")
DIMS = ("", "0", "-1", "1, keepdim=True", "(0, -1)", "(0, 1), keepdim=True", "5", "-4", "(0, 0)")


def reductions() -> Iterator[Case]:
    """Yield reductions over all dims, one, or several, of every dtype and of empty tensors."""
    for name, dim, dtype in product(REDUCTIONS, DIMS, DTYPES):
        yield Case("reductions", f"a.{name}({dim})", {"a": f"{dtype}[2,3,4]"})
    for name, dim, dtype in product(ONE_DIM, ("", "0", "-1", "1, keepdim=True", "5"), DTYPES):
        yield Case("reductions", f"a.{name}({dim})", {"a": f"{dtype}[2,3,4]"})
    for name, dim, shape in product(
        REDUCTIONS + ONE_DIM, ("", "0", "-1, keepdim=True"), ("0", "0,3", "2,0", "", "1,1")
    ):
        yield Case("empty reductions", f"a.{name}({dim})", {"a": f"float32[{shape}]"})
    for name, dim in product(REDUCTIONS + ONE_DIM, ("", "0", "-1")):
        yield Case("odd values", f"a.{name}({dim})", {"a": "float32[4,8]*"})
        yield Case("layouts", f"a.{name}({dim})", {"a": "float32[4,3]T"})
    for name, correction in product(("var", "std"), (0, 1, 2, 7)):
        yield Case("reductions", f"a.{name}(-1, correction={correction})", {"a": "float64[2,4]"})


# Matrix products

PRODUCTS = (("3", "3"), ("3", "4"), ("2,3", "3"), ("3", "3,4"), ("2,3", "3,4"), ("2,3", "2,3"),
            ("5,2,3", "3,4"), ("2,3", "5,3,4"), ("5,2,3", "5,3,4"), ("5,1,2,3", "4,3,2"),
            ("5,2,3", "4,3,2"), ("5,2,3", "3"), ("3", "5,3,2"), ("2,0", "0,3"), ("0,2", "2,3"),
            ("0", "0"), ("0,2,3", "3,4"), ("", "3"), ("2,3", ""))  # fmt: skip


def products() -> Iterator[Case]:
    """Yield matrix products from two vectors to broadcast batches."""
    for (a, b), dtype in product(PRODUCTS, ("int64", "float32", "float64")):
        yield Case("matmul", "a @ b", {"a": f"{dtype}[{a}]", "b": f"{dtype}[{b}]"})
    for dtype in DTYPES:
        yield Case("matmul", "a.matmul(b)", {"a": f"{dtype}[2,3]", "b": f"{dtype}[3,2]"})
        yield Case("matmul", "a @ b", {"a": f"{dtype}[2,3]T", "b": f"{dtype}[3,2]S"})
    yield Case("matmul", "a @ b", {"a": "float32[2,3]", "b": "float64[3,2]"})


# Views

SHAPES = ("24", "-1", "4, 6", "6, -1", "2, 3, 4", "1, 24", "2, 1, 12", "(8, 3)", "5, -1",
          "-1, -1", "3, 4, 2, 1", "0", "-2, 12")  # fmt: skip
MOVES = ("a", "a.T", "a.permute(2, 0, 1)", "a.permute(0, -1, 1)", "a.permute(0, 1)",
         "a.permute(0, 0, 1)", "a.permute((1, 0, 2))", "a.transpose(0, 2)",
         "a.transpose(-1, -2)", "a.transpose(0, 3)", "a.unsqueeze(0)", "a.unsqueeze(-1)",
         "a.unsqueeze(3)", "a.unsqueeze(4)", "a.squeeze()", "a.unsqueeze(1).squeeze(1)",
         "a.squeeze(0)", "a.unsqueeze(0).squeeze((0, 1))", "a.squeeze(7)", "a.flatten()",
         "a.flatten(1)", "a.flatten(0, 1)", "a.flatten(2, 1)", "a.contiguous()", "a.clone()",
         "a.unsqueeze(1).expand(2, 5, 3, 4)", "a.expand(5, 2, 3, 4)",
         "a.expand(5, -1, -1, -1)", "a.expand(-1, 2, 3, 4)", "a.expand(2, 3)",
         "a.expand(2, 6, 4)", "a[1:]", "a[:, ::2]", "a[0]", "a[..., 1:3]", "a[:, None, 1]",
         "a[1, 2, 3]", "a[..., -1, :]", "a[2:]", "a[:, 3:1]", "a[1:].reshape(-1)",
         "a[:, ::2].reshape(2, 8)", "a[..., ::2].reshape(2, 6)",
         "a[..., ::2].view(12)")  # fmt: skip


def views() -> Iterator[Case]:
    """Yield reshapes and moves of dims; their strides are compared too."""
    layouts = ("float32[2,3,4]", "float32[2,3,4]T", "float32[2,3,4]S")
    for name, shape, spec in product(("reshape", "view"), SHAPES, layouts):
        yield Case("views", f"a.{name}({shape})", {"a": spec})
        yield Case("views", f"shares(a, a.{name}({shape}))", {"a": spec})
    for line, spec in product(MOVES, layouts):
        yield Case("views", line, {"a": spec})
        yield Case("views", f"shares(a, {line})", {"a": spec})
        yield Case("views", f"({line}).is_contiguous()", {"a": spec})
        yield Case("views", f"({line}).storage_offset()", {"a": spec})
    for spec in ("float32[2,0,3]", "int64[0]", "float32[]", "float32[1,1]", "float64[1,3,1]"):
        for shape in ("-1", "0", "1", "0, 5", "1, -1", "()", "3, 0, 2", "1, 1, 1", "3, 1"):
            yield Case("views", f"a.reshape({shape})", {"a": spec})
        for line in ("a.squeeze()", "a.unsqueeze(0)", "a.flatten()",
                     "a.unsqueeze(-1).expand(-1, 2)", "a.expand(4, 1, 3, 1)", "a.expand(4)",
                     "a.numel()", "a.is_contiguous()", "a.ndim", "tuple(a.shape)", "a.nbytes",
                     "a.contiguous()"):  # fmt: skip
            yield Case("views", line, {"a": spec})
    for size in ("0", "2", "2,3", "2,3,4", "5,1,2", "3,0,2", "1"):
        yield Case("views", "strides(a.clone())", {"a": f"float32[{size}]"})


# Indexing

INDICES = ("0", "-1", "3", "-4", "1:", ":-1", "5:", "::2", "1:3, 0", "0, 0", "0, 0, 0",
           "..., 0", "None", "None, 0, None", "..., None", ":, 1", ":, -4:", "[0, 2]",
           "[2, 0, 0]", "[-1]", "[0, 3]", "[0, 1], [1, 2]", "[0, 1], 2", ":, [0, 2]",
           "[[0, 1], [2, 0]]", "[True, False, True]", "[True, False]", "[]", "b", "b, 1",
           ":, b", "b, b", "a > 0", "a == a", "1.5", "0:2.5", "True", "False", "'x'",
           "..., ...", "()", "1, [0, 2]", "[0, 1], :, None", "[[0], [1]], [1, 3]",
           "0:1, [1, 3]", "None, [0, 2]", "[0, 1], None, [1, 2]")  # fmt: skip


def indexing() -> Iterator[Case]:
    """Yield reading by every kind of index, and writing through some."""
    for index in INDICES:
        inputs = {"a": "float32[3,4]", "b": "int64[2,2]"}
        line = index.replace("b", "b % 3")
        yield Case("indexing", f"a[{line}]", inputs)
        yield Case("indexing", f"shares(a, a[{line}])", inputs)
        yield Case("indexing", f"a.T[{line}]", inputs)
    for index in (
        "0",
        "(1, 2)",
        "...",
        "[0, 2]",
        "(slice(None), 1)",
        "a > 0",
        "([0, 1], [1, 2])",
        "9",
    ):
        for value in ("7", "2.9", "True", "a[0] * 2", "a[:1] * 2", "a * 2", "lib.tensor([1, 2])"):
            for dtype in ("int64", "float32"):
                yield Case("writing", f"written(a, {index}, {value})", {"a": f"{dtype}[3,4]"})
    for line in ("a[0]", "a[0, 1]", "a.T[0]", "a.reshape(-1)[:4]", "a.clone()[0]"):
        yield Case("writing", f"after(a, lambda x: written({line.replace('a', 'x', 1)}, ..., 9))",
                   {"a": "float32[3,4]"})  # fmt: skip
    yield Case("writing", "a.__iadd__(a[0])", {"a": "float32[3,4]"})
    yield Case("writing", "written(a, [[0, 1], [1, 2]], 7)", {"a": "float32[3,4]"})
    for operator, value in product(
        ("iadd", "isub", "imul", "itruediv"), ("2", "a[0] * 2", "2.5", "a[:, None] * 2")
    ):
        for dtype in ("int64", "float32", "uint8"):
            yield Case("writing", f"a.__{operator}__({value})", {"a": f"{dtype}[3,4]"})


# Joining, choosing, casting, creating


def joining() -> Iterator[Case]:
    """Yield cat, stack and where."""
    for name, (a, b), dim in product(
        ("cat", "stack"),
        (("2,3", "2,3"), ("2,3", "4,3"), ("2,3", "2,5"), ("0,3", "2,3"), ("3", "3"), ("", "")),
        (0, 1, -1, 2, -3),
    ):
        yield Case(
            "joining", f"lib.{name}([a, b], {dim})", {"a": f"float32[{a}]", "b": f"float32[{b}]"}
        )
    for a, b in product(DTYPES, DTYPES):
        inputs = {"a": f"{a}[2]", "b": f"{b}[2]"}
        yield Case("joining", "lib.cat([a, b])", inputs)
        yield Case("joining", "lib.stack([a, b], 1)", inputs)
        yield Case("joining", "lib.where(a > 0, a, b)", inputs)
    yield Case("joining", "lib.cat([])", {})
    yield Case("joining", "lib.stack([])", {})
    for line in ("lib.where(a > 0, a, 0)", "lib.where(a > 0, 1.5, a)",
                 "lib.where(a > 0, a[:1], a[:, :1])", "lib.where(a[0] > 0, a, -a)",
                 "lib.where(a > 0, 1, 2)", "lib.where(a > 0, a, a[:, 1:])"):  # fmt: skip
        for dtype in ("int64", "float32"):
            yield Case("joining", line, {"a": f"{dtype}[3,4]"})


def casting() -> Iterator[Case]:
    """Yield conversions between all dtypes and to Python."""
    for a, b in product(DTYPES, DTYPES):
        yield Case("casting", f"(a * 1).to(dtype(lib, '{b}'))", {"a": f"{a}[9]"})
        yield Case("casting", f"(a % 4).to(dtype(lib, '{b}'))", {"a": f"{a}[9]"})
    for a in DTYPES:
        yield Case("casting", "a.to(a.dtype) is a", {"a": f"{a}[9]"})
    for line in ("a.item()", "float(a)", "int(a)", "bool(a)", "a.tolist()", "len(a)",
                 "a.numel()", "[].__class__(range(9))[a]", "a in a",
                 "list(map(float, a))"):  # fmt: skip
        for dtype, shape in product(("bool", "int64", "float32"), ("", "1", "2", "0", "2,2")):
            yield Case("casting", line, {"a": f"{dtype}[{shape}]"})


def creating() -> Iterator[Case]:
    """Yield creation from data, from a value and by counting."""
    for data in ("1", "1.5", "True", "[1, 2]", "[1, 2.5]", "[True, 2]", "[True, 2.5]",
                 "[[1], [2]]", "[[1, 2], [3]]", "[1, [2]]", "[]", "[[], []]", "[[[]]]",
                 "'text'", "[None]", "None", "(1, (2,))", "((1, 2), [3, 4])", "[2**40]",
                 "2**70", "[float('nan'), 1]", "range(3)", "[300]", "[-1]", "[300.0]"):  # fmt: skip
        yield Case("creating", f"lib.tensor({data})", {})
        for dtype in DTYPES:
            yield Case("creating", f"lib.tensor({data}, dtype=dtype(lib, '{dtype}'))", {})
    for line in ("lib.zeros(2, 3)", "lib.ones((2, 3))", "lib.zeros(0)", "lib.ones(())",
                 "lib.zeros(-1)", "lib.zeros(2.5)", "lib.eye(3)", "lib.eye(0)",
                 "lib.full((2,), 3)", "lib.full((2,), 3.5)", "lib.full((), True)",
                 "lib.arange(5)", "lib.arange(2, 5)", "lib.arange(5, 2, -1)",
                 "lib.arange(0, 1, 0.25)", "lib.arange(2.5)", "lib.arange(5, 2)",
                 "lib.arange(0)", "lib.arange(3, dtype=lib.float64)", "lib.arange(1, 2, 0)",
                 "lib.linspace(0, 1, 5)", "lib.linspace(2, -2, 3)", "lib.linspace(0, 1, 1)",
                 "lib.linspace(0, 1, 0)", "lib.linspace(0, 1, -1)",
                 "lib.zeros(2, dtype=lib.int32)", "lib.ones(2, dtype=lib.float16)",
                 "lib.full((2,), 7, dtype=lib.uint8)"):  # fmt: skip
        yield Case("creating", line, {})
    for dtype in DTYPES:
        yield Case("creating", "lib.zeros_like(a)", {"a": f"{dtype}[2,3]"})
        yield Case("creating", "lib.ones_like(a)", {"a": f"{dtype}[2,3]"})


def all_cases() -> dict[str, Case]:
    """Return every case by its name."""
    sources = (elementwise, with_numbers, unary, reductions, products, views, indexing, joining,
               casting, creating, layer_cases.layers, network_cases.networks,
               training_cases.training, gradient_cases.gradients)  # fmt: skip
    return {case.name: case for source in sources for case in source()}
