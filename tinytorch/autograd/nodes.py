"""Nodes: what the tape remembers of an operation, and of a tensor that is to get a gradient."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from itertools import count
from operator import attrgetter
from typing import Any

from tinytorch.tensors import Tensor
from tinytorch.tensors.dtypes import DType
from tinytorch.tensors.shapes import Shape

Hook = Callable[[Tensor], Tensor | None]

next_number = count().__next__  # of nodes and of writes in place, in the order of time


class Node:
    """One operation that was recorded, as backward needs it.

    ``parents`` are the nodes of its inputs, in order; None for an input without one. ``kept`` are
    the arrays and numbers that its rule asked for. ``shape`` and ``dtype`` are its result's, and so
    its gradient's. A node is made after its parents, so ``number`` grows from them to it. It holds
    no tensor, and nothing that leads to its own result: when the last tensor lets go of a graph,
    its memory is free at once.
    """

    __slots__ = (
        "__weakref__",
        "codes",
        "dtype",
        "hooks",
        "kept",
        "number",
        "operation",
        "options",
        "parents",
        "shape",
    )

    def __init__(
        self,
        operation: str,
        parents: tuple[Node | None, ...],
        options: dict[str, Any] | None,
        shape: Shape,
        dtype: DType,
    ) -> None:
        self.operation = operation
        self.parents = parents
        self.options = options
        self.shape = shape
        self.dtype = dtype
        self.number = next_number()
        self.codes: tuple[int, ...] = ()  # what it keeps, as ``rules`` calls it
        self.kept: tuple[Any, ...] | None = ()  # and keeps; None once backward has let go of it
        self.hooks: list[Hook] | None = None

    def __repr__(self) -> str:
        """Return the operation and the shape of its result."""
        return f"<{self.operation} {self.shape}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _nothing, ()  # a graph stays in its process; what is loaded from a file has none


def _nothing() -> None:
    return None


class Leaf(Node):
    """A tensor that gradients are wanted for: where the graph begins and backward ends."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Tensor) -> None:
        super().__init__("leaf", (), None, tensor.shape, tensor.dtype)
        self.tensor = weakref.ref(tensor)


# The node of a tensor, or None for one that no gradient flows to.
node_of: Callable[[Tensor], Node | None] = attrgetter("_node")


def set_node(tensor: Tensor, node: Node | None) -> None:
    """Let a tensor be the result of a node, or of none."""
    tensor._node = node  # type: ignore[attr-defined]
