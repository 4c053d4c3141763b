# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed worker takes its libraries from the extension and numpy from Blender."""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def hello(extension, tmp_path):
    """What the installed extension's worker says of itself."""
    local = importlib.import_module(f"{extension.__name__}.providers.local")
    wheels = importlib.import_module(f"{extension.__name__}.providers.wheels")
    worker = local.LocalWorker(wheels.find_site_folder(), str(tmp_path / "worker.log"))
    worker.start()
    limit = time.monotonic() + 60
    try:
        while not worker.hello and not worker.problem and time.monotonic() < limit:
            worker.poll()
            time.sleep(0.02)
        assert worker.hello, worker.problem or (tmp_path / "worker.log").read_text()
        return worker.hello
    finally:
        worker.stop()


def test_the_libraries_come_from_the_extension_alone(hello):
    import bpy

    site = Path(bpy.utils.user_resource("EXTENSIONS")) / ".local"
    assert not hello["problems"]
    for package in ("onnxruntime", "scipy", "soundfile"):
        assert Path(hello[package]["file"]).resolve().is_relative_to(site.resolve())


def test_python_and_numpy_are_blenders(hello):
    assert Path(hello["numpy"]["file"]).samefile(np.__file__)
    assert Path(hello["python"]["file"]).samefile(sys.executable)


def test_nothing_else_could_have_served():
    """This environment holds Blender and numpy; a worker that works has used the zip."""
    site = Path(np.__file__).parent.parent
    assert not [name for name in ("onnxruntime", "scipy", "soundfile") if (site / name).exists()]
