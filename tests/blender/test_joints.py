# SPDX-License-Identifier: GPL-3.0-or-later
"""Jaws, eyes and meshes that the user attaches really move as the built-in head's do."""

from __future__ import annotations

import dataclasses
from math import radians

import bpy
import numpy as np
import pytest
from makers import curves_of, face_rig, placed_mesh, shaped_mesh
from mathutils import Matrix, Vector

FRAMES = 5
OPENING = (0.0, 4.0, 9.0, 15.0, 20.0)  # degrees
SHIFTS = np.array([[0, 0, 0], [0, 0, 0.5], [0.3, 0, 0.2], [0, -0.4, 0], [0.1, 0.2, 0.3]])  # cm
LOOKS = np.array([[[0, 0]] * 2, [[10, 0]] * 2, [[0, 10]] * 2, [[5, -20], [5, -12]], [[-8, 3]] * 2])


@pytest.fixture(scope="module")
def asset(code):
    """The built-in head's own figures."""
    return code("core.head").load_head(code("scene.template_head").ASSET)


@pytest.fixture(scope="module")
def hinge(asset):
    """The point that jawOpen leaves in its place, in the model's space."""
    rotation, shift = (np.array(row, float) for row in asset.jaw_motions["jawOpen"])
    turn = np.array(Matrix.Rotation(rotation[0], 3, "X"))
    offset = np.linalg.lstsq(np.eye(3) - turn, shift, rcond=1e-9)[0]
    return asset.neutral_jaw.mean(axis=0) + offset


@pytest.fixture
def track_of(code, make_track, hinge):
    """A take whose jaw turns about its hinge and shifts; ``away`` is where the model's jaw lies."""

    def make(away=(0, 0, 0)):
        motion = np.zeros((FRAMES, 4, 4), np.float32)
        about = hinge + np.array(away)
        for frame, angle in enumerate(OPENING):
            turn = np.array(Matrix.Rotation(radians(angle), 3, "X"))
            motion[frame, :3, :3], motion[frame, 3, 3] = turn, 1
            motion[frame, :3, 3] = about - turn @ about + SHIFTS[frame]
        middle = tuple(np.array(code("scene.space").MARKERS_CM) + np.array(away))
        return dataclasses.replace(
            make_track(FRAMES, 30), jaw=motion, eyes=LOOKS.astype(np.float32), jaw_rest=middle
        )

    return make


@pytest.fixture
def speak(code, scene, track_of):
    """Write such a take on what is attached."""
    actions, characters = code("scene.actions"), code("scene.characters")

    def run(obj, take_id="one", away=(0, 0, 0), **attached):
        track = track_of(away)
        character = characters.find_character(obj, track.names, characters.Attachments(**attached))
        return actions.write_take(character, track, scene, 1, actions.TakeLabel(take_id))

    return run


@pytest.fixture
def joint(code):
    return code("scene.joints").Joint


def look(pitch, yaw):
    """In Blender's axes: -Y to the front, Z up."""
    return Matrix.Rotation(radians(yaw), 3, "Z") @ Matrix.Rotation(radians(pitch), 3, "X")


def same(found, expected, atol=1e-5):
    np.testing.assert_allclose(np.array(found), np.array(expected), atol=atol)


def to_blender(vector):
    return Vector((vector[0], -vector[2], vector[1]))


# ---- bones -------------------------------------------------------------------------------------


@pytest.mark.parametrize("up_y", [False, True])
@pytest.mark.parametrize("mode", ["QUATERNION", "ZXY"])
def test_jaw_and_eye_bones_of_one_armature_turn_and_the_jaw_shifts(
    scene, own_face, speak, joint, mode, up_y
):
    obj = face_rig(up_y)
    obj.scale = (2, 2, 2)  # so its own metre is two
    for bone in obj.pose.bones:
        bone.rotation_mode = mode
    attached = {
        "jaw": joint(obj, "Jaw"), "eye_right": joint(obj, "Eye.R"), "eye_left": joint(obj, "Eye.L")
    }  # fmt: skip
    speak(own_face, **attached)
    speak(own_face, "two", **attached)  # about the same rest
    standing = Matrix.Rotation(radians(90), 3, "X") if up_y else Matrix.Identity(3)
    for frame in range(FRAMES):
        scene.frame_set(1 + frame)
        for name, expected in (
            ("Jaw", Matrix.Rotation(radians(OPENING[frame]), 3, "X")),
            ("Eye.R", look(*LOOKS[frame, 0])),
            ("Eye.L", look(*LOOKS[frame, 1])),
        ):
            bone = obj.pose.bones[name]
            rest = bone.bone.matrix_local
            moved = bone.matrix.to_3x3() @ rest.to_3x3().inverted()
            same(standing @ moved @ standing.inverted(), expected)
            shift = standing @ (bone.matrix.translation - rest.translation)
            wanted = to_blender(SHIFTS[frame]) * 0.01 / 2 if name == "Jaw" else Vector()
            same(shift, wanted)
    paths = {path for path, _index in curves_of(obj)}
    assert 'pose.bones["Jaw"].location' in paths and 'pose.bones["Eye.L"].location' not in paths
    if hasattr(obj.animation_data, "action_slot"):  # one for the shape keys, one for all bones
        assert len(obj.animation_data.action.slots) == 2


@pytest.mark.parametrize("animated", [False, True])
def test_what_a_later_take_turns_no_more_goes_back_to_rest(scene, own_face, speak, joint, animated):
    obj = face_rig()
    jaw, eye = obj.pose.bones["Jaw"], obj.pose.bones["Eye.R"]
    jaw.location, jaw.rotation_quaternion = (0.01, 0, 0.02), (1, 0.1, 0, 0)
    if animated:
        obj.location.x = 2.0
        obj.keyframe_insert("location", frame=3)
    bpy.context.view_layer.update()
    rest = jaw.matrix_basis.copy()
    speak(own_face, jaw=joint(obj, "Jaw"), eye_right=joint(obj, "Eye.R"))
    scene.frame_set(5)
    assert (jaw.location - rest.translation).length > 1e-3
    speak(own_face, "two", eye_right=joint(obj, "Eye.R"))
    scene.frame_set(4)
    same(jaw.matrix_basis, rest)
    same(eye.matrix_basis.to_3x3(), np.array(eye.bone.matrix_local.to_3x3().inverted()
         @ look(*LOOKS[3, 0]) @ eye.bone.matrix_local.to_3x3()))  # fmt: skip
    assert "facewright_rest" not in jaw and "facewright_rest" in eye
    speak(own_face, "three")
    scene.frame_set(3)
    same(eye.matrix_basis, Matrix.Identity(4))
    assert {path for path, _i in curves_of(obj)} == ({"location"} if animated else set())
    takes = {a["facewright_take"] for a in bpy.data.actions if "facewright_take" in a}
    assert takes == {"three"}


def test_a_failure_gives_every_bone_back(code, own_face, speak, joint, scene_state, monkeypatch):
    obj = face_rig()
    for bone in obj.pose.bones:
        bone.rotation_mode = "AXIS_ANGLE"
    before = scene_state()

    def fail(*_arguments):
        raise RuntimeError("full")

    monkeypatch.setattr(code("scene.actions"), "_mark", fail)
    with pytest.raises(RuntimeError):
        speak(own_face, jaw=joint(obj, "Jaw"), eye_left=joint(obj, "Eye.L"))
    assert scene_state() == before
    for bone in obj.pose.bones:
        assert bone.rotation_mode == "AXIS_ANGLE" and "facewright_rest" not in bone


# ---- objects -----------------------------------------------------------------------------------


def in_world(obj):
    points = np.array([vertex.co for vertex in obj.data.vertices])
    matrix = np.array(obj.matrix_world)
    return points @ matrix[:3, :3].T + matrix[:3, 3]


@pytest.mark.parametrize("origin", ["world", "odd", "child"])
def test_a_denture_of_ones_own_hangs_as_the_built_in_one_does(
    scene, own_face, speak, joint, asset, hinge, origin
):
    """Twice as large, elsewhere and turned: it moves as the built-in one would there."""
    there = Matrix.Translation((1, 2, 3)) @ Matrix.Rotation(0.7, 4, "Z") @ Matrix.Scale(2, 4)
    own_face.matrix_world = there
    teeth = np.array([to_blender(p) * 0.01 for p in asset.parts["lower_denture"].vertices])
    world = teeth @ np.array(there)[:3, :3].T + np.array(there)[:3, 3]
    place = Matrix.Identity(4)
    if origin != "world":
        place = Matrix.Translation((0.5, -4, 2)) @ Matrix.Rotation(-0.4, 4, "X")
    inverse = np.array(place.inverted())
    obj = placed_mesh("LowerTeeth", world @ inverse[:3, :3].T + inverse[:3, 3], place)
    if origin == "child":
        obj.parent = own_face
        obj.matrix_parent_inverse = there.inverted()
    bpy.context.view_layer.update()
    same(in_world(obj), world, 1e-5)
    speak(own_face, jaw=joint(obj))
    for frame in range(FRAMES):
        scene.frame_set(1 + frame)
        pivot = np.array(to_blender(hinge * 0.01))
        turn = np.array(Matrix.Rotation(radians(OPENING[frame]), 3, "X"))
        moved = (teeth - pivot) @ turn.T + pivot + np.array(to_blender(SHIFTS[frame])) * 0.01
        expected = moved @ np.array(there)[:3, :3].T + np.array(there)[:3, 3]
        same(in_world(obj), expected, 5e-5)
    speak(own_face, "two")
    scene.frame_set(2)
    same(in_world(obj), world, 1e-5)


@pytest.mark.parametrize("centred", [False, True])
def test_an_eye_turns_about_its_middle_wherever_its_origin_is(
    scene, own_face, speak, joint, centred
):
    own_face.rotation_euler.z = 0.5
    rng = np.random.default_rng(0)
    ball = rng.normal(size=(200, 3))
    ball *= 0.012 / np.linalg.norm(ball, axis=1, keepdims=True)
    ball[:6] = np.vstack([np.eye(3), -np.eye(3)]) * 0.012
    middle = np.array([0.03, -0.09, 1.6])
    if centred:
        obj = placed_mesh("Eye.L", ball, Matrix.Translation(middle))
    else:
        obj = placed_mesh("Eye.L", ball + middle)
    bpy.context.view_layer.update()
    speak(own_face, eye_left=joint(obj))
    about = np.array(Matrix.Rotation(0.5, 3, "Z"))
    for frame in range(FRAMES):
        scene.frame_set(1 + frame)
        turn = about @ np.array(look(*LOOKS[frame, 1])) @ about.T
        same(in_world(obj), ball @ turn.T + middle, 1e-5)
    assert (("location", 0) in curves_of(obj)) is not centred


def test_models_whose_jaw_lies_elsewhere_move_the_template_head_alike(scene, speak):
    bpy.ops.facewright.add_head()
    head = scene.facewright.characters[-1].skin
    teeth = next(o for o in head.children if o["facewright_part"] == "lower_denture")
    moved = []
    for away in ((0, 0, 0), (3, 160, -7)):
        speak(head, "one", away)
        scene.frame_set(FRAMES)
        moved.append(np.array(teeth.matrix_basis))
    same(moved[1], moved[0], 1e-4)


def test_an_attached_tongue_and_further_meshes_move_with_the_face(own_face, speak):
    tongue = shaped_mesh("Tongue", ["tongueOut", "TongueUp"])
    brows = shaped_mesh("B", ["browInnerUp"])
    speak(own_face, tongue=tongue, others=(brows,))
    assert set(curves_of(tongue.data.shape_keys)) == {
        ('key_blocks["tongueOut"].value', 0), ('key_blocks["TongueUp"].value', 0)
    }  # fmt: skip
    assert curves_of(brows.data.shape_keys)


def test_what_is_attached_to_the_template_head_replaces_its_part(code, scene, joint):
    bpy.ops.facewright.add_head()
    head, obj = scene.facewright.characters[-1].skin, face_rig()
    tongue = shaped_mesh("Tongue", ["tongueOut"])
    characters = code("scene.characters")
    found = characters.find_character(
        head, attached=characters.Attachments(tongue, joint(obj, "Jaw"), None, joint(obj, "Eye.L"))
    )
    parts = [member.get("facewright_part") for member in found.members]
    assert not {"tongue", "lower_denture", "eye_left"}.intersection(parts) and "eye_right" in parts
    assert found.jaw == (joint(obj, "Jaw"),) and found.eyes[1] == joint(obj, "Eye.L")
    assert found.eyes[0].object["facewright_part"] == "eye_right"


def test_a_frame_shown_without_keys_is_that_of_the_take(
    code, scene, own_face, speak, track_of, joint
):
    """As the preview and live sessions show it."""
    obj, teeth = face_rig(), placed_mesh("LowerTeeth", [(-0.03, -0.1, 1.5), (0.03, -0.1, 1.5)])
    attached = {"jaw": joint(teeth), "eye_left": joint(obj, "Eye.L")}
    tracks = track_of()
    found = code("scene.characters").find_character(
        own_face, attached=code("scene.characters").Attachments(**attached)
    )
    last = dataclasses.replace(
        tracks, weights=tracks.weights[-1:], jaw=tracks.jaw[-1:], eyes=tracks.eyes[-1:]
    )
    for _ in range(2):
        code("scene.frames").show_frame(found, last)
    bpy.context.view_layer.update()
    shown = [np.array(teeth.matrix_world), np.array(obj.pose.bones["Eye.L"].matrix)]
    speak(own_face, **attached)
    scene.frame_set(FRAMES)
    same(teeth.matrix_world, shown[0])
    same(obj.pose.bones["Eye.L"].matrix, shown[1])
    assert not np.allclose(shown[0], np.eye(4), atol=1e-3)
