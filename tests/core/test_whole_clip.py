# SPDX-License-Identifier: GPL-3.0-or-later
"""A network that slides over the voice gives the frames of the windowed one."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import stubs
from facewright.core import limits
from facewright.core.emotion.track import EmotionTrack, constant
from facewright.core.errors import Cancelled, UserError
from facewright.core.models.model import load_model, settings_for
from facewright.core.network import devices, regression, whole_clip
from facewright.core.network import listening as network
from facewright.core.network.running import Meter
from facewright.core.voice.audio import Clip
from facewright.core.windows import plan_windows

STRIDE = 160
BUILT_IN = Path(__file__).resolve().parents[2] / "models" / "facewright"
FILM, VIDEO = Fraction(24000, 1001), Fraction(60000, 1001)


def clip_network(stub, stride=STRIDE, emotions=None, length=None):
    """The stub's closed form at every ``stride`` samples of a voice."""
    gain = stub.emotion_gain if emotions is None else stub.emotion_gain[:emotions]
    voice = stub.voice_gain[: length or None]
    gain = gain[:, : length or None]
    nodes = [
        stubs.onnx_node("Abs", ["input"], ["loudness"]),
        stubs.onnx_node("AveragePool", ["loudness"], ["mean"], kernel_shape=[8320],
                        strides=[stride]),
        stubs.onnx_node("Transpose", ["mean"], ["column"], perm=[0, 2, 1]),
        stubs.onnx_node("Mul", ["column", "voice_gain"], ["spoken"]),
        stubs.onnx_node("MatMul", ["emotion", "emotion_gain"], ["felt"]),
        stubs.onnx_node("Add", ["spoken", "felt"], ["result"]),
    ]  # fmt: skip
    tensors = [
        stubs.onnx_tensor("voice_gain", voice.astype(np.float32)),
        stubs.onnx_tensor("emotion_gain", gain.astype(np.float32)),
    ]
    return stubs.onnx_model(
        nodes,
        tensors,
        {"input": ("batch", 1, "samples"), "emotion": ("batch", "steps", len(gain))},
        {"result": ("batch", "steps", len(voice))},
    )


def make_folder(folder, data=None, stride=STRIDE):
    stub = stubs.make_stub_model(folder)
    (folder / "clip.onnx").write_bytes(data or clip_network(stub, stride))
    for name, section, values in (
        ("model.json", None, {"clipNetworkPath": "clip.onnx"}),
        ("network_info.json", "audio_params", {"clip_stride": stride}),
    ):
        content = json.loads((folder / name).read_text())
        (content[section] if section else content).update(values)
        (folder / name).write_text(json.dumps(content))
    return stub


def test_a_processor_that_is_not_there_is_told_once_for_both_networks(tmp_path):
    make_folder(tmp_path / "m")
    absent = next(info for info in devices.list_devices() if not info.usable)
    opened = network.open_session(load_model(tmp_path / "m"), 1, absent.name)
    (notice,) = opened.notices
    assert opened.clip is not None and "runs on CPU" in notice


@pytest.fixture(scope="module")
def sliding(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip") / "m"
    make_folder(folder)
    model = load_model(folder)
    return model, network.open_session(model, 1)


@pytest.fixture(scope="module")
def clip():
    return Clip(stubs.speech_like(2.7).astype(np.float32), "voice", "")


def both_ways(sliding, clip, fps, emotion=None, **overrides):
    """Rows of the sliding and of the windowed network."""
    model, opened = sliding
    values = settings_for(model, overrides)
    track = emotion or constant(values.emotion(model.info.emotions))
    plan = plan_windows(len(clip.samples), fps, 8320, 4160, values.prediction_delay)
    rows = regression.emotion_rows(model, plan.targets, track, values)
    asked = (opened, model, clip.samples, plan, rows, values.input_strength)
    return whole_clip.slid(*asked, Meter()), regression.windowed(*asked, Meter())


@pytest.mark.parametrize("fps", [Fraction(n) for n in (24, 25, 30, 48, 50, 60, 100)])
def test_the_frames_are_those_of_the_windows(sliding, clip, fps):
    one, other = both_ways(sliding, clip, fps)
    np.testing.assert_allclose(one, other, atol=2e-6)


@pytest.mark.parametrize("delay", [0.123, -0.2])
def test_gain_and_delay_are_the_same(sliding, clip, delay):
    one, other = both_ways(sliding, clip, Fraction(30), input_strength=1.4, prediction_delay=delay)
    np.testing.assert_allclose(one, other, atol=2e-6)


@pytest.mark.parametrize("fps", [Fraction(30), Fraction(60)])
def test_the_built_in_models_two_networks_say_the_same(clip, fps):
    model = load_model(BUILT_IN)
    opened = network.open_session(model, 1)
    assert opened.clip is not None
    keys = np.random.default_rng(0).uniform(0, 1, (3, 10)).astype(np.float32)
    track = EmotionTrack(np.array([0.1, 1.0, 2.0]), keys)
    one, other = both_ways((model, opened), clip, fps, emotion=track)
    np.testing.assert_allclose(one, other, atol=1e-5 * np.abs(other).max())


def test_emotion_that_changes_reaches_each_frame(sliding, clip):
    keys = np.random.default_rng(0).uniform(0, 1, (5, 10)).astype(np.float32)
    track = EmotionTrack(np.array([0.1, 0.6, 0.61, 1.7, 2.4]), keys)
    one, other = both_ways(sliding, clip, Fraction(60), emotion=track)
    np.testing.assert_allclose(one, other, atol=2e-6)
    assert np.ptp(one, axis=0).max() > 0.1


def test_a_long_voice_in_parts_equals_one_part(sliding, clip, monkeypatch):
    whole, _ = both_ways(sliding, clip, Fraction(60))
    for samples in (1, 3000, 16001):
        monkeypatch.setattr(limits, "CLIP_PART_SAMPLES", samples)
        parts, _ = both_ways(sliding, clip, Fraction(60))
        np.testing.assert_allclose(parts, whole, atol=2e-6)


def test_an_hour_never_goes_to_the_network_at_once(sliding, monkeypatch):
    model, opened = sliding
    lengths = []

    class Session:
        def run(self, names, feeds):
            lengths.append(feeds["input"].shape[-1])
            return opened.clip.run(names, feeds)

    voice = np.zeros(16000 * 65, np.float32)
    plan = plan_windows(len(voice), Fraction(30), 8320, 4160)
    rows = np.zeros((plan.frame_count, 26), np.float32)
    listener = replace(opened, clip=Session())
    whole_clip.slid(listener, model, voice, plan, rows, 1.0, Meter())
    assert len(lengths) == 7 * 3  # seven parts of 10 s, three phases each
    assert max(lengths) <= limits.CLIP_PART_SAMPLES + 8320


def test_common_rates_have_few_phases_and_film_rates_too_many():
    def phases(fps):
        plan = plan_windows(160_000, fps, 8320, 4160)
        return len(set((plan.starts % STRIDE).tolist()))

    assert {fps: phases(Fraction(fps)) for fps in (24, 25, 30, 50, 60)} == {
        24: 6, 25: 1, 30: 3, 50: 1, 60: 3,
    }  # fmt: skip
    for fps, fits in ((Fraction(60), True), (FILM, False), (VIDEO, False)):
        plan = plan_windows(160_000, fps, 8320, 4160)
        assert whole_clip.suits(plan, STRIDE) is fits
    assert not whole_clip.suits(plan_windows(1000, Fraction(60), 8320, 4160), 0)


@pytest.mark.parametrize("fps", [Fraction(30), FILM])
def test_listening_takes_the_way_that_suits_and_says_the_same(sliding, clip, fps):
    model, opened = sliding
    values = settings_for(model, {})
    track = constant(values.emotion(model.info.emotions))
    plain = replace(opened, clip=None)
    shares, meter = [], Meter()
    one = network.listen(opened, model, clip, fps, track, values, shares.append, meter=meter)
    other = network.listen(plain, model, clip, fps, track, values)
    np.testing.assert_allclose(one.skin, other.skin, atol=2e-6)
    np.testing.assert_allclose(one.eyes, other.eyes, atol=2e-6)
    assert shares[-1] == 1.0 and meter.frames == one.frame_count


def test_cancelling_stops_between_parts(sliding, clip):
    model, opened = sliding
    values = settings_for(model, {})
    with pytest.raises(Cancelled):
        network.listen(
            opened, model, clip, Fraction(30), constant([0.0] * 10), values,
            cancelled=lambda: True,
        )  # fmt: skip


@pytest.mark.parametrize("change", [{"emotions": 25}, {"length": 27}])
def test_a_clip_network_that_does_not_fit_is_refused(tmp_path, stub, change):
    make_folder(tmp_path / "m", clip_network(stub, **change))
    with pytest.raises(UserError, match=r"clip\.onnx does not fit"):
        network.open_session(load_model(tmp_path / "m"))
