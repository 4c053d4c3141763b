# SPDX-License-Identifier: GPL-3.0-or-later
"""An installed extension runs batches with Blender's Python, and so does a copy of it elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def voices(tmp_path):
    folder = tmp_path / "voices"
    folder.mkdir()
    samples = np.sin(np.arange(8000) / 20) * np.hanning(8000) * 9000
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + 16000, b"WAVE", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16,
        b"data", 16000,
    )  # fmt: skip
    (folder / "朝 1.wav").write_bytes(head + samples.astype("<i2").tobytes())
    return folder


def batch(root: Path, voices: Path, out: Path, **environ: str):
    words = [sys.executable, str(root / "worker" / "batch.py"), "--folder", str(voices),
             "--out", str(out), "--device", "cpu"]  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        words, capture_output=True, encoding="utf-8", timeout=120, check=False,
        env={**kept, **environ},
    )  # fmt: skip


def test_packages_come_from_where_blender_has_unpacked_them(extension, voices, tmp_path):
    root = Path(extension.__file__).parent
    cache = tmp_path / "cache"
    ran = batch(root, voices, tmp_path / "out", XDG_CACHE_HOME=str(cache))
    assert ran.returncode == 0, ran.stderr
    made = json.loads((tmp_path / "out" / "朝 1_bsweight.json").read_text("utf-8"))
    assert made["numFrames"] == 30
    assert np.ptp(np.array(made["weightMat"]), axis=0).max() > 0.01
    assert not (cache / "facewright" / "packages").exists()


def test_elsewhere_its_wheels_are_unpacked_once(extension, voices, tmp_path):
    root = tmp_path / "elsewhere" / "facewright"
    shutil.copytree(Path(extension.__file__).parent, root, copy_function=_link)
    environ = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "LOCALAPPDATA": str(tmp_path / "cache")}
    ran = batch(root, voices, tmp_path / "out", **environ)
    assert ran.returncode == 0, ran.stderr
    if sys.platform != "darwin":
        (folder,) = (tmp_path / "cache" / "facewright" / "packages").iterdir()
        assert (folder / "onnxruntime").is_dir()
    assert batch(root, voices, tmp_path / "out", **environ).returncode == 0
    shutil.rmtree(root / "wheels")
    (tmp_path / "out" / "朝 1_bsweight.json").unlink()
    ran = batch(root, voices, tmp_path / "out", **environ)
    assert ran.returncode == 1
    assert "onnxruntime, scipy, soundfile cannot be found" in ran.stderr
    assert "--packages" in ran.stderr


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
