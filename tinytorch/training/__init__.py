"""Training: how networks find their weights."""

from tinytorch.training.losses import (
    Loss,
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    mse_loss,
    softplus,
)
from tinytorch.training.optimizers import (
    SGD,
    Adam,
    AdamW,
    Optimizer,
    RMSprop,
    adam_step,
    rmsprop_step,
    sgd_step,
)

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Loss",
    "Optimizer",
    "RMSprop",
    "adam_step",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "huber_loss",
    "mse_loss",
    "rmsprop_step",
    "sgd_step",
    "softplus",
]
