# SPDX-License-Identifier: GPL-3.0-or-later
"""Live in a real window: a head follows the microphone, which speaks a file, and keeps its take."""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver

JAW = "jawOpen"
SPOKEN_S = 6.0


def script() -> driver.Steps:
    extension = driver.install()
    yield
    bpy.context.preferences.system.use_region_overlap = False
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.facewright.add_pipeline("INVOKE_DEFAULT")
    player = bpy.context.scene.facewright.players[0]
    player.track_root = tempfile.mkdtemp()
    yield from _panel_alone()
    recorder = importlib.import_module(f"{extension.__name__}.operators.listening").RECORDER
    yield from _record(recorder)
    yield from _live(recorder)
    yield from _keep(recorder, player)


def _panel_alone() -> driver.Steps:
    """Show the recorder opened, and no other panel but the main one."""
    panel = next(
        each for each in bpy.types.Panel.__subclasses__() if each.__name__.endswith("PT_recorder")
    )
    bpy.utils.unregister_class(panel)
    panel.bl_options = set()
    panel.bl_order = 0
    bpy.utils.register_class(panel)
    yield from driver.open_sidebar("Facewright")
    yield from driver.redrawn()
    known = sys.modules[f"{panel.__module__.rpartition('.panels')[0]}.properties.microphones"]
    yield from driver.wait_for("the microphones", lambda: known.MICROPHONES.known)
    assert known.MICROPHONES.names == (f"File: {Path(driver.VOICE).name}",)
    yield from driver.redrawn()
    driver.shot("live_0_ready")


def _press(name: str, **options: Any) -> None:
    with bpy.context.temp_override(**driver.viewport()):
        getattr(bpy.ops.facewright, name)("INVOKE_DEFAULT", **options)


def _record(recorder: Any) -> driver.Steps:
    """Without live: the level moves, and the recording is there to be saved."""
    _press("record")
    yield from driver.wait_for(
        "2 s of sound", lambda: recorder.running.first.state.get("captured_s", 0) > 2
    )
    driver.shot("live_1_recording")
    _press("record")
    yield from driver.wait_for("the recording", lambda: recorder.heard is not None)
    assert recorder.heard.seconds > 2
    _press("recorder_discard")


def _jaw() -> float:
    skin = bpy.context.scene.facewright.characters[0].skin
    return float(skin.data.shape_keys.key_blocks[JAW].value)


def _live(recorder: Any) -> driver.Steps:
    before = _jaw()
    _press("live")
    yield from driver.wait_for(
        "live frames", lambda: recorder.running.first.state.get("frames", 0) > 0
    )
    running, opened, delays = recorder.running, [], []
    end, pictured = time.monotonic() + SPOKEN_S, False
    while time.monotonic() < end:
        opened.append(_jaw())
        delays.append(running.delay_ms)
        if not pictured and opened[-1] > 0.15:
            driver.shot("live_2_speaking")
            pictured = True
        yield
    print("jaw:", [round(each, 2) for each in opened], flush=True)
    print("delay, ms:", [round(each) for each in delays], flush=True)
    print("state:", {k: v for k, v in running.first.state.items() if k != "names"}, flush=True)
    assert pictured and max(opened) - min(opened) > 0.1, "the mouth did not move"
    assert len({round(each, 3) for each in opened}) > 5, "the mouth stands still"
    assert running.first.state["dropped"] == 0
    yield from _render(running)
    _press("live")
    yield from driver.wait_for("the end", lambda: recorder.running is None)
    assert _jaw() == before, "the face does not look as before"
    yield from driver.redrawn()
    driver.shot("live_3_ended")


def _render(running: Any) -> driver.Steps:
    """A render leaves the face alone, and the microphone goes on."""
    scene = bpy.context.scene
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    scene.camera.location = (0, -1, 0)
    scene.render.engine, scene.cycles.samples = "CYCLES", 4000
    scene.cycles.use_denoising = False
    scene.render.resolution_x = scene.render.resolution_y = 160
    bpy.context.preferences.view.render_display_type = "NONE"
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.render.render("INVOKE_DEFAULT")
    yield from driver.wait_for("the render", lambda: bpy.app.is_job_running("RENDER"))
    jaw, heard = _jaw(), running.first.state["captured_s"]
    end = time.monotonic() + 2
    while time.monotonic() < end and bpy.app.is_job_running("RENDER"):
        assert _jaw() == jaw, "a face was written while a render ran"
        yield
    assert running.first.state["captured_s"] > heard
    window = driver.window()
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type="ESC", value=value, x=10, y=10)
    yield from driver.wait_for("the render's end", lambda: not bpy.app.is_job_running("RENDER"))


def _keep(recorder: Any, player: Any) -> driver.Steps:
    bpy.ops.ed.undo_push(message="Before")  # scripts' operators push none
    _press("live_keep")
    skin = bpy.context.scene.facewright.characters[0].skin
    yield from driver.wait_for(
        "keyframes", lambda: skin.data.shape_keys.animation_data is not None and not recorder.heard
    )
    assert Path(bpy.path.abspath(player.voice_path)).name == "Recording.wav"
    values = []
    for frame in range(1, 120, 3):
        bpy.context.scene.frame_set(frame)
        values.append(_jaw())
    assert max(values) > 0.15
    yield from driver.redrawn()
    driver.shot("live_4_kept")
    bpy.ops.ed.undo()
    yield
    skin = bpy.context.scene.facewright.characters[0].skin
    data = skin.data.shape_keys.animation_data
    assert data is None or data.action is None, "one undo takes the take back"
    assert bpy.context.scene.facewright.players[0].voice_source == "SAMPLE"


driver.run(script)
