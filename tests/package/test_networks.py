"""Networks behave as the chapter says: one example for each rule."""

import json

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import datasets
from tinytorch.course import expect, expect_error


def grid(*shape, dtype=np.float32):
    """Return the numbers 0, 1, 2, ... in this shape."""
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def counted(*shape):
    """Return the whole numbers 0, 1, 2, ... in this shape."""
    return grid(*shape, dtype=np.int64)


def convolved(images, weight, bias=None, *, stride=(1, 1), padding=(0, 0), **options):
    """Return what the kernel makes of arrays, with the usual options."""
    options = {"dilation": (1, 1), "groups": 1} | options
    inputs = [np.asarray(one, np.float32) for one in (images, weight)]
    if bias is not None:
        inputs.append(np.asarray(bias, np.float32))
    return tt.networks.conv2d_kernel(*inputs, stride=stride, padding=padding, **options)


def pooled(images, kernel_size, *, stride=None, padding=(0, 0), dilation=(1, 1)):
    """Return what the kernel makes of arrays, with the usual options."""
    return tt.networks.max_pool2d_kernel(
        images,
        kernel_size=kernel_size,
        stride=stride or kernel_size,
        padding=padding,
        dilation=dilation,
    )


# Step 1: how many windows fit


@pytest.mark.step("networks.conv_output_size")
def test_a_window_fits_wherever_it_can_begin():
    size = tt.networks.conv_output_size
    expect(size(5, 3), 3, because="a window of 3 can begin at pixels 0, 1 and 2 of 5")
    expect(size(28, 1), 28, because="a window of one pixel fits everywhere")
    expect(size(4, 4), 1, because="a window as large as the image fits once")


@pytest.mark.step("networks.conv_output_size")
def test_padding_is_added_on_both_ends():
    expect(
        tt.networks.conv_output_size(28, 3, padding=1),
        28,
        because="1 pixel on the left and 1 on the right: 30 pixels, 28 windows",
    )


@pytest.mark.step("networks.conv_output_size")
def test_a_stride_leaves_windows_out_and_a_rest_at_the_end():
    size = tt.networks.conv_output_size
    expect(size(7, 3, stride=2), 3, because="windows begin at 0, 2 and 4")
    expect(size(8, 3, stride=2), 3, because="one at 6 would reach over the end")
    expect(size(28, 2, stride=2), 14, because="halves, without overlap")


@pytest.mark.step("networks.conv_output_size")
def test_dilation_makes_a_window_reach_further():
    size = tt.networks.conv_output_size
    expect(size(7, 3, dilation=2), 3, because="3 places, every second pixel, reach over 5 pixels")
    expect(size(7, 1, dilation=3), 7, because="a single place has nothing to spread")


@pytest.mark.step("networks.conv_output_size")
def test_a_window_that_is_too_large_is_refused():
    expect_error(
        lambda: tt.networks.conv_output_size(4, 5),
        ValueError,
        "5",
        "4",
        because="no window of 5 fits into 4 pixels; the message names both",
    )
    expect_error(
        lambda: tt.networks.conv_output_size(4, 3, dilation=2, stride=3),
        ValueError,
        "5",
        because="dilated, a kernel of 3 reaches over 5",
    )


# Step 2: every window, without a copy


@pytest.mark.step("networks.unfold")
def test_every_window_of_an_image_is_there():
    windows = tt.networks.unfold(counted(1, 1, 3, 4), (2, 2))
    expect(windows.shape, (1, 1, 2, 3, 2, 2), because="2 x 3 windows of 2 x 2 pixels")
    expect(windows[0, 0, 0, 0].tolist(), [[0, 1], [4, 5]], because="the first is the corner on top")
    expect(windows[0, 0, 1, 2].tolist(), [[6, 7], [10, 11]], because="the last is the other corner")


@pytest.mark.step("networks.unfold")
def test_windows_are_a_view_of_the_image():
    images = counted(1, 1, 4, 4)
    windows = tt.networks.unfold(images, (3, 3))
    images[0, 0, 1, 1] = 99
    places = [int(windows[0, 0, i, j, 1 - i, 1 - j]) for i in (0, 1) for j in (0, 1)]
    expect(places, [99] * 4, because="four windows share pixel (1, 1): nothing was copied")


@pytest.mark.step("networks.unfold")
def test_a_stride_moves_the_window_and_dilation_spreads_it():
    images = counted(1, 1, 5, 6)
    strided = tt.networks.unfold(images, (2, 2), stride=(3, 2))
    expect(strided[0, 0, :, :, 0, 0].tolist(), [[0, 2, 4], [18, 20, 22]], because="3 down, 2 right")
    dilated = tt.networks.unfold(images, (2, 2), dilation=(3, 2))
    expect(dilated[0, 0, 0, 0].tolist(), [[0, 2], [18, 20]], because="3 down, 2 right, inside")


@pytest.mark.step("networks.unfold")
def test_images_and_channels_stay_apart():
    windows = tt.networks.unfold(counted(2, 3, 2, 2), (2, 2))
    expect(windows[:, :, 0, 0, 0, 0].tolist(), [[0, 4, 8], [12, 16, 20]], because="one window each")


@pytest.mark.step("networks.unfold")
def test_windows_cannot_be_written_to():
    windows = tt.networks.unfold(counted(1, 1, 3, 3), (2, 2))
    expect(windows.flags.writeable, False, because="a pixel belongs to several windows")


# Step 3: convolution


@pytest.mark.step("networks.conv2d_kernel")
def test_each_window_is_multiplied_by_the_filter_and_summed():
    expect(
        convolved([[[[1, 2, 3], [4, 5, 6]]]], [[[[1, 10], [100, 1000]]]]),
        np.array([[[[5421, 6532]]]], np.float32),
        because="1 + 20 + 400 + 5000, then one pixel further right; the filter is not turned round",
    )


@pytest.mark.step("networks.conv2d_kernel")
def test_a_filter_sums_over_all_channels():
    images, weight = [[[[1]], [[2]], [[3]]]], [[[[1]], [[10]], [[100]]]]
    expect(
        convolved(images, weight), np.array([[[[321]]]], np.float32), because="1 + 2 * 10 + 3 * 100"
    )


@pytest.mark.step("networks.conv2d_kernel")
def test_each_filter_makes_a_channel_and_adds_its_bias():
    expect(
        convolved([[[[1, 2]]]], [[[[1]]], [[[10]]]], bias=[0.5, -1]),
        np.array([[[[1.5, 2.5]], [[9, 19]]]], np.float32),
        because="the first filter copies and adds 0.5, the second takes ten times less 1",
    )


@pytest.mark.step("networks.conv2d_kernel")
def test_padding_stride_and_dilation_choose_the_windows():
    image = np.ones((1, 1, 3, 3))
    expect(
        convolved(image, np.ones((1, 1, 3, 3)), padding=(1, 1)),
        np.array([[[[4, 6, 4], [6, 9, 6], [4, 6, 4]]]], np.float32),
        because="a corner sees 4 ones, an edge 6, the rest is margin",
    )
    expect(
        convolved(grid(1, 1, 4, 4), [[[[1]]]], stride=(2, 3)),
        np.array([[[[0, 3], [8, 11]]]], np.float32),
        because="every second row, every third column",
    )
    expect(
        convolved(grid(1, 1, 3, 3), [[[[1, 0], [0, 1]]]], dilation=(2, 2)),
        np.array([[[[8]]]], np.float32),
        because="0 in one corner and 8 in the other",
    )


@pytest.mark.step("networks.conv2d_kernel")
def test_groups_see_their_own_channels_only():
    expect(
        convolved([[[[1]], [[2]]]], [[[[10]]], [[[100]]]], groups=2),
        np.array([[[[10]], [[200]]]], np.float32),
        because="filter 0 sees channel 0 alone, filter 1 channel 1",
    )


@pytest.mark.step("networks.conv2d_kernel")
def test_images_of_a_batch_do_not_mix():
    expect(
        convolved([[[[1, 2]]], [[[3, 4]]]], [[[[1, 1]]]]),
        np.array([[[[3]]], [[[7]]]], np.float32),
        because="each image has its own sum",
    )


# Step 4: pooling


@pytest.mark.step("networks.max_pool2d_kernel")
def test_the_largest_of_each_window_is_kept():
    image = np.array([[[[1, 5, 2, 0], [3, 4, 7, 6]]]], np.float32)
    expect(pooled(image, (2, 2)), np.array([[[[5, 7]]]], np.float32), because="of 1 5 3 4, 2 0 7 6")


@pytest.mark.step("networks.max_pool2d_kernel")
def test_windows_may_overlap():
    image = np.array([[[[1, 5, 2, 0]]]], np.float32)
    expect(
        pooled(image, (1, 2), stride=(1, 1)),
        np.array([[[[5, 5, 2]]]], np.float32),
        because="with a stride of 1, neighbouring windows share pixels",
    )


@pytest.mark.step("networks.max_pool2d_kernel")
def test_the_margin_never_wins():
    image = np.full((1, 1, 2, 2), -3, np.float32)
    expect(
        pooled(image, (2, 2), padding=(1, 1)),
        np.full((1, 1, 2, 2), -3, np.float32),
        because="-3 is the largest number that is really there",
    )
    expect(
        pooled(image.astype(np.int64), (2, 2), padding=(1, 1)),
        np.full((1, 1, 2, 2), -3, np.int64),
        because="integers have no -inf, but a smallest number",
    )


@pytest.mark.step("networks.max_pool2d_kernel")
def test_the_image_is_left_as_it_was():
    image = grid(1, 1, 4, 4)
    result = pooled(image, (1, 1))
    expect(result, grid(1, 1, 4, 4), because="windows of one pixel keep everything")
    result[...] = -1
    expect(image, grid(1, 1, 4, 4), because="the result is not a view of the image")


# Step 5: batch normalisation


@pytest.mark.step("networks.batch_norm")
def test_in_training_each_channel_has_mean_zero_and_variance_one():
    x = tt.tensor([[1.0, 10.0], [3.0, 30.0]])
    expect(
        tt.networks.batch_norm(x, tt.zeros(2), tt.ones(2), training=True, eps=0.0),
        tt.tensor([[-1.0, -1.0], [1.0, 1.0]]),
        because="1 and 3 lie 1 from their mean 2, and their standard deviation is 1",
        within=1e-6,
    )


@pytest.mark.step("networks.batch_norm")
def test_otherwise_the_running_numbers_are_used_and_kept():
    mean, var = tt.tensor([2.0]), tt.tensor([4.0])
    expect(
        tt.networks.batch_norm(tt.tensor([[6.0], [2.0]]), mean, var, eps=0.0),
        tt.tensor([[2.0], [0.0]]),
        because="6 lies 4 above the running mean, which is 2 standard deviations",
        within=1e-6,
    )
    expect(
        [mean.item(), var.item()], [2.0, 4.0], because="what is not training changes no statistics"
    )


@pytest.mark.step("networks.batch_norm")
def test_training_moves_the_running_numbers_a_little():
    mean, var = tt.zeros(1), tt.ones(1)
    tt.networks.batch_norm(tt.tensor([[1.0], [3.0]]), mean, var, training=True)
    expect(mean, tt.tensor([0.2]), because="a tenth of the way from 0 to 2", within=1e-6)
    expect(
        var,
        tt.tensor([1.1]),
        because="a tenth of the way from 1 to 2, the variance divided by the count less one",
        within=1e-6,
    )


@pytest.mark.step("networks.batch_norm")
def test_images_are_averaged_over_all_their_pixels():
    x = tt.tensor([[[[1.0, 1.0], [3.0, 3.0]], [[0.0, 0.0], [0.0, 8.0]]]])
    result = tt.networks.batch_norm(x, tt.zeros(2), tt.ones(2), training=True, eps=0.0)
    expect(
        result[0, 0],
        tt.tensor([[-1.0, -1.0], [1.0, 1.0]]),
        because="a channel is normalised over the batch, its rows and its columns",
        within=1e-6,
    )


@pytest.mark.step("networks.batch_norm")
def test_weight_and_bias_belong_to_the_channels():
    x, weight, bias = tt.ones(1, 2, 1, 3), tt.tensor([10.0, 20.0]), tt.tensor([1.0, 2.0])
    result = tt.networks.batch_norm(x, tt.zeros(2), tt.ones(2), weight, bias, eps=0.0)
    expect(
        result[0, :, 0],
        tt.tensor([[11.0] * 3, [22.0] * 3]),
        because="channel 0 is multiplied by 10 and gets 1, channel 1 by 20 and gets 2",
        within=1e-5,
    )


# Step 6: residual connections


def scale(factor):
    """Return a module that multiplies by a number."""

    class Scale(tt.layers.Module):
        def forward(self, x):
            return x * factor

    return Scale()


@pytest.mark.step("networks.residual")
def test_what_the_chain_makes_is_added_to_its_input():
    block = tt.networks.Residual(scale(10), scale(10))
    expect(block(tt.tensor([1.0, 2.0])), tt.tensor([101.0, 202.0]), because="x + 100 x")


@pytest.mark.step("networks.residual")
def test_a_chain_that_says_nothing_changes_nothing():
    block = tt.networks.Residual(scale(0))
    expect(block(tt.tensor([3.0])), tt.tensor([3.0]), because="the input goes by unchanged")


@pytest.mark.step("networks.residual")
def test_a_shortcut_stands_in_for_the_input():
    block = tt.networks.Residual(scale(10), shortcut=scale(2))
    expect(block(tt.tensor([1.0])), tt.tensor([12.0]), because="2 x + 10 x; x itself is not added")


@pytest.mark.step("networks.residual")
def test_shapes_that_differ_are_refused_with_both():
    dense = tt.layers.Dense(4, 1, generator=np.random.default_rng(0))
    block = tt.networks.Residual(dense)
    expect_error(
        lambda: block(tt.zeros(2, 4)),
        ValueError,
        "(2, 4)",
        "(2, 1)",
        because="(2, 1) would stretch to (2, 4) without a word",
    )


# Step 7: embedding


@pytest.mark.step("networks.embedding_kernel")
def test_each_index_becomes_a_row():
    table = grid(3, 2)
    expect(
        tt.networks.embedding_kernel(table, indices=np.array([2, 0, 2])),
        np.array([[4, 5], [0, 1], [4, 5]], np.float32),
        because="rows 2, 0 and 2 of the table",
    )


@pytest.mark.step("networks.embedding_kernel")
def test_the_shape_of_the_indices_is_kept():
    result = tt.networks.embedding_kernel(grid(5, 3), indices=np.zeros((2, 4), np.int64))
    expect(result.shape, (2, 4, 3), because="a row of 3 in the place of each of 2 x 4 indices")


@pytest.mark.step("networks.embedding_kernel")
def test_an_index_without_a_row_is_refused_by_number():
    for wrong in (3, -1):
        expect_error(
            lambda wrong=wrong: tt.networks.embedding_kernel(
                grid(3, 2), indices=np.array([0, wrong])
            ),
            IndexError,
            str(wrong),
            "0 to 2",
            because="there are rows 0 to 2, and none counts from the end",
        )


# Step 8: attention


@pytest.mark.step("networks.attention_weights")
def test_each_query_shares_one_among_the_keys():
    query, key = tt.tensor([[0.0, 0.0]]), tt.tensor([[1.0, 2.0], [3.0, 4.0]])
    expect(
        tt.networks.attention_weights(query, key),
        tt.tensor([[0.5, 0.5]]),
        because="a query of zeros likes all keys alike",
        within=1e-6,
    )


@pytest.mark.step("networks.attention_weights")
def test_scores_are_divided_by_the_root_of_the_size():
    query, key = tt.ones(1, 4), tt.tensor([[np.log(9.0) / 2] * 4, [0.0] * 4])
    expect(
        tt.networks.attention_weights(query, key),
        tt.tensor([[0.9, 0.1]]),
        because="the product is 2 log 9, divided by sqrt(4): the shares are 9 to 1",
        within=1e-6,
    )


@pytest.mark.step("networks.attention_weights")
def test_a_masked_key_gets_nothing():
    query, key = tt.zeros(2, 1), tt.tensor([[5.0], [1.0]])
    mask = tt.tensor([[True, False], [True, True]])
    expect(
        tt.networks.attention_weights(query, key, mask),
        tt.tensor([[1.0, 0.0], [0.5, 0.5]]),
        because="False says: do not look; what is left shares 1",
        within=1e-6,
    )


@pytest.mark.step("networks.attention_weights")
def test_a_query_that_may_look_nowhere_takes_nothing():
    mask = tt.tensor([[False, False]])
    expect(
        tt.networks.attention_weights(tt.ones(1, 2), tt.ones(2, 2), mask),
        tt.zeros(1, 2),
        because="0 from everywhere, neither nan nor equal shares",
    )


@pytest.mark.step("networks.attention_weights")
def test_a_mask_of_numbers_is_refused():
    expect_error(
        lambda: tt.networks.attention_weights(tt.ones(1, 2), tt.ones(2, 2), tt.ones(1, 2)),
        TypeError,
        "float32",
        because="a mask of numbers means different things in different libraries",
    )


# Step 9: the receptive field


def windows_of(*settings):
    """Return a model of pooling layers with these settings: kernel, stride, padding, dilation."""
    return tt.layers.Sequential(*[tt.networks.MaxPool2d(*one) for one in settings])


@pytest.mark.step("networks.receptive_field")
def test_a_model_without_windows_sees_one_pixel():
    expect(
        tt.networks.receptive_field(tt.layers.ReLU()),
        tt.networks.ReceptiveField((1, 1), (1, 1), (0, 0)),
        because="each output comes from the pixel in the same place",
    )


@pytest.mark.step("networks.receptive_field")
def test_two_layers_of_three_see_five():
    expect(
        tt.networks.receptive_field(windows_of((3, 1), (3, 1))),
        tt.networks.ReceptiveField((5, 5), (1, 1), (0, 0)),
        because="the second layer sees 3 windows of 3, one pixel apart",
    )


@pytest.mark.step("networks.receptive_field")
def test_after_a_stride_windows_reach_further():
    expect(
        tt.networks.receptive_field(windows_of((2, 2), (3, 1))),
        tt.networks.ReceptiveField((6, 6), (2, 2), (0, 0)),
        because="3 places, 2 pixels apart, of 2 pixels each: 6",
    )


@pytest.mark.step("networks.receptive_field")
def test_padding_starts_outside_of_the_image():
    expect(
        tt.networks.receptive_field(windows_of((2, 2), (3, 2, 1))),
        tt.networks.ReceptiveField((6, 6), (4, 4), (-2, -2)),
        because="a margin of 1 place is 2 pixels wide where places are 2 pixels apart",
    )


@pytest.mark.step("networks.receptive_field")
def test_height_and_width_are_apart_and_dilation_counts():
    expect(
        tt.networks.receptive_field(windows_of(((3, 1), 1, 0, (2, 5)))),
        tt.networks.ReceptiveField((5, 1), (1, 1), (0, 0)),
        because="3 rows, every second, are 5; a single column has nothing to spread",
    )


@pytest.mark.step("networks.receptive_field")
def test_a_shortcut_lies_beside_its_chain():
    block = tt.networks.Residual(
        tt.Conv2d(1, 1, 3, stride=2, padding=1), shortcut=tt.Conv2d(1, 1, 1, stride=2)
    )
    expect(
        tt.networks.receptive_field(tt.layers.Sequential(block, tt.MaxPool2d(2))),
        tt.networks.ReceptiveField((5, 5), (4, 4), (-1, -1)),
        because="both ways take every second pixel, once; the chain sees 3, and 2 of those are 5",
    )


# Step 10: counting


@pytest.mark.step("networks.count_flops")
def test_a_matrix_product_multiplies_and_adds():
    expect(
        tt.networks.count_flops("matmul", [(2, 3), (3, 4)], (2, 4), {}),
        48,
        because="8 numbers, each a sum of 3 products: 6 steps each",
    )


@pytest.mark.step("networks.count_flops")
def test_a_convolution_does_so_for_each_weight_of_a_filter():
    shapes, output = [(1, 4, 8, 8), (6, 2, 3, 3)], (1, 6, 6, 6)
    expect(
        tt.networks.count_flops("conv2d", shapes, output, {"groups": 2}),
        2 * 2 * 9 * 216,
        because="216 numbers, each a sum of 2 x 3 x 3 products",
    )
    expect(
        tt.networks.count_flops("conv2d", [*shapes, (6,)], output, {"groups": 2}),
        2 * 2 * 9 * 216 + 216,
        because="and one addition each for the bias",
    )


@pytest.mark.step("networks.count_flops")
def test_pooling_looks_at_each_place_of_each_window():
    for operation in ("max_pool2d", "avg_pool2d"):
        expect(
            tt.networks.count_flops(
                operation, [(1, 2, 6, 6)], (1, 2, 2, 3), {"kernel_size": (3, 2)}
            ),
            72,
            because="12 numbers from 6 places each",
        )


@pytest.mark.step("networks.count_flops")
def test_moving_is_free_and_reductions_read_everything():
    count = tt.networks.count_flops
    expect(count("reshape", [(4, 6)], (24,), {}), 0, because="no number is computed")
    expect(count("sum", [(4, 6)], (4,), {}), 24, because="every number is added once")


@pytest.mark.step("networks.count_flops")
def test_other_operations_take_one_or_a_few_steps_a_number():
    count = tt.networks.count_flops
    expect(count("add", [(2, 1), (3,)], (2, 3), {}), 6, because="one addition each")
    expect(count("softmax", [(2, 3)], (2, 3), {}), 24, because="PER_ELEMENT says 4 for each")
    shapes = [(2, 3), (3,), (3,)]
    expect(count("layer_norm", shapes, (2, 3), {}), 42, because="7 each, the weight and bias in it")


# Layers


def test_a_convolution_layer_is_its_kernel_with_weights():
    tt.manual_seed(0)
    layer = tt.Conv2d(3, 8, 3, stride=2, padding=1)
    images = tt.randn(2, 3, 9, 9)
    expect(layer(images).shape, (2, 8, 5, 5), because="conv_output_size(9, 3, stride=2, padding=1)")
    expect(
        [(name, p.shape) for name, p in layer.named_parameters()],
        [("weight", (8, 3, 3, 3)), ("bias", (8,))],
        because="filters, channels, height, width; and one bias each",
    )
    expect(tt.Conv2d(2, 2, 1, bias=False).bias, None, because="no bias when none is wanted")


def test_a_convolution_moves_by_one_and_has_no_margin_unless_told():
    images = tt.from_numpy(grid(1, 1, 3, 3))
    diagonal = tt.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    expect(
        tt.conv2d(images, diagonal)[0, 0].tolist(),
        [[4.0, 6.0], [10.0, 12.0]],
        because="0 + 4, 1 + 5, 3 + 7, 4 + 8",
    )


def test_groups_make_filters_smaller():
    layer = tt.Conv2d(6, 4, (3, 2), padding=1, groups=2)
    expect(layer.weight.shape, (4, 3, 3, 2), because="each filter sees 3 of 6 channels")
    expect(layer(tt.zeros(1, 6, 5, 5)).shape, (1, 4, 5, 6), because="5 + 2 pixels, 3 by 2 windows")


def test_a_layer_fills_its_own_margin():
    layer = tt.Conv2d(1, 1, (1, 3), padding=(0, 1), bias=False, padding_mode="circular")
    layer.weight[...] = tt.tensor([1.0, 10.0, 100.0])
    expect(
        layer(tt.tensor([[[[1.0, 2.0, 3.0]]]])).tolist(),
        [[[[213.0, 321.0, 132.0]]]],
        because="3 lies to the left of 1, and 1 to the right of 3",
    )


def test_a_layer_tells_its_settings():
    for layer, wanted in (
        (tt.Conv2d(6, 4, (3, 2), (2, 1), (1, 0), 2, 2, bias=False, padding_mode="reflect"),
         "Conv2d(6, 4, kernel_size=(3, 2), stride=(2, 1), padding=(1, 0), dilation=(2, 2), "
         "groups=2, bias=False, padding_mode=reflect)"),
        (tt.Conv2d(1, 2, 1),
         "Conv2d(1, 2, kernel_size=(1, 1), stride=(1, 1), padding=(0, 0), dilation=(1, 1), "
         "groups=1, bias=True, padding_mode=zeros)"),
        (tt.MaxPool2d(2, padding=1),
         "MaxPool2d(kernel_size=(2, 2), stride=(2, 2), padding=(1, 1), dilation=(1, 1))"),
        (tt.AvgPool2d((3, 2), 1),
         "AvgPool2d(kernel_size=(3, 2), stride=(1, 1), padding=(0, 0), count_include_pad=True)"),
        (tt.BatchNorm2d(3), "BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True)"),
        (tt.BatchNorm1d(3, affine=False), "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=False)"),
        (tt.LayerNorm((2, 3)), "LayerNorm((2, 3), eps=1e-05)"),
        (tt.Embedding(5, 3), "Embedding(5, 3)"),
        (tt.PositionalEncoding(4, 8), "PositionalEncoding(4, max_length=8)"),
    ):  # fmt: skip
        expect(repr(layer), wanted, because="a printed network says what it is made of")
    heads = tt.MultiHeadAttention(8, 2).extra_repr()
    expect(heads, "embed_dim=8, num_heads=2", because="a layer with children does so, too")


def test_what_cannot_be_convolved_is_explained():
    layer = tt.Conv2d(3, 8, 3)
    expect_error(lambda: layer(tt.zeros(1, 4, 9, 9)), ValueError, "4", "3", because="channels")
    for shape in ((3, 9, 9), (1, 1, 3, 9, 9)):
        expect_error(lambda s=shape: layer(tt.zeros(s)), ValueError, "batch", because="no images")
    expect_error(lambda: layer(tt.zeros(1, 3, 2, 2)), ValueError, "2", "3", because="too small")
    expect_error(lambda: tt.Conv2d(3, 8, 3, groups=2), ValueError, "3", "2", because="odd channels")
    expect_error(lambda: tt.Conv2d(3, 8, 0), ValueError, "kernel_size", because="no window")
    expect_error(lambda: tt.Conv2d(3, 8, 2.5), TypeError, "kernel_size", because="half a pixel")
    expect_error(lambda: tt.Conv2d(1, 1, 3, padding_mode="x"), ValueError, "x", because="no mode")
    expect_error(
        lambda: tt.conv2d(tt.zeros(1, 1, 3, 3), tt.zeros(2, 1, 2, 2), tt.zeros(3)),
        ValueError,
        "(3,)",
        because="two filters have two biases",
    )


def test_margins_are_filled_in_four_ways():
    row = tt.tensor([[[[1.0, 2.0, 3.0]]]])
    for mode, wanted in {
        "zeros": [0.0, 0.0, 1.0, 2.0, 3.0, 0.0, 0.0],
        "reflect": [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0],
        "replicate": [1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0],
        "circular": [2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0],
    }.items():
        expect(tt.pad2d(row, (0, 2), mode)[0, 0, 0].tolist(), wanted, because=mode)
    expect_error(lambda: tt.pad2d(row, (0, 3), "reflect"), ValueError, "3", because="too wide")
    expect_error(lambda: tt.pad2d(row[0], 1), ValueError, "batch", because="no batch")
    expect_error(lambda: tt.pad2d(row, 1, "mirror"), ValueError, "mirror", because="no such mode")


def test_pooling_layers_shrink_images():
    images = tt.from_numpy(grid(1, 1, 4, 4))
    expect(
        tt.MaxPool2d(2)(images)[0, 0].tolist(), [[5.0, 7.0], [13.0, 15.0]], because="the largest"
    )
    expect(tt.AvgPool2d(2)(images)[0, 0].tolist(), [[2.5, 4.5], [10.5, 12.5]], because="the means")
    expect_error(
        lambda: tt.max_pool2d(images, 2, padding=2), ValueError, "half", because="margin alone"
    )
    expect_error(lambda: tt.max_pool2d(images[0], 2), ValueError, "batch", because="no batch")


def test_pooling_has_no_margin_unless_told():
    images = tt.from_numpy(grid(1, 1, 2, 6))
    expect(tt.max_pool2d(images, 2).tolist(), [[[[7.0, 9.0, 11.0]]]], because="three windows")
    expect(tt.avg_pool2d(images, (2, 3)).tolist(), [[[[4.0, 7.0]]]], because="two of 2 by 3")


def test_a_mean_counts_the_margin_or_not():
    ones = tt.ones(1, 1, 2, 2)
    expect(
        tt.avg_pool2d(ones, 2, padding=1)[0, 0].tolist(), [[0.25] * 2] * 2, because="1 of 4 is ink"
    )
    expect(
        tt.avg_pool2d(ones, 2, padding=1, count_include_pad=False)[0, 0].tolist(),
        [[1.0] * 2] * 2,
        because="the one pixel that is there",
    )
    expect(
        tt.AvgPool2d(2, padding=1)(ones)[0, 0].tolist(), [[0.25] * 2] * 2, because="a layer, too"
    )


def test_integers_have_no_mean():
    for dtype in (tt.int64, tt.uint8, tt.bool_):
        expect_error(
            lambda dtype=dtype: tt.avg_pool2d(tt.zeros(1, 1, 2, 2).to(dtype), 2),
            TypeError,
            str(dtype),
            because="the mean of 1 and 2 would be cut off",
        )


def test_normalisation_layers_know_training_from_inference():
    layer = tt.BatchNorm2d(3)
    x = tt.randn(4, 3, 5, 5, generator=np.random.default_rng(0)) * 3 + 7
    expect(abs(layer(x).mean().item()) < 1e-5, True, because="in training, the batch's own mean")
    layer.eval()
    expect(layer(x).mean().item() > 1, True, because="the running mean has moved only a little")
    expect(sorted(layer.state_dict()), ["bias", "running_mean", "running_var", "weight"],
           because="buffers are saved with the parameters")  # fmt: skip
    for channels in (2, 4):
        expect_error(
            lambda n=channels: layer(tt.zeros(1, n, 3, 3)),
            ValueError,
            "3 channels",
            because="not 3",
        )
    expect_error(
        lambda: tt.BatchNorm1d(2)(tt.zeros(1, 2)),
        ValueError,
        "1 number",
        "eval",
        because="one number each",
    )


def test_a_batch_norm_says_which_shapes_it_takes():
    expect(tt.BatchNorm1d(3)(tt.zeros(2, 3, 5)).shape, (2, 3, 5), because="of some length")
    for layer, shape in (
        (tt.BatchNorm1d(3), (3,)),
        (tt.BatchNorm1d(3), (2, 3, 5, 5)),
        (tt.BatchNorm2d(3), (2, 3)),
    ):
        expect_error(
            lambda layer=layer, shape=shape: layer(tt.zeros(shape)),
            ValueError,
            "(batch, channels",
            str(shape),
            because="images and sequences are not mistaken for each other",
        )


def test_a_layer_norm_sees_one_example_at_a_time():
    result = tt.LayerNorm(2)(tt.tensor([[1.0, 3.0], [100.0, 300.0]]))
    expect(result, tt.tensor([[-1.0, 1.0], [-1.0, 1.0]]), because="each row by itself", within=1e-4)
    for size in (1, 3):
        expect_error(
            lambda size=size: tt.LayerNorm(size)(tt.zeros(2, 2)),
            ValueError,
            f"({size},)",
            "last sizes",
            because="the rows have 2 numbers",
        )
    expect_error(lambda: tt.LayerNorm(())(tt.zeros(2)), ValueError, "()", because="no dims at all")


def test_a_layer_norm_multiplies_and_then_adds():
    x, weight, bias = tt.tensor([[1.0, 3.0]]), tt.tensor([2.0, 3.0]), tt.tensor([10.0, 20.0])
    expect(
        tt.networks.layer_norm(x, (2,), weight, bias),
        tt.tensor([[8.0, 23.0]]),
        because="-1 and 1, times 2 and 3, plus 10 and 20",
        within=1e-3,
    )


def test_embeddings_are_looked_up_by_integers():
    layer = tt.Embedding(5, 3)
    expect(layer(tt.tensor([[1, 4]])).shape, (1, 2, 3), because="a row for each")
    expect_error(lambda: layer(tt.tensor([1.0])), TypeError, "float32", because="no index")


def test_places_are_told_apart():
    encoding = tt.PositionalEncoding(4, max_length=8)
    marked = encoding(tt.zeros(1, 3, 4))
    expect(marked[0, 0].tolist(), [0.0, 1.0, 0.0, 1.0], because="sin 0 and cos 0")
    for length in (9, 10):
        expect_error(
            lambda n=length: encoding(tt.zeros(1, n, 4)),
            ValueError,
            f"{length}",
            "max_length",
            because="8 places are marked",
        )
    expect(encoding(tt.zeros(1, 8, 4)).shape, (1, 8, 4), because="8 places are not too many")
    expect(tt.PositionalEncoding(2).table.shape, (512, 2), because="unless told otherwise")


def test_a_causal_mask_looks_back():
    expect(
        tt.causal_mask(3).tolist(),
        [[True, False, False], [True, True, False], [True, True, True]],
        because="each place sees itself and what came before",
    )


def test_heads_attend_apart_and_are_joined():
    layer = tt.MultiHeadAttention(8, 2, generator=np.random.default_rng(0))
    x = tt.randn(3, 5, 8, generator=np.random.default_rng(1))
    expect(layer(x).shape, (3, 5, 8), because="as it came")
    expect(layer.maps(x).shape, (3, 2, 5, 5), because="a map for each image and head")
    expect(layer(x, tt.zeros(3, 7, 8)).shape, (3, 5, 8), because="5 queries, 7 keys")
    masked = layer.maps(x, mask=tt.causal_mask(5))
    expect(
        masked[0, 0, 0].tolist(), [1.0, 0.0, 0.0, 0.0, 0.0], because="the first sees only itself"
    )
    expect(layer(x[0]).shape, (5, 8), because="a single sequence is no batch")
    for count in (3, 0):
        expect_error(
            lambda n=count: tt.MultiHeadAttention(8, n), ValueError, "8", f"{count} equal",
            because="8 features are not cut into 3, nor into none")  # fmt: skip


def test_heads_share_three_projections_and_one_back():
    shapes = {"in_proj_weight": (24, 8), "out_proj.weight": (8, 8)}
    biases = {"in_proj_bias": (24,), "out_proj.bias": (8,)}
    for layer, wanted in (
        (tt.MultiHeadAttention(8, 1), shapes | biases),
        (tt.MultiHeadAttention(8, 2, bias=False), shapes),
    ):
        found = {name: tensor.shape for name, tensor in layer.named_parameters()}
        expect(found, wanted, because="queries, keys and values, one below the other")
    zeros = [tt.MultiHeadAttention(8, 2).state_dict()[name] for name in biases]
    expect(zeros, [tt.zeros(24), tt.zeros(8)], because="both biases start at 0")


# Architectures


def test_architectures_are_compositions():
    expect(tt.MLP(4, 8, 3)(tt.zeros(2, 2, 2)).shape, (2, 3), because="flattened, then two layers")
    expect(len(tt.MLP(4, 8, 8, 3)), 6, because="Flatten, and Dense, ReLU, Dense, ReLU, Dense")
    expect(tt.CNN(3, 5, filters=(4, 4), image_size=8)(tt.zeros(2, 3, 8, 8)).shape, (2, 5),
           because="images in, scores out")  # fmt: skip
    encoder = tt.TransformerEncoder(8, 2, 2, 16).eval()
    expect(encoder(tt.zeros(1, 3, 8)).shape, (1, 3, 8), because="a sequence in, a sequence out")
    expect(len(tt.MLP(4, 3)), 2, because="Flatten and Dense: a single layer is the least")
    expect_error(lambda: tt.MLP(4), ValueError, "(4,)", because="no output size")
    expect_error(
        lambda: tt.CNN(filters=(1, 1, 1, 1), image_size=7),
        ValueError,
        "7 pixels",
        "3 times",
        because="7, 3, 1, and then there is nothing left to halve",
    )


def test_a_cnn_halves_the_image_and_ends_with_one_answer_for_each_filter():
    model = tt.CNN()
    images = tt.zeros(1, 1, 28, 28)
    shapes = [(images := layer(images)).shape for layer in model]
    expect(shapes[2::3], [(1, 12, 14, 14), (1, 24, 7, 7), (1, 64, 1, 1)], because="pooled")
    expect(shapes[-1], (1, 10), because="a score for each class")
    weights = [p.shape for p in model.parameters() if p.ndim == 4]
    expect(weights, [(12, 1, 3, 3), (24, 12, 3, 3), (64, 24, 3, 3)], because="all are 3 by 3")
    expect(model[8].kernel_size, (7, 7), because="the last pooling sees all that is left")
    smallest = tt.CNN(filters=(1, 1, 1, 1), image_size=8)
    expect(smallest(tt.zeros(1, 1, 8, 8)).shape, (1, 10), because="8 pixels, halved 3 times, are 1")


def test_an_encoder_layer_adds_two_corrections():
    layer = tt.TransformerEncoderLayer(2, 1).eval()
    for part, correction in ((layer.self_attn.out_proj, 10.0), (layer.linear2, 100.0)):
        part.weight[...], part.bias[...] = 0.0, correction
    x = tt.tensor([[[1.0, 2.0]]])
    expect(layer(x), x + 110, because="attention says 10 here, the dense layers 100")
    encoder = tt.TransformerEncoder(2, 1, 3)
    encoder.layers, encoder.norm = tt.layers.Sequential(layer, layer), tt.layers.Identity()
    expect(encoder(x), x + 220, because="layer after layer")
    expect(
        [
            (one.linear1.weight.shape, one.dropout.p)
            for one in tt.TransformerEncoder(2, 1, 3).layers
        ],
        [((2048, 2), 0.1)] * 3,
        because="as in the paper, unless told otherwise",
    )
    expect(layer.linear1.weight.shape, (2048, 2), because="a layer alone, too")
    expect(layer.dropout.p, 0.1, because="a tenth is dropped in training")


def test_a_causal_encoder_does_not_see_what_comes():
    tt.manual_seed(0)
    encoder = tt.TransformerEncoder(8, 2, 2, 16).eval()
    x = tt.randn(1, 4, 8)
    changed = x.clone()
    changed[0, 3] = 5.0
    before, after = (encoder(one, tt.causal_mask(4))[0, :3] for one in (x, changed))
    expect(after, before, because="places 0 to 2 must not change with place 3", within=1e-6)


# Tables


def test_tables_add_up():
    model = tt.MLP(4, 8, 3)
    parameters = tt.parameter_table(model)
    expect(parameters.total("numbers"), 4 * 8 + 8 + 8 * 3 + 3, because="weights and biases")
    expect(parameters.column("parameter"), ["1.weight", "1.bias", "3.weight", "3.bias"],
           because="in order")  # fmt: skip
    operations = tt.flop_table(model, (2, 4))
    expect(operations.total("flops"), 2 * (64 + 8 + 8 + 48 + 3), because="for a batch of 2")
    expect(operations.column("layer"), ["1", "1", "", "3", "3"], because="relu has no weights")
    inputs = [(2, 4), (2, 8), (2, 8), (2, 8), (2, 3)]
    expect(operations.column("input")[1:], inputs[1:], because="what the first input is like")
    expect(
        repr(parameters).splitlines(),
        [
            "parameter  shape   numbers  bytes",
            "1.weight   (8, 4)       32    128",
            "1.bias     (8,)          8     32",
            "3.weight   (3, 8)       24     96",
            "3.bias     (3,)          3     12",
            "total                   67    268",
        ],
        because="words begin on the left, numbers end on the right",
    )


def test_counting_changes_nothing_in_the_model():
    model = tt.layers.Sequential(tt.BatchNorm2d(1), tt.layers.Dropout(0.5))
    model[1].eval()
    before = model.state_dict()["0.running_mean"]
    tt.flop_table(model, (4, 1, 2, 2))
    expect([one.training for one in model.modules()], [True, True, False], because="modes are kept")
    expect(model.state_dict()["0.running_mean"], before, because="and so are running numbers")


# Weights in files


def test_tensors_survive_a_file(tmp_path):
    state = {
        "b": tt.tensor([[1.5, -2.0]]),
        "a": tt.tensor([True, False]),
        "c.d": tt.tensor(7),
        "empty": tt.zeros(0, 3),
    }
    path = tmp_path / "some.safetensors"
    tt.save_safetensors(state, path, metadata={"made by": "a test"})
    loaded = tt.load_safetensors(path)
    expect(sorted(loaded), sorted(state), because="all names")
    for name, tensor in state.items():
        expect(loaded[name], tensor, because=name)
    expect(tt.networks.read_metadata(path), {"made by": "a test"}, because="text beside it")
    expect([one.name for one in tmp_path.iterdir()], [path.name], because="nothing is left beside")


def broken_files():
    """Yield files that are no safetensors, each with what is to be said of it."""
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}

    def file(header, data=b"12345678"):
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + data

    yield b"", "ends before"
    yield b"\xff" * 30, "ends before"
    yield bytes(7) + b"\1" + bytes(9), "ends before"
    yield file({}, b"")[:-1], "ends before"
    yield file(b"{"), "JSON"
    yield file(b"[]"), "table"
    yield file(b'{"a":1,"a":2}'), "twice"
    yield file({"a": 3}), "'a'"
    yield file({"a": entry | {"data_offsets": [0]}}), "'a'"
    yield file({"a": entry | {"data_offsets": [0, 8, 8]}}), "'a'"
    yield file({"a": entry | {"shape": [-1]}}), "shape of 'a'"
    yield file({"a": entry | {"shape": [3]}}), "(3,)"
    yield file({"a": entry | {"shape": [1]}}), "(1,)"
    yield file({"a": entry | {"dtype": "BF16"}}), "BF16"
    yield file({"a": entry}, b"1234"), "0 to 8 of 4"
    yield file({"a": entry}, b"123456789"), "9"
    yield file({"a": entry | {"data_offsets": [1, 9]}}, b"123456789"), "begin"
    yield file({"a": entry, "b": entry | {"shape": [1], "data_offsets": [4, 8]}}), "begin"


def test_a_damaged_file_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "broken.safetensors"
    for content, said in broken_files():
        path.write_bytes(content)
        expect_error(lambda: tt.load_safetensors(path), ValueError, "broken.safetensors", said,
                     because="the reader learns which file, and what is wrong")  # fmt: skip
    expect_error(lambda: tt.load_safetensors(tmp_path / "none"), FileNotFoundError, "none",
                 because="there is no such file")  # fmt: skip


def test_a_file_is_a_length_a_header_and_the_bytes(tmp_path):
    path = tmp_path / "some.safetensors"
    for name in ("a", "ab", "abc", "grün", "Z", "_"):
        tt.save_safetensors({name: tt.tensor([1, 2, 3], dtype=tt.uint8)}, path)
        header = f'{{"{name}":{{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}}}'.encode()
        length = -(-len(header) // 8) * 8
        expect(
            path.read_bytes(),
            length.to_bytes(8, "little") + header.ljust(length) + b"\1\2\3",
            because="blanks fill the header up to a multiple of 8",
        )
    tt.save_safetensors({}, path)
    expect(tt.load_safetensors(path), {}, because="a file may hold nothing")


def test_what_a_file_cannot_hold_is_refused(tmp_path):
    path, one = tmp_path / "some.safetensors", tt.ones(1)
    for state, metadata, said in (
        ({"__metadata__": one}, None, "__metadata__"),
        ({3: one, "a": one}, None, "3"),
        ({"a": one}, {"epoch": 3}, "'epoch'"),
        ({"a": one}, {3: "epoch"}, "'epoch'"),
    ):
        expect_error(
            lambda state=state, metadata=metadata: tt.save_safetensors(
                state, path, metadata=metadata
            ),
            ValueError,
            said,
            because="names and metadata are text",
        )
    expect(list(tmp_path.iterdir()), [], because="and nothing was written")


def test_every_cut_of_a_file_is_noticed(tmp_path):
    path = tmp_path / "whole.safetensors"
    tt.save_safetensors({"a": tt.ones(2), "b": tt.zeros(3)}, path)
    content = path.read_bytes()
    for kept in range(0, len(content), 5):
        path.write_bytes(content[:kept])
        expect_error(lambda: tt.load_safetensors(path), ValueError, because="it is cut off")


# Trained networks


def test_the_xor_network_solves_xor():
    scores = tt.load_pretrained("xor")(tt.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]))
    expect(scores.argmax(1).tolist(), [0, 1, 1, 0], because="exactly one of two")


def test_trained_networks_read_digits_they_have_not_seen():
    images, labels = (one.numpy()[::5] for one in datasets.load_digits())
    ink = tt.from_numpy(images.astype(np.float32) / 16)
    guesses = tt.load_pretrained("mlp_digits")(ink).argmax(1)
    share = float((guesses.numpy() == labels).mean())
    expect(share >= 0.97, True, because=f"ORIGINS.md promises 97%, and it is {share:.1%}")
    expect_error(lambda: tt.load_pretrained("none"), ValueError, "xor", because="names are listed")


def test_trained_networks_take_whole_images():
    for name in ("mlp_mnist", "cnn_mnist"):
        model = tt.load_pretrained(name)
        expect(model(tt.zeros(1, 1, 28, 28)).shape, (1, 10), because="a score for each digit")
        expect(model.training, False, because="they are ready for use")
