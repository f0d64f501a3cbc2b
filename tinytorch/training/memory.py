"""Memory: what a training step keeps, and how much of it."""

from __future__ import annotations

from typing import Any

from tinytorch.layers import Module
from tinytorch.networks import Table
from tinytorch.tensors import Tensor, listen
from tinytorch.tensors.dtypes import Array
from tinytorch.training.optimizers import Optimizer
from tinytorch.training.randomness import rehearsal

Row = tuple[str, str, int, int]


def memory_table(model: Module, optimizer: Optimizer, inputs: Tensor) -> Table:
    """Return what a training step on these inputs keeps in memory, in bytes.

    These are the parameters, a gradient for each, what the optimizer remembers, and the
    activations: all that the operations of a forward pass computed, heard at the door. Backward
    reads most of them again, so they live until then. A view has no bytes of its own.
    """
    parameters = list(model.parameters())
    rows = [_row("parameters", "", parameters), _row("gradients", "", parameters)]
    for place, name in enumerate(optimizer.remembers):
        kept = [memory[place] for memory in optimizer.memory]
        rows.append(_row("optimizer", name, kept))
    for operation, computed in activations(model, inputs).items():
        rows.append(("activations", operation, len(computed), sum(one.nbytes for one in computed)))
    return Table(("part", "of", "tensors", "bytes"), rows)


def _row(part: str, name: str, tensors: list[Tensor]) -> Row:
    return part, name, len(tensors), sum(one.nbytes for one in tensors)


def activations(model: Module, inputs: Tensor) -> dict[str, list[Array]]:
    """Return the arrays that a forward pass computed, by operation; it leaves no trace."""
    buffers = [buffer for _, buffer in model.named_buffers()]
    known = {id(memory_behind(one)) for one in (inputs, *model.parameters(), *buffers)}
    found: dict[str, list[Array]] = {}

    def note(operation: str, given: Any, options: Any, output: Tensor, seconds: float) -> None:
        memory = memory_behind(output)
        if id(memory) not in known:
            known.add(id(memory))
            found.setdefault(operation, []).append(memory)  # held, so that no id comes again

    with rehearsal(model), listen(note):
        model(inputs)
    return found


def memory_behind(tensor: Tensor) -> Array:
    """Return the array whose memory a tensor looks at: its own, or that which it is a view of."""
    array = tensor.numpy()
    while isinstance(array.base, type(array)):
        array = array.base
    return array
