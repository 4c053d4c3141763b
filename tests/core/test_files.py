# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import stat
import sys

import numpy as np
import pytest
from facewright.core import files
from facewright.core.errors import UserError


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "out.json"
    target.write_text("old")

    def write_half():
        with files.atomic_path(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.json"]


def test_the_temporary_name_keeps_folder_and_suffix(tmp_path):
    with files.atomic_path(tmp_path / "scene.usdc") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".usdc"
        temporary.write_bytes(b"x")
    assert os.listdir(tmp_path) == ["scene.usdc"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of Unix")
def test_permissions_follow_the_umask_or_the_file_that_was_there(tmp_path):
    before = os.umask(0o027)
    try:
        files.write_text(tmp_path / "new", "x")
        (tmp_path / "old").write_text("y")
        (tmp_path / "old").chmod(0o604)
        files.write_text(tmp_path / "old", "z")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o604


def test_places_that_cannot_be_written_are_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere.*does not exist"):
        files.write_bytes(tmp_path / "nowhere" / "a.json", b"")
    with pytest.raises(UserError, match="not a file"):
        files.write_bytes(tmp_path, b"")
    with pytest.raises(UserError, match="cannot be written"):
        files.write_bytes(tmp_path / ("x" * 300), b"")
    with pytest.raises(UserError, match="cannot be written"):
        files.write_bytes(tmp_path / "a\0b", b"")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs a device file")
def test_devices_are_never_replaced():
    with pytest.raises(UserError, match="not a file"):
        files.write_bytes("/dev/null", b"x")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
def test_a_full_disk_leaves_nothing(tmp_path):
    target = tmp_path / "a.bin"
    with (
        pytest.raises(UserError, match="No space left"),
        files.atomic_path(target),
        open("/dev/full", "wb", buffering=0) as disk,
    ):
        disk.write(b"x")
    assert os.listdir(tmp_path) == []


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    files.write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_npz_bytes_depend_on_the_arrays_alone(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.zeros(0, np.float32)}
    files.write_npz(tmp_path / "1.npz", arrays)
    files.write_npz(tmp_path / "2.npz", arrays)
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
    with np.load(tmp_path / "1.npz", allow_pickle=False) as npz:
        np.testing.assert_array_equal(npz["a"], arrays["a"])
        assert npz["b"].shape == (0,)
