"""Autograd behaves as the chapter says: one example for each rule."""

import gc
import weakref

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import expect, expect_error


@pytest.fixture(autouse=True)
def recording():
    """Let every check begin with the tape on, and leave it on, whatever a wrong switch did."""
    tt.autograd.modes.mode.is_recording = True
    yield
    tt.autograd.modes.mode.is_recording = True


def leaf(data, dtype=tt.float64):
    """Return a tensor that gradients are wanted for."""
    return tt.tensor(data, dtype).requires_grad_()


def listed(*numbers):
    """Return a tensor of float64."""
    return tt.tensor(list(numbers), tt.float64)


# Step 1: undo broadcasting


@pytest.mark.step("autograd.sum_to_shape")
def test_a_dim_that_broadcasting_added_is_summed_away():
    gradient = tt.tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    expect(
        tt.autograd.sum_to_shape(gradient, (3,)),
        tt.tensor([11.0, 22.0, 33.0]),
        because="a (3,) was used in both rows, so each element gets both gradients",
    )
    expect(
        tt.autograd.sum_to_shape(gradient, ()),
        tt.tensor(66.0),
        because="a single number was used everywhere",
    )


@pytest.mark.step("autograd.sum_to_shape")
def test_a_dim_that_was_stretched_is_summed_and_stays():
    gradient = tt.tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    expect(
        tt.autograd.sum_to_shape(gradient, (2, 1)),
        tt.tensor([[6.0], [60.0]]),
        because="a (2, 1) was stretched along dim 1; its gradient is (2, 1) again",
    )
    expect(
        tt.autograd.sum_to_shape(gradient, (1, 3)),
        tt.tensor([[11.0, 22.0, 33.0]]),
        because="a (1, 3) keeps its dim of size 1",
    )


@pytest.mark.step("autograd.sum_to_shape")
def test_what_was_not_broadcast_keeps_its_gradient():
    gradient = tt.tensor([[1.0, 2.0]])
    expect(
        tt.autograd.sum_to_shape(gradient, (1, 2)),
        gradient,
        because="sizes 1 and 2 are the gradient's own: nothing was repeated",
    )


@pytest.mark.step("autograd.sum_to_shape")
def test_a_bias_gets_the_gradients_of_all_rows():
    bias = leaf([0.0, 0.0, 0.0])
    (tt.ones(4, 3) * 2 + bias).sum().backward()
    expect(bias.grad, listed(4, 4, 4), because="the bias was added to each of four rows")


# Step 2: the rule of a division


@pytest.mark.step("autograd.divisor_gradient")
def test_a_larger_divisor_makes_a_smaller_quotient():
    expect(
        tt.autograd.divisor_gradient(listed(1), listed(6), listed(3)),
        listed(-6 / 9),
        because="6 / b falls by 6 / b^2 for each unit of b",
        within=1e-12,
    )


@pytest.mark.step("autograd.divisor_gradient")
def test_the_gradient_of_the_quotient_is_multiplied_in():
    expect(
        tt.autograd.divisor_gradient(listed(10, -1, 0), listed(1, 1, 1), listed(2, 2, 2)),
        listed(-2.5, 0.25, 0),
        because="the chain rule: what comes back, times this step's own slope, -1 / 4",
        within=1e-12,
    )


@pytest.mark.step("autograd.divisor_gradient")
def test_a_number_can_be_divided():
    b = leaf([2.0, 4.0])
    (8 / b).sum().backward()
    expect(b.grad, listed(-2, -0.5), because="-8 / 4 and -8 / 16", within=1e-12)


# Step 3: the rule of a matrix product


@pytest.mark.step("autograd.left_gradient")
def test_the_gradient_of_a_product_of_matrices_meets_the_other_matrix_turned():
    b = tt.tensor([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]])
    expect(
        tt.autograd.left_gradient(tt.tensor([[1.0, 0.0], [1.0, 1.0]]), (2, 3), b),
        tt.tensor([[1.0, 10.0, 100.0], [3.0, 30.0, 300.0]]),
        because="(2, 2) @ (3, 2).T: element (i, k) of a meets row k of b",
    )


@pytest.mark.step("autograd.left_gradient")
def test_a_vector_on_either_side_has_a_gradient_of_its_own_shape():
    b = tt.tensor([[1.0, 2.0], [10.0, 20.0]])
    expect(
        tt.autograd.left_gradient(tt.tensor([1.0, 1.0]), (2,), b),
        tt.tensor([3.0, 30.0]),
        because="a row of two has a gradient of two",
    )
    expect(
        tt.autograd.left_gradient(tt.tensor([1.0, 2.0]), (2, 3), tt.tensor([5.0, 6.0, 7.0])),
        tt.tensor([[5.0, 6.0, 7.0], [10.0, 12.0, 14.0]]),
        because="each row's result has a gradient, and multiplies the vector",
    )
    expect(
        tt.autograd.left_gradient(tt.tensor(2.0), (3,), tt.tensor([5.0, 6.0, 7.0])),
        tt.tensor([10.0, 12.0, 14.0]),
        because="of a product of two vectors, the gradient is the other vector",
    )


@pytest.mark.step("autograd.left_gradient")
def test_a_matrix_of_one_row_stays_a_matrix():
    b = tt.tensor([[1.0, 2.0], [10.0, 20.0]])
    expect(
        tt.autograd.left_gradient(tt.tensor([[1.0, 1.0]]), (1, 2), b),
        tt.tensor([[3.0, 30.0]]),
        because="only a dim that was added is taken away again",
    )


@pytest.mark.step("autograd.left_gradient")
def test_stacks_of_matrices_stay_apart():
    b = tt.tensor([[[1.0], [2.0]], [[10.0], [20.0]]])
    expect(
        tt.autograd.left_gradient(tt.tensor([[[1.0]], [[3.0]]]), (2, 1, 2), b),
        tt.tensor([[[1.0, 2.0]], [[30.0, 60.0]]]),
        because="each matrix of the stack has its own partner",
    )


# Step 4: the rule of an index


@pytest.mark.step("autograd.put_kernel")
def test_a_gradient_is_put_where_the_index_had_taken_from():
    expect(
        tt.autograd.put_kernel(np.array([1.0, 2.0]), shape=(5,), index=(slice(1, 4, 2),)),
        np.array([0.0, 1.0, 0.0, 2.0, 0.0]),
        because="x[1:4:2] reads places 1 and 3; all others get no gradient",
    )
    expect(
        tt.autograd.put_kernel(np.array([7.0, 8.0]), shape=(2, 2), index=(..., 1)),
        np.array([[0.0, 7.0], [0.0, 8.0]]),
        because="x[..., 1] reads a column",
    )


@pytest.mark.step("autograd.put_kernel")
def test_a_place_that_was_read_twice_gets_both_gradients():
    expect(
        tt.autograd.put_kernel(np.array([1.0, 2.0, 3.0]), shape=(4,), index=([0, 2, 0],)),
        np.array([4.0, 0.0, 2.0, 0.0]),
        because="place 0 was used twice: 1 + 3",
    )


@pytest.mark.step("autograd.put_kernel")
def test_a_mask_and_rows_are_indices_too():
    mask = np.array([[True, False], [True, True]])
    expect(
        tt.autograd.put_kernel(np.array([1.0, 2.0, 3.0]), shape=(2, 2), index=(mask,)),
        np.array([[1.0, 0.0], [2.0, 3.0]]),
        because="a mask reads where it is True, row by row",
    )
    rows = np.array([[1.0, 10.0], [2.0, 20.0]])
    expect(
        tt.autograd.put_kernel(rows, shape=(3, 2), index=(np.array([2, 2]),)),
        np.array([[0.0, 0.0], [0.0, 0.0], [3.0, 30.0]]),
        because="row 2 was read twice",
    )


@pytest.mark.step("autograd.put_kernel")
def test_the_dtype_of_the_gradient_is_kept():
    for index in ((slice(0, 2),), ([0, 0],)):
        found = tt.autograd.put_kernel(np.ones(2, np.float32), shape=(3,), index=index)
        expect(str(found.dtype), "float32", because="gradients have the dtype of their tensor")


# Step 5: the rule of a log-softmax


@pytest.mark.step("autograd.log_softmax_gradient")
def test_a_score_takes_from_all_shares_of_its_line():
    output = tt.log_softmax(listed(0, 0), 0)
    expect(
        tt.autograd.log_softmax_gradient(listed(1, 0), output, dim=0),
        listed(0.5, -0.5),
        because="the gradient, less half (each one's share) of the line's total 1",
        within=1e-12,
    )


@pytest.mark.step("autograd.log_softmax_gradient")
def test_shares_weigh_what_is_taken_away():
    output = tt.log_softmax(tt.tensor(np.log([[1.0, 3.0], [4.0, 4.0]])), 1)
    expect(
        tt.autograd.log_softmax_gradient(tt.tensor([[2.0, 2.0], [1.0, 0.0]]), output, dim=1),
        tt.tensor(np.array([[1.0, -1.0], [0.5, -0.5]])),
        because="shares 1/4 and 3/4 of a total of 4, then halves of a total of 1",
        within=1e-12,
    )


@pytest.mark.step("autograd.log_softmax_gradient")
def test_lines_lie_along_the_dim():
    output = tt.log_softmax(tt.zeros(2, 2), 0)
    expect(
        tt.autograd.log_softmax_gradient(tt.tensor([[1.0, 0.0], [0.0, 4.0]]), output, dim=0),
        tt.tensor([[0.5, -2.0], [-0.5, 2.0]]),
        because="along dim 0 a line is a column",
        within=1e-6,
    )


@pytest.mark.step("autograd.log_softmax_gradient")
def test_the_gradient_of_cross_entropy_is_share_less_one_for_the_true_class():
    logits = leaf([[0.0, 0.0, 0.0, 0.0]])
    tt.cross_entropy(logits, tt.tensor([2])).backward()
    expect(
        logits.grad,
        tt.tensor(np.array([[0.25, 0.25, -0.75, 0.25]])),
        because="four equal shares, and 1 taken from the true class's",
        within=1e-12,
    )


# Step 6: the tape


@pytest.mark.step("autograd.record")
def test_a_result_remembers_its_operation_and_its_inputs_in_order():
    a, b = leaf([1.0]), leaf([2.0])
    node = (a - b).grad_fn
    expect(node.operation, "sub", because="the node says which rule to use")
    expect(
        [parent.tensor() is one for parent, one in zip(node.parents, (a, b), strict=True)],
        [True, True],
        because="the parents are the nodes of the inputs, in their order",
    )
    expect([node.shape, node.dtype], [(1,), tt.float64], because="so is its gradient")


@pytest.mark.step("autograd.record")
def test_what_needs_no_gradient_has_no_node():
    a = leaf([1.0, 2.0])
    node = (3.0 * a).grad_fn
    expect(node.parents[0], None, because="a number gets no gradient")
    expect(node.parents[1].tensor() is a, True, because="the tensor does, in the second place")


@pytest.mark.step("autograd.record")
def test_only_what_the_rules_need_is_kept():
    a, constant = leaf([1.0, 2.0]), tt.tensor([5.0, 6.0], tt.float64)
    total, root = a + constant, (a * a).sqrt()
    for product in (a * constant, constant * a):
        expect(
            [kept.tolist() for kept in product.grad_fn.kept],
            [[5.0, 6.0]],
            because="a's gradient needs the other factor; nobody wants the constant's",
        )
    expect(total.grad_fn.kept, (), because="a sum passes its gradient on and needs nothing")
    expect(
        [kept is root.numpy() for kept in root.grad_fn.kept],
        [True],
        because="the rule of a root needs its result, in the memory that is there",
    )


@pytest.mark.step("autograd.record")
def test_options_are_remembered():
    a = leaf([[1.0, 2.0]])
    node = a.sum(1, keepdim=True).grad_fn
    expect(node.options["keepdim"], True, because="the rule has to know what was asked for")


@pytest.mark.step("autograd.record")
def test_a_graph_is_free_as_soon_as_its_result_is_gone():
    a = leaf([1.0])
    result = (a.exp() * a).tanh()
    alive = weakref.ref(result.grad_fn)
    gc.disable()
    try:
        del result
        expect(alive(), None, because="a node that led to its own result would keep itself alive")
    finally:
        gc.enable()


# Step 7: the order


def node(*parents):
    """Return a node of an operation on these."""
    return tt.autograd.Node("add", parents, None, (), tt.float64)


@pytest.mark.step("autograd.topological_order")
def test_each_node_comes_once_and_before_its_parents():
    a = node()
    b = node(a, a)
    c = node(b, a)
    d = node(b, c)
    names = {a: "a", b: "b", c: "c", d: "d"}
    order = tt.autograd.topological_order([d])
    expect(
        [names[one] for one in order],
        ["d", "c", "b", "a"],
        because="b has to wait for both c and d, and a for all three",
    )


@pytest.mark.step("autograd.topological_order")
def test_places_without_a_node_are_passed_over():
    a = node()
    b = node(None, a)
    expect(tt.autograd.topological_order([b]) == [b, a], True, because="None is no node")


@pytest.mark.step("autograd.topological_order")
def test_a_long_chain_does_not_overflow():
    compared = []

    class Compared(tt.autograd.Node):
        __hash__ = object.__hash__

        def __eq__(self, other):
            compared.append(other)
            return self is other

    last = node()
    for _ in range(3000):
        last = Compared("add", (last,), None, (), tt.float64)
    found = tt.autograd.topological_order([last])
    expect(len(found), 3001, because="Python calls itself a thousand times at most; use a list")
    expect(
        len(compared) < 3000,
        True,
        because="a dict or a set finds a node at once; a list is searched from its beginning",
    )


@pytest.mark.step("autograd.topological_order")
def test_the_search_ends_where_it_is_told_to_stop():
    a = node()
    b = node(a)
    c = node(b)
    expect(
        tt.autograd.topological_order([c], stop={b}) == [c, b],
        True,
        because="b is found, what lies behind it is not looked for",
    )


# Step 8: the way back


@pytest.mark.step("autograd.propagate")
def test_a_value_that_is_used_twice_gets_both_gradients():
    a = leaf(3.0)
    b = a + a
    c = b + b
    c.backward()
    expect(a.grad, tt.tensor(4.0, tt.float64), because="c = 4 a: two ways to b, and two from there")


@pytest.mark.step("autograd.propagate")
def test_a_node_waits_for_all_that_came_of_it():
    a = leaf(2.0)
    b = a * a
    seen = []
    b.register_hook(lambda gradient: seen.append(gradient.item()))
    (b * b + b).backward()
    expect(seen, [9.0], because="2 b + 1 = 9 arrives at b once, complete, and not in two parts")
    expect(a.grad.item(), 36.0, because="9 times the 4 of a * a")


@pytest.mark.step("autograd.propagate")
def test_the_chain_rule_multiplies_along_the_way():
    x = leaf([0.5, 1.0])
    (x * 2).exp().sum().backward()
    expect(
        x.grad,
        tt.tensor(2 * np.exp([1.0, 2.0])),
        because="the slope of exp(2x) is 2 exp(2x)",
        within=1e-12,
    )


@pytest.mark.step("autograd.propagate")
def test_what_was_kept_is_let_go_of_unless_it_is_to_stay():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    expect(x.grad, listed(4, 8), because="twice 2x: the first time kept the graph")
    expect_error(
        y.backward,
        RuntimeError,
        "twice",
        "retain_graph",
        because="the second time let go of its memory; the message says what to do",
    )


@pytest.mark.step("autograd.propagate")
def test_gradients_of_gradients_are_found():
    x = leaf(3.0)
    (first,) = tt.autograd.grad(x * x * x, x, create_graph=True)
    (second,) = tt.autograd.grad(first, x)
    expect([first.item(), second.item()], [27.0, 18.0], because="3 x^2, then 6 x")


# Step 9: modes


@pytest.mark.step("autograd.no_grad")
def test_nothing_is_recorded_inside_of_the_block():
    x = leaf([1.0])
    with tt.autograd.no_grad():
        y = x * 2
    expect(y.requires_grad, False, because="the tape was off")
    expect((x * 2).requires_grad, True, because="after the block it is on again")


@pytest.mark.step("autograd.no_grad")
def test_blocks_may_lie_inside_each_other():
    with tt.autograd.no_grad():
        with tt.autograd.no_grad():
            pass
        inside = tt.is_grad_enabled()
    expect(inside, False, because="the inner block puts back what was: not recording")
    expect(tt.is_grad_enabled(), True, because="and the outer one, too: recording")


@pytest.mark.step("autograd.no_grad")
def test_an_error_puts_the_mode_back():
    def fail():
        with tt.autograd.no_grad():
            raise ValueError("inside")

    expect_error(fail, ValueError, "inside", because="the error goes on")
    expect(tt.is_grad_enabled(), True, because="an error must not turn recording off for good")


@pytest.mark.step("autograd.no_grad")
def test_a_function_can_be_decorated():
    x = leaf([1.0])

    @tt.autograd.no_grad()
    def double():
        return x * 2

    expect([double().requires_grad for _ in range(2)], [False, False], because="at every call")
    expect(tt.is_grad_enabled(), True, because="the mode is back after each")


# Step 10: changes in place


@pytest.mark.step("autograd.check_unchanged")
def test_a_value_that_was_changed_after_it_was_kept_is_noticed():
    x = leaf([1.0, 2.0])
    y = x * 1.0
    z = y * y
    y[0] = 100.0
    expect_error(
        z.sum().backward,
        RuntimeError,
        "mul",
        "(2,)",
        "in place",
        because="its gradient, 2 y, would be taken of the new numbers",
    )


@pytest.mark.step("autograd.check_unchanged")
def test_what_was_changed_before_it_was_kept_is_as_it_should_be():
    x = leaf([1.0, 2.0])
    other = tt.zeros(2)
    y = x * 1.0
    y[0] = 5.0
    z = y * y
    other[0] = 1.0
    z.sum().backward()
    expect(x.grad, listed(0, 4), because="y was [5, 2] when it was kept, and is; x[0] has no part")


@pytest.mark.step("autograd.check_unchanged")
def test_a_change_through_a_view_is_noticed():
    x = leaf([1.0, 2.0, 3.0])
    constant = tt.tensor([1.0, 2.0, 3.0], tt.float64)
    view = constant[1:]
    y = x * constant
    view[0] = 0.0
    expect_error(
        y.sum().backward,
        RuntimeError,
        "changed",
        because="a view's memory is the tensor's: writing to one changes both",
    )


# Step 11: small steps


@pytest.mark.step("autograd.numerical_jacobian")
def test_each_element_is_moved_alone():
    found = tt.autograd.numerical_jacobian(lambda x: x * x, [listed(1, 2, 3)], 0)
    expect(found, np.diag([2.0, 4.0, 6.0]), because="the slope of x^2 is 2x", within=1e-4)


@pytest.mark.step("autograd.numerical_jacobian")
def test_a_row_belongs_to_an_output_and_a_column_to_an_input():
    found = tt.autograd.numerical_jacobian(lambda x: x[:2] + 10 * x[2], [listed(1, 2, 3)], 0)
    expect(
        found,
        np.array([[1.0, 0.0, 10.0], [0.0, 1.0, 10.0]]),
        because="2 outputs, 3 inputs: a (2, 3)",
        within=1e-6,
    )


@pytest.mark.step("autograd.numerical_jacobian")
def test_the_numbers_are_put_back_exactly():
    x = listed(0.3, 1e-8, -3.7)
    before = x.clone()
    tt.autograd.numerical_jacobian(lambda x: x.sum(), [x], 0)
    expect(x, before, because="adding and taking away again would round")


@pytest.mark.step("autograd.numerical_jacobian")
def test_the_other_inputs_stay_as_they_are():
    inputs = [listed(2), listed(5)]
    found = [tt.autograd.numerical_jacobian(lambda a, b: a * b, inputs, n)[0, 0] for n in (0, 1)]
    expect(np.round(found, 6).tolist(), [5.0, 2.0], because="each one's slope is the other")


# Step 12: computing again


@pytest.mark.step("autograd.recompute")
def test_a_checkpoint_has_the_gradients_of_what_it_forgot():
    x = leaf([1.0, 2.0])
    result = tt.checkpoint(lambda x: (x * x).exp(), x)
    expect(tt.autograd.saved_bytes(result), 0, because="the tape keeps the input, a leaf, alone")
    result.sum().backward()
    wanted = 2 * np.array([1, 2]) * np.exp([1.0, 4.0])
    expect(x.grad, tt.tensor(wanted), because="2 x exp(x^2), computed again", within=1e-9)


@pytest.mark.step("autograd.recompute")
def test_weights_that_the_part_reads_get_their_gradients():
    layer = tt.Dense(2, 1).to(tt.float64)
    layer.weight.requires_grad_()
    x = leaf([[3.0, 4.0]])
    tt.checkpoint(layer, x).sum().backward()
    expect(layer.weight.grad, tt.tensor(np.array([[3.0, 4.0]])), because="each meets its input")


@pytest.mark.step("autograd.recompute")
def test_random_numbers_are_those_of_the_first_time():
    tt.manual_seed(3)
    x = leaf(np.ones(20))
    result = tt.checkpoint(tt.Dropout(0.5), x)
    result.sum().backward()
    expect(x.grad, result.detach(), because="what was dropped gets nothing, what was kept gets 2")


@pytest.mark.step("autograd.recompute")
def test_the_way_back_ends_where_the_part_began():
    x = leaf(2.0)
    y = x * 3
    seen = []
    y.register_hook(lambda gradient: seen.append(gradient.item()))
    (tt.checkpoint(lambda y: y * y, y) + y).backward()
    expect(seen, [13.0], because="2 y + 1, once: y waits for the part and for the sum")
    expect(x.grad.item(), 39.0, because="13 times 3")


# The module as a whole


def test_gradients_add_up_until_they_are_taken_away():
    x = leaf([1.0])
    for _ in range(3):
        (x * 2).sum().backward()
    expect(x.grad, listed(6), because="each backward adds 2")
    x.grad = None
    expect(x.grad, None, because="a new start")


def test_two_leaves_share_no_gradient():
    a, b = leaf([1.0]), leaf([1.0])
    (a + b).sum().backward()
    a.grad[0] = 7.0
    expect(b.grad, listed(1), because="a sum passes the same gradient on, but each keeps a copy")


def test_detach_cuts_the_graph_and_shares_the_memory():
    x = leaf([1.0, 2.0])
    y = (x * 2).detach()
    expect([y.requires_grad, y.is_leaf], [False, True], because="it is a constant")
    expect(x.detach().shares_memory(x), True, because="nothing is copied")
    (x * y).sum().backward()
    expect(x.grad, listed(2, 4), because="the way through y is cut: 4 x would be without detach")


def test_a_leaf_is_not_changed_in_place_while_recording():
    x = leaf([1.0, 2.0])
    for write in (
        lambda: x.__setitem__(0, 5.0),
        lambda: x.__iadd__(1.0),
        lambda: x[:1].__setitem__(0, 5.0),
    ):
        expect_error(write, RuntimeError, "no_grad", because="the tape would lose where it began")
    expect(x.detach(), listed(1, 2), because="it was refused before anything was written")
    with tt.no_grad():
        x[0] = 5.0
    expect(x.detach(), listed(5, 2), because="under no_grad it is allowed")


def test_a_write_in_place_is_part_of_the_graph():
    x, y = leaf([1.0, 2.0, 3.0]), leaf([10.0])
    z = x * 2
    z[1:2] = y * 3
    z.sum().backward()
    expect(x.grad, listed(2, 0, 2), because="z[1] no longer comes from x")
    expect(y.grad, listed(3), because="but from y")


def test_only_floats_can_require_gradients():
    expect_error(
        lambda: tt.tensor([1, 2]).requires_grad_(), TypeError, "int64", because="no small steps"
    )
    x = leaf([1.0, 2.0])
    flags = [(x > 1).requires_grad, x.argmax().requires_grad, x.to(tt.int64).requires_grad]
    expect(flags, [False] * 3, because="their results change in jumps")


def test_backward_says_what_it_needs():
    x = leaf([1.0, 2.0])
    expect_error((x * 2).backward, ValueError, "(2,)", ".sum()", because="one number at a time")
    expect_error(tt.ones(1).backward, RuntimeError, "requires", because="nothing was recorded")
    expect_error(
        lambda: (x * 2).backward(tt.ones(3)), ValueError, "(3,)", because="a gradient has its shape"
    )
    (x * x).backward(listed(1, 10))
    expect(x.grad, listed(2, 40), because="a gradient that is given is where it starts")


def test_a_hook_can_change_a_gradient_and_be_removed():
    x = leaf([1.0])
    y = x * 1
    with y.register_hook(lambda gradient: gradient * 10):
        y.sum().backward(retain_graph=True)
    expect(x.grad, listed(10), because="ten times")
    y.sum().backward()
    expect(x.grad, listed(11), because="removed at the end of the block")


def test_grad_returns_gradients_and_leaves_grad_alone():
    x, y, z = leaf([1.0]), leaf([2.0]), leaf([3.0])
    found = tt.autograd.grad((x * y).sum(), [x, y, z], allow_unused=True)
    expect([one and one.item() for one in found], [2.0, 1.0, None], because="in their order")
    expect(x.grad, None, because="grad() returns, backward() adds")
    expect_error(
        lambda: tt.autograd.grad((x * y).sum(), z), RuntimeError, "allow_unused", because="no part"
    )


def test_gradcheck_finds_a_wrong_rule_and_says_where():
    tt.register_kernel("square_test", lambda array: array * array)
    tt.register_rule("square_test", lambda gradient, a: gradient * a)
    expect_error(
        lambda: tt.gradcheck(lambda x: tt.apply("square_test", x), listed(3.0)),
        AssertionError,
        "input 0",
        "3",
        "6",
        because="the rule forgot the 2: 3 on the tape, 6 by small steps",
    )
    tt.register_rule("square_test", lambda gradient, a: gradient * a * 2)
    right = tt.gradcheck(lambda x: tt.apply("square_test", x), listed(3.0))
    expect(right, True, because="now they agree")


def test_an_operation_without_a_rule_is_named():
    tt.register_kernel("unruled_test", lambda array: array)
    x = leaf([1.0])
    expect_error(
        tt.apply("unruled_test", x).sum().backward,
        RuntimeError,
        "unruled_test",
        "register_rule",
        because="the message says which, and what to do",
    )


def test_the_tape_is_a_source_of_gradients_for_training():
    model = tt.MLP(3, 4, 2, generator=np.random.default_rng(0)).to(tt.float64)
    inputs, targets = tt.tensor(np.eye(3)), tt.tensor([0, 1, 1])
    for source in (tt.backpropagate, tt.tape_gradients):
        loss, gradients = source(model, tt.cross_entropy, inputs, targets)
        if source is tt.backpropagate:
            wanted = loss, gradients
    expect(loss, wanted[0], because="the same loss", within=1e-12)
    for found, by_hand in zip(gradients, wanted[1], strict=True):
        expect(found, by_hand, because="as derived by hand", within=1e-12)
    flags = [one.requires_grad for one in model.parameters()]
    expect(any(flags), False, because="parameters require gradients only meanwhile")


def test_the_trainer_learns_with_the_tape_what_it_learned_by_hand():
    inputs, targets = tt.tensor(np.eye(6)).to(tt.float32), tt.tensor([0, 1, 2, 0, 1, 2])
    found = []
    for source in (tt.backpropagate, tt.tape_gradients):
        model = tt.MLP(6, 8, 3, generator=np.random.default_rng(0))
        trainer = tt.Trainer(
            model,
            tt.cross_entropy,
            tt.Adam(model.parameters(), lr=0.05),
            gradients=source,
            max_norm=1.0,
            log=None,
        )
        losses = [trainer.train_step(inputs, targets) for _ in range(20)]
        found.append(tt.tensor(losses))
    expect(found[1], found[0], because="the same gradients take the same steps", within=1e-5)
    expect(bool(found[1][-1] < found[1][0] / 2), True, because="and it learns")


def test_a_graph_can_be_looked_at():
    x = leaf([[1.0, 2.0]])
    y = (x * x).sum()
    names = [place.operation for place in tt.autograd.graph_of(y)]
    expect(names, ["sum", "mul", "leaf"], because="from the result back to the leaf")
    drawing = tt.draw_graph(y, {"x": x})
    shown = [text in drawing for text in ("<svg", ">x<", ">mul<", ">sum<", "(1, 2)", "</svg>")]
    expect(all(shown), True, because="a box for each, with its shape")
