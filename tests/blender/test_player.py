# SPDX-License-Identifier: GPL-3.0-or-later
"""The audio player: its range, playback, and the waveform strip as far as background shows it."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import numpy as np
import pytest

WITH_SOUND = bpy.app.build_options.audaspace
needs_sound = pytest.mark.skipif(not WITH_SOUND, reason="this bpy was built without sound")


def preview(scene):
    return scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end


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
    play = code("operators.player").FACEWRIGHT_OT_play
    assert play.description(bpy.context, None).endswith("its key works over the waveform: P")
    jump = code("operators.player").FACEWRIGHT_OT_jump
    assert jump.description(bpy.context, None) == "Go to a time of the voice, or to a frame"
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
