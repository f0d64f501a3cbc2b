"""Look at Python and the packages that are installed beside tinytorch."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from typing import TYPE_CHECKING

from tinytorch.course.doctor import finding
from tinytorch.course.doctor.finding import Finding

if TYPE_CHECKING:
    from packaging.requirements import Requirement

OUR_EXTRAS = ("book", "dev")  # what a checkout needs besides `learn`


def python() -> Iterator[Finding]:
    """Look at the version of Python."""
    if not _has_packaging():
        return
    from packaging.specifiers import SpecifierSet

    running = ".".join(map(str, sys.version_info[:3]))
    told = metadata.metadata("tinytorch")
    needed = told["Requires-Python"] or ""
    tested = re.findall(r"Python :: (3\.\d+)", "\n".join(told.get_all("Classifier") or ()))
    newest = max(tested, key=_numbers, default=running)
    other = f"python{newest} -m venv .venv && .venv/bin/python -m pip install 'tinytorch[learn]'"
    if not SpecifierSet(needed).contains(running, prereleases=True):
        why = f"tinytorch needs Python {needed}; this is {sys.executable}."
        yield Finding("broken", f"Python {running} does not run tinytorch.", why, other)
    elif _numbers(running)[:2] > _numbers(newest):
        why = f"It is tested with {newest} and older; packages may have no wheel for this one."
        yield Finding("note", f"Python {running} is newer than the course knows.", why, other)
    else:
        yield Finding("ok", f"Python {running}: {sys.executable}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def packages() -> Iterator[Finding]:
    """Compare the installed packages with what tinytorch and its extras ask for."""
    if not _has_packaging():
        why = "Without it no version can be compared; it comes with the extra learn."
        yield Finding(
            "broken", "The package packaging is missing.", why, finding.install("packaging")
        )
        return
    learn = [*_requirements(""), *_requirements("learn")]
    wrong = [problem for one in learn if (problem := _mismatch(one))]
    if wrong:
        why = f"{'; '.join(wrong)}. The command and the checks need them."
        yield Finding("broken", "Packages are missing or do not fit.", why, _mend(learn))
    else:
        numpy = metadata.version("numpy")
        yield Finding("ok", f"NumPy {numpy} and the {len(learn) - 1} packages of the extra learn")
    known = {one.name for one in learn}
    for extra in metadata.metadata("tinytorch").get_all("Provides-Extra") or ():
        if extra != "learn":
            yield from _extra(extra, [one for one in _requirements(extra) if one.name not in known])


def _extra(extra: str, needed: list[Requirement]) -> Iterator[Finding]:
    """Report an extra that is installed in part, or in versions that do not fit."""
    there = [one for one in needed if _version(one.name)]
    unfit = [one for one in there if _mismatch(one)]
    absent = [
        one for one in needed if one not in there and extra in OUR_EXTRAS and finding.is_checkout()
    ]
    if there and (wrong := [*unfit, *absent]):
        why = "; ".join(filter(None, map(_mismatch, wrong)))
        yield Finding("note", f"The extra {extra} is installed in part.", f"{why}.", _mend(wrong))


def _requirements(extra: str) -> list[Requirement]:
    """Return what an extra asks for on this machine; without one, what the library needs."""
    from packaging.requirements import Requirement

    found = [Requirement(line) for line in metadata.requires("tinytorch") or ()]
    return [
        one
        for one in found
        if (one.marker is None or one.marker.evaluate({"extra": extra}))
        and bool(extra) == ("extra" in str(one.marker))
    ]


def _has_packaging() -> bool:
    return importlib.util.find_spec("packaging") is not None


def _version(name: str) -> str:
    try:
        return metadata.version(name) or ""
    except metadata.PackageNotFoundError:
        return ""


def _mismatch(needed: Requirement) -> str:
    """Return what is wrong with the package that is asked for, or nothing."""
    version = _version(needed.name)
    if not version:
        return f"{needed.name} is missing"
    fits = needed.specifier.contains(version, prereleases=True)
    return "" if fits else f"{needed.name} is {version}, not {needed.specifier}"


def _mend(needed: Iterable[Requirement]) -> str:
    return finding.install(*(f"{one.name}{one.specifier}" for one in needed if _mismatch(one)))
