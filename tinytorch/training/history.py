"""History: what happened in training, step by step and epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tinytorch.tensors import Tensor, from_numpy

Record = dict[str, float]  # an epoch's results by name: train_loss, seconds, ...


@dataclass
class History:
    """What happened: every step's loss, learning rate and gradient norm; every epoch's results."""

    losses: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    gradient_norms: list[float] = field(default_factory=list)
    epochs: list[Record] = field(default_factory=list)

    def note_step(self, *, loss: float, learning_rate: float, gradient_norm: float) -> None:
        """Remember a step."""
        self.losses.append(loss)
        self.learning_rates.append(learning_rate)
        self.gradient_norms.append(gradient_norm)

    def column(self, name: str) -> list[float]:
        """Return one result of every epoch; nan where an epoch has none of that name."""
        return [record.get(name, float("nan")) for record in self.epochs]

    def state_dict(self) -> dict[str, Tensor]:
        """Return what was noted of the steps, as tensors of float64."""
        return {name: from_numpy(np.array(getattr(self, name), float)) for name in STEPS}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over what was noted of the steps."""
        for name in STEPS:
            setattr(self, name, state[name].tolist())


STEPS = ("losses", "learning_rates", "gradient_norms")
