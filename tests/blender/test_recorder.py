# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorder and live mode, fed by a file instead of a device; nothing else is different."""

from __future__ import annotations

import os
import time
import wave
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
import stubs
from layouts import Layout
from makers import curves_of, shaped_mesh

OPS = bpy.ops.facewright
RATE = 48_000
SPOKEN_S = 1.2


@pytest.fixture(scope="session")
def live_stub(tmp_path_factory):
    """A model with a network for live use, both known in closed form."""
    folder = tmp_path_factory.mktemp("model") / "live"
    return stubs.make_stub_model(folder, live_offset=6_720)


@pytest.fixture(scope="session")
def spoken(tmp_path_factory):
    """What is spoken into the microphone; silence follows."""
    path = tmp_path_factory.mktemp("microphone") / "spöken.wav"
    return stubs.write_wav(path, stubs.speech_like(SPOKEN_S, RATE), RATE)


class Desk:
    """The microphone's user: lets time pass, and looks at what is shown."""

    plugged: tuple = ()

    def __init__(self, code, monkeypatch):
        self.recorder = code("operators.listening").RECORDER
        self.known = code("properties.microphones").MICROPHONES
        self._host, self._pump = code("operators.worker_host"), code("operators.pump")
        self._panel = code("panels.recorder").FACEWRIGHT_PT_recorder
        self._monkeypatch = monkeypatch

    def plug(self, path) -> None:
        """The only microphone speaks this file: workers have it from their beginning."""
        if Desk.plugged != (str(path), *self.workers()):
            self._host.stop()
        self._monkeypatch.setenv("FACEWRIGHT_MICROPHONE", str(path))
        self.path = str(path)
        self.known.forget()

    def leave(self) -> None:
        if self.recorder.running is not None:
            self.recorder.running.end(discard=True)
            self.over()
        self.recorder.clear()
        self.known.forget()
        Desk.plugged = (self.path, *self.workers())

    def workers(self) -> list[int]:
        return [each.pid for each in self._host.workers() if each.pid]

    def warm_up(self) -> None:
        """The first frames of a worker come late."""
        OPS.live()
        self.until(lambda: self.recorder.running.first.state.get("frames"), "a frame")
        OPS.recorder_discard()
        self.over()

    def until(self, done, what: str, limit_s: float = 60.0) -> None:
        end = time.monotonic() + limit_s
        while not done():
            assert time.monotonic() < end, f"waited for {what}: {self.recorder.problem}"
            self._pump.pump()
            time.sleep(0.002)

    def heard_s(self) -> float:
        running = self.recorder.running
        return running.first.state.get("captured_s", 0.0) if running else 0.0

    def hear(self, seconds: float) -> None:
        self.until(lambda: self.heard_s() >= seconds, f"{seconds} s of sound")

    def over(self) -> None:
        self.until(lambda: self.recorder.running is None, "the end")

    def texts(self) -> str:
        """All that the panel shows now."""
        shown: list[str] = []
        context = SimpleNamespace(
            scene=bpy.context.scene, region=None, preferences=bpy.context.preferences
        )
        stand_in = SimpleNamespace(layout=Layout(shown))
        self._panel.draw_header(stand_in, context)
        self._panel.draw(stand_in, context)
        return " | ".join(shown)


@pytest.fixture
def desk(code, monkeypatch, spoken):
    found = Desk(code, monkeypatch)
    found.plug(spoken)
    yield found
    found.leave()
    code("properties.progress").STATE.clear()


@pytest.fixture
def player(wired, own_face, live_stub, tmp_path):
    """The player of a face that can be live; recordings go to a folder of the test's."""
    wired.character.skin = own_face
    wired.pipeline.model = str(live_stub.folder)
    wired.pipeline.blink_interval = 0.0
    wired.player.track_root = str(tmp_path)
    wired.player.recorder.take_name = "Take"
    return wired.player


def shown(face) -> np.ndarray:
    """Values of all keys but the basis."""
    return np.array([key.value for key in face.data.shape_keys.key_blocks[1:]])


def samples_of(path) -> tuple[np.ndarray, int]:
    """A wav of 32 bit floats as (n,) float32, and its rate."""
    data = path.read_bytes()
    at = data.index(b"data") + 8
    rate = int.from_bytes(data[24:28], "little")
    return np.frombuffer(data[at:], "<f4"), rate


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


def test_what_vanishes_while_live(desk, wired, player, own_face):
    other = shaped_mesh("Other", [key.name for key in own_face.data.shape_keys.key_blocks[1:]])
    chosen = wired.scene.facewright
    chosen.add_character("Other", chosen.pipelines[0], other)
    OPS.live()
    desk.hear(0.4)
    bpy.data.objects.remove(own_face)
    heard = desk.heard_s()
    before = shown(other)
    desk.hear(heard + 0.3)
    assert np.abs(shown(other) - before).max() > 1e-3, "the other face goes on"
    assert "Face" in desk.texts()
    chosen.remove_pipeline(chosen.pipelines[0])
    desk.over()
    np.testing.assert_array_equal(shown(other), 0.0)


def test_undo_leaves_live_on_and_loading_ends_it(desk, wired, player, own_face, tmp_path):
    bpy.ops.ed.undo_push(message="before")
    wired.pipeline.skin_strength = 0.4
    bpy.ops.ed.undo_push(message="strength")
    OPS.live()
    desk.hear(0.4)
    bpy.ops.ed.undo()
    assert bpy.context.scene.facewright.pipelines[0].skin_strength == 1.0
    heard = desk.heard_s()
    desk.hear(heard + 0.3)
    assert np.abs(shown(bpy.data.objects["Face"])).max() > 0
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "live.blend"))
    desk.hear(desk.heard_s() + 0.1)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "live.blend"))
    desk.over()
    assert desk.recorder.heard is None
    face = bpy.data.objects["Face"]
    np.testing.assert_array_equal(shown(face), 0.0, "the file holds what live showed")


def test_a_file_that_cannot_be_read_ends_nothing(desk, wired, player, own_face, tmp_path):
    broken = tmp_path / "broken.blend"
    broken.write_bytes(b"no blend at all")
    OPS.live()
    desk.hear(0.4)
    with pytest.raises(RuntimeError):
        bpy.ops.wm.open_mainfile(filepath=str(broken))
    desk.hear(desk.heard_s() + 0.2)
    assert np.abs(shown(own_face)).max() > 0
    OPS.live()
    desk.over()
    np.testing.assert_array_equal(shown(own_face), 0.0)
    assert desk.recorder.heard is not None


def test_no_step_of_undo_brings_back_what_only_live_showed(desk, wired, player, own_face):
    own_face.data.shape_keys.key_blocks["EyeBlinkLeft"].value = 0.25
    before = shown(own_face)
    bpy.ops.ed.undo_push(message="before")
    OPS.live()
    desk.hear(0.4)
    for message in ("while live", "and again"):
        wired.player.volume -= 0.1
        desk.hear(desk.heard_s() + 0.2)
        bpy.ops.ed.undo_push(message=message)
    OPS.live()
    desk.over()
    np.testing.assert_array_equal(shown(own_face), before)
    bpy.ops.ed.undo_push(message="after")
    for step in (*[bpy.ops.ed.undo] * 3, *[bpy.ops.ed.redo] * 3):
        step()
        np.testing.assert_array_equal(shown(bpy.data.objects["Face"]), before)


def test_an_automatic_save_while_live_opens_as_before(
    desk, wired, player, own_face, code, tmp_path
):
    """Blender calls no handler for those."""
    OPS.live()
    desk.hear(0.4)
    handlers, saving = bpy.app.handlers.save_pre, code("operators.listening")._saving
    handlers.remove(saving)
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "auto.blend"), copy=True)
    finally:
        handlers.append(saving)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "auto.blend"))
    face = bpy.data.objects["Face"]
    np.testing.assert_array_equal(shown(face), 0.0)
    assert not face.data.shape_keys.keys(), "the note is gone"


def test_an_edited_face_does_not_follow(desk, wired, player, own_face):
    """It looks as before meanwhile, so that the user's hands work on what is really there."""
    bpy.context.view_layer.objects.active = own_face
    OPS.live()
    desk.hear(0.4)
    assert np.abs(shown(own_face)).max() > 0
    bpy.ops.object.mode_set(mode="EDIT")
    desk.hear(desk.heard_s() + 0.2)
    np.testing.assert_array_equal(shown(own_face), 0.0)
    assert "It does not follow while 'Face' is edited" in desk.texts()
    bpy.ops.object.mode_set(mode="OBJECT")
    desk.hear(desk.heard_s() + 0.2)
    assert np.abs(shown(own_face)).max() > 0
    OPS.live()
    desk.over()
    np.testing.assert_array_equal(shown(own_face), 0.0)


def test_disabling_ends_it_and_gives_the_face_back(desk, wired, player, own_face, code, extension):
    OPS.live()
    desk.hear(0.5)
    assert np.abs(shown(own_face)).max() > 0
    extension.unregister()
    try:
        np.testing.assert_array_equal(shown(own_face), 0.0)
        assert not code("operators.worker_host").workers()
        assert not code("operators.pump")._pump.tasks
    finally:
        extension.register()


def test_nothing_is_written_while_rendering(desk, wired, player, own_face, code, monkeypatch):
    OPS.live()
    desk.hear(0.4)
    monkeypatch.setattr(code("operators.listening"), "rendering", lambda: True)
    before = shown(own_face)
    heard = desk.heard_s()
    desk.hear(heard + 0.3)
    desk.recorder.running.end()
    for _ in range(50):
        desk._pump.pump()
        time.sleep(0.002)
    np.testing.assert_array_equal(shown(own_face), before)
    assert desk.recorder.running is not None, "it waits for the render's end"
    monkeypatch.undo()
    desk.over()
    np.testing.assert_array_equal(shown(own_face), 0.0)


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
