"""The tape: listens at the door, and records what gradients will have to come back through."""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from functools import partial
from threading import RLock
from typing import Any

from tinytorch.autograd.modes import mode
from tinytorch.autograd.nodes import Leaf, Node, node_of, set_node
from tinytorch.autograd.rules import NOT_DIFFERENTIABLE, OUTPUT, SHAPES, kept_for
from tinytorch.autograd.writing import (
    IN_PLACE,
    check_fresh,
    guarded,
    leaves,
    owner_of,
    refusal,
    writes,
)
from tinytorch.tensors import Tensor, listen, register_kernel, use_kernels
from tinytorch.tensors.door import _kernels
from tinytorch.tensors.dtypes import TensorLike, as_array


def hear(
    operation: str,
    inputs: tuple[TensorLike, ...],
    options: dict[str, Any],
    output: Tensor,
    seconds: float,
) -> None:
    """Record an operation that was heard at the door, if a gradient is to flow through it."""
    if operation in IN_PLACE:
        hear_writing(operation, inputs, options, output)
        return
    if not mode.is_recording:
        return
    if writes.recorded:
        check_aliases(inputs)
    for one in inputs:
        if isinstance(one, Tensor) and one._node is not None:  # type: ignore[attr-defined]
            if output.array.dtype.kind == "f" and operation not in NOT_DIFFERENTIABLE:
                record(operation, inputs, options, output)
            return


def record(
    operation: str, inputs: tuple[TensorLike, ...], options: dict[str, Any], output: Tensor
) -> None:
    """Let the output remember how it was made: by a ``Node``, which becomes its node.

    The node's parents are the nodes of the inputs, in order, with None for a number and for a
    tensor without one. It keeps what the rules will need, and no more: given the inputs with a
    node, as bits of a number (``0b101`` for the first and the third), ``kept_for`` says what, in
    codes, and ``kept_value`` returns what a code stands for. Those are arrays and plain numbers,
    not tensors: a tensor would lead back to its node.
    """
    parents, wanted = [], 0
    for place, one in enumerate(inputs):
        parent = node_of(one) if isinstance(one, Tensor) else None
        parents.append(parent)
        if parent is not None:
            wanted |= 1 << place
    array = output.array
    node = Node(operation, tuple(parents), options or None, array.shape, array.dtype)
    codes = kept_for(operation, wanted)
    if codes:
        node.codes = codes
        node.kept = tuple([kept_value(code, inputs, output) for code in codes])
    set_node(output, node)


def kept_value(code: int, inputs: tuple[TensorLike, ...], output: Tensor) -> Any:
    """Return what a code stands for: an input's array or number, the output's array, shapes."""
    if code >= 0:
        one = inputs[code]
        if isinstance(one, Tensor):
            return one.array
        return one if isinstance(one, bool | int | float) else as_array(one)
    if code == OUTPUT:
        return output.array
    arrays = [one.array if isinstance(one, Tensor) else as_array(one) for one in inputs]
    return tuple([one.shape if code == SHAPES else one.strides for one in arrays])


def hear_writing(
    operation: str, inputs: tuple[TensorLike, ...], options: dict[str, Any], output: Tensor
) -> None:
    """Note what an operation in place has written to, and record it if a gradient flows in."""
    nodes = [node_of(one) if isinstance(one, Tensor) else None for one in inputs]
    is_recorded = operation == "setitem" and mode.is_recording and any(nodes)
    if is_recorded and isinstance(nodes[0], Leaf):
        raise refusal(inputs[0])
    if is_recorded and writes.recorded:
        check_aliases(inputs)
    each = len(inputs) // options.get("count", 1)  # an optimizer moves many parameters at once
    for place, one in enumerate(inputs):
        if place % each in IN_PLACE[operation]:
            writes.note(one.array, is_recorded=is_recorded)
    if is_recorded:
        record(operation, inputs, options, output)
        set_node(inputs[0], output._node)  # type: ignore[attr-defined]


def check_aliases(inputs: tuple[TensorLike, ...]) -> None:
    """Raise RuntimeError for an input that was written to through another tensor's view of it."""
    for one in inputs:
        if isinstance(one, Tensor):
            check_fresh(one)


# When to listen: only while there is a leaf

_lock = RLock()  # a leaf can die at any moment, in any thread, in the middle of this too
_listening = ExitStack()
_is_listening = False


def make_leaf(tensor: Tensor) -> None:
    """Let a tensor be a leaf, and listen from now on until the last leaf is gone."""
    leaf = Leaf(tensor)
    owner = id(owner_of(tensor.array))
    with _lock:
        leaves.setdefault(owner, []).append(weakref.ref(leaf, partial(_leaf_is_gone, owner)))
        _start()
    set_node(tensor, leaf)


def _start() -> None:
    global _is_listening
    if not _is_listening:
        register_kernel("setitem", guarded(_kernels["setitem"]), name="recording")
        _listening.enter_context(use_kernels("recording"))
        _listening.enter_context(listen(hear))
        _is_listening = True


def _leaf_is_gone(owner: int, reference: weakref.ref[Leaf]) -> None:
    global _is_listening
    with _lock:
        left = [one for one in leaves[owner] if one is not reference]
        if left:
            leaves[owner] = left  # not in place: another thread may be reading the list
        else:
            del leaves[owner]
        if not leaves and _is_listening:
            _is_listening = False
            _listening.close()


def is_listening() -> bool:
    """Return whether the tape listens at the door: while any leaf is alive."""
    return _is_listening
