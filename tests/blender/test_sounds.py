# SPDX-License-Identifier: GPL-3.0-or-later
"""Voices in a .blend: where they come from, and the strip that makes them heard."""

from __future__ import annotations

import os
from pathlib import Path

import bpy
import pytest

WITH_SOUND = bpy.app.build_options.audaspace
needs_sound = pytest.mark.skipif(not WITH_SOUND, reason="this bpy was built without sound")


@pytest.fixture
def sounds(code):
    return code("scene.sounds")


def strips(scene):
    editor = scene.sequence_editor
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def add_strip(scene, path, frame, channel=1, name="Voice"):
    scene.sequence_editor_create()
    return strips(scene).new_sound(name=name, filepath=path, channel=channel, frame_start=frame)


def place(strip):
    """First frame and length."""
    if hasattr(strip, "left_handle"):
        return strip.left_handle, strip.duration
    return strip.frame_final_start, strip.frame_final_duration


def trim(strip, left, right):
    """Cut frames off both ends, as dragging the handles does."""
    if hasattr(strip, "left_handle"):
        strip.left_handle, strip.right_handle = strip.left_handle + left, strip.right_handle - right
    else:
        strip.frame_offset_start, strip.frame_offset_end = left, right


def test_a_file_may_be_named_relative_to_the_blend(sounds, scene, wav, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"), check_existing=False)
    found = sounds.resolve(sounds.VoiceSource("FILE", "//vier.wav", 1), bpy.context.scene)
    assert os.path.samefile(found.voice.path, wav)
    assert (found.voice.channel, found.start_frame) == (1, None)


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("FILE", "", "No voice is chosen"),
        ("FILE", "/nowhere/x.wav", "does not exist"),
        ("FILE", "/tmp", "is a folder"),
        ("SOUND", "", "No sound is chosen"),
        ("SOUND", "gone", "There is no sound 'gone'"),
        ("STRIP", "gone", "has no strip 'gone'"),
        ("STRIP", "", "No strip is chosen"),
    ],
)
def test_a_missing_voice_is_said_in_a_sentence(code, sounds, scene, kind, name, words):
    with pytest.raises(code("core.errors").UserError, match=words):
        sounds.resolve(sounds.VoiceSource(kind, name), scene)


def test_a_packed_sound_gives_its_bytes(sounds, scene, wav):
    sound = bpy.data.sounds.load(wav)
    sound.pack()
    content = Path(wav).read_bytes()
    os.remove(wav)
    found = sounds.resolve(sounds.VoiceSource("SOUND", sound.name), scene)
    assert found.voice.data == content
    assert found.voice.path is None


def test_a_sound_whose_file_is_gone_is_named(code, sounds, scene, wav):
    sound = bpy.data.sounds.load(wav)
    os.remove(wav)
    with pytest.raises(code("core.errors").UserError, match=r"'vier.wav' is missing"):
        sounds.resolve(sounds.VoiceSource("SOUND", sound.name), scene)


@needs_sound
@pytest.mark.parametrize("base", [1.0, 1.001])
def test_a_strips_trims_choose_the_part_and_its_place_the_frame(sounds, scene, wav, base):
    scene.render.fps_base = base
    strip = add_strip(scene, wav, 11)
    trim(strip, 15, 30)
    found = sounds.resolve(sounds.VoiceSource("STRIP", strip.name), scene)
    assert found.start_frame == 26
    assert found.voice.start_s == pytest.approx(15 * base / 30)
    length = int(4 * 30 / base + 0.5) - 45
    assert found.voice.end_s - found.voice.start_s == pytest.approx(length * base / 30, abs=0.04)


@needs_sound
def test_an_untrimmed_strip_is_the_whole_sound(sounds, scene, wav):
    strip = add_strip(scene, wav, -20)
    found = sounds.resolve(sounds.VoiceSource("STRIP", strip.name), scene)
    assert (found.start_frame, found.voice.start_s, found.voice.end_s) == (-20, 0.0, None)


@needs_sound
def test_a_delayed_sound_begins_inside_its_strip(sounds, scene, wav):
    strip = add_strip(scene, wav, 1)
    strip.sound_offset = 0.5
    found = sounds.resolve(sounds.VoiceSource("STRIP", strip.name), scene)
    assert (found.start_frame, found.voice.start_s) == (16, 0.0)
    strip.sound_offset = -0.5
    found = sounds.resolve(sounds.VoiceSource("STRIP", strip.name), scene)
    assert (found.start_frame, found.voice.start_s) == (1, 0.5)


@needs_sound
def test_the_placed_strip_plays_the_voice_with_the_face(sounds, scene, wav):
    source = sounds.VoiceSource("FILE", wav)
    for _ in range(3):
        assert sounds.place_strip(scene, source, 7, "Face") == ()
    (strip,) = strips(scene)
    assert os.path.samefile(bpy.path.abspath(strip.sound.filepath), wav)
    assert place(strip) == (7, 120)
    assert scene.sync_mode == "AUDIO_SYNC"
    assert scene.use_audio_scrub
    assert len(bpy.data.sounds) == 1


@needs_sound
def test_another_voice_replaces_our_strip_and_no_other(sounds, scene, wav, voice):
    music = add_strip(scene, wav, 1, name="Music")
    music.mute = True
    sounds.place_strip(scene, sounds.VoiceSource("FILE", wav), 1, "Face")
    sounds.place_strip(scene, sounds.VoiceSource("FILE", voice), 5, "Face")
    sounds.place_strip(scene, sounds.VoiceSource("FILE", voice), 5, "Other Face")
    names = {strip.name: strip.channel for strip in strips(scene)}
    assert set(names) == {"Music", "vöice line"}
    assert names["vöice line"] != names["Music"]
    assert place(strips(scene)["vöice line"])[0] == 5


@needs_sound
def test_a_packed_sound_is_heard_without_its_file(sounds, scene, wav):
    sound = bpy.data.sounds.load(wav)
    sound.pack()
    os.remove(wav)
    sounds.place_strip(scene, sounds.VoiceSource("SOUND", sound.name), 3, "Face")
    (strip,) = strips(scene)
    assert strip.sound == sound
    assert place(strip) == (3, 120)
    assert len(bpy.data.sounds) == 1


@needs_sound
def test_a_chosen_strip_is_not_doubled(sounds, scene, wav):
    strip = add_strip(scene, wav, 4)
    sounds.place_strip(scene, sounds.VoiceSource("STRIP", strip.name), 4, "Face")
    assert [found.name for found in strips(scene)] == ["Voice"]
    # nor is a strip that we placed and that is then chosen as the voice removed
    sounds.place_strip(scene, sounds.VoiceSource("FILE", wav), 300, "Face")
    ours = next(found.name for found in strips(scene) if found.name != "Voice")
    sounds.place_strip(scene, sounds.VoiceSource("STRIP", ours), 300, "Face")
    assert len(strips(scene)) == 2


@pytest.mark.skipif(WITH_SOUND, reason="this bpy has sound")
def test_without_sound_there_is_a_notice_and_no_error(sounds, scene, wav):
    notices = sounds.place_strip(scene, sounds.VoiceSource("FILE", wav), 1, "Face")
    assert "no sound" in notices[0]


@needs_sound
def test_sequencers_without_a_scene_show_this_one(code, sounds, scene, wav):
    if not code("scene.versions").HAS_SEQUENCER_SCENE:
        pytest.skip("the sequencer always shows the window's scene here")
    sounds.place_strip(scene, sounds.VoiceSource("FILE", wav), 1, "Face")
    assert bpy.context.workspace.sequencer_scene == scene


def test_the_range_grows_and_never_shrinks(sounds, scene):
    scene.frame_start, scene.frame_end = 10, 50
    assert sounds.extend_range(scene, 12, 40) == ()
    assert sounds.extend_range(scene, 5, 99.5)
    assert (scene.frame_start, scene.frame_end) == (5, 100)
