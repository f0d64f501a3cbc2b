"""Tensors behave as the chapter says: one example for each rule."""

import warnings
from time import perf_counter

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import expect, expect_error


@pytest.fixture(autouse=True)
def door_is_left_as_found():
    """Take away what an answer that never stops listening would leave for the next check."""
    listeners = tt.tensors.door._listeners
    before = list(listeners)
    yield
    listeners[:] = before


# Step 1: the shape of nested lists


@pytest.mark.step("tensors.infer_shape")
def test_a_number_has_no_dims():
    expect(tt.infer_shape(3.5), (), because="a single number has no dims, so no sizes")
    expect(tt.infer_shape(0), (), because="zero is a number like any other")


@pytest.mark.step("tensors.infer_shape")
def test_a_flat_list_has_one_dim():
    expect(tt.infer_shape([7, 8, 9]), (3,), because="one list of three numbers has one size, 3")
    expect(tt.infer_shape([7]), (1,), because="a list of one number still has a dim, of size 1")


@pytest.mark.step("tensors.infer_shape")
def test_each_level_of_nesting_adds_a_size():
    expect(
        tt.infer_shape([[1, 2, 3], [4, 5, 6]]),
        (2, 3),
        because="there are 2 rows of 3 numbers; the outermost size comes first",
    )
    expect(
        tt.infer_shape([[[1], [2], [3], [4]], [[5], [6], [7], [8]]]),
        (2, 4, 1),
        because="2 blocks hold 4 lists of 1 number each",
    )


@pytest.mark.step("tensors.infer_shape")
def test_an_empty_list_has_size_zero():
    expect(tt.infer_shape([]), (0,), because="an empty list is a dim with nothing in it")
    expect(tt.infer_shape([[], []]), (2, 0), because="there are two lists, each of size 0")


@pytest.mark.step("tensors.infer_shape")
def test_tuples_nest_like_lists():
    expect(tt.infer_shape(((1, 2), [3, 4], (5, 6))), (3, 2), because="a tuple nests like a list")


@pytest.mark.step("tensors.infer_shape")
def test_a_ragged_list_is_refused_with_both_shapes():
    expect_error(
        lambda: tt.infer_shape([[1, 2, 3], [4, 5]]),
        ValueError,
        "(3,)",
        "(2,)",
        because="a row of 3 and a row of 2 make no rectangle; the message names both shapes",
    )


@pytest.mark.step("tensors.infer_shape")
def test_a_number_beside_a_list_is_refused():
    expect_error(
        lambda: tt.infer_shape([1, [2]]),
        ValueError,
        "()",
        "(1,)",
        because="a number has shape () and a list of one number has shape (1,)",
    )


# Step 2: strides of a tensor laid out row by row


@pytest.mark.step("tensors.contiguous_strides")
def test_the_last_dim_has_stride_one():
    expect(tt.contiguous_strides((5,)), (1,), because="neighbours in the last dim touch in memory")


@pytest.mark.step("tensors.contiguous_strides")
def test_a_dim_jumps_over_all_that_follow():
    expect(
        tt.contiguous_strides((2, 3)), (3, 1), because="the next row begins 3 elements further on"
    )
    expect(
        tt.contiguous_strides((2, 3, 4)),
        (12, 4, 1),
        because="a row holds 4 elements, a block 3 rows: 12 elements",
    )


@pytest.mark.step("tensors.contiguous_strides")
def test_a_single_number_has_no_strides():
    expect(tt.contiguous_strides(()), (), because="without dims there is nothing to step along")


@pytest.mark.step("tensors.contiguous_strides")
def test_a_dim_of_size_one_still_has_a_stride():
    expect(tt.contiguous_strides((5, 1)), (1, 1), because="rows of 1 element are 1 element apart")
    expect(tt.contiguous_strides((1, 5)), (5, 1), because="a second row would begin 5 further on")


@pytest.mark.step("tensors.contiguous_strides")
def test_a_dim_of_size_zero_counts_as_one():
    expect(
        tt.contiguous_strides((2, 0, 3)),
        (3, 3, 1),
        because="a size of 0 counts as 1, or every stride before it would be 0",
    )


# Step 3: the same memory in a new shape


@pytest.mark.step("tensors.view_strides")
def test_a_row_major_tensor_takes_any_new_shape():
    expect(
        tt.view_strides((2, 6), (6, 1), (3, 4)), (4, 1), because="12 neighbours make 3 rows of 4"
    )
    expect(
        tt.view_strides((2, 3, 4), (12, 4, 1), (24,)),
        (1,),
        because="all 24 elements lie one after another",
    )


@pytest.mark.step("tensors.view_strides")
def test_a_transposed_matrix_cannot_be_flattened():
    expect(
        tt.view_strides((3, 2), (1, 3), (6,)),
        None,
        because="its elements are read in the order 0 3 1 4 2 5, and no single stride does that",
    )


@pytest.mark.step("tensors.view_strides")
def test_every_second_element_can_still_be_split():
    expect(
        tt.view_strides((6,), (2,), (2, 3)),
        (6, 2),
        because="steps of 2 within a row, and 3 such steps to the next row",
    )


@pytest.mark.step("tensors.view_strides")
def test_rows_with_a_gap_between_them_do_not_merge():
    expect(
        tt.view_strides((2, 3), (5, 1), (6,)),
        None,
        because="after 3 elements the memory jumps by 5, not by 3",
    )
    expect(
        tt.view_strides((2, 6), (10, 1), (2, 2, 3)),
        (10, 3, 1),
        because="each row can be split, since the gap stays between the rows",
    )


@pytest.mark.step("tensors.view_strides")
def test_dims_merge_where_they_touch_and_stay_apart_where_not():
    expect(
        tt.view_strides((2, 3, 4), (100, 4, 1), (2, 12)),
        (100, 1),
        because="the last two dims touch (4 = 4 x 1) and merge, the first stays 100 apart",
    )
    expect(
        tt.view_strides((2, 3, 4), (100, 4, 1), (6, 4)),
        None,
        because="the first two dims do not touch: 100 is not 3 x 4",
    )


@pytest.mark.step("tensors.view_strides")
def test_a_stretched_dim_splits_into_stretched_dims():
    expect(
        tt.view_strides((4, 3), (0, 1), (2, 2, 3)),
        (0, 0, 1),
        because="a stride of 0 reads the same row again and again, in 2 x 2 steps as in 4",
    )


@pytest.mark.step("tensors.view_strides")
def test_an_empty_tensor_takes_any_empty_shape():
    expect(
        tt.view_strides((0, 3), (1, 7), (2, 0)),
        (1, 1),
        because="there is nothing to read, so contiguous strides will do",
    )


# Step 4: the shape that two tensors share


@pytest.mark.step("tensors.broadcast_shapes")
def test_equal_shapes_stay_as_they_are():
    expect(tt.broadcast_shapes((2, 3), (2, 3)), (2, 3), because="nothing has to stretch")
    expect(tt.broadcast_shapes((2, 3)), (2, 3), because="one shape alone stays as it is")


@pytest.mark.step("tensors.broadcast_shapes")
def test_shapes_line_up_from_the_right():
    expect(
        tt.broadcast_shapes((2, 3), (3,)),
        (2, 3),
        because="the 3 stands below the last size, and the missing size counts as 1",
    )
    expect(
        tt.broadcast_shapes((4,), (5, 1, 4)),
        (5, 1, 4),
        because="the shorter shape may come first",
    )


@pytest.mark.step("tensors.broadcast_shapes")
def test_a_size_of_one_stretches_on_either_side():
    expect(
        tt.broadcast_shapes((3, 1), (1, 4)),
        (3, 4),
        because="the column repeats 4 times and the row 3 times",
    )


@pytest.mark.step("tensors.broadcast_shapes")
def test_a_number_goes_with_every_shape():
    expect(tt.broadcast_shapes((), (2, 3)), (2, 3), because="a shape without sizes fits any")
    expect(tt.broadcast_shapes((), ()), (), because="two numbers make a number")


@pytest.mark.step("tensors.broadcast_shapes")
def test_three_shapes_broadcast_together():
    expect(
        tt.broadcast_shapes((5, 1, 1), (4, 1), (3,)),
        (5, 4, 3),
        because="each dim takes the one size that is not 1",
    )


@pytest.mark.step("tensors.broadcast_shapes")
def test_a_size_of_one_meets_zero():
    expect(
        tt.broadcast_shapes((1,), (0,)),
        (0,),
        because="a 1 repeats any number of times, also no times at all",
    )
    expect(tt.broadcast_shapes((0, 1), (1, 3)), (0, 3), because="a 0 is a size like any other")


@pytest.mark.step("tensors.broadcast_shapes")
def test_sizes_that_differ_are_refused_by_name():
    expect_error(
        lambda: tt.broadcast_shapes((7, 3), (7, 4)),
        ValueError,
        "(7, 3)",
        "(7, 4)",
        because="3 and 4 differ and neither is 1; the message names both shapes",
    )
    expect_error(
        lambda: tt.broadcast_shapes((2,), (0,)),
        ValueError,
        "2",
        "0",
        because="only a 1 stretches to 0; a 2 does not",
    )


# Step 5: strides that repeat without copying


@pytest.mark.step("tensors.broadcast_strides")
def test_a_size_of_one_that_grows_gets_stride_zero():
    expect(
        tt.broadcast_strides((3, 1), (1, 1), (3, 4)),
        (1, 0),
        because="4 steps along the last dim must read the same element 4 times",
    )


@pytest.mark.step("tensors.broadcast_strides")
def test_a_new_dim_gets_stride_zero():
    expect(
        tt.broadcast_strides((3,), (1,), (2, 3)),
        (0, 1),
        because="new dims appear on the left, and every row is the same row",
    )
    expect(tt.broadcast_strides((), (), (2, 3)), (0, 0), because="a number repeats along every dim")


@pytest.mark.step("tensors.broadcast_strides")
def test_a_dim_that_keeps_its_size_keeps_its_stride():
    expect(
        tt.broadcast_strides((2, 3), (10, 2), (2, 3)),
        (10, 2),
        because="nothing stretches, so the steps through memory stay as they are",
    )


@pytest.mark.step("tensors.broadcast_strides")
def test_a_size_that_is_not_one_cannot_grow():
    expect_error(
        lambda: tt.broadcast_strides((5, 3), (3, 1), (5, 4)),
        ValueError,
        "(5, 3)",
        "(5, 4)",
        because="3 elements cannot be spread over 4 places; name both shapes",
    )


@pytest.mark.step("tensors.broadcast_strides")
def test_a_tensor_never_loses_dims():
    expect_error(
        lambda: tt.broadcast_strides((1, 3), (3, 1), (3,)),
        ValueError,
        "(1, 3)",
        "(3,)",
        because="stretching adds dims on the left and never takes one away; name both shapes",
    )


# Step 6: one type for all inputs


@pytest.mark.step("tensors.result_type")
def test_equal_types_stay_as_they_are():
    expect(tt.result_type(tt.float32, tt.float32), tt.float32, because="there is nothing to settle")
    expect(tt.result_type(tt.bool_), tt.bool_, because="one type alone stays as it is")


@pytest.mark.step("tensors.result_type")
def test_a_float_wins_over_an_integer_of_any_size():
    expect(
        tt.result_type(tt.float32, tt.int64),
        tt.float32,
        because="the category decides first: floating comes above integer, 64 bits or not",
    )
    expect(tt.result_type(tt.int32, tt.float16), tt.float16, because="the order does not matter")


@pytest.mark.step("tensors.result_type")
def test_an_integer_wins_over_a_truth_value():
    expect(tt.result_type(tt.bool_, tt.uint8), tt.uint8, because="integer comes above bool")


@pytest.mark.step("tensors.result_type")
def test_within_a_category_the_wider_type_wins():
    expect(tt.result_type(tt.float64, tt.float32), tt.float64, because="64 bits hold 32")
    expect(tt.result_type(tt.int8, tt.int32), tt.int32, because="32 bits hold 8")


@pytest.mark.step("tensors.result_type")
def test_uint8_and_int8_need_sixteen_bits():
    expect(
        tt.result_type(tt.uint8, tt.int8),
        tt.int16,
        because="uint8 reaches 255 and int8 goes down to -128: only int16 holds both",
    )


@pytest.mark.step("tensors.result_type")
def test_a_lower_category_does_not_widen_a_higher_one():
    expect(
        tt.result_type(tt.int64, tt.float16, tt.bool_, tt.int32),
        tt.float16,
        because="only the floating types have a say, and float16 is the only one",
    )


# Step 7: the door


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
def test_the_door_runs_the_kernel_of_the_operation():
    a, b = tt.tensor([1, 2, 3]), tt.tensor([10, 20, 30])
    expect(tt.apply("add", a, b), tt.tensor([11, 22, 33]), because="'add' adds")
    expect(tt.apply("mul", a, b), tt.tensor([10, 40, 90]), because="'mul' multiplies")


@pytest.mark.step("tensors.apply")
def test_the_inputs_keep_their_order():
    expect(
        tt.apply("sub", tt.tensor([5, 7]), tt.tensor([1, 2])),
        tt.tensor([4, 5]),
        because="the first input comes first: 5 - 1, not 1 - 5",
    )


@pytest.mark.step("tensors.apply")
def test_the_result_is_a_tensor():
    result = tt.apply("neg", tt.tensor([1.0]))
    expect(type(result).__name__, "Tensor", because="the array that a kernel returns is wrapped")


@pytest.mark.step("tensors.apply")
def test_options_reach_the_kernel_by_name():
    with kernels(scale=lambda array, *, factor: array * factor):
        expect(
            tt.apply("scale", tt.tensor([1, 2]), factor=3),
            tt.tensor([3, 6]),
            because="everything that is no input is handed to the kernel by name",
        )


@pytest.mark.step("tensors.apply")
def test_a_kernel_sees_arrays_of_one_type():
    seen = []
    with kernels(look=lambda a, b: seen.extend([a, b]) or a):
        tt.apply("look", tt.tensor([1, 2]), tt.tensor([0.5, 1.5]))
    expect(
        [type(array).__name__ for array in seen],
        ["ndarray", "ndarray"],
        because="kernels work on arrays, not on tensors",
    )
    expect(
        [str(array.dtype) for array in seen],
        ["float32", "float32"],
        because="int64 and float32 meet in float32 before the kernel runs",
    )


@pytest.mark.step("tensors.apply")
def test_numbers_and_lists_may_be_inputs():
    expect(
        tt.apply("add", tt.tensor([1.5, 2.5]), 1),
        tt.tensor([2.5, 3.5]),
        because="a plain number takes the tensor's type",
    )
    expect(
        tt.apply("add", [1, 2], tt.tensor([3, 4])),
        tt.tensor([4, 6]),
        because="a list is unwrapped to an array as well",
    )


@pytest.mark.step("tensors.apply")
def test_shapes_that_do_not_fit_are_explained():
    expect_error(
        lambda: tt.apply("add", tt.zeros(2, 3), tt.zeros(4)),
        ValueError,
        "cannot broadcast",
        "(2, 3)",
        "(4,)",
        because="the door raises what explain() says, not what the kernel said",
    )


@pytest.mark.step("tensors.apply")
def test_an_unknown_operation_is_refused_by_name():
    expect_error(
        lambda: tt.apply("frobnicate", tt.tensor([1])),
        ValueError,
        "frobnicate",
        because="no kernel has this name; explain() turns the KeyError into a sentence",
    )


@pytest.mark.step("tensors.apply")
def test_the_listeners_are_told_what_happened():
    calls, x = [], tt.tensor([[1.0, 2.0], [3.0, 4.0]])
    with tt.listen(record(calls)):
        total = tt.apply("sum", x, dim=(0,), keepdim=False)
    expect(len(calls), 1, because="one operation went through the door")
    operation, inputs, options, output, _ = calls[0]
    expect(operation, "sum", because="a listener is told the name of the operation")
    expect(inputs[0] is x, True, because="the inputs are told as they were given, still wrapped")
    expect(options, {"dim": (0,), "keepdim": False}, because="and the options by name")
    expect(output is total, True, because="and the very tensor that the caller gets")


@pytest.mark.step("tensors.apply")
def test_the_seconds_are_those_of_the_kernel():
    def slow(array):
        started = perf_counter()
        while perf_counter() - started < 0.004:
            pass
        return array

    calls = []
    with kernels(wait=slow), tt.listen(record(calls)):
        tt.apply("wait", tt.tensor([1]))
    seconds = calls[0][4]
    expect(
        0.003 < seconds < 1.0,
        True,
        because=f"the kernel took at least 0.004 seconds, the listener was told {seconds:.6f}",
    )


@pytest.mark.step("tensors.apply")
def test_an_operation_that_fails_is_not_told():
    calls = []
    with tt.listen(record(calls)):
        expect_error(
            lambda: tt.apply("add", tt.zeros(2), tt.zeros(3)),
            ValueError,
            because="a shape of 2 and a shape of 3 do not fit",
        )
    expect(len(calls), 0, because="there is no output to tell of; tell after the kernel has run")


# Step 8: listening at the door


@pytest.mark.step("tensors.listen")
def test_a_listener_hears_every_operation_in_the_block():
    calls, x = [], tt.tensor([1.0, 2.0])
    with tt.listen(record(calls)):
        _ = x + x
        _ = x * 3
    expect([call[0] for call in calls], ["add", "mul"], because="two operations ran in the block")


@pytest.mark.step("tensors.listen")
def test_a_listener_hears_nothing_before_or_after():
    calls, x = [], tt.tensor([1.0, 2.0])
    _ = x + x
    with tt.listen(record(calls)):
        pass
    _ = x * 3
    expect(len(calls), 0, because="no operation ran inside of the block")


@pytest.mark.step("tensors.listen")
def test_a_block_that_raises_stops_listening_too():
    calls, x = [], tt.tensor([1.0, 2.0])

    def fail():
        with tt.listen(record(calls)):
            raise RuntimeError("in the block")

    expect_error(fail, RuntimeError, "in the block", because="the error must come out of the block")
    _ = x + x
    expect(len(calls), 0, because="a block that ends by an error has ended; remove the listener")


@pytest.mark.step("tensors.listen")
def test_a_listener_can_be_closed_without_a_block():
    calls, x = [], tt.tensor([1.0, 2.0])
    handle = tt.listen(record(calls))
    _ = x + x
    handle.close()
    _ = x * 3
    expect(
        [call[0] for call in calls],
        ["add"],
        because="listening starts at once and ends with close()",
    )


@pytest.mark.step("tensors.listen")
def test_listeners_may_be_nested():
    outer, inner, x = [], [], tt.tensor([1.0, 2.0])
    with tt.listen(record(outer)):
        _ = x + x
        with tt.listen(record(inner)):
            _ = x * 3
        _ = x - x
    expect([call[0] for call in inner], ["mul"], because="the inner block held one operation")
    expect(
        [call[0] for call in outer],
        ["add", "mul", "sub"],
        because="the outer block is not over when the inner one is",
    )


# Step 9: naming dims


@pytest.mark.step("tensors.normalize_dims")
def test_one_dim_becomes_a_tuple():
    expect(tt.normalize_dims(1, 3), (1,), because="the answer is always a tuple of dims")
    expect(tt.normalize_dims(0, 1), (0,), because="dim 0 is the first")


@pytest.mark.step("tensors.normalize_dims")
def test_negative_dims_count_from_the_end():
    expect(tt.normalize_dims(-1, 3), (2,), because="-1 is the last of dims 0, 1, 2")
    expect(tt.normalize_dims(-3, 3), (0,), because="-3 is the first of dims 0, 1, 2")


@pytest.mark.step("tensors.normalize_dims")
def test_none_names_all_dims():
    expect(tt.normalize_dims(None, 3), (0, 1, 2), because="None stands for every dim")
    expect(tt.normalize_dims(None, 0), (), because="a single number has no dims to name")


@pytest.mark.step("tensors.normalize_dims")
def test_several_dims_keep_their_order():
    expect(tt.normalize_dims((2, 0), 3), (2, 0), because="permute needs the order it was given")
    expect(tt.normalize_dims([-1, 0], 3), (2, 0), because="a list names dims as a tuple does")
    expect(tt.normalize_dims((), 3), (), because="no dims named, no dims returned")


@pytest.mark.step("tensors.normalize_dims")
def test_a_dim_out_of_range_is_refused_by_number():
    expect_error(
        lambda: tt.normalize_dims(3, 3),
        IndexError,
        "3",
        because="the dims of 3 are 0, 1 and 2; the message names the dim",
    )
    expect_error(
        lambda: tt.normalize_dims(-4, 3),
        IndexError,
        "-4",
        because="-3 is the first dim already; the message names the dim",
    )
    expect_error(
        lambda: tt.normalize_dims(0, 0),
        IndexError,
        "0",
        because="a single number has no dims at all",
    )


@pytest.mark.step("tensors.normalize_dims")
def test_a_dim_named_twice_is_refused():
    expect_error(
        lambda: tt.normalize_dims((1, 0, -2), 3),
        ValueError,
        "-2",
        because="1 and -2 are the same dim of 3; the message names what was given",
    )


@pytest.mark.step("tensors.normalize_dims")
def test_a_dim_is_an_integer():
    expect_error(
        lambda: tt.normalize_dims(1.0, 3),
        TypeError,
        "1.0",
        because="dims are counted, not measured",
    )
    expect_error(
        lambda: tt.normalize_dims(True, 3),
        TypeError,
        "True",
        because="sum(True) is a slip for keepdim=True, not a request for dim 1",
    )


# Step 10: the shape of a matrix product


@pytest.mark.step("tensors.matmul_shape")
def test_rows_meet_columns():
    expect(
        tt.matmul_shape((2, 3), (3, 4)),
        (2, 4),
        because="2 rows by 4 columns; the inner size 3 is summed away",
    )
    expect(tt.matmul_shape((1, 5), (5, 1)), (1, 1), because="one row by one column")


@pytest.mark.step("tensors.matmul_shape")
def test_two_vectors_make_a_number():
    expect(tt.matmul_shape((3,), (3,)), (), because="a row by a column is one sum")


@pytest.mark.step("tensors.matmul_shape")
def test_a_vector_on_the_left_is_a_row():
    expect(tt.matmul_shape((3,), (3, 4)), (4,), because="1 row by 4 columns, the 1 dropped again")


@pytest.mark.step("tensors.matmul_shape")
def test_a_vector_on_the_right_is_a_column():
    expect(tt.matmul_shape((2, 3), (3,)), (2,), because="2 rows by 1 column, the 1 dropped again")


@pytest.mark.step("tensors.matmul_shape")
def test_dims_before_the_last_two_broadcast():
    expect(
        tt.matmul_shape((5, 1, 2, 3), (7, 3, 4)),
        (5, 7, 2, 4),
        because="(5, 1) and (7,) broadcast to (5, 7); each pair of matrices gives (2, 4)",
    )
    expect(tt.matmul_shape((3,), (7, 3, 4)), (7, 4), because="the one row meets each of 7 matrices")
    expect(
        tt.matmul_shape((7, 2, 3), (3,)), (7, 2), because="each of 7 matrices meets the one column"
    )


@pytest.mark.step("tensors.matmul_shape")
def test_inner_sizes_that_differ_are_refused_by_name():
    expect_error(
        lambda: tt.matmul_shape((3, 4), (5, 2)),
        ValueError,
        "(3, 4)",
        "(5, 2)",
        "4 and 5",
        because="a row of 4 cannot meet a column of 5; name the shapes and both inner sizes",
    )
    expect_error(
        lambda: tt.matmul_shape((2, 3), (4,)),
        ValueError,
        "3 and 4",
        because="a row of 3 cannot meet a column of 4",
    )


@pytest.mark.step("tensors.matmul_shape")
def test_a_size_of_one_does_not_stretch_inside():
    expect_error(
        lambda: tt.matmul_shape((2, 1), (3, 4)),
        ValueError,
        "1 and 3",
        because="inner sizes must be equal; only the dims before the last two broadcast",
    )


@pytest.mark.step("tensors.matmul_shape")
def test_a_single_number_has_no_rows():
    expect_error(
        lambda: tt.matmul_shape((), (3, 4)), ValueError, "()", because="a number is no matrix"
    )
    expect_error(
        lambda: tt.matmul_shape((2, 3), ()), ValueError, "()", because="a number is no matrix"
    )


# The steps at work together: creating tensors


def test_lists_become_tensors_of_float32_int64_and_bool():
    expect(tt.tensor([1.0, 2.0]).numpy(), np.array([1, 2], np.float32), because="floats: float32")
    expect(tt.tensor([1, 2]).numpy(), np.array([1, 2], np.int64), because="integers: int64")
    expect(tt.tensor([True, False]).numpy(), np.array([True, False]), because="truth values: bool")
    expect(tt.tensor(3.5).shape, (), because="a number becomes a tensor without dims")


def test_an_array_keeps_its_dtype():
    for dtype in (np.uint8, np.float64, np.int16, np.bool_):
        made = tt.tensor(np.ones(2, dtype))
        expect(made.dtype, np.dtype(dtype), because="an array knows its dtype; tensor() keeps it")


def test_tensor_copies_and_from_numpy_shares():
    array = np.zeros(3, np.float32)
    copied, shared = tt.tensor(array), tt.from_numpy(array)
    array[0] = 9
    expect(copied.tolist(), [0.0, 0.0, 0.0], because="tensor() copies its data")
    expect(shared.tolist(), [9.0, 0.0, 0.0], because="from_numpy() looks at the same memory")


def test_a_tensor_of_a_tensor_is_a_copy():
    x = tt.tensor([1.0, 2.0])
    y = tt.tensor(x)
    expect(y, x, because="it holds the same numbers")
    expect(y.shares_memory(x), False, because="in memory of its own")
    expect(tt.Tensor([1, 2]), tt.tensor([1, 2]), because="the class itself makes tensors as well")


def test_a_wanted_dtype_is_given():
    expect(tt.tensor([1, 2], dtype=tt.float32), tt.tensor([1.0, 2.0]), because="1 becomes 1.0")
    expect(tt.tensor([0.1], dtype=tt.float64).item(), 0.1, because="no digit of a float64 is lost")
    expect(tt.tensor([2.9, -2.9], dtype="int8").tolist(), [2, -2], because="fractions are cut off")
    expect(tt.tensor([1, 0], dtype="bool"), tt.tensor([True, False]), because="0 is false")
    expect(tt.tensor([True], dtype="int8").tolist(), [1], because="true is 1")
    expect(
        tt.tensor(np.array([1.5]), dtype="int8").tolist(), [1], because="an array is cast as well"
    )
    expect(
        tt.tensor(np.array([300]), dtype="uint8").tolist(), [44], because="integers wrap: 300 - 256"
    )
    expect_error(lambda: tt.tensor([300.5], dtype="uint8"), ValueError, "300.5", because="past 255")
    expect_error(
        lambda: tt.tensor([1, 300], dtype="uint8"), ValueError, "300", "uint8", because="255 is all"
    )


def test_bad_data_is_refused_in_one_sentence():
    expect_error(
        lambda: tt.tensor([[1, 2], [3]]), ValueError, "(2,)", "(1,)", because="the rows differ"
    )
    for text in ("abc", ["abc", "xyz"]):
        expect_error(
            lambda text=text: tt.tensor(text), TypeError, "'abc'", because="text: no number"
        )
    expect_error(lambda: tt.tensor([1, None, {}]), TypeError, "None", because="None is no number")
    expect_error(
        lambda: tt.tensor([1, -(2**70)]), TypeError, "-1180591620717411303424", because="past int64"
    )
    expect_error(lambda: tt.tensor([1j]), TypeError, "complex", because="no complex tensors here")
    expect_error(
        lambda: tt.tensor([1], dtype="complex64"), TypeError, "complex64", because="no such dtype"
    )
    expect_error(
        lambda: tt.from_numpy([1]), TypeError, "list", because="a list has no memory to share"
    )


def test_data_that_cannot_be_read_is_refused():
    class Sealed:
        def __array__(self, dtype=None, copy=None):
            raise ValueError("the seal holds")

    expect_error(
        lambda: tt.tensor(Sealed()),
        TypeError,
        "Sealed",
        "the seal holds",
        because="no array inside",
    )


def test_values_that_an_integer_cannot_hold_are_refused():
    for value in (float("nan"), float("inf"), 300.0, -1.0):
        expect_error(
            lambda value=value: tt.tensor([value]).to(tt.uint8),
            ValueError,
            str(value),
            "uint8",
            because="no integer from 0 to 255 stands for this",
        )
    expect_error(
        lambda: tt.tensor([1.0, 256.0, 999.0]).to(tt.uint8),
        ValueError,
        "256",
        because="the first value that does not fit is named",
    )
    expect(tt.tensor([256, -1]).to(tt.uint8).tolist(), [0, 255], because="integers wrap around")


def test_creation_functions_fill_shapes():
    expect(tt.zeros(2, 3), tt.tensor([[0.0] * 3] * 2), because="zeros, float32")
    expect(tt.ones((2,)), tt.tensor([1.0, 1.0]), because="a shape may be given as a tuple")
    expect(tt.zeros(), tt.tensor(0.0), because="no sizes, one number")
    expect(tt.ones(2, dtype=tt.int64), tt.tensor([1, 1]), because="or any other dtype")
    expect(tt.full((2, 1), 7), tt.tensor([[7], [7]]), because="the dtype of the value")
    expect(tt.full(2, 7, dtype=tt.float32), tt.tensor([7.0, 7.0]), because="unless one is given")
    expect(tt.eye(2), tt.tensor([[1.0, 0.0], [0.0, 1.0]]), because="ones on the diagonal")
    x = tt.tensor([[1, 2]], dtype=tt.uint8)
    expect(tt.zeros_like(x), tt.tensor([[0, 0]], dtype=tt.uint8), because="shape and dtype of x")
    expect(tt.ones_like(x), tt.tensor([[1, 1]], dtype=tt.uint8), because="shape and dtype of x")


def test_ranges_leave_out_their_end():
    expect(tt.arange(3), tt.tensor([0, 1, 2]), because="from 0 up to 3, without 3")
    expect(tt.arange(2, 8, 3), tt.tensor([2, 5]), because="from 2 in steps of 3")
    expect(tt.arange(3, 0, -1), tt.tensor([3, 2, 1]), because="a step may go down")
    expect(tt.arange(0.0, 1.0, 0.25), tt.tensor([0.0, 0.25, 0.5, 0.75]), because="or be a fraction")
    expect(tt.arange(2, dtype=tt.float32), tt.tensor([0.0, 1.0]), because="a dtype may be given")
    expect(tt.arange(3, 3), tt.tensor([], dtype=tt.int64), because="nothing lies from 3 to 3")
    expect(tt.linspace(0, 1, 3), tt.tensor([0.0, 0.5, 1.0]), because="linspace includes its end")


def test_sizes_are_checked():
    expect_error(lambda: tt.zeros(-1), ValueError, "-1", because="no dim has -1 elements")
    expect_error(lambda: tt.zeros(2.0), TypeError, "2.0", because="elements are counted")
    expect_error(lambda: tt.zeros(True), TypeError, "True", because="True is no count")
    expect_error(lambda: tt.arange(0, 5, 0), ValueError, "0", because="it would never end")
    for low, high in ((5000, int("5000")), (6, 4)):
        expect_error(
            lambda low=low, high=high: tt.randint(low, high, 2),
            ValueError,
            f"from {low} up to, without, {high}",
            because="nothing lies in between",
        )


def test_random_numbers_repeat_with_the_seed():
    def draw():
        tt.manual_seed(7)
        return [tt.rand(2, 3), tt.randn(4), tt.randint(0, 10, (5,)), tt.randperm(6)]

    for first, second in zip(draw(), draw(), strict=True):
        expect(first, second, because="the same seed gives the same numbers")


def test_random_numbers_come_from_a_generator_if_given():
    def numbers(make):
        return make(np.random.default_rng(3))

    for make in (
        lambda rng: tt.rand(3, generator=rng),
        lambda rng: tt.randn(3, generator=rng),
        lambda rng: tt.randint(0, 1000, 3, generator=rng),
        lambda rng: tt.randperm(50, generator=rng),
    ):
        expect(numbers(make), numbers(make), because="the generator alone decides")


def test_options_are_named():
    rng = np.random.default_rng(0)
    for call in (
        lambda: tt.randint(0, 5, 2, rng),
        lambda: tt.randperm(5, rng),
        lambda: tt.register_kernel("add", np.add, "check"),
    ):
        expect_error(call, TypeError, "positional", because="a name says what the value is for")


def test_random_numbers_lie_where_they_should():
    rng = np.random.default_rng(0)
    uniform, normal = tt.rand(2000, generator=rng), tt.randn(2000, generator=rng)
    expect(uniform.dtype, tt.float32, because="random numbers are float32")
    expect(uniform.amin().item() >= 0 and uniform.amax().item() < 1, True, because="0 <= x < 1")
    expect(uniform.mean().item(), 0.5, within=0.05, because="uniform from 0 to 1")
    expect(normal.mean().item(), 0.0, within=0.1, because="normal around 0")
    expect(normal.std().item(), 1.0, within=0.1, because="with standard deviation 1")
    dice = tt.randint(1, 7, (500,), generator=rng)
    expect(sorted(set(dice.tolist())), [1, 2, 3, 4, 5, 6], because="from 1 up to, without, 7")
    order = tt.randperm(20, generator=rng).tolist()
    expect(sorted(order), list(range(20)), because="every number once")
    expect(order == sorted(order), False, because="in random order")


# Printing


def test_a_tensor_prints_so_that_it_can_be_read_back():
    expect(repr(tt.tensor([1, 2])), "tensor([1, 2])", because="int64 goes without saying")
    expect(repr(tt.tensor(True)), "tensor(True)", because="bool goes without saying")
    expect(repr(tt.tensor([0.5])), "tensor([0.5])", because="float32 goes without saying")
    expect(
        repr(tt.tensor([1], dtype=tt.uint8)),
        "tensor([1], dtype=uint8)",
        because="another dtype is named",
    )
    expect(
        repr(tt.tensor([[1, 2], [3, 4]])),
        "tensor([[1, 2],\n        [3, 4]])",
        because="rows stand below each other",
    )


def test_a_tensor_that_hides_elements_prints_its_shape():
    expect("shape=(0, 3)" in repr(tt.zeros(0, 3)), True, because="there are no elements to see")
    long = repr(tt.zeros(1001))
    expect("shape=(1001,)" in long and "..." in long, True, because="only some can be seen")
    expect("shape" in repr(tt.zeros(1000)), False, because="up to 1000 elements are written out")


def test_numbers_print_with_four_digits():
    expect(repr(tt.tensor([1 / 3])), "tensor([0.3333])", because="four digits can be read")
    expect(f"{tt.tensor(1 / 3):.2f}", "0.33", because="one element can be formatted")
    expect(f"{tt.tensor([1])}", "tensor([1])", because="without a format it is the repr")


# Promotion in arithmetic


def test_a_plain_number_does_not_widen_a_tensor():
    for dtype in (tt.float16, tt.float32, tt.float64):
        x = tt.ones(2, dtype=dtype)
        for result in (x + 1, x * 2.5, 1 - x, x / 3, 3 / x, x**2):
            expect(result.dtype, dtype, because="the tensor's floating type stays")
    small = tt.ones(2, dtype=tt.uint8)
    expect((small + 1).dtype, tt.uint8, because="an integer does not widen an integer tensor")


def test_a_plain_number_of_a_higher_category_lifts_a_tensor():
    expect((tt.tensor([1, 2]) + 0.5), tt.tensor([1.5, 2.5]), because="int64 and 0.5: float32")
    expect((tt.tensor([True]) + 1), tt.tensor([2]), because="bool and 1: int64")
    expect((tt.tensor([True]) * 0.5), tt.tensor([0.5]), because="bool and 0.5: float32")
    expect(tt.tensor([1.0]) + True, tt.tensor([2.0]), because="float32 and True: float32")


def test_a_number_that_does_not_fit_is_refused():
    expect_error(
        lambda: tt.ones(2, dtype=tt.uint8) + 300,
        ValueError,
        "300",
        "uint8",
        because="uint8 ends at 255; silently wrapping to 44 would be a lie",
    )


def test_tensors_of_two_types_meet_in_the_common_one():
    result = tt.tensor([1, 2]) + tt.tensor([0.5, 0.5])
    expect(result, tt.tensor([1.5, 2.5]), because="int64 and float32 meet in float32")
    mixed = tt.ones(1, dtype=tt.uint8) + tt.ones(1, dtype=tt.int8)
    expect(mixed.dtype, tt.int16, because="uint8 and int8 meet in int16")


# Arithmetic and comparison


def test_arithmetic_works_element_by_element():
    a, b = tt.tensor([7.0, -8.0]), tt.tensor([2.0, 4.0])
    for result, expected in (
        (a + b, [9.0, -4.0]),
        (a - b, [5.0, -12.0]),
        (a * b, [14.0, -32.0]),
        (a / b, [3.5, -2.0]),
        (a // b, [3.0, -2.0]),
        (a % b, [1.0, 0.0]),
        (a**b, [49.0, 4096.0]),
        (-a, [-7.0, 8.0]),
        (abs(a), [7.0, 8.0]),
    ):
        expect(result, tt.tensor(expected), because="each pair of elements is taken by itself")


def test_a_number_may_stand_on_the_left():
    x = tt.tensor([2.0, 4.0])
    for result, expected in (
        (1 + x, [3.0, 5.0]),
        (1 - x, [-1.0, -3.0]),
        (3 * x, [6.0, 12.0]),
        (8 / x, [4.0, 2.0]),
        (9 // x, [4.0, 2.0]),
        (9 % x, [1.0, 1.0]),
        (2**x, [4.0, 16.0]),
    ):
        expect(result, tt.tensor(expected), because="1 - x is not x - 1")


def test_comparison_gives_truth_values():
    a, b = tt.tensor([1, 2, 3]), tt.tensor([3, 2, 1])
    for result, expected in (
        (a < b, [True, False, False]),
        (a <= b, [True, True, False]),
        (a > b, [False, False, True]),
        (a >= b, [False, True, True]),
        (a == b, [False, True, False]),
        (a != b, [True, False, True]),
    ):
        expect(result, tt.tensor(expected), because="each pair is compared by itself")
    expect(tt.tensor([1]) == "text", False, because="a tensor is no text")
    expect(tt.tensor([1]) != "text", True, because="a tensor is no text")


def test_truth_values_combine():
    p, q = tt.tensor([True, True, False]), tt.tensor([True, False, False])
    expect(p & q, tt.tensor([True, False, False]), because="and")
    expect(p | q, tt.tensor([True, True, False]), because="or")
    expect(p ^ q, tt.tensor([False, True, False]), because="one, not both")
    expect(~p, tt.tensor([False, False, True]), because="not")


def test_powers_of_integers_are_integers_or_refused():
    expect(tt.tensor([2.0, 4.0]) ** -1, tt.tensor([0.5, 0.25]), because="floats have inverses")
    expect(tt.tensor([3, 3]) ** tt.tensor([0, 2]), tt.tensor([1, 9]), because="integers multiply")
    for exponent in (-1, -2):
        expect_error(
            lambda exponent=exponent: tt.tensor([2]) ** exponent, ValueError, because="no halves"
        )


def test_arithmetic_at_the_edge_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zero = tt.tensor([0.0])
        for result, expected in (
            (zero**-1, float("inf")),
            (1 / zero, float("inf")),
            (zero.log(), -float("inf")),
            (tt.tensor([1e4]).exp(), float("inf")),
            (zero // zero, float("nan")),
        ):
            expect(result, tt.tensor([expected]), because="IEEE 754 has an answer for everything")


def test_truth_values_are_no_numbers():
    p = tt.tensor([True, False])
    for operate in (lambda: p - p, lambda: -p, lambda: p // p, lambda: p**p):
        expect_error(operate, TypeError, "bool", because="convert first: p.to(tt.int64)")


def test_division_makes_floats():
    expect(tt.tensor([1, 2]) / 2, tt.tensor([0.5, 1.0]), because="halves are no integers")
    expect(tt.tensor([1.0, 0.0]) / 0, tt.tensor([float("inf"), float("nan")]), because="IEEE 754")
    expect(tt.tensor([7]) // 2, tt.tensor([3]), because="// stays with integers")
    half = tt.tensor([2], dtype=tt.float16)
    for result in (tt.tensor([1]) / half, half / 2, tt.tensor([True]) / half, 1 / half):
        expect(result.dtype, tt.float16, because="where there is a float, its width decides")
    for result in (
        tt.tensor([True]) / True,
        tt.tensor([1], dtype=tt.uint8) / 1,
        1 / tt.tensor([2]),
    ):
        expect(result.dtype, tt.float32, because="where there is none, it is float32")
    expect(tt.tensor([4]).sqrt().dtype, tt.float32, because="roots are floats, too")
    expect_error(lambda: tt.tensor([1]) // 0, ZeroDivisionError, because="no integer is 1 / 0")
    expect_error(lambda: tt.tensor([1]) % 0, ZeroDivisionError, because="no integer is 1 % 0")


def test_functions_work_element_by_element():
    x = tt.tensor([0.0, 1.0, 4.0])
    for name in ("exp", "log", "sqrt", "sin", "cos", "tanh"):
        with np.errstate(all="ignore"):
            expected = getattr(np, name)(x.numpy())
        expect(getattr(x, name)().numpy(), expected, within=1e-6, because=f"NumPy's {name}")
    expect(tt.tensor([0, 4]).sqrt(), tt.tensor([0.0, 2.0]), because="integers become float32")
    y = tt.tensor([-1.5, 0.0, 2.5])
    for result, expected in (
        (y.abs(), [1.5, 0.0, 2.5]),
        (y.sign(), [-1.0, 0.0, 1.0]),
        (y.floor(), [-2.0, 0.0, 2.0]),
        (y.ceil(), [-1.0, 0.0, 3.0]),
        (y.round(), [-2.0, 0.0, 2.0]),
    ):
        expect(result, tt.tensor(expected), because="each element by itself")
    odd = tt.tensor([1.0, float("nan"), float("inf")])
    expect(odd.isnan(), tt.tensor([False, True, False]), because="only nan is nan")
    expect(odd.isfinite(), tt.tensor([True, False, False]), because="nan and inf are not finite")


def test_clamp_cuts_off_both_ends():
    x = tt.tensor([-2.0, 0.5, 3.0])
    expect(x.clamp(-1, 1), tt.tensor([-1.0, 0.5, 1.0]), because="from -1 to 1")
    expect(x.clamp(low=0), tt.tensor([0.0, 0.5, 3.0]), because="no upper end")
    expect(x.clamp(high=0), tt.tensor([-2.0, 0.0, 0.0]), because="no lower end")
    expect(tt.maximum(x, tt.tensor(0.5)), tt.tensor([0.5, 0.5, 3.0]), because="the larger of two")
    expect(tt.minimum(x, tt.tensor(0.5)), tt.tensor([-2.0, 0.5, 0.5]), because="the smaller of two")


def test_in_place_arithmetic_changes_the_memory():
    x = tt.tensor([4.0, 8.0])
    view = x[:]
    x += 2
    x -= 1
    x *= 3
    x /= 5
    expect(view, tt.tensor([3.0, 5.4]), within=1e-6, because="a view sees what was written")


def test_in_place_arithmetic_keeps_shape_and_dtype():
    def grow():
        x = tt.zeros(3)
        x += tt.zeros(2, 3)

    def grow_rows():
        x = tt.zeros(1, 3)
        x += tt.zeros(2, 3)

    def refine():
        x = tt.tensor([1, 2])
        x += 0.5

    expect_error(grow, ValueError, "(3,) cannot", "(2, 3)", because="memory of 3 holds no 6")
    expect_error(grow_rows, ValueError, "(1, 3) cannot", "(2, 3)", because="nor with more rows")
    expect_error(refine, TypeError, "int64", "float32", because="int64 holds no halves")


# Views and memory


def test_views_share_memory_and_copies_do_not():
    x = tt.arange(6).reshape(2, 3)
    views = [
        x[0], x[:, 1], x[::2], x.T, x.reshape(3, 2), x.view(6), x.flatten(), x.unsqueeze(0),
        x.unsqueeze(1).squeeze(1), x.permute(1, 0), x.transpose(0, 1), x.expand(4, 2, 3), x[None],
    ]  # fmt: skip
    for view in views:
        expect(view.shares_memory(x), True, because=f"shape {view.shape} needs no copy")
    copies = [
        x.clone(), x[[0, 1]], x[x > 2], x.T.reshape(6), x.T.contiguous(), x + 0, x.to(tt.float32),
    ]  # fmt: skip
    for copy in copies:
        expect(copy.shares_memory(x), False, because=f"shape {copy.shape} needs its own memory")


def test_writing_to_a_view_changes_the_tensor():
    x = tt.zeros(2, 3)
    x[0][1] = 5
    x.T[2] = tt.tensor([7.0, 8.0])
    expect(x, tt.tensor([[0.0, 5.0, 7.0], [0.0, 0.0, 8.0]]), because="a view is the same memory")


def test_strides_count_elements():
    for dtype in (tt.uint8, tt.float64):
        x = tt.zeros(2, 3, dtype=dtype)
        expect(x.strides, (3, 1), because="whatever an element's size in bytes")
        expect(x.T.strides, (1, 3), because="a transposed tensor swaps its strides")
        expect(x[:, ::2].strides, (3, 2), because="every second column is 2 elements further on")
        expect(x.expand(4, 2, 3).strides, (0, 3, 1), because="a stretched dim does not move")
    expect(tt.zeros(2, 3, dtype=tt.int16).nbytes, 12, because="6 elements of 2 bytes")


def test_storage_is_the_memory_behind_a_view():
    x = tt.arange(6).reshape(2, 3)
    column = x[:, 1]
    expect(column.storage(), tt.arange(6), because="the column lies in the memory of x")
    expect(column.storage_offset(), 1, because="it starts at place 1")
    expect(x.T.storage(), tt.arange(6), because="transposing moves nothing")
    expect(x.storage_offset(), 0, because="x starts at the beginning")
    stretched = column.expand(4, 2)
    expect(stretched.storage(), tt.arange(6), because="stretching copies nothing")
    expect(stretched.storage_offset(), 1, because="and starts where the column starts")


def test_storage_counts_in_the_tensors_own_dtype():
    for outer, inner in ((np.int64, np.int32), (np.int32, np.int64)):
        memory = np.zeros(4, outer)
        x = tt.from_numpy(memory.view(inner))
        expect(x.storage().dtype, np.dtype(inner), because="an element of x is one place")
        expect(x.storage().nbytes, memory.nbytes, because="and all of the memory is there")
        expect(x.storage_offset(), 0, because="x starts at its beginning")


def test_a_view_never_leaves_its_memory(monkeypatch):
    x = tt.arange(6)[2:5]
    for strides, is_inside in (
        ((1, 1), True),
        ((0, 1), True),
        ((2, 1), False),
        ((9, 0), False),
        ((-1, 0), True),
        ((-2, 0), True),
        ((-3, 0), False),
    ):
        monkeypatch.setattr(
            tt.tensors.numpy_kernels, "broadcast_strides", lambda *_, strides=strides: strides
        )
        if is_inside:
            expect(x.expand(2, 3).strides, strides, because="all of it lies within 0 to 5")
        else:
            expect_error(lambda: x.expand(2, 3), ValueError, str(strides), because="out of 0 to 5")


def test_contiguous_copies_only_if_it_must():
    x = tt.arange(6).reshape(2, 3)
    expect(x.is_contiguous(), True, because="row by row without a gap")
    expect(x.contiguous() is x, True, because="nothing to do")
    for view in (x.T, x[:, :2], x[:, ::2], x.expand(2, 2, 3)):
        expect(view.is_contiguous(), False, because="there are jumps between its elements")
        expect(view.contiguous().is_contiguous(), True, because="the copy has none")
        expect(view.contiguous(), tt.tensor(view.tolist()), because="and the same elements")
    for view in (x[0], x[1:], x[:1], tt.zeros(0, 3), tt.tensor(1.0), tt.zeros(3, 1).T):
        expect(view.is_contiguous(), True, because="there are no jumps between its elements")


def test_reshape_fills_in_one_missing_size():
    x = tt.arange(12)
    expect(x.reshape(3, -1).shape, (3, 4), because="12 elements make 3 rows of 4")
    expect(x.reshape(-1).shape, (12,), because="or one row of 12")
    expect(x.reshape((2, 6)).shape, (2, 6), because="the shape may be a tuple")
    expect(x.reshape([2, 6]).shape, (2, 6), because="or a list")
    expect(tt.zeros(0, 3).reshape(3, -1).shape, (3, 0), because="0 elements make 3 rows of 0")
    expect(tt.tensor(5).reshape(1, 1), tt.tensor([[5]]), because="a number is one element")
    for shape in ((5,), (5, -1), (-1, -1), (0, -1)):
        expect_error(
            lambda shape=shape: x.reshape(shape), ValueError, "(12,)", str(shape), because="12 / 5"
        )
    expect_error(lambda: tt.zeros(0).reshape(0, -1), ValueError, because="any size would do")
    expect_error(lambda: x.reshape(-3, -4), ValueError, because="sizes are not negative")


def test_view_refuses_to_copy():
    x = tt.arange(6).reshape(2, 3)
    expect(x.view(3, 2), tt.tensor([[0, 1], [2, 3], [4, 5]]), because="the memory fits")
    expect(x.view(-1).shape, (6,), because="a missing size is filled in")
    expect_error(
        lambda: x.T.view(6),
        ValueError,
        "(3, 2)",
        "(1, 3)",
        "reshape",
        because="a transposed matrix cannot be flattened in place; reshape() copies",
    )


def test_flatten_joins_neighbouring_dims():
    x = tt.zeros(2, 3, 4, 5)
    expect(x.flatten().shape, (120,), because="all dims joined")
    expect(x.flatten(1).shape, (2, 60), because="all but the first")
    expect(x.flatten(1, 2).shape, (2, 12, 5), because="dims 1 and 2")
    expect(x.flatten(-2, -1).shape, (2, 3, 20), because="the last two")
    expect(x.flatten(1, 1).shape, (2, 3, 4, 5), because="one dim joins nothing")
    expect(tt.tensor(5).flatten(), tt.tensor([5]), because="a number becomes a list of one")
    expect_error(lambda: x.flatten(2, 1), ValueError, "2", "1", because="the start comes first")


def test_dims_of_size_one_come_and_go():
    x = tt.zeros(1, 3, 1)
    expect(x.squeeze().shape, (3,), because="all dims of size 1 go")
    expect(x.squeeze(0).shape, (3, 1), because="only dim 0 goes")
    expect(x.squeeze(-1).shape, (1, 3), because="only the last dim goes")
    expect(x.squeeze((0, 2)).shape, (3,), because="or those named")
    expect(x.squeeze(1).shape, (1, 3, 1), because="a dim of size 3 stays")
    expect(tt.zeros(0, 1).squeeze().shape, (0,), because="and so does one of size 0")
    y = tt.zeros(2, 3)
    expect(y.unsqueeze(0).shape, (1, 2, 3), because="a new first dim")
    expect(y.unsqueeze(1).shape, (2, 1, 3), because="a new dim in between")
    expect(y.unsqueeze(-1).shape, (2, 3, 1), because="a new last dim")
    expect_error(lambda: y.unsqueeze(3), IndexError, "3", because="places are 0, 1, 2")


def test_permute_reorders_dims():
    x = tt.arange(24).reshape(2, 3, 4)
    moved = x.permute(2, 0, 1)
    expect(moved.shape, (4, 2, 3), because="the last dim comes first")
    expect(moved[3, 1, 2].item(), x[1, 2, 3].item(), because="and so do the indices")
    expect(x.permute((-1, 0, 1)), moved, because="negative dims count from the end")
    expect(x.transpose(0, -1).shape, (4, 3, 2), because="two dims swapped")
    expect(x.T.shape, (4, 3, 2), because="all dims reversed")
    expect_error(lambda: x.permute(0, 1), ValueError, "3", because="every dim is named")
    expect_error(lambda: x.permute(0, 1, 1), ValueError, because="and none twice")


def test_expand_repeats_without_copying():
    x = tt.tensor([[1], [2]])
    expect(x.expand(2, 3), tt.tensor([[1, 1, 1], [2, 2, 2]]), because="each row repeats its number")
    expect(x.expand(-1, 3).shape, (2, 3), because="-1 keeps a size")
    tall = tt.zeros(2, 1, 5).expand(3, 4, -1, 7, -1)
    expect(tall.shape, (3, 4, 2, 7, 5), because="-1 keeps the size that it stands below")
    expect(x.expand((4, 2, 3)).strides, (0, x.strides[0], 0), because="repeated dims do not move")
    expect(tt.tensor(5).expand(2), tt.tensor([5, 5]), because="a number repeats")
    expect(x.expand(0, 2, 1).shape, (0, 2, 1), because="no times at all")
    expect_error(lambda: x.expand(3, 3), ValueError, "(2, 1)", "(3, 3)", because="2 is not 1")
    expect_error(lambda: x.expand(-1, 2, 1), ValueError, "-1", because="a new dim has no size yet")


def test_a_stretched_view_cannot_be_written_to():
    stretched = tt.zeros(3, 1).expand(3, 4)

    def write():
        stretched[0, 0] = 1

    expect_error(write, ValueError, "clone", because="one element stands for four")


def test_to_converts_and_copies_only_if_it_must():
    x = tt.tensor([0.0, 1.7, -2.7])
    expect(x.to(tt.float32) is x, True, because="it has that dtype")
    expect(x.to(tt.int64), tt.tensor([0, 1, -2]), because="fractions are cut off towards zero")
    expect(x.to("bool"), tt.tensor([False, True, True]), because="everything but 0 is true")
    expect(x.to(float).dtype, tt.float64, because="Python's float: float64")
    expect(x.is_floating_point(), True, because="float32 is a float")
    expect((x > 0).is_floating_point(), False, because="bool is none")
    expect(x.to(tt.int64).is_floating_point(), False, because="int64 is none")
    expect_error(lambda: x.to("text"), TypeError, "text", because="no dtype has this name")


# Indexing


def test_an_index_drops_its_dim_and_a_slice_keeps_it():
    x = tt.arange(24).reshape(2, 3, 4)
    expect(x[1].shape, (3, 4), because="one of two blocks")
    expect(x[1:].shape, (1, 3, 4), because="a slice of one block is still a dim")
    expect(x[1, 2, 3].item(), 23, because="the last element")
    expect(x[-1, -1, -1].item(), 23, because="negative indices count from the end")
    expect(x[0, 0, 0].shape, (), because="a single element is a tensor without dims")
    expect(x[0, 0][1].shares_memory(x), True, because="and still a view")
    expect(x[..., 0].shape, (2, 3), because="the dots stand for all dims in between")
    expect(x[:, None].shape, (2, 1, 3, 4), because="None adds a dim of size 1")
    expect(x[:, ::2, 1:3].tolist(), x.numpy()[:, ::2, 1:3].tolist(), because="slices with steps")


def test_lists_and_masks_pick_elements():
    x = tt.arange(12).reshape(3, 4)
    expect(x[[2, 0]], tt.tensor([[8, 9, 10, 11], [0, 1, 2, 3]]), because="rows 2 and 0")
    expect(x[tt.tensor([1]), tt.tensor([2])], tt.tensor([6]), because="pairs of indices")
    expect(x[x > 8], tt.tensor([9, 10, 11]), because="where the mask holds")
    expect(x[tt.tensor([True, False, True])][:, 0], tt.tensor([0, 8]), because="rows by mask")


def test_assignment_broadcasts_and_casts():
    x = tt.zeros(2, 3)
    x[0] = 1
    x[1] = tt.tensor([4, 5, 6])
    x[:, 0] = [7, 8]
    x[x == 5] = -1
    expect(x, tt.tensor([[7.0, 1.0, 1.0], [8.0, -1.0, 6.0]]), because="values fit the dtype of x")


def test_a_bad_index_is_refused_with_the_shape():
    x = tt.zeros(2, 3)

    def write():
        x[0, 7] = 1

    expect_error(lambda: x[2], IndexError, "(2, 3)", because="rows are 0 and 1")
    expect_error(lambda: x[0, 0, 0], IndexError, "(2, 3)", because="there are two dims")
    expect_error(lambda: x[1.0], (IndexError), "(2, 3)", because="an index is an integer")
    expect_error(write, IndexError, "(2, 3)", because="columns are 0, 1, 2")


# Reductions


def test_reductions_take_dims_away():
    x = tt.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    for result, expected in (
        (x.sum(), 21.0),
        (x.sum(0), [5.0, 7.0, 9.0]),
        (x.sum(-1), [6.0, 15.0]),
        (x.sum((0, 1)), 21.0),
        (x.sum(1, keepdim=True), [[6.0], [15.0]]),
        (x.prod(1), [6.0, 120.0]),
        (x.amax(0), [4.0, 5.0, 6.0]),
        (x.amin(1), [1.0, 4.0]),
        (x.amax(1, keepdim=True), [[3.0], [6.0]]),
        (x.mean(), 3.5),
        (x.mean(0, keepdim=True), [[2.5, 3.5, 4.5]]),
        (x.var(1), [1.0, 1.0]),
        (x.var(1, correction=0, keepdim=True), [[2 / 3], [2 / 3]]),
        (x.std(0, correction=0), [1.5, 1.5, 1.5]),
        (x.std(1), [1.0, 1.0]),
        (x.var(0, correction=1), [4.5, 4.5, 4.5]),
        (x.cumsum(1), [[1.0, 3.0, 6.0], [4.0, 9.0, 15.0]]),
        (x.cumsum(-2), [[1.0, 2.0, 3.0], [5.0, 7.0, 9.0]]),
    ):
        expect(result, tt.tensor(expected), within=1e-6, because="the named dims are summed up")


def test_keepdim_is_named():
    x = tt.ones(2, 3)
    for reduction in (
        x.sum, x.prod, x.amax, x.amin, x.any, x.all, x.mean, x.var, x.std, x.argmax, x.argmin
    ):  # fmt: skip
        expect_error(
            lambda reduction=reduction: reduction(0, True),
            TypeError,
            because="sum(0, True) does not say what is true; write keepdim=True",
        )


def test_the_largest_has_a_place():
    x = tt.tensor([[1.0, 9.0, 3.0], [7.0, 5.0, 6.0]])
    expect(x.argmax(), tt.tensor(1), because="place 1 in the flattened tensor")
    expect(x.argmax(1), tt.tensor([1, 0]), because="the place in each row")
    expect(x.argmin(-2), tt.tensor([0, 1, 0]), because="the place in each column")
    expect(x.argmin(1, keepdim=True), tt.tensor([[0], [1]]), because="with the dim kept")


def test_truth_values_reduce():
    x = tt.tensor([[True, False], [True, True]])
    expect(x.all(), tt.tensor(False), because="one is false")
    expect(x.any(1), tt.tensor([True, True]), because="each row holds a true one")
    expect(x.all(0, keepdim=True), tt.tensor([[True, False]]), because="each column")


def test_small_integers_add_up_without_overflow():
    bytes_of_200 = tt.full((3,), 200, dtype=tt.uint8)
    expect(bytes_of_200.sum(), tt.tensor(600), because="sums of integers are int64")
    expect(bytes_of_200.prod(), tt.tensor(8_000_000), because="and products")
    expect(bytes_of_200.cumsum(0), tt.tensor([200, 400, 600]), because="and running sums")
    expect(tt.tensor([True, True]).sum(), tt.tensor(2), because="truth values are counted")
    expect(tt.ones(2, dtype=tt.float64).sum().dtype, tt.float64, because="floats stay as they are")
    for total in (tt.ones(2, dtype=tt.float16).prod(), tt.ones(2, dtype=tt.float16).cumsum(0)):
        expect(total.dtype, tt.float16, because="floats stay as they are")


def test_empty_dims_reduce_to_neutral_elements():
    x = tt.zeros(0, 3)
    expect(x.sum(0), tt.zeros(3), because="nothing adds up to 0")
    expect(x.prod(0), tt.ones(3), because="nothing multiplies to 1")
    expect(x.mean(0), tt.full((3,), float("nan")), because="0 / 0 is nan")
    expect(x.amax(1).shape, (0,), because="there is no row to look at")
    expect_error(lambda: x.amax(0), ValueError, "(0, 3)", because="nothing has no largest element")
    expect_error(lambda: x.argmin(), ValueError, "(0, 3)", because="nothing has no place")


def test_statistics_need_floats():
    expect_error(lambda: tt.tensor([1, 2]).mean(), TypeError, "int64", because="1.5 is no int64")
    expect(
        tt.tensor([1.0]).var(), tt.tensor(float("nan")), because="one element has no spread: 0 / 0"
    )
    spread = tt.tensor([1.0, 3.0]).var(correction=3)
    expect(spread, tt.tensor(float("inf")), because="a count is never below 0: 2 / 0")


def test_a_single_number_reduces_to_itself():
    x = tt.tensor(4.0)
    for result in (x.sum(), x.amax(), x.mean(), x.prod(), x.sum(())):
        expect(result, x, because="there is nothing to reduce")


# Matrix products


def test_matrix_products_multiply_rows_by_columns():
    a, b = tt.tensor([[1.0, 2.0], [3.0, 4.0]]), tt.tensor([[5.0, 6.0], [7.0, 8.0]])
    expect(a @ b, tt.tensor([[19.0, 22.0], [43.0, 50.0]]), because="1 x 5 + 2 x 7 = 19")
    expect(a.matmul(b), a @ b, because="matmul is the name of @")
    expect(a @ tt.tensor([1.0, 1.0]), tt.tensor([3.0, 7.0]), because="a column on the right")
    expect(tt.tensor([1.0, 1.0]) @ a, tt.tensor([4.0, 6.0]), because="a row on the left")
    expect([1.0, 1.0] @ a, tt.tensor([4.0, 6.0]), because="a list will do")
    expect((tt.ones(5, 1, 2, 3) @ tt.ones(4, 3, 2)).shape, (5, 4, 2, 2), because="stacks broadcast")
    expect(tt.ones(2, 0) @ tt.ones(0, 3), tt.zeros(2, 3), because="sums of nothing are 0")


def test_shapes_that_do_not_multiply_are_explained():
    expect_error(
        lambda: tt.zeros(3, 4) @ tt.zeros(5, 2),
        ValueError,
        "cannot multiply (3, 4) by (5, 2): inner sizes 4 and 5 differ",
        because="the door asks matmul_shape what is wrong",
    )
    expect_error(
        lambda: tt.zeros(3) @ tt.tensor(2.0), ValueError, "()", because="use * for numbers"
    )
    expect_error(
        lambda: tt.zeros(2, 2, 3) @ tt.zeros(4, 3, 2), ValueError, "(2,)", "(4,)", because="stacks"
    )


# Joining and choosing


def test_cat_joins_along_a_dim_and_stack_along_a_new_one():
    a, b = tt.tensor([[1, 2]]), tt.tensor([[3, 4]])
    expect(tt.cat([a, b]), tt.tensor([[1, 2], [3, 4]]), because="below each other")
    expect(tt.cat([a, b], dim=-1), tt.tensor([[1, 2, 3, 4]]), because="side by side")
    expect(tt.cat([a]), a, because="one tensor alone")
    expect(tt.cat([tt.zeros(0, 2), tt.ones(1, 2)]), tt.ones(1, 2), because="an empty one adds none")
    expect(tt.stack([a, b]).shape, (2, 1, 2), because="a new first dim")
    expect(tt.stack([a[0], b[0]], dim=1), tt.tensor([[1, 3], [2, 4]]), because="a new last dim")
    expect(tt.cat([a, tt.tensor([[0.5, 0.5]])]).dtype, tt.float32, because="the types meet")


def test_tensors_that_do_not_join_are_refused():
    expect_error(lambda: tt.cat([]), ValueError, because="there is nothing to join")
    expect_error(
        lambda: tt.cat([tt.zeros(2, 3), tt.zeros(2, 4)]),
        ValueError,
        "(2, 3)",
        "(2, 4)",
        because="rows of 3 and rows of 4",
    )
    expect_error(
        lambda: tt.cat([tt.zeros(3), tt.zeros(4), tt.zeros(5, 5), tt.zeros(6, 6)]),
        ValueError,
        "(3,) and (5, 5)",
        "tensor 2",
        because="the first tensor sets the pattern, the third is the first to break it",
    )
    for first, second, dim in (
        ((2, 3), (1, 3), 1),
        ((1, 3), (2, 3), 1),
        ((2, 4), (2, 3), 0),
        ((2, 3), (2, 4), 0),
    ):
        pair = [tt.zeros(first), tt.zeros(second)]
        expect_error(
            lambda pair=pair, dim=dim: tt.cat(pair, dim),
            ValueError,
            f"{first} and {second} along dim {dim}: tensor 1",
            because="all sizes but the joined one are the same",
        )
    expect_error(
        lambda: tt.stack([tt.zeros(2), tt.zeros(3)]),
        ValueError,
        "(2,)",
        "(3,)",
        "tensor 1",
        because="2 is not 3",
    )
    expect_error(lambda: tt.stack([tt.ones(3), tt.ones(2)]), ValueError, "(3,)", because="nor 3 2")
    expect_error(lambda: tt.cat([tt.tensor(1)]), IndexError, because="a number has no dim to join")


def test_where_chooses_element_by_element():
    x = tt.tensor([-1.0, 2.0])
    expect(tt.where(x > 0, x, 0), tt.tensor([0.0, 2.0]), because="x where it is above 0, else 0")
    expect(
        tt.where(tt.tensor([[True], [False]]), 1, tt.tensor([5, 6])),
        tt.tensor([[1, 1], [5, 6]]),
        because="all three broadcast",
    )
    expect_error(
        lambda: tt.where(tt.tensor([True, False]), tt.zeros(3), tt.zeros(4)),
        ValueError,
        "(3,)",
        "(4,)",
        because="3 and 4 do not broadcast",
    )


# A tensor among Python's objects


def test_a_tensor_of_one_element_is_a_number_when_asked():
    x = tt.tensor([[2.5]])
    expect(x.item(), 2.5, because="its only element")
    expect(float(x), 2.5, because="as a float")
    expect(int(x), 2, because="as an integer, cut off")
    expect(bool(x), True, because="not zero")
    expect(bool(tt.tensor([0])), False, because="zero")
    expect([10, 20, 30][tt.tensor(1)], 20, because="as an index")
    expect_error(lambda: [1][tt.tensor(0.0)], TypeError, "float32", because="0.0 is no index")
    for ask in (bool, float, int, lambda some: some.item()):
        for size in (2, 0):
            expect_error(
                lambda ask=ask, size=size: ask(tt.zeros(size)),
                ValueError,
                f"({size},)",
                because="only one element is a number",
            )


def test_a_tensor_is_a_sequence_of_its_first_dim():
    x = tt.arange(6).reshape(2, 3)
    expect(len(x), 2, because="two rows")
    expect([row.tolist() for row in x], [[0, 1, 2], [3, 4, 5]], because="row after row")
    expect(x.numel(), 6, because="six elements in all")
    expect([value in x for value in (0, 5, 6, -1, 2.5)], [True, True] + [False] * 3, because="in")
    expect(x.ndim, 2, because="rows and columns")
    expect_error(lambda: len(tt.tensor(1)), TypeError, because="a number has no length")
    expect_error(lambda: list(tt.tensor(1)), TypeError, because="and nothing to go through")


def test_tensors_and_arrays_mix():
    x, array = tt.tensor([1.0, 2.0]), np.array([3.0, 4.0], np.float32)
    expect(x + array, tt.tensor([4.0, 6.0]), because="an array is an input like any other")
    expect(array + x, tt.tensor([4.0, 6.0]), because="on either side")
    expect(np.asarray(x), np.array([1, 2], np.float32), because="NumPy can read a tensor")
    expect(x.numpy() is not None and np.shares_memory(x.numpy(), x.array), True, because="shared")
    expect({x: "key"}[x], "key", because="a tensor is told from others by identity")


# Kernels and extensions


def test_kernels_are_swapped_and_put_back():
    tt.register_kernel("add", lambda a, b: a * 0 + 42, name="forty-two")
    x = tt.tensor([1, 2])
    with tt.use_kernels("forty-two"):
        expect(x + x, tt.tensor([42, 42]), because="the named kernel runs")
        expect(x * x, tt.tensor([1, 4]), because="operations it lacks keep theirs")
    expect(x + x, tt.tensor([2, 4]), because="the former kernel is back")
    handle = tt.use_kernels("forty-two")
    handle.close()
    expect(x + x, tt.tensor([2, 4]), because="also after close()")
    tt.register_kernel("add", lambda a, b: a * 0, name="zero")
    expect(x + x, tt.tensor([2, 4]), because="a kernel waits in its set until it is used")
    expect_error(
        lambda: tt.use_kernels("none"), ValueError, "none", "numpy", because="names can be chosen"
    )


def test_a_kernel_without_former_is_taken_away_again():
    with kernels(twice=lambda array: array * 2):
        expect(tt.apply("twice", tt.tensor([2])), tt.tensor([4]), because="it is in use")
    expect_error(
        lambda: tt.apply("twice", tt.tensor([2])), ValueError, "twice", because="no longer"
    )


def test_listeners_do_not_hear_each_other():
    heard = []

    def curious(operation, inputs, options, output, seconds):
        heard.append(operation)
        _ = output + 1

    with tt.listen(curious):
        _ = tt.tensor([1]) * 2
        _ = tt.tensor([1]) - 2
    expect(heard, ["mul", "sub"], because="what a listener computes is not told")


def test_a_listener_that_fails_is_not_the_last_word():
    calls = []

    def broken(*told):
        raise RuntimeError("listener")

    with tt.listen(broken):
        expect_error(
            lambda: tt.tensor([1]) + 1, RuntimeError, "listener", because="errors do not vanish"
        )
    with tt.listen(record(calls)):
        _ = tt.tensor([1]) + 1
    expect(len(calls), 1, because="the next listener is told as always")


def test_later_chapters_extend_tensors():
    with tt.extend_tensor("double_sum", lambda self: (self + self).sum()):
        expect(tt.tensor([1, 2]).double_sum(), tt.tensor(6), because="every tensor has it now")
    expect(hasattr(tt.tensor(1), "double_sum"), False, because="until the handle is closed")
    with tt.extend_tensor("half", property(lambda self: self / 2)):
        expect(tt.tensor([1.0]).half, tt.tensor([0.5]), because="a property works as well")
    expect_error(lambda: tt.extend_tensor("sum", None), ValueError, "sum", because="it is taken")
