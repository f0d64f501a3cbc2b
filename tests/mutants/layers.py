"""Wrong answers that learners give in module layers, the checks that catch them, and why."""

import math

import numpy as np

import tinytorch as tt
from tinytorch.course import mistake
from tinytorch.layers.initialisation import chosen_fan, fill_
from tinytorch.layers.module import joined
from tinytorch.setup import default_generator

# Step 1: linear


@mistake(
    "layers.linear",
    caught_by="test_a_row_of_the_weight_makes_an_output",
    says="You multiplied by the weight as it stands. Its rows make the outputs, so what stands on "
    "the right of `@` is `weight.T`. A square weight hides the difference from the shapes.",
)
def weight_not_turned(x, weight, bias=None):
    if weight.shape[:1] != x.shape[-1:]:
        return linear_of(x, weight, bias)
    product = x @ weight
    return product if bias is None else product + bias


def linear_of(x, weight, bias):
    if x.shape[-1:] != weight.shape[1:]:
        raise ValueError(f"cannot apply {weight.shape} to {x.shape}")
    product = x @ weight.T
    return product if bias is None else product + bias


@mistake(
    "layers.linear",
    caught_by="test_the_bias_is_added_to_every_example",
    says="You left the bias out. Without it, an input of zeros gives zeros, whatever the layer has "
    "learned: add it where there is one.",
)
def bias_forgotten(x, weight, bias=None):
    return linear_of(x, weight, None)


@mistake(
    "layers.linear",
    caught_by="test_the_bias_is_added_to_every_example",
    says="You took the bias away instead of adding it.",
)
def bias_subtracted(x, weight, bias=None):
    return linear_of(x, weight, None if bias is None else -bias)


@mistake(
    "layers.linear",
    caught_by="test_each_output_is_a_weighted_sum_of_all_inputs",
    says="You added the bias without asking whether there is one. None stands for no bias: then "
    "return the product as it is.",
)
def bias_taken_for_granted(x, weight, bias=None):
    return linear_of(x, weight, None) + bias


@mistake(
    "layers.linear",
    caught_by="test_inputs_that_do_not_fit_are_refused_with_both_shapes",
    says="You left the refusal to the matrix product, which speaks of the turned weight, a shape "
    "that the caller never wrote. Compare `x.shape[-1:]` with `weight.shape[1:]` first.",
)
def shapes_left_to_the_product(x, weight, bias=None):
    product = x @ weight.T
    return product if bias is None else product + bias


@mistake(
    "layers.linear",
    caught_by="test_a_linear_map_passes_the_door",
    says="The result is right, but you computed it with NumPy, behind the back of every listener. "
    "Use the operators of the tensors: `x @ weight.T + bias`.",
)
def around_the_door(x, weight, bias=None):
    if x.shape[-1:] != weight.shape[1:]:
        raise ValueError(f"cannot apply {weight.shape} to {x.shape}")
    product = x.numpy() @ weight.numpy().T
    return tt.tensor(product if bias is None else product + bias.numpy())


# Step 2: sigmoid_kernel


@mistake(
    "layers.sigmoid_kernel",
    caught_by="test_a_small_share_keeps_its_precision",
    says="You wrote the formula as it stands. For x = -90, exp(90) is more than a float32 holds, "
    "and the small result became 0. Take exp(-|x|), which never exceeds 1.",
)
def formula_as_it_stands(array):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-array))


@mistake(
    "layers.sigmoid_kernel",
    caught_by="test_the_ends_are_zero_and_one",
    says="You wrote exp(x) / (1 + exp(x)), and for x = 1000 that is infinity divided by infinity, "
    "nan. Use that form where x is below 0, and 1 / (1 + exp(-x)) elsewhere.",
)
def powers_divided(array):
    with np.errstate(all="ignore"):
        return np.exp(array) / (1 + np.exp(array))


@mistake(
    "layers.sigmoid_kernel",
    caught_by="test_a_small_share_keeps_its_precision",
    says="You went by the hyperbolic tangent. It is right in theory, but 1 + tanh(x / 2) is 1 - 1 "
    "far below 0, and no digit is left. Take exp(-|x|), which keeps small numbers small.",
)
def by_the_tangent(array):
    return (1 + np.tanh(array / 2)) / 2


@mistake(
    "layers.sigmoid_kernel",
    caught_by="test_a_small_share_keeps_its_precision",
    says="You clipped x to keep exp from overflowing. Below the clip all inputs get the same "
    "result, and the gradient there is lost. Choose the form by the sign of x instead.",
)
def clipped(array):
    return 1 / (1 + np.exp(-np.clip(array, -30, 700))).astype(array.dtype)


@mistake(
    "layers.sigmoid_kernel",
    caught_by="test_the_logarithm_of_three_becomes_three_quarters",
    says="Your sigmoid falls: the sign in the exponent is the wrong way round. It is exp(-x) that "
    "stands in 1 / (1 + exp(-x)).",
)
def falling(array):
    decay = np.exp(-np.abs(array))
    return np.where(array >= 0, decay, 1) / (1 + decay)


@mistake(
    "layers.sigmoid_kernel",
    caught_by="test_the_logarithm_of_three_becomes_three_quarters",
    says="You used 1 / (1 + exp(-|x|)) on both sides. It holds where x is not negative; elsewhere "
    "the numerator is exp(-|x|): pick it with np.where.",
)
def one_numerator_for_both(array):
    return 1 / (1 + np.exp(-np.abs(array)))


@mistake(
    "layers.sigmoid_kernel",
    caught_by="test_the_sigmoid_has_the_dtype_of_its_input",
    says="Your result is float64 whatever came in. A float64 array, or NumPy's own float64 number, "
    "widens all it touches; Python's numbers do not.",
)
def widened_to_float64(array):
    decay = np.exp(-np.abs(array.astype(np.float64)))
    return np.where(array >= 0, 1, decay) / (1 + decay)


# Step 3: gelu_kernel


def share_below(array, approximate):
    if approximate == "none":
        return tt.layers.erfc(-array / math.sqrt(2)) / 2
    if approximate == "tanh":
        z = math.sqrt(2 / math.pi) * (array + 0.044715 * array**3)
        return tt.layers.sigmoid_kernel(2 * z)
    raise ValueError(f"gelu is not approximated by {approximate!r}")


@mistake(
    "layers.gelu_kernel",
    caught_by="test_far_below_zero_the_share_is_small_and_not_zero",
    says="You computed 1 + erf(x / sqrt(2)). Far below 0 that is 1 - 1, and the small share is "
    "lost. `erfc(-x / sqrt(2))` is the same number without the subtraction.",
)
def cancelled(array, *, approximate):
    if approximate == "none":
        return array * (1 + (1 - tt.layers.erfc(array / math.sqrt(2)))) / 2
    return array * share_below(array, approximate)


@mistake(
    "layers.gelu_kernel",
    caught_by="test_the_approximation_keeps_its_precision_too",
    says="You computed (1 + tanh(z)) / 2, and far below 0 that is 1 - 1. The sigmoid of 2 z is the "
    "same number, and the kernel you built for it keeps it small without losing it.",
)
def approximation_cancelled(array, *, approximate):
    if approximate == "tanh":
        z = math.sqrt(2 / math.pi) * (array + 0.044715 * array**3)
        return array * (1 + np.tanh(z)) / 2
    return array * share_below(array, approximate)


@mistake(
    "layers.gelu_kernel",
    caught_by="test_a_number_is_multiplied_by_the_share_below_it",
    says="You forgot the square root of 2. erfc belongs to a distribution whose standard deviation "
    "is 1 / sqrt(2); dividing x by sqrt(2) brings it to a standard deviation of 1.",
)
def root_forgotten(array, *, approximate):
    if approximate == "none":
        return array * tt.layers.erfc(-array) / 2
    return array * share_below(array, approximate)


@mistake(
    "layers.gelu_kernel",
    caught_by="test_a_number_is_multiplied_by_the_share_below_it",
    says="You took the share above x: erfc(x / sqrt(2)) without the minus. Large numbers are to "
    "pass and small ones to be held back, so it is the share below x.",
)
def share_above(array, *, approximate):
    return array * share_below(-array if approximate == "none" else array, approximate)


@mistake(
    "layers.gelu_kernel",
    caught_by="test_a_number_is_multiplied_by_the_share_below_it",
    says="You returned the share itself. It says how much of x passes: multiply x by it.",
)
def share_alone(array, *, approximate):
    return share_below(array, approximate)


@mistake(
    "layers.gelu_kernel",
    caught_by="test_gelu_has_the_dtype_of_its_input",
    says="np.sqrt(2) is a float64 of NumPy's, and it made float64 of your float32. math.sqrt(2) is "
    "a number of Python's, which leaves the array's dtype alone.",
)
def widened_by_a_root(array, *, approximate):
    if approximate == "none":
        return array * (tt.layers.erfc(-array / np.sqrt(2)) / 2)
    return array * share_below(array, approximate)


@mistake(
    "layers.gelu_kernel",
    caught_by="test_the_approximation_is_near_and_different",
    says="You used another approximation, the sigmoid of 1.702 x. It is simpler and worse. What "
    '"tanh" names is the sigmoid of 2 z, with z = sqrt(2 / pi) * (x + 0.044715 x^3).',
)
def another_approximation(array, *, approximate):
    if approximate == "tanh":
        return array * tt.layers.sigmoid_kernel(1.702 * array)
    return array * share_below(array, approximate)


@mistake(
    "layers.gelu_kernel",
    caught_by="test_another_approximation_is_refused_by_name",
    says="You took every word but one for the other formula, so a misspelled one passes unnoticed. "
    "Raise ValueError, with the word, for whatever is neither.",
)
def any_word_will_do(array, *, approximate):
    return array * share_below(array, "none" if approximate == "none" else "tanh")


# Step 4: softmax_kernel


def powers_of(array, dim):
    return np.exp(array - array.max(axis=dim, keepdims=True, initial=-np.inf))


@mistake(
    "layers.softmax_kernel",
    caught_by="test_high_scores_do_not_overflow",
    says="You took exp of the scores as they are, and exp(1000) is inf: inf / inf is nan. Take the "
    "largest score along the dim away first; no share changes by that.",
)
def scores_not_shifted(array, *, dim):
    with np.errstate(all="ignore"):
        powers = np.exp(array)
        return powers / powers.sum(axis=dim, keepdims=True)


@mistake(
    "layers.softmax_kernel",
    caught_by="test_every_row_is_shifted_by_its_own_largest_score",
    says="You took the largest score of the whole array away. Beside it, all scores of another row "
    "may be so low that their powers are 0, and 0 / 0 is nan. Take the largest along the dim.",
)
def shifted_by_one_for_all(array, *, dim):
    with np.errstate(all="ignore"):
        powers = np.exp(array - array.max(initial=-np.inf))
        return powers / powers.sum(axis=dim, keepdims=True)


@mistake(
    "layers.softmax_kernel",
    caught_by="test_the_dim_says_who_shares",
    says="You summed over the whole array, so all rows share one 1. Sum along the dim, with "
    "keepdims=True, so that every row has its own.",
)
def one_shared_by_all(array, *, dim):
    powers = powers_of(array, dim)
    return powers / powers.sum()


@mistake(
    "layers.softmax_kernel",
    caught_by="test_the_dim_says_who_shares",
    says="The sum has lost its dim, so it lined up with the wrong one: the sums of the rows met "
    "the columns. keepdims=True leaves a size of 1 where the dim was.",
)
def dim_of_the_sum_lost(array, *, dim):
    powers = powers_of(array, dim)
    return powers / powers.sum(axis=dim)


@mistake(
    "layers.softmax_kernel",
    caught_by="test_the_dim_says_who_shares",
    says="You always took the last dim. Which numbers share 1 is for the caller to say: use dim.",
)
def always_the_last_dim(array, *, dim):
    powers = powers_of(array, -1)
    return powers / powers.sum(axis=-1, keepdims=True)


@mistake(
    "layers.softmax_kernel",
    caught_by="test_equal_scores_get_equal_shares",
    says="You divided by the largest power and not by their sum. Shares add up to 1.",
)
def divided_by_the_largest(array, *, dim):
    powers = powers_of(array, dim)
    return powers / powers.max(axis=dim, keepdims=True, initial=0)


@mistake(
    "layers.softmax_kernel",
    caught_by="test_no_scores_have_no_shares",
    says="An empty row has no largest score, and max() stopped there. max(..., initial=-np.inf) "
    "begins with something below every score.",
)
def empty_rows_forgotten(array, *, dim):
    powers = np.exp(array - array.max(axis=dim, keepdims=True))
    return powers / powers.sum(axis=dim, keepdims=True)


@mistake(
    "layers.softmax_kernel",
    caught_by="test_the_shares_have_the_dtype_of_the_scores",
    says="Your shares are float64 whatever the scores were. Leave the dtype as it came: NumPy's "
    "exp, max and sum keep it by themselves.",
)
def shares_in_float64(array, *, dim):
    powers = powers_of(array.astype(np.float64), dim)
    return powers / powers.sum(axis=dim, keepdims=True)


# Step 5: log_softmax_kernel


def shifted_of(array, dim):
    return array - array.max(axis=dim, keepdims=True, initial=-np.inf)


@mistake(
    "layers.log_softmax_kernel",
    caught_by="test_a_share_too_small_to_keep_still_has_a_logarithm",
    says="You took the logarithm of the shares. exp(-1000) has been rounded to 0 by then, and log "
    "0 is -inf. The logarithm of a quotient is a difference: subtract log(sum) from the scores.",
)
def logarithm_of_the_shares(array, *, dim):
    with np.errstate(divide="ignore"):
        return np.log(tt.layers.softmax_kernel(array, dim=dim))


@mistake(
    "layers.log_softmax_kernel",
    caught_by="test_high_scores_have_finite_logarithms",
    says="exp(1000) is inf, and so is the logarithm of the sum. Take the largest score along the "
    "dim away before anything else.",
)
def not_shifted(array, *, dim):
    with np.errstate(all="ignore"):
        return array - np.log(np.exp(array).sum(axis=dim, keepdims=True))


@mistake(
    "layers.log_softmax_kernel",
    caught_by="test_high_scores_have_finite_logarithms",
    says="You shifted the scores inside of the sum and not those in front of it. Both have to be "
    "the shifted ones: shifted - log(sum(exp(shifted))).",
)
def shifted_once_only(array, *, dim):
    total = np.exp(shifted_of(array, dim)).sum(axis=dim, keepdims=True)
    return array - np.log(total)


@mistake(
    "layers.log_softmax_kernel",
    caught_by="test_equal_scores_get_the_logarithm_of_equal_shares",
    says="You returned the shifted scores. What they lack is the logarithm of the sum of their "
    "powers: subtract it.",
)
def sum_forgotten(array, *, dim):
    return shifted_of(array, dim)


@mistake(
    "layers.log_softmax_kernel",
    caught_by="test_equal_scores_get_the_logarithm_of_equal_shares",
    says="You took the logarithm to the base 10 (or 2). exp is undone by the natural logarithm, "
    "np.log.",
)
def another_base(array, *, dim):
    shifted = shifted_of(array, dim)
    return shifted - np.log10(np.exp(shifted).sum(axis=dim, keepdims=True))


@mistake(
    "layers.log_softmax_kernel",
    caught_by="test_the_logarithms_are_taken_along_the_dim",
    says="You summed over the whole array. Each line along the dim has its own sum: give axis=dim "
    "and keepdims=True.",
)
def one_sum_for_all(array, *, dim):
    shifted = shifted_of(array, dim)
    return shifted - np.log(np.exp(shifted).sum())


@mistake(
    "layers.log_softmax_kernel",
    caught_by="test_every_row_has_its_own_largest_score",
    says="You took the largest score of the whole array away, and beside it all powers of another "
    "row became 0. Take the largest along the dim.",
)
def one_shift_for_all(array, *, dim):
    shifted = array - array.max(initial=-np.inf)
    with np.errstate(divide="ignore"):
        return shifted - np.log(np.exp(shifted).sum(axis=dim, keepdims=True))


# Step 6: fans


@mistake(
    "layers.fans",
    caught_by="test_outputs_come_first_in_a_weight",
    says="You swapped the fans. The shape begins with the outputs, so shape[1] counts what goes in "
    "and shape[0] what comes out.",
)
def fans_swapped(shape):
    if len(shape) < 2:
        raise ValueError(f"shape {shape} has no fans")
    return shape[0] * math.prod(shape[2:]), shape[1] * math.prod(shape[2:])


@mistake(
    "layers.fans",
    caught_by="test_a_window_multiplies_both_fans",
    says="You left the window out. An output of a convolution sums its inputs at every place of "
    "the window: multiply both fans by the product of shape[2:].",
)
def window_ignored(shape):
    if len(shape) < 2:
        raise ValueError(f"shape {shape} has no fans")
    return shape[1], shape[0]


@mistake(
    "layers.fans",
    caught_by="test_a_window_multiplies_both_fans",
    says="You multiplied only fan_in by the window. An input, too, is seen from every place of the "
    "window, so it feeds its outputs that often.",
)
def window_counted_once(shape):
    if len(shape) < 2:
        raise ValueError(f"shape {shape} has no fans")
    return math.prod(shape[1:]), shape[0]


@mistake(
    "layers.fans",
    caught_by="test_a_window_multiplies_both_fans",
    says="You took the window for a square. Its sizes may differ: multiply all of shape[2:].",
)
def window_squared(shape):
    if len(shape) < 2:
        raise ValueError(f"shape {shape} has no fans")
    places = shape[2] ** len(shape[2:]) if shape[2:] else 1
    return shape[1] * places, shape[0] * places


@mistake(
    "layers.fans",
    caught_by="test_a_shape_without_outputs_and_inputs_has_no_fans",
    says="You found fans in a shape of one dim. A bias has outputs and no inputs: raise "
    "ValueError, and name the shape.",
)
def fans_of_anything(shape):
    outputs, inputs = (*shape, 1, 1)[:2]
    return inputs * math.prod(shape[2:]), outputs * math.prod(shape[2:])


# Step 7: kaiming_uniform_


def std_of(tensor, a, mode, nonlinearity):
    fan = max(chosen_fan(tensor.shape, mode), 1)
    return tt.calculate_gain(nonlinearity, a) / math.sqrt(fan)


def uniform(tensor, bound, generator):
    return (generator or default_generator()).uniform(-bound, bound, tensor.shape)


@mistake(
    "layers.kaiming_uniform_",
    caught_by="test_the_numbers_reach_from_minus_b_to_b",
    says="You took the standard deviation for the bound. Numbers spread evenly from -b to b have a "
    "standard deviation of b / sqrt(3): the bound is sqrt(3) times as large.",
)
def deviation_taken_for_the_bound(
    tensor, a=0.0, *, mode="fan_in", nonlinearity="leaky_relu", generator=None
):
    return fill_(tensor, uniform(tensor, std_of(tensor, a, mode, nonlinearity), generator))


@mistake(
    "layers.kaiming_uniform_",
    caught_by="test_the_numbers_reach_from_minus_b_to_b",
    says="You divided by the fan and not by its root. Variances add up, so it is the variance that "
    "shrinks with the fan, and the standard deviation with its root.",
)
def divided_by_the_fan(tensor, a=0.0, *, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    gain, fan = tt.calculate_gain(nonlinearity, a), max(chosen_fan(tensor.shape, mode), 1)
    return fill_(tensor, uniform(tensor, math.sqrt(3) * gain / fan, generator))


@mistake(
    "layers.kaiming_uniform_",
    caught_by="test_the_numbers_reach_from_minus_b_to_b",
    says="Your numbers start at 0. Weights of one sign push every signal the same way: draw from "
    "-bound to bound.",
)
def drawn_from_zero_on(tensor, a=0.0, *, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    bound = math.sqrt(3) * std_of(tensor, a, mode, nonlinearity)
    return fill_(tensor, abs(uniform(tensor, bound, generator)))


@mistake(
    "layers.kaiming_uniform_",
    caught_by="test_the_numbers_reach_from_minus_b_to_b",
    says="You left out the gain. ReLU throws half of the signal away, and its gain, sqrt(2), is "
    "what makes up for that: calculate_gain(nonlinearity, a).",
)
def gain_forgotten(tensor, a=0.0, *, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    bound = math.sqrt(3) * std_of(tensor, a, mode, "linear")
    return fill_(tensor, uniform(tensor, bound, generator))


@mistake(
    "layers.kaiming_uniform_",
    caught_by="test_the_nonlinearity_chooses_the_gain",
    says="You always took the gain of a ReLU. The caller says which activation follows, and with "
    "which slope: calculate_gain(nonlinearity, a).",
)
def always_a_relu(tensor, a=0.0, *, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    bound = math.sqrt(3) * std_of(tensor, a, mode, "relu")
    return fill_(tensor, uniform(tensor, bound, generator))


@mistake(
    "layers.kaiming_uniform_",
    caught_by="test_the_mode_chooses_the_fan",
    says="You always took fan_in. With mode='fan_out' the caller asks for weights that keep the "
    "size of what flows backward: take the fan that chosen_fan() returns.",
)
def always_fan_in(tensor, a=0.0, *, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    bound = math.sqrt(3) * std_of(tensor, a, "fan_in", nonlinearity)
    return fill_(tensor, uniform(tensor, bound, generator))


@mistake(
    "layers.kaiming_uniform_",
    caught_by="test_the_tensor_is_filled_in_its_own_memory",
    says="You returned a new tensor and left the old one as it was. The underscore promises to "
    "fill the tensor that was given: fill_(tensor, values).",
)
def new_tensor_made(tensor, a=0.0, *, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    bound = math.sqrt(3) * std_of(tensor, a, mode, nonlinearity)
    return fill_(tt.zeros_like(tensor), uniform(tensor, bound, generator))


@mistake(
    "layers.kaiming_uniform_",
    caught_by="test_the_generator_decides",
    says="You drew from the default generator although you were given one. The numbers then depend "
    "on all that was drawn before: use `generator or default_generator()`.",
)
def given_generator_ignored(
    tensor, a=0.0, *, mode="fan_in", nonlinearity="leaky_relu", generator=None
):
    bound = math.sqrt(3) * std_of(tensor, a, mode, nonlinearity)
    return fill_(tensor, uniform(tensor, bound, None))


@mistake(
    "layers.kaiming_uniform_",
    caught_by="test_filling_is_no_operation",
    says="You wrote with tensor[...] = values, which passes the door: a listener would take the "
    "filling for a part of the computation. fill_() writes past it.",
)
def filled_through_the_door(
    tensor, a=0.0, *, mode="fan_in", nonlinearity="leaky_relu", generator=None
):
    bound = math.sqrt(3) * std_of(tensor, a, mode, nonlinearity)
    if not tensor.is_floating_point():
        raise TypeError(f"{tensor.dtype} holds no fractions")
    tensor[...] = uniform(tensor, bound, generator)
    return tensor


# Step 8: named_parameters


def tensors_of(module):
    for name, value in vars(module).items():
        if isinstance(value, tt.Tensor) and name not in module._buffer_names:
            yield name, value


def each_once(found):
    seen = set()
    for name, value in found:
        if id(value) not in seen:
            seen.add(id(value))
            yield name, value


@mistake(
    "layers.named_parameters",
    caught_by="test_the_name_is_the_path_to_the_parameter",
    says="You looked at the module's own attributes only. A network holds its parameters in the "
    "modules inside it: go through self.named_modules().",
)
def only_its_own(self):
    yield from each_once(tensors_of(self))


@mistake(
    "layers.named_parameters",
    caught_by="test_the_name_is_the_path_to_the_parameter",
    says="You went one level down and stopped. A child has children of its own: named_modules() "
    "goes all the way.",
)
def one_level_only(self):
    found = list(tensors_of(self))
    for path, child in self.named_children():
        found += [(joined(path, name), value) for name, value in tensors_of(child)]
    yield from each_once(found)


@mistake(
    "layers.named_parameters",
    caught_by="test_the_name_is_the_path_to_the_parameter",
    says="You left the path out, so every layer's weight is called weight and a dictionary keeps "
    "one of them. The name is joined(path, name).",
)
def names_without_a_path(self):
    yield from each_once(pair for module in self.modules() for pair in tensors_of(module))


@mistake(
    "layers.named_parameters",
    caught_by="test_a_buffer_is_no_parameter",
    says="You yielded buffers too. An optimizer would train them: leave out the names in the "
    "module's _buffer_names.",
)
def buffers_included(self):
    for path, module in self.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, tt.Tensor):
                yield joined(path, name), value


@mistake(
    "layers.named_parameters",
    caught_by="test_a_buffer_is_known_to_the_module_that_holds_it",
    says="You asked self for the names of the buffers. Each module knows its own: ask the module "
    "that holds the tensor, module._buffer_names.",
)
def buffers_of_the_outermost(self):
    seen = set()
    for path, module in self.named_modules():
        for name, value in vars(module).items():
            is_parameter = isinstance(value, tt.Tensor) and name not in self._buffer_names
            if is_parameter and id(value) not in seen:
                seen.add(id(value))
                yield joined(path, name), value


@mistake(
    "layers.named_parameters",
    caught_by="test_a_parameter_on_two_paths_comes_once",
    says="A tensor that two layers share came twice, and an optimizer would take two steps with "
    "it. Remember the id() of what you have yielded.",
)
def shared_ones_twice(self):
    for path, module in self.named_modules():
        for name, value in tensors_of(module):
            yield joined(path, name), value


@mistake(
    "layers.named_parameters",
    caught_by="test_parameters_of_equal_values_are_not_the_same",
    says="You compared values, so of two biases that are both 0 one was lost. The same tensor is "
    "the same object: compare id().",
)
def equal_ones_once(self):
    seen = []
    for path, module in self.named_modules():
        for name, value in tensors_of(module):
            if value.tolist() not in seen:
                seen.append(value.tolist())
                yield joined(path, name), value


@mistake(
    "layers.named_parameters",
    caught_by="test_a_modules_own_parameters_come_first",
    says="Your children come first. A module's own parameters stand before those of its children, "
    "as a chapter's text stands before its sections.",
)
def children_first(self):
    found = []
    for path, child in self.named_children():
        found += [(joined(path, name), value) for name, value in children_first(child)]
    yield from each_once([*found, *tensors_of(self)])


@mistake(
    "layers.named_parameters",
    caught_by="test_the_parameters_themselves_are_yielded",
    says="You yielded copies. Whoever trains the model would train them, and the model would never "
    "learn of it: yield the tensors themselves.",
)
def copies(self):
    for path, module in self.named_modules():
        for name, value in tensors_of(module):
            yield joined(path, name), value.clone()


# Step 9: load_state_dict


def problems_of(ours, state):
    yield from (f"{name} is missing" for name in ours if name not in state)
    yield from (f"{name} is unexpected" for name in state if name not in ours)
    for name in (name for name in ours if name in state):
        if ours[name].shape != state[name].shape:
            yield f"{name} has shape {state[name].shape}, not {ours[name].shape}"
        if ours[name].dtype != state[name].dtype:
            yield f"{name} has dtype {state[name].dtype}, not {ours[name].dtype}"


def refuse(problems):
    if problems := list(problems):
        raise ValueError(f"cannot load: {'; '.join(problems)}")


def copy_into(ours, state):
    for name, tensor in ours.items():
        if name in state:
            tensor.numpy()[...] = state[name].numpy()


@mistake(
    "layers.load_state_dict",
    caught_by="test_a_refused_state_changes_nothing",
    says="You copied as you went, so when a problem came the model was half old and half new. Look "
    "at everything first, and copy when nothing is wrong.",
)
def copied_on_the_way(self, state):
    ours = dict(self._state())
    for name, tensor in ours.items():
        given = state.get(name, tensor)
        if given.shape == tensor.shape and given.dtype == tensor.dtype:
            tensor.numpy()[...] = given.numpy()
    refuse(problems_of(ours, state))


@mistake(
    "layers.load_state_dict",
    caught_by="test_the_model_shares_no_memory_with_the_state",
    says="You let the parameter use the state's own array, so that each changes with the other. "
    "Copy the numbers: tensor.numpy()[...] = state[name].numpy().",
)
def memory_shared(self, state):
    ours = dict(self._state())
    refuse(problems_of(ours, state))
    for name, tensor in ours.items():
        tensor.array = state[name].array


@mistake(
    "layers.load_state_dict",
    caught_by="test_whoever_holds_a_parameter_sees_the_new_values",
    says="You put new tensors in the place of the old. An optimizer that holds the old ones goes "
    "on with them, and nobody uses them any more. Write into the tensors that are there.",
)
def tensors_replaced(self, state):
    ours = dict(self._state())
    refuse(problems_of(ours, state))
    for path, module in self.named_modules():
        for name, value in list(vars(module).items()):
            if isinstance(value, tt.Tensor):
                setattr(module, name, state[joined(path, name)].clone())


@mistake(
    "layers.load_state_dict",
    caught_by="test_a_missing_name_is_told",
    says="You passed over a name that the state lacks, and the layer kept the random numbers it "
    "started with. Name it in the ValueError.",
)
def missing_ones_passed_over(self, state):
    ours = {name: tensor for name, tensor in self._state() if name in state}
    refuse(problems_of(ours, state))
    copy_into(ours, state)


@mistake(
    "layers.load_state_dict",
    caught_by="test_a_missing_name_is_told",
    says="You took state[name] without looking whether it is there, and a KeyError came out, for "
    "one name only. Collect what is missing and raise ValueError.",
)
def missing_ones_as_key_errors(self, state):
    ours = dict(self._state())
    for name in ours:
        state[name]
    refuse(problems_of(ours, state))
    copy_into(ours, state)


@mistake(
    "layers.load_state_dict",
    caught_by="test_an_unexpected_name_is_told",
    says="You never looked at names that the model does not have. A misspelled name is one of "
    "them: tell it.",
)
def unexpected_ones_passed_over(self, state):
    ours = dict(self._state())
    refuse(problems_of(ours, {name: state[name] for name in ours if name in state}))
    copy_into(ours, state)


@mistake(
    "layers.load_state_dict",
    caught_by="test_a_wrong_shape_is_told_with_both",
    says="You let NumPy judge the shapes, and it stretches one number over three places. Compare "
    "the shapes yourself.",
)
def shapes_stretched(self, state):
    ours = dict(self._state())
    refuse(one for one in problems_of(ours, state) if "shape" not in one)
    copy_into(ours, state)


@mistake(
    "layers.load_state_dict",
    caught_by="test_a_wrong_dtype_is_told_with_both",
    says="You converted the dtype without a word. Numbers saved as float64 lose half of their "
    "digits: compare the dtypes and tell both.",
)
def dtypes_converted(self, state):
    ours = dict(self._state())
    refuse(one for one in problems_of(ours, state) if "dtype" not in one)
    copy_into(ours, state)


@mistake(
    "layers.load_state_dict",
    caught_by="test_all_problems_are_told_at_once",
    says="You raised at the first problem. Collect all of them in a list, and raise once, at the "
    "end.",
)
def first_problem_only(self, state):
    ours = dict(self._state())
    refuse(list(problems_of(ours, state))[:1])
    copy_into(ours, state)


@mistake(
    "layers.load_state_dict",
    caught_by="test_buffers_are_loaded_too",
    says="You loaded the parameters and took the buffers for strangers. A state holds both: "
    "dict(self._state()).",
)
def buffers_forgotten(self, state):
    ours = dict(self.named_parameters())
    refuse(problems_of(ours, state))
    copy_into(ours, state)


@mistake(
    "layers.load_state_dict",
    caught_by="test_loading_is_no_operation",
    says="tensor[...] = value passes the door, so whoever listens takes loading for a part of the "
    "computation. Write to the memory itself: tensor.numpy()[...].",
)
def loaded_through_the_door(self, state):
    ours = dict(self._state())
    refuse(problems_of(ours, state))
    for name, tensor in ours.items():
        tensor[...] = state[name]


# Step 10: dropout


def numbers_for(layer, shape):
    return (layer.generator or default_generator()).random(shape)


@mistake(
    "layers.dropout",
    caught_by="test_what_is_kept_is_scaled_up",
    says="You did not scale what is kept. In use, where nothing is dropped, the next layer would "
    "then see larger sums than those it learned from. Divide what is kept by 1 - p.",
)
def not_scaled(self, x):
    if not self.training:
        return x
    return tt.where(tt.tensor(numbers_for(self, x.shape) >= self.p), x, 0.0)


@mistake(
    "layers.dropout",
    caught_by="test_what_is_kept_is_scaled_up",
    says="You divided by p. The share that is kept is 1 - p, and that is what the kept ones have "
    "to make up for.",
)
def scaled_by_the_wrong_share(self, x):
    if not self.training:
        return x
    return tt.where(tt.tensor(numbers_for(self, x.shape) >= self.p), x / self.p, 0.0)


@mistake(
    "layers.dropout",
    caught_by="test_without_training_nothing_is_dropped",
    says="You drop in use too, so the same image gets another answer every time. Where "
    "self.training is false, return x.",
)
def dropped_in_use(self, x):
    kept = tt.tensor(numbers_for(self, x.shape) >= self.p)
    return tt.where(kept, x / (1 - self.p), 0.0)


@mistake(
    "layers.dropout",
    caught_by="test_an_element_is_kept_where_its_number_is_not_below_p",
    says="You kept what was to be dropped. p is the probability of being dropped, so an element "
    "is kept where its number is not below p.",
)
def kept_with_probability_p(self, x):
    if not self.training:
        return x
    kept = tt.tensor(numbers_for(self, x.shape) < self.p)
    return tt.where(kept, x / (1 - self.p), 0.0)


@mistake(
    "layers.dropout",
    caught_by="test_an_element_is_kept_where_its_number_is_not_below_p",
    says="You drew one number for each column, so all examples lost the same features. Draw one "
    "for each element, x.shape of them.",
)
def one_number_for_a_column(self, x):
    if not self.training:
        return x
    numbers = np.broadcast_to(numbers_for(self, x.shape[-1:]), x.shape)
    return tt.where(tt.tensor(numbers >= self.p), x / (1 - self.p), 0.0)


@mistake(
    "layers.dropout",
    caught_by="test_what_is_dropped_is_zero_whatever_it_was",
    says="You multiplied by 0, and infinity times 0 is nan. Choose between the number and 0 with "
    "where().",
)
def multiplied_by_the_mask(self, x):
    if not self.training:
        return x
    kept = (numbers_for(self, x.shape) >= self.p).astype(x.dtype)
    return x * tt.from_numpy(kept / max(1 - self.p, 1e-9)).to(x.dtype)


@mistake(
    "layers.dropout",
    caught_by="test_p_may_be_zero_or_one",
    says="You divided by 1 - p, which is 0 where p is 1, in Python's numbers, and Python refuses. "
    "Divide the tensor, x / (1 - p): what becomes infinite there is dropped anyway.",
)
def divided_by_nothing(self, x):
    if not self.training:
        return x
    scale = 1 / (1 - self.p)
    return tt.where(tt.tensor(numbers_for(self, x.shape) >= self.p), x * scale, 0.0)


@mistake(
    "layers.dropout",
    caught_by="test_an_element_is_kept_where_its_number_is_not_below_p",
    says="You drew from the default generator although the layer has one of its own. Use "
    "self.generator, and the default one where that is None.",
)
def own_generator_ignored(self, x):
    if not self.training:
        return x
    kept = tt.tensor(default_generator().random(x.shape) >= self.p)
    return tt.where(kept, x / (1 - self.p), 0.0)


@mistake(
    "layers.dropout",
    caught_by="test_dropout_passes_the_door",
    says="You computed with NumPy, behind the back of every listener: no gradient will find its "
    "way through this layer. Use the tensors' operations, x / (1 - p) and where().",
)
def dropped_around_the_door(self, x):
    if not self.training:
        return x
    kept = numbers_for(self, x.shape) >= self.p
    with np.errstate(all="ignore"):
        scaled = (x.numpy() / (1 - self.p)).astype(x.dtype)
    return tt.tensor(np.where(kept, scaled, np.zeros(1, x.dtype)))
