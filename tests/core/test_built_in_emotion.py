# SPDX-License-Identifier: GPL-3.0-or-later
"""The emotion model that comes with Facewright, run as the product runs it."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from facewright.core.emotion.detection import (
    LONGEST,
    SHORTEST,
    Detector,
    detect_frames,
    detect_keys,
    hear,
    key_windows,
    open_emotion_session,
)
from facewright.core.emotion.mixing import MixSettings, still_rows
from facewright.core.models.model import load_emotion_model, read_index
from facewright.core.parameters import EMOTION_NAMES, Settings
from facewright.core.voice.audio import Voice, read_voice

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "models" / "facewright-emotion"
RATE = 16_000
DATA = Path(os.environ.get("FACEWRIGHT_TEST_DATA") or ROOT.parent / "shared" / "data")
ACTED = {"W": "anger", "F": "joy", "T": "sadness", "N": ""}


@pytest.fixture(scope="module")
def detector():
    pytest.importorskip("onnxruntime")
    model = load_emotion_model(FOLDER)
    return Detector(model, open_emotion_session(model, 1))


@pytest.fixture(scope="module")
def emotions(detector):
    """Emotions (n, 10) of whole windows (n, L), after the default mix, before the strength."""
    mix = MixSettings(targets=detector.model.targets, strength=1.0)

    def judge(windows):
        batch = np.atleast_2d(np.asarray(windows, np.float32))
        (logits,) = detector.network.session.run(["output"], {"input_values": batch})
        assert np.isfinite(logits).all()
        return still_rows(logits, mix, None)

    return judge


def voice(count, pitch=140.0, lively=1.0):
    """A sung vowel of ``count`` samples in syllables, four a second, its pitch moving."""
    times = np.arange(count) / RATE
    tone = pitch * 2 ** (0.3 * lively * np.sin(2 * np.pi * 2 * times))
    phase = 2 * np.pi * np.cumsum(tone) / RATE
    colour = 1.0 + 0.4 * np.sin(2 * np.pi * 4 * times)
    wave = sum(np.sin(number * phase) / number**colour for number in range(1, 25))
    return (0.1 * wave * (0.55 - 0.45 * np.cos(2 * np.pi * 4 * times))).astype(np.float32)


def test_the_folder_is_small_and_complete_and_names_its_data():
    index = read_index(FOLDER)
    assert index.family == "emotion"
    assert index.licence is None
    assert index.size_bytes < 1e6
    assert {path.name for path in FOLDER.iterdir()} == {
        *(path.name for path in index.files),
        "README.md",
    }
    card = (FOLDER / "README.md").read_text("utf-8")
    for word in ("EmoDB", "CC0", "GPL-3.0-or-later", "Confusion", "Limits", "unknown"):
        assert word in card


def test_its_labels_become_the_five_emotions(detector):
    model = detector.model
    named = [EMOTION_NAMES[target] if target >= 0 else "" for target in model.targets]
    assert dict(zip(model.emotions, named, strict=True)) == {
        "angry": "anger",
        "disgust": "disgust",
        "fear": "fear",
        "happy": "joy",
        "neutral": "",
        "sad": "sadness",
    }


@pytest.mark.parametrize("length", [SHORTEST, 22_400, LONGEST])
def test_silence_is_neutral(emotions, length):
    assert emotions(np.zeros(length)).max() < 0.01


def test_what_is_no_voice_is_neutral(emotions):
    """Noise of any colour and level, hum, a tone, clicks, a direct current; also as they begin."""
    random = np.random.default_rng(3)
    count = 22_400
    times = np.arange(count) / RATE
    white = random.normal(0, 0.1, count)
    sounds = {
        "white": white,
        "faint": white * 1e-4,
        "brown": np.cumsum(white) * 0.05,
        "dull": np.convolve(white, np.ones(12) / 12, "same"),
        "hum": 0.1 * np.sin(2 * np.pi * 50 * times) + 0.03 * np.sin(2 * np.pi * 100 * times),
        "tone": 0.1 * np.sin(2 * np.pi * 440 * times),
        "clicks": 0.5 * (np.arange(count) % 8000 == 0),
        "current": np.full(count, 0.3),
    }
    sounds |= {
        f"{name} from {begin} on": np.where(np.arange(count) < begin, 0.0, sound)
        for name, sound in sounds.items()
        for begin in (5_000, 11_200, 16_000)
    }
    heard = {name: float(emotions(sound).max()) for name, sound in sounds.items()}
    assert not {name: most for name, most in heard.items() if most > 0.1}


def test_the_level_of_a_recording_changes_nothing(emotions):
    sound = voice(22_400, 220.0)
    loud = emotions(sound)
    assert loud.max() > 0.1  # it says something, so that there is something to change
    for level in (-10, -20, -30):
        np.testing.assert_allclose(emotions(sound * 10 ** (level / 20)), loud, atol=0.02)


def test_a_sound_that_goes_on_alike_is_judged_alike_at_any_length(emotions):
    """Its pattern is half a second long: lengths are whole numbers of patterns and a bit."""
    reference = emotions(voice(7 * 8000))
    assert reference.max() > 0.1
    for patterns in (2, 3, 5):
        np.testing.assert_allclose(emotions(voice(patterns * 8000)), reference, atol=0.06)


def test_silence_around_a_voice_changes_little(emotions):
    sound = voice(24_000)
    padded = np.pad(sound, (20_000, LONGEST - 44_000))
    np.testing.assert_allclose(emotions(padded), emotions(sound), atol=0.05)


def test_windows_of_a_batch_know_nothing_of_each_other(emotions):
    batch = np.stack([voice(22_400, pitch) for pitch in (120.0, 250.0)] + [np.zeros(22_400)])
    apart = np.concatenate([emotions(one) for one in batch])
    np.testing.assert_allclose(emotions(batch), apart, atol=1e-5)


def test_panel_and_live_sessions_get_what_the_windows_say(detector, emotions):
    """Keys: 1.4 s around each second. Frames: 3.75 s around each 31st frame."""
    samples = voice(4 * RATE)
    mix = MixSettings(targets=detector.model.targets, strength=1.0)
    keys = detect_keys(detector, samples, Settings())
    assert keys.samples.tolist() == [0, RATE, 2 * RATE, 3 * RATE, 4 * RATE]
    window = samples[2 * RATE - 11_200 : 2 * RATE + 11_200]
    np.testing.assert_allclose(
        still_rows(keys.logits, mix, None)[2], emotions(window)[0], atol=1e-5
    )
    windows = key_windows(detector, Settings())
    assert hear(detector, samples, windows, 0, 5).tolist() == keys.logits.tolist()
    frames = detect_frames(detector, samples, Fraction(30))
    padded = np.pad(samples, LONGEST // 2)[:LONGEST]
    np.testing.assert_allclose(
        still_rows(frames.logits[:1], mix, None), emotions(padded), atol=1e-5
    )


def test_recordings_that_it_has_learnt_from_are_mostly_heard_right(emotions):
    """In sample, so it says only that the folder works; how well it does is in its card."""
    paths = sorted((DATA / "emotion" / "emodb").glob("*.flac"))
    if not paths:
        pytest.skip("the recordings of emotion are not there (../shared/data/emotion/emodb)")
    told: dict[str, list[np.ndarray]] = {letter: [] for letter in ACTED}
    for path in paths:
        if path.stem[5] in ACTED:
            samples = read_voice(Voice(str(path))).samples
            told[path.stem[5]].append(emotions(samples)[0])
    rows = {letter: np.array(one) for letter, one in told.items()}
    assert rows["N"].mean(0).max() < 0.15
    for letter in "WFT":
        mean = rows[letter].mean(0)
        assert EMOTION_NAMES[int(mean.argmax())] == ACTED[letter]
        assert mean.max() > 0.3


def test_calm_english_stays_calm(emotions):
    """Another language, another speaker, another room: nothing of it was trained on."""
    paths = sorted((DATA / "speech" / "en").glob("*.flac"))[::6]
    if not paths:
        pytest.skip("the recorded prompts are not there (../shared/data/speech/en)")
    rows = np.concatenate([emotions(_long(read_voice(Voice(str(path))).samples)) for path in paths])
    assert rows.mean(0).max() < 0.15


def _long(samples):
    return np.pad(samples, (0, max(SHORTEST - len(samples), 0)))
