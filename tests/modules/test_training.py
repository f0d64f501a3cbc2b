"""Training beyond the chapter's examples: sums, loops and closed forms as independent oracles."""

import functools
import json
import math
import re
import sys
import tracemalloc
import types
import warnings
from importlib.machinery import ModuleSpec
from time import perf_counter

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import expect, expect_error

FLOATS = (tt.float32, tt.float64)
PRECISION = {tt.float32: 1e-5, tt.float64: 1e-12}


@pytest.fixture(autouse=True)
def chance_is_the_same_in_every_run():
    tt.manual_seed(4)


def random(*shape, seed=0, dtype=np.float64):
    """Return normal random numbers, the same ones on every run."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def tensor(*shape, seed=0, dtype=np.float64):
    """Return a tensor of normal random numbers."""
    return tt.from_numpy(random(*shape, seed=seed, dtype=dtype))


def labels(*shape, count=3, seed=0):
    """Return random numbers of classes."""
    return tt.from_numpy(np.random.default_rng(seed).integers(0, count, shape))


def surprise(scores, label, smoothing=0.0):
    """Return the cross entropy of one example, summed without rounding."""
    top = max(scores)
    total = math.log(math.fsum(math.exp(score - top) for score in scores)) + top
    shares = [total - score for score in scores]
    return (1 - smoothing) * shares[label] + smoothing * math.fsum(shares) / len(shares)


# Step 1


@pytest.mark.step("training.mse_loss")
def test_squared_losses_are_those_of_numpy_in_every_shape_and_dtype():
    for shape in ((), (5,), (2, 3), (2, 3, 4)):
        for dtype in FLOATS:
            a, b = random(*shape, dtype=dtype), random(*shape, seed=1, dtype=dtype)
            terms = np.square(a - b)
            for reduction, wanted in (
                ("none", terms),
                ("sum", terms.sum()),
                ("mean", terms.mean()),
            ):
                found = tt.training.mse_loss(
                    tt.from_numpy(np.asarray(a)), tt.from_numpy(np.asarray(b)), reduction=reduction
                )
                because = f"the {reduction} of squared distances, for {shape} of {dtype}"
                expect(
                    found.numpy(), np.asarray(wanted, dtype), because=because,
                    within=PRECISION[dtype] * max(1, terms.size),
                )  # fmt: skip


@pytest.mark.step("training.mse_loss")
def test_another_word_for_a_reduction_is_refused():
    for word in ("average", "total", ""):
        expect_error(
            lambda word=word: tt.training.mse_loss(tt.ones(2), tt.ones(2), reduction=word),
            ValueError,
            repr(word),
            because="a misspelled reduction must not pass for one",
        )


@pytest.mark.step("training.mse_loss")
def test_shapes_that_differ_are_refused_whichever_is_larger():
    for a, b in (((3,), (3, 1)), ((3, 1), (3,)), ((2,), (3,)), ((), (1,))):
        expect_error(
            lambda a=a, b=b: tt.training.mse_loss(tt.ones(*a), tt.ones(*b)),
            ValueError,
            f"shape {a}",
            f"shape {b}",
            because="each prediction needs a target of its own",
        )


# Step 2


@pytest.mark.step("training.cross_entropy")
def test_surprise_agrees_with_sums_without_rounding():
    for smoothing in (0.0, 0.3, 1.0):
        scores, targets = random(6, 4) * 5, labels(6, count=4)
        wanted = [
            surprise(row, label, smoothing)
            for row, label in zip(scores.tolist(), targets.tolist(), strict=True)
        ]
        for reduction, value in (("none", wanted), ("sum", sum(wanted)), ("mean", sum(wanted) / 6)):
            found = tt.training.cross_entropy(
                tt.from_numpy(scores), targets, label_smoothing=smoothing, reduction=reduction
            )
            expect(
                found.numpy(), np.array(value), because=f"{reduction}, smoothed by {smoothing}",
                within=1e-12,
            )  # fmt: skip


@pytest.mark.step("training.cross_entropy")
def test_classes_may_come_before_dims_of_places():
    scores, targets = random(2, 3, 4, 5), labels(2, 4, 5)
    found = tt.training.cross_entropy(tt.from_numpy(scores), targets, reduction="none")
    wanted = np.array(
        [
            [
                [surprise(scores[n, :, i, j].tolist(), int(targets[n, i, j])) for j in range(5)]
                for i in range(4)
            ]
            for n in range(2)
        ]
    )
    expect(found.numpy(), wanted, because="every place of every image is scored", within=1e-12)
    one = tt.training.cross_entropy(tt.from_numpy(scores[0, :, 0, 0]), targets[0, 0, 0])
    expect(one.item(), float(wanted[0, 0, 0]), because="one example needs no batch", within=1e-12)


@pytest.mark.step("training.cross_entropy")
def test_targets_that_do_not_fit_are_refused_with_both_shapes():
    for logits, targets in (((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 3, 4), (2, 3)), ((), ())):
        expect_error(
            lambda logits=logits, targets=targets: tt.training.cross_entropy(
                tt.zeros(*logits), tt.zeros(*targets, dtype=tt.int64)
            ),
            ValueError,
            str(logits),
            str(targets),
            because="every example has one target, and no target is left over",
        )
    for wrong in (4, -1, 9):
        expect_error(
            lambda wrong=wrong: tt.training.cross_entropy(tt.zeros(3, 4), tt.tensor([0, wrong, 7])),
            ValueError,
            f"class {wrong}",
            "0 to 3",
            because="it says which classes there are",
        )
    small = tt.training.cross_entropy(tt.zeros(2, 3), tt.tensor([0, 2]).to(tt.uint8))
    expect(
        small.item(), math.log(3), because="labels may be bytes, as they are stored", within=1e-6
    )


# Step 3


@pytest.mark.step("training.central_differences")
def test_slopes_of_smooth_functions_are_their_derivatives():
    for dtype, within in ((np.float64, 1e-9), (np.float32, 3e-4)):
        x = np.linspace(-2, 2, 9).astype(dtype).reshape(3, 3)
        for function, slope in (
            (np.sin, np.cos),
            (np.exp, np.exp),
            (np.tanh, lambda v: 1 - np.tanh(v) ** 2),
        ):
            found = tt.training.central_differences(
                lambda f=function, x=x: float(f(x.astype(float)).sum()), x
            )
            expect(
                found, slope(x.astype(float)).astype(dtype), because="the derivative", within=within
            )


@pytest.mark.step("training.central_differences")
def test_the_distance_is_that_of_the_numbers_in_memory():
    x = np.array([1.0], np.float32)
    found = tt.training.central_differences(lambda: float(x[0]), x, step=1e-7)
    expect(
        found,
        np.ones(1, np.float32),
        because="x + 1e-7 is rounded to a neighbour of x; the slope of x itself is 1 all the same",
    )


@pytest.mark.step("training.central_differences")
def test_the_step_follows_the_precision_of_the_dtype():
    for dtype, least, most in ((np.float64, 3e-6, 2e-5), (np.float32, 2e-3, 2e-2)):
        x, seen = np.zeros((), dtype), []
        tt.training.central_differences(lambda x=x, seen=seen: seen.append(float(x)) or 0.0, x)
        expect(len(seen), 2, because="two calls for each number, and no more")
        expect(least < max(seen) < most, True, because="about the cube root of the precision")
        expect(min(seen), -max(seen), because="as far to the left as to the right")


@pytest.mark.step("training.central_differences")
def test_any_layout_is_moved_in_its_own_memory():
    whole = random(4, 6)
    for view in (whole.T, whole[::2, 1::3], whole[:, ::-1], whole[:0]):
        weights = random(*view.shape, seed=2)
        slopes = tt.training.central_differences(
            lambda v=view, w=weights: float((v * w).sum()), view
        )
        expect(slopes, weights, because="the slope of w * x is w", within=1e-8)
    expect(whole, random(4, 6), because="all is back")


def test_measured_gradients_leave_a_model_as_after_one_pass():
    def build():
        tt.manual_seed(8)
        return tt.Sequential(tt.Dense(3, 4), tt.BatchNorm1d(4), tt.Dropout(0.5), tt.Dense(4, 2))

    given = tensor(6, 3, dtype=np.float32), tensor(6, 2, seed=1, dtype=np.float32)
    model, plain = build(), build()
    tt.manual_seed(9)
    loss, gradients = tt.finite_differences(model, tt.mse_loss, *given)
    after = tt.rand(1)
    tt.manual_seed(9)
    expect(loss, tt.mse_loss(plain(given[0]), given[1]), because="the same dropout is drawn")
    expect(after, tt.rand(1), because="and the generator moved by one pass")
    for name, kept in model.state_dict().items():
        expect(kept, plain.state_dict()[name], because=f"{name} is as after one pass")
    expect([one.dtype for one in gradients], [tt.float32] * 6, because="in the parameters' dtype")


def test_measured_gradients_take_the_step_that_is_given():
    layer = tt.Dense(1, 1, bias=False)
    layer.load_state_dict({"weight": tt.tensor([[1.0]])})
    cubed = lambda y, _: (y * y * y).sum()  # noqa: E731
    _, gradients = tt.finite_differences(layer, cubed, tt.ones(1, 1), None, step=0.5)
    expect(gradients[0].item(), 3.25, because="(1.5 ** 3 - 0.5 ** 3) / 1", within=1e-5)


# Step 4


@pytest.mark.step("training.dense_backward")
def test_dense_gradients_agree_with_sums_over_an_index():
    gradient, x, weight = random(4, 3), random(4, 2, seed=1), random(3, 2, seed=2)
    found = tt.training.dense_backward(*map(tt.from_numpy, (gradient, x, weight)))
    wanted = (
        np.einsum("no,oi->ni", gradient, weight),
        np.einsum("no,ni->oi", gradient, x),
        np.einsum("no->o", gradient),
    )
    for ours, theirs in zip(found, wanted, strict=True):
        expect(ours.numpy(), theirs, because="the chain rule, index by index", within=1e-12)


@pytest.mark.step("training.dense_backward")
def test_dims_before_the_last_are_examples():
    for before in ((), (5,), (2, 3), (2, 1, 3)):
        gradient, x, weight = random(*before, 4), random(*before, 2, seed=1), random(4, 2, seed=2)
        found = tt.training.dense_backward(*map(tt.from_numpy, (gradient, x, weight)))
        rows = gradient.reshape(-1, 4), x.reshape(-1, 2)
        expect(found[0].numpy(), gradient @ weight, because="in the shape of x", within=1e-12)
        expect(found[1].numpy(), rows[0].T @ rows[1], because="over all examples", within=1e-12)
        expect(found[2].numpy(), rows[0].sum(0), because="over all examples", within=1e-12)


# Step 5


@pytest.mark.step("training.cross_entropy_backward")
def test_the_gradient_of_surprise_is_the_measured_one():
    for shape, smoothing in (((5, 4), 0.0), ((4,), 0.2), ((3, 4), 1.0)):
        scores, targets = random(*shape), labels(*shape[:-1], count=4)
        options = {"label_smoothing": smoothing}
        found = tt.training.cross_entropy_backward(tt.from_numpy(scores), targets, **options)
        rows, own = scores.reshape(-1, 4), targets.flatten().tolist()

        def total(rows=rows, own=own, smoothing=smoothing):
            return sum(
                surprise(row, t, smoothing) for row, t in zip(rows.tolist(), own, strict=True)
            )

        wanted = np.zeros_like(scores)
        for place in np.ndindex(shape):
            kept = scores[place]
            scores[place] = kept + 1e-5
            above = total()
            scores[place] = kept - 1e-5
            wanted[place] = (above - total()) / 2e-5
            scores[place] = kept
        expect(found.numpy(), wanted, because=f"{shape}, smoothed by {smoothing}", within=1e-8)


@pytest.mark.step("training.cross_entropy_backward")
def test_classes_may_come_before_other_dims():
    scores, targets = random(2, 3, 4, 5), labels(2, 4, 5)
    found = tt.training.cross_entropy_backward(tt.from_numpy(scores), targets).numpy()
    for n, i, j in ((0, 0, 0), (1, 3, 4), (1, 2, 0)):
        one = tt.training.cross_entropy_backward(
            tt.from_numpy(scores[n : n + 1, :, i, j].copy()), targets[n : n + 1, i, j]
        )
        expect(found[n, :, i, j], one.numpy()[0], because="each place is one example", within=1e-12)
    row = tt.training.cross_entropy_backward(
        tt.from_numpy(scores[:, :, 1].copy()), targets[:, 1]
    ).numpy()
    expect(row, found[:, :, 1], because="one dim of places, or two", within=1e-12)


@pytest.mark.step("training.cross_entropy_backward")
def test_what_one_class_gains_the_others_lose():
    found = tt.training.cross_entropy_backward(tensor(7, 5) * 100, labels(7, count=5))
    expect(found.sum(1).numpy(), np.zeros(7), because="shares always add up to 1", within=1e-12)
    expect(bool(found.isfinite().all()), True, because="however large the scores")


# Step 6


def network(*layers):
    """Return a chain of layers with random parameters of float64."""
    return tt.Sequential(*layers).to(tt.float64)


CHAINS = {
    "dense": lambda: [tt.Dense(4, 3)],
    "activations": lambda: [
        tt.Dense(4, 5),
        tt.Tanh(),
        tt.Dense(5, 5, bias=False),
        tt.Sigmoid(),
        tt.LeakyReLU(0.2),
        tt.Dense(5, 3),
    ],
    "chains inside of chains": lambda: [
        tt.Sequential(tt.Flatten(), tt.Sequential(tt.Dense(4, 6), tt.ReLU())),
        tt.Identity(),
        tt.Dense(6, 3),
    ],
    "dropout": lambda: [
        tt.Dense(4, 8),
        tt.Dropout(0.4),
        tt.Tanh(),
        tt.Dropout(0.2),
        tt.Dense(8, 3),
    ],
}
LOSSES = {
    "mse": lambda: (tt.mse_loss, tensor(5, 3, seed=7)),
    "summed": lambda: (functools.partial(tt.mse_loss, reduction="sum"), tensor(5, 3, seed=7)),
    "huber, usual": lambda: (tt.huber_loss, tensor(5, 3, seed=7)),
    "huber": lambda: (functools.partial(tt.huber_loss, delta=0.3), tensor(5, 3, seed=7)),
    "surprise": lambda: (functools.partial(tt.cross_entropy, label_smoothing=0.1), labels(5)),
    "yes or no": lambda: (tt.binary_cross_entropy_with_logits, tensor(5, 3, seed=7) * 0 + 0.3),
}


@pytest.mark.step("training.backpropagate")
@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("loss", LOSSES)
def test_derived_gradients_are_the_measured_ones(chain, loss):
    model, (function, targets) = network(*CHAINS[chain]()), LOSSES[loss]()
    x = tensor(5, 4, seed=3)
    tt.manual_seed(5)
    value, derived = tt.training.backpropagate(model, function, x, targets)
    tt.manual_seed(5)
    measured_value, measured = tt.finite_differences(model, function, x, targets)
    expect(value.item(), measured_value.item(), because="both return the loss", within=1e-12)
    for ours, theirs in zip(derived, measured, strict=True):
        expect(ours.numpy(), theirs.numpy(), because="the slopes are the same", within=1e-7)


@pytest.mark.step("training.backpropagate")
def test_a_network_without_layers_has_a_loss_and_no_gradients():
    loss, gradients = tt.training.backpropagate(
        tt.Sequential(), tt.mse_loss, tt.tensor([1.0]), tt.tensor([3.0])
    )
    expect((loss.item(), gradients), (4.0, []), because="the inputs are the prediction")


def test_images_are_flattened_on_the_way_and_come_back():
    model, x = tt.MLP(6, 4, 3).to(tt.float64), tensor(5, 2, 3)
    passed = tt.training.passes(model, x)
    expect([type(one.layer).__name__ for one in passed], ["Flatten", "Dense", "ReLU", "Dense"],
           because="the layers of the chain, in order")  # fmt: skip
    expect(passed[0].input is x, True, because="the first sees the inputs")
    expect(passed[1].input is passed[0].output, True, because="and the next what it made of them")
    gradient, own = tt.training.rule_of(passed[0].layer)(passed[0], tt.ones(5, 6))
    expect((gradient.shape, own), ((5, 2, 3), []), because="Flatten gives the shape back")


def test_dropout_drops_the_same_on_the_way_back():
    layer = tt.Dropout(0.5, generator=np.random.default_rng(1))
    x = tt.zeros(1000)
    (passed,) = tt.training.passes(tt.Sequential(layer), x)
    state = layer.generator.bit_generator.state
    gradient = tt.training.dropout_backward(tt.ones(1000), passed)
    expect(layer.generator.bit_generator.state, state, because="the way back draws nothing new")
    again = np.random.default_rng(1).random(1000) >= 0.5
    expect(gradient.numpy(), (2.0 * again).astype(np.float32), because="even where x was 0")
    layer.eval()
    (passed,) = tt.training.passes(tt.Sequential(layer), x)
    kept = tt.training.dropout_backward(tt.ones(3), passed)
    expect(kept, tt.ones(3), because="nothing is dropped in inference")


def test_what_has_no_rule_is_named():
    class Own(tt.Module):
        def forward(self, x):
            raise AssertionError("nothing is computed before it is refused")

    class OwnChain(tt.Sequential):
        def forward(self, x):
            return super().forward(x) * 2

    for model, name in ((Own(), "Own"), (OwnChain(tt.ReLU()), "OwnChain"),
                        (tt.Sequential(Own(), tt.GELU()), "Own")):  # fmt: skip
        expect_error(
            lambda model=model: tt.backpropagate(model, tt.mse_loss, tt.ones(1), tt.ones(1)),
            TypeError,
            f"through {name}:",
            "Dense",
            because="it says which layer, and which have a rule",
        )
    for loss, name in ((lambda y, t: y.sum(), "<lambda>"), (functools.partial(Own()), "Own()")):
        expect_error(
            lambda loss=loss: tt.backpropagate(tt.Sequential(), loss, tt.ones(1), tt.ones(1)),
            TypeError,
            name,
            "mse_loss",
            because="it says which loss, and which have a rule",
        )
    summed = functools.partial(tt.mse_loss, reduction="none")
    expect_error(
        lambda: tt.backpropagate(tt.Sequential(), summed, tt.ones(1), tt.ones(1)),
        ValueError,
        "'mean' or 'sum'",
        because="a gradient is that of one number",
    )


def test_slopes_of_activations_are_the_measured_ones():
    x = tensor(40) * 3
    training, gradient = tt.training, tensor(40, seed=1)
    for function, found in (
        (tt.relu, training.relu_backward(gradient, x)),
        (lambda v: tt.leaky_relu(v, 0.3), training.leaky_relu_backward(gradient, x, 0.3)),
        (tt.sigmoid, training.sigmoid_backward(gradient, tt.sigmoid(x))),
        (lambda v: v.tanh(), training.tanh_backward(gradient, x.tanh())),
    ):
        slope = (function(x + 1e-6) - function(x - 1e-6)) / 2e-6
        expect(found.numpy(), (gradient * slope).numpy(), because="measured", within=1e-7)
    for rule in (training.relu_backward, lambda g, v: training.leaky_relu_backward(g, v, 0.0)):
        expect(rule(tt.ones(1), tt.zeros(1)).item(), 0.0, because="at 0 nothing comes back")


# Step 7


def run(kernel, gradients, *memory, start=1.0, **options):
    """Return a number after steps with these gradients, each made with the options."""
    parameter, memory = np.array([start]), [np.array([float(m)]) for m in memory]
    for number, gradient in enumerate(gradients, start=1):
        step = {"step": number} if "betas" in options else {}
        kernel(parameter, np.array([gradient]), *memory, **options, **step)
    return parameter.item()


@pytest.mark.step("training.sgd_step")
def test_velocities_are_sums_of_all_gradients_faded():
    gradients = random(6).tolist()
    for momentum in (0.0, 0.5, 0.9):
        for nesterov in (False, True):
            moved = 0.0
            for n in range(6):
                velocity = sum(momentum ** (n - i) * gradients[i] for i in range(n + 1))
                moved += gradients[n] + momentum * velocity if nesterov else velocity
            found = run(tt.training.sgd_step, gradients, 0.0, lr=0.1, momentum=momentum,
                        nesterov=nesterov)  # fmt: skip
            expect(found, 1.0 - 0.1 * moved, because="the sum over all steps", within=1e-12)


@pytest.mark.step("training.sgd_step")
def test_a_velocity_without_momentum_is_the_gradient():
    parameter, velocity = np.array([1.0]), np.array([10.0])
    tt.training.sgd_step(parameter, np.array([3.0]), velocity, lr=0.1)
    expect((parameter.item(), velocity.item()), (0.7, 3.0), because="all of it has faded",
           within=1e-12)  # fmt: skip


@pytest.mark.step("training.sgd_step")
def test_decay_alone_fades_the_parameter_and_leaves_the_gradient_alone():
    found = run(tt.training.sgd_step, [0.0] * 5, lr=0.1, weight_decay=0.5)
    expect(found, 0.95**5, because="each step takes 0.1 * 0.5 of it", within=1e-12)
    gradient = np.ones(3)
    gradient.flags.writeable = False
    tt.training.sgd_step(np.ones(3), gradient, np.zeros(3), lr=0.1, momentum=0.9, weight_decay=0.5)
    expect(gradient, np.ones(3), because="its memory may be read-only, or belong to others")


# Step 8


@pytest.mark.step("training.adam_step")
def test_mean_and_square_are_sums_of_all_gradients_faded():
    gradients, lr, eps = random(7).tolist(), 0.1, 0.01
    for first, second in ((0.8, 0.95), (0.4, 0.3)):
        wanted = 1.0
        for n in range(1, 8):
            fading = [
                (first ** (n - i), second ** (n - i), gradients[i - 1]) for i in range(1, n + 1)
            ]
            mean = (1 - first) * sum(fade * g for fade, _, g in fading)
            square = (1 - second) * sum(fade * g * g for _, fade, g in fading)
            usual = math.sqrt(square / (1 - second**n)) + eps
            wanted -= lr * mean / (1 - first**n) / usual
        options = {"lr": lr, "betas": (first, second), "eps": eps}
        for decoupled in (False, True):
            found = run(tt.training.adam_step, gradients, 0.0, 0.0, decoupled=decoupled, **options)
            expect(found, wanted, because="Kingma & Ba 2015, eq. 4, summed", within=1e-12)


@pytest.mark.step("training.adam_step")
def test_a_decay_in_the_gradient_is_divided_with_it():
    options = {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-3}
    pulled = run(tt.training.adam_step, [3.0], 0.0, 0.0, start=2.0, weight_decay=0.5, **options)
    plain = run(tt.training.adam_step, [4.0], 0.0, 0.0, start=2.0, **options)
    expect(pulled, plain, because="3 + 0.5 * 2 is 4", within=1e-12)


@pytest.mark.step("training.adam_step")
def test_a_decoupled_decay_fades_the_parameter_alone():
    options = {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0.5}
    found = run(tt.training.adam_step, [0.0] * 5, 0.0, 0.0, decoupled=True, **options)
    expect(found, 0.95**5, because="nothing else moves it", within=1e-12)
    gradient = np.ones(3)
    gradient.flags.writeable = False
    for decoupled in (False, True):
        tt.training.adam_step(
            np.ones(3), gradient, np.zeros(3), np.zeros(3), step=1, decoupled=decoupled, **options
        )
    expect(gradient, np.ones(3), because="its memory is not ours")


def test_rmsprop_divides_by_the_faded_mean_of_squares():
    gradients = random(5).tolist()
    for alpha in (0.9, 0.4):
        options = {"lr": 0.1, "alpha": alpha, "eps": 0.01}
        wanted, moved = 1.0, 0.0
        for n in range(1, 6):
            faded = sum(alpha ** (n - i) * gradients[i - 1] ** 2 for i in range(1, n + 1))
            step = gradients[n - 1] / (math.sqrt((1 - alpha) * faded) + 0.01)
            wanted -= 0.1 * step
            moved = 0.5 * moved + step
        found = run(tt.training.rmsprop_step, gradients, 0.0, **options)
        expect(found, wanted, because="no velocity", within=1e-12)
        parameter, memory = np.array([1.0]), [np.zeros(1), np.zeros(1)]
        for one in gradients:
            tt.training.rmsprop_step(parameter, np.array([one]), *memory, momentum=0.5, **options)
        expect(memory[1].item(), moved, because="steps summed up, faded by a half", within=1e-12)
        tt.training.rmsprop_step(parameter, np.array([0.0]), *memory, **options)
        expect(memory[1].item(), 0.0, because="without momentum nothing of it is left")
        pulled = {"start": 3.0, "weight_decay": 0.5, **options}
        decayed = run(tt.training.rmsprop_step, [2.0], 0.0, **pulled)
        plain = run(tt.training.rmsprop_step, [3.5], 0.0, start=3.0, **options)
        expect(decayed, plain, because="the decay is part of the gradient", within=1e-12)


def test_optimizers_are_set_as_in_pytorch_unless_told_otherwise():
    weights = [tt.zeros(1)]
    for optimizer, wanted in (
        (tt.SGD(weights, 0.5), "SGD(lr=0.5, momentum=0.0, nesterov=False, weight_decay=0.0)"),
        (tt.RMSprop(weights),
         "RMSprop(lr=0.01, alpha=0.99, eps=1e-08, momentum=0.0, weight_decay=0.0)"),
        (tt.Adam(weights), "Adam(lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0)"),
        (tt.AdamW(weights), "AdamW(lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01)"),
    ):  # fmt: skip
        expect(repr(optimizer), wanted, because="these are PyTorch's settings")


def test_only_adamw_decouples_its_decay():
    for make, wanted in ((tt.Adam, 1.9), (tt.AdamW, 1.8)):
        weight = tt.tensor([2.0], tt.float64)
        make([weight], 0.1, weight_decay=0.5).step([tt.tensor([1.0], tt.float64)])
        expect(weight.item(), wanted, because="2 shrinks by 0.1 * 0.5 * 2 in AdamW alone",
               within=1e-7)  # fmt: skip


def sizes_of_calls(*shapes):
    """Return how many numbers each call of a kernel gets, for parameters of these shapes."""
    sizes, parameters = [], [np.zeros(shape) for shape in shapes]
    found = tt.training.updates.update(lambda one: sizes.append(one.size), *parameters,
                                       count=len(parameters))  # fmt: skip
    expect(found is parameters[0], True, because="it returns the first parameter")
    return sizes


def test_pieces_fit_in_the_cache():
    for shape, wanted in (
        ((40_000,), [16_384, 16_384, 7_232]),
        ((2, 10_000), [16_384, 3_616]),
        ((1, 16_384), [16_384]),
        ((), [1]),
        ((0, 3), [0]),
        ((2, 2, 5), [20]),
    ):
        expect(sizes_of_calls(shape), wanted, because=f"{shape} in pieces of at most 16,384")


def test_small_parameters_are_moved_as_one():
    for sizes, wanted in (
        ([3, 4, 5], [12]),
        ([4096, 4096], [8192]),
        ([4097, 3, 20_000, 5], [16_384, 3_616, 4097, 8]),
        ([4096] * 5, [16_384, 4096]),
        ([4000] * 4 + [384, 1], [16_384, 1]),
    ):
        found = sizes_of_calls(*[(size,) for size in sizes])
        expect(found, wanted, because=f"those of {sizes} up to 4096, as far as a piece goes")


def test_what_lies_another_way_is_stepped_by_rows():
    for shape, wanted in (
        ((100, 1000), [16_000] * 6 + [4_000]),
        ((3, 20_000), [20_000] * 3),
        ((40, 2, 500), [16_000, 16_000, 8_000]),
    ):
        turned, plain, seen = np.zeros(shape[::-1]).T, np.zeros(shape), []
        tt.training.updates.update(
            lambda one, two, s=seen: s.append((one.size, one.shape == two.shape)), turned, plain
        )
        expect(seen, [(size, True) for size in wanted],
               because=f"{shape} in rows, at most 16,384 numbers, or one row")  # fmt: skip


MAKERS = {
    "SGD": lambda p: tt.SGD(p, 0.1),
    "momentum": lambda p: tt.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "RMSprop": lambda p: tt.RMSprop(p),
    "RMSprop with momentum": lambda p: tt.RMSprop(p, momentum=0.5, weight_decay=0.1),
    "Adam": lambda p: tt.Adam(p),
    "AdamW": lambda p: tt.AdamW(p),
}
each_optimizer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@each_optimizer
def test_pieces_make_no_difference(make):
    shapes = ((), (3,), (0, 4), (40_000,), (700, 60), (3, 20_000), (5, 7, 9), (2, 0))
    gradients = [random(*shape, seed=1) for shape in shapes]
    whole = [tt.tensor(random(*shape), tt.float64) for shape in shapes]
    numbers = [np.ravel(one.numpy()).tolist() for one in whole]
    optimizer = make(whole)
    for _ in range(2):
        optimizer.step([tt.tensor(one, tt.float64) for one in gradients])
    for parameter, before, gradient in zip(whole, numbers, gradients, strict=True):
        places = sorted({0, 1, len(before) // 2, len(before) - 1} & set(range(len(before))))
        alone = [tt.tensor([before[place]], tt.float64) for place in places] or [tt.zeros(1)]
        other = make(alone)
        moves = [tt.tensor([np.ravel(gradient)[p]], tt.float64) for p in places] or [None]
        for _ in range(2):
            other.step(moves)
        found = np.ravel(parameter.numpy())[places]
        wanted = [one.item() for one in alone][: len(places)]
        expect(found.tolist(), wanted, because="each number moves by itself", within=1e-12)


@each_optimizer
def test_any_layout_of_parameter_and_gradient_is_stepped(make):
    memory = random(300, 120)
    parameter, gradient = tt.from_numpy(memory.T), tt.from_numpy(random(120, 300, seed=1))
    plain = tt.tensor(memory.T.copy(), tt.float64)
    make([parameter]).step([gradient])
    make([plain]).step([gradient.T.contiguous().T])
    expect(memory.T, plain.numpy(), because="in its own memory, which lies the other way")


@each_optimizer
def test_a_step_allocates_little(make):
    parameter, gradient = tt.zeros(1000, 700), tt.ones(1000, 700)
    optimizer = make([parameter])
    tracemalloc.start()
    optimizer.step([gradient])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    expect(
        most < parameter.nbytes / 10, True, because=f"{most:,} bytes beside {parameter.nbytes:,}"
    )


@each_optimizer
def test_an_optimizer_goes_on_from_its_state(make):
    def steps(optimizer, seeds):
        for seed in seeds:
            optimizer.step([tensor(3, 2, seed=seed), None, tensor(seed=seed)])

    def build():
        return [tensor(3, 2), tensor(4, seed=9), tensor(seed=5)]

    whole, part = build(), build()
    first = make(whole)
    steps(first, range(6))
    second = make(part)
    steps(second, range(3))
    third = make(part)
    third.lr = 5.0
    third.load_state_dict(second.state_dict())
    expect(third.lr, first.lr, because="the settings are part of the state")
    expect(repr(third), repr(first), because="all of them")
    steps(third, range(3, 6))
    for ours, theirs in zip(part, whole, strict=True):
        expect(ours, theirs, because="bit for bit")
    expect(third.steps, [6, 0, 6], because="a parameter without a gradient made no step")


def test_a_state_that_does_not_fit_is_refused_with_all_that_is_wrong():
    optimizer = tt.Adam([tt.zeros(2), tt.zeros(3)])
    state = optimizer.state_dict()
    state["0.mean"] = tt.zeros(3)
    state["1.mean"] = tt.zeros(1)
    state["1.square"] = tt.zeros(3, dtype=tt.float64)
    del state["eps"]
    state["more"] = tt.zeros(1)
    state["lr"] = tt.tensor(0.5, tt.float64)
    expect_error(
        lambda: optimizer.load_state_dict(state),
        ValueError,
        "Adam",
        "eps is missing",
        "more is unexpected",
        "0.mean has shape (3,), not (2,)",
        "1.mean has shape (1,), not (3,)",
        "1.square has dtype float64, not float32",
        because="one look says everything",
    )
    expect(optimizer.lr, 0.001, because="nothing is changed")


def test_a_saved_state_does_not_follow_the_optimizer():
    optimizer = tt.SGD([tt.zeros(2)], 0.1, momentum=0.5)
    state = optimizer.state_dict()
    optimizer.step([tt.ones(2)])
    expect(state["0.velocity"], tt.zeros(2), because="it is a copy")


def test_settings_that_no_optimizer_has_a_use_for_are_refused():
    weights = [tt.zeros(2)]
    for make, mention in (
        (lambda: tt.SGD(weights, -0.1), "lr"),
        (lambda: tt.SGD(weights, math.nan), "lr"),
        (lambda: tt.SGD(weights, math.inf), "lr"),
        (lambda: tt.SGD(weights, 0.1, momentum=-1), "momentum"),
        (lambda: tt.SGD(weights, 0.1, nesterov=True), "momentum"),
        (lambda: tt.Adam(weights, betas=(0.9, 1.0)), "betas"),
        (lambda: tt.Adam(weights, betas=(1.5, 0.9)), "betas"),
        (lambda: tt.Adam(weights, betas=(-0.1, 0.9)), "betas"),
        (lambda: tt.RMSprop(weights, alpha=1.0), "alpha"),
        (lambda: tt.AdamW(weights, weight_decay=-1), "weight_decay"),
        (lambda: setattr(tt.SGD(weights, 0.1), "lr", -1.0), "lr"),
        (lambda: tt.SGD([], 0.1), "parameters"),
        (lambda: tt.SGD([*weights, *weights], 0.1), "twice"),
    ):
        expect_error(make, ValueError, mention, because="it says what is wrong")
    for wrong, mention in ((tt.tensor([1, 2]), "int64"), ("weight", "str")):
        expect_error(
            lambda wrong=wrong: tt.SGD([wrong], 0.1), TypeError, "parameter 0", mention,
            because="a gradient moves tensors of floats",
        )  # fmt: skip
    expect(tt.SGD(weights, 0).lr, 0.0, because="a rate of 0 is allowed: nothing moves")
    expect(
        tt.SGD(weights, 1, momentum=1.5).options["momentum"], 1.5, because="only shares are below 1"
    )


def test_gradients_that_do_not_fit_move_nothing():
    weights = [tt.zeros(2), tt.zeros(3)]
    optimizer = tt.Adam(weights)
    for gradients, kind in (
        ([tt.ones(2), tt.ones(2)], ValueError),
        ([tt.ones(2), tt.ones(3).to(tt.float64)], TypeError),
        ([tt.ones(2), tt.ones(4)], ValueError),
        ([None, tt.ones(3).to(tt.float16)], TypeError),
        ([tt.ones(2)], ValueError),
        ([tt.ones(2), tt.ones(3), None], ValueError),
    ):
        expect_error(
            lambda given=gradients: optimizer.step(given), kind,
            f"{len(gradients)} gradients" if len(gradients) != 2 else "gradient ",
            because="one does not fit",
        )  # fmt: skip
        expect(weights[0], tt.zeros(2), because="the first was fine, and waits for the others")
    expect(optimizer.steps, [0, 0], because="no step was made")


def test_memory_that_cannot_be_written_to_is_refused():
    weight = tt.ones(1).expand(3)
    expect_error(
        lambda: tt.SGD([weight], 0.1).step([tt.ones(3)]),
        ValueError,
        "repeated or borrowed",
        because="three numbers share one place in memory",
    )


def test_a_step_is_one_operation_that_returns_a_parameter():
    weights, heard = [tt.ones(2), tt.ones(1, 3), tt.ones(4)], []
    optimizer = tt.Adam(weights, 0.5)
    with tt.listen(lambda *told: heard.append(told)):
        optimizer.step([tt.ones(2), tt.ones(1, 3), None])
    ((operation, inputs, options, output, _),) = heard
    expect(operation, "adam_step", because="so that it can be timed and swapped")
    expect([inputs[0] is weights[0], inputs[4] is weights[1], len(inputs)], [True, True, 8],
           because="each parameter, its gradient, its mean and its square")  # fmt: skip
    expect(output.shares_memory(weights[0]), True, because="and what was written is its memory")
    wanted = (0.5, 1, 2)
    expect(tuple(options[name] for name in ("lr", "step", "count")), wanted, because="all else")


def test_what_differs_goes_through_the_door_alone():
    weights = [tt.ones(2), tt.ones(2).to(tt.float64), tt.ones(3), tt.ones(1)]
    optimizer, heard = tt.Adam(weights), []
    moves = [tt.ones(2), tt.ones(2).to(tt.float64), tt.ones(3), None]
    with tt.listen(lambda operation, inputs, options, *_: heard.append(
        (inputs[0].shape, options["step"], options["count"], inputs[0].dtype)
    )):  # fmt: skip
        optimizer.step(moves)
        optimizer.step([*moves[:2], None, tt.ones(1)])
    expect(heard, [((2,), 1, 2, tt.float32), ((2,), 1, 1, tt.float64), ((2,), 2, 1, tt.float32),
                   ((2,), 2, 1, tt.float64), ((1,), 1, 1, tt.float32)],
           because="one dtype and one number of step at a time")  # fmt: skip


def test_the_table_says_which_inputs_are_written_to():
    for make in (MAKERS["momentum"], MAKERS["RMSprop with momentum"], MAKERS["Adam"]):
        optimizer, heard = make([tt.ones(2), tt.ones(3)]), []
        moves = [tt.ones(2), tt.ones(3)]
        parts = zip(optimizer.parameters, moves, optimizer.memory, strict=True)
        before = [one.clone() for p, g, memory in parts for one in (p, g, *memory)]
        with tt.listen(lambda operation, inputs, *_, h=heard: h.append((operation, inputs))):
            optimizer.step(moves)
        ((operation, inputs),) = heard
        changed = [bool((a != b).any()) for a, b in zip(inputs, before, strict=True)]
        written = tt.training.updates.WRITTEN[operation]
        half = [place in written for place in range(len(inputs) // 2)]
        expect(changed, half * 2, because=f"{operation} changes all that it says, and no more")


def test_gradients_that_are_no_numbers_are_not_hidden():
    for make in MAKERS.values():
        weight = tt.ones(2)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            make([weight]).step([tt.tensor([math.nan, 1.0])])
        expect(weight.isnan().tolist(), [True, False], because="nan stays where it came from")


def test_parameters_that_cannot_be_moved_leave_all_where_they_are():
    weights = [tt.zeros(2), tt.zeros(1).expand(2)]
    for make in MAKERS.values():
        optimizer = make(weights)
        expect_error(lambda o=optimizer: o.step([tt.ones(2), tt.ones(2)]), ValueError,
                     "parameter 1", "clone()", because="two numbers share a place")  # fmt: skip
        expect((weights[0].tolist(), optimizer.steps), ([0.0, 0.0], [0, 0]),
               because="the first waits")  # fmt: skip


def test_a_model_that_changes_its_dtype_needs_a_new_optimizer():
    for before, after in ((tt.float32, tt.float64), (tt.float64, tt.float32)):
        model = tt.Sequential(tt.Dense(2, 1, bias=False)).to(before)
        optimizer = tt.Adam(model.parameters())
        model.to(after)
        expect_error(
            lambda o=optimizer, dtype=after: o.step([tt.ones(1, 2).to(dtype)]), TypeError,
            f"parameter 0 is {after}", f"was {before}",
            because="what it remembers is of another dtype, and would not be written to",
        )  # fmt: skip


def test_only_momentum_needs_a_velocity():
    weights = [tt.zeros(1)]
    for optimizer, wanted in (
        (tt.SGD(weights, 0.1), ()),
        (tt.SGD(weights, 0.1, momentum=0.5), ("velocity",)),
        (tt.RMSprop(weights), ("square",)),
        (tt.RMSprop(weights, momentum=0.5), ("square", "velocity")),
    ):
        expect(optimizer.remembers, wanted, because=f"{optimizer} remembers no more")


def test_what_is_no_tensor_and_no_number_is_refused():
    weight = tt.zeros(2)
    for make, kind, mention in (
        (lambda: tt.SGD(weight, 0.1), TypeError, "[weight]"),
        (lambda: tt.SGD([weight], 0.1).step([np.ones(2)]), TypeError, "gradient 0 is no tensor"),
        (lambda: tt.SGD([weight], "0.1"), TypeError, "lr is a number, not '0.1'"),
        (lambda: tt.SGD([weight], None), TypeError, "lr is a number"),
        (lambda: tt.Adam([weight], betas=0.9), ValueError, "pair of shares"),
        (lambda: tt.Adam([weight], betas=(0.9,)), ValueError, "(0.9,)"),
        (lambda: tt.Adam([weight], betas=(0.9, 0.9, 0.9)), ValueError, "pair of shares"),
    ):
        expect_error(make, kind, mention, because="it says what to write instead")
    expect(tt.SGD([weight], np.float32(0.5)).lr, 0.5, because="a number of NumPy's is a number")


# Step 9


@pytest.mark.step("training.clip_grad_norm_")
def test_the_length_is_that_of_all_numbers_in_one_line():
    shapes = ((3, 4), (5,), (), (2, 0), (2, 3, 2))
    gradients = [tensor(*shape, seed=place) for place, shape in enumerate(shapes)]
    line = np.concatenate([np.ravel(one.numpy()) for one in gradients])
    before = [one.clone() for one in gradients]
    norm = tt.training.clip_grad_norm_(gradients, 0.5)
    expect(norm, float(np.linalg.norm(line)), because="Pythagoras", within=1e-12)
    expect(tt.training.total_norm(gradients), 0.5, because="then it is the limit", within=1e-12)
    for ours, theirs in zip(gradients, before, strict=True):
        expect(ours.shape, theirs.shape, because="shapes stay")
        expect((ours * norm).numpy(), (theirs * 0.5).numpy(), because="one factor", within=1e-12)


@pytest.mark.step("training.clip_grad_norm_")
def test_limits_that_limit_nothing_are_refused():
    for wrong in (0.0, -1.0, math.nan):
        expect_error(
            lambda wrong=wrong: tt.training.clip_grad_norm_([tt.ones(1)], wrong),
            ValueError,
            str(wrong),
            because="a length has to be left",
        )
    expect(tt.training.clip_grad_norm_([], 1.0), 0.0, because="no gradients have no length")
    expect(tt.training.clip_grad_norm_([None], math.inf), 0.0, because="inf clips nothing")


def test_lengths_of_small_floats_do_not_overflow():
    for dtype, number, wanted in ((tt.float16, 300.0, 900.0), (tt.float32, 1e30, math.inf)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = tt.training.total_norm([tt.full((9,), number).to(dtype)])
        expect(found, wanted, because="squares of float16 get the room of float32; more is seen")


def test_numbers_can_be_clipped_one_by_one():
    kept = tt.tensor([-3.0, 0.5, 2.0])
    gradients = [kept, None]
    tt.clip_grad_value_(gradients, 1.0)
    expect(gradients[0], tt.tensor([-1.0, 0.5, 1.0]), because="each by itself")
    expect(kept, tt.tensor([-3.0, 0.5, 2.0]), because="the tensor keeps its numbers")
    for wrong in (0.0, -1.0):
        expect_error(
            lambda wrong=wrong: tt.clip_grad_value_([tt.ones(1)], wrong), ValueError, str(wrong),
            because="a size has to be left",
        )  # fmt: skip


# Step 10


@pytest.mark.step("training.cosine_annealing")
def test_the_wave_is_the_real_part_of_a_turning_arrow():
    schedule = tt.training.CosineAnnealingLR(3.0, 8, eta_min=-1.0)
    for step in range(9):
        arrow = np.exp(1j * np.pi * step / 8)
        expect(schedule(step), float(1 + 2 * arrow.real), because="half a turn", within=1e-12)
    expect(schedule(3) + schedule(5), 2.0, because="both halves are the same", within=1e-12)


@pytest.mark.step("training.cosine_annealing")
def test_a_schedule_remembers_nothing():
    schedule = tt.training.CosineAnnealingLR(1.0, 4)
    first = [schedule(step) for step in (3, 0, 9, 1)]
    expect([schedule(step) for step in (3, 0, 9, 1)], first, because="it is a function of the step")
    expect(first == sorted(first), False, because="and takes steps in any order")


def test_other_schedules_follow_their_formulas():
    halved = tt.StepLR(0.8, 3, gamma=0.5)
    expect([halved(s) for s in (0, 2, 3, 5, 6)], [0.8, 0.8, 0.4, 0.4, 0.2], because="every 3 steps")
    expect(tt.StepLR(1.0, 1)(1), 0.1, because="a tenth, unless said otherwise", within=1e-12)
    warm = tt.LinearLR(0.6)
    rates = [warm(step) for step in range(7)]
    wanted = [0.2, 0.28, 0.36, 0.44, 0.52, 0.6, 0.6]
    expect(rates, wanted, because="from a third, in 5 steps, to the whole", within=1e-12)
    cool = tt.LinearLR(1.0, 1.0, 0.5, 2)
    expect(
        [cool(step) for step in range(4)], [1.0, 0.75, 0.5, 0.5], because="or down", within=1e-12
    )
    for make in (lambda: tt.StepLR(1.0, 0), lambda: tt.LinearLR(1.0, total_iters=0),
                 lambda: tt.CosineAnnealingLR(1.0, 0)):  # fmt: skip
        expect_error(make, ValueError, "not 0", because="no time passes in 0 steps")
    expect(tt.CosineAnnealingLR(1.0, 1)(1), 0.0, because="1 step is enough", within=1e-12)


def test_schedules_meet_at_milestones():
    one, two, three = (lambda step, k=k: 100.0 * k + step for k in (1, 2, 3))
    both = tt.SequentialLR([one, two, three], [2, 5])
    expect([both(step) for step in range(7)], [100.0, 101.0, 200.0, 201.0, 202.0, 300.0, 301.0],
           because="each begins at 0 where it takes over")  # fmt: skip
    expect(tt.SequentialLR([one, two], [1])(1), 200.0, because="one step is enough for the first")
    for schedules, milestones, mention in (
        ([one, two], [], "1 milestones, not 0"),
        ([one, two, three], [4], "2 milestones, not 1"),
        ([one], [3], "0 milestones, not 1"),
        ([one, two, three], [3, 3], "[3, 3]"),
        ([one, two], [0], "[0]"),
        ([one, two, three], [4, 2], "[4, 2]"),
    ):
        expect_error(
            lambda s=schedules, m=milestones: tt.SequentialLR(s, m), ValueError, mention,
            because="each schedule needs its time",
        )  # fmt: skip


# Losses that are given


def test_huber_is_smooth_where_it_changes():
    for delta in (0.5, 1.0, 3.0):
        d = np.array([-5.0, -delta, -0.1, 0.0, 0.2, delta, 7.0])
        wanted = np.where(abs(d) <= delta, d * d / 2, delta * (abs(d) - delta / 2))
        found = tt.huber_loss(
            tt.tensor(d), tt.zeros(7).to(tt.float64), reduction="none", delta=delta
        )
        expect(found.numpy(), wanted, because="Huber 1964", within=1e-12)
    for wrong in (0.0, -1.0):
        expect_error(
            lambda wrong=wrong: tt.huber_loss(tt.ones(1), tt.ones(1), delta=wrong), ValueError,
            str(wrong), because="a distance is above 0",
        )  # fmt: skip
    for loss in (tt.huber_loss, tt.binary_cross_entropy_with_logits):
        expect_error(lambda loss=loss: loss(tt.ones(3, 1), tt.ones(3)), ValueError, "(3, 1)",
                     because="nothing is broadcast")  # fmt: skip


def test_yes_and_no_agree_with_logarithms_of_shares():
    scores, wanted = random(50) * 4, np.random.default_rng(1).random(50)
    share = 1 / (1 + np.exp(-scores))
    terms = -wanted * np.log(share) - (1 - wanted) * np.log(1 - share)
    for reduction, value in (("none", terms), ("sum", terms.sum()), ("mean", terms.mean())):
        found = tt.binary_cross_entropy_with_logits(
            tt.tensor(scores), tt.tensor(wanted), reduction=reduction
        )
        expect(found.numpy(), np.asarray(value), because=reduction, within=1e-12)


def test_losses_say_what_they_cannot_compare():
    for loss in (tt.mse_loss, tt.huber_loss, tt.binary_cross_entropy_with_logits,
                 tt.cross_entropy, tt.accuracy):  # fmt: skip
        for given in ((tt.zeros(1, 2), np.zeros(1)), (np.zeros((1, 2)), tt.tensor([0])),
                      (tt.zeros(1, 2), [0])):  # fmt: skip
            expect_error(lambda f=loss, g=given: f(*g), TypeError, "tensor(...)",
                         because="arrays and lists become tensors first")  # fmt: skip
    for wrong in (-0.1, 1.1, math.nan):
        expect_error(
            lambda w=wrong: tt.cross_entropy(tt.zeros(1, 2), tt.tensor([0]), label_smoothing=w),
            ValueError, f"from 0 to 1, not {wrong}", because="a share of the target is given away",
        )  # fmt: skip


def test_softplus_is_exact_at_both_ends():
    found = tt.softplus(tt.tensor([-800.0, -40.0, 0.0, 40.0, 800.0], tt.float64))
    wanted = [0.0, math.exp(-40), math.log(2), 40.0 + math.exp(-40), 800.0]
    expect(found.tolist(), wanted, because="log(1 + exp(x)), without overflow", within=1e-15)
    expect(found[1].item() > 0, True, because="small, and not 0")
    expect(tt.softplus(tt.tensor([0])).dtype, tt.float32, because="integers become floats")
    expect(tt.softplus(tt.zeros(2).to(tt.float16)).dtype, tt.float16, because="floats stay")


# Metrics


def test_confusion_counts_every_example_once():
    logits, targets = tensor(200, 5), labels(200, count=4)
    found = tt.confusion_matrix(logits, targets)
    guesses = logits.numpy().argmax(1).tolist()
    for true in range(5):
        for guess in range(5):
            pairs = zip(targets.tolist(), guesses, strict=True)
            wanted = sum(pair == (true, guess) for pair in pairs)
            expect(int(found[true, guess]), wanted, because=f"{true} taken for {guess}")
    expect(found.dtype, tt.int64, because="they are counts")
    expect(int(found.sum()), 200, because="every example has a guess")
    right = sum(int(found[i, i]) for i in range(5)) / 200
    expect(tt.accuracy(logits, targets), right, because="what is right lies on the diagonal",
           within=1e-12)  # fmt: skip


def test_places_are_those_of_a_sorted_list():
    logits, targets = tt.tensor(random(60, 6).round(1)), labels(60, count=6)
    for k in range(1, 7):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tt.top_k_accuracy(logits, targets, k=k)
        ranked = [sorted(range(6), key=lambda c, row=row: -row[c])[:k] for row in logits.tolist()]
        wanted = sum(t in best for t, best in zip(targets.tolist(), ranked, strict=True)) / 60
        found = tt.top_k_accuracy(logits, targets, k=k)
        expect(found, wanted, because=f"among the first {k}, the first of equals first",
               within=1e-12)  # fmt: skip
    expect(tt.top_k_accuracy(logits, targets), tt.top_k_accuracy(logits, targets, k=5),
           because="5 unless said otherwise")  # fmt: skip


def test_a_score_that_is_no_number_is_never_right():
    nothing = tt.tensor([[math.nan, math.nan], [0.0, 1.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expect(tt.accuracy(nothing, tt.tensor([0, 1])), 0.5, because="nan is above nothing")


def test_metrics_refuse_what_they_cannot_count():
    for metric in (tt.accuracy, tt.top_k_accuracy, tt.confusion_matrix):
        for logits, targets, mention in (
            (tt.zeros(2, 3), tt.tensor([0, 3]), "class 3"),
            (tt.zeros(2, 3, 4), tt.zeros(2, 4, dtype=tt.int64), "(2, 3, 4)"),
            (tt.zeros(3), tt.tensor(1), "(3,)"),
        ):
            expect_error(
                lambda m=metric, a=logits, b=targets: m(a, b), ValueError, mention,
                because="one row of scores and one class for each example",
            )  # fmt: skip


def test_shares_of_nothing_are_refused():
    for k, logits, mention in ((0, tt.zeros(1, 2), "not 0"), (1, tt.zeros(0, 2), "0 examples")):
        expect_error(
            lambda k=k, a=logits: tt.top_k_accuracy(a, tt.zeros(len(a), dtype=tt.int64), k=k),
            ValueError, mention, because="there is nothing to count",
        )  # fmt: skip


# The memory of a step


def test_memory_is_counted_by_part():
    model, inputs = tt.MLP(8, 16, 4), tt.zeros(5, 2, 4)
    optimizer = tt.Adam(model.parameters())
    table = tt.memory_table(model, optimizer, inputs)
    weights = 4 * (8 * 16 + 16 + 16 * 4 + 4)
    rows = {row[:2]: row[2:] for row in table.rows}
    for part in (("parameters", ""), ("gradients", ""), ("optimizer", "mean"),
                 ("optimizer", "square")):  # fmt: skip
        expect(rows[part], (4, weights), because=f"{part}: as many numbers as parameters")
    expect(rows["activations", "relu"], (1, 4 * 5 * 16), because="5 examples of 16 units")
    expect(rows["activations", "add"], (2, 4 * 5 * 20), because="16 and 4 units")
    expect(rows["activations", "matmul"], (2, 4 * 5 * 20), because="16 and 4 units")
    expect(len(rows), 7, because="views, such as Flatten's, take no memory of their own")
    expect(table.total("bytes"), 4 * weights + 4 * 5 * (16 + 20 + 20), because="all together")
    plain = tt.memory_table(model, tt.SGD(model.parameters(), 0.1), inputs)
    expect(
        plain.total("bytes"), table.total("bytes") - 2 * weights, because="SGD remembers nothing"
    )


def test_activations_are_what_python_allocates_for_a_pass():
    model, inputs = tt.MLP(64, 256, 10), tt.zeros(256, 64)
    table = tt.memory_table(model, tt.SGD(model.parameters(), 0.1), inputs)
    counted = sum(row[3] for row in table.rows if row[0] == "activations")
    kept = []
    tracemalloc.start()
    with tt.listen(lambda operation, inputs, options, output, seconds: kept.append(output)):
        model(inputs)
    allocated, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    expect(0.99 < counted / allocated <= 1, True, because=f"{counted:,} of {allocated:,} bytes")


def test_counting_memory_leaves_no_trace():
    model = tt.Sequential(tt.BatchNorm1d(3), tt.Dropout(0.5))
    optimizer, inputs = tt.SGD(model.parameters(), 0.1), tensor(4, 3, dtype=np.float32)
    before = model.state_dict()
    state = tt.default_generator().bit_generator.state
    tt.memory_table(model, optimizer, inputs)
    expect(tt.default_generator().bit_generator.state, state, because="nothing was drawn")
    for name, kept in model.state_dict().items():
        expect(kept, before[name], because=f"{name} is as it was")
    table = tt.memory_table(model.eval(), optimizer, inputs)
    rows = [row[1] for row in table.rows if row[0] == "activations"]
    expect("reshape" in rows, False, because="views of buffers take no memory of their own")


# Step 11


def trainer_of(model, optimizer=None, **options):
    """Return a trainer that says nothing."""
    optimizer = optimizer or tt.SGD(model.parameters(), 0.1)
    return tt.Trainer(model, options.pop("loss", tt.mse_loss), optimizer,
                      log=options.pop("log", None), **options)  # fmt: skip


def pairs(count=3, batch=4):
    """Return batches of inputs and targets, the same ones on every run."""
    kind = np.float32
    return [
        (tensor(batch, 2, seed=i, dtype=kind), tensor(batch, 1, seed=9 + i, dtype=kind))
        for i in range(count)
    ]


@pytest.mark.step("training.train_step")
def test_a_line_is_fitted_as_by_least_squares():
    x = tensor(40, 3)
    y = x @ tt.tensor([[1.0], [-2.0], [0.5]], tt.float64) + 3.0
    model = tt.Sequential(tt.Dense(3, 1)).to(tt.float64)
    trainer = trainer_of(model, tt.SGD(model.parameters(), 0.2, momentum=0.5))
    losses = [trainer.train_step(x, y) for _ in range(120)]
    design = np.hstack([x.numpy(), np.ones((40, 1))])
    wanted = np.linalg.lstsq(design, y.numpy(), rcond=None)[0]
    weight, bias = model.parameters()
    found = np.append(weight.numpy(), bias.numpy())
    expect(found, wanted[:, 0], because="there is one best line, and both find it", within=1e-4)
    expect(trainer.history.losses, losses, because="the history has every loss that was returned")
    expect(losses[-1] < losses[0] / 1000, True, because="it learned")


@pytest.mark.step("training.train_step")
def test_a_gradient_that_is_no_number_stops_and_says_where():
    model = tt.Sequential(tt.Dense(2, 1))
    good, bad = pairs()[0], (tt.tensor([[math.inf, 1.0]]), tt.zeros(1, 1))
    trainer = trainer_of(model)
    trainer.epoch = 3
    for batch in pairs():
        trainer.train_step(*batch)
    before = model.state_dict()
    expect_error(
        lambda: trainer.train_step(*bad), FloatingPointError, "loss is inf", "step 3, in epoch 4",
        "0.1", f"{trainer.history.gradient_norms[2]:.3g} long",
        because="it says when, and what to look at",
    )  # fmt: skip
    for name, kept in model.state_dict().items():
        expect(kept, before[name], because="nothing was changed")
    source = lambda *_: (tt.tensor(1.0), [tt.tensor([[math.inf, 0.0]]), None])  # noqa: E731
    trainer = trainer_of(model, gradients=source)
    expect_error(lambda: trainer.train_step(*good), FloatingPointError, "gradient is inf",
                 because="a loss can be finite where its gradient is not")  # fmt: skip
    trainer = trainer_of(model, gradients=source, keeps_going=True)
    expect(trainer.train_step(*good), 1.0, because="whoever wants to see it explode, may")
    expect(trainer.history.gradient_norms, [math.inf], because="and sees it")


def test_an_epoch_returns_the_mean_over_examples():
    weights = iter([1.0, 4.0])

    def source(*given):
        return tt.tensor(next(weights)), [None, None]

    trainer = trainer_of(tt.Dense(2, 1), gradients=source)
    batches = [(tt.zeros(3, 2), tt.zeros(3, 1)), (tt.zeros(1, 2), tt.zeros(1, 1))]
    expect(trainer.train_epoch(batches), 1.75, because="three examples of 1 and one of 4")


def test_training_and_evaluation_set_the_mode():
    modes = []

    class Watching(tt.Dense):
        def forward(self, x):
            modes.append(self.training)
            return super().forward(x)

    model = Watching(2, 1)
    model.eval()
    trainer = trainer_of(model, gradients=lambda m, loss, x, y: (loss(m(x), y), [None, None]))
    trainer.fit(pairs(1), pairs(1), epochs=1)
    expect(modes, [True, False], because="dropout belongs into training only")
    expect(model.training, True, because="evaluation leaves the mode as it was")


def test_evaluation_averages_loss_and_metrics_over_examples():
    model = tt.Identity()
    metrics = {"first": lambda logits, targets: float(logits[0, 0])}
    trainer = tt.Trainer(model, tt.mse_loss, tt.SGD([tt.zeros(1)], 0.1), metrics=metrics)
    batches = [(tt.ones(3, 1) * 2, tt.zeros(3, 1)), (tt.ones(1, 1) * 7, tt.zeros(1, 1))]
    found = trainer.evaluate(batches)
    expect(found, {"loss": 15.25, "first": 3.25}, because="(3 * 4 + 49) / 4 and (3 * 2 + 7) / 4")


def test_batches_that_are_none_are_refused():
    trainer = trainer_of(tt.Sequential(tt.Dense(2, 1)))
    (good,) = pairs(1)
    for batches, kind, mention in (
        ([], ValueError, "no batch"),
        ([good, (tt.zeros(0, 2), tt.zeros(0, 1))], ValueError, "batch 2 has no example"),
        ([(tt.zeros(2, 2), tt.zeros(0, 1))], ValueError, "batch 1 has no example"),
        ([good, good[:1]], TypeError, "batch 2 has 1"),
        ([(*good, good)], TypeError, "batch 1 has 3"),
        ([tt.zeros(2, 1)], TypeError, "batch 1 has 1"),
    ):
        for go in (trainer.train_epoch, trainer.evaluate):
            expect_error(lambda b=batches, go=go: go(b), kind, mention, because="it says which")
    expect_error(lambda: trainer.fit(iter([good]), epochs=2), ValueError, "used up",
                 because="an iterator gives its batches once")  # fmt: skip
    expect(trainer.evaluate([list(good)])["loss"] > 0, True, because="a list is a pair as well")


def test_epochs_are_counted_in_all():
    model = tt.Sequential(tt.Dense(2, 1))
    trainer = trainer_of(model)
    trainer.fit(pairs(), epochs=2)
    history = trainer.fit(pairs(), epochs=3)
    expect(trainer.epoch, 3, because="two were done, so one is left")
    expect(len(history.losses), 9, because="3 epochs of 3 batches")
    expect(history is trainer.history, True, because="it is the history of the whole training")
    for epochs in (3, 1):
        trainer.fit(pairs(), epochs=epochs)
        expect(len(history.losses), 9, because="3 are done, so nothing is left")
    expect(sorted(history.epochs[0]), ["epoch", "seconds", "train_loss"], because="no validation")


def test_an_epoch_says_how_long_it_took():
    trainer = trainer_of(tt.Sequential(tt.Dense(2, 1)))
    started = perf_counter()
    history = trainer.fit(pairs(1), epochs=1)
    took = perf_counter() - started
    expect(0 < history.epochs[0]["seconds"] <= took, True, because="no longer than all of it")


def test_callbacks_are_called_in_order():
    calls = []

    class Noting(tt.training.Callback):
        def on_fit_begin(self, trainer):
            calls.append("begin")

        def on_step_end(self, trainer):
            calls.append(len(trainer.history.losses))

        def on_epoch_end(self, trainer, record):
            calls.append(dict(record)["epoch"] == trainer.epoch)

        def on_fit_end(self, trainer):
            calls.append("end")

    plain = tt.training.Callback()
    trainer = trainer_of(tt.Sequential(tt.Dense(2, 1)), callbacks=[plain, Noting()])
    trainer.fit(pairs(2), epochs=2)
    expect(calls, ["begin", 1, 2, True, 3, 4, True, "end"], because="steps, epochs, and both ends")
    expect(plain.state_dict(), {}, because="a callback has nothing to keep unless it says so")


def test_one_line_an_epoch_is_written():
    lines = []
    trainer = trainer_of(tt.Sequential(tt.Dense(2, 1)), log=lines.append)
    trainer.fit(pairs(1), pairs(1), epochs=2)
    number = r"\d+\.\d{4}"
    wanted = rf"epoch 2/2: train_loss {number}, validation_loss {number}, \d+\.\d s"
    expect(len(lines), 2, because="one for each epoch")
    expect(bool(re.fullmatch(wanted, lines[1])), True, because=lines[1])


class Bar:
    """A bar that notes what it was made of."""

    made, closed = (), 0

    def __init__(self, batches, **options):
        self.batches, type(self).made = batches, options

    def __iter__(self):
        return iter(self.batches)

    def close(self):
        type(self).closed += 1


def pretend(monkeypatch, name):
    """Let a package be installed that has a tqdm."""
    module = types.ModuleType(name)
    module.tqdm, module.__spec__ = Bar, ModuleSpec(name, None)
    module.__path__ = []
    monkeypatch.setitem(sys.modules, name, module)


def terminal_with_tqdm(monkeypatch):
    """Return a terminal that stands in for this one, where tqdm is installed."""
    for name in ("tqdm", "ipywidgets", "ipykernel"):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)
    for name in ("tqdm", "tqdm.notebook"):
        pretend(monkeypatch, name)
    terminal = types.SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(Bar, "closed", 0)
    return terminal


def test_a_bar_is_shown_where_somebody_watches(monkeypatch):
    screen = terminal_with_tqdm(monkeypatch)
    find, bar_over = tt.training.progress.find_bar, tt.training.progress.bar_over
    expect(find() is Bar, True, because="a terminal shows the bar")
    with bar_over([1, 2], "epoch 1/3") as shown:
        expect((list(shown), Bar.made), ([1, 2], {"desc": "epoch 1/3", "leave": False}),
               because="the batches pass through it")  # fmt: skip
        expect(Bar.closed, 0, because="it is shown until the end")
    expect(Bar.closed, 1, because="then it is taken away")
    screen.isatty = lambda: False
    expect(find(), None, because="a log does not")
    pretend(monkeypatch, "ipykernel")
    pretend(monkeypatch, "ipywidgets")
    expect(find() is Bar, True, because="a notebook does")
    monkeypatch.delitem(sys.modules, "ipykernel")
    batches = [3]
    with bar_over(batches, "") as shown:
        expect(shown is batches, True, because="quiet otherwise")
    monkeypatch.setattr(sys, "stderr", None)
    expect(find(), None, because="a program without a window has none")


def test_every_epoch_has_its_bar(monkeypatch):
    terminal_with_tqdm(monkeypatch)
    trainer = trainer_of(tt.Sequential(tt.Dense(2, 1)), log=[].append)
    trainer.fit(pairs(1), epochs=2)
    expect((Bar.made["desc"], Bar.closed), ("epoch 2/2", 2), because="with its number")
    expect_error(lambda: trainer.fit([(1, 2, 3)], epochs=3), TypeError, because="it fails")
    expect(Bar.closed, 3, because="an error takes the bar away, too")
    trainer.fit(pairs(1), epochs=3)
    expect((Bar.made["desc"], Bar.closed), ("epoch 3/3", 4), because="and can be made again")
    trainer.log = None
    trainer.fit(pairs(1), epochs=4)
    expect(Bar.closed, 4, because="who wants no lines wants no bar")


def test_the_history_tells_columns_and_keeps_them():
    history = tt.History()
    history.note_step(loss=1.5, learning_rate=0.1, gradient_norm=2.0)
    history.note_step(loss=0.1, learning_rate=0.2, gradient_norm=math.inf)
    history.epochs += [{"a": 1.0}, {"b": 2.0}]
    found = history.column("b")
    expect(
        (math.isnan(found[0]), found[1]), (True, 2.0), because="an epoch may have no such result"
    )
    other = tt.History()
    other.load_state_dict(history.state_dict())
    expect(other.losses, [1.5, 0.1], because="in full precision")
    expect(other.learning_rates, [0.1, 0.2], because="in full precision")
    expect(other.gradient_norms, [2.0, math.inf], because="whatever they are")


# Early stopping


def watch(stopping, values):
    """Return after how many values patience has run out, or None."""
    for count, value in enumerate(values, start=1):
        stopping.has_improved(value)
        if stopping.waited >= stopping.patience:
            return count
    return None


def test_patience_counts_values_that_did_not_improve():
    stop = functools.partial(tt.EarlyStopping, patience=2)
    for make, values, wanted in (
        (stop(), [3, 2, 1], None),
        (stop(), [3, 3, 3], 3),
        (stop(), [3, 4, 2, 5, 2], 5),
        (stop(min_delta=0.5), [3, 2.6, 2.4, 2.2, 1.95], 5),
        (stop(min_delta=0.5), [3, 2.5, 2.5], 3),
        (stop(mode="max"), [0.1, 0.2, 0.2, 0.3, 0.1, 0.3], 6),
        (stop(), [math.nan, math.nan], 2),
        (stop(), [1, math.nan, math.nan], 3),
    ):
        expect(watch(make, values), wanted, because=f"{values} with {make.mode}, {make.min_delta}")


def test_stopping_remembers_the_best():
    stopping = tt.EarlyStopping(mode="max", patience=9)
    answers = [stopping.has_improved(value) for value in (1.0, 3.0, 2.0)]
    expect(answers, [True, True, False], because="3 is best")
    expect((stopping.best, stopping.waited), (3.0, 1), because="and one value has passed since")
    expect(tt.EarlyStopping(patience=1).patience, 1, because="one bad epoch may be enough")
    expect(tt.EarlyStopping().patience, 5, because="5 unless said otherwise")
    first = tt.EarlyStopping(mode="max").has_improved(-9.0)
    expect(first, True, because="whatever comes first is the best so far")
    for options in ({"patience": 0}, {"min_delta": -1.0}, {"mode": "least"}):
        expect_error(lambda o=options: tt.EarlyStopping(**o), ValueError,
                     str(next(iter(options.values()))), because="nothing could stop")  # fmt: skip


def test_patience_that_ran_out_before_stops_at_once():
    stopping = tt.EarlyStopping("train_loss", patience=2)
    stopping.load_state_dict({"best": tt.tensor(-1.0, tt.float64), "waited": tt.tensor(7)})
    trainer = trainer_of(tt.Sequential(tt.Dense(2, 1)), callbacks=[stopping])
    trainer.fit(pairs(1), epochs=5)
    expect((trainer.epoch, stopping.waited), (1, 8), because="it had waited for 7 already")


def test_a_result_that_is_not_there_is_named():
    trainer = trainer_of(tt.Sequential(tt.Dense(2, 1)), callbacks=[tt.EarlyStopping("val")])
    expect_error(lambda: trainer.fit(pairs(1), epochs=1), KeyError, "val", "train_loss",
                 because="it says which there are")  # fmt: skip


# Step 12 and what stands on it


@pytest.mark.step("training.save_checkpoint")
def test_tensors_of_every_dtype_and_shape_come_back(tmp_path):
    path = tmp_path / "all.safetensors"
    kinds = [dtype for dtype in tt.tensors.dtypes.SUPPORTED if dtype.kind in "if"]
    saved = {
        f"{dtype}{shape}": tt.tensor(random(*shape) * 3, tt.float64).to(dtype)
        for dtype in kinds
        for shape in ((), (3,), (2, 3), (0, 2))
    }
    saved["odd"] = tt.tensor([math.nan, math.inf, -0.0])
    saved["turned"] = tt.tensor(random(3, 4)).T
    saved["yes"] = tt.tensor([True, False])
    facts = {
        "empty": {},
        "nan": math.inf,
        "text": "naïve",
        "large": 2**127,
        "list": [1, [2.5, None]],
    }
    tt.training.save_checkpoint(str(path), saved, facts)
    found = tt.training.load_checkpoint(path)
    expect(found.facts, facts, because="facts of JSON come back, whole numbers of any size too")
    expect(sorted(found.tensors), sorted(saved), because="under their names")
    for name, kept in saved.items():
        expect(found.tensors[name], kept, because=name)


@pytest.mark.step("training.save_checkpoint")
def test_an_older_checkpoint_is_replaced(tmp_path):
    path = tmp_path / "saved.safetensors"
    for number in range(3):
        tt.training.save_checkpoint(path, {"weight": tt.full((2,), number)}, {"number": number})
    found = tt.training.load_checkpoint(path)
    expect(found.facts, {"number": 2}, because="the last one is there")
    expect(len(list(tmp_path.iterdir())), 1, because="and only that")


def test_every_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "saved.safetensors"
    tt.save_checkpoint(path, {"w": tt.tensor([1.5])}, {"epoch": 1})
    content = path.read_bytes()
    believed = []
    for place in range(0, 8 * len(content), 11):
        broken = bytearray(content)
        broken[place // 8] ^= 1 << place % 8
        path.write_bytes(broken)
        try:
            believed.append((place, tt.load_checkpoint(path)))
        except ValueError:
            continue
    expect(believed, [], because="the SHA-256 is that of everything that means something")


def test_what_is_no_checkpoint_of_this_version_is_refused(tmp_path):
    path = tmp_path / "saved.safetensors"
    expect_error(lambda: tt.load_checkpoint(path), FileNotFoundError, "saved.safetensors",
                 because="there is none")  # fmt: skip
    tensors = {"w": tt.ones(1)}
    good = tt.training.checkpoints.described(tensors, {})
    for changed, mention in (
        ({"version": "2"}, "version 2, and this program reads version 1"),
        ({"format": "other"}, "no checkpoint"),
        ({"facts": '{"epoch": 9}'}, "SHA-256"),
        ({"sha256": "0" * 64}, "not 000000000000;"),
    ):
        tt.save_safetensors(tensors, path, metadata={**good, **changed})
        expect_error(lambda: tt.load_checkpoint(path), ValueError, mention, str(path),
                     because="it is not to be trusted")  # fmt: skip
    tt.save_safetensors({"w": tt.zeros(1)}, path, metadata=good)
    expect_error(lambda: tt.load_checkpoint(path), ValueError, "damaged", because="other numbers")
    tt.save_safetensors({"v": tt.ones(1)}, path, metadata=good)
    expect_error(lambda: tt.load_checkpoint(path), ValueError, "damaged", because="another name")
    tt.save_safetensors({"w": tt.ones(1, 1)}, path, metadata=good)
    expect_error(lambda: tt.load_checkpoint(path), ValueError, "damaged", because="another shape")


def test_a_folder_keeps_the_last_checkpoints(tmp_path):
    folder = tmp_path / "new" / "folder"
    kept = tt.Checkpoints(folder, keep=2)
    expect(kept.latest(), None, because="there is none yet")
    kept.save(0, {"w": tt.ones(1)}, {})
    for left in ("epoch-000001.safetensors.0a1b2c3d.part", "epoch-000003.safetensors.ff.part"):
        (folder / left).write_bytes(b"half")
    for epoch in (1, 2, 10):
        kept.save(epoch, {"w": tt.ones(1)}, {"epoch": epoch})
    names = [path.name for path in kept.paths()]
    wanted = ["epoch-000002.safetensors", "epoch-000010.safetensors"]
    expect(names, wanted, because="two, oldest first")
    expect(len(list(folder.iterdir())), 2, because="what was never finished is gone too")
    expect(kept.latest().facts, {"epoch": 10}, because="the last one")
    kept = tt.Checkpoints(folder, keep=1)
    kept.save(11, {"w": tt.ones(1)}, {})
    expect([path.name for path in kept.paths()], ["epoch-000011.safetensors"], because="one")
    kept = tt.Checkpoints(folder)
    expect((kept.keep, kept.every), (3, 1), because="three, unless said otherwise, of every epoch")
    for options in ({"keep": 0}, {"every": 0}):
        expect_error(lambda o=options: tt.Checkpoints(folder, **o), ValueError, "0",
                     because="nothing would be kept")  # fmt: skip


def test_the_sentence_on_damage_shows_the_beginnings_of_both_digests(tmp_path):
    path = tmp_path / "saved.safetensors"
    good = tt.training.checkpoints.described({}, {})
    tt.save_safetensors({"w": tt.ones(1)}, path, metadata=good)
    try:
        tt.load_checkpoint(path)
        said = "nothing"
    except ValueError as damage:
        said = str(damage)
    wanted = rf"starts with [0-9a-f]{{12}}, not {good['sha256'][:12]}; use the checkpoint before"
    expect(bool(re.search(wanted, said)), True, because=said)


def test_a_damaged_last_checkpoint_is_passed_over_with_a_warning(tmp_path):
    kept = tt.Checkpoints(tmp_path)
    for epoch in (1, 2):
        kept.save(epoch, {"w": tt.ones(1)}, {"epoch": epoch})
    kept.paths()[-1].write_bytes(b"half of a fi")
    with pytest.warns(
        UserWarning, match=r"epoch-000002.* is damaged.*The one before it is used"
    ) as warned:
        found = kept.latest()
    expect(warned[0].filename, __file__, because="the warning names the line that asked for it")
    expect(found.facts, {"epoch": 1}, because="the one before is whole")
    kept.paths()[0].write_bytes(b"")
    with pytest.warns(UserWarning, match="epoch-00000[12]"):
        expect(kept.latest(), None, because="none is whole")


def small_training(folder, every=1, **options):
    """Return a trainer and loaders with every kind of state."""
    tt.manual_seed(11)
    data = tt.TensorDataset(tensor(24, 3, dtype=np.float32), labels(24))
    model = tt.Sequential(tt.Dense(3, 6), tt.Dropout(0.3, generator=np.random.default_rng(1)),
                          tt.ReLU(), tt.Dropout(0.1), tt.Dense(6, 3))  # fmt: skip
    optimizer = tt.AdamW(model.parameters(), 0.05)
    stopping = tt.EarlyStopping("train_loss", patience=9)
    trainer = tt.Trainer(
        model, tt.cross_entropy, optimizer, schedule=tt.CosineAnnealingLR(0.05, 18), max_norm=0.5,
        callbacks=[stopping], checkpoints=tt.Checkpoints(folder, every=every), log=None, **options
    )  # fmt: skip
    shuffled = tt.DataLoader(data, 8, shuffle=True, generator=np.random.default_rng(2))
    return trainer, shuffled, tt.DataLoader(data, 24)


def test_everything_goes_on_from_the_last_checkpoint(tmp_path):
    trainer, *loaders = small_training(tmp_path / "a")
    trainer.fit(*loaders, epochs=6)
    part, *loaders = small_training(tmp_path / "b", every=2)
    part.fit(*loaders, epochs=3)
    names = [path.name for path in part.checkpoints.paths()]
    expect(names, ["epoch-000002.safetensors"], because="one for every two epochs")
    resumed, *loaders = small_training(tmp_path / "b", every=2)
    history = resumed.resume(*loaders, epochs=6)
    expect(len(history.losses), 18, because="two epochs were kept, and four made")
    for name in ("losses", "learning_rates", "gradient_norms"):
        expect(getattr(history, name), getattr(trainer.history, name), because=f"the same {name}")
    for name in ("epoch", "train_loss", "validation_loss"):
        expect(history.column(name), trainer.history.column(name), because=f"the same {name}")
    for name, kept in trainer.model.state_dict().items():
        expect(resumed.model.state_dict()[name], kept, because=f"{name}, bit for bit")
    stopping, wanted = resumed.callbacks[0], trainer.callbacks[0]
    expect((stopping.best, stopping.waited), (wanted.best, wanted.waited), because="the same best")


def test_a_training_that_stopped_stays_stopped(tmp_path):
    trainer, *loaders = small_training(tmp_path)
    trainer.is_stopped = True
    trainer.fit(*loaders, epochs=2)
    expect(trainer.epoch, 0, because="it was stopped")
    trainer.is_stopped = False

    class Stop(tt.training.Callback):
        def on_epoch_end(self, trainer, record):
            trainer.is_stopped = True

    trainer.callbacks.append(Stop())
    trainer.fit(*loaders, epochs=5)
    again, *loaders = small_training(tmp_path)
    again.callbacks.append(Stop())
    again.resume(*loaders, epochs=5)
    expect((trainer.epoch, again.epoch), (1, 1), because="the checkpoint knows that it had stopped")


def test_resuming_needs_a_folder_and_begins_where_there_is_nothing(tmp_path):
    trainer = trainer_of(tt.Sequential(tt.Dense(2, 1)))
    expect_error(lambda: trainer.resume(pairs(), epochs=1), ValueError, "checkpoints",
                 because="there is nothing to go on from")  # fmt: skip
    trainer, *loaders = small_training(tmp_path)
    trainer.resume(*loaders, epochs=1)
    expect(trainer.epoch, 1, because="a first start is a resume from nothing")


def test_a_checkpoint_that_does_not_fit_changes_nothing(tmp_path):
    path = tmp_path / "saved.safetensors"
    trainer, *_ = small_training(tmp_path / "a")
    trainer.save(path)
    model = tt.Sequential(
        tt.Dense(3, 6), tt.Dropout(0.3), tt.ReLU(), tt.Dropout(0.1), tt.Dense(6, 3)
    )
    others = {
        "Sequential": trainer_of(tt.Sequential(tt.Dense(2, 1))),
        "SGD": trainer_of(model, callbacks=[tt.EarlyStopping()]),
        "generators": trainer_of(
            model, tt.AdamW(model.parameters()), callbacks=[tt.EarlyStopping()]
        ),
    }
    for mention, other in others.items():
        other.history.losses = [1.0]
        other.history.epochs = [{"epoch": 1}]
        before = other.state()
        expect_error(lambda o=other: o.load(path), ValueError, mention, because="it is another's")
        after = other.state()
        expect(after.facts, before.facts, because="the facts are as they were")
        for name, kept in before.tensors.items():
            expect(after.tensors[name], kept, because=f"{name} is as it was")
    trainer.load(path)
    expect(trainer.epoch, 0, because="its own fits")


# Generators


def test_a_new_training_does_not_write_over_checkpoints(tmp_path):
    trainer, *loaders = small_training(tmp_path)
    trainer.fit(*loaders, epochs=1)
    trainer.fit(*loaders, epochs=2)
    again, *loaders = small_training(tmp_path)
    expect_error(lambda: again.fit(*loaders, epochs=1), FileExistsError, str(tmp_path), "resume()",
                 because="they may be all that is left of a long training")  # fmt: skip
    expect((again.epoch, len(list(tmp_path.iterdir()))), (0, 2), because="nothing was changed")


class Interrupting(tt.training.Callback):
    """Press Ctrl-C after so many steps, once."""

    def __init__(self, steps):
        self.steps = steps

    def on_step_end(self, trainer):
        if len(trainer.history.losses) == self.steps:
            self.steps = None
            raise KeyboardInterrupt


def test_an_interrupted_epoch_can_be_made_again_to_the_same_bits(tmp_path):
    whole, *loaders = small_training(tmp_path / "a")
    whole.callbacks.append(Interrupting(None))
    whole.fit(*loaders, epochs=4)
    part, *loaders = small_training(tmp_path / "b")
    part.callbacks.append(Interrupting(8))
    with pytest.raises(KeyboardInterrupt):
        part.fit(*loaders, epochs=4)
    history = part.history
    counts = [len(getattr(history, name)) for name in ("losses", "learning_rates")]
    expect((part.epoch, len(history.epochs), counts), (2, 2, [8, 8]),
           because="two epochs were done, and two steps of the third")  # fmt: skip
    part.resume(*loaders, epochs=4)
    expect(part.history.losses, whole.history.losses, because="the third begins again")
    for name, kept in whole.state().tensors.items():
        expect(part.state().tensors[name], kept, because=f"{name}, bit for bit")


def test_a_trainer_refuses_what_is_not_its_own(tmp_path):
    model = tt.Sequential(tt.Dense(2, 1))
    for parameters in (tt.Dense(2, 1).parameters(), [*model.parameters()][::-1],
                       [*model.parameters()][:1]):  # fmt: skip
        other = trainer_of(model, tt.SGD(parameters, 0.1))
        expect_error(lambda o=other: o.fit(pairs(1), epochs=1), ValueError, "model.parameters()",
                     because="gradients come in the order of the model's")  # fmt: skip
    expect_error(lambda: trainer_of(model, callbacks=[tt.EarlyStopping]), TypeError, "callback",
                 because="the class was given, and not an object of it")  # fmt: skip
    path = tmp_path / "saved.safetensors"
    tt.save_checkpoint(path, {}, {"epoch": 1})
    plain, stopping = trainer_of(model), trainer_of(model, callbacks=[tt.EarlyStopping()])
    expect_error(lambda: plain.load(path), ValueError, "lacks is_stopped, epochs, generators;",
                 because="nothing of a trainer is in it")  # fmt: skip
    for saving, loading, mention in ((plain, stopping, "no state of EarlyStopping"),
                                     (stopping, plain, "state of callback0, which")):  # fmt: skip
        saving.save(path)
        expect_error(lambda o=loading: o.load(path), ValueError, mention,
                     because="the callbacks are not those that it had")  # fmt: skip
    for kept in ("best", "waited"):
        expect_error(lambda k=kept: tt.EarlyStopping().load_state_dict({k: tt.tensor(1.0)}),
                     ValueError, "callbacks", because="it needs both")  # fmt: skip
    expect_error(lambda: tt.save_checkpoint(path, {}, {"a": {1, 2}}), TypeError, "{1, 2}",
                 because="JSON holds no sets")  # fmt: skip


def test_generators_are_found_where_they_are_held():
    one, two = np.random.default_rng(1), np.random.default_rng(2)
    model = tt.Sequential(tt.Dropout(0.5, generator=one), tt.Sequential(tt.Dropout(0.5)))
    loader = tt.DataLoader([1, 2], shuffle=True, generator=two)
    found = tt.training.find_generators(model=model, loader=loader, again=one)
    expect(
        found["default"] is tt.default_generator(), True, because="the default one is always there"
    )
    expect(sorted(found), ["again", "default", "loader.generator"], because="each once")
    found = tt.training.find_generators(model=model)
    expect(list(found), ["default", "model.0.generator"], because="inside of modules too")
    model.loop = model
    expect(len(tt.training.find_generators(model=model)), 2, because="who holds itself is no trap")


def test_states_of_generators_are_copies_that_json_can_hold():
    for kind in (np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64):
        generators = {"a": np.random.Generator(kind(3))}
        states = tt.training.generator_states(generators)
        first = generators["a"].random(5)
        text = tt.training.checkpoints.described({}, states)["facts"]
        for kept in (states, json.loads(text)):
            tt.training.restore_generators(generators, kept)
            expect(
                generators["a"].random(5), first, because=f"{kind.__name__} draws the same again"
            )


def test_states_of_other_generators_are_refused():
    generators = {"a": np.random.default_rng(1), "b": np.random.default_rng(1)}
    states = tt.training.generator_states(generators)
    before = generators["a"].bit_generator.state
    generators["a"].random()
    other = {"a": states["a"], "b": np.random.MT19937(1).state}
    for wrong, mention in (({"a": states["a"]}, "['a', 'b']"), (other, "MT19937")):
        expect_error(lambda w=wrong: tt.training.restore_generators(generators, w), ValueError,
                     mention, because="they are of another program")  # fmt: skip
    expect(generators["a"].bit_generator.state == before, False, because="nothing was put back")
    twisted = {"a": np.random.Generator(np.random.MT19937(1))}
    expect_error(lambda: tt.training.restore_generators(twisted, {"a": states["a"]}), ValueError,
                 "PCG64", because="whichever way round")  # fmt: skip
