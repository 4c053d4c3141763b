# SPDX-License-Identifier: GPL-3.0-or-later
"""A first animation in a real window: install, add the head, the sample, Animate, undo, redo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver

KEY = {"type": "J", "value": "PRESS", "ctrl": True, "shift": True}


def script() -> driver.Steps:
    extension = driver.install()
    yield
    _let_a_key_press_animate()
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    yield from driver.open_sidebar("Facewright")
    driver.shot("1_empty")
    yield from _add_head()
    yield from _animate(extension)
    moving = _opening()
    print("mouth, closest and widest, m:", moving.min(), moving.max(), flush=True)
    assert np.ptp(moving) > 0.003, "the mouth does not move"
    yield from _undo_and_redo(moving)
    yield from _play()


def _let_a_key_press_animate() -> None:
    """A person may put any operator on a key; then it runs exactly as from its button."""
    keymaps = bpy.context.window_manager.keyconfigs.addon.keymaps
    keymaps.new(name="3D View", space_type="VIEW_3D").keymap_items.new("facewright.animate", **KEY)


def _add_head() -> driver.Steps:
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.facewright.add_head("INVOKE_DEFAULT")
    view = driver.area("VIEW_3D").spaces.active
    yield from driver.wait_for(
        "the view to come near", lambda: view.region_3d.view_distance < 1.0, 10
    )
    yield
    driver.shot("2_added")
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.view3d.view_axis(type="FRONT")
    view.shading.color_type = "VERTEX"
    yield
    yield
    assert _face() is not None, "Add Template Head did not choose the head as the face"
    driver.shot("2_head")
    bpy.context.scene.facewright.players[0].voice_source = "SAMPLE"
    bpy.ops.ed.undo_push(message="sample chosen")
    yield


def _animate(extension: Any) -> driver.Steps:
    yield from driver.press("J", ctrl=True, shift=True)
    state = sys.modules[f"{extension.__name__}.properties.progress"].STATE
    seen = []
    for _ in driver.wait_for("the animation to end", lambda: not state.running, 120):
        seen.append(state.fraction)
        if len(seen) == 3:
            driver.shot("3_working")
        yield
    print("progress seen:", [round(share, 2) for share in seen], flush=True)
    assert not state.failed, state.outcome
    assert _action() is not None, "there are no keyframes"
    yield
    bpy.context.scene.frame_set(_widest_frame())
    yield
    yield
    driver.shot("4_animated")


def _undo_and_redo(moving: np.ndarray[Any, Any]) -> driver.Steps:
    yield from driver.press("Z", ctrl=True)
    yield from driver.wait_for("undo to take the keyframes back", lambda: _action() is None, 20)
    assert _face() is not None, "undo took more than the animation"
    driver.shot("5_undone")
    yield from driver.press("Z", ctrl=True, shift=True)
    yield from driver.wait_for("redo to bring them again", lambda: _action() is not None, 20)
    yield
    assert np.allclose(_opening(), moving, atol=1e-6), "redo brings another motion"
    driver.shot("6_redone")


def _play() -> driver.Steps:
    """Playback runs with the sound strip in place; frames per second are never asserted."""
    editor = bpy.context.scene.sequence_editor
    strips = getattr(editor, "strips", None) or getattr(editor, "sequences")  # noqa: B009
    assert [strip.type for strip in strips] == ["SOUND"], "the voice is not in the sequencer"
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.screen.animation_play()
    for _ in range(8):
        yield
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.screen.animation_cancel(restore_frame=False)
    yield


def _face() -> Any:
    characters = bpy.context.scene.facewright.characters
    return characters[0].skin if characters else None


def _action() -> Any:
    face = _face()
    data = face.data.shape_keys.animation_data if face else None
    return data.action if data else None


def _opening() -> np.ndarray[Any, Any]:
    """How far the mouth is open at every third frame: the height range of the lower lip's depth.

    Measured on the evaluated mesh: displacement of the vertex that jawOpen lowers most.
    """
    face, scene = _face(), bpy.context.scene
    here = scene.frame_current
    keys = face.data.shape_keys.key_blocks
    lowered = _heights(keys["jawOpen"].points) - _heights(keys[0].points)
    chin = int(np.argmin(lowered))
    heights = []
    for frame in range(scene.frame_start, scene.frame_end + 1, 3):
        scene.frame_set(frame)
        graph = bpy.context.evaluated_depsgraph_get()
        mesh = face.evaluated_get(graph).data
        heights.append(mesh.vertices[chin].co.z)
    scene.frame_set(here)
    return np.array(heights)


def _heights(points: Any) -> np.ndarray[Any, Any]:
    values = np.empty(len(points) * 3, np.float32)
    points.foreach_get("co", values)
    return values[2::3]


def _widest_frame() -> int:
    """Of the frames measured, the one with the widest mouth, lids open: a picture to look at."""
    scene, blink = bpy.context.scene, _face().data.shape_keys.key_blocks["eyeBlinkLeft"]
    for index in np.argsort(_opening()):
        frame = scene.frame_start + 3 * int(index)
        scene.frame_set(frame)
        if blink.value < 0.2:
            return frame
    raise AssertionError("the lids are never open")


driver.run(script)
