"""Optimizers: how parameters move, given their gradients.

The arithmetic of one parameter's step is one operation of the door. Its kernel writes to the memory
of the parameter and of what the optimizer remembers about it, so whoever holds the parameter sees
its new values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from tinytorch.tensors import Tensor, apply, float64, register_kernel, tensor, zeros_like
from tinytorch.tensors.door import Kernel
from tinytorch.tensors.dtypes import Array
from tinytorch.tensors.shapes import Shape

Gradients = Sequence[Tensor | None]

# Kernels: they get one piece of a parameter, and the same piece of everything beside it


def sgd_step(
    parameter: Array,
    gradient: Array,
    velocity: Array | None = None,
    *,
    lr: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> None:
    """Move a parameter against its gradient, in its memory: ``p -= lr * g``.

    A weight decay w first adds ``w * p`` to the gradient g. Where there is a velocity v, it becomes
    ``momentum * v + g``, in its memory too, and the parameter moves by the velocity instead, or
    with Nesterov's look ahead by ``g + momentum * v``. The gradient's memory is left as it is.
    Source: Sutskever et al. 2013, with the velocity not yet multiplied by lr.
    """
    if weight_decay:
        gradient = gradient + weight_decay * parameter
    if velocity is not None:
        velocity *= momentum
        velocity += gradient
        gradient = gradient + momentum * velocity if nesterov else velocity
    parameter -= lr * gradient


def rmsprop_step(
    parameter: Array,
    gradient: Array,
    square: Array,
    velocity: Array | None = None,
    *,
    lr: float,
    alpha: float,
    eps: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> None:
    """Move a parameter by its gradient, divided by the gradient's usual size, in its memory.

    The square becomes ``alpha * square + (1 - alpha) * g * g``, and the step is
    ``g / (sqrt(square) + eps)``; a velocity sums steps up, as in ``sgd_step``.
    Source: Tieleman & Hinton 2012, lecture 6e.
    """
    if weight_decay:
        gradient = gradient + weight_decay * parameter
    square *= alpha
    square += (1 - alpha) * gradient * gradient
    step = gradient / (np.sqrt(square) + eps)
    if velocity is not None:
        velocity *= momentum
        velocity += step
        step = velocity
    parameter -= lr * step


def adam_step(
    parameter: Array,
    gradient: Array,
    mean: Array,
    square: Array,
    *,
    step: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float = 0.0,
    decoupled: bool = False,
) -> None:
    """Move a parameter by its mean gradient, divided by the gradient's usual size, in its memory.

    mean and square follow the gradient g and g * g, in their memory: each keeps the share beta of
    what it was and takes 1 - beta of the new. Both began at 0, so the number of this step (1 is the
    first) says how much is missing: divided by ``1 - beta ** step`` they are right on average. The
    parameter moves by ``lr * mean / (sqrt(square) + eps)`` of the corrected two.
    A weight decay w adds ``w * p`` to the gradient; decoupled, it multiplies the parameter by
    ``1 - lr * w`` before the step instead, past mean and square.
    Source: Kingma & Ba 2015, Algorithm 1; Loshchilov & Hutter 2019, Algorithm 2.
    """
    if weight_decay and decoupled:
        parameter *= 1 - lr * weight_decay
    elif weight_decay:
        gradient = gradient + weight_decay * parameter
    mean *= betas[0]
    mean += (1 - betas[0]) * gradient
    square *= betas[1]
    square += (1 - betas[1]) * gradient * gradient
    usual = np.sqrt(square / (1 - betas[1] ** step)) + eps
    parameter -= lr / (1 - betas[0] ** step) * mean / usual


PIECE = 16_384  # numbers of a piece: what a step computes on the way stays in the cache


def in_pieces(kernel: Kernel, parameter: Array, *beside: Array, **options: Any) -> Array:
    """Return the parameter after the kernel wrote to it, a few rows at a time.

    beside: the gradient and what is remembered, in the parameter's shape.
    So a kernel may be written as plain formulas, and no step allocates an array that is large.
    """
    if not parameter.flags.writeable:
        raise ValueError("cannot step in memory that is repeated or borrowed; .clone() it first")
    with np.errstate(all="ignore"):
        for rows in _pieces(parameter.shape):
            kernel(parameter[rows], *[array[rows] for array in beside], **options)
    return parameter


def _pieces(shape: Shape) -> Iterator[Any]:
    """Yield indices that together cover the shape, each of whole rows."""
    if not shape:
        yield ...
        return
    in_a_row = int(np.prod(shape[1:]))
    rows = max(PIECE // max(in_a_row, 1), 1)
    for start in range(0, shape[0], rows):
        yield slice(start, start + rows)


# Looked up when called, so that the steps in force are the ones that run.
register_kernel("sgd_step", lambda *arrays, **options: in_pieces(sgd_step, *arrays, **options))
register_kernel("adam_step", lambda *arrays, **options: in_pieces(adam_step, *arrays, **options))
register_kernel(
    "rmsprop_step", lambda *arrays, **options: in_pieces(rmsprop_step, *arrays, **options)
)

# Which of their inputs these operations write to: the parameter and all that is remembered.
WRITTEN = {"sgd_step": (0, 2), "rmsprop_step": (0, 2, 3), "adam_step": (0, 2, 3)}


# Optimizers


class Optimizer:
    """What moves parameters by their gradients. Subclasses say how, by an operation.

    parameters: tensors of a float dtype, as ``model.parameters()`` yields them. What is remembered
    about each is a list of tensors like it, one for each of the names in ``remembers``.
    """

    operation: ClassVar[str]

    def __init__(
        self, parameters: Iterable[Tensor], lr: float, *, remembers: Sequence[str], **options: Any
    ) -> None:
        self.parameters = list(parameters)
        self.options = {"lr": lr, **options}
        require_parameters(self.parameters)
        require_settings(self.options)
        self.remembers = tuple(remembers)
        self.memory = [[zeros_like(one) for _ in self.remembers] for one in self.parameters]
        self.steps = [0 for _ in self.parameters]

    @property
    def lr(self) -> float:
        """The learning rate: how far a step goes. A schedule sets it."""
        return float(self.options["lr"])

    @lr.setter
    def lr(self, rate: float) -> None:
        require_settings({"lr": rate})
        self.options["lr"] = rate

    def step(self, gradients: Gradients) -> None:
        """Move every parameter by its gradient, in the order of both; None leaves one as it is.

        Raises ValueError or TypeError where the two do not fit; then nothing moves.
        """
        require_gradients(self.parameters, gradients)
        for place, (parameter, gradient) in enumerate(zip(self.parameters, gradients, strict=True)):
            if gradient is not None:
                self.steps[place] += 1
                options = self.options_at(place)
                apply(self.operation, parameter, gradient, *self.memory[place], **options)

    def options_at(self, place: int) -> dict[str, Any]:
        """Return the options of the operation for the parameter at this place."""
        return self.options

    # Its state

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of all that a step depends on besides the parameters, by name."""
        state = {name: tensor(value, float64) for name, value in self.options.items()}
        state["steps"] = tensor(np.array(self.steps, np.int64))
        for place, memory in enumerate(self.memory):
            for name, kept in zip(self.remembers, memory, strict=True):
                state[f"{place}.{name}"] = kept.clone()
        return state

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over a state.

        Raises one ValueError that lists all that does not fit; then nothing is changed.
        """
        ours = self.state_dict()
        problems = [f"{name} is missing" for name in ours if name not in state]
        problems += [f"{name} is unexpected" for name in state if name not in ours]
        for name in [name for name in ours if name in state]:
            for what in ("shape", "dtype"):
                wanted, given = getattr(ours[name], what), getattr(state[name], what)
                if wanted != given:
                    problems.append(f"{name} has {what} {given}, not {wanted}")
        if problems:
            raise ValueError(f"cannot load into {type(self).__name__}: {'; '.join(problems)}")
        self.options = {name: _like(old, state[name]) for name, old in self.options.items()}
        self.steps = state["steps"].tolist()
        for place, memory in enumerate(self.memory):
            for name, kept in zip(self.remembers, memory, strict=True):
                kept.numpy()[...] = state[f"{place}.{name}"].numpy()

    def __repr__(self) -> str:
        """Return the optimizer's name and settings."""
        settings = ", ".join(f"{name}={value}" for name, value in self.options.items())
        return f"{type(self).__name__}({settings})"


class SGD(Optimizer):
    """Steps against the gradient, with momentum, Nesterov's look ahead and weight decay.

    Source: Sutskever et al. 2013.
    """

    operation = "sgd_step"

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        if nesterov and not momentum:
            raise ValueError("Nesterov looks ahead along the velocity; give a momentum above 0")
        remembers = ("velocity",) if momentum else ()
        options = {"momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
        super().__init__(parameters, lr, remembers=remembers, **options)


class RMSprop(Optimizer):
    """Divides each gradient by its usual size. Source: Tieleman & Hinton 2012, lecture 6e."""

    operation = "rmsprop_step"

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 0.01,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        remembers = ("square", "velocity") if momentum else ("square",)
        options = {"alpha": alpha, "eps": eps, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(parameters, lr, remembers=remembers, **options)


class Adam(Optimizer):
    """Divides the mean gradient by its usual size. Source: Kingma & Ba 2015, Algorithm 1."""

    operation = "adam_step"
    decoupled: ClassVar[bool] = False

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        options = {"betas": tuple(betas), "eps": eps, "weight_decay": weight_decay}
        super().__init__(parameters, lr, remembers=("mean", "square"), **options)

    def options_at(self, place: int) -> dict[str, Any]:
        """Return the options of the operation, with the number of this parameter's step."""
        return {**self.options, "step": self.steps[place], "decoupled": self.decoupled}


class AdamW(Adam):
    """Adam whose weight decay goes past the gradient. Source: Loshchilov & Hutter 2019."""

    decoupled = True

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, lr, betas=betas, eps=eps, weight_decay=weight_decay)


# What is refused


def require_parameters(parameters: Sequence[Tensor]) -> None:
    """Raise an error where these are no parameters that gradients can move."""
    if not parameters:
        raise ValueError("an optimizer needs parameters; an iterator of them is used up once read")
    for place, one in enumerate(parameters):
        if not isinstance(one, Tensor) or not one.is_floating_point():
            what = one.dtype if isinstance(one, Tensor) else type(one).__name__
            raise TypeError(f"parameter {place} is no tensor of a float dtype, but {what}")
    if len({id(one) for one in parameters}) < len(parameters):
        raise ValueError("a parameter is given twice, and would be moved twice; give each once")


def require_settings(settings: Mapping[str, Any]) -> None:
    """Raise ValueError for a setting that no optimizer has a use for."""
    for name, value in settings.items():
        for number in value if isinstance(value, tuple) else (value,):
            if not 0 <= number < float("inf"):
                raise ValueError(f"{name} is a number from 0 up, not {number}")
            if name in ("betas", "alpha") and number >= 1:
                raise ValueError(f"{name} is a share that is kept: below 1, not {number}")


def require_gradients(parameters: Sequence[Tensor], gradients: Gradients) -> None:
    """Raise an error where gradients do not pair up with parameters."""
    if len(gradients) != len(parameters):
        raise ValueError(
            f"there are {len(gradients)} gradients for {len(parameters)} parameters: give one for "
            "each, in their order, and None for one that has none"
        )
    for place, (parameter, gradient) in enumerate(zip(parameters, gradients, strict=True)):
        if gradient is None:
            continue
        ours, theirs = parameter.array, gradient.array
        if ours.shape != theirs.shape:
            raise ValueError(
                f"gradient {place} has shape {theirs.shape}, its parameter {ours.shape}: a "
                "gradient has a number for each number of its parameter"
            )
        if ours.dtype != theirs.dtype:
            raise TypeError(
                f"gradient {place} is {theirs.dtype}, its parameter {ours.dtype}: compute both in "
                "one dtype, or convert the gradient with .to(dtype)"
            )


def _like(old: Any, saved: Tensor) -> Any:
    """Return a saved setting as what it was: a number, yes or no, or a tuple of numbers."""
    value = saved.tolist()
    if isinstance(old, bool):
        return bool(value)
    return tuple(value) if isinstance(old, tuple) else value
