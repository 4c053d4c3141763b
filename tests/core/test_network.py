# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import references
import stub_diffusion
import stubs
from facewright.core import limits
from facewright.core.emotion.track import EmotionTrack, constant
from facewright.core.errors import Cancelled, UserError
from facewright.core.models.model import load_model, settings_for
from facewright.core.network import listening as network
from facewright.core.network.lanes import one_by_one
from facewright.core.network.running import Meter, real_time
from facewright.core.voice.audio import Clip
from facewright.core.windows import plan_windows


@pytest.fixture(scope="module")
def session(model):
    return network.open_session(model, threads=1)


@pytest.fixture(scope="module")
def diffusion_stub(tmp_path_factory):
    return stub_diffusion.make_stub_diffusion(tmp_path_factory.mktemp("diffusion") / "m")


@pytest.fixture(scope="module")
def clip():
    return Clip(stubs.speech_like(0.9).astype(np.float32), "voice", "")


def run(session, model, clip, fps=Fraction(30), settings=None, emotion=None, **rest):
    values = settings_for(model, settings or {})
    plan = plan_windows(len(clip.samples), fps, 8320, 4160, values.prediction_delay)
    track = emotion or constant(values.emotion(model.info.emotions))
    return network.listen(session, model, clip, fps, track, values, **rest), plan


def closed_form(stub, clip, plan, gain, emotions):
    loudness = [
        np.abs(references.window(clip.samples, int(start), 8320, gain)).mean()
        for start in plan.starts
    ]
    return stub.result(np.array(loudness), emotions)


def rows(motion):
    count = motion.frame_count
    parts = (motion.skin, motion.tongue, motion.jaw.reshape(count, -1),
             motion.eyes.reshape(count, -1))  # fmt: skip
    return np.concatenate(parts, axis=1)


def test_the_motion_is_the_networks_closed_form(stub, model, session, clip):
    overrides = {"input_strength": 1.5, "emotion_joy": 0.5, "prediction_delay": 0.1}
    motion, plan = run(session, model, clip, settings=overrides)
    emotions = np.zeros((plan.frame_count, 26))
    emotions[:, :16] = stub.emo_db[3]  # the model's own source shot and frame
    emotions[:, 16 + 6] = 0.5
    np.testing.assert_allclose(
        rows(motion), closed_form(stub, clip, plan, 1.5, emotions), atol=1e-5
    )
    assert motion.jaw.shape == (27, 5, 3)
    assert motion.eyes.shape == (27, 2, 2)


def test_emotion_keys_reach_the_frames_at_their_times(stub, model, session, clip):
    keys = np.zeros((2, 10), np.float32)
    keys[1, 1] = 1.0  # anger from 0 at 0.2 s to 1 at 0.6 s
    motion, plan = run(session, model, clip, emotion=EmotionTrack(np.array([0.2, 0.6]), keys))
    emotions = np.zeros((plan.frame_count, 26))
    emotions[:, :16] = stub.emo_db[3]
    emotions[:, 17] = np.clip((plan.targets / 16000 - 0.2) / 0.4, 0, 1)
    np.testing.assert_allclose(
        rows(motion), closed_form(stub, clip, plan, 1.0, emotions), atol=1e-5
    )


def test_doubling_the_frame_rate_keeps_the_frames_at_common_times(model, session, clip):
    slow, _ = run(session, model, clip, Fraction(30))
    fast, _ = run(session, model, clip, Fraction(60))
    np.testing.assert_allclose(rows(fast)[::2], rows(slow), atol=1e-6)


def test_the_same_input_gives_the_same_bits(model, clip):
    one, _ = run(network.open_session(model, 1), model, clip, Fraction(60000, 1001))
    two, _ = run(network.open_session(model, 2), model, clip, Fraction(60000, 1001))
    np.testing.assert_array_equal(rows(one), rows(two))


def test_progress_rises_to_one_and_cancelling_stops_between_batches(model, session, clip):
    shares = []
    run(session, model, clip, Fraction(300), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) == 5  # 270 frames, at most 64 at once
    shares.clear()
    with pytest.raises(Cancelled):
        run(session, model, clip, Fraction(300), progress=shares.append, cancelled=lambda: shares)
    assert len(shares) == 1


def test_the_networks_time_is_measured(model, session, clip):
    meter = Meter()
    motion, _ = run(session, model, clip, Fraction(60), meter=meter)
    assert meter.frames == motion.frame_count == 54
    assert meter.seconds > 0
    assert meter.ms_per_frame == pytest.approx(1000 * meter.seconds / 54)
    assert real_time(meter.ms_per_frame, Fraction(60)) == pytest.approx(0.9 / meter.seconds)


def test_a_frame_does_not_depend_on_its_batch_or_place_in_it(model, session, clip, monkeypatch):
    whole, _ = run(session, model, clip, Fraction(60))
    for size in (1, 7):
        monkeypatch.setattr(limits, "LIGHT_NETWORK_BATCH", size)
        parts, _ = run(session, model, clip, Fraction(60))
        np.testing.assert_allclose(rows(parts), rows(whole), atol=1e-6)


def backwards(work, items, waiting):
    """A spread that does the last item first."""
    items = list(items)
    done = {place: work(items[place]) for place in reversed(range(len(items)))}
    for place in range(len(items)):
        waiting()
        yield done[place]


@pytest.mark.parametrize("frames", [1, 64, 65, 270])
def test_batches_may_be_done_in_any_order(model, session, frames):
    clip = Clip(np.full(frames * 16000 // 300, 0.5, np.float32), "voice", "")
    shares, meter = [], Meter()
    meter.progress = shares.append
    one, _ = run(session, model, clip, Fraction(300))
    other, _ = run(replace(session, spread=backwards), model, clip, Fraction(300), meter=meter)
    np.testing.assert_array_equal(rows(one), rows(other))
    assert len(shares) == math.ceil(frames / 64)
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert meter.frames == frames


def test_a_spread_is_for_light_networks_on_the_cpu_alone(model, diffusion_stub, monkeypatch):
    def spread_of(one):
        return network.open_session(one, 2, spread=backwards).spread

    assert spread_of(model) is backwards
    assert network.open_session(model, 2).spread is one_by_one
    assert spread_of(load_model(diffusion_stub.folder)) is one_by_one
    opened = network.open_session(model, 2, spread=backwards)
    assert opened.session.get_session_options().intra_op_num_threads == 1
    monkeypatch.setattr(limits, "LIGHT_NETWORK_BYTES", 1)
    assert spread_of(model) is one_by_one
    opened = network.open_session(model, 2, spread=backwards)
    assert opened.session.get_session_options().intra_op_num_threads == 2


def test_time_of_runs_side_by_side_counts_once(monkeypatch):
    clock = iter([1.0, 5.0, 2.0, 6.0, 3.0, 4.0, 9.0, 9.5])  # begin and end of four runs
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    whole = Meter()
    for _ in range(4):
        part = Meter(frames=2)
        part.timed(lambda: None)
        whole.join(part)
    assert whole.seconds == 5.5
    assert whole.frames == 8


def test_the_first_and_the_last_window_are_filled_with_silence(stub, model, session):
    short = Clip(np.full(100, 0.5, np.float32), "voice", "")
    motion, _ = run(session, model, short, Fraction(100))
    assert motion.frame_count == 1
    emotions = np.zeros((1, 26))
    emotions[:, :16] = stub.emo_db[3]
    expected = stub.result(np.array([0.5 * 100 / 8320]), emotions)
    np.testing.assert_allclose(rows(motion), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("names", "says"),
    [({"input": "audio"}, "no tensor called 'input'"), ({"result": "out"}, "called 'result'")],
)
def test_tensor_names_are_checked_before_use(tmp_path, stub, names, says):
    data = stubs.stub_network(stub.voice_gain, stub.emotion_gain, **names)
    stubs.make_stub_model(tmp_path / "m", network=data)
    with pytest.raises(UserError, match=says):
        network.open_session(load_model(tmp_path / "m"))


@pytest.mark.parametrize("part", ["window", "emotion", "result"])
def test_tensor_shapes_are_checked_before_use(tmp_path, stub, part):
    voice, emotion, window = stub.voice_gain, stub.emotion_gain, 8320
    if part == "window":
        window = 8000
    elif part == "emotion":
        emotion = emotion[:-1]
    else:
        voice, emotion = voice[:-1], emotion[:, :-1]
    stubs.make_stub_model(tmp_path / "m", network=stubs.stub_network(voice, emotion, window))
    with pytest.raises(UserError, match=r"does not fit its network_info\.json"):
        network.open_session(load_model(tmp_path / "m"))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("window", "no tensor called 'window'"),
        ("noise", "no tensor called 'noise'"),
        ("output_latents", "no tensor called 'output_latents'"),
    ],
)
def test_a_diffusion_networks_tensor_names_are_checked(tmp_path, diffusion_stub, name, says):
    data = stub_diffusion.stub_diffusion_network(diffusion_stub, **{name: "other"})
    stub_diffusion.make_stub_diffusion(tmp_path / "m", network=data)
    with pytest.raises(UserError, match=says):
        network.open_session(load_model(tmp_path / "m"))


@pytest.mark.parametrize(
    "change",
    [
        {"num_diffusion_steps": 3},
        {"num_gru_layers": 3},
        {"gru_latent_dim": 128},
        {"num_frames_left_truncate": 10, "num_frames_center": 20, "num_frames_right_truncate": 10},
        {"num_frames_left_truncate": 20, "num_frames_center": 15, "num_frames_right_truncate": 25},
    ],
)
def test_a_diffusion_networks_tensor_shapes_are_checked(tmp_path, change):
    stub_diffusion.make_stub_diffusion(tmp_path / "m", info=change)
    with pytest.raises(UserError, match=r"does not fit its network_info\.json"):
        network.open_session(load_model(tmp_path / "m"))


def test_a_network_that_the_runtime_refuses_is_one_sentence(tmp_path):
    node = stubs.onnx_node("NoSuchOperator", ["input"], ["result"])
    data = stubs.onnx_model([node], [], {"input": ("batch", 1, 8320)}, {"result": ("batch", 1, 28)})
    stubs.make_stub_model(tmp_path / "m", network=data)
    with pytest.raises(UserError, match=r"network\.onnx cannot be opened") as caught:
        network.open_session(load_model(tmp_path / "m"))
    assert "\n" not in str(caught.value)


def test_results_that_are_no_numbers_are_refused(tmp_path, stub, clip):
    gain = stub.voice_gain.copy()
    gain[0] = np.inf
    data = stubs.stub_network(gain, stub.emotion_gain)
    stubs.make_stub_model(tmp_path / "m", network=data)
    model = load_model(tmp_path / "m")
    with pytest.raises(UserError, match="not numbers"):
        run(network.open_session(model), model, clip)
