# SPDX-License-Identifier: GPL-3.0-or-later
"""A compressed .blend that lacks a part is found out by its own table."""

from __future__ import annotations

import struct

import pytest
from facewright.core.exchange.blend_check import is_whole

FRAMES = (b"\x28\xb5\x2f\xfd first", b"\x28\xb5\x2f\xfd the second one", b"\x28\xb5\x2f\xfd")


def written(frames=FRAMES, sizes=None, checksums=False):
    sizes = sizes or [len(frame) for frame in frames]
    extra = struct.pack("<I", 7) if checksums else b""
    rows = b"".join(struct.pack("<II", size, 99) + extra for size in sizes)
    flags = 0x80 if checksums else 0
    footer = struct.pack("<IBI", len(sizes), flags, 0x8F92EAB1)
    table = struct.pack("<II", 0x184D2A5E, len(rows) + len(footer)) + rows + footer
    return b"".join(frames) + table


@pytest.mark.parametrize("checksums", [False, True])
def test_a_file_is_whole_only_with_all_its_bytes(tmp_path, checksums):
    path, data = tmp_path / "a.blend", written(checksums=checksums)
    path.write_bytes(data)
    assert is_whole(path)
    for length in range(len(data)):
        path.write_bytes(data[:length])
        assert not is_whole(path), length


def test_a_frame_that_is_missing_in_the_middle_is_found(tmp_path):
    path = tmp_path / "a.blend"
    path.write_bytes(written(FRAMES[:1] + FRAMES[2:], [len(frame) for frame in FRAMES]))
    assert not is_whole(path)


def test_what_is_no_compressed_blend_or_not_there_is_not_whole(tmp_path):
    path = tmp_path / "a.blend"
    assert not is_whole(path)
    path.write_bytes(b"BLENDER-v405")
    assert not is_whole(path)
