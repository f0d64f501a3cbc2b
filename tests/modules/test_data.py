"""Data beyond the chapter's examples: many sizes, with NumPy or a count by hand as the oracle."""

import hashlib
import json
import math
import os
import pickle
import stat
import sys
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import expect, expect_error


def rng(seed=2026):
    """Return a generator that starts at the same place on every run."""
    return np.random.default_rng(seed)


# Step 1


@pytest.mark.step("data.split_lengths")
def test_parts_always_add_up_to_the_whole():
    source = rng(1)
    for count in range(0, 60, 3):
        weights = source.integers(1, 9, source.integers(1, 6)).tolist()
        parts = [weight / sum(weights) for weight in weights]
        expect(
            sum(tt.data.split_lengths(count, parts)),
            count,
            because=f"{count} samples in parts of {weights}: none is lost, none appears",
        )


@pytest.mark.step("data.split_lengths")
def test_lengths_are_those_of_exact_fractions():
    for count, tenths in product((1, 7, 10, 99, 1797, 5000), range(11)):
        shares = [Fraction(tenths, 10), Fraction(10 - tenths, 10)]
        exact = [math.floor(count * share) for share in shares]
        exact[0] += count - sum(exact)
        expect(
            tt.data.split_lengths(count, [tenths / 10, 1 - tenths / 10]),
            exact,
            because=f"{tenths} tenths of {count} samples, computed without rounding errors",
        )


@pytest.mark.step("data.split_lengths")
def test_lengths_are_whole_numbers_of_python():
    for parts in ([2, 1], [0.5, 0.5], [1.0]):
        lengths = tt.data.split_lengths(3, parts)
        expect([type(one) for one in lengths], [int] * len(parts), because="a length is an int")


@pytest.mark.step("data.split_lengths")
def test_a_part_of_less_than_nothing_is_refused():
    for parts in ([12, -2], [1.5, -0.5]):
        expect_error(
            lambda parts=parts: tt.data.split_lengths(10, parts),
            ValueError,
            str(min(parts)),
            because="the sum is right, but a part cannot be below 0; the message names it",
        )


@pytest.mark.step("data.split_lengths")
def test_rounding_errors_in_a_sum_of_fractions_are_forgiven():
    expect(
        tt.data.split_lengths(10, [0.1] * 10),
        [1] * 10,
        because="ten times 0.1 adds up to 0.9999999999999999, and is meant to be 1",
    )


# Step 2


@pytest.mark.step("data.shuffle_indices")
def test_orders_of_every_size_are_complete():
    for count in range(40):
        order = tt.data.shuffle_indices(count, rng(count))
        expect(sorted(order), list(range(count)), because=f"{count} indices, each of them once")


@pytest.mark.step("data.shuffle_indices")
def test_an_order_is_a_list_of_pythons_integers():
    order = tt.data.shuffle_indices(5, rng())
    expect(type(order), list, because="samplers and subsets keep the order, so it is a list")
    expect({type(one) for one in order}, {int}, because="an index is an int of Python")


@pytest.mark.step("data.shuffle_indices")
def test_every_index_is_as_likely_in_every_place():
    source, counts = rng(5), np.zeros((5, 5))
    for _ in range(2000):
        for place, index in enumerate(tt.data.shuffle_indices(5, source)):
            counts[place, index] += 1
    expect(
        bool((abs(counts - 400) < 90).all()),
        True,
        because="of 2000 shuffles, each index stands in each place about 400 times",
    )


@pytest.mark.step("data.shuffle_indices")
def test_no_chance_but_the_generators_is_used():
    tt.manual_seed(0)
    first = tt.data.shuffle_indices(30, rng(4))
    tt.manual_seed(1)
    expect(
        tt.data.shuffle_indices(30, rng(4)),
        first,
        because="the generator given decides alone, whatever the library's default one was",
    )


@pytest.mark.step("data.shuffle_indices")
def test_fewer_than_no_samples_cannot_be_shuffled():
    for count in (-1, -3):
        expect_error(
            lambda count=count: tt.data.shuffle_indices(count, rng()),
            ValueError,
            str(count),
            because="a count is 0 or more; the message names the one given",
        )


@pytest.mark.step("data.shuffle_indices")
def test_a_subset_shuffles_its_own_samples():
    part = tt.Subset(tt.TensorDataset(tt.arange(10) * 10), [7, 2, 5])
    loader = tt.DataLoader(part, 3, shuffle=True, generator=rng())
    (batch,) = loader
    expect(sorted(batch[0].tolist()), [20, 50, 70], because="a subset's indices are its places")


# Step 3


@pytest.mark.step("data.batch_indices")
def test_batches_of_every_size_are_slices():
    for count, size in product(range(12), range(1, 7)):
        order = rng(count).permutation(count).tolist()
        slices = [order[start : start + size] for start in range(0, count, size)]
        because = f"{count} indices in batches of {size}"
        expect(list(tt.data.batch_indices(order, size)), slices, because=because)
        full = [one for one in slices if len(one) == size]
        found = list(tt.data.batch_indices(order, size, drop_last=True))
        expect(found, full, because=f"{because}, only the full ones")


@pytest.mark.step("data.batch_indices")
def test_indices_may_come_from_anything_that_yields():
    for indices in (
        range(5),
        (number for number in range(5)),
        tuple(range(5)),
        dict.fromkeys("ab"),
    ):
        items = list(indices) if not hasattr(indices, "send") else list(range(5))
        expect(
            [one for batch in tt.data.batch_indices(indices, 2) for one in batch],
            items,
            because="an order is whatever can be gone through, once",
        )


@pytest.mark.step("data.batch_indices")
def test_a_batch_handed_out_is_not_changed_later():
    batches = list(tt.data.batch_indices(range(6), 2))
    expect(
        batches,
        [[0, 1], [2, 3], [4, 5]],
        because="each batch is a list of its own, not one list filled again and again",
    )


@pytest.mark.step("data.batch_indices")
def test_a_negative_batch_size_is_refused():
    expect_error(
        lambda: list(tt.data.batch_indices(range(3), -2)),
        ValueError,
        "-2",
        because="a size is 1 or more; the message names the one given",
    )


@pytest.mark.step("data.batch_indices")
def test_a_loader_knows_how_many_batches_come():
    for count, size, drop_last in product((0, 1, 3, 5, 6), (1, 2, 6, 7), (False, True)):
        loader = tt.DataLoader(tt.TensorDataset(tt.zeros(count)), size, drop_last=drop_last)
        expect(
            sum(1 for _ in loader),
            len(loader),
            because=f"{count} samples in batches of {size}, drop_last={drop_last}",
        )


# Step 4


@pytest.mark.step("data.collate")
def test_stacking_agrees_with_numpy_for_every_shape_and_dtype():
    source = rng(6)
    for ndim, dtype in product(range(4), (np.uint8, np.int64, np.float32, np.float64, np.bool_)):
        shape = source.integers(0, 4, ndim)
        arrays = [source.integers(0, 2, shape).astype(dtype) for _ in range(3)]
        expect(
            tt.data.collate([tt.from_numpy(np.asarray(array)) for array in arrays]),
            tt.from_numpy(np.stack(arrays)),
            because=f"three samples of shape {tuple(shape)} are stacked along a new first dim",
        )


@pytest.mark.step("data.collate")
def test_a_batch_shares_no_memory_with_its_samples():
    samples = [tt.zeros(3), tt.zeros(3)]
    batch = tt.data.collate(samples)
    batch[0] = 1.0
    expect(samples[0], tt.zeros(3), because="to write into a batch must not change the dataset")


@pytest.mark.step("data.collate")
def test_arrays_and_numpys_numbers_count_as_tensors():
    expect(
        tt.data.collate([np.ones(2), np.zeros(2)]),
        tt.from_numpy(np.array([[1.0, 1.0], [0.0, 0.0]])),
        because="an array keeps its dtype, float64",
    )
    expect(
        tt.data.collate([np.int32(4), np.int32(5)]),
        tt.from_numpy(np.array([4, 5], np.int32)),
        because="so does one of NumPy's numbers",
    )


@pytest.mark.step("data.collate")
def test_truths_stay_truths():
    expect(tt.data.collate([True, False]), tt.tensor([True, False]), because="a bool is no integer")


@pytest.mark.step("data.collate")
def test_a_batch_of_one_still_has_the_new_dim():
    expect(tt.data.collate([tt.ones(2, 3)]).shape, (1, 2, 3), because="a batch of one is a batch")
    expect(tt.data.collate([(5, "x")]), (tt.tensor([5]), ["x"]), because="of tuples as well")


@pytest.mark.step("data.collate")
def test_samples_of_different_kinds_are_refused():
    for samples in ([tt.zeros(1), 1.0], [1, "1"], [(1,), [1]], [{"a": 1}, (1,)]):
        expect_error(
            lambda samples=samples: tt.data.collate(samples),
            TypeError,
            "sample 1",
            because="two kinds make no batch; the message says which sample is the odd one",
        )
    expect_error(
        lambda: tt.data.collate([1, "1", "2"]),
        TypeError,
        "sample 1 is text",
        "sample 0 is a number",
        because="the message says what it is, and what it should have been",
    )


@pytest.mark.step("data.collate")
def test_dicts_with_different_keys_are_refused():
    expect_error(
        lambda: tt.data.collate([{"a": 1}, {"b": 1}]),
        ValueError,
        "sample 1",
        because="the keys do not match; the message says which sample differs",
    )


@pytest.mark.step("data.collate")
def test_what_no_batch_can_be_made_of_is_refused():
    expect_error(
        lambda: tt.data.collate([object(), object()]),
        TypeError,
        "object",
        "collate_fn",
        because="the message names the type, and the way out",
    )


# Step 5


def moments(array):
    """Return the moments of an array's rows, from their definition."""
    mean = array.mean(0)
    spread = ((array - mean) ** 2).sum(0)
    return tt.data.Moments(len(array), tt.tensor(mean), tt.tensor(spread))


@pytest.mark.step("data.merge_moments")
def test_moments_of_parts_are_those_of_the_whole():
    source = rng(9)
    for first, second in product((1, 2, 5, 40), repeat=2):
        array = source.normal(3, 2, first + second)
        found = tt.data.merge_moments(moments(array[:first]), moments(array[first:]))
        because = f"NumPy computes them from all {first + second} values at once"
        expect(found.mean.item(), array.mean(), within=1e-12, because=because)
        expect(found.variance.item(), array.var(), within=1e-12, because=because)


@pytest.mark.step("data.merge_moments")
def test_channels_are_merged_each_for_itself():
    array = rng(10).normal([0, 5, -3], [1, 2, 9], (50, 3))
    found = tt.data.merge_moments(moments(array[:20]), moments(array[20:]))
    expect(found.mean.numpy(), array.mean(0), within=1e-12, because="three channels, three means")
    expect(found.std.numpy(), array.std(0), within=1e-12, because="and three deviations")


@pytest.mark.step("data.merge_moments")
def test_a_small_spread_around_a_large_mean_survives():
    array = 1e9 + np.array([1.0, 2.0, 3.0, 4.0])
    found = tt.data.merge_moments(moments(array[:2]), moments(array[2:]))
    expect(
        found.variance.item(),
        1.25,
        within=1e-6,
        because="the variance of 1, 2, 3, 4 is 1.25, wherever they lie; a mean of squares less the "
        "square of the mean loses all of its digits here",
    )


@pytest.mark.step("data.merge_moments")
def test_the_order_of_the_parts_does_not_matter():
    array = rng(11).normal(size=30)
    parts = [moments(part) for part in np.split(array, [3, 4, 20])]
    for order in ([0, 1, 2, 3], [3, 1, 0, 2], [2, 3, 1, 0]):
        total = parts[order[0]]
        for place in order[1:]:
            total = tt.data.merge_moments(total, parts[place])
        expect(total.variance.item(), array.var(), within=1e-12, because="a sum has no order")


@pytest.mark.step("data.merge_moments")
def test_what_is_merged_stays_as_it_was():
    first, second = moments(np.array([1.0, 2.0])), moments(np.array([3.0, 5.0]))
    tt.data.merge_moments(first, second)
    expect(
        (first.mean.item(), first.spread.item(), second.mean.item(), second.spread.item()),
        (1.5, 0.5, 4.0, 2.0),
        because="the moments of a part are still needed: they are not written into",
    )


@pytest.mark.step("data.merge_moments")
def test_normalised_data_has_mean_zero_and_deviation_one():
    images = tt.from_numpy(rng(12).normal([10, -4], [2, 30], (40, 6, 2)))
    found = tt.measure_moments([images[:7], images[7:]], channel_dim=-1)
    normal = tt.Normalize(found.mean, found.std)(images)
    expect(normal.mean((0, 1)).numpy(), np.zeros(2), within=1e-10, because="the mean is taken away")
    expect(
        normal.std((0, 1), correction=0).numpy(),
        np.ones(2),
        within=1e-10,
        because="what is left is divided by its deviation",
    )


# Step 6


def splitmix(state):
    """Return SplitMix64 of a state, by NumPy's integers, which wrap around by themselves."""
    with np.errstate(over="ignore"):
        bits = np.uint64(state) + np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return bits ^ (bits >> np.uint64(31))


@pytest.mark.step("data.sample_seed")
def test_seeds_are_those_of_64_bit_arithmetic():
    source = rng(13)
    for seed, index in source.integers(0, 2**40, (50, 2)).tolist():
        with np.errstate(over="ignore"):
            expected = int(splitmix(splitmix(seed) + np.uint64(index)))
        expect(
            tt.data.sample_seed(seed, index),
            expected,
            because=f"seed {seed} and index {index}, mixed by NumPy's 64-bit integers",
        )


@pytest.mark.step("data.sample_seed")
def test_seeds_are_whole_numbers_of_64_bits():
    seeds = [tt.data.sample_seed(2**63 - 1, index) for index in range(200)]
    expect({type(seed) for seed in seeds}, {int}, because="a seed is an int of Python")
    expect(
        all(0 <= seed < 2**64 for seed in seeds),
        True,
        because="a generator is seeded with 64 bits, whatever the epoch's seed was",
    )


@pytest.mark.step("data.sample_seed")
def test_one_bit_of_the_index_turns_half_of_the_seed():
    turned = [
        (tt.data.sample_seed(1, 2 * index) ^ tt.data.sample_seed(1, 2 * index + 1)).bit_count()
        for index in range(200)
    ]
    expect(
        28 < sum(turned) / 200 < 36,
        True,
        because="seeds of neighbours differ in about 32 of 64 bits, as if they were strangers",
    )


class Thrown(tt.Dataset):
    """A sample is what the generator of the moment throws."""

    def __len__(self):
        return 9

    def __getitem__(self, index):
        return int(tt.sample_generator().integers(2**40))


@pytest.mark.step("data.sample_seed")
def test_an_epochs_seed_is_the_generators_next_number_of_63_bits():
    source, generator = rng(8), rng(8)
    for _ in range(2):
        epoch = int(source.integers(2**63))
        seeds = [tt.data.sample_seed(epoch, index) for index in range(9)]
        expect(
            [one for batch in tt.DataLoader(Thrown(), 4, generator=generator) for one in batch],
            [tt.tensor(int(np.random.default_rng(seed).integers(2**40))) for seed in seeds],
            because="epoch and index make the seed that a sample's generator starts at",
        )


@pytest.mark.step("data.sample_seed")
def test_an_order_may_be_an_array_of_numpy():
    orders = [3, 1, 0, 2], np.array([3, 1, 0, 2]), np.array([3, 1, 0, 2], np.uint8)
    first, *others = (
        [batch.tolist() for batch in tt.DataLoader(Thrown(), 2, sampler=order, generator=rng(3))]
        for order in orders
    )
    expect(others, [first, first], because="an index is the same number, in Python and in NumPy")


@pytest.mark.step("data.sample_seed")
def test_what_is_random_in_making_a_batch_depends_on_the_batch_alone():
    def throw(samples):
        return int(tt.sample_generator().integers(2**40))

    epochs = []
    for seed in (1, 1, 2):
        tt.manual_seed(len(epochs))
        loader = tt.DataLoader(tt.arange(6), 2, collate_fn=throw, generator=rng(seed))
        epochs.append(list(loader))
    expect(epochs[1], epochs[0], because="the epoch's seed is the same, and nothing else counts")
    expect(len({*epochs[0], *epochs[2]}), 6, because="each batch of each epoch throws for itself")
    singles = tt.DataLoader(Thrown(), generator=rng(1))
    samples = [batch.item() for batch in singles]
    expect(set(samples) & set(epochs[0]), set(), because="a batch is not one of the samples")


class Shifted(tt.Dataset):
    def __init__(self):
        self.shift = tt.RandomShift(2)

    def __len__(self):
        return 30

    def __getitem__(self, index):
        return self.shift(tt.arange(36).reshape(6, 6))


@pytest.mark.step("data.sample_seed")
def test_a_random_transform_does_not_depend_on_the_order_of_reading():
    sets = []
    for order in (list(range(30)), list(reversed(range(30)))):
        loader = tt.DataLoader(Shifted(), 4, sampler=order, generator=rng(2))
        images = [image for batch in loader for image in batch.tolist()]
        sets.append(dict(zip(order, images, strict=True)))
    expect(sets[1], sets[0], because="a sample's seed is made of its index, not of its place")
    expect(
        len({str(image) for image in sets[0].values()}) > 5,
        True,
        because="30 samples are shifted in many ways",
    )


# Step 7


class Interrupt(BaseException):
    """What Ctrl-C raises, without stopping the checks themselves."""


class Office:
    """Counts the work that is going on."""

    def __init__(self, fails=()):
        self.open, self.begun, self.most, self.fails = set(), [], 0, fails

    def submit(self, item):
        self.open.add(item)
        self.begun.append(item)
        self.most = max(self.most, len(self.open))
        return Errand(self, item)


class Errand:
    def __init__(self, office, item):
        self.office, self.item = office, item

    def result(self):
        if self.item in self.office.fails:
            raise Interrupt
        self.office.open.discard(self.item)
        return self.item * self.item

    def cancel(self):
        self.office.open.discard(self.item)


@pytest.mark.step("data.prefetch")
def test_results_are_complete_and_in_order_however_far_ahead():
    for count, ahead in product((0, 1, 2, 7, 20), (1, 2, 3, 30)):
        office = Office()
        found = list(tt.data.prefetch(office.submit, range(count), ahead=ahead))
        because = f"{count} items, {ahead} ahead"
        expect(found, [item * item for item in range(count)], because=because)
        expect(office.begun, list(range(count)), because=f"{because}: each begins once, in order")


@pytest.mark.step("data.prefetch")
def test_there_is_never_more_in_work_than_was_asked_for():
    for ahead in (1, 2, 5):
        office = Office()
        for _ in tt.data.prefetch(office.submit, range(12), ahead=ahead):
            pass
        expect(office.most, ahead, because=f"results wait in memory: {ahead} at most, and no fewer")


@pytest.mark.step("data.prefetch")
def test_items_are_taken_only_when_their_work_begins():
    items = iter(range(100))
    results = tt.data.prefetch(Office().submit, items, ahead=3)
    next(results)
    expect(next(items), 4, because="one result was handed over and three are in work: items 0 to 3")


@pytest.mark.step("data.prefetch")
def test_nothing_begins_before_the_first_result_is_asked_for():
    office = Office()
    results = tt.data.prefetch(office.submit, range(5), ahead=2)
    expect(office.begun, [], because="who never asks leaves nothing behind")
    results.close()
    expect(office.begun, [], because="and closing begins nothing either")


@pytest.mark.step("data.prefetch")
def test_an_interrupt_while_waiting_cancels_what_was_waited_for():
    office = Office(fails={2})
    results = tt.data.prefetch(office.submit, range(10), ahead=3)
    next(results), next(results)
    with suppress(Interrupt):
        next(results)
    expect(
        office.open,
        set(),
        because="Ctrl-C can come while the caller waits for item 2: it is cancelled like the rest",
    )


@pytest.mark.step("data.prefetch")
def test_items_that_fail_to_come_cancel_what_was_begun():
    def items():
        yield from range(3)
        raise ConnectionError("the list of items ends here")

    office = Office()
    expect_error(
        lambda: list(tt.data.prefetch(office.submit, items(), ahead=2)),
        ConnectionError,
        "the list of items ends here",
        because="an order that cannot be read is the caller's to know",
    )
    expect(office.open, set(), because="what was begun until then is cancelled")


@pytest.mark.step("data.prefetch")
def test_a_loader_without_workers_reads_a_batch_when_it_is_asked_for():
    read = []

    class Recorded(tt.Dataset):
        def __len__(self):
            return 10

        def __getitem__(self, index):
            read.append(index)
            return index

    order = iter([[0, 1], [2, 3], [4, 5], [6, 7]])
    batches = iter(tt.DataLoader(Recorded(), batch_sampler=order))
    expect(next(batches), tt.tensor([0, 1]), because="the first batch holds the first two")
    expect(read, [0, 1], because="nobody works ahead, so nothing else was read")
    expect(next(order), [4, 5], because="of the order, one batch ahead was looked at")


class Staff:
    """Workers that need no threads: they read a batch when it is waited for."""

    def __init__(self, reader):
        self.reader, self.begun, self.is_gone = tt.data.workers.NoCrew(reader), [], False

    def submit(self, job):
        self.begun.append(job.batch)
        return self.reader.submit(job)

    def close(self):
        self.is_gone = True


@pytest.fixture
def hired(monkeypatch):
    """Return what every loader hires, so that no worker is needed to look after them."""
    calls = []

    def hire(reader, count, *, worker):
        calls.append((Staff(reader), count, worker))
        return calls[-1][0]

    monkeypatch.setattr(tt.data.loader, "hire", hire)
    return calls


@pytest.mark.step("data.prefetch")
def test_each_worker_has_its_share_of_batches_ahead(hired):
    for workers, options, ahead in (
        (1, {}, 2),
        (3, {}, 6),
        (2, {"prefetch_factor": 3}, 6),
        (3, {"prefetch_factor": 2}, 6),
        (4, {"prefetch_factor": 1}, 4),
    ):
        loader = tt.DataLoader(tt.arange(40), 2, **options)
        loader.num_workers = workers
        batches = iter(loader)
        next(batches)
        staff, count, worker = hired[-1]
        expect((count, worker), (workers, "thread"), because="workers are threads, unless asked")
        expect(
            staff.begun,
            list(range(1 + ahead)),
            because=f"one batch was handed over; {workers} workers keep {ahead} ahead of it",
        )
        batches.close()
        expect(staff.is_gone, True, because="who leaves the loop early sends the workers home")


def test_workers_are_hired_by_their_kind(monkeypatch):
    for kind, file, name in (
        ("thread", "threads", "ThreadCrew"),
        ("process", "processes", "ProcessCrew"),
    ):
        crew = SimpleNamespace(**{name: lambda reader, count, kind=kind: (kind, reader, count)})
        monkeypatch.setitem(sys.modules, f"{tt.data.__name__}.{file}", crew)
    for kind in ("thread", "process"):
        expect(
            tt.data.workers.hire("a reader", 3, worker=kind),
            (kind, "a reader", 3),
            because=f"three of worker={kind!r} were asked for",
        )
    nobody = tt.data.workers.hire("a reader", 0, worker="process")
    expect(type(nobody), tt.data.workers.NoCrew, because="with 0 workers the caller reads itself")


def test_where_there_are_no_threads_workers_are_refused(monkeypatch):
    data = tt.arange(4)
    for platform in ("aix", "linux", "win32"):
        monkeypatch.setattr(sys, "platform", platform)
        loader = tt.DataLoader(data, 2, num_workers=1)
        expect(loader.num_workers, 1, because=f"{platform} has threads and processes")
    monkeypatch.setattr(sys, "platform", "emscripten")
    expect_error(
        lambda: tt.DataLoader(data, 2, num_workers=1),
        RuntimeError,
        "no threads",
        "num_workers=0",
        because="Python in the browser has neither; the message says what to do instead",
    )
    expect(len(tt.DataLoader(data, 2)), 2, because="without workers a loader works everywhere")


@pytest.mark.step("data.prefetch")
def test_a_timeline_says_who_did_what_and_when():
    events = []
    for _ in tt.DataLoader(tt.arange(4), 2, timeline=events):
        pass
    expect(
        [(event.who, event.what, event.batch) for event in events],
        [("caller", what, batch) for batch in (0, 1) for what in ("read", "wait", "use")],
        because="without workers the caller reads, has waited meanwhile, and then uses the batch",
    )
    times = [(event.start, event.end) for event in events]
    expect(all(start <= end for start, end in times), True, because="an end is after its start")
    expect(times[2][0], times[1][1], because="the use of a batch begins when the wait for it ends")
    expect(times[4][0], times[2][1], because="the next wait begins when the use ends")


@pytest.mark.step("data.prefetch")
def test_a_sample_that_cannot_be_read_is_named_with_its_cause():
    class Broken(tt.Dataset):
        def __len__(self):
            return 10

        def __getitem__(self, index):
            return index // (index - 7)

    expect_error(
        lambda: list(tt.DataLoader(Broken(), 2)),
        tt.data.LoadingError,
        "sample 7",
        "batch 3",
        "ZeroDivisionError",
        because="of many samples one fails; the message says which, where and why",
    )


# Step 8


def follow(trace, *, sizes, budget, policy):
    """Return the hits, and what is held at the end, by the plainest cache there is: a list."""
    held, hits = [], 0
    for index in trace:
        if index in held:
            hits += 1
            if policy == "lru":
                held.remove(index)
                held.append(index)
        elif sizes[index] <= budget:
            while sum(sizes[one] for one in held) + sizes[index] > budget:
                held.pop(0)
            held.append(index)
    return hits, held


class Sized(tt.Dataset):
    def __init__(self, sizes):
        self.sizes = sizes

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, index):
        return tt.zeros(self.sizes[index], dtype=tt.uint8)


@pytest.mark.step("data.remember")
def test_a_cache_agrees_with_a_plain_list_on_random_traces():
    source = rng(14)
    for policy, budget in product(("lru", "fifo"), (0, 15, 40, 100)):
        sizes = source.integers(1, 20, 12).tolist()
        trace = source.integers(0, 12, 150).tolist()
        cached = tt.CachedDataset(Sized(sizes), budget, policy)
        for index in trace:
            cached[index]
        hits, held = follow(trace, sizes=sizes, budget=budget, policy=policy)
        because = f"{policy} with {budget} bytes, samples of {sizes} bytes"
        expect(list(cached.cache.samples), held, because=f"{because}: what is held, oldest first")
        expect(cached.cache.hits, hits, because=f"{because}: how often a read was saved")


@pytest.mark.step("data.remember")
def test_the_books_of_a_cache_always_balance():
    source = rng(15)
    for policy in ("lru", "fifo", "random", "none"):
        sizes = source.integers(1, 30, 20).tolist()
        cache = tt.data.Cache(64, policy, generator=rng(1))
        for index in source.integers(0, 20, 200).tolist():
            tt.data.remember(cache, index, tt.zeros(sizes[index], dtype=tt.uint8))
            total = sum(one.nbytes for one in cache.samples.values())
            expect(
                cache.used_bytes, total, because=f"{policy}: used_bytes is what the samples fill"
            )
            expect(total <= 64, True, because=f"{policy}: never more than the budget of 64 bytes")
        expect(set(cache.sizes), set(cache.samples), because=f"{policy}: a size for each sample")


@pytest.mark.step("data.remember")
def test_pairs_count_with_all_of_their_parts():
    cache = tt.data.Cache(100)
    tt.data.remember(cache, 0, (tt.zeros(10), tt.zeros(1, dtype=tt.int64)))
    expect(cache.used_bytes, 48, because="10 float32 are 40 bytes, one int64 is 8")


@pytest.mark.step("data.remember")
def test_no_more_is_forgotten_than_is_needed():
    cache = tt.data.Cache(100, "fifo")
    for index, size in enumerate((10, 60, 30)):
        tt.data.remember(cache, index, tt.zeros(size, dtype=tt.uint8))
    tt.data.remember(cache, 3, tt.zeros(50, dtype=tt.uint8))
    expect(
        sorted(cache.samples),
        [2, 3],
        because="10 bytes were not enough, 70 were; sample 2 could stay",
    )


@pytest.mark.step("data.remember")
def test_a_budget_of_nothing_keeps_nothing():
    cache = tt.data.Cache(0)
    tt.data.remember(cache, 0, tt.zeros(1))
    expect(cache.samples, OrderedDict(), because="4 bytes are more than 0")


# Step 9


@pytest.mark.step("data.locate")
def test_every_sample_is_found_by_counting():
    source = rng(16)
    for _ in range(25):
        counts = source.integers(0, 5, source.integers(1, 7)).tolist()
        places = [(shard, place) for shard, size in enumerate(counts) for place in range(size)]
        ends = np.cumsum(counts).tolist()
        found = [tt.data.locate(index, ends) for index in range(len(places))]
        expect(found, places, because=f"shards of {counts} samples, counted one by one")
        back = [tt.data.locate(index, ends) for index in range(-len(places), 0)]
        expect(back, places, because=f"shards of {counts} samples, counted from the end")


@pytest.mark.step("data.locate")
def test_the_place_is_made_of_whole_numbers():
    found = tt.data.locate(np.int64(4), [3, 6])
    expect(found, (1, 1), because="an index may be one of NumPy's integers")
    expect([type(one) for one in found], [int, int], because="a place is two ints of Python")


@pytest.mark.step("data.locate")
def test_a_fraction_is_no_index():
    expect_error(lambda: tt.data.locate(1.0, [3, 6]), TypeError, because="an index is an integer")


class Totals(Sequence):
    """The totals 1 to 100,000, which count how often they are looked at."""

    looks = 0

    def __len__(self):
        return 100_000

    def __getitem__(self, index):
        self.looks += 1
        return range(1, 100_001)[index]


@pytest.mark.step("data.locate")
def test_many_shards_are_not_searched_one_by_one():
    ends = Totals()
    expect(tt.data.locate(99_998, ends), (99_998, 0), because="each shard holds one sample")
    expect(
        ends.looks < 50,
        True,
        because="totals only grow, so halving finds the place in 17 looks; walking takes 100000",
    )


@pytest.mark.step("data.locate")
def test_shards_of_any_size_give_back_what_was_written(tmp_path):
    values = tt.from_numpy(rng(17).normal(size=(11, 2, 3)))
    for size in (1, 4, 11, 50):
        folder = tt.write_shards(
            tt.TensorDataset(values), tmp_path / str(size), samples_per_shard=size
        )
        found = tt.ShardedDataset(folder, budget_bytes=4096)
        expect(
            np.stack([sample[0].numpy() for sample in found]),
            values.numpy(),
            because=f"eleven samples in shards of {size} come back bit by bit",
        )


# What comes with the steps


def test_an_index_of_a_dataset_is_in_its_range():
    dataset = tt.TensorDataset(tt.arange(3), tt.arange(3) * 2)
    found = [dataset[index][1].item() for index in (-3, -2, -1, 0, 1, 2)]
    expect(found, [0, 2, 4, 0, 2, 4], because="an index below 0 counts from the end")
    for index in (3, 4, 9, -4, -9):
        expect_error(
            lambda index=index: dataset[index], IndexError, str(index), because="there are three"
        )
    expect_error(
        lambda: tt.TensorDataset(tt.zeros(2), tt.zeros(3)),
        ValueError,
        "[2, 3]",
        because="the third row of one tensor has no partner",
    )


@pytest.mark.step("data.shuffle_indices")
def test_without_a_generator_the_librarys_own_decides():
    orders = []
    for _ in range(2):
        tt.manual_seed(3)
        split = tt.random_split(range(9), [4, 5])
        orders.append([list(tt.RandomSampler(range(9))), [part.indices for part in split]])
    expect(orders[1], orders[0], because="manual_seed makes them repeat")
    given, source = tt.RandomSampler(range(9), generator=rng(1)), rng(1)
    expect(list(given), tt.data.shuffle_indices(9, source), because="one that is given decides")


@pytest.mark.step("data.batch_indices")
def test_a_batch_sampler_keeps_the_last_batch_unless_told_otherwise():
    sampler = tt.BatchSampler(tt.SequentialSampler(range(5)), 2)
    expect(list(sampler), [[0, 1], [2, 3], [4]], because="nothing said to drop it")
    expect(len(sampler), 3, because="two full ones and a rest")
    expect_error(lambda: tt.BatchSampler([1], 0), ValueError, "0", because="0 holds nothing")


@pytest.mark.step("data.batch_indices")
def test_a_loader_without_a_size_hands_out_single_samples():
    batches = [batch[0].tolist() for batch in tt.DataLoader(tt.TensorDataset(tt.arange(3)))]
    expect(batches, [[0], [1], [2]], because="the size is 1 unless one is given")
    order = tt.DataLoader(tt.TensorDataset(tt.arange(4)), batch_sampler=[[3, 1], [2]])
    expect([batch[0].tolist() for batch in order], [[3, 1], [2]], because="a batch_sampler decides")


@pytest.mark.step("data.batch_indices")
def test_a_batch_sampler_stands_alone():
    data, batches = tt.TensorDataset(tt.arange(4)), [[3, 1], [2]]
    pairs = [batch[0].tolist() for batch in tt.DataLoader(data, batch_size=2)]
    expect(pairs, [[0, 1], [2, 3]], because="without a batch_sampler, batch_size decides")
    for options in ({"batch_size": 2}, {"batch_size": 0}, {"shuffle": True}, {"drop_last": True}):
        expect_error(
            lambda options=options: tt.DataLoader(data, batch_sampler=batches, **options),
            ValueError,
            "leave batch_size",
            because=f"a batch_sampler decides everything, so {options} has no say",
        )
    expect_error(
        lambda: tt.DataLoader(data, batch_sampler=batches, sampler=[1]),
        ValueError,
        "leave batch_size",
        because="the order is the batch_sampler's too",
    )


def test_options_without_sense_are_refused():
    data = tt.TensorDataset(tt.arange(4))
    for options, said in (
        ({"prefetch_factor": 0}, "0 batches"),
        ({"num_workers": -1}, "-1 workers"),
        ({"worker": "robot"}, "robot"),
        ({"sampler": [1], "shuffle": True}, "leave shuffle out"),
    ):
        expect_error(
            lambda options=options: tt.DataLoader(data, **options),
            ValueError,
            said,
            because="the message names what cannot be",
        )
    expect(len(tt.DataLoader(data, prefetch_factor=1)), 4, because="1 batch ahead is possible")


@pytest.mark.step("data.collate")
def test_a_batch_that_cannot_be_made_is_named():
    loader = tt.DataLoader([tt.zeros(1), tt.zeros(2)], 2)
    expect_error(
        lambda: list(loader),
        tt.data.LoadingError,
        "batch 0",
        "(2,)",
        because="the batch is named, with what is wrong with it",
    )


def colour_image():
    return tt.arange(24).reshape(2, 3, 4)


def test_a_shift_moves_an_image_and_fills_what_comes_in():
    moved = set()
    shift = tt.RandomShift(1, generator=rng(4))
    padded = np.pad(colour_image().numpy(), [(0, 0), (1, 1), (1, 1)])
    windows = {
        str(padded[:, down : down + 3, right : right + 4].tolist()): (1 - down, 1 - right)
        for down in range(3)
        for right in range(3)
    }
    for _ in range(80):
        moved.add(windows.get(str(shift(colour_image()).tolist()), "no shift at all"))
    wanted = {(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)}
    expect(moved, wanted, because="up to one pixel each way: nine windows on the padded image")


def test_a_shift_may_move_all_of_an_image_out_of_sight():
    shift = tt.RandomShift(9, fill=7, generator=rng(4))
    images = [shift(tt.zeros(2, 2)).tolist() for _ in range(30)]
    expect([[7.0, 7.0], [7.0, 7.0]] in images, True, because="nothing but the fill is left")
    still = tt.RandomShift(0)(colour_image())
    expect(still, colour_image(), because="by up to 0 pixels nothing moves")
    expect_error(lambda: tt.RandomShift(-1), ValueError, "-1", because="that is no distance")


def test_transforms_compute_what_they_say():
    bytes_ = tt.tensor([0, 51, 255], dtype=tt.uint8)
    expect(
        tt.Scale(1 / 255)(bytes_),
        tt.tensor([0.0, 0.2, 1.0]),
        within=1e-6,
        because="bytes become floats from 0 to 1",
    )
    both = tt.Compose([tt.Scale(2), tt.Normalize(2, 0.5)])
    expect(both(tt.tensor([1, 2])), tt.tensor([0.0, 4.0]), because="(1 * 2 - 2) / 0.5, and so on")
    for std in (0.0, -1.0):
        expect_error(
            lambda std=std: tt.Normalize(0, std), ValueError, because="nothing is divided by that"
        )
    expect_error(lambda: tt.Normalize(0, 1)(bytes_), TypeError, "Scale", because="these are bytes")


def test_a_transform_acts_on_the_first_part_of_a_sample():
    parts = tt.TensorDataset(tt.arange(3), tt.arange(3) + 10, tt.arange(3) + 20)
    found = tt.TransformedDataset(parts, tt.Scale(2))[2]
    wanted = (tt.tensor(4.0), tt.tensor(12), tt.tensor(22))
    expect(found, wanted, because="labels, and whatever else there is, stay what they are")
    alone = tt.TransformedDataset(tt.arange(3), tt.Scale(2))
    expect(alone[2], tt.tensor(4.0), because="a sample that is no tuple is transformed itself")


@pytest.mark.step("data.merge_moments")
def test_moments_of_one_value_have_no_spread():
    found = tt.measure_moments([tt.tensor([5.0])])
    expect((found.count, found.variance.item()), (1, 0.0), because="one value lies at its mean")
    expect(type(found.count), int, because="a count is an int")
    none = tt.measure_moments([])
    expect((none.count, none.variance.item()), (0, 0.0), because="no values do not spread either")


@pytest.mark.step("data.merge_moments")
def test_channels_may_be_counted_from_the_front():
    images = rng(12).normal([[[10]], [[-4]]], 3, (7, 2, 3, 3))  # (batch, channels, rows, columns)
    for dim in (1, -3):
        found = tt.measure_moments([tt.from_numpy(images)], channel_dim=dim)
        because = f"channel_dim={dim}: two channels of 7 * 3 * 3 values"
        expect(found.count, 63, because=because)
        expect(found.mean.numpy(), images.mean((0, 2, 3)), within=1e-12, because=because)
        expect(found.variance.numpy(), images.var((0, 2, 3)), within=1e-12, because=because)


@pytest.mark.step("data.remember")
def test_the_random_policy_draws_from_its_generator():
    def held(generator):
        cache = tt.data.Cache(5, "random", generator=generator)
        for index in range(40):
            tt.data.remember(cache, index, tt.zeros(1, dtype=tt.uint8))
        return list(cache.samples)

    expect(held(rng(1)), held(rng(1)), because="the same generator makes the same choices")
    expect(held(rng(1)) == held(rng(2)), False, because="another one makes others")
    expect(held(rng(1)) == [35, 36, 37, 38, 39], False, because="the oldest need not go")


@pytest.mark.step("data.remember")
def test_chance_in_a_cache_leaves_the_librarys_generator_alone():
    following = []
    for visits in (5, 50):
        tt.manual_seed(9)
        cached = tt.CachedDataset(tt.arange(10), 16, "random")
        for index in range(visits):
            cached[index % 10]
        following.append(tt.rand(1).item())
    expect(
        following[1],
        following[0],
        because="how often a cache forgets depends on who reads first; nothing else may",
    )
    caches = []
    for seed in (9, 9, 10):
        tt.manual_seed(seed)
        cached = tt.CachedDataset(tt.arange(50), 80, "random")
        list(cached)
        caches.append(list(cached.cache.samples))
    expect(caches[1], caches[0], because="manual_seed makes a cache's choices repeat")
    expect(caches[2] == caches[0], False, because="and another seed makes others")


@pytest.mark.step("data.remember")
def test_a_hit_moves_a_sample_for_lru_alone():
    for policy, order in (("lru", [1, 2, 0]), ("fifo", [0, 1, 2]), ("random", [0, 1, 2])):
        cache = tt.data.Cache(100, policy, generator=rng())
        for index in range(3):
            tt.data.remember(cache, index, tt.zeros(1))
        tt.data.recall(cache, 0)
        expect(list(cache.samples), order, because=f"{policy}: sample 0 was used last")


@pytest.mark.step("data.remember")
def test_a_cache_is_made_with_sense():
    expect_error(lambda: tt.data.Cache(-1), ValueError, "-1", because="no budget is below 0")
    expect_error(
        lambda: tt.data.Cache(1, "best"), ValueError, "lru", because="it names those known"
    )
    cache = tt.data.Cache(28)
    tt.data.remember(cache, 0, tt.zeros(28, dtype=tt.uint8))
    expect(cache.used_bytes, 28, because="a sample as large as the budget just fits")


@pytest.mark.step("data.remember")
def test_a_cached_dataset_can_be_sent_and_goes_on():
    cached = tt.CachedDataset(tt.TensorDataset(tt.arange(4)), 100)
    cached[1]
    again = pickle.loads(pickle.dumps(cached))
    expect(again[1][0].item(), 1, because="the copy hands out the same samples")
    expect((again.cache.hits, len(again)), (1, 4), because="and it has kept what was in memory")


@pytest.mark.step("data.locate")
def test_a_damaged_or_missing_shard_is_named(tmp_path):
    folder = tt.write_shards(tt.arange(10), tmp_path / "new" / "set", samples_per_shard=4)
    path = folder / "shard-00001.0.npy"
    whole = path.read_bytes()
    for last in b"abcdefgh":  # so that some digests are below the right one, and some above
        path.write_bytes(whole[:-1] + bytes([last]))
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        expect_error(
            lambda: tt.ShardedDataset(folder, budget_bytes=500)[4],
            ValueError,
            path.name,
            f"SHA-256 starts with {found[:12]}, ",
            f"expected {hashlib.sha256(whole).hexdigest()[:12]};",
            because="the digest is not the one in the index; the message has the start of both",
        )
    for content in (whole[:-1], whole + b"x"):
        path.write_bytes(content)
        expect_error(
            lambda: tt.ShardedDataset(folder, budget_bytes=500),
            ValueError,
            path.name,
            str(len(content)),
            str(len(whole)),
            because="a byte is missing, or there is one too many; the message has both lengths",
        )
    path.unlink()
    expect_error(
        lambda: tt.ShardedDataset(folder, budget_bytes=500),
        FileNotFoundError,
        path.name,
        because="the file is missing",
    )


def test_a_damaged_index_is_named(tmp_path):
    folder = tt.write_shards(tt.arange(3), tmp_path, samples_per_shard=3)
    path = folder / "index.json"
    whole = path.read_text()
    no_files = json.loads(whole)
    del no_files["shards"][0]["files"]
    for content in (
        "",
        "[]",
        "{}",
        whole[:-1],
        whole.replace("shards 1", "shards 0"),
        whole.replace("shards 1", "shards 2"),
        json.dumps(no_files),
    ):
        path.write_text(content)
        expect_error(
            lambda: tt.ShardedDataset(folder, budget_bytes=500),
            ValueError,
            "index.json is damaged",
            "write the shards again",
            because=f"nothing can be found by an index like {content[:30]!r}",
        )
    path.unlink()
    expect_error(
        lambda: tt.ShardedDataset(folder, budget_bytes=500),
        FileNotFoundError,
        "index.json is missing",
        because="writing was interrupted, or the folder is another one",
    )


@pytest.mark.step("data.locate")
def test_without_memory_maps_shards_are_read_whole(tmp_path, monkeypatch):
    load = np.load

    def load_without_maps(path, mmap_mode=None):
        if mmap_mode is not None:
            raise OSError("this system maps no files")
        return load(path)

    monkeypatch.setattr(np, "load", load_without_maps)
    folder = tt.write_shards(tt.arange(5) * 10, tmp_path, samples_per_shard=2)
    found = [sample.item() for sample in tt.ShardedDataset(folder, budget_bytes=500)]
    expect(found, [0, 10, 20, 30, 40], because="a map saves memory; the samples are the same")


def test_a_set_without_samples_has_no_shards(tmp_path):
    folder = tt.write_shards(tt.arange(0), tmp_path, samples_per_shard=2)
    found = tt.ShardedDataset(folder, budget_bytes=0)
    expect((len(found), list(found)), (0, []), because="nothing was written, nothing comes back")


def test_shards_are_not_mixed_with_older_ones(tmp_path):
    folder = tt.write_shards(tt.arange(3), tmp_path, samples_per_shard=3)
    index = (folder / "index.json").read_bytes()
    for left in ("shard-00000.0.npy", "index.json"):
        for path in folder.iterdir():
            path.unlink()
        (folder / left).write_bytes(index)
        expect_error(
            lambda: tt.write_shards(tt.arange(3), folder, samples_per_shard=3),
            FileExistsError,
            "empty folder",
            because=f"of an older set {left} is left; the two would be mixed up",
        )


def test_what_cannot_be_a_set_of_shards_is_refused(tmp_path):
    for size in (0, -1):
        expect_error(
            lambda size=size: tt.write_shards(tt.arange(3), tmp_path, samples_per_shard=size),
            ValueError,
            str(size),
            because="a shard holds 1 sample or more",
        )
    cases = [tt.zeros(2), tt.zeros(1)], [tt.zeros(1), tt.zeros(2)], [(1, 2), (1,)]
    for samples, size in product(cases, (1, 2)):
        expect_error(
            lambda samples=samples, size=size: tt.write_shards(
                samples, tmp_path, samples_per_shard=size
            ),
            ValueError,
            "sample 1 has parts",
            because="sample 1 has another shape than sample 0, or other parts",
        )
        for path in tmp_path.iterdir():
            path.unlink()
    folder = tt.write_shards(tt.arange(3), tmp_path, samples_per_shard=3)
    size = sum(path.stat().st_size for path in folder.glob("*.npy"))
    expect(len(tt.ShardedDataset(folder, budget_bytes=size)), 3, because="one shard just fits")
    expect_error(
        lambda: tt.ShardedDataset(folder, budget_bytes=size - 1),
        ValueError,
        "largest shard",
        because="not even one shard fits",
    )
    expect_error(
        lambda: tt.write_shards(tt.arange(3), folder, samples_per_shard=3),
        FileExistsError,
        because="there are shards already",
    )


# Files that are whole or not there


def names_in(folder):
    """Return the names of all that is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def failing(monkeypatch, error, call="fsync"):
    """Let a call of the operating system fail."""

    def fail(*given, **options):
        raise error

    monkeypatch.setattr(os, call, fail)


def test_a_file_is_written_whole_over_another(tmp_path):
    path = tmp_path / "file.bin"
    for content in (b"long " * 9, b"short", b""):
        tt.data.files.write_whole(str(path), memoryview(content))
        expect(path.read_bytes(), content, because="all of it, and nothing of the one before")
    expect(names_in(tmp_path), ["file.bin"], because="the part has become the file")


def test_a_file_is_forced_to_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    seen, sync, move, place = [], os.fsync, os.replace, tmp_path / "file.bin"

    def note_sync(descriptor):
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        seen.append("folder forced" if is_folder else f"file of {os.fstat(descriptor).st_size}")
        sync(descriptor)

    def note_move(source, target):
        seen.append(f"{source.parent == target.parent} {target.name}")
        move(source, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_move)
    tt.data.files.write_whole(place, b"12345")
    wanted = ["file of 5", "True file.bin", "folder forced"]
    expect(seen, wanted, because="a name never leads to what the disk has not")


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file.bin"
    path.write_bytes(b"before")
    full = OSError(28, "No space left on device", "a name that nobody knows")
    locked = PermissionError(13, "Permission denied")
    for call, error, mention in (
        ("fsync", full, "no space left on device; mend that, or write to another place"),
        ("replace", locked, "permission denied; mend that"),
        ("open", locked, "permission denied; mend that"),
        ("fsync", OSError("the disk is gone"), "the disk is gone; mend that"),
    ):
        with monkeypatch.context() as changed:
            failing(changed, error, call)
            try:
                tt.data.files.write_whole(path, b"after")
                said = None
            except OSError as refusal:
                said = refusal
        expect(type(said), type(error), because="the kind of the error stays")
        expect(said.errno, error.errno, because="and its number")
        expect(f"cannot write {path}: {mention}" in str(said), True, because=str(said))
        expect(path.read_bytes(), b"before", because="the file is as it was")
        expect(names_in(tmp_path), ["file.bin"], because="and nothing lies beside it")


def test_a_write_that_is_interrupted_leaves_nothing(tmp_path, monkeypatch):
    failing(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        tt.data.files.write_whole(tmp_path / "file.bin", b"after")
    expect(names_in(tmp_path), [], because="whoever interrupts wants no half of a file")


def test_a_folder_that_is_not_there_is_named(tmp_path):
    expect_error(
        lambda: tt.data.files.write_whole(tmp_path / "no" / "file.bin", b""),
        FileNotFoundError,
        f"cannot write {tmp_path / 'no' / 'file.bin'}: there is no folder {tmp_path / 'no'}; "
        "make it first",
        because="a misspelled folder should not be made silently",
    )


def test_a_file_has_the_permissions_of_one_that_is_opened(tmp_path):
    plain, whole = tmp_path / "plain", tmp_path / "whole"
    plain.write_bytes(b"1")
    tt.data.files.write_whole(whole, b"1")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (plain, whole)]
    expect(modes[1], modes[0], because="a new file gets what the system gives")
    whole.chmod(0o640)
    tt.data.files.write_whole(whole, b"2")
    expect(stat.S_IMODE(whole.stat().st_mode), 0o640, because="a file that was there keeps its own")


def test_what_a_link_leads_to_is_written(tmp_path):
    (tmp_path / "real").mkdir()
    link, target = tmp_path / "link", tmp_path / "real" / "file"
    link.symlink_to(target)
    for content in (b"new", b"newer"):
        tt.data.files.write_whole(link, content)
        expect((link.is_symlink(), target.read_bytes()), (True, content), because="as by open()")


def test_a_part_has_a_name_of_its_own_beside_its_place(tmp_path):
    place = tmp_path / "file.bin"
    with tt.data.files.part_of(place) as one, tt.data.files.part_of(place) as two:
        expect(one.name == two.name, False, because="two may write to one place at once")
        expect((one.parent, one.read_bytes()), (tmp_path, b""), because="it is there, and empty")
        begins = [path.name.startswith("file.bin.") for path in (one, two)]
        expect(begins, [True, True], because="it is seen what it belongs to")
        expect([path.suffix for path in (one, two)], [".part", ".part"], because="and what it is")
    expect(names_in(tmp_path), [], because="what was not moved is gone")


def test_a_part_of_somebody_else_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(tt.data.files, "token_hex", lambda count: "0" * count)
    theirs = tmp_path / "file.bin.0000.part"
    theirs.write_bytes(b"half of something")
    expect_error(
        lambda: tt.data.files.write_whole(tmp_path / "file.bin", b"ours"),
        FileExistsError,
        "file exists",
        because="the name was drawn twice",
    )
    expect(theirs.read_bytes(), b"half of something", because="who began it will finish it")


def test_folders_are_not_forced_where_the_system_opens_none(tmp_path, monkeypatch):
    file, opened = tmp_path / "file", []
    file.write_bytes(b"")
    force, open_file = tt.data.files.force_to_disk, os.open

    def note(path, flags):
        opened.append(path)
        return open_file(path, flags)

    monkeypatch.setattr(os, "open", note)
    force(file)
    force(tmp_path)
    monkeypatch.setattr(os, "name", "nt")
    force(file)
    force(tmp_path)
    monkeypatch.undo()
    expect(opened, [file, tmp_path, file], because="Windows opens no folder")
