# SPDX-License-Identifier: GPL-3.0-or-later
"""Runtimes for graphics processors: what is in them, how large they are, which folder holds one.

A runtime is a folder with another build of onnxruntime and the libraries that it needs. Which
files those are stands in ``core/runtimes.lock.toml``; ``worker/runtimes`` fetches them.
"""

from __future__ import annotations

import importlib.machinery
import json
import os
import platform
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import UserError

LOCK = Path(__file__).with_name("runtimes.lock.toml")
FOLDER = "runtimes"  # of the extension's user folder
MARKER = "facewright-runtime.json"  # written last: a folder without it is not whole

# The device that a user chooses, and the runtime that a worker for it is started with
RUNTIME_OF_DEVICE = {"cuda": "cuda", "tensorrt": "cuda", "directml": "directml"}
TITLES = {"cuda": "NVIDIA (CUDA)", "directml": "DirectML"}


@dataclass(frozen=True)
class RuntimeWheel:
    """One file of a runtime. ``size`` and ``unpacked`` are bytes, ``license`` an SPDX expression
    as the file itself states it."""

    file: str
    package: str
    version: str
    size: int
    unpacked: int
    sha256: str
    license: str


@dataclass(frozen=True)
class Runtime:
    """A runtime for one platform ("linux-x64") and one Python ("cp311")."""

    name: str
    platform: str
    python: str
    wheels: tuple[RuntimeWheel, ...]

    @property
    def version(self) -> str:
        """The version of its onnxruntime."""
        return next(w.version for w in self.wheels if w.package.startswith("onnxruntime"))

    @property
    def folder_name(self) -> str:
        return f"{self.name}-{self.version}-{self.python}"

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(wheel.size for wheel in self.wheels)

    @property
    def unpacked(self) -> int:
        """Bytes that it takes on the disk once it is there."""
        return sum(wheel.unpacked for wheel in self.wheels)

    @property
    def disk_needed(self) -> int:
        """Bytes that have to be free before it is fetched: files and what comes out of them."""
        return self.size + self.unpacked

    @property
    def proprietary(self) -> tuple[str, ...]:
        """Packages under their maker's own terms, which the user has to agree to."""
        return tuple(w.package for w in self.wheels if w.license.startswith("LicenseRef"))


def this_platform() -> str:
    """This computer as the lock names it, for example "linux-x64"; others come out as they are."""
    systems = {"win32": "windows", "darwin": "macos"}
    machines = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}
    machine = platform.machine().lower()
    return f"{systems.get(sys.platform, sys.platform)}-{machines.get(machine, machine)}"


def this_python() -> str:
    """The running Python as wheels name it, for example "cp311"."""
    return f"cp{sys.version_info.major}{sys.version_info.minor}"


def read_lock(path: Path = LOCK) -> tuple[dict[str, Any], ...]:
    """The rows of the lock. Raises UserError when it is missing or damaged."""
    try:
        with path.open("rb") as file:
            return tuple(tomllib.load(file)["wheel"])
    except (OSError, KeyError, ValueError) as error:
        raise UserError(
            f"The list of runtimes {path} cannot be read: {error}.",
            "Install Facewright again from its zip file.",
        ) from error


def find_runtime(
    name: str, for_platform: str = "", for_python: str = "", lock: Path = LOCK
) -> Runtime | None:
    """The runtime of this name for a platform and Python (this computer's by default), or None
    when there is none. Raises UserError when the lock cannot be read."""
    where, python = for_platform or this_platform(), for_python or this_python()
    keys = ("file", "package", "version", "size", "unpacked", "sha256", "license")
    wheels = tuple(
        RuntimeWheel(**{key: row[key] for key in keys})
        for row in read_lock(lock)
        if name in row["runtimes"] and where in row["platforms"] and python in row["pythons"]
    )
    return Runtime(name, where, python, wheels) if wheels else None


def unusable(folder: Path) -> str:
    """Why a folder cannot serve as a runtime of this Python, as a phrase; empty when it can.

    Any folder will do that holds an onnxruntime for this Python, whoever put it there.
    """
    if not os.path.isdir(folder):
        return f"the folder {folder} does not exist"
    capi = folder / "onnxruntime" / "capi"
    if not os.path.isdir(capi):
        return f"the folder {folder} holds no onnxruntime"
    names = [f"onnxruntime_pybind11_state{end}" for end in importlib.machinery.EXTENSION_SUFFIXES]
    if not any(os.path.isfile(capi / name) for name in names):
        return f"the onnxruntime in {folder} is not for Python {platform.python_version()}"
    return ""


def fetched_version(folder: Path) -> str:
    """The version of a runtime that was fetched whole into a folder; empty when it was not."""
    try:
        version = json.loads((folder / MARKER).read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return str(version)


def newest_fetched(folder: Path, name: str) -> Path | None:
    """The newest runtime of this name that was fetched whole for this Python into a folder."""
    found = [
        (tuple(int(part) for part in version.split(".") if part.isdigit()), one)
        for one in folder.glob(f"{name}-*-{this_python()}")
        if (version := fetched_version(one)) and not unusable(one)
    ]
    return max(found)[1] if found else None
