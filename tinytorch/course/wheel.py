"""Build a learner's library as a wheel: the installed package with their code in it.

Nothing but the standard library is needed, so it works in the browser as well; the same code
gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from tinytorch.course import catalog, cells, checks, source

if TYPE_CHECKING:
    from tinytorch.course.workspace import Workspace

PACKAGE = Path(__file__).resolve().parents[1]
LABEL = "mine"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip file can name
MODE = 0o644 << 16
WHEEL = "Wheel-Version: 1.0\nGenerator: tinytorch\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
ENTRY_POINTS = "[console_scripts]\ntinytorch = tinytorch.course.cli:main\n"
BARE_METADATA = """Metadata-Version: 2.1
Name: tinytorch
Version: 0
Requires-Python: >=3.11
Requires-Dist: numpy>=2.0
"""  # where the installed package says less, as in the browser


def build_wheel(texts: Mapping[str, str]) -> tuple[str, bytes]:
    """Return the file name and the bytes of a wheel of the package with these files in place.

    `texts` holds each file under its path below tinytorch/: `tensors/shapes.py`.
    """
    release = _release(catalog.load_course().version)
    information = f"tinytorch-{release}.dist-info"
    files = dict(_package())
    files |= {f"tinytorch/{path}": text.encode() for path, text in texts.items()}
    files |= {f"{information}/{name}": data for name, data in _information(release).items()}
    files[f"{information}/RECORD"] = _record(files, f"{information}/RECORD")
    return f"tinytorch-{release}-py3-none-any.whl", _zipped(files)


def workspace_wheel(
    workspace: Workspace, *, passed: Collection[str] | None = None
) -> tuple[str, bytes]:
    """Return the wheel of a workspace: its files, and the reference where a step is not built.

    With `passed`, the ids of steps, every other step is the reference's too.
    """
    texts: dict[str, str] = {}
    for stem in workspace.started:
        texts |= _completed(stem, workspace.files(stem), passed)
    return build_wheel(texts)


def _completed(stem: str, own: Mapping[str, str], passed: Collection[str] | None) -> dict[str, str]:
    """Return the files of a module with the reference's functions in place of unbuilt ones."""
    reference = source.package_files(stem)
    texts = {**reference, **own}
    for path, text in own.items():
        _require_python(path, text)
    for step in catalog.load_course().module(stem).steps:
        place = source.locate(step)
        function = source.find_function(texts[place.path], place.qualname)
        if function is None:
            raise catalog.CourseError(
                f"{place.path} has no {place.qualname} any more; bring it back with "
                f"`tinytorch reset {step.id}`"
            )
        if source.is_blank(function) or (passed is not None and step.id not in passed):
            texts = cells.with_cell(texts, step, cells.cell(step, reference))
    return texts


def _require_python(path: str, text: str) -> None:
    try:
        compile(text, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise catalog.CourseError(
            f"{path}{line}: {getattr(error, 'msg', error)}; mend it before you pack it"
        ) from error


def _release(version: str) -> str:
    """Return the version with a local label: 0.1.0+mine."""
    public, _, label = version.partition("+")
    labels = [*filter(None, label.split(".")), LABEL]
    return f"{public}+{'.'.join(dict.fromkeys(labels))}"


def _package() -> Iterator[tuple[str, bytes]]:
    """Yield the files of the package with its checks, by their names in a wheel."""
    folders = {PACKAGE: "tinytorch"}
    for name in (*checks.FOLDERS.values(), "mutants"):
        folders[checks.tests_root() / name] = f"tinytorch/course/tests/{name}"
    for folder, prefix in folders.items():
        for path in sorted(folder.rglob("*")):
            below = path.relative_to(folder)
            hidden = any(part.startswith(".") or part == "__pycache__" for part in below.parts)
            if path.is_file() and not hidden and path.suffix != ".pyc":
                yield f"{prefix}/{below.as_posix()}", path.read_bytes()


def _information(release: str) -> dict[str, bytes]:
    """Return the files of the .dist-info folder: what the installed package says of itself."""
    try:
        installed = metadata.distribution("tinytorch")
        said = installed.read_text("METADATA") or ""
        licences = [path for path in installed.files or () if "licenses" in path.parts]
    except metadata.PackageNotFoundError:
        said, licences = "", []
    said = said if "\nRequires-Dist:" in said else BARE_METADATA
    said = re.sub(r"^Version: .*$", f"Version: {release}", said, count=1, flags=re.MULTILINE)
    return {
        "METADATA": said.encode(),
        "WHEEL": WHEEL.encode(),
        "entry_points.txt": ENTRY_POINTS.encode(),
        **{"/".join(path.parts[1:]): path.read_binary() for path in licences},
    }


def _record(files: Mapping[str, bytes], itself: str) -> bytes:
    """Return the list of all files with their digests, as installers verify it."""
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in files.items()]
    return "\n".join([*lines, f"{itself},,", ""]).encode()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = MODE
            archive.writestr(entry, data)
    return packed.getvalue()
