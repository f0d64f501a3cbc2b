"""Training keeps its promises on whatever hypothesis thinks of, and whenever it is killed."""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinytorch as tt

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds until something that should happen counts as never happening
NUMBERS = st.floats(-1e3, 1e3)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def holds_for(*strategies, examples=100, **named):
    """Return a decorator: the test holds for what the strategies think of, the same each time."""
    chosen = settings(deadline=None, derandomize=True, max_examples=examples)
    return lambda test: chosen(given(*strategies, **named)(test))


def arrays(shape=SHAPES, elements=NUMBERS):
    """Return a strategy of arrays of float64."""
    return hnp.arrays(np.float64, shape, elements=elements)


@st.composite
def paired(draw, count=2, elements=NUMBERS):
    """Arrays of one shape."""
    shape = draw(SHAPES)
    return [draw(arrays(shape, elements)) for _ in range(count)]


@st.composite
def scored(draw):
    """Scores and the true class of each example."""
    examples, classes = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    scores = draw(arrays((examples, classes), st.floats(-1e300, 1e300)))
    true = draw(hnp.arrays(np.int64, examples, elements=st.integers(0, classes - 1)))
    return tt.from_numpy(scores), tt.from_numpy(true)


# Losses


@holds_for(paired())
def test_no_loss_is_negative_and_being_right_costs_nothing(given_pair):
    a, b = map(tt.from_numpy, given_pair)
    for loss in (tt.mse_loss, tt.huber_loss):
        assert (loss(a, b, reduction="none") >= 0).all()
        assert not loss(a, a, reduction="none").any()
        assert loss(a, b, reduction="sum").item() == loss(b, a, reduction="sum").item()


@holds_for(paired())
def test_squared_losses_are_the_exact_sum_nearly(given_pair):
    a, b = given_pair
    exact = sum((Fraction(x) - Fraction(y)) ** 2 for x, y in zip(a.flat, b.flat, strict=True))
    found = tt.mse_loss(*map(tt.from_numpy, given_pair), reduction="sum").item()
    assert math.isclose(found, float(exact), rel_tol=1e-13, abs_tol=1e-300)


@holds_for(paired(), st.floats(1e-3, 1e3))
def test_huber_pulls_no_harder_than_delta(given_pair, delta):
    a, b = map(tt.from_numpy, given_pair)
    found = tt.huber_loss(a, b, reduction="none", delta=delta)
    distance = abs(a - b)
    assert (found <= delta * distance).all()
    assert (found <= distance * distance / 2 * (1 + 1e-12)).all()


@holds_for(scored(), st.floats(0, 1))
def test_surprise_is_finite_and_never_negative(drawn, smoothing):
    scores, true = drawn
    found = tt.cross_entropy(scores, true, label_smoothing=smoothing, reduction="none")
    assert found.isfinite().all()
    assert (found >= 0).all()


@holds_for(scored())
def test_surprise_knows_only_differences_of_scores(drawn):
    scores, true = drawn
    scores = scores.clamp(-1e3, 1e3)
    found = tt.cross_entropy(scores, true, reduction="none")
    moved = tt.cross_entropy(scores + 100.0, true, reduction="none")
    assert np.allclose(found.numpy(), moved.numpy(), rtol=1e-9, atol=1e-9)


@holds_for(arrays(elements=st.floats(-1e300, 1e300)), st.sampled_from([0.0, 1.0]))
def test_yes_and_no_are_finite_and_symmetric(scores, answer):
    x = tt.from_numpy(scores)
    y = tt.full(scores.shape, answer, tt.float64)
    found = tt.binary_cross_entropy_with_logits(x, y, reduction="none")
    turned = tt.binary_cross_entropy_with_logits(-x, 1 - y, reduction="none")
    assert found.isfinite().all()
    assert (found >= 0).all()
    assert (found == turned).all()


# Gradients


@st.composite
def networks(draw):
    """A chain of random layers of float64, an input, and the size of the output."""
    layers, size = [], draw(st.integers(1, 4))
    inputs = size
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["dense", "tanh", "sigmoid", "dropout", "identity"]))
        if kind == "dense":
            outputs = draw(st.integers(1, 4))
            layers.append(tt.Dense(size, outputs, bias=draw(st.booleans())))
            size = outputs
        else:
            layers.append({"tanh": tt.Tanh, "sigmoid": tt.Sigmoid, "identity": tt.Identity,
                           "dropout": tt.Dropout}[kind]())  # fmt: skip
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    model = tt.Sequential(*layers).to(tt.float64)
    for parameter in model.parameters():
        parameter.numpy()[...] = generator.normal(size=parameter.shape)
    return model, tt.from_numpy(generator.normal(size=(draw(st.integers(1, 3)), inputs))), size


@holds_for(networks(), st.integers(0, 99), examples=60)
def test_derived_gradients_are_the_measured_ones(drawn, seed):
    model, x, size = drawn
    targets = tt.from_numpy(np.random.default_rng(seed).normal(size=(len(x), size)))
    labels = tt.from_numpy(np.random.default_rng(seed).integers(0, size, len(x)))
    for loss, wanted in (
        (tt.mse_loss, targets),
        (tt.huber_loss, targets),
        (tt.cross_entropy, labels),
    ):
        tt.manual_seed(seed)
        value, derived = tt.backpropagate(model, loss, x, wanted)
        tt.manual_seed(seed)
        same, measured = tt.finite_differences(model, loss, x, wanted)
        assert value.item() == same.item()
        for ours, theirs in zip(derived, measured, strict=True):
            assert np.allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-7)


@holds_for(arrays(), st.floats(1e-6, 1.0))
def test_measuring_puts_every_bit_back(numbers, step):
    before = numbers.tobytes()
    slopes = tt.training.central_differences(lambda: float((numbers * 3).sum()), numbers, step=step)
    assert numbers.tobytes() == before
    assert slopes.shape == numbers.shape


# Steps


@holds_for(paired(4), st.floats(0, 1), st.floats(0, 0.99), st.booleans(), st.floats(0, 1))
def test_a_step_of_descent_is_exact_to_the_last_bits(drawn, lr, momentum, nesterov, decay):
    parameter, gradient, velocity, _ = drawn
    numbers = [one.copy() for one in (parameter, gradient, velocity)]
    tt.training.sgd_step(
        parameter, gradient, velocity, lr=lr, momentum=momentum, nesterov=nesterov,
        weight_decay=decay,
    )  # fmt: skip
    assert gradient.tobytes() == numbers[1].tobytes()
    for place in np.ndindex(parameter.shape):
        p, g, v = (Fraction(one[place]) for one in numbers)
        g += Fraction(decay) * p
        v = Fraction(momentum) * v + g
        direction = g + Fraction(momentum) * v if nesterov else v
        assert math.isclose(velocity[place], v, rel_tol=1e-12, abs_tol=1e-9)
        wanted = p - Fraction(lr) * direction
        assert math.isclose(parameter[place], wanted, rel_tol=1e-12, abs_tol=1e-9)


@holds_for(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20), st.floats(1e-3, 1.0))
def test_a_step_of_adam_is_hardly_longer_than_the_learning_rate(moves, lr):
    weight = tt.zeros(1).to(tt.float64)
    optimizer = tt.Adam([weight], lr, betas=(0.9, 0.9))  # equal, so the mean is below the root
    for move in moves:
        before = weight.item()
        optimizer.step([tt.tensor([move], tt.float64)])
        assert abs(weight.item() - before) <= lr * (1 + 1e-9)


@holds_for(st.lists(arrays(), max_size=4), st.floats(1e-3, 1e3))
def test_clipped_gradients_are_short_and_point_the_same_way(drawn, limit):
    found = [tt.from_numpy(one) for one in drawn]
    norm = tt.clip_grad_norm_(found, limit)
    assert math.isclose(norm, math.sqrt(sum((one**2).sum() for one in drawn)), rel_tol=1e-12)
    assert tt.training.total_norm(found) <= limit * (1 + 1e-12)
    for ours, theirs in zip(found, drawn, strict=True):
        assert np.allclose(ours.numpy() * max(norm, limit), theirs * limit, rtol=1e-9)


@holds_for(st.floats(0, 10), st.floats(0, 10), st.integers(1, 100))
def test_rates_never_leave_their_two_ends(lr, lowest, steps):
    schedule = tt.CosineAnnealingLR(lr, steps, lowest)
    found = [schedule(step) for step in range(steps + 3)]
    low, high = sorted((lr, lowest))
    slack = 1e-12 * high
    assert all(low - slack <= rate <= high + slack for rate in found)
    order = found if lr < lowest else found[::-1]
    assert all(a <= b + slack for a, b in pairwise(order))


# Checkpoints


FACTS = st.one_of(st.integers(), st.text(), st.floats(allow_nan=False))


@holds_for(
    st.dictionaries(st.text(max_size=8), arrays(elements=st.floats(width=64)), max_size=4),
    st.dictionaries(st.text(max_size=4), FACTS),
    examples=40,
)
def test_whatever_is_saved_comes_back(tmp_path_factory, tensors, facts):
    path = tmp_path_factory.mktemp("any") / "saved.safetensors"
    tensors = {name: one for name, one in tensors.items() if name != "__metadata__"}
    tt.save_checkpoint(path, {name: tt.from_numpy(one) for name, one in tensors.items()}, facts)
    found = tt.load_checkpoint(path)
    assert found.facts == facts
    assert {name: one.numpy().tobytes() for name, one in found.tensors.items()} == {
        name: one.tobytes() for name, one in tensors.items()
    }


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A checkpoint of a small training, and its bytes."""
    path = tmp_path_factory.mktemp("one") / "saved.safetensors"
    model = tt.MLP(2, 3, 2)
    tt.Trainer(model, tt.cross_entropy, tt.Adam(model.parameters()), log=None).save(path)
    return path, path.read_bytes()


@holds_for(st.data())
def test_any_change_of_a_checkpoint_is_noticed(saved, data):
    path, content = saved
    broken = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        broken[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    del broken[data.draw(st.integers(1, len(content))) :]
    if bytes(broken) == content:
        return
    path.write_bytes(broken)
    with pytest.raises(ValueError, match=r"^[^\n]*saved\.safetensors[^\n]*$"):
        tt.load_checkpoint(path)
    path.write_bytes(content)
    assert tt.load_checkpoint(path).facts["epoch"] == 0


def test_a_checkpoint_that_is_cut_off_anywhere_is_refused(saved):
    path, content = saved
    header = 8 + int.from_bytes(content[:8], "little")
    ends = [*range(header + 9), *range(header + 9, len(content), 97), len(content) - 1]
    for end in ends:
        path.write_bytes(content[:end])
        with pytest.raises(ValueError, match=r"^[^\n]*saved\.safetensors is damaged[^\n]*$"):
            tt.load_checkpoint(path)
    path.write_bytes(content)
    assert tt.load_checkpoint(path).facts["epoch"] == 0


TRAINING = """
import sys
import numpy as np
import tinytorch as tt

folder, epochs = sys.argv[1], int(sys.argv[2])
tt.manual_seed(0)
rng = np.random.default_rng(0)
points, labels = rng.normal(size=(64, 8)), rng.integers(0, 4, 64)
data = tt.TensorDataset(tt.from_numpy(points), tt.from_numpy(labels))
model = tt.Sequential(tt.Dense(8, 256), tt.ReLU(), tt.Dropout(0.2), tt.Dense(256, 4))
model.to(tt.float64)
trainer = tt.Trainer(
    model,
    tt.cross_entropy,
    tt.AdamW(model.parameters(), 0.01),
    schedule=tt.CosineAnnealingLR(0.01, 4 * epochs),
    max_norm=1.0,
    callbacks=[tt.EarlyStopping("train_loss", patience=epochs)],
    checkpoints=tt.Checkpoints(folder, keep=2),
    log=lambda line: print(line, flush=True),
)
trainer.resume(tt.DataLoader(data, 16, shuffle=True), tt.DataLoader(data, 64), epochs=epochs)
trainer.save(sys.argv[3])
"""


def start(tmp_path, folder, epochs, result):
    """Start a training in a process of its own."""
    program = tmp_path / "training.py"
    program.write_text(textwrap.dedent(TRAINING))
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TINYTORCH_WORKSPACE": "off"}
    environment["OPENBLAS_NUM_THREADS"] = "1"
    command = [sys.executable, str(program), str(tmp_path / folder), str(epochs)]
    return subprocess.Popen(
        [*command, str(tmp_path / result)], env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_training_that_is_killed_goes_on_to_the_same_bits(tmp_path):
    """Kill it at random moments, also while it writes; then let it finish."""
    epochs, moments = 40, random.Random(5)
    whole = start(tmp_path, "whole", epochs, "whole.safetensors")
    assert whole.communicate(timeout=PATIENCE)[1] == ""
    kills = 0
    for _ in range(6):
        killed = start(tmp_path, "killed", epochs, "killed.safetensors")
        killed.stdout.readline()  # one more epoch, and its checkpoint, is done
        time.sleep(moments.random() * 0.05)
        killed.send_signal(signal.SIGKILL)
        killed.communicate(timeout=PATIENCE)
        kills += killed.returncode == -signal.SIGKILL
    assert kills >= 3
    last = start(tmp_path, "killed", epochs, "killed.safetensors")
    assert last.communicate(timeout=PATIENCE)[1] == ""
    ours, theirs = (tt.load_checkpoint(tmp_path / f"{n}.safetensors") for n in ("killed", "whole"))
    assert ours.tensors.keys() == theirs.tensors.keys()
    for name, kept in theirs.tensors.items():
        assert ours.tensors[name].numpy().tobytes() == kept.numpy().tobytes(), name
    assert ours.facts["generators"] == theirs.facts["generators"]
    names = sorted(path.name for path in (tmp_path / "killed").iterdir())
    assert names == ["epoch-000039.safetensors", "epoch-000040.safetensors"]


def test_a_cut_off_checkpoint_costs_one_epoch_and_no_more(tmp_path):
    first = start(tmp_path, "folder", 4, "first.safetensors")
    assert first.communicate(timeout=PATIENCE)[1] == ""
    newest = tmp_path / "folder" / "epoch-000004.safetensors"
    newest.write_bytes(newest.read_bytes()[:-100])
    again = start(tmp_path, "folder", 4, "again.safetensors")
    said, warned = again.communicate(timeout=PATIENCE)
    assert said.startswith("epoch 4/4")
    assert "epoch-000004.safetensors is damaged" in warned
    ours, theirs = (tt.load_checkpoint(tmp_path / f"{n}.safetensors") for n in ("again", "first"))
    for name, kept in theirs.tensors.items():
        assert ours.tensors[name].numpy().tobytes() == kept.numpy().tobytes(), name
