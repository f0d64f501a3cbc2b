"""Wrong answers that learners give in module networks, the checks that catch them, and why."""

import math

import numpy as np

from tinytorch.course import mistake
from tinytorch.layers import softmax
from tinytorch.networks import ReceptiveField
from tinytorch.networks.inspection import MOVES, PER_ELEMENT, REDUCTIONS, windows_of
from tinytorch.networks.normalization import update_running
from tinytorch.networks.pooling import lowest
from tinytorch.networks.windows import pad
from tinytorch.tensors import bool_, where

# Step 1: conv_output_size


def reach_of(kernel, dilation):
    """Return over how many pixels a kernel reaches, for the mistakes that get this right."""
    return dilation * (kernel - 1) + 1


@mistake(
    "networks.conv_output_size",
    caught_by="test_a_window_fits_wherever_it_can_begin",
    says="You counted how far the window can move. Where it has not moved at all is a place too: "
    "add 1.",
)
def first_window_forgotten(size, kernel, *, stride=1, padding=0, dilation=1):
    reach = reach_of(kernel, dilation)
    if reach > size + 2 * padding:
        raise ValueError(f"{reach} into {size + 2 * padding}, kernel {kernel}")
    return (size + 2 * padding - reach) // stride


@mistake(
    "networks.conv_output_size",
    caught_by="test_padding_is_added_on_both_ends",
    says="You padded one end only. The margin is on both ends: 2 * padding.",
)
def padding_on_one_end(size, kernel, *, stride=1, padding=0, dilation=1):
    reach = reach_of(kernel, dilation)
    if reach > size + padding:
        raise ValueError(f"{reach} into {size + padding}, kernel {kernel}")
    return (size + padding - reach) // stride + 1


@mistake(
    "networks.conv_output_size",
    caught_by="test_dilation_makes_a_window_reach_further",
    says="You multiplied the whole kernel by the dilation. Between k places are k - 1 gaps: a "
    "window reaches over dilation * (kernel - 1) + 1 pixels.",
)
def gap_after_the_last(size, kernel, *, stride=1, padding=0, dilation=1):
    reach = dilation * kernel
    if reach > size + 2 * padding:
        raise ValueError(f"{reach} into {size + 2 * padding}, kernel {kernel}")
    return (size + 2 * padding - reach) // stride + 1


@mistake(
    "networks.conv_output_size",
    caught_by="test_a_stride_leaves_windows_out_and_a_rest_at_the_end",
    says="You rounded up, so the last window reaches over the end. What is left over at the end "
    "is not seen: divide with //.",
)
def last_window_over_the_end(size, kernel, *, stride=1, padding=0, dilation=1):
    reach = reach_of(kernel, dilation)
    if reach > size + 2 * padding:
        raise ValueError(f"{reach} into {size + 2 * padding}, kernel {kernel}")
    return -(-(size + 2 * padding - reach) // stride) + 1


@mistake(
    "networks.conv_output_size",
    caught_by="test_a_window_that_is_too_large_is_refused",
    says="You answered 0, or less, where no window fits, and the memory beside the image would be "
    "read later. Compare the reach with the padded size and raise ValueError.",
)
def too_large_accepted(size, kernel, *, stride=1, padding=0, dilation=1):
    return (size + 2 * padding - reach_of(kernel, dilation)) // stride + 1


# Step 2: unfold


def count_windows(images, kernel, stride, dilation):
    """Return rows and columns of windows; refuse what does not fit."""
    counts = []
    for size, k, s, d in zip(images.shape[2:], kernel, stride, dilation, strict=True):
        if reach_of(k, d) > size:
            raise ValueError(f"no window of {reach_of(k, d)} fits into {size}")
        counts.append((size - reach_of(k, d)) // s + 1)
    return counts


def view(images, shape, between, inside, *, writeable=False):
    """Return a view with these strides, in bytes, from window to window and inside of one."""
    strides = (*images.strides[:2], *between, *inside)
    return np.lib.stride_tricks.as_strided(images, shape, strides, writeable=writeable)


@mistake(
    "networks.unfold",
    caught_by="test_a_stride_moves_the_window_and_dilation_spreads_it",
    says="You left the dilation out. Inside of a window, the next place is dilation[0] rows or "
    "dilation[1] columns further.",
)
def places_side_by_side(images, kernel, *, stride=(1, 1), dilation=(1, 1)):
    down, right = images.strides[2:]
    rows, columns = count_windows(images, kernel, stride, dilation)
    between = (down * stride[0], right * stride[1])
    return view(images, (*images.shape[:2], rows, columns, *kernel), between, (down, right))


@mistake(
    "networks.unfold",
    caught_by="test_windows_are_a_view_of_the_image",
    says="You copied the windows. Nine copies of every pixel are what the strides are there to "
    "save: describe the windows with as_strided.",
)
def windows_copied(images, kernel, *, stride=(1, 1), dilation=(1, 1)):
    down, right = images.strides[2:]
    rows, columns = count_windows(images, kernel, stride, dilation)
    between = (down * stride[0], right * stride[1])
    inside = (down * dilation[0], right * dilation[1])
    shape = (*images.shape[:2], rows, columns, *kernel)
    copied = view(images, shape, between, inside).copy()
    copied.flags.writeable = False
    return copied


@mistake(
    "networks.unfold",
    caught_by="test_windows_cannot_be_written_to",
    says="Your view can be written to, and a write to one window would change its neighbours. "
    "Pass writeable=False.",
)
def windows_writeable(images, kernel, *, stride=(1, 1), dilation=(1, 1)):
    down, right = images.strides[2:]
    rows, columns = count_windows(images, kernel, stride, dilation)
    between = (down * stride[0], right * stride[1])
    inside = (down * dilation[0], right * dilation[1])
    shape = (*images.shape[:2], rows, columns, *kernel)
    return view(images, shape, between, inside, writeable=True)


@mistake(
    "networks.unfold",
    caught_by="test_every_window_of_an_image_is_there",
    says="Your dims come in another order. First which window, row and column, then which place "
    "inside of it.",
)
def places_before_windows(images, kernel, *, stride=(1, 1), dilation=(1, 1)):
    down, right = images.strides[2:]
    rows, columns = count_windows(images, kernel, stride, dilation)
    between = (down * stride[0], right * stride[1])
    inside = (down * dilation[0], right * dilation[1])
    return view(images, (*images.shape[:2], *kernel, rows, columns), inside, between)


@mistake(
    "networks.unfold",
    caught_by="test_images_may_lie_in_memory_in_any_order",
    says="You worked the strides out from the shape, as if the image were contiguous. It may be a "
    "view itself: take its own strides.",
)
def contiguous_assumed(images, kernel, *, stride=(1, 1), dilation=(1, 1)):
    whole = np.ascontiguousarray(images)
    down, right = whole.strides[2:]
    rows, columns = count_windows(whole, kernel, stride, dilation)
    between = (down * stride[0], right * stride[1])
    inside = (down * dilation[0], right * dilation[1])
    return view(whole, (*whole.shape[:2], rows, columns, *kernel), between, inside)


# Step 3: conv2d_kernel


def seen_through(images, kernel, stride, padding, dilation, value=0):
    """Return all windows, for the mistakes that get these right."""
    padded = pad(images, padding, value)
    down, right = padded.strides[2:]
    rows, columns = count_windows(padded, kernel, stride, dilation)
    between = (down * stride[0], right * stride[1])
    inside = (down * dilation[0], right * dilation[1])
    return view(padded, (*padded.shape[:2], rows, columns, *kernel), between, inside)


def product_of(windows, weight, bias, groups):
    """Return every window times every filter, summed, with the bias."""
    batch, _, rows, columns = windows.shape[:4]
    filters = len(weight)
    flat = windows.transpose(0, 1, 4, 5, 2, 3).reshape(batch, groups, -1, rows * columns)
    matrix = weight.reshape(groups, filters // groups, -1)
    result = (matrix @ flat).reshape(batch, filters, rows, columns)
    return result if bias is None else result + bias[:, None, None]


@mistake(
    "networks.conv2d_kernel",
    caught_by="test_each_window_is_multiplied_by_the_filter_and_summed",
    says="You turned the filter round, as mathematicians do. In neural networks a convolution is "
    "a plain sum of products: place (0, 0) of the filter meets place (0, 0) of the window.",
)
def filter_turned(images, weight, bias=None, *, stride, padding, dilation, groups):
    windows = seen_through(images, weight.shape[2:], stride, padding, dilation)
    return product_of(windows, weight[:, :, ::-1, ::-1], bias, groups)


@mistake(
    "networks.conv2d_kernel",
    caught_by="test_each_filter_makes_a_channel_and_adds_its_bias",
    says="The bias did not arrive. It has one number for each filter: add bias[:, None, None] to "
    "the result, where a bias was given.",
)
def bias_forgotten(images, weight, bias=None, *, stride, padding, dilation, groups):
    windows = seen_through(images, weight.shape[2:], stride, padding, dilation)
    return product_of(windows, weight, None, groups)


@mistake(
    "networks.conv2d_kernel",
    caught_by="test_groups_see_their_own_channels_only",
    says="Every filter saw the channels of the first group. Cut the channels into as many parts as "
    "there are groups, and give each part of the filters its own.",
)
def first_group_for_all(images, weight, bias=None, *, stride, padding, dilation, groups):
    windows = seen_through(images, weight.shape[2:], stride, padding, dilation)
    return product_of(windows[:, : weight.shape[1]], weight, bias, 1)


@mistake(
    "networks.conv2d_kernel",
    caught_by="test_padding_stride_and_dilation_choose_the_windows",
    says="You left the margin out. Pad the images before you look through their windows.",
)
def margin_forgotten(images, weight, bias=None, *, stride, padding, dilation, groups):
    windows = seen_through(images, weight.shape[2:], stride, (0, 0), dilation)
    return product_of(windows, weight, bias, groups)


@mistake(
    "networks.conv2d_kernel",
    caught_by="test_a_filter_sums_over_all_channels",
    says="You filtered each channel and kept only the first. A filter has weights for every "
    "channel, and its answer is the sum over all of them.",
)
def first_channel_only(images, weight, bias=None, *, stride, padding, dilation, groups):
    windows = seen_through(images, weight.shape[2:], stride, padding, dilation)
    if groups > 1:
        return product_of(windows, weight, bias, groups)
    return product_of(windows[:, :1], weight[:, :1], bias, 1)


# Step 4: max_pool2d_kernel


@mistake(
    "networks.max_pool2d_kernel",
    caught_by="test_the_margin_never_wins",
    says="Your margin is of zeros, and a zero beats every negative number. Pad with "
    "lowest(images.dtype), which beats none.",
)
def margin_of_zeros(images, *, kernel_size, stride, padding, dilation):
    return seen_through(images, kernel_size, stride, padding, dilation).max((4, 5))


@mistake(
    "networks.max_pool2d_kernel",
    caught_by="test_the_largest_of_each_window_is_kept",
    says="You took the mean of each window. Maximum pooling keeps the largest number, however "
    "small the others are.",
)
def mean_instead(images, *, kernel_size, stride, padding, dilation):
    value = lowest(images.dtype)
    windows = seen_through(images, kernel_size, stride, padding, dilation, value)
    return windows.mean((4, 5)).astype(images.dtype)


@mistake(
    "networks.max_pool2d_kernel",
    caught_by="test_windows_may_overlap",
    says="You moved each window by its own size. Where the stride is smaller, windows overlap: "
    "pass the stride on.",
)
def stride_of_the_kernel(images, *, kernel_size, stride, padding, dilation):
    value = lowest(images.dtype)
    return seen_through(images, kernel_size, kernel_size, padding, dilation, value).max((4, 5))


@mistake(
    "networks.max_pool2d_kernel",
    caught_by="test_maxima_agree_with_loops_over_all_windows",
    says="You looked at neighbouring pixels whatever the dilation is. Pass it on to unfold.",
)
def dilation_forgotten(images, *, kernel_size, stride, padding, dilation):
    padded = pad(images, padding, lowest(images.dtype))
    rows, columns = count_windows(padded, kernel_size, stride, dilation)
    windows = seen_through(padded, kernel_size, stride, (0, 0), (1, 1))
    return windows[:, :, :rows, :columns].max((4, 5))


@mistake(
    "networks.max_pool2d_kernel",
    caught_by="test_every_dtype_is_pooled_and_nan_is_not_hidden",
    says="You passed over what is not a number. A nan in a window means that something went wrong "
    "before: let it be seen. np.maximum does, np.fmax does not.",
)
def nan_passed_over(images, *, kernel_size, stride, padding, dilation):
    value = lowest(images.dtype)
    windows = seen_through(images, kernel_size, stride, padding, dilation, value)
    largest = windows[..., 0, 0].copy()
    for i, j in np.ndindex(kernel_size):
        np.fmax(largest, windows[..., i, j], out=largest)
    return largest


# Step 5: batch_norm


def normalised(x, mean, var, weight, bias, eps):
    """Return x normalised by these numbers, for the mistakes that get this right."""
    shape = (1, -1, *[1] * (x.ndim - 2))
    result = (x - mean.reshape(shape)) / (var + eps).sqrt().reshape(shape)
    if weight is not None:
        result = result * weight.reshape(shape)
    return result if bias is None else result + bias.reshape(shape)


def of_the_batch(x, correction=0):
    """Return the mean and the variance of every channel."""
    dims = (0, *range(2, x.ndim))
    return x.mean(dims), x.var(dims, correction=correction)


@mistake(
    "networks.batch_norm",
    caught_by="test_otherwise_the_running_numbers_are_used_and_kept",
    says="You used the batch's own mean in inference too, so an answer depends on who else is in "
    "the batch. Outside of training, take the running numbers.",
)
def always_training(
    x, running_mean, running_var, weight=None, bias=None, *, training=False, momentum=0.1, eps=1e-5
):
    mean, var = of_the_batch(x)
    if training:
        count = x.numel() // x.shape[1]
        update_running((running_mean, running_var), (mean, var), count, momentum)
    return normalised(x, mean, var, weight, bias, eps)


@mistake(
    "networks.batch_norm",
    caught_by="test_training_moves_the_running_numbers_a_little",
    says="Training left the running numbers as they were, so inference will have nothing to go "
    "by. Call update_running in training.",
)
def nothing_remembered(
    x, running_mean, running_var, weight=None, bias=None, *, training=False, momentum=0.1, eps=1e-5
):
    mean, var = of_the_batch(x) if training else (running_mean, running_var)
    return normalised(x, mean, var, weight, bias, eps)


@mistake(
    "networks.batch_norm",
    caught_by="test_in_training_each_channel_has_mean_zero_and_variance_one",
    says="You divided the variance by the count less one. That estimates the variance of all "
    "data; to normalise this batch, divide by the count: correction=0.",
)
def variance_of_all_data(
    x, running_mean, running_var, weight=None, bias=None, *, training=False, momentum=0.1, eps=1e-5
):
    mean, var = running_mean, running_var
    if training:
        count = x.numel() // x.shape[1]
        update_running((running_mean, running_var), of_the_batch(x), count, momentum)
        mean, var = of_the_batch(x, correction=1 if count > 1 else 0)
    return normalised(x, mean, var, weight, bias, eps)


@mistake(
    "networks.batch_norm",
    caught_by="test_images_are_averaged_over_all_their_pixels",
    says="You averaged over the batch alone, so that every pixel has statistics of its own. A "
    "channel is one feature wherever it is seen: average over rows and columns too.",
)
def pixels_apart(
    x, running_mean, running_var, weight=None, bias=None, *, training=False, momentum=0.1, eps=1e-5
):
    if not training:
        return normalised(x, running_mean, running_var, weight, bias, eps)
    count = x.numel() // x.shape[1]
    update_running((running_mean, running_var), of_the_batch(x), count, momentum)
    mean, var = x.mean(0, keepdim=True), x.var(0, correction=0, keepdim=True)
    shape = (1, -1, *[1] * (x.ndim - 2))
    result = (x - mean) / (var + eps).sqrt()
    result = result if weight is None else result * weight.reshape(shape)
    return result if bias is None else result + bias.reshape(shape)


@mistake(
    "networks.batch_norm",
    caught_by="test_inference_is_one_line_of_numpy",
    says="You added eps to the standard deviation. It belongs inside of the root: "
    "(var + eps).sqrt().",
)
def eps_outside_of_the_root(
    x, running_mean, running_var, weight=None, bias=None, *, training=False, momentum=0.1, eps=1e-5
):
    mean, var = running_mean, running_var
    if training:
        mean, var = of_the_batch(x)
        count = x.numel() // x.shape[1]
        update_running((running_mean, running_var), (mean, var), count, momentum)
    spread = var.sqrt() + eps
    return normalised(x, mean, spread * spread, weight, bias, 0.0)


# Step 6: residual


@mistake(
    "networks.residual",
    caught_by="test_what_the_chain_makes_is_added_to_its_input",
    says="You returned what the chain makes of x, and x itself is lost. Add the two.",
)
def input_forgotten(self, x):
    change = self.inner(x)
    kept = x if self.shortcut is None else self.shortcut(x)
    if kept.shape != change.shape:
        raise ValueError(f"cannot add {kept.shape} and {change.shape}")
    return change if self.shortcut is None else kept + change


@mistake(
    "networks.residual",
    caught_by="test_a_shortcut_stands_in_for_the_input",
    says="You passed over the shortcut. Where there is one, its result takes the place of x in "
    "the sum.",
)
def shortcut_passed_over(self, x):
    change = self.inner(x)
    if x.shape != change.shape and self.shortcut is None:
        raise ValueError(f"cannot add {x.shape} and {change.shape}")
    return x + change


@mistake(
    "networks.residual",
    caught_by="test_shapes_that_differ_are_refused_with_both",
    says="You let broadcasting stretch the smaller one. A chain that does not keep the shape is a "
    "mistake: compare the shapes and raise ValueError with both.",
)
def shapes_broadcast(self, x):
    return (x if self.shortcut is None else self.shortcut(x)) + self.inner(x)


@mistake(
    "networks.residual",
    caught_by="test_the_input_is_left_as_it_was_and_passed_on_as_it_is",
    says="You added in place, so the caller's x changed. Others may still need it: make a new "
    "tensor with kept + change.",
)
def added_in_place(self, x):
    change = self.inner(x)
    kept = x if self.shortcut is None else self.shortcut(x)
    if kept.shape != change.shape:
        raise ValueError(f"cannot add {kept.shape} and {change.shape}")
    kept.numpy()[...] += change.numpy()
    return kept


# Step 7: embedding_kernel


def first_wrong(indices, count):
    """Return the first index without a row, as text for a message."""
    return str(indices[(indices < 0) | (indices >= count)].flat[0])


@mistake(
    "networks.embedding_kernel",
    caught_by="test_an_index_without_a_row_is_refused_by_number",
    says="You let negative indices count from the end, as NumPy does. In data, -1 is a mistake, "
    "not the last name: refuse it.",
)
def negative_from_the_end(weight, *, indices):
    if (indices >= len(weight)).any():
        raise IndexError(f"index {indices[indices >= len(weight)].flat[0]} has no row")
    return weight[indices]


@mistake(
    "networks.embedding_kernel",
    caught_by="test_an_index_without_a_row_is_refused_by_number",
    says="You bent an index that is too large to the last row. Two names would share a row, and "
    "nobody would notice: raise IndexError.",
)
def bent_to_the_edge(weight, *, indices):
    return weight[np.clip(indices, 0, len(weight) - 1)]


@mistake(
    "networks.embedding_kernel",
    caught_by="test_the_shape_of_the_indices_is_kept",
    says="You flattened the indices. The result has their shape, with a row in the place of each.",
)
def indices_flattened(weight, *, indices):
    if ((indices < 0) | (indices >= len(weight))).any():
        raise IndexError(f"index {first_wrong(indices, len(weight))} has no row")
    return weight[indices.ravel()]


@mistake(
    "networks.embedding_kernel",
    caught_by="test_each_index_becomes_a_row",
    says="You took columns. A name's numbers stand in a row of the table: weight[indices].",
)
def columns_taken(weight, *, indices):
    if ((indices < 0) | (indices >= len(weight))).any():
        raise IndexError(f"index {first_wrong(indices, len(weight))} has no row")
    return weight.T[indices % weight.shape[1]]


# Step 8: attention_weights


def scores_of(query, key):
    """Return the scaled scores, for the mistakes that get them right."""
    return (query / math.sqrt(query.shape[-1])) @ key.transpose(-2, -1)


def refuse_numbers(mask):
    """Raise TypeError for a mask that is not of bools."""
    if mask is not None and mask.dtype != bool_:
        raise TypeError(f"a mask of {mask.dtype}")


@mistake(
    "networks.attention_weights",
    caught_by="test_scores_are_divided_by_the_root_of_the_size",
    says="You did not scale the scores. Products of longer vectors are larger, and the softmax "
    "would look at one place only: divide by the root of the size.",
)
def scores_not_scaled(query, key, mask=None):
    refuse_numbers(mask)
    scores = query @ key.transpose(-2, -1)
    if mask is None:
        return softmax(scores, dim=-1)
    return where(mask, softmax(where(mask, scores, -1e30), dim=-1), 0.0)


@mistake(
    "networks.attention_weights",
    caught_by="test_scores_are_divided_by_the_root_of_the_size",
    says="You divided by the size, not by its root. The standard deviation of a sum grows with "
    "the root of how many are added.",
)
def divided_by_the_size(query, key, mask=None):
    refuse_numbers(mask)
    scores = (query / query.shape[-1]) @ key.transpose(-2, -1)
    if mask is None:
        return softmax(scores, dim=-1)
    return where(mask, softmax(where(mask, scores, -1e30), dim=-1), 0.0)


@mistake(
    "networks.attention_weights",
    caught_by="test_a_masked_key_gets_nothing",
    says="You set masked shares to 0 after the softmax, so what is left adds up to less than 1. "
    "Put the mask in before the softmax as well.",
)
def masked_too_late(query, key, mask=None):
    refuse_numbers(mask)
    shares = softmax(scores_of(query, key), dim=-1)
    return shares if mask is None else where(mask, shares, 0.0)


@mistake(
    "networks.attention_weights",
    caught_by="test_a_masked_key_gets_nothing",
    says="You read the mask the wrong way round. True means: look there.",
)
def mask_turned_round(query, key, mask=None):
    refuse_numbers(mask)
    if mask is None:
        return softmax(scores_of(query, key), dim=-1)
    return where(mask, 0.0, softmax(where(mask, -1e30, scores_of(query, key)), dim=-1))


@mistake(
    "networks.attention_weights",
    caught_by="test_a_query_that_may_look_nowhere_takes_nothing",
    says="A row of -inf alone has no softmax: it becomes nan. Use a number that is very small but "
    "finite, and set masked shares to 0 afterwards.",
)
def minus_infinity(query, key, mask=None):
    refuse_numbers(mask)
    scores = scores_of(query, key)
    return softmax(scores if mask is None else where(mask, scores, -math.inf), dim=-1)


@mistake(
    "networks.attention_weights",
    caught_by="test_each_query_shares_one_among_the_keys",
    says="Your shares add up to 1 over the queries. Each query shares 1 among the keys: the "
    "softmax runs along the last dim.",
)
def shared_among_queries(query, key, mask=None):
    refuse_numbers(mask)
    scores = scores_of(query, key)
    if mask is None:
        return softmax(scores, dim=-2)
    return where(mask, softmax(where(mask, scores, -1e30), dim=-2), 0.0)


# Step 9: receptive_field


@mistake(
    "networks.receptive_field",
    caught_by="test_after_a_stride_windows_reach_further",
    says="You added each kernel as if its places were neighbours in the image. After a stride "
    "they are `step` pixels apart: multiply by it.",
)
def steps_forgotten(model):
    size, step, start = [1, 1], [1, 1], [0, 0]
    for window in windows_of(model):
        for dim in (0, 1):
            size[dim] += (window.kernel_size[dim] - 1) * window.dilation[dim]
            start[dim] -= window.padding[dim] * step[dim]
            step[dim] *= window.stride[dim]
    return ReceptiveField(tuple(size), tuple(step), tuple(start))


@mistake(
    "networks.receptive_field",
    caught_by="test_after_a_stride_windows_reach_further",
    says="You let the outputs move apart before you used the distance of the inputs. A layer's own "
    "stride counts for the layers after it: change the step last.",
)
def own_stride_first(model):
    size, step, start = [1, 1], [1, 1], [0, 0]
    for window in windows_of(model):
        for dim in (0, 1):
            step[dim] *= window.stride[dim]
            size[dim] += (window.kernel_size[dim] - 1) * window.dilation[dim] * step[dim]
            start[dim] -= window.padding[dim] * step[dim]
    return ReceptiveField(tuple(size), tuple(step), tuple(start))


@mistake(
    "networks.receptive_field",
    caught_by="test_two_layers_of_three_see_five",
    says="You added whole kernels. One place of each window was already seen: a kernel of k adds "
    "k - 1.",
)
def whole_kernels_added(model):
    size, step, start = [1, 1], [1, 1], [0, 0]
    for window in windows_of(model):
        for dim in (0, 1):
            size[dim] += window.kernel_size[dim] * window.dilation[dim] * step[dim]
            start[dim] -= window.padding[dim] * step[dim]
            step[dim] *= window.stride[dim]
    return ReceptiveField(tuple(size), tuple(step), tuple(start))


@mistake(
    "networks.receptive_field",
    caught_by="test_padding_starts_outside_of_the_image",
    says="You counted the margin in pixels of the image. It is made of places, and those are "
    "`step` pixels apart.",
)
def margin_in_pixels(model):
    size, step, start = [1, 1], [1, 1], [0, 0]
    for window in windows_of(model):
        for dim in (0, 1):
            size[dim] += (window.kernel_size[dim] - 1) * window.dilation[dim] * step[dim]
            start[dim] -= window.padding[dim]
            step[dim] *= window.stride[dim]
    return ReceptiveField(tuple(size), tuple(step), tuple(start))


@mistake(
    "networks.receptive_field",
    caught_by="test_height_and_width_are_apart_and_dilation_counts",
    says="You left the dilation out. It spreads the places of a window: k places see "
    "(k - 1) * dilation more.",
)
def dilation_left_out(model):
    size, step, start = [1, 1], [1, 1], [0, 0]
    for window in windows_of(model):
        for dim in (0, 1):
            size[dim] += (window.kernel_size[dim] - 1) * step[dim]
            start[dim] -= window.padding[dim] * step[dim]
            step[dim] *= window.stride[dim]
    return ReceptiveField(tuple(size), tuple(step), tuple(start))


@mistake(
    "networks.receptive_field",
    caught_by="test_a_shortcut_lies_beside_its_chain",
    says="You put the shortcut of a Residual behind its chain: `model.modules()` finds both, and "
    "does not say that they lie side by side. `windows_of(model)` makes one window of them.",
)
def shortcut_in_sequence(model):
    size, step, start = [1, 1], [1, 1], [0, 0]
    for layer in model.modules():
        if hasattr(layer, "kernel_size"):
            for dim in (0, 1):
                size[dim] += (layer.kernel_size[dim] - 1) * layer.dilation[dim] * step[dim]
                start[dim] -= layer.padding[dim] * step[dim]
                step[dim] *= layer.stride[dim]
    return ReceptiveField(tuple(size), tuple(step), tuple(start))


# Step 10: count_flops


def counted(operation, shapes, output, options, *, matmul, conv2d):
    """Return the count of an operation, where products are counted in some way."""
    results = math.prod(output)
    if operation == "matmul":
        return matmul
    if operation == "conv2d":
        return conv2d
    if operation in ("max_pool2d", "avg_pool2d"):
        return math.prod(options["kernel_size"]) * results
    if operation in MOVES:
        return 0
    if operation in REDUCTIONS:
        return math.prod(shapes[0])
    return PER_ELEMENT.get(operation, 1) * results


@mistake(
    "networks.count_flops",
    caught_by="test_a_matrix_product_multiplies_and_adds",
    says="You counted multiplications alone. Every product is also added to a sum: 2 steps for "
    "each.",
)
def additions_forgotten(operation, shapes, output, options):
    results = math.prod(output)
    return counted(
        operation,
        shapes,
        output,
        options,
        matmul=shapes[0][-1] * results,
        conv2d=math.prod(shapes[-1][1:]) * results,
    )


@mistake(
    "networks.count_flops",
    caught_by="test_a_matrix_product_multiplies_and_adds",
    says="You counted one step for each number that comes out of a matrix product. Each is a sum "
    "over the whole inner size, shapes[0][-1].",
)
def inner_size_forgotten(operation, shapes, output, options):
    results = math.prod(output)
    return counted(operation, shapes, output, options, matmul=2 * results, conv2d=2 * results)


@mistake(
    "networks.count_flops",
    caught_by="test_a_convolution_does_so_for_each_weight_of_a_filter",
    says="You counted the bias in, whether there is one or not. It is the third input: one "
    "addition for each result, only where there are three shapes.",
)
def bias_always_counted(operation, shapes, output, options):
    results = math.prod(output)
    weights = math.prod(shapes[1][1:]) if len(shapes) > 1 else 0
    return counted(
        operation,
        shapes,
        output,
        options,
        matmul=2 * shapes[0][-1] * results,
        conv2d=(2 * weights + 1) * results,
    )


@mistake(
    "networks.count_flops",
    caught_by="test_a_convolution_does_so_for_each_weight_of_a_filter",
    says="You multiplied by all channels of the image. With groups a filter sees its own part of "
    "them: take what the weight's shape says, shapes[1][1:].",
)
def all_channels_counted(operation, shapes, output, options):
    results, has_bias = math.prod(output), len(shapes) > 2
    places = math.prod(shapes[1][2:]) if len(shapes) > 1 else 0
    channels = shapes[0][1] if len(shapes[0]) > 1 else 0
    return counted(
        operation,
        shapes,
        output,
        options,
        matmul=2 * shapes[0][-1] * results,
        conv2d=(2 * channels * places + has_bias) * results,
    )


@mistake(
    "networks.count_flops",
    caught_by="test_moving_is_free_and_reductions_read_everything",
    says="You counted a reduction by what comes out. It reads everything that goes in, and adds "
    "each number once: math.prod(shapes[0]).",
)
def reductions_by_their_output(operation, shapes, output, options):
    if operation in REDUCTIONS:
        return math.prod(output)
    results, has_bias = math.prod(output), len(shapes) > 2
    weights = math.prod(shapes[1][1:]) if len(shapes) > 1 else 0
    return counted(
        operation,
        shapes,
        output,
        options,
        matmul=2 * shapes[0][-1] * results,
        conv2d=(2 * weights + has_bias) * results,
    )
