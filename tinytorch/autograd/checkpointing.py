"""Checkpointing: forget what a part of a model computed, and compute it again for backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import get_ident
from typing import Any

import numpy as np

from tinytorch.autograd.engine import propagate
from tinytorch.autograd.modes import enable_grad, is_grad_enabled, no_grad
from tinytorch.autograd.nodes import Node, node_of, set_node
from tinytorch.autograd.writing import check_unchanged
from tinytorch.tensors import Tensor, listen
from tinytorch.tensors.door import wrap
from tinytorch.training.randomness import (
    Generators,
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
    sources = find_generators(function=function, **_numbered(generators))
    states = generator_states(sources)
    used = {node: None for one in inputs if isinstance(one, Tensor) and (node := node_of(one))}
    with no_grad(), noting_nodes(used):
        output = function(*inputs)
    if not used or not output.is_floating_point():
        return output
    result = wrap(output.array)
    kept = [(one.array, node_of(one)) if isinstance(one, Tensor) else one for one in inputs]
    again = Again(function, kept, sources, states)
    options = {"again": again, "inputs": [one[0] for one in kept if isinstance(one, tuple)]}
    node = Node("checkpoint", tuple(used), options, output.shape, output.dtype)
    set_node(result, node)
    return result


def _numbered(generators: Sequence[np.random.Generator]) -> dict[str, np.random.Generator]:
    return {f"generator {number}": one for number, one in enumerate(generators)}


@contextmanager
def noting_nodes(used: dict[Node, None]) -> Iterator[None]:
    """Note the nodes of all tensors that this thread's operations read: nothing else has one."""
    thread = get_ident()

    def note(operation: str, inputs: Any, options: Any, output: Tensor, seconds: float) -> None:
        if get_ident() == thread:
            tensors = [one for one in inputs if isinstance(one, Tensor)]
            used.update({node: None for one in tensors if (node := node_of(one)) is not None})

    with listen(note):
        yield


class Again:
    """A part of a model that is computed again, in the state that it was computed in before."""

    def __init__(
        self,
        function: Callable[..., Tensor],
        inputs: list[Any],
        sources: Generators,
        states: Mapping[str, Any],
    ) -> None:
        self.function = function
        self.inputs = inputs
        self.sources = sources
        self.states = states

    def __call__(
        self, node: Node, gradient: Tensor, *, is_recorded: bool
    ) -> list[tuple[Node, Tensor]]:
        """Return the gradients of what the function read, given that of its result."""
        with replayed(self.sources, self.states), enable_grad():
            output = self.function(*[self._restored(node, one) for one in self.inputs])
        root = node_of(output)
        if root is None:
            return []
        parents = {one for one in node.parents if one is not None}
        found = propagate({root: gradient}, stop=parents, is_recorded=is_recorded)
        return list(found.items())

    def _restored(self, node: Node, kept: Any) -> Any:
        if not isinstance(kept, tuple):
            return kept
        array, parent = kept
        check_unchanged(node, array)
        tensor = wrap(array)
        set_node(tensor, parent)
        return tensor


@contextmanager
def replayed(sources: Generators, states: Mapping[str, Any]) -> Iterator[None]:
    """Let generators go on from former states, and put them back to where they were."""
    now = generator_states(sources)
    restore_generators(sources, states)
    try:
        yield
    finally:
        restore_generators(sources, now)
