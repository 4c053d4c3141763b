# SPDX-License-Identifier: GPL-3.0-or-later
"""A process knows when whoever started it has gone, without a thread and without waiting."""

from __future__ import annotations

import os

from facewright.core.life_line import is_cut


def test_a_pipe_is_cut_when_its_other_end_is_closed():
    reading, writing = os.pipe()
    try:
        assert not is_cut(reading)
        os.write(writing, b"what nobody asked for")
        assert not is_cut(reading)
        assert not is_cut(reading)
        os.close(writing)
        assert is_cut(reading)
        assert is_cut(reading)
    finally:
        os.close(reading)


def test_what_is_no_pipe_is_never_cut(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    with path.open("rb") as stream:
        assert not is_cut(stream.fileno())
    assert not is_cut(987)
