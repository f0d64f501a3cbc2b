"""Backpropagation by hand: a rule for each kind of layer, applied from the last to the first.

A rule turns the gradient of a layer's output into that of its input and of its parameters. There is
none for most layers: deriving them one by one is what the next chapter makes unnecessary.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from tinytorch.layers import (
    Dense,
    Dropout,
    Flatten,
    Identity,
    LeakyReLU,
    Module,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    sigmoid,
    softmax,
)
from tinytorch.setup import default_generator
from tinytorch.tensors import Tensor, eye, where
from tinytorch.training.losses import Loss, Reduction, classes_last
from tinytorch.training.randomness import generator_states, restore_generators


def backpropagate(
    model: Module, loss: Loss, inputs: Tensor, targets: Tensor
) -> tuple[Tensor, list[Tensor | None]]:
    """Return the loss and its gradients, derived: one pass forward and one backward.

    The passes of the layers, in order (``passes``), give the prediction, and the loss's rule its
    gradient (``loss_gradient``). From the last pass to the first, the layer's rule (``rule_of``)
    is called with the pass and the gradient of its output. It returns the gradient of its input,
    which is the gradient of the output before, and pairs of a parameter and its gradient. Where a
    parameter is used twice, its gradients add up. The gradients come in the order of
    ``model.parameters()``, None for a parameter that was not used.
    Raises TypeError for a layer or a loss without a rule.
    """
    passed = passes(model, inputs)
    prediction = passed[-1].output if passed else inputs
    gradient = loss_gradient(loss, prediction, targets)
    found: dict[int, Tensor] = {}
    for one in reversed(passed):
        gradient, own = rule_of(one.layer)(one, gradient)
        for parameter, part in own:
            so_far = found.get(id(parameter))
            found[id(parameter)] = part if so_far is None else so_far + part
    return loss(prediction, targets), [found.get(id(one)) for one in model.parameters()]


# The way forward


class Pass(NamedTuple):
    """What the way back needs to know of a layer's part in the way forward."""

    layer: Any
    input: Tensor
    output: Tensor
    drawn_from: dict[str, Any] | None
    """The state of the layer's generator before it drew at random, or None."""


def passes(model: Module, inputs: Tensor) -> list[Pass]:
    """Return the pass of every layer of a chain of layers, in order."""
    layers = list(layers_in_order(model))
    for layer in layers:
        rule_of(layer)  # before anything is computed
    found: list[Pass] = []
    x = inputs
    for layer in layers:
        state = state_to_draw_from(layer)
        found.append(Pass(layer, x, layer(x), state))
        x = found[-1].output
    return found


def layers_in_order(model: Module) -> Iterator[Module]:
    """Yield the layers of a chain, those of a chain inside of it in its place."""
    if isinstance(model, Sequential) and type(model).forward is Sequential.forward:
        for layer in model:
            yield from layers_in_order(layer)
    else:
        yield model


def state_to_draw_from(layer: Module) -> dict[str, Any] | None:
    """Return the state of the generator that a layer is about to draw from, or None."""
    if isinstance(layer, Dropout) and layer.training:
        return generator_states(generators_of(layer))
    return None


def generators_of(layer: Dropout) -> dict[str, np.random.Generator]:
    """Return the one generator that a layer draws from, under the name "layer"."""
    return {"layer": layer.generator or default_generator()}


# The way back through one layer


def dense_backward(gradient: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of x, weight and bias, given that of ``x @ weight.T + bias``.

    gradient: (..., outputs), x: (..., inputs), weight: (outputs, inputs)
    -> (..., inputs), (outputs, inputs), (outputs,).
    Each of x's numbers went into every output, by its weight; each weight and each bias went into
    the output of every example, so their gradients are sums over all dims but the last.
    """
    by_example = gradient.reshape(-1, gradient.shape[-1])  # (examples, outputs)
    examples = x.reshape(-1, x.shape[-1])  # (examples, inputs)
    return gradient @ weight, by_example.T @ examples, by_example.sum(0)


def relu_backward(gradient: Tensor, x: Tensor) -> Tensor:
    """Return the gradient of x, given that of relu(x): 0 where x is not above 0."""
    return where(x > 0, gradient, 0.0)


def leaky_relu_backward(gradient: Tensor, x: Tensor, negative_slope: float) -> Tensor:
    """Return the gradient of x, given that of leaky_relu(x)."""
    return where(x > 0, gradient, gradient * negative_slope)


def sigmoid_backward(gradient: Tensor, y: Tensor) -> Tensor:
    """Return the gradient of x, given that of y = sigmoid(x), and y itself.

    The slope of the sigmoid is ``y * (1 - y)``, so the input need not be kept: it is largest, 1/4,
    where y is 1/2, and next to nothing where y is near 0 or 1.
    """
    return gradient * y * (1 - y)


def tanh_backward(gradient: Tensor, y: Tensor) -> Tensor:
    """Return the gradient of x, given that of y = tanh(x), and y itself."""
    return gradient * (1 - y * y)


def dropout_backward(gradient: Tensor, passed: Pass) -> Tensor:
    """Return the gradient of x, given that of dropout(x): the same numbers are dropped again."""
    if passed.drawn_from is None:
        return gradient
    generators = generators_of(passed.layer)
    now = generator_states(generators)
    restore_generators(generators, passed.drawn_from)
    dropped: Tensor = passed.layer(gradient)
    restore_generators(generators, now)
    return dropped


Rule = Callable[[Pass, Tensor], tuple[Tensor, list[tuple[Tensor, Tensor]]]]


def _dense(passed: Pass, gradient: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    layer = passed.layer
    to_x, *own = dense_backward(gradient, passed.input, layer.weight)
    parameters = (layer.weight, layer.bias)
    return to_x, [
        (parameter, part)
        for parameter, part in zip(parameters, own, strict=True)
        if parameter is not None
    ]


def without_parameters(rule: Callable[[Pass, Tensor], Tensor]) -> Rule:
    """Return the rule of a layer that has no parameters."""
    return lambda passed, gradient: (rule(passed, gradient), [])


LAYER_RULES: dict[type[Module], Rule] = {
    Dense: _dense,
    ReLU: without_parameters(lambda one, gradient: relu_backward(gradient, one.input)),
    LeakyReLU: without_parameters(
        lambda one, gradient: leaky_relu_backward(gradient, one.input, one.layer.negative_slope)
    ),
    Sigmoid: without_parameters(lambda one, gradient: sigmoid_backward(gradient, one.output)),
    Tanh: without_parameters(lambda one, gradient: tanh_backward(gradient, one.output)),
    Flatten: without_parameters(lambda one, gradient: gradient.reshape(one.input.shape)),
    Identity: without_parameters(lambda _, gradient: gradient),
    Dropout: without_parameters(lambda one, gradient: dropout_backward(gradient, one)),
}


def rule_of(layer: Module) -> Rule:
    """Return the rule for a kind of layer. Raises TypeError where there is none."""
    if type(layer) not in LAYER_RULES:
        known = ", ".join(sorted(kind.__name__ for kind in LAYER_RULES))
        raise TypeError(
            f"no rule leads back through {type(layer).__name__}: there are rules for {known}, in "
            "a Sequential; for all else take finite_differences as the source of gradients"
        )
    return LAYER_RULES[type(layer)]


# The way back through a loss


def cross_entropy_backward(
    logits: Tensor, targets: Tensor, *, label_smoothing: float = 0.0
) -> Tensor:
    """Return the gradient of the scores, given that of each example's cross entropy is 1.

    logits: (batch, classes, ...), or (classes,); targets: without the classes -> as logits.
    It is the shares that the scores give (their softmax) less those that they should give: 1 for
    the true class and 0 for others; smoothed by s, 1 - s for the true class, and s divided by the
    number of classes more for each.
    """
    rows = classes_last(logits)  # (examples, classes)
    classes = rows.shape[1]
    wanted = eye(classes, rows.dtype)[targets.flatten()]  # (examples, classes)
    wanted = wanted * (1 - label_smoothing) + label_smoothing / classes
    difference = softmax(rows, 1) - wanted
    if logits.ndim < 3:
        return difference.reshape(logits.shape)
    batch, _, *places = logits.shape
    dims = range(1, len(places) + 1)
    return difference.reshape(batch, *places, classes).permute(0, len(places) + 1, *dims)


def _mse_backward(prediction: Tensor, target: Tensor) -> Tensor:
    return 2 * (prediction - target)


def _huber_backward(prediction: Tensor, target: Tensor, *, delta: float = 1.0) -> Tensor:
    return (prediction - target).clamp(-delta, delta)


def _binary_backward(logits: Tensor, targets: Tensor) -> Tensor:
    return sigmoid(logits) - targets


LOSS_RULES: dict[str, Callable[..., Tensor]] = {
    "mse_loss": _mse_backward,
    "huber_loss": _huber_backward,
    "cross_entropy": cross_entropy_backward,
    "binary_cross_entropy_with_logits": _binary_backward,
}


def loss_gradient(loss: Loss, prediction: Tensor, targets: Tensor) -> Tensor:
    """Return the gradient of the prediction, by the rule that has the name of the loss.

    The loss may be a ``functools.partial`` that sets options. Raises TypeError for another loss,
    ValueError for one that is not reduced to one number.
    """
    options = dict(loss.keywords) if isinstance(loss, functools.partial) else {}
    plain = loss.func if isinstance(loss, functools.partial) else loss
    name = getattr(plain, "__name__", repr(plain))
    if name not in LOSS_RULES:
        known = ", ".join(LOSS_RULES)
        raise TypeError(
            f"no rule leads back through the loss {name}: there are rules for {known}; for all "
            "else take finite_differences as the source of gradients"
        )
    reduction: Reduction = options.pop("reduction", "mean")
    if reduction == "none":
        raise ValueError("gradients are those of one number: reduce the loss by 'mean' or 'sum'")
    terms = targets.numel()
    gradient = LOSS_RULES[name](prediction, targets, **options)
    return gradient / terms if reduction == "mean" else gradient
