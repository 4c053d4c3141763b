# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to live mode when something else happens: undo, loading, rendering, deleting."""

from __future__ import annotations

import time

import bpy
import numpy as np
import pytest
from desks import OPS, shown
from makers import shaped_mesh


@pytest.fixture
def player(live_player):
    """The player of the desk."""
    return live_player


def test_what_vanishes_while_live(desk, wired, player, own_face):
    other = shaped_mesh("Other", [key.name for key in own_face.data.shape_keys.key_blocks[1:]])
    chosen = wired.scene.facewright
    chosen.add_character("Other", chosen.pipelines[0], other)
    OPS.live()
    desk.hear(0.4)
    bpy.data.objects.remove(own_face)
    heard = desk.heard_s()
    before = shown(other)
    desk.hear(heard + 0.3)
    assert np.abs(shown(other) - before).max() > 1e-3, "the other face goes on"
    assert "Face" in desk.texts()
    chosen.remove_pipeline(chosen.pipelines[0])
    desk.over()
    np.testing.assert_array_equal(shown(other), 0.0)


def test_undo_leaves_live_on_and_loading_ends_it(desk, wired, player, own_face, tmp_path):
    bpy.ops.ed.undo_push(message="before")
    wired.pipeline.skin_strength = 0.4
    bpy.ops.ed.undo_push(message="strength")
    OPS.live()
    desk.hear(0.4)
    bpy.ops.ed.undo()
    assert bpy.context.scene.facewright.pipelines[0].skin_strength == 1.0
    heard = desk.heard_s()
    desk.hear(heard + 0.3)
    assert np.abs(shown(bpy.data.objects["Face"])).max() > 0
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "live.blend"))
    desk.hear(desk.heard_s() + 0.1)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "live.blend"))
    desk.over()
    assert desk.recorder.heard is None
    face = bpy.data.objects["Face"]
    np.testing.assert_array_equal(shown(face), 0.0, "the file holds what live showed")


def test_a_file_that_cannot_be_read_ends_nothing(desk, wired, player, own_face, tmp_path):
    broken = tmp_path / "broken.blend"
    broken.write_bytes(b"no blend at all")
    OPS.live()
    desk.hear(0.4)
    with pytest.raises(RuntimeError):
        bpy.ops.wm.open_mainfile(filepath=str(broken))
    desk.hear(desk.heard_s() + 0.2)
    assert np.abs(shown(own_face)).max() > 0
    OPS.live()
    desk.over()
    np.testing.assert_array_equal(shown(own_face), 0.0)
    assert desk.recorder.heard is not None


def test_no_step_of_undo_brings_back_what_only_live_showed(desk, wired, player, own_face):
    own_face.data.shape_keys.key_blocks["EyeBlinkLeft"].value = 0.25
    before = shown(own_face)
    bpy.ops.ed.undo_push(message="before")
    OPS.live()
    desk.hear(0.4)
    for message in ("while live", "and again"):
        wired.player.volume -= 0.1
        desk.hear(desk.heard_s() + 0.2)
        bpy.ops.ed.undo_push(message=message)
    OPS.live()
    desk.over()
    np.testing.assert_array_equal(shown(own_face), before)
    bpy.ops.ed.undo_push(message="after")
    for step in (*[bpy.ops.ed.undo] * 3, *[bpy.ops.ed.redo] * 3):
        step()
        np.testing.assert_array_equal(shown(bpy.data.objects["Face"]), before)


def test_an_automatic_save_while_live_opens_as_before(
    desk, wired, player, own_face, code, tmp_path
):
    """Blender calls no handler for those."""
    OPS.live()
    desk.hear(0.4)
    handlers, saving = bpy.app.handlers.save_pre, code("operators.listening")._saving
    handlers.remove(saving)
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "auto.blend"), copy=True)
    finally:
        handlers.append(saving)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "auto.blend"))
    face = bpy.data.objects["Face"]
    np.testing.assert_array_equal(shown(face), 0.0)
    assert not face.data.shape_keys.keys(), "the note is gone"


def test_an_edited_face_does_not_follow(desk, wired, player, own_face):
    """It looks as before meanwhile, so that the user's hands work on what is really there."""
    bpy.context.view_layer.objects.active = own_face
    OPS.live()
    desk.hear(0.4)
    assert np.abs(shown(own_face)).max() > 0
    bpy.ops.object.mode_set(mode="EDIT")
    desk.hear(desk.heard_s() + 0.2)
    np.testing.assert_array_equal(shown(own_face), 0.0)
    assert "It does not follow while 'Face' is edited" in desk.texts()
    bpy.ops.object.mode_set(mode="OBJECT")
    desk.hear(desk.heard_s() + 0.2)
    assert np.abs(shown(own_face)).max() > 0
    OPS.live()
    desk.over()
    np.testing.assert_array_equal(shown(own_face), 0.0)


def test_disabling_ends_it_and_gives_the_face_back(desk, wired, player, own_face, code, extension):
    OPS.live()
    desk.hear(0.5)
    assert np.abs(shown(own_face)).max() > 0
    extension.unregister()
    try:
        np.testing.assert_array_equal(shown(own_face), 0.0)
        assert not code("operators.worker_host").workers()
        assert not code("operators.pump")._pump.tasks
    finally:
        extension.register()


def test_nothing_is_written_while_rendering(desk, wired, player, own_face, code, monkeypatch):
    OPS.live()
    desk.hear(0.4)
    monkeypatch.setattr(code("operators.listening"), "rendering", lambda: True)
    before = shown(own_face)
    heard = desk.heard_s()
    desk.hear(heard + 0.3)
    desk.recorder.running.end()
    for _ in range(50):
        desk._pump.pump()
        time.sleep(0.002)
    np.testing.assert_array_equal(shown(own_face), before)
    assert desk.recorder.running is not None, "it waits for the render's end"
    monkeypatch.undo()
    desk.over()
    np.testing.assert_array_equal(shown(own_face), 0.0)
