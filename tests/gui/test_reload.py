# SPDX-License-Identifier: GPL-3.0-or-later
"""A real render, undo under the preview, and all scripts loaded again while something runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import addon_utils
import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver

ONLY = "sid"

MODULE = "bl_ext.user_default.facewright"


def script() -> driver.Steps:
    driver.install()
    yield
    yield from driver.open_sidebar("Facewright")
    for obj in list(bpy.data.objects):
        if obj.type == "MESH":
            bpy.data.objects.remove(obj)
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.facewright.add_pipeline("INVOKE_DEFAULT")
    yield
    bpy.ops.ed.undo_push(message="ready")
    yield from _undo_under_the_preview()
    yield from _rendered_meanwhile()
    yield from _ended_while_animating()
    yield from _reloaded_while_playing()
    yield from _animate("after all that")


def _part(name: str) -> Any:
    return sys.modules[f"{MODULE}.{name}"]


def _state() -> Any:
    return _part("properties.progress").STATE


def _keys() -> Any:
    return bpy.context.scene.facewright.characters[0].skin.data.shape_keys


def _moved() -> bool:
    return max(key.value for key in _keys().key_blocks) > 0.01


def _begin() -> driver.Steps:
    with bpy.context.temp_override(**driver.viewport()):
        assert bpy.ops.facewright.animate("INVOKE_DEFAULT") == {"RUNNING_MODAL"}
    yield


def _animate(when: str) -> driver.Steps:
    yield from _begin()
    yield from driver.wait_for(f"the take {when}", lambda: not _state().running, 60)
    assert _state().ending == "done", _state().outcome
    assert _keys().animation_data.action


def _undo_under_the_preview() -> driver.Steps:
    scene = bpy.context.scene
    scene.frame_set(20)
    scene.facewright.pipelines[0].skin_strength = 1.6
    bpy.ops.ed.undo_push(message="strength")
    yield from driver.wait_for("the preview", _moved, 60)
    for held in ({"ctrl": True}, {"ctrl": True, "shift": True}):
        yield from driver.press("Z", **held)
        yield from driver.wait_for("the preview once more", _moved, 30)
    assert abs(bpy.context.scene.facewright.pipelines[0].skin_strength - 1.6) < 1e-6


def _rendered_meanwhile() -> driver.Steps:
    """The job waits for the render and then writes its take."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples = "CPU", 4096
    scene.cycles.time_limit = 15.0
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    scene.cycles.use_denoising = scene.cycles.use_adaptive_sampling = False
    scene.render.resolution_x = scene.render.resolution_y = 512
    if scene.camera is None:
        camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        scene.collection.objects.link(camera)
        scene.camera = camera
    yield from _begin()
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.render.render("INVOKE_DEFAULT")
    yield from driver.wait_for("the render", lambda: bpy.app.is_job_running("RENDER"), 20)
    waiting = _part("operators.rendering").WAITING
    yield from driver.wait_for("the job to wait", lambda: waiting in _state().text, 60)
    assert bpy.app.is_job_running("RENDER"), "the render was over too soon to tell"
    assert _keys().animation_data is None or _keys().animation_data.action is None
    driver.shot("reload_1_rendering")
    yield from driver.wait_for(
        "the render to end", lambda: not bpy.app.is_job_running("RENDER"), 90
    )
    yield from driver.wait_for("the job to end", lambda: not _state().running, 60)
    print("after the render:", _state().outcome, flush=True)
    yield from _animate("after the render")


def _ended_while_animating() -> driver.Steps:
    """Blender refuses to load scripts again under a job; the extension can be disabled."""
    for action in list(bpy.data.actions):
        bpy.data.actions.remove(action)
    yield from _begin()
    yield
    try:
        bpy.ops.script.reload()
    except RuntimeError as error:
        print("loading again:", error, flush=True)
    assert _state().running
    driver.shot("reload_2_running")
    addon_utils.disable(MODULE)
    yield
    yield
    assert not bpy.data.actions and not _state().running
    assert not _part("operators.running")._going
    driver.shot("reload_3_no_status_text")
    addon_utils.enable(MODULE)
    # Blender drops what is left of the job with the window's next event, and until then crashes
    # when another modal operator begins. Whoever presses a button has moved the pointer.
    driver.point_at_viewport()
    yield
    yield
    yield from _animate("after disabling and enabling")


def _reloaded_while_playing() -> driver.Steps:
    scene = bpy.context.scene
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 3, 7
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.facewright.play()
    yield
    bpy.ops.script.reload()
    yield
    yield
    scene = bpy.context.scene
    assert (scene.frame_preview_start, scene.frame_preview_end) == (3, 7)
    for window in bpy.context.window_manager.windows:
        if window.screen.is_animation_playing:
            with bpy.context.temp_override(window=window, screen=window.screen):
                bpy.ops.screen.animation_cancel(restore_frame=False)
    yield


driver.run(script)
