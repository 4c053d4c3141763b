# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotion of a voice that comes in: the rows of the whole voice, however it is cut."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from facewright.core.emotion.detection import Detector, detect_frames, open_emotion_session
from facewright.core.emotion.mixing import EmotionMixer, MixSettings
from facewright.core.emotion.source import EmotionSource, resolve_emotion
from facewright.core.emotion.stream import EmotionStream
from facewright.core.emotion.track import EmotionAccumulator, EmotionTrack
from facewright.core.errors import UserError
from facewright.core.models.model import load_emotion_model
from facewright.core.parameters import EMOTION_NAMES, Settings
from facewright.core.voice.audio import Clip
from facewright.core.windows import count_frames, frame_samples
from stub_emotion import make_stub_emotion
from stubs import speech_like

FPS = Fraction(30)
NAMES = ("sadness", "joy", "anger", "cheekiness")
JOYFUL = Settings(emotion_joy=0.5)
KEYS = EmotionTrack(
    np.array([0.2, 1.1, 4.0]), np.random.default_rng(1).uniform(0, 1, (3, 10)).astype(np.float32)
)


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    model = load_emotion_model(make_stub_emotion(tmp_path_factory.mktemp("emotion") / "s").folder)
    return Detector(model, open_emotion_session(model, 1))


@pytest.fixture(scope="module")
def voice():
    samples = speech_like(5.3)
    return (samples * np.linspace(0, 3, len(samples))).astype(np.float32)


def pushed(stream, samples, sizes):
    parts, at = [], 0
    for size in sizes:
        parts.append(stream.push(samples[at : at + size]))
        at += size
    parts.append(stream.push(samples[at:]))
    parts.append(stream.finish())
    rows = np.concatenate(parts)
    assert stream.frame_count == len(rows)
    return rows


def cuts():
    rng = np.random.default_rng(9)
    return [
        [],
        [1, 0, 1, 531, 5000],
        [160] * 400,
        [30000, 30000],
        list(rng.integers(0, 4000, 30)),
    ]


@pytest.mark.parametrize(
    ("source", "settings"),
    [
        (EmotionSource(), JOYFUL),
        (EmotionSource(keys=KEYS), JOYFUL),
        (EmotionSource(keys=KEYS, overrides={"anger": 0.5}), Settings()),
        (EmotionSource(mode="frames"), Settings()),
        (EmotionSource(mode="frames"), JOYFUL),
        (EmotionSource(mode="frames", keys=KEYS), Settings(live_blend=0.2)),
        (EmotionSource(mode="frames", keys=KEYS, overrides={"cheekiness": 1.0}), Settings()),
        (EmotionSource(mode="frames", beginning=(0.5,) * 10), Settings(live_transition=2.0)),
    ],
)
@pytest.mark.parametrize("fps", [Fraction(30), Fraction(24000, 1001)])
def test_live_rows_are_those_of_the_whole_voice(detector, voice, source, settings, fps):
    clip = Clip(voice, "voice", "0")
    track = resolve_emotion(source, clip, fps, settings, NAMES, detector)
    times = frame_samples(count_frames(len(voice), fps), fps) / 16000
    expected = track.sample(times)
    for sizes in cuts():
        rows = pushed(EmotionStream(source, settings, fps, NAMES, detector), voice, sizes)
        assert rows.dtype == np.float32
        np.testing.assert_allclose(rows, expected, atol=2e-6)


@pytest.mark.parametrize(("length", "skip"), [(5000, 0), (10001, 9), (60000, 30)])
def test_other_windows_too(detector, voice, length, skip):
    stream = EmotionStream(
        EmotionSource(mode="frames"), Settings(), FPS, EMOTION_NAMES, detector, length=length,
        skip=skip,
    )  # fmt: skip
    heard = detect_frames(detector, voice, FPS, length, skip)
    expected, _ = EmotionMixer(MixSettings(heard.targets), FPS).block(heard.logits, None)
    np.testing.assert_allclose(pushed(stream, voice, [700] * 50), expected, atol=2e-6)


def test_what_is_certain_is_given_at_once(detector, voice):
    stream = EmotionStream(EmotionSource(), JOYFUL, FPS, NAMES)
    assert stream.latency_samples == 0
    assert len(stream.push(voice[:1])) == 1  # frame 0 is at sample 0
    assert len(stream.push(voice[1:533])) == 0
    assert len(stream.push(voice[533:534])) == 1
    waits = EmotionStream(
        EmotionSource(mode="frames"), Settings(), FPS, NAMES, detector, length=10000
    )
    assert waits.latency_samples == 5000
    assert len(waits.push(voice[:4999])) == 0
    assert len(waits.push(voice[4999:5000])) == 1
    assert len(waits.push(voice[5000:21000])) == 30


@pytest.mark.parametrize("ahead", [0, 4160])
def test_a_face_that_cannot_wait_holds_the_last_emotion(detector, voice, ahead):
    length, skip = 8000, 3

    def stream():
        return EmotionStream(
            EmotionSource(mode="frames"), Settings(), FPS, EMOTION_NAMES, detector,
            length=length, skip=skip, ahead=ahead,
        )  # fmt: skip

    first = stream()
    if ahead:
        assert len(first.push(voice[: ahead - 1])) == 0
        assert len(first.push(voice[ahead - 1 : ahead])) == 1
    # By hand: frame i has the newest window that ends by its own time plus ahead
    count = count_frames(len(voice), FPS)
    exact = detect_frames(detector, voice, FPS, length, skip).logits
    logits = np.full((count, 6), np.nan)
    for i in range(count):
        for j in range(i // (skip + 1) + 1):
            if j * (skip + 1) * 16000 // 30 + 4000 <= i * 16000 // 30 + ahead:
                logits[i] = exact[j * (skip + 1)]
    expected, _ = EmotionMixer(MixSettings(detector.model.targets), FPS).block(logits, None)
    assert ahead or not expected[:7].any()  # nothing heard yet: neutral
    for sizes in cuts():
        np.testing.assert_allclose(pushed(stream(), voice, sizes), expected, atol=2e-6)


def test_live_keys_hold_the_rows_back(voice):
    keys = EmotionAccumulator(10)
    stream = EmotionStream(EmotionSource(), JOYFUL, FPS, EMOTION_NAMES, keys=keys)
    assert len(stream.push(voice[:16000])) == 0
    keys.add(0, [0.0] * 10)
    keys.add(8000, [1.0] * 10)
    rows = stream.push(voice[16000:16001])
    np.testing.assert_allclose(rows[:, 0], frame_samples(16, FPS) / 8000, atol=1e-6)
    keys.add(64000, [1.0] * 10)
    assert len(stream.push(voice[16001:32001])) == 61 - 16
    rest = stream.finish()
    assert stream.frame_count == count_frames(32001, FPS) and keys.closed and len(rest) == 0


def test_live_keys_are_the_preferred_emotion_of_detected_frames(detector, voice):
    settings = Settings(preferred_strength=1.0, overall_emotion_strength=1.0, live_transition=0.001)
    keys = EmotionAccumulator(10)
    keys.add(0, [0.25] * 10)
    source = EmotionSource(mode="frames")
    stream = EmotionStream(source, settings, FPS, EMOTION_NAMES, detector, length=5000, keys=keys)
    assert len(stream.push(voice)) == 1
    np.testing.assert_allclose(stream.finish(), np.full((158, 10), 0.25))


def test_announced_keys_that_never_come_are_an_error(voice):
    stream = EmotionStream(EmotionSource(), Settings(), FPS, NAMES, keys=EmotionAccumulator(10))
    stream.push(voice)
    with pytest.raises(UserError, match="at least one key"):
        stream.finish()


def test_live_keys_of_another_width_are_refused():
    with pytest.raises(UserError, match="10 values"):
        EmotionStream(EmotionSource(), Settings(), FPS, NAMES, keys=EmotionAccumulator(3))


def test_an_end_without_a_voice_gives_no_rows(detector):
    for source in (EmotionSource(), EmotionSource(mode="frames")):
        rows = EmotionStream(source, Settings(), FPS, NAMES, detector).finish()
        assert rows.shape == (0, 4)


def test_a_timeline_is_done_frame_by_frame_live(detector, voice):
    live, frames = (
        pushed(EmotionStream(EmotionSource(mode=mode), Settings(), FPS, NAMES, detector), voice, [])
        for mode in ("keys", "frames")
    )
    np.testing.assert_array_equal(live, frames)


def test_memory_does_not_grow_with_the_voice(detector):
    stream = EmotionStream(
        EmotionSource(mode="frames"), Settings(), FPS, NAMES, detector, length=5000, skip=0
    )
    block = np.zeros(1600, np.float32)
    for _ in range(300):
        stream.push(block)
    assert len(stream._buffer) < 5000 + 1600 + 534 and len(stream._logits) == 1
