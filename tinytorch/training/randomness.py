"""Randomness: where the generators are, and how a draw is repeated."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from tinytorch.layers import Module
from tinytorch.setup import default_generator
from tinytorch.tensors import Tensor

Generators = Mapping[str, np.random.Generator]


def find_generators(**holders: Any) -> dict[str, np.random.Generator]:
    """Return the default generator, and those that objects hold as attributes, by their place.

    ``find_generators(model=model, loader=loader) -> {"default": ..., "loader.generator": ...}``.
    What objects hold is searched too; a generator that is held twice comes once.
    """
    found = {"default": default_generator()}
    waiting, seen = list(holders.items()), {id(default_generator())}
    for place, holder in waiting:  # grows while it is read
        if id(holder) in seen or isinstance(holder, Tensor | ModuleType | type):
            continue
        seen.add(id(holder))
        if isinstance(holder, np.random.Generator):
            found[place] = holder
        else:
            inside = getattr(holder, "__dict__", {})
            waiting += [(f"{place}.{name}", value) for name, value in inside.items()]
    return found


def generator_states(generators: Generators) -> dict[str, Any]:
    """Return copies of the states of generators, by name: dicts of numbers and text."""
    return {name: copy.deepcopy(one.bit_generator.state) for name, one in generators.items()}


def restore_generators(generators: Generators, states: Mapping[str, Any]) -> None:
    """Put generators into states that ``generator_states`` returned.

    Raises ValueError where the names or the kinds of generators differ; then nothing is changed.
    """
    if generators.keys() != states.keys():
        raise ValueError(
            f"the states are of the generators {sorted(states)}, but there are "
            f"{sorted(generators)}: build model and loaders as they were built then"
        )
    for name, generator in generators.items():
        ours, theirs = type(generator.bit_generator).__name__, states[name]["bit_generator"]
        if ours != theirs:
            raise ValueError(f"the generator {name!r} is a {ours}, but the state is a {theirs}'s")
    for name, generator in generators.items():
        generator.bit_generator.state = states[name]


@contextmanager
def rehearsal(model: Module) -> Iterator[Callable[[], None]]:
    """Give a function that puts the model's randomness and buffers back to what they are now.

    They are put back at the end too, so that what was computed inside leaves no trace.
    """
    generators = find_generators(**{f"module{i}": one for i, one in enumerate(model.modules())})
    states = generator_states(generators)
    buffers = [(tensor.numpy(), tensor.numpy().copy()) for _, tensor in model.named_buffers()]

    def put_back() -> None:
        restore_generators(generators, states)
        for memory, values in buffers:
            memory[...] = values

    try:
        yield put_back
    finally:
        put_back()
