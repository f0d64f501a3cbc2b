"""When a chapter must run again: its own cells changed, or the library they run on did.

The notebook cache knows only the cells. Here the library's source, data and tests make a
digest, and each digest has its own cache.
"""

import hashlib
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

from .repository import ROOT

FOLDERS = ("tinytorch", "tests/package", "tests/modules", "tests/mutants")


def library_digest(root: Path = ROOT) -> str:
    """Return a short digest of everything a chapter's cells can see."""
    digest = hashlib.sha256()
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def choose_cache(app: Sphinx, config: Config) -> None:
    if not config.nb_execution_cache_path:
        caches = Path(app.outdir).parent / ".jupyter_cache"
        config.nb_execution_cache_path = str(caches / library_digest())


def setup_execution(app: Sphinx) -> None:
    app.connect("config-inited", choose_cache)
