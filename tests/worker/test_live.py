# SPDX-License-Identifier: GPL-3.0-or-later
"""A microphone on a clock that the test moves: nothing is lost, nothing grows, all is told."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
from facewright.core.errors import UserError
from facewright.worker.capture import BACKLOG_S, QUEUE_S
from facewright.worker.kept import Kept
from facewright.worker.live import GONE_S

from .microphones import Array, Desk, Made

RATE = 48_000
MB = 1 << 20


def numbered(numbers: np.ndarray) -> np.ndarray:
    """Another value for each of the next sixteen million samples, exact in float32."""
    return ((numbers * 7_919) % (1 << 24)) / np.float64(1 << 24) - 0.5


def tone(amplitude: float, hz: float = 1_000.0, rate: int = RATE) -> Made:
    return Made(lambda n: amplitude * np.sin(2 * np.pi * hz * n / rate), rate)


@pytest.fixture(scope="module")
def model(stubs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "both"
    return str(stubs.make_stub_model(folder, live_offset=6_720).folder)


def drive(model: str, **more: Any) -> dict[str, Any]:
    return {"drive": True, "low_delay": True, "model": model, "fps": [30, 1], **more}


def test_ten_minutes_lose_nothing_and_take_no_memory(tmp_path: Path) -> None:
    desk = Desk(Made(numbered, RATE), scratch=tmp_path)
    desk.do("open", record=True)
    tracemalloc.start()
    held = {}
    for second in range(1, 601):
        desk.pass_time(1.0)
        state, arrays = desk.do("read")
        assert not arrays
        assert (state["waiting"], state["dropped"], state["error"]) == (0, 0, "")
        if second in (120, 600):
            held[second] = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert state["captured_s"] == pytest.approx(600.0, abs=0.011)
    assert held[600] - held[120] < 0.25 * MB, held
    done, _ = desk.do("close")
    with soundfile.SoundFile(done["recording"]) as file:
        assert (file.samplerate, file.channels, file.subtype) == (RATE, 1, "FLOAT")
        assert file.frames == round(done["recorded_s"] * RATE) >= 599.9 * RATE
        for at in range(0, file.frames, 1 << 20):
            block = file.read(1 << 20, dtype="float32")
            wanted = numbered(np.arange(at, at + len(block))).astype(np.float32)
            assert block.tobytes() == wanted.tobytes()


def test_a_face_follows_for_minutes_without_memory(model: str, tmp_path: Path) -> None:
    desk = Desk(tone(0.3, 200.0, 16_000), scratch=tmp_path)
    desk.do("open", **drive(model))
    frames, held = 0, {}
    for step in range(1, 1_201):
        desk.pass_time(0.1)
        state, arrays = desk.do("read")
        assert state["first_frame"] == frames
        frames += len(arrays["weights"])
        assert state["frames"] == frames
        if step == 400:
            tracemalloc.start()
        if step in (600, 1_200):
            held[step] = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held[1_200] - held[600] < 0.25 * MB, held
    _, arrays = desk.do("close")
    assert frames + len(arrays["weights"]) == 120 * 30


def test_delay_is_told_apart_from_the_networks_look_ahead(model: str, tmp_path: Path) -> None:
    desk = Desk(tone(0.3, 200.0, 16_000), scratch=tmp_path)
    opened, _ = desk.do("open", **drive(model))
    assert opened["ahead_ms"] == 100.0  # 8320 - 6720 samples at 16 kHz
    delays = []
    for _ in range(200):
        desk.pass_time(0.01)
        state, arrays = desk.do("read")
        if len(arrays["weights"]):
            delays.append(state["delay_ms"])
    # a frame is due somewhere within the block of 10 ms that completes its window
    assert min(delays) >= 0.0
    assert max(delays) <= 10.0 + 1e-6
    assert state["began_s"] == pytest.approx(100.0, abs=0.001)


def test_levels_are_those_of_a_sine(tmp_path: Path) -> None:
    desk = Desk(tone(0.25), scratch=tmp_path)
    desk.do("open")
    assert desk.do("read")[0]["rms"] == 0.0
    desk.pass_time(1.0)
    state, _ = desk.do("read")
    assert state["peak"] == pytest.approx(0.25, rel=1e-3)
    assert state["rms"] == pytest.approx(0.25 / np.sqrt(2), rel=1e-3)


def test_levels_of_values_that_are_no_sound(tmp_path: Path) -> None:
    desk = Desk(Made(lambda n: np.where(n % 2, np.nan, np.inf), RATE), scratch=tmp_path)
    desk.do("open")
    desk.pass_time(0.1)
    state, _ = desk.do("read")
    assert (state["peak"], state["rms"], state["silent"]) == (0.0, 0.0, False)


def test_two_seconds_of_zeros_are_noticed(tmp_path: Path) -> None:
    desk = Desk(Array(np.full(RATE, 1e-9, np.float32), RATE), scratch=tmp_path)
    desk.do("open")
    for seconds, silent in ((1.5, False), (1.4, False), (0.2, True)):
        desk.pass_time(seconds)
        assert desk.do("read")[0]["silent"] is silent


def test_muted_is_silence_and_time_goes_on(tmp_path: Path) -> None:
    desk = Desk(tone(0.5), scratch=tmp_path)
    desk.do("open", record=True)
    for muted in (True, False, True):
        desk.pass_time(0.5)
        desk.do("set", muted=muted)
    desk.pass_time(2.5)
    state, _ = desk.do("read")
    assert (state["muted"], state["silent"]) == (True, False)
    assert state["peak"] == pytest.approx(0.5, rel=1e-3)  # the device still gives sound
    samples, _ = soundfile.read(desk.do("close")[0]["recording"], dtype="float32")
    parts = [samples[round(a * RATE) : round(b * RATE)] for a, b in ((0, 0.5), (0.5, 1), (1, 1.5))]
    assert [bool(part.any()) for part in parts] == [True, False, True]
    assert len(samples) == 4 * RATE
    assert not samples[round(1.5 * RATE) :].any()


def test_recordings_begin_and_end_while_it_is_on(tmp_path: Path) -> None:
    desk = Desk(Made(numbered, RATE), scratch=tmp_path)
    assert desk.do("open")[0]["recording"] == ""
    desk.pass_time(1.0)
    first, _ = desk.do("set", record=True)
    desk.pass_time(1.0)
    ended, _ = desk.do("set", record=False)
    desk.pass_time(1.0)
    assert (ended["records"], ended["recording"]) == (False, first["recording"])
    assert ended["recorded_s"] == 1.0
    second, _ = desk.do("set", record=True)
    assert second["recording"] != first["recording"]
    desk.pass_time(0.5)
    assert desk.do("close")[0]["recorded_s"] == 0.5
    for path, start in ((first["recording"], 1.0), (second["recording"], 3.0)):
        samples, _ = soundfile.read(path, dtype="float32")
        wanted = numbered(np.arange(len(samples)) + round(start * RATE))
        np.testing.assert_array_equal(samples, wanted.astype(np.float32))


def test_a_crash_costs_a_second_of_a_recording_at_most(tmp_path: Path) -> None:
    desk = Desk(Made(numbered, RATE), scratch=tmp_path)
    path = desk.do("open", record=True)[0]["recording"]
    for _ in range(5):
        desk.pass_time(0.7)
        desk.do("read")
    samples, _ = soundfile.read(path, dtype="float32")  # as it lies there while it runs
    assert len(samples) >= 2.5 * RATE
    np.testing.assert_array_equal(samples, numbered(np.arange(len(samples))).astype(np.float32))
    desk.do("close")


@pytest.mark.parametrize("kind", ["stops", "falls silent"])
def test_a_device_that_vanishes_leaves_what_was_recorded(tmp_path: Path, kind: str) -> None:
    desk = Desk(Made(numbered, RATE), scratch=tmp_path)
    desk.do("open", record=True)
    desk.pass_time(2.0)
    assert desk.stream is not None
    if kind == "stops":
        desk.stream.close()
    else:
        desk.now_s += GONE_S + 0.1
    state, _ = desk.do("read")
    assert "The microphone Desk has stopped" in state["error"]
    assert (state["records"], state["captured_s"]) == (False, 2.0)
    with pytest.raises(UserError, match="has stopped"):
        desk.do("set", record=True)
    assert desk.do("read")[0]["error"] == state["error"]
    done, _ = desk.do("close")
    samples, _ = soundfile.read(done["recording"], dtype="float32")
    np.testing.assert_array_equal(samples, numbered(np.arange(2 * RATE)).astype(np.float32))
    assert len(desk.lives) == 0


def test_what_the_device_or_we_lose_is_counted(tmp_path: Path) -> None:
    desk = Desk(Made(numbered, RATE), scratch=tmp_path)
    desk.do("open", record=True)
    desk.pass_time(QUEUE_S + 2.0)  # nobody takes anything meanwhile
    state, _ = desk.do("read")
    assert (state["dropped"], state["captured_s"]) == (2 * RATE, QUEUE_S)
    capture = desk.lives._live["one"].capture

    class Flags:
        input_overflow = True

    capture.callback(np.zeros((480, 1), np.float32), 480, None, Flags())
    assert desk.do("read")[0]["overflows"] == 1
    desk.do("close")


def test_a_face_that_falls_behind_ends_and_the_recording_goes_on(
    model: str, tmp_path: Path
) -> None:
    desk = Desk(tone(0.3, 200.0, 16_000), scratch=tmp_path)
    desk.do("open", **drive(model, record=True))
    for _ in range(round(BACKLOG_S) + 2):
        desk.pass_time(1.0)
        state, _ = desk.do("set")  # which makes no frames
        desk.lives._live["one"].capture.step()
    state, _ = desk.do("read")
    (notice,) = state["notices"]
    assert "fallen 60 s behind" in notice
    assert (state["drives"], state["records"]) == (False, True)
    assert desk.do("read")[0]["notices"] == []  # told once
    assert desk.do("close")[0]["recorded_s"] == 62.0


def test_a_network_that_fails_ends_the_face_alone(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tone(0.3, 200.0, 16_000), scratch=tmp_path)
    desk.do("open", **drive(model, record=True))

    def fail(_samples: Any) -> None:
        raise UserError("The network is broken.")

    voice = desk.lives._live["one"].voice
    assert voice is not None
    monkeypatch.setattr(voice.face, "push", fail)
    desk.pass_time(1.0)
    state, _ = desk.do("read")
    assert (state["notices"], state["drives"]) == (["The network is broken."], False)
    desk.pass_time(1.0)
    assert desk.do("close")[0]["recorded_s"] == 2.0


def test_settings_after_the_network_change_at_once(model: str, tmp_path: Path) -> None:
    desk = Desk(tone(0.3, 200.0, 16_000), scratch=tmp_path)
    quiet = {"blink_interval": 0.0, "saccade_strength": 0.0}
    desk.do("open", **drive(model, settings=quiet))
    desk.pass_time(1.0)
    desk.do("read")
    desk.do("set", settings={**quiet, "skin_strength": 0.0})
    desk.pass_time(2.0)
    still = desk.do("read")[1]["weights"][-1]
    desk.do("set", settings={**quiet, "emotion_joy": 1.0})
    desk.pass_time(2.0)
    moved = desk.do("read")[1]["weights"][-1]
    assert np.abs(moved - still).max() > 0.05
    for bad in ({"input_strength": 1.5}, {"skin_strength": 99.0}, {"no_such": 1}):
        with pytest.raises(UserError):
            desk.do("set", settings=bad)
    desk.pass_time(0.5)
    np.testing.assert_allclose(desk.do("read")[1]["weights"][-1], moved, atol=1e-4)


def test_several_channels_are_mixed(tmp_path: Path) -> None:
    desk = Desk(Made(numbered, RATE, channels=2), scratch=tmp_path)
    assert desk.do("open", record=True)[0]["channels"] == 2
    desk.pass_time(0.1)
    samples, _ = soundfile.read(desk.do("close")[0]["recording"], dtype="float32")
    np.testing.assert_array_equal(samples, numbered(np.arange(len(samples))).astype(np.float32))


# ---- saving -------------------------------------------------------------------------------------


def recorded(desk: Desk, seconds: float = 1.0) -> str:
    desk.do("open", record=True)
    desk.pass_time(seconds)
    return desk.do("close")[0]["recording"]


def save(desk: Desk, **args: Any) -> dict[str, Any]:
    return desk.lives.save(desk.call(**args))[0]


def test_a_name_that_exists_gets_the_next_number(tmp_path: Path) -> None:
    desk = Desk(Made(numbered, RATE), scratch=tmp_path / "scratch")
    source = recorded(desk)
    folder = tmp_path / "voices"
    folder.mkdir()
    for typed, wanted in (
        ("take", "take"), ("take", "take 2"), ("take.wav", "take 3"), ("take 2", "take 4"),
        (" line 9 ", "line 9"), ("line 9", "line 10"), ("größe", "größe"),
    ):  # fmt: skip
        done = save(desk, recording=source, folder=str(folder), name=typed)
        assert (done["name"], done["path"]) == (wanted, str(folder / f"{wanted}.wav"))
        assert soundfile.info(done["path"]).frames == RATE
    assert len(list(folder.iterdir())) == 7


@pytest.mark.parametrize("own", [48_000, 44_100])
def test_a_recording_is_saved_at_48_khz_or_as_it_is(tmp_path: Path, own: int) -> None:
    desk = Desk(tone(0.5, 440.0, own), scratch=tmp_path)
    source = recorded(desk)
    plain = save(desk, recording=source, folder=str(tmp_path), name="as it is", rate=0)
    there, rate = soundfile.read(plain["path"], dtype="float32")
    here, _ = soundfile.read(source, dtype="float32")
    assert rate == own
    np.testing.assert_array_equal(there, here)
    usual = save(desk, recording=source, folder=str(tmp_path), name="usual")
    found, rate = soundfile.read(usual["path"], dtype="float32")
    assert (rate, usual["duration_s"]) == (48_000, 1.0)
    times = np.arange(len(found)) / 48_000
    middle = slice(2_000, -2_000)
    wanted = 0.5 * np.sin(2 * np.pi * 440.0 * times)
    np.testing.assert_allclose(found[middle], wanted[middle], atol=2e-3)


def test_what_cannot_be_saved_is_said(tmp_path: Path) -> None:
    desk = Desk(Made(numbered, RATE), scratch=tmp_path / "scratch")
    source = recorded(desk)
    foreign = tmp_path / "foreign.wav"
    foreign.write_bytes(b"x")
    good = {"recording": source, "folder": str(tmp_path), "name": "a"}
    for change, text in (
        ({"name": ""}, "has no name"),
        ({"name": "a/b"}, "'/' cannot be part"),
        ({"name": "nul"}, "some systems do not take it"),
        ({"name": "x" * 200}, "too long"),
        ({"folder": str(tmp_path / "none")}, "does not exist"),
        ({"folder": None}, "No folder was chosen"),
        ({"recording": str(foreign)}, "There is no recording to save"),
        ({"recording": str(Path(source).with_name("gone.wav"))}, "no longer there"),
        ({"rate": 7}, "A rate of 7 is not possible"),
    ):
        with pytest.raises(UserError, match=text):
            save(desk, **{**good, **change})
    desk.do("open", record=True)
    desk.pass_time(0.1)
    running, _ = desk.do("read")
    with pytest.raises(UserError, match="still runs"):
        save(desk, **{**good, "recording": running["recording"]})
    assert [path.name for path in tmp_path.glob("*.wav")] == ["foreign.wav"]


def test_old_recordings_go_and_a_full_disk_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(Made(numbered, RATE), scratch=tmp_path)
    paths = [recorded(desk, 0.02) for _ in range(12)]
    assert [Path(path).exists() for path in paths] == [False] * 4 + [True] * 8
    desk.do("open", record=True)
    live = desk.lives._live["one"]
    assert live.recording is not None

    def full(_samples: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(live.recording._writer, "write", full)
    desk.pass_time(0.1)
    state, _ = desk.do("read")
    (notice,) = state["notices"]
    assert "No space left on device" in notice
    assert (state["records"], state["error"]) == (False, "")


# ---- arguments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"session": ""}, "does not name its session"),
        ({"microphone": "Telephone"}, "no microphone called 'Telephone'. Choose one of Desk"),
        ({"rate": 7}, "'rate' of live_open must be between"),
        ({"record": 1}, "must be true or false"),
        ({"drive": True}, "No model was chosen"),
        ({"fps": [30, 1]}, "no argument 'fps'"),  # only a face has a frame rate
    ],
)
def test_what_cannot_be_opened_is_said(tmp_path: Path, change: Any, text: str) -> None:
    desk = Desk(tone(0.1), scratch=tmp_path)
    with pytest.raises(UserError, match=text):
        desk.do("open", **change)
    assert len(desk.lives) == 0
    for job in ("read", "set", "close"):
        with pytest.raises(UserError, match="is not on"):
            desk.do(job)


def test_a_session_is_open_once_and_a_model_keeps_its_own_list(model: str, tmp_path: Path) -> None:
    kept = Kept()
    desk = Desk(tone(0.1), kept, tmp_path)
    desk.do("open", **drive(model))
    with pytest.raises(UserError, match="open already"):
        desk.do("open")
    for number in range(3):
        desk.do("open", session=str(number))
    with pytest.raises(UserError, match="4 microphones are on"):
        desk.do("open", session="more")
    assert len(desk.lives) == 4
    desk.do("close", discard=True)
    assert len(desk.lives) == 3
