"""The engine: gradients go back through the graph, each node once, after all that came of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from tinytorch.autograd.nodes import Node, set_node
from tinytorch.autograd.rules import (
    EVERY,
    OUTPUT,
    PLACE,
    SHAPE,
    Way,
    sum_to_shape,
    ways_of,
)
from tinytorch.autograd.writing import check_unchanged, writes
from tinytorch.tensors import Tensor
from tinytorch.tensors.door import wrap

_age = attrgetter("number")


def topological_order(roots: Sequence[Node], *, stop: Collection[Node] = frozenset()) -> list[Node]:
    """Return all nodes that lead to the roots, each once and before its parents.

    Does not look behind the nodes in ``stop``. The graph may be a chain of a million nodes, so
    this must not call itself. A node is made after its parents and numbered as it is made.
    """
    found = dict.fromkeys(roots)
    waiting = list(found)
    for node in waiting:  # grows while we walk
        for parent in () if node in stop else node.parents:
            if parent is not None and parent not in found:
                found[parent] = None
                waiting.append(parent)
    waiting.sort(key=_age, reverse=True)
    return waiting


def propagate(
    roots: Mapping[Node, Tensor],
    *,
    stop: Collection[Node] = frozenset(),
    wanted: Collection[Node] | None = None,
    is_kept: bool = False,
    is_recorded: bool = False,
) -> dict[Node, Tensor]:
    """Return the gradients of the leaves, and of nodes asked for, given those of the roots.

    Goes through the nodes in topological order. A node's gradient is complete when its turn comes:
    it is the sum of what came back from every place where its result was used. From there it goes
    on to the node's parents, by ``pull_back``, except from leaves and from nodes in ``stop``. What
    a node kept is let go of unless ``is_kept``. With ``wanted``, only the ways to these are gone.
    """
    order = topological_order(list(roots), stop=stop)
    useful = None if wanted is None else leading_to(order, wanted)
    gradients, found = dict(roots), {}
    for node in order if useful is None else filter(useful.__contains__, order):
        gradient = gradients.pop(node, None)
        if gradient is None:
            continue
        if node in stop:
            found[node] = gradient
            continue
        if node.hooks is not None:
            gradient = call_hooks(node, gradient)
        if not node.parents or (wanted is not None and node in wanted):
            found[node] = gradient
        if node.parents:
            for parent, part in pull_back(node, gradient, useful, is_recorded=is_recorded):
                known = gradients.get(parent)
                gradients[parent] = part if known is None else known + part
            if not is_kept:
                let_go(node)
    return found


def leading_to(order: Sequence[Node], wanted: Collection[Node]) -> set[Node]:
    """Return the nodes of a topological order that are wanted, or lead to one that is."""
    useful = set(wanted)
    for node in reversed(order):
        if not useful.isdisjoint(node.parents):
            useful.add(node)
    return useful


def pull_back(
    node: Node,
    gradient: Tensor,
    useful: Collection[Node] | None = None,
    *,
    is_recorded: bool = False,
) -> list[tuple[Node, Tensor]]:
    """Return each parent of a node with the gradient that comes back to it, in its shape."""
    values = values_of(node, is_recorded=is_recorded)
    if node.operation == "checkpoint":
        again = (node.options or {})["part"]
        return list(checkpointing.recompute(again, gradient, is_recorded=is_recorded).items())
    ways, parts = ways_of(node.operation), []
    every = ways.get(EVERY)
    for place, parent in enumerate(node.parents):
        way = ways.get(place, every)
        if parent is None or way is None or (useful is not None and parent not in useful):
            continue
        values[PLACE], values[SHAPE] = place, parent.shape
        asked = map(values.__getitem__, way.values)
        options = options_for(way, node) if way.options else {}
        parts.append((parent, fitted(way.rule(gradient, *asked, **options), parent)))
    return parts


def options_for(way: Way, node: Node) -> dict[str, Any]:
    """Return those of an operation's options that a rule asks for."""
    given = node.options or {}
    return {name: given[name] for name in way.options}


def values_of(node: Node, *, is_recorded: bool) -> dict[int, Any]:
    """Return what a node kept, by code: arrays as tensors, with their nodes if recorded."""
    if node.kept is None:
        raise RuntimeError(
            f"cannot go back through {node.operation!r} twice: the first time let go of what it "
            "kept; call backward(retain_graph=True) then, or compute the result anew"
        )
    values: dict[int, Any] = {}
    for code, value in zip(node.codes, node.kept):  # noqa: B905  each has its code
        if isinstance(value, np.ndarray):
            if writes.latest > node.number:
                check_unchanged(node, value)
            value = wrap(value)
            if is_recorded and code < len(node.parents):
                set_node(value, node if code == OUTPUT else node.parents[code])
        values[code] = value
    return values


def fitted(gradient: Tensor, node: Node) -> Tensor:
    """Return a gradient in the shape and the dtype of the node that it belongs to."""
    array = gradient.array
    if array.shape != node.shape:
        gradient = sum_to_shape(gradient, node.shape)
    return gradient if array.dtype is node.dtype else gradient.to(node.dtype)


def let_go(node: Node) -> None:
    """Free the memory that a node kept, so that no one can go back through it again."""
    keeps_array = np.ndarray in map(type, node.kept or ())
    if keeps_array or (node.options is not None and kept_arrays(node)):
        node.kept = node.options = None


def kept_arrays(node: Node) -> list[np.ndarray[Any, Any]]:
    """Return the arrays that a node keeps in memory: values for its rules, and indices."""
    waiting = [*(node.kept or ()), *(node.options or {}).values()]
    found = []
    while waiting:
        one = waiting.pop()
        if isinstance(one, np.ndarray):
            found.append(one)
        elif isinstance(one, tuple | list):
            waiting += one
    return found


def call_hooks(node: Node, gradient: Tensor) -> Tensor:
    """Return the gradient after a node's hooks, of which each may put another in its place."""
    for hook in list(node.hooks) if node.hooks else ():
        changed = hook(gradient)
        if changed is None:
            continue
        if not isinstance(changed, Tensor):
            raise TypeError(f"a hook returns a tensor or None, not {type(changed).__name__}")
        if changed.shape != node.shape:
            raise ValueError(
                f"a hook made {changed.shape} of a gradient of shape {node.shape}; keep the "
                "shape, or return None"
            )
        gradient = changed
    return gradient


# A part that is computed again is gone back through by the engine, which has to call it.
from tinytorch.autograd import checkpointing  # noqa: E402
