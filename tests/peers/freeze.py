"""Write what PyTorch makes of every case to frozen.json.gz: ``python -m tests.peers.freeze``."""

from __future__ import annotations

import warnings
from pathlib import Path

from tests.peers import cases, frozen


def ask_torch() -> tuple[str, dict[str, frozen.Outcome]]:
    """Return PyTorch's version and what it makes of every case."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's advice is not about us
        outcomes = {name: cases.run(case, torch) for name, case in cases.all_cases().items()}
    return torch.__version__.partition("+")[0], outcomes


if __name__ == "__main__":
    version, outcomes = ask_torch()
    size = frozen.PATH.write_bytes(frozen.dump(version, outcomes))
    print(
        f"{len(outcomes)} results of PyTorch {version}: {size:,} bytes in {Path(frozen.PATH).name}"
    )
