# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry caches in a real window: progress, Esc, and the files."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver

ONLY = "sid"
MOST_S = 0.5  # of a step, without a graphics card and on a busy machine; a usual one has 0.1


def script() -> driver.Steps:
    name = driver.install().__name__
    yield
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.facewright.add_pipeline("INVOKE_DEFAULT")
        bpy.ops.facewright.animate()
    yield from driver.open_sidebar("Facewright")
    with tempfile.TemporaryDirectory() as folder:
        scene: Any = bpy.context.scene
        exports, chosen = scene.facewright.exports, scene.facewright.caches
        exports.directory, exports.file_name = folder, "head"
        chosen.mesh_filter, chosen.pattern = "NAME", "Facewright Head*"
        taken = _timed(name)
        yield from _cancel(name, folder)
        for kind, files in (("USD", 1), ("MC", 16), ("PC2", 8)):
            chosen.format, chosen.play = kind, kind == "PC2"
            yield from _export(name)
            assert len(list(Path(folder).glob("head*"))) == files, kind
            for path in Path(folder).glob("head*"):
                path.unlink()
        print(f"longest step: {max(taken):.3f} s of {len(taken)}", flush=True)
        assert max(taken) < MOST_S
        driver.shot("caches")


def _timed(name: str) -> list[float]:
    """How long each step of the exports takes from now on."""
    module: Any = sys.modules[f"{name}.operators.caches"]
    steps, taken = module.write_steps, []

    def timed(order: Any) -> Iterator[float]:
        going = steps(order)
        while True:
            began = time.monotonic()
            try:
                now = next(going)
            except StopIteration as end:
                return end.value
            finally:
                taken.append(time.monotonic() - began)
            try:
                yield now
            except GeneratorExit:
                going.close()
                raise

    module.write_steps = timed
    return taken


def _begin() -> None:
    with bpy.context.temp_override(**driver.viewport()):
        assert bpy.ops.facewright.export_caches("INVOKE_DEFAULT") == {"RUNNING_MODAL"}


def _state(name: str) -> Any:
    return sys.modules[f"{name}.properties.progress"].STATE


def _export(name: str) -> driver.Steps:
    _begin()
    yield from driver.wait_for("the export", lambda: not _state(name).running, 120)
    assert _state(name).ending == "done", _state(name).outcome


def _cancel(name: str, folder: str) -> driver.Steps:
    frame = bpy.context.scene.frame_current
    _begin()
    yield from driver.wait_for("some frames", lambda: _state(name).fraction > 0.05)
    assert list(Path(folder).iterdir())
    yield from driver.press("ESC")
    yield from driver.wait_for("the end", lambda: not _state(name).running)
    assert _state(name).ending == "stopped"
    assert list(Path(folder).iterdir()) == []
    assert bpy.context.scene.frame_current == frame
    head = bpy.data.objects["Facewright Head"]
    assert head.modifiers["Subdivision"].show_viewport


driver.run(script, limit_s=280)
