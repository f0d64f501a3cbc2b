"""The loader: a dataset as batches, in order, read ahead by workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from time import perf_counter
from typing import Any, Literal

import numpy as np

from tinytorch.data.collating import collate
from tinytorch.data.dataset import Dataset
from tinytorch.data.samplers import BatchSampler, RandomSampler, Sampler, SequentialSampler
from tinytorch.data.seeds import draw_seed
from tinytorch.data.workers import Event, Job, Reader, hire, prefetch, require_workers


class DataLoader:
    """The batches of a dataset. Each iteration over it is an epoch.

    An epoch begins by drawing its seed from the generator; order and random transforms follow
    from that alone, so it is the same for any number of workers. ``num_workers`` threads, or
    processes on request, keep ``prefetch_factor`` batches each in work or ready. Whoever leaves the
    loop early, by ``break``, an error or Ctrl-C, leaves no worker behind. What goes wrong in a
    worker arrives as a LoadingError that names the sample. What workers and caller did is added to
    ``timeline``, if that is given.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        sampler: Sampler | None = None,
        batch_sampler: Iterable[Sequence[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Sequence[Any]], Any] | None = None,
        drop_last: bool = False,
        prefetch_factor: int = 2,
        generator: np.random.Generator | None = None,
        worker: Literal["thread", "process"] = "thread",
        timeline: list[Event] | None = None,
    ) -> None:
        require_workers(num_workers, worker=worker)
        if prefetch_factor < 1:
            raise ValueError(f"cannot keep {prefetch_factor} batches in work; use 1 or more")
        if sampler is not None and shuffle:
            raise ValueError("a sampler decides the order; leave shuffle out")
        decided = batch_size != 1 or shuffle or sampler is not None or drop_last
        if batch_sampler is not None and decided:
            raise ValueError(
                "a batch_sampler decides everything; leave batch_size, shuffle, sampler and "
                "drop_last out"
            )
        if sampler is None:
            shuffled = RandomSampler(dataset, generator=generator)
            sampler = shuffled if shuffle else SequentialSampler(dataset)
        if batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last=drop_last)
        self.dataset, self.batch_sampler, self.collate_fn = dataset, batch_sampler, collate_fn
        self.num_workers, self.prefetch_factor = num_workers, prefetch_factor
        self.generator, self.worker, self.timeline = generator, worker, timeline

    def __len__(self) -> int:
        return len(self.batch_sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        reader = Reader(self.dataset, self.collate_fn or collate, draw_seed(self.generator))
        return self._epoch(reader, iter(self.batch_sampler))

    def _epoch(self, reader: Reader, batches: Iterator[Sequence[int]]) -> Iterator[Any]:
        jobs = (Job(number, indices) for number, indices in enumerate(batches))
        ahead = max(self.num_workers * self.prefetch_factor, 1)
        with closing(hire(reader, self.num_workers, worker=self.worker)) as crew:
            asked = perf_counter()
            for batch, read in prefetch(crew.submit, jobs, ahead=ahead):
                given = perf_counter()
                self._note(read, Event("caller", "wait", read.batch, asked, given))
                yield batch
                asked = perf_counter()
                self._note(Event("caller", "use", read.batch, given, asked))

    def _note(self, *events: Event) -> None:
        if self.timeline is not None:
            self.timeline.extend(events)
