# SPDX-License-Identifier: GPL-3.0-or-later
"""A face is read from the scene as it was written, and as drivers, strips and artists move it."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import bpy
import numpy as np
import pytest
from makers import face_rig, placed_mesh, shaped_mesh
from mathutils import Matrix

FRAMES = 12


@pytest.fixture
def read(code, scene):
    """Read a face: ``read(parts, first, last, rate)``."""
    weights, spans = code("scene.weights"), code("scene.spans")

    def run(parts, first=1, last=FRAMES, rate=None, extra=False):
        steps = weights.face_steps(scene, parts, spans.span_of(scene, first, last, rate), extra)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    return run


@pytest.fixture
def parts_of(code):
    return code("scene.parts").parts_of


@pytest.fixture
def full_track(make_track, code):
    """Everything moves: weights, a jaw that turns and shifts, eyes, head."""

    def make(fps=30):
        rng = np.random.default_rng(3)
        track = make_track(FRAMES, fps)
        turns = code("core.exchange.weights_json").turns_of(rng.uniform(-12, 12, (FRAMES, 3)))
        jaw = track.jaw.copy()
        jaw[:, :3, :3] = turns
        jaw[:, :3, 3] = rng.uniform(-1, 1, (FRAMES, 3))
        head = rng.uniform(-15, 15, (FRAMES, 3)).astype(np.float32)
        return dataclasses.replace(track, jaw=jaw, head=head)

    return make


def put(code, scene, parts, track, start=1.0):
    actions = code("scene.actions")
    label = actions.TakeLabel("one", "hash", "line", "model")
    return actions.write_take([parts], track, scene, start, label)


def compare(found, track, head=True):
    np.testing.assert_allclose(found.weights[:, :68], track.weights, atol=1e-5)
    np.testing.assert_allclose(found.eyes, track.eyes, atol=1e-3)
    np.testing.assert_allclose(found.jaw[:, :3, :3], track.jaw[:, :3, :3], atol=1e-5)
    np.testing.assert_allclose(found.jaw[:, :3, 3], track.jaw[:, :3, 3], atol=2e-4)
    assert found.fps == track.fps
    if head:
        np.testing.assert_allclose(found.head, track.head, atol=1e-3)


def test_the_template_head_comes_back_as_it_was_written(code, scene, read, parts_of, full_track):
    bpy.ops.facewright.add_head()
    skin = scene.facewright.characters[-1].skin
    skin.location, skin.rotation_euler = (1, 2, 3), (0.3, 0.2, 0.1)
    parts = parts_of(skin)
    track = full_track()
    put(code, scene, parts, track)
    compare(read(parts), track)
    scene.frame_set(7)
    compare(read(parts), track)
    assert scene.frame_current == 7


@pytest.mark.parametrize("up_y", [False, True])
def test_the_bones_of_a_rig_come_back(code, scene, read, own_face, parts_of, full_track, up_y):
    joints = code("scene.joints")
    rig = face_rig(up_y)
    if up_y:
        rig.matrix_world = Matrix.Rotation(np.pi / 2, 4, "X") @ Matrix.Scale(0.5, 4)
    attached = code("scene.characters").Attachments(
        jaw=joints.Joint(rig, "Jaw"),
        eye_right=joints.Joint(rig, "Eye.R"),
        eye_left=joints.Joint(rig, "Eye.L"),
    )
    parts = parts_of(own_face, rig, "Head", attached)
    track = full_track()
    put(code, scene, parts, track)
    found = read(parts)
    track.weights[:, 52:] = 0  # this face has no tongue
    compare(found, track)


def test_objects_as_jaw_and_eyes_come_back(code, scene, read, own_face, parts_of, full_track):
    joints = code("scene.joints").Joint
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    jaw = placed_mesh("Teeth", corners * 0.03, Matrix.Translation((0, -0.05, 1.5)))
    right = placed_mesh("R", corners * 0.01, Matrix.Translation((-0.03, -0.09, 1.6)))
    left = placed_mesh("L", corners * 0.01 + (0.03, -0.09, 1.6))  # with its origin elsewhere
    attached = code("scene.characters").Attachments(
        jaw=joints(jaw), eye_right=joints(right), eye_left=joints(left)
    )
    empty = bpy.data.objects.new("Neck", None)
    scene.collection.objects.link(empty)
    empty.rotation_euler = (0.1, 0.2, 0.3)
    parts = parts_of(own_face, empty, "", attached)
    track = full_track()
    put(code, scene, parts, track)
    track.weights[:, 52:] = 0
    compare(read(parts), track)


def test_another_rate_reads_between_the_keys(code, scene, read, parts_of, full_track):
    bpy.ops.facewright.add_head()
    parts = parts_of(scene.facewright.characters[-1].skin)
    track = full_track(60)  # in a scene of 30
    put(code, scene, parts, track)
    compare(read(parts, 1, 1 + (FRAMES - 1) / 2, Fraction(60)), track)


def test_drivers_strips_and_muted_keys_count_as_they_show(code, scene, read, parts_of):
    face = shaped_mesh("Face", ["jawOpen", "eyeBlink_L", "EyeBlinkRight", "cheekPuff", "Wrinkle"])
    keys = face.data.shape_keys.key_blocks
    keys["jawOpen"].keyframe_insert("value", frame=1)
    keys["jawOpen"].value = 0.8
    keys["jawOpen"].keyframe_insert("value", frame=9)
    driver = keys["eyeBlink_L"].driver_add("value").driver
    driver.expression = "frame / 100"
    keys["cheekPuff"].value, keys["cheekPuff"].mute = 0.7, True
    keys["EyeBlinkRight"].value = 0.25
    keys["Wrinkle"].value = 0.5
    data = face.data.shape_keys.animation_data
    action = data.action
    strip = data.nla_tracks.new().strips.new("A", 1, action)
    if hasattr(data, "action_slot"):
        strip.action_slot = action.slots[0]
    data.action = None
    found = read(parts_of(face, driven=True), 1, 9, extra=True)
    column = dict(zip(found.names, found.weights.T, strict=True))
    assert column["jawOpen"][0] == pytest.approx(0, abs=1e-6)
    assert column["jawOpen"][-1] == pytest.approx(0.8, abs=1e-5)
    np.testing.assert_allclose(column["eyeBlinkLeft"], np.arange(1, 10) / 100, atol=1e-6)
    np.testing.assert_allclose(column["eyeBlinkRight"], 0.25, atol=1e-6)
    assert not column["cheekPuff"].any()
    np.testing.assert_allclose(column["Wrinkle"], 0.5)
    assert found.names[:52] == code("core.naming").ARKIT_NAMES
    assert "Wrinkle" not in read(parts_of(face, driven=True), 1, 2).names


def test_a_key_for_both_halves_counts_for_both(read, parts_of):
    face = shaped_mesh("Face", ["jawOpen", "eyeBlink", "browInnerUpLeft", "browInnerUpRight"])
    keys = face.data.shape_keys.key_blocks
    keys["eyeBlink"].value = 0.5
    keys["browInnerUpLeft"].value, keys["browInnerUpRight"].value = 0.2, 0.6
    found = read(parts_of(face), 1, 2)
    column = dict(zip(found.names, found.weights.T, strict=True))
    assert column["eyeBlinkLeft"][0] == column["eyeBlinkRight"][0] == 0.5
    assert column["browInnerUp"][0] == pytest.approx(0.4, abs=1e-6)


def test_an_eye_that_a_constraint_turns_is_read_as_it_looks(code, scene, read, own_face, parts_of):
    joint = code("scene.joints").Joint
    rig = face_rig(tilt=0.0)
    attached = code("scene.characters").Attachments(eye_left=joint(rig, "Eye.L"))
    parts = parts_of(own_face, attached=attached)
    rest = read(parts, 1, 1).eyes[0, 1]
    turned = rig.pose.bones["Eye.L"].constraints.new("COPY_ROTATION")
    empty = bpy.data.objects.new("Aim", None)
    scene.collection.objects.link(empty)
    bone = rig.pose.bones["Eye.L"].bone.matrix_local
    empty.matrix_world = Matrix.Rotation(np.radians(10), 4, "Z") @ bone
    turned.target = empty
    np.testing.assert_allclose(read(parts, 1, 1).eyes[0, 1] - rest, (0, 10), atol=1e-3)


def test_a_disabled_face_is_refused_by_name(code, scene, read, parts_of):
    face = shaped_mesh("Face", ["jawOpen"])
    face.data.shape_keys.key_blocks["jawOpen"].value = 0.5
    parts = parts_of(face)
    face.hide_set(True)  # only hidden: Blender animates it all the same
    assert read(parts, 1, 2).weights[0, 17] == 0.5
    face.hide_viewport = True
    scene.frame_set(5)
    with pytest.raises(code("core.errors").UserError, match="'Face' is disabled"):
        read(parts, 1, 2)
    assert scene.frame_current == 5
