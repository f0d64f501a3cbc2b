"""Pictures that chapters draw from real numbers: `pictures.memory_layout(x)`.

Every function returns a `Picture`, SVG that reads on light and dark pages and on a telephone, with
a text for terminals and screen readers. Each chapter has its file; `images` and `charts` serve
them all, and all draw with the same `strokes`.
"""

from tinytorch.course.pictures.autograd import memory_held, visits
from tinytorch.course.pictures.charts import curves, dots, histograms, lines
from tinytorch.course.pictures.data import Happening, sample_path, shards, timeline
from tinytorch.course.pictures.images import gallery
from tinytorch.course.pictures.layers import dense_layer, module_tree
from tinytorch.course.pictures.networks import (
    Window,
    attention_maps,
    filters,
    receptive_fields,
    regions,
    sliding_window,
)
from tinytorch.course.pictures.setup import admission, digests, draws, environments, orders
from tinytorch.course.pictures.strokes import Picture
from tinytorch.course.pictures.tensors import (
    broadcasting,
    matmul_shapes,
    memory_layout,
    shared_memory,
)
from tinytorch.course.pictures.training import confusion, convergence, descents, way_back

__all__ = [
    "Happening",
    "Picture",
    "Window",
    "admission",
    "attention_maps",
    "broadcasting",
    "confusion",
    "convergence",
    "curves",
    "dense_layer",
    "descents",
    "digests",
    "dots",
    "draws",
    "environments",
    "filters",
    "gallery",
    "histograms",
    "lines",
    "matmul_shapes",
    "memory_held",
    "memory_layout",
    "module_tree",
    "orders",
    "receptive_fields",
    "regions",
    "sample_path",
    "shards",
    "shared_memory",
    "sliding_window",
    "timeline",
    "visits",
    "way_back",
]
