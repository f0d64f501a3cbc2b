"""Files that belong to a person: written whole or not at all, and never thrown away."""

from __future__ import annotations

import contextlib
import os
import stat
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tinytorch.course.catalog import CourseError

PRIVATE = 0o600


def write_atomically(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Write the whole file or nothing; a file that is there keeps its permissions."""
    path = path.resolve()  # what a link points to, not the link
    with _draft(path, text, mode=mode) as draft:
        with contextlib.suppress(FileNotFoundError):
            draft.chmod(stat.S_IMODE(path.stat().st_mode))
        draft.replace(path)


def write_new(path: Path, text: str) -> bool:
    """Write the whole file unless there is one, and return whether it was written."""
    if os.path.lexists(path):
        return False
    with _draft(path, text, mode=0o666) as draft:
        try:
            os.link(draft, path)
        except FileExistsError:  # somebody was faster
            return False
        except OSError:  # a file system without links
            draft.rename(path)
    return True


@contextlib.contextmanager
def _draft(path: Path, text: str, *, mode: int) -> Iterator[Path]:
    """Give a finished file beside the path, and leave none behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())
        yield draft
    except OSError as error:
        if error.filename == str(draft):  # nobody knows that name
            error.filename = str(path)
        raise
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()


def read_text(path: Path) -> str:
    """Return the text of a file with its lines ended by newlines alone."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CourseError(f"{path} is not UTF-8 text; save it as UTF-8 in your editor") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def set_aside(path: Path, reason: str) -> Path:
    """Rename a file so that its name says why, and return the new path."""
    aside = unused(path.with_name(f"{path.stem}-{reason}-{moment()}{path.suffix}"))
    path.replace(aside)
    return aside


def unused(path: Path) -> Path:
    """Return the path, or the next one like it that is not there."""
    found, number = path, 1
    while os.path.lexists(found):
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found


def moment() -> str:
    """Return the time in UTC as it may stand in a file name: 20260131-235959."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}"


def now() -> str:
    """Return the time in UTC as it stands in our files: 2026-01-31T23:59:59+00:00."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextlib.contextmanager
def one_sentence(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into one sentence for the learner."""
    try:
        yield
    except OSError as error:
        reason = error.strerror.lower() if error.strerror else str(error)
        place = error.filename or folder
        raise CourseError(
            f"cannot use {place}: {reason}; mend that, or choose another place"
        ) from error
