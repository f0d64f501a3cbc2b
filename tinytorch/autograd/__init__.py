"""Autograd: a tape that listens at the door, and goes back along it."""

import tinytorch.autograd.layer_rules
import tinytorch.autograd.shape_rules
import tinytorch.autograd.tensor_additions
import tinytorch.autograd.window_rules  # noqa: F401
from tinytorch.autograd.backward import grad
from tinytorch.autograd.modes import enable_grad, is_grad_enabled, no_grad
from tinytorch.autograd.rules import register_rule, sum_to_shape
