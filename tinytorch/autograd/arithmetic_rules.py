"""Rules of arithmetic: of sums and products, powers, extremes, and functions of one number."""

from __future__ import annotations

import math

import numpy as np

from tinytorch.autograd.rules import register_not_differentiable, register_rule
from tinytorch.tensors import Tensor, apply, register_kernel, zeros_like
from tinytorch.tensors.dtypes import Array, TensorLike
from tinytorch.tensors.shapes import Shape
from tinytorch.training.updates import WRITTEN


def choose(condition: Tensor, a: TensorLike, b: TensorLike) -> Tensor:
    """Return a where the condition holds and b elsewhere, with one operation."""
    return apply("where", a, b, condition=condition.array)


def masked(gradient: Tensor, condition: Tensor) -> Tensor:
    """Return the gradient where the condition holds and 0 elsewhere, with one operation."""
    return apply("mask", gradient, condition=condition.array)


def mask_kernel(array: Array, *, condition: Array) -> Array:
    """Return the elements where the condition holds, and 0 elsewhere, also for nan.

    It keeps all bits of a number or none. ``np.where`` would choose at each element anew, and a
    processor that cannot foresee the choice waits for it every time.
    """
    bits = np.dtype(f"i{array.itemsize}")
    kept = array.view(bits) & -condition.astype(bits)  # -1 has all bits
    return np.asarray(kept).view(array.dtype)


def divisor_gradient(gradient: Tensor, a: TensorLike, b: Tensor) -> Tensor:
    """Return the gradient of b in ``a / b``, given that of the quotient.

    A little more b makes the quotient smaller: ``-gradient * (a / b) / b``.
    a and b may be plain numbers, and need not have the shape of the quotient.
    """
    quotient: Tensor = a / b
    return -gradient * (quotient / b)


def base_gradient(gradient: Tensor, a: TensorLike, b: TensorLike) -> Tensor:
    """Return the gradient of a in ``a ** b``: ``b * a ** (b - 1)``, and 0 where b is 0."""
    if isinstance(b, Tensor):
        power = choose((a == 0) & (b == 0), 1.0, b)  # or 0 would meet an infinity
        slope: Tensor = b * a ** (power - 1)
        return gradient * slope
    return zeros_like(gradient) if b == 0 else gradient * (a ** (b - 1) * b)


def exponent_gradient(gradient: Tensor, a: TensorLike, b: TensorLike, output: Tensor) -> Tensor:
    """Return the gradient of b in ``a ** b``: ``output * log(a)``.

    Where a is 0 and b is not negative, it is 0.
    """
    logarithm: TensorLike
    if isinstance(a, Tensor):
        logarithm = choose((a == 0) & (b >= 0), 0.0, a.log())
    elif a == 0:
        logarithm = choose(b >= 0, 0.0, -math.inf)
    else:
        logarithm = math.log(a) if a > 0 else math.nan
    slope: Tensor = output * logarithm
    return gradient * slope


def modulus_gradient(gradient: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return the gradient of b in ``a % b``: minus how many whole b fit into a."""
    return -gradient * (a // b)


def larger_gradient(gradient: Tensor, a: TensorLike, b: TensorLike) -> Tensor:
    """Return the gradient of a in ``maximum(a, b)``: all of it, half of it at a tie, or nothing.

    A plain number beside it is no partner to share with: at a tie, all of it goes to a.
    """
    if not isinstance(b, Tensor):
        return masked(gradient, a >= b)
    return choose(a < b, 0.0, choose(a == b, gradient / 2, gradient))


def smaller_gradient(gradient: Tensor, a: TensorLike, b: TensorLike) -> Tensor:
    """Return the gradient of a in ``minimum(a, b)``, by the rules of ``larger_gradient``."""
    if not isinstance(b, Tensor):
        return masked(gradient, a <= b)
    return choose(a > b, 0.0, choose(a == b, gradient / 2, gradient))


def nothing(gradient: Tensor) -> Tensor:
    """Return a gradient of zeros: of what does not change, but for jumps."""
    return zeros_like(gradient)


def cat_gradient(gradient: Tensor, place: int, shapes: tuple[Shape, ...], *, dim: int) -> Tensor:
    """Return the gradient of one of the joined tensors: its part of the whole."""
    start = sum(shape[dim] for shape in shapes[:place])
    part = slice(start, start + shapes[place][dim])
    return gradient[(*[slice(None)] * dim, part)]


register_kernel("mask", mask_kernel)

register_rule("add", lambda gradient: gradient, lambda gradient: gradient)
register_rule("sub", lambda gradient: gradient, lambda gradient: -gradient)
register_rule("mul", lambda gradient, b: gradient * b, lambda gradient, a: gradient * a)
register_rule("div", lambda gradient, b: gradient / b, divisor_gradient)
register_rule("remainder", lambda gradient: gradient, modulus_gradient)
register_rule("pow", base_gradient, exponent_gradient)
register_rule("maximum", larger_gradient, lambda gradient, a, b: larger_gradient(gradient, b, a))
register_rule("minimum", smaller_gradient, lambda gradient, a, b: smaller_gradient(gradient, b, a))

register_rule("neg", lambda gradient: -gradient)
register_rule("abs", lambda gradient, a: gradient * a.sign())
register_rule("exp", lambda gradient, output: gradient * output)
register_rule("log", lambda gradient, a: gradient / a)
register_rule("sqrt", lambda gradient, output: gradient / (output * 2))
register_rule("sin", lambda gradient, a: gradient * a.cos())
register_rule("cos", lambda gradient, a: -gradient * a.sin())
register_rule("tanh", lambda gradient, output: gradient * (1 - output * output))
for _flat in ("sign", "floor", "ceil", "round"):
    register_rule(_flat, nothing)

register_rule(
    "where",
    lambda gradient, *, condition: apply("mask", gradient, condition=condition),
    lambda gradient, *, condition: apply("mask", gradient, condition=~condition),
)
register_rule("mask", lambda gradient, *, condition: apply("mask", gradient, condition=condition))
register_rule("cast", lambda gradient: gradient)
register_rule("clone", lambda gradient: gradient)
register_rule("cat", every=cat_gradient)

register_not_differentiable("eq", "ne", "lt", "le", "gt", "ge", "isnan", "isfinite")
register_not_differentiable("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not")
register_not_differentiable("floor_divide", "argmax", "argmin", "any", "all")
register_not_differentiable(*WRITTEN)
