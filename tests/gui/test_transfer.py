# SPDX-License-Identifier: GPL-3.0-or-later
"""A head without shapes learns to speak in a real window: template and target, the ready pairs, a
fitting that is cancelled and one that is not, wrap, the sample voice, blend shapes, and back again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver

ONLY = "sid"
Array = np.ndarray[Any, Any]


def script() -> driver.Steps:
    name = driver.install().__name__
    yield
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    yield from driver.open_sidebar("Facewright")
    yield from _set_up()
    yield from _cancel_a_fitting(name)
    yield from _job(name, "begin_fitting")
    assert _transfer().fitted is not None
    yield from _job(name, "begin_wrap")
    assert _transfer().result.name == "Sample Target_result"
    yield
    driver.shot("transfer_2_wrapped")
    yield from _speak(name)
    yield from _job(name, "generate_shapes")
    yield from _undo_and_redo()
    yield from _speak_by_shapes(name)
    yield from _delete()


def _transfer() -> Any:
    return bpy.context.scene.facewright.transfer


def _call(operator: str, **options: Any) -> None:
    with bpy.context.temp_override(**driver.viewport()):
        getattr(bpy.ops.facewright, operator)("INVOKE_DEFAULT", **options)


def _state(name: str) -> Any:
    return sys.modules[f"{name}.properties.progress"].STATE


def _job(name: str, operator: str) -> driver.Steps:
    _call(operator)
    yield
    yield from driver.wait_for(operator, lambda: not _state(name).running, 120)
    assert not _state(name).failed, _state(name).outcome
    yield


def _look(obj: Any) -> Array:
    graph = bpy.context.evaluated_depsgraph_get()
    seen = obj.evaluated_get(graph).data
    found = np.empty(len(seen.vertices) * 3, np.float32)
    seen.vertices.foreach_get("co", found)
    return found.reshape(-1, 3)


def _set_up() -> driver.Steps:
    for operator in ("add_transfer", "add_driver", "add_sample_target"):
        _call(operator)
        yield
    _call("setup_apply", name="Sample Target")
    yield
    assert len(_transfer().pairs) == 31
    view = driver.area("VIEW_3D").spaces.active
    view.shading.color_type = "VERTEX"
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_all()
    bpy.ops.ed.undo_push(message="set up")
    yield from driver.redrawn()
    driver.shot("transfer_1_set_up")


def _cancel_a_fitting(name: str) -> driver.Steps:
    before = [obj.name for obj in bpy.data.objects]
    _call("begin_fitting")
    yield
    yield from driver.press("ESC")
    yield from driver.wait_for("Esc to end it", lambda: not _state(name).running, 20)
    assert _state(name).ending == "stopped", _state(name).outcome
    assert [obj.name for obj in bpy.data.objects] == before
    yield


def _speak(name: str) -> driver.Steps:
    """The driver is animated; the result goes along."""
    chosen = bpy.context.scene.facewright
    chosen.player_of(chosen.pipeline).voice_source = "SAMPLE"
    yield from _job(name, "animate")
    result, far = _transfer().result, []
    rest = _look(_transfer().target)
    for frame in range(10, 100, 6):
        bpy.context.scene.frame_set(frame)
        far.append(float(np.linalg.norm(_look(result) - rest, axis=1).max()))
    assert max(far) > 0.004, far  # metres: the mouth opens
    assert np.std(far) > 0.0005, far
    bpy.context.scene.frame_set(10 + 6 * int(np.argmax(far)))
    yield from driver.redrawn()
    driver.shot("transfer_3_live")


def _undo_and_redo() -> driver.Steps:
    keys = len(_transfer().target.data.shape_keys.key_blocks)
    assert keys == 53
    yield from driver.press("Z", ctrl=True)
    gone = "undo of the shapes"
    yield from driver.wait_for(gone, lambda: _transfer().target.data.shape_keys is None, 20)
    assert _transfer().result is not None
    yield from driver.press("Z", ctrl=True, shift=True)
    back = "redo of the shapes"
    yield from driver.wait_for(back, lambda: _transfer().target.data.shape_keys is not None, 20)
    assert len(_transfer().target.data.shape_keys.key_blocks) == keys


def _speak_by_shapes(name: str) -> driver.Steps:
    """The target is a character of its own by now."""
    yield from _job(name, "animate")
    keys = _transfer().target.data.shape_keys
    assert keys.animation_data and keys.animation_data.action
    opening = []
    for frame in range(10, 100, 6):
        bpy.context.scene.frame_set(frame)
        opening.append(keys.key_blocks["jawOpen"].value)
    assert max(opening) > 0.1, opening
    bpy.context.scene.frame_set(10 + 6 * int(np.argmax(opening)))
    yield from driver.redrawn()
    driver.shot("transfer_4_shapes")


def _delete() -> driver.Steps:
    _call("delete_setup")
    yield
    assert _transfer() is None
    names = [obj.name for obj in bpy.data.objects]
    assert not any(each.endswith(("_result", "_fitted", "OpenMouth")) for each in names), names
    yield from driver.redrawn()
    driver.shot("transfer_5_deleted")


driver.run(script, limit_s=280)
