"""Inspecting a network: what it sees, what it holds, what it computes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from tinytorch.layers import Module
from tinytorch.networks.architectures import Residual
from tinytorch.networks.windows import Pair
from tinytorch.tensors import Tensor, float32, listen, zeros
from tinytorch.tensors.dtypes import DTypeLike
from tinytorch.tensors.shapes import Shape


class ReceptiveField(NamedTuple):
    """Which pixels an output sees, along height and width.

    Output (0, 0) sees ``size`` pixels from ``start`` on, which is negative where it begins in a
    margin; its neighbour sees as many, ``step`` further on.
    """

    size: Pair
    step: Pair
    start: Pair


def receptive_field(model: Module) -> ReceptiveField:
    """Return which pixels an output of the model's windows sees.

    Follows the windows that ``windows_of(model)`` yields, each with a ``kernel_size``, ``stride``,
    ``padding`` and ``dilation`` for height and width; other layers look at one place at a time.
    Where the outputs so far are ``step`` pixels apart, a window of k places, dilated by d, sees
    ``(k - 1) * d * step`` pixels more, and a margin of p lies ``p * step`` pixels further out.
    A model without windows sees one pixel.
    """
    size, step, start = [1, 1], [1, 1], [0, 0]
    for window in windows_of(model):
        for dim in (0, 1):
            size[dim] += (window.kernel_size[dim] - 1) * window.dilation[dim] * step[dim]
            start[dim] -= window.padding[dim] * step[dim]
            step[dim] *= window.stride[dim]
    return ReceptiveField((size[0], size[1]), (step[0], step[1]), (start[0], start[1]))


class Window(NamedTuple):
    """What a layer with windows says of them, each for height and width."""

    kernel_size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair = (1, 1)


def windows_of(model: Module) -> Iterator[Any]:
    """Yield what has windows inside a model, one after another: each looks at what came before.

    The two ways through a Residual lie side by side. They arrive as one window, which sees from
    the first pixel that either sees to the last.
    """
    if isinstance(model, Residual):
        yield _side_by_side([receptive_field(way) for way in model.children()])
    elif hasattr(model, "kernel_size"):
        yield model
    else:
        for child in model.children():
            yield from windows_of(child)


def _side_by_side(fields: Sequence[ReceptiveField]) -> Window:
    """Return one window for several ways, whose outputs are added: their steps are the same."""
    top, left = (min(field.start[dim] for field in fields) for dim in (0, 1))
    bottom, right = (max(one.start[dim] + one.size[dim] for one in fields) for dim in (0, 1))
    return Window((bottom - top, right - left), fields[0].step, (-top, -left))


# Counting what operations compute


def count_flops(
    operation: str, shapes: Sequence[Shape], output: Shape, options: dict[str, Any]
) -> int:
    """Return the additions, multiplications and other steps on numbers of one operation.

    shapes: of the inputs, in order; output: the result's.
    A product of matrices takes 2 for each number of the output and each place of the inner size:
    one multiplication, one addition. A convolution does so for each weight of a filter, and adds
    the bias, where there is one. Pooling takes one for each place of each window. What only moves
    numbers (``MOVES``) takes none. A reduction (``REDUCTIONS``) takes one for each number it
    reads, and softmax and normalisation as many for each as ``PER_ELEMENT`` says. Everything else
    takes one for each number of the output.
    """
    results = math.prod(output)
    if operation == "matmul":
        return 2 * shapes[0][-1] * results
    if operation == "conv2d":
        has_bias = len(shapes) > 2
        return (2 * math.prod(shapes[1][1:]) + has_bias) * results
    if operation in ("max_pool2d", "avg_pool2d"):
        height, width = options["kernel_size"]
        places: int = height * width * results
        return places
    if operation in MOVES:
        return 0
    if operation in REDUCTIONS:
        return math.prod(shapes[0])
    return PER_ELEMENT.get(operation, 1) * results


MOVES = frozenset(
    {"reshape", "permute", "expand", "getitem", "setitem", "cast", "clone", "cat", "pad2d",
     "embedding"}
)  # fmt: skip
REDUCTIONS = frozenset({"sum", "prod", "cumsum", "amax", "amin", "argmax", "argmin", "any", "all"})
PER_ELEMENT = {
    "softmax": 4,  # subtract the largest, exponential, sum, divide
    "log_softmax": 4,
    "layer_norm": 7,  # sum, subtract, square, sum, divide, weight, bias
}


# Tables


class Table:
    """Rows with names for their columns, aligned when printed, with a line of totals."""

    def __init__(self, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        self.columns = tuple(columns)
        self.rows = tuple(rows)

    def column(self, name: str) -> list[Any]:
        """Return the cells of one column."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def total(self, name: str) -> int:
        """Return the sum of a column of numbers."""
        return sum(self.column(name))

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        """Return the table as text, numbers to the right."""
        sums = [self._sum(name) for name in self.columns]
        lines = [self.columns, *self.rows, ("total", *sums[1:])]
        texts = [[_as_text(cell) for cell in line] for line in lines]
        widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
        is_number = [isinstance(one, int) for one in sums]
        return "\n".join(_aligned(line, widths, is_number) for line in texts)

    def _sum(self, name: str) -> int | str:
        cells = self.column(name)
        return sum(cells) if all(type(cell) is int for cell in cells) else ""


def _as_text(cell: Any) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _aligned(cells: Sequence[str], widths: Sequence[int], is_number: Sequence[bool]) -> str:
    aligned = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, is_number, strict=True)
    ]
    return "  ".join(aligned).rstrip()


def parameter_table(model: Module) -> Table:
    """Return the name, shape, count and bytes of every parameter of the model."""
    rows = [
        (name, tensor.shape, tensor.numel(), tensor.nbytes)
        for name, tensor in model.named_parameters()
    ]
    return Table(("parameter", "shape", "numbers", "bytes"), rows)


def flop_table(model: Module, input_shape: Sequence[int], dtype: DTypeLike = float32) -> Table:
    """Return what the model computes in inference: every operation, heard at the door.

    input_shape: with the batch; the input is zeros of the dtype. An operation that reads a
    parameter stands beside the name of the layer that holds it. Operations that compute nothing
    are left out.
    """
    parameters = dict(model.named_parameters())
    rows: list[tuple[Any, ...]] = []

    def note(operation: str, inputs: Any, options: Any, output: Tensor, seconds: float) -> None:
        tensors = [one for one in inputs if isinstance(one, Tensor)]
        shapes = [one.shape for one in tensors]
        if flops := count_flops(operation, shapes, output.shape, options):
            layer = _layer_read(tensors, parameters)
            rows.append((layer, operation, shapes[0], output.shape, flops))

    with inference(model), listen(note):
        model(zeros(tuple(input_shape), dtype=dtype))
    return Table(("layer", "operation", "input", "output", "flops"), rows)


@contextmanager
def inference(model: Module) -> Iterator[None]:
    """Set the model and all modules inside it to inference, and back to what each was."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def _layer_read(inputs: Sequence[Tensor], parameters: Mapping[str, Tensor]) -> str:
    """Return the name of the layer whose parameter, or a view of it, is among the inputs."""
    for name, parameter in parameters.items():
        if any(np.may_share_memory(parameter.numpy(), one.numpy()) for one in inputs):
            return name.rpartition(".")[0]
    return ""
