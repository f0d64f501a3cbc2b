"""A file that is written whole is whole, whoever writes beside us and whatever ends us."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tinytorch.data.files import write_whole

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds until something that should happen counts as never happening

WRITING = """
import sys
from tinytorch.data.files import write_whole

path, letter, times = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3])
print("begins", flush=True)
for _ in range(times):
    write_whole(path, letter * 200_000)
"""
LIMITED = """
import resource, sys
from tinytorch.data.files import write_whole

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # a disk that is full half way
try:
    write_whole(sys.argv[1], b"x" * 200_000)
except OSError as refusal:
    print(refusal)
"""


def start(program, *arguments):
    """Start a program in a process of its own."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_two_processes_may_write_one_file_at_once(tmp_path):
    path = tmp_path / "file.bin"
    write_whole(path, b"a" * 200_000)
    both = [start(WRITING, path, letter, 100) for letter in "ab"]
    seen = set()
    while any(one.poll() is None for one in both):
        content = path.read_bytes()
        assert len(content) == 200_000
        assert len(set(content)) == 1
        seen.add(content[:1])
    for one in both:
        one.communicate(timeout=PATIENCE)
        assert one.returncode == 0
    assert seen == {b"a", b"b"}
    assert [one.name for one in tmp_path.iterdir()] == ["file.bin"]


def test_a_kill_leaves_the_file_from_before_or_after(tmp_path):
    path = tmp_path / "file.bin"
    write_whole(path, b"a" * 200_000)
    for number in range(6):
        killed = start(WRITING, path, "b", 100_000)
        killed.stdout.readline()
        time.sleep(0.003 * number)
        killed.kill()
        killed.communicate(timeout=PATIENCE)
        content = path.read_bytes()
        assert content in (b"a" * 200_000, b"b" * 200_000)


def test_a_disk_that_is_full_half_way_is_one_sentence_and_no_file(tmp_path):
    path = tmp_path / "file.bin"
    write_whole(path, b"before")
    said = start(LIMITED, path).communicate(timeout=PATIENCE)[0]
    wanted = f"cannot write {path}: file too large; mend that, or write to another place\n"
    assert said == wanted
    assert path.read_bytes() == b"before"
    assert [one.name for one in tmp_path.iterdir()] == ["file.bin"]
