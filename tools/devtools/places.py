# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things lie: the checkout, and a cache outside it that every checkout shares."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import IO, Any, Iterator

from .console import say

ROOT = Path(__file__).resolve().parent.parent.parent
DIST = ROOT / "dist"
REQUIREMENTS = ROOT / "tools" / "requirements"
WINDOWS = sys.platform == "win32"


def cache() -> Path:
    """The folder for environments and downloads; FACEWRIGHT_CACHE moves it."""
    chosen = os.environ.get("FACEWRIGHT_CACHE")
    folder = Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "facewright"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the cache's lock of this name; wait while another run of dev.py holds it."""
    folder = cache() / "locks"
    folder.mkdir(exist_ok=True)
    with open(folder / f"{name}.lock", "a+", encoding="utf-8") as file:
        if not _lock(file, wait=False):
            say(f"   waiting for another run that is preparing {name} ...")
            _lock(file, wait=True)
        yield


def _lock(file: IO[Any], wait: bool) -> bool:
    """Lock an open file until it is closed; False when it is taken and we do not wait."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if not wait:
            return False
        if WINDOWS:  # LK_LOCK gives up after ten seconds
            return _lock(file, wait=True)
        raise
    return True
