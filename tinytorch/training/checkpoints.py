"""Checkpoints: all of a training in one file that is whole or not there.

A checkpoint is a safetensors file. Beside the tensors it holds facts, as JSON, and the SHA-256 of
both, so that a file that is cut off, changed or not ours is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tinytorch.data.files import force_to_disk, part_of
from tinytorch.networks import load_safetensors, read_metadata
from tinytorch.networks.safetensors import safetensors_bytes
from tinytorch.tensors import Tensor
from tinytorch.tensors.dtypes import as_array

FORMAT = "tinytorch checkpoint"
VERSION = "1"


class Checkpoint(NamedTuple):
    """What was saved."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def save_checkpoint(
    path: str | Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]
) -> None:
    """Write tensors by name, and facts that JSON can hold, to a file that is whole or not there.

    Its content is ``safetensors_bytes(tensors, described(tensors, facts))``. It is written beside
    its place: ``with part_of(place) as part`` gives a file there, and takes it away again after a
    failure. It is forced onto the disk (``force_to_disk``), and only then moved to its place, in
    one operation of the file system: whatever happens before, and whenever, a file that was there
    is still there. Last the folder is forced onto the disk, so that the move outlives a power
    failure. Raises OSError, in one sentence, for a place that cannot be written to.
    """
    place = Path(path)
    with part_of(place) as part:
        part.write_bytes(safetensors_bytes(tensors, described(tensors, facts)))
        force_to_disk(part)
        os.replace(part, place)
    force_to_disk(place.parent)


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Return what was saved in a file.

    Raises FileNotFoundError where there is none, ValueError where it is cut off, changed, no
    checkpoint, or of another version, saying so in one sentence.
    """
    tensors = load_safetensors(path)
    metadata = read_metadata(path)
    if metadata.get("format") != FORMAT:
        raise ValueError(f"{path} holds tensors, but is no checkpoint: save_checkpoint makes those")
    if metadata.get("version") != VERSION:
        raise ValueError(
            f"{path} is a checkpoint of version {metadata.get('version')}, and this program reads "
            f"version {VERSION}: use the program that wrote it"
        )
    text = metadata.get("facts", "")
    found, expected = digest(tensors, text), metadata.get("sha256")
    if found != expected:
        raise ValueError(
            f"{path} is damaged: the SHA-256 of its contents starts with {found[:12]}, not "
            f"{str(expected)[:12]}; use the checkpoint before it"
        )
    return Checkpoint(tensors, json.loads(text))


def described(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> dict[str, str]:
    """Return what stands beside the tensors in a checkpoint: format, version, facts, SHA-256."""
    text = json.dumps(facts, default=_listed)
    sha256 = digest(tensors, text)
    return {"format": FORMAT, "version": VERSION, "facts": text, "sha256": sha256}


def _listed(fact: Any) -> Any:
    """Return an array, which some generators' states hold, as a list."""
    if not hasattr(fact, "tolist"):
        raise TypeError(f"a fact is text, a number, or a list or table of facts, not {fact!r}")
    return fact.tolist()


def digest(tensors: Mapping[str, Tensor], text: str) -> str:
    """Return the SHA-256 of a text and of tensors: of their names, dtypes, shapes and numbers."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        array = as_array(tensors[name])
        numbers = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        about = json.dumps([name, str(array.dtype), array.shape])
        total.update(f"{about} {len(numbers)} ".encode())
        total.update(numbers)
    total.update(text.encode())
    return total.hexdigest()


class Checkpoints:
    """A folder with the last checkpoints, one for every so many epochs, the oldest taken away.

    It belongs to one training, and one process.
    """

    def __init__(self, folder: str | Path, *, keep: int = 3, every: int = 1) -> None:
        if keep < 1 or every < 1:
            raise ValueError(f"keep and every are 1 or more, not {keep} and {every}")
        self.folder, self.keep, self.every = Path(folder), keep, every

    def paths(self) -> list[Path]:
        """Return the files of the checkpoints, the oldest first."""
        return sorted(self.folder.glob("epoch-*.safetensors"))

    def save(self, epoch: int, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Write the checkpoint of an epoch; take away what is too old, or was never finished."""
        self.folder.mkdir(parents=True, exist_ok=True)
        save_checkpoint(self.folder / f"epoch-{epoch:06}.safetensors", tensors, facts)
        unfinished = self.folder.glob("epoch-*.part")
        for path in (*self.paths()[: -self.keep], *unfinished):
            path.unlink()

    def latest(self) -> Checkpoint | None:
        """Return the last checkpoint that is whole, or None; warn of each that is not."""
        for path in reversed(self.paths()):
            try:
                return load_checkpoint(path)
            except ValueError as damage:
                warnings.warn(f"{damage}. The one before it is used.", stacklevel=2)
        return None
