"""TinyTorch: a small deep-learning framework, built piece by piece in a course.

>>> import tinytorch as tt
>>> tt.tensor([[1, 2], [3, 4]]) @ tt.tensor([1, 1])
tensor([3, 7])

Each module of the course is one import further down: ``setup``, then ``tensors``, ``layers`` and so
on. A module is imported when one of its names is first used, so that the course's own commands need
none of them.
In a learner's workspace their files are used instead of ours: see ``tinytorch.course.overlay``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinytorch import (
        autograd,
        data,
        layers,
        networks,
        setup,
        tensors,
        training,
    )
    from tinytorch.autograd import (
        checkpoint,
        draw_graph,
        enable_grad,
        gradcheck,
        is_grad_enabled,
        no_grad,
        register_rule,
        tape_gradients,
    )
    from tinytorch.data import (
        BatchSampler,
        CachedDataset,
        Compose,
        DataLoader,
        Dataset,
        Normalize,
        RandomSampler,
        RandomShift,
        Scale,
        SequentialSampler,
        ShardedDataset,
        Subset,
        TensorDataset,
        TransformedDataset,
        collate,
        measure_moments,
        random_split,
        sample_generator,
        write_shards,
    )
    from tinytorch.layers import (
        GELU,
        Dense,
        Dropout,
        Flatten,
        Identity,
        LeakyReLU,
        Linear,
        LogSoftmax,
        Module,
        ReLU,
        Sequential,
        Sigmoid,
        Softmax,
        Tanh,
        calculate_gain,
        dropout,
        gelu,
        kaiming_normal_,
        kaiming_uniform_,
        leaky_relu,
        linear,
        log_softmax,
        normal_,
        ones_,
        relu,
        sigmoid,
        softmax,
        uniform_,
        xavier_normal_,
        xavier_uniform_,
        zeros_,
    )
    from tinytorch.networks import (
        CNN,
        MLP,
        AvgPool2d,
        BatchNorm1d,
        BatchNorm2d,
        Conv2d,
        Embedding,
        LayerNorm,
        MaxPool2d,
        MultiHeadAttention,
        PositionalEncoding,
        Residual,
        TransformerEncoder,
        TransformerEncoderLayer,
        avg_pool2d,
        batch_norm,
        causal_mask,
        conv2d,
        embedding,
        flop_table,
        layer_norm,
        load_pretrained,
        load_safetensors,
        max_pool2d,
        pad2d,
        parameter_table,
        receptive_field,
        save_safetensors,
        scaled_dot_product_attention,
    )
    from tinytorch.setup import (
        check_requirements,
        compare_environments,
        default_generator,
        fingerprint,
        format_bytes,
        inspect_machine,
        manual_seed,
        parse_version,
        satisfies,
    )
    from tinytorch.tensors import (
        Tensor,
        apply,
        arange,
        bool_,
        broadcast_shapes,
        broadcast_strides,
        cat,
        contiguous_strides,
        extend_tensor,
        eye,
        float16,
        float32,
        float64,
        from_numpy,
        full,
        infer_shape,
        int8,
        int16,
        int32,
        int64,
        linspace,
        listen,
        matmul_shape,
        maximum,
        minimum,
        normalize_dims,
        ones,
        ones_like,
        rand,
        randint,
        randn,
        randperm,
        register_kernel,
        result_type,
        stack,
        tensor,
        uint8,
        use_kernels,
        view_strides,
        where,
        zeros,
        zeros_like,
    )
    from tinytorch.training import (
        SGD,
        Adam,
        AdamW,
        Checkpoints,
        CosineAnnealingLR,
        EarlyStopping,
        History,
        LinearLR,
        RMSprop,
        SequentialLR,
        StepLR,
        Trainer,
        accuracy,
        backpropagate,
        binary_cross_entropy_with_logits,
        clip_grad_norm_,
        clip_grad_value_,
        confusion_matrix,
        cross_entropy,
        finite_differences,
        huber_loss,
        load_checkpoint,
        memory_table,
        mse_loss,
        save_checkpoint,
        softplus,
        top_k_accuracy,
    )

__all__ = [
    "CNN",
    "GELU",
    "MLP",
    "SGD",
    "Adam",
    "AdamW",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchSampler",
    "CachedDataset",
    "Checkpoints",
    "Compose",
    "Conv2d",
    "CosineAnnealingLR",
    "DataLoader",
    "Dataset",
    "Dense",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "Flatten",
    "History",
    "Identity",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LinearLR",
    "LogSoftmax",
    "MaxPool2d",
    "Module",
    "MultiHeadAttention",
    "Normalize",
    "PositionalEncoding",
    "RMSprop",
    "RandomSampler",
    "RandomShift",
    "ReLU",
    "Residual",
    "Scale",
    "Sequential",
    "SequentialLR",
    "SequentialSampler",
    "ShardedDataset",
    "Sigmoid",
    "Softmax",
    "StepLR",
    "Subset",
    "Tanh",
    "Tensor",
    "TensorDataset",
    "Trainer",
    "TransformedDataset",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "accuracy",
    "apply",
    "arange",
    "autograd",
    "avg_pool2d",
    "backpropagate",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "bool_",
    "broadcast_shapes",
    "broadcast_strides",
    "calculate_gain",
    "cat",
    "causal_mask",
    "check_requirements",
    "checkpoint",
    "clip_grad_norm_",
    "clip_grad_value_",
    "collate",
    "compare_environments",
    "confusion_matrix",
    "contiguous_strides",
    "conv2d",
    "cross_entropy",
    "data",
    "default_generator",
    "draw_graph",
    "dropout",
    "embedding",
    "enable_grad",
    "extend_tensor",
    "eye",
    "fingerprint",
    "finite_differences",
    "float16",
    "float32",
    "float64",
    "flop_table",
    "format_bytes",
    "from_numpy",
    "full",
    "gelu",
    "gradcheck",
    "huber_loss",
    "infer_shape",
    "inspect_machine",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_grad_enabled",
    "kaiming_normal_",
    "kaiming_uniform_",
    "layer_norm",
    "layers",
    "leaky_relu",
    "linear",
    "linspace",
    "listen",
    "load_checkpoint",
    "load_pretrained",
    "load_safetensors",
    "log_softmax",
    "manual_seed",
    "matmul_shape",
    "max_pool2d",
    "maximum",
    "measure_moments",
    "memory_table",
    "minimum",
    "mse_loss",
    "networks",
    "no_grad",
    "normal_",
    "normalize_dims",
    "ones",
    "ones_",
    "ones_like",
    "pad2d",
    "parameter_table",
    "parse_version",
    "rand",
    "randint",
    "randn",
    "random_split",
    "randperm",
    "receptive_field",
    "register_kernel",
    "register_rule",
    "relu",
    "result_type",
    "sample_generator",
    "satisfies",
    "save_checkpoint",
    "save_safetensors",
    "scaled_dot_product_attention",
    "setup",
    "sigmoid",
    "softmax",
    "softplus",
    "stack",
    "tape_gradients",
    "tensor",
    "tensors",
    "top_k_accuracy",
    "training",
    "uint8",
    "uniform_",
    "use_kernels",
    "view_strides",
    "where",
    "write_shards",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros",
    "zeros_",
    "zeros_like",
]

_MODULES = (
    "setup",
    "tensors",
    "layers",
    "data",
    "networks",
    "training",
    "autograd",
)  # in the order of the course
_ADDING = ("autograd",)  # those that add to tensors
_additions_are_known = False

if not TYPE_CHECKING:  # a type checker reads the imports above, and misses no misspelled name

    def __getattr__(name: str) -> object:
        """Import a module, or the first one that has the name, when it is first used."""
        if name in _MODULES:
            return _imported(name)
        if name in __all__:
            for stem in _MODULES:
                module = _imported(stem)
                if hasattr(module, name):
                    globals()[name] = value = getattr(module, name)
                    return value
        raise AttributeError(f"module 'tinytorch' has no attribute {name!r}")

    def _imported(stem: str) -> object:
        """Return a module; the first time it is tensors, let these know of what is added later."""
        from importlib import import_module

        global _additions_are_known
        module = import_module(f"tinytorch.{stem}")
        if stem == "tensors" and _ADDING and not _additions_are_known:
            _additions_are_known = True
            _import_on_demand(module)
        return module

    def _import_on_demand(tensors: object) -> None:
        """Let a tensor that lacks an attribute import the modules that add to tensors, once."""

        def __getattr__(tensor: object, name: str) -> object:  # noqa: N807
            if name.startswith("_"):
                raise AttributeError(f"'Tensor' object has no attribute {name!r}")
            handle.close()
            for stem in _ADDING:
                _imported(stem)
            return getattr(tensor, name)

        handle = tensors.extend_tensor("__getattr__", __getattr__)

    def __dir__() -> list[str]:
        """Return every name, used already or not."""
        return sorted({*globals(), *__all__})


def _use_the_workspace() -> None:
    """Let the files of the workspace that this program lies or runs in be the library."""
    import os
    import sys
    from pathlib import Path

    named = os.environ.get("TINYTORCH_WORKSPACE")
    if named == "off":
        return
    try:
        here = os.getcwd()
    except OSError:  # the current folder was deleted
        here = ""
    for start in map(Path, [named] if named else [*sys.path[:1], here]):
        for folder in (start, *start.parents):
            if (folder / ".tinytorch" / "workspace.json").is_file():
                from tinytorch.course import overlay

                overlay.lay_over(folder)
                return
            if (folder / "tinytorch" / "__init__.py").is_file():
                break  # a checkout of the course runs its own code, wherever it lies


_use_the_workspace()
