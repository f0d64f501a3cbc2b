"""Training: how networks find the weights that solve a problem.

In the order of the chapter: ``losses`` say how wrong a network is; ``gradients`` and
``backpropagation`` say which way is less wrong; ``updates``, ``optimizers``, ``schedules`` and
``clipping`` go there; ``metrics``, ``memory`` and ``history`` say what happened; ``trainer`` is the
loop, with ``callbacks``, ``progress``, ``checkpoints`` and ``state``; ``randomness`` repeats what
was drawn.
"""

from tinytorch.training.backpropagation import (
    Pass,
    backpropagate,
    cross_entropy_backward,
    dense_backward,
    dropout_backward,
    leaky_relu_backward,
    loss_gradient,
    passes,
    relu_backward,
    rule_of,
    sigmoid_backward,
    tanh_backward,
)
from tinytorch.training.callbacks import Callback, EarlyStopping
from tinytorch.training.checkpoints import (
    Checkpoint,
    Checkpoints,
    load_checkpoint,
    save_checkpoint,
)
from tinytorch.training.clipping import clip_grad_norm_, clip_grad_value_, total_norm
from tinytorch.training.gradients import (
    GradientSource,
    central_differences,
    finite_differences,
)
from tinytorch.training.history import History
from tinytorch.training.losses import (
    Loss,
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    mse_loss,
    softplus,
)
from tinytorch.training.memory import memory_table
from tinytorch.training.metrics import accuracy, confusion_matrix, top_k_accuracy
from tinytorch.training.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from tinytorch.training.randomness import (
    find_generators,
    generator_states,
    restore_generators,
)
from tinytorch.training.schedules import (
    CosineAnnealingLR,
    LinearLR,
    Schedule,
    SequentialLR,
    StepLR,
)
from tinytorch.training.trainer import Trainer
from tinytorch.training.updates import adam_step, rmsprop_step, sgd_step

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Callback",
    "Checkpoint",
    "Checkpoints",
    "CosineAnnealingLR",
    "EarlyStopping",
    "GradientSource",
    "History",
    "LinearLR",
    "Loss",
    "Optimizer",
    "Pass",
    "RMSprop",
    "Schedule",
    "SequentialLR",
    "StepLR",
    "Trainer",
    "accuracy",
    "adam_step",
    "backpropagate",
    "binary_cross_entropy_with_logits",
    "central_differences",
    "clip_grad_norm_",
    "clip_grad_value_",
    "confusion_matrix",
    "cross_entropy",
    "cross_entropy_backward",
    "dense_backward",
    "dropout_backward",
    "find_generators",
    "finite_differences",
    "generator_states",
    "huber_loss",
    "leaky_relu_backward",
    "load_checkpoint",
    "loss_gradient",
    "memory_table",
    "mse_loss",
    "passes",
    "relu_backward",
    "restore_generators",
    "rmsprop_step",
    "rule_of",
    "save_checkpoint",
    "sgd_step",
    "sigmoid_backward",
    "softplus",
    "tanh_backward",
    "top_k_accuracy",
    "total_norm",
]
