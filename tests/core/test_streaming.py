# SPDX-License-Identifier: GPL-3.0-or-later
"""A voice that comes in piece by piece gives the face of the whole voice."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import stub_diffusion
import stub_emotion
import stubs
from facewright.core import limits
from facewright.core.emotion.detection import Detector, open_emotion_session
from facewright.core.emotion.source import EmotionSource, resolve_emotion
from facewright.core.emotion.stream import EmotionStream
from facewright.core.emotion.track import EmotionTrack
from facewright.core.errors import Cancelled, UserError
from facewright.core.face.growth import with_more_shapes
from facewright.core.face.stages import face_bases, prepare_face, whole_face
from facewright.core.models.model import load_emotion_model, load_model, settings_for
from facewright.core.motion import MotionShapes, at_rate
from facewright.core.network import listening as network
from facewright.core.network.running import Meter
from facewright.core.network.stream import FixedEmotion, HeardEmotion, RateStream, network_stream
from facewright.core.pipeline import open_model
from facewright.core.solve.pose_table import RigOverrides
from facewright.core.streaming import LiveFace
from facewright.core.take import Loaded
from facewright.core.voice.audio import Clip
from facewright.core.windows import count_frames

FILM = Fraction(24000, 1001)
STILL: dict[str, object] = {"blink_interval": 0.0}


@pytest.fixture(scope="module")
def regression(model):
    return Loaded(model, network.open_session(model, 1))


@pytest.fixture(scope="module")
def diffusion(tmp_path_factory):
    made = stub_diffusion.make_stub_diffusion(tmp_path_factory.mktemp("diffusion") / "m")
    model = load_model(made.folder, "James")
    return Loaded(model, network.open_session(model, 1))


@pytest.fixture(scope="module")
def emotion_loaded(tmp_path_factory, regression):
    made = stub_emotion.make_stub_emotion(tmp_path_factory.mktemp("emotion") / "m")
    model = load_emotion_model(made.folder)
    return replace(regression, emotion_model=model, emotion_network=open_emotion_session(model, 1))


@pytest.fixture(params=["regression", "diffusion"])
def loaded(request):
    return request.getfixturevalue(request.param)


def voice_of(seconds):
    return stubs.speech_like(seconds).astype(np.float32)


def pieces(samples, seed=0, most=3000):
    rng = np.random.default_rng(seed)
    at = 0
    while at < len(samples):
        size = int(rng.integers(1, most))
        yield samples[at : at + size]
        at += size


def offline(loaded, samples, fps, settings=None, source=None, rigs=None):
    """The face of the whole voice at once."""
    model, detector = loaded.model, None
    values = settings_for(model, settings or {})
    source = source or EmotionSource()
    if loaded.emotion_model is not None:
        detector = Detector(loaded.emotion_model, loaded.emotion_network)
    clip = Clip(samples, "voice", "")
    own = model.info.fps or fps
    emotion = resolve_emotion(source, clip, own, values, model.info.emotions, detector)
    motion = network.listen(loaded.network, model, clip, fps, emotion, values)
    motion = at_rate(motion, fps, count_frames(len(samples), fps))
    return whole_face(model, motion, values, rigs)


def live(loaded, samples, fps, settings=None, source=None, seed=0, most=3000, **rest):
    """Frames of the same voice in pieces: weights, jaw, eyes."""
    face = LiveFace(loaded, fps, settings or {}, None, source, **rest)
    tracks = [face.push(piece) for piece in pieces(samples, seed, most)]
    tracks.append(face.finish())
    tracks = [track for track in tracks if track is not None]
    assert all(track.names == face.names for track in tracks)
    return [
        np.concatenate([getattr(track, name) for track in tracks])
        for name in ("weights", "jaw", "eyes")
    ]


def check(found, face):
    assert found[0].shape == face.weights.shape
    np.testing.assert_allclose(found[0], face.weights, atol=1e-5)
    np.testing.assert_allclose(found[1], face.jaw, atol=1e-5)
    np.testing.assert_allclose(found[2], face.eyes, atol=1e-4)


# ---- the same frames ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("fps", [Fraction(60), Fraction(30), FILM])
def test_a_live_face_is_the_face_of_the_whole_voice(loaded, fps, seed):
    samples = voice_of(2.3)
    check(live(loaded, samples, fps, STILL, seed=seed), offline(loaded, samples, fps, STILL))


@pytest.mark.parametrize("delay", [0.9, -0.5])
def test_a_delayed_live_face_is_the_face_of_the_whole_voice(loaded, delay):
    samples = voice_of(1.7)
    settings = {**STILL, "prediction_delay": delay, "input_strength": 1.3}
    fps = Fraction(30)
    check(live(loaded, samples, fps, settings), offline(loaded, samples, fps, settings))


def test_solver_and_smoothing_carry_their_state_from_piece_to_piece(loaded):
    samples = voice_of(1.6)
    settings = {**STILL, "lower_face_smoothing": 0.1, "upper_face_smoothing": 0.08,
                "skin_temporal": 5.0}  # fmt: skip
    found = live(loaded, samples, Fraction(60), settings, most=600)
    check(found, offline(loaded, samples, Fraction(60), settings))


@pytest.mark.parametrize("count", [1, 100, 4000, 8320])
def test_short_voices_come_out_at_the_end(loaded, count):
    samples = voice_of(1.0)[:count]
    check(live(loaded, samples, Fraction(30), STILL), offline(loaded, samples, Fraction(30), STILL))


def test_a_voice_handed_over_at_once_is_the_same(loaded):
    samples = voice_of(1.4)
    found = live(loaded, samples, Fraction(30), STILL, most=10**6)
    check(found, offline(loaded, samples, Fraction(30), STILL))


def test_no_voice_gives_no_frames(loaded):
    face = LiveFace(loaded, Fraction(30))
    assert face.push(np.zeros(0, np.float32)) is None
    assert face.finish() is None


def test_emotion_keys_reach_their_frames(loaded):
    keys = np.zeros((3, 10), np.float32)
    keys[1, 6], keys[2, 1] = 1.0, 1.0
    source = EmotionSource(keys=EmotionTrack(np.array([0.2, 0.9, 1.4]), keys))
    samples = voice_of(1.6)
    found = live(loaded, samples, Fraction(30), STILL, source)
    check(found, offline(loaded, samples, Fraction(30), STILL, source))


@pytest.mark.parametrize("family", ["regression", "diffusion"])
def test_detected_emotion_is_that_of_the_whole_voice(emotion_loaded, diffusion, family):
    loaded = emotion_loaded
    if family == "diffusion":
        loaded = replace(loaded, model=diffusion.model, network=diffusion.network)
    samples = voice_of(4.5)
    source = EmotionSource(mode="frames")
    settings = {**STILL, "overall_emotion_strength": 1.0, "live_blend": 0.3}
    fps = Fraction(30)
    found = live(loaded, samples, fps, settings, source)
    face = offline(loaded, samples, fps, settings, source)
    check(found, face)
    plain = offline(loaded, samples, fps, settings)
    assert np.abs(face.weights - plain.weights).max() > 0.01  # it does play a part


def test_a_live_face_that_waits_less_for_its_emotion_still_gives_every_frame(emotion_loaded):
    samples = voice_of(4.0)
    source = EmotionSource(mode="frames")
    face = LiveFace(emotion_loaded, Fraction(30), STILL, None, source, ahead=0)
    first = face.push(samples[: 16000 * 3])
    # Nothing waits but the network's own window
    assert first.frame_count == math.floor((16000 * 3 - 4160) * 30 / 16000) + 1
    assert face.finish() is None or face.state.frame <= 120
    found = live(emotion_loaded, samples, Fraction(30), STILL, source, ahead=0)
    assert len(found[0]) == 120
    again = live(emotion_loaded, samples, Fraction(30), STILL, source, seed=3, ahead=0)
    np.testing.assert_allclose(found[0], again[0], atol=1e-5)


def test_a_live_face_of_low_delay_waits_for_what_its_network_hears(tmp_path, regression):
    folder = stubs.make_stub_model(tmp_path, live_offset=6720).folder
    quick = open_model(folder, threads=1, low_delay=True)
    samples, fps = voice_of(2.0), Fraction(30)
    for loaded, behind in ((regression, 4160), (quick, 1600)):  # samples after a frame
        first = LiveFace(loaded, fps, STILL).push(samples[:16000])
        assert first.frame_count == math.floor((16000 - behind) * 30 / 16000) + 1
    check(live(quick, samples, fps, STILL), offline(quick, samples, fps, STILL))
    # Its frame is where its own offset says, and its network is the folder's second one.
    silent = np.zeros(32000, np.float32)
    silent[16000:] = 0.1
    jaw = LiveFace(quick, fps, STILL).names.index("jawOpen")
    opened = live(quick, silent, fps, STILL)[0][:, jaw]
    assert not opened[:28].any()  # frame 27 is at sample 14400: its window ends where sound begins
    assert opened[28] > 0
    plain = live(regression, 0.05 * np.ones(16000, np.float32), fps, STILL)[0][15, jaw]
    louder = live(quick, 0.05 * np.ones(16000, np.float32), fps, STILL)[0][18, jaw]
    assert louder == pytest.approx(2 * plain, rel=0.05)


def test_a_motion_that_gets_more_shapes_needs_no_new_preparation(diffusion):
    model = diffusion.model
    settings = settings_for(model, {"upper_face_strength": 0.7, "lower_face_strength": 1.4})
    rng = np.random.default_rng(0)
    skin, tongue = rng.normal(size=(9, 40, 3)), rng.normal(size=(5, 12, 3))
    shapes = MotionShapes(skin.astype(np.float32), tongue.astype(np.float32))
    bases = face_bases(model)
    whole = prepare_face(model, shapes, settings, RigOverrides(), bases)
    for first, second in ((0, 0), (4, 2), (9, 5), (6, 5)):
        begun = MotionShapes(shapes.skin[:first], shapes.tongue[:second])
        added = MotionShapes(shapes.skin[first:], shapes.tongue[second:])
        grown = with_more_shapes(
            prepare_face(model, begun, settings, RigOverrides(), bases), added, bases
        )
        for one, other in ((grown.skin, whole.skin), (grown.tongue, whole.tongue)):
            np.testing.assert_allclose(
                one.projection.matrix, other.projection.matrix, rtol=1e-12, atol=1e-12
            )
            np.testing.assert_array_equal(one.projection.offset, other.projection.offset)


# ---- blinks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_only_a_blink_in_the_last_half_second_may_differ(regression, seed):
    samples = voice_of(6.0)
    settings = {"blink_interval": 0.9, "blink_seed": seed}
    fps = Fraction(60)
    found = live(regression, samples, fps, settings)
    face = offline(regression, samples, fps, settings)
    assert found[0].shape == face.weights.shape
    np.testing.assert_allclose(found[0][: 360 - 30], face.weights[: 360 - 30], atol=1e-5)
    assert np.ptp(face.weights[:, face.names.index("eyeBlinkLeft")]) > 0.3


# ---- when frames are ready ---------------------------------------------------------------------


def test_a_regression_frame_is_ready_when_its_window_has_been_heard(regression):
    face = LiveFace(regression, Fraction(30), STILL)
    done = 0
    for _ in range(40):
        track = face.push(np.zeros(333, np.float32))
        done += 0 if track is None else track.frame_count
        heard = face._stream.sample_count
        ready = [i for i in range(100) if math.floor(i * 16000 / 30) - 4160 + 8320 <= heard]
        assert done == len(ready) == face.state.frame
    track = face.finish()
    assert done + track.frame_count == math.ceil(40 * 333 * 30 / 16000)


def test_diffusion_frames_are_ready_when_their_inference_has_been_heard(diffusion):
    face = LiveFace(diffusion, Fraction(60), STILL)
    done, seen = 0, []
    for _ in range(40):
        track = face.push(np.zeros(1000, np.float32))
        done += 0 if track is None else track.frame_count
        seen.append(done)
    # Inference k ends at sample 8000 k; the first two give 0 and 15 frames
    assert seen == [max(0, 15 + 30 * (math.floor((n + 1) * 1000 / 8000) - 1)) for n in range(40)]
    assert done + face.finish().frame_count == 150


def test_the_network_waits_for_emotion_that_is_not_known_yet(regression, monkeypatch):
    monkeypatch.setattr(limits, "STREAM_FRAMES", 32)
    model = regression.model
    settings = settings_for(model, {})
    stream = network_stream(regression.network, model, settings, Fraction(30), Meter())
    stream.push(voice_of(2.0))

    class Late:
        known = ahead = 0

        def push(self, samples):
            pass

        def close(self):
            pass

        def rows(self, first, count):
            return np.zeros((max(min(count, self.known - first), 0), 10), np.float32)

        def forget_before(self, frame):
            pass

    late = Late()
    assert stream.step(late) is None
    late.known = 7
    assert stream.step(late).frame_count == 7
    assert stream.step(late) is None
    late.known = 1000
    found = [stream.step(late).frame_count, stream.step(late).frame_count]
    assert found == [32, math.floor((32000 - 4160) * 30 / 16000) + 1 - 39]


def test_diffusion_waits_until_the_emotion_of_all_kept_frames_is_known(emotion_loaded, diffusion):
    model = diffusion.model
    settings = settings_for(model, {})
    detector = Detector(emotion_loaded.emotion_model, emotion_loaded.emotion_network)
    stream = network_stream(diffusion.network, model, settings, Fraction(60), Meter())
    source = EmotionSource(mode="frames")
    emotion = HeardEmotion(
        EmotionStream(source, settings, Fraction(60), model.info.emotions, detector), 10
    )
    voice = voice_of(4.0)
    counts = []
    for first in range(0, len(voice), 8000):
        stream.push(voice[first : first + 8000])
        emotion.push(voice[first : first + 8000])
        while (motion := stream.step(emotion)) is not None:
            counts.append((first + 8000, motion.frame_count))
    # Half a window of 60,000 samples is waited for: frames up to sample n need n + 30,000
    for heard, _ in counts:
        done = sum(count for at, count in counts if at <= heard)
        assert (done - 1) * 16000 / 60 + 30_000 <= heard


# ---- all else ----------------------------------------------------------------------------------


def test_a_live_face_keeps_only_what_it_still_needs(loaded):
    face = LiveFace(loaded, Fraction(30), STILL)
    for piece in pieces(voice_of(8.0), most=2000):
        face.push(piece)
        assert len(vars(face._stream)["_voice"].samples) <= 16000 + 8000 + 2000
        assert face._rate._pending.frame_count <= 2


def test_the_voice_cannot_go_on_after_its_end(loaded):
    face = LiveFace(loaded, Fraction(30))
    face.push(voice_of(0.5))
    face.finish()
    with pytest.raises(UserError, match="ended"):
        face.push(voice_of(0.1))


def test_cancelling_stops_between_runs_of_the_network(loaded):
    face = LiveFace(loaded, Fraction(60), cancelled=lambda: True)
    with pytest.raises(Cancelled):
        face.push(voice_of(2.0))


def test_names_and_time_are_known(loaded):
    face = LiveFace(loaded, Fraction(30))
    assert face.names[:2] == ("eyeBlinkLeft", "eyeLookDownLeft")
    face.push(voice_of(2.0))
    assert face.meter.frames > 0 and face.meter.seconds > 0


def test_settings_out_of_range_are_refused_before_anything_runs(loaded):
    with pytest.raises(UserError, match="input_strength"):
        LiveFace(loaded, Fraction(30), {"input_strength": 9.0})


@pytest.mark.parametrize("fps", [Fraction(24), FILM, Fraction(30), Fraction(60), Fraction(90)])
def test_another_rate_block_by_block_is_the_rate_of_the_whole(diffusion, fps):
    samples = voice_of(2.0)
    model = diffusion.model
    clip = Clip(samples, "voice", "")
    settings = settings_for(model, {})
    emotion = resolve_emotion(EmotionSource(), clip, fps, settings, model.info.emotions)
    motion = network.listen(diffusion.network, model, clip, fps, emotion, settings)
    count = count_frames(len(samples), fps)
    whole = at_rate(motion, fps, count)
    stream = network_stream(diffusion.network, model, settings, fps, Meter())
    stream.push(samples)
    stream.close()
    rate = RateStream(fps, stream.nothing())
    parts = []
    while (part := stream.step(FixedEmotion(emotion, stream.fps))) is not None:
        parts.append(rate.push(part))
    parts.append(rate.finish(count))
    np.testing.assert_array_equal(np.concatenate([part.jaw for part in parts]), whole.jaw)
    np.testing.assert_array_equal(np.concatenate([part.eyes for part in parts]), whole.eyes)
    for part in parts:
        assert part.fps == fps
