"""Names in code cells lead to the API reference, whichever way the cell reached them.

A cell writes `tt.arange`, Python says `tinytorch.tensors.creation.arange`, and the reference
documents `tinytorch.tensors.arange`. This map tells sphinx-codeautolink that they are one.
"""

import importlib
import inspect
from collections.abc import Iterator

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx_codeautolink.extension import SphinxCodeAutoLink

from tinytorch.course.catalog import load_course


def aliases() -> Iterator[tuple[str, str]]:
    """Yield each other name of a documented object with the documented one."""
    for chapter in load_course().published:
        module = importlib.import_module(f"tinytorch.{chapter.stem}")
        for name in module.__all__:
            documented = f"{module.__name__}.{name}"
            value = getattr(module, name)
            others = [f"tinytorch.{name}"]
            is_named = inspect.isroutine(value) or inspect.isclass(value)
            if is_named and value.__name__ == name:  # not by a second name, such as Linear
                others.append(f"{value.__module__}.{value.__qualname__}")
            for other in others:
                yield other, documented
                for member in vars(value) if inspect.isclass(value) else ():
                    yield f"{other}.{member}", f"{documented}.{member}"


def name_aliases(app: Sphinx, config: Config) -> None:
    config.codeautolink_inventory_map = {
        other: documented for other, documented in aliases() if other != documented
    }


def link_in(app: Sphinx, pagename: str, *_: object) -> None:
    """Have the names of a written page linked.

    By itself sphinx-codeautolink links the pages whose own source changed, but Sphinx writes
    others beside them: those that list a changed page, or that read a changed file.
    """
    for listener in app.events.listeners["build-finished"]:
        linker = getattr(listener.handler, "__self__", None)
        if isinstance(linker, SphinxCodeAutoLink):
            linker.outdated_docs.add(pagename)


def read_the_root_too(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Return the root page when any page changed.

    Sphinx writes it again with every change, and sphinx-codeautolink knows the names only of
    pages that were read (its cache forgets all that is not reStructuredText).
    """
    return [str(app.config.root_doc)] if added or changed or removed else []


def setup_linked_names(app: Sphinx) -> None:
    app.connect("config-inited", name_aliases)
    app.connect("env-get-outdated", read_the_root_too)
    app.connect("html-page-context", link_in)
