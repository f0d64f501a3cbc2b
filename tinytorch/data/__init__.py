"""Data: from samples on disk to batches in time.

In the order of the chapter: ``samplers`` decide which samples come when, ``dataset`` says what a
set is, ``collating`` makes a batch, ``transforms`` and ``seeds`` change samples on the way,
``workers`` (``threads``, ``processes``) and ``loader`` read ahead, ``cache`` and ``shards`` keep
to a budget of bytes; ``files`` are written whole or not at all.
"""

from tinytorch.data.cache import Cache, CachedDataset, recall, remember, sample_bytes
from tinytorch.data.collating import collate, kind_of
from tinytorch.data.dataset import (
    Dataset,
    Subset,
    TensorDataset,
    random_split,
    split_lengths,
)
from tinytorch.data.loader import DataLoader
from tinytorch.data.samplers import (
    BatchSampler,
    RandomSampler,
    SequentialSampler,
    batch_indices,
    shuffle_indices,
)
from tinytorch.data.seeds import mix, sample_generator, sample_seed
from tinytorch.data.shards import ShardedDataset, locate, write_shards
from tinytorch.data.transforms import (
    Compose,
    Moments,
    Normalize,
    RandomShift,
    Scale,
    TransformedDataset,
    measure_moments,
    merge_moments,
)
from tinytorch.data.workers import Event, LoadingError, prefetch

__all__ = [
    "BatchSampler",
    "Cache",
    "CachedDataset",
    "Compose",
    "DataLoader",
    "Dataset",
    "Event",
    "LoadingError",
    "Moments",
    "Normalize",
    "RandomSampler",
    "RandomShift",
    "Scale",
    "SequentialSampler",
    "ShardedDataset",
    "Subset",
    "TensorDataset",
    "TransformedDataset",
    "batch_indices",
    "collate",
    "kind_of",
    "locate",
    "measure_moments",
    "merge_moments",
    "mix",
    "prefetch",
    "random_split",
    "recall",
    "remember",
    "sample_bytes",
    "sample_generator",
    "sample_seed",
    "shuffle_indices",
    "split_lengths",
    "write_shards",
]
