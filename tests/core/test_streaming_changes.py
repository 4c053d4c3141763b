# SPDX-License-Identifier: GPL-3.0-or-later
"""A live face: how long it waits, what may change meanwhile, and what the low delay keeps."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import stub_diffusion
import stub_emotion
import stubs
from facewright.core.emotion.detection import Detector, detect_frames, open_emotion_session
from facewright.core.emotion.mixing import EmotionMixer, MixSettings
from facewright.core.emotion.source import EmotionSource
from facewright.core.emotion.stream import EmotionStream
from facewright.core.errors import UserError
from facewright.core.models.model import load_emotion_model, load_model
from facewright.core.network import listening as network
from facewright.core.network import regression, running
from facewright.core.parameters import Settings
from facewright.core.pipeline import open_model
from facewright.core.streaming import LiveFace
from facewright.core.take import Loaded, Request
from facewright.core.voice.audio import Voice
from facewright.core.workbench import Workbench

FPS = Fraction(50)  # a frame every 320 samples
STILL: dict[str, object] = {"blink_interval": 0.0, "saccade_strength": 0.0}


@pytest.fixture(scope="module")
def low(tmp_path_factory):
    folder = tmp_path_factory.mktemp("low") / "m"
    return open_model(stubs.make_stub_model(folder, live_offset=6_720).folder, low_delay=True)


@pytest.fixture(scope="module")
def diffusion(tmp_path_factory):
    made = stub_diffusion.make_stub_diffusion(tmp_path_factory.mktemp("diffusion") / "m")
    model = load_model(made.folder, "James")
    return Loaded(model, network.open_session(model, 1))


def sound(seconds=2.0):
    return stubs.speech_like(seconds).astype(np.float32)


@pytest.mark.parametrize("delay_s", [0.0, 0.05])
def test_a_frame_is_there_when_what_it_waits_for_was_heard(low, delay_s):
    face = LiveFace(low, FPS, {**STILL, "prediction_delay": delay_s})
    assert face.ahead_s == pytest.approx(0.1 - delay_s)
    needed = round(16_000 * face.ahead_s) + 10 * 320  # by frame 10
    first = face.push(sound()[: needed - 1])
    assert first.frame_count == 10
    assert face.push(sound()[needed - 1 : needed]).frame_count == 1


def test_the_first_frame_of_a_diffusion_run_waits_longest(diffusion):
    face = LiveFace(diffusion, Fraction(60), STILL)
    needed = round(16_000 * face.ahead_s)
    waits = []
    samples = sound(4.0)
    for at in range(0, len(samples), 160):
        before = face.state.frame
        face.push(samples[at : at + 160])
        if face.state.frame > before:
            waits.append(at + 160 - before * 16_000 / 60)
    assert max(waits) == pytest.approx(needed, abs=160 + 1)


def test_values_after_the_network_change_from_the_next_frame_on(low):
    changed = {**STILL, "skin_strength": 0.4, "head_motion": True, "head_motion_seed": 3}
    face, whole = LiveFace(low, FPS, STILL), LiveFace(low, FPS, changed)
    samples = sound()
    first = face.push(samples[:16_000])
    face.change(changed)
    second = face.push(samples[16_000:])
    expected = whole.push(samples)
    before = first.frame_count
    assert first.head is None
    np.testing.assert_array_equal(second.head, expected.head[before:])
    # smoothing and the solve go on from where they were: the end is the other face's
    np.testing.assert_allclose(second.weights[-20:], expected.weights[-20:], atol=1e-4)
    assert np.abs(first.weights - expected.weights[:before]).max() > 0.01


def test_what_comes_before_the_network_stays(low):
    face, same = LiveFace(low, FPS, STILL), LiveFace(low, FPS, STILL)
    samples = sound()
    for bad in ({"input_strength": 1.3}, {"prediction_delay": 0.1}, {"skin_strength": "much"}):
        with pytest.raises(UserError):
            face.change({**STILL, **bad})
    with pytest.raises(UserError, match=r"Input Strength .*Start live mode again"):
        face.change({**STILL, "input_strength": 1.3})
    np.testing.assert_array_equal(face.push(samples).weights, same.push(samples).weights)


def test_emotion_that_is_set_by_hand_may_change(low):
    face, glad = LiveFace(low, FPS, STILL), LiveFace(low, FPS, {**STILL, "emotion_joy": 1.0})
    samples = sound()
    face.push(samples[:16_000])
    face.change({**STILL, "emotion_joy": 1.0})
    found, expected = face.push(samples[16_000:]), glad.push(samples)
    np.testing.assert_allclose(found.weights[-20:], expected.weights[-20:], atol=1e-4)


def test_emotion_that_is_detected_stays_so(low, tmp_path):
    stub_emotion.make_stub_emotion(tmp_path)
    model = load_emotion_model(tmp_path)
    loaded = Loaded(low.model, low.network, model, open_emotion_session(model, 1))
    face = LiveFace(loaded, FPS, STILL, emotion=EmotionSource(mode="frames"), ahead=1_600)
    face.change({**STILL, "skin_strength": 0.5})
    with pytest.raises(UserError, match="cannot change while a voice comes in"):
        face.change({**STILL, "emotion_joy": 1.0})


@pytest.mark.parametrize("ahead", [0, 1_600, 40_000])
def test_a_take_of_low_delay_hears_what_a_live_face_could(tmp_path, ahead):
    stub_emotion.make_stub_emotion(tmp_path)
    model = load_emotion_model(tmp_path)
    detector = Detector(model, open_emotion_session(model, 1))
    samples, fps = sound(9.0), Fraction(30)
    settings = Settings()
    found = detect_frames(detector, samples, fps, ahead=ahead)
    mix = MixSettings.of(settings, found.targets, None)
    rows, _ = EmotionMixer(mix, fps).block(found.logits, None)
    names = tuple(stubs.EMOTIONS)
    live = EmotionStream(EmotionSource(mode="frames"), settings, fps, names, detector, ahead=ahead)
    parts = [live.push(samples[at : at + 999]) for at in range(0, len(samples), 999)]
    heard = np.concatenate([*parts, live.finish()])
    np.testing.assert_allclose(heard, rows, atol=1e-6)


def test_a_network_of_low_delay_is_asked_one_frame_at_a_time(low, monkeypatch, tmp_path):
    sizes = []
    run = running.run

    def spy(session, output, feeds, path, meter):
        sizes.append(len(feeds["input"]))
        return run(session, output, feeds, path, meter)

    monkeypatch.setattr(regression, "run", spy)
    path = stubs.write_wav(tmp_path / "voice.wav", sound(1.0), bits=32)
    Workbench(low).face(Request(Voice(path=str(path)), "", FPS, STILL))
    assert sizes == [1] * 50
    plain = open_model(low.model.folder)
    Workbench(plain).face(Request(Voice(path=str(path)), "", FPS, STILL))
    assert sizes[50] > 1


def test_a_model_says_how_far_it_looks_ahead(low):
    plain = load_model(low.model.folder)
    assert (low.model.live, low.model.ahead) == (True, 8_320 - 6_720)
    assert (plain.live, plain.ahead) == (False, 8_320 - 4_160)
