# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user attaches really moves, is found by name, and is told when it is no use."""

from __future__ import annotations

import dataclasses
from math import radians
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from layouts import Layout
from makers import curves_of, shaped_mesh
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
def speak(code, scene, make_track, hinge):
    """Write a take whose jaw turns about its hinge and shifts, on what is attached."""
    actions, characters = code("scene.actions"), code("scene.characters")

    def track_of(away=(0, 0, 0)):
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

    def run(obj, take_id="one", away=(0, 0, 0), **attached):
        track = track_of(away)
        character = characters.find_character(obj, track.names, characters.Attachments(**attached))
        return actions.write_take(character, track, scene, 1, actions.TakeLabel(take_id))

    run.track = track_of
    return run


@pytest.fixture
def joint(code):
    return code("scene.joints").Joint


def rig(up_y=False, tilt=0.4, names=("Head", "Jaw", "Eye.R", "Eye.L")):
    """Head, jaw and eyes of an armature that lean and roll at rest, as those of real rigs do."""
    data = bpy.data.armatures.new("Rig")
    obj = bpy.data.objects.new("Rig", data)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    places = {"Head": (0, 0, 1.5), "Jaw": (0, -0.02, 1.55), "Eye.R": (-0.03, -0.09, 1.6)}
    for name in names:
        x, y, z = places.get(name, (0.03, -0.09, 1.6))
        bone = data.edit_bones.new(name)
        bone.head = (x, z, -y) if up_y else (x, y, z)
        bone.tail = bone.head + Vector((0.02, -0.05, 0.2))
        bone.roll = tilt
        if name != names[0]:
            bone.parent = data.edit_bones[names[0]]
    bpy.ops.object.mode_set(mode="OBJECT")
    return obj


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
    obj = rig(up_y)
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
    obj = rig()
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
    obj = rig()
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


def placed_mesh(name, points, matrix=None):
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([tuple(point) for point in points], [], [])
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    if matrix is not None:
        obj.matrix_world = matrix
    return obj


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
    head, obj = scene.facewright.characters[-1].skin, rig()
    tongue = shaped_mesh("Tongue", ["tongueOut"])
    characters = code("scene.characters")
    found = characters.find_character(
        head, attached=characters.Attachments(tongue, joint(obj, "Jaw"), None, joint(obj, "Eye.L"))
    )
    parts = [member.get("facewright_part") for member in found.members]
    assert not {"tongue", "lower_denture", "eye_left"}.intersection(parts) and "eye_right" in parts
    assert found.jaw == (joint(obj, "Jaw"),) and found.eyes[1] == joint(obj, "Eye.L")
    assert found.eyes[0].object["facewright_part"] == "eye_right"


def test_a_frame_shown_without_keys_is_that_of_the_take(code, scene, own_face, speak, joint):
    """As the preview and live sessions show it."""
    obj, teeth = rig(), placed_mesh("LowerTeeth", [(-0.03, -0.1, 1.5), (0.03, -0.1, 1.5)])
    attached = {"jaw": joint(teeth), "eye_left": joint(obj, "Eye.L")}
    tracks = speak.track()
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


# ---- from the panels ---------------------------------------------------------------------------


def test_the_buttons_job_turns_what_the_fields_name(code, wired, own_face, voice, stub):
    obj, tongue, further = rig(), shaped_mesh("T", ["tongueOut"]), shaped_mesh("F", ["jawOpen"])
    character = wired.character
    wired.player.voice_path, wired.pipeline.model = voice, str(stub.folder)
    character.skin, character.tongue, character.lower_denture = own_face, tongue, obj
    character.jaw_bone, character.eye_right = "Jaw", obj
    character.others.add().object = further
    character.others.add()  # an empty row is nothing
    with pytest.raises(RuntimeError, match="No bone of 'Rig' is chosen for the right eye"):
        bpy.ops.facewright.animate()
    character.eye_right_bone = "Eye.R"
    assert bpy.ops.facewright.animate() == {"FINISHED"}
    for block in (tongue.data.shape_keys, further.data.shape_keys):
        assert curves_of(block)
    paths = {path for path, _index in curves_of(obj)}
    assert {'pose.bones["Jaw"].location', 'pose.bones["Eye.R"].rotation_quaternion'} <= paths
    request = code("operators.chosen").request_of(wired.scene, wired.pipeline)
    bpy.data.objects.remove(tongue)
    with pytest.raises(code("scene.references").SceneChanged, match="'T' no longer exists"):
        request.characters()


@pytest.fixture
def status(code, wired):
    """The status line of the character, and whether it is a problem."""

    def now():
        attached = code("operators.chosen").attachments_of(wired.character)
        found = code("scene.character_status").character_status(wired.character.skin, attached)
        reason = code("operators.animate").FACEWRIGHT_OT_animate.disabled_reason(bpy.context)
        assert not found.problem or reason == found.text
        return found

    wired.player.voice_source = "SAMPLE"
    return now


def test_the_status_line_says_what_there_is_and_what_is_missing(wired, status, own_face):
    assert status().text.startswith("No face is chosen")
    wired.character.skin = own_face
    assert status().text == "52 of 52 shapes, tongue, no jaw, no eyes"
    obj = rig()
    wired.character.lower_denture, wired.character.jaw_bone = obj, "Jaw"
    wired.character.eye_right, wired.character.eye_right_bone = obj, "Eye.R"
    assert status().text == "52 of 52 shapes, tongue, jaw, right eye, no left eye"
    wired.character.eye_left, wired.character.eye_left_bone = obj, "Eye.L"
    assert status().complete and status().text == "52 of 52 shapes, tongue, jaw, both eyes"
    bpy.ops.facewright.add_head()
    wired.character.skin = bpy.context.active_object
    assert status().complete


def test_the_status_line_names_what_is_wrong(wired, status, own_face):
    character, scene = wired.character, wired.scene
    character.skin = own_face
    obj, bare = rig(), shaped_mesh("Bare", [])
    character.tongue = bare
    assert "'Bare' has no shape keys" in status().text
    character.tongue, character.lower_denture = None, obj
    assert "No bone of 'Rig' is chosen for the jaw" in status().text
    character.jaw_bone = "Jaw"
    assert not status().problem
    obj.data.bones["Jaw"].name = "Mandible"
    assert "'Rig' has no bone 'Jaw'" in status().text
    character.jaw_bone = "Mandible"
    character.eye_right, character.eye_right_bone = obj, "Mandible"
    assert "'Mandible' cannot be both jaw and right eye" in status().text
    character.eye_right = None
    scene.collection.objects.unlink(obj)  # deleted in the viewport, but the field still holds it
    assert "'Rig' is in no scene" in status().text
    bpy.data.objects.remove(obj)
    assert not status().problem
    own_face.data = bpy.data.meshes.new("Replaced")
    assert "'Face' has no shape keys" in status().text
    own_face.name = "Renamed"
    assert "'Renamed' has no shape keys" in status().text
    bpy.data.objects.remove(own_face)
    assert status().text.startswith("No face is chosen")


# ---- found by name -----------------------------------------------------------------------------


def body(names=("Head", "Jaw", "Eye.R", "Eye.L")):
    """A face that follows an armature."""
    obj, face = rig(names=names), shaped_mesh("Body", ["mouthPucker", "jawOpen"])
    face.modifiers.new("Armature", "ARMATURE").object = obj
    return obj, face


def test_a_new_skin_fills_the_empty_fields(wired):
    obj, face = body()
    tongue = shaped_mesh("CC_Base_Tongue", ["Tongue_Up"])
    lashes = shaped_mesh("Lashes", ["eyeBlinkLeft"])
    for mesh in (tongue, lashes):
        mesh.parent = obj
    mine = bpy.data.objects.new("Mine", None)
    wired.scene.collection.objects.link(mine)
    character = wired.character
    character.eye_left = mine
    character.skin = face
    assert character.tongue == tongue
    assert (character.lower_denture, character.jaw_bone) == (obj, "Jaw")
    assert (character.eye_right, character.eye_right_bone) == (obj, "Eye.R")
    assert (character.eye_left, character.eye_left_bone) == (mine, "")
    assert (character.head_target, character.head_bone) == (obj, "Head")
    assert [each.object for each in character.others] == [lashes]
    character.jaw_bone = ""
    bpy.ops.facewright.guess_parts(character=character.id)
    assert character.jaw_bone == ""  # it is the user's own choice now
    other = shaped_mesh("Other", ["jawOpen"], parent=mine)
    character.skin = other
    assert character.tongue is None and character.eye_right is None  # those were found
    assert character.eye_left == mine


def test_parts_beside_the_skin_are_found(wired):
    holder = bpy.data.objects.new("Holder", None)
    wired.scene.collection.objects.link(holder)
    face = shaped_mesh("Face", ["jawOpen"], parent=holder)
    names, line = ("teeth_lower", "eye_L", "eye_R"), [(0, 0, 0), (0, 0, 1)]
    parts = [placed_mesh(name, line) for name in names]
    for part in parts:
        part.parent = holder
    wired.character.skin = face
    character = wired.character
    assert [character.lower_denture, character.eye_left, character.eye_right] == parts
    chosen = wired.scene.facewright
    second = chosen.add_character("Second", wired.pipeline)
    second.skin = shaped_mesh("Second", ["jawOpen"], parent=holder)
    assert second.lower_denture is None  # it is the first one's


def test_a_jaw_bone_that_bends_a_face_with_jaw_shapes_is_left_out(wired, capfd):
    obj, face = body()
    group = face.vertex_groups.new(name="Jaw")
    wired.character.skin = face
    assert wired.character.lower_denture == obj  # no vertex follows it
    wired.character.lower_denture = None
    group.add([0, 1], 0.5, "ADD")
    assert bpy.ops.facewright.guess_parts(character=wired.character.id) == {"FINISHED"}
    assert wired.character.lower_denture is None
    assert "jaw bone 'Jaw' was left out" in capfd.readouterr().out


def test_another_face_beside_is_no_part(wired, own_face):
    holder = bpy.data.objects.new("Everybody", None)
    own_face.parent = holder
    shaped_mesh("Neighbour", [f"A{n:02}_{name}" for n, name in enumerate(POSES)], parent=holder)
    shaped_mesh("Stranger", ["jawOpen"])
    wired.character.skin = own_face
    assert not wired.character.others


POSES = (
    *("jawOpen", "mouthPucker", "mouthFunnel", "mouthClose", "jawLeft", "jawRight", "browInnerUp"),
    *("mouthLeft", "mouthRight", "cheekPuff", "jawForward", "tongueOut", "mouthRollLower"),
)


def test_find_parts_reports(wired, capfd):
    _obj, face = body()
    wired.character.skin = face
    bpy.ops.facewright.guess_parts(character=wired.character.id)
    assert "Nothing more was found" in capfd.readouterr().out
    wired.character.eye_left = None
    bpy.ops.facewright.guess_parts(character=wired.character.id)
    assert "Found: left eye" in capfd.readouterr().out
    with pytest.raises(RuntimeError, match="no such character"):
        bpy.ops.facewright.guess_parts(character="gone")
    wired.character.skin = None
    with pytest.raises(RuntimeError, match="No face is chosen"):
        bpy.ops.facewright.guess_parts(character=wired.character.id)


# ---- the panel ---------------------------------------------------------------------------------


@pytest.fixture
def drawn(code):
    panel = code("panels.attached_meshes").FACEWRIGHT_PT_attached_meshes

    def draw():
        shown: list[str] = []
        panel.draw(SimpleNamespace(layout=Layout(shown)), bpy.context)
        return shown

    return draw


def test_the_panel_shows_every_field_and_bones_of_armatures(wired, own_face, drawn):
    wired.character.skin = own_face
    shown = drawn()
    fields = {"skin", "tongue", "lower_denture", "eye_right", "eye_left", "Find Parts"}
    assert fields <= set(shown) and "Bone" not in shown
    assert "52 of 52 shapes, tongue, no jaw, no eyes" in shown
    wired.character.lower_denture = rig()
    assert drawn().count("Bone") == 1
    wired.character.skin = None
    assert any("No face is chosen" in text for text in drawn())
    wired.scene.facewright.characters.clear()
    assert "The pipeline drives no character" in drawn()


def test_further_meshes_are_added_from_the_selection_and_taken_off(code, wired, own_face):
    character = wired.character
    character.skin = own_face
    meshes = [shaped_mesh(name, ["jawOpen"]) for name in ("A", "B")]
    reason = code("operators.attached_meshes").FACEWRIGHT_OT_add_meshes.disabled_reason
    assert reason(bpy.context) == "Select the meshes in the viewport first"
    for obj in (own_face, *meshes):
        obj.select_set(True)
    assert bpy.ops.facewright.add_meshes(character=character.id) == {"FINISHED"}
    assert {each.object for each in character.others} == set(meshes)
    assert bpy.ops.facewright.add_meshes(character=character.id) == {"CANCELLED"}
    first = character.others[0].object
    assert bpy.ops.facewright.remove_mesh(character=character.id, place=0) == {"FINISHED"}
    assert first not in [each.object for each in character.others]
    assert bpy.ops.facewright.remove_mesh(character=character.id, place=7) == {"CANCELLED"}


def test_the_characters_objects_are_selected(wired, own_face):
    tongue = shaped_mesh("Tongue", ["tongueOut"])
    other = shaped_mesh("Other", ["jawOpen"])
    other.select_set(True)
    wired.character.skin, wired.character.tongue = own_face, tongue
    assert bpy.ops.facewright.select_character(character=wired.character.id) == {"FINISHED"}
    assert set(bpy.context.selected_objects) == {own_face, tongue}
    assert bpy.context.active_object == own_face
