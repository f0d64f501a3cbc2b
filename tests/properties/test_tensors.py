"""Tensors keep their promises on whatever hypothesis thinks of; NumPy is the oracle."""

from __future__ import annotations

import inspect
import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinytorch as tt

REFUSALS = (ValueError, TypeError, IndexError, ZeroDivisionError)
DTYPES = st.sampled_from(tt.tensors.dtypes.SUPPORTED)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


@pytest.fixture(autouse=True)
def silence():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's, of overflow and nan
        yield


def holds_for(*strategies, examples=100):
    """Return a decorator: the test holds for what the strategies think of, the same each time."""
    chosen = settings(deadline=None, derandomize=True, max_examples=examples)
    return lambda test: chosen(given(*strategies)(test))


@st.composite
def strided_arrays(draw, dtype=np.int64):
    """Arrays of every layout: with gaps, in any order of dims, repeated, empty."""
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    array = np.arange(math.prod(shape), dtype=dtype).reshape(shape)
    array = array.transpose(draw(st.permutations(range(array.ndim))))
    steps = [slice(draw(st.integers(0, 1)), None, draw(st.integers(1, 2))) for _ in array.shape]
    array = array[(*steps, ...)]
    if draw(st.booleans()):
        array = np.broadcast_to(array, (draw(st.integers(0, 3)), *array.shape))
    return array


@st.composite
def shapes_of_size(draw, count):
    """Shapes that hold that many elements."""
    if count == 0:
        return draw(SHAPES.filter(lambda shape: 0 in shape))
    shape, left = [], count
    while left > 1 or (len(shape) < 8 and draw(st.booleans())):
        size = draw(st.sampled_from([size for size in range(1, left + 1) if left % size == 0]))
        shape.append(size)
        left //= size
    return tuple(shape)


def same(tensor, array):
    return (
        tensor.shape == array.shape
        and tensor.dtype == array.dtype
        and np.array_equal(tensor.numpy(), array, equal_nan=array.dtype.kind == "f")
    )


# Shapes and strides


@holds_for(st.lists(SHAPES, max_size=4))
def test_shapes_broadcast_as_in_numpy(shapes):
    try:
        expected = np.broadcast_shapes(*shapes)
    except ValueError:
        with pytest.raises(ValueError, match="cannot broadcast"):
            tt.broadcast_shapes(*shapes)
    else:
        assert tt.broadcast_shapes(*shapes) == expected


@holds_for(strided_arrays(), SHAPES)
def test_strides_broadcast_as_in_numpy(array, target):
    strides = tuple(stride // array.itemsize for stride in array.strides)
    try:
        expected = np.broadcast_to(array, target)
    except ValueError:
        with pytest.raises(ValueError, match="cannot expand"):
            tt.broadcast_strides(array.shape, strides, target)
    else:
        got = tt.broadcast_strides(array.shape, strides, target)
        in_bytes = [stride * array.itemsize for stride in got]
        view = np.lib.stride_tricks.as_strided(array, target, in_bytes)
        assert np.array_equal(view, expected)


@holds_for(st.data())
def test_a_view_exists_exactly_where_numpy_reshapes_without_a_copy(data):
    array = data.draw(strided_arrays())
    new_shape = data.draw(shapes_of_size(array.size))
    strides = tuple(stride // array.itemsize for stride in array.strides)
    got = tt.view_strides(array.shape, strides, new_shape)
    copied = array.size and not np.shares_memory(array, array.reshape(new_shape))
    assert (got is None) == bool(copied)
    if got is not None and array.size:
        in_bytes = [stride * array.itemsize for stride in got]
        view = np.lib.stride_tricks.as_strided(array, new_shape, in_bytes)
        assert np.array_equal(view, array.reshape(new_shape))


@holds_for(SHAPES)
def test_contiguous_strides_are_those_of_a_new_array(shape):
    got = tt.contiguous_strides(shape)
    assert len(got) == len(shape)
    if 0 not in shape:
        places = (np.indices(shape).T @ np.array(got, int)).T if shape else np.array(0)
        assert np.array_equal(places, np.arange(math.prod(shape)).reshape(shape))


@holds_for(hnp.arrays(np.int64, SHAPES))
def test_a_shape_is_inferred_as_numpy_does(array):
    assume(0 not in array.shape[:-1])  # lists of no lists have lost their inner sizes
    assert tt.infer_shape(array.tolist()) == array.shape


@holds_for(st.recursive(st.integers(), lambda inner: st.lists(inner, max_size=3), max_leaves=12))
def test_a_list_is_ragged_exactly_where_numpy_says_so(nested):
    try:
        expected = np.array(nested, dtype=float).shape
    except ValueError:
        with pytest.raises(ValueError, match="ragged"):
            tt.infer_shape(nested)
    else:
        assert tt.infer_shape(nested) == expected


@holds_for(SHAPES, SHAPES)
def test_products_have_the_shape_that_numpy_gives_them(a, b):
    try:
        expected = (np.zeros(a) @ np.zeros(b)).shape
    except ValueError:
        with pytest.raises(ValueError, match="cannot"):
            tt.matmul_shape(a, b)
    else:
        assert tt.matmul_shape(a, b) == expected


@holds_for(
    st.integers(-6, 6) | st.lists(st.integers(-6, 6), max_size=4).map(tuple), st.integers(0, 5)
)
def test_dims_are_normalized_as_in_numpy(dim, ndim):
    try:
        expected = np.lib.array_utils.normalize_axis_tuple(dim, ndim)
    except ValueError as problem:  # AxisError is one too
        kind = IndexError if isinstance(problem, IndexError) else ValueError
        with pytest.raises(kind):
            tt.normalize_dims(dim, ndim)
    else:
        assert tt.normalize_dims(dim, ndim) == expected


@holds_for(st.lists(DTYPES, min_size=1, max_size=4), st.randoms())
def test_promotion_depends_neither_on_order_nor_on_grouping(dtypes, random):
    common = tt.result_type(*dtypes)
    shuffled = random.sample(dtypes, len(dtypes))
    assert tt.result_type(*shuffled) == common
    assert tt.result_type(*dtypes, common) == common


# Tensors


@holds_for(st.data())
def test_a_reshape_shares_memory_exactly_where_a_view_exists(data):
    array = data.draw(strided_arrays())
    new_shape = data.draw(shapes_of_size(array.size))
    tensor = tt.from_numpy(array)
    reshaped = tensor.reshape(new_shape)
    assert same(reshaped, array.reshape(new_shape))
    viewable = tt.view_strides(tensor.shape, tensor.strides, new_shape) is not None
    if array.size:
        assert tensor.shares_memory(reshaped) == viewable
    if viewable:
        assert same(tensor.view(new_shape), array.reshape(new_shape))
    else:
        with pytest.raises(ValueError, match=r"use reshape\(\)"):
            tensor.view(new_shape)


@holds_for(st.data())
def test_indexing_is_numpys(data):
    array = data.draw(strided_arrays())
    index = data.draw(
        hnp.basic_indices(array.shape, allow_newaxis=True) | hnp.integer_array_indices(array.shape)
        if array.ndim and array.size
        else hnp.basic_indices(array.shape, allow_newaxis=True)
    )
    got, expected = tt.from_numpy(array)[index], array[index]
    assert same(got, np.asarray(expected))
    if isinstance(expected, np.ndarray):
        assert got.shares_memory(tt.from_numpy(array)) == np.shares_memory(expected, array)


@holds_for(st.data())
def test_a_mask_picks_and_writes_as_in_numpy(data):
    array = data.draw(hnp.arrays(np.int64, SHAPES))
    mask = data.draw(hnp.arrays(bool, array.shape[: data.draw(st.integers(0, array.ndim))]))
    tensor = tt.tensor(array)
    assert same(tensor[tt.from_numpy(mask)], array[mask])
    tensor[tt.from_numpy(mask)] = 7
    array[mask] = 7
    assert same(tensor, array)


@holds_for(st.data(), st.sampled_from(["add", "sub", "mul", "lt", "eq", "maximum"]))
def test_elementwise_operations_broadcast_as_in_numpy(data, operation):
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4))
    a, b = (data.draw(hnp.arrays(np.float64, shape)) for shape in shapes.input_shapes)
    kernel = {"sub": np.subtract, "mul": np.multiply, "lt": np.less, "eq": np.equal}.get(
        operation, getattr(np, operation, None)
    )
    assert same(tt.apply(operation, tt.from_numpy(a), tt.from_numpy(b)), np.asarray(kernel(a, b)))


@holds_for(st.data(), st.sampled_from(["sum", "amax", "amin", "any", "all", "prod"]), st.booleans())
def test_reductions_are_numpys(data, name, keepdim):
    array = data.draw(strided_arrays(np.float64))
    dim = data.draw(st.none() | hnp.valid_tuple_axes(array.ndim, min_size=min(1, array.ndim)))
    tensor = tt.from_numpy(array)
    try:
        expected = getattr(np, name)(array, axis=dim, keepdims=keepdim)
    except ValueError:
        with pytest.raises(ValueError, match="empty"):
            getattr(tensor, name)(dim, keepdim=keepdim)
    else:
        assert same(getattr(tensor, name)(dim, keepdim=keepdim), np.asarray(expected))


@holds_for(st.data())
def test_moves_undo_each_other(data):
    array = data.draw(strided_arrays())
    tensor = tt.from_numpy(array)
    order = data.draw(st.permutations(range(array.ndim)))
    moved = tensor.permute(order)
    assert same(moved, array.transpose(order))
    assert same(moved.permute([order.index(dim) for dim in range(array.ndim)]), array)
    place = data.draw(st.integers(-array.ndim - 1, array.ndim))
    assert same(tensor.unsqueeze(place).squeeze(place), array)


@holds_for(st.data())
def test_an_expanded_tensor_repeats_and_refuses_to_be_written(data):
    array = data.draw(strided_arrays())
    grown = tuple(data.draw(st.integers(0, 3)) if size == 1 else size for size in array.shape)
    target = (*data.draw(st.lists(st.integers(0, 2), max_size=2)), *grown)
    expanded = tt.from_numpy(array).expand(target)
    assert same(expanded, np.broadcast_to(array, target))
    with pytest.raises(ValueError, match="clone"):
        expanded[...] = 0


@holds_for(hnp.arrays(DTYPES, SHAPES), DTYPES)
def test_a_conversion_keeps_every_value_that_fits(array, dtype):
    tensor = tt.from_numpy(array)
    try:
        converted = tensor.to(dtype)
    except ValueError:
        assert array.dtype.kind == "f"
        assert dtype.kind in "iu"
        return
    assert converted.dtype == dtype
    if np.can_cast(array.dtype, dtype, "safe") and array.dtype.itemsize < 8:
        assert same(converted.to(tensor.dtype), array)
    if array.dtype.kind == "f" and dtype.kind in "iu":
        assert np.array_equal(converted.numpy().astype(float), np.trunc(array.astype(float)))


@holds_for(hnp.arrays(DTYPES, SHAPES))
def test_a_tensor_comes_back_from_its_lists(array):
    assume(0 not in array.shape)
    assert same(tt.tensor(array.tolist(), dtype=array.dtype), array)


@holds_for(strided_arrays())
def test_a_tensor_is_contiguous_exactly_where_numpy_says_so(array):
    tensor = tt.from_numpy(array)
    assert tensor.is_contiguous() == array.flags.c_contiguous
    assert same(tensor.contiguous(), array)
    assert tensor.contiguous().is_contiguous()


@holds_for(strided_arrays())
def test_storage_offset_and_strides_find_every_element(array):
    assume(array.size)
    tensor = tt.from_numpy(array)
    places = tensor.storage_offset() + sum(
        np.indices(array.shape)[dim] * stride for dim, stride in enumerate(tensor.strides)
    )
    assert np.array_equal(tensor.storage().numpy()[places], array)


# Anything at all: it works, or says in one sentence why not

NUMBERS = st.sampled_from([0, 1, -1, 2, 3, 7, True, False, 0.5, -2.5, 2**40, 2**70]) | st.floats()
TENSORS = hnp.arrays(DTYPES, SHAPES).map(tt.tensor)
INDICES = st.one_of(
    NUMBERS,
    TENSORS,
    st.none(),
    st.just(...),
    st.slices(4),
    st.lists(st.integers(-4, 4), max_size=3),
    st.text(max_size=2),
)
ANYTHING = st.one_of(
    TENSORS,
    NUMBERS,
    DTYPES,
    st.none(),
    st.text(max_size=2),
    st.lists(st.integers(-3, 4), max_size=4),
    st.lists(st.integers(-3, 4), max_size=4).map(tuple),
    st.lists(TENSORS, max_size=3),
    st.lists(INDICES, max_size=3).map(tuple),
    st.sampled_from(
        ["float32", "int64", object(), {}, {1}, b"1", 1j, np.float32(2), [[1], [2, 3]]]
    ),
)
METHODS = [
    name
    for name, value in vars(tt.Tensor).items()
    if callable(value) and (name.endswith("__") or not name.startswith("_"))
    if getattr(value, "__module__", "").startswith("tinytorch.tensors")  # later ones add theirs
]
FUNCTIONS = ["infer_shape"] + [
    name
    for name in tt.tensors.__all__
    if getattr(getattr(tt, name), "__module__", "").endswith((".creation", ".combining"))
]
OPERATIONS = sorted(tt.tensors.door._kernels)


def works_or_says_why(call):
    try:
        call()
        message = "it worked"
    except REFUSALS as problem:
        message = str(problem)
    assert message.strip()
    assert "\n" not in message


@pytest.mark.parametrize("name", METHODS)
@holds_for(TENSORS, st.data(), examples=40)
def test_a_method_works_or_says_why_not(name, tensor, data):
    count = max(len(inspect.signature(getattr(tt.Tensor, name)).parameters) - 1, 0)
    arguments = data.draw(st.lists(INDICES | ANYTHING, max_size=min(count + 1, 3)))
    works_or_says_why(lambda: getattr(tensor, name)(*arguments))


@pytest.mark.parametrize("name", FUNCTIONS)
@holds_for(st.lists(ANYTHING, max_size=3), examples=40)
def test_a_function_works_or_says_why_not(name, arguments):
    works_or_says_why(lambda: getattr(tt, name)(*arguments))


@holds_for(st.sampled_from(OPERATIONS), st.lists(ANYTHING, max_size=3))
def test_an_operation_works_or_says_why_not(name, arguments):
    works_or_says_why(lambda: tt.apply(name, *arguments))
