"""The trainer: the loop that everything else in this module is made for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from time import perf_counter
from typing import Any

from tinytorch.layers import Module
from tinytorch.networks.inspection import inference
from tinytorch.training.backpropagation import backpropagate
from tinytorch.training.callbacks import Callback
from tinytorch.training.checkpoints import (
    Checkpoint,
    Checkpoints,
    load_checkpoint,
    save_checkpoint,
)
from tinytorch.training.clipping import clip_grad_norm_
from tinytorch.training.gradients import GradientSource
from tinytorch.training.history import History, Record
from tinytorch.training.losses import Loss
from tinytorch.training.metrics import Metric
from tinytorch.training.optimizers import Optimizer
from tinytorch.training.progress import bar_over, line_of
from tinytorch.training.randomness import find_generators
from tinytorch.training.schedules import Schedule
from tinytorch.training.state import put_state, require_facts, take_state

Batches = Iterable[Any]  # of pairs: inputs and targets


class Trainer:
    """What trains a model: gradients from a source, steps by an optimizer, and a record of both.

    ``metrics`` are computed on the validation set, by name. ``log`` gets one line an epoch; None
    is silent. A loss or a gradient that is not finite stops the training with an error, unless
    ``keeps_going``. An error, or Ctrl-C, leaves the epoch unfinished: what was learned until then
    stays, and ``resume`` goes back to the last checkpoint.
    """

    def __init__(
        self,
        model: Module,
        loss: Loss,
        optimizer: Optimizer,
        *,
        gradients: GradientSource = backpropagate,
        schedule: Schedule | None = None,
        max_norm: float = math.inf,
        metrics: Mapping[str, Metric] | None = None,
        callbacks: Sequence[Callback] = (),
        checkpoints: Checkpoints | None = None,
        log: Callable[[str], None] | None = print,
        keeps_going: bool = False,
    ) -> None:
        self.model, self.loss, self.optimizer, self.gradients = model, loss, optimizer, gradients
        self.schedule, self.max_norm, self.keeps_going = schedule, max_norm, keeps_going
        self.metrics, self.callbacks = dict(metrics or {}), list(callbacks)
        self.checkpoints, self.log = checkpoints, log
        self.history = History()
        self.epoch = 0  # how many are done
        self.is_stopped = False
        self.loaders: tuple[Batches | None, ...] = ()
        for one in self.callbacks:
            if not isinstance(one, Callback):
                raise TypeError(f"a callback is an object of a Callback, not {one!r}")

    # The loop

    def train_step(self, inputs: Any, targets: Any) -> float:
        """Return the loss on a batch, after one step of training on it.

        The source, ``self.gradients``, gives loss and gradients. ``clip_grad_norm_`` shortens
        them to ``self.max_norm`` and says how long they were. ``self.require_finite`` looks at
        both numbers, before anything is changed. The schedule, if there is one, sets the
        optimizer's ``lr``; its argument is how many steps were done, ``len(self.history.losses)``.
        Then the optimizer steps, and ``self.history.note_step`` remembers the loss, the learning
        rate and the gradient norm.
        """
        loss, gradients = self.gradients(self.model, self.loss, inputs, targets)
        value, norm = float(loss), clip_grad_norm_(gradients, self.max_norm)
        self.require_finite(value, norm)
        if self.schedule is not None:
            self.optimizer.lr = self.schedule(len(self.history.losses))
        self.optimizer.step(gradients)
        self.history.note_step(loss=value, learning_rate=self.optimizer.lr, gradient_norm=norm)
        return value

    def require_finite(self, loss: float, gradient_norm: float) -> None:
        """Raise FloatingPointError for a loss or a gradient that is no finite number."""
        for what, number in (("loss", loss), ("length of the gradient", gradient_norm)):
            if not math.isfinite(number) and not self.keeps_going:
                norms = self.history.gradient_norms
                before = f", the gradient was {norms[-1]:.3g} long one step before" if norms else ""
                raise FloatingPointError(
                    f"the {what} is {number} at step {len(norms)}, in epoch {self.epoch + 1}: look "
                    f"at the learning rate ({self.optimizer.lr:.3g}){before}, and at the inputs"
                )

    def train_epoch(self, batches: Batches) -> float:
        """Return the mean loss of all examples, each as it was when its batch was trained on."""
        self.model.train()
        total, examples = 0.0, 0
        for inputs, targets in pairs_of(batches):
            total += self.train_step(inputs, targets) * len(targets)
            examples += len(targets)
            for callback in self.callbacks:
                callback.on_step_end(self)
        return total / examples

    def evaluate(self, batches: Batches) -> Record:
        """Return the mean loss and metrics of all examples, by a model that is not training."""
        measures: dict[str, Callable[[Any, Any], Any]] = {"loss": self.loss, **self.metrics}
        totals, examples = dict.fromkeys(measures, 0.0), 0
        with inference(self.model):
            for inputs, targets in pairs_of(batches):
                prediction = self.model(inputs)
                for name, measure in measures.items():
                    totals[name] += float(measure(prediction, targets)) * len(targets)
                examples += len(targets)
        return {name: total / examples for name, total in totals.items()}

    def fit(
        self, train_loader: Batches, validation_loader: Batches | None = None, *, epochs: int
    ) -> History:
        """Return the history after training until so many epochs are done, earlier ones included.

        An epoch's record has ``epoch``, ``train_loss``, ``validation_...`` for the loss and every
        metric, and ``seconds``. After each, callbacks are called, and last a checkpoint is written.
        A callback ends the training by setting ``is_stopped``.
        Raises FileExistsError where a new training would write over another's checkpoints.
        """
        if self.checkpoints is not None and not self.history.losses and self.checkpoints.paths():
            raise FileExistsError(
                f"{self.checkpoints.folder} holds the checkpoints of a training already: resume() "
                "that one, or choose another folder"
            )
        return self._fit(train_loader, validation_loader, epochs)

    def _fit(
        self, train_loader: Batches, validation_loader: Batches | None, epochs: int
    ) -> History:
        self.require_own_parameters()
        self.loaders = (train_loader, validation_loader)
        for callback in self.callbacks:
            callback.on_fit_begin(self)
        while self.epoch < epochs and not self.is_stopped:
            self._fit_epoch(train_loader, validation_loader, epochs)
        for callback in self.callbacks:
            callback.on_fit_end(self)
        return self.history

    def _fit_epoch(self, train: Batches, validation: Batches | None, epochs: int) -> None:
        started = perf_counter()
        label = f"epoch {self.epoch + 1}/{epochs}"
        with nullcontext(train) if self.log is None else bar_over(train, label) as shown:
            record: Record = {"epoch": self.epoch + 1, "train_loss": self.train_epoch(shown)}
        if validation is not None:
            found = self.evaluate(validation)
            record |= {f"validation_{name}": value for name, value in found.items()}
        record["seconds"] = perf_counter() - started
        self.history.epochs.append(record)
        self.epoch += 1
        for callback in self.callbacks:
            callback.on_epoch_end(self, record)
        if self.checkpoints is not None and self.epoch % self.checkpoints.every == 0:
            self.checkpoints.save(self.epoch, *self.state())
        if self.log is not None:
            self.log(line_of(record, epochs))

    def require_own_parameters(self) -> None:
        """Raise ValueError where the optimizer moves other tensors than the model's parameters."""
        ours = [id(one) for one in self.model.parameters()]
        if ours != [id(one) for one in self.optimizer.parameters]:
            raise ValueError(
                "the optimizer moves other tensors than this model's parameters, or has them in "
                "another order: make it with model.parameters()"
            )

    # Stopping and going on

    def resume(
        self, train_loader: Batches, validation_loader: Batches | None = None, *, epochs: int
    ) -> History:
        """Return what ``fit`` returns, going on from the last checkpoint if there is one.

        Trainer, model and loaders are built as they were for the training that was interrupted.
        Then every number is the one that it would have become without the interruption.
        """
        if self.checkpoints is None:
            raise ValueError("there is nothing to go on from: give the trainer checkpoints=")
        self.loaders = (train_loader, validation_loader)
        found = self.checkpoints.latest()
        if found is not None:
            self.load_state(found)
        return self._fit(train_loader, validation_loader, epochs)

    def save(self, path: str | Path) -> None:
        """Write a checkpoint of all that the rest of the training depends on.

        It does not know which batches of an epoch are done: one that is written in the middle of an
        epoch goes on with a new epoch.
        """
        save_checkpoint(path, *self.state())

    def load(self, path: str | Path) -> None:
        """Go back to a checkpoint. Raises ValueError where it does not fit; nothing is changed."""
        self.load_state(load_checkpoint(path))

    def state(self) -> Checkpoint:
        """Return all that the rest of the training depends on: tensors by name, and facts."""
        facts = {"epoch": self.epoch, "is_stopped": self.is_stopped, "epochs": self.history.epochs}
        return take_state(self._holders(), self._generators(), facts)

    def load_state(self, saved: Checkpoint) -> None:
        """Take over what ``state`` returned; where it does not fit, nothing is changed."""
        before = self.state()
        require_facts(before.facts.keys(), saved)
        try:
            put_state(self._holders(), self._generators(), saved)
        except (KeyError, TypeError, ValueError):
            put_state(self._holders(), self._generators(), before)
            raise
        self.epoch, self.is_stopped = saved.facts["epoch"], saved.facts["is_stopped"]
        self.history.epochs = [dict(record) for record in saved.facts["epochs"]]

    def _holders(self) -> dict[str, Any]:
        """Return what holds tensors that change while training, by name."""
        numbered = {f"callback{place}": one for place, one in enumerate(self.callbacks)}
        return {
            "model": self.model,
            "optimizer": self.optimizer,
            "history": self.history,
            **numbered,
        }

    def _generators(self) -> dict[str, Any]:
        train, validation = self.loaders or (None, None)
        modules = {f"model{place}": one for place, one in enumerate(self.model.modules())}
        return find_generators(train=train, validation=validation, **modules)


def pairs_of(batches: Batches) -> Iterator[tuple[Any, Any]]:
    """Yield the batches. Raises an error for one that is no pair, or empty, and for none at all."""
    count = 0
    for count, batch in enumerate(batches, start=1):
        parts = len(batch) if isinstance(batch, tuple | list) else 1
        if parts != 2:
            raise TypeError(f"a batch is a pair, inputs and targets; batch {count} has {parts}")
        if not len(batch[1]):
            raise ValueError(f"batch {count} has no example, and so no mean; leave it out")
        yield batch[0], batch[1]
    if not count:
        raise ValueError("there was no batch: an iterator is used up once read; give a DataLoader")
