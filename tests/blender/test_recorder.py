# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorder and live mode, fed by a file instead of a device; nothing else is different."""

from __future__ import annotations

import os
import wave

import bpy
import numpy as np
import pytest
import stubs
from desks import OPS, RATE, SPOKEN_S, samples_of, shown
from makers import curves_of, shaped_mesh


@pytest.fixture
def player(live_player):
    """The player of the desk."""
    return live_player


def test_a_kept_live_take_is_what_was_seen(desk, wired, player, own_face, spoken, tmp_path):
    wired.pipeline.skin_strength = 1.3
    wired.scene.frame_set(17)
    before = shown(own_face)
    desk.warm_up()
    np.testing.assert_array_equal(shown(own_face), before)
    assert OPS.live() == {"FINISHED"}
    seen: dict[int, np.ndarray] = {}

    def look() -> bool:
        running = desk.recorder.running
        if running.first.state.get("frames"):
            seen[round(running.first.frame_s * 30)] = shown(own_face)
        return desk.heard_s() > SPOKEN_S + 0.3

    desk.until(look, "live frames")
    assert OPS.live() == {"FINISHED"}
    desk.over()
    np.testing.assert_array_equal(shown(own_face), before, "the face did not go back")
    assert own_face.data.shape_keys.animation_data is None
    assert not list(tmp_path.iterdir()), "nothing is saved that nobody wants saved"
    assert "live take, not saved yet" in desk.texts()
    wired.scene.frame_set(40)

    assert OPS.live_keep() == {"FINISHED"}
    saved = tmp_path / "Take.wav"
    samples, rate = samples_of(saved)
    with wave.open(str(spoken)) as file:
        said = np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32768)
    assert rate == RATE
    np.testing.assert_array_equal(samples[: len(said)], said, "every sample, bit for bit")
    assert (player.voice_source, player.voice_path) == ("FILE", str(saved))
    assert player.start_frame == 17
    curves = curves_of(own_face.data.shape_keys)
    names = [key.name for key in own_face.data.shape_keys.key_blocks[1:]]
    keyed = [(at, curves.get((f'key_blocks["{name}"].value', 0))) for at, name in enumerate(names)]
    assert len(seen) > 25, "few frames were shown"
    assert np.ptp(list(seen.values()), axis=0).max() > 0.1, "the face did not move"
    for frame, values in seen.items():
        for at, curve in keyed:
            if curve is not None:
                assert values[at] == np.float32(curve.evaluate(17 + frame)), (frame, names[at])
    assert desk.recorder.heard is None


def test_a_recording_becomes_the_voice(desk, wired, player, tmp_path):
    (tmp_path / "Take.wav").write_bytes(b"an older one")
    player.voice_source, player.range_start, player.start_frame = "SAMPLE", 0.5, 33
    assert OPS.record() == {"FINISHED"}
    desk.hear(0.4)
    levels = []

    def look() -> bool:
        levels.append(desk.recorder.running.first.state["peak"])
        return desk.heard_s() > 0.7

    desk.until(look, "the level")
    assert 0.05 < max(levels) <= 1.0
    text = desk.texts()
    assert "Recording 0." in text and "dB" in text and "Save" in text
    assert "Live mode" not in text
    assert OPS.recorder_save() == {"FINISHED"}, "saving ends the recording"
    samples, rate = samples_of(tmp_path / "Take 2.wav")
    assert rate == 48_000 and len(samples) > 0.7 * RATE
    assert (player.voice_source, player.voice_path) == ("FILE", str(tmp_path / "Take 2.wav"))
    assert (player.range_start, player.start_frame) == (0.0, 33)
    assert (tmp_path / "Take.wav").read_bytes() == b"an older one"
    assert "Saved as Take 2.wav" in desk.texts()
    with pytest.raises(RuntimeError, match="saved already"):
        OPS.recorder_save()
    player.recorder.rate = 16_000
    OPS.record()
    desk.hear(0.3)
    assert OPS.recorder_save() == {"FINISHED"}
    assert samples_of(tmp_path / "Take 3.wav")[1] == 16_000


def test_new_takes_the_next_number(desk, player, tmp_path):
    assert OPS.recorder_new() == {"FINISHED"}
    assert player.recorder.take_name == "Take"
    (tmp_path / "Take.wav").touch()
    OPS.recorder_new()
    assert player.recorder.take_name == "Take 2"
    player.recorder.take_name = "a/b"
    with pytest.raises(RuntimeError, match="cannot be the name of a file"):
        OPS.recorder_new()
    player.track_root = str(tmp_path / "nowhere")
    with pytest.raises(RuntimeError, match="does not exist"):
        OPS.recorder_new()


def test_recordings_lie_beside_the_blend_without_a_track_root(desk, player, tmp_path):
    player.track_root = ""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    OPS.record()
    desk.hear(0.2)
    assert OPS.recorder_save() == {"FINISHED"}
    assert (tmp_path / "Take.wav").exists()
    assert player.voice_path == "//Take.wav"


def test_mute_and_settings_reach_the_face(desk, wired, player, own_face):
    desk.warm_up()
    OPS.live()
    desk.hear(0.3)
    assert OPS.recorder_mute() == {"FINISHED"}
    assert player.recorder.muted
    desk.until(lambda: desk.recorder.running.first.state["muted"], "mute")
    assert "muted" in desk.texts()
    player.recorder.muted = False
    desk.until(lambda: not desk.recorder.running.first.state["muted"], "sound")
    assert not desk.recorder.running.changed
    wired.pipeline.lower_face_strength = 0.0
    wired.pipeline.upper_face_strength = 0.0
    wired.pipeline.skin_strength = 0.0
    desk.until(lambda: desk.recorder.running.changed, "the change")
    heard = desk.heard_s()
    desk.hear(heard + 0.5)
    keys = own_face.data.shape_keys.key_blocks[1:]
    mouth = [key.value for key in keys if not key.name.startswith("Eye")]
    assert max(mouth) < 1e-3, "strength 0 did not come through"
    assert "Delay" in desk.texts() and "100 ms look-ahead" in desk.texts()
    wired.pipeline.input_strength = 2.0
    desk.until(lambda: desk.recorder.running.notices, "what cannot change")
    assert "cannot change while a voice comes in" in desk.texts()
    OPS.live()
    desk.over()
    assert "last ones throughout" in desk.texts()
    assert OPS.recorder_discard() == {"FINISHED"}
    assert desk.recorder.heard is None
    with pytest.raises(RuntimeError, match="Nothing was recorded"):
        OPS.live_keep()


def test_a_face_with_a_take_goes_back_to_it(desk, wired, player, own_face, voice):
    player.voice_path = voice
    assert OPS.animate() == {"FINISHED"}
    wired.scene.frame_set(5)
    OPS.live()
    desk.hear(0.5)
    wired.scene.frame_set(20)
    expected = {}
    for (path, _index), curve in curves_of(own_face.data.shape_keys).items():
        expected[path] = curve.evaluate(20)
    desk.hear(1.0)
    OPS.live()
    desk.over()
    for path, value in expected.items():
        assert own_face.data.shape_keys.path_resolve(path) == pytest.approx(value, abs=1e-6)


def test_two_pipelines_of_a_player_move_together(desk, wired, player, own_face, tmp_path):
    chosen = wired.scene.facewright
    other = shaped_mesh("Other", [key.name for key in own_face.data.shape_keys.key_blocks[1:]])
    second = chosen.add_pipeline("Second", chosen.players[0])
    second.model, second.skin_strength = chosen.pipelines[0].model, 0.5
    chosen.add_character("Other", chosen.pipelines[1], other)
    third = chosen.add_pipeline("Third", chosen.players[0])
    third.blink_interval = 0.0
    chosen.active_pipeline = 0
    desk.warm_up()
    assert OPS.live() == {"FINISHED"}
    desk.hear(0.2)
    assert "Third does not follow: Add a character first" in desk.texts()
    moved = []

    def look() -> bool:
        moved.append((shown(own_face), shown(other)))
        return desk.heard_s() > SPOKEN_S

    desk.until(look, "both")
    for face in range(2):
        assert np.ptp([each[face] for each in moved], axis=0).max() > 0.05
    assert OPS.live_keep() == {"FINISHED"}
    assert curves_of(own_face.data.shape_keys) and curves_of(other.data.shape_keys)


def test_the_list_of_microphones(desk, player, spoken, tmp_path):
    assert "Looking for microphones" in desk.texts()
    assert OPS.microphones_refresh() == {"FINISHED"}
    desk.until(lambda: desk.known.known, "the list")
    name = f"File: {spoken.name}"
    assert desk.known.names == (name,)
    player.recorder.microphone_choice = "DEVICE_1"
    assert player.recorder.microphone == name
    player.recorder.microphone = "Headset"
    assert player.recorder.microphone_choice == "DEVICE_2", "a device that is away stays chosen"
    assert "This microphone is not connected" in desk.texts()
    with pytest.raises(RuntimeError, match="'Headset' is not connected"):
        OPS.record()
    desk.plug(tmp_path / "gone.wav")
    assert OPS.microphones_refresh() == {"FINISHED"}
    desk.until(lambda: desk.known.known, "the list")
    assert "cannot be read as sound" in desk.texts()
    with pytest.raises(RuntimeError, match="no microphone"):
        OPS.live()


def test_silence_and_losses_are_told(desk, player, tmp_path, code):
    desk.plug(stubs.write_wav(tmp_path / "quiet.wav", np.zeros(RATE // 10), RATE))
    OPS.record()
    desk.hear(0.2)
    assert "only silence" not in desk.texts()
    desk.hear(2.1)
    assert "only silence for 2 s" in desk.texts()
    troubles = code("panels.recorder").troubles
    state = {"silent": False, "dropped": 480, "overflows": 2}
    assert troubles(state) == [
        "480 samples were lost: this computer is too busy",
        "The device lost sound 2 times",
    ]


def test_a_lost_microphone_leaves_the_recording(desk, player, tmp_path):
    """As far as Blender can tell, a killed worker and a pulled plug end the same way."""
    OPS.record()
    desk.hear(1.3)
    host = desk._host.workers()[0]
    os.kill(host.pid, 9)
    desk.over()
    assert desk.recorder.problem
    assert desk.recorder.problem.split(".")[0] in desk.texts()
    assert OPS.recorder_save() == {"FINISHED"}
    assert len(samples_of(tmp_path / "Take.wav")[0]) >= RATE, "a second of it is there"


def test_a_pulled_plug_ends_it_and_is_told(desk, wired, player, code):
    """What the worker says of a device that has gone, its own tests know."""
    OPS.record()
    desk.hear(0.3)
    session = desk.recorder.running.first
    ticket = code("providers.base").Ticket(0, "live_read")
    ticket.state = "done"
    ticket.result = {**session.state, "error": "The microphone Desk has stopped."}
    session._take(ticket)
    desk.over()
    assert "The microphone Desk has stopped." in desk.texts()
    assert OPS.recorder_save() == {"FINISHED"}


def test_why_buttons_are_grey(desk, wired, player):
    assert OPS.record.poll() and OPS.live.poll()
    assert not OPS.recorder_save.poll() and not OPS.recorder_discard.poll()
    OPS.record()
    desk.hear(0.1)
    with pytest.raises(RuntimeError, match="Stop the recording first"):
        OPS.live()
    with pytest.raises(RuntimeError, match="Nothing was live"):
        OPS.live_keep()
    chosen = wired.scene.facewright
    chosen.add_pipeline("Other", chosen.add_player("Second"))
    with pytest.raises(RuntimeError, match="used by another player"):
        OPS.record()
    chosen.active_pipeline = 0
    assert OPS.record() == {"FINISHED"}
    desk.over()
    chosen.active_pipeline = 1
    assert "Add a character first" in desk.texts()
    with pytest.raises(RuntimeError, match="Nothing was recorded"):
        OPS.recorder_save()
