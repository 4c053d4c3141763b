# SPDX-License-Identifier: GPL-3.0-or-later
"""Head motion in the scene: right turns on the chosen object or bone, and nothing is lost by it."""

from __future__ import annotations

import dataclasses
import json
from math import radians
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from layouts import Layout
from makers import curves_of, spoken
from mathutils import Matrix, Quaternion, Vector

ANGLES = np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10], [8, -5, 3]], np.float32)
ON = {"head_motion": True}


def turn_of(pitch, yaw, roll):
    """The same in Blender's axes, one turn after the other: -Y to the front, Z up."""
    return (
        Matrix.Rotation(radians(yaw), 3, "Z")
        @ Matrix.Rotation(radians(pitch), 3, "X")
        @ Matrix.Rotation(radians(roll), 3, Vector((0, -1, 0)))
    )


def same(found, expected):
    np.testing.assert_allclose(np.array(found), np.array(expected), atol=1e-5)


@pytest.fixture
def write_head(code, scene, make_track):
    """Write a made-up take with head motion, or without: ``write_head(face, target, bone)``."""
    actions, characters = code("scene.actions"), code("scene.characters")

    def run(obj, target=None, bone="", head=ANGLES, take_id="one"):
        track = dataclasses.replace(make_track(len(ANGLES), 30), head=head)
        character = characters.find_character(obj, track.names)
        character = characters.with_head_target(character, target, bone)
        return actions.write_take(character, track, scene, 1, actions.TakeLabel(take_id))

    return run


@pytest.fixture
def head(scene):
    """The built-in head."""
    bpy.ops.facewright.add_head()
    return scene.facewright.characters[-1].skin


def rig(up_y=False, tilt=0.4):
    """A body with a head bone that leans and rolls at rest, as those of real rigs do."""
    data = bpy.data.armatures.new("Rig")
    obj = bpy.data.objects.new("Rig", data)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    for name, height in (("Spine", 1.0), ("Head", 1.6)):
        bone = data.edit_bones.new(name)
        bone.head = (0, height, 0) if up_y else (0, 0, height)
        bone.tail = bone.head + Vector((0.02, 0.05, 0.2))
        bone.roll = tilt
    data.edit_bones["Head"].parent = data.edit_bones["Spine"]
    bpy.ops.object.mode_set(mode="OBJECT")
    return obj


def body_action(obj):
    """An artist's animation of the body: the spine bends in a cycle, the head looks aside."""
    for name, angle in (("Spine", 0.3), ("Head", 0.7)):
        bone = obj.pose.bones[name]
        bone.rotation_mode = "XYZ"
        bone.rotation_euler.x = angle
        bone.keyframe_insert("rotation_euler", frame=3)
    obj.location.x = 2.0
    obj.keyframe_insert("location", frame=3)
    for curve in curves_of(obj).values():
        curve.modifiers.new("CYCLES").cycles_after = 7
    obj.animation_data.action.name = "Walk"


# ---- turns -------------------------------------------------------------------------------------


def test_keys_are_radians_on_the_built_in_head(scene, head, write_head):
    head.location = (1, 2, 3)
    write_head(head)
    curves = curves_of(head)
    assert set(curves) == {("rotation_euler", axis) for axis in range(3)}
    points = curves["rotation_euler", 0].keyframe_points
    assert [point.co[0] for point in points] == [1, 2, 3, 4, 5]
    assert points[1].co[1] == pytest.approx(radians(10))
    assert curves["rotation_euler", 2].keyframe_points[2].co[1] == pytest.approx(radians(10))
    for frame, angles in enumerate(ANGLES):
        scene.frame_set(1 + frame)
        same(head.matrix_world.to_3x3(), turn_of(*angles))
        assert tuple(head.location) == (1, 2, 3)
    scene.frame_set(2)  # it looks down, and the eyes with it
    assert (head.matrix_world.to_3x3() @ Vector((0, -1, 0))).z < -0.17
    scene.frame_set(3)
    assert (head.matrix_world.to_3x3() @ Vector((0, -1, 0))).x > 0.17
    scene.frame_set(4)  # the top of the head leans to the character's right
    assert (head.matrix_world.to_3x3() @ Vector((0, 0, 1))).x < -0.17


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_an_object_turns_about_its_own_axes_in_its_own_rotation_mode(
    scene, own_face, write_head, mode
):
    empty = bpy.data.objects.new("Neck", None)
    scene.collection.objects.link(empty)
    empty.rotation_mode = mode
    rest = Matrix.Rotation(1.1, 3, "Z") @ Matrix.Rotation(0.3, 3, "Y")
    empty.matrix_basis = rest.to_4x4() @ Matrix.Scale(3.0, 4)
    write_head(own_face, empty)
    write_head(own_face, empty, take_id="two")  # about the same rest
    assert empty.rotation_mode == mode
    for frame, angles in enumerate(ANGLES):
        scene.frame_set(1 + frame)
        same(np.array(empty.matrix_basis.to_3x3()) / 3.0, rest @ turn_of(*angles))


@pytest.mark.parametrize("up_y", [False, True])
@pytest.mark.parametrize("mode", ["QUATERNION", "ZXY"])
def test_a_bone_turns_as_the_character_stands(scene, own_face, write_head, mode, up_y):
    obj = rig(up_y)
    bone = obj.pose.bones["Head"]
    bone.rotation_mode = mode
    write_head(own_face, obj, "Head")
    standing = Matrix.Rotation(radians(90), 3, "X") if up_y else Matrix.Identity(3)
    for frame, angles in enumerate(ANGLES):
        scene.frame_set(1 + frame)
        moved = bone.matrix.to_3x3() @ bone.bone.matrix_local.to_3x3().inverted()
        same(standing @ moved @ standing.inverted(), turn_of(*angles))
    assert {path for path, _index in curves_of(obj)} == {
        bone.path_from_id("rotation_quaternion" if mode == "QUATERNION" else "rotation_euler")
    }


# ---- what is there already, and what is left ---------------------------------------------------


def test_without_a_target_nothing_turns_and_the_take_says_so(own_face, write_head):
    written = write_head(own_face)
    assert len(bpy.data.actions) == 1
    assert own_face.animation_data is None or own_face.animation_data.action is None
    assert [notice for notice in written.notices if "head target" in notice]
    assert not write_head(own_face, head=None, take_id="two").notices


def test_a_body_goes_on_moving_beside_its_head(scene, own_face, write_head):
    obj = rig()
    body_action(obj)
    before = {key: [tuple(p.co) for p in c.keyframe_points] for key, c in curves_of(obj).items()}
    written = write_head(own_face, obj, "Head")
    assert any("'Walk' was kept" in notice for notice in written.notices)
    for take_id in ("two", "three"):
        write_head(own_face, obj, "Head", take_id=take_id)
    after = curves_of(obj)
    assert set(after) == set(before)
    heads = {key for key in before if '"Head"' in key[0]}
    for key in before.keys() - heads:
        assert [tuple(point.co) for point in after[key].keyframe_points] == before[key]
        assert [modifier.cycles_after for modifier in after[key].modifiers] == [7]
    for key in heads:
        assert len(after[key].keyframe_points) == len(ANGLES)
    walk = bpy.data.actions["Walk"]
    assert walk.use_fake_user and obj.animation_data.action != walk


@pytest.mark.parametrize("animated", [False, True])
def test_switched_off_again_the_head_rests_and_the_body_goes_on(
    scene, own_face, write_head, animated
):
    obj = rig()
    bone = obj.pose.bones["Head"]
    bone.rotation_quaternion = Quaternion((1, 0, 0), 0.2)
    if animated:
        body_action(obj)
    rest = bone.matrix_basis.copy()
    write_head(own_face, obj, "Head")
    scene.frame_set(5)
    assert bone.matrix_basis != rest
    write_head(own_face, obj, "Head", head=None, take_id="two")
    scene.frame_set(4)
    same(bone.matrix_basis, rest)
    assert "facewright_rest" not in bone
    assert {a["facewright_take"] for a in bpy.data.actions if "facewright_take" in a} == {"two"}
    assert {path for path, _i in curves_of(obj)} == (
        {"location", 'pose.bones["Spine"].rotation_euler'} if animated else set()
    )


def test_another_target_lets_go_of_the_one_before(scene, head, write_head):
    empty = bpy.data.objects.new("Neck", None)
    scene.collection.objects.link(empty)
    write_head(head)
    write_head(head, empty, take_id="two")
    scene.frame_set(5)
    same(head.matrix_basis.to_3x3(), Matrix.Identity(3))
    same(empty.matrix_basis.to_3x3(), turn_of(*ANGLES[4]))
    assert not curves_of(head)
    assert {action["facewright_take"] for action in bpy.data.actions} == {"two"}


def test_a_copy_of_the_head_keeps_its_own_motion(scene, head, write_head):
    write_head(head)
    for obj in scene.objects:
        obj.select_set(True)
    bpy.ops.object.duplicate()
    copy = bpy.context.selected_objects[0]
    while copy.parent is not None:
        copy = copy.parent
    assert copy != head
    write_head(head, head=None, take_id="two")
    scene.frame_set(5)
    same(head.matrix_basis.to_3x3(), Matrix.Identity(3))
    same(copy.matrix_basis.to_3x3(), turn_of(*ANGLES[4]))


def test_removing_the_takes_actions_removes_the_head_motion(code, head, write_head):
    written = write_head(head)
    assert len(written.actions) == 1 or not code("scene.versions").HAS_ACTION_SLOTS
    for name in written.actions:
        bpy.data.actions.remove(bpy.data.actions[name])
    assert not curves_of(head)


def test_a_job_that_is_cancelled_or_fails_leaves_the_body_as_it_was(
    code, scene, own_face, make_track, write_head, scene_state, monkeypatch
):
    obj = rig()
    body_action(obj)
    bone, walk = obj.pose.bones["Head"], obj.animation_data.action
    bone.rotation_mode = "AXIS_ANGLE"
    before = scene_state()

    def untouched():
        assert scene_state() == before
        assert obj.animation_data.action == walk
        assert bone.rotation_mode == "AXIS_ANGLE" and "facewright_rest" not in bone

    actions, characters = code("scene.actions"), code("scene.characters")
    track = make_track(10_800, 60)
    track = dataclasses.replace(track, head=np.zeros((10_800, 3), np.float32))
    character = characters.with_head_target(characters.find_character(own_face), obj, "Head")
    steps = actions.write_steps(character, track, scene, 1, actions.TakeLabel("x"))
    next(steps)
    steps.close()
    untouched()

    monkeypatch.setattr(code("scene.versions"), "assign_action", _failing_once(code, obj))
    with pytest.raises(RuntimeError):
        write_head(own_face, obj, "Head")
    untouched()


def _failing_once(code, obj):
    """Assigning an action that fails the first time that it is for ``obj``."""
    real, failed = code("scene.versions").assign_action, []

    def assign(owner, action, handle):
        real(owner, action, handle)
        if owner == obj and not failed:
            failed.append(True)
            raise RuntimeError("full")

    return assign


@pytest.mark.parametrize(
    ("target", "bone", "says"),
    [
        ("Rig", "", "No bone of 'Rig' is chosen"),
        ("Rig", "Hed", "'Rig' has no bone 'Hed'"),
        ("Facewright Head", "Head", "has no bone 'Head'"),
        ("Facewright Head Eye Left", "", "moves it already"),
        ("", "Head", "belongs to no armature"),
    ],
)
def test_a_target_that_cannot_turn_is_refused_with_a_sentence(
    code, head, write_head, target, bone, says
):
    rig()
    with pytest.raises(code("core.errors").UserError, match=says):
        write_head(head, bpy.data.objects[target] if target else None, bone)
    assert not bpy.data.actions


# ---- from the voice ----------------------------------------------------------------------------


def test_a_voice_turns_the_chosen_bone_and_the_take_keeps_the_head(
    code, own_face, stub, voice, tmp_path
):
    animate, obj = code("operators.animate").animate_object, rig()
    out = tmp_path / "w.json"
    result = animate(
        bpy.context, own_face, voice, model=str(stub.folder), settings=ON, head_target=obj,
        head_bone="Head", outputs=[str(out)],
    )  # fmt: skip
    angles = result.face.head
    assert angles.shape == (45, 3) and np.ptp(angles) > 0.2
    assert len(curves_of(obj)) == 4
    kept = code("core.take_file").read_take(code("scene.places").take_path(result.take_id))
    np.testing.assert_array_equal(kept.face.head, angles)
    saved = json.loads(out.read_text("utf-8"))["headRotations"]
    np.testing.assert_allclose(saved, angles, atol=1e-6)
    plain = animate(bpy.context, own_face, voice, model=str(stub.folder))
    assert plain.face.head is None
    np.testing.assert_array_equal(plain.face.weights, result.face.weights)
    assert not curves_of(obj)


def test_the_command_line_names_the_target(code, own_face, stub, voice, capsys):
    main, obj = code("operators.command").main, rig()
    words = ["animate", "--audio", voice, "--object", "Face", "--model", str(stub.folder), "--set",
             "head_motion=true", "--set", "head_motion_strength=1.5"]  # fmt: skip
    assert main([*words, "--head-target", "Rig", "--head-bone", "Head"]) == 0
    assert curves_of(obj)
    capsys.readouterr()
    assert main([*words, "--head-target", "Rag"]) == 1
    assert "has no object 'Rag'. It has: Face, Rig." in capsys.readouterr().err


def test_a_live_session_turns_the_head(api, stub_is_default, burst, own_face):
    obj = rig()
    settings = {**ON, "blink_interval": 0.0}
    with_head = {"face": own_face, "head_target": obj, "head_bone": "Head"}
    session = api.Session(16000, settings=settings, **with_head, **burst)
    session.send(spoken(1.5), end=True)
    assert session.wait(60), session.error
    live = np.concatenate([b.track.head for b in session.frames() if b.track.frame_count])
    assert len(curves_of(obj)) == 4
    job = api.animate(own_face, api.Samples(spoken(1.5), 16000), settings=settings,
                      head_target=obj, head_bone="Head")  # fmt: skip
    assert job.wait(60), job.error
    np.testing.assert_array_equal(live, job.result.face.head)


def test_the_panel_has_a_switch_a_strength_and_a_target(code, wired, own_face, drawn_head):
    pipeline, character = wired.pipeline, wired.character
    assert not pipeline.head_motion and pipeline.changed_settings() == {}
    assert {"Strength", "Seed", "Face"} <= set(drawn_head())
    assert "Bone" not in drawn_head()
    wired.player.voice_source, character.skin, character.head_target = "SAMPLE", own_face, rig()
    assert "Bone" in drawn_head()
    reason = code("operators.animate").FACEWRIGHT_OT_animate.disabled_reason
    assert reason(bpy.context) == ""  # off: nobody asks for the bone
    pipeline.head_motion = True
    assert "No bone of 'Rig' is chosen" in reason(bpy.context)
    character.head_bone = "Head"
    assert reason(bpy.context) == ""
    request = code("operators.chosen").request_of(wired.scene, pipeline)
    head = request.faces[0].head
    assert (head.object.get(), head.bone) == (character.head_target, "Head")
    assert request.settings == ON
    bpy.ops.facewright.reset()
    assert not pipeline.head_motion


@pytest.fixture
def drawn_head(code):
    """What the panel of head motion shows."""
    panel = code("panels.head_motion").FACEWRIGHT_PT_head_motion

    def draw():
        shown: list[str] = []
        stand_in = SimpleNamespace(layout=Layout(shown))
        panel.draw_header(stand_in, bpy.context)
        panel.draw(stand_in, bpy.context)
        return shown

    return draw
