"""Wrong answers that learners give in module training, the checks that catch them, and why."""

import math
import os
from pathlib import Path

import numpy as np

from tinytorch.course import mistake
from tinytorch.layers import log_softmax, softmax
from tinytorch.networks.safetensors import safetensors_bytes
from tinytorch.tensors import arange, eye
from tinytorch.training.backpropagation import loss_gradient, passes, rule_of
from tinytorch.training.checkpoints import described, force_to_disk, part_of
from tinytorch.training.clipping import clip_grad_norm_, total_norm
from tinytorch.training.losses import (
    classes_last,
    reduced,
    require_classes,
    require_same_shape,
)

# Step 1: mse_loss


@mistake(
    "training.mse_loss",
    caught_by="test_nothing_is_broadcast_in_a_loss",
    says="You let the shapes broadcast. A column compared with a row gives every pair: call "
    "require_same_shape before anything else.",
)
def broadcast_quietly(prediction, target, *, reduction="mean"):
    distance = prediction - target
    return reduced(distance * distance, reduction)


@mistake(
    "training.mse_loss",
    caught_by="test_the_squared_loss_is_the_mean_of_squared_distances",
    says="You took the size of the distances, not their square. Multiply the distance by itself.",
)
def absolute_distance(prediction, target, *, reduction="mean"):
    require_same_shape(prediction, target)
    return reduced(abs(prediction - target), reduction)


@mistake(
    "training.mse_loss",
    caught_by="test_terms_can_be_summed_or_left_as_they_are",
    says="You always took the mean. The reduction says what is wanted: give the terms and the "
    "reduction to reduced().",
)
def always_the_mean(prediction, target, *, reduction="mean"):
    require_same_shape(prediction, target)
    distance = prediction - target
    return (distance * distance).mean()


@mistake(
    "training.mse_loss",
    caught_by="test_the_squared_loss_is_the_mean_of_squared_distances",
    says="You halved the loss, as some books do. Here it is the plain mean of the squares.",
)
def halved(prediction, target, *, reduction="mean"):
    require_same_shape(prediction, target)
    distance = prediction - target
    return reduced(distance * distance / 2, reduction)


# Step 2: cross_entropy


def picked(rows, targets):
    """Return of each row the number of the true class."""
    return rows[arange(len(rows)), targets.flatten()]


def smoothed(rows, targets, label_smoothing):
    """Return the terms of rows of surprises, smoothed."""
    return picked(rows, targets) * (1 - label_smoothing) + rows.mean(1) * label_smoothing


@mistake(
    "training.cross_entropy",
    caught_by="test_no_score_is_too_large",
    says="You took the logarithm of the softmax. A share that rounds to 0 has no logarithm: use "
    "log_softmax, which never computes the share.",
)
def logarithm_of_a_share(logits, targets, *, label_smoothing=0.0, reduction="mean"):
    require_classes(logits, targets)
    rows = -softmax(classes_last(logits), 1).log()
    return reduced(smoothed(rows, targets, label_smoothing).reshape(targets.shape), reduction)


@mistake(
    "training.cross_entropy",
    caught_by="test_the_surprise_is_that_of_the_true_class",
    says="You took the surprise of all classes. Only the true class counts: pick its column in "
    "every row.",
)
def every_class_counted(logits, targets, *, label_smoothing=0.0, reduction="mean"):
    require_classes(logits, targets)
    rows = -log_softmax(classes_last(logits), 1)
    return reduced(rows.mean(1).reshape(targets.shape), reduction)


@mistake(
    "training.cross_entropy",
    caught_by="test_equal_scores_are_as_surprised_as_a_fair_choice",
    says="Your loss is negative. The logarithm of a share is never above 0: put a minus before it.",
)
def sign_forgotten(logits, targets, *, label_smoothing=0.0, reduction="mean"):
    require_classes(logits, targets)
    rows = log_softmax(classes_last(logits), 1)
    return reduced(smoothed(rows, targets, label_smoothing).reshape(targets.shape), reduction)


@mistake(
    "training.cross_entropy",
    caught_by="test_a_class_that_was_not_scored_is_refused_by_number",
    says="You let -1 count from the end, as Python does. A class below 0 is a mistake in the data: "
    "call require_classes first.",
)
def counted_from_the_end(logits, targets, *, label_smoothing=0.0, reduction="mean"):
    rows = -log_softmax(classes_last(logits), 1)
    return reduced(smoothed(rows, targets, label_smoothing).reshape(targets.shape), reduction)


@mistake(
    "training.cross_entropy",
    caught_by="test_smoothing_asks_a_little_for_every_class",
    says="You left the smoothing out. With a label_smoothing of s, 1 - s of a term is the true "
    "class's surprise, and s the mean of all classes' surprises.",
)
def smoothing_ignored(logits, targets, *, label_smoothing=0.0, reduction="mean"):
    require_classes(logits, targets)
    rows = -log_softmax(classes_last(logits), 1)
    return reduced(picked(rows, targets).reshape(targets.shape), reduction)


@mistake(
    "training.cross_entropy",
    caught_by="test_smoothing_asks_a_little_for_every_class",
    says="You added the smoothing on top. The true class gives up what all classes get: multiply "
    "its surprise by 1 - label_smoothing.",
)
def smoothing_on_top(logits, targets, *, label_smoothing=0.0, reduction="mean"):
    require_classes(logits, targets)
    rows = -log_softmax(classes_last(logits), 1)
    terms = picked(rows, targets) + rows.mean(1) * label_smoothing
    return reduced(terms.reshape(targets.shape), reduction)


@mistake(
    "training.cross_entropy",
    caught_by="test_smoothing_asks_a_little_for_every_class",
    says="You summed the surprises of all classes. The smoothing is shared among them: take their "
    "mean.",
)
def smoothing_summed(logits, targets, *, label_smoothing=0.0, reduction="mean"):
    require_classes(logits, targets)
    rows = -log_softmax(classes_last(logits), 1)
    terms = picked(rows, targets) * (1 - label_smoothing) + rows.sum(1) * label_smoothing
    return reduced(terms.reshape(targets.shape), reduction)


# Step 3: central_differences


def default_step(numbers, step):
    """Return the step, or the one for this dtype."""
    return step or float(np.finfo(numbers.dtype).eps) ** (1 / 3)


@mistake(
    "training.central_differences",
    caught_by="test_slopes_are_measured_from_both_sides",
    says="You moved to one side only. A chord from x to x + h is steeper than the curve at x; move "
    "as far to the left, and the errors cancel.",
)
def one_side_only(function, numbers, *, step=None):
    step, slopes = default_step(numbers, step), np.zeros_like(numbers)
    for place in np.ndindex(numbers.shape):
        kept, below = numbers[place], function()
        try:
            numbers[place] = kept + step * max(1.0, abs(float(kept)))
            slopes[place] = (function() - below) / (float(numbers[place]) - float(kept))
        finally:
            numbers[place] = kept
    return slopes


@mistake(
    "training.central_differences",
    caught_by="test_numbers_are_put_back_bit_for_bit",
    says="You went back by subtracting. x + h - h is not always x: keep the number and write it "
    "back.",
)
def gone_back_by_subtracting(function, numbers, *, step=None):
    step, slopes = default_step(numbers, step), np.zeros_like(numbers)
    for place in np.ndindex(numbers.shape):
        reach = step * max(1.0, abs(float(numbers[place])))
        try:
            numbers[place] += reach
            right, above = float(numbers[place]), function()
            numbers[place] -= 2 * reach
            left, below = float(numbers[place]), function()
        finally:
            numbers[place] += reach
        slopes[place] = (above - below) / (right - left)
    return slopes


@mistake(
    "training.central_differences",
    caught_by="test_numbers_are_put_back_when_the_function_fails",
    says="When the function raises an error, your number stays moved. Put it back in a finally "
    "block.",
)
def left_moved_after_an_error(function, numbers, *, step=None):
    step, slopes = default_step(numbers, step), np.zeros_like(numbers)
    for place in np.ndindex(numbers.shape):
        kept = numbers[place]
        reach = step * max(1.0, abs(float(kept)))
        numbers[place] = kept + reach
        right, above = float(numbers[place]), function()
        numbers[place] = kept - reach
        left, below = float(numbers[place]), function()
        numbers[place] = kept
        slopes[place] = (above - below) / (right - left)
    return slopes


@mistake(
    "training.central_differences",
    caught_by="test_a_large_number_moves_further",
    says="You moved every number equally far. Next to 1000 a small step is lost in rounding: "
    "multiply the step by the larger of 1 and abs(x).",
)
def equally_far(function, numbers, *, step=None):
    step, slopes = default_step(numbers, step), np.zeros_like(numbers)
    for place in np.ndindex(numbers.shape):
        kept = numbers[place]
        try:
            numbers[place] = kept + step
            right, above = float(numbers[place]), function()
            numbers[place] = kept - step
            left, below = float(numbers[place]), function()
        finally:
            numbers[place] = kept
        slopes[place] = (above - below) / (right - left)
    return slopes


@mistake(
    "training.central_differences",
    caught_by="test_each_number_moves_alone",
    says="You moved all numbers at once. Each has a slope of its own: move one, measure, put it "
    "back, and only then move the next.",
)
def all_at_once(function, numbers, *, step=None):
    step, kept = default_step(numbers, step), numbers.copy()
    reach = step * max(1.0, float(np.abs(numbers).max()))
    try:
        numbers[...] = kept + reach
        above = function()
        numbers[...] = kept - reach
        below = function()
    finally:
        numbers[...] = kept
    return np.full_like(numbers, (above - below) / (2 * reach))


# Step 4: dense_backward


def rows_of(tensor):
    """Return one row for each example."""
    return tensor.reshape(-1, tensor.shape[-1])


@mistake(
    "training.dense_backward",
    caught_by="test_an_input_hears_from_every_output_by_its_weight",
    says="You returned the output's gradient as the input's. It comes back through the weights: "
    "gradient @ weight.",
)
def weights_skipped(gradient, x, weight):
    to_weight = rows_of(gradient).T @ rows_of(x)
    return gradient.sum(-1, keepdim=True) + x * 0, to_weight, rows_of(gradient).sum(0)


@mistake(
    "training.dense_backward",
    caught_by="test_a_weight_hears_from_its_output_by_its_input",
    says="Your gradient of the weight lies the other way round. The weight is (outputs, inputs): "
    "gradient.T @ x.",
)
def weight_transposed(gradient, x, weight):
    return gradient @ weight, rows_of(x).T @ rows_of(gradient), rows_of(gradient).sum(0)


@mistake(
    "training.dense_backward",
    caught_by="test_examples_add_up_in_the_parameters_and_not_in_the_inputs",
    says="You took the mean over the examples. The loss has divided by their number already: here "
    "they add up.",
)
def mean_over_examples(gradient, x, weight):
    count = len(rows_of(x))
    to_weight = rows_of(gradient).T @ rows_of(x) / count
    return gradient @ weight, to_weight, rows_of(gradient).sum(0) / count


@mistake(
    "training.dense_backward",
    caught_by="test_a_bias_hears_from_its_output",
    says="You multiplied the bias's gradient by the input. The bias was added as it is: sum the "
    "gradient over the examples.",
)
def bias_by_input(gradient, x, weight):
    to_bias = (rows_of(gradient) * rows_of(x).sum(1, keepdim=True)).sum(0)
    return gradient @ weight, rows_of(gradient).T @ rows_of(x), to_bias


@mistake(
    "training.dense_backward",
    caught_by="test_dims_before_the_last_are_examples",
    says="Your layer knows rows only. x may have more dims: bring all examples to rows with "
    "reshape(-1, features) for weight and bias.",
)
def two_dims_only(gradient, x, weight):
    return gradient @ weight, gradient.transpose(-1, -2) @ x, gradient.sum(0)


# Step 5: cross_entropy_backward


def wanted_shares(rows, targets, label_smoothing=0.0):
    """Return the shares that the scores should give."""
    one_hot = eye(rows.shape[1], rows.dtype)[targets.flatten()]
    return one_hot * (1 - label_smoothing) + label_smoothing / rows.shape[1]


@mistake(
    "training.cross_entropy_backward",
    caught_by="test_scores_are_pulled_from_what_they_say_to_what_is_true",
    says="Your gradient points to a larger loss on the way down: it is the shares less what they "
    "should be, not the other way round.",
)
def turned_round(logits, targets, *, label_smoothing=0.0):
    rows = classes_last(logits)
    difference = wanted_shares(rows, targets, label_smoothing) - softmax(rows, 1)
    return difference.reshape(logits.shape)


@mistake(
    "training.cross_entropy_backward",
    caught_by="test_the_gradient_of_each_example_is_its_own",
    says="You divided by the number of examples. Who called does that, where the loss is a mean.",
)
def divided_by_the_examples(logits, targets, *, label_smoothing=0.0):
    rows = classes_last(logits)
    difference = softmax(rows, 1) - wanted_shares(rows, targets, label_smoothing)
    return difference.reshape(logits.shape) / len(rows)


@mistake(
    "training.cross_entropy_backward",
    caught_by="test_scores_are_pulled_from_what_they_say_to_what_is_true",
    says="You moved the true class only. A share that grows takes from the others, so every score "
    "has a gradient.",
)
def true_class_only(logits, targets, *, label_smoothing=0.0):
    rows = classes_last(logits)
    one_hot = wanted_shares(rows, targets)
    return ((softmax(rows, 1) - one_hot) * one_hot).reshape(logits.shape)


@mistake(
    "training.cross_entropy_backward",
    caught_by="test_a_smoothed_target_pulls_less",
    says="You left the smoothing out. The true class should get 1 - s, and every class s divided "
    "by their number.",
)
def smoothing_left_out(logits, targets, *, label_smoothing=0.0):
    rows = classes_last(logits)
    return (softmax(rows, 1) - wanted_shares(rows, targets)).reshape(logits.shape)


@mistake(
    "training.cross_entropy_backward",
    caught_by="test_classes_may_come_before_other_dims",
    says="You reshaped the rows straight back. The classes are dim 1 and the rows have them last: "
    "bring that dim back to its place with permute.",
)
def classes_left_last(logits, targets, *, label_smoothing=0.0):
    rows = classes_last(logits)
    difference = softmax(rows, 1) - wanted_shares(rows, targets, label_smoothing)
    return difference.reshape(logits.shape)


# Step 6: backpropagate


@mistake(
    "training.backpropagate",
    caught_by="test_a_layer_that_is_used_twice_gets_both_gradients",
    says="The second gradient of a parameter took the place of the first. Both uses changed the "
    "loss: add them.",
)
def last_use_only(model, loss, inputs, targets):
    passed = passes(model, inputs)
    prediction = passed[-1].output if passed else inputs
    gradient, found = loss_gradient(loss, prediction, targets), {}
    for one in reversed(passed):
        gradient, own = rule_of(one.layer)(one, gradient)
        found |= {id(parameter): part for parameter, part in own}
    return loss(prediction, targets), [found.get(id(one)) for one in model.parameters()]


@mistake(
    "training.backpropagate",
    caught_by="test_backpropagation_returns_the_loss_and_every_gradient_in_order",
    says="Your gradients come in the order in which you found them, from the last layer. Return "
    "one for each of model.parameters(), in that order.",
)
def order_of_finding(model, loss, inputs, targets):
    passed = passes(model, inputs)
    prediction = passed[-1].output if passed else inputs
    gradient, found = loss_gradient(loss, prediction, targets), {}
    for one in reversed(passed):
        gradient, own = rule_of(one.layer)(one, gradient)
        for parameter, part in reversed(own):
            kept = found.get(id(parameter))
            found[id(parameter)] = part if kept is None else kept + part
    missing = [one for one in model.parameters() if id(one) not in found]
    return loss(prediction, targets), [None for _ in missing] + list(found.values())


@mistake(
    "training.backpropagate",
    caught_by="test_gradients_pass_through_every_layer_from_the_last",
    says="You gave every layer the loss's gradient. A layer gets the gradient of its own output: "
    "what the rule of the layer after it returned.",
)
def same_gradient_for_all(model, loss, inputs, targets):
    passed = passes(model, inputs)
    prediction = passed[-1].output if passed else inputs
    gradient, found = loss_gradient(loss, prediction, targets), {}
    for one in reversed(passed):
        fitting = one.output * 0 + gradient.sum()
        for parameter, part in rule_of(one.layer)(one, fitting)[1]:
            kept = found.get(id(parameter))
            found[id(parameter)] = part if kept is None else kept + part
    return loss(prediction, targets), [found.get(id(one)) for one in model.parameters()]


@mistake(
    "training.backpropagate",
    caught_by="test_what_was_not_used_has_no_gradient",
    says="You left parameters without a gradient out, and all after them moved up. Each has its "
    "place in the list: put None there.",
)
def gaps_closed(model, loss, inputs, targets):
    passed = passes(model, inputs)
    prediction = passed[-1].output if passed else inputs
    gradient, found = loss_gradient(loss, prediction, targets), {}
    for one in reversed(passed):
        gradient, own = rule_of(one.layer)(one, gradient)
        for parameter, part in own:
            kept = found.get(id(parameter))
            found[id(parameter)] = part if kept is None else kept + part
    used = [found[id(one)] for one in model.parameters() if id(one) in found]
    return loss(prediction, targets), used


# Step 7: sgd_step


def with_decay(parameter, gradient, weight_decay):
    """Return the gradient with the pull to zero."""
    return gradient + weight_decay * parameter if weight_decay else gradient


def with_velocity(gradient, velocity, momentum, nesterov):
    """Return the direction, after the velocity was changed in its memory."""
    if velocity is None:
        return gradient
    velocity *= momentum
    velocity += gradient
    return gradient + momentum * velocity if nesterov else velocity


@mistake(
    "training.sgd_step",
    caught_by="test_a_parameter_moves_against_its_gradient_in_its_memory",
    says="You made a new array and gave it the parameter's name; the memory was not touched. Write "
    "to it: parameter -= ...",
)
def new_array(
    parameter, gradient, velocity=None, *, lr, momentum=0.0, nesterov=False, weight_decay=0.0
):
    gradient = with_decay(parameter, gradient, weight_decay)
    parameter = parameter - lr * with_velocity(gradient, velocity, momentum, nesterov)


@mistake(
    "training.sgd_step",
    caught_by="test_a_parameter_moves_against_its_gradient_in_its_memory",
    says="You moved along the gradient, uphill: the loss grows. Subtract.",
)
def uphill(
    parameter, gradient, velocity=None, *, lr, momentum=0.0, nesterov=False, weight_decay=0.0
):
    gradient = with_decay(parameter, gradient, weight_decay)
    parameter += lr * with_velocity(gradient, velocity, momentum, nesterov)


@mistake(
    "training.sgd_step",
    caught_by="test_a_velocity_remembers_where_it_went",
    says="Your velocity takes only 1 - momentum of the gradient, as a mean would. Here it takes "
    "all of it: v = momentum * v + g.",
)
def velocity_as_a_mean(
    parameter, gradient, velocity=None, *, lr, momentum=0.0, nesterov=False, weight_decay=0.0
):
    gradient = with_decay(parameter, gradient, weight_decay)
    if velocity is not None:
        velocity *= momentum
        velocity += (1 - momentum) * gradient
        gradient = gradient + momentum * velocity if nesterov else velocity
    parameter -= lr * gradient


@mistake(
    "training.sgd_step",
    caught_by="test_nesterov_looks_one_step_ahead",
    says="You looked ahead along the velocity before this step. Change the velocity first, then "
    "add the gradient to momentum times the new one.",
)
def old_velocity_ahead(
    parameter, gradient, velocity=None, *, lr, momentum=0.0, nesterov=False, weight_decay=0.0
):
    gradient = with_decay(parameter, gradient, weight_decay)
    ahead = 0 if velocity is None else gradient + momentum * velocity
    plain = with_velocity(gradient, velocity, momentum, False)
    parameter -= lr * (ahead if nesterov else plain)


@mistake(
    "training.sgd_step",
    caught_by="test_weight_decay_pulls_to_zero",
    says="Your weight decay goes past the velocity. Add it to the gradient before anything else.",
)
def decay_past_the_velocity(
    parameter, gradient, velocity=None, *, lr, momentum=0.0, nesterov=False, weight_decay=0.0
):
    direction = with_velocity(gradient, velocity, momentum, nesterov)
    parameter -= lr * with_decay(parameter, direction, weight_decay)


# Step 8: adam_step


def decayed(parameter, gradient, lr, weight_decay, decoupled):
    """Return the gradient, after a decoupled decay shrank the parameter."""
    if weight_decay and decoupled:
        parameter *= 1 - lr * weight_decay
        return gradient
    return with_decay(parameter, gradient, weight_decay)


def follow(gradient, mean, square, betas):
    """Move mean and square a little towards the gradient and its square."""
    mean *= betas[0]
    mean += (1 - betas[0]) * gradient
    square *= betas[1]
    square += (1 - betas[1]) * gradient * gradient


@mistake(
    "training.adam_step",
    caught_by="test_the_first_step_is_the_learning_rate_whatever_the_gradient",
    says="You did not correct mean and square for their start at 0. Divide them by "
    "1 - beta ** step.",
)
def not_corrected(
    parameter, gradient, mean, square, *, step, lr, betas, eps, weight_decay=0.0, decoupled=False
):
    gradient = decayed(parameter, gradient, lr, weight_decay, decoupled)
    follow(gradient, mean, square, betas)
    parameter -= lr * mean / (np.sqrt(square) + eps)


@mistake(
    "training.adam_step",
    caught_by="test_later_steps_are_corrected_less",
    says="You corrected every step like the first. The missing weight is beta ** step: it fades.",
)
def corrected_as_the_first(
    parameter, gradient, mean, square, *, step, lr, betas, eps, weight_decay=0.0, decoupled=False
):
    gradient = decayed(parameter, gradient, lr, weight_decay, decoupled)
    follow(gradient, mean, square, betas)
    usual = np.sqrt(square / (1 - betas[1])) + eps
    parameter -= lr * mean / (1 - betas[0]) / usual


@mistake(
    "training.adam_step",
    caught_by="test_mean_and_square_follow_the_gradient",
    says="You made new arrays and gave them the old names. Whoever called keeps the old ones, and "
    "the next step begins at 0 again: write to their memory, with *= and +=.",
)
def new_means(
    parameter, gradient, mean, square, *, step, lr, betas, eps, weight_decay=0.0, decoupled=False
):
    gradient = decayed(parameter, gradient, lr, weight_decay, decoupled)
    mean = betas[0] * mean + (1 - betas[0]) * gradient
    square = betas[1] * square + (1 - betas[1]) * gradient * gradient
    usual = np.sqrt(square / (1 - betas[1] ** step)) + eps
    parameter -= lr / (1 - betas[0] ** step) * mean / usual


@mistake(
    "training.adam_step",
    caught_by="test_mean_and_square_follow_the_gradient",
    says="You wrote the corrected mean and square back. They would be corrected again in the next "
    "step: correct them only where they are used.",
)
def corrected_in_memory(
    parameter, gradient, mean, square, *, step, lr, betas, eps, weight_decay=0.0, decoupled=False
):
    gradient = decayed(parameter, gradient, lr, weight_decay, decoupled)
    follow(gradient, mean, square, betas)
    mean /= 1 - betas[0] ** step
    square /= 1 - betas[1] ** step
    parameter -= lr * mean / (np.sqrt(square) + eps)


@mistake(
    "training.adam_step",
    caught_by="test_eps_keeps_a_small_gradient_small",
    says="You added eps under the root. It is a size of gradients, as the root is: add it after.",
)
def eps_under_the_root(
    parameter, gradient, mean, square, *, step, lr, betas, eps, weight_decay=0.0, decoupled=False
):
    gradient = decayed(parameter, gradient, lr, weight_decay, decoupled)
    follow(gradient, mean, square, betas)
    usual = np.sqrt(square / (1 - betas[1] ** step) + eps)
    parameter -= lr / (1 - betas[0] ** step) * mean / usual


@mistake(
    "training.adam_step",
    caught_by="test_decoupled_decay_goes_past_mean_and_square",
    says="You added the decay to the gradient in both cases. Decoupled, it shrinks the parameter "
    "itself, and mean and square never see it.",
)
def decay_always_in_the_gradient(
    parameter, gradient, mean, square, *, step, lr, betas, eps, weight_decay=0.0, decoupled=False
):
    gradient = with_decay(parameter, gradient, weight_decay)
    follow(gradient, mean, square, betas)
    usual = np.sqrt(square / (1 - betas[1] ** step)) + eps
    parameter -= lr / (1 - betas[0] ** step) * mean / usual


# Step 9: clip_grad_norm_


@mistake(
    "training.clip_grad_norm_",
    caught_by="test_gradients_that_are_too_long_are_shortened_together",
    says="You shortened each gradient by its own length. Together they are one direction: use one "
    "factor for all.",
)
def each_by_itself(gradients, max_norm):
    norm = total_norm(gradients)
    for place, gradient in enumerate(gradients):
        own = 0.0 if gradient is None else total_norm([gradient])
        if max_norm < own < math.inf:
            gradients[place] = gradient * (max_norm / own)
    return norm


@mistake(
    "training.clip_grad_norm_",
    caught_by="test_gradients_that_are_short_enough_stay",
    says="You made short gradients longer. A length below the limit is left alone.",
)
def always_scaled(gradients, max_norm):
    norm = total_norm(gradients)
    if 0 < norm < math.inf:
        for place, gradient in enumerate(gradients):
            if gradient is not None:
                gradients[place] = gradient * (max_norm / norm)
    return norm


@mistake(
    "training.clip_grad_norm_",
    caught_by="test_the_tensors_that_were_in_the_list_keep_their_numbers",
    says="You wrote to the memory of the gradients. One that stands in two places is shortened "
    "twice: put new tensors into the list.",
)
def written_in_place(gradients, max_norm):
    norm = total_norm(gradients)
    if max_norm < norm < math.inf:
        for gradient in gradients:
            if gradient is not None:
                gradient *= max_norm / norm
    return norm


@mistake(
    "training.clip_grad_norm_",
    caught_by="test_a_length_that_is_no_number_is_left_to_be_seen",
    says="You divided by a length that is no number. The gradients are 0 or nan now, and what went "
    "wrong is hidden: change nothing where the length is not finite.",
)
def divided_by_infinity(gradients, max_norm):
    norm = total_norm(gradients)
    if not norm <= max_norm:
        for place, gradient in enumerate(gradients):
            if gradient is not None:
                gradients[place] = gradient * (max_norm / norm)
    return norm


@mistake(
    "training.clip_grad_norm_",
    caught_by="test_gradients_that_are_too_long_are_shortened_together",
    says="You returned the length after clipping. Whoever trains wants to know how long the "
    "gradients were.",
)
def length_after(gradients, max_norm):
    norm = total_norm(gradients)
    if max_norm < norm < math.inf:
        for place, gradient in enumerate(gradients):
            if gradient is not None:
                gradients[place] = gradient * (max_norm / norm)
    return total_norm(gradients)


# Step 10: cosine_annealing


@mistake(
    "training.cosine_annealing",
    caught_by="test_the_rate_falls_along_half_a_wave",
    says="You went down in a straight line. The cosine makes it slow at both ends.",
)
def straight_line(self, step):
    share = min(step / self.steps, 1.0)
    return self.lr + (self.eta_min - self.lr) * share


@mistake(
    "training.cosine_annealing",
    caught_by="test_the_rate_stays_down",
    says="Your rate rises again after the last step. Hold the share of the way at 1.",
)
def rises_again(self, step):
    share = step / self.steps
    return self.eta_min + (self.lr - self.eta_min) * (1 + math.cos(math.pi * share)) / 2


@mistake(
    "training.cosine_annealing",
    caught_by="test_the_rate_falls_along_half_a_wave",
    says="Your wave goes all the way to zero, and eta_min is added on top. What falls is the "
    "distance of the two rates, lr - eta_min.",
)
def lowest_on_top(self, step):
    share = min(step / self.steps, 1.0)
    return self.eta_min + self.lr * (1 + math.cos(math.pi * share)) / 2


@mistake(
    "training.cosine_annealing",
    caught_by="test_the_rate_falls_along_half_a_wave",
    says="You went along a whole wave and are back up at the end. Half a wave ends at pi.",
)
def whole_wave(self, step):
    share = min(step / self.steps, 1.0)
    return self.eta_min + (self.lr - self.eta_min) * (1 + math.cos(2 * math.pi * share)) / 2


# Step 11: train_step


def remembered(trainer, value, norm):
    """Remember a step, for the mistakes that get this right."""
    rate = trainer.optimizer.lr
    trainer.history.note_step(loss=value, learning_rate=rate, gradient_norm=norm)
    return value


def set_rate(trainer):
    """Set the rate of the step that follows."""
    if trainer.schedule is not None:
        trainer.optimizer.lr = trainer.schedule(len(trainer.history.losses))


@mistake(
    "training.train_step",
    caught_by="test_gradients_are_clipped_before_the_step",
    says="You did not clip the gradients, or only after the step. clip_grad_norm_ comes before the "
    "optimizer.",
)
def clipped_too_late(self, inputs, targets):
    loss, gradients = self.gradients(self.model, self.loss, inputs, targets)
    value, norm = float(loss), total_norm(gradients)
    self.require_finite(value, norm)
    set_rate(self)
    self.optimizer.step(gradients)
    clip_grad_norm_(gradients, self.max_norm)
    return remembered(self, value, norm)


@mistake(
    "training.train_step",
    caught_by="test_a_loss_that_is_no_number_stops_before_anything_changes",
    says="You looked at the loss after the step: the weights are spoilt already. Call "
    "require_finite before the optimizer steps.",
)
def looked_too_late(self, inputs, targets):
    loss, gradients = self.gradients(self.model, self.loss, inputs, targets)
    value, norm = float(loss), clip_grad_norm_(gradients, self.max_norm)
    set_rate(self)
    self.optimizer.step(gradients)
    self.require_finite(value, norm)
    return remembered(self, value, norm)


@mistake(
    "training.train_step",
    caught_by="test_the_schedule_sets_the_rate_of_every_step",
    says="Your rate is that of the step before: you set it after the optimizer had stepped.",
)
def rate_one_step_late(self, inputs, targets):
    loss, gradients = self.gradients(self.model, self.loss, inputs, targets)
    value, norm = float(loss), clip_grad_norm_(gradients, self.max_norm)
    self.require_finite(value, norm)
    self.optimizer.step(gradients)
    set_rate(self)
    return remembered(self, value, norm)


@mistake(
    "training.train_step",
    caught_by="test_every_step_is_remembered",
    says="You remembered nothing. A step that is not in the history cannot be analysed: call "
    "note_step.",
)
def nothing_remembered(self, inputs, targets):
    loss, gradients = self.gradients(self.model, self.loss, inputs, targets)
    value, norm = float(loss), clip_grad_norm_(gradients, self.max_norm)
    self.require_finite(value, norm)
    set_rate(self)
    self.optimizer.step(gradients)
    return value


@mistake(
    "training.train_step",
    caught_by="test_the_source_gets_the_model_the_loss_and_the_batch",
    says="You called one source of gradients by name. Where gradients come from is the trainer's "
    "argument: call self.gradients.",
)
def one_source_for_all(self, inputs, targets):
    from tinytorch.training import backpropagate

    loss, gradients = backpropagate(self.model, self.loss, inputs, targets)
    value, norm = float(loss), clip_grad_norm_(gradients, self.max_norm)
    self.require_finite(value, norm)
    set_rate(self)
    self.optimizer.step(gradients)
    return remembered(self, value, norm)


# Step 12: save_checkpoint


@mistake(
    "training.save_checkpoint",
    caught_by="test_a_file_is_on_the_disk_before_it_is_moved_and_its_name_after",
    says="The new file was in its place before it was on the disk. After a power failure the name "
    "is there and the contents are not: write beside it, force that onto the disk, and move it "
    "then.",
)
def moved_before_it_was_written(path, tensors, facts):
    place = Path(path)
    with part_of(place) as part:
        part.write_bytes(safetensors_bytes(tensors, described(tensors, facts)))
        os.replace(part, place)
        force_to_disk(place)
    force_to_disk(place.parent)


@mistake(
    "training.save_checkpoint",
    caught_by="test_a_file_is_on_the_disk_before_it_is_moved_and_its_name_after",
    says="The contents are on the disk, the name may not be. The folder has changed too: force it "
    "onto the disk at the end.",
)
def folder_forgotten(path, tensors, facts):
    place = Path(path)
    with part_of(place) as part:
        part.write_bytes(safetensors_bytes(tensors, described(tensors, facts)))
        force_to_disk(part)
        os.replace(part, place)


@mistake(
    "training.save_checkpoint",
    caught_by="test_a_file_is_on_the_disk_before_it_is_moved_and_its_name_after",
    says="You renamed the part. On Windows that fails where a file of that name is there already: "
    "os.replace moves it on every system.",
)
def part_renamed(path, tensors, facts):
    place = Path(path)
    with part_of(place) as part:
        part.write_bytes(safetensors_bytes(tensors, described(tensors, facts)))
        force_to_disk(part)
        part.rename(place)
    force_to_disk(place.parent)


@mistake(
    "training.save_checkpoint",
    caught_by="test_a_checkpoint_that_was_there_survives_a_write_that_fails",
    says="You forced nothing onto the disk. What a program wrote is in memory for a while, and a "
    "power failure takes it: call force_to_disk on the part, and on the folder at the end.",
)
def never_forced(path, tensors, facts):
    place = Path(path)
    with part_of(place) as part:
        part.write_bytes(safetensors_bytes(tensors, described(tensors, facts)))
        os.replace(part, place)


@mistake(
    "training.save_checkpoint",
    caught_by="test_a_file_is_on_the_disk_before_it_is_moved_and_its_name_after",
    says="You copied the part instead of moving it. A copy takes time, in which half of it is "
    "there: os.replace moves it at once.",
)
def copied(path, tensors, facts):
    place = Path(path)
    with part_of(place) as part:
        part.write_bytes(safetensors_bytes(tensors, described(tensors, facts)))
        force_to_disk(part)
        place.write_bytes(part.read_bytes())
    force_to_disk(place.parent)


@mistake(
    "training.save_checkpoint",
    caught_by="test_a_checkpoint_that_was_there_survives_a_write_that_fails",
    says="You wrote over the checkpoint that was there. From when the file is opened until the "
    "disk has all of it there is no whole one: write to the part, and move it.",
)
def written_over(path, tensors, facts):
    place = Path(path)
    place.write_bytes(safetensors_bytes(tensors, described(tensors, facts)))
    force_to_disk(place)
    force_to_disk(place.parent)


@mistake(
    "training.save_checkpoint",
    caught_by="test_what_was_saved_comes_back",
    says="You saved the tensors alone. The facts, and the SHA-256 that says whether the file is "
    "whole, go into the metadata: described(tensors, facts).",
)
def tensors_alone(path, tensors, facts):
    place = Path(path)
    with part_of(place) as part:
        part.write_bytes(safetensors_bytes(tensors))
        force_to_disk(part)
        os.replace(part, place)
    force_to_disk(place.parent)
