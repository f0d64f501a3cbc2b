"""Training behaves as the chapter says: one example for each rule."""

import functools
import math
import os
import stat

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import expect, expect_error


def line(*numbers):
    """Return a model with one parameter that it multiplies its inputs by."""

    class Line(tt.Module):
        def forward(self, x):
            return x * self.weight

    model = Line()
    model.weight = tt.tensor(list(numbers))
    return model


def column(*numbers):
    """Return numbers as a column: one example each."""
    return tt.tensor([[number] for number in numbers])


def classes(*numbers):
    """Return numbers of classes."""
    return tt.tensor(list(numbers), tt.int64)


# Step 1: squared distances


@pytest.mark.step("training.mse_loss")
def test_the_squared_loss_is_the_mean_of_squared_distances():
    expect(
        tt.training.mse_loss(tt.tensor([1.0, 2.0]), tt.tensor([1.0, 5.0])),
        tt.tensor(4.5),
        because="the distances are 0 and 3, their squares 0 and 9, and the mean of those is 4.5",
    )


@pytest.mark.step("training.mse_loss")
def test_terms_can_be_summed_or_left_as_they_are():
    given = tt.tensor([[1.0], [2.0]]), tt.tensor([[1.0], [5.0]])
    expect(
        tt.training.mse_loss(*given, reduction="sum"), tt.tensor(9.0), because="0 and 9 together"
    )
    expect(
        tt.training.mse_loss(*given, reduction="none"),
        tt.tensor([[0.0], [9.0]]),
        because="one term for each prediction, in their shape",
    )


@pytest.mark.step("training.mse_loss")
def test_nothing_is_broadcast_in_a_loss():
    expect_error(
        lambda: tt.training.mse_loss(tt.zeros(3, 1), tt.zeros(3)),
        ValueError,
        "(3, 1)",
        "(3,)",
        because="broadcast, they would be compared each with each: 9 distances instead of 3",
    )


# Step 2: surprise


@pytest.mark.step("training.cross_entropy")
def test_equal_scores_are_as_surprised_as_a_fair_choice():
    expect(
        tt.training.cross_entropy(tt.zeros(3, 4), classes(0, 3, 1)),
        tt.tensor(math.log(4)),
        because="each class has a share of 1/4, and -log(1/4) is log(4)",
        within=1e-6,
    )


@pytest.mark.step("training.cross_entropy")
def test_the_surprise_is_that_of_the_true_class():
    scores = tt.tensor([[math.log(1.0), math.log(3.0)], [math.log(1.0), math.log(1.0)]])
    expect(
        tt.training.cross_entropy(scores, classes(1, 0), reduction="none"),
        tt.tensor([-math.log(3 / 4), -math.log(1 / 2)]),
        because="the true class of the first example has a share of 3/4, of the second 1/2",
        within=1e-6,
    )


@pytest.mark.step("training.cross_entropy")
def test_no_score_is_too_large():
    expect(
        tt.training.cross_entropy(tt.tensor([[0.0, 1000.0]]), classes(0)),
        tt.tensor(1000.0),
        because="the share of class 0 rounds to 0, but its logarithm is -1000",
    )


@pytest.mark.step("training.cross_entropy")
def test_smoothing_asks_a_little_for_every_class():
    scores = tt.tensor([[0.0, math.log(3.0)]])
    expect(
        tt.training.cross_entropy(scores, classes(1), label_smoothing=0.5),
        tt.tensor(-0.5 * math.log(3 / 4) - 0.25 * (math.log(1 / 4) + math.log(3 / 4))),
        because="half is the true class's surprise, half the mean of both classes' surprise",
        within=1e-6,
    )


@pytest.mark.step("training.cross_entropy")
def test_a_class_that_was_not_scored_is_refused_by_number():
    for wrong in (2, -1):
        expect_error(
            lambda wrong=wrong: tt.training.cross_entropy(tt.zeros(2, 2), classes(0, wrong)),
            ValueError,
            str(wrong),
            because="there are classes 0 and 1, and none counts from the end",
        )
    expect_error(
        lambda: tt.training.cross_entropy(tt.zeros(2, 2), tt.tensor([0.0, 1.0])),
        TypeError,
        "float32",
        because="a class has a number, and a float names none",
    )


# Step 3: slopes, measured


@pytest.mark.step("training.central_differences")
def test_slopes_are_measured_from_both_sides():
    x = np.array([1.0, -2.0])
    expect(
        tt.training.central_differences(lambda: float((x**2).sum()), x, step=0.5),
        np.array([2.0, -4.0]),
        because="the slope of x * x is 2 x, and a chord as far to the left as to the right "
        "has it exactly",
        within=1e-12,
    )


@pytest.mark.step("training.central_differences")
def test_numbers_are_put_back_bit_for_bit():
    numbers = np.array([0.1, -1e-8, 3e7], np.float32)
    before = numbers.tobytes()
    tt.training.central_differences(lambda: float(numbers.sum()), numbers)
    expect(numbers.tobytes(), before, because="who measures a model must not change it")


@pytest.mark.step("training.central_differences")
def test_each_number_moves_alone():
    numbers = np.array([[1.0, 2.0], [3.0, 4.0]])
    slopes = tt.training.central_differences(lambda: float(numbers[0, 0] * numbers[1, 1]), numbers)
    expect(
        slopes,
        np.array([[4.0, 0.0], [0.0, 1.0]]),
        because="the product of 1 and 4 grows by 4 with the first, by 1 with the second",
        within=1e-8,
    )


@pytest.mark.step("training.central_differences")
def test_a_large_number_moves_further():
    numbers, seen = np.array([1000.0, 0.001]), []
    tt.training.central_differences(lambda: seen.append(numbers.copy()) or 0.0, numbers, step=0.01)
    reached = np.max(seen, 0) - np.array([1000.0, 0.001])
    expect(
        reached,
        np.array([10.0, 0.01]),
        because="the step is a share of a large number, and never less than a share of 1",
        within=1e-9,
    )


@pytest.mark.step("training.central_differences")
def test_numbers_are_put_back_when_the_function_fails():
    numbers = np.array([1.0, 2.0])

    def fail():
        raise ValueError("the model has a mistake")

    expect_error(
        lambda: tt.training.central_differences(fail, numbers),
        ValueError,
        "the model has a mistake",
        because="the error of the model is what the reader has to see",
    )
    expect(numbers, np.array([1.0, 2.0]), because="the model is as it was even then")


# Step 4: back through a dense layer


def back_through_dense(dtype=tt.float32):
    """Return the gradients of one example with two inputs and three outputs."""
    weight = tt.tensor([[3, 4], [5, 6], [7, 8]], dtype)
    return tt.training.dense_backward(
        tt.tensor([[1, 10, 100]], dtype), tt.tensor([[1, 2]], dtype), weight
    )


@pytest.mark.step("training.dense_backward")
def test_an_input_hears_from_every_output_by_its_weight():
    expect(
        back_through_dense()[0],
        tt.tensor([[753.0, 864.0]]),
        because="1 * 3 + 10 * 5 + 100 * 7, and 1 * 4 + 10 * 6 + 100 * 8",
    )


@pytest.mark.step("training.dense_backward")
def test_a_weight_hears_from_its_output_by_its_input():
    expect(
        back_through_dense()[1],
        tt.tensor([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]),
        because="the weight from input i to output o multiplied x[i] into y[o]",
    )


@pytest.mark.step("training.dense_backward")
def test_a_bias_hears_from_its_output():
    expect(back_through_dense()[2], tt.tensor([1.0, 10.0, 100.0]), because="it was added as it is")


@pytest.mark.step("training.dense_backward")
def test_examples_add_up_in_the_parameters_and_not_in_the_inputs():
    to_x, to_weight, to_bias = tt.training.dense_backward(
        column(1.0, 10.0), column(2.0, 3.0), tt.tensor([[5.0]])
    )
    expect(to_x, column(5.0, 50.0), because="each example's input has a gradient of its own")
    expect(to_weight, tt.tensor([[32.0]]), because="1 * 2 of one example, 10 * 3 of the other")
    expect(to_bias, tt.tensor([11.0]), because="1 of one example and 10 of the other")


# Step 5: back through the surprise


@pytest.mark.step("training.cross_entropy_backward")
def test_scores_are_pulled_from_what_they_say_to_what_is_true():
    expect(
        tt.training.cross_entropy_backward(tt.tensor([[0.0, math.log(3.0)]]), classes(0)),
        tt.tensor([[0.25 - 1, 0.75]]),
        because="the shares are 1/4 and 3/4, and should be 1 and 0",
        within=1e-6,
    )


@pytest.mark.step("training.cross_entropy_backward")
def test_the_gradient_of_each_example_is_its_own():
    expect(
        tt.training.cross_entropy_backward(tt.zeros(2, 2), classes(0, 1)),
        tt.tensor([[-0.5, 0.5], [0.5, -0.5]]),
        because="the mean over the examples is taken by who called",
        within=1e-6,
    )


@pytest.mark.step("training.cross_entropy_backward")
def test_a_smoothed_target_pulls_less():
    expect(
        tt.training.cross_entropy_backward(tt.zeros(1, 4), classes(2), label_smoothing=0.4),
        tt.tensor([[0.15, 0.15, -0.45, 0.15]]),
        because="the shares are 1/4; wanted are 0.1 for each, and 0.6 more for the true class",
        within=1e-6,
    )


# Step 6: back through a network


@pytest.mark.step("training.backpropagate")
def test_backpropagation_returns_the_loss_and_every_gradient_in_order():
    layer = tt.Dense(1, 1)
    layer.load_state_dict({"weight": tt.tensor([[2.0]]), "bias": tt.tensor([1.0])})
    loss, gradients = tt.training.backpropagate(
        tt.Sequential(layer), tt.mse_loss, column(3.0), column(5.0)
    )
    expect(loss, tt.tensor(4.0), because="2 * 3 + 1 is 7, which is 2 from 5")
    expect(gradients[0], tt.tensor([[12.0]]), because="2 * (7 - 5), times the input 3")
    expect(gradients[1], tt.tensor([4.0]), because="2 * (7 - 5)")


@pytest.mark.step("training.backpropagate")
def test_gradients_pass_through_every_layer_from_the_last():
    first, last = tt.Dense(1, 2, bias=False), tt.Dense(2, 1, bias=False)
    first.load_state_dict({"weight": column(1.0, -1.0)})
    last.load_state_dict({"weight": tt.tensor([[10.0, 100.0]])})
    model = tt.Sequential(first, tt.ReLU(), last)
    _, gradients = tt.training.backpropagate(model, tt.mse_loss, column(2.0), column(19.0))
    expect(
        gradients[0],
        column(40.0, 0.0),
        because="2 * (20 - 19), times 10, times the input 2; the second unit was shut",
    )
    expect(gradients[1], tt.tensor([[4.0, 0.0]]), because="2 * (20 - 19) times what came in")


@pytest.mark.step("training.backpropagate")
def test_a_layer_that_is_used_twice_gets_both_gradients():
    layer = tt.Dense(1, 1, bias=False)
    layer.load_state_dict({"weight": tt.tensor([[3.0]])})
    _, gradients = tt.training.backpropagate(
        tt.Sequential(layer, layer), tt.mse_loss, column(1.0), column(8.5)
    )
    expect(
        gradients, [tt.tensor([[6.0]])], because="w * w is 9, its slope 2 w is 6: 3 for each use"
    )


@pytest.mark.step("training.backpropagate")
def test_what_was_not_used_has_no_gradient():
    layer = tt.Dense(1, 1, bias=False)
    layer.load_state_dict({"weight": tt.tensor([[3.0]])})
    model = tt.Sequential(layer)
    model.unused = tt.zeros(3)
    _, gradients = tt.training.backpropagate(model, tt.mse_loss, column(1.0), column(1.0))
    expect(gradients[0], None, because="its own parameters come first, and this one did nothing")
    expect(gradients[1], tt.tensor([[4.0]]), because="2 * (3 - 1) times the input 1")


# Step 7: one step of gradient descent


def stepped(kernel, *numbers, **options):
    """Return what a kernel makes of arrays of one number each, written in their memory."""
    arrays = [np.array([number]) for number in numbers]
    kernel(*arrays, **options)
    return [array.item() for array in arrays]


@pytest.mark.step("training.sgd_step")
def test_a_parameter_moves_against_its_gradient_in_its_memory():
    expect(
        stepped(tt.training.sgd_step, 1.0, 3.0, lr=0.1),
        [0.7, 3.0],
        because="1 - 0.1 * 3; the gradient stays as it is",
        within=1e-12,
    )


@pytest.mark.step("training.sgd_step")
def test_a_velocity_remembers_where_it_went():
    expect(
        stepped(tt.training.sgd_step, 1.0, 3.0, 10.0, lr=0.1, momentum=0.5),
        [0.2, 3.0, 8.0],
        because="the velocity is 0.5 * 10 + 3, and the parameter moves by 0.1 * 8",
        within=1e-12,
    )


@pytest.mark.step("training.sgd_step")
def test_nesterov_looks_one_step_ahead():
    expect(
        stepped(tt.training.sgd_step, 1.0, 3.0, 10.0, lr=0.1, momentum=0.5, nesterov=True),
        [0.3, 3.0, 8.0],
        because="the parameter moves by 0.1 * (3 + 0.5 * 8), the velocity that is to come",
        within=1e-12,
    )


@pytest.mark.step("training.sgd_step")
def test_weight_decay_pulls_to_zero():
    expect(
        stepped(tt.training.sgd_step, 2.0, 3.0, 0.0, lr=0.1, momentum=0.5, weight_decay=0.5),
        [1.6, 3.0, 4.0],
        because="the gradient is 3 + 0.5 * 2, for the velocity as well",
        within=1e-12,
    )


# Step 8: one step of Adam


ADAM = {"lr": 0.1, "betas": (0.9, 0.999), "eps": 0.0}


@pytest.mark.step("training.adam_step")
def test_the_first_step_is_the_learning_rate_whatever_the_gradient():
    for gradient in (1e-3, 1.0, 1e3):
        parameter = stepped(tt.training.adam_step, 1.0, gradient, 0.0, 0.0, step=1, **ADAM)[0]
        expect(
            parameter,
            0.9,
            because="corrected for their start at 0, the mean is g and the square g * g, "
            "and g / sqrt(g * g) is 1",
            within=1e-12,
        )


@pytest.mark.step("training.adam_step")
def test_mean_and_square_follow_the_gradient():
    _, gradient, mean, square = stepped(tt.training.adam_step, 1.0, 2.0, 1.0, 3.0, step=5, **ADAM)
    expect(mean, 1.1, because="0.9 of what it was and 0.1 of 2", within=1e-12)
    expect(square, 3.001, because="0.999 of what it was and 0.001 of 2 * 2", within=1e-12)
    expect(gradient, 2.0, because="the gradient stays as it is")


@pytest.mark.step("training.adam_step")
def test_later_steps_are_corrected_less():
    parameter = stepped(tt.training.adam_step, 1.0, 0.0, 1.0, 1.0, step=3, **ADAM)[0]
    mean, square = 0.9 / (1 - 0.9**3), 0.999 / (1 - 0.999**3)
    expect(
        parameter,
        1 - 0.1 * mean / math.sqrt(square),
        because="after three steps, 1 - beta ** 3 of the weight has arrived",
        within=1e-12,
    )


@pytest.mark.step("training.adam_step")
def test_eps_keeps_a_small_gradient_small():
    options = ADAM | {"eps": 1.0}
    parameter = stepped(tt.training.adam_step, 1.0, 1.0, 0.0, 0.0, step=1, **options)[0]
    expect(parameter, 0.95, because="0.1 * 1 / (sqrt(1) + 1)", within=1e-12)


@pytest.mark.step("training.adam_step")
def test_decoupled_decay_goes_past_mean_and_square():
    decay = {"step": 1, "weight_decay": 0.5, **ADAM}
    numbers = stepped(tt.training.adam_step, 2.0, 1.0, 0.0, 0.0, decoupled=True, **decay)
    expect(
        numbers,
        [1.8, 1.0, 0.1, 0.001],
        because="2 shrinks by 0.1 * 0.5 * 2, then the step takes 0.1; mean and square saw 1",
        within=1e-12,
    )
    numbers = stepped(tt.training.adam_step, 2.0, 1.0, 0.0, 0.0, **decay)
    expect(
        numbers,
        [1.9, 1.0, 0.2, 0.004],
        because="as part of the gradient, 1 + 0.5 * 2, the decay is divided away with it",
        within=1e-12,
    )


# Step 9: clipping


@pytest.mark.step("training.clip_grad_norm_")
def test_gradients_that_are_too_long_are_shortened_together():
    gradients = [tt.tensor([3.0]), None, tt.tensor([[4.0]])]
    norm = tt.training.clip_grad_norm_(gradients, 1.0)
    expect(norm, 5.0, because="the root of 3 * 3 + 4 * 4, over all gradients", within=1e-6)
    expect(gradients[0], tt.tensor([0.6]), because="a fifth of 3: the direction stays", within=1e-6)
    expect(gradients[2], tt.tensor([[0.8]]), because="a fifth of 4", within=1e-6)
    expect(gradients[1], None, because="what has no gradient gets none")


@pytest.mark.step("training.clip_grad_norm_")
def test_gradients_that_are_short_enough_stay():
    gradients = [tt.tensor([3.0, 4.0])]
    kept = gradients[0]
    norm = tt.training.clip_grad_norm_(gradients, 5.0)
    expect(norm, 5.0, because="the length is returned in any case", within=1e-6)
    expect(gradients[0] is kept, True, because="5 is not longer than 5")
    tt.training.clip_grad_norm_(gradients, 10.0)
    expect(gradients[0], tt.tensor([3.0, 4.0]), because="a limit makes nothing longer")


@pytest.mark.step("training.clip_grad_norm_")
def test_the_tensors_that_were_in_the_list_keep_their_numbers():
    shared = tt.tensor([3.0, 4.0])
    gradients = [shared, shared]
    tt.training.clip_grad_norm_(gradients, math.sqrt(2) / 2)
    expect(shared, tt.tensor([3.0, 4.0]), because="their memory may belong to others")
    expect(
        [one.tolist() for one in gradients],
        [[0.3, 0.4], [0.3, 0.4]],
        because="a tensor that is there twice is shortened once in each place",
        within=1e-6,
    )


@pytest.mark.step("training.clip_grad_norm_")
def test_a_length_that_is_no_number_is_left_to_be_seen():
    for wrong in (math.nan, math.inf):
        gradients = [tt.tensor([1.0, wrong])]
        norm = tt.training.clip_grad_norm_(gradients, 1.0)
        expect(norm, wrong, because="the length says what is wrong")
        expect(
            gradients[0],
            tt.tensor([1.0, wrong]),
            because="divided by it, the gradients would be 0 or nan, and nobody would know why",
        )


# Step 10: a schedule


@pytest.mark.step("training.cosine_annealing")
def test_the_rate_falls_along_half_a_wave():
    schedule = tt.training.CosineAnnealingLR(0.4, 60, eta_min=0.2)
    expect(schedule(0), 0.4, because="it begins at lr", within=1e-12)
    expect(schedule(20), 0.35, because="a third of the way, the cosine is 1/2", within=1e-12)
    expect(schedule(30), 0.3, because="half way it is half way between the two", within=1e-12)
    expect(schedule(60), 0.2, because="it ends at eta_min", within=1e-12)


@pytest.mark.step("training.cosine_annealing")
def test_the_rate_stays_down():
    schedule = tt.training.CosineAnnealingLR(1.0, 10)
    for step in (11, 15, 20):
        expect(schedule(step), 0.0, because="a cosine would rise again", within=1e-12)


# Step 11: one step of training


def trainer_of(gradient, loss=2.0, **options):
    """Return a trainer of one parameter of 1.0, whose source always says the same."""
    model = line(1.0)
    optimizer = options.pop("optimizer", tt.SGD(model.parameters(), 0.1))

    def source(*given):
        return tt.tensor(loss), [tt.tensor([gradient])]

    return tt.Trainer(model, tt.mse_loss, optimizer, gradients=source, log=None, **options)


@pytest.mark.step("training.train_step")
def test_a_step_returns_the_loss_and_moves_the_parameters():
    trainer = trainer_of(gradient=3.0)
    expect(trainer.train_step(None, None), 2.0, because="the loss that the source gave")
    expect(trainer.model.weight, tt.tensor([0.7]), because="1 - 0.1 * 3", within=1e-6)


@pytest.mark.step("training.train_step")
def test_the_source_gets_the_model_the_loss_and_the_batch():
    model, seen = line(1.0), []

    def source(*given):
        seen.extend(given)
        return tt.tensor(0.0), [None]

    optimizer = tt.SGD(model.parameters(), 0.1)
    trainer = tt.Trainer(model, tt.mse_loss, optimizer, gradients=source, log=None)
    trainer.train_step("inputs", "targets")
    expect(seen[0] is model, True, because="gradients are those of the model's parameters")
    expect(seen[1] is tt.mse_loss, True, because="the loss says what the gradients are of")
    expect(seen[2:], ["inputs", "targets"], because="and this batch is what it looks at")


@pytest.mark.step("training.train_step")
def test_gradients_are_clipped_before_the_step():
    trainer = trainer_of(gradient=3.0, max_norm=1.0)
    trainer.train_step(None, None)
    expect(trainer.model.weight, tt.tensor([0.9]), because="1 - 0.1 * 1", within=1e-6)
    expect(
        trainer.history.gradient_norms, [3.0], because="the history has the length before clipping"
    )


@pytest.mark.step("training.train_step")
def test_the_schedule_sets_the_rate_of_every_step():
    trainer = trainer_of(gradient=1.0, schedule=lambda step: 0.5 / (step + 1))
    trainer.train_step(None, None)
    trainer.train_step(None, None)
    expect(
        trainer.history.learning_rates, [0.5, 0.25], because="steps are counted from 0, one by one"
    )
    expect(trainer.model.weight, tt.tensor([0.25]), because="1 - 0.5 - 0.25", within=1e-6)


@pytest.mark.step("training.train_step")
def test_a_loss_that_is_no_number_stops_before_anything_changes():
    trainer = trainer_of(gradient=1.0, loss=math.nan)
    expect_error(
        lambda: trainer.train_step(None, None),
        FloatingPointError,
        "nan",
        "learning rate",
        because="it says what to look at",
    )
    expect(trainer.model.weight, tt.tensor([1.0]), because="the weights are still those before")
    expect(trainer.history.losses, [], because="a step that did not happen is not remembered")


@pytest.mark.step("training.train_step")
def test_every_step_is_remembered():
    trainer = trainer_of(gradient=-4.0, loss=7.0)
    trainer.train_step(None, None)
    history = trainer.history
    expect(history.losses, [7.0], because="the loss of the step")
    expect(history.gradient_norms, [4.0], because="the length of its gradient")
    expect(history.learning_rates, [0.1], because="the rate it was made with")


# Step 12: checkpoints


def watched(monkeypatch):
    """Return a list that fills with what is forced onto the disk, and what is moved."""
    seen, sync = [], os.fsync

    def note_sync(descriptor):
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        seen.append("folder forced" if is_folder else "file forced")
        sync(descriptor)

    def noting(move, name):
        def note_move(source, target):
            if os.path.basename(target) == "saved.safetensors":
                seen.append(name)
            move(source, target)

        return note_move

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", noting(os.replace, "moved"))
    monkeypatch.setattr(os, "rename", noting(os.rename, "renamed"))
    return seen


@pytest.mark.step("training.save_checkpoint")
def test_what_was_saved_comes_back(tmp_path):
    path = tmp_path / "saved.safetensors"
    tensors = {"weight": tt.tensor([[1.5, -2.0]]), "steps": tt.tensor(3)}
    tt.training.save_checkpoint(path, tensors, {"epoch": 3, "names": ["a", "b"]})
    found = tt.training.load_checkpoint(path)
    expect(found.tensors["weight"], tt.tensor([[1.5, -2.0]]), because="the same numbers")
    expect(found.tensors["steps"], tt.tensor(3), because="the same dtype and shape")
    expect(found.facts, {"epoch": 3, "names": ["a", "b"]}, because="the facts are beside them")


@pytest.mark.step("training.save_checkpoint")
def test_a_checkpoint_that_was_there_survives_a_write_that_fails(tmp_path, monkeypatch):
    path = tmp_path / "saved.safetensors"
    tt.training.save_checkpoint(path, {"weight": tt.ones(2)}, {})

    def power_failure(descriptor):
        raise OSError("the disk is gone")

    with monkeypatch.context() as failing:
        failing.setattr(os, "fsync", power_failure)
        expect_error(
            lambda: tt.training.save_checkpoint(path, {"weight": tt.zeros(2)}, {}),
            OSError,
            "the disk is gone",
            because="who called has to know",
        )
    found = tt.training.load_checkpoint(path)
    expect(found.tensors["weight"], tt.ones(2), because="the one before is still there, whole")
    expect(len(list(tmp_path.iterdir())), 1, because="what was begun beside it is gone")


@pytest.mark.step("training.save_checkpoint")
def test_a_file_is_on_the_disk_before_it_is_moved_and_its_name_after(tmp_path, monkeypatch):
    seen = watched(monkeypatch)
    tt.training.save_checkpoint(tmp_path / "saved.safetensors", {"weight": tt.ones(2)}, {})
    expect(
        seen,
        ["file forced", "moved", "folder forced"],
        because="a name that the disk has before the contents leads to a file of nothing; "
        "and os.replace moves it, over a file that is there, on every system",
    )


@pytest.mark.step("training.save_checkpoint")
def test_nothing_is_left_beside_a_checkpoint(tmp_path):
    tt.training.save_checkpoint(tmp_path / "saved.safetensors", {"weight": tt.ones(2)}, {})
    expect(
        [path.name for path in tmp_path.iterdir()],
        ["saved.safetensors"],
        because="the part that was written has become the file",
    )


# What comes with the steps


def test_huber_counts_small_distances_squared_and_large_ones_plainly():
    loss = tt.huber_loss(tt.tensor([0.5, 3.0]), tt.tensor([0.0, 0.0]))
    expect(loss, tt.tensor(1.3125), because="0.5 * 0.5 / 2 and 3 - 1/2, the mean of both")


def test_yes_and_no_are_scored_without_rounding_to_certainty():
    found = tt.binary_cross_entropy_with_logits(
        tt.tensor([0.0, 100.0, 100.0, -100.0]), tt.tensor([1.0, 1.0, 0.0, 1.0]), reduction="none"
    )
    wanted = tt.tensor([math.log(2), math.exp(-100), 100.0, 100.0])
    expect(found, wanted, because="log(2) for no idea; 100 for being sure and wrong", within=1e-6)
    expect(found[1].item() > 0, True, because="even being sure and right costs a little")


def test_gradients_can_be_measured_of_any_model():
    model = line(2.0).to(tt.float64)
    loss, gradients = tt.finite_differences(model, tt.mse_loss, tt.tensor([3.0]), tt.tensor([5.0]))
    expect(loss.item(), 1.0, because="2 * 3 is 1 from 5", within=1e-12)
    expect(gradients[0].tolist(), [6.0], because="2 * (6 - 5) * 3", within=1e-6)


def test_a_layer_without_a_rule_is_named_with_the_way_out():
    expect_error(
        lambda: tt.backpropagate(tt.Sequential(tt.GELU()), tt.mse_loss, column(1.0), column(1.0)),
        TypeError,
        "GELU",
        "finite_differences",
        because="no rule was derived for it",
    )


def test_optimizers_refuse_gradients_that_do_not_fit():
    optimizer = tt.SGD([tt.zeros(2), tt.zeros(3)], 0.1)
    for gradients, kind, mention in (
        ([None], ValueError, "1 gradients for 2 parameters"),
        ([None, tt.zeros(2)], ValueError, "(2,)"),
        ([tt.zeros(2).to(tt.float64), None], TypeError, "float64"),
    ):
        expect_error(
            lambda given=gradients: optimizer.step(given),
            kind,
            mention,
            because="a gradient has a number for each number of its parameter",
        )


def test_a_step_writes_to_the_memory_of_the_parameter():
    weight = tt.tensor([1.0, 2.0])
    row = weight[1:]
    for make in (tt.SGD, tt.RMSprop, tt.Adam, tt.AdamW):
        make([weight], 0.5).step([tt.ones(2)])
    expect(row, weight[1:], because="who holds the parameter sees its new values")
    expect(row.item() < 1, True, because="four steps of about 0.5 or more were made")


def test_schedules_follow_each_other():
    schedule = tt.SequentialLR([tt.LinearLR(1.0, 0.0, 1.0, 4), tt.StepLR(1.0, 2, 0.5)], [4])
    found = [schedule(step) for step in range(9)]
    wanted = [0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 0.5, 0.5, 0.25]
    expect(found, wanted, because="four steps of warm-up, then halved after every two")


def test_metrics_count_what_is_right():
    logits = tt.tensor([[0.1, 0.9, 0.0], [0.8, 0.1, 0.3], [0.2, 0.3, 0.4], [1.0, 0.0, 0.5]])
    targets = classes(1, 0, 2, 2)
    expect(tt.accuracy(logits, targets), 0.75, because="the last is taken for class 0")
    expect(tt.top_k_accuracy(logits, targets, k=2), 1.0, because="but class 2 comes second")
    expect(
        tt.confusion_matrix(logits, targets).tolist(),
        [[1, 0, 0], [0, 1, 0], [1, 0, 1]],
        because="true classes are rows: one 2 was taken for a 0",
    )


def blobs(count=60):
    """Return points around two places, and to which of them each belongs."""
    rng = np.random.default_rng(1)
    labels = np.arange(count) % 2
    points = rng.normal(0, 0.3, (count, 2)) + labels[:, None] * 2 - 1
    return tt.TensorDataset(tt.tensor(points.astype(np.float32)), tt.tensor(labels))


def trained(epochs=4, **options):
    """Return a trainer of a small network, after so many epochs."""
    tt.manual_seed(3)
    model = tt.MLP(2, 4, 2)
    optimizer = tt.Adam(model.parameters(), 0.02)
    trainer = tt.Trainer(model, tt.cross_entropy, optimizer, log=None, **options)
    loader = tt.DataLoader(blobs(), 20, shuffle=True)
    validation = tt.DataLoader(blobs(20), 20)
    go = trainer.resume if trainer.checkpoints else trainer.fit
    go(loader, validation, epochs=epochs)
    return trainer


def test_training_learns_and_writes_down_how():
    trainer = trained(epochs=8, metrics={"accuracy": tt.accuracy})
    history = trainer.history
    expect(len(history.losses), 24, because="8 epochs of 3 batches")
    expect(history.column("epoch"), list(range(1, 9)), because="epochs are counted from 1")
    expect(history.epochs[-1]["train_loss"] < history.losses[0] / 2, True, because="it learns")
    expect(history.epochs[-1]["validation_accuracy"], 1.0, because="the two places are far apart")


def test_training_goes_on_from_a_checkpoint_to_the_same_numbers(tmp_path):
    whole = trained(epochs=5)
    trained(epochs=3, checkpoints=tt.Checkpoints(tmp_path, keep=2))
    resumed = trained(epochs=5, checkpoints=tt.Checkpoints(tmp_path, keep=2))
    expect(
        [one.name for one in sorted(tmp_path.iterdir())],
        ["epoch-000004.safetensors", "epoch-000005.safetensors"],
        because="the last two are kept",
    )
    expect(resumed.history.losses, whole.history.losses, because="no step differs")
    for ours, theirs in zip(resumed.model.parameters(), whole.model.parameters(), strict=True):
        expect(ours, theirs, because="bit for bit")


def test_training_stops_when_patience_runs_out_with_the_best_weights():
    stopping = tt.EarlyStopping("validation_loss", patience=2)
    values = iter([3.0, 1.0, 2.0, 1.0, 0.0])
    weights = []

    class Scripted(tt.training.Callback):
        def on_epoch_end(self, trainer, record):
            record["validation_loss"] = next(values)
            weights.append(trainer.model.state_dict())

    trainer = trained(epochs=9, callbacks=[Scripted(), stopping])
    expect(trainer.epoch, 4, because="the second was best, and two more were not better")
    for name, kept in trainer.model.state_dict().items():
        expect(kept, weights[1][name], because="the weights are those of the best epoch")


def test_a_damaged_checkpoint_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "saved.safetensors"
    tt.save_checkpoint(path, {"weight": tt.ones(4)}, {"epoch": 1})
    content = path.read_bytes()
    for broken in (content[:-1], content[:40], content[:-2] + b"\x01\x00", b""):
        path.write_bytes(broken)
        expect_error(
            lambda: tt.load_checkpoint(path),
            ValueError,
            "saved.safetensors is damaged",
            because="nothing of it can be trusted",
        )
    tt.save_safetensors({"weight": tt.ones(4)}, path)
    expect_error(
        lambda: tt.load_checkpoint(path), ValueError, "no checkpoint", because="it is only tensors"
    )


def test_a_partial_loss_is_differentiated_with_its_options():
    loss = functools.partial(tt.cross_entropy, label_smoothing=0.4, reduction="sum")
    model = tt.Sequential(tt.Identity())
    logits = tt.zeros(2, 4)
    gradient = tt.training.loss_gradient(loss, model(logits), classes(0, 1))
    expect(gradient[1].tolist(), [0.15, -0.45, 0.15, 0.15], because="smoothed", within=1e-6)
