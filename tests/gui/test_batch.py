# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of voices is animated while the window goes on: begun, cancelled, begun again until all
rows are done; then with the character, in another Blender.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver
import stubs

ONLY = "sid"
COUNT, MORE = 400, 3  # voices; those that the second run makes
LIMIT_S = 100


def script() -> driver.Steps:
    name = driver.install().__name__
    yield
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place) / "voices", Path(place) / "out put"
        folder.mkdir()
        out.mkdir()
        voice = stubs.write_wav(Path(place) / "long.wav", stubs.speech_like(100.0))
        for number in range(COUNT):
            os.link(voice, folder / f"台詞 {number}.wav")
        (folder / "broken.wav").write_bytes(b"RIFF no sound at all")
        bpy.ops.facewright.add_pipeline()
        yield from _panel(out, folder)
        yield from _begin_and_cancel(name, out)
        yield from _again(name, folder, out)
        yield from _with_the_character(name, folder, out)


def _state(name: str) -> Any:
    return sys.modules[f"{name}.properties.batch"].BATCH


def _chosen() -> Any:
    return bpy.context.scene.facewright


def _call(operator: str) -> None:
    with bpy.context.temp_override(**driver.viewport()):
        getattr(bpy.ops.facewright, operator)("INVOKE_DEFAULT")


def _panel(out: Path, folder: Path) -> driver.Steps:
    """The sidebar with the panel and its parent alone, both open."""
    bpy.context.preferences.system.use_region_overlap = False
    wanted = ("FACEWRIGHT_PT_exports", "FACEWRIGHT_PT_batch")
    ours = [p for p in bpy.types.Panel.__subclasses__() if p.__name__.startswith("FACEWRIGHT_PT_")]
    for panel in reversed([panel for panel in ours if panel.bl_space_type == "VIEW_3D"]):
        bpy.utils.unregister_class(panel)
    for panel in sorted(ours, key=lambda panel: panel.__name__, reverse=True):
        if panel.__name__ in wanted:
            panel.bl_options = set()
            bpy.utils.register_class(panel)
    chosen = _chosen()
    chosen.exports.directory = str(out)
    yield from driver.open_sidebar("Facewright")
    yield from driver.redrawn()
    driver.shot("batch_1_grey")
    chosen.players[0].track_root = str(folder)
    chosen.batch.processes = 1


def _begin_and_cancel(name: str, out: Path) -> driver.Steps:
    state = _state(name)
    _call("batch_animate")
    yield
    assert state.running, state.outcome
    yield from driver.wait_for("the first rows", lambda: state.count("done") >= 2, LIMIT_S)
    yield from driver.redrawn()
    driver.shot("batch_2_running")
    bpy.ops.mesh.primitive_cube_add()  # the user goes on working
    yield from driver.press("G")
    yield from driver.press("ESC")
    assert state.running, state.outcome
    _call("batch_cancel")
    yield from driver.wait_for("the end", lambda: not state.running, 30)
    assert state.ending == "stopped", state.outcome
    assert not state.count("running")
    yield from driver.redrawn()
    driver.shot("batch_3_cancelled")
    # What was put in its place in the very last moment has not been told any more
    assert state.count("done") <= len(list(out.glob("*.json"))) < COUNT
    work = out / ".facewright" / "work"
    yield from driver.wait_for("nothing half done", lambda: not list(work.iterdir()), 30)


def _again(name: str, folder: Path, out: Path) -> driver.Steps:
    state = _state(name)
    before = len(list(out.glob("*.json")))
    left = before + MORE
    for number in range(left, COUNT):
        (folder / f"台詞 {number}.wav").unlink(missing_ok=True)
    _call("batch_animate")
    yield
    yield from driver.wait_for("all rows", lambda: not state.running, LIMIT_S)
    assert (state.count("fresh"), state.count("done")) == (before, MORE), state.outcome
    assert state.count("failed") == 1 and "1 failed" in state.outcome, state.outcome
    assert len(list(out.glob("*.json"))) == left
    yield from driver.redrawn()
    driver.shot("batch_4_done")


def _with_the_character(name: str, folder: Path, out: Path) -> driver.Steps:
    state, chosen = _state(name), _chosen()
    for number in range(2, COUNT):
        (folder / f"台詞 {number}.wav").unlink(missing_ok=True)
    (folder / "broken.wav").unlink()
    chosen.batch.use_json, chosen.batch.use_blend = False, True
    _call("batch_animate")
    yield
    yield from driver.wait_for("the other Blender", lambda: not state.running, LIMIT_S)
    assert [row.state for row in state.rows] == ["done", "done"], (state.rows, state.outcome)
    assert {path.name for path in out.glob("*.blend")} == {"台詞 0.blend", "台詞 1.blend"}
    yield from driver.redrawn()
    driver.shot("batch_5_blend")


driver.run(script, limit_s=235)
