"""Cases for layers, whose names PyTorch keeps in ``torch.nn`` and two modules inside of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from types import ModuleType
from typing import Any

from tests.peers.case import Case

FLOATS = ("float32", "float64")
ELEMENTWISE = ("relu(a)", "leaky_relu(a)", "leaky_relu(a, 0.3)", "leaky_relu(a, 2.0)",
               "sigmoid(a)", "gelu(a)", "gelu(a, approximate='tanh')", "ReLU()(a)",
               "LeakyReLU()(a)", "LeakyReLU(0.3)(a)", "Sigmoid()(a)", "Tanh()(a)", "GELU()(a)",
               "GELU('tanh')(a)", "Identity()(a)")  # fmt: skip
EXACT_GELU = (
    "gelu(a)",
    "GELU()(a)",
)  # inf is nan to PyTorch where its float32 kernel is vectorised
ALONG_A_DIM = ("softmax(a, {})", "log_softmax(a, {})", "Softmax({})(a)", "LogSoftmax({})(a)")
SHAPES = ("", "0", "5", "3,4", "2,0,3", "2,3,4", "4,3]T", "3,4]S")
DEEP = ("nn(lib).Sequential(nn(lib).Linear(2, 3), nn(lib).GELU(), "
        "nn(lib).Sequential(nn(lib).Linear(3, 1, bias=False), nn(lib).Dropout(0.2)))")  # fmt: skip


class Names:
    """PyTorch's names for layers, in one place as TinyTorch has them."""

    def __init__(self, *places: Any) -> None:
        self.places = places

    def __getattr__(self, name: str) -> Any:
        """Return what the first place that has the name calls so."""
        return next(getattr(place, name) for place in self.places if hasattr(place, name))


def nn(lib: ModuleType) -> Any:
    """Return where a library keeps its layers."""
    places = getattr(lib, "nn", None)
    return Names(places, places.functional, places.init, lib) if places else lib


def loaded(layer: Any, **state: Any) -> Any:
    """Return a layer in the dtype of its new weight, holding this state."""
    layer = layer.to(state["weight"].dtype)
    layer.load_state_dict(state)
    return layer


def reloaded(layer: Any, state: Any) -> Any:
    """Return the layer's weight after loading a state."""
    layer.load_state_dict(state)
    return layer.weight


def fans(lib: ModuleType, tensor: Any) -> tuple[int, int]:
    """Return a weight's fans."""
    if hasattr(lib, "nn"):
        return tuple(lib.nn.init._calculate_fan_in_and_fan_out(tensor))
    return lib.layers.fan_in_and_fan_out(tensor.shape)


def reach(lib: ModuleType, tensor: Any) -> list[float]:
    """Return the smallest and the largest of many random numbers, roughly."""
    return [round(float(number), 2) for number in (tensor.amin(), tensor.amax())]


def spread(lib: ModuleType, tensor: Any) -> float:
    """Return the standard deviation of many random numbers, roughly."""
    return round(float(tensor.std()), 1)


HELPERS = {
    "fans": fans,
    "loaded": loaded,
    "nn": nn,
    "reach": reach,
    "reloaded": reloaded,
    "spread": spread,
}


def activations() -> Iterator[Case]:
    """Yield activations over shapes, layouts, dtypes and odd values."""
    for line, dtype in product(ELEMENTWISE, FLOATS):
        for shape in SHAPES:
            spec = shape if "]" in shape else f"{shape}]"
            yield Case("activations", f"nn(lib).{line}", {"a": f"{dtype}[{spec}"})
        if dtype == "float64" or line not in EXACT_GELU:
            yield Case("activations", f"nn(lib).{line}", {"a": f"{dtype}[8]*"})
    for line, dtype in product(ELEMENTWISE[:7], ("bool", "int64")):
        yield Case("activations", f"nn(lib).{line}", {"a": f"{dtype}[5]"})
    yield Case("activations", "nn(lib).gelu(a, approximate='tan')", {"a": "float32[3]"})
    for line, dtype in product(ALONG_A_DIM, FLOATS):
        for shape, dims in (("5", "0"), ("3,4", "01"), ("2,3,4", "012"), ("2,0", "01"), ("", "0")):
            for dim in (int(one) for one in dims):
                yield Case("activations", f"nn(lib).{line.format(dim)}", {"a": f"{dtype}[{shape}]"})
        for dim, spec in (("-1", "4,3]T"), ("0", "3,4]S"), ("-3", "2,3,4]"), ("2", "3,4]")):
            yield Case("activations", f"nn(lib).{line.format(dim)}", {"a": f"{dtype}[{spec}"})
        yield Case("activations", f"nn(lib).{line.format(1)}", {"a": f"{dtype}[3,4]*"})
        if line[0].islower():
            large = line.format(1).replace("(a,", "(a * 400,")
            yield Case("activations", f"nn(lib).{large}", {"a": f"{dtype}[3,4]"})
    for line in ALONG_A_DIM[:2]:
        yield Case("activations", f"nn(lib).{line.format(0)}", {"a": "int64[5]"})


def linear_maps() -> Iterator[Case]:
    """Yield linear maps and dense layers, over shapes of x and of the weight."""
    for dtype, x in product(FLOATS, ("3", "2,3", "5,2,3", "0,3", "2,0,3", "3,2]T", "2,3]S", "2,4")):
        a = f"{dtype}[{x}" if "]" in x else f"{dtype}[{x}]"
        a = a.replace("[3,2]T", "[2,3]T")
        inputs = {"a": a, "w": f"{dtype}[4,3]"}
        yield Case("layers", "nn(lib).linear(a, w)", inputs)
        yield Case("layers", "nn(lib).linear(a, w, b)", {**inputs, "b": f"{dtype}[4]"})
        line = "loaded(nn(lib).Linear(3, 4), weight=w, bias=b)(a)"
        yield Case("layers", line, {**inputs, "b": f"{dtype}[4]"})
        yield Case("layers", "loaded(nn(lib).Linear(3, 4, bias=False), weight=w)(a)", inputs)
    for a, w in (("2,0", "3,0"), ("2,3", "0,3"), ("2,3", "3"), ("2,3", "2,4,3"), ("", "4,3")):
        yield Case("layers", "nn(lib).linear(a, w)", {"a": f"float32[{a}]", "w": f"float32[{w}]"})
    yield Case("layers", "nn(lib).linear(a, w)", {"a": "float32[2,3]", "w": "float64[4,3]"})


def compositions() -> Iterator[Case]:
    """Yield chains of layers, what they are made of, and how they are printed."""
    chain = ("nn(lib).Sequential(nn(lib).Flatten(), loaded(nn(lib).Linear(6, 4), weight=w, bias=b),"
             " nn(lib).{}, nn(lib).LogSoftmax(-1))(a)")  # fmt: skip
    for dtype, layer in product(FLOATS, ("ReLU()", "GELU()", "Tanh()", "Sigmoid()")):
        inputs = {"a": f"{dtype}[5,2,3]", "w": f"{dtype}[4,6]", "b": f"{dtype}[4]"}
        yield Case("layers", chain.format(layer), inputs)
    for dims in ("", "0", "1, 2", "0, 1", "-2", "2, 1", "1, 7"):
        yield Case("layers", f"nn(lib).Flatten({dims})(a)", {"a": "float32[2,3,4,2]"})
    for line in ("Dropout(0.5).eval()(a)", "Dropout(0.0)(a)", "Dropout(1.0)(a)", "Dropout(1.5)(a)",
                 "Dropout(-0.5)(a)", "dropout(a, 0.5, training=False)"):  # fmt: skip
        yield Case("layers", f"nn(lib).{line}", {"a": "float32[3,4]"})
        yield Case("layers", f"nn(lib).{line}", {"a": "float64[8]*"})
    for line in ("repr({}).replace('Dense', 'Linear').replace(', inplace=False', '')",
                 "[name for name, _ in {}.named_parameters()]", "list({}.state_dict())",
                 "[tuple(one.shape) for one in {}.parameters()]", "len({})", "len({}[1:])",
                 "[name for name, _ in {}.named_modules()]", "len(list({}.children()))",
                 "[one.training for one in {}.modules()]", "repr({}[1])", "repr({}[-2])",
                 "[one.training for one in {}.eval().modules()]", "{}[3]", "{}[-4]",
                 "[one.training for one in {}.eval().train().modules()]"):  # fmt: skip
        yield Case("modules", line.format(DEEP), {})


def states() -> Iterator[Case]:
    """Yield states that fit a layer, and states that do not."""
    line = "reloaded(nn(lib).Linear(3, 2), {})"
    whole = "{'weight': w, 'bias': b}"
    for state in (whole, "{'weight': w}", "{}", whole.replace("w,", "w.T,"),
                  whole.replace("}", ", 'more': b}"), whole.replace("b}", "b[:1]}")):  # fmt: skip
        for dtype in FLOATS:
            inputs = {"w": f"{dtype}[2,3]", "b": f"{dtype}[2]"}
            yield Case("modules", line.replace("{}", state), inputs)


def initialisations() -> Iterator[Case]:
    """Yield the gains, the fans, and how far random numbers reach."""
    for name in ("'linear'", "'sigmoid'", "'tanh'", "'relu'", "'leaky_relu'", "'leaky_relu', 0.2",
                 "'leaky_relu', 2", "'leaky_relu', 0", "'step'"):  # fmt: skip
        yield Case("initialisation", f"float(nn(lib).calculate_gain({name}))", {})
    for shape in ("3,4", "8,3,5,5", "2,3,4", "1,1", "5", ""):
        yield Case("initialisation", "fans(lib, a)", {"a": f"float32[{shape}]"})
    for line in ("kaiming_uniform_(lib.zeros(400, 150))", "xavier_uniform_(lib.zeros(200, 400))",
                 "kaiming_uniform_(lib.zeros(600, 50), mode='fan_out')",
                 "kaiming_uniform_(lib.zeros(400, 300), nonlinearity='linear')",
                 "kaiming_uniform_(lib.zeros(400, 100), 5**0.5)",
                 "kaiming_uniform_(lib.zeros(80, 6, 5, 5))", "uniform_(lib.zeros(100, 100))",
                 "xavier_uniform_(lib.zeros(200, 400), 3.0)", "Linear(100, 4000).weight",
                 "kaiming_uniform_(lib.zeros(3))", "kaiming_uniform_(lib.zeros(3, 3), mode='fan')",
                 "zeros_(lib.ones(3))", "ones_(lib.zeros(3))"):  # fmt: skip
        yield Case("initialisation", f"reach(lib, nn(lib).{line})", {})
    for line in ("kaiming_normal_(lib.zeros(8000, 2))", "normal_(lib.zeros(300, 300), std=3.0)",
                 "kaiming_normal_(lib.zeros(2, 8000), mode='fan_out')",
                 "xavier_normal_(lib.zeros(200, 400), 300**0.5)"):  # fmt: skip
        yield Case("initialisation", f"spread(lib, nn(lib).{line})", {})


def layers() -> Iterator[Case]:
    """Yield all cases of layers."""
    for source in (activations, linear_maps, compositions, states, initialisations):
        yield from source()
