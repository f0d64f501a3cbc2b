"""Rules: one table says, for each operation, how a gradient comes back through each input.

A rule is a function. Its first parameter is the gradient of the operation's result; the names of
the others say what the tape has to keep for it:

- ``a``, ``b``, ``c``: the operation's first, second, third input;
- ``output``: its result;
- ``place``, ``shape``: the number and the shape of the input that the rule is for;
- ``shapes``, ``strides``: those of all inputs, the strides in bytes;
- after a star, the operation's options by their names.

It returns the gradient of its input, made of operations on tensors, so that it can be recorded
itself. It may leave broadcasting and a change of dtype alone: backward sums and converts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from tinytorch.tensors import Tensor
from tinytorch.tensors.shapes import Shape

Rule = Callable[..., Tensor]

INPUTS = "abcdef"
OUTPUT, SHAPES, STRIDES = -1, -2, -3  # beside the numbers of inputs, what a node can keep
SHAPE, PLACE = -4, -5  # what backward knows without
_NAMED = {"output": OUTPUT, "shapes": SHAPES, "strides": STRIDES, "shape": SHAPE, "place": PLACE}
EVERY = -1  # in place of an input's number: the rule is for all of them


class Way(NamedTuple):
    """How a gradient comes back to an input: by a rule, and what that takes after the gradient."""

    rule: Rule
    values: tuple[int, ...]  # by code
    options: tuple[str, ...]  # by name


RULES: dict[str, dict[int, Way]] = {}  # by operation, and by the number of the input
NOT_DIFFERENTIABLE: set[str] = set()


def register_rule(operation: str, *rules: Rule, every: Rule | None = None) -> None:
    """Keep the rules of an operation: one for each input, or ``every`` for all of them.

    >>> register_rule("mul", lambda gradient, b: gradient * b, lambda gradient, a: gradient * a)

    An operation may have more inputs than rules; no gradient flows to those.
    Raises TypeError for a parameter that names nothing that could be kept.
    """
    table = dict(enumerate(rules)) if every is None else {EVERY: every}
    RULES[operation] = {place: _way_by(rule, operation) for place, rule in table.items()}
    NOT_DIFFERENTIABLE.discard(operation)
    kept_for.cache_clear()


def register_not_differentiable(*operations: str) -> None:
    """Say that no gradient flows through operations: their results change in jumps, or never."""
    for operation in operations:
        RULES.pop(operation, None)
        NOT_DIFFERENTIABLE.add(operation)
    kept_for.cache_clear()


def _way_by(rule: Rule, operation: str) -> Way:
    _, *rest = inspect.signature(rule).parameters.values()
    values, options = [], []
    for one in rest:
        if one.kind is one.KEYWORD_ONLY:
            options.append(one.name)
        elif one.name in _NAMED:
            values.append(_NAMED[one.name])
        elif one.name in INPUTS:
            values.append(INPUTS.index(one.name))
        else:
            raise TypeError(
                f"a rule of {operation!r} asks for {one.name!r}; the tape keeps inputs (a, b, c "
                f"...), {', '.join(_NAMED)}, and options after a star"
            )
    return Way(rule, tuple(values), tuple(options))


def ways_of(operation: str) -> dict[int, Way]:
    """Return how gradients come back through an operation, by the number of the input.

    Raises RuntimeError for an operation that nobody has said anything about.
    """
    if operation not in RULES:
        raise RuntimeError(
            f"no gradient rule is known for the operation {operation!r}; register_rule() one, or "
            ".detach() what goes in"
        )
    return RULES[operation]


@cache
def kept_for(operation: str, wanted: int) -> tuple[int, ...]:
    """Return the codes of what an operation's rules need kept.

    wanted: a number whose bit i says whether the gradient of input i is wanted.
    """
    ways = RULES.get(operation, {})
    places = [place for place in range(wanted.bit_length()) if wanted >> place & 1]
    used = [way for place in places if (way := ways.get(place, ways.get(EVERY)))]
    return tuple(sorted({code for way in used for code in way.values if code >= STRIDES}))


def sum_to_shape(gradient: Tensor, shape: Shape) -> Tensor:
    """Return the gradient of a tensor that was broadcast: summed over where it was repeated.

    gradient: what the tensor was stretched to; shape: the tensor's own. Each element was used in
    several places, and its gradient is the sum of theirs:
    ``(2, 3), (3,) -> (3,)`` sums over dim 0, ``(2, 3), (2, 1) -> (2, 1)`` over dim 1.
    """
    new = gradient.ndim - len(shape)
    if new:
        gradient = gradient.sum(tuple(range(new)))
    repeated = [dim for dim, size in enumerate(shape) if size != gradient.shape[dim]]
    return gradient.sum(repeated, keepdim=True) if repeated else gradient
