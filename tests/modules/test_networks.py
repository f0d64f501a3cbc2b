"""Networks beyond the chapter's examples: loops over places, and NumPy, as independent oracles."""

from itertools import permutations, product
from math import prod

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import expect, expect_error


def random(*shape, seed=0, dtype=np.float64):
    """Return normal random numbers, the same ones on every run."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def settings(count, seed):
    """Return random kernels, strides, paddings and dilations, as pairs."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        kernel, stride, dilation = (tuple(rng.integers(1, 4, 2).tolist()) for _ in range(3))
        padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
        made.append((kernel, stride, padding, dilation))
    return made


def begins(size, kernel, stride, dilation):
    """Return where windows begin, by trying every place."""
    last = size - 1 - dilation * (kernel - 1)
    return [place for place in range(size) if place % stride == 0 and place <= last]


# Step 1


@pytest.mark.step("networks.conv_output_size")
def test_windows_are_counted_as_by_trying_every_place():
    for size, kernel, stride, padding, dilation in product(
        (1, 2, 5, 8, 13), (1, 2, 3, 5), (1, 2, 3, 7), (0, 1, 2), (1, 2, 3)
    ):
        count = len(begins(size + 2 * padding, kernel, stride, dilation))
        options = {"stride": stride, "padding": padding, "dilation": dilation}
        if count:
            found = tt.networks.conv_output_size(size, kernel, **options)
            expect(found, count, because=f"size {size}, kernel {kernel}, {options}")
        else:
            expect_error(
                lambda: tt.networks.conv_output_size(size, kernel, **options),  # noqa: B023
                ValueError,
                str(size + 2 * padding),
                because=f"no window fits: size {size}, kernel {kernel}, {options}",
            )


# Step 2


@pytest.mark.step("networks.unfold")
def test_every_pixel_of_every_window_is_the_right_one():
    images = random(2, 3, 9, 10)
    for kernel, stride, _, dilation in settings(40, seed=1):
        windows = tt.networks.unfold(images, kernel, stride=stride, dilation=dilation)
        rows = begins(9, kernel[0], stride[0], dilation[0])
        columns = begins(10, kernel[1], stride[1], dilation[1])
        wanted = np.zeros((2, 3, len(rows), len(columns), *kernel))
        for (y, top), (x, left) in product(enumerate(rows), enumerate(columns)):
            down = slice(top, top + dilation[0] * (kernel[0] - 1) + 1, dilation[0])
            right = slice(left, left + dilation[1] * (kernel[1] - 1) + 1, dilation[1])
            wanted[:, :, y, x] = images[:, :, down, right]
        expect(windows, wanted, because=f"kernel {kernel}, stride {stride}, dilation {dilation}")


@pytest.mark.step("networks.unfold")
def test_images_may_lie_in_memory_in_any_order():
    base = random(6, 7, 3, 2)
    for images in (base.transpose(3, 2, 0, 1), base.T[:, :, ::2, ::-1], base.T[:1, 1:]):
        windows = tt.networks.unfold(images, (2, 2))
        expect(
            windows, tt.networks.unfold(images.copy(), (2, 2)), because="strides are the image's"
        )
        expect(np.shares_memory(windows, base), True, because="nothing is copied")


@pytest.mark.step("networks.unfold")
def test_windows_that_do_not_fit_are_refused():
    for kernel, dilation in (
        ((5, 1), (1, 1)),
        ((1, 5), (1, 1)),
        ((3, 1), (2, 1)),
        ((1, 3), (1, 2)),
    ):
        expect_error(
            lambda kernel=kernel, dilation=dilation: tt.networks.unfold(
                random(1, 1, 4, 4), kernel, dilation=dilation
            ),
            ValueError,
            "5",
            because="outside of the image lies somebody else's memory",
        )


# Step 3


def convolved_by_loops(images, weight, bias, *, stride, padding, dilation, groups):
    """Return a convolution, one number at a time."""
    images = np.pad(images, [(0, 0), (0, 0), *((p, p) for p in padding)])
    filters, depth, *kernel = weight.shape
    rows = begins(images.shape[2], kernel[0], stride[0], dilation[0])
    columns = begins(images.shape[3], kernel[1], stride[1], dilation[1])
    result = np.zeros((len(images), filters, len(rows), len(columns)))
    for which, (y, top), (x, left) in product(range(filters), enumerate(rows), enumerate(columns)):
        first = which // (filters // groups) * depth
        window = images[:, first : first + depth, top :: dilation[0], left :: dilation[1]]
        window = window[:, :, : kernel[0], : kernel[1]]
        result[:, which, y, x] = np.einsum("ncij,cij->n", window, weight[which]) + bias[which]
    return result


@pytest.mark.step("networks.conv2d_kernel")
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_convolutions_agree_with_loops_over_all_places(groups):
    images, weight, bias = random(2, 4, 6, 7), random(8, 4 // groups, 1, 1), random(8, seed=2)
    for kernel, stride, padding, dilation in settings(6, seed=groups):
        weight = random(8, 4 // groups, *kernel, seed=1)
        options = {
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
        }
        expect(
            tt.networks.conv2d_kernel(images, weight, bias, **options),
            convolved_by_loops(images, weight, bias, **options),
            because=f"kernel {kernel}, {options}",
            within=1e-9,
        )


PLAIN = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}


@pytest.mark.step("networks.conv2d_kernel")
def test_the_dtype_is_kept_and_a_bias_is_optional():
    for dtype in (np.float32, np.float64, np.int64):
        images, weight = np.ones((1, 2, 3, 3), dtype), np.ones((4, 2, 2, 2), dtype)
        expect(
            tt.networks.conv2d_kernel(images, weight, **PLAIN),
            np.full((1, 4, 2, 2), 8, dtype),
            because="2 channels of 2 x 2 ones, in the dtype they came in",
        )


@pytest.mark.step("networks.conv2d_kernel")
def test_inputs_are_left_as_they_were():
    images, weight, bias = random(1, 1, 4, 4), random(1, 1, 1, 1, seed=1), random(1, seed=2)
    before = [one.copy() for one in (images, weight, bias)]
    for _ in range(2):
        tt.networks.conv2d_kernel(images, weight, bias, **PLAIN)
    for found, wanted in zip((images, weight, bias), before, strict=True):
        expect(found, wanted, because="a kernel writes to its result alone")


@pytest.mark.step("networks.conv2d_kernel")
def test_large_images_and_no_images_are_convolved():
    images, weight = random(2, 8, 70, 70), random(2, 8, 3, 3, seed=1)
    wanted = sum(
        np.einsum("nchw,fc->nfhw", images[:, :, i : i + 68, j : j + 68], weight[:, :, i, j])
        for i, j in product(range(3), range(3))
    )
    found = tt.networks.conv2d_kernel(images, weight, **PLAIN)
    expect(found, wanted, because="a sum over the nine places of the filter", within=1e-9)
    none = tt.networks.conv2d_kernel(images[:0], weight, **PLAIN)
    expect(none.shape, (0, 2, 68, 68), because="no images in, none out")


# Step 4


@pytest.mark.step("networks.max_pool2d_kernel")
def test_maxima_agree_with_loops_over_all_windows():
    images = random(2, 3, 8, 9)
    for kernel, stride, padding, dilation in settings(30, seed=3):
        padded = np.pad(
            images, [(0, 0), (0, 0), *((p, p) for p in padding)], constant_values=-np.inf
        )
        rows = begins(padded.shape[2], kernel[0], stride[0], dilation[0])
        columns = begins(padded.shape[3], kernel[1], stride[1], dilation[1])
        wanted = np.zeros((2, 3, len(rows), len(columns)))
        for (y, top), (x, left) in product(enumerate(rows), enumerate(columns)):
            window = padded[:, :, top :: dilation[0], left :: dilation[1]]
            wanted[:, :, y, x] = window[:, :, : kernel[0], : kernel[1]].max((2, 3))
        found = tt.networks.max_pool2d_kernel(
            images, kernel_size=kernel, stride=stride, padding=padding, dilation=dilation
        )
        expect(found, wanted, because=f"{kernel}, {stride}, {padding}, {dilation}")


@pytest.mark.step("networks.max_pool2d_kernel")
def test_every_dtype_is_pooled_and_nan_is_not_hidden():
    options = {"kernel_size": (1, 2), "stride": (1, 2), "padding": (0, 1), "dilation": (1, 1)}
    for dtype in (np.bool_, np.uint8, np.int8, np.int64, np.float16, np.float32, np.float64):
        images = np.array([[[[1, 0, 0, 0]]]], dtype)
        expect(
            tt.networks.max_pool2d_kernel(images, **options),
            np.array([[[[1, 0, 0]]]], dtype),
            because=f"the margin is below every {dtype.__name__}",
        )
    images = np.array([[[[np.nan, 5, 7, 1]]]])
    expect(
        tt.networks.max_pool2d_kernel(images, **options),
        np.array([[[[np.nan, 7, 1]]]]),
        because="a window with a nan has no largest number",
    )


# Step 5


@pytest.mark.step("networks.batch_norm")
def test_statistics_are_those_of_numpy():
    for shape in ((5, 3), (4, 3, 6), (2, 3, 4, 5)):
        x, dims = random(*shape) * 3 + 5, (0, *range(2, len(shape)))
        mean, var = tt.zeros(3, dtype=tt.float64), tt.ones(3, dtype=tt.float64)
        found = tt.networks.batch_norm(tt.tensor(x), mean, var, training=True, momentum=0.25)
        wanted = (x - x.mean(dims, keepdims=True)) / np.sqrt(x.var(dims, keepdims=True) + 1e-5)
        expect(found.numpy(), wanted, because=f"shape {shape}", within=1e-12)
        expect(mean.numpy(), x.mean(dims) / 4, because="a quarter of the way", within=1e-12)
        unbiased = 0.75 + 0.25 * x.var(dims, ddof=1)
        expect(var.numpy(), unbiased, because="of the count less one", within=1e-12)


@pytest.mark.step("networks.batch_norm")
def test_inference_is_one_line_of_numpy():
    x, mean, weight, bias = random(2, 3, 4), random(3, seed=1), random(3, seed=2), random(3, seed=3)
    var = np.array([0.5, 0.0, 2.0])
    given = [tt.tensor(one) for one in (x, mean, var, weight, bias)]
    column = [one[:, None] for one in (mean, var, weight, bias)]
    wanted = (x - column[0]) / np.sqrt(column[1] + 1e-3) * column[2] + column[3]
    found = tt.networks.batch_norm(*given, eps=1e-3)
    expect(found.numpy(), wanted, because="eps keeps a variance of 0 from dividing", within=1e-12)
    expect(given[0].numpy(), x, because="the input is left as it was")
    for one, array in ((3, weight), (4, bias)):
        parts = [part if place in (0, 1, 2, one) else None for place, part in enumerate(given)]
        plain = (x - column[0]) / np.sqrt(column[1] + 1e-3)
        wanted = plain * array[:, None] if one == 3 else plain + array[:, None]
        found = tt.networks.batch_norm(*parts, eps=1e-3)
        expect(found.numpy(), wanted, because="a weight or a bias alone", within=1e-12)


@pytest.mark.step("networks.batch_norm")
def test_one_number_a_channel_cannot_be_normalised():
    mean, var = tt.zeros(3), tt.ones(3)
    expect_error(
        lambda: tt.networks.batch_norm(tt.ones(1, 3), mean, var, training=True),
        ValueError,
        "1 number a channel",
        because="a single number has no variance",
    )
    expect(mean, tt.zeros(3), because="and nothing was remembered of it")
    single = tt.networks.batch_norm(tt.ones(1, 3, 2), mean, var, training=True)
    expect(single, tt.zeros(1, 3, 2), because="one example of two numbers is enough")


# Step 6


def doubling(seen):
    """Return a module that doubles, and notes what came."""

    class Doubled(tt.layers.Module):
        def forward(self, x):
            seen.append(x)
            return x + x

    return Doubled()


@pytest.mark.step("networks.residual")
def test_the_input_is_left_as_it_was_and_passed_on_as_it_is():
    seen, x = [], tt.tensor([1.0, 2.0])
    result = tt.networks.Residual(doubling(seen))(x)
    expect(x, tt.tensor([1.0, 2.0]), because="others may still need x")
    expect(seen[0] is x, True, because="the chain sees x itself")
    expect(result, tt.tensor([3.0, 6.0]), because="x + 2 x")


@pytest.mark.step("networks.residual")
def test_a_shortcut_may_change_the_shape_as_the_chain_does():
    block = tt.networks.Residual(tt.layers.Dense(3, 5), shortcut=tt.layers.Dense(3, 5))
    x = tt.from_numpy(random(2, 3, dtype=np.float32))
    expect(
        block(x),
        block.inner(x) + block.shortcut(x),
        because="both turn 3 features into 5",
        within=1e-6,
    )


@pytest.mark.step("networks.residual")
def test_nothing_is_broadcast():
    for chain, given in (((4, 1), (4,)), ((1, 4), (1,))):
        dense = tt.layers.Dense(*chain, generator=np.random.default_rng(0))
        block = tt.networks.Residual(dense)
        expect_error(
            lambda block=block, given=given: block(tt.zeros(2, *given)),
            ValueError,
            f"(2, {chain[0]})",
            f"(2, {chain[1]})",
            because="both shapes, whichever is the smaller",
        )


# Step 7


@pytest.mark.step("networks.embedding_kernel")
def test_lookups_agree_with_one_row_at_a_time():
    table, rng = random(7, 3), np.random.default_rng(1)
    for shape, dtype in product(((), (5,), (2, 3), (0,), (2, 0, 3)), (np.int64, np.uint8)):
        indices = rng.integers(0, 7, shape).astype(dtype)
        rows = [table[int(one)] for one in np.ravel(indices)]
        found = tt.networks.embedding_kernel(table, indices=indices)
        wanted = np.reshape(rows, (*shape, 3)).astype(table.dtype)
        expect(np.asarray(found), wanted, because=f"indices of shape {shape}")


@pytest.mark.step("networks.embedding_kernel")
def test_the_rows_are_a_copy():
    table = random(3, 2)
    before = table.copy()
    tt.networks.embedding_kernel(table, indices=np.array([0, 1, 2]))[...] = 0
    expect(table, before, because="whoever writes to the result does not change the table")


@pytest.mark.step("networks.embedding_kernel")
def test_the_first_wrong_index_is_named_wherever_it_hides():
    for wrong in (8, 100, -1, -9):
        indices = np.zeros((3, 4), np.int64)
        indices[1, 2], indices[2, 0] = wrong, 55
        expect_error(
            lambda indices=indices: tt.networks.embedding_kernel(random(8, 2), indices=indices),
            IndexError,
            str(wrong),
            "0 to 7",
            because="rows 0 to 7 are there",
        )


# Step 8


@pytest.mark.step("networks.attention_weights")
def test_shares_agree_with_numpy_over_stacks():
    for stack in ((), (2,), (2, 3)):
        query, key = random(*stack, 4, 5), random(*stack, 6, 5, seed=1)
        mask = np.random.default_rng(2).random((*stack, 4, 6)) < 0.7
        scores = np.einsum("...qs,...ks->...qk", query, key) / np.sqrt(5)
        powers = np.exp(scores) * mask
        found = tt.networks.attention_weights(tt.tensor(query), tt.tensor(key), tt.tensor(mask))
        wanted = powers / powers.sum(-1, keepdims=True)
        expect(found.numpy(), wanted, because=f"stacks {stack}", within=1e-12)
        found = tt.networks.attention_weights(tt.tensor(query), tt.tensor(key))
        wanted = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
        expect(found.numpy(), wanted, because="without a mask", within=1e-12)


@pytest.mark.step("networks.attention_weights")
def test_scores_may_be_huge():
    for dtype in (tt.float32, tt.float64):
        query = tt.tensor([[1e4], [-1e4]], dtype=dtype)
        key = tt.tensor([[1e4], [0.0], [-1e4]], dtype=dtype)
        expect(
            tt.networks.attention_weights(query, key),
            tt.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], dtype=dtype),
            because="exp(1e8) overflows, but no share does",
        )
        mask = tt.tensor([[False, True, True]])
        expect(
            tt.networks.attention_weights(query[:1], key, mask),
            tt.tensor([[0.0, 1.0, 0.0]], dtype=dtype),
            because="without the largest, the next takes all",
        )


@pytest.mark.step("networks.attention_weights")
def test_a_mask_broadcasts_and_leaves_exact_zeros():
    query, key = tt.tensor(random(2, 3, 4, 5)), tt.tensor(random(2, 3, 6, 5, seed=1))
    mask = tt.tensor([True, False, True, True, False, True])
    shares = tt.networks.attention_weights(query, key, mask).numpy()
    expect(np.unique(shares[..., [1, 4]]), np.array([0.0]), because="keys 1 and 4 are hidden")
    expect(shares.sum(-1), np.ones((2, 3, 4)), because="the others share 1", within=1e-12)
    numbers = tt.tensor([0, 1, 1, 1, 1, 1])
    expect_error(
        lambda: tt.networks.attention_weights(query, key, numbers),
        TypeError,
        "int64",
        because="0 and 1 are no bools",
    )


# Step 9


def seen_by_trying(model, shape, place):
    """Return the rows and columns of pixels that change the output at a place."""
    single = np.eye(np.prod(shape)).reshape(-1, 1, *shape)  # one image for each pixel
    answers = model(tt.tensor(single)).numpy()[:, 0, place[0], place[1]]
    rows, columns = np.nonzero(answers.reshape(shape))
    return sorted({*rows.tolist()}), sorted({*columns.tolist()})


@pytest.mark.step("networks.receptive_field")
def test_the_field_is_what_changes_an_output():
    for layers, place in (
        ([tt.AvgPool2d((2, 3), 2), tt.AvgPool2d((3, 2), 1)], (1, 1)),
        ([tt.AvgPool2d(3, 1, 1), tt.AvgPool2d((1, 2), (1, 2))], (4, 2)),
        ([tt.AvgPool2d(2), tt.AvgPool2d(2, 1, 1)], (2, 1)),
    ):
        model = tt.layers.Sequential(*layers)
        size, step, start = tt.networks.receptive_field(model)
        seen = seen_by_trying(model, (9, 8), place)
        for dim in (0, 1):
            first = start[dim] + place[dim] * step[dim]
            wanted = [p for p in range(first, first + size[dim]) if 0 <= p < (9, 8)[dim]]
            expect(seen[dim], wanted, because=f"changing other pixels changes nothing: {layers}")


@pytest.mark.step("networks.receptive_field")
def test_fields_agree_with_following_the_edges():
    for seed in range(30):
        layers = [tt.MaxPool2d(*one) for one in settings(4, seed)]
        model = tt.layers.Sequential(tt.layers.Identity(), *layers, tt.layers.ReLU())
        found = tt.networks.receptive_field(model)
        for dim in (0, 1):
            edges = []
            for place in (0, 1):
                first = last = place
                for layer in reversed(layers):
                    begin = -layer.padding[dim]
                    reach = layer.dilation[dim] * (layer.kernel_size[dim] - 1)
                    first = first * layer.stride[dim] + begin
                    last = last * layer.stride[dim] + begin + reach
                edges.append((first, last))
            (first, last), (next_first, _) = edges
            parts = [part[dim] for part in found]
            wanted = [last - first + 1, next_first - first, first]
            expect(parts, wanted, because="traced back from outputs 0 and 1, layer by layer")


@pytest.mark.step("networks.receptive_field")
def test_windows_are_found_inside_of_modules():
    inner = tt.networks.Residual(tt.Conv2d(2, 2, 3, padding=1), tt.layers.ReLU())
    model = tt.layers.Sequential(tt.MaxPool2d(2), tt.layers.Sequential(inner), tt.AvgPool2d(2))
    expect(
        tt.networks.receptive_field(model),
        tt.networks.ReceptiveField((8, 8), (4, 4), (-2, -2)),
        because="2, then 2 more steps of 2 pixels, then one more",
    )


@pytest.mark.step("networks.receptive_field")
def test_a_residual_sees_what_either_of_its_ways_sees():
    chains = ((2, 2), (2, 2)), ((3, 2, 1), (1, 2)), ((5, 2, 2), ((2, 4), 2, (0, 1)))
    for ahead, behind in permutations(chains, 2):
        one, other = (
            tt.layers.Sequential(*[tt.AvgPool2d(*settings) for settings in chain])
            for chain in (ahead, behind)
        )
        model = tt.layers.Sequential(tt.AvgPool2d(1, 1), tt.networks.Residual(one, shortcut=other))
        size, step, start = tt.networks.receptive_field(model)
        seen = seen_by_trying(model, (12, 12), (1, 1))
        for dim in (0, 1):
            first = start[dim] + step[dim]
            wanted = list(range(first, first + size[dim]))
            expect(seen[dim], wanted, because=f"{ahead} and {behind}, side by side")


# Step 10


@pytest.mark.step("networks.count_flops")
def test_products_of_stacks_are_counted_by_their_results():
    for a, b in (((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((6, 1, 2, 7), (5, 7, 1)), ((3,), (3,))):
        output = np.matmul(np.ones(a), np.ones(b)).shape
        found = tt.networks.count_flops("matmul", [a, b], output, {})
        expect(found, 2 * a[-1] * prod(output), because=f"{a} by {b}")


@pytest.mark.step("networks.count_flops")
def test_moves_of_every_kind_are_free():
    for operation in ("reshape", "permute", "expand", "getitem", "cat", "pad2d", "embedding"):
        found = tt.networks.count_flops(operation, [(2, 3, 4, 5)], (9, 9), {"padding": (1, 1)})
        expect(found, 0, because=f"{operation} computes no number")


@pytest.mark.step("networks.count_flops")
def test_what_is_heard_at_the_door_can_be_counted():
    heard = []

    def count(operation, inputs, options, output, seconds):
        shapes = [one.shape for one in inputs if hasattr(one, "shape")]
        heard.append(tt.networks.count_flops(operation, shapes, output.shape, options))

    x = tt.ones(4, 6)
    with tt.listen(count):
        _ = (x @ x.T).amax(1), x * 2.0, x.var(0, correction=0), tt.layers.log_softmax(x, 1)
    expect(heard[:4], [0, 2 * 6 * 16, 16, 24], because="permute, matmul, amax, mul")
    expect(heard[-1], 96, because="log_softmax takes 4 for each of 24")


@pytest.mark.step("networks.count_flops")
def test_a_convolution_of_one_pixel_is_a_matrix_product():
    product_of = tt.networks.count_flops("matmul", [(50, 8), (8, 3)], (50, 3), {})
    images = tt.networks.count_flops("conv2d", [(2, 8, 5, 5), (3, 8, 1, 1)], (2, 3, 5, 5), {})
    expect(images, product_of, because="50 pixels of 8 channels, 3 filters")


# Layers beyond their examples


def test_blocks_cover_every_window_once_and_fill_the_cache():
    full = 2**17  # numbers
    for shape, count in (
        ((1, 1, 1, 1, full, 1), 1),
        ((1, 1, 1, 1, full + 1, 1), 2),
        ((full, 1, 1, 1, 1, 1), 1),
        ((full + 1, 1, 1, 1, 1, 1), 2),
        ((5, 2, 3, 4, 8, 256), 3),  # an image takes 6 * 2**13: two at once
        ((3, 2, 3, 4, 50, 256), 9),  # a row takes 6 * 2**10: 21 at once
        ((2, 1, 1, 2, 3, full), 6),  # a row is more than the cache holds
    ):
        blocks = list(tt.networks.convolution.blocks(shape))
        expect(len(blocks), count, because=f"{shape}: no smaller than they have to be")
        seen = np.zeros((shape[0], shape[4]), int)
        for block in blocks:
            seen[block] += 1
        expect(np.unique(seen), np.array([1]), because=f"{shape}: every row of every image, once")


def test_what_does_not_fit_a_convolution_is_told_with_its_numbers():
    for images, weight, bias, groups, said in (
        ((1, 6, 5, 5), (4, 3, 2), None, 2, ("(4, 3, 2)", "filters")),
        ((1, 6, 5, 5), (4, 3, 2, 2, 2), None, 2, ("(4, 3, 2, 2, 2)", "filters")),
        ((1, 6, 5, 5), (4, 3, 0, 2), None, 2, ("kernel_size", "(0, 2)")),
        ((1, 6, 5, 5), (4, 2, 2, 2), None, 3, ("6 channels", "4 filters", "3 equal")),
        ((1, 5, 5, 5), (4, 2, 2, 2), None, 2, ("5 channels", "4 filters", "2 equal")),
        ((1, 6, 5, 5), (4, 3, 2, 2), None, 0, ("4 filters", "0 equal")),
        ((1, 0, 5, 5), (4, 3, 2, 2), None, 1, ("0 channels", "1 equal")),
        ((1, 6, 5, 5), (0, 3, 2, 2), None, 2, ("0 filters", "2 equal")),
        ((1, 8, 5, 5), (4, 3, 2, 2), None, 2, ("2 groups", "have 8 channels", "expect 6")),
        ((1, 4, 5, 5), (4, 3, 2, 2), None, 2, ("2 groups", "have 4 channels", "expect 6")),
        ((1, 6, 5, 5), (4, 3, 2, 2), (3,), 2, ("(3,)", "4 filters")),
        ((1, 6, 5, 5), (4, 3, 2, 2), (5,), 2, ("(5,)", "4 filters")),
    ):
        expect_error(
            lambda images=images, weight=weight, bias=bias, groups=groups: tt.conv2d(
                tt.zeros(images), tt.zeros(weight), bias and tt.zeros(bias), groups=groups
            ),
            ValueError,
            *said,
            because="the reader sees which sizes to change",
        )
    fits = tt.conv2d(tt.zeros(1, 6, 5, 5), tt.zeros(4, 3, 2, 2), tt.zeros(4), groups=2)
    expect(fits.shape, (1, 4, 4, 4), because="4 filters, 2 for each half of 6 channels")


def test_settings_are_one_or_two_integers():
    images = tt.zeros(1, 1, 6, 6)
    for wrong in ((3,), (3, 3, 3), True, (2, True), "3", None, (2, 1.0)):
        expect_error(
            lambda wrong=wrong: tt.Conv2d(1, 1, wrong),
            TypeError,
            "kernel_size",
            repr(wrong),
            because="a number for height and width, or one for each",
        )
    for make in (
        lambda: tt.Conv2d(1, 1, 3, padding=-1),
        lambda: tt.MaxPool2d(3, padding=(0, -1)),
        lambda: tt.AvgPool2d(3, padding=-1),
        lambda: tt.conv2d(images, tt.zeros(1, 1, 3, 3), padding=-1),
        lambda: tt.max_pool2d(images, 3, padding=-1),
        lambda: tt.pad2d(images, (-1, 0)),
    ):
        expect_error(
            make, ValueError, "padding", "0 or more", because="a margin cannot be negative"
        )
    for groups in (0, -1, 2):
        expect_error(
            lambda groups=groups: tt.Conv2d(4, 3, 1, groups=groups),
            ValueError,
            f"{groups} equal",
            because="3 filters are not cut in two, nor in none",
        )
    layer = tt.Conv2d(1, 1, np.int64(3), padding=[1, np.int32(0)])
    expect(repr(layer.kernel_size + layer.padding), "(3, 3, 1, 0)", because="NumPy's integers, too")


def test_weights_and_biases_start_as_large_as_the_inputs_are_many():
    rng = np.random.default_rng(0)
    for layer, places in (
        (tt.Conv2d(4, 600, (3, 2), groups=2, generator=rng), 12),
        (tt.Conv2d(1, 600, 1, generator=rng), 1),
    ):
        bound = 1 / np.sqrt(places)
        for parameter in layer.parameters():
            ends = [(-parameter).amax().item() / bound, parameter.amax().item() / bound]
            inside = [0.98 < end <= 1 + 1e-6 for end in ends]
            expect(inside, [True, True], because=f"uniform from -b to b, b = 1 / sqrt({places})")


def test_margins_are_where_they_belong():
    images = random(2, 3, 4, 5)
    rows = {
        "reflect": [3, 2, 1, 0, 1, 2, 3, 2, 1, 0],
        "replicate": [0, 0, 0, 0, 1, 2, 3, 3, 3, 3],
        "circular": [1, 2, 3, 0, 1, 2, 3, 0, 1, 2],
    }
    columns = {
        "reflect": [1, 0, 1, 2, 3, 4, 3],
        "replicate": [0, 0, 1, 2, 3, 4, 4],
        "circular": [4, 0, 1, 2, 3, 4, 0],
    }
    for mode, chosen in rows.items():
        found = tt.pad2d(tt.tensor(images), (3, 1), mode).numpy()
        expect(found, images[:, :, chosen][..., columns[mode]], because=f"{mode}, 3 down, 1 across")
    found = tt.pad2d(tt.tensor(images), (3, 1)).numpy()
    expect(found[:, :, 3:-3, 1:-1], images, because="the image is in the middle")
    expect(found.shape, (2, 3, 10, 7), because="a margin on all sides")
    expect(np.abs(found).sum(), np.abs(images).sum(), because="of zeros", within=1e-9)
    for mode, most in {"reflect": 3, "circular": 4}.items():
        widest = tt.pad2d(tt.tensor(images), (most, 0), mode)
        expect(widest.shape, (2, 3, 4 + 2 * most, 5), because=f"{mode} can fill {most}")
        expect_error(
            lambda mode=mode, most=most: tt.pad2d(tt.tensor(images), (most + 1, 0), mode),
            ValueError,
            "4 pixels",
            mode,
            because=f"there are only {most} rows to take from",
        )


def test_means_agree_with_loops_over_all_windows():
    images = random(3, 4, 6, 7) + 5
    for kernel, stride, padding in (((2, 3), (2, 1), (1, 0)), ((6, 2), (1, 2), (3, 1))):
        margins = [(0, 0), (0, 0), *((p, p) for p in padding)]
        padded = np.pad(images, margins, constant_values=np.nan)
        rows = begins(padded.shape[2], kernel[0], stride[0], 1)
        columns = begins(padded.shape[3], kernel[1], stride[1], 1)
        inside, all_places = np.zeros((2, 3, 4, len(rows), len(columns)))
        for (y, top), (x, left) in product(enumerate(rows), enumerate(columns)):
            window = padded[:, :, top : top + kernel[0], left : left + kernel[1]]
            inside[:, :, y, x] = np.nanmean(window, (2, 3))
            all_places[:, :, y, x] = np.nansum(window, (2, 3)) / prod(kernel)
        for counts, wanted in ((False, inside), (True, all_places)):
            found = tt.avg_pool2d(
                tt.tensor(images), kernel, stride, padding, count_include_pad=counts
            )
            expect(found.numpy(), wanted, because=f"{kernel}, margin {counts}", within=1e-12)
    expect_error(
        lambda: tt.avg_pool2d(tt.tensor(images), (6, 5), padding=3),
        ValueError,
        "half",
        because="3 is half of 6, and more than half of 5",
    )


def test_nothing_lies_below_the_lowest_number():
    for dtype, wanted in {
        "bool": 0, "uint8": 0, "int8": -128, "int32": -(2**31), "int64": -(2**63),
        "float16": -np.inf, "float32": -np.inf, "float64": -np.inf,
    }.items():  # fmt: skip
        found = tt.networks.pooling.lowest(np.dtype(dtype))
        expect(found, wanted, because=f"a margin of it never wins against another {dtype}")


def test_batches_are_normalised_alike_however_small_they_are():
    x = tt.tensor([[-1.0, 1.0], [1.0, -1.0]])
    for layer in (tt.BatchNorm1d(2), tt.LayerNorm(2)):
        expect(layer(x), x, because="mean 0 and variance 1 already, and eps is small", within=1e-5)
    expect(tt.networks.layer_norm(x, (2,)), x, because="without a layer, too", within=1e-5)


def test_waves_get_longer_along_the_features():
    for size, lengths in (
        (4, [1, 1, 100, 100]),
        (5, [1, 1, 10**1.6, 10**1.6, 10**3.2]),
    ):
        table = tt.networks.sinusoids(60, size).numpy()
        for place, feature in product((0, 1, 7, 59), range(size)):
            wave = (np.sin, np.cos)[feature % 2]
            wanted = wave(place / lengths[feature])
            expect(table[place, feature], wanted, because=f"{place}, {feature}", within=1e-6)


def test_heads_agree_with_numpy():
    generator = np.random.default_rng(0)
    query, key, value = random(2, 3, 4), random(2, 5, 4, seed=1), random(2, 5, 4, seed=2)
    for bias in (True, False):
        layer = tt.MultiHeadAttention(4, 2, bias, generator=generator).to(tt.float64)
        for parameter in layer.parameters():
            parameter[...] = tt.tensor(random(*parameter.shape, seed=parameter.numel()))
        state = {name: tensor.numpy() for name, tensor in layer.state_dict().items()}
        heads = []
        for head in (slice(0, 2), slice(2, 4)):
            q, k, v = (
                (x @ weight.T + (state["in_proj_bias"].reshape(3, 4)[part] if bias else 0))[
                    ..., head
                ]
                for part, (x, weight) in enumerate(
                    zip((query, key, value), state["in_proj_weight"].reshape(3, 4, 4), strict=True)
                )
            )
            powers = np.exp(np.einsum("nqs,nks->nqk", q, k) / np.sqrt(2))
            heads.append(powers / powers.sum(-1, keepdims=True) @ v)
        wanted = np.concatenate(heads, -1) @ state["out_proj.weight"].T
        wanted += state["out_proj.bias"] if bias else 0
        found = layer(*map(tt.tensor, (query, key, value)))
        expect(found.numpy(), wanted, because="two heads of two features each", within=1e-12)
        alone = layer(tt.tensor(query[0]), tt.tensor(key[0]), tt.tensor(value[0]))
        expect(alone.numpy(), wanted[0], because="without a batch", within=1e-12)


def test_a_file_may_hold_hundreds_of_tensors(tmp_path):
    path = tmp_path / "many.safetensors"
    tt.save_safetensors({f"layer {number}": tt.zeros(1) for number in range(300)}, path)
    expect(len(tt.load_safetensors(path)), 300, because="no name occurs twice")


def test_tensors_are_read_in_the_order_of_their_bytes(tmp_path):
    path = tmp_path / "foreign.safetensors"
    header = (
        b'{"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},'
        b'"none":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},'
        b'"__metadata__":{"by":"hand"},"a":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}'
    )
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\7\10\11")
    found = {name: tensor.tolist() for name, tensor in tt.load_safetensors(path).items()}
    expect(found, {"none": [], "b": [7, 8], "a": [9]}, because="empty ones lie before what follows")
    expect(list(found), ["none", "b", "a"], because="as their bytes lie")
    expect(tt.networks.read_metadata(path), {"by": "hand"}, because="what is said beside them")
    expect_error(
        lambda: tt.networks.read_metadata(tmp_path / "none"), FileNotFoundError, "none",
        because="there is no such file")  # fmt: skip


def test_gradients_could_flow_into_every_parameter():
    """Each parameter is an input of an operation at the door, not an option."""
    tt.manual_seed(0)
    model = tt.layers.Sequential(
        tt.Conv2d(1, 2, 3, groups=1), tt.BatchNorm2d(2), tt.layers.Flatten(), tt.LayerNorm(8)
    )
    heard = []
    with tt.listen(lambda operation, inputs, *rest: heard.extend(inputs)):
        model(tt.randn(3, 1, 4, 4))
    for name, parameter in model.named_parameters():
        shared = [np.may_share_memory(one.numpy(), parameter.numpy()) for one in heard
                  if hasattr(one, "numpy")]  # fmt: skip
        expect(any(shared), True, because=f"{name} passes the door")


def test_attention_finds_what_it_looks_for():
    keys = tt.eye(4) * 100
    found = tt.scaled_dot_product_attention(keys[2:3], keys, tt.from_numpy(random(4, 3)))
    expect(found.numpy(), random(4, 3)[2:3], because="the query is key 2", within=1e-9)


def test_networks_are_seeded_by_their_generator():
    for make in (
        lambda g: tt.CNN(1, 3, filters=(2, 2), image_size=4, generator=g),
        lambda g: tt.MLP(3, 4, 2, generator=g),
        lambda g: tt.TransformerEncoder(4, 2, 1, 8, generator=g),
        lambda g: tt.Embedding(3, 2, generator=g),
    ):
        one, other = (make(np.random.default_rng(5)).state_dict() for _ in range(2))
        for name, tensor in one.items():
            expect(other[name], tensor, because=f"the same seed makes the same {name}")
