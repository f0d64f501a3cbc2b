"""The tape as a source of gradients, in the place where training has had two others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tinytorch.autograd.backward import grad
from tinytorch.autograd.modes import enable_grad
from tinytorch.autograd.nodes import node_of
from tinytorch.autograd.tensor_additions import detach, requires_grad_
from tinytorch.layers import Module
from tinytorch.tensors import Tensor


def tape_gradients(
    model: Module, loss: Any, inputs: Tensor, targets: Tensor
) -> tuple[Tensor, list[Tensor | None]]:
    """Return the loss, and its gradient for each parameter, of any model that uses the door.

    The gradients come in the order of ``model.parameters()``; None for a parameter that took no
    part. The parameters require gradients only meanwhile, and their ``grad`` does not change.
    """
    parameters = list(model.parameters())
    with enable_grad(), requiring(parameters):
        value = loss(model(inputs), targets)
        wanted = [one for one in parameters if node_of(one) is not None]
        if node_of(value) is None:
            return detach(value), [None] * len(parameters)
        found = dict(zip(map(id, wanted), grad(value, wanted, allow_unused=True), strict=True))
    return detach(value), [found.get(id(one)) for one in parameters]


@contextmanager
def requiring(parameters: Sequence[Tensor]) -> Iterator[None]:
    """Let the float parameters require gradients inside of the block, those that do not already."""
    changed = [one for one in parameters if one.is_floating_point() and node_of(one) is None]
    for one in changed:
        requires_grad_(one)
    try:
        yield
    finally:
        for one in changed:
            requires_grad_(one, False)
