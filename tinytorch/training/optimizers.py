"""Optimizers: how parameters move, given their gradients.

A step is one operation of the door (``updates``). It writes to the memory of the parameters, so
whoever holds a parameter sees its new values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from tinytorch.tensors import Tensor, apply, float64, tensor, zeros_like

Gradients = Sequence[Tensor | None]


class Optimizer:
    """What moves parameters by their gradients. Subclasses say how, by an operation.

    parameters: tensors of a float dtype, as ``model.parameters()`` yields them. What is remembered
    about each is a list of tensors like it, one for each of the names in ``remembers``.
    """

    operation: ClassVar[str]

    def __init__(
        self, parameters: Iterable[Tensor], lr: float, *, remembers: Sequence[str], **options: Any
    ) -> None:
        self.parameters = require_parameters(parameters)
        self.options = {"lr": lr, **options}
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
        require_memory(self.parameters, self.memory)
        alike: dict[Any, list[Tensor]] = {}  # what goes through the door together
        for place, gradient in enumerate(gradients):
            if gradient is not None:
                self.steps[place] += 1
                parameter, number = self.parameters[place], self.steps[place]
                together = alike.setdefault((parameter.array.dtype, number), [])
                together += parameter, gradient, *self.memory[place]
        for (_, number), tensors in alike.items():
            count = len(tensors) // (2 + len(self.remembers))
            apply(self.operation, *tensors, count=count, **self.options_of(number))

    def options_of(self, number: int) -> dict[str, Any]:
        """Return the options of the operation in a parameter's step of this number."""
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
        options = {"betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(parameters, lr, remembers=("mean", "square"), **options)

    def options_of(self, number: int) -> dict[str, Any]:
        """Return the options of the operation, with the number of the step."""
        return {**self.options, "step": number, "decoupled": self.decoupled}


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


def require_parameters(parameters: Iterable[Tensor]) -> list[Tensor]:
    """Return the parameters. Raises an error where gradients can move none of them."""
    if isinstance(parameters, Tensor):
        raise TypeError("an optimizer takes a list of parameters: write [weight], not weight")
    found = list(parameters)
    if not found:
        raise ValueError("an optimizer needs parameters; an iterator of them is used up once read")
    for place, one in enumerate(found):
        if not isinstance(one, Tensor) or not one.is_floating_point():
            what = one.dtype if isinstance(one, Tensor) else type(one).__name__
            raise TypeError(f"parameter {place} is no tensor of a float dtype, but {what}")
    if len({id(one) for one in found}) < len(found):
        raise ValueError("a parameter is given twice, and would be moved twice; give each once")
    return found


def require_settings(settings: Mapping[str, Any]) -> None:
    """Raise an error for a setting that no optimizer has a use for."""
    for name, value in settings.items():
        if name == "betas" and not (isinstance(value, tuple) and len(value) == 2):
            raise ValueError(f"betas are a pair of shares, such as (0.9, 0.999), not {value}")
        for number in value if isinstance(value, tuple) else (value,):
            if not isinstance(number, Real):
                raise TypeError(f"{name} is a number, not {number!r}")
            if not 0 <= float(number) < float("inf"):
                raise ValueError(f"{name} is a number from 0 up, not {number}")
            if name in ("betas", "alpha") and float(number) >= 1:
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
        if not isinstance(gradient, Tensor):
            raise TypeError(f"gradient {place} is no tensor, but {type(gradient).__name__}")
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


def require_memory(parameters: Sequence[Tensor], memory: Sequence[Sequence[Tensor]]) -> None:
    """Raise an error where a parameter cannot be written to, or has changed its dtype."""
    for place, (parameter, remembered) in enumerate(zip(parameters, memory, strict=True)):
        if not parameter.array.flags.writeable:
            raise ValueError(
                f"parameter {place} lies in memory that is repeated or borrowed; .clone() it "
                "before the optimizer is made"
            )
        if remembered and remembered[0].array.dtype != parameter.array.dtype:
            raise TypeError(
                f"parameter {place} is {parameter.dtype} now, and was {remembered[0].dtype} when "
                "the optimizer was made: make it after model.to(dtype)"
            )


def _like(old: Any, saved: Tensor) -> Any:
    """Return a saved setting as what it was: a number, yes or no, or a tuple of numbers."""
    value = saved.tolist()
    if isinstance(old, bool):
        return bool(value)
    return tuple(value) if isinstance(old, tuple) else value
