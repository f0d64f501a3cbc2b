"""State: all that the rest of a training depends on, taken from its parts and put back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tinytorch.training.checkpoints import Checkpoint
from tinytorch.training.randomness import Generators, generator_states, restore_generators

Holders = Mapping[str, Any]  # what has a state_dict() and takes one over, by name


def take_state(holders: Holders, generators: Generators, facts: Mapping[str, Any]) -> Checkpoint:
    """Return the tensors of all holders, and the facts with the states of the generators."""
    tensors = {
        f"{part}.{name}": kept
        for part, holder in holders.items()
        for name, kept in holder.state_dict().items()
    }
    return Checkpoint(tensors, {**facts, "generators": generator_states(generators)})


def put_state(holders: Holders, generators: Generators, saved: Checkpoint) -> None:
    """Put tensors and generators' states back. Raises an error where one has no place, or no state.

    Then some holders may be changed already.
    """
    parts: dict[str, dict[str, Any]] = {part: {} for part in holders}
    for name, kept in saved.tensors.items():
        part, _, own = name.partition(".")
        parts.setdefault(part, {})[own] = kept
    for part, holder in holders.items():
        holder.load_state_dict(parts.pop(part))
    if parts:
        raise ValueError(
            f"the checkpoint has the state of {', '.join(parts)}, which this trainer has not: "
            "build it as it was built then"
        )
    restore_generators(generators, saved.facts["generators"])


def require_facts(names: Collection[str], saved: Checkpoint) -> None:
    """Raise ValueError for a checkpoint that no trainer made."""
    if missing := [name for name in names if name not in saved.facts]:
        raise ValueError(
            f"this is no checkpoint of a trainer: it lacks {', '.join(missing)}; a trainer's "
            "save() makes one"
        )
