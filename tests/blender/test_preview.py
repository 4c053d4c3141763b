# SPDX-License-Identifier: GPL-3.0-or-later
"""What a moved slider shows is the frame that the take with that slider has there."""

from __future__ import annotations

import time

import bpy
import numpy as np
import pytest


@pytest.fixture
def preview(code):
    """Shows the present frame of the shown pipeline, as a moved slider does in a window."""
    module, pump = code("operators.preview"), code("operators.pump")

    def run() -> str:
        scene = bpy.context.scene
        task = module.PREVIEW
        task.want(scene, scene.facewright.pipeline.id)
        end = time.monotonic() + 60
        while task.running:
            assert time.monotonic() < end, "no preview came"
            pump.pump()
            time.sleep(0.002)
        return task.problem

    yield run
    module.PREVIEW.cancel()


def shown(face) -> np.ndarray:
    return np.array([key.value for key in face.data.shape_keys.key_blocks])


@pytest.mark.parametrize("built_in", [False, True])
def test_a_changed_setting_shows_the_frame_of_its_take(
    preview, code, wired, own_face, voice, stub, built_in
):
    wired.player.voice_path, wired.character.skin = voice, own_face
    wired.player.start_frame = 11
    if built_in:
        wired.player.voice_source = "SAMPLE"
    else:
        wired.pipeline.model = str(stub.folder)
    wired.scene.frame_set(30)
    before = shown(own_face)
    assert preview() == ""
    first = shown(own_face)
    assert not np.allclose(before, first), "a face without a take is not shown"
    wired.pipeline.skin_strength = 1.7
    wired.pipeline.emotion.joy = 1.0
    assert preview() == ""
    second = shown(own_face)
    assert not np.allclose(first, second, atol=1e-3)
    assert own_face.data.shape_keys.animation_data is None, "a preview must not key anything"
    assert bpy.ops.facewright.animate() == {"FINISHED"}
    wired.scene.frame_set(31)
    wired.scene.frame_set(30)
    np.testing.assert_allclose(second, shown(own_face), atol=2e-4)


def test_what_a_change_concerns(code, scene):
    chosen, module = scene.facewright, code("operators.preview")
    for _ in range(12):
        pipeline = chosen.add_pipeline("Core", chosen.add_player())
        chosen.add_character("Face", pipeline)
    chosen.pipelines[11].player_id = chosen.players[1].id

    def names(item):
        return [chosen.pipelines.find(one.name) for one in module.concerned(chosen, item)]

    assert names(chosen.pipelines[1]) == [1]
    assert names(chosen.pipelines[1].emotion) == [1]
    assert names(chosen.players[1]) == [1, 11]
    assert names(chosen.players[11]) == []
    assert names(chosen.characters[10]) == [10]


def test_a_preview_before_the_voice_shows_nothing(preview, wired, own_face, voice, stub):
    wired.player.voice_path, wired.character.skin = voice, own_face
    wired.pipeline.model = str(stub.folder)
    wired.player.start_frame = 100
    wired.scene.frame_set(30)
    before = shown(own_face)
    assert preview() == ""
    np.testing.assert_array_equal(before, shown(own_face))


def test_a_face_that_is_gone_ends_the_preview(preview, wired, own_face, voice, stub):
    wired.player.voice_path, wired.character.skin = voice, own_face
    wired.pipeline.model = str(stub.folder)
    bpy.data.objects.remove(own_face)
    assert preview() == ""  # the greyed Animate says what is missing
