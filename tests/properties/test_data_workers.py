"""Workers read ahead, in order, say what went wrong, and are gone when nobody needs them."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

import tinytorch as tt

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20  # seconds until something that should happen counts as never happening

each_kind = pytest.mark.parametrize("kind", ["thread", "process"])
each_crew = pytest.mark.parametrize(
    ("kind", "workers"), [("thread", 1), ("thread", 3), ("process", 1), ("process", 2)]
)


class Samples(tt.Dataset):
    """Numbers with something random beside them; what happens on the way can be added."""

    def __init__(self, count=20, on_read=lambda index: None):
        self.count = count
        self.on_read = on_read

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.on_read(index)
        return index, tt.rand(2, generator=tt.sample_generator())


@pytest.fixture(autouse=True)
def nobody_is_left():
    """Fail a test that leaves a thread or a process behind."""
    threads, processes = set(threading.enumerate()), everyone_below()
    yield
    gc.collect()
    assert set(threading.enumerate()) <= threads
    assert multiprocessing.active_children() == []
    assert everyone_below() <= processes


def everyone_below():
    """Return the processes that this one and its children have started."""
    return set(psutil.Process().children(recursive=True))


def until(condition):
    """Wait until the condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def raise_at(place, error):
    """Return what raises the error when that sample is read."""

    def on_read(index):
        if index == place:
            raise error

    return on_read


# The same batches, whoever reads them


@each_crew
def test_order_and_chance_are_the_same_for_any_number_of_workers(kind, workers):
    epochs = []
    for number in (0, workers):
        loader = tt.DataLoader(
            Samples(),
            3,
            shuffle=True,
            num_workers=number,
            worker=kind,
            generator=np.random.default_rng(6),
        )
        epochs.append([[(x.tolist(), y.tolist()) for x, y in loader] for _ in range(2)])
    assert epochs[1] == epochs[0]
    assert epochs[0][0] != epochs[0][1]


@each_crew
def test_a_seed_of_the_library_repeats_an_epoch(kind, workers):
    found = []
    for _ in range(2):
        tt.manual_seed(11)
        loader = tt.DataLoader(Samples(), 4, shuffle=True, num_workers=workers, worker=kind)
        found.append([(x.tolist(), y.tolist()) for x, y in loader])
    assert found[0] == found[1]


@each_crew
def test_chance_in_making_a_batch_is_the_same_for_any_number_of_workers(kind, workers):
    def throw(samples):
        return tt.sample_generator().integers(2**40)

    epochs = [
        list(
            tt.DataLoader(
                Samples(),
                3,
                collate_fn=throw,
                num_workers=number,
                worker=kind,
                generator=np.random.default_rng(6),
            )
        )
        for number in (0, workers)
    ]
    assert epochs[1] == epochs[0]
    assert len(set(epochs[0])) == 7


def test_slow_samples_do_not_change_the_order():
    def on_read(index):
        time.sleep(0.02 if index % 4 == 0 else 0)

    loader = tt.DataLoader(Samples(12, on_read), 2, num_workers=3)
    assert [x.tolist() for x, _ in loader] == [[i, i + 1] for i in range(0, 12, 2)]


@pytest.mark.parametrize("start", ["spawn", "forkserver"])
def test_processes_may_start_from_nothing(monkeypatch, start):
    context = multiprocessing.get_context(start)
    monkeypatch.setattr(multiprocessing, "get_context", lambda: context)
    dataset = tt.TransformedDataset(
        tt.CachedDataset(tt.TensorDataset(tt.arange(36).reshape(4, 3, 3)), 1000),
        tt.Compose([tt.RandomShift(1), tt.Scale(0.5)]),
    )
    epochs = [
        [batch[0].tolist() for batch in loader]
        for workers in (0, 1)
        for loader in [
            tt.DataLoader(
                dataset,
                2,
                num_workers=workers,
                worker="process",
                generator=np.random.default_rng(1),
            )
        ]
    ]
    stop_forkserver()
    assert epochs[0] == epochs[1]


def stop_forkserver():
    """End what Python starts once to fork from and to track, and keeps."""
    from multiprocessing import forkserver, resource_tracker

    forkserver._forkserver._stop()
    resource_tracker._resource_tracker._stop()


def test_a_dataset_that_cannot_be_sent_says_so(monkeypatch):
    context = multiprocessing.get_context("spawn")
    monkeypatch.setattr(multiprocessing, "get_context", lambda: context)
    loader = tt.DataLoader(Samples(on_read=lambda index: None), 2, num_workers=1, worker="process")
    with pytest.raises(TypeError, match=r"cannot be sent to a process.*top"):
        next(iter(loader))
    stop_forkserver()


# Work and compute overlap


def test_the_next_batch_is_read_while_the_caller_holds_one():
    reading = threading.Event()
    loader = tt.DataLoader(
        Samples(4, lambda index: reading.set() if index == 3 else None), 2, num_workers=1
    )
    batches = iter(loader)
    next(batches)
    assert reading.wait(PATIENCE)  # nobody has asked for the second batch
    batches.close()


def test_two_workers_read_at_the_same_time():
    both = threading.Barrier(2, timeout=PATIENCE)
    loader = tt.DataLoader(Samples(8, lambda index: both.wait()), 1, num_workers=2)
    assert len(list(loader)) == 8


@each_kind
def test_the_timeline_shows_that_reading_overlaps_with_use(kind):
    events = []
    loader = tt.DataLoader(
        Samples(6, lambda index: time.sleep(0.03)),
        1,
        num_workers=2,
        worker=kind,
        timeline=events,
    )
    for _ in loader:
        time.sleep(0.03)
    reads = [event for event in events if event.what == "read"]
    uses = [event for event in events if event.what == "use"]
    assert [event.batch for event in reads] == [event.batch for event in uses] == list(range(6))
    assert {event.who for event in reads} == {"worker 0", "worker 1"}
    assert {event.who for event in uses} == {"caller"}
    assert all(event.start <= event.end for event in events)
    assert any(
        read.start < use.end and use.start < read.end and read.batch > use.batch
        for read in reads
        for use in uses
    )


def test_without_workers_nothing_overlaps():
    events = []
    for _ in tt.DataLoader(Samples(3), 1, timeline=events):
        pass
    kinds = [(event.who, event.what, event.batch) for event in events]
    assert kinds == [
        ("caller", what, batch) for batch in range(3) for what in ("read", "wait", "use")
    ]
    reads = [event for event in events if event.what == "read"]
    uses = [event for event in events if event.what == "use"]
    assert all(use.end <= read.start for use, read in zip(uses[:-1], reads[1:], strict=True))


@pytest.mark.parametrize("ahead", [1, 3])
def test_no_more_batches_are_read_than_were_asked_for(ahead):
    read = []
    loader = tt.DataLoader(Samples(40, read.append), 2, num_workers=2, prefetch_factor=ahead)
    batches = iter(loader)
    next(batches)
    most = 2 * (1 + 2 * ahead)  # the batch in hand, and those ahead of it
    until(lambda: len(read) == most)
    time.sleep(0.05)
    assert len(read) == most
    batches.close()


# What goes wrong arrives with its place


@each_crew
def test_an_error_names_its_sample_and_carries_its_cause(kind, workers):
    error = KeyError("no pixels")
    loader = tt.DataLoader(Samples(20, raise_at(13, error)), 4, num_workers=workers, worker=kind)
    arrived = []
    with pytest.raises(tt.data.LoadingError, match=r"sample 13 of batch 3 .*no pixels") as caught:
        arrived.extend(x.tolist() for x, _ in loader)
    assert arrived == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert (caught.value.index, caught.value.batch) == (13, 3)
    cause = caught.value.__cause__
    assert isinstance(cause, KeyError)
    frames = []
    trace = cause.__traceback__
    while trace:
        frames.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    place = "\n".join([*frames, *getattr(cause, "__notes__", [])])
    assert "on_read" in place  # the very function in the worker


class Unsendable(Exception):
    """Cannot be made again from its message alone."""

    def __init__(self, message, lock):
        super().__init__(message)
        self.lock = lock


def test_an_error_that_cannot_be_sent_is_told():
    error = Unsendable("torn page", threading.Lock())
    loader = tt.DataLoader(Samples(4, raise_at(2, error)), 2, num_workers=1, worker="process")
    with pytest.raises(tt.data.LoadingError, match="sample 2") as caught:
        list(loader)
    assert str(caught.value.__cause__) == "Unsendable: torn page"
    assert "on_read" in "".join(caught.value.__cause__.__notes__)


@each_crew
def test_a_batch_that_cannot_be_made_is_named(kind, workers):
    def refuse(samples):
        raise ValueError("these do not go together")

    loader = tt.DataLoader(Samples(), 2, num_workers=workers, worker=kind, collate_fn=refuse)
    with pytest.raises(tt.data.LoadingError, match=r"batch 0 cannot be made.*together") as caught:
        next(iter(loader))
    assert caught.value.index is None
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_batch_that_cannot_be_sent_is_named():
    loader = tt.DataLoader(
        Samples(), 2, num_workers=1, worker="process", collate_fn=lambda samples: threading.Lock()
    )
    with pytest.raises(tt.data.LoadingError, match="batch 0 cannot be sent"):
        next(iter(loader))


def test_a_process_that_dies_is_named_with_what_it_was_reading():
    loader = tt.DataLoader(
        Samples(8, lambda index: os._exit(3) if index == 5 else None),
        2,
        num_workers=2,
        worker="process",
    )
    with pytest.raises(tt.data.LoadingError, match=r"worker 0 ended with code 3.*sample 5") as lost:
        list(loader)
    assert lost.value.index == 5


def test_a_process_that_leaves_is_named_with_what_it_was_reading():
    loader = tt.DataLoader(
        Samples(8, raise_at(2, SystemExit(6))), 2, num_workers=1, worker="process"
    )
    with pytest.raises(tt.data.LoadingError, match=r"ended with code 6 while it read sample 2"):
        list(loader)


def test_a_process_may_die_with_the_first_sample():
    loader = tt.DataLoader(
        Samples(8, lambda index: os._exit(3)), 2, num_workers=1, worker="process"
    )
    with pytest.raises(tt.data.LoadingError, match="while it read sample 0; batch 0") as lost:
        list(loader)
    assert lost.value.index == 0


def test_a_process_that_dies_before_it_read_anything_says_so():
    loader = tt.DataLoader(
        Samples(),
        batch_sampler=[[]],
        collate_fn=lambda samples: os._exit(4),
        num_workers=1,
        worker="process",
    )
    with pytest.raises(tt.data.LoadingError, match="code 4 before it read anything") as lost:
        list(loader)
    assert lost.value.index is None


def test_a_process_that_is_gone_is_given_no_more_work():
    def order():
        yield from ([0], [1])
        until(lambda: not multiprocessing.active_children())
        yield [2]

    def on_read(index):
        if index == 1:
            time.sleep(0.1)  # so that the answer before has been sent
            os._exit(5)

    loader = tt.DataLoader(
        Samples(8, on_read), batch_sampler=order(), num_workers=1, worker="process"
    )
    with pytest.raises(tt.data.LoadingError, match="code 5 while it read sample 1; batch 2"):
        list(loader)


@each_kind
def test_a_worker_that_cannot_start_leaves_nobody(monkeypatch, kind):
    worker = {"thread": threading.Thread, "process": multiprocessing.process.BaseProcess}[kind]
    start = worker.start

    def start_two(one):
        if one.name == "worker 2":
            raise OSError("no more workers")
        start(one)

    monkeypatch.setattr(worker, "start", start_two)
    loader = tt.DataLoader(Samples(), 2, num_workers=3, worker=kind)
    with pytest.raises(OSError, match="no more workers"):
        next(iter(loader))


@each_kind
def test_an_order_that_fails_arrives_as_it_is(kind):
    def order():
        yield [0, 1]
        raise ConnectionError("no more numbers")

    loader = tt.DataLoader(Samples(), batch_sampler=order(), num_workers=2, worker=kind)
    with pytest.raises(ConnectionError, match="no more numbers"):
        list(loader)


# Nobody is left: the fixture looks after each test


@each_crew
def test_a_loop_left_early_leaves_nobody(kind, workers):
    for x, _ in tt.DataLoader(Samples(200), 1, num_workers=workers, worker=kind):
        if x.item() == 3:
            break


@each_crew
def test_an_error_in_the_loop_leaves_nobody(kind, workers):
    loader = tt.DataLoader(Samples(200), 1, num_workers=workers, worker=kind)
    with pytest.raises(ZeroDivisionError):
        print(sum(1 / (x.item() - 3) for x, _ in loader))


@each_crew
def test_an_iterator_that_is_dropped_leaves_nobody(kind, workers):
    batches = iter(tt.DataLoader(Samples(200), 1, num_workers=workers, worker=kind))
    next(batches)
    del batches


@each_crew
def test_an_iterator_that_nobody_uses_begins_nothing(kind, workers):
    batches = iter(tt.DataLoader(Samples(), 1, num_workers=workers, worker=kind))
    assert psutil.Process().children() == []
    del batches


def test_two_epochs_may_run_side_by_side():
    loader = tt.DataLoader(Samples(6), 2, num_workers=2)
    pairs = [(x[0].tolist(), y[0].tolist()) for x, y in zip(loader, loader, strict=True)]
    assert pairs == [([i, i + 1], [i, i + 1]) for i in range(0, 6, 2)]


def test_closing_waits_for_one_sample_and_no_more():
    read = []

    def on_read(index):
        read.append(index)
        if index > 0:
            time.sleep(0.1)

    batches = iter(tt.DataLoader(Samples(1000, on_read), 1, num_workers=1, prefetch_factor=8))
    next(batches)
    until(lambda: len(read) > 1)
    batches.close()
    assert len(read) <= 3


def test_closing_does_not_wait_for_a_process():
    slow = Samples(10, lambda index: time.sleep(0 if index == 0 else 3600))
    batches = iter(tt.DataLoader(slow, 1, num_workers=2, worker="process"))
    next(batches)
    started = time.monotonic()
    batches.close()
    assert time.monotonic() - started < 4  # a process that is not told to end has 5 seconds


def test_a_process_that_will_not_end_is_killed(monkeypatch):
    def on_read(index):
        if index > 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            stubborn.value = True
            time.sleep(3600)

    monkeypatch.setattr("tinytorch.data.processes._PATIENCE", 0.1)
    stubborn = multiprocessing.RawValue("b", False)
    batches = iter(tt.DataLoader(Samples(2, on_read), 1, num_workers=1, worker="process"))
    next(batches)
    until(lambda: stubborn.value)
    batches.close()


@each_kind
def test_workers_do_not_keep_a_program_from_ending(kind):
    threads = set(threading.enumerate())
    batches = iter(tt.DataLoader(Samples(), 1, num_workers=2, worker=kind))
    next(batches)
    workers = [*multiprocessing.active_children(), *(set(threading.enumerate()) - threads)]
    assert [worker.daemon for worker in workers] == [True, True]  # nobody waits for these
    batches.close()
    program = (
        "import tinytorch as tt\n"
        f"batches = iter(tt.DataLoader(tt.arange(99), 1, num_workers=2, worker={kind!r}))\n"
        "print(next(batches).item())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_batches_larger_than_a_pipe_do_not_stop_a_process():
    loader = tt.DataLoader(
        tt.TensorDataset(tt.zeros(8, 300_000)), 2, num_workers=2, worker="process"
    )
    assert [batch[0].shape for batch in loader] == [(2, 300_000)] * 4


PROGRAM = """
import sys, time
import tinytorch as tt

class Slow(tt.Dataset):
    def __len__(self):
        return 1000
    def __getitem__(self, index):
        if index > 3 and {waits!r} == "loader":
            time.sleep(1)
        return index

for batch in tt.DataLoader(Slow(), 1, num_workers=2, worker={kind!r}):
    if batch.item() == 3:
        print("ready", flush=True)
        if {waits!r} == "caller":
            time.sleep(60)
"""


@pytest.fixture
def program():
    """Return what starts a program with a loader, and says when it is in the loop."""
    started = []

    def start(**values):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(**values)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process, psutil.Process(process.pid).children(recursive=True)

    yield start
    for process in started:
        process.kill()
        process.communicate()


@each_kind
@pytest.mark.parametrize("waits", ["caller", "loader"])
def test_ctrl_c_ends_the_program_and_all_of_its_workers(program, kind, waits):
    process, workers = program(kind=kind, waits=waits)
    assert len(workers) == (2 if kind == "process" else 0)
    time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to everyone
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGINT
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert said.count("Traceback") == 1  # the workers keep silent
    until(lambda: not any(worker.is_running() for worker in workers))


def test_workers_end_when_their_parent_is_killed(program):
    process, workers = program(kind="process", waits="caller")
    assert len(workers) == 2
    process.kill()
    until(lambda: not any(is_alive(worker) for worker in workers))


def test_workers_end_with_their_parent_whatever_they_do():
    def on_read(index):
        if index == 1:
            is_stuck.value = True
            time.sleep(3600)

    def read():
        list(tt.DataLoader(Samples(2, on_read), 1, num_workers=2, worker="process"))

    is_stuck = multiprocessing.RawValue("b", False)
    parent = multiprocessing.get_context("fork").Process(target=read)
    parent.start()
    until(lambda: is_stuck.value)
    workers = psutil.Process(parent.pid).children()  # one is idle
    parent.kill()
    parent.join()
    try:
        until(lambda: not any(map(is_alive, workers)))
    finally:
        for worker in workers:
            with suppress(psutil.NoSuchProcess):
                worker.kill()


def is_alive(worker):
    """Return whether a process runs; one that only waits to be buried does not."""
    return worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE


# What cannot be


def test_in_the_browser_workers_are_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")
    tt.DataLoader(Samples(), 2, num_workers=0)
    with pytest.raises(RuntimeError, match=r"no threads.*num_workers=0"):
        tt.DataLoader(Samples(), 2, num_workers=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"num_workers": -1}, "-1 workers"),
        ({"worker": "robot"}, "'robot'"),
        ({"prefetch_factor": 0}, "0 batches"),
        ({"batch_size": 0}, "0 samples"),
        ({"sampler": [1, 2], "shuffle": True}, "leave shuffle out"),
        ({"batch_sampler": [[1], [2]], "drop_last": True}, "leave batch_size"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        tt.DataLoader(Samples(), **options)


def test_threads_that_share_a_cache_keep_its_books():
    cached = tt.CachedDataset(tt.TensorDataset(tt.zeros(50, 10)), 40 * 20)
    for _ in range(3):
        list(tt.DataLoader(cached, 5, shuffle=True, num_workers=4))
        cache = cached.cache
        assert cache.used_bytes == sum(cache.sizes.values()) <= 800
    assert cache.hits + cache.misses == 150
