"""Samplers: in which order the samples come, and which of them come together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from itertools import islice
from typing import Protocol

import numpy as np

from tinytorch.setup import default_generator


class Sampler(Protocol):
    """Whatever yields indices, and knows how many."""

    def __iter__(self) -> Iterator[int]: ...
    def __len__(self) -> int: ...


def shuffle_indices(count: int, generator: np.random.Generator) -> list[int]:
    """Return the indices from 0 to ``count - 1`` in random order.

    Each order is as likely as any other, and the generator's state decides which it is.
    Raises ValueError for a count below 0.
    Source: Durstenfeld 1964, Algorithm 235, after Fisher & Yates.
    """
    if count < 0:
        raise ValueError(f"cannot shuffle {count} samples: a count is 0 or more")
    order = list(range(count))
    partners = generator.integers(0, np.arange(count), endpoint=True).tolist()  # 0 to each place
    for place in range(count - 1, 0, -1):
        partner = partners[place]
        order[place], order[partner] = order[partner], order[place]
    return order


def batch_indices(
    indices: Iterable[int], batch_size: int, *, drop_last: bool = False
) -> Iterator[list[int]]:
    """Yield the indices in lists of ``batch_size``, in their order.

    The last list is shorter where the indices do not fill it; ``drop_last`` leaves it out. Each
    list is made of as many indices as it holds, so that an order without an end can be batched.
    Raises ValueError for a batch size below 1.
    """
    if batch_size < 1:
        raise ValueError(f"a batch of {batch_size} samples holds nothing; use 1 or more")
    remaining = iter(indices)
    while batch := list(islice(remaining, batch_size)):
        if len(batch) == batch_size or not drop_last:
            yield batch


class SequentialSampler:
    """The indices of a dataset, from the first to the last."""

    def __init__(self, dataset: Sized) -> None:
        self.dataset = dataset

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.dataset)))

    def __len__(self) -> int:
        return len(self.dataset)


class RandomSampler:
    """The indices of a dataset in an order of their own each time."""

    def __init__(self, dataset: Sized, *, generator: np.random.Generator | None = None) -> None:
        self.dataset = dataset
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        return iter(shuffle_indices(len(self.dataset), self.generator or default_generator()))

    def __len__(self) -> int:
        return len(self.dataset)


class BatchSampler:
    """The indices of a sampler in lists of one size."""

    def __init__(self, sampler: Sampler, batch_size: int, *, drop_last: bool = False) -> None:
        if batch_size < 1:
            raise ValueError(f"a batch of {batch_size} samples holds nothing; use 1 or more")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        return batch_indices(iter(self.sampler), self.batch_size, drop_last=self.drop_last)

    def __len__(self) -> int:
        full, rest = divmod(len(self.sampler), self.batch_size)
        return full + (rest > 0 and not self.drop_last)
