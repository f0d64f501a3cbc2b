"""Tensors beyond the chapter's examples: many shapes, with NumPy as the independent oracle."""

from itertools import product
from math import prod

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import expect, expect_error

DTYPES = (
    tt.bool_,
    tt.uint8,
    tt.int8,
    tt.int16,
    tt.int32,
    tt.int64,
    tt.float16,
    tt.float32,
    tt.float64,
)


@pytest.fixture(autouse=True)
def door_is_left_as_found():
    """Take away what an answer that never stops listening would leave for the next check."""
    listeners = tt.tensors.door._listeners
    before = list(listeners)
    yield
    listeners[:] = before


def shapes(count, *, smallest=1, most_dims=4):
    """Return random shapes, the same ones on every run."""
    rng = np.random.default_rng(2026)
    return [
        tuple(rng.integers(smallest, 5, rng.integers(0, most_dims + 1)).tolist())
        for _ in range(count)
    ]


def in_elements(array):
    """Return an array's strides counted in elements."""
    return tuple(stride // array.itemsize for stride in array.strides)


def places(shape, strides):
    """Return the memory positions that a tensor reads, in the order of its indices."""
    return [sum(map(int.__mul__, index, strides)) for index in np.ndindex(shape)]


def views(count):
    """Return views of a block of memory: permuted, sliced, stretched, reversed, the same always."""
    rng = np.random.default_rng(7)
    made = []
    for _ in range(count):
        shape = rng.integers(1, 5, rng.integers(1, 4))
        view = np.arange(prod(shape.tolist())).reshape(shape)
        view = view.transpose(rng.permutation(view.ndim))
        slices = [slice(None, None, rng.choice([1, 1, 1, 2, -1])) for _ in view.shape]
        view = view[tuple(slices)]
        if rng.random() < 0.3:
            view = np.broadcast_to(view, (2, *view.shape))
        made.append(view)
    return made


def factorings(rng, count):
    """Return a random shape that holds count elements."""
    sizes = []
    while count > 1:
        size = rng.choice([size for size in range(2, count + 1) if count % size == 0])
        sizes.append(int(size))
        count //= size
    for _ in range(rng.integers(0, 3)):
        sizes.insert(rng.integers(0, len(sizes) + 1), 1)
    return tuple(sizes)


# Step 1


@pytest.mark.step("tensors.infer_shape")
def test_nested_lists_of_every_shape_are_measured():
    for shape in shapes(200):
        nested = np.zeros(shape).tolist()
        expect(tt.infer_shape(nested), shape, because="NumPy made these lists from this shape")


@pytest.mark.step("tensors.infer_shape")
def test_lists_may_be_nested_deeply():
    nested = 1
    for _ in range(60):
        nested = [nested]
    expect(tt.infer_shape(nested), (1,) * 60, because="there is no limit of dims to nest")


@pytest.mark.step("tensors.infer_shape")
def test_raggedness_is_found_wherever_it_hides():
    rng = np.random.default_rng(3)
    for shape in shapes(100, smallest=2):
        if len(shape) < 2:
            continue
        nested = np.zeros(shape).tolist()
        place = nested
        for size in shape[:-1]:
            place = place[rng.integers(0, size)]
        place.append(0)
        expect_error(
            lambda nested=nested: tt.infer_shape(nested),
            ValueError,
            f"({shape[-1]},)",
            f"({shape[-1] + 1},)",
            because="one innermost list is longer by one; the message names both shapes",
        )


@pytest.mark.step("tensors.infer_shape")
def test_the_item_that_differs_is_named():
    expect_error(
        lambda: tt.infer_shape([[0, 0, 0]] * 7 + [[0, 0]] + [[0, 0, 0]]),
        ValueError,
        "item 7",
        "(3,)",
        "(2,)",
        because="in a long list, the reader needs to know which item to mend",
    )


@pytest.mark.step("tensors.infer_shape")
def test_an_item_with_a_shape_of_its_own_keeps_it():
    expect(
        tt.infer_shape([np.zeros((2, 3)), np.ones((2, 3))]),
        (2, 2, 3),
        because="arrays and tensors know their shape",
    )
    expect_error(
        lambda: tt.infer_shape([tt.zeros(2), tt.zeros(3)]),
        ValueError,
        "(2,)",
        "(3,)",
        because="a list of tensors can be ragged too",
    )


# Step 2


@pytest.mark.step("tensors.contiguous_strides")
def test_strides_are_those_of_a_fresh_array():
    for shape in shapes(200, smallest=2):
        expect(
            tt.contiguous_strides(shape),
            in_elements(np.empty(shape, np.int8)),
            because=f"NumPy lays out an array of shape {shape} row by row as well",
        )


@pytest.mark.step("tensors.contiguous_strides")
def test_walking_by_the_strides_visits_every_element_in_order():
    for shape in shapes(60):
        strides = tt.contiguous_strides(shape)
        expect(
            places(shape, strides),
            list(range(prod(shape))),
            because=f"reading shape {shape} in the order of its indices walks through memory",
        )


@pytest.mark.step("tensors.contiguous_strides")
def test_empty_shapes_have_positive_strides():
    expect(tt.contiguous_strides((0,)), (1,), because="the last stride is 1, empty or not")
    expect(tt.contiguous_strides((4, 0)), (1, 1), because="a row of no elements counts as 1")
    expect(tt.contiguous_strides((2, 3, 0, 5)), (15, 5, 5, 1), because="a size of 0 counts as 1")


# Step 3


@pytest.mark.step("tensors.view_strides")
def test_views_agree_with_numpy_on_what_needs_a_copy():
    rng = np.random.default_rng(11)
    for view in views(150):
        new_shape = factorings(rng, view.size)
        reshaped = view.reshape(new_shape)
        strides = tt.view_strides(view.shape, in_elements(view), new_shape)
        because = f"shape {view.shape} with strides {in_elements(view)} becomes {new_shape}"
        if np.shares_memory(view, reshaped):
            expect(strides is None, False, because=f"{because} without a copy")
            expect(
                places(new_shape, strides),
                places(view.shape, in_elements(view)),
                because=f"{because}: both must read the same places in the same order",
            )
        else:
            expect(strides, None, because=f"{because} only by a copy")


@pytest.mark.step("tensors.view_strides")
def test_dims_of_size_one_come_and_go_freely():
    expect(
        len(tt.view_strides((), (), (1, 1))), 2, because="a single number can wear any number of 1s"
    )
    expect(tt.view_strides((1, 1), (5, 9), ()), (), because="and take them all off again")
    for shape, strides, new_shape in (
        ((3, 2), (1, 3), (3, 1, 2)),
        ((3, 2), (1, 3), (1, 3, 2, 1)),
        ((2, 1, 3), (1, 77, 2), (2, 3)),
        ((1, 4), (99, 2), (2, 2)),
    ):
        expect(
            places(new_shape, tt.view_strides(shape, strides, new_shape)),
            places(shape, strides),
            because="a dim of size 1 is never stepped along, so its stride does not matter",
        )


@pytest.mark.step("tensors.view_strides")
def test_a_stride_is_given_for_every_new_dim():
    for view in views(50):
        contiguous = np.ascontiguousarray(view)
        strides = tt.view_strides(view.shape, in_elements(contiguous), (view.size,))
        expect(len(strides), 1, because="a contiguous tensor can be flattened to one dim")


# Step 4


@pytest.mark.step("tensors.broadcast_shapes")
def test_shapes_agree_with_numpy():
    rng = np.random.default_rng(5)
    for _ in range(300):
        some = [
            tuple(rng.choice([0, 1, 1, 2, 3], rng.integers(0, 4)).tolist())
            for _ in range(rng.integers(1, 4))
        ]
        try:
            expected = np.broadcast_shapes(*some)
        except ValueError:
            expect_error(
                lambda some=some: tt.broadcast_shapes(*some),
                ValueError,
                *map(str, some),
                because="NumPy refuses these shapes; the message names each of them",
            )
        else:
            expect(tt.broadcast_shapes(*some), expected, because=f"NumPy on {some}")


@pytest.mark.step("tensors.broadcast_shapes")
def test_no_shapes_make_a_single_number():
    expect(tt.broadcast_shapes(), (), because="with nothing to stretch there are no dims")


@pytest.mark.step("tensors.broadcast_shapes")
def test_the_message_names_the_sizes_and_the_dim_from_the_right():
    expect_error(
        lambda: tt.broadcast_shapes((9, 3, 5), (4, 5)),
        ValueError,
        "3",
        "4",
        "-2",
        because="sizes 3 and 4 differ in dim -2, counted from the right",
    )


@pytest.mark.step("tensors.broadcast_shapes")
def test_a_later_shape_can_be_the_one_that_does_not_fit():
    expect_error(
        lambda: tt.broadcast_shapes((1, 6), (8, 6), (7, 6)),
        ValueError,
        "8",
        "7",
        because="the 1 has been stretched to 8 before 7 comes along",
    )


# Step 5


@pytest.mark.step("tensors.broadcast_strides")
def test_stretched_strides_read_what_numpy_reads():
    rng = np.random.default_rng(9)
    for view in views(150):
        grown = [size if size > 1 else int(rng.integers(1, 4)) for size in view.shape]
        target = (*rng.integers(1, 4, rng.integers(0, 3)).tolist(), *grown)
        strides = tt.broadcast_strides(view.shape, in_elements(view), target)
        expected = in_elements(np.broadcast_to(view, target))
        expect(
            places(target, strides),
            places(target, expected),
            because=f"{view.shape} stretched to {target} reads the same elements as NumPy's",
        )


@pytest.mark.step("tensors.broadcast_strides")
def test_an_empty_target_is_a_target():
    expect(tt.broadcast_strides((1, 3), (3, 1), (0, 3)), (0, 1), because="1 stretches to 0 as well")
    expect(
        tt.broadcast_strides((0,), (1,), (2, 0)), (0, 1), because="0 stays 0, and rows are added"
    )


@pytest.mark.step("tensors.broadcast_strides")
def test_nothing_else_than_one_stretches():
    for shape, target in (((2,), (4,)), ((2,), (1,)), ((0,), (1,)), ((3,), (0,)), ((3, 2), (2, 3))):
        strides = tuple(range(len(shape)))
        expect_error(
            lambda shape=shape, strides=strides, target=target: tt.broadcast_strides(
                shape, strides, target
            ),
            ValueError,
            str(shape),
            str(target),
            because=f"{shape} cannot be stretched to {target}; name both",
        )


# Step 6


def smallest_that_holds(dtypes):
    """Search all dtypes for the narrowest of the top category that every contender casts to."""
    ranks = ["b", "iu", "f"]
    top = max(next(i for i, kinds in enumerate(ranks) if d.kind in kinds) for d in dtypes)
    contenders = [dtype for dtype in dtypes if dtype.kind in ranks[top]]
    holders = [
        holder
        for holder in DTYPES
        if holder.kind in ranks[top]
        and all(np.can_cast(dtype, holder, "safe") for dtype in contenders)
    ]
    return min(holders, key=lambda holder: holder.itemsize)


@pytest.mark.step("tensors.result_type")
def test_every_pair_of_types_is_settled():
    for pair in product(DTYPES, repeat=2):
        expect(
            tt.result_type(*pair),
            smallest_that_holds(pair),
            because=f"{pair[0]} meets {pair[1]}: the highest category, then the narrowest fit",
        )


@pytest.mark.step("tensors.result_type")
def test_every_triple_of_types_is_settled():
    for triple in product(DTYPES[::2], repeat=3):
        expect(
            tt.result_type(*triple),
            smallest_that_holds(triple),
            because=f"{', '.join(map(str, triple))}: the order does not matter",
        )


# Step 7


def record(calls):
    """Return a listener that keeps what it is told."""

    def listener(operation, inputs, options, output, seconds):
        calls.append((operation, inputs, options, output, seconds))

    return listener


def kernels(**behind):
    """Put kernels behind the door until the handle is closed."""
    for operation, kernel in behind.items():
        tt.register_kernel(operation, kernel, name="check")
    return tt.use_kernels("check")


@pytest.mark.step("tensors.apply")
def test_the_result_is_wrapped_without_a_copy():
    x = tt.arange(6)
    view = tt.apply("reshape", x, shape=(2, 3))
    expect(view.shares_memory(x), True, because="a kernel that returns a view makes a view")


@pytest.mark.step("tensors.apply")
def test_a_number_from_a_kernel_becomes_a_tensor():
    with kernels(answer=lambda array: np.float64(42)):
        answer = tt.apply("answer", tt.tensor([1]))
    expect(answer, tt.tensor(42.0, dtype=tt.float64), because="a kernel may return a plain number")


@pytest.mark.step("tensors.apply")
def test_any_number_of_inputs_meets_in_one_type():
    seen = []
    with kernels(many=lambda *arrays: seen.extend(arrays) or arrays[0]):
        tt.apply("many", tt.tensor([True]), 2, tt.tensor([3], dtype=tt.uint8), np.float16([4]))
    expect(
        [str(array.dtype) for array in seen],
        ["float16"] * 4,
        because="bool, a plain integer, uint8 and float16 meet in float16",
    )


@pytest.mark.step("tensors.apply")
def test_every_pair_of_types_meets_before_the_kernel_runs():
    seen = []
    with kernels(look=lambda a, b: seen.extend([a.dtype, b.dtype]) or a):
        for pair in product(DTYPES, repeat=2):
            seen.clear()
            tt.apply("look", *(tt.ones(2, dtype=dtype) for dtype in pair))
            expect(
                seen,
                [smallest_that_holds(pair)] * 2,
                because=f"{pair[0]} and {pair[1]} meet outside",
            )


@pytest.mark.step("tensors.apply")
def test_one_input_may_be_a_list_or_a_number():
    expect(tt.apply("neg", [1, 2]), tt.tensor([-1, -2]), because="a list is unwrapped to an array")
    expect(tt.apply("neg", 1.5), tt.tensor(-1.5), because="and so is a plain number")


@pytest.mark.step("tensors.apply")
def test_inputs_alone_may_be_plain_numbers():
    expect(tt.apply("add", 1, 2), tt.tensor(3), because="integers are int64")
    expect(tt.apply("add", 1, 0.5), tt.tensor(1.5), because="and floats float32")


@pytest.mark.step("tensors.apply")
def test_the_inputs_are_told_as_they_were_given():
    calls, x = [], tt.tensor([1.0])
    with tt.listen(record(calls)):
        tt.apply("add", x, 1)
    inputs = calls[0][1]
    expect(len(inputs), 2, because="two inputs went in")
    expect(inputs[0] is x, True, because="the tensor itself, not its array")
    expect(inputs[1], 1, because="the plain number, not an array of it")


@pytest.mark.step("tensors.apply")
def test_a_kernel_that_fails_by_its_own_fault_is_not_hidden():
    def broken(array):
        raise OSError("the disk is gone")

    with kernels(broken=broken):
        expect_error(
            lambda: tt.apply("broken", tt.tensor([1])),
            OSError,
            "the disk is gone",
            because="only errors about names, types and shapes are explained",
        )


@pytest.mark.step("tensors.apply")
def test_a_type_that_an_operation_lacks_is_named():
    expect_error(
        lambda: tt.apply("bitwise_not", tt.tensor([1.5])),
        TypeError,
        "bitwise_not",
        "float32",
        because="there is no bitwise not of a float",
    )


@pytest.mark.step("tensors.apply")
def test_the_error_does_not_drag_the_kernels_along():
    try:
        tt.apply("add", tt.zeros(2), tt.zeros(3))
    except ValueError as error:
        expect(
            error.__suppress_context__,
            True,
            because="raise ... from None: the reader needs one sentence, not two tracebacks",
        )


def test_an_option_is_no_input():
    x, one = tt.ones(2, 3), tt.tensor(1)
    for call in (
        lambda: tt.apply("sum", x, 0, keepdim=False),
        lambda: tt.apply("prod", x, 0, keepdim=False),
        lambda: tt.apply("amax", x, 0, keepdim=False),
        lambda: tt.apply("cumsum", x, 0),
        lambda: tt.apply("reshape", x, 6),
        lambda: tt.apply("permute", x, [1, 0]),
        lambda: tt.apply("expand", x, [4, 2, 3]),
        lambda: tt.apply("getitem", x, [0]),
        lambda: tt.apply("setitem", x, one, [0]),
        lambda: tt.apply("where", x, x, x > 0),
        lambda: tt.apply("cat", x, x, 0),
    ):
        expect_error(call, TypeError, because="a gradient flows to inputs only; name the options")


# Step 8


@pytest.mark.step("tensors.listen")
def test_the_same_listener_may_listen_twice():
    calls, x = [], tt.tensor([1.0])
    listener = record(calls)
    with tt.listen(listener), tt.listen(listener):
        _ = x + x
    expect(len(calls), 2, because="it was asked twice to listen, so it is told twice")
    with tt.listen(listener):
        with tt.listen(listener):
            pass
        _ = x + x
    expect(len(calls), 3, because="ending the inner block must leave the outer one listening")


@pytest.mark.step("tensors.listen")
def test_handles_may_be_closed_in_any_order():
    first, second, x = [], [], tt.tensor([1.0])
    one, two = tt.listen(record(first)), tt.listen(record(second))
    one.close()
    _ = x + x
    two.close()
    _ = x + x
    expect([len(first), len(second)], [0, 1], because="each handle ends its own listener only")


@pytest.mark.step("tensors.listen")
def test_listeners_are_told_in_the_order_they_came():
    told, x = [], tt.tensor([1.0])
    with tt.listen(lambda *_: told.append("first")), tt.listen(lambda *_: told.append("second")):
        _ = x + x
    expect(told, ["first", "second"], because="who came first is told first")


@pytest.mark.step("tensors.listen")
def test_every_method_of_a_tensor_passes_through_the_door():
    calls, x = [], tt.tensor([[4.0, 9.0]])
    with tt.listen(record(calls)):
        for use in (
            lambda: x[0], lambda: x.T, lambda: x.reshape(2), lambda: x.sum(), lambda: x @ x.T,
            lambda: x.sqrt(), lambda: x > 5, lambda: x.clone(), lambda: x.to(tt.int64),
            lambda: tt.cat([x, x]), lambda: tt.where(x > 5, x, 0), lambda: tt.maximum(x, 5),
        ):  # fmt: skip
            before = len(calls)
            use()
            expect(len(calls) > before, True, because="nothing computes behind the listener's back")


# Step 9


@pytest.mark.step("tensors.normalize_dims")
def test_every_dim_has_two_names():
    for ndim in range(1, 6):
        for dim in range(ndim):
            expect(tt.normalize_dims(dim, ndim), (dim,), because="counted from the front")
            expect(tt.normalize_dims(dim - ndim, ndim), (dim,), because="counted from the end")


@pytest.mark.step("tensors.normalize_dims")
def test_both_ends_are_guarded():
    for ndim in range(5):
        for dim in (ndim, ndim + 1, -ndim - 1):
            expect_error(
                lambda dim=dim, ndim=ndim: tt.normalize_dims(dim, ndim),
                IndexError,
                str(dim),
                because=f"the dims of {ndim} do not include {dim}",
            )
            expect_error(
                lambda dim=dim, ndim=ndim: tt.normalize_dims((0, dim), ndim),
                IndexError,
                because="one bad dim among several is bad as well",
            )


@pytest.mark.step("tensors.normalize_dims")
def test_the_message_says_which_dims_there_are():
    expect_error(
        lambda: tt.normalize_dims(7, 3),
        IndexError,
        "7",
        "-3",
        "2",
        because="dims of 3 go from -3 to 2",
    )


@pytest.mark.step("tensors.normalize_dims")
def test_integers_of_other_libraries_are_integers():
    for dim in (np.int64(1), np.uint8(1), tt.tensor(1)):
        expect(tt.normalize_dims(dim, 3), (1,), because="what can be an index can name a dim")
    expect(
        all(type(dim) is int for dim in tt.normalize_dims((np.int64(1), np.int8(-3)), 3)),
        True,
        because="the answer is made of Python's own integers",
    )


@pytest.mark.step("tensors.normalize_dims")
def test_what_is_no_integer_names_no_dim():
    for dim in ("0", 0.5, False, (0, None), (0, 1.0), [[0]]):
        expect_error(
            lambda dim=dim: tt.normalize_dims(dim, 3), TypeError, because=f"{dim!r} is no integer"
        )


@pytest.mark.step("tensors.normalize_dims")
def test_any_repetition_is_found():
    for dims in ((0, 0), (-1, -1), (2, 0, 2), (0, 1, 2, -3)):
        expect_error(
            lambda dims=dims: tt.normalize_dims(dims, 3),
            ValueError,
            str(dims),
            because="each dim can be reduced or moved once",
        )


# Step 10


@pytest.mark.step("tensors.matmul_shape")
def test_shapes_of_products_agree_with_numpy():
    rng = np.random.default_rng(13)
    for _ in range(400):
        a, b = (tuple(rng.integers(0, 4, rng.integers(0, 5)).tolist()) for _ in range(2))
        try:
            expected = np.matmul(np.zeros(a), np.zeros(b)).shape
        except ValueError:
            expect_error(
                lambda a=a, b=b: tt.matmul_shape(a, b),
                ValueError,
                because=f"NumPy cannot multiply {a} by {b}",
            )
        else:
            expect(tt.matmul_shape(a, b), expected, because=f"NumPy multiplies {a} by {b}")


@pytest.mark.step("tensors.matmul_shape")
def test_stacks_that_do_not_broadcast_are_refused():
    expect_error(
        lambda: tt.matmul_shape((4, 2, 3), (5, 3, 2)),
        ValueError,
        "4",
        "5",
        because="a stack of 4 and a stack of 5 do not line up",
    )


@pytest.mark.step("tensors.matmul_shape")
def test_the_inner_sizes_are_named_in_order():
    for a, b, sizes in (
        ((2, 7), (5, 9), "7 and 5"),
        ((7,), (5,), "7 and 5"),
        ((8, 2, 7), (8, 5, 9), "7 and 5"),
        ((7,), (5, 9), "7 and 5"),
    ):
        expect_error(
            lambda a=a, b=b: tt.matmul_shape(a, b),
            ValueError,
            str(a),
            str(b),
            sizes,
            because="the last size of a meets the last but one of b, or its only one",
        )


# The whole module against NumPy


def arrays(count, *, kind="f"):
    """Return random arrays of small whole numbers, so that sums and products are exact."""
    rng = np.random.default_rng(17)
    dtype = np.float64 if kind == "f" else np.int64
    return [rng.integers(-4, 5, shape).astype(dtype) for shape in shapes(count)]


def test_elementwise_operations_agree_with_numpy():
    rng = np.random.default_rng(19)
    operations = ["__add__", "__sub__", "__mul__", "__lt__", "__le__", "__gt__", "__ge__", "__eq__"]
    for a in arrays(60):
        b = rng.integers(1, 4, [size if rng.random() < 0.7 else 1 for size in a.shape]).astype(
            float
        )
        for name in (*operations, "__ne__", "__truediv__", "__floordiv__", "__mod__", "__pow__"):
            with np.errstate(all="ignore"):
                expected = getattr(a, name)(b)
            got = getattr(tt.tensor(a), name)(tt.tensor(b))
            expect(got.numpy(), np.asarray(expected), within=1e-12, because=f"NumPy's {name}")


def test_reductions_agree_with_numpy():
    rng = np.random.default_rng(23)
    names = {"sum": "sum", "prod": "prod", "amax": "max", "amin": "min", "any": "any", "all": "all"}
    for a in arrays(60):
        dims = [None, *range(-a.ndim, a.ndim)]
        dim = dims[rng.integers(len(dims))]
        for keepdim in (False, True):
            for ours, theirs in names.items():
                got = getattr(tt.tensor(a), ours)(dim, keepdim=keepdim)
                expected = np.asarray(getattr(np, theirs)(a, axis=dim, keepdims=keepdim))
                expect(got.numpy(), expected, because=f"NumPy's {theirs} of {a.shape} along {dim}")
            for name in ("argmax", "argmin"):
                got = getattr(tt.tensor(a), name)(dim, keepdim=keepdim)
                expected = np.asarray(getattr(np, name)(a, axis=dim, keepdims=keepdim), np.int64)
                expect(got.numpy(), expected, because=f"NumPy's {name} of {a.shape} along {dim}")


def test_statistics_agree_with_numpy():
    for a in arrays(30):
        for dim in (None, *range(a.ndim)):
            for keepdim in (False, True):
                options = {"axis": dim, "keepdims": keepdim}
                x = tt.tensor(a)
                for got, expected in (
                    (x.mean(dim, keepdim=keepdim), np.mean(a, **options)),
                    (x.var(dim, correction=0, keepdim=keepdim), np.var(a, **options)),
                    (x.std(dim, correction=0, keepdim=keepdim), np.std(a, **options)),
                ):
                    expect(got.numpy(), np.asarray(expected), within=1e-9, because="NumPy's value")


def test_several_dims_reduce_at_once():
    a = np.arange(24.0).reshape(2, 3, 4)
    for dims in ((0, 2), (-1, 0), [1, 2], (0, 1, 2)):
        got = tt.tensor(a).sum(dims, keepdim=True)
        expected = a.sum(tuple(dims), keepdims=True)
        expect(got.numpy(), expected, because=f"NumPy's sum along {dims}")


def test_matrix_products_agree_with_numpy():
    rng = np.random.default_rng(29)
    for _ in range(80):
        rows, inner, columns = rng.integers(0, 4, 3)
        stack = tuple(rng.integers(1, 3, rng.integers(0, 3)))
        a = rng.integers(-3, 4, (*stack, rows, inner)).astype(float)
        b = rng.integers(-3, 4, (inner, columns)).astype(float)
        expect((tt.tensor(a) @ tt.tensor(b)).numpy(), a @ b, because=f"{a.shape} @ {b.shape}")


def test_indexing_agrees_with_numpy():
    rng = np.random.default_rng(31)
    for a in arrays(80, kind="i"):
        if not a.ndim:
            continue
        index = tuple(
            [
                int(rng.integers(-size, size)),
                slice(None),
                slice(None, None, 2),
                slice(1, None),
                slice(None, None, -1),
                rng.integers(0, size, 2).tolist(),
            ][rng.integers(6)]
            for size in a.shape[: rng.integers(1, a.ndim + 1)]
        )
        x = tt.tensor(a)
        expect(x[index].numpy(), np.asarray(a[index]), because=f"NumPy's [{index}] of {a.shape}")
        x[index] = 99
        a[index] = 99
        expect(x.numpy(), a, because=f"NumPy's assignment to [{index}]")


def test_shape_operations_agree_with_numpy():
    rng = np.random.default_rng(37)
    for a in arrays(50):
        x = tt.tensor(a)
        order = rng.permutation(a.ndim).tolist()
        expect(x.permute(order).numpy(), a.transpose(order), because=f"dims in order {order}")
        expect(x.flatten().numpy(), a.ravel(), because="all in one dim")
        expect(x.squeeze().numpy(), a.squeeze(), because="without dims of size 1")
        place = int(rng.integers(-a.ndim - 1, a.ndim + 1))
        expect(x.unsqueeze(place).numpy(), np.expand_dims(a, place), because=f"a new dim {place}")
        expect(x.expand(2, *a.shape).numpy(), np.broadcast_to(a, (2, *a.shape)), because="twice")
        expect(tt.stack([x, x], place).numpy(), np.stack([a, a], place), because=f"along {place}")
        for dim in range(-a.ndim, a.ndim):
            expect(tt.cat([x, x], dim).numpy(), np.concatenate([a, a], dim), because=f"dim {dim}")
            expect(x.cumsum(dim).numpy(), np.cumsum(a, dim), because=f"running along {dim}")
            expect(x.transpose(dim, 0).numpy(), a.swapaxes(dim, 0), because=f"{dim} and 0 swapped")
            folded = x.flatten(dim).shape
            expect(folded, a.reshape(*a.shape[: dim % a.ndim], -1).shape, because=f"from {dim}")


def test_views_and_copies_agree_with_numpy():
    for view in views(120):
        x = tt.from_numpy(view)
        expect(x.strides, in_elements(view), because="the strides of the array, in elements")
        expect(x.is_contiguous(), view.flags.c_contiguous, because=f"{x.shape}, {x.strides}")
        flat = view.reshape(-1)
        shares = np.shares_memory(flat, view)
        expect(x.reshape(-1).shares_memory(x), shares, because="reshape copies only if it must")
        memory, offset = x.storage().numpy(), x.storage_offset()
        reads = [memory[offset + place] for place in places(x.shape, x.strides)]
        expect(reads, flat.tolist(), because="offset and strides find every element in storage")


def test_sums_of_dtypes_follow_the_rule():
    for first, second in product(DTYPES, repeat=2):
        a, b = tt.ones(2, dtype=first), tt.ones(2, dtype=second)
        wanted = smallest_that_holds((first, second))
        expect((a * b).dtype, wanted, because=f"{first} times {second}")
        expect(tt.cat([a, b]).dtype, wanted, because=f"{first} joined with {second}")
        expect(tt.where(tt.tensor([True]), a, b).dtype, wanted, because=f"{first} or {second}")


def test_integers_are_converted_exactly():
    limits = np.iinfo(np.int64)
    x = tt.tensor([limits.min, limits.max])
    expect(x.tolist(), [limits.min, limits.max], because="int64 holds its own limits")
    expect(tt.tensor([-128.9, 127.9]).to("int8").tolist(), [-128, 127], because="cut off, then fit")
    for value in (128.0, -129.0):
        expect_error(
            lambda value=value: tt.tensor(value).to("int8"), ValueError, "int8", because="past int8"
        )
    edge = tt.tensor(float(limits.min), dtype=tt.float64)
    expect(edge.to(tt.int64).item(), limits.min, because="the smallest int64 is a power of two")
    expect_error(lambda: tt.tensor([2**70]), TypeError, "int64", because="no dtype holds 2**70")
    expect_error(lambda: tt.tensor([2, -1]) ** -1, ValueError, because="halves are no integers")
    expect_error(
        lambda: tt.tensor([2]) ** tt.tensor([-1]),
        ValueError,
        ".to(float32)",
        because="nor in pairs",
    )
    expect(tt.tensor([2]) ** 0, tt.tensor([1]), because="a power of 0 is an integer")


# Where one small change would go unnoticed


def test_kernels_receive_one_dtype_whatever_the_order():
    met = []

    def remember(a, b):
        met.append((a.dtype, b.dtype))
        return a

    tt.register_kernel("remember", remember, name="witness")
    with tt.use_kernels("witness"):
        for first, second in product(DTYPES, repeat=2):
            tt.apply("remember", tt.ones(2, dtype=first), tt.ones(2, dtype=second))
            wanted = smallest_that_holds((first, second))
            expect(met.pop(), (wanted, wanted), because=f"{first} and {second} meet in {wanted}")


def test_a_kernel_waits_until_its_set_is_used():
    tt.register_kernel("wait", lambda a: a, name="zebra")
    expect_error(
        lambda: tt.apply("wait", tt.ones(2)), ValueError, "wait", because="zebra is not in use"
    )


def test_quotients_are_floats_of_the_wider_dtype():
    for first, second in product(DTYPES, repeat=2):
        quotient = tt.ones(2, dtype=first) / tt.ones(2, dtype=second)
        common = smallest_that_holds((first, second))
        wanted = common if common.kind == "f" else tt.float32
        expect(quotient.dtype, wanted, because=f"{first} divided by {second}")


def test_bools_are_no_numbers_to_divide_or_round():
    x = tt.tensor([True, True])
    for name in ("__floordiv__", "__mod__", "__pow__"):
        expect_error(
            lambda name=name: getattr(x, name)(x), TypeError, "bool", because=f"{name} of bools"
        )
    for name in ("floor", "ceil", "round"):
        expect_error(
            lambda name=name: getattr(x, name)(), TypeError, "bool", because="bools have no parts"
        )
    expect(x.is_floating_point(), False, because="True is no float")


def test_a_conversion_names_the_first_value_that_does_not_fit():
    x = tt.tensor([1.0, float("nan"), float("inf")])
    expect_error(lambda: x.to(tt.int64), ValueError, "nan", "int64", because="nan comes first")
    expect_error(
        lambda: tt.tensor([300.0], dtype=tt.uint8), ValueError, "300.0", because="uint8 ends at 255"
    )
    expect_error(
        lambda: tt.tensor([1, 300], dtype=tt.uint8), ValueError, "300", because="300 is past uint8"
    )
    wrapped = tt.tensor([300, -1]).to(tt.uint8)
    expect(wrapped.tolist(), [44, 255], because="integers keep their lowest 8 bits")


def test_what_is_no_number_is_named():
    for data, named in (
        (["left", "right"], "left"),
        ([None, {}], "None"),
        ([1j], "not complex128"),
    ):
        expect_error(
            lambda data=data: tt.tensor(data), TypeError, named, because=f"{named} is no number"
        )


def test_a_reshape_that_does_not_fit_names_both_shapes():
    x = tt.zeros(2, 3)
    for sizes in ((3,), (7,), (4, -1), (0, -1), (-1, -1, 6), (-1, -1, -1)):
        expect_error(
            lambda sizes=sizes: x.reshape(sizes), ValueError, "(2, 3)", str(sizes),
            because="the message names the shape it has and the one it was asked for",
        )  # fmt: skip
    expect_error(lambda: x.reshape(-2, 3), ValueError, "-2", because="only -1 is worked out")
    expect_error(lambda: tt.zeros(4).reshape(-2, -2), ValueError, "-2", because="nor are two")
    expect_error(lambda: x.reshape(2**70, []), TypeError, "[]", because="a list is no size")
    expect_error(lambda: tt.zeros((2, 4), 1), TypeError, "(2, 4)", because="a tuple is no size")


def test_empty_tensors_change_their_shape_like_others():
    expect(tt.zeros(0, 3).reshape(5, 0).shape, (5, 0), because="both hold no elements")
    expect(tt.zeros(0, 3).reshape(-1).shape, (0,), because="what is left over is 0")
    expect(tt.zeros(0, 1).squeeze().shape, (0,), because="a size of 0 is not a size of 1")
    expect(tt.zeros(2, 0).flatten().shape, (0,), because="2 times nothing is nothing")
    expect_error(
        lambda: tt.zeros(0).reshape(-1, 0), ValueError, "(0,)", because="any size would do for -1"
    )


def test_a_missing_size_is_kept_when_a_tensor_expands():
    x = tt.tensor(np.arange(30.0).reshape(2, 3, 5))
    expect(x.expand(7, -1, -1, -1).shape, (7, 2, 3, 5), because="-1 keeps each size, in its place")
    expect(x.expand(4, 7, 2, -1, 5).shape, (4, 7, 2, 3, 5), because="-1 keeps the 3")
    expect(x[:, :1].expand(-1, 4, 5).shape, (2, 4, 5), because="-1 keeps the 2")
    expect_error(lambda: x.expand(2, 3, -2), ValueError, "-2", because="only -1 keeps a size")


def test_strides_never_leave_the_memory(monkeypatch):
    memory = tt.tensor(np.arange(12.0))
    x = memory[3:9:3]  # it starts at 3 and steps by 3, and 8 elements follow
    for strides, is_inside in (((8,), True), ((9,), False), ((-3,), True), ((-4,), False)):
        wrong = lambda *_, strides=strides: strides  # noqa: E731
        monkeypatch.setattr(tt.tensors.numpy_kernels, "broadcast_strides", wrong)
        if is_inside:
            wanted = [3.0, 3.0 + strides[0]]
            expect(x.expand(2).tolist(), wanted, because=f"{strides} stays within the memory")
        else:
            expect_error(
                lambda: x.expand(2), ValueError, str(strides), because="there is nothing to read"
            )


def test_a_value_is_in_a_tensor_or_not():
    x = tt.tensor([1, 2, 3])
    expect([value in x for value in (0, 2, 9)], [False, True, False], because="x holds 1, 2 and 3")


def test_a_tensor_without_elements_has_no_truth_and_no_item():
    expect_error(lambda: tt.zeros(0).item(), ValueError, "(0,)", because="there is no element")
    for x in (tt.zeros(0), tt.zeros(2)):
        expect_error(lambda x=x: bool(x), ValueError, ".any()", because="one answer needs one")


def test_what_grows_or_differs_is_not_joined_and_not_written():
    for first, second, dim in (((2, 3), (3, 3), 1), ((3, 3), (2, 3), 1), ((2, 3), (2, 4), 0)):
        for a, b in ((first, second), (second, first)):
            expect_error(
                lambda a=a, b=b, dim=dim: tt.cat([tt.zeros(a), tt.zeros(b)], dim), ValueError,
                str(a), str(b), because=f"they differ in another dim than {dim}",
            )  # fmt: skip
    expect_error(
        lambda: tt.zeros(1).__iadd__(tt.zeros(3)), ValueError, "x = x + y", because="1 became 3"
    )


def test_spread_divides_by_the_count_less_the_correction():
    x = tt.tensor([1.0, 2.0, 4.0, 7.0])
    for correction in (0, 1, 2, 3):
        wanted = np.float32(np.var(x.numpy(), ddof=correction))
        expect(x.var(correction=correction).item(), float(wanted), within=1e-5, because="NumPy's")
    expect(x.std(), x.var().sqrt(), because="the default correction of both is 1")
    expect(x.var(correction=9).item(), float("inf"), because="less than nothing counts as nothing")


def test_an_empty_range_of_random_integers_names_its_ends():
    for low, high in ((3, 3), (4, 3)):
        expect_error(
            lambda low=low, high=high: tt.randint(low, high, 2), ValueError, f"from {low}",
            because="nothing lies there",
        )  # fmt: skip


def test_memory_seen_as_another_dtype_keeps_that_dtype():
    for stored, seen in ((np.int32, np.int64), (np.int64, np.int32)):
        x = tt.from_numpy(np.arange(4, dtype=stored).view(seen))
        expect(x.storage().dtype, np.dtype(seen), because=f"{stored} read as {seen}")
        expect(x.storage_offset(), 0, because="it begins at the beginning")


def test_long_tensors_are_printed_in_part():
    expect("..." in repr(tt.zeros(1000)), False, because="a thousand elements are printed")
    expect("..." in repr(tt.zeros(1001)), True, because="more are not")


@pytest.mark.step("tensors.normalize_dims")
def test_the_message_ends_at_the_last_dim():
    for ndim, range_of_dims in ((1, "-1 to 0"), (2, "-2 to 1"), (3, "-3 to 2"), (4, "-4 to 3")):
        expect_error(
            lambda ndim=ndim: tt.normalize_dims(ndim, ndim), IndexError, range_of_dims,
            because=f"{ndim} dims are numbered from 0",
        )  # fmt: skip


@pytest.mark.step("tensors.view_strides")
def test_a_stride_never_stepped_along_does_not_matter():
    expect(tt.view_strides((2, 1, 3), (3, 99, 1), (6,)), (1,), because="the 99 is never added")
    expect(tt.view_strides((1, 6), (99, 1), (2, 3)), (3, 1), because="the 99 is never added")


def test_no_float_dtype_lets_an_infinity_become_an_integer():
    for dtype in (tt.float16, tt.float32, tt.float64):
        for value in (np.inf, -np.inf, np.nan):
            x = tt.tensor(value, dtype=dtype)
            for wanted in (tt.int8, tt.int32, tt.int64):
                expect_error(
                    lambda x=x, wanted=wanted: x.to(wanted), ValueError, str(value), str(wanted),
                    because="no integer is infinite",
                )  # fmt: skip
            expect_error(lambda x=x: int(x), ValueError, str(value), because="nor is Python's")
    expect(int(tt.tensor(-2.75)), -2, because="a fraction is cut off")


def test_a_message_quotes_on_one_line_what_it_was_given():
    wide = tt.zeros(2, 40)
    odd = [wide]
    calls = (lambda: tt.zeros(1, odd), lambda: wide.sum([odd]), lambda: wide.to(odd))
    for refused in calls:
        with pytest.raises(TypeError) as caught:
            refused()
        words = str(caught.value)
        expect("\n" in words, False, because="an error is one sentence on one line")
        expect("..." in words and len(words) < 200, True, because="a long value is cut short")
    with pytest.raises(TypeError) as caught:
        tt.zeros("ab")
    expect(
        str(caught.value)[-4:], "'ab'", because="a short value is quoted whole, and nothing added"
    )
    exact = "x" * 58  # 60 characters with its quotes
    expect_error(lambda: tt.zeros(exact), TypeError, repr(exact), because="60 characters fit")
    cut = repr("y" * 59)[:57] + "..."
    expect_error(lambda: tt.zeros("y" * 59), TypeError, cut, because="61 do not")
