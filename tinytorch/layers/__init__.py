"""Layers: functions with weights, and how they are composed.

In the order of the chapter: ``functions`` is the arithmetic; ``initialisation`` fills weights;
``module`` collects, names, saves and loads them; ``dense``, ``activations``, ``regularisation``
and ``composition`` are the layers.
"""

from tinytorch.layers.activations import (
    GELU,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from tinytorch.layers.composition import Flatten, Identity, Sequential
from tinytorch.layers.dense import Dense, Linear
from tinytorch.layers.functions import (
    erfc,
    gelu,
    gelu_kernel,
    leaky_relu,
    linear,
    log_softmax,
    log_softmax_kernel,
    relu,
    sigmoid,
    sigmoid_kernel,
    softmax,
    softmax_kernel,
)
from tinytorch.layers.initialisation import (
    calculate_gain,
    fan_in_and_fan_out,
    kaiming_normal_,
    kaiming_uniform_,
    normal_,
    ones_,
    uniform_,
    xavier_normal_,
    xavier_uniform_,
    zeros_,
)
from tinytorch.layers.module import Module
from tinytorch.layers.regularisation import Dropout, dropout

__all__ = [
    "GELU",
    "Dense",
    "Dropout",
    "Flatten",
    "Identity",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Module",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "calculate_gain",
    "dropout",
    "erfc",
    "fan_in_and_fan_out",
    "gelu",
    "gelu_kernel",
    "kaiming_normal_",
    "kaiming_uniform_",
    "leaky_relu",
    "linear",
    "log_softmax",
    "log_softmax_kernel",
    "normal_",
    "ones_",
    "relu",
    "sigmoid",
    "sigmoid_kernel",
    "softmax",
    "softmax_kernel",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]
