# SPDX-License-Identifier: GPL-3.0-or-later
"""A voice file dropped on a face: that face speaks it. The pointer has its test in a window."""

from __future__ import annotations

import bpy
import pytest
from makers import curves_of, shaped_mesh


@pytest.fixture(autouse=True)
def quick(stub_is_default):
    """The stub network moves the faces."""


def drop(path, obj=""):
    return bpy.ops.facewright.drop_voice(filepath=str(path), object=obj)


def test_a_face_that_nobody_drives_gets_a_pipeline_of_its_own(scene, own_face, voice):
    assert drop(voice, "Face") == {"FINISHED"}
    chosen = scene.facewright
    (pipeline,), (player,), (character,) = chosen.pipelines, chosen.players, chosen.characters
    assert (player.voice_source, player.voice_path) == ("FILE", voice)
    assert (character.skin, character.pipeline_id) == (own_face, pipeline.id)
    assert curves_of(own_face.data.shape_keys)


def test_the_pipeline_that_drives_the_face_is_used_and_shown(scene, own_face, voice):
    chosen = scene.facewright
    for obj in (own_face, shaped_mesh("Other", ["jawOpen"])):
        chosen.add_character(obj.name, chosen.add_pipeline("Core", chosen.add_player()), obj)
    teeth = shaped_mesh("Teeth", ["jawOpen"])
    chosen.characters[0].others.add().object = teeth
    assert chosen.active_pipeline == 1
    assert drop(voice, "Teeth") == {"FINISHED"}  # a part of the first
    assert len(chosen.pipelines) == 2 and chosen.active_pipeline == 0
    assert chosen.players[0].voice_path == voice and chosen.players[1].voice_path == ""
    assert curves_of(own_face.data.shape_keys) and curves_of(teeth.data.shape_keys)
    assert not curves_of(bpy.data.objects["Other"].data.shape_keys)
    chosen.pipelines[1].player_id = ""
    bpy.context.view_layer.objects.active = bpy.data.objects["Other"]
    assert drop(voice) == {"FINISHED"}  # the active object, and a player where none was
    assert chosen.player_of(chosen.pipelines[1]).voice_path == voice
    chosen.characters[0].pipeline_id = ""
    assert drop(voice, "Face") == {"FINISHED"}
    assert len(chosen.pipelines) == 3 and chosen.characters_of(chosen.pipelines[2])


def test_any_part_of_the_template_head_is_the_head(scene, voice):
    bpy.ops.facewright.add_pipeline(character="HEAD")
    assert drop(voice, "Facewright Head Eye Left") == {"FINISHED"}
    assert len(scene.facewright.pipelines) == 1
    assert curves_of(scene.facewright.characters[0].skin.data.shape_keys)


@pytest.mark.parametrize(
    ("name", "obj", "says"),
    [
        ("notes.txt", "Face", "notes.txt is no voice file"),
        ("none.wav", "Face", "none.wav is not there"),
        ("", "Face", "No voice file is named"),
        ("line.wav", "Nobody", "no object 'Nobody'"),
        ("line.wav", "Bare", "'Bare' has no shape keys"),
    ],
)
def test_what_cannot_be_dropped_is_refused_and_nothing_is_added(
    scene, own_face, tmp_path, name, obj, says
):
    shaped_mesh("Bare", [])
    for each in ("notes.txt", "line.wav"):
        (tmp_path / each).write_bytes(b"")
    with pytest.raises(RuntimeError, match=says):
        drop(tmp_path / name if name else "", obj)
    chosen = scene.facewright
    assert not (chosen.players or chosen.pipelines or chosen.characters)


def test_a_broken_voice_is_told_once(scene, own_face, tmp_path):
    path = tmp_path / "broken.WAV"
    path.write_bytes(b"RIFF")
    with pytest.raises(RuntimeError, match=r"broken\.WAV"):
        drop(path, "Face")
    assert not curves_of(own_face.data.shape_keys)


def test_only_the_3d_viewport_takes_voices(code):
    from types import SimpleNamespace as Some

    handler = code("operators.drop_voice").FACEWRIGHT_FH_voice
    for area, region, takes in (
        ("VIEW_3D", "WINDOW", True), ("VIEW_3D", "UI", False), ("SEQUENCE_EDITOR", "WINDOW", False)
    ):  # fmt: skip
        assert handler.poll_drop(Some(area=Some(type=area), region=Some(type=region))) is takes
    assert not handler.poll_drop(Some(area=None, region=None))
    endings = handler.bl_file_extensions.split(";")
    assert ".wav" in endings and all(ending.startswith(".") for ending in endings)
