"""The cache: samples that stay in memory, within a budget of bytes."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np

from tinytorch.data.dataset import Dataset, Sample, checked_index
from tinytorch.data.seeds import draw_seed

Policy = Literal["lru", "fifo", "random", "none"]


class Cache:
    """Samples by index, and what is known of them.

    The policy says which sample is forgotten when room is needed: the one not used for longest
    (lru), the one that came first (fifo), or any (random); with none, nothing is kept. Which
    draws a random policy makes depends on who reads first, so they come from a generator of its
    own; one that is not given is seeded by the library's.
    """

    def __init__(
        self,
        budget_bytes: int,
        policy: Policy = "lru",
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        if policy not in get_args(Policy):
            raise ValueError(f"there is no policy {policy!r}; choose from {get_args(Policy)}")
        if budget_bytes < 0:
            raise ValueError(f"a budget cannot be {budget_bytes} bytes; use 0 or more")
        self.budget_bytes, self.policy = budget_bytes, policy
        self.generator: np.random.Generator | None = None
        if policy == "random":
            self.generator = generator or np.random.default_rng(draw_seed(None))
        self.samples: OrderedDict[int, Sample] = OrderedDict()
        self.sizes: dict[int, int] = {}
        self.used_bytes = self.hits = self.misses = self.evictions = 0

    def next_to_go(self) -> int:
        """Return the index that the policy would forget next."""
        if self.generator is not None:
            return list(self.samples)[self.generator.integers(len(self.samples))]
        return next(iter(self.samples))

    def forget(self, index: int) -> None:
        """Take a sample out, and count it."""
        del self.samples[index]
        self.used_bytes -= self.sizes.pop(index)
        self.evictions += 1


def recall(cache: Cache, index: int) -> Sample | None:
    """Return the sample if the cache has it, else None; count a hit or a miss."""
    if index not in cache.samples:
        cache.misses += 1
        return None
    cache.hits += 1
    if cache.policy == "lru":
        cache.samples.move_to_end(index)  # the one used last is the last to go
    return cache.samples[index]


def remember(cache: Cache, index: int, sample: Sample) -> None:
    """Keep a sample in the cache, which never holds more bytes than its budget.

    While the sample would not fit, forget what ``cache.next_to_go()`` names, and no more than
    needed. A sample is not kept, and nothing is forgotten for it, if the policy is "none", if the
    cache has it already, or if it alone is larger than the budget. What is kept is entered in
    ``samples`` and ``sizes`` (by ``sample_bytes``) and counted in ``used_bytes``.
    """
    size = sample_bytes(sample)
    if cache.policy == "none" or index in cache.samples or size > cache.budget_bytes:
        return
    while cache.used_bytes + size > cache.budget_bytes:
        cache.forget(cache.next_to_go())
    cache.samples[index] = sample
    cache.sizes[index] = size
    cache.used_bytes += size


def sample_bytes(sample: Sample) -> int:
    """Return the bytes that a sample's numbers and texts fill."""
    if isinstance(sample, Mapping):
        return sum(map(sample_bytes, sample.values()))
    if isinstance(sample, tuple | list):
        return sum(map(sample_bytes, sample))
    size: int = getattr(sample, "nbytes", None) or sys.getsizeof(sample)
    return size


class CachedDataset(Dataset):
    """A dataset that keeps samples in memory, up to a budget of bytes.

    A kept sample is handed out as it is: do not write into it. What is random belongs above the
    cache, or its first result would stay. Threads share the cache; each process has its own.
    """

    def __init__(
        self,
        dataset: Dataset,
        budget_bytes: int,
        policy: Policy = "lru",
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.dataset = dataset
        self.cache = Cache(budget_bytes, policy, generator=generator)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Sample:
        place = checked_index(index, len(self))
        with self._lock:
            sample = recall(self.cache, place)
        if sample is None:
            sample = self.dataset[place]  # without the lock, so that other threads can go on
            with self._lock:
                remember(self.cache, place, sample)
        return sample

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_lock": None}  # a lock cannot be sent

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())
