"""Layers keep their promises on whatever hypothesis thinks of; exact sums are the oracle."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinytorch as tt

REFUSALS = (ValueError, TypeError, IndexError, ZeroDivisionError)
DTYPES = st.sampled_from(tt.tensors.dtypes.SUPPORTED)
FLOATS = st.sampled_from([np.dtype(np.float32), np.dtype(np.float64)])
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
SIZES = st.integers(0, 5)


def holds_for(*strategies, examples=100):
    """Return a decorator: the test holds for what the strategies think of, the same each time."""
    chosen = settings(deadline=None, derandomize=True, max_examples=examples)
    return lambda test: chosen(given(*strategies)(test))


@st.composite
def scores(draw, bound=None):
    """Float arrays with one dim or more, none of them empty, and a dim of theirs."""
    dtype = draw(FLOATS)
    bound = bound or float(np.finfo(dtype).max)
    elements = st.floats(-bound, bound, width=8 * dtype.itemsize)
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
    return draw(hnp.arrays(dtype, shape, elements=elements)), draw(st.integers(0, len(shape) - 1))


# Activations


@holds_for(scores())
def test_shares_lie_from_0_to_1_and_add_up_to_1(drawn):
    array, dim = drawn
    shares = tt.softmax(tt.tensor(array), dim).numpy()
    assert shares.dtype == array.dtype
    assert ((shares >= 0) & (shares <= 1)).all()
    assert np.allclose(shares.sum(axis=dim), 1, rtol=0, atol=1e-6)


@holds_for(scores())
def test_a_higher_score_never_has_a_smaller_share(drawn):
    array, dim = drawn
    order = np.argsort(array, axis=dim, kind="stable")
    for function in (tt.softmax, tt.log_softmax):
        ranked = np.take_along_axis(function(tt.tensor(array), dim).numpy(), order, dim)
        assert (np.take(ranked, range(1, array.shape[dim]), dim)
                >= np.take(ranked, range(array.shape[dim] - 1), dim)).all()  # fmt: skip


@holds_for(scores(bound=600.0))
def test_the_logarithm_of_a_share_is_that_of_the_softmax(drawn):
    array, dim = drawn
    logarithms = tt.log_softmax(tt.tensor(array), dim).numpy()
    assert np.isfinite(logarithms).all()
    shares = tt.softmax(tt.tensor(array), dim).numpy()
    assert np.allclose(np.exp(logarithms), shares, rtol=2e-4 if array.itemsize == 4 else 1e-9)


@holds_for(scores(bound=50.0))
def test_log_softmax_agrees_with_exact_sums(drawn):
    array, dim = drawn
    total = np.apply_along_axis(
        lambda line: math.log(math.fsum(map(math.exp, line.tolist()))), dim, array
    )
    wanted = array.astype(float) - np.expand_dims(total, dim)
    got = tt.log_softmax(tt.tensor(array), dim).numpy()
    assert np.allclose(got, wanted, rtol=1e-5, atol=2e-5 if array.itemsize == 4 else 1e-12)


@holds_for(scores(), st.sampled_from(["relu", "leaky_relu", "sigmoid", "gelu"]))
def test_an_activation_is_the_same_on_a_view_and_alone(drawn, name):
    array, _ = drawn
    function = getattr(tt, name)
    whole = function(tt.tensor(array))
    assert whole.shape == array.shape
    assert whole.dtype == array.dtype
    assert np.array_equal(function(tt.from_numpy(array).T).numpy(), whole.numpy().T)
    for index in np.ndindex(array.shape):
        assert function(tt.tensor(array[index])).numpy() == pytest.approx(whole.numpy()[index])


@holds_for(scores())
def test_a_sigmoid_rises_from_0_to_1(drawn):
    array, _ = drawn
    values = tt.sigmoid(tt.tensor(np.sort(array.ravel()))).numpy()
    assert ((values >= 0) & (values <= 1)).all()
    assert (np.diff(values.astype(float)) >= -1e-7).all()
    mirrored = tt.sigmoid(tt.tensor(-array)).numpy() + tt.sigmoid(tt.tensor(array)).numpy()
    assert np.allclose(mirrored, 1, rtol=0, atol=1e-6)


@holds_for(scores(bound=2.0**99), st.sampled_from(["none", "tanh"]))
def test_gelu_lies_between_a_little_below_0_and_relu(drawn, approximate):
    array, _ = drawn
    values = tt.gelu(tt.tensor(array), approximate=approximate).numpy()
    assert (values >= -0.1701).all()
    assert (values <= np.maximum(array, 0)).all()
    assert (values * np.sign(array) >= 0).all()


# Linear maps and chains of them


@holds_for(st.data(), FLOATS)
def test_a_linear_map_agrees_with_a_sum_over_an_index(data, dtype):
    before = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    inputs, outputs = data.draw(SIZES), data.draw(SIZES)
    elements = st.integers(-9, 9).map(float)
    x = data.draw(hnp.arrays(dtype, (*before, inputs), elements=elements))
    weight = data.draw(hnp.arrays(dtype, (outputs, inputs), elements=elements))
    bias = data.draw(hnp.arrays(dtype, outputs, elements=elements))
    got = tt.linear(tt.tensor(x), tt.tensor(weight), tt.tensor(bias))
    assert got.dtype == dtype
    assert np.array_equal(got.numpy(), np.einsum("...i,oi->...o", x, weight) + bias)


@holds_for(SHAPES, SHAPES)
def test_a_linear_map_takes_what_fits_and_names_what_does_not(x, weight):
    call = lambda: tt.linear(tt.zeros(x), tt.zeros(weight))  # noqa: E731
    if len(x) and len(weight) == 2 and x[-1] == weight[1]:
        assert call().shape == (*x[:-1], weight[0])
    else:
        with pytest.raises(ValueError, match="cannot"):
            call()


@st.composite
def models(draw, depth=3):
    """Trees of modules with parameters, buffers, and modules that are shared."""
    if depth == 0 or draw(st.booleans()):
        layer = draw(st.sampled_from([tt.ReLU, tt.Dropout, lambda: tt.Dense(2, 2)]))()
    else:
        layer = tt.Sequential(*draw(st.lists(models(depth=depth - 1), max_size=3)))
    if draw(st.booleans()):
        layer.register_buffer("count", tt.full(1, float(draw(st.integers(0, 9)))))
    return layer if depth or draw(st.booleans()) else tt.Sequential(layer, layer)


@holds_for(models())
def test_every_tensor_of_a_model_has_one_name(model):
    named = dict(model.named_parameters()) | dict(model.named_buffers())
    assert len({id(tensor) for tensor in named.values()}) == len(named)
    for name, tensor in named.items():
        held = model
        for part in name.split("."):
            held = vars(held)[part]
        assert held is tensor
    held = [value for module in model.modules() for value in vars(module).values()]
    assert {id(one) for one in held if isinstance(one, tt.Tensor)} == set(map(id, named.values()))


@holds_for(models(), st.data())
def test_a_state_is_loaded_whole_or_not_at_all(model, data):
    state = {name: one + 1 for name, one in model.state_dict().items()}
    before = model.state_dict()
    spoilt = dict(state)
    if state and data.draw(st.booleans()):
        spoilt[data.draw(st.sampled_from(sorted(state)))] = tt.zeros(9)
    else:
        spoilt["no such name"] = tt.zeros(1)
    with pytest.raises(ValueError, match="cannot load"):
        model.load_state_dict(spoilt)
    assert all((model.state_dict()[name] == one).all() for name, one in before.items())
    model.load_state_dict(state)
    assert all((model.state_dict()[name] == one).all() for name, one in state.items())


@holds_for(models())
def test_a_model_is_told_to_train_as_a_whole(model):
    assert not any(module.training for module in model.eval().modules())
    assert all(module.training for module in model.train().modules())
    assert repr(model).count("(") == repr(model).count(")")


# Random numbers


@holds_for(SHAPES, st.floats(0, 1), st.integers(0, 2**32))
def test_dropout_keeps_or_drops_each_element(shape, p, seed):
    x = tt.full(shape, 3.0)
    got = tt.dropout(x, p, generator=np.random.default_rng(seed)).numpy()
    drawn = np.random.default_rng(seed).random(shape)
    with np.errstate(divide="ignore"):
        kept = np.divide(np.float32(3), np.float32(1 - p))
    assert np.array_equal(got, np.where(drawn >= p, kept, np.float32(0)))


FILLINGS = ["xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_"]


@holds_for(SHAPES, FLOATS, st.sampled_from(FILLINGS), st.integers(0, 2**32))
def test_a_filling_follows_from_the_seed_alone(shape, dtype, name, seed):
    fill = lambda: getattr(tt, name)(  # noqa: E731
        tt.zeros(shape, dtype=dtype), generator=np.random.default_rng(seed)
    )
    if len(shape) < 2:
        with pytest.raises(ValueError, match="no fans"):
            fill()
    else:
        filled = fill()
        assert (filled.shape, filled.dtype) == (shape, dtype)
        assert np.isfinite(filled.numpy()).all()
        assert np.array_equal(fill().numpy(), filled.numpy())


# Anything at all: it works, or says in one sentence why not

ANYTHING = st.one_of(
    hnp.arrays(DTYPES, SHAPES).map(tt.tensor),
    st.sampled_from([0, 1, -1, 2, True, 0.5, -2.5, 2**40, None, "none", "tanh", "relu", "fan_in"]),
    st.lists(st.integers(-3, 4), max_size=3).map(tuple),
)
FUNCTIONS = ["relu", "leaky_relu", "sigmoid", "softmax", "log_softmax", "linear"]


@pytest.mark.parametrize("name", FUNCTIONS)
@holds_for(st.data(), hnp.arrays(DTYPES, SHAPES), examples=40)
def test_a_function_of_a_tensor_works_or_says_why_not(name, data, array):
    count = len(inspect.signature(getattr(tt, name)).parameters) - 1
    rest = data.draw(st.lists(ANYTHING, min_size=min(count, 1), max_size=count))
    if name == "linear":
        rest = [one for one in rest if isinstance(one, tt.Tensor)] or [tt.zeros(2, 3)]
    elif name == "leaky_relu":
        rest = [one for one in rest if isinstance(one, int | float)]
    try:
        getattr(tt, name)(tt.tensor(array), *rest)
        message = "it worked"
    except REFUSALS as problem:
        message = str(problem)
    assert message.strip()
    assert "\n" not in message
