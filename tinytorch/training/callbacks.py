"""Callbacks: what else happens at the end of steps and epochs, without a change to the loop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from tinytorch.tensors import Tensor, float64, tensor
from tinytorch.training.history import Record

if TYPE_CHECKING:
    from tinytorch.training.trainer import Trainer


class Callback:
    """What a trainer calls. A subclass says what to do, where it has something to do."""

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Do something before the first step."""

    def on_step_end(self, trainer: Trainer) -> None:
        """Do something after every step; ``trainer.history.losses[-1]`` is its loss."""

    def on_epoch_end(self, trainer: Trainer, record: Record) -> None:
        """Do something after every epoch; what is added to the record is in the history."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """Do something after the last step."""

    def state_dict(self) -> dict[str, Tensor]:
        """Return what a checkpoint has to keep of this callback."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over what a checkpoint kept."""


class EarlyStopping(Callback):
    """Stop once a result has not improved for ``patience`` epochs, and go back to the best weights.

    The result is called ``monitor`` in the epochs of the history. It improves where it falls, or in
    the mode "max" rises, by more than ``min_delta``.
    """

    def __init__(
        self,
        monitor: str = "validation_loss",
        *,
        patience: int = 5,
        min_delta: float = 0.0,
        mode: Literal["min", "max"] = "min",
    ) -> None:
        if patience < 1 or not min_delta >= 0 or mode not in ("min", "max"):
            raise ValueError(
                f"patience is 1 or more, min_delta 0 or more and mode 'min' or 'max', not "
                f"{patience}, {min_delta} and {mode!r}"
            )
        self.monitor, self.patience, self.min_delta, self.mode = monitor, patience, min_delta, mode
        self.best = math.inf if mode == "min" else -math.inf
        self.waited = 0
        self.best_weights: dict[str, Tensor] = {}

    def has_improved(self, value: float) -> bool:
        """Return whether a value is the best so far, and remember it or count the wait.

        It is where it is better than ``best`` by more than ``min_delta``: below it in the mode
        "min", above it in the mode "max". Then it becomes ``best`` and ``waited`` is 0 again;
        otherwise, and for a value that is not a number, ``waited`` grows by 1.
        """
        gain = self.best - value if self.mode == "min" else value - self.best
        if gain > self.min_delta:
            self.best, self.waited = value, 0
            return True
        self.waited += 1
        return False

    def on_epoch_end(self, trainer: Trainer, record: Record) -> None:
        """Keep the weights where the result improved; stop where it has not for too long."""
        if self.monitor not in record:
            raise KeyError(f"an epoch has no result {self.monitor!r}; it has {', '.join(record)}")
        if self.has_improved(record[self.monitor]):
            self.best_weights = trainer.model.state_dict()
        if self.waited >= self.patience:
            trainer.is_stopped = True

    def on_fit_end(self, trainer: Trainer) -> None:
        """Put the best weights back."""
        if self.best_weights:
            trainer.model.load_state_dict(self.best_weights)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the best value, the best weights, and how long ago they were."""
        state = {"best": tensor(self.best, float64), "waited": tensor(self.waited)}
        return state | {f"weights.{name}": kept for name, kept in self.best_weights.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over a state. Raises ValueError for one that is of another callback."""
        if not {"best", "waited"} <= state.keys():
            raise ValueError(
                "the checkpoint has no state of EarlyStopping: give the trainer the callbacks that "
                "it had then, in their order"
            )
        self.best, self.waited = float(state["best"]), int(state["waited"])
        begin = "weights."
        self.best_weights = {
            name.removeprefix(begin): kept for name, kept in state.items() if name.startswith(begin)
        }
