# SPDX-License-Identifier: GPL-3.0-or-later
"""Which wheels of the extension fit this Python and this system, and a Python without numpy."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from facewright.core.errors import UserError
from facewright.core.runtimes import this_platform, this_python
from facewright.worker import packages

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def wheels(tmp_path):
    """Every wheel that the extension comes with, by name alone."""
    listed = tomllib.loads((ROOT / "wheels" / "wheels.lock.toml").read_text("utf-8"))["wheel"]
    folder = tmp_path / "wheels"
    folder.mkdir()
    for row in listed:
        (folder / row["file"]).touch()
    return folder, listed


def test_the_wheels_of_this_system_are_those_of_the_lock(wheels):
    folder, listed = wheels
    wanted = sorted(
        row["file"]
        for row in listed
        if this_platform() in row["platforms"] and this_python() in row["pythons"]
    )
    if not wanted:
        pytest.skip("the extension has no wheels for this system")
    assert [path.name for path in packages._fitting(folder)] == wanted


def test_wheels_are_unpacked_whole_or_not_at_all(tmp_path):
    good, bad = tmp_path / "good.whl", tmp_path / "bad.whl"
    with zipfile.ZipFile(good, "w") as wheel:
        wheel.writestr("one/__init__.py", "x = 1\n")
    bad.write_bytes(b"no archive")
    with pytest.raises(UserError, match="cannot be unpacked"):
        packages._unpack([good, bad], tmp_path / "cache" / "a")
    assert list((tmp_path / "cache").iterdir()) == []
    packages._unpack([good], tmp_path / "cache" / "a")
    packages._unpack([good], tmp_path / "cache" / "a")  # as by another process meanwhile
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["a"]
    assert (tmp_path / "cache" / "a" / "one" / "__init__.py").is_file()


def test_a_python_without_numpy_is_told_what_to_do():
    words = [sys.executable, "-I", "-S", str(ROOT / "worker" / "batch.py"), "--help"]
    ran = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 1
    assert "has no numpy" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_named_packages_serve_a_python_that_has_none():
    """Numpy too comes from the folder that is named."""
    import numpy

    site = str(Path(numpy.__file__).parent.parent)
    words = [sys.executable, "-I", "-S", str(ROOT / "worker" / "batch.py"), "--packages", site,
             "--help"]  # fmt: skip
    ran = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stderr
    assert "--manifest" in ran.stdout
