# SPDX-License-Identifier: GPL-3.0-or-later
"""The head: bounded, at rest in silence, nods where it is loud, the same live and whole."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import stub_diffusion
import stubs
from facewright.core import pipeline
from facewright.core.errors import UserError
from facewright.core.exchange import weights_json
from facewright.core.parameters import Settings
from facewright.core.postprocess.head_motion import LIMITS, HeadMotion
from facewright.core.streaming import LiveFace
from facewright.core.take_file import read_take, write_take
from facewright.core.voice.audio import Voice
from facewright.core.voice.power import HOP, VoicePower
from takes import assert_same, request_of

ON: dict[str, object] = {"head_motion": True}
RATE = 16_000


def head(samples, fps=60, **settings):
    """Angles (T, 3) of a whole voice."""
    motion = HeadMotion(Fraction(fps), Settings(head_motion=True, **settings))
    motion.push(VoicePower().push(samples.astype(np.float32)))
    return motion.frames(0, -(-len(samples) * fps // RATE))


def hum(seconds, loud=()):
    """Syllables of 0.3 s with gaps of 0.1 s; those that begin at ``loud`` are 9 dB louder."""
    times = np.arange(round(seconds * RATE)) / RATE
    tone = 0.04 * np.sin(2 * np.pi * 140 * times)
    tone[times % 0.4 >= 0.3] = 0.0
    for start in loud:
        tone[(times >= start) & (times < start + 0.3)] *= 10 ** (9 / 20)
    return tone


def wild(seconds, seed):
    """Bursts of any length and loudness, to drive the motion to its bounds."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(800, 12_000, 200)
    gains = np.repeat(10 ** rng.uniform(-3, 0, 200), lengths)[: round(seconds * RATE)]
    return gains * np.sin(np.arange(len(gains)) * 0.06)


# ---- the voice's power -------------------------------------------------------------------------


@pytest.mark.parametrize("hertz", [150, 700, 5130])
def test_power_is_the_mean_square_of_what_is_no_hiss(hertz):
    tone = 0.3 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)
    found = VoicePower(2.0).push(tone.astype(np.float32))
    assert found.shape == (RATE // HOP,)
    half = np.pi * hertz / RATE
    passed = np.sin(8 * half) / (8 * np.sin(half))  # by the mean of eight samples
    np.testing.assert_allclose(found.mean(), (2 * 0.3 * passed) ** 2 / 2, rtol=0.01, atol=1e-9)


def test_power_of_pieces_is_that_of_the_whole_to_the_bit():
    samples = stubs.speech_like(2.0).astype(np.float32)
    meter = VoicePower(0.7)
    cuts = np.sort(np.random.default_rng(0).integers(0, len(samples), 40))
    found = np.concatenate([meter.push(piece) for piece in np.split(samples, cuts)])
    np.testing.assert_array_equal(found, VoicePower(0.7).push(samples))


# ---- the motion --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_angles_speed_and_acceleration_are_bounded(seed):
    fps = 500
    angles = head(wild(30.0, seed), fps, head_motion_seed=seed).astype(np.float64)
    assert (np.abs(angles) <= LIMITS).all()
    assert (np.ptp(angles, axis=0) > np.array(LIMITS) / 3).all()
    speed = np.diff(angles, axis=0) * fps
    assert np.abs(speed).max() < 30
    assert np.abs(np.diff(speed, axis=0) * fps).max() < 800
    doubled = head(wild(30.0, seed), fps, head_motion_seed=seed, head_motion_strength=2.0)
    np.testing.assert_allclose(doubled, 2 * angles, atol=1e-5)


def test_the_seed_chooses_the_drift_and_the_same_gives_the_same():
    samples = hum(8.0, [2.0, 4.4])
    first, again, other = (head(samples, head_motion_seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (np.abs(first - other).max(axis=0) > 0.5).all()


def test_the_head_rests_without_a_voice_and_comes_to_rest_after_it():
    assert not head(np.zeros(4 * RATE)).any()
    assert not head(1e-4 * np.random.default_rng(0).normal(size=4 * RATE)).any()  # a quiet room
    angles = head(np.concatenate([np.zeros(RATE), hum(6.0, [3.2]), np.zeros(5 * RATE)]))
    assert not angles[:60].any()
    assert np.abs(angles[60:420]).max() > 1
    assert np.abs(angles[-60:]).max() < 0.01


def test_it_nods_at_each_loud_syllable_and_not_between():
    loud = [3.2, 5.6, 6.8, 9.2]
    # Without them the same drift is left
    nods = (head(hum(11.0, loud)) - head(hum(11.0)))[:, 0]
    near = np.zeros(len(nods), bool)
    for start in loud:
        part = slice(round(start * 60), round((start + 0.8) * 60))
        near[part] = True
        assert 1.0 < nods[part].max() <= 2.5
        assert 0.1 < np.argmax(nods[part]) / 60 < 0.5
    assert np.abs(nods[~near]).max() < 0.35
    assert not (head(hum(11.0, loud)) - head(hum(11.0)))[:, 1:].any()


@pytest.mark.parametrize("seed", [0, 7, 9_999])
def test_the_drift_is_slow(seed):
    """What a voice that never changes leaves: turn and tilt hold 0.1 to 0.4 Hz and nothing else."""
    tone = 0.1 * np.sin(2 * np.pi * 140 * np.arange(125 * RATE) / RATE)
    drift = head(tone, 10, head_motion_seed=seed)[50:, 1:]
    power = np.abs(np.fft.rfft(drift * np.hanning(len(drift))[:, None], axis=0)) ** 2
    hertz = np.fft.rfftfreq(len(drift), 0.1)
    inside = (hertz > 0.08) & (hertz < 0.42)
    assert (power[inside].sum(axis=0) > 0.999 * power.sum(axis=0)).all()


def test_another_rate_is_the_same_motion():
    samples = hum(5.0, [3.2])
    slow, fast = head(samples, 30), head(samples, 120)
    np.testing.assert_allclose(slow, fast[::4], atol=1e-5)


@pytest.mark.parametrize("delay", [0.5, -0.5])
def test_the_prediction_delay_moves_the_nods_too(delay):
    loud = [3.2, 5.6]
    early, late = (
        (head(hum(8.0, loud), **shift) - head(hum(8.0), **shift))[:, 0]
        for shift in ({}, {"prediction_delay": delay})
    )
    moved = np.roll(early, round(delay * 60))
    np.testing.assert_allclose(late[60:-60], moved[60:-60], atol=1e-5)


# ---- in a take and live ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def regression(stub):
    return pipeline.open_model(stub.folder, threads=1)


@pytest.fixture(scope="module")
def diffusion(tmp_path_factory):
    made = stub_diffusion.make_stub_diffusion(tmp_path_factory.mktemp("diffusion") / "stub")
    return pipeline.open_model(made.folder, threads=1)


@pytest.fixture(params=["regression", "diffusion"])
def loaded(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def samples():
    return np.concatenate([hum(3.7, [1.2, 2.0]), np.zeros(4000)]).astype(np.float32)


@pytest.fixture(scope="module")
def voice(tmp_path_factory, samples):
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    return Voice(path=str(stubs.write_wav(path, samples, bits=32)))


@pytest.mark.parametrize(
    "settings", [{}, {"prediction_delay": -0.5}, {"prediction_delay": 0.9, "input_strength": 0.5}]
)
def test_a_live_head_is_that_of_the_whole_voice(loaded, voice, samples, settings):
    settings = {**ON, "head_motion_seed": 3, **settings}
    whole = pipeline.animate(request_of(loaded, voice, settings), loaded=loaded).face
    assert whole.head.shape == (whole.frame_count, 3)
    assert whole.head.dtype == np.float32
    assert np.ptp(whole.head[:, 0]) > 0.5
    face = LiveFace(loaded, whole.fps, settings)
    cuts = np.sort(np.random.default_rng(1).integers(0, len(samples), 30))
    tracks = [face.push(piece) for piece in np.split(samples, cuts)] + [face.finish()]
    found = np.concatenate([track.head for track in tracks if track is not None])
    np.testing.assert_array_equal(found, whole.head)


def test_a_live_head_forgets_what_is_past(regression):
    face = LiveFace(regression, Fraction(30), ON)
    for piece in np.split(hum(8.0).astype(np.float32), 64):
        face.push(piece)
        assert len(vars(vars(face)["_head"])["_curves"]) < 60


@pytest.mark.parametrize("off", [{}, {**ON, "head_motion_strength": 0.0}])
def test_switched_off_there_is_no_head_and_the_face_is_the_same(regression, voice, off, tmp_path):
    plain = pipeline.animate(request_of(regression, voice, off), loaded=regression)
    assert plain.face.head is None and plain.voice_power is None
    moving = pipeline.animate(request_of(regression, voice, ON), loaded=regression)
    for part in ("weights", "jaw", "eyes"):
        np.testing.assert_array_equal(getattr(plain.face, part), getattr(moving.face, part))
    live = LiveFace(regression, Fraction(30), off)
    assert live.push(np.zeros(RATE, np.float32)).head is None
    write_take(tmp_path / "take.npz", plain)
    with np.load(tmp_path / "take.npz") as npz:
        assert not {"head", "voice_power"}.intersection(npz.files)


def test_a_muted_voice_moves_no_head(regression, voice):
    settings = {**ON, "input_strength": 0.0}
    assert not pipeline.animate(request_of(regression, voice, settings)).face.head.any()


def test_a_saved_take_keeps_its_head_and_redoes_it_without_the_voice(loaded, voice, tmp_path):
    take = pipeline.animate(request_of(loaded, voice, ON), loaded=loaded)
    write_take(tmp_path / "take.npz", take)
    read = read_take(tmp_path / "take.npz")
    assert_same(read, take)
    alone = pipeline.Loaded(loaded.model, network=None)
    assert_same(pipeline.redo(read, alone), take)
    for changed in ({**ON, "head_motion_seed": 8, "head_motion_strength": 1.7}, {}):
        fresh = pipeline.animate(request_of(loaded, voice, changed), loaded=loaded)
        assert_same(pipeline.redo(read, alone, changed), fresh)
    double = pipeline.redo(read, alone, fps=Fraction(60)).face.head
    np.testing.assert_allclose(double[::2], take.face.head, atol=1e-5)


def test_a_take_that_holds_no_voice_says_what_to_do(regression, voice, tmp_path):
    write_take(
        tmp_path / "take.npz", pipeline.animate(request_of(regression, voice), loaded=regression)
    )
    read = read_take(tmp_path / "take.npz")
    with pytest.raises(UserError, match=r"Head Motion follows the voice.*voice\.wav"):
        pipeline.redo(read, pipeline.Loaded(regression.model, network=None), ON)


def test_the_weights_file_holds_the_head_beside_the_joints(regression, voice, tmp_path):
    face = pipeline.animate(request_of(regression, voice, ON), loaded=regression).face
    weights_json.write_weights(tmp_path / "w.json", face)
    found = weights_json.read_weights(tmp_path / "w.json")
    np.testing.assert_allclose(found.head, face.head, atol=1e-6)
