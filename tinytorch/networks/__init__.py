"""Networks: layers that see images and sequences, and architectures made of layers.

In the order of the chapter: ``windows`` is the arithmetic; ``convolution``, ``pooling``,
``normalization``, ``embeddings`` and ``attention`` are the layers; ``architectures`` composes them;
``inspection`` measures what came out; ``safetensors`` and ``pretrained`` bring trained weights.
"""

from tinytorch.networks.architectures import (
    CNN,
    MLP,
    Residual,
    TransformerEncoder,
    TransformerEncoderLayer,
)
from tinytorch.networks.attention import (
    MultiHeadAttention,
    attention_weights,
    causal_mask,
    scaled_dot_product_attention,
)
from tinytorch.networks.convolution import Conv2d, conv2d, conv2d_kernel, pad2d
from tinytorch.networks.embeddings import (
    Embedding,
    PositionalEncoding,
    embedding,
    embedding_kernel,
    sinusoids,
)
from tinytorch.networks.inspection import (
    ReceptiveField,
    Table,
    count_flops,
    flop_table,
    parameter_table,
    receptive_field,
)
from tinytorch.networks.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    LayerNorm,
    batch_norm,
    layer_norm,
    layer_norm_kernel,
)
from tinytorch.networks.pooling import (
    AvgPool2d,
    MaxPool2d,
    avg_pool2d,
    avg_pool2d_kernel,
    max_pool2d,
    max_pool2d_kernel,
)
from tinytorch.networks.pretrained import load_pretrained
from tinytorch.networks.safetensors import load_safetensors, read_metadata, save_safetensors
from tinytorch.networks.windows import conv_output_size, unfold

__all__ = [
    "CNN",
    "MLP",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv2d",
    "Embedding",
    "LayerNorm",
    "MaxPool2d",
    "MultiHeadAttention",
    "PositionalEncoding",
    "ReceptiveField",
    "Residual",
    "Table",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "attention_weights",
    "avg_pool2d",
    "avg_pool2d_kernel",
    "batch_norm",
    "causal_mask",
    "conv2d",
    "conv2d_kernel",
    "conv_output_size",
    "count_flops",
    "embedding",
    "embedding_kernel",
    "flop_table",
    "layer_norm",
    "layer_norm_kernel",
    "load_pretrained",
    "load_safetensors",
    "max_pool2d",
    "max_pool2d_kernel",
    "pad2d",
    "parameter_table",
    "read_metadata",
    "receptive_field",
    "save_safetensors",
    "scaled_dot_product_attention",
    "sinusoids",
    "unfold",
]
