"""Reading and writing safetensors: the format in which weights travel, in plain NumPy.

A file is 8 bytes that say how long the header is, a header in JSON that says of every tensor its
dtype, its shape and where its bytes lie, and then those bytes, one tensor after another. Nothing in
it can run, unlike a pickle.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch.data.files import write_whole
from tinytorch.tensors import Tensor, from_numpy
from tinytorch.tensors.dtypes import Array, as_array

_DTYPES = {  # in the order in which the safetensors library writes them: the widest first
    "I64": "<i8",
    "F64": "<f8",
    "F32": "<f4",
    "I32": "<i4",
    "F16": "<f2",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}
_CODES = {np.dtype(kind): code for code, kind in _DTYPES.items()}
_ORDER = list(_DTYPES)
_METADATA = "__metadata__"


def save_safetensors(
    state: Mapping[str, Tensor], path: str | Path, *, metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors by name to a file: a ``state_dict()``, say.

    The file appears whole or not at all. Raises ValueError for a name or metadata that the format
    cannot hold, OSError for a place that cannot be written to.
    """
    write_whole(path, safetensors_bytes(state, metadata))


def safetensors_bytes(
    state: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> bytes:
    """Return what a file of these tensors holds.

    The same tensors give the same bytes, which are those that the safetensors library writes.
    Raises ValueError for a name or metadata that the format cannot hold.
    """
    for name in state:
        _check_name(name)
    arrays = [(name, _little_endian(as_array(tensor))) for name, tensor in state.items()]
    arrays.sort(key=lambda item: (_ORDER.index(_CODES[item[1].dtype]), item[0]))
    header: dict[str, Any] = {_METADATA: _checked_metadata(metadata)} if metadata else {}
    end = 0
    for name, array in arrays:
        start, end = end, end + array.nbytes
        place = {"shape": list(array.shape), "data_offsets": [start, end]}
        header[name] = {"dtype": _CODES[array.dtype], **place}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # so that the tensors begin at a multiple of 8
    size = len(text).to_bytes(8, "little")
    return b"".join([size, text, *(array.tobytes() for _, array in arrays)])


def load_safetensors(path: str | Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name, in the order in which their bytes lie.

    Raises ValueError where the file is damaged, saying in one sentence what is wrong with it.
    """
    file = Path(path)
    header, data = _read(file)
    header.pop(_METADATA, None)
    tensors = {}
    end = 0
    for name, entry in sorted(header.items(), key=lambda item: _place(file, *item)):
        if _place(file, name, entry)[0] != end:
            raise _damaged(file, f"the bytes of {name!r} do not begin where those before it end")
        end = entry["data_offsets"][1]
        tensors[name] = from_numpy(_array(file, name, entry, data))
    if end != len(data):
        raise _damaged(
            file, f"its header speaks of {end} bytes of tensors, but there are {len(data)}"
        )
    return tensors


def read_metadata(path: str | Path) -> dict[str, str]:
    """Return the text that was saved beside the tensors, or nothing where there was none."""
    text: dict[str, str] = _read(Path(path))[0].get(_METADATA, {})
    return text


def _read(file: Path) -> tuple[dict[str, Any], memoryview]:
    """Return the header of a file, and the bytes of its tensors."""
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    content = memoryview(file.read_bytes())
    end = 8 + int.from_bytes(content[:8], "little")
    if end > len(content):
        raise _damaged(file, "it ends before its header does")
    return _header(file, bytes(content[8:end])), content[end:]


def _header(file: Path, text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode(), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as problem:
        raise _damaged(file, f"its header is no JSON ({problem})") from None
    if not isinstance(header, dict):
        raise _damaged(file, "its header is no table of tensors")
    return header


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a name occurs twice")
    return table


def _place(file: Path, name: str, entry: Any) -> tuple[int, int]:
    """Return where the bytes of a tensor begin and end, once its entry is known to be one."""
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_size, offsets)):
        raise _damaged(file, f"its header does not say where the bytes of {name!r} are")
    return offsets[0], offsets[1]


def _array(file: Path, name: str, entry: dict[str, Any], data: memoryview) -> Array:
    shape, code = entry.get("shape"), entry.get("dtype")
    if not isinstance(shape, list) or not all(map(_is_size, shape)):
        raise _damaged(file, f"the shape of {name!r} is {shape!r}")
    if not isinstance(code, str) or code not in _DTYPES:
        known = ", ".join(_DTYPES)
        raise ValueError(f"{file}: {name!r} has the dtype {code!r}; tensors here have {known}")
    start, end = entry["data_offsets"]
    dtype = np.dtype(_DTYPES[code])
    if end - start != math.prod(shape) * dtype.itemsize or end > len(data):
        given = f"bytes {start} to {end} of {len(data)}"
        raise _damaged(file, f"{name!r} of shape {tuple(shape)} in {code} cannot be {given}")
    return np.frombuffer(data[start:end], dtype).reshape(shape).copy()


def _is_size(number: Any) -> bool:
    return type(number) is int and number >= 0


def _damaged(file: Path, finding: str) -> ValueError:
    return ValueError(f"{file} is damaged, or no safetensors file: {finding}")


def _little_endian(array: Array) -> Array:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)


def _check_name(name: str) -> None:
    if not isinstance(name, str) or name == _METADATA:
        raise ValueError(f"no tensor can be called {name!r}: a name is text, and not {_METADATA}")


def _checked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise ValueError(f"metadata is text by name, not {key!r}: {value!r}; use str()")
    return dict(sorted(metadata.items()))
