"""Checking gradients: each against what a small step in each direction really does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinytorch.autograd.backward import grad
from tinytorch.autograd.modes import enable_grad, no_grad
from tinytorch.autograd.nodes import node_of
from tinytorch.autograd.tensor_additions import detach, requires_grad_
from tinytorch.tensors import Tensor, float64, from_numpy, ones_like, zeros_like
from tinytorch.tensors.dtypes import Array

Function = Callable[..., Tensor]


def numerical_jacobian(
    function: Function, inputs: Sequence[Tensor], place: int, eps: float = 1e-6
) -> Array:
    """Return how much each output changes with each element of one input, found by trying.

    -> (elements of the output, elements of the input), in float64
    Moves one element at a time by eps, up and down, in the input's own memory, and divides the
    difference of the outputs by the distance: 2 eps. Each element is put back bit for bit.
    """
    numbers = inputs[place].array
    columns = []
    for index in np.ndindex(numbers.shape):
        former = numbers[index]
        numbers[index] = former + eps
        above = function(*inputs).array.astype(float64)
        numbers[index] = former - eps
        below = function(*inputs).array.astype(float64)
        numbers[index] = former
        columns.append(((above - below) / (2 * eps)).ravel())
    count = function(*inputs).numel()
    return np.array(columns, float64).reshape(len(columns), count).T


def analytical_jacobian(function: Function, inputs: Sequence[Tensor], place: int) -> Array:
    """Return the same by going back along the tape, once from each element of the output."""
    output = function(*inputs)
    rows = []
    for number in range(output.numel()):
        start = np.zeros(output.shape, output.dtype)
        start.ravel()[number] = 1  # zeros are contiguous, so that ravel() is a view
        if node_of(output) is None:
            found = None
        else:
            options = {"retain_graph": True, "allow_unused": True}
            (found,) = grad(output, inputs[place], from_numpy(start), **options)
        rows.append(np.zeros(inputs[place].numel()) if found is None else found.array.ravel())
    return np.array(rows, float64).reshape(output.numel(), inputs[place].numel())


def gradcheck(
    function: Function,
    inputs: Tensor | Sequence[Tensor],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
) -> bool:
    """Return True where the tape's gradients are those found by small steps.

    The inputs are copied, and those of float64 are checked; the function must give the same result
    each time. Raises AssertionError that names the input and the element where they differ,
    TypeError where no input is of float64: in others a small step is lost to rounding. NaN is
    never right.
    """
    copies = [_copied(one) for one in ([inputs] if isinstance(inputs, Tensor) else inputs)]
    checked = [place for place, one in enumerate(copies) if node_of(one) is not None]
    if not checked:
        raise TypeError("small steps need a float64 input; use .to(float64)")
    for place in checked:
        with enable_grad():
            ours = analytical_jacobian(function, copies, place)
        with no_grad():
            found = numerical_jacobian(function, copies, place, eps)
        wrong = ~np.isclose(ours, found, rtol=rtol, atol=atol)
        if wrong.any():
            raise difference(copies[place], place, ours, found, wrong)
    return True


def _copied(tensor: Tensor) -> Tensor:
    copy = from_numpy(tensor.array.copy())
    return requires_grad_(copy) if tensor.dtype == float64 else copy


def difference(
    tensor: Tensor, place: int, ours: Array, found: Array, wrong: Array
) -> AssertionError:
    """Return the error that names the first gradient that is wrong."""
    row, column = (int(one) for one in np.argwhere(wrong)[0])
    index = tuple(map(int, np.unravel_index(column, tensor.shape))) if tensor.shape else ()
    return AssertionError(
        f"the gradient of output element {row} with respect to input {place} at "
        f"{index} is {ours[row, column]:.6g} on the tape, but small steps "
        f"find {found[row, column]:.6g}; {int(wrong.sum())} of {wrong.size} differ"
    )


def gradgradcheck(
    function: Function,
    inputs: Tensor | Sequence[Tensor],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
) -> bool:
    """Return True where the gradients of the gradients, too, are those found by small steps.

    Each gradient is taken as a function of the inputs and of the output's gradient.
    """
    given = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    copies = [_copied(one) for one in given]
    start = ones_like(function(*copies))
    weights = np.linspace(0.5, 1.5, start.numel()).reshape(start.shape)
    start = from_numpy(weights.astype(start.dtype))
    for place, one in enumerate(copies):
        if node_of(one) is not None:
            derived = _gradient_of(function, place)
            gradcheck(derived, [*map(detach, copies), start], eps=eps, atol=atol, rtol=rtol)
    return True


def _gradient_of(function: Function, place: int) -> Function:
    """Return the function that computes a function's gradient with respect to one input."""

    def derived(*inputs: Tensor) -> Tensor:
        *arguments, start = inputs
        with enable_grad():
            options = {"create_graph": True, "allow_unused": True}
            (found,) = grad(function(*arguments), arguments[place], start, **options)
        return zeros_like(arguments[place]) if found is None else found

    return derived
