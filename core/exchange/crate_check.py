# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a binary layer of USD is there to its end: Blender 4.2 says nothing of a full disk.

The file begins with ``PXR-USDC``, 8 bytes of version and an int64: where the table of contents
lies. The table holds a count, then for each section its name (16 bytes), start and size.
"""

from __future__ import annotations

import struct
from pathlib import Path

MAGIC = b"PXR-USDC"
MOST_SECTIONS = 64
_SECTION = struct.Struct("<16sqq")


def is_whole(path: Path) -> bool:
    """Whether every section that a layer names lies inside of its file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(24)
            if head[:8] != MAGIC or len(head) < 24:
                return False
            (place,) = struct.unpack_from("<q", head, 16)
            if not 0 < place <= size - 8:
                return False
            stream.seek(place)
            (count,) = struct.unpack("<q", stream.read(8))
            if not 0 < count <= MOST_SECTIONS:
                return False
            table = stream.read(count * _SECTION.size)
    except (OSError, struct.error):
        return False
    if len(table) < count * _SECTION.size:
        return False
    return all(
        start >= 0 and length >= 0 and start + length <= size
        for _name, start, length in _SECTION.iter_unpack(table)
    )
