# SPDX-License-Identifier: GPL-3.0-or-later
"""The emotion panel: solo, clear strength, and keys as ordinary curves of the scene."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from makers import curves_of, strengths_at

OPS = bpy.ops.facewright


def stored(scene):
    """Every curve of the scene as plain values."""
    return {
        path: [(round(p.co[0], 4), round(p.co[1], 6), p.interpolation) for p in c.keyframe_points]
        for (path, _index), c in curves_of(scene).items()
    }


# ---- sliders ------------------------------------------------------------------------------------


def test_solo_sets_one_to_full_and_all_others_to_none(wired, row):
    emotion = wired.pipeline.emotion
    emotion.joy, emotion.pain, emotion.chosen = 0.4, 0.7, "fear"
    assert OPS.emotion_solo() == {"FINISHED"}
    np.testing.assert_array_equal(emotion.values(), row(fear=1.0))


def test_neutral_sets_all_to_none_and_cannot_be_solo(wired):
    emotion = wired.pipeline.emotion
    emotion.joy, emotion.fear = 0.4, 1.0
    emotion.chosen = "neutral"
    assert not any(emotion.values())
    assert not OPS.emotion_solo.poll() and not OPS.emotion_clear_strength.poll()


def test_clear_strength_is_now_and_in_every_key_and_nothing_else(wired, key, row):
    key(1, joy=0.5, fear=0.25)
    key(21, joy=1.0, pain=0.5)
    wired.pipeline.emotion.frame = 11
    wired.pipeline.emotion.chosen = "joy"
    before = stored(wired.scene)
    assert OPS.emotion_clear_strength() == {"FINISHED"}
    np.testing.assert_allclose(
        wired.pipeline.emotion.values(), row(fear=0.125, pain=0.25), atol=1e-6
    )
    after = stored(wired.scene)
    path = "facewright.pipelines[0].emotion.joy"
    assert after.pop(path) == [(1.0, 0.0, "LINEAR"), (21.0, 0.0, "LINEAR")]
    assert before.pop(path) and before == after
    for frame in (1, 11, 21, 40):
        assert strengths_at(wired, frame)[6] == 0.0


def test_clear_strength_flattens_curved_keys(wired, key):
    key(1, joy=0.2)
    key(31, joy=0.9)
    curve = curves_of(wired.scene)["facewright.pipelines[0].emotion.joy", 0]
    for point in curve.keyframe_points:
        point.interpolation = "BEZIER"
        point.handle_left_type = point.handle_right_type = "FREE"
        point.handle_right = (point.co[0] + 5, 1.5)
    wired.pipeline.emotion.chosen = "joy"
    OPS.emotion_clear_strength()
    assert max(strengths_at(wired, frame)[6] for frame in range(1, 40)) == 0.0


# ---- keys ---------------------------------------------------------------------------------------


def test_keys_hold_all_emotions_and_are_joined_by_straight_lines(wired, key, row, curves):
    key(1, joy=0.2)
    key(11, joy=0.8, anger=0.5)
    assert len(curves_of(wired.scene)) == 10
    np.testing.assert_allclose(strengths_at(wired, 6), row(joy=0.5, anger=0.25), atol=1e-6)
    np.testing.assert_allclose(strengths_at(wired, 30), row(joy=0.8, anger=0.5), atol=1e-6)
    np.testing.assert_array_equal(curves.key_times(wired.scene, 0), [1, 11])
    key(6, fear=1.0)
    np.testing.assert_array_equal(curves.key_times(wired.scene, 0), [1, 6, 11])
    key(6, grief=1.0)  # again at the same frame: no second key
    np.testing.assert_array_equal(curves.key_times(wired.scene, 0), [1, 6, 11])
    np.testing.assert_allclose(strengths_at(wired, 6), row(grief=1.0), atol=1e-6)


def test_keys_are_removed_one_by_one_and_all_at_once(wired, key, curves, row):
    for frame, joy in ((1, 0.2), (11, 0.8), (21, 0.4)):
        key(frame, joy=joy)
    wired.scene.frame_set(12)
    assert not OPS.emotion_key_remove.poll()
    wired.scene.frame_set(11)
    assert OPS.emotion_key_remove() == {"FINISHED"}
    np.testing.assert_array_equal(curves.key_times(wired.scene, 0), [1, 21])
    assert wired.pipeline.emotion.joy == pytest.approx(0.3, abs=1e-6)  # shown at once
    assert OPS.emotion_keys_clear() == {"FINISHED"}
    assert not curves_of(wired.scene) and not curves.has_keys(wired.scene, 0)
    np.testing.assert_allclose(strengths_at(wired, 50), row(joy=0.3), atol=1e-6)
    assert not OPS.emotion_keys_clear.poll()
    key(5, joy=1.0)
    OPS.emotion_key_remove()
    assert not curves_of(wired.scene)


def test_one_goes_from_key_to_key(wired, key):
    for frame in (-3, 10, 25):
        key(frame, joy=0.5)
    scene = wired.scene
    scene.frame_set(9)
    assert OPS.emotion_key_next() == {"FINISHED"} and scene.frame_current == 10
    assert OPS.emotion_key_next() == {"FINISHED"} and scene.frame_current == 25
    assert not OPS.emotion_key_next.poll()
    assert OPS.emotion_key_previous() == {"FINISHED"} and scene.frame_current == 10
    assert OPS.emotion_key_previous() == {"FINISHED"} and scene.frame_current == -3
    assert not OPS.emotion_key_previous.poll()
    assert wired.pipeline.emotion.frame == -3
    wired.pipeline.emotion.frame = 17
    assert scene.frame_current == 17


def test_a_key_between_two_frames_can_be_reached_and_removed(wired, curves, row):
    curves.add_key(wired.scene, 0, 10.5, row(joy=1.0))
    wired.scene.frame_set(10)
    assert not OPS.emotion_key_remove.poll()
    OPS.emotion_key_next()
    assert wired.scene.frame_current_final == 10.5
    assert OPS.emotion_key_remove() == {"FINISHED"}
    assert not curves.has_keys(wired.scene, 0)


def test_keys_of_blenders_own_are_the_same_keys(wired, key, curves):
    emotion = wired.pipeline.emotion
    emotion.joy = 0.6
    assert emotion.keyframe_insert("joy", frame=4)
    np.testing.assert_array_equal(curves.key_times(wired.scene, 0), [4])
    key(8, joy=0.1)
    joy = curves_of(wired.scene)["facewright.pipelines[0].emotion.joy", 0]
    assert [point.co[0] for point in joy.keyframe_points] == [4, 8]
    wired.scene.frame_set(4)
    OPS.emotion_key_remove()
    np.testing.assert_array_equal(curves.key_times(wired.scene, 0), [8])


def test_an_artists_curves_in_the_same_action_stay(wired, key, curves):
    scene = wired.scene
    scene.keyframe_insert("gravity", index=2, frame=3)
    key(5, joy=1.0)
    assert ("gravity", 2) in curves_of(scene) and len(curves_of(scene)) == 11
    OPS.emotion_keys_clear()
    assert list(curves_of(scene)) == [("gravity", 2)]


def test_a_scene_that_is_linked_is_refused_with_a_sentence(wired, key, curves, tmp_path):
    key(5, joy=1.0)
    path = str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
    name = wired.scene.name
    with bpy.data.libraries.load(path, link=True) as (_source, target):
        target.scenes = [name]
    linked = next(scene for scene in bpy.data.scenes if scene.library)
    with bpy.context.temp_override(scene=linked):
        assert not OPS.emotion_key_add.poll()
        assert not OPS.emotion_solo.poll()
    assert "is linked from another file" in curves.refusal(linked)
    with pytest.raises(Exception, match="is linked from another file"):
        curves.clear_keys(linked, 0)


def test_curves_are_grouped_for_the_graph_editor(wired, key):
    key(5, joy=1.0)
    groups = {curve.group.name for curve in curves_of(wired.scene).values()}
    assert groups == {"Emotion Core"}


# ---- several pipelines --------------------------------------------------------------------------


@pytest.fixture
def three(wired, curves, row):
    """Three pipelines with a key each, at frames 10, 20 and 30."""
    chosen = wired.scene.facewright
    for place, name in enumerate(("joy", "fear", "pain")):
        if place:
            chosen.add_pipeline("Core", chosen.players[0])
        curves.add_key(wired.scene, place, 10 * (place + 1), row(**{name: 0.5}))
    return chosen


@pytest.mark.parametrize("removed", [0, 1, 2])
def test_a_removed_pipeline_takes_its_curves_and_no_others(three, wired, curves, removed):
    kept = [(p.id, 10 * (at + 1)) for at, p in enumerate(three.pipelines) if at != removed]
    three.active_pipeline = removed
    assert OPS.remove_pipeline() == {"FINISHED"}
    found = [
        (p.id, *curves.key_times(wired.scene, at).tolist()) for at, p in enumerate(three.pipelines)
    ]
    assert found == kept
    assert len(curves_of(wired.scene)) == 20


def test_a_duplicate_has_copies_of_the_keys(three, wired, curves):
    three.active_pipeline = 1
    before = curves.sample(wired.scene, 1, np.arange(60.0))
    assert OPS.duplicate_pipeline() == {"FINISHED"}
    assert len(three.pipelines) == 4
    np.testing.assert_array_equal(curves.sample(wired.scene, 3, np.arange(60.0)), before)
    np.testing.assert_array_equal(curves.key_times(wired.scene, 3), [20])
    assert three.active_pipeline == 3
    OPS.emotion_keys_clear()
    np.testing.assert_array_equal(curves.key_times(wired.scene, 1), [20])


def test_drivers_and_strips_follow_a_pipeline_too(three, wired, key):
    scene = wired.scene
    driver = three.pipelines[2].emotion.driver_add("grief").driver
    driver.expression = "0.25"
    data = scene.animation_data
    track = data.nla_tracks.new()
    for start in (1, 100):  # the same action twice is moved once
        track.strips.new(f"Emotion {start}", start, data.action)
    three.active_pipeline = 0
    OPS.remove_pipeline()
    assert [d.data_path for d in data.drivers] == ["facewright.pipelines[1].emotion.grief"]
    assert {path.split(".")[1] for path, _index in curves_of(scene)} == {
        "pipelines[0]", "pipelines[1]",
    }  # fmt: skip


# ---- saving, undo -------------------------------------------------------------------------------


def test_keys_survive_saving_and_loading(wired, key, tmp_path, curves):
    key(1, joy=0.2)
    key(11, joy=0.8)
    path = str(tmp_path / "keys.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    scene = bpy.context.scene
    np.testing.assert_array_equal(curves.key_times(scene, 0), [1, 11])
    scene.frame_set(6)
    assert scene.facewright.pipelines[0].emotion.joy == pytest.approx(0.5, abs=1e-6)


def test_undo_and_redo_bring_keys_back(wired, key, curves):
    key(1, joy=0.2)
    bpy.ops.ed.undo_push(message="one key")
    wired.scene.frame_set(11)
    OPS.emotion_key_add()
    bpy.ops.ed.undo_push(message="two keys")
    try:
        bpy.ops.ed.undo()
    except RuntimeError:
        pytest.skip("this Blender has no undo in background")
    np.testing.assert_array_equal(curves.key_times(bpy.context.scene, 0), [1])
    bpy.ops.ed.redo()
    np.testing.assert_array_equal(curves.key_times(bpy.context.scene, 0), [1, 11])
