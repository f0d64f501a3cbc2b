"""Transforms: what happens to a sample between the dataset and the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tinytorch.data.dataset import Dataset, Sample
from tinytorch.data.seeds import sample_generator
from tinytorch.tensors import Tensor, float32, float64, full, tensor, zeros
from tinytorch.tensors.dtypes import Number, TensorLike

Transform = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Moments:
    """How many values there are, where they lie and how far they spread."""

    count: int
    """The number of values, in each channel if there are channels."""
    mean: Tensor
    """Their mean: () or (channels,) of float64."""
    spread: Tensor
    """The sum of their squared distances from the mean, in the same shape."""

    @classmethod
    def of(cls, batch: Tensor, *, channel_dim: int | None = None) -> Moments:
        """Return the moments of a batch: of all values, or of each channel."""
        kept = () if channel_dim is None else (channel_dim % batch.ndim,)
        dims = [dim for dim in range(batch.ndim) if dim not in kept]
        values = batch.to(float64)
        mean = values.mean(dims, keepdim=True)
        spread = ((values - mean) ** 2).sum(dims)
        return cls(batch.numel() // spread.numel(), mean.reshape(spread.shape), spread)

    @property
    def variance(self) -> Tensor:
        """The mean squared distance from the mean."""
        return self.spread / max(self.count, 1)

    @property
    def std(self) -> Tensor:
        """The standard deviation: the square root of the variance."""
        return self.variance.sqrt()


def merge_moments(first: Moments, second: Moments) -> Moments:
    """Return the moments of two parts together, without their values.

    With n = n1 + n2 values and d = mean2 - mean1:
    mean = mean1 + d * n2 / n, spread = spread1 + spread2 + d * d * n1 * n2 / n.
    A part without values changes nothing.
    Source: Chan, Golub & LeVeque 1979, eq. 2.1.
    """
    count = first.count + second.count
    if second.count == 0:
        return first
    distance = second.mean - first.mean
    mean = first.mean + distance * (second.count / count)
    between = distance * distance * (first.count * second.count / count)
    return Moments(count, mean, first.spread + second.spread + between)


def measure_moments(batches: Iterable[Tensor], *, channel_dim: int | None = None) -> Moments:
    """Return the moments of all batches, holding one at a time."""
    total = Moments(0, zeros(dtype=float64), zeros(dtype=float64))
    for batch in batches:
        total = merge_moments(total, Moments.of(batch, channel_dim=channel_dim))
    return total


class Scale:
    """Makes a sample float32, times a factor: 1 / 255 brings bytes to the range 0 to 1."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def __call__(self, sample: Tensor) -> Tensor:
        """Return the sample, scaled."""
        return sample.to(float32) * self.factor


class Normalize:
    """Takes a mean from a sample and divides by a standard deviation; both broadcast."""

    def __init__(self, mean: TensorLike, std: TensorLike) -> None:
        self.mean, self.std = tensor(mean), tensor(std)
        if (self.std <= 0).any():
            raise ValueError(
                f"cannot divide by a standard deviation of {self.std.amin().item():g}; "
                "leave out what never varies"
            )

    def __call__(self, sample: Tensor) -> Tensor:
        """Return the sample, normalised. Raises TypeError for one that is not of floats."""
        if not sample.is_floating_point():
            raise TypeError(f"cannot normalise {sample.dtype}; convert it with Scale(1) first")
        return (sample - self.mean.to(sample.dtype)) / self.std.to(sample.dtype)


class RandomShift:
    """Moves an image by up to ``most`` pixels each way; ``fill`` comes in at the edges.

    images: (..., height, width). Draws from the sample's generator unless it is given one.
    """

    def __init__(
        self, most: int, *, fill: Number = 0, generator: np.random.Generator | None = None
    ) -> None:
        if most < 0:
            raise ValueError(f"cannot move an image by up to {most} pixels; use 0 or more")
        self.most, self.fill, self.generator = most, fill, generator

    def __call__(self, image: Tensor) -> Tensor:
        """Return the image, moved; the one given stays as it is."""
        source = self.generator or sample_generator()
        down, right = source.integers(-self.most, self.most, 2, endpoint=True).tolist()
        height, width = image.shape[-2:]
        moved = full(image.shape, self.fill, image.dtype)
        to_rows, from_rows = _overlap(down, height)
        to_columns, from_columns = _overlap(right, width)
        moved[..., to_rows, to_columns] = image[..., from_rows, from_columns]
        return moved


def _overlap(shift: int, size: int) -> tuple[slice, slice]:
    """Return where the part that stays in view goes to, and where it comes from."""
    kept = max(size - abs(shift), 0)
    to, start = max(shift, 0), max(-shift, 0)
    return slice(to, to + kept), slice(start, start + kept)


class Compose:
    """Applies transforms to a sample, one after the other."""

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self.transforms = transforms

    def __call__(self, sample: Tensor) -> Tensor:
        """Return the sample, transformed."""
        for transform in self.transforms:
            sample = transform(sample)
        return sample


class TransformedDataset(Dataset):
    """A dataset whose samples pass through a transform: the first part of those that are tuples."""

    def __init__(self, dataset: Dataset, transform: Transform) -> None:
        self.dataset = dataset
        self.transform = transform

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Sample:
        sample = self.dataset[index]
        if isinstance(sample, tuple):
            return (self.transform(sample[0]), *sample[1:])
        return self.transform(sample)
