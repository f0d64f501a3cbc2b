"""Wrong answers that learners give in module data, the checks that catch them, and why."""

import math
from collections import deque
from itertools import islice

import numpy as np

import tinytorch as tt
from tinytorch.course import mistake

# Step 1: split_lengths


def require_whole(count, parts):
    """Refuse what every answer refuses, so that each mistake is one mistake."""
    if any(part < 0 for part in parts):
        raise ValueError(f"a part cannot have less than 0 samples: {list(parts)}")
    if not is_lengths(parts) and not math.isclose(sum(parts), 1):
        raise ValueError(f"the fractions {list(parts)} add up to {sum(parts):g}, not to 1")
    if is_lengths(parts) and sum(parts) != count:
        raise ValueError(f"{list(parts)} add up to {sum(parts)}, but there are {count} samples")


def is_lengths(parts):
    return all(isinstance(part, int) for part in parts)


def shares(count, parts):
    """Return the rounded down share of each fraction."""
    return [math.floor(round(count * part, 6)) for part in parts]


@mistake(
    "data.split_lengths",
    caught_by="test_samples_left_over_go_to_the_first_parts",
    says="You rounded each share down and stopped there, so some samples belong to no part. Count "
    "what is left over, and give one each to the parts from the first on.",
)
def leftover_lost(count, parts):
    require_whole(count, parts)
    return list(parts) if is_lengths(parts) else shares(count, parts)


@mistake(
    "data.split_lengths",
    caught_by="test_samples_left_over_go_to_the_first_parts",
    says="You rounded each share to the nearest whole number, so the lengths need not add up. "
    "Round down, and hand out what is left over.",
)
def rounded_to_the_nearest(count, parts):
    require_whole(count, parts)
    return list(parts) if is_lengths(parts) else [round(count * part) for part in parts]


@mistake(
    "data.split_lengths",
    caught_by="test_samples_left_over_go_to_the_first_parts",
    says="You gave everything that is left over to the last part. One sample each, from the first "
    "part on: then no part gets more than one extra.",
)
def leftover_to_the_last(count, parts):
    require_whole(count, parts)
    if is_lengths(parts):
        return list(parts)
    lengths = shares(count, parts)
    lengths[-1] += count - sum(lengths)
    return lengths


@mistake(
    "data.split_lengths",
    caught_by="test_a_share_that_is_whole_is_not_rounded_down",
    says="You cut 28.999999999999996 down to 28. Floats miss whole numbers by a hair: round to "
    "some digits first, as in round(count * part, 6), and then down.",
)
def cut_off_by_a_hair(count, parts):
    require_whole(count, parts)
    if is_lengths(parts):
        return list(parts)
    lengths = [int(count * part) for part in parts]
    for place in range(count - sum(lengths)):
        lengths[place] += 1
    return lengths


@mistake(
    "data.split_lengths",
    caught_by="test_lengths_that_do_not_add_up_are_refused",
    says="You took the lengths as they came. Where they do not add up to the count, samples are "
    "lost or asked for twice: raise ValueError with both totals.",
)
def lengths_unchecked(count, parts):
    if is_lengths(parts):
        return list(parts)
    require_whole(count, parts)
    lengths = shares(count, parts)
    for place in range(count - sum(lengths)):
        lengths[place] += 1
    return lengths


# Step 2: shuffle_indices


@mistake(
    "data.shuffle_indices",
    caught_by="test_every_order_of_three_is_as_likely_as_any_other",
    says="You let every place swap with any other place. That makes n to the power of n equally "
    "likely runs, which n! orders cannot share evenly. Swap with a place not yet settled.",
)
def swap_with_any(count, generator):
    if count < 0:
        raise ValueError(f"cannot shuffle {count} samples: a count is 0 or more")
    order = list(range(count))
    for place in range(count):
        partner = int(generator.integers(count))
        order[place], order[partner] = order[partner], order[place]
    return order


@mistake(
    "data.shuffle_indices",
    caught_by="test_an_index_may_stay_where_it_is",
    says="Your swap partner is never the place itself, so no index can stay where it is. Let the "
    "partner be anything from 0 up to, and with, the place.",
)
def never_in_place(count, generator):
    if count < 0:
        raise ValueError(f"cannot shuffle {count} samples: a count is 0 or more")
    order = list(range(count))
    for place in range(count - 1, 0, -1):
        partner = int(generator.integers(place))
        order[place], order[partner] = order[partner], order[place]
    return order


@mistake(
    "data.shuffle_indices",
    caught_by="test_a_shuffled_order_holds_every_index_once",
    says="You drew every index by itself, so some come twice and others never. Start from all "
    "indices in order, and only swap.",
)
def drawn_with_repetition(count, generator):
    if count < 0:
        raise ValueError(f"cannot shuffle {count} samples: a count is 0 or more")
    return generator.integers(max(count, 1), size=count).tolist()


@mistake(
    "data.shuffle_indices",
    caught_by="test_the_next_order_is_another_one",
    says="You made a generator of your own with a fixed seed, so every epoch has the same order. "
    "Draw from the generator that you are given: it moves on.",
)
def seed_of_its_own(count, generator):
    if count < 0:
        raise ValueError(f"cannot shuffle {count} samples: a count is 0 or more")
    return np.random.default_rng(0).permutation(count).tolist()


@mistake(
    "data.shuffle_indices",
    caught_by="test_a_shuffled_order_is_not_the_old_one",
    says="You returned the indices as they were. Swap each place, from the last on, with one that "
    "the generator draws from those not yet settled.",
)
def not_shuffled(count, generator):
    if count < 0:
        raise ValueError(f"cannot shuffle {count} samples: a count is 0 or more")
    return list(range(count))


@mistake(
    "data.shuffle_indices",
    caught_by="test_a_shuffled_order_is_not_the_old_one",
    says="You returned a NumPy array. Compared with a list it gives an array of answers, and its "
    "elements are no integers of Python's: return a list, for instance with .tolist().",
)
def array_in_place_of_a_list(count, generator):
    if count < 0:
        raise ValueError(f"cannot shuffle {count} samples: a count is 0 or more")
    return generator.permutation(count)


# Step 3: batch_indices


def require_size(batch_size):
    if batch_size < 1:
        raise ValueError(f"a batch of {batch_size} samples holds nothing; use 1 or more")


@mistake(
    "data.batch_indices",
    caught_by="test_the_last_batch_may_be_shorter",
    says="You lost the samples that do not fill a batch. When the indices end, hand out what has "
    "been gathered, unless drop_last asks you not to.",
)
def rest_lost(indices, batch_size, *, drop_last=False):
    require_size(batch_size)
    batch = []
    for index in indices:
        batch.append(index)
        if len(batch) == batch_size:
            yield batch
            batch = []


@mistake(
    "data.batch_indices",
    caught_by="test_drop_last_keeps_a_last_batch_that_is_full",
    says="With drop_last you drop the last batch even when it is full. Only a batch with fewer "
    "than batch_size indices is left out.",
)
def last_dropped_always(indices, batch_size, *, drop_last=False):
    require_size(batch_size)
    order = list(indices) if not hasattr(indices, "__next__") else indices
    remaining, former = iter(order), None
    while batch := list(islice(remaining, batch_size)):
        if former is not None:
            yield former
        former = batch
        if not drop_last:
            yield former
            former = None


@mistake(
    "data.batch_indices",
    caught_by="test_an_order_without_an_end_is_batched_as_it_comes",
    says="You made a list of all indices before the first batch. Take as many as one batch holds, "
    "for instance with itertools.islice, and yield it before you take more.",
)
def all_at_once(indices, batch_size, *, drop_last=False):
    require_size(batch_size)
    order = list(indices)
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        if len(batch) == batch_size or not drop_last:
            yield batch


@mistake(
    "data.batch_indices",
    caught_by="test_indices_are_cut_into_lists_of_one_size",
    says="You went on filling the list that you had handed out. Begin a new list for each batch: "
    "clear() empties the one that your caller holds.",
)
def one_list_for_all(indices, batch_size, *, drop_last=False):
    require_size(batch_size)
    batch = []
    for index in indices:
        batch.append(index)
        if len(batch) == batch_size:
            yield batch
            batch.clear()
    if batch and not drop_last:
        yield batch


@mistake(
    "data.batch_indices",
    caught_by="test_no_indices_make_no_batch",
    says="You handed out an empty batch at the end. What is left over may be nothing: yield it "
    "only if there is something in it.",
)
def empty_batch(indices, batch_size, *, drop_last=False):
    require_size(batch_size)
    batch = []
    for index in indices:
        batch.append(index)
        if len(batch) == batch_size:
            yield batch
            batch = []
    if not drop_last:
        yield batch


# Step 4: collate


def parts_of(samples, collate):
    """Collate the parts of tuples, lists and dicts with the answer itself."""
    first = samples[0]
    for position, sample in enumerate(samples):
        if len(sample) != len(first) or (isinstance(first, dict) and sample.keys() != first.keys()):
            raise ValueError(f"the parts of sample {position} are not those of sample 0")
    if isinstance(first, dict):
        return {key: collate([sample[key] for sample in samples]) for key in first}
    parts = [collate(part) for part in zip(*samples, strict=True)]
    return getattr(first, "_make", type(first))(parts)


@mistake(
    "data.collate",
    caught_by="test_tensors_are_stacked",
    says="You joined the tensors along a dim that they have. A batch has a dim of its own, which "
    "comes first: use stack instead of cat.",
)
def joined_instead_of_stacked(samples):
    kind = tt.data.kind_of(samples)
    if kind == "a tensor":
        return tt.cat(samples)
    if kind == "a number":
        return tt.tensor(samples)
    return list(samples) if kind == "text" else parts_of(samples, joined_instead_of_stacked)


@mistake(
    "data.collate",
    caught_by="test_an_image_and_its_label_stay_a_pair",
    says="You returned the samples as a list of pairs. A network wants all images in one tensor "
    "and all labels in another: zip(*samples) puts the parts together that belong together.",
)
def pairs_left_as_they_are(samples):
    kind = tt.data.kind_of(samples)
    if kind == "a tensor":
        return tt.stack(samples)
    return tt.tensor(samples) if kind == "a number" else list(samples)


@mistake(
    "data.collate",
    caught_by="test_numbers_become_a_tensor",
    says="You left numbers in a list. Labels are compared with a network's outputs, so they have "
    "to be a tensor: tensor(samples).",
)
def numbers_in_a_list(samples):
    kind = tt.data.kind_of(samples)
    if kind == "a tensor":
        return tt.stack(samples)
    return list(samples) if kind in ("a number", "text") else parts_of(samples, numbers_in_a_list)


@mistake(
    "data.collate",
    caught_by="test_a_dict_is_collated_by_its_keys",
    says="You put the parts of dicts together by their place, but a dict is known by its keys: "
    "collect sample[key] of every sample for each key of the first.",
)
def dicts_by_place(samples):
    kind = tt.data.kind_of(samples)
    if kind == "a dict":
        columns = zip(*(sample.values() for sample in samples), strict=True)
        return dict(zip(samples[0], map(list, columns), strict=True))
    if kind in ("a tuple", "a list"):
        return parts_of(samples, dicts_by_place)
    return tt.data.collate(samples) if kind == "text" else tt.stack([tt.tensor(s) for s in samples])


@mistake(
    "data.collate",
    caught_by="test_samples_of_different_lengths_are_refused",
    says="zip stopped at the shortest sample and dropped a part in silence. Compare the lengths "
    "first, and raise ValueError with the position of the sample that differs.",
)
def parts_dropped(samples):
    kind = tt.data.kind_of(samples)
    if kind in ("a tuple", "a list"):
        parts = [parts_dropped(part) for part in zip(*samples, strict=False)]
        return getattr(samples[0], "_make", type(samples[0]))(parts)
    if kind == "a dict":
        return parts_of(samples, parts_dropped)
    if kind == "text":
        return list(samples)
    return tt.stack(samples) if kind == "a tensor" else tt.tensor(samples)


# Step 5: merge_moments


def merged(first, second, *, mean, between):
    """Return the merged moments, with this mean and this spread between the parts."""
    spread = first.spread + second.spread + between
    return tt.data.Moments(first.count + second.count, mean, spread)


@mistake(
    "data.merge_moments",
    caught_by="test_means_are_weighted_by_their_counts",
    says="You took the middle between the two means. A part with more values counts for more: go "
    "from the first mean towards the second by n2 / n of the distance.",
)
def means_averaged(first, second):
    if first.count == 0 or second.count == 0:
        return second if first.count == 0 else first
    count, distance = first.count + second.count, second.mean - first.mean
    between = distance * distance * (first.count * second.count / count)
    return merged(first, second, mean=(first.mean + second.mean) / 2, between=between)


@mistake(
    "data.merge_moments",
    caught_by="test_spread_grows_where_the_means_differ",
    says="You only added the two spreads. Where the means differ, all values lie further from the "
    "common mean than from their own: add distance squared times n1 * n2 / n.",
)
def spreads_added(first, second):
    if first.count == 0 or second.count == 0:
        return second if first.count == 0 else first
    distance = second.mean - first.mean
    mean = first.mean + distance * (second.count / (first.count + second.count))
    return merged(first, second, mean=mean, between=0.0)


@mistake(
    "data.merge_moments",
    caught_by="test_a_part_without_values_changes_nothing",
    says="You divided by the number of values, and there were none. A part without values changes "
    "nothing: return the other one.",
)
def empty_part_divides(first, second):
    count, distance = first.count + second.count, second.mean - first.mean
    ratio = (1 / second.count) * second.count if second.count else math.nan
    mean = first.mean + distance * (second.count / count * ratio)
    between = distance * distance * (first.count * second.count / count)
    return merged(first, second, mean=mean, between=between)


@mistake(
    "data.merge_moments",
    caught_by="test_a_small_spread_around_a_large_mean_survives",
    says="You took the square of the mean from the mean of the squares. Around a large mean both "
    "are huge and nearly equal, and the digits that matter are gone. Work with distances.",
)
def squares_subtracted(first, second):
    if first.count == 0 or second.count == 0:
        return second if first.count == 0 else first
    count = first.count + second.count
    mean = (first.mean * first.count + second.mean * second.count) / count
    squares = [part.spread + part.mean * part.mean * part.count for part in (first, second)]
    return tt.data.Moments(count, mean, squares[0] + squares[1] - mean * mean * count)


@mistake(
    "data.merge_moments",
    caught_by="test_spread_grows_where_the_means_differ",
    says="You forgot to square the distance between the means. A spread is a sum of squares: add "
    "distance * distance * n1 * n2 / n.",
)
def distance_not_squared(first, second):
    if first.count == 0 or second.count == 0:
        return second if first.count == 0 else first
    count, distance = first.count + second.count, second.mean - first.mean
    between = distance * (first.count * second.count / count)
    return merged(
        first, second, mean=first.mean + distance * (second.count / count), between=between
    )


# Step 6: sample_seed


def require_positive(seed, index):
    if seed < 0 or index < 0:
        raise ValueError(f"cannot mix seed {seed} and index {index}: both are 0 or more")


@mistake(
    "data.sample_seed",
    caught_by="test_a_seed_is_mixed_with_the_index_added_and_mixed_again",
    says="You added seed and index, so sample 1 of epoch 0 is sample 0 of epoch 1: the same "
    "randomness, one place further. Mix the seed before you add the index.",
)
def seed_plus_index(seed, index):
    require_positive(seed, index)
    return seed + index


@mistake(
    "data.sample_seed",
    caught_by="test_neighbours_in_neighbouring_epochs_do_not_share_a_seed",
    says="You mixed the sum of seed and index. Equal sums stay equal, however well they are mixed: "
    "mix the seed by itself first.",
)
def mixed_only_after(seed, index):
    require_positive(seed, index)
    return tt.data.mix(seed + index)


@mistake(
    "data.sample_seed",
    caught_by="test_samples_of_an_epoch_have_seeds_of_their_own",
    says="You left the index out, so all samples of an epoch are shifted, cut and turned the same "
    "way. That is the well-known bug of workers that share a seed. Mix the index in.",
)
def index_left_out(seed, index):
    require_positive(seed, index)
    return tt.data.mix(tt.data.mix(seed))


@mistake(
    "data.sample_seed",
    caught_by="test_a_sample_has_another_seed_in_another_epoch",
    says="You left the seed out, so a sample looks the same in every epoch, and no augmentation "
    "takes place. Mix the epoch's seed in.",
)
def seed_left_out(seed, index):
    require_positive(seed, index)
    return tt.data.mix(tt.data.mix(index))


@mistake(
    "data.sample_seed",
    caught_by="test_a_seed_is_mixed_with_the_index_added_and_mixed_again",
    says="You added the index to the mixed seed and stopped. Seeds of neighbours then differ by "
    "one, and generators started so close can resemble each other: mix the sum once more.",
)
def mixed_only_before(seed, index):
    require_positive(seed, index)
    return (tt.data.mix(seed) + index) % 2**64


# Step 7: prefetch


def require_ahead(ahead):
    if ahead < 1:
        raise ValueError(f"cannot fetch {ahead} results ahead; use 1 or more")


@mistake(
    "data.prefetch",
    caught_by="test_work_goes_on_ahead_while_the_caller_computes",
    says="You begin an item only when its result is asked for, so the caller waits for all of it. "
    "Begin `ahead` items before you wait for the first.",
)
def one_at_a_time(submit, items, *, ahead):
    require_ahead(ahead)
    for item in items:
        yield submit(item).result()


@mistake(
    "data.prefetch",
    caught_by="test_work_goes_on_ahead_while_the_caller_computes",
    says="You began all items at once. Their results pile up in memory, a whole dataset of them. "
    "Begin `ahead` items, and one more with every result that you hand over.",
)
def everything_at_once(submit, items, *, ahead):
    require_ahead(ahead)
    waiting = deque(map(submit, items))
    try:
        while waiting:
            yield waiting.popleft().result()
    finally:
        for pending in waiting:
            pending.cancel()


@mistake(
    "data.prefetch",
    caught_by="test_work_goes_on_ahead_while_the_caller_computes",
    says="You fill up again only when the caller comes back, so one place stands empty while the "
    "caller computes. Begin the next item before you yield.",
)
def filled_too_late(submit, items, *, ahead):
    require_ahead(ahead)
    remaining, waiting = iter(items), deque()
    try:
        waiting.extend(map(submit, islice(remaining, ahead)))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(map(submit, islice(remaining, 1)))
    finally:
        for pending in waiting:
            pending.cancel()


@mistake(
    "data.prefetch",
    caught_by="test_closing_cancels_what_was_not_handed_over",
    says="You left work behind. A caller who breaks out of the loop closes you at your yield: "
    "put the loop into try, and in finally cancel all that is still waiting.",
)
def work_left_behind(submit, items, *, ahead):
    require_ahead(ahead)
    remaining, waiting = iter(items), deque()
    waiting.extend(map(submit, islice(remaining, ahead)))
    while waiting:
        result = waiting.popleft().result()
        waiting.extend(map(submit, islice(remaining, 1)))
        yield result


@mistake(
    "data.prefetch",
    caught_by="test_results_come_in_the_order_of_the_items",
    says="You took the result of the item begun last. Results are handed over in the order of the "
    "items: add at one end of the queue and take from the other, with popleft.",
)
def last_begun_first(submit, items, *, ahead):
    require_ahead(ahead)
    remaining, waiting = iter(items), deque()
    try:
        waiting.extend(map(submit, islice(remaining, ahead)))
        while waiting:
            result = waiting.pop().result()
            waiting.extend(map(submit, islice(remaining, 1)))
            yield result
    finally:
        for pending in waiting:
            pending.cancel()


# Step 8: remember


def enter(cache, index, sample, size):
    cache.samples[index] = sample
    cache.sizes[index] = size
    cache.used_bytes += size


def is_kept(cache, index, size):
    return cache.policy != "none" and index not in cache.samples and size <= cache.budget_bytes


@mistake(
    "data.remember",
    caught_by="test_as_many_are_forgotten_as_a_large_sample_needs",
    says="You forgot one sample and hoped that it was enough. Samples differ in size: go on "
    "`while` the new one does not fit, not `if`.",
)
def one_forgotten(cache, index, sample):
    size = tt.data.sample_bytes(sample)
    if is_kept(cache, index, size):
        if cache.used_bytes + size > cache.budget_bytes:
            cache.forget(cache.next_to_go())
        enter(cache, index, sample, size)


@mistake(
    "data.remember",
    caught_by="test_a_budget_may_be_used_to_the_last_byte",
    says="You made room although the sample fitted exactly. Only more than the budget is too "
    "much: compare with >, not with >=.",
)
def last_byte_unused(cache, index, sample):
    size = tt.data.sample_bytes(sample)
    if is_kept(cache, index, size):
        while cache.samples and cache.used_bytes + size >= cache.budget_bytes:
            cache.forget(cache.next_to_go())
        enter(cache, index, sample, size)


@mistake(
    "data.remember",
    caught_by="test_one_sample_is_forgotten_where_one_is_enough",
    says="You looked whether the cache was full already, not whether the new sample fits as well, "
    "so it grows past its budget. Add the sample's size before you compare.",
)
def new_sample_not_counted(cache, index, sample):
    size = tt.data.sample_bytes(sample)
    if is_kept(cache, index, size):
        while cache.used_bytes > cache.budget_bytes:
            cache.forget(cache.next_to_go())
        enter(cache, index, sample, size)


@mistake(
    "data.remember",
    caught_by="test_a_sample_larger_than_the_budget_pushes_nobody_out",
    says="You emptied the cache for a sample that can never fit. Look at its size first: what is "
    "larger than the whole budget is not kept, and nothing is forgotten for it.",
)
def emptied_in_vain(cache, index, sample):
    size = tt.data.sample_bytes(sample)
    if cache.policy == "none" or index in cache.samples:
        return
    while cache.samples and cache.used_bytes + size > cache.budget_bytes:
        cache.forget(cache.next_to_go())
    if size <= cache.budget_bytes:
        enter(cache, index, sample, size)


@mistake(
    "data.remember",
    caught_by="test_the_policy_decides_who_goes",
    says="You always forget the sample that came first. Who goes is for the policy to say: ask "
    "cache.next_to_go().",
)
def oldest_goes(cache, index, sample):
    size = tt.data.sample_bytes(sample)
    if is_kept(cache, index, size):
        while cache.used_bytes + size > cache.budget_bytes:
            cache.forget(next(iter(cache.samples)))
        enter(cache, index, sample, size)


@mistake(
    "data.remember",
    caught_by="test_a_sample_that_is_there_is_not_counted_twice",
    says="You counted a sample again that the cache had already: two threads can miss it at the "
    "same time. Return at once if the index is in cache.samples.",
)
def counted_twice(cache, index, sample):
    size = tt.data.sample_bytes(sample)
    if cache.policy == "none" or size > cache.budget_bytes:
        return
    while cache.used_bytes + size > cache.budget_bytes:
        cache.forget(cache.next_to_go())
    enter(cache, index, sample, size)


# Step 9: locate


def counted_from_zero(index, ends):
    count = ends[-1] if ends else 0
    if not -count <= index < count:
        raise IndexError(f"there is no sample {index}: the shards hold {count}")
    return index % count


@mistake(
    "data.locate",
    caught_by="test_a_shard_begins_where_the_one_before_ends",
    says="A shard's end is the first sample that it does not hold: with ends [100, 200], sample "
    "100 begins shard 1. Take bisect_right, which steps past equal totals.",
)
def end_included(index, ends):
    from bisect import bisect_left

    number = counted_from_zero(int(index.__index__()), ends)
    shard = bisect_left(ends, number)
    return shard, number - (ends[shard - 1] if shard else 0)


@mistake(
    "data.locate",
    caught_by="test_a_sample_lies_in_the_first_shard_that_reaches_past_it",
    says="You returned the sample's number in the whole set as its place. A place counts from the "
    "shard's own beginning: take away the total before it.",
)
def place_in_the_whole(index, ends):
    from bisect import bisect_right

    number = counted_from_zero(int(index.__index__()), ends)
    return bisect_right(ends, number), number


@mistake(
    "data.locate",
    caught_by="test_minus_one_is_the_last_sample",
    says="You looked for a negative number among the totals. An index below 0 counts from the "
    "end: add the number of samples first.",
)
def negative_searched(index, ends):
    from bisect import bisect_right

    index = int(index.__index__())
    counted_from_zero(index, ends)
    shard = bisect_right(ends, index)
    return shard, index - (ends[shard - 1] if shard else 0)


@mistake(
    "data.locate",
    caught_by="test_an_index_out_of_range_is_refused",
    says="You returned a place in a shard that does not exist. Compare the index with the last "
    "total first, and raise IndexError with both.",
)
def range_unchecked(index, ends):
    from bisect import bisect_right

    index, count = int(index.__index__()), ends[-1] if ends else 1
    number = index + count if index < 0 else index
    shard = bisect_right(ends, number)
    return shard, number - (ends[shard - 1] if shard else 0)


@mistake(
    "data.locate",
    caught_by="test_an_empty_shard_holds_nothing",
    says="You divided by the size of the first shard, as if all were alike. The last one is "
    "mostly shorter, and any can be empty: search the totals.",
)
def equal_shards(index, ends):
    number = counted_from_zero(int(index.__index__()), ends)
    size = ends[0] or 1
    return number // size, number % size


@mistake(
    "data.locate",
    caught_by="test_many_shards_are_not_searched_one_by_one",
    says="You looked at one shard after the other. It works, and a set of many shards spends its "
    "time in that loop: the totals only grow, so halve the search with bisect_right.",
)
def one_by_one(index, ends):
    number = counted_from_zero(int(index.__index__()), ends)
    start = 0
    for shard, end in enumerate(ends):
        if number < end:
            return shard, number - start
        start = end
    raise IndexError(index)
