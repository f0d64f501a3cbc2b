"""The learner-facing checks notice nearly every small change to what they check."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

from tests.mutation import mutants, score
from tinytorch.course.catalog import load_course

REPORT = json.loads(score.REPORT.read_text(encoding="utf-8"))
STEMS = [module.stem for module in load_course().published]
FILES = [
    path
    for stem in STEMS
    for path in score.source_files(stem)
    if path.name != "__init__.py"  # nothing but imports
]


@pytest.mark.parametrize("stem", STEMS)
def test_the_checks_kill_nine_mutants_of_ten(stem):
    """All mutants of the steps, and every tenth of the rest: the full run is `make mutation`."""
    jobs = (os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    command = [sys.executable, "-m", "tests.mutation", stem, "--sample", f"--jobs={max(jobs, 1)}"]
    done = subprocess.run(command, cwd=score.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_report_is_of_the_code_as_it_is(path):
    name = path.relative_to(score.ROOT / "tinytorch").as_posix()
    assert name in REPORT["files"], "run `make mutation`"
    reported = REPORT["files"][name]["code"]
    assert reported == score.fingerprint(path), "the code changed: run `make mutation`"


@pytest.mark.parametrize("kind", ["files", "steps"])
def test_every_score_of_the_full_run_is_high_enough(kind):
    for name, row in REPORT[kind].items():
        share = row["killed"] / (row["killed"] + len(row["survivors"]))
        assert share >= score.REQUIRED, name


def test_a_mutant_differs_in_one_place_and_is_python(tmp_path):
    path = tmp_path / "sample.py"
    path.write_text(
        textwrap.dedent('''
            class Counter:
                def add(self, count: int | None = None, *, twice: bool = False) -> int:
                    """Return count - 1."""
                    return count + 1 if twice else 0
        ''')
    )
    found = {mutant.change: mutant.source for mutant in mutants.mutants_of(path)}
    assert "return count + 1 if twice else 0 => return count - 1 if twice else 0" in found
    assert all("int | None" in source for source in found.values())
    assert all('"""Return count - 1."""' in source for source in found.values())
    for source in found.values():
        compile(source, "sample.py", "exec")


def test_every_equivalent_mutant_has_a_reason():
    for reason, lines in score.equivalents().items():
        assert len(reason) > 20
        assert lines
        assert len(set(lines)) == len(lines)
