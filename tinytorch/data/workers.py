"""Workers: those who read batches while the caller computes, and what they have in common."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import Any, Literal, Protocol, TypeVar

from tinytorch.data.dataset import Dataset
from tinytorch.data.seeds import mix, reading

Item = TypeVar("Item")
Result = TypeVar("Result", covariant=True)


class Pending(Protocol[Result]):
    """A result to come."""

    def result(self) -> Result:
        """Wait for the result and return it, or raise what went wrong."""
        ...

    def cancel(self) -> object:
        """Do not begin the work, if it has not begun."""
        ...


def prefetch(
    submit: Callable[[Item], Pending[Result]], items: Iterable[Item], *, ahead: int
) -> Iterator[Result]:
    """Yield the result of each item, in the order of the items, with work going on ahead.

    ``submit(item)`` begins the work and returns a pending result. While the caller uses a result,
    the ``ahead`` that come next are in work, and never more, so that no more lie in memory. An
    item is taken when its work begins, and nothing begins before the first result is asked for.
    However it ends, by the last item, an error or being closed, it cancels what it began and did
    not hand over, the result that it waits for included.
    Raises ValueError for ``ahead`` below 1.
    """
    if ahead < 1:
        raise ValueError(f"cannot fetch {ahead} results ahead; use 1 or more")
    remaining = iter(items)
    waiting: deque[Pending[Result]] = deque()
    try:
        waiting.extend(map(submit, islice(remaining, ahead)))
        while waiting:
            result = waiting[0].result()
            waiting.popleft()
            waiting.extend(map(submit, islice(remaining, 1)))
            yield result
    finally:
        for pending in waiting:
            pending.cancel()


@dataclass(frozen=True)
class Event:
    """What one worker, or the caller, did from one moment to another."""

    who: str
    """The name of the worker, or "caller"."""
    what: Literal["read", "wait", "use"]
    """A worker reads a batch; the caller waits for it, and then uses it."""
    batch: int
    """The number of the batch in its epoch."""
    start: float
    """When it began, in seconds of the machine's clock."""
    end: float
    """When it ended."""


class LoadingError(RuntimeError):
    """A batch could not be loaded; the cause is the error that stopped it."""

    def __init__(self, message: str, index: int | None, batch: int) -> None:
        super().__init__(message, index, batch)
        self.index = index
        """The sample that could not be read; None where the batch could not be made of them."""
        self.batch = batch
        """The number of the batch in its epoch."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Job:
    """A batch to be read."""

    batch: int
    indices: Sequence[int]


@dataclass(frozen=True)
class Reader:
    """What every worker needs to know to read a batch."""

    dataset: Dataset
    collate: Callable[[Sequence[Any]], Any]
    seed: int

    def read(self, job: Job, who: str, begin: Callable[[int], None]) -> tuple[Any, Event]:
        """Return a batch and when it was read. Raises LoadingError where that fails.

        Calls ``begin(index)`` before each sample.
        """
        start = perf_counter()
        samples = []
        for index in job.indices:
            begin(index)
            samples.append(self._read_sample(index, job.batch, who))
        try:
            with reading(mix(self.seed), job.batch):  # what is random there depends on the batch
                batch = self.collate(samples)
        except Exception as error:
            said = f"batch {job.batch} cannot be made of its samples ({who}): {one_line(error)}"
            raise LoadingError(said, None, job.batch) from error
        return batch, Event(who, "read", job.batch, start, perf_counter())

    def _read_sample(self, index: int, batch: int, who: str) -> Any:
        try:
            with reading(self.seed, index):
                return self.dataset[index]
        except Exception as error:
            said = f"sample {index} of batch {batch} cannot be read ({who}): {one_line(error)}"
            raise LoadingError(said, index, batch) from error


def one_line(error: BaseException) -> str:
    """Return the kind of an error and what it says."""
    return f"{type(error).__name__}: {error}"


class Crew(Protocol):
    """Those who read batches for a loader."""

    def submit(self, job: Job) -> Pending[tuple[Any, Event]]:
        """Begin to read a batch."""
        ...

    def close(self) -> None:
        """Stop, and come back when no worker is left."""
        ...


class NoCrew:
    """The caller itself, who reads a batch when it asks for it."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def submit(self, job: Job) -> _Errand:
        """Return what reads the batch when its result is asked for."""
        return _Errand(self.reader, job)

    def close(self) -> None:
        """Do nothing: nobody works."""


@dataclass(frozen=True)
class _Errand:
    reader: Reader
    job: Job

    def result(self) -> tuple[Any, Event]:
        return self.reader.read(self.job, "caller", lambda index: None)

    def cancel(self) -> None:
        pass


def hire(reader: Reader, count: int, *, worker: str) -> Crew:
    """Return the crew of so many workers of that kind: "thread" or "process"."""
    if not count:
        return NoCrew(reader)
    if worker == "thread":  # imported here, since Python in the browser has neither
        from tinytorch.data.threads import ThreadCrew

        return ThreadCrew(reader, count)
    from tinytorch.data.processes import ProcessCrew

    return ProcessCrew(reader, count)


def require_workers(count: int, *, worker: str) -> None:
    """Raise an error where there cannot be so many workers of that kind."""
    if worker not in ("thread", "process"):
        raise ValueError(f'a worker is a "thread" or a "process", not {worker!r}')
    if count < 0:
        raise ValueError(f"there cannot be {count} workers; use 0 or more")
    if count and sys.platform == "emscripten":
        raise RuntimeError(
            "Python in the browser has no threads and no processes; use num_workers=0 here, or "
            "run this on your own machine"
        )
