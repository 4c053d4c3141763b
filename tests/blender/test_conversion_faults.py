# SPDX-License-Identifier: GPL-3.0-or-later
"""Blend shape conversion where something is wrong: one sentence, and nothing has changed."""

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
    known_weights,
    shaped,
    sheet,
    write_pc2,
)
from makers import curves_of


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
def problem(code, scene):
    """Why the shown conversion cannot be baked, as its grey button says."""

    def find() -> str:
        return code("operators.conversion").FACEWRIGHT_OT_bake_solve.disabled_reason(bpy.context)

    return find


def test_what_greys_the_button(problem, scene, target, source):
    assert problem() == "Add a conversion first"
    made = conversion(None, None)
    assert "Choose the input mesh" in problem()
    made.source = source
    assert "Choose the blend shape mesh" in problem()
    made.target = source
    assert "has to be another mesh" in problem()
    made.target = sheet("Plain")
    assert "no shape keys" in problem()
    twin = target.copy()
    scene.collection.objects.link(twin)
    made.source, made.target = twin, target
    assert "has to be another mesh" in problem(), "they share their mesh"
    made.source = source
    assert problem() == ""
    target.data.shape_keys.use_relative = False
    assert "absolute" in problem()
    target.data.shape_keys.use_relative = True
    for pose in made.poses:
        pose.use = False
    assert "No pose is in use" in problem()
    made.poses[0].use = True
    assert problem() == ""
    made.source = bpy.data.objects.new("Empty Mesh", bpy.data.meshes.new("Empty"))
    scene.collection.objects.link(made.source)
    assert "has no vertices" in problem()
    bpy.data.objects.remove(target)
    assert "Choose" in problem() or "no vertices" in problem()


def test_a_mesh_that_follows_the_target_is_no_input(problem, scene, target, code):
    driven = sheet("Follower", 9)
    code("scene.wrap_modifier").add_wrap(driven, target)
    conversion(driven, target)
    assert "in a circle" in problem()


def test_a_linked_mesh_is_refused_until_it_is_local(problem, scene, tmp_path):
    path = tmp_path / "bibliothek.blend"
    keyed = shaped("Linked")
    bpy.data.libraries.write(str(path), {keyed})
    bpy.data.objects.remove(keyed)
    with bpy.data.libraries.load(str(path), link=True) as (_theirs, ours):
        ours.objects = ["Linked"]
    linked = ours.objects[0]
    scene.collection.objects.link(linked)
    made = conversion(sheet("Input"), linked)
    assert "linked from another file" in problem()
    made.source, made.target = linked, shaped("Own")
    assert problem() == "", "an input may be linked"
    assert bpy.ops.facewright.bake_solve() == {"FINISHED"}


def test_modifiers_that_add_vertices(source, target):
    source.modifiers.new("Solidify", "SOLIDIFY")
    conversion(source, target)
    with pytest.raises(RuntimeError, match="450 vertices at frame 1, not 225"):
        bpy.ops.facewright.bake_solve()
    assert target.data.shape_keys.animation_data is None
    assert len(bpy.data.scenes) == 1


def test_frames_without_finite_positions(target, tmp_path):
    faces = faces_of(target, known_weights())
    faces[4, 7] = np.nan
    conversion(cached("Input", write_pc2(tmp_path / "a.pc2", faces)), target)
    with pytest.raises(RuntimeError, match="Frame 5 of 12"):
        bpy.ops.facewright.bake_solve()
    assert target.data.shape_keys.animation_data is None


@pytest.mark.parametrize("who", ["Input", "Face"])
def test_a_mesh_that_is_deleted_during_the_job(code, scene, source, target, who, monkeypatch):
    made = conversion(source, target)
    steps = code("operators.conversion_steps")
    span = code("operators.exports").chosen_span(scene)
    going = steps.convert_steps(steps.order_of(scene, made, span))
    monkeypatch.setattr(code("operators.pacing"), "SLICE_S", 0.0)
    for _ in range(12):
        next(going)
    bpy.data.objects.remove(bpy.data.objects[who])
    with pytest.raises(code("core.errors").Cancelled, match=who):
        list(going)
    assert len(bpy.data.scenes) == 1
    assert not len(bpy.data.actions)


def test_driven_and_muted_keys_are_left_out_and_locked_ones_are_solved(source, target):
    keys = target.data.shape_keys
    keys.key_blocks["jawOpen"].driver_add("value").driver.expression = "0.25"
    keys.key_blocks["smile_L"].mute = True
    keys.key_blocks["smile_R"].lock_shape = True
    conversion(source, target)
    bake_ok = bpy.ops.facewright.bake_solve()
    assert bake_ok == {"FINISHED"}
    paths = {path for path, _index in curves_of(keys)}
    assert 'key_blocks["jawOpen"].value' not in paths
    assert 'key_blocks["smile_L"].value' not in paths
    assert 'key_blocks["smile_R"].value' in paths
    assert len(paths) == len(NAMES) - 2


def test_slider_limits_vertex_groups_and_relative_keys(target, tmp_path):
    """A key of half the effect by its group; one relative to another; one with a narrow slider."""
    keys = target.data.shape_keys
    group = target.vertex_groups.new(name="Half")
    group.add(list(range(225)), 0.5, "REPLACE")
    keys.key_blocks["jawOpen"].vertex_group = "Half"
    keys.key_blocks["smile_R"].slider_max = 0.4
    weights = known_weights()
    weights[:, 0] *= 0.5
    faces = faces_of(target, weights)
    conversion(cached("Input", write_pc2(tmp_path / "a.pc2", faces)), target)
    assert bpy.ops.facewright.bake_solve() == {"FINISHED"}
    found = baked_weights(target)
    np.testing.assert_allclose(found[:, 0], 2 * weights[:, 0], atol=1e-4)
    np.testing.assert_allclose(found[:, 6], np.minimum(weights[:, 6], 0.4), atol=1e-4)


def test_tweak_mode_of_the_nla_is_refused(source, target):
    keys = target.data.shape_keys
    action = bpy.data.actions.new("Strip")
    data = keys.animation_data_create()
    track = data.nla_tracks.new()
    track.strips.new("strip", 1, action)
    track.select = True
    track.strips[0].select = True
    data.use_tweak_mode = True
    conversion(source, target)
    if not data.use_tweak_mode:
        pytest.skip("this Blender enters tweak mode from the editor alone")
    with pytest.raises(RuntimeError, match="tweak mode"):
        bpy.ops.facewright.bake_solve()


def test_names_with_spaces_quotes_and_japanese(scene, tmp_path):
    names = ('jaw "Open"', "口 を 開ける", "smile\\L", "eye.L", "eye.R", "a b", "c")
    target = shaped("顔 Face", names=names)
    weights = known_weights()
    rest = faces_of(sheet("Rest"), np.zeros((1, 7)))[0]
    from converting import bumps

    faces = rest + np.einsum("tp,pvx->tvx", weights, bumps(rest, names))
    conversion(cached("入力", write_pc2(tmp_path / "入力 cache.pc2", faces)), target)
    assert bpy.ops.facewright.bake_solve() == {"FINISHED"}
    np.testing.assert_allclose(baked_weights(target), weights, atol=1e-4)
