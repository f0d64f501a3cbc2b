"""Progress: a bar where somebody watches, one line an epoch where nobody does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from tinytorch.training.history import Record


@contextmanager
def bar_over(batches: Iterable[Any], label: str) -> Iterator[Iterable[Any]]:
    """Give the batches, with a bar that follows them where tqdm is installed and can be seen.

    At the end the bar is taken away, whatever ended it.
    """
    bar = find_bar()
    if bar is None:
        yield batches
        return
    shown = bar(batches, desc=label, leave=False)
    try:
        yield shown
    finally:
        shown.close()


def find_bar() -> Callable[..., Any] | None:
    """Return tqdm for a terminal or a notebook, or None where there is neither."""
    if find_spec("tqdm") is None:
        return None
    if sys.stderr is not None and sys.stderr.isatty():
        return import_module("tqdm").tqdm  # type: ignore[no-any-return]
    if "ipykernel" in sys.modules and find_spec("ipywidgets") is not None:
        return import_module("tqdm.notebook").tqdm  # type: ignore[no-any-return]
    return None


def line_of(record: Record, epochs: int) -> str:
    """Return an epoch's results as one line: ``epoch 3/10: train_loss 0.1234, ...``."""
    results = {name: value for name, value in record.items() if name not in ("epoch", "seconds")}
    text = ", ".join(f"{name} {value:.4f}" for name, value in results.items())
    return f"epoch {record['epoch']:.0f}/{epochs}: {text}, {record['seconds']:.1f} s"
