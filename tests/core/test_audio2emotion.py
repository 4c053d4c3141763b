# SPDX-License-Identifier: GPL-3.0-or-later
"""Running an Audio2Emotion network whose output is known in closed form."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import references
from facewright.core.emotion.detection import (
    LONGEST,
    SHORTEST,
    Detector,
    default_skip,
    detect_frames,
    detect_keys,
    frame_windows,
    open_emotion_session,
)
from facewright.core.errors import Cancelled, UserError
from facewright.core.models.model import load_emotion_model
from facewright.core.network.devices import OpenNetwork
from facewright.core.parameters import Settings
from onnx_writer import onnx_model, onnx_node, onnx_tensors
from stub_emotion import LABELS, make_stub_emotion, stub_emotion_network
from stubs import speech_like

FPS = Fraction(30)
TOLERANCE = 2e-4  # the stub sums up to 60,000 float32 values


@pytest.fixture(scope="module")
def emotion_stub(tmp_path_factory):
    return make_stub_emotion(tmp_path_factory.mktemp("emotion") / "stub")


@pytest.fixture(scope="module")
def detector(emotion_stub):
    model = load_emotion_model(emotion_stub.folder)
    return Detector(model, open_emotion_session(model, 1))


@pytest.fixture(scope="module")
def voice():
    """Five seconds that get louder, not a whole number of frames long."""
    samples = speech_like(5.013)
    return (samples * np.linspace(0.05, 3.0, len(samples))).astype(np.float32)


def heard_at(stub, samples, middle, length):
    """Logits of one window of ``length`` samples centred on a sample, silence outside."""
    window = references.window(samples, middle - length // 2, length, 1.0)
    return stub.output(window[None])[0]


# ---- windows frame by frame ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fps", "length", "skip"),
    [
        (Fraction(30), 60000, 30),  # as the published sample
        (Fraction(30), 10000, 9),
        (Fraction(60), 5000, 0),
        (Fraction(24000, 1001), 30001, 4),
        (Fraction(24), 60000, None),
    ],
)
def test_each_frame_has_the_window_of_its_group(emotion_stub, detector, voice, fps, length, skip):
    found = detect_frames(detector, voice, fps, length, skip)
    count = math.ceil(len(voice) * fps / 16000)
    assert found.logits.shape == (count, 6) and found.logits.dtype == np.float32
    assert found.mode == "frames" and found.fps == fps and found.targets == (1, 3, 4, 6, -1, 9)
    np.testing.assert_array_equal(
        found.samples, [math.floor(i * 16000 / fps) for i in range(count)]
    )
    group = (24 if skip is None else skip) + 1
    for i in (0, 1, group - 1, group, 2 * group + 1, count - 1):
        if i < count:
            middle = math.floor(i // group * group * 16000 / fps)
            expected = heard_at(emotion_stub, voice, middle, length)
            np.testing.assert_allclose(found.logits[i], expected, atol=TOLERANCE)


class Recorder:
    """A session that keeps what it was given."""

    def __init__(self, session):
        self.session, self.batches = session, []

    def __getattr__(self, name):
        return getattr(self.session, name)

    def run(self, outputs, feeds):
        self.batches.append(feeds["input_values"].copy())
        return self.session.run(outputs, feeds)


@pytest.mark.parametrize(("fps", "length", "skip"), [(30, 5001, 8), (60, 60000, 30), (7, 9999, 2)])
def test_the_network_is_given_exactly_these_windows(detector, voice, fps, length, skip):
    recorder = Recorder(detector.network.session)
    detect_frames(
        Detector(detector.model, OpenNetwork(recorder)), voice, FPS * fps / 30, length, skip
    )
    count = math.ceil(len(voice) * Fraction(fps, 16000) / (skip + 1))
    expected = [
        references.window(voice, 16000 * j * (skip + 1) // fps - length // 2, length, 1.0)
        for j in range(count)
    ]
    np.testing.assert_array_equal(np.concatenate(recorder.batches), expected)
    assert max(len(batch) for batch in recorder.batches) <= 4  # memory stays as it is


@pytest.mark.parametrize("fps", [1, 5, 24, 25, 30, 60, 1000])
@pytest.mark.parametrize("length", [5000, 22400, 60000])
def test_the_default_leaves_no_part_of_the_voice_out(fps, length):
    skip = default_skip(Fraction(fps), length)
    if 16000 / fps <= length:
        windows = frame_windows(Fraction(fps), length, skip)
        assert windows.stride <= length
        assert windows.start == -(length // 2) and windows.target == length // 2
    assert default_skip(Fraction(30)) == 30


@pytest.mark.parametrize(("fps", "length", "skip"), [(30, 5000, 10), (2, 5000, 0), (30, 5000, -1)])
def test_windows_that_leave_gaps_are_refused(detector, voice, fps, length, skip):
    with pytest.raises(UserError, match="cannot be detected every"):
        detect_frames(detector, voice, Fraction(fps), length, skip)


def test_a_window_of_the_stride_alone_is_accepted(detector, voice):
    assert len(detect_frames(detector, voice, Fraction(32), 5000, 9).logits) > 0


@pytest.mark.parametrize(("wanted", "given"), [(1, SHORTEST), (22400, 22400), (10**6, LONGEST)])
def test_the_length_of_a_window_has_limits(detector, wanted, given):
    assert detector.length(wanted) == given
    assert (SHORTEST, LONGEST) == (5000, 60000)


# ---- windows of keys ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "reach", "length"), [(1.0, 1.4, 22400), (0.3, 0.5, 8000), (4.0, 3.75, 60000)]
)
def test_keys_are_heard_around_their_own_time(
    emotion_stub, detector, voice, interval, reach, length
):
    settings = Settings(key_interval=interval, detection_range=reach)
    found = detect_keys(detector, voice, settings)
    duration = len(voice) / 16000
    count = math.ceil(duration / interval) + 1
    assert found.mode == "keys" and found.fps is None
    np.testing.assert_allclose(found.samples / 16000, interval * np.arange(count), atol=1e-9)
    assert found.samples[-2] < len(voice) <= found.samples[-1]
    for key, middle in enumerate(found.samples):
        expected = heard_at(emotion_stub, voice, int(middle), length)
        np.testing.assert_allclose(found.logits[key], expected, atol=TOLERANCE)


def test_a_key_on_the_very_end_is_the_last(detector):
    found = detect_keys(detector, np.zeros(32000, np.float32), Settings())
    np.testing.assert_array_equal(found.samples, [0, 16000, 32000])


def test_an_interval_that_went_through_single_precision_is_exact(detector):
    settings = Settings(key_interval=float(np.float32(0.1)))
    found = detect_keys(detector, np.zeros(160_000, np.float32), settings)
    np.testing.assert_array_equal(found.samples, np.arange(101) * 1600)


@pytest.mark.parametrize("count", [1, 100, 7999])
def test_short_clips_are_heard_too(detector, count):
    samples = np.full(count, 0.5, np.float32)
    assert np.isfinite(detect_frames(detector, samples, FPS).logits).all()
    assert len(detect_keys(detector, samples, Settings()).samples) == 2


# ---- the voice as it is -------------------------------------------------------------------------


def test_silence_and_full_scale_are_heard(emotion_stub, detector):
    for level in (0.0, 1.0):
        found = detect_frames(detector, np.full(20000, level, np.float32), FPS, 5000, 0)
        expected = heard_at(emotion_stub, np.full(20000, level), 0, 5000)
        np.testing.assert_allclose(found.logits[0], expected, atol=TOLERANCE)


def test_the_labels_may_have_any_order(tmp_path, detector, voice):
    order = tuple(reversed(LABELS))
    model = load_emotion_model(make_stub_emotion(tmp_path / "turned", labels=order).folder)
    turned = Detector(model, open_emotion_session(model, 1))
    one, other = (detect_frames(each, voice, FPS) for each in (detector, turned))
    np.testing.assert_allclose(other.logits, one.logits[:, ::-1], atol=1e-5)
    assert other.targets == one.targets[::-1]


# ---- progress, cancel ---------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [False, True])
def test_progress_grows_to_one_and_cancel_stops(detector, voice, keys):
    def run(progress=None, cancelled=None):
        if keys:
            return detect_keys(detector, voice, Settings(key_interval=0.1), progress, cancelled)
        return detect_frames(detector, voice, FPS, 5000, 4, progress, cancelled)

    told = []
    run(told.append)
    assert told == sorted(told) and told[-1] == 1.0 and len(told) > 5
    seen = []
    with pytest.raises(Cancelled):
        run(seen.append, lambda: len(seen) == 2)
    assert len(seen) == 2


# ---- networks that do not fit -------------------------------------------------------------------


def opened(tmp_path, data):
    stub = make_stub_emotion(tmp_path / "odd", network=data)
    model = load_emotion_model(stub.folder)
    return Detector(model, open_emotion_session(model, 1))


def simple(inputs, outputs, extra=()):
    """A network that gives a constant row per window, with the axes it is told to have."""
    nodes = [
        onnx_node("ReduceMean", ["input_values"], ["mean"], axes=[1], keepdims=1),
        onnx_node("MatMul", ["mean", "row"], ["output"]),
    ]
    tensors = onnx_tensors({"row": np.arange(outputs["output"][1])[None].astype(float)})
    return onnx_model(nodes, tensors, {**inputs, **dict(extra)}, outputs)


@pytest.mark.parametrize("renamed", ["input_values", "output"])
def test_tensors_of_other_names_are_refused(tmp_path, emotion_stub, renamed):
    data = stub_emotion_network(emotion_stub, **{renamed: "other"})
    with pytest.raises(UserError, match=f"no tensor called '{renamed}'"):
        opened(tmp_path, data)


@pytest.mark.parametrize(
    ("inputs", "outputs", "says"),
    [
        (("batch", "length"), ("batch", 5), "'output' is .* instead of .batch, 6"),
        (("batch", 1000), ("batch", 6), "'input_values' is"),
        ((1, "length"), (1, 6), "'input_values' is"),
    ],
)
def test_tensors_of_other_shapes_are_refused(tmp_path, inputs, outputs, says):
    with pytest.raises(UserError, match=says):
        opened(tmp_path, simple({"input_values": inputs}, {"output": outputs}))


def test_unknown_inputs_are_refused(tmp_path):
    data = simple(
        {"input_values": ("batch", "length")}, {"output": ("batch", 6)}, {"mask": ("batch", 1)}
        .items(),
    )  # fmt: skip
    with pytest.raises(UserError, match="unknown inputs: mask"):
        opened(tmp_path, data)


def test_another_sample_rate_is_refused(emotion_stub):
    model = replace(load_emotion_model(emotion_stub.folder), sample_rate=8000)
    with pytest.raises(UserError, match="8000 samples per second"):
        open_emotion_session(model, 1)


def test_a_network_of_one_length_is_given_that_length(tmp_path, voice):
    data = simple({"input_values": ("batch", 8000)}, {"output": ("batch", 6)})
    fixed = opened(tmp_path, data)
    assert fixed.length(60000) == 8000
    expected = voice[:4000].astype(float).sum() / 8000 * np.arange(6)
    for found in (detect_frames(fixed, voice, FPS), detect_keys(fixed, voice, Settings())):
        np.testing.assert_allclose(found.logits[0], expected, atol=1e-6)


def test_a_network_that_is_no_network_is_refused(tmp_path):
    stub = make_stub_emotion(tmp_path / "broken", network=b"\x08\x08broken")
    with pytest.raises(UserError, match=r"network\.onnx"):
        open_emotion_session(load_emotion_model(stub.folder), 1)


def test_the_session_is_where_it_was_asked_for(emotion_stub):
    model = load_emotion_model(emotion_stub.folder)
    assert open_emotion_session(model, 1, "cpu").device == "cpu"
    with pytest.raises(UserError, match="no processor called"):
        open_emotion_session(model, 1, "abacus")


def test_a_network_that_fails_is_named(detector):
    class Failing:
        def __getattr__(self, name):
            return getattr(detector.network.session, name)

        def run(self, outputs, feeds):
            raise RuntimeError("out of memory\nand more")

    failing = Detector(detector.model, OpenNetwork(Failing()))
    with pytest.raises(UserError, match=r"network\.onnx failed: out of memory\."):
        detect_frames(failing, np.zeros(1000, np.float32), FPS)
