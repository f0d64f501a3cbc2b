"""Shards stream a set larger than their budget, and say which file is damaged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinytorch as tt

ROOT = Path(__file__).resolve().parents[2]
MIB = 2**20

STREAM = """
import sys
import numpy as np, psutil
import tinytorch as tt

folder, budget, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
resident = psutil.Process().memory_info


def peak(dataset):
    loader = tt.DataLoader(dataset, 8, shuffle=True, num_workers=workers, prefetch_factor=1)
    most = total = 0
    for _ in range(2):
        for (images,) in loader:
            most = max(most, resident().rss)
            total += int(images[:, 0, 0].sum().item())
    return most, total


peak(tt.TensorDataset(tt.zeros(64, 128, 128)))  # so that all code is loaded
before = resident().rss
most, total = peak(tt.ShardedDataset(folder, budget_bytes=budget))
print(most - before, total)
"""


class Numbered(tt.Dataset):
    """Images of 64 KiB that are made when they are read, so that no set is ever in memory."""

    def __len__(self):
        return 1280

    def __getitem__(self, index):
        return (tt.full((128, 128), float(index)),)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """80 shards of 1 MiB each."""
    return tt.write_shards(Numbered(), tmp_path_factory.mktemp("large"), samples_per_shard=16)


def stream(folder, budget, workers=0):
    """Read the set twice in random order; return by how much memory grew, and a check sum."""
    arguments = [str(folder), str(budget), str(workers)]
    done = subprocess.run(
        [sys.executable, "-c", STREAM, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    grown, total = map(int, done.stdout.split())
    assert total == 2 * sum(range(1280))
    return grown


@pytest.mark.parametrize("workers", [0, 2])
def test_a_set_of_80_mib_streams_within_a_budget_of_8(large, workers):
    batches = (3 + workers) * MIB // 2  # those in work, ready and in use
    assert stream(large, 8 * MIB, workers) < 8 * MIB + batches + 2 * MIB


def test_with_a_budget_for_all_of_it_the_set_does_fill_memory(large):
    assert stream(large, 100 * MIB) > 60 * MIB  # the measurement would notice


def test_writing_holds_a_shard_at_a_time(tmp_path):
    program = (
        "import sys, psutil, tinytorch as tt\n"
        "class Numbered(tt.Dataset):\n"
        "    def __init__(self, count): self.count = count\n"
        "    def __len__(self): return self.count\n"
        "    def __getitem__(self, index):\n"
        "        global most\n"
        "        most = max(most, psutil.Process().memory_info().rss)\n"
        "        return tt.full((128, 128), float(index))\n"
        "most = 0\n"
        "tt.write_shards(Numbered(16), sys.argv[1] + '/a', samples_per_shard=16)\n"
        "before = most\n"
        "tt.write_shards(Numbered(640), sys.argv[1] + '/b', samples_per_shard=16)\n"
        "print(most - before)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    grown = subprocess.check_output(command, cwd=ROOT, text=True)
    assert int(grown) < 8 * MIB  # of the 40 that were written


@pytest.fixture
def folder(tmp_path):
    dataset = tt.TensorDataset(tt.arange(20).reshape(10, 2), tt.arange(10))
    return tt.write_shards(dataset, tmp_path / "set", samples_per_shard=4)


def opened(folder):
    return tt.ShardedDataset(folder, budget_bytes=1000)


def test_what_was_written_is_named_in_the_index(folder):
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "index.json",
        *(f"shard-0000{shard}.{part}.npy" for shard in range(3) for part in range(2)),
    }
    index = json.loads((folder / "index.json").read_text())
    assert [shard["samples"] for shard in index["shards"]] == [4, 4, 2]
    assert {len(file["sha256"]) for shard in index["shards"] for file in shard["files"]} == {64}


def test_shards_are_plain_arrays_of_numpy(folder):
    assert np.load(folder / "shard-00002.1.npy").tolist() == [8, 9]


def test_a_sample_is_a_copy_that_may_be_written_to(folder):
    dataset = opened(folder)
    dataset[0][0][:] = 99
    assert dataset[0][0].tolist() == [0, 1]


def test_a_missing_shard_is_named(folder):
    (folder / "shard-00001.0.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"shard-00001\.0\.npy is missing"):
        opened(folder)


def test_a_shard_cut_short_is_named(folder):
    path = folder / "shard-00002.0.npy"
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match=r"shard-00002\.0\.npy is damaged: it has \d+ bytes"):
        opened(folder)


def test_a_shard_with_one_wrong_bit_is_named_when_it_is_read(folder):
    path = folder / "shard-00001.0.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    dataset = opened(folder)
    assert dataset[3][1].item() == 3
    with pytest.raises(ValueError, match=r"shard-00001\.0\.npy is damaged: its SHA-256"):
        dataset[4]


def test_an_interrupted_write_leaves_no_index(tmp_path):
    class Ends(tt.Dataset):
        def __len__(self):
            return 10

        def __getitem__(self, index):
            if index == 7:
                raise KeyboardInterrupt
            return index

    with pytest.raises(KeyboardInterrupt):
        tt.write_shards(Ends(), tmp_path, samples_per_shard=3)
    with pytest.raises(FileNotFoundError, match=r"index\.json is missing"):
        opened(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": "tinytorch shards 9"}', "\x00\xff", '{"shards": 3}']
)
def test_a_damaged_index_is_named(folder, content):
    (folder / "index.json").write_text(content)
    with pytest.raises(ValueError, match=r"index\.json is damaged"):
        opened(folder)


def test_a_budget_below_one_shard_is_refused(folder):
    with pytest.raises(ValueError, match=r"100 bytes is less than the largest shard"):
        tt.ShardedDataset(folder, budget_bytes=100)


def test_shards_are_not_written_over(folder):
    with pytest.raises(FileExistsError, match="choose an empty folder"):
        tt.write_shards(tt.TensorDataset(tt.zeros(2)), folder, samples_per_shard=1)


@pytest.mark.parametrize(
    "samples",
    [[tt.zeros(2), tt.zeros(3)], [tt.zeros(2), tt.ones(2, dtype=tt.int64)], [(1,), 1, (1, 2)]],
)
def test_samples_that_differ_are_named(tmp_path, samples):
    with pytest.raises(ValueError, match=r"sample [12] has parts"):
        tt.write_shards(samples, tmp_path, samples_per_shard=1)


def test_an_empty_set_has_no_shards(tmp_path):
    folder = tt.write_shards(tt.TensorDataset(tt.zeros(0)), tmp_path, samples_per_shard=5)
    assert list(opened(folder)) == []


def test_processes_map_the_files_themselves(folder):
    loader = tt.DataLoader(opened(folder), 5, num_workers=2, worker="process")
    assert [labels.tolist() for _, labels in loader] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_no_shard_stays_mapped_beyond_the_budget(tmp_path):
    tt.write_shards(tt.TensorDataset(tt.rand(12, 100)), tmp_path, samples_per_shard=4)
    dataset = tt.ShardedDataset(tmp_path, budget_bytes=4000)
    for index in (0, 9, 4, 1, 8, 5):
        dataset[index]
        assert dataset.cache.used_bytes <= 4000
    assert len(dataset.cache.samples) == 2
    assert dataset.cache.evictions > 0
