"""Files that are whole or not there, whatever happens while they are written, and whenever."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex


def write_whole(path: str | os.PathLike[str], content: bytes | memoryview) -> None:
    """Write a file, so that its name always leads to all of the old content or all of the new.

    A link stays one: what it leads to is written. Raises OSError that says in one sentence why the
    file could not be written; then what was there still is, and nothing else.
    """
    place = Path(path).resolve()
    with part_of(place) as part:
        part.write_bytes(content)
        force_to_disk(part)
        os.replace(part, place)
    force_to_disk(place.parent)


@contextmanager
def part_of(place: Path) -> Iterator[Path]:
    """Give an empty file beside a place, to be written and moved there, and leave none behind.

    Its name is its own, however many write to the place at once, and begins like the place's. It
    has the permissions of the file in the place, or those that a new one gets. An OSError inside
    comes out as one sentence about the place.
    """
    part = place.with_name(f"{place.name}.{token_hex(4)}.part")
    try:
        part.touch(exist_ok=False)
        try:
            with suppress(FileNotFoundError):
                part.chmod(stat.S_IMODE(place.stat().st_mode))
            yield part
        finally:
            with suppress(OSError):
                part.unlink()
    except OSError as problem:
        raise refusal(place, problem) from problem


def force_to_disk(path: Path) -> None:
    """Return once a file's contents, or a folder's list of names, are on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders, and writes their names at once
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refusal(place: Path, problem: OSError) -> OSError:
    """Return an error of the same kind that says why, and the way out."""
    if not place.parent.is_dir():
        reason, way_out = f"there is no folder {place.parent}", "make it first"
    else:
        reason = (problem.strerror or str(problem)).lower()
        way_out = "mend that, or write to another place"
    error = type(problem)(f"cannot write {place}: {reason}; {way_out}")
    error.errno = problem.errno
    return error
