"""Checkpointing: forget what a part of a model computed, and compute it again for backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import get_ident
from typing import Any

import numpy as np

from tinytorch.autograd.engine import propagate
from tinytorch.autograd.modes import enable_grad, is_grad_enabled, no_grad
from tinytorch.autograd.nodes import Node, node_of, set_node
from tinytorch.tensors import Tensor, listen
from tinytorch.tensors.door import wrap
from tinytorch.tensors.dtypes import Array
from tinytorch.training.randomness import (
    find_generators,
    generator_states,
    restore_generators,
)


def checkpoint(
    function: Callable[..., Tensor],
    *inputs: Any,
    generators: Sequence[np.random.Generator] = (),
) -> Tensor:
    """Return ``function(*inputs)``, of which the tape keeps the inputs and nothing else.

    Backward calls the function again and goes back through it, with the random numbers of the
    first time: those of the default generator, of the modules in a Module, and of the generators
    given. What else the function changes, such as the running mean of a BatchNorm, changes twice.
    Source: Chen et al. 2016.
    """
    if not is_grad_enabled():
        return function(*inputs)
    part = Part(function, inputs, generators)
    with no_grad(), part.noting():
        output = function(*inputs)
    if not isinstance(output, Tensor):
        raise TypeError(f"a part returns one tensor, not {type(output).__name__}; cut it smaller")
    if not part.read or not output.is_floating_point():
        return output
    result = wrap(output.array)
    node = Node("checkpoint", tuple(part.read), {"part": part}, output.shape, output.dtype)
    node.kept = part.arrays()
    node.codes = tuple(range(len(node.kept)))
    set_node(result, node)
    return result


class Part:
    """A part of a model that will be computed again, as it was computed now."""

    def __init__(
        self,
        function: Callable[..., Tensor],
        inputs: Sequence[Any],
        generators: Sequence[np.random.Generator],
    ) -> None:
        given = {f"generator {number}": one for number, one in enumerate(generators)}
        self.function = function
        self.sources = find_generators(function=function, **given)
        self.states = generator_states(self.sources)
        self.read: dict[Node, Array] = {}  # what it did not make, and gradients flow to
        self.inputs = [one if not isinstance(one, Tensor) else _Input(one) for one in inputs]
        for one in inputs:
            self._note(one)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note what this thread's operations read; nothing that they make has a node."""
        thread = get_ident()

        def hear(operation: str, inputs: Any, options: Any, output: Tensor, seconds: float) -> None:
            if get_ident() == thread:
                for one in inputs:
                    self._note(one)

        with listen(hear):
            yield

    def _note(self, value: Any) -> None:
        node = node_of(value) if isinstance(value, Tensor) else None
        if node is not None:
            self.read[node] = value.array

    def arrays(self) -> tuple[Array, ...]:
        """Return the memory that the part was computed from, which has to stay as it is."""
        inputs = [one.array for one in self.inputs if isinstance(one, _Input)]
        return (*inputs, *self.read.values())

    def restored(self) -> list[Any]:
        """Return the inputs as they were, with the nodes that they had."""
        return [one.restored() if isinstance(one, _Input) else one for one in self.inputs]

    @contextmanager
    def as_before(self) -> Iterator[None]:
        """Let random numbers be those of the first time, and go on as if none had been drawn."""
        now = generator_states(self.sources)
        restore_generators(self.sources, self.states)
        try:
            yield
        finally:
            restore_generators(self.sources, now)


class _Input:
    """A tensor's array and node: what a write in place to the tensor does not change."""

    def __init__(self, tensor: Tensor) -> None:
        self.array = tensor.array
        self.node = node_of(tensor)

    def restored(self) -> Tensor:
        tensor = wrap(self.array)
        set_node(tensor, self.node)
        return tensor


def recompute(part: Part, gradient: Tensor, *, is_recorded: bool) -> dict[Node, Tensor]:
    """Return the gradients of what a part of a model read, given that of its result.

    Computes the part again, recorded this time: ``part.function`` of the inputs that
    ``part.restored()`` returns, inside of ``part.as_before()``, which repeats the random numbers.
    Then goes back through it by ``propagate``, and stops at the nodes in ``part.read``: what lies
    behind them is the turn of whoever called. Only the computing is recorded whatever the mode;
    the way back is recorded, and kept for another time, if ``is_recorded``.
    """
    with part.as_before(), enable_grad():
        output = part.function(*part.restored())
    root = node_of(output)
    roots = {} if root is None else {root: gradient}
    return propagate(roots, stop=part.read, is_kept=is_recorded, is_recorded=is_recorded)
