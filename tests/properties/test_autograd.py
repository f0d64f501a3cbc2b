"""Gradients keep their promises on whatever hypothesis thinks of; small steps are the oracle."""

from __future__ import annotations

import gc
import sys
import threading
import tracemalloc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinytorch as tt
from tinytorch.autograd import tape
from tinytorch.autograd.writing import writes

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
SMALL = st.floats(-3, 3, width=32)  # few bits, so that a sum of them is exact


def holds_for(*strategies, examples=60):
    """Return a decorator: the test holds for what the strategies think of, the same each time."""
    chosen = settings(deadline=None, derandomize=True, max_examples=examples)
    return lambda test: chosen(given(*strategies)(test))


def arrays(shapes=SHAPES):
    return shapes.flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=SMALL))


@st.composite
def pairs(draw):
    """Two arrays whose shapes broadcast."""
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3))
    return [draw(hnp.arrays(np.float64, shape, elements=SMALL)) for shape in shapes.input_shapes]


# Expressions


SMOOTH = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / (b * b + 1),
    "pow": lambda a, b: (a * a + 1) ** b.tanh(),
    "sin": lambda a, b: (a - b).sin(),
    "gelu": lambda a, b: tt.gelu(a * b),
    "softplus": lambda a, b: tt.apply("softplus", a - b),
    "repeated": lambda a, b: a * a * b + b * a,
}


@pytest.mark.parametrize("name", SMOOTH)
@holds_for(pairs(), examples=25)
def test_first_and_second_gradients_are_those_of_small_steps(name, given_pair):
    inputs = [tt.tensor(one) for one in given_pair]
    assert tt.gradcheck(SMOOTH[name], inputs, rtol=1e-3, atol=1e-4)
    assert tt.autograd.gradgradcheck(SMOOTH[name], inputs, rtol=1e-3, atol=1e-3)


@st.composite
def programs(draw):
    """A program of several operations: each one's name, and the numbers of what it reads."""
    steps = []
    for made in range(1, draw(st.integers(2, 12))):
        name = draw(st.sampled_from(["add", "mul", "sin", "div"]))
        steps.append((name, draw(st.integers(0, made - 1)), draw(st.integers(0, made - 1))))
    return steps


@holds_for(programs(), hnp.arrays(np.float64, (2,), elements=st.floats(-1, 1)))
def test_programs_that_reuse_their_results_have_the_gradients_of_small_steps(steps, start):
    def run(x):
        values = [x]
        for name, i, j in steps:
            values.append(SMOOTH[name](values[i], values[j]).tanh())
        return values[-1]

    assert tt.gradcheck(run, tt.tensor(start), rtol=1e-3, atol=1e-5)


@holds_for(arrays(), st.data())
def test_reading_by_an_index_and_putting_back_are_transposes(array, data):
    index = data.draw(
        hnp.basic_indices(array.shape, allow_newaxis=True)
        if 0 in array.shape or not array.ndim
        else hnp.integer_array_indices(array.shape)
    )
    x = tt.tensor(array).requires_grad_()
    item = x[index]
    weights = np.arange(item.numel(), dtype=np.float64).reshape(item.shape)
    item.backward(tt.tensor(weights))
    wanted = np.zeros_like(array)
    np.add.at(wanted, index, weights)
    assert np.array_equal(x.grad.numpy(), wanted)


@holds_for(
    st.integers(1, 2), st.integers(1, 2), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2)
)
def test_convolutions_of_all_kinds_have_the_gradients_of_small_steps(
    groups, stride, height, width, padding
):
    rng = np.random.default_rng(height + 5 * width)
    images = tt.tensor(rng.standard_normal((2, 2 * groups, 4, 5)))
    weight = tt.tensor(rng.standard_normal((2 * groups, 2, height, width)))
    options = {"groups": groups, "stride": (stride, 1), "padding": (padding, 1)}
    assert tt.gradcheck(lambda x, w: tt.conv2d(x, w, **options), [images, weight])


@holds_for(arrays(hnp.array_shapes(min_dims=2, max_dims=2, max_side=3)), st.integers(0, 1))
def test_shares_and_their_logarithms_have_gradients_that_cancel(array, dim):
    for function in (tt.softmax, tt.log_softmax):
        x = tt.tensor(array).requires_grad_()
        output = function(x, dim)
        output.backward(tt.tensor(np.cos(np.arange(array.size)).reshape(array.shape)))
        assert np.allclose(x.grad.numpy().sum(dim), 0, atol=1e-9)


# Large graphs


def test_a_chain_of_a_hundred_thousand_operations_goes_back_and_is_freed():
    x = tt.tensor(1.0).requires_grad_()
    y = x
    for _ in range(100_000):
        y = y + x
    y.backward()
    assert x.grad.item() == 100_001
    last = weakref.ref(y.grad_fn)
    limit = sys.getrecursionlimit()
    del y
    assert last() is None
    assert sys.getrecursionlimit() == limit


def test_memory_goes_with_the_result_and_needs_no_collector():
    weight = tt.rand(100, 100).requires_grad_()

    def train():
        hidden = weight
        for _ in range(10):
            hidden = (hidden @ weight).tanh() * 0.5
            hidden[0] = 0.0
        return (hidden * hidden).sum()

    train().backward()
    gc.disable()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(3):
            train()  # and let the graph go without going back
            weight.grad = None
            train().backward()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        gc.enable()
    assert after - before < 2 * weight.nbytes


def test_checkpoints_cut_the_peak_of_memory():
    layers = [tt.rand(60, 60).requires_grad_() for _ in range(12)]

    def part(x, *weights):
        for weight in weights:
            x = (x @ weight).tanh()
        return x

    def plain(x):
        return part(x, *layers)

    def in_parts(x):
        for first in range(0, 12, 3):
            x = tt.checkpoint(part, x, *layers[first : first + 3])
        return x

    peaks, gradients = {}, {}
    for name, function in (("plain", plain), ("in parts", in_parts)):
        for layer in layers:
            layer.grad = None
        x = tt.ones(2000, 60)
        tracemalloc.start()
        function(x).sum().backward()
        peaks[name] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        gradients[name] = [layer.grad.numpy() for layer in layers]
    assert peaks["in parts"] < 0.8 * peaks["plain"]
    assert all(map(np.array_equal, *gradients.values()))


# Threads, and nothing to listen for


def test_each_thread_has_a_mode_of_its_own():
    found = []
    with tt.no_grad():
        other = threading.Thread(target=lambda: found.append(tt.is_grad_enabled()))
        other.start()
        other.join()
    assert found == [True]


def test_threads_record_and_go_back_side_by_side():
    x = tt.tensor([1.0, 2.0]).requires_grad_()
    results, errors = [], []

    def work(factor):
        try:
            for _ in range(50):
                (found,) = tt.autograd.grad((x * factor).exp().sum(), x)
                with tt.no_grad():
                    x * 2
            results.append((factor, found.tolist()))
        except (RuntimeError, ValueError, KeyError) as problem:
            errors.append(problem)

    threads = [threading.Thread(target=work, args=(float(one),)) for one in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert errors == []
    assert len(results) == 4
    for factor, found in results:
        assert np.allclose(found, factor * np.exp(factor * np.array([1.0, 2.0])))


def test_writes_of_several_threads_are_counted_and_forgotten():
    gc.collect()
    former = len(writes.lines), writes.recorded

    def work():
        for _ in range(200):
            x = tt.tensor([1.0, 2.0]).requires_grad_()
            y = x * 2
            y[0] = x[1] * 5
            y.sum().backward()
            assert x.grad.tolist() == [0.0, 7.0]

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    gc.collect()
    assert (len(writes.lines), writes.recorded) == former


def test_nothing_is_listened_for_where_nothing_requires_a_gradient():
    from tinytorch.tensors import door

    gc.collect()
    assert not tape.is_listening()
    former = list(door._listeners), door._kernels["setitem"]
    x = tt.ones(3).requires_grad_()
    assert tape.hear in door._listeners
    del x
    assert (list(door._listeners), door._kernels["setitem"]) == former


def test_leaves_that_come_and_go_in_any_thread_leave_the_door_as_it_was():
    def work():
        for _ in range(200):
            x = tt.ones(2).requires_grad_()
            (x * 2).sum().backward()
            assert x.grad.tolist() == [2.0, 2.0]

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    gc.collect()
    assert not tape.is_listening()
