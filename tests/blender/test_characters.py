# SPDX-License-Identifier: GPL-3.0-or-later
"""Which meshes and keys belong to a face, and what is said when there is none."""

from __future__ import annotations

import bpy
import pytest
from makers import curves_of, shaped_mesh


@pytest.fixture
def find(code):
    return code("scene.characters").find_character


@pytest.fixture
def refused(code, find):
    def check(obj, *words: str) -> None:
        with pytest.raises(code("core.errors").UserError) as caught:
            find(obj)
        text = str(caught.value)
        assert all(word in text for word in words), text
        assert "\n" not in text

    return check


def test_names_in_any_spelling_are_found(find):
    obj = shaped_mesh("Own", ["JawOpen", "eyeblink_l", "EYEBLINK_R", "A25_Mouth_Smile_Left"])
    found = find(obj)
    assert {name: keys for m in found.meshes for name, keys in m.found.pairs.items()} == {
        "jawOpen": ("JawOpen",),
        "eyeBlinkLeft": ("eyeblink_l",),
        "eyeBlinkRight": ("EYEBLINK_R",),
        "mouthSmileLeft": ("A25_Mouth_Smile_Left",),
    }
    assert found.found_count == 4
    assert "mouthPucker" in found.missing
    assert len(found.missing) == 48


def test_keys_that_mean_no_pose_are_listed_and_left_alone(find, make_track, write):
    obj = shaped_mesh("Own", ["jawOpen", "scar", "fat"])
    assert find(obj).unmatched == ("scar", "fat")
    write(obj, make_track(5, 30))
    assert list(curves_of(obj.data.shape_keys)) == [('key_blocks["jawOpen"].value', 0)]


def test_meshes_parented_to_the_face_move_with_it(find):
    face = shaped_mesh("Face", ["jawOpen"])
    teeth = shaped_mesh("Teeth", ["JawOpen"], parent=face)
    shaped_mesh("Other", ["jawOpen"])
    assert [mesh.object for mesh in find(face).meshes] == [face, teeth]


def test_any_part_of_the_template_head_stands_for_all_of_it(scene, find):
    bpy.ops.facewright.add_head()
    bpy.ops.facewright.add_head()
    second = scene.facewright.characters[-1].skin
    found = find(second)
    assert found.found_count == 52
    assert {mesh.object["facewright_part"] for mesh in found.meshes} >= {"skin", "tongue"}
    for member in found.members:
        again = find(member)
        assert again.face == second
        assert again.members == found.members
    # parented to something of the user's, it is still one head of the two
    empty = bpy.data.objects.new("Everything", None)
    scene.collection.objects.link(empty)
    for obj in list(scene.objects):
        if obj.parent is None and obj != empty:
            obj.parent = empty
    assert find(second).members == found.members


def test_driven_keys_are_left_to_their_drivers(find, make_track, write):
    obj = shaped_mesh("Face", ["jawOpen", "mouthPucker"])
    driver = obj.data.shape_keys.key_blocks["mouthPucker"].driver_add("value").driver
    driver.expression = "0.5"
    assert any("mouthPucker" in notice for notice in find(obj).notices)
    write(obj, make_track(5, 30))
    assert list(curves_of(obj.data.shape_keys)) == [('key_blocks["jawOpen"].value', 0)]


def test_muted_and_pinned_keys_are_told(find):
    obj = shaped_mesh("Face", ["jawOpen", "mouthPucker"])
    obj.data.shape_keys.key_blocks["jawOpen"].mute = True
    obj.show_only_shape_key = True
    notices = " ".join(find(obj).notices)
    assert "jawOpen" in notices
    assert "pinned" in notices


def test_what_cannot_be_animated_is_said_in_a_sentence(scene, refused):
    camera = bpy.data.objects.new("Cam", bpy.data.cameras.new("Cam"))
    scene.collection.objects.link(camera)
    refused(None, "No face is chosen")
    refused(camera, "'Cam' is no mesh", "camera")
    refused(shaped_mesh("Bare", []), "'Bare' has no shape keys")
    refused(shaped_mesh("Odd", ["scar", "fat"]), "No shape key of 'Odd'")
    deleted = shaped_mesh("Deleted", ["jawOpen"])
    scene.facewright.add_character("Deleted", None, deleted)
    scene.collection.objects.unlink(deleted)
    refused(deleted, "'Deleted' is in no scene")
    absolute = shaped_mesh("Absolute", ["jawOpen"])
    absolute.data.shape_keys.use_relative = False
    refused(absolute, "absolute", "Relative")


def test_a_face_linked_from_another_file_is_refused(code, tmp_path, refused):
    path = str(tmp_path / "library.blend")
    shaped_mesh("Linked", ["jawOpen"])
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(path, link=True) as (source, target):
        target.objects = source.objects
    linked = bpy.data.objects["Linked"]
    bpy.context.scene.collection.objects.link(linked)
    refused(linked, "linked from another file", "override")
