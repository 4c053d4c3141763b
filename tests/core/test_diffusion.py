# SPDX-License-Identifier: GPL-3.0-or-later
"""Diffusion models: which frames come from which inference, and the state carried along."""

from __future__ import annotations

import gc
import math
from dataclasses import replace

import numpy as np
import pytest
import references
import stub_diffusion
import stubs
from diffusion_runs import frames, listen, settings_of
from facewright.core.emotion.track import EmotionTrack, constant
from facewright.core.errors import Cancelled, UserError
from facewright.core.models.model import load_model
from facewright.core.motion import joined
from facewright.core.network import diffusion
from facewright.core.network import listening as network
from facewright.core.network.compact import TOLERANCE
from facewright.core.network.running import Meter
from facewright.core.voice.audio import Clip

CLOSE = 2.5 * TOLERANCE  # the coefficients' tolerance, and rounding inside the network


def inference_noise(model, settings, index):
    key = index if settings.fresh_noise else None
    return diffusion.noise_for(model, settings.noise_seed, key).astype(float)


def reference(stub, model, clip, emotion, settings):
    """The published rules, one inference and one frame at a time, float64."""
    count, rows = len(clip.samples), []
    fps = stub.frames * 16000 / stub.window
    stride = stub.window * stub.center // stub.frames
    person = np.zeros((1, len(stub.identities)))
    person[0, model.identity_index] = 1.0
    latents, index = stub.latents().astype(float), 0
    while len(rows) < math.ceil(count * fps / 16000):
        start = index * stride - stub.window - round(settings.prediction_delay * 16000)
        window = references.window(clip.samples, start, stub.window, settings.input_strength)
        first = index * stub.center - (stub.frames - stub.left)
        targets = np.array([math.floor((first + j) * 16000 / fps) for j in range(stub.center)])
        prediction, latents = stub.result(
            window[None], person, emotion.sample(targets / 16000)[None].astype(float), latents,
            inference_noise(model, settings, index),
        )  # fmt: skip
        kept = prediction[0, stub.left : stub.left + stub.center]
        rows += [row for row, at in zip(kept, targets, strict=True) if 0 <= at < count]
        index += 1
    return np.array(rows)


def check(stub, model, clip, motion, emotion=None, settings=None):
    values = settings or settings_of(model)
    track = emotion or constant(values.emotion(model.info.emotions))
    expected = reference(stub, model, clip, track, values)
    found = frames(model, motion)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=CLOSE)


# ---- frames and samples ------------------------------------------------------------------------


def test_frame_counts_of_diffusion_follow_the_voices_length(james):
    timing = diffusion.timing_of(james)
    rng = np.random.default_rng(0)
    for samples in rng.integers(1, 200_000, 2000).tolist():
        count = math.ceil(samples * 60 / 16000)
        total = timing.inferences(count)
        kept = [frame for k in range(total) for frame in timing.usable(k, count)]
        assert kept == list(range(count))
        # As the published rule says it: windows exist while they speak for a sample of the voice
        assert total == timing.windows.closed_count(samples)


def test_first_executions_of_diffusion_give_0_then_15_then_30_frames(james):
    timing = diffusion.timing_of(james)
    assert [len(timing.usable(k, 1000)) for k in range(5)] == [0, 15, 30, 30, 30]


def test_frame_timestamps_of_diffusion_are_integer_floors(james):
    timing = diffusion.timing_of(james)
    stamps = {}
    for k in range(40):
        targets = timing.targets(k)
        assert targets.tolist() == [k * 8000 - 12000 + math.floor(j * 800 / 3) for j in range(30)]
        stamps.update(zip(range(k * 30 - 45, k * 30 - 15), targets.tolist(), strict=True))
    assert [stamps[i] for i in range(1000)] == [math.floor(i * 16000 / 60) for i in range(1000)]


def test_windows_of_diffusion_are_the_published_ones(james):
    timing = diffusion.timing_of(james)
    assert timing.windows.open_count(16000) == 3
    assert [timing.windows.start_of(k) for k in range(3)] == [-16000, -8000, 0]
    assert timing.windows.target_of(0) == -12000


@pytest.mark.parametrize("samples", [1, 266, 267, 8000, 8001, 12345])
def test_short_voices_have_their_frames(diffusion_stub, james, james_network, samples):
    clip = Clip(stubs.speech_like(1.0)[:samples].astype(np.float32), "voice", "")
    motion = listen(james_network, james, clip)
    assert motion.frame_count == math.ceil(samples * 60 / 16000)
    assert motion.fps == 60
    check(diffusion_stub, james, clip, motion)


# ---- values ------------------------------------------------------------------------------------


def test_the_motion_is_the_networks_closed_form(diffusion_stub, james, james_network, clip):
    motion = listen(james_network, james, clip)
    assert motion.frame_count == 138
    assert motion.jaw.shape == (138, 5, 3) and motion.eyes.shape == (138, 2, 2)
    assert motion.skin.dtype == motion.tongue.dtype == motion.jaw.dtype == np.float32
    assert motion.shapes.skin.shape[1:] == (40, 3) and motion.shapes.tongue.shape[1:] == (12, 3)
    check(diffusion_stub, james, clip, motion)


def test_every_identity_is_one_hot_at_its_place(diffusion_stub, james_network, clip):
    for name in diffusion_stub.identities:
        model = load_model(diffusion_stub.folder, name)
        check(diffusion_stub, model, clip, listen(james_network, model, clip))


def test_the_gain_strengthens_the_voice_and_not_the_silence_around_it(
    diffusion_stub, james, james_network, clip
):
    settings = settings_of(james, input_strength=1.7)
    check(
        diffusion_stub,
        james,
        clip,
        listen(james_network, james, clip, settings=settings),
        settings=settings,
    )


@pytest.mark.parametrize("delay", [0.15, -0.4])
def test_a_positive_delay_lets_the_mouth_move_later(
    diffusion_stub, james, james_network, clip, delay
):
    settings = settings_of(james, prediction_delay=delay)
    check(
        diffusion_stub,
        james,
        clip,
        listen(james_network, james, clip, settings=settings),
        settings=settings,
    )


def test_a_delay_of_whole_inferences_shifts_what_is_heard_by_as_many_frames(james, james_network):
    silence = np.zeros(16000, np.float32)
    voice = np.concatenate([silence, stubs.speech_like(2.0).astype(np.float32)])
    clip = Clip(voice, "voice", "")
    late = settings_of(james, prediction_delay=0.5)
    now = frames(james, listen(james_network, james, clip))
    later = frames(james, listen(james_network, james, clip, settings=late))
    # The stub's state fades by half each inference: only its tail differs
    np.testing.assert_allclose(later[60:], now[30:-30], atol=CLOSE)


def test_emotion_is_sampled_at_each_kept_frames_target(diffusion_stub, james, james_network, clip):
    keys = np.zeros((3, 10), np.float32)
    keys[0, 6], keys[1, 6], keys[1, 1], keys[2, 1] = 0.2, 1.0, 0.3, 1.0
    track = EmotionTrack(np.array([0.31, 0.907, 1.5]), keys)
    check(
        diffusion_stub,
        james,
        clip,
        listen(james_network, james, clip, emotion=track),
        emotion=track,
    )


def test_emotion_before_time_0_is_the_first_keys(james, james_network, clip):
    keys = np.zeros((2, 10), np.float32)
    keys[:, 6] = (0.7, 0.0)
    track = EmotionTrack(np.array([0.0, 1.0]), keys)
    timing = diffusion.timing_of(james)
    given = track.sample(timing.targets(0) / 16000)
    assert (timing.targets(0) < 0).all()
    np.testing.assert_array_equal(given[:, 6], np.full(30, 0.7, np.float32))


def test_only_frames_after_an_emotion_key_change(james, james_network, clip):
    keys = np.zeros((2, 10), np.float32)
    keys[1, 6] = 1.0
    plain = frames(james, listen(james_network, james, clip))
    keyed = frames(
        james,
        listen(james_network, james, clip, emotion=EmotionTrack(np.array([1.0, 1.001]), keys)),
    )
    change = np.abs(keyed - plain).max(axis=1)
    assert (change[:61] <= CLOSE).all()
    assert (change[61:] > 0.01).all()


# ---- noise -------------------------------------------------------------------------------------


def test_noise_is_the_same_for_every_inference_and_every_run(
    diffusion_stub, james, james_network, clip
):
    one, two = (listen(james_network, james, clip) for _ in range(2))
    np.testing.assert_array_equal(one.skin, two.skin)
    settings = settings_of(james, noise_seed=5)
    other = listen(james_network, james, clip, settings=settings)
    check(diffusion_stub, james, clip, other, settings=settings)
    assert np.abs(frames(james, other) - frames(james, one)).max() > 0.01


def test_noise_is_drawn_once_per_seed_and_goes_with_the_network(james, clip, monkeypatch):
    drawn = []
    draw = diffusion.noise_for

    def counted(*asked):
        drawn.append(asked)
        return draw(*asked)

    monkeypatch.setattr(diffusion, "noise_for", counted)
    own = network.open_session(james, threads=1)
    kept = len(diffusion._CONSTANT_NOISE)
    for _ in range(3):
        listen(own, james, clip)
    assert len(drawn) == 1 and len(diffusion._CONSTANT_NOISE) == kept + 1
    listen(own, james, clip, settings=settings_of(james, noise_seed=1))
    assert len(drawn) == 2 and len(diffusion._CONSTANT_NOISE) == kept + 1
    del own
    gc.collect()
    assert len(diffusion._CONSTANT_NOISE) == kept


def test_fresh_noise_differs_between_inferences_and_repeats_between_runs(
    diffusion_stub, james, james_network, clip
):
    settings = settings_of(james, fresh_noise=True, noise_seed=2)
    one, two = (listen(james_network, james, clip, settings=settings) for _ in range(2))
    np.testing.assert_array_equal(one.skin, two.skin)
    check(diffusion_stub, james, clip, one, settings=settings)


def test_noise_is_normal_and_follows_its_seed(james):
    noise = diffusion.noise_for(james, 0, None)
    assert noise.shape == (1, 3, 60, 175)
    assert noise.dtype == np.float32
    assert abs(noise.mean()) < 0.03 and abs(noise.std() - 1) < 0.03
    assert not np.array_equal(noise, diffusion.noise_for(james, 1, None))
    assert not np.array_equal(noise, diffusion.noise_for(james, 0, 0))


# ---- other folders -----------------------------------------------------------------------------


@pytest.mark.parametrize(("left", "right", "center"), [(7, 8, 15), (8, 7, 15), (20, 25, 15)])
def test_every_count_is_read_from_the_folder(tmp_path, clip, left, right, center):
    stub = stub_diffusion.make_stub_diffusion(
        tmp_path / "m", left=left, right=right, center=center, identities=("Ann",), steps=3,
        layers=1, latent_dim=16, skin_vertices=30,
    )  # fmt: skip
    model = load_model(stub.folder)
    motion = listen(network.open_session(model, 1), model, clip)
    assert motion.fps == left + right + center  # the window is one second
    check(stub, model, clip, motion)


def test_a_network_that_fails_in_a_run_is_one_sentence(tmp_path, clip):
    stub = stub_diffusion.make_stub_diffusion(tmp_path / "m")
    endless = np.full_like(stub.gains["voice"], np.inf)
    wide = replace(stub, gains={**stub.gains, "voice": endless})
    data = stub_diffusion.stub_diffusion_network(wide)
    stub_diffusion.make_stub_diffusion(tmp_path / "m", network=data)
    model = load_model(tmp_path / "m")
    with pytest.raises(UserError, match="not numbers"):
        listen(network.open_session(model), model, clip)


# ---- going on ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fresh", [False, True])
def test_a_clip_cut_at_any_inference_equals_the_uncut_run(james, james_network, clip, fresh):
    settings = settings_of(james, fresh_noise=fresh)
    whole = listen(james_network, james, clip, settings=settings)
    timing = diffusion.timing_of(james)
    emotion = np.zeros((30, 10), np.float32)

    def step(run):
        return run.step(timing.window(clip.samples, run.index, 1.0), emotion, 138)

    for cut in range(timing.inferences(138)):
        run = diffusion.Inferences(james_network, james, settings, Meter())
        parts = [step(run) for _ in range(cut)]
        run = diffusion.Inferences(james_network, james, settings, Meter(), run.state())
        parts += [step(run) for _ in range(cut, timing.inferences(138))]
        motion = joined(parts)
        np.testing.assert_array_equal(motion.skin, whole.skin)
        np.testing.assert_array_equal(motion.tongue, whole.tongue)
        np.testing.assert_array_equal(motion.jaw, whole.jaw)
        np.testing.assert_array_equal(run.shapes.skin, whole.shapes.skin)
        np.testing.assert_array_equal(run.shapes.tongue, whole.shapes.tongue)


def test_progress_rises_to_one_and_cancelling_stops_between_inferences(james, james_network, clip):
    shares = []
    listen(james_network, james, clip, progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) == 7
    shares.clear()
    with pytest.raises(Cancelled):
        listen(
            james_network, james, clip, progress=shares.append, cancelled=lambda: len(shares) == 2
        )
    assert len(shares) == 2


def test_the_networks_time_is_measured(james, james_network, clip):
    meter = Meter()
    listen(james_network, james, clip, meter=meter)
    assert meter.frames == 138
    assert meter.ms_per_frame == pytest.approx(1000 * meter.seconds / 138)
