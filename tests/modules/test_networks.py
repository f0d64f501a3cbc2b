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
        "1",
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
    for wrong in (7, 100, -1, -8):
        indices = np.zeros((3, 4), np.int64)
        indices[1, 2], indices[2, 0] = wrong, 55
        expect_error(
            lambda indices=indices: tt.networks.embedding_kernel(random(7, 2), indices=indices),
            IndexError,
            str(wrong),
            because="rows 0 to 6 are there",
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
    chains = ((2, 2), (2, 2)), ((3, 2, 1), (1, 2)), ((5, 2, 2), ((2, 3), 2, (0, 1)))
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
