"""Names in code cells lead to the API reference, whichever way the cell reached them.

A cell writes `tt.arange`, Python says `tinytorch.tensors.creation.arange`, and the reference
documents `tinytorch.tensors.arange`. This map tells sphinx-codeautolink that they are one.
"""

import importlib
import inspect
from collections.abc import Iterator

from sphinx.application import Sphinx
from sphinx.config import Config

from tinytorch.course.catalog import load_course


def aliases() -> Iterator[tuple[str, str]]:
    """Yield each other name of a documented object with the documented one."""
    for chapter in load_course().published:
        module = importlib.import_module(f"tinytorch.{chapter.stem}")
        for name in module.__all__:
            documented = f"{module.__name__}.{name}"
            value = getattr(module, name)
            others = [f"tinytorch.{name}"]
            if inspect.isroutine(value) or inspect.isclass(value):
                others.append(f"{value.__module__}.{value.__qualname__}")
            for other in others:
                yield other, documented
                for member in vars(value) if inspect.isclass(value) else ():
                    yield f"{other}.{member}", f"{documented}.{member}"


def name_aliases(app: Sphinx, config: Config) -> None:
    config.codeautolink_inventory_map = {
        other: documented for other, documented in aliases() if other != documented
    }


def setup_linked_names(app: Sphinx) -> None:
    app.connect("config-inited", name_aliases)
