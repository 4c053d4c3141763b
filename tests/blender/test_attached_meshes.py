# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user attaches is found by name, shown in its panel, and told when it is no use."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import pytest
from layouts import Layout
from makers import curves_of, face_rig, placed_mesh, shaped_mesh

# ---- from the panels ---------------------------------------------------------------------------


def test_the_buttons_job_turns_what_the_fields_name(code, wired, own_face, voice, stub):
    obj, tongue, further = (
        face_rig(),
        shaped_mesh("T", ["tongueOut"]),
        shaped_mesh("F", ["jawOpen"]),
    )
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
        found = code("operators.attached_meshes").status_of(wired.character)
        reason = code("operators.animate").FACEWRIGHT_OT_animate.disabled_reason(bpy.context)
        assert not found.problem or reason == found.text
        return found

    wired.player.voice_source = "SAMPLE"
    return now


def test_the_status_line_says_what_there_is_and_what_is_missing(wired, status, own_face):
    assert status().text.startswith("No face is chosen")
    wired.character.skin = own_face
    assert status().text == "52 of 52 shapes, tongue, no jaw, no eyes"
    obj = face_rig()
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
    obj, bare = face_rig(), shaped_mesh("Bare", [])
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
    obj, face = face_rig(names=names), shaped_mesh("Body", ["mouthPucker", "jawOpen"])
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
    wired.character.lower_denture = face_rig()
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
