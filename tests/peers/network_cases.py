"""Cases for networks: every layer's forward, over shapes, strides, paddings and modes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np

from tests.peers.case import Case

FLOATS = ("float32", "float64")


def whole(tensor: Any) -> Any:
    """Return the input's numbers as whole ones, of which sums and products are exact."""
    return (tensor / 0.3).round()


def small(tensor: Any) -> Any:
    """Return a 64th, so that rounding in a long sum is measured by the size of its terms."""
    return tensor / 64


def filled(lib: ModuleType, layer: Any, dtype: Any) -> Any:
    """Return a layer whose state is made of its names, the same in both libraries."""
    layer = layer.to(dtype)
    state = dict(layer.state_dict())
    for name, tensor in state.items():
        values = tensor.numpy()
        if values.dtype.kind == "f":
            mixed = (np.arange(values.size) * 7 + sum(map(ord, name))) % 17 - 8
            made = np.abs(mixed) + 1 if name.endswith("var") else mixed
            state[name] = lib.from_numpy((made / 8).astype(values.dtype).reshape(values.shape))
    layer.load_state_dict(state)
    return layer


def attend(lib: ModuleType, layer: Any, *sequences: Any, mask: Any = None) -> Any:
    """Return what attention or an encoder makes of sequences; PyTorch's masks say where not."""
    if not hasattr(lib, "nn"):
        return layer(*sequences, mask=mask)
    hidden = None if mask is None else ~mask
    if isinstance(layer, lib.nn.MultiheadAttention):
        inputs = sequences if len(sequences) == 3 else (*sequences, sequences[-1], sequences[-1])
        return layer(*inputs[:3], attn_mask=hidden, need_weights=False)[0]
    return layer(*sequences, hidden)


def heads(lib: ModuleType, size: int, count: int, **options: Any) -> Any:
    """Return a layer of attention."""
    if hasattr(lib, "nn"):
        return lib.nn.MultiheadAttention(size, count, batch_first=True, **options)
    return lib.MultiHeadAttention(size, count, **options)


def encoder_layer(lib: ModuleType, *sizes: int) -> Any:
    """Return an encoder layer that normalises first, as TinyTorch's do."""
    if hasattr(lib, "nn"):
        return lib.nn.TransformerEncoderLayer(*sizes, batch_first=True, norm_first=True)
    return lib.TransformerEncoderLayer(*sizes)


def padded(lib: ModuleType, images: Any, height: int, width: int, mode: str) -> Any:
    """Return images with a margin; PyTorch names the sides from the last dim on."""
    if hasattr(lib, "nn"):
        name = {"zeros": "constant"}.get(mode, mode)
        return lib.nn.functional.pad(images, (width, width, height, height), name)
    return lib.pad2d(images, (height, width), mode)


def trained(layer: Any, x: Any, what: str) -> Any:
    """Return a part of the layer's state after two steps in training."""
    layer.train()
    layer(x)
    layer(x * 2 + 1)
    return getattr(layer, what)


HELPERS = {
    "attend": attend,
    "encoder_layer": encoder_layer,
    "filled": filled,
    "heads": heads,
    "padded": padded,
    "small": small,
    "trained": trained,
    "whole": whole,
}


def convolutions() -> Iterator[Case]:
    """Yield convolutions over kernels, strides, paddings, dilations, groups and modes."""
    line = "nn(lib).conv2d(whole(a), whole(w), {}stride={}, padding={}, dilation={}, groups={})"
    grid = product(("1,1", "3,3", "2,3"), ("1", "2", "(2, 3)"), ("0", "1", "(0, 2)"), ("1", "2"))
    for (kernel, stride, padding, dilation), dtype in product(grid, FLOATS):
        inputs = {"a": f"{dtype}[2,2,6,7]", "w": f"{dtype}[3,2,{kernel}]"}
        yield Case("convolution", line.format("", stride, padding, dilation, 1), inputs)
    for dtype, groups in product(FLOATS, (1, 2, 4, 3)):
        inputs = {"a": f"{dtype}[1,4,5,5]", "w": f"{dtype}[8,{4 // groups},3,3]"}
        inputs["b"] = f"{dtype}[8]"
        yield Case("convolution", line.format("whole(b), ", 1, 1, 1, groups), inputs)
    for a, w, b in (("1,3,4,4", "2,2,3,3", "2"), ("1,2,4,4", "2,2,5,3", "2"),
                    ("1,2,4,4", "2,2,3,3", "3"), ("0,2,4,4", "2,2,3,3", "2"),
                    ("4,4", "2,2,3,3", "2"), ("2,2,4,4]T", "2,2,3,3]T", "2"),
                    ("1,2,4,4]S", "2,2,3,3]S", "2")):  # fmt: skip
        inputs = {"a": _spec("float32", a), "w": _spec("float32", w), "b": f"float32[{b}]"}
        yield Case("convolution", line.format("whole(b), ", 1, 0, 1, 1), inputs)
    yield from _layers_of_convolution()


def _spec(dtype: str, sizes: str) -> str:
    return f"{dtype}[{sizes}" if "]" in sizes else f"{dtype}[{sizes}]"


def _layers_of_convolution() -> Iterator[Case]:
    line = "filled(lib, nn(lib).Conv2d({}), a.dtype)(whole(a))"
    for mode, dtype in product(("zeros", "reflect", "replicate", "circular"), FLOATS):
        for settings in ("2, 4, 3, padding=1", "2, 4, (3, 2), 2, (2, 1)",
                         "2, 4, 3, padding=(1, 2), dilation=2, groups=2, bias=False"):  # fmt: skip
            settings = f"{settings}, padding_mode='{mode}'"
            yield Case("convolution", line.format(settings), {"a": f"{dtype}[2,2,6,7]"})
        for height, width in ((1, 2), (0, 3), (4, 0), (5, 5)):
            margins = f"padded(lib, a, {height}, {width}, '{mode}')"
            yield Case("convolution", margins, {"a": f"{dtype}[1,2,4,5]"})
    for settings in ("3, 4, 3, groups=2", "2, 3, 3, groups=2", "2, 4, 3, padding_mode='same'",
                     "2, 4, 3, padding=-1", "2, 4, 0", "2, 4, 3, 0"):  # fmt: skip
        yield Case("convolution", line.format(settings), {"a": "float32[1,2,6,7]"})


def pooling() -> Iterator[Case]:
    """Yield pooling over kernels, strides, paddings and dilations."""
    settings = ("2", "3, 1", "(2, 3), (1, 2)", "3, 2, 1", "(3, 2), None, (1, 0)", "1", "2, 3",
                "2, 2, 2", "7", "0")  # fmt: skip
    for (setting, name), spec in product(
        product(settings, ("max_pool2d", "avg_pool2d")), ("[2,3,6,7]", "[1,2,5,5]T", "[1,2,6,4]S")
    ):
        for dtype in FLOATS:
            yield Case("pooling", f"nn(lib).{name}(a, {setting})", {"a": dtype + spec})
    for dtype in FLOATS:
        for line in ("max_pool2d(a, 3, 1, 1, 2)", "max_pool2d(a, 2, 1, 0, (2, 3))",
                     "avg_pool2d(a, 3, 2, 1, count_include_pad=False)",
                     "MaxPool2d(2)(a)", "MaxPool2d(3, 2, 1, 2)(a)", "AvgPool2d((2, 3))(a)",
                     "AvgPool2d(3, 2, 1, count_include_pad=False)(a)"):  # fmt: skip
            yield Case("pooling", f"nn(lib).{line}", {"a": f"{dtype}[2,3,6,7]"})
        yield Case("pooling", "nn(lib).max_pool2d(a, 2, 1)", {"a": f"{dtype}[1,1,4,4]*"})
    for dtype in ("uint8", "int32", "int64"):
        yield Case("pooling", "nn(lib).max_pool2d(a, 2, 2, 1)", {"a": f"{dtype}[1,2,5,5]"})
    yield Case("pooling", "nn(lib).avg_pool2d(a, 2)", {"a": "int64[1,2,4,4]"})


def normalisation() -> Iterator[Case]:
    """Yield batch and layer norm, in training and after it."""
    for dtype, (name, shape) in product(
        FLOATS, (("BatchNorm1d", "4,3"), ("BatchNorm1d", "2,3,5"), ("BatchNorm2d", "2,3,4,2"))
    ):
        inputs = {"a": f"{dtype}[{shape}]"}
        for settings in ("3", "3, eps=0.1, momentum=0.5", "3, affine=False"):
            layer = f"filled(lib, nn(lib).{name}({settings}), a.dtype)"
            yield Case("normalisation", f"small({layer}(whole(a)))", inputs)
            yield Case("normalisation", f"small({layer}.eval()(whole(a)))", inputs)
            for part in ("running_mean", "running_var"):
                line = f"small(trained({layer}, whole(a), '{part}'))"
                yield Case("normalisation", line, inputs)
    for dtype, (shape, sizes) in product(
        FLOATS, (("4,3", "3"), ("2,3,4", "4"), ("2,3,4", "(3, 4)"), ("2,3,4", "(2, 3, 4)"))
    ):
        for settings in (sizes, f"{sizes}, eps=0.1"):
            line = f"small(filled(lib, nn(lib).LayerNorm({settings}), a.dtype)(whole(a)))"
            yield Case("normalisation", line, {"a": f"{dtype}[{shape}]"})
    for line in ("BatchNorm1d(3)(a)", "BatchNorm2d(4)(a)", "LayerNorm(3)(a)",
                 "BatchNorm2d(3)(a[:1, :, :1, :1])", "LayerNorm((4, 3))(a)"):  # fmt: skip
        yield Case("normalisation", f"nn(lib).{line}", {"a": "float32[2,3,4,2]"})


def sequences() -> Iterator[Case]:
    """Yield embedding, attention and encoder layers, with masks and without."""
    for dtype, index in product(FLOATS, ("3", "2,3", "0", "")):
        inputs = {"w": f"{dtype}[17,4]", "a": f"uint8[{index}]"}
        yield Case("sequences", "nn(lib).embedding(a.to(lib.int64), w)", inputs)
    for line in ("embedding(a * 0 + 3, w)", "embedding(a + 9, w)", "embedding(-a, w)",
                 "embedding(a * 1.0, w)"):  # fmt: skip
        yield Case("sequences", f"nn(lib).{line}", {"w": "float32[10,4]", "a": "int64[3]"})
    attention = "small(nn(lib).scaled_dot_product_attention(q, k, v{}))"
    for dtype, stack in product(FLOATS, ("", "2,", "2,3,")):
        inputs = {"q": f"{dtype}[{stack}4,5]", "k": f"{dtype}[{stack}6,5]"}
        inputs["v"] = f"{dtype}[{stack}6,3]"
        yield Case("sequences", attention.format(""), inputs)
        for mask in ("k[..., :4, :].sum(-1, keepdim=True) > 0", "v[..., :4, :1] < 9",
                     "q[..., :1] > q[..., :1] + 1"):  # fmt: skip
            yield Case("sequences", attention.format(f", {mask}"), inputs)
    for dtype, options in product(FLOATS, ("8, 2", "8, 1", "8, 4, bias=False")):
        layer = f"filled(lib, heads(lib, {options}), a.dtype)"
        inputs = {"a": f"{dtype}[2,5,8]", "b": f"{dtype}[2,5,8]T"}
        for line in (f"attend(lib, {layer}, a)", f"attend(lib, {layer}, a, b)",
                     f"attend(lib, {layer}, a, b, a)",
                     f"attend(lib, {layer}, a, mask=lib.eye(5) + lib.eye(5)[0] > 0)"):  # fmt: skip
            yield Case("sequences", f"small({line})", inputs)
    for dtype in FLOATS:
        layer = "filled(lib, encoder_layer(lib, 8, 2, 16), a.dtype).eval()"
        for mask in ("", ", mask=lib.eye(5) + lib.eye(5)[0] > 0"):
            line = f"small(attend(lib, {layer}, a{mask}))"
            yield Case("sequences", line, {"a": f"{dtype}[2,5,8]"})


def networks() -> Iterator[Case]:
    """Yield all cases of networks."""
    for source in (convolutions, pooling, normalisation, sequences):
        yield from source()
