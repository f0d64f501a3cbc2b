"""Workers: threads or processes that read batches while the caller computes."""

from __future__ import annotations

import multiprocessing
import pickle
import queue
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import cycle, islice
from multiprocessing import connection
from time import perf_counter
from typing import Any, Literal, NoReturn, Protocol, TypeVar

from tinytorch.data.dataset import Dataset
from tinytorch.data.seeds import reading

Item = TypeVar("Item")
Result = TypeVar("Result", covariant=True)

_PATIENCE = 5.0  # seconds that a process has to end before it is killed


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
    item is taken when its work begins. However it ends, by the last item, an error or being
    closed, it cancels what it began and did not hand over.
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

    def read(self, job: Job, who: str, is_stopped: Callable[[], bool]) -> tuple[Any, Event]:
        """Return a batch and when it was read. Raises LoadingError where that fails."""
        start = perf_counter()
        samples = []
        for index in job.indices:
            if is_stopped():
                raise LoadingError("the loader was closed", index, job.batch)
            samples.append(self._read_sample(index, job.batch, who))
        try:
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
        return self.reader.read(self.job, "caller", lambda: False)

    def cancel(self) -> None:
        pass


class ThreadCrew:
    """Threads of this process. Whoever is free takes the next batch."""

    def __init__(self, reader: Reader, count: int) -> None:
        self._reader = reader
        self._jobs: queue.SimpleQueue[tuple[Job, Future[Any]] | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        for number in range(count):
            who = f"worker {number}"
            thread = threading.Thread(target=self._work, args=[who], name=who, daemon=True)
            thread.start()
            self._threads.append(thread)

    def submit(self, job: Job) -> Future[tuple[Any, Event]]:
        """Hand the batch to the next free thread."""
        pending: Future[tuple[Any, Event]] = Future()
        self._jobs.put((job, pending))
        return pending

    def _work(self, who: str) -> None:
        for job, pending in iter(self._jobs.get, None):
            if self._closed.is_set() or not pending.set_running_or_notify_cancel():
                continue
            try:
                pending.set_result(self._reader.read(job, who, self._closed.is_set))
            except BaseException as error:  # noqa: BLE001 - it is raised where the caller waits
                pending.set_exception(error)
            del pending  # or the batch would stay in memory until the next one

    def close(self) -> None:
        """Stop each thread after the sample that it is reading."""
        self._closed.set()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()


class ProcessCrew:
    """Processes, each with a copy of the dataset. They take turns."""

    def __init__(self, reader: Reader, count: int) -> None:
        self._workers: list[_Worker] = []
        try:
            for number in range(count):
                self._workers.append(_Worker(reader, f"worker {number}"))
        except BaseException:
            self.close()
            raise
        self._turns = cycle(self._workers)

    def submit(self, job: Job) -> _Answer:
        """Hand the batch to the process whose turn it is."""
        worker = next(self._turns)
        worker.send(job)
        return _Answer(worker, job)

    def close(self) -> None:
        """End each process, whatever it is doing."""
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.end()


class _Worker:
    """One process and the line to it. Answers come in the order of the jobs."""

    def __init__(self, reader: Reader, who: str) -> None:
        self.who = who
        context = multiprocessing.get_context()
        self.line, theirs = context.Pipe()
        self.process = context.Process(
            target=work_for_parent, args=(theirs, reader, who), name=who, daemon=True
        )
        try:
            self.process.start()
        except (AttributeError, TypeError, pickle.PicklingError) as error:
            raise TypeError(
                f"this dataset cannot be sent to a process ({error}); define its class at the top "
                'of a file, or use worker="thread"'
            ) from error
        finally:
            theirs.close()

    def send(self, job: Job) -> None:
        try:
            self.line.send(job)
        except OSError:
            raise self.loss(job) from None

    def loss(self, job: Job) -> LoadingError:
        """Return the error that says that the process is gone."""
        self.process.join(_PATIENCE)
        return LoadingError(
            f"{self.who} ended with code {self.process.exitcode} before batch {job.batch} was "
            f"read (samples {list(job.indices)}); did it run out of memory?",
            None,
            job.batch,
        )

    def end(self) -> None:
        self.process.join(_PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()
        self.line.close()


@dataclass(frozen=True)
class _Answer:
    worker: _Worker
    job: Job

    def result(self) -> tuple[Any, Event]:
        connection.wait([self.worker.line, self.worker.process.sentinel])
        try:
            done, problem = pickle.loads(self.worker.line.recv_bytes())
        except (EOFError, OSError):
            raise self.worker.loss(self.job) from None
        if problem is not None:
            _raise_again(*problem)
        result: tuple[Any, Event] = done
        return result

    def cancel(self) -> None:
        pass  # the process ends with the crew


def _raise_again(error: Exception, cause: BaseException | None, place: str) -> NoReturn:
    """Raise what a process could not do, with the place in that process beside its cause."""
    (error if cause is None else cause).add_note(place)
    raise error from cause


def work_for_parent(line: Any, reader: Reader, who: str) -> None:
    """Answer the parent's jobs, until it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_send_each, args=(line, answers), daemon=True).start()
    while line in connection.wait([line, *([parent.sentinel] if parent else [])]):
        try:
            job = line.recv()
        except (EOFError, OSError):
            return
        answers.put(_answer(reader, job, who))


def _send_each(line: Any, answers: queue.SimpleQueue[bytes]) -> None:
    """Send answers as they come, so that reading goes on while the parent is busy."""
    try:
        for answer in iter(answers.get, None):
            line.send_bytes(answer)
    except OSError:
        return  # the parent is gone


def _answer(reader: Reader, job: Job, who: str) -> bytes:
    try:
        return pickle.dumps((reader.read(job, who, lambda: False), None))
    except LoadingError as error:
        cause = error.__cause__
        place = "".join(traceback.format_exception(cause or error))
        return pickle.dumps((None, (error, _sendable(cause), f"\nIn {who}:\n{place}")))
    except Exception as error:  # noqa: BLE001 - a batch that cannot be pickled
        said = f"batch {job.batch} cannot be sent by a process ({who}): {one_line(error)}"
        return pickle.dumps((None, (LoadingError(said, None, job.batch), None, "")))


def _sendable(error: BaseException | None) -> BaseException | None:
    """Return the error if it survives the way to another process, else one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - the class may be anybody's
        return RuntimeError(one_line(error)) if error else None
    return error


def hire(reader: Reader, count: int, *, worker: str) -> Crew:
    """Return the crew of so many workers of that kind: "thread" or "process"."""
    if count == 0:
        return NoCrew(reader)
    return ThreadCrew(reader, count) if worker == "thread" else ProcessCrew(reader, count)


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
