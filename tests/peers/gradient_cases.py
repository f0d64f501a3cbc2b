"""Cases for gradients: of every operation, first and second, by both libraries' tapes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np

from tests.peers.case import Case

FLOATS = ("float32", "float64")


def weights(lib: ModuleType, tensor: Any) -> Any:
    """Return a number for each element of a tensor, so that no two gradients are alike."""
    values = tensor.detach().numpy()
    pattern = np.arange(values.size) * 5 % 13 - 4.5
    return lib.from_numpy((pattern / 8).astype(values.dtype).reshape(values.shape))


def leaves(tensors: Any) -> list[Any]:
    """Return the tensors in memory laid out as theirs is, those of floats requiring gradients."""
    return [
        one.detach().requires_grad_(True) if "float" in str(one.dtype) else one for one in tensors
    ]


def gradient(lib: ModuleType, function: Callable[..., Any], *tensors: Any) -> Any:
    """Return the gradients of all inputs, in one line."""
    inputs = leaves(tensors)
    output = function(*inputs)
    return joined(lib, slopes(lib, output, inputs, create_graph=False), inputs)


def second(lib: ModuleType, function: Callable[..., Any], *tensors: Any) -> Any:
    """Return the gradients of the gradients of all inputs, in one line."""
    inputs = leaves(tensors)
    first = slopes(lib, function(*inputs), inputs, create_graph=True)
    line = joined(lib, first, inputs)
    found = slopes(lib, line, inputs, create_graph=False) if line.requires_grad else [None] * 9
    return joined(lib, found, inputs)


def slopes(lib: ModuleType, output: Any, inputs: list[Any], *, create_graph: bool) -> list[Any]:
    """Return the gradient of a weighted sum of the output with respect to each float input."""
    wanted = [one for one in inputs if one.requires_grad]
    start = weights(lib, output)
    options = {"create_graph": create_graph, "allow_unused": True}
    return list(lib.autograd.grad(output, wanted, start, **options))


def joined(lib: ModuleType, gradients: list[Any], inputs: list[Any]) -> Any:
    """Return gradients in one line; zeros for None. Refuses one that does not fit its input."""
    wanted = [one for one in inputs if one.requires_grad]
    found = [
        lib.zeros_like(one.detach()) if slope is None else slope
        for slope, one in zip(gradients, wanted, strict=False)
    ]
    for slope, one in zip(found, wanted, strict=True):
        if tuple(slope.shape) != tuple(one.shape) or slope.dtype != one.dtype:
            raise AssertionError(f"{slope.shape} {slope.dtype} for {one.shape} {one.dtype}")
    return lib.cat([slope.reshape(-1) for slope in found])


def added_up(lib: ModuleType, function: Callable[..., Any], *tensors: Any) -> Any:
    """Return what two calls of backward leave in ``grad``."""
    inputs = leaves(tensors)
    for _ in range(2):
        output = function(*inputs)
        output.backward(weights(lib, output))
    wanted = [one for one in inputs if one.requires_grad]
    return joined(lib, [one.grad for one in wanted], inputs)


def overwritten(tensor: Any, index: Any, value: Any) -> Any:
    """Return what was computed from a tensor, after a write in place."""
    result = tensor * 1
    result[index] = value
    return result * 2


HELPERS = {"added_up": added_up, "gradient": gradient, "overwritten": overwritten, "second": second}

BINARY = ("a + b", "a - b", "a * b", "a / b", "a % b", "lib.maximum(a, b)", "lib.minimum(a, b)",
          "lib.where(a > b, a, b)", "(a * a + 1) ** b")  # fmt: skip
PAIRS = (("2,3", "2,3"), ("3,1", "4"), ("2,1,3", "4,1"), ("0,3", "3"), ("4", ""), ("", ""))
UNARY = ("-a", "abs(a)", "a.exp()", "(a * a + 0.5).log()", "(a * a + 0.5).sqrt()", "a.sin()",
         "a.cos()", "a.tanh()", "a.sign()", "a.floor()", "a.ceil()", "a.round()", "a ** 2",
         "a ** 3", "a ** 0", "(a * a + 0.5) ** -1.5", "2 ** a", "1 - a", "3 / (a * a + 1)",
         "a.clamp(-1, 1)", "a.clamp(None, 0.3)", "a * a", "a + a", "a.clone()", "a % 0.7",
         "nn(lib).relu(a)", "nn(lib).leaky_relu(a, 0.2)", "nn(lib).sigmoid(a)",
         "nn(lib).gelu(a)", "nn(lib).gelu(a, approximate='tanh')", "nn(lib).softplus(a)",
         "a.to(lib.float64) * a", "a.to(lib.float32)")  # fmt: skip
REDUCTIONS = ("sum", "mean", "amax", "amin", "var", "std")
DIMS = ("", "0", "-1", "1, keepdim=True", "(0, -1)", "(0, 1), keepdim=True")
MOVES = ("a.reshape(4, -1)", "a.T", "a.permute(2, 0, 1)", "a.transpose(0, 2)", "a.unsqueeze(1)",
         "a.flatten()", "a.expand(5, 2, 3, 4)", "a[:, :1].expand(2, 5, 4)", "a.contiguous()",
         "a[1]", "a[:, ::2]", "a[..., -1]", "a[:, None, 1]", "a[[0, 1, 0]]", "a[[1, 1], [2, 2]]",
         "a[:, [0, 2, 0]]", "a[a > 0]", "a[..., 1:3][:, 1]", "a[[[0, 1], [1, 1]], 2]",
         "lib.cat([a, a * 2], 1)", "lib.stack([a, a * a], -1)", "lib.cat([a[:1], a, a[1:]])",
         "lib.where(a > 0, a, 0.5)", "lib.where(a > 0, a[0], a)")  # fmt: skip
PRODUCTS = (("3", "3"), ("2,3", "3"), ("3", "3,4"), ("2,3", "3,4"), ("5,2,3", "3,4"),
            ("2,3", "5,3,4"), ("5,2,3", "5,3,4"), ("5,1,2,3", "4,3,2"), ("5,2,3", "3"),
            ("3", "5,3,2"), ("2,0", "0,3"), ("0,2", "2,3"))  # fmt: skip


def of(kind: str, line: str, inputs: dict[str, str]) -> Case:
    """Return the case of a line's gradients, of the kind that a helper computes."""
    names = ", ".join(inputs)
    return Case("gradients", f"{kind}(lib, lambda {names}: {line}, {names})", inputs)


def renamed(line: str, name: str, other: str) -> str:
    """Return the line with something else in the place of a name."""
    return re.sub(rf"\b{name}\b", other, line)


def elementwise() -> Iterator[Case]:
    """Yield arithmetic over shapes that broadcast, layouts and dtypes."""
    for line, (a, b), dtype in product(BINARY, PAIRS, FLOATS):
        inputs = {"a": f"{dtype}[{a}]", "b": f"{dtype}[{b}]"}
        yield of("gradient", line, inputs)
        if dtype == "float64":
            yield of("second", line, inputs)
    for line, dtype in product(BINARY, FLOATS):
        yield of("gradient", line, {"a": f"{dtype}[3,4]T", "b": f"{dtype}[3,4]S"})
    for line in BINARY[:6]:
        yield of("gradient", line, {"a": "float32[2,3]", "b": "float64[3]"})
        yield of(
            "gradient", renamed(line, "b", "(b % 3 + 1)"), {"a": "float32[3]", "b": "int64[3]"}
        )
        yield of("gradient", renamed(line, "b", "a"), {"a": "float64[2,3]"})
    for line, dtype in product(UNARY, FLOATS):
        for shape in ("2,3", "", "0", "3,4]T"):
            spec = shape if "]" in shape else f"{shape}]"
            yield of("gradient", line, {"a": f"{dtype}[{spec}"})
        if dtype == "float64" and "float32" not in line:
            yield of("second", line, {"a": "float64[2,3]"})
            yield of("added_up", line, {"a": "float64[2,3]"})
    for line in ("a ** 2", "a ** b", "lib.maximum(a, b)", "lib.minimum(a, b)", "abs(a)"):
        inputs = {"a": "float64[3,3]", "b": "int64[3]"}
        yield of("gradient", renamed(line, "a", "(a * 0)"), inputs)


def reductions() -> Iterator[Case]:
    """Yield reductions over dims, with ties, zeros and empty tensors."""
    for name, dim, dtype in product(REDUCTIONS, DIMS, FLOATS):
        yield of("gradient", f"a.{name}({dim})", {"a": f"{dtype}[2,3,4]"})
        if dtype == "float64":
            yield of("second", f"(a * a + a).{name}({dim})", {"a": f"{dtype}[2,3,4]"})
    for dim in ("", "0", "-1", "1, keepdim=True"):
        for line in (f"a.prod({dim})", f"(a + 2.4).prod({dim})", f"a.round().prod({dim})"):
            yield of("gradient", line, {"a": "float64[2,3,4]"})
        yield of("second", f"a.prod({dim})", {"a": "float64[2,2,2]"})
        yield of("second", f"(a + 2.4).prod({dim})", {"a": "float64[2,2,2]"})
        for name in ("amax", "amin"):
            yield of("gradient", f"(a % 1.5).{name}({dim})", {"a": "float64[3,3,4]"})
    for name, dim in product(("sum", "mean"), ("", "0", "1")):
        yield of("gradient", f"a.{name}({dim})", {"a": "float32[0,3]"})
    for dim, dtype in product((0, 1, -1), FLOATS):
        yield of("gradient", f"a.cumsum({dim})", {"a": f"{dtype}[2,3,4]"})
        yield of("gradient", f"a.cumsum({dim})", {"a": f"{dtype}[3,4]T"})


def moves() -> Iterator[Case]:
    """Yield views, indices, joins, writes in place and matrix products."""
    for line, layout in product(MOVES, ("", "T", "S")):
        yield of("gradient", line, {"a": f"float64[2,3,4]{layout}"})
    for line in MOVES:
        yield of("second", f"({line}) ** 2", {"a": "float64[2,3,4]"})
    for index in ("0", "(slice(None), 1)", "...", "[0, 2]", "([0, 1], [1, 2])", "a > 0"):
        for value in ("7.0", "b[0]", "b[:1]", "b[0, 0]"):
            inputs = {"a": "float64[3,4]", "b": "float64[3,4]"}
            yield of("gradient", f"overwritten(a, {index}, {value})", inputs)
            yield of("second", f"overwritten(a, {index}, {value}) ** 2", inputs)
    for (a, b), dtype in product(PRODUCTS, FLOATS):
        yield of("gradient", "a @ b", {"a": f"{dtype}[{a}]", "b": f"{dtype}[{b}]"})
        if dtype == "float64":
            yield of("second", "a @ b", {"a": f"{dtype}[{a}]", "b": f"{dtype}[{b}]"})
    for dtype in FLOATS:
        yield of("gradient", "a @ b", {"a": f"{dtype}[2,3]T", "b": f"{dtype}[3,2]S"})
        yield of("gradient", "a @ a.T", {"a": f"{dtype}[2,3]"})


LAYERS = ("nn(lib).softmax(a, {})", "nn(lib).log_softmax(a, {})")
CONVOLUTIONS = (("2,2,5,6", "4,2,3,2", ""), ("1,2,6,6", "2,2,2,3", ", stride=2, padding=1"),
                ("2,4,5,5", "4,2,3,3", ", padding=(1, 2), groups=2"),
                ("1,2,7,6", "2,2,2,2", ", stride=(2, 1), dilation=(2, 3)"),
                ("2,3,4,4", "3,1,3,3", ", groups=3, padding=1"),
                ("0,2,4,4", "3,2,2,2", ""))  # fmt: skip
POOLS = ("2", "3, 2, 1", "(2, 1), 1", "3, (1, 2), (1, 0)", "2, 3")


def layers() -> Iterator[Case]:
    """Yield layers, windows and losses."""
    for line, dtype, dim in product(LAYERS, FLOATS, (0, 1, -1)):
        for shape in ("2,3,4]", "3,4]T", "2,0]"):
            yield of("gradient", line.format(dim), {"a": f"{dtype}[{shape}"})
        yield of("second", line.format(dim), {"a": "float64[3,4]"})
    for kind, dtype in (("gradient", "float32"), ("gradient", "float64"), ("second", "float64")):
        for images, weight, options in CONVOLUTIONS:
            inputs = {"a": f"{dtype}[{images}]", "w": f"{dtype}[{weight}]"}
            inputs["b"] = f"{dtype}[{weight[0]}]"
            yield of(kind, f"nn(lib).conv2d(small(a), small(w), b{options})", inputs)
        for pool in POOLS:
            for name in ("max", "avg"):
                line = f"nn(lib).{name}_pool2d(a, {pool})"
                yield of(kind, line, {"a": f"{dtype}[2,2,7,6]"})
        yield of(kind, "nn(lib).max_pool2d(a, 2, 2, 1, 2)", {"a": f"{dtype}[1,2,7,6]"})
        line = "nn(lib).avg_pool2d(a, 3, 2, 1, count_include_pad=False)"
        yield of(kind, line, {"a": f"{dtype}[1,2,7,6]"})
        for mode in ("zeros", "reflect", "replicate", "circular"):
            line = f"padded(lib, a, (2, 1), '{mode}')"
            yield of(kind, line, {"a": f"{dtype}[2,1,4,3]"})
        inputs = {"a": f"{dtype}[2,3,4]", "w": f"{dtype}[4]", "b": f"{dtype}[4]"}
        yield of(kind, "nn(lib).layer_norm(a, (4,), w, b)", inputs)
        inputs = {"a": f"{dtype}[2,3,4]", "w": f"{dtype}[3,4]", "b": f"{dtype}[3,4]"}
        yield of(kind, "nn(lib).layer_norm(a, (3, 4), w, b)", inputs)
        inputs = {"w": f"{dtype}[5,3]", "a": "int64[2,4]"}
        yield of(kind, "nn(lib).embedding(a % 5, w)", inputs)
        inputs = {"a": f"{dtype}[4,5]", "t": "int64[4]"}
        for options in ("", ", label_smoothing=0.2", ", reduction='sum'", ", reduction='none'"):
            yield of(kind, f"nn(lib).cross_entropy(a, t % 5{options})", inputs)
        inputs = {"a": f"{dtype}[3,4]", "b": f"{dtype}[3,4]S"}
        for loss in ("mse_loss(a, b)", "huber_loss(a, b)", "huber_loss(a, b, delta=0.4)",
                     "binary_cross_entropy_with_logits(a, b * b)"):  # fmt: skip
            yield of(kind, f"nn(lib).{loss}", inputs)


def gradients() -> Iterator[Case]:
    """Yield all cases of gradients."""
    for source in (elementwise, reductions, moves, layers):
        yield from source()
