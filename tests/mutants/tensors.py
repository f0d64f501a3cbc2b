"""Wrong answers that learners give in module tensors, the checks that catch them, and why."""

from contextlib import ExitStack, contextmanager
from math import prod
from time import perf_counter

import numpy as np

from tinytorch.course import mistake
from tinytorch.tensors.door import _kernels, _listeners, explain, tell, unwrap, wrap

# Step 1: infer_shape


@mistake(
    "tensors.infer_shape",
    caught_by="test_a_ragged_list_is_refused_with_both_shapes",
    says="You measured the first item and trusted it to speak for the others. Measure every item, "
    "and raise ValueError where two of them differ.",
)
def shape_of_the_first_item(nested):
    if not isinstance(nested, list | tuple):
        return ()
    return (len(nested), *(shape_of_the_first_item(nested[0]) if nested else ()))


@mistake(
    "tensors.infer_shape",
    caught_by="test_each_level_of_nesting_adds_a_size",
    says="Your sizes come innermost first. A shape reads from the outside in: the number of rows "
    "stands before the length of a row.",
)
def innermost_size_first(nested):
    if not isinstance(nested, list | tuple):
        return ()
    return (*(innermost_size_first(nested[0]) if nested else ()), len(nested))


@mistake(
    "tensors.infer_shape",
    caught_by="test_an_empty_list_has_size_zero",
    says="You looked into the first item of a list that has none. An empty list is a dim of size "
    "0, and there the nesting ends.",
)
def no_empty_lists(nested):
    if not isinstance(nested, list | tuple):
        return ()
    return (len(nested), *no_empty_lists(nested[0]))


@mistake(
    "tensors.infer_shape",
    caught_by="test_tuples_nest_like_lists",
    says="You took a tuple for a number: only lists were opened. Ask isinstance(nested, list | "
    "tuple).",
)
def lists_only(nested):
    if not isinstance(nested, list):
        return ()
    return (len(nested), *(lists_only(nested[0]) if nested else ()))


@mistake(
    "tensors.infer_shape",
    caught_by="test_a_number_beside_a_list_is_refused",
    says="You compared the lengths of the items, and a number has none. Compare their shapes: a "
    "number has the shape ().",
)
def lengths_compared(nested):
    if not isinstance(nested, list | tuple):
        return ()
    if nested and isinstance(nested[-1], list | tuple):
        for item in nested:
            if len(item) != len(nested[0]):
                raise ValueError(f"ragged: ({len(nested[0])},) and ({len(item)},)")
    return (len(nested), *(lengths_compared(nested[0]) if nested else ()))


# Step 2: contiguous_strides


def row_major(shape):
    """Return the right strides of a shape without sizes of 0, for the mistakes that need them."""
    return tuple(prod(shape[dim + 1 :]) for dim in range(len(shape)))


@mistake(
    "tensors.contiguous_strides",
    caught_by="test_a_dim_jumps_over_all_that_follow",
    says="Your first dim moves by one element: that is column-major order, as in Fortran, MATLAB "
    "and R. In row-major order the last dim moves by one.",
)
def column_major(shape):
    return tuple(prod(shape[:dim]) for dim in range(len(shape)))


@mistake(
    "tensors.contiguous_strides",
    caught_by="test_the_last_dim_has_stride_one",
    says="You counted bytes, as NumPy does. Our strides count elements, as PyTorch's do, so that "
    "they are the same for every dtype.",
)
def strides_in_bytes(shape):
    return tuple(4 * prod(shape[dim + 1 :]) for dim in range(len(shape)))


@mistake(
    "tensors.contiguous_strides",
    caught_by="test_the_last_dim_has_stride_one",
    says="You multiplied a dim's own size in. A step along a dim jumps over the dims that follow "
    "it, not over itself.",
)
def own_size_included(shape):
    return tuple(prod(shape[dim:]) for dim in range(len(shape)))


@mistake(
    "tensors.contiguous_strides",
    caught_by="test_a_dim_jumps_over_all_that_follow",
    says="Each of your strides is the size of the next dim alone. One step jumps over everything "
    "that follows: multiply all of the later sizes.",
)
def next_size_only(shape):
    return (*shape[1:], 1)[: len(shape)]


@mistake(
    "tensors.contiguous_strides",
    caught_by="test_a_dim_of_size_zero_counts_as_one",
    says="A size of 0 made every stride before it 0. Count it as 1: nothing will ever be read, and "
    "a stride of 0 is what marks a repeated dim.",
)
def zero_multiplied(shape):
    return row_major(shape)


# Step 3: view_strides


@mistake(
    "tensors.view_strides",
    caught_by="test_a_transposed_matrix_cannot_be_flattened",
    says="You laid the new shape out as if the memory were contiguous, whatever the old strides "
    "said. A view has to read the same elements in the same order.",
)
def old_strides_ignored(shape, strides, new_shape):
    return row_major(new_shape)


@mistake(
    "tensors.view_strides",
    caught_by="test_every_second_element_can_still_be_split",
    says="You asked for a copy whenever the tensor is not contiguous. Evenly spaced elements can "
    "be split even when there are gaps between them.",
)
def contiguous_or_copy(shape, strides, new_shape):
    is_contiguous = 0 in shape or tuple(strides) == row_major(shape)
    return row_major(new_shape) if is_contiguous else None


@mistake(
    "tensors.view_strides",
    caught_by="test_rows_with_a_gap_between_them_do_not_merge",
    says="You spread the last stride over the whole shape and stepped across the gap between the "
    "rows. Two dims merge only where the outer stride is the inner size times the inner stride.",
)
def gap_overlooked(shape, strides, new_shape):
    if 0 in shape:
        return row_major(new_shape)
    if list(strides) != sorted(strides, reverse=True):
        return None
    last = strides[-1] if strides else 1
    return tuple(last * stride for stride in row_major(new_shape))


@mistake(
    "tensors.view_strides",
    caught_by="test_a_row_major_tensor_takes_any_new_shape",
    says="You kept the old strides beside the new sizes. When a row gets shorter, the step to the "
    "next row gets shorter too.",
)
def old_strides_kept(shape, strides, new_shape):
    return tuple(strides)


@mistake(
    "tensors.view_strides",
    caught_by="test_an_empty_tensor_takes_any_empty_shape",
    says="You divided by a size of 0. An empty tensor has nothing to read, so answer it first, "
    "with contiguous strides.",
)
def empty_divided(shape, strides, new_shape):
    step, new_strides = 1, []
    for size in reversed(new_shape):
        new_strides.append(step)
        step = step * size
    left = prod(shape) // prod(new_shape)
    return tuple(reversed(new_strides)) if left == 1 else None


# Step 4: broadcast_shapes


@mistake(
    "tensors.broadcast_shapes",
    caught_by="test_shapes_line_up_from_the_right",
    says="You lined the shapes up from the left. The last dims belong together: a missing dim is "
    "missing in front.",
)
def lined_up_from_the_left(*shapes):
    ndim = max(map(len, shapes), default=0)
    padded = [shape + (1,) * (ndim - len(shape)) for shape in shapes]
    return np.broadcast_shapes(*padded)


@mistake(
    "tensors.broadcast_shapes",
    caught_by="test_a_size_of_one_stretches_on_either_side",
    says="You refused sizes that differ before asking whether one of them is 1. A 1 stretches to "
    "any size.",
)
def one_does_not_stretch(*shapes):
    ndim = max(map(len, shapes), default=0)
    padded = [(None,) * (ndim - len(shape)) + shape for shape in shapes]
    result = []
    for sizes in zip(*padded, strict=True):
        known = {size for size in sizes if size is not None}
        if len(known) > 1:
            raise ValueError(f"cannot broadcast {shapes}")
        result.append(known.pop())
    return tuple(result)


@mistake(
    "tensors.broadcast_shapes",
    caught_by="test_shapes_line_up_from_the_right",
    says="You stopped where the shorter shape ends, so dims got lost. A missing dim counts as 1, "
    "and 1 stretches.",
)
def cut_to_the_shortest(*shapes):
    sizes = zip(*(reversed(shape) for shape in shapes), strict=False)
    return tuple(max(some) for some in sizes)[::-1]


@mistake(
    "tensors.broadcast_shapes",
    caught_by="test_sizes_that_differ_are_refused_by_name",
    says="You took the larger size without asking whether the other is 1. Sizes 3 and 4 do not "
    "fit: raise ValueError.",
)
def larger_size_wins(*shapes):
    ndim = max(map(len, shapes), default=0)
    padded = [(1,) * (ndim - len(shape)) + shape for shape in shapes]
    return tuple(0 if 0 in sizes else max(sizes) for sizes in zip(*padded, strict=True))


@mistake(
    "tensors.broadcast_shapes",
    caught_by="test_a_size_of_one_meets_zero",
    says="You took the larger of 1 and 0. The size that is not 1 wins, and 0 is not 1: repeated no "
    "times, nothing is left.",
)
def one_beats_zero(*shapes):
    ndim = max(map(len, shapes), default=0)
    padded = [(1,) * (ndim - len(shape)) + shape for shape in shapes]
    return tuple(map(max, zip(*padded, strict=True)))


@mistake(
    "tensors.broadcast_shapes",
    caught_by="test_three_shapes_broadcast_together",
    says="You looked at the first two shapes only. The star in *shapes collects any number of "
    "them.",
)
def first_two_only(*shapes):
    return np.broadcast_shapes(*shapes[:2])


# Step 5: broadcast_strides


@mistake(
    "tensors.broadcast_strides",
    caught_by="test_a_size_of_one_that_grows_gets_stride_zero",
    says="You kept the stride of a dim that grows from 1. Then the second step reads the next "
    "element, or memory that is not ours. Only a stride of 0 stays where it is.",
)
def stride_kept(shape, strides, target):
    new = len(target) - len(shape)
    if new < 0 or any(size not in (1, big) for size, big in zip(shape, target[new:], strict=True)):
        raise ValueError(f"cannot expand {shape} to {target}")
    return (*(0,) * new, *strides)


@mistake(
    "tensors.broadcast_strides",
    caught_by="test_a_size_of_one_that_grows_gets_stride_zero",
    says="Those are the strides of a fresh tensor of the target shape, one that holds every "
    "repetition. Here nothing is copied: a repeated dim has stride 0.",
)
def strides_of_a_copy(shape, strides, target):
    return row_major(target)


@mistake(
    "tensors.broadcast_strides",
    caught_by="test_a_new_dim_gets_stride_zero",
    says="You put the new dims on the right. Shapes line up from the right, so new dims appear on "
    "the left.",
)
def new_dims_on_the_right(shape, strides, target):
    kept = [
        stride if size == big else 0
        for size, stride, big in zip(shape, strides, target, strict=False)
    ]
    return (*kept, *(0,) * (len(target) - len(shape)))


@mistake(
    "tensors.broadcast_strides",
    caught_by="test_a_dim_that_keeps_its_size_keeps_its_stride",
    says="You worked the strides out from the shape again. The tensor may be a view with strides "
    "of its own: use those you were given.",
)
def given_strides_ignored(shape, strides, target):
    return broadcast_strides_of(shape, row_major(shape), target)


@mistake(
    "tensors.broadcast_strides",
    caught_by="test_a_size_that_is_not_one_cannot_grow",
    says="You stretched a dim of size 3 to 4 without a word. Only a 1 can be repeated; raise "
    "ValueError for anything else.",
)
def broadcast_strides_of(shape, strides, target):
    new = len(target) - len(shape)
    if new < 0:
        raise ValueError(f"cannot expand {shape} to {target}")
    kept = zip(shape, strides, target[new:], strict=True)
    return (*(0,) * new, *(stride if size == big else 0 for size, stride, big in kept))


# Step 6: result_type


@mistake(
    "tensors.result_type",
    caught_by="test_a_float_wins_over_an_integer_of_any_size",
    says="You let the number of bits decide. The category comes first (bool < integer < floating), "
    "and bits count only among dtypes of the winning category.",
)
def most_bits_win(*dtypes):
    return max(dtypes, key=lambda dtype: (dtype.itemsize, dtype.kind == "f"))


@mistake(
    "tensors.result_type",
    caught_by="test_a_float_wins_over_an_integer_of_any_size",
    says="That is NumPy's rule: it goes to float64 so that no int64 is rounded. Ours, like "
    "PyTorch's, stays with float32, which is half the memory; only floats have a say.",
)
def numpys_rule(*dtypes):
    return np.result_type(*dtypes)


@mistake(
    "tensors.result_type",
    caught_by="test_within_a_category_the_wider_type_wins",
    says="You took the first dtype of the highest category. Among those of one category the "
    "smallest that holds them all wins, wherever it stands.",
)
def first_of_the_category(*dtypes):
    return max(dtypes, key=lambda dtype: "biuf".replace("iu", "i").find(dtype.kind))


@mistake(
    "tensors.result_type",
    caught_by="test_uint8_and_int8_need_sixteen_bits",
    says="You chose the wider of uint8 and int8, and they are equally wide. The result has to hold "
    "the values of both, from -128 to 255: that takes int16.",
)
def widest_of_the_category(*dtypes):
    ranks = {"b": 0, "u": 1, "i": 1, "f": 2}
    return max(dtypes, key=lambda dtype: (ranks[dtype.kind], dtype.itemsize))


@mistake(
    "tensors.result_type",
    caught_by="test_an_integer_wins_over_a_truth_value",
    says="You put bool above the integers. True can be written as 1, but 7 cannot be written as a "
    "truth value: integer is the higher category.",
)
def bool_on_top(*dtypes):
    truth = [dtype for dtype in dtypes if dtype.kind == "b"]
    return truth[0] if truth else max(dtypes, key=lambda dtype: (dtype.kind, dtype.itemsize))


# Step 7: apply


@mistake(
    "tensors.apply",
    caught_by="test_the_result_is_a_tensor",
    says="You returned the kernel's bare array. Wrap it, or the next operation will not pass "
    "through the door.",
)
def result_not_wrapped(operation, *inputs, **options):
    arrays = unwrap(inputs)
    try:
        return _kernels[operation](*arrays, **options)
    except (KeyError, TypeError, ValueError) as problem:
        raise explain(operation, arrays, options, problem) from None


@mistake(
    "tensors.apply",
    caught_by="test_an_operation_that_fails_is_not_told",
    says="You told the listeners before the kernel had run, so they heard of an operation that "
    "never happened. Tell them last.",
)
def told_too_early(operation, *inputs, **options):
    if _listeners:
        tell(operation, inputs, options, None, 0.0)
    arrays = unwrap(inputs)
    try:
        return wrap(_kernels[operation](*arrays, **options))
    except (KeyError, TypeError, ValueError) as problem:
        raise explain(operation, arrays, options, problem) from None


@mistake(
    "tensors.apply",
    caught_by="test_the_listeners_are_told_what_happened",
    says="You told the listeners of the unwrapped arrays. A tape has to know which tensors went "
    "in: tell them the inputs as they were given.",
)
def arrays_told(operation, *inputs, **options):
    arrays = unwrap(inputs)
    started = perf_counter()
    try:
        output = wrap(_kernels[operation](*arrays, **options))
    except (KeyError, TypeError, ValueError) as problem:
        raise explain(operation, arrays, options, problem) from None
    tell(operation, tuple(arrays), options, output, perf_counter() - started)
    return output


@mistake(
    "tensors.apply",
    caught_by="test_the_listeners_are_told_what_happened",
    says="You told nobody. When the result is wrapped, call tell(operation, inputs, options, "
    "output, seconds).",
)
def nobody_told(operation, *inputs, **options):
    arrays = unwrap(inputs)
    try:
        return wrap(_kernels[operation](*arrays, **options))
    except (KeyError, TypeError, ValueError) as problem:
        raise explain(operation, arrays, options, problem) from None


@mistake(
    "tensors.apply",
    caught_by="test_an_unknown_operation_is_refused_by_name",
    says="A bare KeyError came out of the table of kernels. Catch what the kernel raises and raise "
    "what explain() makes of it.",
)
def nothing_explained(operation, *inputs, **options):
    started = perf_counter()
    output = wrap(_kernels[operation](*unwrap(inputs), **options))
    tell(operation, inputs, options, output, perf_counter() - started)
    return output


@mistake(
    "tensors.apply",
    caught_by="test_a_kernel_sees_arrays_of_one_type",
    says="You took the arrays out of the tensors but left their dtypes as they were. unwrap() also "
    "brings them to the one dtype that result_type names.",
)
def dtypes_left_apart(operation, *inputs, **options):
    arrays = [one.array for one in inputs]
    output = wrap(_kernels[operation](*arrays, **options))
    tell(operation, inputs, options, output, 0.0)
    return output


@mistake(
    "tensors.apply",
    caught_by="test_options_reach_the_kernel_by_name",
    says="You handed the options over without their names. Two stars do it: "
    "kernel(*arrays, **options).",
)
def options_without_names(operation, *inputs, **options):
    output = wrap(_kernels[operation](*unwrap(inputs), *options.values()))
    tell(operation, inputs, options, output, 0.0)
    return output


@mistake(
    "tensors.apply",
    caught_by="test_the_seconds_are_those_of_the_kernel",
    says="You started the clock when the kernel had already finished. Look at it before the "
    "kernel runs, and again after.",
)
def clock_started_late(operation, *inputs, **options):
    arrays = unwrap(inputs)
    try:
        result = _kernels[operation](*arrays, **options)
    except (KeyError, TypeError, ValueError) as problem:
        raise explain(operation, arrays, options, problem) from None
    started = perf_counter()
    output = wrap(result)
    tell(operation, inputs, options, output, perf_counter() - started)
    return output


# Step 8: listen


@mistake(
    "tensors.listen",
    caught_by="test_a_block_that_raises_stops_listening_too",
    says="Your listener stays when the block raises: the line after yield is never reached. Put "
    "the removal into finally, or let an ExitStack do it.",
)
@contextmanager
def removed_only_on_success(listener):
    _listeners.append(listener)
    yield
    _listeners.remove(listener)


@mistake(
    "tensors.listen",
    caught_by="test_a_listener_hears_nothing_before_or_after",
    says="Your listener never stops listening. Hand the removal to the handle: "
    "handle.callback(_listeners.remove, listener).",
)
def never_removed(listener):
    _listeners.append(listener)
    return ExitStack()


@mistake(
    "tensors.listen",
    caught_by="test_listeners_may_be_nested",
    says="You removed every listener when one block ended, and the outer block went deaf. Remove "
    "only your own.",
)
def everyone_removed(listener):
    _listeners.append(listener)
    handle = ExitStack()
    handle.callback(_listeners.clear)
    return handle


@mistake(
    "tensors.listen",
    caught_by="test_handles_may_be_closed_in_any_order",
    says="You removed whoever came last. Handles can be closed in any order: remove the listener "
    "that this handle stands for.",
)
def last_one_removed(listener):
    _listeners.append(listener)
    handle = ExitStack()
    handle.callback(_listeners.pop)
    return handle


@mistake(
    "tensors.listen",
    caught_by="test_a_listener_can_be_closed_without_a_block",
    says="Your handle works only in a with statement. Listening starts when listen() is called "
    "and ends with close(): return an ExitStack, which can do both.",
)
@contextmanager
def only_in_a_block(listener):
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


# Step 9: normalize_dims


@mistake(
    "tensors.normalize_dims",
    caught_by="test_negative_dims_count_from_the_end",
    says="You are off by one: -1 is the last dim, and the last dim is ndim - 1. Adding ndim is "
    "enough.",
)
def negative_off_by_one(dim, ndim):
    dims = range(ndim) if dim is None else dim if isinstance(dim, list | tuple) else (dim,)
    return tuple(one if one >= 0 else one + ndim - 1 for one in dims)


@mistake(
    "tensors.normalize_dims",
    caught_by="test_negative_dims_count_from_the_end",
    says="You left negative dims as they were. Later code compares dims with each other, so every "
    "dim gets one name, from 0 to ndim - 1.",
)
def negative_left_alone(dim, ndim):
    dims = range(ndim) if dim is None else dim if isinstance(dim, list | tuple) else (dim,)
    return tuple(dims)


@mistake(
    "tensors.normalize_dims",
    caught_by="test_a_dim_out_of_range_is_refused_by_number",
    says="The remainder made a valid dim of an invalid one: 3 % 3 is 0, so the wrong dim would be "
    "reduced without a word. Check the range first.",
)
def range_not_checked(dim, ndim):
    dims = range(ndim) if dim is None else dim if isinstance(dim, list | tuple) else (dim,)
    return tuple(one % max(ndim, 1) for one in dims)


@mistake(
    "tensors.normalize_dims",
    caught_by="test_none_names_all_dims",
    says="You took None for no dims at all. It is the default of every reduction and stands for "
    "all of them.",
)
def none_is_nothing(dim, ndim):
    dims = () if dim is None else dim if isinstance(dim, list | tuple) else (dim,)
    return tuple(one % ndim for one in dims)


@mistake(
    "tensors.normalize_dims",
    caught_by="test_a_dim_named_twice_is_refused",
    says="You looked for repetitions before counting from the end, where 1 and -2 look different. "
    "Normalize first, then compare.",
)
def repetitions_sought_too_early(dim, ndim):
    dims = range(ndim) if dim is None else dim if isinstance(dim, list | tuple) else (dim,)
    if len(set(dims)) < len(dims):
        raise ValueError(f"{dim} names a dim twice")
    return tuple(one % ndim for one in dims)


@mistake(
    "tensors.normalize_dims",
    caught_by="test_one_dim_becomes_a_tuple",
    says="You returned one dim bare. Whoever asks for dims gets a tuple, so that one dim and "
    "several are treated alike.",
)
def one_dim_left_bare(dim, ndim):
    if isinstance(dim, int):
        return dim % ndim
    return tuple(one % ndim for one in (range(ndim) if dim is None else dim))


@mistake(
    "tensors.normalize_dims",
    caught_by="test_several_dims_keep_their_order",
    says="You sorted the dims. A sum does not mind, but permute(2, 0, 1) means that order.",
)
def dims_sorted(dim, ndim):
    dims = range(ndim) if dim is None else dim if isinstance(dim, list | tuple) else (dim,)
    return tuple(sorted(one % ndim for one in dims))


# Step 10: matmul_shape


@mistake(
    "tensors.matmul_shape",
    caught_by="test_rows_meet_columns",
    says="You compared the rows of a with the rows of b. The inner sizes are the last of a and the "
    "last but one of b: a row of a meets a column of b.",
)
def rows_compared_with_rows(a, b):
    if a[0] != b[0]:
        raise ValueError(f"cannot multiply {a} by {b}: sizes {a[0]} and {b[0]} differ")
    return (*a[:-1], *b[1:])


@mistake(
    "tensors.matmul_shape",
    caught_by="test_rows_meet_columns",
    says="The inner size is still in your answer. Its products are summed up, so it is gone from "
    "the result.",
)
def inner_size_kept(a, b):
    return (*a, *b[-1:])


@mistake(
    "tensors.matmul_shape",
    caught_by="test_a_vector_on_the_right_is_a_column",
    says="You left the 1 of the column in the result. The dim that a vector borrows to become a "
    "matrix is given back.",
)
def borrowed_dim_kept(a, b):
    rows, columns = a if len(a) > 1 else (1, *a), b if len(b) > 1 else (*b, 1)
    if len(a) == 1:
        return (*np.broadcast_shapes(rows[:-2], columns[:-2]), *b[-1:]) if len(b) > 1 else ()
    return (*np.broadcast_shapes(rows[:-2], columns[:-2]), rows[-2], columns[-1])


@mistake(
    "tensors.matmul_shape",
    caught_by="test_dims_before_the_last_two_broadcast",
    says="You set the stacks one behind the other. Dims before the last two broadcast against "
    "each other, as in any other operation.",
)
def stacks_set_side_by_side(a, b):
    columns = b[-1:] if len(b) > 1 else ()
    return (*a[:-2], *b[:-2], *a[-2:-1], *columns)


@mistake(
    "tensors.matmul_shape",
    caught_by="test_a_size_of_one_does_not_stretch_inside",
    says="You let an inner size of 1 stretch. Broadcasting stops at the last two dims: inner sizes "
    "have to be equal.",
)
def inner_one_stretches(a, b):
    inner = b[-2] if len(b) > 1 else b[0]
    if a[-1] != inner and 1 not in (a[-1], inner):
        raise ValueError(f"cannot multiply {a} by {b}: inner sizes {a[-1]} and {inner} differ")
    columns = b[-1:] if len(b) > 1 else ()
    return (*np.broadcast_shapes(a[:-2], b[:-2]), *a[-2:-1], *columns)
