"""Autograd beyond the chapter's examples: small steps, loops and identities as oracles."""

import copy
import gc
import math
import pickle
import re
import weakref
from itertools import product

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import expect, expect_error

PRODUCTS = (((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
            ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((5, 1, 2, 3), (4, 3, 2)),
            ((5, 2, 3), (3,)), ((3,), (5, 3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 3)))  # fmt: skip
INDICES = ((0,), (-1,), (slice(1, None),), (slice(None, None, 2), 1), (..., 0), (None, 0),
           ([0, 2, 0],), ([0, 1], [1, 1]), (slice(None), [3, 0, 3]), ([[0, 1], [1, 1]],),
           (np.array([2, 2]), slice(1, 3)), (np.eye(3, 4) > 0,), ([],), (),
           (slice(None, None, -1),), (np.array(1),))  # fmt: skip


@pytest.fixture(autouse=True)
def recording():
    """Let every check begin with the tape on, and leave it on, whatever a wrong switch did."""
    tt.autograd.modes.mode.is_recording = True
    yield
    tt.autograd.modes.mode.is_recording = True


def random(*shape, seed=0):
    """Return normal random float64, the same ones on every run."""
    return np.random.default_rng(seed).standard_normal(shape)


def leaf(data):
    """Return a tensor of float64 that gradients are wanted for."""
    return tt.tensor(data, tt.float64).requires_grad_()


def weighted(output):
    """Return weights for an output's sum, so that no two of its elements count alike."""
    return tt.tensor(random(*output.shape, seed=9) + 0.1).to(output.dtype)


def stepped(function, arrays, place, eps=1e-6):
    """Return the gradient of a number that a function computes, by steps in one of the arrays."""
    slopes = np.zeros(arrays[place].shape)
    for index in np.ndindex(slopes.shape):
        ends = []
        for step in (eps, -eps):
            moved = [array.copy() for array in arrays]
            moved[place][index] += step
            ends.append(float(function(*moved)))
        slopes[index] = (ends[0] - ends[1]) / (2 * eps)
    return slopes


def first_gradients(function, arrays, *, create_graph=False):
    """Return leaves of the arrays, and the tape's gradients of the function's weighted sum."""
    leaves = [leaf(array) for array in arrays]
    output = function(*leaves)
    options = {"create_graph": create_graph, "allow_unused": True}
    return leaves, tt.autograd.grad((output * weighted(output)).sum(), leaves, **options)


def expect_gradients(function, *arrays, second=True):
    """Fail where the first gradients, or the second ones, are not what small steps find."""

    def number(*moved):
        output = function(*[tt.tensor(one) for one in moved])
        return (output * weighted(output)).sum().item()

    _, found = first_gradients(function, arrays)
    for place, gradient in enumerate(found):
        wanted = tt.tensor(stepped(number, arrays, place))
        expect(gradient, wanted, because=f"small steps in input {place}", within=1e-6)
    if second:
        expect_second_gradients(function, arrays)


def expect_second_gradients(function, arrays):
    def slope(*moved):
        _, found = first_gradients(function, moved)
        return sum(float((one * weighted(one)).sum()) for one in found)

    leaves, found = first_gradients(function, arrays, create_graph=True)
    total = sum((one * weighted(one)).sum() for one in found)
    is_curved = isinstance(total, tt.Tensor) and total.requires_grad
    again = tt.autograd.grad(total, leaves, allow_unused=True) if is_curved else [None] * 9
    for place, array in enumerate(arrays):
        gradient = tt.zeros_like(array) if again[place] is None else again[place]
        wanted = tt.tensor(stepped(slope, arrays, place))
        expect(gradient, wanted, because=f"steps in input {place} of the gradients", within=1e-5)


# Step 1


@pytest.mark.step("autograd.sum_to_shape")
def test_a_gradient_is_the_sum_over_all_places_where_an_element_stands():
    for shape, target in (((3,), (2, 3)), ((2, 1), (2, 3)), ((1, 1), (4, 3)), ((), (2, 2)),
                          ((3, 1, 2), (5, 3, 4, 2)), ((1,), (1,)), ((1, 3), (0, 3))):  # fmt: skip
        gradient = random(*target)
        wanted = np.zeros(math.prod(shape))
        places = np.broadcast_to(np.arange(math.prod(shape)).reshape(shape), target)
        np.add.at(wanted, places.ravel(), gradient.ravel())
        expect(
            tt.autograd.sum_to_shape(tt.tensor(gradient), shape),
            tt.tensor(wanted.reshape(shape)),
            because=f"{shape} was stretched to {target}",
            within=1e-12,
        )


@pytest.mark.step("autograd.sum_to_shape")
def test_the_sum_is_recorded_itself():
    gradient = leaf(random(2, 3))
    tt.autograd.sum_to_shape(gradient, (2, 1)).sum().backward()
    expect(gradient.grad, tt.tensor(np.ones((2, 3))), because="a gradient has gradients, too")


# Step 2


@pytest.mark.step("autograd.divisor_gradient")
def test_quotients_have_the_slopes_that_small_steps_find():
    expect_gradients(lambda a, b: a / b, random(2, 3), random(3, seed=1) + 3)
    expect_gradients(lambda b: 2 / b, random(3, seed=1) - 4)


@pytest.mark.step("autograd.divisor_gradient")
def test_large_divisors_are_not_multiplied_with_themselves():
    found = tt.autograd.divisor_gradient(tt.ones(1), tt.full((1,), 1e30), tt.full((1,), 1e25))
    expect(found / 1e-20, tt.tensor([-1.0]), because="1e25 squared is past float32", within=1e-4)


# Step 3


@pytest.mark.step("autograd.left_gradient")
def test_a_product_and_its_gradient_belong_together():
    for a_shape, b_shape in PRODUCTS:
        a, b = random(*a_shape), random(*b_shape, seed=1)
        gradient = random(*(a @ b).shape, seed=2)
        found = tt.autograd.left_gradient(tt.tensor(gradient), a_shape, tt.tensor(b)).numpy()
        expect(
            float((found * a).sum()),
            float((gradient * (a @ b)).sum()),
            because=f"{a_shape} @ {b_shape}: a product is linear in a",
            within=1e-9,
        )
        expect(found.shape[-1:], a_shape[-1:], because="the gradient ends as a does")


@pytest.mark.step("autograd.left_gradient")
@pytest.mark.parametrize("shapes", PRODUCTS[:10])
def test_products_have_the_slopes_that_small_steps_find(shapes):
    a, b = random(*shapes[0]), random(*shapes[1], seed=1)
    _, found = first_gradients(lambda a, b: a @ b, [a, b])
    output = tt.tensor(a) @ tt.tensor(b)
    weights = weighted(output).numpy()
    for place, gradient in enumerate(found):
        wanted = np.zeros_like((a, b)[place])
        for index in np.ndindex(wanted.shape):
            unit = [a, b]
            unit[place] = np.zeros_like(wanted)
            unit[place][index] = 1
            wanted[index] = ((unit[0] @ unit[1]) * weights).sum()
        expect(gradient, tt.tensor(wanted), because=f"input {place} of {shapes}", within=1e-9)


# Step 4


@pytest.mark.step("autograd.put_kernel")
def test_putting_is_the_transpose_of_taking():
    array = random(3, 4)
    for index in INDICES:
        values = random(*array[index].shape, seed=1)
        found = tt.autograd.put_kernel(values, shape=(3, 4), index=index)
        expect(found.shape, (3, 4), because="the shape that was indexed")
        expect(
            float((found * array).sum()),
            float((values * array[index]).sum()),
            because=f"each of the values at {index} meets its own element",
            within=1e-9,
        )


@pytest.mark.step("autograd.put_kernel")
def test_indexing_has_the_slopes_of_its_places():
    for index in INDICES:
        x = leaf(random(3, 4))
        x[index].sum().backward()
        wanted = np.zeros((3, 4))
        np.add.at(wanted, index, 1.0)
        expect(x.grad, tt.tensor(wanted), because=f"how often {index} reads each place")
    x = leaf(random(4))
    (first,) = tt.autograd.grad((x[[1, 1, 2]] ** 2).sum(), x, create_graph=True)
    first.sum().backward()
    expect(x.grad, tt.tensor([0.0, 4.0, 2.0, 0.0], tt.float64), because="second gradients, too")


# Step 5


@pytest.mark.step("autograd.log_softmax_gradient")
def test_the_rule_multiplies_by_the_whole_jacobian():
    x, gradient = random(4), random(4, seed=1)
    shares = np.exp(x) / np.exp(x).sum()
    jacobian = np.eye(4) - np.ones((4, 1)) * shares  # of output i by score j
    found = tt.autograd.log_softmax_gradient(tt.tensor(gradient), tt.tensor(np.log(shares)), dim=0)
    expect(found, tt.tensor(gradient @ jacobian), because="1 - share, and - share", within=1e-12)


@pytest.mark.step("autograd.log_softmax_gradient")
def test_log_shares_can_be_differentiated_twice():
    expect_gradients(lambda x: tt.log_softmax(x, 1), random(2, 3))
    expect_gradients(lambda x: tt.log_softmax(x, 0), random(2, 3))


@pytest.mark.step("autograd.log_softmax_gradient")
def test_shares_that_round_to_zero_take_nothing_away():
    output = tt.tensor([0.0, -1000.0])
    found = tt.autograd.log_softmax_gradient(tt.tensor([0.0, 1.0]), output, dim=0)
    expect(found, tt.tensor([-1.0, 1.0]), because="all of it is the first one's")


# Step 6


@pytest.mark.step("autograd.record")
def test_memory_is_kept_only_where_a_rule_will_read_it():
    x, weight = tt.tensor(random(4, 3)), leaf(random(3, 2))
    kept = (x @ weight).grad_fn.kept
    expect(
        [one is x.numpy() for one in kept if isinstance(one, np.ndarray)],
        [True],
        because="the weight's gradient needs x; x needs none, so the weight is not kept",
    )
    expect((weight * 2.0).grad_fn.kept, (2.0,), because="a number is kept as it is")
    expect(weight.T.grad_fn.kept, (), because="a view needs nothing but its options")
    bias = leaf(random(4))
    images, filters = tt.tensor(random(1, 2, 3, 3)), tt.tensor(random(4, 2, 2, 2))
    kept = tt.conv2d(images, filters, bias).grad_fn.kept
    expect(kept, (), because="the third input alone needs nothing of the other two")
    total = (weight * tt.tensor(random(3, 2))).sum()
    expect(tt.autograd.saved_bytes(total), 48, because="the constant's six numbers, nothing else")


@pytest.mark.step("autograd.record")
def test_no_node_holds_a_tensor():
    x = leaf(random(3))
    for output in (x * x, x.exp(), tt.cat([x, x]), x[[0, 1]], tt.where(x > 0, x, 0.0), 2.0**x):
        node = output.grad_fn
        held = [*(node.kept or ()), *(node.options or {}).values()]
        tensors = [one for one in held if isinstance(one, tt.Tensor)]
        expect(tensors, [], because="a tensor leads to a node, and memory would go in circles")


@pytest.mark.step("autograd.record")
def test_every_input_has_its_place():
    x, y = leaf(random(2)), leaf(random(3))
    inputs = (x, tt.tensor([1.0], tt.float64), y, x)
    node = tt.cat(inputs).grad_fn
    expect(
        [
            parent and parent.tensor() is one
            for parent, one in zip(node.parents, (x, 0, y, x), strict=True)
        ],
        [True, None, True, True],
        because="as often as it was given, None for the constant",
    )


# Step 7


def node(*parents):
    return tt.autograd.Node("add", parents, None, (), tt.float64)


@pytest.mark.step("autograd.topological_order")
def test_in_random_graphs_no_node_comes_too_early():
    rng = np.random.default_rng(4)
    for _ in range(20):
        nodes = [node()]
        for _ in range(30):
            chosen = rng.integers(0, len(nodes), rng.integers(1, 4))
            nodes.append(node(*[nodes[i] for i in chosen], None))
        roots = [nodes[-1], nodes[20]]
        order = tt.autograd.topological_order(roots)
        places = {one: place for place, one in enumerate(order)}
        expect(len(places), len(order), because="each node once")
        late = all(
            places[parent] > places[one] for one in order for parent in one.parents if parent
        )
        expect(late, True, because="every parent after all that came of it")
        expect(all(one in places for one in roots), True, because="both roots")
        reached = set(roots)
        for one in reversed(nodes):
            if one in reached:
                reached.update(parent for parent in one.parents if parent)
        expect(set(order) == reached, True, because="all that lead to the roots, and no others")


@pytest.mark.step("autograd.topological_order")
def test_a_root_given_twice_or_behind_another_comes_once():
    a = node()
    b = node(a)
    expect(tt.autograd.topological_order([a, b, b]) == [b, a], True, because="b before a")


# Step 8


@pytest.mark.step("autograd.propagate")
def test_gradients_sum_over_all_ways():
    rng = np.random.default_rng(5)
    for _ in range(5):
        x = leaf(1.5)
        values, slopes = [x], [1.0]
        for _ in range(15):
            i, j = rng.integers(0, len(values), 2)
            factor = float(rng.uniform(-1, 1))
            values.append(values[i] * factor + values[j])
            slopes.append(slopes[i] * factor + slopes[j])
        values[-1].backward()
        expect(x.grad.item(), slopes[-1], because="forward and backward agree", within=1e-5)


@pytest.mark.step("autograd.propagate")
def test_what_keeps_no_memory_can_be_gone_back_through_again():
    x = leaf([1.0, 2.0])
    y = (x * 3.0).sum(0)
    y.backward()
    y.backward()
    expect(x.grad.tolist(), [6.0, 6.0], because="there was nothing to let go of")
    for index in (np.array([0, 1]), (np.array([True, True]),)):
        y = x[index].sum()
        y.backward()
        expect_error(y.backward, RuntimeError, "twice", because="an index may be large, too")


def test_what_comes_back_is_a_constant_unless_it_is_to_be_recorded():
    x = leaf([3.0])
    node = (x * x).grad_fn
    for is_recorded in (False, True):
        options = {"is_recorded": True} if is_recorded else {}
        parts = tt.autograd.pull_back(node, tt.tensor([1.0], tt.float64), **options)
        expect([part.item() for _, part in parts], [3.0, 3.0], because="the other factor")
        expect(parts[0][1].requires_grad, is_recorded, because="only where it is asked for")


@pytest.mark.step("autograd.propagate")
def test_only_the_ways_to_what_is_wanted_are_gone():
    x, y = leaf(2.0), leaf(3.0)
    z = x * y
    seen = []
    y.register_hook(lambda gradient: seen.append(1))
    found = tt.autograd.grad(z * z, [z, x])
    expect([one.item() for one in found], [12.0, 36.0], because="2 z, and 2 z y")
    expect(seen, [], because="nobody asked for y")


@pytest.mark.step("autograd.propagate")
def test_it_stops_where_it_is_told_and_leaves_other_memory_alone():
    x = leaf(random(3))
    y = x * 2
    z = y * 3 + y
    start = tt.tensor(np.ones(3))
    found = tt.autograd.propagate({z.grad_fn: start}, stop={y.grad_fn})
    expect(list(found) == [y.grad_fn], True, because="y is the end, x is not reached")
    expect(found[y.grad_fn], tt.tensor(np.full(3, 4.0)), because="both ways to y are summed")
    expect(start, tt.tensor(np.ones(3)), because="what was given is not written to")
    a, b = y * 2, y * y
    found = tt.autograd.propagate(
        {(a + b).grad_fn: start}, stop={a.grad_fn, b.grad_fn, y.grad_fn}, is_kept=True
    )
    expect(len(found), 2, because="both ends are found, and nothing behind them")


@pytest.mark.step("autograd.propagate")
def test_a_node_that_nothing_comes_back_to_is_passed_over():
    tt.register_kernel("first_test", lambda a, b: a + 0 * b)
    tt.register_rule("first_test", lambda gradient: gradient)
    x, y = leaf([1.0]), leaf([2.0])
    late = y * 2  # younger than what the result needs of x, so its turn comes first
    tt.apply("first_test", x * 3, late * 5).sum().backward()
    expect(x.grad.tolist(), [3.0], because="the way goes on to x")
    expect(y.grad, None, because="nothing came back to y")


@pytest.mark.step("autograd.propagate")
def test_unless_told_otherwise_memory_is_let_go_of_and_nothing_is_recorded():
    x = leaf(random(3))
    y = (x * x).exp()
    found = tt.autograd.propagate({y.grad_fn: tt.tensor(np.ones(3))})
    (gradient,) = found.values()
    expect(gradient.requires_grad, False, because="what the nodes kept came back as constants")
    expect_error(y.sum().backward, RuntimeError, "twice", because="and is gone now")


@pytest.mark.step("autograd.propagate")
def test_memory_is_free_after_the_way_back():
    x = leaf(random(100))
    middle = x.exp()
    kept = weakref.ref(middle.grad_fn.kept[0])
    result = (middle * middle).sum()
    del middle
    result.backward()
    gc.disable()
    expect(kept(), None, because="the node let go, though the result is still there")
    gc.enable()


# Step 9


@pytest.mark.step("autograd.no_grad")
def test_recording_can_be_switched_on_inside():
    x = leaf(random(2))
    with tt.autograd.no_grad():
        with tt.enable_grad():
            y = x * 2
        z = x * 2
    expect([y.requires_grad, z.requires_grad], [True, False], because="each block for itself")
    expect(tt.is_grad_enabled(), True, because="as before")


@pytest.mark.step("autograd.no_grad")
def test_a_result_computed_inside_is_a_constant_outside():
    x = leaf(random(2))
    with tt.autograd.no_grad():
        scale = (x * x).sum()
    (x * scale).sum().backward()
    expect(x.grad, tt.full((2,), scale.item(), tt.float64), because="the scale is a number")


# Step 10


@pytest.mark.step("autograd.check_unchanged")
def test_changes_are_noticed_wherever_they_were_made():
    def by_a_view(y):
        y.reshape(2, 2).T[0, 0] = 5.0

    def by_itself(y):
        y *= 2.0

    def by_an_optimizer(y):
        tt.SGD([y], lr=0.1).step([tt.ones_like(y)])

    for change in (by_a_view, by_itself, by_an_optimizer):
        x, y = leaf(random(4)), tt.tensor(random(4, seed=1))
        z = x * y
        change(y)
        expect_error(z.sum().backward, RuntimeError, "mul", "(4,)", because=change.__name__)


@pytest.mark.step("autograd.check_unchanged")
def test_the_way_out_that_the_message_names_is_one():
    x = leaf(random(3))
    y = x * 1.0
    z = (y * y).sum()
    changed = y.clone()
    changed[0] = 0.0
    z.backward()
    expect(x.grad, x.detach() * 2, because="a clone has memory of its own", within=1e-12)


@pytest.mark.step("autograd.check_unchanged")
def test_results_that_were_kept_are_watched_too():
    x = leaf(random(3))
    y = x.exp()
    y[0] = 1.0
    expect_error(y.sum().backward, RuntimeError, "'exp'", because="exp keeps its result")
    y = x * 2
    y[0] = 1.0
    y.sum().backward()
    expect(x.grad.tolist(), [0.0, 2.0, 2.0], because="a factor of 2 keeps no array: all is well")


# Step 11


@pytest.mark.step("autograd.numerical_jacobian")
def test_a_linear_map_has_its_matrix_as_jacobian():
    matrix, x = random(4, 3), random(3, seed=1)
    found = tt.autograd.numerical_jacobian(
        lambda x: tt.tensor(matrix) @ x, [tt.tensor(x)], 0, eps=1e-4
    )
    expect(found, matrix, because="rows are outputs, columns inputs", within=1e-8)


@pytest.mark.step("autograd.numerical_jacobian")
def test_views_numbers_and_empty_inputs_have_jacobians():
    jacobian = tt.autograd.numerical_jacobian
    x = tt.tensor(random(2, 2))
    expect(
        jacobian(lambda x: x.T, [x], 0),
        np.eye(4)[[0, 2, 1, 3]],
        because="a result may be a view of the input's memory: copy it before the next step",
        within=1e-6,
    )
    expect(
        jacobian(lambda x: x * 3, [tt.tensor(2.0, tt.float64)], 0),
        np.array([[3.0]]),
        because="one number in, one out",
        within=1e-6,
    )
    empty = jacobian(lambda x: x.sum() * tt.ones(2), [tt.zeros(0, dtype=tt.float64)], 0)
    expect(empty.shape, (2, 0), because="two outputs, nothing to move")


@pytest.mark.step("autograd.numerical_jacobian")
def test_steps_go_both_ways():
    found = tt.autograd.numerical_jacobian(
        lambda x: x * x, [tt.tensor([0.0], tt.float64)], 0, eps=0.1
    )
    expect(found, np.array([[0.0]]), because="up and down cancel: one way would say 0.1", within=0)
    found = tt.autograd.numerical_jacobian(lambda x: x**3, [tt.tensor([2.0], tt.float64)], 0)
    expect(found, np.array([[12.0]]), because="3 x^2, since steps are small", within=1e-5)


# Step 12


@pytest.mark.step("autograd.recompute")
def test_a_checkpoint_changes_no_gradient_of_a_model():
    rng = np.random.default_rng(0)
    model = tt.Sequential(
        tt.Dense(3, 4, generator=rng), tt.Tanh(), tt.Dropout(0.4, generator=rng),
        tt.Dense(4, 2, generator=rng),
    ).to(tt.float64)  # fmt: skip
    found = []
    for call in (lambda x: model(x), lambda x: tt.checkpoint(model, x)):
        model[2].generator = np.random.default_rng(8)
        leaves = [one.requires_grad_() for one in (tt.tensor(random(5, 3)), *model.parameters())]
        found.append(tt.autograd.grad((call(leaves[0]) ** 2).sum(), leaves))
        drawn = model[2].generator.random()
        found[-1].append(tt.tensor(drawn))
    for plain, again in zip(*found, strict=True):
        expect(again, plain, because="the same numbers, and as many drawn", within=1e-12)


@pytest.mark.step("autograd.recompute")
def test_a_checkpoint_can_be_differentiated_twice():
    expect_gradients(lambda x: tt.checkpoint(lambda x: (x * x).exp(), x), random(3))


@pytest.mark.step("autograd.recompute")
def test_a_part_may_take_numbers_and_return_its_input():
    x = leaf([1.0, 2.0])
    tt.checkpoint(lambda x, factor: x * factor, x, 3.0).sum().backward()
    expect(x.grad.tolist(), [3.0, 3.0], because="a number is passed on as it is")
    tt.checkpoint(lambda x: x, x).sum().backward()
    expect(x.grad.tolist(), [4.0, 4.0], because="1 more: it came and went")
    y = x * 2
    tt.checkpoint(lambda a, b: (b * 1, a)[1], y, leaf([5.0])).sum().backward()
    expect(x.grad.tolist(), [6.0, 6.0], because="2 more, by an input that no operation read")


def test_a_part_that_needs_no_gradient_is_no_checkpoint():
    x = leaf([1.0, 2.0])
    found = [
        tt.checkpoint(lambda x: x.argmax(), x).requires_grad,
        tt.checkpoint(lambda x: x * 2, tt.ones(2)).requires_grad,
    ]
    with tt.no_grad():
        found.append(tt.checkpoint(lambda x: x * 2, x).requires_grad)
    expect(found, [False, False, False], because="nothing is to come back through them")
    expect_error(
        lambda: tt.checkpoint(lambda x: (x, x * 2), x),
        TypeError,
        "one tensor",
        "tuple",
        because="a node has one result",
    )
    constants = [tt.tensor(random(2)), tt.tensor(random(2, seed=1))]
    result = tt.checkpoint(lambda a, b: a * x + b * x, *constants).sum()
    result.backward(create_graph=True)
    expect(x.grad, constants[0] + constants[1], because="constants may be read beside a leaf")


@pytest.mark.step("autograd.recompute")
def test_what_a_part_was_computed_from_must_stay():
    x, weight = leaf(random(3)), leaf(random(3, seed=1))
    result = tt.checkpoint(lambda x: x * weight, x)
    with tt.no_grad():
        weight[0] = 5.0
    expect_error(result.sum().backward, RuntimeError, "checkpoint", because="or it would be wrong")
    result = tt.checkpoint(lambda x: x * weight, x)
    result.sum().backward()
    expect_error(result.sum().backward, RuntimeError, "twice", because="it let go of its inputs")


# Every rule, by small steps


ELEMENTWISE = {
    "neg": lambda x: -x,
    "abs": lambda x: abs(x),
    "exp": lambda x: x.exp(),
    "log": lambda x: (x * x + 1).log(),
    "sqrt": lambda x: (x * x + 1).sqrt(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tanh": lambda x: x.tanh(),
    "relu": lambda x: tt.relu(x),
    "leaky_relu": lambda x: tt.leaky_relu(x, 0.3),
    "sigmoid": lambda x: tt.sigmoid(x),
    "softplus": lambda x: tt.apply("softplus", x),
    "gelu": lambda x: tt.gelu(x),
    "gelu by tanh": lambda x: tt.gelu(x, approximate="tanh"),
    "squares": lambda x: x**2,
    "a power of 1": lambda x: x**1 * x,
    "a root": lambda x: (x * x + 1) ** 0.5,
    "2 to the power": lambda x: 2.0**x,
    "a number less": lambda x: 3 - x * x,
    "into a number": lambda x: 2 / (x * x + 1),
    "clamp": lambda x: x.clamp(-0.5, 0.7) * x,
    "remainder": lambda x: x % 0.7 + 5.0 % (x * x + 1),
    "clone": lambda x: x.clone() * x,
    "cast": lambda x: x.to(tt.float32).to(tt.float64) * 0 + x * x,
    "round": lambda x: (x * 3).round() * x + x.floor() + x.ceil() + x.sign(),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_functions_of_one_number_have_the_slopes_of_small_steps(name):
    expect_gradients(ELEMENTWISE[name], random(2, 2))


PAIRWISE = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: (a - b) * a,
    "mul": lambda a, b: a * b,
    "remainder": lambda a, b: a % (b * b + 1),
    "pow": lambda a, b: (a * a + 0.5) ** b,
    "maximum": lambda a, b: tt.maximum(a, b) * a,
    "minimum": lambda a, b: tt.minimum(a, b) * b,
    "where": lambda a, b: tt.where(a > 0, a * b, b),
    "setitem": lambda a, b: written(a * b, b),
    "float32 beside": lambda a, b: a * b.to(tt.float32).to(tt.float64) * 0 + a * b,
}


def written(a, b):
    """Return a with a part of b written into it, and a constant."""
    a[:, 1] = b[:1]
    a[0, [0, 2]] = 7.0
    return a


@pytest.mark.parametrize("name", PAIRWISE)
def test_functions_of_two_numbers_have_the_slopes_of_small_steps(name):
    expect_gradients(PAIRWISE[name], random(2, 3), random(3, seed=1))


OTHERS = {
    "sum": lambda x: x.sum(1) ** 2,
    "sum, dims kept": lambda x: x.sum((0, 2), keepdim=True) * x,
    "mean": lambda x: x.mean() * x,
    "variance": lambda x: x.var(2),
    "amax": lambda x: x.amax(1) ** 2,
    "amin, dims kept": lambda x: x.amin((0, 1), keepdim=True) * x,
    "prod": lambda x: x.prod(2),
    "prod, dims kept": lambda x: x.prod(1, keepdim=True) * x,
    "cumsum": lambda x: x.cumsum(1) ** 2,
    "reshape": lambda x: x.reshape(4, 2) ** 2,
    "permute": lambda x: x.permute(2, 0, 1) ** 2,
    "expand": lambda x: x.expand(3, 2, 2, 2) ** 2,
    "slices": lambda x: x[:, 1:] ** 2,
    "cat": lambda x: tt.cat([x, x[:1] * x[:1], x], 0) ** 2,
    "stack": lambda x: tt.stack([x, x * x], -1),
    "softmax": lambda x: tt.softmax(x, 1),
    "matmul": lambda x: x @ x[0],
    "turned matmul": lambda x: x[0] @ x[1].T,
}


@pytest.mark.parametrize("name", OTHERS)
def test_reductions_and_moves_have_the_slopes_of_small_steps(name):
    expect_gradients(OTHERS[name], random(2, 2, 2))


WINDOWS = {
    "plain": {},
    "stride and padding": {"stride": (2, 1), "padding": (1, 0)},
    "dilation": {"dilation": (2, 1)},
    "wide dilation": {"dilation": (3, 2)},
    "groups": {"groups": 2, "padding": (0, 1)},
}


@pytest.mark.parametrize("name", WINDOWS)
def test_convolutions_and_their_gradients_are_transposes(name):
    options = WINDOWS[name]
    groups = options.get("groups", 1)
    arrays = [random(2, 2, 5, 4), random(4, 2 // groups, 2, 2, seed=1), random(4, seed=2)]
    leaves, found = first_gradients(lambda *x: tt.conv2d(*x, **options), arrays, create_graph=True)
    output = tt.conv2d(*map(tt.tensor, arrays), **options)
    bare = tt.conv2d(*map(tt.tensor, arrays[:2]), **options)
    weights = weighted(output)
    total = float((bare * weights).sum())
    for place in (0, 1):
        mine = float((found[place] * leaves[place]).sum())
        expect(mine, total, because="a convolution is linear in each", within=1e-9)
    expect(found[2], weights.sum((0, 2, 3)), because="a bias is everywhere", within=1e-12)
    slope = (found[0] * weighted(found[0])).sum() + (found[1] * weighted(found[1])).sum()
    again = tt.autograd.grad(slope, leaves[:2])
    mixed = tt.conv2d(weighted(found[0]), tt.tensor(arrays[1]), **options)
    wanted = float((mixed * weights).sum())
    moved = tt.conv2d(tt.tensor(arrays[0]), weighted(found[1]), **options)
    expect(float((again[1] * leaves[1]).sum()), wanted, because="second gradients", within=1e-9)
    both = float((moved * weights).sum())
    expect(float((again[0] * leaves[0]).sum()), both, because="second gradients", within=1e-9)


def test_windows_of_any_form_are_gone_back_through_block_by_block():
    options = {"stride": (2, 1), "dilation": (2, 3), "padding": (1, 2), "groups": 2}
    arrays = [random(1, 16, 80, 60), random(4, 8, 3, 2, seed=1)]
    _, found = first_gradients(lambda *x: tt.conv2d(*x, **options), arrays)
    output = tt.conv2d(*map(tt.tensor, arrays), **options)
    total = float((output * weighted(output)).sum())
    for gradient, array in zip(found, arrays, strict=True):
        mine = float((gradient.numpy() * array).sum())
        expect(mine, total, because="a convolution is linear in each", within=1e-7)


def test_convolutions_have_the_slopes_of_small_steps():
    expect_gradients(
        lambda x, w, b: tt.conv2d(x, w, b, padding=1, stride=2),
        random(1, 1, 3, 3), random(2, 1, 2, 2, seed=1), random(2, seed=2), second=False,
    )  # fmt: skip


@pytest.mark.parametrize("stride", [1, 2])
def test_large_images_are_convolved_block_by_block(stride):
    arrays = [random(2, 16, 64, 40), random(3, 16, 3, 3, seed=1)]
    _, found = first_gradients(lambda *x: tt.conv2d(*x, stride=(stride, 1)), arrays)
    output = tt.conv2d(*map(tt.tensor, arrays), stride=(stride, 1))
    weights = weighted(output).numpy()
    wanted = np.zeros_like(arrays[0])
    for i, j in product(range(3), range(3)):
        place = (..., slice(i, i + 62, stride), slice(j, j + 38))
        wanted[place] += np.einsum("nfhw,fc->nchw", weights, arrays[1][:, :, i, j])
        seen = np.einsum("nfhw,nchw->fc", weights, arrays[0][place])
        expect(found[1].numpy()[:, :, i, j], seen, because="each place's sum", within=1e-8)
    expect(found[0], tt.tensor(wanted), because="each window's part, where it lay", within=1e-9)


POOLS = {
    "max": lambda x: tt.max_pool2d(x, 2),
    "max, overlapping": lambda x: tt.max_pool2d(x, (2, 3), (1, 2), (1, 1)),
    "max, dilated": lambda x: tt.max_pool2d(x, (2, 3), 1, (1, 1), (3, 2)),
    "mean": lambda x: tt.avg_pool2d(x, 2),
    "mean, overlapping": lambda x: tt.avg_pool2d(x, (3, 2), (1, 2), 1),
    "mean inside": lambda x: tt.avg_pool2d(x, 2, 2, 1, count_include_pad=False),
    "zeros": lambda x: tt.pad2d(x, (1, 2)),
    "reflect": lambda x: tt.pad2d(x, (1, 2), "reflect"),
    "replicate": lambda x: tt.pad2d(x, (2, 1), "replicate"),
    "replicate, wide": lambda x: tt.pad2d(x, (3, 2), "replicate"),
    "circular": lambda x: tt.pad2d(x, (2, 1), "circular"),
}


@pytest.mark.parametrize("name", POOLS)
def test_pooling_and_padding_have_the_slopes_of_small_steps(name):
    expect_gradients(POOLS[name], random(1, 2, 3, 4), second=False)
    x = leaf(random(2, 1, 3, 4))
    (first,) = tt.autograd.grad((POOLS[name](x) ** 2).sum(), x, create_graph=True)
    (second,) = tt.autograd.grad((first * x).sum(), x)
    expect(second, first * 2, because="of a square, slopes grow in proportion", within=1e-9)


def test_a_window_with_nan_or_equal_numbers_sends_its_gradient_to_the_first():
    nan = np.nan
    for numbers, winner in (([1, 1, 0, 1], 0), ([0, nan, 5, 1], 1), ([9, nan, nan, 9], 1)):
        x = leaf(np.array(numbers).reshape(1, 1, 2, 2))
        tt.max_pool2d(x, 2).sum().backward()
        expect(x.grad.flatten().argmax().item(), winner, because=f"of {numbers}")
        expect(x.grad.sum().item(), 1.0, because="all of it, once")


def test_layer_norm_has_the_slopes_of_small_steps():
    def norm(x, weight, bias):
        return tt.layer_norm(x, (3,), weight, bias, 0.1)

    expect_gradients(norm, random(2, 3), random(3, seed=1), random(3, seed=2))


def test_embeddings_sum_over_the_uses_of_a_name():
    indices = tt.tensor([[0, 2], [2, 2]])
    expect_gradients(lambda weight: tt.embedding(indices, weight) ** 2, random(4, 3))
    weight = leaf(random(4, 2))
    tt.embedding(tt.tensor(np.zeros((0, 2), np.int64)), weight).sum().backward()
    expect(weight.grad, tt.tensor(np.zeros((4, 2))), because="nobody was named")


# Ties, zeros, and what has no slope


def gradient_of(function, numbers):
    x = leaf(np.array(numbers, np.float64))
    function(x).sum().backward()
    return x.grad.tolist()


def test_ties_share_a_gradient_and_a_bound_takes_none():
    ties = tt.tensor([1.0, 1.0], tt.float64)
    for function in (tt.maximum, tt.minimum):
        found = gradient_of(lambda x: function(x, ties), [1.0, 1.0])  # noqa: B023
        expect(found, [0.5, 0.5], because="half for each")
        found = gradient_of(lambda x: function(ties, x), [1.0, 1.0])  # noqa: B023
        expect(found, [0.5, 0.5], because="on either side")
    bounded = gradient_of(lambda x: x.clamp(0.0, 1.0), [-1.0, 0.0, 0.5, 1.0, 2.0])
    expect(bounded, [0.0, 1.0, 1.0, 1.0, 0.0], because="a bound is a number and has no share")
    for extreme in ("amax", "amin"):
        found = gradient_of(lambda x: getattr(x, extreme)(), [3.0, 3.0, 3.0, 3.0])  # noqa: B023
        expect(found, [0.25] * 4, because="equal ones share")


def test_ties_are_shared_within_what_was_reduced():
    for extreme, sign in (("amax", 1.0), ("amin", -1.0)):
        numbers = (np.array([[3.0, 3.0, 1.0], [1.0, 2.0, 0.0]]) * sign).tolist()
        found = gradient_of(lambda x: getattr(x, extreme)(1), numbers)  # noqa: B023
        expect(
            found, [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]], because="two share one row, not the other"
        )


def test_kinks_and_zeros_have_the_slopes_that_pytorch_gives_them():
    expect(gradient_of(abs, [0.0, -2.0]), [0.0, -1.0], because="no sign at 0")
    expect(gradient_of(tt.relu, [0.0, 1.0]), [0.0, 1.0], because="0 at 0")
    expect(gradient_of(lambda x: tt.leaky_relu(x, 0.5), [0.0]), [0.5], because="the slope below")
    expect(gradient_of(lambda x: x**0, [0.0, 2.0]), [0.0, 0.0], because="constant")
    expect(gradient_of(lambda x: x**2, [0.0, 2.0]), [0.0, 4.0], because="2 x")
    zero = tt.tensor([0.0], tt.float64)
    expect(gradient_of(lambda x: x**zero, [0.0]), [0.0], because="constant, not 0 * inf")
    expect(gradient_of(lambda b: zero**b, [0.0, 2.0]), [0.0, 0.0], because="0 to any power")
    expect(gradient_of(lambda b: 0.0**b, [0.0, 2.0]), [0.0, 0.0], because="0 to any power")
    whole = gradient_of(lambda x: x.sign() + x.floor() + x.ceil() + x.round(), [0.5, 2.0])
    expect(whole, [0.0, 0.0], because="flat, but for jumps")


def test_powers_have_slopes_at_zero_and_below_it():
    zeros, exponents = np.zeros(3), tt.tensor([2.0, 1.0, -1.0], tt.float64)
    found = gradient_of(lambda x: x**exponents, zeros)
    expect(found, [0.0, 1.0, -math.inf], because="b * 0 ** (b - 1)")
    bases = (0.5, -1.0, -0.5, 0.0)
    for make in (lambda a: tt.tensor(a, tt.float64), float):
        halves = [gradient_of(lambda b: make(a) ** b, [2.0])[0] for a in bases]  # noqa: B023
        expect(halves[0], 0.25 * math.log(0.5), because="a^b * log(a)", within=1e-12)
        expect(list(map(math.isnan, halves[1:3])), [True, True], because="no logarithm below 0")
        expect(halves[3], 0.0, because="0 squared is 0, and so is 0 to a power near 2")
        steep = gradient_of(lambda b: make(0.0) ** b, [-0.5])  # noqa: B023
        expect(steep, [-math.inf], because="0 ** -0.5 is infinite, and grows beyond limits")


def test_what_is_masked_is_zero_and_what_is_not_keeps_every_bit():
    numbers = np.array([math.inf, math.nan, -0.0, 1e-310, -3.5, math.inf])
    condition = np.array([False, False, True, True, True, True])
    for dtype in (tt.float16, tt.float32, tt.float64):
        x = tt.tensor(numbers.astype(dtype))
        found = tt.apply("mask", x, condition=condition)
        wanted = np.array([0.0, 0.0, *numbers[2:]]).astype(dtype)
        expect(found.numpy().tobytes(), wanted.tobytes(), because=f"the numbers of {dtype}")
    stretched = tt.tensor([[1.0], [2.0]]).expand(2, 3)
    found = tt.apply("mask", stretched, condition=np.array([True, False, True]))
    wanted = tt.tensor([[1.0, 0.0, 1.0], [2.0, 0.0, 2.0]])
    expect(found, wanted, because="shapes broadcast, in any layout")
    single = tt.apply("mask", tt.tensor(5.0), condition=np.array(False))
    expect([single.shape, single.item()], [(), 0.0], because="one number stays one")
    x = leaf([-1.0, 2.0])
    tt.relu(x).backward(tt.tensor([math.inf, math.inf], tt.float64))
    expect(x.grad.tolist(), [0.0, math.inf], because="nothing comes back below 0, however large")
    expect_gradients(lambda x: tt.apply("mask", x * x, condition=condition[1:4]), random(3))


def test_products_with_zeros_leave_each_element_the_product_of_the_others():
    expect(gradient_of(lambda x: x.prod(), [2.0, 0.0, 3.0]), [0.0, 6.0, 0.0], because="one zero")
    expect(gradient_of(lambda x: x.prod(), [2.0, 0.0, 0.0]), [0.0, 0.0, 0.0], because="two zeros")
    expect(gradient_of(lambda x: x.prod(), [0.0, 0.0]), [0.0, 0.0], because="nothing else")
    expect(gradient_of(lambda x: x.prod(), [0.0, -1.0]), [-1.0, 0.0], because="one, and a negative")
    found = gradient_of(lambda x: x.prod(0), [[2.0, 0.0], [5.0, 4.0]])
    expect(found, [[5.0, 4.0], [2.0, 0.0]], because="each column by itself")
    found = gradient_of(lambda x: x.prod(), [[2.0, 0.0], [5.0, 4.0]])
    expect(found, [[0.0, 40.0], [0.0, 0.0]], because="over all dims")


# Dtypes and layouts


def test_gradients_have_the_dtype_of_their_tensor():
    a, b = tt.ones(3).requires_grad_(), leaf(random(3))
    (a * b).sum().backward()
    expect([a.grad.dtype, b.grad.dtype], [tt.float32, tt.float64], because="each its own")
    (a * tt.tensor([1, 2, 3])).sum().backward()
    expect(a.grad.dtype, tt.float32, because="beside integers, too")
    wide, narrow = a * b, b.to(tt.float32)
    found = tt.autograd.grad(wide.sum(), a) + tt.autograd.grad(narrow.sum(), b)
    expect([one.dtype for one in found], [tt.float32, tt.float64], because="whatever came of it")
    expect(a.to(tt.bool_).requires_grad, False, because="a bool is no number")


def test_a_list_or_an_array_beside_a_tensor_is_a_constant():
    x = leaf([1.0, 2.0, 3.0])
    (x * [1.0, 2.0, 3.0] + np.ones(3) * x + x / np.float64(2.0)).sum().backward()
    expect(x.grad.tolist(), [2.5, 3.5, 4.5], because="1.5 more than the list")
    (gradient,) = tt.autograd.grad(np.array([[1.0, 2.0, 3.0]]) @ x, x)
    expect(gradient.tolist(), [1.0, 2.0, 3.0], because="in a product of matrices, too")


def test_the_gradient_of_a_weight_lies_in_memory_as_the_weight():
    for rows, columns in ((4, 3), (3, 4)):
        weight = leaf(random(rows, columns))
        (gradient,) = tt.autograd.grad((tt.tensor(random(2, columns)) @ weight.T).sum(), weight)
        expect(gradient.is_contiguous(), True, because="an optimizer walks along both")
        (gradient,) = tt.autograd.grad((tt.tensor(random(2, rows)) @ weight).sum(), weight)
        expect(gradient.is_contiguous(), True, because="and where nothing was turned")
        stack = leaf(random(2, rows, columns))
        product = tt.tensor(random(2, 5, columns)) @ stack.transpose(1, 2)
        (gradient,) = tt.autograd.grad(product.sum(), stack)
        expect(gradient.is_contiguous(), True, because="a stack of matrices, too")


def test_a_leaf_may_be_any_layout_and_its_grad_is_its_own():
    x = tt.tensor(random(3, 2)).T.requires_grad_()
    x.sum().backward()
    expect(x.grad, tt.tensor(np.ones((2, 3))), because="one for each element")
    x.grad[0, 0] = 5.0
    expect(x.grad[0, 1].item(), 1.0, because="a copy: an expanded one could not be written to")


# The tape


def test_the_tape_listens_only_while_there_is_a_leaf():
    gc.collect()
    from tinytorch.autograd import tape, writing

    before = tape.is_listening()
    x = leaf([1.0])
    memory = x.numpy()
    y = x * 2
    expect(tape.is_listening(), True, because="there is one")
    del x
    expect((y * 2).requires_grad, True, because="y still leads to it")
    y.sum().backward()
    expect(id(memory) in writing.leaves, True, because="its memory is watched")
    del y
    expect(id(memory) in writing.leaves, False, because="and no longer when it is gone")
    expect(tape.is_listening(), before, because="the last one is gone")


def test_a_parameter_may_change_its_dtype():
    layer = tt.Dense(2, 1)
    layer.weight.requires_grad_()
    layer.to(tt.float64)
    layer(tt.tensor(random(3, 2))).sum().backward()
    expect(layer.weight.grad.dtype, tt.float64, because="the gradient is the tensor's as it is")


def test_a_copied_model_has_leaves_of_its_own():
    layer = tt.Dense(2, 1)
    layer.weight.requires_grad_()
    layer(tt.ones(1, 2)).sum().backward()
    copied = copy.deepcopy(layer)
    copied(tt.ones(1, 2)).sum().backward()
    expect(copied.weight.grad.tolist(), [[2.0, 2.0]], because="copied with its gradient, and more")
    expect(layer.weight.grad.tolist(), [[1.0, 1.0]], because="the first one's is as it was")
    expect(copied.bias.requires_grad, False, because="a constant stays one")
    expect(copied.weight.shares_memory(layer.weight), False, because="memory of its own")
    expect_error(
        lambda: copy.deepcopy(layer.weight * 2), RuntimeError, "detach", because="it has a graph"
    )


def test_a_tensor_from_a_file_is_a_constant():
    x = leaf([1.0, 2.0])
    for tensor in (x, x * 1):
        loaded = pickle.loads(pickle.dumps(tensor))
        expect(loaded.tolist(), [1.0, 2.0], because="its numbers")
        expect(loaded.requires_grad, False, because="a graph does not leave its process")


def test_requiring_can_be_taken_back():
    x = leaf([1.0])
    x.requires_grad = False
    expect([x.requires_grad, (x * 2).requires_grad], [False, False], because="a constant again")
    x.requires_grad = True
    expect([x.requires_grad, x.is_leaf, x.grad_fn], [True, True, None], because="a leaf again")
    expect_error(
        lambda: (x * 2).requires_grad_(False), RuntimeError, "detach", because="it was computed"
    )
    y = (x * 2).requires_grad_()
    expect(y.is_leaf, False, because="what requires one already stays what it is")


def test_an_optimizer_writes_to_all_parameters_and_to_no_gradient():
    for optimizer in (tt.SGD, tt.Adam, tt.RMSprop):
        weights = [leaf([1.0]), leaf([2.0]), leaf([3.0, 4.0])]
        moves = [leaf([1.0]), leaf([1.0]), leaf([1.0, 1.0])]
        of_weights = [(one * one).sum() for one in weights]
        of_moves = [(one * one).sum() for one in moves]
        optimizer(weights, lr=0.5).step(moves)
        for kept in of_weights:
            expect_error(kept.backward, RuntimeError, "changed in place",
                         because="one pass through the door moved them all")  # fmt: skip
        for kept, move in zip(of_moves, moves, strict=True):
            kept.backward()
            expect(move.grad, 2 * move.detach(), because="a step leaves gradients as they are")


def test_optimizers_move_leaves_while_the_tape_records():
    for optimizer in (tt.SGD, tt.Adam):
        x = leaf([1.0])
        optimizer([x], lr=0.5).step([tt.ones_like(x)])
        expect(round(x.item(), 6), 0.5, because="that is what an optimizer is for")
        expect(x.is_leaf, True, because="it stays what it was")
        with tt.no_grad():
            y = leaf([1.0]) * 2
        optimizer([y], lr=0.5).step([tt.ones_like(y)])
        expect(y.requires_grad, False, because="a step is not recorded")


def test_leaves_may_share_memory_with_others():
    memory = tt.tensor(np.zeros(4))
    first, last = memory[:2].requires_grad_(), memory[2:].requires_grad_()
    others = memory[:2], memory[2:]
    for one in others:
        expect_error(
            lambda: one.__setitem__(0, 1.0),  # noqa: B023
            RuntimeError,
            "(2,)",
            because="there is a leaf in this memory",
        )
    del first
    others[0][1] = 7.0
    expect(memory[1].item(), 7.0, because="the first one is gone, its part is free")
    expect_error(lambda: others[1].__setitem__(0, 1.0), RuntimeError, because="the other is not")
    del last
    others[1][1] = 7.0
    expect(memory[3].item(), 7.0, because="now it is")


def test_a_leaf_that_changed_its_dtype_is_not_written_to_either():
    layer = tt.Dense(2, 1)
    layer.weight.requires_grad_()
    layer.to(tt.float64)
    expect_error(
        lambda: layer.weight.__setitem__((0, 0), 1.0), RuntimeError, "(1, 2)", because="a leaf"
    )


def test_a_gradient_that_is_set_has_to_fit():
    x = leaf([1.0, 2.0])
    x.grad = tt.tensor(np.array([1.0, 2.0]))
    (x * 3).sum().backward()
    expect(x.grad.tolist(), [4.0, 5.0], because="added to what was set")
    for wrong in (tt.ones(3), tt.ones(2)):
        expect_error(
            lambda wrong=wrong: setattr(x, "grad", wrong),
            ValueError,
            "(2,)",
            because="shape, dtype",
        )
    expect_error(
        lambda: setattr(x, "grad", 1.0), TypeError, "tensor or None", "float", because="a number"
    )
    x.grad = None
    expect(x.grad, None, because="nothing has come back")


def test_a_middle_result_can_keep_its_gradient():
    x = leaf([1.0, 2.0])
    y = x * 3
    y.retain_grad()
    for _ in range(2):
        (y * y).sum().backward(retain_graph=True)
    expect(y.grad.tolist(), [12.0, 24.0], because="2 y, twice")
    x.retain_grad()
    expect(x.grad.tolist(), [36.0, 72.0], because="a leaf does so anyway")


def test_hooks_are_called_in_order_and_have_to_keep_the_shape():
    x = leaf([1.0])
    x.register_hook(lambda gradient: gradient + 1)
    x.register_hook(lambda gradient: None)  # only looks
    x.register_hook(lambda gradient: gradient * 10)
    (x * 2).sum().backward()
    expect(x.grad.tolist(), [30.0], because="(2 + 1) * 10")
    y = x * 1
    first = y.register_hook(lambda gradient: gradient + 1)
    second = y.register_hook(lambda gradient: gradient * 10)
    first.close()
    expect(tt.autograd.grad(y, y)[0].tolist(), [10.0], because="the second is still there")
    second.close()
    expect(tt.autograd.grad(y, y)[0].tolist(), [1.0], because="now there is none")
    handle = (x * 1).register_hook(print)
    expect(handle.close(), None, because="the tensor is gone, and its hooks with it")
    y.register_hook(lambda gradient: tt.ones(0))
    expect_error(y.sum().backward, ValueError, "(0,)", "(1,)", because="another shape")
    y = x * 1
    y.register_hook(lambda gradient: tt.ones(2))
    expect_error(y.sum().backward, ValueError, "(2,)", "(1,)", because="another shape")
    expect_error(
        lambda: tt.ones(1).register_hook(print), RuntimeError, "none", because="a constant"
    )
    y = x * 1
    y.register_hook(lambda gradient: 2.0)
    expect_error(y.sum().backward, TypeError, "hook", "float", because="a number has no shape")


def test_starts_and_ends_are_checked():
    x = leaf([1.0])
    y = (x * 2).sum()
    starts = [None, tt.tensor(10.0), leaf([1.0]).detach()]
    found = tt.autograd.grad([y, y, x * 3], [x], starts)
    plain, *_ = tt.autograd.grad((x * x).sum(), x)
    expect(plain.requires_grad, False, because="not recorded unless create_graph says so")
    expect(found[0].tolist(), [25.0], because="2 + 20 + 3: gradients of the sum of all outputs")
    for starts, count in (([None, None], "2"), ([], "0")):
        expect_error(
            lambda: tt.autograd.grad([x * 2], [x], starts),  # noqa: B023
            ValueError,
            f"1 outputs need as many gradients, not {count}",
            because="each output has a gradient of its own",
        )
    empty = tt.tensor(np.zeros(0)).requires_grad_()
    expect_error((empty * 2).backward, ValueError, "(0,)", because="no number is not one number")
    expect_error(
        lambda: (leaf([1.0, 2.0]) * 2).backward(tt.ones(1)), ValueError, "(1,)", because="shape"
    )
    expect_error(lambda: (x * 2).backward(1.0), TypeError, "tensor", "float", because="a number")
    unused = [leaf(random(2)), leaf(random(3))]
    expect_error(
        lambda: tt.autograd.grad((x * 2).sum(), unused), RuntimeError, "(2,)", because="the first"
    )
    expect_error(
        lambda: tt.autograd.grad(x * 2, tt.ones(1)), RuntimeError, "requires", because="constant"
    )


def test_rules_are_checked_when_they_are_registered():
    expect_error(
        lambda: tt.register_rule("wrong_test", lambda gradient, weight: gradient),
        TypeError,
        "weight",
        "wrong_test",
        because="nothing of that name could be kept",
    )
    expect_error(
        lambda: tt.register_rule("wrong_test", lambda gradient, **options: gradient),
        TypeError,
        "'options'",
        because="an option is kept by its own name",
    )
    tt.register_kernel("scaled_test", lambda array, *, factor: array * factor)
    tt.register_rule("scaled_test", lambda gradient, *, factor: gradient * factor)
    x = leaf([1.0])
    tt.apply("scaled_test", x, factor=4.0).sum().backward()
    expect(x.grad.tolist(), [4.0], because="a rule gets the options it names")
    tt.autograd.register_not_differentiable("scaled_test")
    constant = tt.apply("scaled_test", x, factor=4.0)
    expect(constant.requires_grad, False, because="no gradient flows through it any more")


def test_inputs_without_a_rule_get_no_gradient():
    tt.register_kernel("picked_test", lambda a, b: a + 0 * b)
    tt.register_rule("picked_test", lambda gradient: gradient)
    x, y = leaf([1.0]), leaf([2.0])
    tt.apply("picked_test", x, y).sum().backward()
    expect([x.grad.tolist(), y.grad], [[1.0], None], because="one rule, for the first input")


# Memory that several tensors share


def test_a_write_that_others_do_not_know_of_is_refused_where_it_would_be_lost():
    x = leaf([1.0, 2.0])
    memory = tt.tensor(np.zeros(4))
    view = memory[:2]
    view[...] = x * 2
    expect((view * 1).sum().requires_grad, True, because="the one that was written to knows")
    for use in (lambda: memory.sum(), lambda: memory[2:] * x):
        expect_error(use, RuntimeError, "(4,)", "detach", because="the gradient would be lost")
    expect(memory.detach().sum().item(), 6.0, because="as a constant, it may be read")
    y = x * 1
    old = y[:1]
    y[...] = x * 5
    expect_error(lambda: old * 2, RuntimeError, "view", because="it shows what y was made into")
    expect((y[:1] * 2).item(), 10.0, because="a view made afterwards is right")


def test_what_is_written_without_recording_is_simply_there():
    x = leaf([1.0, 2.0])
    buffer = tt.tensor(np.zeros(2))
    buffer[0] = x[0]  # from here on, memory is watched
    y = x * 2
    view = y[:1]
    with tt.no_grad():
        y[0] = 5.0
        view[0] = 7.0
    (view * 3 + buffer).sum().backward()
    expect(x.grad.tolist(), [13.0, 0.0], because="2 * 3 for each of two, and 1: as recorded")


def test_a_stale_view_is_not_written_to():
    x = leaf([1.0, 2.0])
    y = x * 1
    old = y[:1]
    y[...] = x * 5
    expect_error(lambda: old.__setitem__(0, 3.0), RuntimeError, "view", because="it is not x's")
    with tt.no_grad():
        old[0] = 3.0
    expect(y[0].item(), 3.0, because="without recording it is a write like any other")
    expect_error(lambda: old * 2, RuntimeError, "view", because="that made it no less stale")


def test_memory_that_is_gone_is_no_longer_watched():
    gc.collect()
    from tinytorch.autograd.writing import writes

    before = writes.recorded, len(writes.lines)
    x = leaf([1.0, 2.0])
    buffers = [tt.tensor(np.zeros(2)) for _ in range(3)]
    for buffer in buffers:
        for place in (0, 1):
            buffer[place] = x[place]
    buffers[0][0] = 5.0
    found = writes.recorded - before[0], len(writes.lines) - before[1]
    expect(found, (3, 3), because="three lines of memory, however often they were written to")
    del buffers, buffer
    gc.collect()
    expect((writes.recorded, len(writes.lines)), before, because="freed, and forgotten")


def test_buffers_can_be_filled_piece_by_piece():
    x = leaf([1.0, 2.0, 3.0])
    pieces = tt.tensor(np.zeros(3))
    for place in range(3):
        pieces[place] = x[place] * (place + 1)
    pieces.sum().backward()
    expect(x.grad.tolist(), [1.0, 2.0, 3.0], because="each piece has come from its own place")


def test_a_value_may_be_written_to_more_or_fewer_places():
    for shape, index in (((1, 2), 0), ((2,), slice(None)), ((), 0), ((3, 1), slice(None))):
        value = leaf(random(*shape))
        target = tt.tensor(np.zeros((3, 2)))
        target[index] = value
        target.sum().backward()
        times = {(1, 2): 1.0, (2,): 3.0, (): 2.0, (3, 1): 2.0}[shape]
        expect(value.grad, tt.full(shape, times, tt.float64), because=f"{shape} at {index}")
    for shape, where in (((1, 1, 3), (3,)), ((2, 3), (4, 2, 3))):
        value = leaf(random(*shape))
        target = tt.tensor(np.zeros(where))
        target[...] = value
        target.sum().backward()
        times = math.prod(where) / math.prod(shape)
        expect(value.grad, tt.full(shape, times, tt.float64), because=f"{shape} fills {where}")


# Checking, drawing, counting


def test_gradcheck_needs_float64_and_checks_every_input_of_it():
    expect_error(lambda: tt.gradcheck(tt.relu, tt.ones(2)), TypeError, "float64", because="eps")
    expect(tt.gradcheck(lambda a, b: a * b, [tt.tensor(random(2)), tt.ones(2)]), True, because="")
    expect(tt.gradcheck(lambda x: (x > 0).to(tt.float64), tt.tensor(random(3))), True, because="")
    expect(tt.autograd.gradgradcheck(lambda x: x**3, tt.tensor(random(3))), True, because="")
    unused = tt.autograd.gradgradcheck(lambda a, b: a * a, [tt.tensor(random(2))] * 2)
    expect(unused, True, because="an input without a part has a gradient of zeros")
    narrow = [tt.tensor(random(2)), tt.ones(2), tt.ones(2) > 0]
    mixed = tt.autograd.gradgradcheck(lambda a, b, c: tt.where(c, a * a * b, a), narrow)
    expect(mixed, True, because="what is not float64 is left as it is")
    steep = tt.autograd.gradgradcheck(lambda x: x**4, tt.tensor(random(3)))
    expect(steep, True, because="steps are small unless told otherwise")
    linear = tt.autograd.gradgradcheck(lambda a, b: a * 2 + b, [tt.tensor(random(2)), tt.ones(2)])
    expect(linear, True, because="no curvature is a curvature of zeros")


def test_gradcheck_names_the_first_element_that_differs():
    tt.register_kernel("odd_test", lambda array: array * array)
    tt.register_rule("odd_test", lambda gradient, a: gradient * a * 2 + gradient * [[0, 0], [3, 4]])
    x = tt.tensor([[1.0, 2.0], [3.0, 4.0]], tt.float64)
    expect_error(
        lambda: tt.gradcheck(lambda a, x: a[0] + tt.apply("odd_test", x), [tt.ones(2), x]),
        AssertionError,
        "element 2",
        "input 1 at (1, 0) is 9 ",
        "find 6",
        "2 of 16",
        because="the output, the input, its element, and both slopes",
    )
    expect_error(
        lambda: tt.gradcheck(lambda x: x.log(), tt.tensor(-1.0, tt.float64)),
        AssertionError,
        "at () is -1 ",
        "find nan",
        because="a single number has no index; and what is no number is never right",
    )
    small = tt.tensor([1.0], tt.float64)
    tt.register_kernel("near_test", lambda array: array * 3)
    tt.register_rule("near_test", lambda gradient: gradient * 3.1)
    function = lambda x: tt.apply("near_test", x)  # noqa: E731
    expect_error(lambda: tt.gradcheck(function, small), AssertionError, because="0.1 is too far")
    expect(tt.gradcheck(function, small, atol=0.2), True, because="unless it may be")
    expect(tt.gradcheck(function, small, rtol=0.1), True, because="either way")


def test_gradgradcheck_finds_a_rule_that_cannot_be_differentiated():
    tt.register_kernel("cube_test", lambda array: array**3)
    tt.register_rule("cube_test", lambda gradient, a: gradient * (a * a).detach() * 3)
    x = tt.tensor(random(2))
    expect(tt.gradcheck(lambda x: tt.apply("cube_test", x), x), True, because="the first is right")
    expect_error(
        lambda: tt.autograd.gradgradcheck(lambda x: tt.apply("cube_test", x), x),
        AssertionError,
        because="the second is not: detach cut the graph",
    )


def test_a_second_gradient_that_is_a_little_wrong_is_found():
    tt.register_kernel("square_test", lambda array: array * array)
    tt.register_rule("square_test", lambda gradient, a: gradient * (a * 2.02 - a.detach() * 0.02))
    x = tt.tensor([1.0, 2.0], tt.float64)
    expect(tt.gradcheck(lambda x: tt.apply("square_test", x), x), True, because="2 a is right")
    expect_error(
        lambda: tt.autograd.gradgradcheck(lambda x: tt.apply("square_test", x), x),
        AssertionError,
        because="2.02 is not the 2 that small steps find",
    )


def test_memory_is_counted_once_and_by_operation():
    x = leaf(random(10))
    y = x.exp()
    z = (y * y + y.sin()).sum()
    expect(tt.autograd.saved_bytes(z), 80, because="three nodes keep y, which is there once")
    table = tt.autograd.saved_table(z)
    rows = dict(zip(table.column("operation"), table.column("bytes"), strict=True))
    expect(rows, {"exp": 80, "sin": 0, "mul": 0, "add": 0, "sum": 0}, because="the oldest has it")
    expect(table.total("nodes"), 5, because="the leaf is no operation")
    kept = {one.operation: one.kept_bytes for one in tt.autograd.graph_of(z)}
    expect([kept["exp"], kept["leaf"]], [80, 0], because="the graph says so, too")
    z.backward()
    expect(tt.autograd.saved_bytes(z), 0, because="backward let go of it")


def test_a_drawing_has_a_box_for_each_node_and_an_edge_for_each_use():
    x, y = leaf([1.0]), leaf([2.0])
    z = ((x + y) * x).sum()
    drawing = tt.draw_graph(z, {"a<b": x})
    counts = [drawing.count(word) for word in ("<rect", "<path", "a&lt;b", ">leaf<")]
    expect(counts, [5, 5, 1, 1], because="5 nodes, 5 uses, one leaf with a name, one without")
    graph = tt.autograd.graph_of(z)
    places = {one.operation: number for number, one in enumerate(graph)}
    expect(graph[places["sum"]].parents, (places["mul"],), because="edges are numbers of nodes")
    expect(len(graph[places["mul"]].parents), 2, because="a sum and x")


def test_a_drawing_is_laid_out_in_rows_below_the_parents():
    x, y, z = leaf([1.0]), leaf([2.0]), leaf([3.0])
    result = ((x + y) * z).sum() * 1.0
    drawing = tt.draw_graph(result, {"x": x, "y": y, "z": z})
    boxes = re.findall(
        r'<rect x="(\d+)" y="(\d+)" width="132" height="44".*?fill="#(\w+)"', drawing
    )
    words = re.findall(r'<text x="(\d+)" y="(\d+)"[^>]*font-weight[^>]*>(\w+)<', drawing)
    shapes = re.findall(r'<text x="(\d+)" y="(\d+)"[^>]*font-size="11"[^>]*>(\([\d,]*\))<', drawing)
    wanted = {
        "x": (28, 28), "y": (188, 28), "z": (348, 28), "add": (28, 100), "mul": (28, 172),
        "sum": (28, 244),
    }  # fmt: skip
    found = {word: (int(x) - 66, int(y) - 19) for x, y, word in words[1:]}
    expect(found, wanted, because="leaves in the first row, each result below what it reads")
    first = (int(words[0][0]) - 66, int(words[0][1]) - 19, words[0][2])
    expect(first, (28, 316, "mul"), because="the result is the last row")
    corners = [(int(x), int(y)) for x, y, _ in boxes]
    expect(corners[1:], list(found.values()), because="each word stands inside of its own box")
    below = [(int(x) - 66, int(y) - 36) for x, y, _ in shapes]
    expect(below, corners, because="and its shape below it")
    texts = [shape for _, _, shape in shapes]
    expect(texts, ["()", "()"] + ["(1,)"] * 5, because="the shape of each result")
    colours = ["leaf" if fill == "fff3d6" else fill for _, _, fill in boxes]
    expect(colours, ["e8f0fe"] * 4 + ["leaf"] * 3, because="leaves look different")
    expect('viewBox="0 0 508 388" width="508"' in drawing, True, because="a margin on all sides")


def test_an_edge_leads_from_a_box_to_the_one_below():
    x, y, z = leaf([1.0]), leaf([2.0]), leaf([3.0])
    drawing = tt.draw_graph(((x + y) * z).sum())
    wanted = [
        "M94 216 C94 230 94 230 94 244",
        "M94 144 C94 158 94 158 94 172",
        "M414 72 C414 122 94 122 94 172",
        "M94 72 C94 86 94 86 94 100",
        "M254 72 C254 86 94 86 94 100",
    ]
    found = re.findall(r'<path d="([^"]*)"', drawing)
    expect(found, wanted, because="from the middle of its lower side to that of the upper side")


def test_an_edge_goes_around_the_boxes_in_its_way_and_two_of_one_parent_stand_side_by_side():
    x = leaf([1.0])
    drawing = tt.draw_graph(x.sin() * x)
    wanted = [
        "M94 144 C94 158 94 158 94 172",
        "M160 50 C188 72 188 172 160 194",
        "M94 72 C94 86 94 86 94 100",
    ]
    found = re.findall(r'<path d="([^"]*)"', drawing)
    expect(found, wanted, because="x stands above sin, and the edge to mul would lie behind it")
    twice = re.findall(r'<path d="([^"]*)"', tt.draw_graph(x + x))
    wanted = ["M86 72 C86 86 86 86 86 100", "M102 72 C102 86 102 86 102 100"]
    expect(twice, wanted, because="both uses of x are to be seen")
    thrice = re.findall(r'<path d="M(\d+)', tt.draw_graph(tt.cat([x, x, x])))
    expect(thrice, ["78", "94", "110"], because="all three, around the middle")
    around = re.findall(r"M160 50 (.*?)\"", tt.draw_graph(tt.cat([x.sin(), x, x])))
    wanted = ["C180 72 180 172 160 194", "C196 72 196 172 160 194"]
    expect(around, wanted, because="one goes around further than the other")


def test_a_table_of_memory_begins_with_what_keeps_most():
    x = leaf(random(10))
    y = (x * 2).exp()
    total = (y[:2] * y[:2].sin()).sum() + (y * y).sum() + (x.cos().cos()).sum()
    table = tt.autograd.saved_table(total)
    kept = table.column("bytes")
    expect(kept == sorted(kept, reverse=True), True, because="the most first")
    expect(kept[:3], [80, 80, 16], because="exp keeps y, cos a cosine, and mul the two sines")
    rows = dict(zip(table.column("operation"), table.column("nodes"), strict=True))
    counts = {name: rows[name] for name in ("cos", "sum", "getitem", "mul", "add")}
    expect(counts, {"cos": 2, "sum": 3, "getitem": 2, "mul": 3, "add": 2}, because="each counted")
    first = tt.autograd.saved_table(x.cos().cos().cos()).rows[0]
    expect(first, ("cos", 3, 160), because="two of three cosines are kept, and x is a leaf")


# Models


def test_every_layer_has_gradients_on_the_tape():
    rng = np.random.default_rng(1)
    models = {
        "mlp": (tt.MLP(6, 5, 3, generator=rng), (4, 6)),
        "cnn": (tt.CNN(1, 3, filters=(2, 3), image_size=8, generator=rng), (2, 1, 8, 8)),
        "encoder": (tt.TransformerEncoder(4, 2, 1, 8, dropout=0.0, generator=rng), (2, 3, 4)),
        "norms": (tt.Sequential(tt.Conv2d(1, 2, 3, generator=rng), tt.BatchNorm2d(2)),
                  (2, 1, 5, 5)),
    }  # fmt: skip
    for name, (model, shape) in models.items():
        model = model.to(tt.float64)
        inputs = tt.tensor(random(*shape))

        def loss(output, target):
            return (output * weighted(output)).sum() + target

        _, gradients = tt.tape_gradients(model, loss, inputs, 0.0)
        for (path, parameter), gradient in zip(model.named_parameters(), gradients, strict=True):
            numbers = parameter.numpy()
            index = np.unravel_index(numbers.size // 2, numbers.shape)
            kept, ends = numbers[index], []
            for step in (1e-6, -1e-6):
                numbers[index] = kept + step
                ends.append(loss(model(inputs), 0.0).item())
            numbers[index] = kept
            wanted = (ends[0] - ends[1]) / 2e-6
            found = float(gradient.numpy()[index])
            expect(found, wanted, because=f"{name}, {path}", within=1e-4 * max(1, abs(wanted)))


def test_the_tape_trains_what_takes_no_part_and_what_is_no_float():
    class Odd(tt.Module):
        def __init__(self):
            self.used = tt.tensor([2.0])
            self.unused = tt.tensor([3.0])
            self.counts = tt.tensor([1, 2])

        def forward(self, x):
            return x * self.used

    model = Odd()
    found = tt.tape_gradients(model, lambda output, target: output.sum(), tt.ones(3), None)
    expect(found[0].item(), 6.0, because="the loss")
    expect([one and one.item() for one in found[1]], [3.0, None, None], because="None for others")
    constant = tt.tape_gradients(model, lambda output, target: tt.ones(1), tt.ones(3), None)
    expect(constant[1], [None, None, None], because="a loss that depends on nothing")
    model.used.requires_grad_()
    tt.tape_gradients(model, lambda output, target: output.sum(), tt.ones(3), None)
    flags = [model.used.requires_grad, model.unused.requires_grad, model.used.grad]
    expect(flags, [True, False, None], because="everything is left as it was")


def test_every_operation_at_the_door_has_a_rule_or_is_said_to_have_none():
    import tinytorch.networks  # noqa: F401  its operations too
    from tinytorch.autograd.rules import NOT_DIFFERENTIABLE, RULES
    from tinytorch.tensors.door import _kernels

    missing = [
        name
        for name in _kernels
        if name not in RULES and name not in NOT_DIFFERENTIABLE and not name.endswith("_test")
    ]
    expect(missing, [], because="register_rule, or say that it has none")
    expect(set(RULES) & NOT_DIFFERENTIABLE, set(), because="one or the other")
