# SPDX-License-Identifier: GPL-3.0-or-later
"""Blend shape conversion: known weights come back, whatever moves the input mesh."""

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


def bake() -> None:
    assert bpy.ops.facewright.bake_solve() == {"FINISHED"}


def test_weights_of_a_mesh_cache_come_back(target, tmp_path):
    weights = known_weights()
    path = write_pc2(tmp_path / "gesicht.pc2", faces_of(target, weights))
    made = conversion(cached("Input", path), target)
    bake()
    np.testing.assert_allclose(baked_weights(target), weights, atol=1e-4)
    assert made.mean_residual < 1e-6


def test_any_way_of_moving_an_input_gives_its_weights(target, scene):
    """Shape keys of its own, at other settings, below a turned and scaled object, hidden."""
    weights = known_weights()
    source = shaped("Input")
    key_weights(source, weights)
    source.location, source.rotation_euler = (3, 2, 1), (0.3, 0.2, 0.1)
    source.keyframe_insert("location", frame=1)
    source.location.x = 9
    source.keyframe_insert("location", frame=FRAMES)
    source.hide_viewport = True
    source.modifiers.new("Subdivision", "SUBSURF").levels = 1
    before = scene.frame_current
    conversion(source, target)
    bake()
    np.testing.assert_allclose(baked_weights(target), weights, atol=1e-4)
    assert scene.frame_current == before
    assert [each.name for each in bpy.data.scenes] == [scene.name]


def moved(obj, faces) -> None:
    """Give a mesh other vertices at rest."""
    obj.data.vertices.foreach_set("co", faces.astype(np.float32).ravel())
    obj.data.update()


def test_an_input_whose_mesh_at_rest_is_its_first_frame(target, tmp_path):
    """As Alembic imports are: the neutral of the shapes counts."""
    weights = known_weights()
    faces = faces_of(target, weights)
    source = cached("Input", write_pc2(tmp_path / "a.pc2", faces))
    moved(source, faces[0])
    conversion(source, target)
    bake()
    np.testing.assert_allclose(baked_weights(target), weights, atol=1e-4)


def test_another_head_of_the_same_topology_moves_from_its_own_rest(target, tmp_path):
    weights = known_weights()
    faces = faces_of(target, weights)
    other = 0.004 * np.random.default_rng(0).normal(size=faces.shape[1:])
    source = cached("Input", write_pc2(tmp_path / "a.pc2", faces + other))
    moved(source, faces_of(target, np.zeros((1, len(NAMES))))[0] + other)
    made = conversion(source, target)
    bake()
    np.testing.assert_allclose(baked_weights(target), weights, atol=1e-4)
    made.neutral = "SHAPES"  # then the other head's own form is taken for an expression
    bake()
    assert np.abs(baked_weights(target) - weights).max() > 0.01
    assert made.mean_residual > 0.005


def test_neutral_at_a_frame(target, tmp_path):
    """Of another head, whose mesh at rest is an expression too."""
    weights = known_weights()
    weights[4] = 0.0
    other = 0.004 * np.random.default_rng(0).normal(size=(225, 3))
    faces = faces_of(target, weights) + other
    source = cached("Input", write_pc2(tmp_path / "a.pc2", faces))
    moved(source, faces[0])
    conversion(source, target, neutral="FRAME", neutral_frame=5)
    bake()
    np.testing.assert_allclose(baked_weights(target), weights, atol=1e-4)


@pytest.mark.parametrize("at_rest", [True, False])
def test_an_input_of_other_axes_and_unit(target, tmp_path, at_rest):
    """Y up and centimetres, somewhere else, as other programs write caches."""
    weights = known_weights()
    faces = faces_of(target, weights)

    def there(points):
        return 100 * (points[..., [0, 2, 1]] * [1, 1, -1]) + [0, 170, 0]

    source = cached("Input", write_pc2(tmp_path / "a.pc2", there(faces)))
    rest = faces_of(target, np.zeros((1, len(NAMES))))
    moved(source, there(rest[0] if at_rest else faces[0]))
    conversion(source, target)
    bake()
    np.testing.assert_allclose(baked_weights(target), weights, atol=1e-4)


def test_through_a_wrap_from_a_mesh_of_other_topology(target, tmp_path):
    """An input of four times as many vertices on the same surface: weights to 2 %."""
    weights = known_weights()
    fine = cached("Fine", tmp_path / "fine.pc2", 29)
    faces = faces_of(fine, weights)
    write_pc2(tmp_path / "fine.pc2", faces)
    fine.scale, fine.location = (2, 2, 2), (1, 0, 0)
    target.scale, target.location = (2, 2, 2), (1, 0, 0)
    made = conversion(fine, target)
    bake()
    np.testing.assert_allclose(baked_weights(target), weights, atol=0.02)
    assert made.mean_residual < 2 * 5e-4, "in the scene's unit, half a millimetre of the mesh's"


def test_far_from_the_input_nothing_can_follow(target, tmp_path):
    fine = cached("Fine", tmp_path / "fine.pc2", 29)
    write_pc2(tmp_path / "fine.pc2", faces_of(fine, known_weights()))
    fine.location = (50, 0, 0)
    conversion(fine, target)
    with pytest.raises(RuntimeError, match="nowhere near 'Fine'"):
        bpy.ops.facewright.bake_solve()


def test_playback_rate_and_range_of_the_common_settings(target, tmp_path, scene):
    weights = known_weights()
    exports = scene.facewright.exports
    exports.use_scene_range, exports.frame_start, exports.frame_end = False, 3, 9
    exports.use_scene_fps, exports.fps = False, 60.0
    conversion(cached("Input", write_pc2(tmp_path / "a.pc2", faces_of(target, weights))), target)
    bake()
    curve = target.data.shape_keys.animation_data.action
    assert tuple(curve.frame_range) == (3.0, 9.0)
    found = baked_weights(target, 7, 3.0)
    np.testing.assert_allclose(found, weights[2:9], atol=1e-4)
    half = baked_weights(target, 1, 3.5)[0]
    np.testing.assert_allclose(half, weights[2:4].mean(axis=0), atol=1e-3)


def test_cancel_pairs_are_never_active_together_and_multipliers_count(target, tmp_path):
    weights = known_weights()
    weights[:, 1:3] = 0.6
    path = write_pc2(tmp_path / "a.pc2", faces_of(target, weights))
    made = conversion(cached("Input", path), target)
    assert made.poses["mouthLeft"].cancel == made.poses["mouthRight"].cancel >= 0
    made.poses["jawOpen"].multiplier, made.poses["jawOpen"].offset = 0.5, 0.1
    made.poses["smile_L"].use = False
    bake()
    found = baked_weights(target)
    assert found[:, 1:3].min(axis=1).max() < 1e-9
    made.poses["mouthRight"].cancel = -1
    bake()
    found = baked_weights(target)
    assert (found[:, 5] == 0).all()
    assert found[:, 1:3].min() > 0.3
    assert np.ptp(found[:, 0]) < 0.6


def test_the_residual_names_the_frame_that_no_pose_explains(target, tmp_path, scene):
    faces = faces_of(target, known_weights())
    faces[7, 100] += [0.0, 0.0, 0.3]
    made = conversion(cached("Input", write_pc2(tmp_path / "a.pc2", faces)), target)
    bake()
    assert made.worst[0].frame == 8
    assert made.worst[0].residual == pytest.approx(0.3 / 15, rel=0.05)  # root mean square of 225
    state = bpy.ops.facewright.show_worst(place=0)
    assert state == {"FINISHED"}
    assert scene.frame_current == 8
    scene.timeline_markers.new("mine", frame=8)
    bpy.ops.facewright.mark_worst()
    bpy.ops.facewright.mark_worst()
    assert sorted(each.frame for each in scene.timeline_markers) == sorted(
        [8] + [int(each.frame) for each in made.worst]
    )
    bake()
    assert [each.name for each in scene.timeline_markers] == ["mine"]


# ---- what is there already


def test_a_second_bake_replaces_the_first_and_keeps_what_an_artist_added(target, tmp_path):
    path = write_pc2(tmp_path / "a.pc2", faces_of(target, known_weights()))
    made = conversion(cached("Input", path), target)
    bake()
    keys = target.data.shape_keys
    keys.key_blocks["jawOpen"].keyframe_insert("slider_max", frame=3)
    made.regularisation = 100.0
    bake()
    assert len(bpy.data.actions) == 1
    from makers import curves_of

    assert ('key_blocks["jawOpen"].slider_max', 0) in curves_of(keys)


def test_an_artists_action_and_a_take_are_kept(target, tmp_path, scene):
    keys = target.data.shape_keys
    keys.key_blocks["jawOpen"].keyframe_insert("value", frame=1)
    own = keys.animation_data.action
    own.name = "By Hand"
    path = write_pc2(tmp_path / "a.pc2", faces_of(target, known_weights()))
    conversion(cached("Input", path), target)
    bake()
    assert keys.animation_data.action != own
    assert own.use_fake_user
    assert "'By Hand' was kept" in state_of().notices[0]


def state_of():
    import importlib

    name = type(bpy.context.scene.facewright).__module__.rsplit(".properties", 1)[0]
    return importlib.import_module(f"{name}.properties.progress").STATE


def test_undo_is_one_step(target, tmp_path, scene):
    path = write_pc2(tmp_path / "a.pc2", faces_of(target, known_weights()))
    conversion(cached("Input", path), target)
    bpy.ops.ed.undo_push(message="before")
    bake()
    bpy.ops.ed.undo_push(message="bake")
    bpy.ops.ed.undo()
    assert bpy.data.objects["Face"].data.shape_keys.animation_data is None
    assert not len(bpy.data.actions)
    assert len(bpy.data.scenes) == 1


def test_cancelled_anywhere_it_leaves_the_scene_as_it_was(
    target, tmp_path, code, scene, monkeypatch
):
    path = write_pc2(tmp_path / "a.pc2", faces_of(target, known_weights()))
    made = conversion(cached("Input", path), target)
    steps, spans = code("operators.conversion_steps"), code("operators.exports")
    monkeypatch.setattr(code("operators.pacing"), "SLICE_S", 0.0)
    counted = 0
    for stop in (1, 5, 12, 24, 10_000):
        going = steps.convert_steps(steps.order_of(scene, made, spans.chosen_span(scene)))
        for _ in range(stop):
            try:
                next(going)
            except StopIteration:
                break
            counted += 1
        else:
            going.close()
            assert target.data.shape_keys.animation_data is None
            assert len(bpy.data.actions) == 0
        assert [each.name for each in bpy.data.scenes] == [scene.name]
        assert len(bpy.data.objects) == 2
    assert counted > 40
    assert len(bpy.data.actions) == 1, "the last one went to its end"
