"""Layers beyond the chapter's examples: many shapes, extreme values, independent oracles."""

import copy
import math
import pickle
import warnings
from itertools import pairwise
from statistics import NormalDist
from types import SimpleNamespace

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import expect, expect_error

FLOATS = (tt.float16, tt.float32, tt.float64)


@pytest.fixture(autouse=True)
def chance_is_the_same_in_every_run():
    tt.manual_seed(2)


def batches(count, most_dims=4):
    """Return random arrays of scores, large and small, the same ones on every run."""
    rng = np.random.default_rng(2026)
    for _ in range(count):
        shape = rng.integers(1, 5, rng.integers(1, most_dims + 1))
        yield rng.normal(0, rng.choice([1.0, 10.0, 300.0]), shape)


def along(function, array, dim):
    """Return the array with a function of lists applied to each line along the dim."""
    return np.apply_along_axis(lambda line: np.array(function(line.tolist())), dim, array)


def shares(scores):
    """Return the softmax of a list of numbers, summed without rounding."""
    top = max(scores)
    powers = [math.exp(score - top) for score in scores]
    return [power / math.fsum(powers) for power in powers]


def log_shares(scores):
    """Return the logarithms of a list's softmax, summed without rounding."""
    top = max(scores)
    total = math.log(math.fsum(math.exp(score - top) for score in scores))
    return [score - top - total for score in scores]


# Step 1


@pytest.mark.step("layers.linear")
def test_linear_maps_agree_with_sums_over_an_index():
    rng = np.random.default_rng(5)
    for _ in range(40):
        before = tuple(rng.integers(0, 4, rng.integers(0, 4)).tolist())
        inputs, outputs = rng.integers(0, 5, 2).tolist()
        x, weight = rng.normal(size=(*before, inputs)), rng.normal(size=(outputs, inputs))
        bias = rng.normal(size=outputs)
        expect(
            tt.linear(tt.tensor(x), tt.tensor(weight), tt.tensor(bias)).numpy(),
            np.einsum("...i,oi->...o", x, weight) + bias,
            within=1e-12,
            because=f"{x.shape} meets a weight of shape {weight.shape}",
        )


@pytest.mark.step("layers.linear")
def test_a_linear_map_adds_up():
    rng = np.random.default_rng(6)
    weight = tt.tensor(rng.normal(size=(4, 3)))
    a, b = tt.tensor(rng.normal(size=(2, 3))), tt.tensor(rng.normal(size=(2, 3)))
    expect(
        tt.linear(a + b * 2, weight),
        tt.linear(a, weight) + tt.linear(b, weight) * 2,
        within=1e-12,
        because="without a bias, the map of a sum is the sum of the maps",
    )


@pytest.mark.step("layers.linear")
def test_a_weight_has_two_dims():
    for shape in ((5,), (2, 4, 5), ()):
        expect_error(
            lambda shape=shape: tt.linear(tt.ones(2, 5), tt.ones(shape)),
            ValueError,
            str(shape),
            because="a weight has one dim of outputs and one of inputs",
        )


@pytest.mark.step("layers.linear")
def test_a_linear_map_changes_none_of_its_inputs():
    x, weight, bias = tt.ones(2, 3), tt.ones(4, 3), tt.ones(4)
    tt.linear(x, weight, bias)
    expect([float(one.amax()) for one in (x, weight, bias)], [1.0] * 3, because="they are not ours")


# Step 2


@pytest.mark.step("layers.sigmoid_kernel")
def test_sigmoids_agree_with_the_hyperbolic_tangent():
    x = np.linspace(-8, 8, 101)
    expect(
        tt.layers.sigmoid_kernel(x.reshape(1, -1)),
        (0.5 + 0.5 * np.tanh(x / 2)).reshape(1, -1),
        within=1e-15,
        because="1 / (1 + exp(-x)) is half of 1 + tanh(x / 2)",
    )


@pytest.mark.step("layers.sigmoid_kernel")
def test_small_shares_keep_their_precision_in_every_dtype():
    for dtype, lowest in ((tt.float16, -13.0), (tt.float32, -95.0), (tt.float64, -720.0)):
        x = np.linspace(lowest, lowest / 2, 9).astype(dtype)
        exact = np.exp(x.astype(tt.float64))
        ratio = tt.layers.sigmoid_kernel(x).astype(tt.float64) / (exact / (1 + exact))
        expect(
            ratio, np.ones(9), within=0.1, because=f"{dtype} reaches to {exact[0]:.0e} and below"
        )


@pytest.mark.step("layers.sigmoid_kernel")
def test_what_is_not_finite_goes_to_the_ends():
    for dtype in FLOATS:
        expect(
            tt.layers.sigmoid_kernel(np.array([-np.inf, np.inf, np.nan, -0.0], dtype)),
            np.array([0.0, 1.0, np.nan, 0.5], dtype),
            because="the sigmoid of an infinity is its limit, and nan stays nan",
        )


@pytest.mark.step("layers.sigmoid_kernel")
def test_a_number_and_its_opposite_share_one():
    x = np.random.default_rng(8).normal(0, 5, (4, 3))
    total = tt.layers.sigmoid_kernel(x) + tt.layers.sigmoid_kernel(-x)
    expect(total, np.ones((4, 3)), within=1e-15, because="what x lacks to 1 is the sigmoid of -x")


# Step 3


@pytest.mark.step("layers.gelu_kernel")
def test_gelu_agrees_with_the_normal_distribution():
    x = np.linspace(-5, 5, 101)
    expect(
        tt.layers.gelu_kernel(x.reshape(1, -1), approximate="none"),
        np.array([[one * NormalDist().cdf(one) for one in x.tolist()]]),
        within=1e-14,
        because="Python's statistics module knows the share below x too",
    )


@pytest.mark.step("layers.gelu_kernel")
def test_the_approximation_errs_by_less_than_a_two_thousandth():
    x = np.linspace(-6, 6, 1201)
    exact = tt.layers.gelu_kernel(x, approximate="none")
    error = np.abs(tt.layers.gelu_kernel(x, approximate="tanh") - exact)
    expect(round(float(error.max()), 5), 0.00047, because="that is how far the two come apart")


@pytest.mark.step("layers.gelu_kernel")
def test_gelu_keeps_its_precision_in_every_dtype():
    for dtype, lowest in ((tt.float16, -4.0), (tt.float32, -13.0), (tt.float64, -37.0)):
        for approximate, share in (("none", exact_share), ("tanh", approximate_share)):
            x = np.linspace(lowest, lowest / 4, 7).astype(dtype)
            wanted = np.array([one * share(one) for one in x.tolist()])
            kept = np.abs(wanted) > 100 * np.finfo(dtype).tiny
            got = tt.layers.gelu_kernel(x[kept], approximate=approximate).astype(tt.float64)
            expect(
                got / wanted[kept],
                np.ones(int(kept.sum())),
                within=0.3 if dtype == tt.float16 else 1e-3,
                because=f"{approximate}, {dtype}: the share is small and not 0",
            )


def exact_share(x):
    """Return the share of the normal distribution below x, by a continued fraction of Laplace."""
    if x > -3:
        return NormalDist().cdf(x)
    fraction = -x
    for place in range(200, 0, -1):
        fraction = -x + place / fraction
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi) / fraction


def approximate_share(x):
    """Return the share as the approximation has it, for x below 0."""
    z = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return math.exp(2 * z) / (1 + math.exp(2 * z))


@pytest.mark.step("layers.gelu_kernel")
def test_every_other_word_is_refused():
    for word in ("", "a", "nonet", "sigmoid", "tanhs", "z", "None"):
        expect_error(
            lambda word=word: tt.layers.gelu_kernel(np.ones(2), approximate=word), ValueError, word,
            because="there are two words, and this is neither",
        )  # fmt: skip


# Step 4


@pytest.mark.step("layers.softmax_kernel")
def test_shares_agree_with_sums_without_rounding():
    for scores in batches(60):
        for dim in range(scores.ndim):
            expect(
                tt.layers.softmax_kernel(scores, dim=dim),
                along(shares, scores, dim),
                within=1e-12,
                because=f"shape {scores.shape} along dim {dim}",
            )


@pytest.mark.step("layers.softmax_kernel")
def test_adding_a_number_to_all_scores_changes_no_share():
    scores = np.random.default_rng(9).integers(-9, 9, (3, 4)).astype(float)
    for number in (-1e6, 12.0, 1e6):
        expect(
            tt.layers.softmax_kernel(scores + number, dim=1),
            tt.layers.softmax_kernel(scores, dim=1),
            within=1e-15,
            because=f"all powers grow by the same factor, exp({number})",
        )


@pytest.mark.step("layers.softmax_kernel")
def test_a_score_of_minus_infinity_gets_nothing():
    expect(
        tt.layers.softmax_kernel(np.array([[0.0, -np.inf, 0.0]]), dim=1),
        np.array([[0.5, 0.0, 0.5]]),
        because="this is how attention masks a position",
    )


@pytest.mark.step("layers.softmax_kernel")
def test_the_largest_numbers_of_a_dtype_are_scores_too():
    for dtype in FLOATS:
        top = np.finfo(dtype).max
        got = tt.layers.softmax_kernel(np.array([[top, top], [-top, -top]], dtype), dim=1)
        expect(got, np.full((2, 2), 0.5, dtype), because=f"the largest score of {dtype} is {top}")


@pytest.mark.step("layers.softmax_kernel")
def test_empty_scores_keep_their_shape():
    for shape, dim in (((0,), 0), ((0, 3), 1), ((2, 0, 3), 1), ((2, 0, 3), 2)):
        got = tt.layers.softmax_kernel(np.zeros(shape, tt.float32), dim=dim)
        expect(got, np.zeros(shape, tt.float32), because="what is empty stays empty")


# Step 5


@pytest.mark.step("layers.log_softmax_kernel")
def test_logarithms_agree_with_sums_without_rounding():
    for scores in batches(60):
        for dim in range(scores.ndim):
            expect(
                tt.layers.log_softmax_kernel(scores, dim=dim),
                along(log_shares, scores, dim),
                within=1e-10,
                because=f"shape {scores.shape} along dim {dim}",
            )


@pytest.mark.step("layers.log_softmax_kernel")
def test_the_powers_of_the_logarithms_are_shares():
    scores = np.random.default_rng(10).normal(0, 5, (3, 4))
    expect(
        np.exp(tt.layers.log_softmax_kernel(scores, dim=0)).sum(axis=0),
        np.ones(4),
        within=1e-12,
        because="along the dim they add up to 1",
    )


@pytest.mark.step("layers.log_softmax_kernel")
def test_the_logarithm_of_nothing_is_minus_infinity():
    expect(
        tt.layers.log_softmax_kernel(np.array([0.0, -np.inf]), dim=0),
        np.array([0.0, -np.inf]),
        because="a masked score has no share, and log 0 is -inf",
    )


@pytest.mark.step("layers.log_softmax_kernel")
def test_scores_far_apart_keep_their_distance_in_every_dtype():
    for dtype in FLOATS:
        far = np.finfo(dtype).max / 4
        got = tt.layers.log_softmax_kernel(np.array([0.0, -far, far], dtype), dim=0)
        expect(got, np.array([-far, -2 * far, 0.0], dtype), because=f"scores up to {far}")


@pytest.mark.step("layers.log_softmax_kernel")
def test_empty_scores_keep_their_shape_in_logarithms():
    for shape, dim in (((0,), 0), ((2, 0), 1), ((2, 0, 3), 2)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the logarithm of an empty sum is of no interest
            got = tt.layers.log_softmax_kernel(np.zeros(shape, tt.float32), dim=dim)
        expect(got, np.zeros(shape, tt.float32), because="what is empty stays empty")


# Step 6


@pytest.mark.step("layers.fans")
def test_fans_count_the_paths_of_a_convolution():
    rng = np.random.default_rng(11)
    for _ in range(50):
        shape = tuple(rng.integers(1, 6, rng.integers(2, 6)).tolist())
        paths = np.ones(shape)
        counted = (int(paths[0].sum()), int(paths[:, 0].sum()))
        expect(tt.layers.fan_in_and_fan_out(shape), counted, because=f"a weight of shape {shape}")


@pytest.mark.step("layers.fans")
def test_an_empty_weight_has_empty_fans():
    expect(tt.layers.fan_in_and_fan_out((3, 0)), (0, 3), because="there is nothing to sum")
    expect(tt.layers.fan_in_and_fan_out((3, 2, 0)), (0, 0), because="the window has no places")


# Step 7


@pytest.mark.step("layers.kaiming_uniform_")
def test_the_standard_deviation_is_the_gain_over_the_root_of_the_fan():
    rng = np.random.default_rng(12)
    for mode in ("fan_in", "fan_out"):
        for name in ("linear", "tanh", "relu", "leaky_relu"):
            for slope in (0.0, 0.5, 2.0):
                weight = tt.kaiming_uniform_(
                    tt.zeros(20, 15, 4, 2), slope, mode=mode, nonlinearity=name, generator=rng
                )
                fan = {"fan_in": 120, "fan_out": 160}[mode]
                wanted = tt.calculate_gain(name, slope) / math.sqrt(fan)
                ratio = float(weight.numpy().std()) / wanted
                expect(ratio, 1.0, within=0.05, because=f"{mode}, {name}, slope {slope}")


@pytest.mark.step("layers.kaiming_uniform_")
def test_signals_survive_thirty_layers():
    rng = np.random.default_rng(13)
    x = tt.randn(16, 128, generator=rng)
    for _ in range(30):
        x = tt.relu(x @ tt.kaiming_uniform_(tt.zeros(128, 128), generator=rng).T)
    size = float((x * x).mean())
    expect(0.1 < size < 10, True, because=f"the mean square began at 1 and is {size:.2g} now")


@pytest.mark.step("layers.kaiming_uniform_")
def test_a_single_input_has_the_largest_weights():
    weight = tt.kaiming_uniform_(tt.zeros(2000, 1), generator=np.random.default_rng(19))
    expect(round(float(weight.amax()), 1), 2.4, because="a fan of 1 gives sqrt(3) times sqrt(2)")


@pytest.mark.step("layers.kaiming_uniform_")
def test_a_view_is_filled_where_it_looks():
    whole = tt.zeros(4, 6)
    tt.kaiming_uniform_(whole[:, :3])
    expect(bool((whole[:, :3] != 0).all()), True, because="the view shares memory with the whole")
    expect(bool((whole[:, 3:] == 0).all()), True, because="the rest was not given")


@pytest.mark.step("layers.kaiming_uniform_")
def test_the_dtype_of_a_weight_stays_and_an_empty_one_is_filled():
    for dtype in FLOATS:
        weight = tt.kaiming_uniform_(tt.zeros(3, 2, dtype=dtype))
        expect(weight.dtype, dtype, because="the numbers are rounded to the weight's dtype")
    expect(tt.kaiming_uniform_(tt.zeros(3, 0)).shape, (3, 0), because="a fan of 0 counts as 1")


@pytest.mark.step("layers.kaiming_uniform_")
def test_what_has_no_fans_or_no_gain_is_refused():
    expect_error(lambda: tt.kaiming_uniform_(tt.zeros(3)), ValueError, "(3,)", because="no fans")
    expect_error(
        lambda: tt.kaiming_uniform_(tt.zeros(3, 2), nonlinearity="step"), ValueError, "step",
        because="no gain is known",
    )  # fmt: skip


# Step 8


def knot():
    """Return a module that holds another twice, and is held by it."""
    module = tt.Module()
    module.left = module.right = tt.Dense(2, 2)
    module.weight = tt.ones(1)
    module.left.up = module
    return module


@pytest.mark.step("layers.named_parameters")
def test_modules_may_be_shared_and_tied_into_knots():
    expect(
        [name for name, _ in knot().named_parameters()],
        ["weight", "left.weight", "left.bias"],
        because="each parameter comes once, on the first path that leads to it",
    )


@pytest.mark.step("layers.named_parameters")
def test_names_lead_back_to_the_parameters():
    model = tt.Sequential(*[tt.Sequential(*[tt.Dense(2, 2) for _ in range(3)]) for _ in range(4)])
    found = list(model.named_parameters())
    expect(len(found), 24, because="12 layers have a weight and a bias each")
    for name, parameter in found:
        held = model
        for step in name.split("."):
            held = vars(held)[step]
        expect(held is parameter, True, because=f"{name} is the path to it")


@pytest.mark.step("layers.named_parameters")
def test_modules_may_be_nested_deeply():
    model = tt.Dense(1, 1, bias=False)
    for _ in range(300):
        model = tt.Sequential(model)
    (found,) = model.named_parameters()
    expect(found[0], "0." * 300 + "weight", because="there is no limit to nesting")


@pytest.mark.step("layers.named_parameters")
def test_one_tensor_under_two_names_comes_once():
    module = tt.Module()
    module.first = module.second = tt.ones(2)
    expect([name for name, _ in module.named_parameters()], ["first"], because="the first name")


@pytest.mark.step("layers.named_parameters")
def test_buffers_of_every_module_are_left_out():
    outer, inner = tt.Module(), tt.Module()
    outer.inner = inner
    outer.register_buffer("mean", tt.zeros(1))
    inner.register_buffer("scale", tt.zeros(1))
    outer.scale, inner.mean = tt.ones(1), tt.ones(1)
    expect(
        [name for name, _ in outer.named_parameters()],
        ["scale", "inner.mean"],
        because="a name is a buffer's only in the module where it was registered",
    )


# Step 9


def model(*sizes, seed=1):
    rng = np.random.default_rng(seed)
    layers = [tt.Dense(a, b, generator=rng) for a, b in pairwise(sizes)]
    return tt.Sequential(*layers)


@pytest.mark.step("layers.load_state_dict")
def test_a_state_survives_the_way_there_and_back():
    for sizes in ((1, 1), (3, 4, 2), (2, 2, 2, 2)):
        first, second = model(*sizes, seed=1), model(*sizes, seed=2)
        state = second.state_dict()
        second.load_state_dict(first.state_dict())
        expect(second.state_dict(), first.state_dict(), because="every value is copied")
        second.load_state_dict(state)
        expect(second.state_dict(), state, because="and back")
        second.load_state_dict(dict(reversed(state.items())))
        expect(second.state_dict(), state, because="names count, and not their order")


@pytest.mark.step("layers.load_state_dict")
def test_each_problem_is_told_with_its_name():
    state = model(2, 3, 1).state_dict()
    state["0.weight"] = tt.zeros(2, 3, dtype=tt.float64)
    state["1.bias"] = tt.zeros(1, 1)
    state["extra"] = state.pop("0.bias")
    with pytest.raises(ValueError, match="extra") as caught:
        model(2, 3, 1).load_state_dict(state)
    words = str(caught.value)
    for part in ("0.bias", "extra", "0.weight", "(2, 3)", "(3, 2)", "float64", "1.bias", "(1, 1)"):
        expect(part in words, True, because=f"{part} is part of a problem: {words}")
    expect("1.weight" in words, False, because="this one fits")


@pytest.mark.step("layers.load_state_dict")
def test_whatever_is_wrong_nothing_is_changed():
    wrong = (
        lambda state: state.pop("1.bias"),
        lambda state: state.update(more=tt.zeros(1)),
        lambda state: state.update({"1.bias": tt.zeros(2)}),
        lambda state: state.update({"1.bias": tt.zeros(1, dtype=tt.float16)}),
    )
    for spoil in wrong:
        ours, state = model(2, 3, 1, seed=1), model(2, 3, 1, seed=2).state_dict()
        before = ours.state_dict()
        spoil(state)
        expect_error(lambda ours=ours, state=state: ours.load_state_dict(state), ValueError,
                     because="the state does not fit")  # fmt: skip
        expect(ours.state_dict(), before, because="a refusal comes before the first copy")


@pytest.mark.step("layers.load_state_dict")
def test_a_state_may_be_made_of_views():
    layer, square = tt.Dense(3, 3), np.arange(9.0, dtype=np.float32).reshape(3, 3)
    state = {"weight": tt.from_numpy(square).T, "bias": tt.from_numpy(square)[:, 1]}
    layer.load_state_dict(state)
    expect(layer.weight, tt.tensor(square.T.copy()), because="a transposed view has its own order")
    expect(layer.bias, tt.tensor(square[:, 1].copy()), because="a column skips through memory")
    expect(layer.weight.is_contiguous(), True, because="the memory of the weight is used")


@pytest.mark.step("layers.load_state_dict")
def test_not_a_number_is_loaded_like_any_number():
    layer = tt.Dense(1, 2)
    layer.load_state_dict({"weight": tt.full((2, 1), math.nan), "bias": tt.full(2, math.inf)})
    expect(bool(layer.weight.isnan().all()), True, because="a state is copied as it is")


# Step 10


@pytest.mark.step("layers.dropout")
def test_the_share_of_what_is_dropped_is_p():
    for p in (0.1, 0.5, 0.9):
        layer = tt.Dropout(p, generator=np.random.default_rng(14))
        got = layer(tt.ones(200, 100))
        share = float((got == 0).to(tt.float32).mean())
        expect(share, p, within=0.02, because=f"of 20,000 elements, {p:.0%} are dropped")
        kept = got.numpy()[got.numpy() != 0]
        expect(float(kept.max()), 1 / (1 - p), within=1e-5, because="the rest stands for all")
        expect(float(kept.min()), 1 / (1 - p), within=1e-5, because="and is scaled alike")


@pytest.mark.step("layers.dropout")
def test_a_number_equal_to_p_is_not_below_it():
    always = SimpleNamespace(random=lambda shape: np.full(shape, 0.25))
    got = tt.Dropout(0.25, generator=always)(tt.full(3, 3.0))
    expect(got, tt.full(3, 4.0), because="kept is what is not below p: 0.25 is not below 0.25")


@pytest.mark.step("layers.dropout")
def test_elements_are_dropped_independently():
    layer = tt.Dropout(0.5, generator=np.random.default_rng(15))
    dropped = layer(tt.ones(400, 50)).numpy() == 0
    for dim in (0, 1):
        spread = float(dropped.mean(axis=dim).std())
        expected = 0.5 / math.sqrt(dropped.shape[dim])
        expect(
            spread / expected, 1.0, within=0.3, because="rows and columns differ by chance alone"
        )


@pytest.mark.step("layers.dropout")
def test_two_calls_drop_different_elements():
    layer = tt.Dropout(0.5, generator=np.random.default_rng(16))
    first, second = layer(tt.ones(100)), layer(tt.ones(100))
    expect(bool((first != second).any()), True, because="the generator goes on from call to call")


@pytest.mark.step("layers.dropout")
def test_every_shape_and_float_dtype_passes():
    for shape in ((), (0,), (2, 0, 3), (2, 3, 4, 5)):
        for dtype in FLOATS:
            got = tt.Dropout(0.5)(tt.ones(shape, dtype=dtype))
            expect((got.shape, got.dtype), (shape, dtype), because="only values change")


@pytest.mark.step("layers.dropout")
def test_the_input_stays_as_it_was():
    x = tt.ones(100)
    tt.Dropout(0.5)(x)
    expect(x, tt.ones(100), because="the result is a new tensor")


# Layers and what holds for all of them


def test_activations_go_to_their_limits_silently():
    x = [-math.inf, math.inf, math.nan, 1e30, -1e30]
    inf, nan = math.inf, math.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for layer, wanted in (
            (tt.ReLU(), [0.0, inf, nan, 1e30, 0.0]),
            (tt.LeakyReLU(0.0), [nan, inf, nan, 1e30, 0.0]),
            (tt.LeakyReLU(1e10), [-inf, inf, nan, 1e30, -inf]),
            (tt.Sigmoid(), [0.0, 1.0, nan, 1.0, 0.0]),
            (tt.Tanh(), [-1.0, 1.0, nan, 1.0, -1.0]),
            (tt.GELU(), [nan, inf, nan, 1e30, 0.0]),
            (tt.GELU("tanh"), [nan, inf, nan, 1e30, 0.0]),
            (tt.Softmax(0), [nan] * 5),
            (tt.LogSoftmax(0), [nan] * 5),
        ):
            expect(layer(tt.tensor(x)), tt.tensor(wanted), because=f"{layer!r} of {x}")
        expect(tt.log_softmax(tt.zeros(0, 2), 0).shape, (0, 2), because="empty, without a word")


def test_scores_of_infinity_are_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for function in (tt.softmax, tt.log_softmax):
            got = function(tt.tensor([math.inf, 0.0]), 0)
            expect(bool(got.isnan().any()), True, because="infinity less infinity is nan")


def test_a_slope_applies_below_zero_and_nowhere_else():
    x = tt.tensor([-2.0, -0.5, 0.5, 2.0])
    wanted = tt.tensor([-1.0, -0.25, 0.5, 2.0])
    expect(tt.leaky_relu(x, 0.5), wanted, because="0 is where the slope ends")
    expect(tt.leaky_relu(x)[0].item(), -0.02, within=1e-7, because="the usual slope is 0.01")
    expect(sorted(set(tt.dropout(tt.ones(50)).tolist())), [0.0, 2.0], because="the usual p is 0.5")


def test_the_modules_of_a_chain_are_counted_from_both_ends():
    model = tt.Sequential(*[tt.Dense(1, 1) for _ in range(4)])
    modules = list(model.children())
    for index in range(-4, 4):
        expect(model[index] is modules[index], True, because=f"module {index} of four")
    for index in (4, 5, 9, -5, -6):
        expect_error(lambda index=index: model[index], IndexError, str(index), because="of four")
    twice = tt.Sequential(modules[0], modules[0], modules[1])
    expect(len(list(twice.modules())), 3, because="a module that is held twice counts once")
    expect(len(twice), 3, because="and is applied twice")


def test_the_bias_of_a_single_input_is_as_large_as_its_weight():
    layer = tt.Dense(1, 3000, generator=np.random.default_rng(20))
    for tensor in (layer.weight, layer.bias):
        expect(round(float(tensor.amax()), 2), 1.0, because="1 / sqrt(1 input)")
    std = float(tt.kaiming_normal_(tt.zeros(9000, 1), generator=np.random.default_rng(21)).std())
    expect(round(std, 1), 1.4, because="the gain of a ReLU over the root of 1 input")


def test_integers_become_floats_where_fractions_appear():
    x = tt.tensor([-1, 0, 2])
    expect(tt.relu(x), tt.tensor([0, 0, 2]), because="relu makes no fractions")
    for function in (tt.sigmoid, tt.gelu, tt.leaky_relu, lambda x: tt.softmax(x, 0),
                     lambda x: tt.log_softmax(x, 0)):  # fmt: skip
        got, wanted = function(x), function(x.to(tt.float32))
        expect(got, wanted, because="integers are taken as float32")
    expect_error(lambda: tt.relu(tt.tensor([True])), TypeError, "bool", because="not a number")


def test_dims_count_from_the_end_and_stay_in_range():
    x = tt.randn(2, 3, 4)
    for function in (tt.softmax, tt.log_softmax):
        for dim in range(3):
            expect(function(x, dim - 3), function(x, dim), because=f"{dim - 3} of three dims")
        expect_error(lambda function=function: function(x, 3), IndexError, "3", because="of three")


def test_layers_work_on_views_and_leave_them_alone():
    x = tt.randn(4, 6)
    before = x.clone()
    view = x.T[::2]
    elementwise = tt.ReLU(), tt.LeakyReLU(), tt.Sigmoid(), tt.Tanh(), tt.GELU(), tt.Dropout().eval()
    for layer in (*elementwise, tt.Softmax(1), tt.LogSoftmax(0), tt.Dense(4, 2), tt.Flatten(0)):
        expect(layer(view), layer(view.clone()), within=1e-6, because=f"{layer!r} of a view")
        expect(x, before, because=f"{layer!r} makes a new tensor")


def test_modules_are_copied_and_pickled():
    layers = tt.Dense(3, 2), tt.Dropout(0.5, generator=np.random.default_rng(1)), tt.GELU("tanh")
    first = tt.Sequential(*layers)
    for other in (copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        expect(other.state_dict(), first.state_dict(), because="the copy has the same values")
        expect(repr(other), repr(first), because="and the same settings")
        other[0].weight[0, 0] = 100.0
        expect(100.0 in first[0].weight, False, because="and memory of its own")


def test_two_modules_of_one_class_have_their_own_buffers():
    first, second = tt.Module(), tt.Module()
    first.register_buffer("mean", tt.zeros(1))
    second.mean = tt.zeros(1)
    expect(len(list(first.parameters())), 0, because="here, mean is a buffer")
    expect(len(list(second.parameters())), 1, because="and here it is a parameter")
    first.register_buffer("spread", tt.ones(1))
    expect([name for name, _ in first.named_buffers()], ["mean", "spread"], because="both stay")
    first.mean = None
    expect([name for name, _ in first.named_buffers()], ["spread"], because="None is no tensor")


def test_a_module_keeps_shared_parameters_shared_when_converted():
    first, second = tt.Dense(2, 2), tt.Dense(2, 2)
    second.weight = first.weight
    tied = tt.Sequential(first, second).to(tt.float64)
    expect(tied[1].weight is tied[0].weight, True, because="the tensor is converted, not replaced")
    expect(tied[1].bias.dtype, tt.float64, because="all of the rest too")


def test_an_empty_layer_makes_empty_sums():
    expect(tt.Dense(0, 3)(tt.ones(2, 0)).shape, (2, 3), because="a sum of nothing is the bias")
    expect(tt.Dense(3, 0)(tt.ones(2, 3)).shape, (2, 0), because="there are no outputs")
    expect(tt.xavier_uniform_(tt.zeros(0, 0)).shape, (0, 0), because="nothing is to be filled")
    expect(tt.xavier_normal_(tt.zeros(0, 0)).shape, (0, 0), because="nothing is to be filled")
    expect(tt.kaiming_normal_(tt.zeros(2, 0)).shape, (2, 0), because="a fan of 0 counts as 1")


def test_every_filling_draws_from_the_generator_or_the_default_one():
    for name in ("uniform_", "normal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_",
                 "kaiming_normal_"):  # fmt: skip
        fill = getattr(tt, name)
        given = fill(tt.zeros(4, 3), generator=np.random.default_rng(7))
        again = fill(tt.zeros(4, 3), generator=np.random.default_rng(7))
        expect(again, given, because=f"{name} draws from the generator")
        tt.manual_seed(7)
        expect(fill(tt.zeros(4, 3)), given, because=f"{name} draws from the default one")


def test_fillings_have_the_bounds_and_moments_they_were_asked_for():
    rng = np.random.default_rng(17)
    x = tt.uniform_(tt.zeros(100, 100), low=2.0, high=5.0, generator=rng)
    expect([round(float(x.amin()), 2), round(float(x.amax()), 2)], [2.0, 5.0], because="asked for")
    x = tt.uniform_(tt.zeros(100, 100), generator=rng)
    expect([round(float(x.amin()), 2), round(float(x.amax()), 2)], [0.0, 1.0], because="usual")
    x = tt.normal_(tt.zeros(100, 100), mean=3.0, std=0.1, generator=rng)
    expect([round(float(x.mean()), 2), round(float(x.std()), 2)], [3.0, 0.1], because="asked for")
    x = tt.normal_(tt.zeros(100, 100), generator=rng)
    expect([round(float(x.mean()), 1), round(float(x.std()), 1)], [0.0, 1.0], because="usual")
    for fill in (tt.uniform_, tt.normal_):
        x = tt.zeros(2, dtype=tt.int64)
        expect_error(lambda fill=fill, x=x: fill(x), TypeError, "int64", because="no fractions")
        expect(x, tt.zeros(2, dtype=tt.int64), because="nothing was written")
    expect(tt.ones_(tt.zeros(2, dtype=tt.int64)), tt.ones(2, dtype=tt.int64), because="a whole one")


def test_modes_and_settings_are_refused_by_name():
    expect_error(
        lambda: tt.kaiming_normal_(tt.zeros(2, 2), mode="fan"),
        ValueError,
        "'fan'",
        because="no fan",
    )
    for p in (math.nan, math.inf, -1):
        expect_error(lambda p=p: tt.Dropout(p), ValueError, str(p), because="no probability")
    for p in (0, 1):
        expect(tt.Dropout(p).p, p, because="the ends are probabilities")


def test_a_digit_passes_through_a_network():
    rng = np.random.default_rng(18)
    net = tt.Sequential(tt.Flatten(), tt.Dense(64, 32), tt.GELU(), tt.Dropout(), tt.Dense(32, 10))
    net.eval()
    images = tt.tensor(rng.random((5, 8, 8), dtype=np.float32))
    hidden = images.numpy().reshape(5, 64) @ net[1].weight.numpy().T + net[1].bias.numpy()
    share = np.array([NormalDist().cdf(float(one)) for one in hidden.ravel()]).reshape(hidden.shape)
    wanted = (hidden * share) @ net[4].weight.numpy().T + net[4].bias.numpy()
    expect(net(images), tt.tensor(wanted.astype(np.float32)), within=1e-5, because="by hand")
    total = tt.softmax(net(images), 1).sum(1)
    expect(total, tt.ones(5), within=1e-6, because="each image has 1 to share among ten digits")
