"""Score the learner-facing checks against generic mutants: ``python -m tests.mutation``."""

from __future__ import annotations

import argparse
import os
import sys

from tests.mutation import score
from tinytorch.course.catalog import load_course

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    published = [module.stem for module in load_course().published]
    parser.add_argument(
        "parts", nargs="*", default=published, help="modules, or files of theirs: data/files.py"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once")
    parser.add_argument(
        "--sample", action="store_true", help="all mutants of steps, every tenth of the others"
    )
    chosen = parser.parse_args()
    sys.exit(score.main(chosen.parts, chosen.jobs, is_sample=chosen.sample))
