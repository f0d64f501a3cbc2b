"""Layers behave as the chapter says: one example for each rule."""

import math

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import expect, expect_error


@pytest.fixture(autouse=True)
def chance_is_the_same_in_every_run():
    tt.manual_seed(2)


def heard(call):
    """Return the operations that pass the door while the call runs."""
    operations = []
    with tt.listen(lambda operation, *_: operations.append(operation)):
        call()
    return operations


# Step 1: linear


@pytest.mark.step("layers.linear")
def test_each_output_is_a_weighted_sum_of_all_inputs():
    weight = tt.tensor([[1.0, 0.0, -1.0], [2.0, 1.0, 0.0]])
    expect(
        tt.linear(tt.tensor([1.0, 2.0, 3.0]), weight),
        tt.tensor([-2.0, 4.0]),
        because="the first output is 1*1 + 0*2 - 1*3, the second 2*1 + 1*2 + 0*3",
    )


@pytest.mark.step("layers.linear")
def test_a_row_of_the_weight_makes_an_output():
    expect(
        tt.linear(tt.eye(2), tt.tensor([[1.0, 2.0], [3.0, 4.0]])),
        tt.tensor([[1.0, 3.0], [2.0, 4.0]]),
        because="the first example asks for the first input alone: 1 of row 0 and 3 of row 1",
    )


@pytest.mark.step("layers.linear")
def test_the_bias_is_added_to_every_example():
    expect(
        tt.linear(tt.tensor([[1.0], [2.0]]), tt.tensor([[1.0], [10.0]]), tt.tensor([0.5, -0.5])),
        tt.tensor([[1.5, 9.5], [2.5, 19.5]]),
        because="each output has a bias of its own, the same for every example",
    )


@pytest.mark.step("layers.linear")
def test_only_the_last_size_changes():
    expect(
        tt.linear(tt.ones(2, 5, 3), tt.ones(4, 3), tt.zeros(4)).shape,
        (2, 5, 4),
        because="the dims before the last one count examples, and there are as many as before",
    )


@pytest.mark.step("layers.linear")
def test_inputs_that_do_not_fit_are_refused_with_both_shapes():
    for shape in ((2, 3), (6,), ()):
        expect_error(
            lambda shape=shape: tt.linear(tt.ones(shape), tt.ones(4, 5)),
            ValueError,
            "(4, 5)",
            str(shape),
            because="the weight wants 5 inputs; the message names both shapes as they were given",
        )


@pytest.mark.step("layers.linear")
def test_a_linear_map_passes_the_door():
    weight, bias = tt.ones(4, 3), tt.ones(4)
    operations = heard(lambda: tt.linear(tt.ones(2, 3), weight, bias))
    expect(
        "matmul" in operations or "mul" in operations,
        True,
        because="whoever listens, to count or to find gradients, has to hear of the product",
    )


# Step 2: sigmoid


@pytest.mark.step("layers.sigmoid_kernel")
def test_zero_becomes_a_half():
    expect(tt.layers.sigmoid_kernel(np.zeros(2)), np.full(2, 0.5), because="1 / (1 + 1) is a half")


@pytest.mark.step("layers.sigmoid_kernel")
def test_the_logarithm_of_three_becomes_three_quarters():
    expect(
        tt.layers.sigmoid_kernel(np.array([math.log(3), -math.log(3)])),
        np.array([0.75, 0.25]),
        within=1e-12,
        because="exp(-log 3) is 1/3, and 1 / (1 + 1/3) is 3/4; what is left to 1 is the other side",
    )


@pytest.mark.step("layers.sigmoid_kernel")
def test_the_ends_are_zero_and_one():
    expect(
        tt.layers.sigmoid_kernel(np.array([-1000.0, 1000.0])),
        np.array([0.0, 1.0]),
        because="so far out, the nearest number is 0 on the left and 1 on the right, never nan",
    )


@pytest.mark.step("layers.sigmoid_kernel")
def test_a_small_share_keeps_its_precision():
    share = tt.layers.sigmoid_kernel(np.array([-20.0, -90.0], np.float32))
    expect(
        share / np.exp([-20.0, -90.0]),
        np.ones(2),
        within=1e-4,
        because="so far below 0, the sigmoid of x is exp(x), small but not 0: this is the quotient",
    )


@pytest.mark.step("layers.sigmoid_kernel")
def test_the_sigmoid_has_the_dtype_of_its_input():
    for dtype in (tt.float16, tt.float32, tt.float64):
        expect(
            tt.layers.sigmoid_kernel(np.zeros(1, dtype)).dtype,
            dtype,
            because="a kernel that widens its input doubles the memory of all that follows",
        )


# Step 3: GELU


@pytest.mark.step("layers.gelu_kernel")
def test_a_number_is_multiplied_by_the_share_below_it():
    expect(
        tt.layers.gelu_kernel(np.array([-1.0, 0.0, 1.0]), approximate="none"),
        np.array([-0.15865525393145707, 0.0, 0.8413447460685429]),
        within=1e-12,
        because="84.13% of a normal distribution lie below 1, and 15.87% below -1",
    )


@pytest.mark.step("layers.gelu_kernel")
def test_far_above_zero_a_number_stays_as_it_is():
    for approximate in ("none", "tanh"):
        expect(
            tt.layers.gelu_kernel(np.array([10.0, 1000.0]), approximate=approximate),
            np.array([10.0, 1000.0]),
            because="practically the whole distribution lies below 10",
        )


@pytest.mark.step("layers.gelu_kernel")
def test_far_below_zero_the_share_is_small_and_not_zero():
    expect(
        tt.layers.gelu_kernel(np.array([-10.0, -20.0]), approximate="none")
        / np.array([-7.619853024160527e-23, -5.507248237212467e-88]),
        np.ones(2),
        within=1e-9,
        because="a difference of two numbers near 1 cannot hold so small a share; erfc can",
    )


@pytest.mark.step("layers.gelu_kernel")
def test_the_approximation_is_near_and_different():
    expect(
        tt.layers.gelu_kernel(np.array([-1.0, 1.0, 2.0]), approximate="tanh"),
        np.array([-0.15880800939172324, 0.8411919906082768, 1.954597694087775]),
        within=1e-12,
        because='"tanh" asks for the sigmoid of 2 z, with z = sqrt(2/pi) * (x + 0.044715 x^3)',
    )


@pytest.mark.step("layers.gelu_kernel")
def test_the_approximation_keeps_its_precision_too():
    expect(
        tt.layers.gelu_kernel(np.array([-10.0]), approximate="tanh") / -1.204092348209806e-37,
        np.ones(1),
        within=1e-9,
        because="1 + tanh(z) is 0 where z is far below 0; the sigmoid of 2 z is the same and small",
    )


@pytest.mark.step("layers.gelu_kernel")
def test_gelu_has_the_dtype_of_its_input():
    for dtype in (tt.float16, tt.float32, tt.float64):
        for approximate in ("none", "tanh"):
            got = tt.layers.gelu_kernel(np.ones(1, dtype), approximate=approximate)
            expect(got.dtype, dtype, because="NumPy's own float64 numbers widen what they touch")


@pytest.mark.step("layers.gelu_kernel")
def test_another_approximation_is_refused_by_name():
    expect_error(
        lambda: tt.gelu(tt.ones(2), approximate="tan"),
        ValueError,
        "tan",
        because="a misspelled word must not choose a formula silently",
    )


# Step 4: softmax


@pytest.mark.step("layers.softmax_kernel")
def test_equal_scores_get_equal_shares():
    expect(
        tt.layers.softmax_kernel(np.zeros((2, 4)), dim=1),
        np.full((2, 4), 0.25),
        because="four equal scores share 1 among them",
    )


@pytest.mark.step("layers.softmax_kernel")
def test_a_score_that_is_higher_by_log_three_gets_three_times_the_share():
    expect(
        tt.layers.softmax_kernel(np.array([0.0, math.log(3)]), dim=0),
        np.array([0.25, 0.75]),
        within=1e-12,
        because="exp(0) is 1 and exp(log 3) is 3: 1 of 4 and 3 of 4",
    )


@pytest.mark.step("layers.softmax_kernel")
def test_the_dim_says_who_shares():
    scores = np.array([[0.0, math.log(3)], [0.0, 0.0]])
    expect(
        tt.layers.softmax_kernel(scores, dim=1),
        np.array([[0.25, 0.75], [0.5, 0.5]]),
        within=1e-12,
        because="along dim 1, the numbers of a row share 1",
    )
    expect(
        tt.layers.softmax_kernel(scores, dim=0),
        np.array([[0.5, 0.75], [0.5, 0.25]]),
        within=1e-12,
        because="along dim 0, the numbers of a column share 1",
    )


@pytest.mark.step("layers.softmax_kernel")
def test_high_scores_do_not_overflow():
    expect(
        tt.layers.softmax_kernel(np.array([1000.0, 1000.0]), dim=0),
        np.array([0.5, 0.5]),
        because="only differences between scores matter, and here there is none",
    )


@pytest.mark.step("layers.softmax_kernel")
def test_every_row_is_shifted_by_its_own_largest_score():
    expect(
        tt.layers.softmax_kernel(np.array([[1000.0, 1000.0], [-1000.0, -1000.0]]), dim=1),
        np.full((2, 2), 0.5),
        because="next to a score of 1000 in another row, both of -1000 would become 0, and 0/0 nan",
    )


@pytest.mark.step("layers.softmax_kernel")
def test_the_shares_have_the_dtype_of_the_scores():
    for dtype in (tt.float16, tt.float32, tt.float64):
        got = tt.layers.softmax_kernel(np.zeros(2, dtype), dim=0)
        expect(got, np.full(2, 0.5, dtype), because="shares are kept in the dtype of the scores")


@pytest.mark.step("layers.softmax_kernel")
def test_no_scores_have_no_shares():
    expect(
        tt.layers.softmax_kernel(np.zeros((2, 0)), dim=1),
        np.zeros((2, 0)),
        because="an empty batch or an empty row is no mistake; what is empty stays empty",
    )


# Step 5: log-softmax


@pytest.mark.step("layers.log_softmax_kernel")
def test_equal_scores_get_the_logarithm_of_equal_shares():
    expect(
        tt.layers.log_softmax_kernel(np.zeros(4), dim=0),
        np.full(4, -math.log(4)),
        within=1e-12,
        because="each share is 1/4, and its natural logarithm is -log 4",
    )


@pytest.mark.step("layers.log_softmax_kernel")
def test_a_share_too_small_to_keep_still_has_a_logarithm():
    expect(
        tt.layers.log_softmax_kernel(np.array([0.0, -1000.0]), dim=0),
        np.array([0.0, -1000.0]),
        because="the share exp(-1000) rounds to 0, and log 0 is -inf; never compute the share",
    )


@pytest.mark.step("layers.log_softmax_kernel")
def test_high_scores_have_finite_logarithms():
    expect(
        tt.layers.log_softmax_kernel(np.array([1000.0, 1000.0]), dim=0),
        np.full(2, -math.log(2)),
        within=1e-9,
        because="only differences matter: two equal scores have log 1/2 each",
    )


@pytest.mark.step("layers.log_softmax_kernel")
def test_the_logarithms_are_taken_along_the_dim():
    scores = np.array([[0.0, math.log(3)], [0.0, 0.0]])
    expect(
        tt.layers.log_softmax_kernel(scores, dim=1),
        np.log([[0.25, 0.75], [0.5, 0.5]]),
        within=1e-12,
        because="along dim 1, the numbers of a row share 1",
    )
    expect(
        tt.layers.log_softmax_kernel(scores, dim=0),
        np.log([[0.5, 0.75], [0.5, 0.25]]),
        within=1e-12,
        because="along dim 0, the numbers of a column share 1",
    )


@pytest.mark.step("layers.log_softmax_kernel")
def test_every_row_has_its_own_largest_score():
    expect(
        tt.layers.log_softmax_kernel(np.array([[1000.0, 1000.0], [-1000.0, -1000.0]]), dim=1),
        np.full((2, 2), -math.log(2)),
        within=1e-9,
        because="the rows know nothing of each other",
    )


@pytest.mark.step("layers.log_softmax_kernel")
def test_the_logarithms_have_the_dtype_of_the_scores():
    for dtype in (tt.float16, tt.float32, tt.float64):
        got = tt.layers.log_softmax_kernel(np.zeros(1, dtype), dim=0)
        expect(got, np.zeros(1, dtype), because="one score has all of 1, and log 1 is 0")


@pytest.mark.step("layers.log_softmax_kernel")
def test_no_scores_have_no_logarithms():
    expect(tt.log_softmax(tt.zeros(0, 3), 0).shape, (0, 3), because="what is empty stays empty")


# Step 6: fans


@pytest.mark.step("layers.fans")
def test_outputs_come_first_in_a_weight():
    expect(
        tt.layers.fan_in_and_fan_out((3, 4)),
        (4, 3),
        because="each of 3 outputs sums 4 inputs, and each input feeds 3 outputs",
    )


@pytest.mark.step("layers.fans")
def test_a_window_multiplies_both_fans():
    expect(
        tt.layers.fan_in_and_fan_out((8, 3, 5, 5)),
        (75, 200),
        because="an output sums 3 inputs at 5 x 5 places; an input feeds 8 outputs at 25 places",
    )
    expect(
        tt.layers.fan_in_and_fan_out((8, 3, 2, 7)),
        (42, 112),
        because="a window need not be square: it has 14 places",
    )


@pytest.mark.step("layers.fans")
def test_a_shape_without_outputs_and_inputs_has_no_fans():
    for shape in ((5,), ()):
        expect_error(
            lambda shape=shape: tt.layers.fan_in_and_fan_out(shape),
            ValueError,
            str(shape),
            because="a bias has no inputs; the message names the shape",
        )


# Step 7: Kaiming initialisation


def reach(tensor):
    """Return the smallest and the largest element, rounded to three digits."""
    return [round(float(tensor.amin()), 3), round(float(tensor.amax()), 3)]


def kaiming(*shape, seed=1, **options):
    generator = np.random.default_rng(seed)
    return tt.kaiming_uniform_(tt.zeros(shape), generator=generator, **options)


@pytest.mark.step("layers.kaiming_uniform_")
def test_the_numbers_reach_from_minus_b_to_b():
    expect(
        reach(kaiming(400, 150)),
        [-0.2, 0.2],
        because="b is sqrt(3) times the gain sqrt(2), divided by the root of the 150 inputs: 0.2",
    )


@pytest.mark.step("layers.kaiming_uniform_")
def test_a_signal_keeps_its_size():
    x = tt.randn(20, 600, generator=np.random.default_rng(3))
    hidden = tt.relu(x @ kaiming(600, 600).T)
    expect(
        round(float((hidden * hidden).mean()), 1),
        1.0,
        because="the mean square of a signal is 1 before the layer and its ReLU, and 1 after",
    )


@pytest.mark.step("layers.kaiming_uniform_")
def test_the_mode_chooses_the_fan():
    expect(
        reach(kaiming(600, 50, mode="fan_out")),
        [-0.1, 0.1],
        because="each input feeds 600 outputs: sqrt(3) * sqrt(2) / sqrt(600) is 0.1",
    )
    expect_error(
        lambda: kaiming(2, 3, mode="fan"), ValueError, "fan", because="there is no third mode"
    )


@pytest.mark.step("layers.kaiming_uniform_")
def test_the_nonlinearity_chooses_the_gain():
    expect(
        reach(kaiming(400, 300, nonlinearity="linear")),
        [-0.1, 0.1],
        because="a linear layer takes nothing away, so its gain is 1: sqrt(3) / sqrt(300) is 0.1",
    )
    expect(
        reach(kaiming(400, 100, a=math.sqrt(5))),
        [-0.1, 0.1],
        because="a slope of sqrt(5) has the gain sqrt(2 / 6), so b is 1 / sqrt(100)",
    )


@pytest.mark.step("layers.kaiming_uniform_")
def test_the_tensor_is_filled_in_its_own_memory():
    weight = tt.zeros(30, 20)
    filled = tt.kaiming_uniform_(weight)
    expect(filled is weight, True, because="the underscore means: this tensor, not a new one")
    expect(bool((weight != 0).all()), True, because="all its elements are random now")


@pytest.mark.step("layers.kaiming_uniform_")
def test_the_generator_decides():
    tt.manual_seed(5)
    first, second = kaiming(3, 2), kaiming(3, 2)
    expect(second, first, because="two generators of one seed give the same numbers")
    tt.manual_seed(5)
    default = tt.kaiming_uniform_(tt.zeros(3, 2))
    expect(
        default, kaiming(3, 2, seed=5), because="without a generator, manual_seed(5) is the seed"
    )


@pytest.mark.step("layers.kaiming_uniform_")
def test_integers_are_not_filled_with_fractions():
    expect_error(
        lambda: tt.kaiming_uniform_(tt.zeros(2, 3, dtype=tt.int64)),
        TypeError,
        "int64",
        because="cut off to integers, all of these numbers would be 0",
    )


@pytest.mark.step("layers.kaiming_uniform_")
def test_filling_is_no_operation():
    expect(
        heard(lambda: kaiming(3, 2)),
        [],
        because="nothing is computed from the old values, so no listener has to hear of it",
    )


# Step 8: named parameters


def pair():
    """Return a module with a child, a buffer, and things that are neither tensors nor modules."""
    module = tt.Module()
    module.inner = tt.Dense(2, 3)
    module.scale, module.shift = tt.ones(3), tt.zeros(3)
    module.register_buffer("count", tt.zeros(1))
    module.size, module.note, module.plain, module.nothing = 3, "a note", np.ones(3), None
    return module


def names(module):
    return [name for name, _ in module.named_parameters()]


@pytest.mark.step("layers.named_parameters")
def test_the_parameters_of_a_layer_have_the_names_of_its_attributes():
    expect(
        names(tt.Dense(2, 3)),
        ["weight", "bias"],
        because="a tensor held as an attribute is a parameter; numbers are none",
    )
    expect(names(tt.Dense(2, 3, bias=False)), ["weight"], because="there is no bias to learn")
    expect(names(tt.ReLU()), [], because="an activation has nothing to learn")


@pytest.mark.step("layers.named_parameters")
def test_the_name_is_the_path_to_the_parameter():
    model = tt.Sequential(tt.Dense(2, 3), tt.ReLU(), tt.Sequential(tt.Dense(3, 1, bias=False)))
    expect(
        names(model),
        ["0.weight", "0.bias", "2.0.weight"],
        because="each module on the way adds its name and a dot",
    )


@pytest.mark.step("layers.named_parameters")
def test_a_modules_own_parameters_come_first():
    expect(
        [name for name in names(pair()) if "count" not in name],
        ["scale", "shift", "inner.weight", "inner.bias"],
        because="own parameters come before those of the children, each in the order of attributes",
    )


@pytest.mark.step("layers.named_parameters")
def test_a_buffer_is_no_parameter():
    expect(
        "count" in names(pair()), False, because="a buffer is part of the state, but not learned"
    )


@pytest.mark.step("layers.named_parameters")
def test_a_buffer_is_known_to_the_module_that_holds_it():
    expect(
        "0.count" in names(tt.Sequential(pair())),
        False,
        because="the module that holds the buffer knows its name, not the module around it",
    )


@pytest.mark.step("layers.named_parameters")
def test_a_parameter_on_two_paths_comes_once():
    first, second = tt.Dense(2, 2, bias=False), tt.Dense(2, 2, bias=False)
    second.weight = first.weight
    expect(
        names(tt.Sequential(first, second)),
        ["0.weight"],
        because="both layers hold the same tensor, and whoever updates it must do so once",
    )


@pytest.mark.step("layers.named_parameters")
def test_parameters_of_equal_values_are_not_the_same():
    module = tt.Module()
    module.first, module.second = tt.zeros(2), tt.zeros(2)
    expect(
        names(module),
        ["first", "second"],
        because="two biases may both be 0 today; they are two tensors all the same",
    )


@pytest.mark.step("layers.named_parameters")
def test_the_parameters_themselves_are_yielded():
    layer = tt.Dense(2, 3)
    found = dict(layer.named_parameters())
    expect(
        found.get("weight") is layer.weight and found.get("bias") is layer.bias,
        True,
        because="an optimizer changes what it is given, so it must be the layer's own tensors",
    )


# Step 9: loading a state


def small(seed, dtype=tt.float32):
    """Return a model of two layers whose weights follow from the seed."""
    generator = np.random.default_rng(seed)
    layers = tt.Dense(2, 3, generator=generator), tt.ReLU(), tt.Dense(3, 1, generator=generator)
    return tt.Sequential(*layers).to(dtype)


@pytest.mark.step("layers.load_state_dict")
def test_a_saved_state_makes_another_model_the_same():
    first, second, x = small(1), small(2), tt.ones(4, 2)
    second.load_state_dict(first.state_dict())
    expect(second(x), first(x), because="equal weights compute equal results")


@pytest.mark.step("layers.load_state_dict")
def test_whoever_holds_a_parameter_sees_the_new_values():
    model, other = small(1), small(2)
    weight = model[0].weight
    model.load_state_dict(other.state_dict())
    expect(weight, other[0].weight, because="the values go into the tensor that was there before")
    expect(model[0].weight is weight, True, because="the attribute still holds the same tensor")


@pytest.mark.step("layers.load_state_dict")
def test_the_model_shares_no_memory_with_the_state():
    model, state = small(1), small(2).state_dict()
    model.load_state_dict(state)
    state["0.bias"][0] = 100.0
    expect(
        100.0 in model[0].bias,
        False,
        because="what happens to the state afterwards is nothing to the model",
    )


@pytest.mark.step("layers.load_state_dict")
def test_a_missing_name_is_told():
    state = small(2).state_dict()
    del state["2.bias"]
    expect_error(
        lambda: small(1).load_state_dict(state),
        ValueError,
        "2.bias",
        because="a layer that silently kept its random bias would be found much later, if ever",
    )


@pytest.mark.step("layers.load_state_dict")
def test_an_unexpected_name_is_told():
    state = {**small(2).state_dict(), "2.biass": tt.zeros(1)}
    expect_error(
        lambda: small(1).load_state_dict(state),
        ValueError,
        "2.biass",
        because="a name that nobody has is a misspelled one, or another model's",
    )


@pytest.mark.step("layers.load_state_dict")
def test_a_wrong_shape_is_told_with_both():
    state = {**small(2).state_dict(), "0.bias": tt.zeros(1)}
    expect_error(
        lambda: small(1).load_state_dict(state),
        ValueError,
        "0.bias",
        "(1,)",
        "(3,)",
        because="one number would fit by broadcasting, and be wrong",
    )


@pytest.mark.step("layers.load_state_dict")
def test_a_wrong_dtype_is_told_with_both():
    expect_error(
        lambda: small(1).load_state_dict(small(2, dtype=tt.float64).state_dict()),
        ValueError,
        "0.weight",
        "float64",
        "float32",
        because="converted silently, the numbers loaded would not be the numbers saved",
    )


@pytest.mark.step("layers.load_state_dict")
def test_all_problems_are_told_at_once():
    state = {**small(2).state_dict(), "0.weight": tt.zeros(3), "head": tt.zeros(1)}
    del state["2.weight"]
    expect_error(
        lambda: small(1).load_state_dict(state),
        ValueError,
        "2.weight",
        "head",
        "0.weight",
        because="who mends one problem at a time starts the program once for each",
    )


@pytest.mark.step("layers.load_state_dict")
def test_a_refused_state_changes_nothing():
    model, state = small(1), small(2).state_dict()
    before = model.state_dict()
    state["2.bias"] = tt.zeros(7)
    expect_error(
        lambda: model.load_state_dict(state), ValueError, because="a bias of 7 has no place here"
    )
    expect(
        model.state_dict(),
        before,
        because="half of two models is worse than either: check all names first, then copy",
    )


@pytest.mark.step("layers.load_state_dict")
def test_buffers_are_loaded_too():
    first, second = pair(), pair()
    first.count[0] = 5.0
    second.load_state_dict(first.state_dict())
    expect(second.count, tt.tensor([5.0]), because="buffers are part of the state")


@pytest.mark.step("layers.load_state_dict")
def test_loading_is_no_operation():
    model, state = small(1), small(2).state_dict()
    expect(
        heard(lambda: model.load_state_dict(state)),
        [],
        because="loading computes nothing, so whoever listens has nothing to hear",
    )


# Step 10: dropout


def dropped(x, p, seed=4):
    return tt.Dropout(p, generator=np.random.default_rng(seed))(x)


@pytest.mark.step("layers.dropout")
def test_without_training_nothing_is_dropped():
    layer, x = tt.Dropout(0.5).eval(), tt.ones(100)
    expect(layer(x) is x, True, because="in use, a network is to answer the same every time")


@pytest.mark.step("layers.dropout")
def test_what_is_kept_is_scaled_up():
    x = dropped(tt.ones(1000), 0.75)
    expect(
        sorted(set(x.tolist())),
        [0.0, 4.0],
        because="of four elements one is kept, and it has to stand for all four",
    )
    expect(
        tt.Dropout(0.75)(tt.ones(100)).dtype, tt.float32, because="scaling does not widen the dtype"
    )


@pytest.mark.step("layers.dropout")
def test_an_element_is_kept_where_its_number_is_not_below_p():
    tt.manual_seed(5)
    numbers = np.random.default_rng(4).random((3, 4))
    expect(
        dropped(tt.ones(3, 4), 0.25) != 0,
        tt.tensor(numbers >= 0.25),
        because="each element has a random number of its own, from the layer's generator",
    )


@pytest.mark.step("layers.dropout")
def test_without_a_generator_of_its_own_a_layer_uses_the_default_one():
    tt.manual_seed(4)
    expect(
        tt.Dropout(0.5)(tt.ones(20)),
        dropped(tt.ones(20), 0.5, seed=4),
        because="manual_seed(4) and a generator of seed 4 give the same numbers",
    )


@pytest.mark.step("layers.dropout")
def test_the_expected_value_stays():
    mean = float(dropped(tt.ones(20_000), 0.2).mean())
    expect(round(mean, 1), 1.0, because="the layer that follows is to see signals of the same size")


@pytest.mark.step("layers.dropout")
def test_p_may_be_zero_or_one():
    x = tt.tensor([1.5, -2.0, 3.0])
    expect(dropped(x, 0.0), x, because="nothing is dropped, and nothing scaled")
    expect(dropped(x, 1.0), tt.zeros(3), because="everything is dropped, and nothing divided by 0")


@pytest.mark.step("layers.dropout")
def test_what_is_dropped_is_zero_whatever_it_was():
    x = tt.full(50, float("inf"))
    expect(
        bool(dropped(x, 0.5).isnan().any()),
        False,
        because="infinity times 0 is nan; choose 0 instead of multiplying by it",
    )


@pytest.mark.step("layers.dropout")
def test_dropout_passes_the_door():
    operations = heard(lambda: dropped(tt.ones(4), 0.5))
    expect(
        len(operations) > 0, True, because="whoever wants gradients has to hear what became of x"
    )


# The layers


def test_a_dense_layer_starts_as_in_pytorch():
    layer = tt.Dense(100, 400, generator=np.random.default_rng(1))
    expect(layer.weight.shape, (400, 100), because="one row for each output")
    expect(reach(layer.weight), [-0.1, 0.1], because="1 / sqrt(100 inputs)")
    expect(round(float(layer.bias.numpy().std()), 2), 0.06, because="uniform from -0.1 to 0.1, too")
    again = tt.Dense(100, 400, generator=np.random.default_rng(1))
    expect(again.state_dict(), layer.state_dict(), because="the generator decides")
    expect(tt.Linear is tt.Dense, True, because="Linear is PyTorch's name for it")


def test_a_dense_layer_is_a_linear_map():
    layer, x = tt.Dense(3, 2), tt.randn(5, 3)
    wanted = x.numpy() @ layer.weight.numpy().T + layer.bias.numpy()
    expect(layer(x), tt.tensor(wanted), within=1e-6, because="x @ weight.T + bias")
    layer = tt.Dense(3, 2, bias=False)
    expect(layer(tt.zeros(5, 3)), tt.zeros(5, 2), because="without a bias, 0 stays 0")


def test_activations_are_modules_and_functions():
    x = tt.tensor([-2.0, 0.0, 3.0])
    for layer, wanted in (
        (tt.ReLU(), [0.0, 0.0, 3.0]),
        (tt.LeakyReLU(), [-0.02, 0.0, 3.0]),
        (tt.LeakyReLU(0.5), [-1.0, 0.0, 3.0]),
        (tt.Sigmoid(), [0.11920292, 0.5, 0.95257413]),
        (tt.Tanh(), [-0.9640276, 0.0, 0.9950548]),
        (tt.GELU(), [-0.04550026, 0.0, 2.9959502]),
        (tt.GELU("tanh"), [-0.04540229, 0.0, 2.9963627]),
        (tt.Softmax(0), [0.00637746, 0.04712342, 0.94649912]),
        (tt.LogSoftmax(0), [-5.0549853, -3.0549853, -0.0549853]),
        (tt.Identity(), [-2.0, 0.0, 3.0]),
    ):
        expect(layer(x), tt.tensor(wanted), within=1e-6, because=f"{layer!r} of -2, 0 and 3")
    expect(tt.relu(x), tt.ReLU()(x), because="the layer calls the function")


def test_activations_pass_the_door_as_one_operation():
    x = tt.randn(2, 3)
    for call, operation in (
        (lambda: tt.relu(x), "relu"),
        (lambda: tt.leaky_relu(x), "leaky_relu"),
        (lambda: tt.sigmoid(x), "sigmoid"),
        (lambda: x.tanh(), "tanh"),
        (lambda: tt.gelu(x), "gelu"),
        (lambda: tt.softmax(x, 1), "softmax"),
        (lambda: tt.log_softmax(x, 1), "log_softmax"),
    ):
        expect(heard(call), [operation], because="a rule for its gradient needs its name")


def test_a_sequential_composes_functions():
    first, second = tt.Dense(2, 3), tt.Dense(3, 1)
    model, x = tt.Sequential(first, tt.ReLU(), second), tt.randn(4, 2)
    expect(model(x), second(tt.relu(first(x))), because="the last of the first of x")
    expect(tt.Sequential()(x) is x, True, because="without modules there is nothing to do")


def test_a_sequential_is_a_sequence():
    first, second, third = tt.Dense(2, 3), tt.ReLU(), tt.Dense(3, 1)
    model = tt.Sequential(first, second, third)
    expect(len(model), 3, because="it chains three modules")
    expect(model[0] is first and model[-1] is third, True, because="counted as in a list")
    expect(list(model[:2]), [first, second], because="a slice holds the same modules")
    expect(type(model[1:]).__name__, "Sequential", because="a slice of a chain is a chain")
    for index in (3, -4):
        expect_error(lambda index=index: model[index], IndexError, str(index), because="of three")
    expect_error(
        lambda: tt.Sequential(first, tt.relu), TypeError, "item 1", because="relu is no module"
    )


def test_flatten_keeps_the_examples_apart():
    x = tt.zeros(5, 3, 4, 2)
    expect(tt.Flatten()(x).shape, (5, 24), because="all but the first dim become one")
    expect(tt.Flatten(0, 1)(x).shape, (15, 4, 2), because="dims 0 and 1 become one")


def test_a_module_of_ones_own_needs_only_forward():
    class Double(tt.layers.Module):
        def forward(self, x, *, times=2):
            return x * times

    expect(Double()(tt.ones(2)), tt.full(2, 2.0), because="calling a module calls its forward")
    expect(Double()(tt.ones(2), times=3), tt.full(2, 3.0), because="options are handed on")
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        tt.Module()(1)


def test_training_and_inference_reach_every_module_inside():
    model = tt.Sequential(tt.Dropout(), tt.Sequential(tt.Dropout()))
    modes = lambda: [module.training for module in model.modules()]  # noqa: E731
    expect(modes(), [True] * 4, because="a new module is training")
    expect(model.eval() is model, True, because="so that model = build().eval() can be written")
    expect(modes(), [False] * 4, because="eval() reaches the modules inside of modules")
    expect(model.train() is model, True, because="as with eval()")
    expect(modes(), [True] * 4, because="train() is the way back")
    model[1].train(False)
    expect(modes(), [True, True, False, False], because="one part may be set by itself")


def test_children_and_modules_are_found():
    inner = tt.Sequential(tt.ReLU())
    model = tt.Sequential(inner, tt.Tanh())
    expect(list(model.children()), [inner, model[1]], because="children are held directly")
    expect(
        [name for name, _ in model.named_modules()],
        ["", "0", "0.0", "1"],
        because="the module itself, then each child with what is inside it",
    )
    expect(len(list(tt.Sequential(inner, inner).modules())), 3, because="each module once")


def test_buffers_are_state_but_no_parameters():
    model = tt.Sequential(pair())
    expect([name for name, _ in model.named_buffers()], ["0.count"], because="there is one buffer")
    expect("0.count" in model.state_dict(), True, because="a buffer is saved")
    model[0].count = tt.ones(1)
    expect(model.state_dict()["0.count"], tt.ones(1), because="a buffer may be replaced")
    expect(len(list(model.parameters())), 4, because="it stays a buffer")
    expect_error(lambda: tt.Module().register_buffer("a", 1), TypeError, "int", because="no tensor")
    for name in ("training", "a.b", "forward", ""):
        expect_error(
            lambda name=name: tt.Module().register_buffer(name, tt.ones(1)), ValueError, repr(name),
            because="the name is taken, or cannot be an attribute",
        )  # fmt: skip


def test_a_state_is_a_copy():
    layer = tt.Dense(2, 2)
    state = layer.state_dict()
    layer.weight[0, 0] = 100.0
    expect(100.0 in state["weight"], False, because="a state is kept while the layer learns on")
    expect(list(state), ["weight", "bias"], because="the names are those of the parameters")


def test_a_module_is_converted_in_place():
    model = tt.Sequential(tt.Dense(2, 2), pair())
    model[1].steps = tt.zeros(1, dtype=tt.int64)
    weight = model[0].weight
    expect(model.to(tt.float64) is model, True, because="so that it can be written in one line")
    expect(weight.dtype, tt.float64, because="whoever holds a parameter sees the new dtype")
    expect(model[1].count.dtype, tt.float64, because="buffers are converted too")
    expect(model[1].steps.dtype, tt.int64, because="integers stay integers")
    expect(model[0](tt.ones(2, dtype=tt.float64)).dtype, tt.float64, because="it computes in it")


def test_a_module_is_printed_as_a_tree():
    model = tt.Sequential(
        tt.Flatten(), tt.Dense(4, 3), tt.Sequential(tt.ReLU(), tt.LeakyReLU(0.1)), tt.Dropout(0.2)
    )
    expect(
        repr(model),
        "Sequential(\n"
        "  (0): Flatten(start_dim=1, end_dim=-1)\n"
        "  (1): Dense(in_features=4, out_features=3, bias=True)\n"
        "  (2): Sequential(\n"
        "    (0): ReLU()\n"
        "    (1): LeakyReLU(negative_slope=0.1)\n"
        "  )\n"
        "  (3): Dropout(p=0.2)\n"
        ")",
        because="PyTorch prints modules like this",
    )
    expect(
        [repr(layer) for layer in (tt.Softmax(1), tt.LogSoftmax(-1), tt.GELU(), tt.Sequential())],
        ["Softmax(dim=1)", "LogSoftmax(dim=-1)", "GELU(approximate='none')", "Sequential()"],
        because="settings stand in brackets",
    )


def test_a_probability_lies_from_zero_to_one():
    for p in (-0.1, 1.1):
        expect_error(lambda p=p: tt.Dropout(p), ValueError, str(p), because="no such probability")


def test_the_function_dropout_is_told_whether_it_trains():
    x = tt.ones(10)
    expect(tt.dropout(x, 0.5, training=False) is x, True, because="nothing is dropped in use")
    got = tt.dropout(x, 0.5, generator=np.random.default_rng(4))
    expect(got, dropped(x, 0.5, seed=4), because="it is the layer, for once")


def test_weights_are_filled_with_numbers_of_the_right_size():
    fill = lambda name, *inputs, **options: getattr(tt, name)(  # noqa: E731
        tt.zeros(200, 400), *inputs, generator=np.random.default_rng(1), **options
    )
    for name, inputs, options, std in (
        ("xavier_uniform_", (), {}, math.sqrt(2 / 600)),
        ("xavier_normal_", (), {}, math.sqrt(2 / 600)),
        ("xavier_normal_", (3.0,), {}, 3 * math.sqrt(2 / 600)),
        ("kaiming_normal_", (), {}, math.sqrt(2 / 400)),
        ("kaiming_normal_", (2.0,), {"mode": "fan_out"}, math.sqrt(2 / 5 / 200)),
        ("uniform_", (), {"low": -1.0, "high": 1.0}, 1 / math.sqrt(3)),
        ("normal_", (), {"std": 2.0}, 2.0),
    ):
        ratio = float(fill(name, *inputs, **options).std()) / std
        expect(round(ratio, 2), 1.0, because=f"{name} has a standard deviation of {std:.4f}")
    expect(reach(fill("xavier_uniform_")), [-0.1, 0.1], because="sqrt(3) sqrt(2 / 600) is 0.1")
    expect(tt.zeros_(tt.ones(2)), tt.zeros(2), because="zeros_ fills with zeros")
    expect(tt.ones_(tt.zeros(2)), tt.ones(2), because="ones_ fills with ones")


def test_the_gain_makes_up_for_the_activation():
    for name, gain in (("linear", 1.0), ("sigmoid", 1.0), ("tanh", 5 / 3), ("relu", math.sqrt(2))):
        expect(tt.calculate_gain(name), gain, within=1e-12, because=f"the gain of {name}")
    expect(tt.calculate_gain("leaky_relu", 1), 1.0, within=1e-12, because="a slope of 1 is linear")
    expect(
        tt.calculate_gain("leaky_relu"),
        math.sqrt(2 / 1.0001),
        within=1e-12,
        because="0.01 is usual",
    )
    expect_error(lambda: tt.calculate_gain("gelu"), ValueError, "gelu", because="no gain is known")
