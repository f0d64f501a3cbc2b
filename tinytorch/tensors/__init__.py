"""Tensors: n-dimensional arrays, and the one door that every operation passes through.

In the order of the chapter: ``shapes`` and ``dtypes`` are the arithmetic; ``door`` is ``apply``,
its kernels and its listeners; ``numpy_kernels`` fills the table; ``tensor_class`` is the class;
``creation`` and ``combining`` make tensors from data and from each other.
"""

import tinytorch.tensors.numpy_kernels  # noqa: F401  fills the table of kernels
from tinytorch.tensors.combining import cat, maximum, minimum, stack, where
from tinytorch.tensors.creation import (
    arange,
    eye,
    from_numpy,
    full,
    linspace,
    ones,
    ones_like,
    rand,
    randint,
    randn,
    randperm,
    tensor,
    zeros,
    zeros_like,
)
from tinytorch.tensors.door import apply, listen, register_kernel, use_kernels
from tinytorch.tensors.dtypes import (
    bool_,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    result_type,
    uint8,
)
from tinytorch.tensors.shapes import (
    broadcast_shapes,
    broadcast_strides,
    contiguous_strides,
    infer_shape,
    matmul_shape,
    normalize_dims,
    view_strides,
)
from tinytorch.tensors.tensor_class import Tensor, extend_tensor

__all__ = [
    "Tensor",
    "apply",
    "arange",
    "bool_",
    "broadcast_shapes",
    "broadcast_strides",
    "cat",
    "contiguous_strides",
    "extend_tensor",
    "eye",
    "float16",
    "float32",
    "float64",
    "from_numpy",
    "full",
    "infer_shape",
    "int8",
    "int16",
    "int32",
    "int64",
    "linspace",
    "listen",
    "matmul_shape",
    "maximum",
    "minimum",
    "normalize_dims",
    "ones",
    "ones_like",
    "rand",
    "randint",
    "randn",
    "randperm",
    "register_kernel",
    "result_type",
    "stack",
    "tensor",
    "uint8",
    "use_kernels",
    "view_strides",
    "where",
    "zeros",
    "zeros_like",
]
