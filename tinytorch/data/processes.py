"""Processes that read batches: each has an interpreter and a copy of the dataset."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from multiprocessing import connection
from pickle import PicklingError, dumps, loads
from typing import Any, NoReturn

from tinytorch.data.workers import Event, Job, LoadingError, Reader, one_line

_PATIENCE = 5.0  # seconds that a process has to end before it is killed


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
        self.reading = context.RawValue("q", -1)  # the sample that it is at; seen from both sides
        self.process = context.Process(
            target=work_for_parent,
            args=(theirs, reader, who, self.reading),
            name=who,
            daemon=True,
        )
        try:
            self.process.start()
        except (AttributeError, TypeError, PicklingError) as error:
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
        index = None if self.reading.value < 0 else int(self.reading.value)
        place = "before it read anything" if index is None else f"while it read sample {index}"
        said = f"{self.who} ended with code {self.process.exitcode} {place}"
        return LoadingError(f"{said}; batch {job.batch} is lost", index, job.batch)

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
            done, problem = loads(self.worker.line.recv_bytes())
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


def work_for_parent(line: Any, reader: Reader, who: str, reading: Any) -> None:
    """Answer the parent's jobs, until it is gone. Write down which sample is being read."""

    def begin(index: int) -> None:
        reading.value = index

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threading.Thread(target=_send_each, args=(line, answers), daemon=True).start()
    with suppress(EOFError, OSError):  # the parent hung up
        for job in iter(line.recv, None):
            answers.put(_answer(reader, job, who, begin))


def _end_with_parent() -> None:
    """End this process when its parent is gone, whatever it is doing."""
    multiprocessing.parent_process().join()  # type: ignore[union-attr]
    os._exit(1)


def _send_each(line: Any, answers: queue.SimpleQueue[bytes]) -> None:
    """Send answers as they come, so that reading goes on while the parent is busy."""
    with suppress(OSError):  # the parent hung up
        for answer in iter(answers.get, None):
            line.send_bytes(answer)


def _answer(reader: Reader, job: Job, who: str, begin: Callable[[int], None]) -> bytes:
    try:
        return dumps((reader.read(job, who, begin), None))
    except LoadingError as error:
        cause = error.__cause__
        place = "".join(traceback.format_exception(cause))
        return dumps((None, (error, _sendable(cause), f"\nIn {who}:\n{place}")))
    except Exception as error:  # noqa: BLE001 - a batch that cannot be pickled
        said = f"batch {job.batch} cannot be sent by a process ({who}): {one_line(error)}"
        return dumps((None, (LoadingError(said, None, job.batch), None, "")))


def _sendable(error: BaseException | None) -> BaseException | None:
    """Return the error if it survives the way to another process, else one that says the same."""
    try:
        loads(dumps(error))
    except Exception:  # noqa: BLE001 - the class may be anybody's
        return RuntimeError(one_line(error)) if error else None
    return error
