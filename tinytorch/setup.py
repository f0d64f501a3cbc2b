"""Know the machine: versions, requirements, seeds and fingerprints."""

from __future__ import annotations

import functools
import hashlib
import json
import operator
import os
import platform
import random
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

__all__ = [
    "COMPARISONS",
    "MISSING",
    "STAGES",
    "Difference",
    "Machine",
    "Problem",
    "Version",
    "check_requirements",
    "compare_environments",
    "default_generator",
    "fingerprint",
    "format_bytes",
    "inspect_machine",
    "installed_packages",
    "manual_seed",
    "normalize_name",
    "parse_version",
    "read_clauses",
    "satisfies",
]

Version = tuple[tuple[int, ...], ...]
"""What `parse_version` returns: the release numbers, then one pair for each stage."""

STAGES = {"dev": -4, "a": -3, "b": -2, "rc": -1, "final": 0, "post": 1}
"""The rank of each stage in the life of a release, from first to last."""

COMPARISONS: dict[str, Callable[[Version, Version], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
"""The comparison that each sign of a requirement stands for."""

MISSING = "(missing)"
"""What a `Difference` shows for the side that lacks the entry."""


def format_bytes(count: int) -> str:
    """Write a number of bytes in the largest unit that keeps it at 1 or more.

    The units are bytes, KiB, MiB, GiB, TiB, PiB and EiB, each 1024 of the
    one before; all but bytes take one decimal: `format_bytes(1536) == "1.5 KiB"`.
    Raise ValueError for a negative count.
    """
    if count < 0:
        raise ValueError(f"cannot format {count} bytes: a size is zero or more")
    if count < 1024:
        return f"{count} byte" if count == 1 else f"{count} bytes"
    units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    size = count / 1024
    while round(size, 1) >= 1024 and len(units) > 1:  # rounded, or 1023.96 is printed as 1024.0
        size /= 1024
        units.pop(0)
    return f"{size:.1f} {units[0]}"


def parse_version(text: str) -> Version:
    """Turn a version into a tuple that compares as the versions do.

    First the release without the zeros that end it, then a pair (rank, number)
    for each stage that follows, then (0, 0):
    `parse_version("2.0rc1") == ((2,), (-1, 1), (0, 0))`.
    A local label ("+cpu") does not count.
    Raise ValueError for text that is no version.
    Source: PEP 440, without epochs and alternative spellings.
    """
    pattern = r"([0-9]+(?:\.[0-9]+)*)((?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?)"
    found = re.fullmatch(pattern, text.partition("+")[0])
    if found is None:
        raise ValueError(f"cannot read version {text!r}: write it like 3.11, 2.0.2 or 3.14.0rc1")
    release = [int(number) for number in found[1].split(".")]
    while release and release[-1] == 0:
        release.pop()
    stages = re.findall(r"([a-z]+)([0-9]+)", found[2])
    ranked = [(STAGES[name], int(number)) for name, number in stages]
    return (tuple(release), *ranked, (STAGES["final"], 0))


def read_clauses(requirement: str) -> list[tuple[str, str]]:
    """Split a requirement such as ">=3.11,<3.14" into pairs of a sign and a version.

    A version may end in .* after == and !=. Raise ValueError for any other clause.
    """
    clauses = []
    for clause in filter(None, map(str.strip, requirement.split(","))):
        found = re.fullmatch(r"(==|!=|<=|>=|~=|<|>)\s*([^\s<>=*]+(\.\*)?)", clause)
        if found is None or (found[3] and found[1] not in ("==", "!=")):
            raise ValueError(f"cannot read {clause!r}: write a sign and a version, like >=3.11")
        clauses.append((found[1], found[2]))
    return clauses


def satisfies(version: str, requirement: str) -> bool:
    """Return whether a version meets every clause of a requirement.

    The signs are those of COMPARISONS and `~=`, and all clauses must hold:
    `satisfies("3.12.1", ">=3.11,<3.14")`. No clause, no condition.
    `==2.3.*` is the family of 2.3: 2.3, 2.3.1, 2.3rc1; `!=2.3.*` is all but it.
    `~=2.3.1` means `>=2.3.1,==2.3.*`.
    `<` and `>` leave out all that grows from the version they name: 3.14.0rc1
    is not `<3.14`.
    Source: PEP 440, with pre-releases admitted, except that it would let
    1.0rc1.dev1 pass `<1.0rc1`.
    """
    candidate = parse_version(version)
    for sign, text in read_clauses(requirement):
        bound = parse_version(text.removesuffix(".*"))
        family = [int(number) for number in re.findall(r"[0-9]+", re.split("[a-z+]", text)[0])]
        if sign == "~=" and len(family) < 2:
            raise ValueError(f"cannot use ~= with {text}: it needs two numbers, like ~=2.0")
        if sign == "~=":
            family.pop()
        release = [*candidate[0], *(0 for _ in family)]  # 2 also means 2.0
        in_family = release[: len(family)] == family
        if sign == "~=":
            kept = candidate >= bound and in_family
        elif text.endswith(".*"):
            kept = in_family == (sign == "==")
        elif sign in ("<", ">"):
            kept = COMPARISONS[sign](candidate, bound) and candidate[: len(bound) - 1] != bound[:-1]
        else:
            kept = COMPARISONS[sign](candidate, bound)
        if not kept:
            return False
    return True


@dataclass(frozen=True)
class Machine:
    """What a program can learn about the machine it runs on."""

    python: str
    """The version of Python, such as "3.11.9"."""
    implementation: str
    """Who made this Python: "CPython", "PyPy"."""
    system: str
    """The operating system: "Linux", "Darwin" (macOS), "Windows", "Emscripten" (a browser)."""
    processor: str
    """The kind of processor: "x86_64", "arm64", "wasm32"."""
    cores: int | None
    """How many processor cores this process may use."""
    memory: int | None
    """The size of the machine's memory in bytes; None where the system does not tell."""
    in_virtual_environment: bool
    """Whether packages are installed apart from those of the system's Python."""
    in_browser: bool
    """Whether this Python runs inside a web page."""
    packages: dict[str, str]
    """The installed packages: normalised name to version."""

    def __str__(self) -> str:
        place = "a browser" if self.in_browser else f"{self.system} on {self.processor}"
        memory = "unknown" if self.memory is None else format_bytes(self.memory)
        return (
            f"python       {self.python} ({self.implementation})\n"
            f"runs in      {place}\n"
            f"cores        {self.cores or 'unknown'}\n"
            f"memory       {memory}\n"
            f"environment  {'virtual' if self.in_virtual_environment else 'not virtual'}\n"
            f"packages     {len(self.packages)}"
        )


def normalize_name(name: str) -> str:
    """Write a package name the one way that all its spellings share (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_packages() -> dict[str, str]:
    """Return the version of every package that this Python can import, by name."""
    from importlib import metadata  # here, as it costs a tenth of a second

    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:  # an interrupted installation leaves a nameless folder
            found.setdefault(normalize_name(name), distribution.version)
    return dict(sorted(found.items()))


def inspect_machine() -> Machine:
    """Return what this Python can tell about itself and the machine under it.

    cores: those this process may use, which can be fewer than the machine has.
    memory: page size times number of pages, None where os.sysconf is silent.
    in_virtual_environment: whether `sys.prefix` has left `sys.base_prefix`.
    in_browser: whether `sys.platform` is "emscripten".
    """
    if hasattr(os, "sched_getaffinity"):
        cores: int | None = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count()
    try:
        memory: int | None = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        memory = None
    return Machine(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        system=platform.system(),
        processor=platform.machine(),
        cores=cores,
        memory=memory,
        in_virtual_environment=sys.prefix != sys.base_prefix,
        in_browser=sys.platform == "emscripten",
        packages=installed_packages(),
    )


@dataclass(frozen=True)
class Problem:
    """A requirement that the machine does not meet."""

    name: str
    """The package, or "python"."""
    needed: str
    """The versions that would do; empty when any would."""
    found: str | None
    """The installed version; None when there is none."""
    remedy: str
    """What to do about it."""

    def __str__(self) -> str:
        found = "nothing" if self.found is None else self.found
        return f"{self.name}: needs {self.needed or 'any version'}, found {found}. {self.remedy}"


def check_requirements(
    requirements: Iterable[str], installed: Mapping[str, str] | None = None
) -> list[Problem]:
    """Return a Problem for every requirement that is not met, in the order given.

    requirements: a name and its clauses, such as "numpy>=2.0,<3", "python>=3.11".
    installed: normalised name to version; if None, this machine's packages
    and its Python, under the name python.
    The remedy is 'Run: python -m pip install "numpy>=2.0,<3"', and for Python
    "Install Python >=3.11 and make a new virtual environment with it."
    Raise ValueError for a requirement that cannot be read, TypeError for a
    single string.
    """
    if isinstance(requirements, str):
        raise TypeError(f"requirements are a list of strings: write [{requirements!r}]")
    if installed is None:
        machine = inspect_machine()
        installed = {**machine.packages, "python": machine.python}
    problems = []
    for requirement in requirements:
        found = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", requirement)
        if found is None:
            raise ValueError(f"cannot read {requirement!r}: begin with a name, as in numpy>=2.0")
        name, needed = normalize_name(found[1]), requirement[found.end() :].strip()
        version = installed.get(name)
        meets = satisfies(version or "0", needed)  # read the clauses even if nothing is installed
        if version is None or not meets:
            remedy = f'Run: python -m pip install "{name}{needed}"'
            if name == "python":
                remedy = f"Install Python {needed} and make a new virtual environment with it."
            problems.append(Problem(name, needed, version, remedy))
    return problems


@functools.cache
def default_generator() -> np.random.Generator:
    """Return the generator from which the library draws when it is given none.

    There is one, made at first use from the system's entropy; `manual_seed` seeds it in place.
    """
    return np.random.default_rng()


def manual_seed(seed: int) -> np.random.Generator:
    """Seed every generator the course uses, and return the library's default one.

    These are Python's `random`, NumPy's legacy `np.random`, and
    `default_generator()`, which stays the same object and starts where
    `np.random.default_rng(seed)` does.
    Raise TypeError if the seed is no integer and ValueError if it is outside
    0 ... 2**32 - 1, in both cases before anything is seeded.
    """
    seed = operator.index(seed)
    if not 0 <= seed < 2**32:
        raise ValueError(f"cannot seed with {seed}: choose a whole number from 0 to 2**32 - 1")
    random.seed(seed)
    np.random.seed(seed)
    generator = default_generator()
    generator.bit_generator.state = np.random.default_rng(seed).bit_generator.state
    return generator


def fingerprint(environment: object) -> str:
    """Return the SHA-256 of the environment's canonical JSON, in hexadecimal.

    Canonical: keys sorted at every level, no spaces, UTF-8. So equal
    environments have equal fingerprints, in every process and on every machine.
    Raise TypeError for what JSON cannot hold, ValueError for NaN and infinities.
    """
    text = json.dumps(
        environment, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@dataclass(frozen=True)
class Difference:
    """An entry in which two environments differ."""

    name: str
    """Where it is; levels are joined by dots: "packages.numpy"."""
    ours: object
    """Our value, or MISSING."""
    theirs: object
    """Their value, or MISSING."""

    def __str__(self) -> str:
        return f"{self.name}: ours {self.ours}, theirs {self.theirs}"


def compare_environments(
    ours: Mapping[str, object], theirs: Mapping[str, object]
) -> list[Difference]:
    """Return every entry in which two environments differ, sorted by name.

    Mappings inside mappings are compared entry by entry. An entry that only one
    side has is a difference too, and the other side shows MISSING. There are
    no differences exactly when the two fingerprints are equal.
    """
    differences: list[Difference] = []
    for name in sorted(ours.keys() | theirs.keys()):
        mine, yours = ours.get(name, MISSING), theirs.get(name, MISSING)
        if isinstance(mine, Mapping) and isinstance(yours, Mapping):
            inner = compare_environments(mine, yours)
            differences += [replace(found, name=f"{name}.{found.name}") for found in inner]
        elif not (name in ours and name in theirs) or fingerprint(mine) != fingerprint(yours):
            differences.append(Difference(name, mine, yours))
    return differences
