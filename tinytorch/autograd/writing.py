"""Writing in place: which memory was changed when, so that no gradient is taken of old numbers.

The memory is what counts: a view and the tensor it looks at are written together. What is written
past the door, as by ``tensor.numpy()[...] = 0``, nobody hears of.
"""

from __future__ import annotations

import weakref
from threading import RLock
from typing import Any

import numpy as np

from tinytorch.autograd.modes import mode
from tinytorch.autograd.nodes import Leaf, Node, next_number, node_of
from tinytorch.tensors import Tensor
from tinytorch.tensors.dtypes import Array
from tinytorch.training.updates import WRITTEN

IN_PLACE = {"setitem": (0,), **WRITTEN}  # which of their inputs operations write to


class _Line:
    """A line of memory that was written to, and when: by the numbers that nodes have, too."""

    __slots__ = ("memory", "time", "time_recorded")

    def __init__(self, memory: weakref.ref[Array]) -> None:
        self.memory = memory
        self.time = self.time_recorded = 0


class Writes:
    """All writes in place that were heard of."""

    def __init__(self) -> None:
        self.latest = 0
        self.lines: dict[int, _Line] = {}
        self.recorded = 0  # how many of the lines hold results that a gradient flows to
        self._lock = RLock()  # memory can be freed at any moment, in the middle of this too

    def note(self, array: Array, *, is_recorded: bool) -> None:
        """Remember that the memory behind an array was written to now."""
        owner = owner_of(array)
        with self._lock:
            line = self._line_of(owner)
            line.time = self.latest = next_number()
            if is_recorded:
                self.recorded += not line.time_recorded
                line.time_recorded = self.latest

    def _line_of(self, owner: Array) -> _Line:
        """Return the line that an array owns, a new one if it was not written to before."""
        key = id(owner)
        line = self.lines.get(key)
        if line is None or line.memory() is not owner:
            self._forget(key)
            line = _Line(weakref.ref(owner, lambda _: self._forget(key)))
            self.lines[key] = line
        return line

    def last(self, array: Array) -> tuple[int, int]:
        """Return when the memory was last written to, and when with a recorded result; or 0."""
        owner = owner_of(array)
        line = self.lines.get(id(owner))
        if line is None or line.memory() is not owner:
            return 0, 0
        return line.time, line.time_recorded

    def _forget(self, key: int) -> None:
        with self._lock:
            line = self.lines.pop(key, None)
            if line is not None and line.time_recorded:
                self.recorded -= 1


writes = Writes()
leaves: dict[int, list[weakref.ref[Leaf]]] = {}  # by the memory they look at


def owner_of(array: Array) -> Array:
    """Return the array that owns the memory an array looks at."""
    owner, base = array, array.base
    while base is not None:  # a stretched view stands on an object that stands on the array
        owner = base if isinstance(base, np.ndarray) else owner
        base = getattr(base, "base", None)
    return owner


def check_unchanged(node: Node, array: Array) -> None:
    """Raise RuntimeError where an array that a node kept was written to since.

    Nodes and writes are numbered together, as they happen. ``writes.last(array)`` returns the
    number of the last write to the array's memory, through whatever view, and that of the last one
    that was recorded; 0 for none. The message names the operation and the shape, says that it was
    changed in place, and the way out.
    """
    if writes.last(array)[0] > node.number:
        raise RuntimeError(
            f"cannot go back through {node.operation!r}: what it kept, of shape {array.shape}, was "
            "changed in place afterwards; write into a .clone(), or x = x + y instead of x += y"
        )


def check_fresh(tensor: Tensor) -> None:
    """Raise RuntimeError where a tensor's numbers are no longer what its node computed."""
    node = node_of(tensor)
    since = getattr(tensor, "_detached_at", 0) if node is None else node.number
    if writes.last(tensor.array)[1] > since:
        raise RuntimeError(
            f"a tensor of shape {tensor.shape} was changed in place through another one that "
            "shares its memory, and does not know how: make views after writing, or .clone() "
            "before (or .detach() now, if it is a constant)"
        )


def check_no_leaf(array: Array) -> None:
    """Raise RuntimeError for an array that shares memory with a leaf."""
    for reference in leaves.get(id(owner_of(array)), ()):
        leaf = reference()
        tensor = None if leaf is None else leaf.tensor()
        if tensor is not None and np.may_share_memory(tensor.array, array):
            raise refusal(tensor)


def refusal(tensor: Tensor) -> RuntimeError:
    """Return the error for writing to a leaf while recording."""
    return RuntimeError(
        f"a tensor of shape {tensor.shape} that requires a gradient cannot be changed in place: "
        "the tape would lose where it began; do it under no_grad(), or to a .clone()"
    )


def guarded(kernel: Any) -> Any:
    """Return the kernel of ``setitem``, which first refuses to write to a leaf."""

    def setitem(array: Array, value: Array, **options: Any) -> Array:
        if mode.is_recording:
            check_no_leaf(array)
        written: Array = kernel(array, value, **options)
        return written

    return setitem
