# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes in a file: beside each other, as strips, again on their face, and gone without a trace."""

from __future__ import annotations

import json
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from makers import curves_of, shaped_mesh


@pytest.fixture
def face(wired):
    """A face of a pipeline, with two keys that a take moves and one that it does not."""
    obj = shaped_mesh("Face", ["jawOpen", "mouthPucker", "smirk"])
    wired.character.skin = obj
    return obj


@pytest.fixture
def head(code, wired):
    """The template head as the pipeline's character; its jaw has a place of its own."""
    bpy.ops.facewright.add_head()
    chosen = wired.scene.facewright
    skin = chosen.characters[-1].skin
    chosen.characters.remove(len(chosen.characters) - 1)
    chosen.characters[0].skin = skin
    return code("scene.characters").find_character(skin)


@pytest.fixture
def bake(code, wired, scene):
    """Write a take as Animate does: ``bake(track, start, bake, take_id)``."""
    actions, label = code("scene.actions"), code("core.take_label").TakeLabel

    def run(track, start=1.0, mode="REPLACE", take_id="one", fingerprint=""):
        skin = scene.facewright.characters[0].skin
        character = code("scene.characters").find_character(skin, track.names)
        made = label(
            take_id,
            voice=take_id,
            fingerprint=fingerprint,
            character_ids=(scene.facewright.characters[0].id,),
        )
        return actions.write_take(character, track, scene, start, made, mode)

    return run


def lead(code, take_id: str) -> bpy.types.Action:
    """The action that lists show of a take."""
    is_lead = code("core.take_label").is_lead
    return next(a for a in bpy.data.actions if a.get("facewright_take") == take_id and is_lead(a))


def key(obj, name="jawOpen"):
    return obj.data.shape_keys.key_blocks[name]


def shown(scene, obj, frame, name="jawOpen") -> float:
    scene.frame_set(frame)
    return float(key(obj, name).value)


def of(track, frame, name="jawOpen") -> float:
    return float(track.weights[frame, track.names.index(name)])


def listed(code, chosen) -> list[str]:
    """What the list of takes shows."""
    ui = code("panels.takes").FACEWRIGHT_UL_takes
    stand_in = SimpleNamespace(filter_name="", bitflag_filter_item=1)
    flags, _order = ui.filter_items(stand_in, bpy.context, bpy.data, "actions")
    return [a.name for a, flag in zip(bpy.data.actions, flags, strict=True) if flag]


# ---- modes


def test_a_new_take_keeps_the_one_before_which_can_be_shown_again(
    code, scene, face, bake, make_track
):
    first, second = make_track(20, 30), make_track(20, 30, seed=1)
    bake(first)
    bake(second, mode="NEW", take_id="two")
    assert shown(scene, face, 10) == pytest.approx(of(second, 9), abs=1e-6)
    one = lead(code, "one")
    assert one.use_fake_user  # it is saved with the file
    assert len(listed(code, scene.facewright)) == 2
    assert bpy.ops.facewright.take_activate(take=one.name) == {"FINISHED"}
    assert shown(scene, face, 10) == pytest.approx(of(first, 9), abs=1e-6)
    assert lead(code, "two").use_fake_user
    assert not lead(code, "one").use_fake_user
    bake(make_track(20, 30, seed=2), take_id="three")  # replaces the active one, no other
    assert {a["facewright_take"] for a in bpy.data.actions} == {"two", "three"}


def test_strips_play_at_their_frames_and_rest_between(code, scene, head, bake, make_track):
    jaw, rest = head.jaw[0].object, tuple(head.jaw[0].object.location)
    assert max(map(abs, rest)) > 1e-3  # else Blender's default would do
    first, second = make_track(20, 30), make_track(20, 30, seed=1)
    bake(first, 10.0, "NLA")
    bake(second, 50.0, "NLA", "two")
    column = first.names.index("jawOpen")
    blocks = head.meshes[0].key.key_blocks
    for frame, track, at in ((10, first, 0), (20, first, 10), (29, first, 19), (55, second, 5)):
        scene.frame_set(frame)
        assert blocks["jawOpen"].value == pytest.approx(track.weights[at, column], abs=1e-5)
        down = float(track.jaw[at, 1, 3]) / 100
        assert jaw.location.z - rest[2] == pytest.approx(down, abs=1e-5)
    for frame in (1, 40, 90):
        scene.frame_set(frame)
        assert blocks["jawOpen"].value == 0
        assert tuple(jaw.location) == pytest.approx(rest, abs=1e-6)
        assert tuple(head.eyes[0].object.rotation_euler) == pytest.approx((0, 0, 0), abs=1e-6)


def test_strips_move_bones_and_leave_them_at_rest_between(code, wired, scene, face, make_track):
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for name in ("jaw", "eye.R"):
        bone = armature.data.edit_bones.new(name)
        bone.head, bone.tail = (0, 0, 1), (0, -0.1, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.pose.bones["jaw"].location = (0.0, 0.5, 0.0)  # how the artist poses it
    one = wired.character
    one.lower_denture, one.jaw_bone = armature, "jaw"
    one.eye_right, one.eye_right_bone = armature, "eye.R"
    character = code("operators.chosen").character_parts(one, turns=False).character()
    track = make_track(20, 30)
    label = code("core.take_label").TakeLabel("one", character_ids=(one.id,))
    code("scene.actions").write_take(character, track, scene, 10.0, label, "NLA")
    jaw, eye = armature.pose.bones["jaw"], armature.pose.bones["eye.R"]
    scene.frame_set(29)
    moved, turned = tuple(jaw.location), tuple(eye.rotation_quaternion)
    assert moved != pytest.approx((0.0, 0.5, 0.0), abs=1e-3)
    assert turned != pytest.approx((1, 0, 0, 0), abs=1e-3)
    for frame in (1, 60):
        scene.frame_set(frame)
        assert tuple(jaw.location) == pytest.approx((0.0, 0.5, 0.0), abs=1e-6)
        assert tuple(eye.rotation_quaternion) == pytest.approx((1, 0, 0, 0), abs=1e-6)
    assert bpy.ops.facewright.take_activate(take=lead(code, "one").name) == {"FINISHED"}
    scene.frame_set(29)
    assert tuple(jaw.location) == pytest.approx(moved, abs=1e-6)
    assert bpy.ops.facewright.take_remove(take=lead(code, "one").name) == {"FINISHED"}
    scene.frame_set(20)
    assert tuple(jaw.location) == pytest.approx((0.0, 0.5, 0.0), abs=1e-6)
    assert not bpy.data.actions


def test_a_strip_of_a_fractional_frame_keeps_its_time(scene, face, bake, make_track):
    track = make_track(30, 24)
    bake(track, 5.5, "NLA")
    scene.frame_set(8, subframe=0.0)  # 2.5 frames of 30 are 2 of 24
    assert key(face).value == pytest.approx(of(track, 2), abs=1e-5)


def test_a_strip_is_not_hidden_by_the_take_before(code, scene, face, bake, make_track):
    bake(make_track(20, 30), take_id="old")
    smirk = key(face, "smirk")
    smirk.value = 0.25
    smirk.keyframe_insert("value", frame=3)
    track = make_track(20, 30, seed=1)
    (notice,) = bake(track, mode="NLA", take_id="new").notices
    assert "Added' stays active" in notice
    assert shown(scene, face, 10) == pytest.approx(of(track, 9), abs=1e-5)
    assert shown(scene, face, 90) == 0
    assert shown(scene, face, 90, "smirk") == pytest.approx(0.25)  # what was added by hand
    assert lead(code, "old").use_fake_user


def test_an_artists_action_goes_before_the_strip_and_it_is_said(scene, face, bake, make_track):
    key(face).value = 0.125
    key(face).keyframe_insert("value", frame=1)
    animation = face.data.shape_keys.animation_data
    animation.action.name = "By hand"
    track = make_track(20, 30)
    written = bake(track, mode="NLA")
    assert animation.action.name == "By hand"
    assert shown(scene, face, 10) == pytest.approx(0.125)
    assert shown(scene, face, 10, "mouthPucker") == pytest.approx(
        of(track, 9, "mouthPucker"), abs=1e-5
    )
    assert any("'By hand' stays active" in text for text in written.notices)


def test_a_solo_track_that_hides_the_strip_is_said(face, bake, make_track):
    animation = face.data.shape_keys.animation_data_create()
    track = animation.nla_tracks.new()
    track.name = "Only me"
    track.is_solo = True
    assert any("'Only me'" in text for text in bake(make_track(9, 30), mode="NLA").notices)


def test_a_failure_while_making_strips_leaves_the_nla_as_it_was(
    code, head, bake, make_track, scene_state, monkeypatch
):
    bake(make_track(20, 30), take_id="old")
    before = scene_state()
    placing = code("scene.placing")
    strip, calls = placing.add_strip, []

    def fail(*args):
        calls.append(args)
        if len(calls) == 3:
            raise RuntimeError("full")
        return strip(*args)

    monkeypatch.setattr(placing, "add_strip", fail)
    with pytest.raises(RuntimeError, match="full"):
        bake(make_track(20, 30), mode="NLA", take_id="new")
    assert scene_state() == before
    blocks = (*bpy.data.objects, *bpy.data.shape_keys)
    assert not [b for b in blocks if b.animation_data and len(b.animation_data.nla_tracks)]


def test_an_active_take_becomes_a_strip(code, scene, head, bake, make_track):
    track = make_track(20, 30)
    bake(track, 10.0)
    assert bpy.ops.facewright.take_to_nla(take=lead(code, "one").name) == {"FINISHED"}
    blocks, column = head.meshes[0].key.key_blocks, track.names.index("jawOpen")
    for frame, value in ((5, 0.0), (15, track.weights[5, column]), (60, 0.0)):
        scene.frame_set(frame)
        assert blocks["jawOpen"].value == pytest.approx(value, abs=1e-5)
    tracks = head.meshes[0].key.animation_data.nla_tracks
    count = len(tracks)  # in Blender 5.0 one more holds the keys at rest
    again = bpy.ops.facewright.take_to_nla(take=lead(code, "one").name)
    assert again == {"FINISHED"}
    assert len(tracks) == count


# ---- away


@pytest.mark.parametrize("mode", ["REPLACE", "NLA"])
def test_a_removed_take_leaves_nothing(code, scene, head, bake, make_track, mode, scene_state):
    before = scene_state()
    rest = [joint.object.matrix_basis.copy() for joint in (*head.jaw, *head.eyes)]
    bake(make_track(20, 30), 1.0, mode)
    path = code("scene.places").take_path("one")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"a take")
    scene.frame_set(15)
    assert bpy.ops.facewright.take_remove(take=lead(code, "one").name) == {"FINISHED"}
    assert not bpy.data.actions
    scene.frame_set(16)
    for mesh in head.meshes:
        assert {block.value for block in mesh.key.key_blocks[1:]} == {0.0}
    for joint, stood in zip((*head.jaw, *head.eyes), rest, strict=True):
        np.testing.assert_allclose(joint.object.matrix_basis, stood, atol=1e-6)
    for block in (*bpy.data.objects, *bpy.data.shape_keys):
        assert not (block.animation_data and len(block.animation_data.nla_tracks)), block.name
    if mode == "REPLACE":
        assert scene_state() == before
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert not path.exists()  # undo is over


def test_what_was_added_by_hand_outlives_the_take(code, scene, face, bake, make_track):
    bake(make_track(20, 30))
    smirk = key(face, "smirk")
    smirk.value = 0.25
    smirk.keyframe_insert("value", frame=3)
    with_hand = lead(code, "one").name
    assert bpy.ops.facewright.take_remove(take=with_hand) == {"FINISHED"}
    assert listed(code, scene.facewright) == []
    assert set(curves_of(face.data.shape_keys)) == {('key_blocks["smirk"].value', 0)}
    assert shown(scene, face, 9) == 0


def test_other_takes_and_strips_stay(code, scene, face, bake, make_track):
    kept = make_track(20, 30)
    bake(kept, 1.0, "NLA", "kept")
    bake(make_track(20, 30, seed=1), 40.0, "NLA", "gone")
    assert bpy.ops.facewright.take_remove(take=lead(code, "gone").name) == {"FINISHED"}
    assert shown(scene, face, 10) == pytest.approx(of(kept, 9), abs=1e-5)
    assert shown(scene, face, 50) == 0


def test_undo_brings_a_removed_take_back(code, scene, face, bake, make_track):
    track = make_track(20, 30)
    bake(track)
    bpy.ops.ed.undo_push(message="baked")
    bpy.ops.facewright.take_remove(take=lead(code, "one").name)
    bpy.ops.ed.undo_push(message="removed")
    bpy.ops.ed.undo()
    obj = bpy.data.objects["Face"]
    assert shown(bpy.context.scene, obj, 10) == pytest.approx(of(track, 9), abs=1e-6)
    bpy.ops.ed.redo()
    assert not bpy.data.actions


def test_a_renamed_face_still_gets_its_take(code, scene, head, bake, make_track):
    first = make_track(20, 30)
    bake(first)
    bake(make_track(20, 30, seed=1), mode="NEW", take_id="two")
    for obj in head.members:
        obj.name = f"X {obj.name}"
    for each in bpy.data.shape_keys:
        each.name = f"Y {each.name}"
    lead(code, "one").name = "The first"
    assert bpy.ops.facewright.take_activate(take="The first") == {"FINISHED"}
    scene.frame_set(20)
    column = first.names.index("jawOpen")
    assert head.meshes[0].key.key_blocks["jawOpen"].value == pytest.approx(
        first.weights[19, column], abs=1e-6
    )
    pitch = np.degrees(head.eyes[0].object.rotation_euler[0])
    assert abs(pitch) == pytest.approx(abs(first.eyes[19, 0, 0]), abs=1.0)


def test_takes_survive_saving_and_loading(code, scene, face, bake, make_track, tmp_path):
    first = make_track(20, 30)
    bake(first)
    bake(make_track(20, 30, seed=1), mode="NEW", take_id="two")
    path = str(tmp_path / "takes.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert len(listed(code, bpy.context.scene.facewright)) == 2
    assert bpy.ops.facewright.take_activate(take=lead(code, "one").name) == {"FINISHED"}
    obj = bpy.data.objects["Face"]
    assert shown(bpy.context.scene, obj, 10) == pytest.approx(of(first, 9), abs=1e-6)


def test_a_label_of_a_strange_file_is_not_believed(code, face, bake, make_track):
    label_of = code("core.take_label").label_of
    bake(make_track(5, 30))
    action = lead(code, "one")
    for text in ("{", "[]", '{"voice": 5, "fps": [1, 0], "settings": []}', "[" * 50_000):
        action["facewright_label"] = text
        label = label_of(action)
        assert (label.take_id, label.voice, dict(label.settings)) == ("one", "", {})
    action["facewright_targets"] = '[{"slot": 1}, 5, {"name": 1, "rest": "x"}]'
    assert bpy.ops.facewright.take_remove(take=action.name) == {"FINISHED"}


# ---- from another file


def test_a_linked_face_is_overridden_and_animated(code, wired, scene, bake, make_track, tmp_path):
    wired.player.voice_source = "SAMPLE"
    collection = bpy.data.collections.new("Cast")
    scene.collection.children.link(collection)
    obj = shaped_mesh("Linked", ["jawOpen", "mouthPucker"])
    scene.collection.objects.unlink(obj)
    collection.objects.link(obj)
    path = str(tmp_path / "cast.blend")
    bpy.data.libraries.write(path, {collection})
    bpy.data.objects.remove(obj)
    bpy.data.collections.remove(collection)
    with bpy.data.libraries.load(path, link=True) as (_there, here):
        here.collections = ["Cast"]
    scene.collection.children.link(here.collections[0])
    linked = here.collections[0].objects[0]
    scene.facewright.characters[0].skin = linked
    reason = code("operators.animate").FACEWRIGHT_OT_animate.disabled_reason(bpy.context)
    assert "linked from another file" in reason
    assert bpy.ops.facewright.override_face() == {"FINISHED"}
    face = scene.facewright.characters[0].skin
    assert face.override_library is not None
    assert code("operators.animate").FACEWRIGHT_OT_animate.disabled_reason(bpy.context) == ""
    track = make_track(20, 30)
    bake(track)
    saved = str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=saved, check_existing=False)
    bpy.ops.wm.open_mainfile(filepath=saved)
    face = bpy.context.scene.facewright.characters[0].skin
    assert shown(bpy.context.scene, face, 10) == pytest.approx(of(track, 9), abs=1e-6)


def test_an_overridden_head_keeps_its_rest_when_it_is_loaded(
    code, scene, head, bake, make_track, tmp_path
):
    """Blender does not save custom properties of overrides; the takes know how things stand."""
    rest = tuple(head.jaw[0].object.location)
    bake(make_track(20, 30))
    del head.jaw[0].object["facewright_rest"]
    scene.frame_set(20)
    bake(make_track(20, 30, seed=1), take_id="two")
    scene.frame_set(1)
    assert tuple(head.jaw[0].object.location) == pytest.approx(rest, abs=1e-6)


def test_the_label_is_plain_json(code, face, bake, make_track):
    bake(make_track(5, 30))
    saved = json.loads(lead(code, "one")["facewright_label"])
    assert saved["fps"] == [30, 1]
    assert (saved["first_frame"], saved["last_frame"]) == (1.0, 5.0)
