"""What autograd adds to every tensor, through the one way that tensors have for it."""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from typing import Any

from tinytorch.autograd.backward import backward
from tinytorch.autograd.nodes import Hook, Leaf, Node, next_number, node_of, set_node
from tinytorch.autograd.tape import make_leaf
from tinytorch.tensors import Tensor, extend_tensor
from tinytorch.tensors.door import wrap


def _requires_grad(tensor: Tensor) -> bool:
    """Whether gradients flow to the tensor: wanted for it, or for what it was computed from."""
    return node_of(tensor) is not None


def requires_grad_(tensor: Tensor, requires_grad: bool = True) -> Tensor:
    """Return the tensor itself, a leaf that gradients are wanted for from now on; or no longer.

    Raises TypeError for integers and bools, which cannot change a little, and RuntimeError for
    what was computed from a leaf and is to require none: use ``detach()``.
    """
    node = node_of(tensor)
    if requires_grad and not tensor.is_floating_point():
        raise TypeError(
            f"a tensor of {tensor.dtype} has no gradient: only floats can change a little; use "
            ".to(float32)"
        )
    if requires_grad and node is None:
        make_leaf(tensor)
    elif not requires_grad and isinstance(node, Leaf):
        set_node(tensor, None)
    elif not requires_grad and node is not None:
        raise RuntimeError("what was computed from a leaf requires a gradient; use .detach()")
    return tensor


def _set_requires_grad(tensor: Tensor, requires_grad: bool) -> None:
    requires_grad_(tensor, requires_grad)


def _grad(tensor: Tensor) -> Tensor | None:
    """The gradient that backward has added up for a leaf; None before the first."""
    found: Tensor | None = tensor._grad  # type: ignore[attr-defined]
    return found


def _set_grad(tensor: Tensor, gradient: Tensor | None) -> None:
    if not isinstance(gradient, Tensor | None):
        raise TypeError(f"a gradient is a tensor or None, not {type(gradient).__name__}")
    if gradient is not None and (gradient.shape, gradient.dtype) != (tensor.shape, tensor.dtype):
        raise ValueError(
            f"a gradient of shape {gradient.shape} and dtype {gradient.dtype} does not fit a "
            f"tensor of shape {tensor.shape} and dtype {tensor.dtype}"
        )
    tensor._grad = gradient  # type: ignore[attr-defined]


def _grad_fn(tensor: Tensor) -> Node | None:
    """The node of the operation that made the tensor; None for a leaf."""
    return None if _is_leaf(tensor) else node_of(tensor)


def _is_leaf(tensor: Tensor) -> bool:
    """Whether the tensor was not computed from others that require a gradient."""
    node = node_of(tensor)
    return node is None or isinstance(node, Leaf)


def detach(tensor: Tensor) -> Tensor:
    """Return the same numbers, in the same memory, as a constant that no gradient flows to."""
    constant = wrap(tensor.array)
    constant._detached_at = next_number()  # type: ignore[attr-defined]
    return constant


def _deepcopy(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
    """Return a tensor with memory of its own, a leaf if this one is one.

    Raises RuntimeError for what was computed from a leaf: its graph cannot be copied.
    """
    if not _is_leaf(tensor):
        raise RuntimeError(
            f"a tensor of shape {tensor.shape} that was computed from others cannot be copied with "
            "its graph; use .detach() or .clone()"
        )
    copy = memo[id(tensor)] = wrap(tensor.array.copy())
    if node_of(tensor) is not None:
        requires_grad_(copy)
        gradient = _grad(tensor)
        copy._grad = None if gradient is None else _deepcopy(gradient, memo)  # type: ignore[attr-defined]
    return copy


def register_hook(tensor: Tensor, hook: Hook) -> ExitStack:
    """Call ``hook(gradient)`` with the tensor's gradient when backward has it complete.

    What the hook returns, unless it is None, takes its place. Returns a handle that removes the
    hook: use ``with``, or call ``close()``. Raises RuntimeError for a constant.
    """
    node = node_of(tensor)
    if node is None:
        raise RuntimeError("a tensor that requires no gradient has none to call a hook with")
    node.hooks = [*(node.hooks or ()), hook]
    handle = ExitStack()
    handle.callback(_remove_hook, weakref.ref(node), hook)
    return handle


def _remove_hook(node: weakref.ref[Node], hook: Hook) -> None:
    alive = node()
    if alive is not None and alive.hooks is not None:
        alive.hooks = [one for one in alive.hooks if one is not hook] or None


def retain_grad(tensor: Tensor) -> None:
    """Let backward set ``grad`` of this tensor too, though it is no leaf."""
    if _is_leaf(tensor):
        return
    reference = weakref.ref(tensor)  # a node does not lead to its result

    def keep(gradient: Tensor) -> None:
        kept = reference()
        if kept is not None:
            known = _grad(kept)
            kept._grad = gradient if known is None else known + gradient  # type: ignore[attr-defined]

    register_hook(tensor, keep)


_ADDITIONS: dict[str, Any] = {
    "_node": None,
    "_grad": None,
    "requires_grad": property(_requires_grad, _set_requires_grad),
    "requires_grad_": requires_grad_,
    "grad": property(_grad, _set_grad),
    "grad_fn": property(_grad_fn),
    "is_leaf": property(_is_leaf),
    "detach": detach,
    "__deepcopy__": _deepcopy,
    "backward": backward,
    "register_hook": register_hook,
    "retain_grad": retain_grad,
}
if not hasattr(Tensor, "_node"):  # tensors keep what they have when this is imported once more
    for _name, _value in _ADDITIONS.items():
        extend_tensor(_name, _value)
