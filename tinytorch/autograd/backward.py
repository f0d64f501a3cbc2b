"""Backward: what users call, to have gradients added to ``grad`` or returned."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from tinytorch.autograd.engine import propagate
from tinytorch.autograd.modes import enable_grad, no_grad
from tinytorch.autograd.nodes import Leaf, Node, node_of
from tinytorch.tensors import Tensor, ones_like


def backward(
    tensor: Tensor,
    gradient: Tensor | None = None,
    *,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Add the gradient of a tensor to ``grad`` of every leaf that it was computed from.

    gradient: that of the tensor itself, in its shape; 1 for a single number.
    Afterwards the graph's memory is free, unless it is to be retained for another time. With
    ``create_graph`` the gradients are recorded, and can be differentiated themselves.
    Raises RuntimeError where nothing was recorded, ValueError for a gradient of another shape.
    """
    is_kept = create_graph if retain_graph is None else retain_graph
    with recording(create_graph):
        roots = roots_of([tensor], [gradient])
        found = propagate(roots, is_kept=is_kept, is_recorded=create_graph)
        for node, part in found.items():
            if isinstance(node, Leaf):
                accumulate(node, part)


def recording(is_recorded: bool) -> AbstractContextManager[None]:
    """Return the block in which gradients are computed: recorded, or not."""
    return enable_grad() if is_recorded else no_grad()


def start_of(tensor: Tensor) -> Node:
    """Return the node that backward starts from. Raises RuntimeError where nothing was recorded."""
    node = node_of(tensor)
    if node is None:
        raise RuntimeError(
            f"no gradient flows to this tensor of shape {tensor.shape}: nothing that it was "
            "computed from requires one (call .requires_grad_() first), or it was under no_grad()"
        )
    return node


def started(tensor: Tensor, gradient: Tensor | None) -> Tensor:
    """Return the gradient that backward starts with, in the tensor's shape and dtype."""
    if gradient is None:
        if tensor.numel() != 1:
            raise ValueError(
                f"a tensor of shape {tensor.shape} is not one number, so it has no gradient by "
                "itself; take .sum() or .mean(), or pass a gradient of its shape"
            )
        return ones_like(tensor)
    if not isinstance(gradient, Tensor):
        raise TypeError(f"a gradient is a tensor, not {type(gradient).__name__}; use tensor(...)")
    if gradient.shape != tensor.shape:
        raise ValueError(
            f"a gradient of shape {gradient.shape} does not fit a tensor of shape {tensor.shape}"
        )
    return gradient.to(tensor.dtype)


def accumulate(leaf: Leaf, part: Tensor) -> None:
    """Add to the ``grad`` of a leaf's tensor, or make a copy of the first part its ``grad``."""
    tensor = leaf.tensor()
    if tensor is None:
        return
    known: Tensor | None = tensor._grad  # type: ignore[attr-defined]
    grown = part.clone() if known is None else known + part
    tensor._grad = grown.to(tensor.dtype)  # type: ignore[attr-defined]


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    *,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> list[Tensor | None]:
    """Return the gradients of the outputs' sum with respect to each input; no ``grad`` changes.

    grad_outputs: the gradients of the outputs themselves; 1 for single numbers. Gradients may share
    memory with each other and with these: write to a ``.clone()``.
    Raises RuntimeError for an input that the outputs do not depend on, unless ``allow_unused``:
    then its gradient is None.
    """
    results, wanted = _as_list(outputs), _as_list(inputs)
    given = [None] * len(results) if grad_outputs is None else _as_list(grad_outputs)
    is_kept = create_graph if retain_graph is None else retain_graph
    ends = [start_of(one) for one in wanted]
    with recording(create_graph):
        roots = roots_of(results, given)
        found = propagate(roots, wanted=set(ends), is_kept=is_kept, is_recorded=create_graph)
    missing = [one for one, node in zip(wanted, ends, strict=True) if node not in found]
    if missing and not allow_unused:
        raise RuntimeError(
            f"an input of shape {missing[0].shape} has no part in the outputs; leave it out, or "
            "pass allow_unused=True to get None"
        )
    return [found.get(node) for node in ends]


def roots_of(results: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> dict[Node, Tensor]:
    """Return the nodes that backward starts from, each with its gradient."""
    if len(results) != len(gradients):
        raise ValueError(f"{len(results)} outputs need as many gradients, not {len(gradients)}")
    roots: dict[Node, Tensor] = {}
    for result, gradient in zip(results, gradients, strict=True):
        node, part = start_of(result), started(result, gradient)
        roots[node] = roots[node] + part if node in roots else part
    return roots


def _as_list(tensors: Tensor | Sequence[Tensor | None] | None) -> list[Any]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors or ())
