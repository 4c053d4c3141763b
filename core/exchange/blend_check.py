# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a compressed .blend is there to its end: Blender 4.5 to 5.2 say nothing of a full disk.

Such a file is frames of Zstandard, and at its end a table of their sizes ("seekable format"): a
skippable frame with 8 bytes for each, then the number of frames (uint32), a byte of flags and a
magic number.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

MAGIC = b"\x28\xb5\x2f\xfd"
SEEK_MAGIC = 0x8F92EAB1
HEADER, ROW, FOOTER = 8, 8, 9  # bytes of the table
CHECKSUMS = 0x80  # flag: rows have 4 bytes more


def is_whole(path: Path) -> bool:
    """Whether all frames that the table names are there."""
    try:
        with path.open("rb") as stream:
            if stream.read(len(MAGIC)) != MAGIC:
                return False
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - FOOTER))
            count, flags, magic = struct.unpack("<IBI", stream.read(FOOTER))
            row = ROW + 4 if flags & CHECKSUMS else ROW
            begin = size - FOOTER - count * row
            if magic != SEEK_MAGIC or begin < HEADER:
                return False
            stream.seek(begin)
            table = stream.read(count * row)
    except (OSError, struct.error):
        return False
    frames = sum(struct.unpack_from("<I", table, at * row)[0] for at in range(count))
    return bool(frames == begin - HEADER)
