# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes in a real window: all pipelines at once and undone, a render meanwhile, disabling."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import addon_utils
import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver

ONLY = "trixie"

MODULE = "bl_ext.user_default.facewright"


def script() -> driver.Steps:
    driver.install()
    yield
    bpy.context.preferences.system.use_region_overlap = False
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    with bpy.context.temp_override(**driver.viewport()):
        for _ in range(2):
            bpy.ops.facewright.add_pipeline("INVOKE_DEFAULT")
    for player in _chosen().players:
        player.voice_source = "SAMPLE"
    bpy.ops.ed.undo_push(message="two pipelines")
    yield from driver.open_sidebar("Facewright")
    yield from _all_at_once()
    yield from _stopped()
    yield from _states()
    yield from _while_rendering()
    yield from _disabled_meanwhile()


def _chosen() -> Any:
    return bpy.context.scene.facewright


def _state() -> Any:
    return sys.modules[f"{MODULE}.properties.progress"].STATE


def _animated() -> list[bool]:
    """Whether each character has a take."""
    found = []
    for character in _chosen().characters:
        data = character.skin.data.shape_keys.animation_data
        found.append(data is not None and data.action is not None)
    return found


def _begin_all() -> driver.Steps:
    with bpy.context.temp_override(**driver.viewport()):
        assert bpy.ops.facewright.animate_all("INVOKE_DEFAULT") == {"RUNNING_MODAL"}
    yield


def _ended() -> driver.Steps:
    yield from driver.wait_for("the job to end", lambda: not _state().running, 120)
    yield
    print("outcome:", _state().outcome, flush=True)


def _all_at_once() -> driver.Steps:
    """Two faces, one job, one step of undo."""
    yield from _begin_all()
    yield from _ended()
    assert _animated() == [True, True]
    yield from driver.press("Z", ctrl=True)
    yield from driver.wait_for("undo", lambda: not bpy.data.actions, 20)
    yield from driver.press("Z", ctrl=True, shift=True)
    yield from driver.wait_for("redo", lambda: _animated() == [True, True], 20)
    yield from driver.press("Z", ctrl=True)
    yield from driver.wait_for("undo", lambda: not bpy.data.actions, 20)


def _stopped() -> driver.Steps:
    """Esc in the second: the first is done and can be undone, the second is as it was."""
    yield from _begin_all()
    yield from driver.wait_for("the second face", lambda: _state().fraction > 0.5, 60)
    yield from driver.press("ESC")
    yield from _ended()
    if _animated() == [True, True]:  # it was quicker than the key
        print("the second was done before Esc", flush=True)
    else:
        assert _animated() == [True, False], _animated()
    yield from driver.press("Z", ctrl=True)
    yield from driver.wait_for("undo", lambda: not bpy.data.actions, 20)


def _states() -> driver.Steps:
    status = sys.modules[f"{MODULE}.operators.take_status"].status_of
    chosen = _chosen()
    chosen.active_pipeline = 0
    chosen.pipeline.takes.bake = "NEW"
    bpy.ops.facewright.animate()
    bpy.ops.facewright.animate()

    def is_now(text: str) -> bool:
        return status(bpy.context.scene, _chosen().pipelines[0]) == text

    yield from driver.wait_for("up to date", lambda: is_now("Up to date"), 10)
    chosen.pipelines[0].skin_strength = 1.4
    yield from driver.wait_for("outdated", lambda: is_now("Outdated"), 10)
    chosen.pipeline.takes.index = 0
    yield from driver.redrawn()
    driver.shot("takes")
    chosen.pipelines[0].property_unset("own_skin_strength")
    yield from driver.wait_for("up to date", lambda: is_now("Up to date"), 10)
    before = len(bpy.data.actions)
    assert bpy.ops.facewright.take_remove() == {"FINISHED"}
    assert len(bpy.data.actions) < before
    yield


def _while_rendering() -> driver.Steps:
    """A render that begins during the job holds the writing up until it is over."""
    for action in list(bpy.data.actions):
        bpy.data.actions.remove(action)
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0.0, -1.5, 0.1), (1.5708, 0.0, 0.0)
    scene.camera = camera
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_x, scene.render.resolution_y = 640, 480
    scene.frame_start, scene.frame_end = 1, 20
    scene.render.filepath = str(Path(bpy.app.tempdir) / "frame_")
    bpy.context.preferences.view.render_display_type = "NONE"
    with bpy.context.temp_override(**driver.viewport()):
        assert bpy.ops.facewright.animate("INVOKE_DEFAULT") == {"RUNNING_MODAL"}
        bpy.ops.render.render("INVOKE_DEFAULT", animation=True)
    yield
    if not bpy.app.is_job_running("RENDER"):
        print("this Blender renders nothing in a job here", flush=True)
        yield from _ended()
        return
    yield from driver.wait_for("waiting", lambda: _state().text == "Waiting for the render", 60)
    assert bpy.app.is_job_running("RENDER")
    assert not bpy.data.actions
    print("the job waits for the render", flush=True)
    yield from driver.wait_for("no render", lambda: not bpy.app.is_job_running("RENDER"), 120)
    yield from _ended()
    assert _animated()[_chosen().active_pipeline]


def _disabled_meanwhile() -> driver.Steps:
    """The extension is disabled in the midst of it, as by Reload Scripts."""
    for action in list(bpy.data.actions):
        bpy.data.actions.remove(action)
    yield from _begin_all()
    addon_utils.disable(MODULE)
    yield
    yield
    assert not bpy.data.actions
    addon_utils.enable(MODULE)
    yield
    assert not _state().running
    yield from _begin_all()
    yield from _ended()
    assert _animated() == [True, True]


driver.run(script)
