# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a WAV or AIFF file is shorter than its own header says. libsndfile reads on silently."""

from __future__ import annotations

import os
import struct
from typing import IO

_FORMS = {b"RIFF": "<", b"RIFX": ">", b"FORM": ">"}
_MAX_CHUNKS = 1_000


def declared_shortfall(source: IO[bytes]) -> bool:
    """Return whether the sound's chunk claims more bytes than the file has; leaves the position.

    Files that are no RIFF or AIFF say False.
    """
    before = source.tell()
    try:
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
        order = _FORMS.get(source.read(4))
        if order is None:
            return False
        source.seek(12)
        return _sound_chunk_is_short(source, order, size)
    finally:
        source.seek(before)


def _sound_chunk_is_short(source: IO[bytes], order: str, size: int) -> bool:
    for _ in range(_MAX_CHUNKS):
        head = source.read(8)
        if len(head) < 8:
            return False
        name, length = struct.unpack(f"{order}4sI", head)
        start = source.tell()
        if name in (b"data", b"SSND"):
            return start + length > size
        source.seek(start + length + (length & 1))
    return False
