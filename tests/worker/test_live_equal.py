# SPDX-License-Identifier: GPL-3.0-or-later
"""A live take is the take of the sound that was saved, bit for bit."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
from facewright.worker.animate_jobs import animate
from facewright.worker.kept import Kept

from .microphones import Array, Desk

ROOT = Path(__file__).resolve().parents[2]
ARRAYS = ("weights", "jaw", "eyes", "head")
SETTINGS = {"blink_interval": 0.0, "head_motion": True}


class Pair:
    """One face, live and from the saved file, with the same arguments."""

    def __init__(self, sound: np.ndarray, rate: int, folder: Path, order: dict[str, Any]) -> None:
        kept = Kept()
        desk = Desk(Array(sound, rate), kept, folder)
        desk.do("open", drive=True, record=True, **order)
        blocks = []
        rng = np.random.default_rng(rate)
        while desk.now_s < 100.0 + len(sound) / rate + 0.3:
            desk.pass_time(float(rng.uniform(0.001, 0.2)))
            blocks.append(desk.do("read")[1])
        done, last = desk.do("close")
        names = [name for name in ARRAYS if name in last]
        self.live = {name: np.concatenate([b[name] for b in (*blocks, last)]) for name in names}
        saved, _ = desk.lives.save(
            desk.call(recording=done["recording"], folder=str(folder), name="take", rate=0)
        )
        self.heard, _ = soundfile.read(saved["path"], dtype="float32")
        call = desk.call(voice={"path": saved["path"]}, **order)
        self.take = animate(kept, call)[1]
        assert done["frames"] == len(self.take["weights"])

    def first_difference(self) -> int:
        """The first frame in which anything differs; their number when nothing does."""
        count = len(self.take["weights"])
        for name, values in self.live.items():
            assert values.shape == self.take[name].shape
            apart = np.flatnonzero((values != self.take[name]).reshape(len(values), -1).any(axis=1))
            count = min(count, int(apart[0])) if len(apart) else count
        return count


def order(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "fps": [60, 1], "settings": SETTINGS, "low_delay": True, **more}


@pytest.fixture(scope="module")
def model(stubs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "both"
    return str(stubs.make_stub_model(folder, live_offset=6_720).folder)


@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_a_live_take_is_the_saved_sounds(
    model: str, stubs: ModuleType, tmp_path: Path, rate: int
) -> None:
    sound = stubs.speech_like(3.0, rate).astype(np.float32)
    pair = Pair(sound, rate, tmp_path, order(model, fps=[30_000, 1_001]))
    np.testing.assert_array_equal(pair.heard[: len(sound)], sound)
    assert set(pair.live) == set(ARRAYS)
    assert pair.first_difference() == len(pair.live["weights"]) > 90
    assert np.ptp(pair.live["weights"], axis=0).max() > 0.1


def test_the_built_in_model_speaks_the_sample_voice_alike(tmp_path: Path) -> None:
    sound, rate = soundfile.read(ROOT / "assets" / "sample_voice.flac", dtype="float32")
    pair = Pair(sound, rate, tmp_path, order(str(ROOT / "models" / "facewright")))
    np.testing.assert_array_equal(pair.heard[: len(sound)], sound)
    assert pair.first_difference() == len(pair.live["weights"]) > 640


def test_only_a_blink_that_the_end_cuts_off_may_differ(
    model: str, stubs: ModuleType, tmp_path: Path
) -> None:
    blinks = {**SETTINGS, "blink_interval": 1.0}
    sound = stubs.speech_like(4.0, 48_000).astype(np.float32)
    pair = Pair(sound, 48_000, tmp_path, order(model, settings=blinks))
    assert pair.first_difference() >= len(pair.live["weights"]) - 30


def test_detected_emotion_is_the_live_one_too(
    model: str, stubs: ModuleType, tmp_path: Path
) -> None:
    detector = str(tmp_path / "emotion")
    stubs.make_stub_emotion(detector)
    sound = np.random.default_rng(2).uniform(-0.5, 0.5, 8 * 48_000).astype(np.float32)
    emotion = {"mode": "frames", "model": detector}
    pair = Pair(sound, 48_000, tmp_path, order(model, emotion=emotion))
    for name, values in pair.live.items():
        np.testing.assert_allclose(values, pair.take[name], atol=1e-6, err_msg=name)
    plain = Pair(sound, 48_000, tmp_path, order(model))
    assert np.abs(plain.live["weights"] - pair.live["weights"]).max() > 1e-3


def test_muted_parts_are_silence_in_both(model: str, stubs: ModuleType, tmp_path: Path) -> None:
    kept = Kept()
    desk = Desk(Array(stubs.speech_like(3.0, 48_000).astype(np.float32), 48_000), kept, tmp_path)
    desk.do("open", drive=True, record=True, **order(model))
    blocks = []
    for muted in (False, True, False):
        desk.do("set", muted=muted)
        desk.pass_time(0.7)
        blocks.append(desk.do("read")[1]["weights"])
    done, last = desk.do("close")
    call = desk.call(voice={"path": done["recording"]}, **order(model))
    take = animate(kept, call)[1]["weights"]
    np.testing.assert_array_equal(np.concatenate([*blocks, last["weights"]]), take)
