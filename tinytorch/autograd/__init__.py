"""Autograd: a tape that listens at the door, and a walk back along it.

In the order of the chapter: ``nodes`` are what the tape remembers; ``rules`` is the one table of
how gradients come back through operations, filled by ``arithmetic_rules``, ``shape_rules``,
``layer_rules`` and ``window_rules``; ``tape`` records, in the ``modes`` that say when; ``engine``
goes back, and ``backward`` and ``tensor_additions`` are what users call; ``writing`` notices
changes in place; ``checking`` compares with small steps; ``checkpointing`` trades time for
memory; ``graph`` shows it all; ``sources`` brings it to the trainer.
"""

import tinytorch.autograd.layer_rules
import tinytorch.autograd.tensor_additions
import tinytorch.autograd.window_rules  # noqa: F401  fill the table of rules
from tinytorch.autograd.arithmetic_rules import divisor_gradient
from tinytorch.autograd.backward import grad
from tinytorch.autograd.checking import gradcheck, gradgradcheck, numerical_jacobian
from tinytorch.autograd.checkpointing import checkpoint, recompute
from tinytorch.autograd.engine import propagate, pull_back, topological_order
from tinytorch.autograd.graph import draw_graph, graph_of, saved_bytes, saved_table
from tinytorch.autograd.layer_rules import log_softmax_gradient
from tinytorch.autograd.modes import enable_grad, is_grad_enabled, no_grad
from tinytorch.autograd.nodes import Leaf, Node
from tinytorch.autograd.rules import (
    register_not_differentiable,
    register_rule,
    sum_to_shape,
)
from tinytorch.autograd.shape_rules import left_gradient, put_kernel, right_gradient
from tinytorch.autograd.sources import tape_gradients
from tinytorch.autograd.tape import record
from tinytorch.autograd.writing import check_unchanged

__all__ = [
    "Leaf",
    "Node",
    "check_unchanged",
    "checkpoint",
    "divisor_gradient",
    "draw_graph",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph_of",
    "is_grad_enabled",
    "left_gradient",
    "log_softmax_gradient",
    "no_grad",
    "numerical_jacobian",
    "propagate",
    "pull_back",
    "put_kernel",
    "recompute",
    "record",
    "register_not_differentiable",
    "register_rule",
    "right_gradient",
    "saved_bytes",
    "saved_table",
    "sum_to_shape",
    "tape_gradients",
    "topological_order",
]
