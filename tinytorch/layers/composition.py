"""Composition: modules one after another, and the two that only pass on or reshape."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import overload

from tinytorch.layers.module import Module
from tinytorch.tensors import Tensor


class Sequential(Module):
    """A chain of modules: each one's result is the next one's input."""

    def __init__(self, *modules: Module) -> None:
        for place, module in enumerate(modules):
            if not isinstance(module, Module):
                raise TypeError(f"Sequential chains modules; item {place} is {module!r}")
            setattr(self, str(place), module)

    def forward(self, x: Tensor) -> Tensor:
        """Return x after all modules, from the first to the last."""
        for module in self:
            x = module(x)
        return x

    def __len__(self) -> int:
        return len(list(self.children()))

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    @overload
    def __getitem__(self, index: int) -> Module: ...

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...

    def __getitem__(self, index: int | slice) -> Module:
        """Return one module, or a chain of those in a slice; they are shared, not copied."""
        modules = list(self)
        if isinstance(index, slice):
            return Sequential(*modules[index])
        if not -len(modules) <= operator.index(index) < len(modules):
            raise IndexError(f"module {index} is out of range: there are {len(modules)}")
        return modules[index]


class Identity(Module):
    """A layer that changes nothing: it holds a place."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x itself."""
        return x


class Flatten(Module):
    """A layer that joins dims into one; by default all but the first, which counts examples."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: Tensor) -> Tensor:
        """Return x with its dims from start to end joined: (batch, ...) -> (batch, features)."""
        return x.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Return the layer's settings."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
