"""Seeds: every sample has random numbers of its own, whoever reads it."""

from __future__ import annotations

import operator
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from tinytorch.setup import default_generator

_MASK = 2**64 - 1
_reading = threading.local()


def draw_seed(generator: np.random.Generator | None) -> int:
    """Return a seed from the generator, or from the library's default one: below 2**63."""
    return int((generator or default_generator()).integers(2**63))


def mix(number: int) -> int:
    """Return the number's bits, stirred: a whole number from 0 to 2**64 - 1.

    Different numbers below 2**64 give different results, and neighbours have nothing in common.
    Source: Steele, Lea & Flood 2014, SplitMix64.
    """
    bits = (number + 0x9E3779B97F4A7C15) & _MASK
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
    return bits ^ (bits >> 31)


def sample_seed(seed: int, index: int) -> int:
    """Return the seed of one sample in an epoch that has a seed: from 0 to 2**64 - 1.

    Mixes the epoch's seed, adds the index, and mixes again. So no two samples of an epoch share a
    seed, nor does a sample in two epochs, and it does not matter who reads it, or when.
    Raises ValueError for a seed or an index below 0.
    """
    if seed < 0 or index < 0:
        raise ValueError(f"cannot mix seed {seed} and index {index}: both are 0 or more")
    return mix(mix(seed) + index)


def sample_generator() -> np.random.Generator:
    """Return the generator of the sample that is being read, or else the library's default one.

    Random transforms draw from it. While a loader reads a sample, it starts at that sample's seed;
    while it makes a batch, at a seed of the batch.
    """
    seed = getattr(_reading, "seed", None)
    if seed is None:
        return default_generator()
    if _reading.generator is None:  # made when first asked for: most samples never do
        _reading.generator = np.random.default_rng(seed)
    generator: np.random.Generator = _reading.generator
    return generator


@contextmanager
def reading(seed: int, index: int) -> Iterator[None]:
    """Let ``sample_generator`` be that of one sample inside the block, in this thread.

    index: a whole number, of Python or of NumPy.
    """
    before = getattr(_reading, "seed", None), getattr(_reading, "generator", None)
    _reading.seed, _reading.generator = sample_seed(seed, operator.index(index)), None
    try:
        yield
    finally:
        _reading.seed, _reading.generator = before
