"""Data behaves as the chapter says: one example for each rule."""

from dataclasses import dataclass, field
from itertools import count as counting
from itertools import islice
from typing import NamedTuple

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import expect, expect_error

LETTERS = ("a", "b", "c", "d", "e")


# Step 1: lengths of parts


@pytest.mark.step("data.split_lengths")
def test_whole_lengths_are_kept_as_they_are():
    expect(tt.data.split_lengths(10, [7, 3]), [7, 3], because="7 and 3 divide 10 samples already")
    expect(
        tt.data.split_lengths(10, [10, 0]), [10, 0], because="a part may be empty, if it says so"
    )


@pytest.mark.step("data.split_lengths")
def test_fractions_become_lengths():
    expect(tt.data.split_lengths(10, [0.8, 0.2]), [8, 2], because="0.8 of 10 samples are 8 of them")


@pytest.mark.step("data.split_lengths")
def test_samples_left_over_go_to_the_first_parts():
    expect(
        tt.data.split_lengths(10, [0.75, 0.25]),
        [8, 2],
        because="7.5 and 2.5 round down to 7 and 2; the one left over goes to the first part",
    )
    expect(
        tt.data.split_lengths(11, [0.25, 0.25, 0.25, 0.25]),
        [3, 3, 3, 2],
        because="four times 2.75 rounds down to 2; three are left over, one for each of the first",
    )


@pytest.mark.step("data.split_lengths")
def test_a_share_that_is_whole_is_not_rounded_down():
    expect(
        tt.data.split_lengths(100, [0.71, 0.29]),
        [71, 29],
        because="0.29 * 100 is 28.999999999999996 to a computer, and 29 to everybody else",
    )


@pytest.mark.step("data.split_lengths")
def test_lengths_that_do_not_add_up_are_refused():
    for lengths, total, because in (([7, 2], "9", "be lost"), ([7, 4], "11", "belong to both")):
        expect_error(
            lambda lengths=lengths: tt.data.split_lengths(10, lengths),
            ValueError,
            total,
            "10",
            because=f"one sample would {because}; the message names both totals",
        )


@pytest.mark.step("data.split_lengths")
def test_fractions_that_do_not_add_up_are_refused():
    expect_error(
        lambda: tt.data.split_lengths(10, [0.7, 0.2]),
        ValueError,
        "0.9",
        because="a tenth of the samples would belong nowhere; the message names the sum",
    )


@pytest.mark.step("data.split_lengths")
def test_random_split_loses_no_sample_and_repeats_none():
    parts = tt.random_split(
        tt.TensorDataset(tt.arange(10)), [0.5, 0.5], generator=np.random.default_rng(1)
    )
    expect([len(part) for part in parts], [5, 5], because="each part is a half of 10 samples")
    expect(
        sorted(sample[0].item() for part in parts for sample in part),
        list(range(10)),
        because="together the parts hold every sample once",
    )


# Step 2: a random order


@pytest.mark.step("data.shuffle_indices")
def test_a_shuffled_order_holds_every_index_once():
    order = tt.data.shuffle_indices(50, np.random.default_rng(0))
    expect(sorted(order), list(range(50)), because="an order leaves nobody out and nobody twice")


@pytest.mark.step("data.shuffle_indices")
def test_a_shuffled_order_is_not_the_old_one():
    order = tt.data.shuffle_indices(50, np.random.default_rng(0))
    expect(order == list(range(50)), False, because="50 indices all in place is no shuffle")


@pytest.mark.step("data.shuffle_indices")
def test_the_same_seed_gives_the_same_order():
    first, second = (tt.data.shuffle_indices(20, np.random.default_rng(7)) for _ in range(2))
    expect(second, first, because="all chance comes from the generator, and these two are equal")


@pytest.mark.step("data.shuffle_indices")
def test_the_next_order_is_another_one():
    generator = np.random.default_rng(7)
    first, second = (tt.data.shuffle_indices(20, generator) for _ in range(2))
    expect(first == second, False, because="the generator has moved on, and so has the order")


@pytest.mark.step("data.shuffle_indices")
def test_an_index_may_stay_where_it_is():
    generator = np.random.default_rng(5)
    found = {str(tt.data.shuffle_indices(2, generator)) for _ in range(60)}
    expect(
        sorted(found),
        ["[0, 1]", "[1, 0]"],
        because="two samples have two orders, and in 60 shuffles both come up",
    )


@pytest.mark.step("data.shuffle_indices")
def test_every_order_of_three_is_as_likely_as_any_other():
    generator = np.random.default_rng(2026)
    counts = dict.fromkeys(["012", "021", "102", "120", "201", "210"], 0)
    for _ in range(6000):
        order = tt.data.shuffle_indices(3, generator)
        counts["".join(map(str, order))] += 1
    distance = sum((count - 1000) ** 2 / 1000 for count in counts.values())
    uneven = "some orders never come" if 0 in counts.values() else "some come more often"
    expect(
        "all come equally often" if distance < 25 else uneven,
        "all come equally often",
        because="of 6000 shuffles each of the six orders gets about 1000; here they got "
        + ", ".join(f"{order}: {count}" for order, count in counts.items()),
    )


@pytest.mark.step("data.shuffle_indices")
def test_a_random_sampler_goes_through_the_whole_set():
    sampler = tt.RandomSampler(range(8), generator=np.random.default_rng(3))
    epochs = [list(sampler) for _ in range(2)]
    expect([sorted(one) for one in epochs], [list(range(8))] * 2, because="an epoch is all of it")
    expect(epochs[0] == epochs[1], False, because="each epoch has an order of its own")


# Step 3: batches of an order


@pytest.mark.step("data.batch_indices")
def test_indices_are_cut_into_lists_of_one_size():
    expect(
        list(tt.data.batch_indices([4, 2, 0, 3, 1, 5], 2)),
        [[4, 2], [0, 3], [1, 5]],
        because="the order stays, cut after every second index",
    )


@pytest.mark.step("data.batch_indices")
def test_the_last_batch_may_be_shorter():
    expect(
        list(tt.data.batch_indices(range(5), 2)),
        [[0, 1], [2, 3], [4]],
        because="index 4 is a sample like any other, even alone in its batch",
    )


@pytest.mark.step("data.batch_indices")
def test_drop_last_leaves_a_shorter_batch_out():
    expect(
        list(tt.data.batch_indices(range(5), 2, drop_last=True)),
        [[0, 1], [2, 3]],
        because="[4] is not full",
    )


@pytest.mark.step("data.batch_indices")
def test_drop_last_keeps_a_last_batch_that_is_full():
    expect(
        list(tt.data.batch_indices(range(6), 3, drop_last=True)),
        [[0, 1, 2], [3, 4, 5]],
        because="the last batch is full, so there is nothing to drop",
    )


@pytest.mark.step("data.batch_indices")
def test_no_indices_make_no_batch():
    expect(list(tt.data.batch_indices([], 3)), [], because="an empty batch is no batch")


@pytest.mark.step("data.batch_indices")
def test_an_order_without_an_end_is_batched_as_it_comes():
    numbers = counting()
    batches = tt.data.batch_indices(islice(numbers, 1000), 2)
    expect(next(batches), [0, 1], because="two indices fill the first batch")
    expect(
        next(numbers),
        2,
        because="only the two indices of the first batch were taken; the next one is still there",
    )


@pytest.mark.step("data.batch_indices")
def test_a_batch_of_nothing_is_refused():
    expect_error(
        lambda: list(tt.data.batch_indices(range(3), 0)),
        ValueError,
        "0",
        because="batches of 0 would never come to an end; the message names the size",
    )


# Step 4: one batch of many samples


@pytest.mark.step("data.collate")
def test_tensors_are_stacked():
    expect(
        tt.data.collate([tt.tensor([1.0, 2.0]), tt.tensor([3.0, 4.0])]),
        tt.tensor([[1.0, 2.0], [3.0, 4.0]]),
        because="two samples of shape (2,) make a batch of shape (2, 2): a new dim comes first",
    )


@pytest.mark.step("data.collate")
def test_numbers_become_a_tensor():
    expect(tt.data.collate([3, 1, 2]), tt.tensor([3, 1, 2]), because="labels are gathered")
    expect(tt.data.collate([0.5, 1.5]), tt.tensor([0.5, 1.5]), because="so are fractions")


@pytest.mark.step("data.collate")
def test_an_image_and_its_label_stay_a_pair():
    batch = tt.data.collate([(tt.ones(2), 7), (tt.zeros(2), 2), (tt.ones(2), 1)])
    expect(type(batch), tuple, because="a batch of tuples is a tuple: all images, all labels")
    images, labels = batch
    expect(images.shape, (3, 2), because="the three images are stacked")
    expect(labels, tt.tensor([7, 2, 1]), because="the three labels are gathered")


@pytest.mark.step("data.collate")
def test_a_dict_is_collated_by_its_keys():
    expect(
        tt.data.collate([{"label": 1, "name": "a"}, {"name": "b", "label": 2}]),
        {"label": tt.tensor([1, 2]), "name": ["a", "b"]},
        because="parts belong together by key, whatever their order; text becomes a list",
    )


@pytest.mark.step("data.collate")
def test_parts_inside_of_parts_are_collated_too():
    expect(
        tt.data.collate([(1, [2, {"x": 3}]), (4, [5, {"x": 6}])]),
        (tt.tensor([1, 4]), [tt.tensor([2, 5]), {"x": tt.tensor([3, 6])}]),
        because="a part is collated by the same rules, however deep it lies",
    )


@pytest.mark.step("data.collate")
def test_samples_of_different_shapes_are_refused():
    expect_error(
        lambda: tt.data.collate([tt.zeros(3), tt.zeros(2)]),
        ValueError,
        "(3,)",
        "(2,)",
        because="3 numbers and 2 make no rectangle; the message names both shapes",
    )


@pytest.mark.step("data.collate")
def test_samples_of_different_lengths_are_refused():
    for samples, which in (([(1, 2), (3, 4, 5)], "sample 1"), ([(1, 2, 3), (4, 5)], "sample 0")):
        expect_error(
            lambda samples=samples: tt.data.collate(samples),
            ValueError,
            "sample 1",
            because=f"the third part of {which} has no partner; nothing is dropped in silence",
        )


@pytest.mark.step("data.collate")
def test_no_samples_are_refused():
    expect_error(lambda: tt.data.collate([]), ValueError, because="nobody knows what is in a batch")


@pytest.mark.step("data.collate")
def test_a_loader_hands_out_collated_batches():
    loader = tt.DataLoader(tt.TensorDataset(tt.zeros(5, 2), tt.arange(5)), batch_size=3)
    batches = list(loader)
    expect(
        [(x.shape, y.tolist()) for x, y in batches],
        [((3, 2), [0, 1, 2]), ((2, 2), [3, 4])],
        because="five samples make a batch of three and one of two",
    )


# Step 5: moments, batch by batch


def moments(values):
    """Return the moments of a list of numbers, from their definition."""
    array = np.array(values, dtype=np.float64)
    mean = array.mean() if len(array) else 0.0
    return tt.data.Moments(len(array), tt.tensor(mean), tt.tensor(((array - mean) ** 2).sum()))


@pytest.mark.step("data.merge_moments")
def test_counts_add_up():
    found = tt.data.merge_moments(moments([1, 2, 3]), moments([4, 5]))
    expect(found.count, 5, because="3 values and 2 values are 5 values")


@pytest.mark.step("data.merge_moments")
def test_means_are_weighted_by_their_counts():
    found = tt.data.merge_moments(moments([1, 1, 1]), moments([5]))
    expect(
        found.mean.item(),
        2.0,
        within=1e-12,
        because="three ones and a five have the mean 2; the larger part counts for more",
    )


@pytest.mark.step("data.merge_moments")
def test_spread_grows_where_the_means_differ():
    found = tt.data.merge_moments(moments([0, 0]), moments([2, 2]))
    expect(
        found.spread.item(),
        4.0,
        within=1e-12,
        because="neither part spreads, but all four values lie 1 from their common mean",
    )


@pytest.mark.step("data.merge_moments")
def test_spread_within_the_parts_is_kept():
    found = tt.data.merge_moments(moments([0, 2]), moments([-1, 3]))
    expect(
        found.spread.item(),
        10.0,
        within=1e-12,
        because="the means agree, so the spreads 2 and 8 simply add",
    )


@pytest.mark.step("data.merge_moments")
def test_a_part_without_values_changes_nothing():
    for merged in (
        tt.data.merge_moments(moments([]), moments([1, 3])),
        tt.data.merge_moments(moments([1, 3]), moments([])),
    ):
        expect(
            (merged.count, merged.mean.item(), merged.spread.item()),
            (2, 2.0, 2.0),
            within=1e-12,
            because="nothing added to 1 and 3 is still 1 and 3",
        )
    none = tt.data.merge_moments(moments([]), moments([]))
    expect((none.count, none.spread.item()), (0, 0.0), because="nothing and nothing is nothing")


@pytest.mark.step("data.merge_moments")
def test_batches_give_the_moments_of_the_whole_set():
    values = tt.arange(12).to(tt.float32)
    found = tt.measure_moments([values[:5], values[5:10], values[10:]])
    expect(found.mean.item(), 5.5, within=1e-12, because="the mean of 0 to 11 is 5.5")
    expect(found.variance.item(), 143 / 12, within=1e-12, because="(12 * 12 - 1) / 12")


# Step 6: a seed for every sample


@pytest.mark.step("data.sample_seed")
def test_a_seed_is_mixed_with_the_index_added_and_mixed_again():
    expect(
        tt.data.sample_seed(0, 0),
        tt.data.mix(0xE220A8397B1DCDAF),
        because="mix(0) is 0xe220a8397b1dcdaf; the index 0 adds nothing, and it is mixed again",
    )
    expect(
        tt.data.sample_seed(0, 5),
        tt.data.mix(0xE220A8397B1DCDB4),
        because="the index 5 is added to mix(0), and the sum is mixed",
    )


@pytest.mark.step("data.sample_seed")
def test_samples_of_an_epoch_have_seeds_of_their_own():
    seeds = [tt.data.sample_seed(42, index) for index in range(1000)]
    expect(len(set(seeds)), 1000, because="1000 samples need 1000 seeds")


@pytest.mark.step("data.sample_seed")
def test_a_sample_has_another_seed_in_another_epoch():
    seeds = [tt.data.sample_seed(epoch, 3) for epoch in range(1000)]
    expect(len(set(seeds)), 1000, because="or sample 3 would be shifted the same way every time")


@pytest.mark.step("data.sample_seed")
def test_neighbours_in_neighbouring_epochs_do_not_share_a_seed():
    seeds = [tt.data.sample_seed(epoch, index) for epoch in range(40) for index in range(40)]
    expect(
        len(set(seeds)),
        1600,
        because="sample 1 of epoch 0 and sample 0 of epoch 1 are as different as any two",
    )


@pytest.mark.step("data.sample_seed")
def test_negative_numbers_are_refused():
    for seed, index in ((-1, 0), (0, -1)):
        expect_error(
            lambda seed=seed, index=index: tt.data.sample_seed(seed, index),
            ValueError,
            "-1",
            because="no sample and no epoch is numbered -1; the message names the number",
        )


class Dice(tt.Dataset):
    """A sample is what its generator throws."""

    def __len__(self):
        return 12

    def __getitem__(self, index):
        return int(tt.sample_generator().integers(1_000_000))


@pytest.mark.step("data.sample_seed")
def test_what_a_sample_draws_does_not_depend_on_the_batch_it_is_in():
    thrown = [
        [number for batch in loader for number in batch.tolist()]
        for size in (1, 5)
        for loader in [tt.DataLoader(Dice(), size, generator=np.random.default_rng(8))]
    ]
    expect(thrown[1], thrown[0], because="seed and index decide, not who was read before")
    expect(len(set(thrown[0])), 12, because="twelve samples throw dice of their own")


# Step 7: results fetched ahead


@dataclass
class Work:
    """Work that is begun by `submit`, and a diary of what happened to it."""

    diary: list = field(default_factory=list)
    fails: dict = field(default_factory=dict)

    def submit(self, item):
        self.diary.append(f"begin {item}")
        return Pending(self, item)


@dataclass
class Pending:
    work: Work
    item: str

    def result(self):
        if self.item in self.work.fails:
            raise self.work.fails[self.item]
        return self.item.upper()

    def cancel(self):
        self.work.diary.append(f"cancel {self.item}")


def taken(results, number):
    """Take results one by one, and return them; whoever takes too many is told."""
    return [next(results) for _ in range(number)]


@pytest.mark.step("data.prefetch")
def test_results_come_in_the_order_of_the_items():
    results = tt.data.prefetch(Work().submit, LETTERS, ahead=2)
    expect(list(results), ["A", "B", "C", "D", "E"], because="each item has its result, in order")


@pytest.mark.step("data.prefetch")
def test_work_goes_on_ahead_while_the_caller_computes():
    work = Work()
    taken(results := tt.data.prefetch(work.submit, LETTERS, ahead=2), 1)
    expect(
        work.diary,
        ["begin a", "begin b", "begin c"],
        because="the caller has the result of a, and two more, b and c, are in work",
    )
    taken(results, 1)
    expect(
        work.diary,
        ["begin a", "begin b", "begin c", "begin d"],
        because="with every result that is taken, the next item begins",
    )


@pytest.mark.step("data.prefetch")
def test_closing_cancels_what_was_not_handed_over():
    work = Work()
    taken(results := tt.data.prefetch(work.submit, LETTERS, ahead=2), 1)
    results.close()
    expect(
        work.diary,
        ["begin a", "begin b", "begin c", "cancel b", "cancel c"],
        because="a was handed over; b and c are in work and nobody will ask for them",
    )


@pytest.mark.step("data.prefetch")
def test_an_error_arrives_when_its_turn_comes_and_cancels_the_rest():
    work = Work(fails={"b": KeyError("b is broken")})
    results = tt.data.prefetch(work.submit, LETTERS, ahead=3)
    expect(taken(results, 1), ["A"], because="a comes before the item that fails")
    expect_error(lambda: next(results), KeyError, "b is broken", because="b's own error is raised")
    cancelled = [entry for entry in work.diary if entry in ("cancel c", "cancel d")]
    expect(cancelled, ["cancel c", "cancel d"], because="c and d were in work behind it")


@pytest.mark.step("data.prefetch")
def test_fewer_items_than_places_are_no_problem():
    results = tt.data.prefetch(Work().submit, ["a", "b"], ahead=5)
    expect(list(results), ["A", "B"], because="there are only two items to begin")
    expect(list(tt.data.prefetch(Work().submit, [], ahead=5)), [], because="and here are none")


@pytest.mark.step("data.prefetch")
def test_nothing_ahead_is_refused():
    expect_error(
        lambda: list(tt.data.prefetch(Work().submit, LETTERS, ahead=0)),
        ValueError,
        "0",
        because="with nothing in work there is no result to wait for",
    )


# Step 8: a budget of bytes


def filled(policy="lru", *, budget=40):
    """Return a cache of 40 bytes that holds samples 0, 1 and 2, of 10 bytes each."""
    cache = tt.data.Cache(budget, policy, generator=np.random.default_rng(0))
    for index in range(3):
        cache.samples[index] = sample(10)
        cache.sizes[index] = 10
    cache.used_bytes = 30
    return cache


def sample(size):
    return tt.zeros(size, dtype=tt.uint8)


def held(cache):
    return sorted(cache.samples)


@pytest.mark.step("data.remember")
def test_a_sample_that_fits_is_kept_and_entered():
    cache, image = tt.data.Cache(100), sample(28)
    tt.data.remember(cache, 5, image)
    expect(held(cache), [5], because="28 bytes fit into 100")
    expect(cache.samples[5] is image, True, because="the sample itself is kept, not a copy")
    expect(cache.sizes, {5: 28}, because="its size is needed on the day it is forgotten")
    expect(cache.used_bytes, 28, because="so many bytes of the budget are used")


@pytest.mark.step("data.remember")
def test_a_budget_may_be_used_to_the_last_byte():
    cache = filled()
    tt.data.remember(cache, 3, sample(10))
    expect(held(cache), [0, 1, 2, 3], because="30 and 10 bytes are just the budget of 40")
    expect(cache.evictions, 0, because="nothing had to go")


@pytest.mark.step("data.remember")
def test_one_sample_is_forgotten_where_one_is_enough():
    cache = filled(budget=30)
    tt.data.remember(cache, 3, sample(10))
    expect(held(cache), [1, 2, 3], because="sample 0 was not used for longest, so it goes")
    expect((cache.used_bytes, cache.evictions), (30, 1), because="10 bytes went and 10 came")


@pytest.mark.step("data.remember")
def test_as_many_are_forgotten_as_a_large_sample_needs():
    cache = filled()
    tt.data.remember(cache, 3, sample(25))
    expect(held(cache), [2, 3], because="25 bytes need 15 more than the 10 left: two samples go")
    expect((cache.used_bytes, cache.evictions), (35, 2), because="10 stayed and 25 came")


@pytest.mark.step("data.remember")
def test_the_policy_decides_who_goes():
    cache = filled("random", budget=30)
    cache.next_to_go = lambda: 1
    tt.data.remember(cache, 3, sample(10))
    expect(held(cache), [0, 2, 3], because="cache.next_to_go() named sample 1")


@pytest.mark.step("data.remember")
def test_a_sample_larger_than_the_budget_pushes_nobody_out():
    cache = filled()
    tt.data.remember(cache, 3, sample(41))
    expect(held(cache), [0, 1, 2], because="41 bytes never fit, so nothing is forgotten for them")
    expect((cache.used_bytes, cache.evictions), (30, 0), because="all is as it was")


@pytest.mark.step("data.remember")
def test_a_sample_that_is_there_is_not_counted_twice():
    cache = filled()
    tt.data.remember(cache, 1, sample(10))
    expect((held(cache), cache.used_bytes), ([0, 1, 2], 30), because="sample 1 was there already")


@pytest.mark.step("data.remember")
def test_without_a_policy_nothing_is_kept():
    cache = tt.data.Cache(100, "none")
    tt.data.remember(cache, 0, sample(10))
    expect((held(cache), cache.used_bytes), ([], 0), because='the policy "none" keeps nothing')


@pytest.mark.step("data.remember")
def test_a_cached_dataset_reads_a_sample_once():
    reads = []

    class Recorded(tt.Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            reads.append(index)
            return sample(10)

    cached = tt.CachedDataset(Recorded(), 100)
    for index in (0, 1, 0, -1, 3, 1):
        cached[index]
    expect(reads, [0, 1, 3], because="the second time, a sample comes from the cache")
    expect((cached.cache.hits, cached.cache.misses), (3, 3), because="3 of 6 were in the cache")


# Step 9: where a sample lies


@pytest.mark.step("data.locate")
def test_a_sample_lies_in_the_first_shard_that_reaches_past_it():
    expect(tt.data.locate(0, [100, 200, 250]), (0, 0), because="the first sample of all")
    expect(tt.data.locate(120, [100, 200, 250]), (1, 20), because="100 samples lie before shard 1")


@pytest.mark.step("data.locate")
def test_a_shard_begins_where_the_one_before_ends():
    expect(tt.data.locate(99, [100, 200, 250]), (0, 99), because="shard 0 holds samples 0 to 99")
    expect(tt.data.locate(100, [100, 200, 250]), (1, 0), because="sample 100 begins shard 1")
    expect(tt.data.locate(249, [100, 200, 250]), (2, 49), because="the last sample of all")


@pytest.mark.step("data.locate")
def test_an_empty_shard_holds_nothing():
    expect(
        tt.data.locate(3, [3, 3, 5]),
        (2, 0),
        because="shard 1 ends where shard 0 does: it has no sample, so sample 3 begins shard 2",
    )


@pytest.mark.step("data.locate")
def test_minus_one_is_the_last_sample():
    expect(tt.data.locate(-1, [100, 200, 250]), (2, 49), because="-1 counts from the end: 249")
    expect(tt.data.locate(-250, [100, 200, 250]), (0, 0), because="250 from the end is the first")


@pytest.mark.step("data.locate")
def test_an_index_out_of_range_is_refused():
    for index in (250, 251, 600, -251, -600):
        expect_error(
            lambda index=index: tt.data.locate(index, [100, 200, 250]),
            IndexError,
            str(index),
            "250",
            because="there are 250 samples; the message names the index and their number",
        )
    for index in (5, 0, -1):
        expect_error(
            lambda index=index: tt.data.locate(index, []),
            IndexError,
            "0",
            because="no shards, no samples",
        )


@pytest.mark.step("data.locate")
def test_a_sharded_dataset_finds_every_sample(tmp_path):
    pairs = tt.TensorDataset(tt.arange(7) * 10, tt.arange(7))
    tt.write_shards(pairs, tmp_path, samples_per_shard=3)
    sharded = tt.ShardedDataset(tmp_path, budget_bytes=1000)
    expect(
        [(value.item(), label.item()) for value, label in sharded],
        [(0, 0), (10, 1), (20, 2), (30, 3), (40, 4), (50, 5), (60, 6)],
        because="shards of 3, 3 and 1 samples hold the seven in their order",
    )


# What the steps make together


class Labelled(NamedTuple):
    image: tt.Tensor
    label: int


class Named(tt.Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return Labelled(tt.ones(2) * index, index)


@pytest.mark.step("data.collate")
def test_a_named_tuple_keeps_its_names():
    (batch,) = tt.DataLoader(Named(), batch_size=2)
    expect(batch.label, tt.tensor([0, 1]), because="a batch of named tuples has the same names")
