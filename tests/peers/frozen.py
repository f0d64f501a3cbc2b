"""The frozen results: what PyTorch made of every case, in one compressed file of JSON."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

TORCH = "2.13.0"  # the version whose results these are
PATH = Path(__file__).with_name("frozen.json.gz")

Outcome = dict[str, Any]


def dump(version: str, outcomes: dict[str, Outcome]) -> bytes:
    """Return the results as bytes; equal results give equal bytes."""
    lines = {name: _plain(outcome) for name, outcome in outcomes.items()}
    text = json.dumps({"torch": version, "results": lines}, separators=(",", ":"))
    return gzip.compress(text.encode(), mtime=0)


@cache
def load() -> tuple[str, dict[str, Outcome]]:
    """Return the version of PyTorch that made the results, and the results by case."""
    frozen = json.loads(gzip.decompress(PATH.read_bytes()))
    return frozen["torch"], {name: _arrays(one) for name, one in frozen["results"].items()}


def _plain(outcome: Outcome) -> Outcome:
    if "values" not in outcome:
        return outcome
    values = outcome["values"].ravel()
    shortest = (
        [float(str(value)) for value in values] if values.dtype.kind == "f" else values.tolist()
    )
    return {**outcome, "values": shortest}


def _arrays(outcome: Outcome) -> Outcome:
    if "values" not in outcome:
        return outcome
    values = np.array(outcome["values"], outcome["dtype"]).reshape(outcome["shape"])
    return {**outcome, "values": values}


def difference(ours: Outcome, theirs: Outcome) -> str | None:
    """Return how two outcomes differ, or None. Floats may differ in the last few bits."""
    for key in ("refused", "value", "dtype", "shape", "strides"):
        if ours.get(key) != theirs.get(key):
            return f"{key} {ours.get(key)}, not {theirs.get(key)}"
    if "values" not in ours or _close(ours["values"], theirs["values"]):
        return None
    return f"{ours['values'].tolist()}, not {theirs['values'].tolist()}"


def _close(ours: np.ndarray, theirs: np.ndarray) -> bool:
    if ours.dtype.kind != "f":
        return bool((ours == theirs).all())
    few_bits = 4 * np.finfo(ours.dtype).eps
    wide = ours.astype(float), theirs.astype(float)
    return np.allclose(*wide, rtol=few_bits, atol=few_bits, equal_nan=True)
