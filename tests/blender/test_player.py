# SPDX-License-Identifier: GPL-3.0-or-later
"""The audio player: tracks of a folder, what is known of a voice, range, playback, who is heard."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
import stubs
from layouts import Layout

WITH_SOUND = bpy.app.build_options.audaspace
needs_sound = pytest.mark.skipif(not WITH_SOUND, reason="this bpy was built without sound")


@pytest.fixture
def wav(tmp_path):
    """A voice of 4 s."""
    return str(stubs.write_wav(tmp_path / "vier.wav", stubs.speech_like(4.0)))


@pytest.fixture
def player(wired, wav):
    """The player of a pipeline, with a voice of 4 s from frame 11 on; 30 frames per second."""
    wired.player.voice_path, wired.player.start_frame = wav, 11
    return wired.player


@pytest.fixture
def known(code, scene):
    """What is known of a player's voice once the worker has looked at it."""
    voices, pump = code("operators.voices"), code("operators.pump")
    voices.forget()

    def look(player: Any) -> Any:
        end = time.monotonic() + 60
        while True:
            found = voices.known(scene, player)
            if found.facts is not None or found.problem:
                return found
            assert time.monotonic() < end, "the voice was never read"
            pump.pump()
            time.sleep(0.01)

    yield look
    voices.forget()


@pytest.fixture
def playing(code):
    module = code("operators.playing")
    yield module
    module.stop()


@pytest.fixture
def drawn(code):
    """All texts of the panel."""
    panel = code("panels.player").FACEWRIGHT_PT_player

    def draw() -> list[str]:
        shown: list[str] = []
        panel.draw(SimpleNamespace(layout=Layout(shown)), SimpleNamespace(scene=bpy.context.scene))
        return shown

    return draw


def strips(scene):
    editor = scene.sequence_editor
    if editor is None:
        return []
    return list(editor.strips if hasattr(editor, "strips") else editor.sequences)


def begin(strip):
    return strip.left_handle if hasattr(strip, "left_handle") else strip.frame_final_start


def preview(scene):
    return scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end


# ---- tracks --------------------------------------------------------------------------------------


def test_a_track_is_chosen_from_the_folder(code, wired, tmp_path):
    for name in ("b 10.wav", "b 2.wav"):
        stubs.write_wav(tmp_path / name, stubs.speech_like(0.5))
    player = wired.player
    items = code("properties.player").track_items
    player.track_root = str(tmp_path)
    assert [row[0] for row in items(player)] == ["NONE", "b 2.wav", "b 10.wav"]
    assert player.track == "NONE"
    player.voice_source = "SAMPLE"
    told: list[str] = []
    changes = code("properties.changes")
    listener = lambda _item, name: told.append(name)  # noqa: E731
    changes.LISTENERS.append(listener)
    try:
        player.track = "b 10.wav"
    finally:
        changes.LISTENERS.remove(listener)
    assert told == ["voice_source", "voice_path"]
    assert player.voice_source == "FILE"
    assert os.path.samefile(player.voice_path, tmp_path / "b 10.wav")
    assert player.track == "b 10.wav"
    player.voice_source = "SAMPLE"
    assert player.track == "NONE"


def test_a_track_of_a_folder_beside_the_blend_is_kept_relative(wired, wav, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"), check_existing=False)
    player = bpy.context.scene.facewright.players[0]
    player.track_root = "//"
    player.track = "vier.wav"
    assert player.voice_path == "//vier.wav"
    assert player.track == "vier.wav"
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    shutil.copy(wav, elsewhere / "vier.wav")
    player.voice_path = str(elsewhere / "vier.wav")  # a file of that name in another folder
    assert player.track == "NONE"


def test_a_track_changes_the_voice_of_all_pipelines_of_its_player(code, wired, wav, tmp_path):
    chosen = wired.scene.facewright
    player_id = chosen.players[0].id
    chosen.add_pipeline("Second", chosen.players[0])
    chosen.players[0].track_root = str(tmp_path)
    chosen.players[0].track = "vier.wav"
    source_of = code("operators.chosen").source_of
    assert [each.player_id for each in chosen.pipelines] == [player_id] * 2
    names = {source_of(chosen.player_of(each)).name for each in chosen.pipelines}
    assert [Path(name) for name in names] == [Path(wav)]


def test_a_folder_without_voices_is_said(drawn, wired, tmp_path):
    assert not any("holds no voices" in text for text in drawn())
    wired.player.track_root = str(tmp_path)
    assert any("holds no voices" in text for text in drawn())
    wired.player.track_root = str(tmp_path / "gone")
    assert any("holds no voices" in text for text in drawn())


# ---- what is known -------------------------------------------------------------------------------


def test_the_worker_tells_length_channels_and_waveform(known, player, tmp_path):
    left, right = stubs.speech_like(1.0), np.zeros(16_000, np.float32)
    stereo = tmp_path / "stereo.wav"
    stubs.write_wav(stereo, np.stack([left, right], axis=1))
    facts = known(player).facts
    assert (facts.duration_s, facts.channels) == (4.0, 1)
    player.voice_path = str(stereo)
    both = known(player).facts
    assert (both.duration_s, both.channels, both.rate) == (1.0, 2, 16_000)
    player.channel = 1
    assert known(player).facts.envelope.max() == pytest.approx(left.max(), abs=1e-3)
    player.channel = 2
    assert known(player).facts.envelope.max() == 0.0
    player.channel = 3
    assert "channel" in known(player).problem


def test_a_voice_that_has_changed_is_read_again(code, known, player, wav):
    assert known(player).facts.duration_s == 4.0
    stubs.write_wav(Path(wav), stubs.speech_like(2.0))
    code("operators.voices")._looks.clear()  # as after a second
    assert known(player).facts.duration_s == 2.0


def test_a_packed_sound_and_a_bad_file_are_known_for_what_they_are(
    code, known, drawn, player, tmp_path, wav
):
    sound = bpy.data.sounds.load(wav)
    sound.pack()
    os.remove(wav)
    assert "does not exist" in known(player).problem
    player.sound, player.voice_source = sound, "SOUND"
    assert known(player).facts.duration_s == 4.0
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound at all" * 99)
    player.voice_source, player.voice_path = "FILE", str(bad)
    problem = known(player).problem
    assert "bad.wav cannot be read as sound" in problem
    assert problem in " ".join(drawn())
    assert code("operators.voices").known(player.id_data, player).problem == problem


def test_a_voice_is_read_once_however_often_it_is_asked_for(code, known, player, scene):
    pump, voices = code("operators.pump"), code("operators.voices")
    before = len(pump._pump.tasks)
    for _ in range(5):
        assert voices.known(scene, player) == voices.known(scene, player)
    assert len(pump._pump.tasks) == before + 1
    assert known(player).facts
    assert len(pump._pump.tasks) == before


def test_the_panel_shows_the_length(known, drawn, player):
    assert any("Reading the voice" in text for text in drawn())
    known(player)
    assert "0:04.00, 16 kHz, mono" in drawn()
    assert "Channel (all)" in drawn()
    player.channel = 1
    assert "Channel" in drawn()


# ---- range and jumps -----------------------------------------------------------------------------


def test_the_range_is_set_at_the_playhead(known, player, scene):
    known(player)
    scene.frame_set(11 + 30)
    assert bpy.ops.facewright.range_start_here() == {"FINISHED"}
    scene.frame_set(11 + 75)
    assert bpy.ops.facewright.range_end_here() == {"FINISHED"}
    assert tuple(player.range_s) == pytest.approx((1.0, 2.5))
    scene.frame_set(11 + 90)  # behind the end: to the voice's end
    bpy.ops.facewright.range_start_here()
    assert player.range_s == (pytest.approx(3.0), None)
    scene.frame_set(11 + 60)  # before the begin: from the voice's begin
    bpy.ops.facewright.range_end_here()
    assert tuple(player.range_s) == pytest.approx((0.0, 2.0))
    scene.frame_set(600)
    bpy.ops.facewright.range_end_here()
    assert player.range_s[1] is None
    scene.frame_set(1)
    bpy.ops.facewright.range_start_here()
    assert player.range_start == 0.0
    player.range_start, player.range_end = 1.0, 2.0
    assert bpy.ops.facewright.range_clear() == {"FINISHED"}
    assert player.range_s == (0.0, None)
    assert not bpy.ops.facewright.range_clear.poll()


def test_ranges_and_jumps_work_before_the_voice_is_known(code, player, scene):
    code("operators.voices").forget()
    scene.frame_set(11 + 15)
    bpy.ops.facewright.range_start_here()
    assert player.range_start == pytest.approx(0.5)
    scene.frame_set(11 + 45)
    bpy.ops.facewright.range_end_here()
    assert player.range_end == pytest.approx(1.5)
    assert bpy.ops.facewright.return_to_start() == {"FINISHED"}
    assert scene.frame_current == 26


def test_jumps_go_to_seconds_of_the_voice_or_to_frames(player, scene):
    player.range_start = 1.0
    assert bpy.ops.facewright.jump(seconds=2.0) == {"FINISHED"}
    assert scene.frame_current == 11 + 60
    assert bpy.ops.facewright.jump(frame=5) == {"FINISHED"}
    assert scene.frame_current == 5
    bpy.ops.facewright.return_to_start()
    assert scene.frame_current == 11 + 30


@pytest.mark.parametrize("base", [1.0, 1.001])
def test_times_and_frames_agree_at_any_rate(code, player, scene, base):
    scene.render.fps, scene.render.fps_base = 24, base
    where = code("operators.voice_time").voice_time(scene, player)
    assert where.frame_of(2.0) == pytest.approx(11 + 2.0 * 24 / base)
    assert where.seconds_of(where.frame_of(1.234)) == pytest.approx(1.234)


@needs_sound
def test_a_strips_place_is_the_voices_place(code, known, player, scene, wav):
    editor = scene.sequence_editor_create()
    listed = editor.strips if hasattr(editor, "strips") else editor.sequences
    strip = listed.new_sound(name="Own", filepath=wav, channel=1, frame_start=40)
    player.voice_source, player.strip = "STRIP", strip.name
    assert known(player).facts.duration_s == 4.0
    bpy.ops.facewright.return_to_start()
    assert scene.frame_current == 40
    resolve, source = code("scene.sounds").resolve, code("operators.chosen").source_of(player)
    voice_begin = code("scene.voice_keys").voice_begin
    if hasattr(strip, "left_handle"):
        strip.left_handle += 15
    else:
        strip.frame_offset_start = 15
    for offset in (0.0, 0.25, 1.0, -0.5):
        strip.sound_offset = offset
        assert voice_begin(source, scene, 0.0) == resolve(source, scene).start_frame


def test_buttons_are_grey_without_a_voice_and_say_why(code, wired):
    button = code("operators.player").FACEWRIGHT_OT_play
    assert button.disabled_reason(bpy.context) == "Choose a voice first"
    assert not bpy.ops.facewright.play.poll()
    wired.pipeline.player_id = ""
    assert button.disabled_reason(bpy.context) == "Choose a player first"


# ---- playback ------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [(True, 3, 9), (False, 100, 200)])
@pytest.mark.parametrize("loop", [True, False])
def test_the_users_preview_range_comes_back(known, playing, player, scene, own, loop):
    known(player)
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = own[1:]
    scene.use_preview_range = own[0]
    player.range_start, player.range_end, player.loop = 1.0, 2.0, loop
    assert bpy.ops.facewright.play() == {"FINISHED"}
    assert playing.is_playing()
    assert scene.frame_current == 41
    use, first, last = preview(scene)
    assert (use, first) == (True, 41)
    assert last == 70 if loop else last > 71
    player.loop = not loop
    assert preview(scene)[2] > 71 if loop else preview(scene)[2] == 70
    player.range_end = 3.0
    assert preview(scene)[2] > 90
    assert bpy.ops.facewright.play() == {"FINISHED"}
    assert not playing.is_playing()
    assert preview(scene) == own
    assert "facewright_preview_range" not in scene


def test_blenders_own_stop_gives_the_preview_range_back(playing, player, scene):
    before = preview(scene)
    bpy.ops.facewright.play()
    assert preview(scene) != before
    bpy.ops.screen.animation_cancel(restore_frame=False)
    assert preview(scene) == before


def test_a_file_that_was_saved_while_playing_opens_with_the_users_range(player, tmp_path, playing):
    bpy.ops.facewright.play()
    path = str(tmp_path / "playing.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    playing.stop()
    bpy.ops.wm.open_mainfile(filepath=path)
    scene = bpy.context.scene
    assert not scene.use_preview_range
    assert "facewright_preview_range" not in scene


def test_playing_starts_at_the_playhead_inside_the_range_only(known, playing, player, scene):
    known(player)
    player.range_start, player.range_end = 1.0, 2.0
    for frame, start in ((50, 50), (41, 41), (40, 41), (71, 41), (200, 41)):
        scene.frame_set(frame)
        bpy.ops.facewright.play()
        assert scene.frame_current == start
        playing.stop()


def test_a_range_that_is_played_once_ends_and_a_loop_does_not(known, playing, player, scene):
    known(player)
    player.range_start, player.range_end = 1.0, 2.0
    timers = bpy.app.timers
    bpy.ops.facewright.play()
    for frame in (50, 70):
        scene.frame_set(frame)
        assert not timers.is_registered(playing._stop_at_end)
    scene.frame_set(72)
    assert timers.is_registered(playing._stop_at_end)
    assert playing.is_playing()  # the handler itself stops nothing
    timers.unregister(playing._stop_at_end)
    playing._stop_at_end()
    assert not playing.is_playing()
    assert scene.frame_current == 71
    player.loop = True
    bpy.ops.facewright.play()
    scene.frame_set(80)
    assert not timers.is_registered(playing._stop_at_end)


def test_frames_of_other_scenes_and_plain_playback_end_nothing(playing, player, scene):
    other = bpy.data.scenes.new("Other")
    player.range_end = 1.0
    bpy.ops.facewright.play()
    other.frame_set(500)
    assert not bpy.app.timers.is_registered(playing._stop_at_end)
    playing.stop()
    bpy.ops.screen.animation_play()
    scene.frame_set(500)
    assert not bpy.app.timers.is_registered(playing._stop_at_end)
    assert not scene.use_preview_range


def test_playing_follows_the_sound(playing, player, scene):
    scene.sync_mode, scene.use_audio_scrub = "NONE", False
    bpy.ops.facewright.play()
    assert (scene.sync_mode, scene.use_audio_scrub) == ("AUDIO_SYNC", True)


def test_loop_toggles(player):
    for loop in (True, False):
        assert bpy.ops.facewright.loop() == {"FINISHED"}
        assert player.loop is loop


# ---- who is heard --------------------------------------------------------------------------------


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


# ---- the strip, as far as background shows it ----------------------------------------------------


def test_keys_are_added_once_and_pass_on_what_is_not_over_the_strip(code, player):
    keymap = bpy.context.window_manager.keyconfigs.addon.keymaps["3D View"]
    ours = {i.idname: i for i in keymap.keymap_items if i.idname.startswith("facewright.")}
    keys = {name: ours[name].type for name in ours if name != "facewright.look_at_waveform"}
    assert keys == {
        "facewright.play": "P",
        "facewright.return_to_start": "R",
        "facewright.loop": "L",
        "facewright.range_start_here": "LEFT_BRACKET",
        "facewright.range_end_here": "RIGHT_BRACKET",
        "facewright.scrub": "LEFTMOUSE",
        "facewright.drag_range": "LEFTMOUSE",
    }
    assert all(ours[name].properties.at_pointer for name in list(keys)[:5])
    event = SimpleNamespace(mouse_region_x=50, mouse_region_y=50)
    assert not code("operators.strip_view").is_over(bpy.context, event)
    assert code("operators.strip_view").view(bpy.context) is None


def test_the_emotion_row_shows_keys_and_the_strongest_emotions(code, known, wired, player, scene):
    row_of, where_of = code("operators.emotion_row"), code("operators.voice_time").voice_time
    known(player)
    emotion = wired.pipeline.emotion
    for frame, joy, fear in ((11, 0.0, 0.3), (71, 1.0, 0.3)):
        emotion.joy, emotion.fear = joy, fear
        for name in ("joy", "fear"):
            emotion.keyframe_insert(name, frame=frame)
    axis = code("core.strip").Axis(0.0, 400.0, 0.0, 4.0)
    row_of.register()
    row = row_of.emotion_row(scene, axis, where_of(scene, player))
    assert list(row.keys_s) == pytest.approx([0.0, 2.0])
    assert [row_of.name_of(place) for place, _values in row.curves] == ["Joy", "Fear"]
    joy = row.curves[0][1]
    assert (joy[0], joy[-1]) == pytest.approx((0.0, 1.0), abs=1e-3)
    assert np.all(np.diff(joy) >= -1e-6)
