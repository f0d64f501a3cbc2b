"""Wrong answers that learners give in module autograd, the checks that catch them, and why."""

import math
from contextlib import contextmanager

import numpy as np

from tinytorch.autograd.engine import call_hooks, leading_to, let_go, pull_back
from tinytorch.autograd.engine import propagate as go_back
from tinytorch.autograd.engine import topological_order as in_order
from tinytorch.autograd.modes import enable_grad, mode
from tinytorch.autograd.nodes import Node, node_of, set_node
from tinytorch.autograd.rules import kept_for
from tinytorch.autograd.tape import kept_value
from tinytorch.autograd.writing import writes
from tinytorch.course import mistake
from tinytorch.tensors import Tensor, float64

# Step 1: sum_to_shape


@mistake(
    "autograd.sum_to_shape",
    caught_by="test_a_dim_that_was_stretched_is_summed_and_stays",
    says="You summed over the dims that were added in front, but not over those of size 1 that "
    "were stretched. Compare the sizes that are left with those of the shape.",
)
def stretched_dims_forgotten(gradient, shape):
    new = gradient.ndim - len(shape)
    return gradient.sum(tuple(range(new))) if new else gradient


@mistake(
    "autograd.sum_to_shape",
    caught_by="test_a_dim_that_was_stretched_is_summed_and_stays",
    says="You summed a stretched dim away. The tensor has that dim, of size 1, and so has its "
    "gradient: pass keepdim=True.",
)
def stretched_dims_dropped(gradient, shape):
    new = gradient.ndim - len(shape)
    if new:
        gradient = gradient.sum(tuple(range(new)))
    repeated = [dim for dim, size in enumerate(shape) if size != gradient.shape[dim]]
    return gradient.sum(repeated) if repeated else gradient


@mistake(
    "autograd.sum_to_shape",
    caught_by="test_a_dim_that_broadcasting_added_is_summed_away",
    says="You took one of the gradients that belong to an element. It was used in several places, "
    "and all of them count: sum.",
)
def first_place_alone(gradient, shape):
    while gradient.ndim > len(shape):
        gradient = gradient[0]
    repeated = [dim for dim, size in enumerate(shape) if size != gradient.shape[dim]]
    return gradient.sum(repeated, keepdim=True) if repeated else gradient


@mistake(
    "autograd.sum_to_shape",
    caught_by="test_a_bias_gets_the_gradients_of_all_rows",
    says="You took the mean. Each place where the element was used adds its own gradient: sum.",
)
def averaged(gradient, shape):
    new = gradient.ndim - len(shape)
    if new:
        gradient = gradient.mean(tuple(range(new)))
    repeated = [dim for dim, size in enumerate(shape) if size != gradient.shape[dim]]
    return gradient.mean(repeated, keepdim=True) if repeated else gradient


# Step 2: divisor_gradient


@mistake(
    "autograd.divisor_gradient",
    caught_by="test_a_larger_divisor_makes_a_smaller_quotient",
    says="Your sign is wrong. More of the divisor makes the quotient smaller: the slope of a / b "
    "in b is minus a / b^2.",
)
def sign_forgotten(gradient, a, b):
    return gradient * (a / b / b)


@mistake(
    "autograd.divisor_gradient",
    caught_by="test_the_gradient_of_the_quotient_is_multiplied_in",
    says="You returned the division's own slope. The chain rule multiplies it by what came back: "
    "the gradient of the quotient.",
)
def own_slope_alone(gradient, a, b):
    return gradient * 0 - (a / b / b)


@mistake(
    "autograd.divisor_gradient",
    caught_by="test_a_larger_divisor_makes_a_smaller_quotient",
    says="You divided by b once. The slope of 1 / b is minus 1 / b^2: divide twice.",
)
def divided_once(gradient, a, b):
    return -gradient * (a / b)


@mistake(
    "autograd.divisor_gradient",
    caught_by="test_large_divisors_are_not_multiplied_with_themselves",
    says="You squared b, which overflows where the quotient does not. Divide by b twice instead.",
)
def squared(gradient, a, b):
    return -gradient * a / (b * b)


# Step 3: left_gradient


def rows_and_columns(gradient, a_shape, b):
    """Return gradient and b as matrices, for the mistakes that get this right."""
    rows = gradient if b.ndim > 1 else gradient.unsqueeze(-1)
    rows = rows if len(a_shape) > 1 else rows.unsqueeze(-2)
    return rows, b if b.ndim > 1 else b.unsqueeze(-1)


@mistake(
    "autograd.left_gradient",
    caught_by="test_the_gradient_of_a_product_of_matrices_meets_the_other_matrix_turned",
    says="You multiplied by b as it is. Row i of a met column j of b, and now result (i, j) comes "
    "back to row i through that same column: b is turned, with transpose(-1, -2).",
)
def b_not_turned(gradient, a_shape, b):
    rows, columns = rows_and_columns(gradient, a_shape, b)
    flat = columns.reshape(*columns.shape[:-2], columns.shape[-1], columns.shape[-2])
    product = rows @ flat
    return product if len(a_shape) > 1 else product.squeeze(-2)


@mistake(
    "autograd.left_gradient",
    caught_by="test_a_vector_on_either_side_has_a_gradient_of_its_own_shape",
    says="You left the vectors out. One on the left is one row, one on the right is one column: "
    "add the dim before the product, and take it away afterwards.",
)
def vectors_forgotten(gradient, a_shape, b):
    return gradient @ b.transpose(-1, -2)


@mistake(
    "autograd.left_gradient",
    caught_by="test_stacks_of_matrices_stay_apart",
    says="You turned all dims round. Only the last two are the matrix; those before them count "
    "the stack: use transpose(-1, -2), not T.",
)
def whole_stack_turned(gradient, a_shape, b):
    rows, columns = rows_and_columns(gradient, a_shape, b)
    product = rows @ columns.T
    return product if len(a_shape) > 1 else product.squeeze(-2)


@mistake(
    "autograd.left_gradient",
    caught_by="test_a_vector_on_either_side_has_a_gradient_of_its_own_shape",
    says="A vector's gradient came out as a matrix of one row. You added that dim for the product: "
    "squeeze(-2) takes it away again.",
)
def row_left_over(gradient, a_shape, b):
    rows, columns = rows_and_columns(gradient, a_shape, b)
    return rows @ columns.transpose(-1, -2)


# Step 4: put_kernel


@mistake(
    "autograd.put_kernel",
    caught_by="test_a_place_that_was_read_twice_gets_both_gradients",
    says="Where a place is named twice, you kept the last value alone. NumPy writes once for each "
    "place, even with +=. Add them up by the number of their place, with np.bincount.",
)
def last_value_wins(values, *, shape, index):
    result = np.zeros(shape, values.dtype)
    result[index] += values
    return result


@mistake(
    "autograd.put_kernel",
    caught_by="test_the_dtype_of_the_gradient_is_kept",
    says="Your result is float64 where the gradient was float32. np.bincount and np.zeros make "
    "float64: convert to values.dtype.",
)
def dtype_lost(values, *, shape, index):
    places = np.arange(math.prod(shape)).reshape(shape)[index]
    totals = np.bincount(np.ravel(places), values.ravel(), minlength=math.prod(shape))
    return totals.reshape(shape)


@mistake(
    "autograd.put_kernel",
    caught_by="test_a_gradient_is_put_where_the_index_had_taken_from",
    says="Your result ends at the last place that the index names. It has the whole shape, zeros "
    "included: give np.bincount a minlength.",
)
def cut_off(values, *, shape, index):
    places = np.arange(math.prod(shape)).reshape(shape)[index]
    totals = np.bincount(np.ravel(places), values.ravel()).astype(values.dtype)
    return totals.reshape(shape) if totals.size == math.prod(shape) else totals


@mistake(
    "autograd.put_kernel",
    caught_by="test_a_mask_and_rows_are_indices_too",
    says="You only numbered whole rows, or took the index for one list. An index is a tuple, with "
    "masks, slices and lists in it: let NumPy index the numbers of all places.",
)
def first_list_alone(values, *, shape, index):
    if not any(isinstance(part, list | np.ndarray) for part in index):
        result = np.zeros(shape, values.dtype)
        result[index] = values
        return result
    places = np.ravel(np.arange(math.prod(shape))[np.asarray(index[0]).ravel()])
    totals = np.bincount(places, values.ravel()[: places.size], minlength=math.prod(shape))
    return totals.reshape(shape).astype(values.dtype)


# Step 5: log_softmax_gradient


@mistake(
    "autograd.log_softmax_gradient",
    caught_by="test_a_score_takes_from_all_shares_of_its_line",
    says="You passed the gradient on as it is. Raising one score also lowers all results of its "
    "line, by its share: take share times the line's total away.",
)
def others_forgotten(gradient, output, *, dim):
    return gradient


@mistake(
    "autograd.log_softmax_gradient",
    caught_by="test_shares_weigh_what_is_taken_away",
    says="You took away each score's own gradient times its share. It is the whole line's total "
    "that counts: gradient.sum(dim, keepdim=True).",
)
def own_gradient_alone(gradient, output, *, dim):
    return gradient - output.exp() * gradient


@mistake(
    "autograd.log_softmax_gradient",
    caught_by="test_a_score_takes_from_all_shares_of_its_line",
    says="You multiplied by the output, which is the logarithm of the share. The share is its "
    "exponential.",
)
def logarithm_for_the_share(gradient, output, *, dim):
    return gradient - output * gradient.sum(dim, keepdim=True)


@mistake(
    "autograd.log_softmax_gradient",
    caught_by="test_shares_weigh_what_is_taken_away",
    says="You took the shares away as they are. What is taken away is the share of the line's "
    "total: output.exp() * gradient.sum(dim, keepdim=True).",
)
def total_forgotten(gradient, output, *, dim):
    return gradient - output.exp()


@mistake(
    "autograd.log_softmax_gradient",
    caught_by="test_shares_weigh_what_is_taken_away",
    says="Your totals lost their dim, so they met other lines than their own. Sum with "
    "keepdim=True.",
)
def dim_dropped(gradient, output, *, dim):
    return gradient - output.exp() * gradient.sum(dim)


@mistake(
    "autograd.log_softmax_gradient",
    caught_by="test_lines_lie_along_the_dim",
    says="You summed along the last dim. A line lies along the dim that is given.",
)
def last_dim_always(gradient, output, *, dim):
    return gradient - output.exp() * gradient.sum(-1, keepdim=True)


@mistake(
    "autograd.log_softmax_gradient",
    caught_by="test_a_score_takes_from_all_shares_of_its_line",
    says="This is the rule of the softmax. The logarithm was taken already, so nothing is left to "
    "multiply by: only the share of the line's total is taken away.",
)
def rule_of_the_softmax(gradient, output, *, dim):
    shares = output.exp()
    return (gradient - (gradient * shares).sum(dim, keepdim=True)) * shares


# Step 6: record


def parents_of(inputs):
    """Return the nodes of the inputs, for the mistakes that get this right."""
    return [node_of(one) if isinstance(one, Tensor) else None for one in inputs]


def noted(operation, parents, inputs, options, output):
    """Return a node that keeps what its parents' rules need."""
    array = output.array
    made = Node(operation, tuple(parents), options or None, array.shape, array.dtype)
    wanted = sum(1 << place for place, one in enumerate(parents) if one is not None)
    made.codes = kept_for(operation, wanted)
    made.kept = tuple([kept_value(code, inputs, output) for code in made.codes])
    return made


@mistake(
    "autograd.record",
    caught_by="test_what_needs_no_gradient_has_no_node",
    says="You left out inputs without a node, so the others moved up. A rule is found by the place "
    "of its input: keep None there.",
)
def parents_moved_up(operation, inputs, options, output):
    parents = parents_of(inputs)
    made = noted(operation, parents, inputs, options, output)
    made.parents = tuple(one for one in parents if one is not None)
    set_node(output, made)


@mistake(
    "autograd.record",
    caught_by="test_only_what_the_rules_need_is_kept",
    says="You kept every input and the output. Memory is what training runs out of: kept_for says "
    "what the rules will read.",
)
def everything_kept(operation, inputs, options, output):
    made = noted(operation, parents_of(inputs), inputs, options, output)
    made.codes = tuple(range(len(inputs)))
    made.kept = tuple([kept_value(code, inputs, output) for code in made.codes])
    set_node(output, made)


@mistake(
    "autograd.record",
    caught_by="test_a_graph_is_free_as_soon_as_its_result_is_gone",
    says="Your node leads to its own result, and the result leads to the node: neither is ever "
    "free by itself. Keep arrays, by kept_value, and not the tensors.",
)
def result_held(operation, inputs, options, output):
    made = noted(operation, parents_of(inputs), inputs, options, output)
    made.options = {**(options or {}), "result": output}
    set_node(output, made)


@mistake(
    "autograd.record",
    caught_by="test_options_are_remembered",
    says="You forgot the options. A sum's rule has to know along which dims it was taken: give "
    "them to the node.",
)
def options_forgotten(operation, inputs, options, output):
    set_node(output, noted(operation, parents_of(inputs), inputs, {"keepdim": None}, output))


@mistake(
    "autograd.record",
    caught_by="test_a_result_remembers_its_operation_and_its_inputs_in_order",
    says="You made a node and gave it to nobody. The output has to lead to it: "
    "set_node(output, node).",
)
def node_given_to_nobody(operation, inputs, options, output):
    noted(operation, parents_of(inputs), inputs, options, output)


# Step 7: topological_order


@mistake(
    "autograd.topological_order",
    caught_by="test_each_node_comes_once_and_before_its_parents",
    says="You listed nodes as they were found, layer by layer. A node that is also used further "
    "up comes too early then: sort by the number, the newest first.",
)
def as_they_are_found(roots, *, stop=frozenset()):
    found = dict.fromkeys(roots)
    waiting = list(found)
    for node in waiting:
        for parent in () if node in stop else node.parents:
            if parent is not None and parent not in found:
                found[parent] = None
                waiting.append(parent)
    return waiting


@mistake(
    "autograd.topological_order",
    caught_by="test_each_node_comes_once_and_before_its_parents",
    says="A node came as often as it is used. Note which nodes were found already, in a dict or a "
    "set, and pass over those.",
)
def as_often_as_used(roots, *, stop=frozenset()):
    waiting = list(roots)
    for node in waiting:
        if len(waiting) < 10_000:
            parents = () if node in stop else node.parents
            waiting += [parent for parent in parents if parent is not None]
    return sorted(waiting, key=lambda node: -node.number)


@mistake(
    "autograd.topological_order",
    caught_by="test_a_long_chain_does_not_overflow",
    says="Your function calls itself for every parent, and Python allows a thousand of such calls "
    "inside each other. Keep the nodes that are still to be looked at in a list.",
)
def by_calling_itself(roots, *, stop=frozenset()):
    found = {}

    def visit(node):
        if node is None or node in found:
            return
        found[node] = None
        for parent in () if node in stop else node.parents:
            visit(parent)

    for root in roots:
        visit(root)
    return sorted(found, key=lambda node: -node.number)


@mistake(
    "autograd.topological_order",
    caught_by="test_a_long_chain_does_not_overflow",
    says="You look for each node in a list, which takes longer with every node that was found: use "
    "a dict or a set.",
)
def searched_in_a_list(roots, *, stop=frozenset()):
    waiting = []
    for root in roots:
        if root not in waiting:
            waiting.append(root)
    for node in waiting:
        for parent in () if node in stop else node.parents:
            if parent is not None and parent not in waiting:
                waiting.append(parent)
    return sorted(waiting, key=lambda node: -node.number)


@mistake(
    "autograd.topological_order",
    caught_by="test_each_node_comes_once_and_before_its_parents",
    says="Your order is the forward one, with the parents first. Backward begins at the result: "
    "the newest node comes first.",
)
def oldest_first(roots, *, stop=frozenset()):
    return in_order_before_this(roots, stop)[::-1]


def in_order_before_this(roots, stop):
    """Return the right order without the library's function, which this step replaces."""
    found = dict.fromkeys(roots)
    waiting = list(found)
    for node in waiting:
        for parent in () if node in stop else node.parents:
            if parent is not None and parent not in found:
                found[parent] = None
                waiting.append(parent)
    return sorted(waiting, key=lambda node: -node.number)


@mistake(
    "autograd.topological_order",
    caught_by="test_the_search_ends_where_it_is_told_to_stop",
    says="You looked behind a node in stop. It is found, but its parents are somebody else's turn.",
)
def stop_overlooked(roots, *, stop=frozenset()):
    return in_order_before_this(roots, frozenset())


# Step 8: propagate


def way_back(roots, stop, wanted, is_kept, is_recorded, *, add, call=None, free=None):
    """Go back through a graph, with one thing done in another way."""
    nodes = in_order(list(roots), stop=stop)
    useful = None if wanted is None else leading_to(nodes, wanted)
    gradients, found = dict(roots), {}
    for node in nodes:
        gradient = gradients.pop(node, None)
        if gradient is None or (useful is not None and node not in useful):
            continue
        if node in stop:
            found[node] = gradient
            continue
        gradient = (call or call_hooks)(node, gradient)
        if not node.parents or (wanted is not None and node in wanted):
            found[node] = gradient
        if node.parents:
            for parent, part in pull_back(node, gradient, useful, is_recorded=is_recorded):
                add(gradients, parent, part)
            if not is_kept:
                (free or let_go)(node)
    return found


def add_up(gradients, parent, part):
    known = gradients.get(parent)
    gradients[parent] = part if known is None else known + part


@mistake(
    "autograd.propagate",
    caught_by="test_a_value_that_is_used_twice_gets_both_gradients",
    says="Where two gradients meet at a node, you kept the last. Both count: add the new part to "
    "what is known.",
)
def last_gradient_wins(roots, *, stop=frozenset(), wanted=None, is_kept=False, is_recorded=False):
    def replace(gradients, parent, part):
        gradients[parent] = part

    return way_back(roots, stop, wanted, is_kept, is_recorded, add=replace)


@mistake(
    "autograd.propagate",
    caught_by="test_a_node_waits_for_all_that_came_of_it",
    says="A node passed its gradient on before all of it had arrived, and again for each further "
    "part. Visit each node once, in topological order: then its gradient is complete.",
)
def each_part_by_itself(roots, *, stop=frozenset(), wanted=None, is_kept=False, is_recorded=False):
    found, waiting = {}, list(roots.items())
    while waiting:
        node, gradient = waiting.pop()
        if node not in stop:
            gradient = call_hooks(node, gradient)
        if node in stop or not node.parents or (wanted is not None and node in wanted):
            add_up(found, node, gradient)
        if node not in stop:
            waiting += pull_back(node, gradient, is_recorded=is_recorded) if node.parents else []
    return found


@mistake(
    "autograd.propagate",
    caught_by="test_a_node_waits_for_all_that_came_of_it",
    says="You never called the hooks. When a node's gradient is complete, "
    "gradient = call_hooks(node, gradient).",
)
def hooks_forgotten(roots, *, stop=frozenset(), wanted=None, is_kept=False, is_recorded=False):
    options = {"add": add_up, "call": lambda node, gradient: gradient}
    return way_back(roots, stop, wanted, is_kept, is_recorded, **options)


@mistake(
    "autograd.propagate",
    caught_by="test_a_value_that_is_used_twice_gets_both_gradients",
    says="You went back through a leaf, which has no rule. A node without parents is an end: its "
    "gradient belongs into the result, and nothing comes behind it.",
)
def leaf_pulled_back(roots, *, stop=frozenset(), wanted=None, is_kept=False, is_recorded=False):
    def keep_and_go_on(node, gradient):
        if not node.parents:
            pull_back(node, gradient, is_recorded=is_recorded)
        return call_hooks(node, gradient)

    options = {"add": add_up, "call": keep_and_go_on}
    return way_back(roots, stop, wanted, is_kept, is_recorded, **options)


@mistake(
    "autograd.propagate",
    caught_by="test_what_was_kept_is_let_go_of_unless_it_is_to_stay",
    says="You never let go of what a node kept. Unless is_kept, call let_go(node) when its parents "
    "have their gradients: activations are most of a training's memory.",
)
def nothing_freed(roots, *, stop=frozenset(), wanted=None, is_kept=False, is_recorded=False):
    return way_back(roots, stop, wanted, is_kept, is_recorded, add=add_up, free=lambda node: None)


@mistake(
    "autograd.propagate",
    caught_by="test_what_was_kept_is_let_go_of_unless_it_is_to_stay",
    says="You let go of what nodes kept though is_kept asked for another time.",
)
def always_freed(roots, *, stop=frozenset(), wanted=None, is_kept=False, is_recorded=False):
    return way_back(roots, stop, wanted, False, is_recorded, add=add_up)


@mistake(
    "autograd.propagate",
    caught_by="test_it_stops_where_it_is_told_and_leaves_other_memory_alone",
    says="You added in place. A sum hands the same gradient to both of its inputs, so its memory "
    "belongs to others as well: write known + part.",
)
def added_in_place(roots, *, stop=frozenset(), wanted=None, is_kept=False, is_recorded=False):
    def add_there(gradients, parent, part):
        is_free = not is_recorded and parent in gradients
        if is_free and gradients[parent].array.flags.writeable:
            gradients[parent].array[...] += part.array
        else:
            add_up(gradients, parent, part)

    return way_back(roots, stop, wanted, is_kept, is_recorded, add=add_there)


@mistake(
    "autograd.propagate",
    caught_by="test_gradients_of_gradients_are_found",
    says="You did not pass is_recorded on to pull_back. Without it, what nodes kept comes back as "
    "constants, and gradients cannot be differentiated themselves.",
)
def never_recorded(roots, *, stop=frozenset(), wanted=None, is_kept=False, is_recorded=False):
    return way_back(roots, stop, wanted, is_kept, False, add=add_up)


# Step 9: no_grad


@mistake(
    "autograd.no_grad",
    caught_by="test_blocks_may_lie_inside_each_other",
    says="You switched recording on at the end. Another no_grad may lie around the block: put back "
    "what was before it.",
)
@contextmanager
def switched_on_at_the_end():
    mode.is_recording = False
    try:
        yield
    finally:
        mode.is_recording = True


@mistake(
    "autograd.no_grad",
    caught_by="test_an_error_puts_the_mode_back",
    says="After an error in the block, recording stayed off. Put the mode back in finally.",
)
@contextmanager
def left_off_after_an_error():
    former = mode.is_recording
    mode.is_recording = False
    try:
        yield
    except ValueError:
        raise
    else:
        mode.is_recording = former


@mistake(
    "autograd.no_grad",
    caught_by="test_nothing_is_recorded_inside_of_the_block",
    says="Inside of your block the tape still records. Set mode.is_recording to False before the "
    "yield.",
)
@contextmanager
def recording_inside():
    former = mode.is_recording
    try:
        yield
    finally:
        mode.is_recording = former


# Step 10: check_unchanged


def complain(node, array):
    raise RuntimeError(
        f"cannot go back through {node.operation!r}: {array.shape} was changed in place; clone"
    )


@mistake(
    "autograd.check_unchanged",
    caught_by="test_what_was_changed_before_it_was_kept_is_as_it_should_be",
    says="You refuse memory that was ever written to. Only a write after the node was made "
    "matters: compare with node.number.",
)
def ever_written(node, array):
    if writes.last(array)[0]:
        complain(node, array)


@mistake(
    "autograd.check_unchanged",
    caught_by="test_a_value_that_was_changed_after_it_was_kept_is_noticed",
    says="You let changed memory pass, and the gradient is taken of numbers that were not there. A "
    "write whose number is higher than the node's came later.",
)
def comparison_turned_round(node, array):
    if 0 < writes.last(array)[0] < node.number:
        complain(node, array)


@mistake(
    "autograd.check_unchanged",
    caught_by="test_changes_are_noticed_wherever_they_were_made",
    says="You looked at recorded writes alone. An optimizer's step is not recorded, and changes "
    "numbers all the same: the first number of writes.last counts.",
)
def recorded_writes_alone(node, array):
    last, recorded = writes.last(array)
    if recorded > node.number or (last > node.number and array.ndim == 1 and len(array) < 4):
        complain(node, array)


# Step 11: numerical_jacobian


def tried(function, inputs, place, *, up, down, distance, put_back):
    """Return a Jacobian by steps up and down, divided by a distance."""
    numbers = inputs[place].array
    columns = []
    for index in np.ndindex(numbers.shape):
        former = numbers[index]
        numbers[index] = former + up
        above = function(*inputs).array.astype(float64)
        numbers[index] = former + down
        below = function(*inputs).array.astype(float64)
        numbers[index] = former if put_back else numbers[index] - down
        columns.append(((above - below) / distance).ravel())
    return np.array(columns, float64).reshape(-1, function(*inputs).numel()).T


@mistake(
    "autograd.numerical_jacobian",
    caught_by="test_each_element_is_moved_alone",
    says="Your slopes are twice too large. From minus eps to plus eps it is a distance of 2 eps.",
)
def half_the_distance(function, inputs, place, eps=1e-6):
    return tried(function, inputs, place, up=eps, down=-eps, distance=eps, put_back=True)


@mistake(
    "autograd.numerical_jacobian",
    caught_by="test_steps_go_both_ways",
    says="You stepped to one side. On a curve that measures a chord: step up and down, and the "
    "error of one cancels that of the other.",
)
def one_way(function, inputs, place, eps=1e-6):
    return tried(function, inputs, place, up=eps, down=0.0, distance=eps, put_back=True)


@mistake(
    "autograd.numerical_jacobian",
    caught_by="test_the_numbers_are_put_back_exactly",
    says="You took eps away again, which rounds: the input is no longer what it was. Keep the "
    "number, and put that back.",
)
def put_back_by_arithmetic(function, inputs, place, eps=1e-6):
    return tried(function, inputs, place, up=eps, down=-eps, distance=2 * eps, put_back=False)


@mistake(
    "autograd.numerical_jacobian",
    caught_by="test_a_row_belongs_to_an_output_and_a_column_to_an_input",
    says="Your Jacobian is turned round. A row belongs to an output, a column to an element of the "
    "input.",
)
def turned_round(function, inputs, place, eps=1e-6):
    return tried(function, inputs, place, up=eps, down=-eps, distance=2 * eps, put_back=True).T


@mistake(
    "autograd.numerical_jacobian",
    caught_by="test_the_other_inputs_stay_as_they_are",
    says="You moved the first input always. It is input number `place` that is to be moved.",
)
def first_input_always(function, inputs, place, eps=1e-6):
    return tried(function, inputs, 0, up=eps, down=-eps, distance=2 * eps, put_back=True)


@mistake(
    "autograd.numerical_jacobian",
    caught_by="test_views_numbers_and_empty_inputs_have_jacobians",
    says="You subtracted results that changed under your hands: a result may be a view of the "
    "input's memory. Copy it before the next step, with .array.astype(float64).",
)
def results_not_copied(function, inputs, place, eps=1e-6):
    numbers = inputs[place].array
    columns = []
    for index in np.ndindex(numbers.shape):
        former = numbers[index]
        numbers[index] = former + eps
        above = function(*inputs).array
        numbers[index] = former - eps
        below = function(*inputs).array
        numbers[index] = former
        columns.append(((above - below) / (2 * eps)).ravel())
    return np.array(columns, float64).reshape(len(columns), function(*inputs).numel()).T


# Step 12: recompute


@mistake(
    "autograd.recompute",
    caught_by="test_random_numbers_are_those_of_the_first_time",
    says="Dropout drew other numbers than the first time, so the gradient belongs to another "
    "network. Compute inside of part.as_before().",
)
def other_random_numbers(part, gradient, *, is_recorded=False):
    with enable_grad():
        output = part.function(*part.restored())
    roots = {node_of(output): gradient}
    return go_back(roots, stop=part.read, is_kept=is_recorded, is_recorded=is_recorded)


@mistake(
    "autograd.recompute",
    caught_by="test_a_checkpoint_has_the_gradients_of_what_it_forgot",
    says="You computed again with the tape off, as backward is, so there is nothing to go back "
    "through. Compute inside of enable_grad().",
)
def not_recorded(part, gradient, *, is_recorded=False):
    with part.as_before():
        output = part.function(*part.restored())
    root = node_of(output)
    roots = {} if root is None else {root: gradient}
    return go_back(roots, stop=part.read, is_kept=is_recorded, is_recorded=is_recorded)


@mistake(
    "autograd.recompute",
    caught_by="test_the_way_back_ends_where_the_part_began",
    says="You went on behind the part. Its inputs are still waiting for gradients from elsewhere: "
    "stop at part.read.",
)
def gone_too_far(part, gradient, *, is_recorded=False):
    with part.as_before(), enable_grad():
        output = part.function(*part.restored())
    roots = {node_of(output): gradient}
    return go_back(roots, is_kept=True, is_recorded=is_recorded)


@mistake(
    "autograd.recompute",
    caught_by="test_a_checkpoint_can_be_differentiated_twice",
    says="Your gradients cannot be differentiated: the way back was not recorded, or its memory "
    "let go of. Pass is_recorded on, and is_kept with it.",
)
def second_time_forgotten(part, gradient, *, is_recorded=False):
    with part.as_before(), enable_grad():
        output = part.function(*part.restored())
    return go_back({node_of(output): gradient}, stop=part.read)
