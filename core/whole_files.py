# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a file of Blender's was written to its end: some versions say nothing of a full disk.

A compressed .blend (silent in Blender 4.5 to 5.2) is frames of Zstandard, and at its end a table of
their sizes ("seekable format"): a skippable frame with 8 bytes for each, then the number of frames
(uint32), a byte of flags and a magic number.

A .usdc (silent in Blender 4.2) has at byte 16 where its table of contents begins (int64), which is
the last thing in it: the number of sections (uint64) and 32 bytes for each.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import IO

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
USD_MAGIC = b"PXR-USDC"
TABLE_AT, SECTION = 16, 32
SEEK_MAGIC = 0x8F92EAB1
HEADER, ROW, FOOTER = 8, 8, 9  # bytes of the table
CHECKSUMS = 0x80  # flag: rows have 4 bytes more


def is_whole(path: Path) -> bool:
    """Whether all is there that the file's own table names; True for other kinds of files.

    Raises OSError when it cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(len(USD_MAGIC))
        if head == USD_MAGIC:
            return _is_whole_usd(stream)
        return not head.startswith(ZSTD_MAGIC) or _is_whole_blend(stream)


def _is_whole_usd(stream: IO[bytes]) -> bool:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(TABLE_AT)
    (begin,) = _unpacked(stream, "<q")
    if not TABLE_AT < begin <= size - 8:
        return False
    stream.seek(begin)
    (count,) = _unpacked(stream, "<Q")
    return bool(begin + 8 + count * SECTION <= size)


def _is_whole_blend(stream: IO[bytes]) -> bool:
    size = stream.seek(0, os.SEEK_END)
    if size < HEADER + FOOTER:
        return False
    stream.seek(size - FOOTER)
    count, flags, magic = _unpacked(stream, "<IBI")
    row = ROW + 4 if flags & CHECKSUMS else ROW
    begin = size - FOOTER - count * row
    if magic != SEEK_MAGIC or begin < HEADER:
        return False
    stream.seek(begin)
    table = stream.read(count * row)
    frames = sum(struct.unpack_from("<I", table, at * row)[0] for at in range(count))
    return bool(frames == begin - HEADER)


def _unpacked(stream: IO[bytes], form: str) -> tuple[int, ...]:
    """Numbers from the stream; zeros where it ends before them."""
    return struct.unpack(
        form, stream.read(struct.calcsize(form)).ljust(struct.calcsize(form), b"\0")
    )
