"""Shards: a set on disk, in files that are mapped into memory a few at a time."""

from __future__ import annotations

import hashlib
import io
import json
import operator
import os
import threading
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch.data.cache import Cache, recall, remember
from tinytorch.data.dataset import Dataset, Sample
from tinytorch.data.files import write_whole
from tinytorch.setup import format_bytes
from tinytorch.tensors import from_numpy
from tinytorch.tensors.dtypes import Array, as_array

_INDEX = "index.json"
_FORMAT = "tinytorch shards 1"


def locate(index: int, ends: Sequence[int]) -> tuple[int, int]:
    """Return the shard that holds a sample, and the sample's place in it.

    ends: the running total of samples up to and with each shard, so that
    ``locate(3, [3, 3, 5]) -> (2, 0)``: shard 0 has three samples, shard 1 none, shard 2 two.
    Totals only grow, so the search halves them: 17 looks are enough for 100,000 shards.
    A negative index counts from the end. Raises IndexError for one out of range.
    """
    count = ends[-1] if ends else 0
    number = operator.index(index)
    if not -count <= number < count:
        raise IndexError(f"there is no sample {number}: the shards hold {count}")
    number %= count
    shard = bisect_right(ends, number)
    return shard, number - (ends[shard - 1] if shard else 0)


def write_shards(
    dataset: Dataset, folder: str | os.PathLike[str], *, samples_per_shard: int
) -> Path:
    """Write a dataset as shards and return the folder. One shard at a time is in memory.

    Samples are tensors or numbers, or tuples of them, all of one shape and dtype. The index, with
    the SHA-256 of every file, comes last: a folder with an index is whole.
    Raises ValueError for samples that differ and FileExistsError for a folder with shards in it.
    """
    if samples_per_shard < 1:
        raise ValueError(f"a shard of {samples_per_shard} samples holds nothing; use 1 or more")
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    if any(place.glob("shard-*.npy")) or (place / _INDEX).exists():
        raise FileExistsError(f"{place} holds shards already; choose an empty folder")
    shards: list[dict[str, Any]] = []
    first: Sample = None
    for begin in range(0, len(dataset), samples_per_shard):
        end = min(begin + samples_per_shard, len(dataset))
        samples = [dataset[index] for index in range(begin, end)]
        first = samples[0] if first is None else first
        columns = _columns(samples, like=first, begin=begin)
        name = f"shard-{len(shards):05}"
        files = [_write(place / f"{name}.{n}.npy", rows) for n, rows in enumerate(columns)]
        shards.append({"samples": len(samples), "files": files})
    index = {"format": _FORMAT, "is_tuple": isinstance(first, tuple), "shards": shards}
    write_whole(place / _INDEX, json.dumps(index, indent=1).encode())
    return place


def _columns(samples: Sequence[Sample], *, like: Sample, begin: int) -> list[Array]:
    """Return the rows of each part of the samples, which are all like the first."""
    wanted = [(part.shape, part.dtype) for part in _parts(like)]
    rows = [_parts(sample) for sample in samples]
    for number, row in enumerate(rows, start=begin):
        found = [(part.shape, part.dtype) for part in row]
        if found != wanted:
            raise ValueError(f"sample {number} has parts {found}, but sample 0 has {wanted}")
    return [np.stack(column) for column in zip(*rows, strict=True)]


def _parts(sample: Sample) -> list[Array]:
    return [as_array(part) for part in (sample if isinstance(sample, tuple) else (sample,))]


def _write(path: Path, rows: Array) -> dict[str, Any]:
    """Write an array, and return the entry of its file in the index."""
    buffer = io.BytesIO()
    np.save(buffer, rows)
    content = buffer.getbuffer()
    write_whole(path, content)
    return {
        "name": path.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


class ShardedDataset(Dataset):
    """The samples of a folder that ``write_shards`` wrote, of which few are ever in memory.

    Shards are mapped into memory when they are read, and those not used for longest are let go
    before all that are mapped exceed the budget. Samples are copies; a number comes back as a
    tensor without dims. A shard's digest is compared when it is first mapped.
    Raises FileNotFoundError or ValueError, with the file's name, for one missing or damaged.
    """

    def __init__(self, folder: str | os.PathLike[str], *, budget_bytes: int) -> None:
        self.folder, self.budget_bytes = Path(folder), budget_bytes
        self._shards, self._is_tuple = _read_index(self.folder)
        for shard in self._shards:
            _require_files(self.folder, shard)
        largest = max((_shard_bytes(shard) for shard in self._shards), default=0)
        if largest > budget_bytes:
            raise ValueError(
                f"a budget of {format_bytes(budget_bytes)} is less than the largest shard, "
                f"{format_bytes(largest)}; raise it, or write smaller shards"
            )
        self.ends = list(accumulate(shard["samples"] for shard in self._shards))
        self.cache = Cache(budget_bytes, "lru")
        self._intact: set[int] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def __getitem__(self, index: int) -> Sample:
        shard, place = locate(index, self.ends)
        with self._lock:  # no shard is let go while a sample is copied out of it
            columns = self._mapped(shard)
            parts = [from_numpy(np.array(column[place])) for column in columns]
        return tuple(parts) if self._is_tuple else parts[0]

    def _mapped(self, shard: int) -> tuple[Array, ...]:
        columns: tuple[Array, ...] | None = recall(self.cache, shard)
        if columns is None:
            files = self._shards[shard]["files"]
            if shard not in self._intact:
                for file in files:
                    _require_intact(self.folder / file["name"], file["sha256"])
                self._intact.add(shard)
            columns = tuple([_map(self.folder / file["name"]) for file in files])
            remember(self.cache, shard, columns)
        return columns

    def __reduce__(self) -> tuple[Any, ...]:
        return _open_again, (self.folder, self.budget_bytes)  # a process maps the files itself


def _open_again(folder: Path, budget_bytes: int) -> ShardedDataset:
    return ShardedDataset(folder, budget_bytes=budget_bytes)


def _map(path: Path) -> Array:
    try:
        return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]
    except OSError:  # a system without memory maps; then the whole shard is read
        return np.load(path)  # type: ignore[no-any-return]


def _shard_bytes(shard: dict[str, Any]) -> int:
    total: int = sum(file["bytes"] for file in shard["files"])
    return total


def _read_index(folder: Path) -> tuple[list[dict[str, Any]], bool]:
    path = folder / _INDEX
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing: the folder holds no shards, or write_shards was interrupted"
        )
    try:
        index = json.loads(path.read_bytes())
        if index["format"] != _FORMAT:
            raise ValueError(f"its format is {index['format']!r}, not {_FORMAT!r}")
        for shard in index["shards"]:
            _ = shard["samples"], [(f["name"], f["bytes"], f["sha256"]) for f in shard["files"]]
        return index["shards"], index["is_tuple"]
    except (ValueError, TypeError, KeyError) as problem:
        raise ValueError(f"{path} is damaged: {problem}; write the shards again") from None


def _require_files(folder: Path, shard: dict[str, Any]) -> None:
    for file in shard["files"]:
        path = folder / file["name"]
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing; write the shards again")
        if (size := path.stat().st_size) != file["bytes"]:
            raise ValueError(
                f"{path} is damaged: it has {size} bytes, expected {file['bytes']}; write the "
                "shards again"
            )


def _require_intact(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ValueError(
            f"{path} is damaged: its SHA-256 starts with {found[:12]}, expected "
            f"{sha256[:12]}; write the shards again"
        )
