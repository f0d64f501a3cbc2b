"""The module: a function with parameters, made of attributes and of other modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

from tinytorch.tensors import Tensor
from tinytorch.tensors.dtypes import DTypeLike


class Module:
    """A function that holds tensors. Subclasses say what it computes, in ``forward``.

    A tensor held as an attribute is a parameter, and a module held as an attribute is a child.
    A tensor that belongs to the module's state but is not learned is registered as a buffer.
    """

    training = True
    _buffer_names: frozenset[str] = frozenset()

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Return the module's result. Every subclass has its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(); write one")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Return the module's result for these inputs."""
        return self.forward(*inputs, **options)

    def register_buffer(self, name: str, tensor: Tensor) -> None:
        """Hold a tensor as an attribute that is saved and loaded, but is no parameter."""
        if not isinstance(tensor, Tensor):
            raise TypeError(f"a buffer is a tensor, not {type(tensor).__name__}")
        if not name.isidentifier() or hasattr(self, name):
            raise ValueError(f"a buffer cannot be named {name!r}: use a new name without dots")
        setattr(self, name, tensor)
        self._buffer_names = self._buffer_names | {name}

    # What it consists of

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the modules held as attributes, each with its name."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value

    def children(self) -> Iterator[Module]:
        """Yield the modules held as attributes."""
        return (child for _, child in self.named_children())

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield this module and all modules inside it, each once, with names like ``0.hidden``."""
        seen: set[int] = set()
        waiting: list[tuple[str, Module]] = [("", self)]
        while waiting:
            path, module = waiting.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield path, module
            inside = [(joined(path, name), child) for name, child in module.named_children()]
            waiting += reversed(inside)

    def modules(self) -> Iterator[Module]:
        """Yield this module and all modules inside it, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every parameter of this module and of all modules inside it, with its name.

        A parameter is a tensor held as an attribute whose name is not in ``_buffer_names``. Its
        name is the path of attributes that leads to it: ``0.weight``. A module's own parameters
        come before those of its children, in the order of the attributes, and a parameter that
        can be reached on two paths comes once.
        """
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, value in vars(module).items():
                is_parameter = isinstance(value, Tensor) and name not in module._buffer_names
                if is_parameter and id(value) not in seen:
                    seen.add(id(value))
                    yield joined(path, name), value

    def parameters(self) -> Iterator[Tensor]:
        """Yield every parameter of this module and of all modules inside it, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every buffer of this module and of all modules inside it, with its name."""
        for path, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, Tensor) and name in module._buffer_names:
                    yield joined(path, name), value

    # Its state

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of all parameters and buffers, by name."""
        return {name: tensor.clone() for name, tensor in self._state()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Copy the tensors of a state into the parameters and buffers of the same names.

        The copy goes into the memory that is there, past the door: whoever holds a parameter
        sees its new values. Raises one ValueError that lists every name that is missing,
        unexpected, or of another shape or dtype; then nothing is changed.
        """
        ours = dict(self._state())
        problems = [f"{name} is missing" for name in ours if name not in state]
        problems += [f"{name} is unexpected" for name in state if name not in ours]
        for name in [name for name in ours if name in state]:
            for what in ("shape", "dtype"):
                wanted, given = getattr(ours[name], what), getattr(state[name], what)
                if wanted != given:
                    problems.append(f"{name} has {what} {given}, not {wanted}")
        if problems:
            raise ValueError(f"cannot load into {type(self).__name__}: {'; '.join(problems)}")
        for name, tensor in ours.items():
            tensor.numpy()[...] = state[name].numpy()

    def _state(self) -> Iterator[tuple[str, Tensor]]:
        yield from self.named_parameters()
        yield from self.named_buffers()

    def to(self, dtype: DTypeLike) -> Self:
        """Return this module, its parameters and buffers of a float dtype converted in place."""
        for _, tensor in self._state():
            if tensor.is_floating_point():
                tensor.array = tensor.to(dtype).array
        return self

    def train(self, mode: bool = True) -> Self:
        """Return this module, set to training, with all modules inside it."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Return this module, set to inference, with all modules inside it."""
        return self.train(False)

    # As text

    def extra_repr(self) -> str:
        """Return what the module's line shows in brackets: its settings."""
        return ""

    def __repr__(self) -> str:
        """Return the module and its children as a tree."""
        lines = [f"({name}): {child!r}" for name, child in self.named_children()]
        if not lines:
            return f"{type(self).__name__}({self.extra_repr()})"
        inside = "\n".join(lines).replace("\n", "\n  ")
        return f"{type(self).__name__}({self.extra_repr()}\n  {inside}\n)"


def joined(path: str, name: str) -> str:
    """Return the name of an attribute of the module at a path: ``0, weight -> 0.weight``."""
    return f"{path}.{name}" if path else name
