# SPDX-License-Identifier: GPL-3.0-or-later
"""The live solve follows frames, the input and the settings, and leaves no trace."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from converting import (
    FRAMES,
    NAMES,
    baked_weights,
    cached,
    conversion,
    faces_of,
    key_weights,
    known_weights,
    shaped,
    write_pc2,
)


@pytest.fixture(autouse=True)
def span(scene):
    scene.frame_start, scene.frame_end = 1, FRAMES


@pytest.fixture
def target(scene):
    return shaped("Face")


@pytest.fixture
def source(target, tmp_path):
    return cached("Input", write_pc2(tmp_path / "a.pc2", faces_of(target, known_weights())))


@pytest.fixture
def live(code):
    """Sets the shown conversion up and returns what moves the live solves on."""
    pump = code("operators.pump").pump

    def set_up():
        assert bpy.ops.facewright.set_up_solve() == {"FINISHED"}
        pump()
        return pump

    yield set_up
    code("operators.conversion_live").LIVE.cancel()


@pytest.fixture
def residual(code, scene):
    module = code("operators.conversion_live")
    return lambda made: module.shown_residual(scene, made)


def shown(obj) -> np.ndarray:
    keys = obj.data.shape_keys
    return np.array([b.value for b in keys.key_blocks if b != keys.reference_key])


def test_it_follows_frames_and_the_keys_are_as_before_afterwards(
    live, scene, source, target, residual
):
    weights = known_weights()
    target.data.shape_keys.key_blocks["jawOpen"].value = 0.3
    before = shown(target)
    made = conversion(source, target)
    pump = live()
    assert made.live
    for frame in (1, 2, 3, 9, 5):
        scene.frame_set(frame)
        pump()
        np.testing.assert_allclose(shown(target), weights[frame - 1], atol=1e-4)
    value, problem = residual(made)
    assert problem == ""
    assert value < 1e-6
    assert target.data.shape_keys.animation_data is None, "nothing is keyed"
    assert bpy.ops.facewright.set_up_solve() == {"FINISHED"}
    pump()
    assert not made.live
    np.testing.assert_array_equal(shown(target), before)
    scene.frame_set(2)
    pump()
    np.testing.assert_array_equal(shown(target), before)


def test_it_follows_the_input_strengths_and_ticks(live, scene, target):
    source = shaped("Input")
    made = conversion(source, target)
    pump = live()
    np.testing.assert_allclose(shown(target), 0, atol=1e-6)
    source.data.shape_keys.key_blocks["smile_L"].value = 0.7
    bpy.context.view_layer.update()
    pump()
    np.testing.assert_allclose(shown(target)[5], 0.7, atol=1e-4)
    made.regularisation = 200.0
    pump()
    assert 0.05 < shown(target)[5] < 0.68
    made.poses["smile_L"].use = False
    pump()
    assert shown(target)[5] == 0


def test_playing_smooths_with_the_frames_before_and_a_jump_forgets_them(
    live, scene, source, target
):
    made = conversion(source, target, temporal=50.0, smoothing="causal")
    scene.frame_set(1)
    pump = live()
    shown_frames = [shown(target)]
    for frame in range(2, FRAMES + 1):
        scene.frame_set(frame)
        pump()
        shown_frames.append(shown(target))
    weights = known_weights()
    lag = np.abs(np.array(shown_frames) - weights)[1:].max()
    assert lag > 0.02, "smoothing drags behind"
    np.testing.assert_allclose(shown_frames[0], weights[0], atol=1e-3)
    scene.frame_set(3)
    pump()
    np.testing.assert_allclose(shown(target), weights[2], atol=1e-3)
    again = shown(target)
    made.temporal = 50.0
    pump()
    np.testing.assert_allclose(shown(target), again, atol=1e-6)


def test_an_input_that_is_seen_subdivided(live, scene, target):
    weights = known_weights()
    source = shaped("Input")
    key_weights(source, weights)
    source.modifiers.new("Subdivision", "SUBSURF").levels = 1
    conversion(source, target)
    pump = live()
    for frame in (4, 8):
        scene.frame_set(frame)
        pump()
        np.testing.assert_allclose(shown(target), weights[frame - 1], atol=2e-4)
    assert len(bpy.data.scenes) == 1
    assert len(bpy.data.meshes) == 2


def test_through_a_wrap(live, scene, target, tmp_path):
    weights = known_weights()
    fine = cached("Fine", tmp_path / "fine.pc2", 29)
    write_pc2(tmp_path / "fine.pc2", faces_of(fine, weights))
    conversion(fine, target)
    pump = live()
    scene.frame_set(7)
    pump()
    np.testing.assert_allclose(shown(target), weights[6], atol=0.02)


def test_a_bake_ends_it(live, scene, source, target):
    target.data.shape_keys.key_blocks["jawOpen"].value = 0.3
    made = conversion(source, target)
    pump = live()
    assert bpy.ops.facewright.bake_solve() == {"FINISHED"}
    assert not made.live
    pump()
    np.testing.assert_allclose(baked_weights(target), known_weights(), atol=1e-4)


def test_what_is_saved_and_loaded(live, scene, source, target, tmp_path, code):
    """The file holds the keys as they are without it, and opens with the live solve off."""
    target.data.shape_keys.key_blocks["jawOpen"].value = 0.3
    before = shown(target)
    conversion(source, target)
    pump = live()
    scene.frame_set(6)
    pump()
    live_now = shown(target)
    path = str(tmp_path / "live.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    pump()
    np.testing.assert_allclose(shown(target), live_now, atol=1e-6)
    bpy.ops.wm.open_mainfile(filepath=path)
    face = bpy.data.objects["Face"]
    np.testing.assert_array_equal(shown(face), before)
    assert not bpy.context.scene.facewright.conversions[0].live
    assert "facewright_look" not in face.data.shape_keys
    code("operators.pump").pump()
    np.testing.assert_array_equal(shown(face), before)


def test_undo_while_it_is_live(live, scene, source, target, code):
    target.data.shape_keys.key_blocks["jawOpen"].value = 0.3
    before = shown(target)
    conversion(source, target)
    pump = live()
    bpy.ops.ed.undo_push(message="live")
    scene.frame_set(6)
    pump()
    bpy.ops.ed.undo_push(message="frame")
    bpy.ops.ed.undo()
    pump()
    made = bpy.context.scene.facewright.conversions[0]
    assert made.live
    bpy.ops.facewright.set_up_solve()
    np.testing.assert_array_equal(shown(bpy.data.objects["Face"]), before)


def test_a_mesh_that_is_gone_or_changed_ends_it(live, scene, source, target, residual):
    made = conversion(source, target)
    pump = live()
    source.modifiers.new("Solidify", "SOLIDIFY")
    bpy.context.view_layer.update()
    scene.frame_set(3)
    pump()
    assert "set the solve up again" in residual(made)[1].lower()
    source.modifiers.remove(source.modifiers["Solidify"])
    scene.frame_set(4)
    pump()
    assert residual(made)[1] == ""
    made.neutral = "REST"
    pump()
    assert "set the solve up again" in residual(made)[1].lower()
    bpy.ops.facewright.set_up_solve()
    live()
    assert residual(made)[1] == ""
    bpy.data.objects.remove(source)
    scene.frame_set(5)
    pump()
    assert not made.live
    np.testing.assert_allclose(shown(target), np.zeros(len(NAMES)), atol=0)


def test_nothing_is_written_while_a_job_runs(live, scene, source, target, code):
    conversion(source, target)
    pump = live()
    state = code("properties.progress").STATE
    state.begin()
    try:
        before = shown(target)
        scene.frame_set(8)
        pump()
        np.testing.assert_array_equal(shown(target), before)
    finally:
        state.clear()
    pump()
    np.testing.assert_allclose(shown(target), known_weights()[7], atol=1e-4)
