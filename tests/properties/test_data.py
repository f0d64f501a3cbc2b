"""Data keeps its promises on whatever hypothesis thinks of; NumPy and counting are the oracles."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinytorch as tt

COUNTS = st.integers(0, 200)
SEEDS = st.integers(0, 2**63 - 1)


def holds_for(*strategies, examples=60):
    """Return a decorator: the test holds for what the strategies think of, the same each time."""
    chosen = settings(deadline=None, derandomize=True, max_examples=examples)
    return lambda test: chosen(given(*strategies)(test))


@holds_for(COUNTS, st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_fractions_divide_a_set_as_exact_arithmetic_does(count, weights):
    exact = [math.floor(count * Fraction(weight, sum(weights))) for weight in weights]
    for place in range(count - sum(exact)):
        exact[place] += 1
    parts = [weight / sum(weights) for weight in weights]
    assert tt.data.split_lengths(count, [float(part) for part in parts]) == exact


@holds_for(st.lists(st.floats(0, 1), min_size=1, max_size=5), COUNTS)
def test_parts_add_up_or_are_refused(parts, count):
    if not math.isclose(sum(parts), 1):
        with pytest.raises(ValueError, match="add up"):
            tt.data.split_lengths(count, parts)
        return
    lengths = tt.data.split_lengths(count, parts)
    assert sum(lengths) == count
    assert all(length >= 0 for length in lengths)


@holds_for(COUNTS, SEEDS)
def test_a_split_and_its_parts_share_nothing_and_lose_nothing(count, seed):
    parts = tt.random_split(range(count), [0.5, 0.3, 0.2], generator=np.random.default_rng(seed))
    assert sorted(index for part in parts for index in part.indices) == list(range(count))


@holds_for(COUNTS, SEEDS)
def test_a_shuffle_is_a_permutation_that_repeats_under_its_seed(count, seed):
    first, again = (tt.data.shuffle_indices(count, np.random.default_rng(seed)) for _ in range(2))
    assert first == again
    assert sorted(first) == list(range(count))


@holds_for(st.lists(st.integers()), st.integers(1, 20), st.booleans())
def test_batches_joined_are_the_order(order, size, drop_last):
    batches = list(tt.data.batch_indices(iter(order), size, drop_last=drop_last))
    joined = [index for batch in batches for index in batch]
    assert joined == order[: len(order) // size * size if drop_last else len(order)]
    assert all(len(batch) == size for batch in batches[:-1])


NESTED = st.recursive(
    st.sampled_from(["tensor", "number", "text"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(tuple),
        st.dictionaries(st.sampled_from("abc"), inner, min_size=1),
    ),
    max_leaves=6,
)


def made(plan, number):
    """Return a sample by its plan, which tells it from the other samples."""
    if isinstance(plan, tuple):
        return tuple(made(part, number) for part in plan)
    if isinstance(plan, dict):
        return {key: made(part, number) for key, part in plan.items()}
    return {"tensor": tt.full((2,), number), "number": number, "text": str(number)}[plan]


def taken(batch, plan, number):
    """Return one sample out of a batch, as plain Python."""
    if isinstance(plan, tuple):
        return tuple(taken(*pair, number) for pair in zip(batch, plan, strict=True))
    if isinstance(plan, dict):
        return {key: taken(batch[key], part, number) for key, part in plan.items()}
    return batch[number].tolist() if plan != "text" else batch[number]


def plain(sample):
    if isinstance(sample, tuple):
        return tuple(map(plain, sample))
    if isinstance(sample, dict):
        return {key: plain(part) for key, part in sample.items()}
    return sample.tolist() if isinstance(sample, tt.Tensor) else sample


@holds_for(NESTED, st.integers(1, 5))
def test_every_sample_can_be_taken_out_of_its_batch_again(plan, count):
    samples = [made(plan, number) for number in range(count)]
    batch = tt.collate(samples)
    assert [taken(batch, plan, number) for number in range(count)] == list(map(plain, samples))


@holds_for(
    hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6)),
    st.lists(st.integers(0, 60), max_size=5),
)
def test_moments_do_not_depend_on_where_a_set_is_cut(array, cuts):
    parts = [tt.from_numpy(part) for part in np.split(array, sorted(cuts)) if len(part)]
    found = tt.measure_moments(parts)
    assert found.count == len(array)
    assert found.mean.item() == pytest.approx(array.mean(), rel=1e-9, abs=1e-9)
    assert found.variance.item() == pytest.approx(array.var(), rel=1e-9, abs=1e-6)


@holds_for(SEEDS, SEEDS, st.integers(0, 2**40), st.integers(0, 2**40))
def test_two_samples_share_a_seed_only_if_they_are_the_same(seed, other_seed, index, other_index):
    same = (seed, index) == (other_seed, other_index)
    assert (
        tt.data.sample_seed(seed, index) == tt.data.sample_seed(other_seed, other_index)
    ) is same


@holds_for(st.integers(0, 30), st.integers(1, 12), st.integers(0, 30))
def test_whenever_prefetch_is_closed_nothing_stays_open(count, ahead, taken_before):
    still_open = set()

    class Errand:
        def __init__(self, item):
            self.item = item
            still_open.add(item)
            assert len(still_open) <= ahead

        def result(self):
            still_open.discard(self.item)
            return self.item

        def cancel(self):
            still_open.discard(self.item)

    results = tt.data.prefetch(Errand, range(count), ahead=ahead)
    assert list(islice(results, taken_before)) == list(range(min(count, taken_before)))
    results.close()
    assert still_open == set()


@holds_for(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=60),
    st.integers(0, 80),
    st.sampled_from(["lru", "fifo", "random", "none"]),
)
def test_a_cache_never_exceeds_its_budget_and_hands_out_what_it_was_given(visits, budget, policy):
    cache = tt.data.Cache(budget, policy, generator=np.random.default_rng(0))
    given_last = {}
    for index, size in visits:
        found = tt.data.recall(cache, index)
        assert found is None or found is given_last[index]
        if found is None:
            given_last[index] = np.zeros(size, np.uint8)
            tt.data.remember(cache, index, given_last[index])
        assert cache.used_bytes == sum(cache.sizes.values()) <= budget
        assert cache.samples.keys() == cache.sizes.keys()
    assert cache.hits + cache.misses == len(visits)


@holds_for(st.lists(st.integers(0, 6), max_size=12))
def test_a_place_leads_back_to_its_index(counts):
    ends = np.cumsum(counts, dtype=int).tolist()
    for index in range(sum(counts)):
        shard, place = tt.data.locate(index, ends)
        assert 0 <= place < counts[shard]
        assert sum(counts[:shard]) + place == index


@holds_for(
    hnp.arrays(
        st.sampled_from([np.uint8, np.int32, np.float32, np.bool_]),
        hnp.array_shapes(min_dims=1, max_dims=3, max_side=6),
    ),
    st.integers(1, 7),
    examples=25,
)
def test_shards_give_back_what_was_written(tmp_path_factory, array, samples_per_shard):
    folder = tmp_path_factory.mktemp("shards")
    dataset = tt.TensorDataset(tt.from_numpy(array), tt.arange(len(array)))
    tt.write_shards(dataset, folder, samples_per_shard=samples_per_shard)
    sharded = tt.ShardedDataset(folder, budget_bytes=10_000)
    assert len(sharded) == len(array)
    for index in [*range(len(array)), -1]:
        found, number = sharded[index]
        assert number.item() == index % len(array)
        assert found.dtype == array.dtype
        assert found.numpy().tobytes() == array[index].tobytes()  # NaN included


@holds_for(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=3, max_side=7)),
    st.integers(0, 9),
    SEEDS,
)
def test_a_shifted_image_is_a_window_on_the_padded_one(image, most, seed):
    shift = tt.RandomShift(most, fill=7, generator=np.random.default_rng(seed))
    moved = shift(tt.from_numpy(image.copy())).numpy()
    padding = [(0, 0)] * (image.ndim - 2) + [(most, most)] * 2
    padded = np.pad(image, padding, constant_values=7)
    height, width = image.shape[-2:]
    windows = [
        padded[..., down : down + height, right : right + width]
        for down in range(2 * most + 1)
        for right in range(2 * most + 1)
    ]
    assert any(np.array_equal(moved, window) for window in windows)
