"""Schedules: the learning rate as a function of the number of the step, which starts at 0.

A schedule remembers nothing: it is called with a number and returns a rate. So training that stops
and goes on needs no more than the number of its step to find its rate again.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

Schedule = Callable[[int], float]


@dataclass(frozen=True)
class StepLR:
    """A rate that is multiplied by ``gamma`` after every ``step_size`` steps."""

    lr: float
    step_size: int
    gamma: float = 0.1

    def __post_init__(self) -> None:
        require_steps(self.step_size)

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        return float(self.lr * self.gamma ** (step // self.step_size))


@dataclass(frozen=True)
class LinearLR:
    """A rate that goes in equal steps from one share of ``lr`` to another, and stays there.

    It takes ``total_iters`` steps; from a small share to 1 it is a warm-up.
    """

    lr: float
    start_factor: float = 1 / 3
    end_factor: float = 1.0
    total_iters: int = 5

    def __post_init__(self) -> None:
        require_steps(self.total_iters)

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        share = min(step / self.total_iters, 1.0)
        return self.lr * (self.start_factor + (self.end_factor - self.start_factor) * share)


@dataclass(frozen=True)
class CosineAnnealingLR:
    """A rate that falls along half a wave: slowly, then fast, then slowly again.

    Source: Loshchilov & Hutter 2017, eq. 5.
    """

    lr: float
    steps: int
    eta_min: float = 0.0

    def __post_init__(self) -> None:
        require_steps(self.steps)

    def __call__(self, step: int) -> float:
        """Return the rate of a step: ``lr`` at 0, ``eta_min`` at ``steps`` and from then on.

        In between it is ``eta_min + (lr - eta_min) * (1 + cos(pi * step / steps)) / 2``, so that
        half way it is half way between the two.
        """
        share = min(step / self.steps, 1.0)
        return self.eta_min + (self.lr - self.eta_min) * (1 + math.cos(math.pi * share)) / 2


@dataclass(frozen=True)
class SequentialLR:
    """Several schedules, one after another; each but the first begins at its milestone, from 0.

    ``SequentialLR([LinearLR(0.1), CosineAnnealingLR(0.1, 95)], [5])`` warms up and cools down.
    """

    schedules: Sequence[Schedule]
    milestones: Sequence[int]

    def __post_init__(self) -> None:
        if len(self.schedules) != len(self.milestones) + 1:
            raise ValueError(
                f"{len(self.schedules)} schedules meet at {len(self.schedules) - 1} milestones, "
                f"not {len(self.milestones)}"
            )
        if any(after <= before for before, after in pairwise([0, *self.milestones])):
            raise ValueError(f"milestones are above 0 and rise, unlike {list(self.milestones)}")

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        place = bisect_right(self.milestones, step)
        return self.schedules[place](step - [0, *self.milestones][place])


def require_steps(count: int) -> None:
    """Raise ValueError for a number of steps that no time passes in."""
    if count < 1:
        raise ValueError(f"a schedule changes over 1 step or more, not {count}")
