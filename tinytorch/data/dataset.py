"""Datasets: samples by number, and how a set is divided into parts."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinytorch.data.samplers import shuffle_indices
from tinytorch.setup import default_generator
from tinytorch.tensors import Tensor

Sample = Any  # what a dataset returns for one index: mostly a tuple of tensors


class Dataset:
    """Samples by number. A subclass says how many there are and how to read one."""

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} does not say how many samples it has")

    def __getitem__(self, index: int) -> Sample:
        raise NotImplementedError(f"{type(self).__name__} does not say how to read a sample")

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))


class TensorDataset(Dataset):
    """The rows of tensors of one length, as tuples: sample i is row i of each.

    A row is a view: it shares memory with its tensor.
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise ValueError("a TensorDataset needs at least one tensor")
        lengths = [len(one) for one in tensors]
        if len(set(lengths)) > 1:
            raise ValueError(f"the tensors have {lengths} rows; each sample needs one of each")
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        place = checked_index(index, len(self))
        return tuple([one[place] for one in self.tensors])


class Subset(Dataset):
    """The samples of a dataset at some of its indices, in their order."""

    def __init__(self, dataset: Dataset, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        return self.dataset[self.indices[checked_index(index, len(self))]]


def checked_index(index: int, count: int) -> int:
    """Return the index counted from 0; -1 is the last. Raises IndexError for one out of range."""
    number = operator.index(index)
    if not -count <= number < count:
        raise IndexError(f"there is no sample {number}: the dataset has {count}")
    return number % count


def split_lengths(count: int, parts: Sequence[float]) -> list[int]:
    """Return the lengths of parts that divide a set of ``count`` samples.

    parts: whole lengths that add up to the count, or fractions that add up to 1:
    ``split_lengths(10, [0.75, 0.25]) -> [8, 2]``. A fraction's share is rounded down, with
    0.29 * 100 being 29; the samples left over go one each to the parts from the first on.
    Raises ValueError for a part below 0, and where the parts add up to anything else.
    """
    if any(part < 0 for part in parts):
        raise ValueError(f"a part cannot have less than 0 samples: {list(parts)}")
    if all(isinstance(part, int) for part in parts):
        if sum(parts) != count:
            raise ValueError(
                f"the lengths {list(parts)} add up to {sum(parts)}, but there are {count} samples"
            )
        return [int(part) for part in parts]
    if not math.isclose(sum(parts), 1):
        raise ValueError(f"the fractions {list(parts)} add up to {sum(parts):g}, not to 1")
    lengths = [math.floor(round(count * part, 6)) for part in parts]
    for place in range(count - sum(lengths)):
        lengths[place] += 1
    return lengths


def random_split(
    dataset: Dataset, lengths: Sequence[float], *, generator: np.random.Generator | None = None
) -> list[Subset]:
    """Return parts of a dataset, filled at random, that share no sample.

    lengths: whole, or fractions; see ``split_lengths``.
    """
    wanted = split_lengths(len(dataset), lengths)
    order = shuffle_indices(len(dataset), generator or default_generator())
    ends = np.cumsum([0, *wanted]).tolist()
    return [
        Subset(dataset, order[end - size : end]) for size, end in zip(wanted, ends[1:], strict=True)
    ]
