# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that are whole or not there at all, however long it takes to fill them.

Everything is put into ``NAME.part`` beside the wanted folder, which stays when the work is
cancelled or breaks off, so that the next try goes on with what is there. One rename makes it real.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..core.errors import UserError
from ..core.memory import megabytes

PART = ".part"
IN_USE = "in-use.lock"
_SPARE_BYTES = 64 << 20  # left free on the disk, whatever is fetched
_RENAME_WAITS_S = (0.2, 0.5, 1.0, 2.0)  # virus scanners hold new files for a moment on Windows


class Staging:
    """A folder that is being filled at ``part`` and will be ``folder``."""

    def __init__(self, folder: Path, lock: IO[str]) -> None:
        self.folder = folder
        self.part = part_of(folder)
        self._lock = lock

    def check_space(self, needed: int) -> None:
        """Raises UserError unless ``needed`` bytes and a reserve are free."""
        free = shutil.disk_usage(self.part).free
        if free < needed + _SPARE_BYTES:
            raise UserError(
                f"There is too little space for {self.folder}: {megabytes(needed)} are needed, "
                f"{megabytes(free)} are free.",
                "Free some space, or choose another folder.",
            )

    def publish(self) -> None:
        """Let the folder appear. Raises UserError."""
        self._lock.close()
        with suppress(OSError):
            (self.part / IN_USE).unlink()
        for wait_s in (*_RENAME_WAITS_S, None):
            try:
                os.rename(self.part, self.folder)
                return
            except OSError as error:
                if wait_s is None or self.folder.exists():
                    raise UserError(f"{self.folder} cannot be put in place: {error}.") from error
                time.sleep(wait_s)

    def leftovers(self) -> Iterator[Path]:
        """The files in it, without our own lock."""
        for path in sorted(self.part.rglob("*")):
            if path.is_file() and path.name != IN_USE:
                yield path


def part_of(folder: Path) -> Path:
    """Where a folder is filled before it appears."""
    return folder.with_name(folder.name + PART)


@contextmanager
def staging(folder: Path) -> Iterator[Staging]:
    """Begin or go on filling ``folder``, which must not be there yet.

    Raises UserError when it is there, cannot be written, or is being filled by another Blender;
    errors of the disk inside the block become UserErrors too.
    """
    if folder.exists():
        raise UserError(f"{folder} is there already.", "Remove it first to fetch it anew.")
    try:
        part_of(folder).mkdir(parents=True, exist_ok=True)
        with (part_of(folder) / IN_USE).open("a", encoding="utf-8") as lock:
            if not _take(lock):
                raise UserError(f"{folder} is being fetched by another Blender.", "Wait for it.")
            yield Staging(folder, lock)
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written: {error.strerror or error}.",
            "Check the free space and the permissions of the folder.",
        ) from error


def _take(lock: IO[str]) -> bool:
    """Lock an open file until it is closed or this process ends; False when another has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
