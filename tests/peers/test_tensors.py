"""Tensors, layers, networks and training agree with PyTorch, or differ for a written reason.

Compares with frozen results; with PEERS=live in the environment, with PyTorch itself.
"""

from __future__ import annotations

import os
import warnings
from functools import cache

import pytest

import tinytorch as tt
from tests.peers import cases, differences, freeze, frozen

CASES = cases.all_cases()
GROUPS = sorted({case.group for case in CASES.values()})
EXPLAINED = differences.explained(CASES)


@cache
def theirs():
    """What PyTorch makes of every case: now if PEERS=live, or when it was last asked."""
    return freeze.ask_torch() if os.environ.get("PEERS") == "live" else frozen.load()


@cache
def ours():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's, of overflow and nan
        return {name: cases.run(case, tt) for name, case in CASES.items()}


@cache
def differing():
    """The cases that differ, each with how."""
    found = {name: frozen.difference(ours()[name], theirs()[1][name]) for name in CASES}
    return {name: how for name, how in found.items() if how is not None}


@pytest.mark.parametrize("group", GROUPS)
def test_all_cases_agree_with_pytorch(group):
    unexplained = [
        f"{name}: {how}"
        for name, how in differing().items()
        if CASES[name].group == group and name not in EXPLAINED
    ]
    assert unexplained == []


@pytest.mark.parametrize("reason", differences.DIFFERENCES)
def test_every_difference_by_design_is_one(reason):
    claimed = {name for name, (given, _) in EXPLAINED.items() if given == reason}
    assert claimed - set(differing()) == set(), "these agree, so there is nothing to explain"
    needed = {pattern for _, pattern in EXPLAINED.values()}
    assert set(differences.DIFFERENCES[reason]) <= needed, "a pattern matches no case"


def test_the_frozen_results_are_those_of_the_cases_and_of_the_pinned_pytorch():
    version, results = frozen.load()
    assert version == frozen.TORCH
    assert list(results) == list(CASES)
    assert frozen.PATH.stat().st_size < 500_000


def test_the_frozen_results_are_what_pytorch_says():
    version, results = theirs()
    stale = {
        name: how
        for name in CASES
        if (how := frozen.difference(frozen.load()[1][name], results[name]))
    }
    assert version == frozen.TORCH
    assert stale == {}


def test_a_case_that_disagrees_is_noticed():
    good = cases.run(CASES["a + b | a=float32[5] b=float32[2,5]"], tt)
    for changed in (
        {**good, "values": good["values"] + 1},
        {**good, "dtype": "float64"},
        {**good, "shape": [10]},
        {"refused": True},
    ):
        assert frozen.difference(changed, good) is not None
    assert frozen.difference(good, dict(good)) is None


def test_results_survive_freezing():
    outcome = cases.run(CASES["a.exp() | a=float32[8]*"], tt)
    assert outcome["values"].dtype == "float32"
    thawed = frozen._arrays(frozen._plain(outcome))
    assert thawed["values"].tobytes() == outcome["values"].tobytes()
