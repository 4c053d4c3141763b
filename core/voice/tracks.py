# SPDX-License-Identifier: GPL-3.0-or-later
"""The voices of a folder, as a player lists them."""

from __future__ import annotations

import os
import re
from functools import lru_cache

KINDS = ("wav", "wave", "ogg", "oga", "opus", "flac", "aif", "aiff", "aifc", "mp3", "au")
ENDINGS = tuple(f".{kind}" for kind in KINDS)
MOST = 500


def tracks(folder: str) -> tuple[str, ...]:
    """Names of the sound files of a folder, at most ``MOST``, sorted as people do.

    Nothing is opened: endings decide. Files whose names are no text are left out. A folder that
    cannot be read has none. The folder is read again when it has changed.
    """
    try:
        return _listed(folder, os.stat(folder).st_mtime_ns)
    except OSError:
        return ()


def voices(folder: str) -> list[str]:
    """As ``tracks``, all of them. Raises OSError for a folder that cannot be read."""
    with os.scandir(folder) as entries:
        found = [entry.name for entry in entries if _is_voice(entry)]
    return sorted(found, key=_place)


@lru_cache(maxsize=16)
def _listed(folder: str, _changed_ns: int) -> tuple[str, ...]:
    return tuple(voices(folder)[:MOST])


def _is_voice(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    if name.startswith(".") or os.path.splitext(name)[1].lower() not in ENDINGS:
        return False
    return entry.is_file() and name.encode("utf-8", "ignore").decode("utf-8") == name


def _place(name: str) -> tuple[tuple[str | int, ...], str]:
    """Line 2 comes before Line 10, and capital letters do not matter."""
    parts = re.split(r"([0-9]+)", name.casefold())  # letters at even places, numbers at odd ones
    return tuple(int(part) if at % 2 else part for at, part in enumerate(parts)), name
