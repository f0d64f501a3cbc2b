"""Threads that read batches: they share the caller's memory, and its interpreter."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import CancelledError, Future
from typing import Any

from tinytorch.data.workers import Event, Job, Reader


class ThreadCrew:
    """Threads of this process. Whoever is free takes the next batch."""

    def __init__(self, reader: Reader, count: int) -> None:
        self._reader = reader
        self._jobs: queue.SimpleQueue[tuple[Job, Future[Any]] | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        try:
            for number in range(count):
                self._begin_work(f"worker {number}")
        except BaseException:
            self.close()
            raise

    def submit(self, job: Job) -> Future[tuple[Any, Event]]:
        """Hand the batch to the next free thread."""
        pending: Future[tuple[Any, Event]] = Future()
        self._jobs.put((job, pending))
        return pending

    def _begin_work(self, who: str) -> None:
        thread = threading.Thread(target=self._work, args=[who], name=who, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _work(self, who: str) -> None:
        for job, pending in iter(self._jobs.get, None):
            if pending.set_running_or_notify_cancel():
                try:
                    pending.set_result(self._reader.read(job, who, self._begin))
                except BaseException as error:  # noqa: BLE001 - raised where the caller waits
                    pending.set_exception(error)
            del pending  # or the batch would stay in memory until the next one

    def _begin(self, index: int) -> None:
        if self._closed.is_set():
            raise CancelledError(f"the loader was closed before sample {index}")

    def close(self) -> None:
        """Stop each thread after the sample that it is reading."""
        self._closed.set()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
