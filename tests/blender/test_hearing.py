# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is heard: the players' strips in the sequencer, volume and solo."""

from __future__ import annotations

import os

import bpy
import pytest

WITH_SOUND = bpy.app.build_options.audaspace
needs_sound = pytest.mark.skipif(not WITH_SOUND, reason="this bpy was built without sound")


def strips(scene):
    editor = scene.sequence_editor
    if editor is None:
        return []
    return list(editor.strips if hasattr(editor, "strips") else editor.sequences)


def begin(strip):
    return strip.left_handle if hasattr(strip, "left_handle") else strip.frame_final_start


@needs_sound
def test_the_voice_is_placed_when_it_first_plays_and_no_second_time(playing, player, scene):
    assert strips(scene) == []
    for _ in range(2):
        bpy.ops.facewright.play()
        playing.stop()
        (strip,) = strips(scene)
        assert begin(strip) == 11
    first = strip.as_pointer()
    bpy.ops.facewright.play()
    assert strips(scene)[0].as_pointer() == first


@needs_sound
def test_a_placed_voice_follows_the_players_choices(playing, player, scene, voice):
    player.start_frame = 20
    assert strips(scene) == []
    bpy.ops.facewright.play()
    playing.stop()
    player.start_frame = 30
    (strip,) = strips(scene)
    assert begin(strip) == 30
    player.voice_path = voice
    (strip,) = strips(scene)
    assert os.path.samefile(bpy.path.abspath(strip.sound.filepath), voice)
    player.voice_path = "/nowhere.wav"  # the panel says so
    assert len(strips(scene)) <= 1


@needs_sound
def test_volume_is_the_strips(playing, player, scene):
    player.volume = 0.25
    bpy.ops.facewright.play()
    (strip,) = strips(scene)
    assert strip.volume == pytest.approx(0.25)
    player.volume = 0.0
    assert strip.volume == 0.0


@needs_sound
def test_solo_silences_the_others_and_is_undone(code, wired, player, scene, voice):
    chosen = scene.facewright
    chosen.add_player("Other")
    chosen.add_pipeline("Second", chosen.players[1])
    chosen.players[1].voice_path = voice
    ensure = code("operators.hearing").ensure
    for each in chosen.players:
        ensure(scene, each)
    first, second = strips(scene)
    chosen.pipelines[0].solo = True
    assert (first.mute, second.mute) == (False, True)
    chosen.players[1].start_frame = 3  # a new strip of a silent player is silent
    assert sorted(strip.mute for strip in strips(scene)) == [False, True]
    chosen.pipelines[1].solo = True
    assert not any(strip.mute for strip in strips(scene))
    chosen.pipelines[0].solo = False
    assert sorted(strip.mute for strip in strips(scene)) == [False, True]
    chosen.pipelines[1].solo = False
    assert not any(strip.mute for strip in strips(scene))


@needs_sound
def test_what_the_user_muted_stays_muted(code, wired, player, scene):
    chosen = scene.facewright
    chosen.add_pipeline("Without")
    code("operators.hearing").ensure(scene, chosen.players[0])
    (strip,) = strips(scene)
    strip.mute = True
    for solo in (True, False):
        chosen.pipelines[1].solo = solo
        assert strip.mute


@needs_sound
def test_two_players_with_one_voice_share_what_is_heard(code, wired, player, scene, wav):
    chosen = scene.facewright
    chosen.add_player("Twin")
    chosen.add_pipeline("Second", chosen.players[1])
    chosen.players[1].voice_path, chosen.players[1].start_frame = wav, 11
    ensure = code("operators.hearing").ensure
    for each in chosen.players:
        ensure(scene, each)
    (strip,) = strips(scene)
    chosen.pipelines[1].solo = True
    assert not strip.mute
