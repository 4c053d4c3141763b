# SPDX-License-Identifier: GPL-3.0-or-later
"""What the face's network is given: sliders, keys, voice, preferred and overrides."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from facewright.core.emotion.detection import (
    Detector,
    detect_frames,
    detect_keys,
    open_emotion_session,
)
from facewright.core.emotion.mixing import EmotionMixer, MixSettings, still_rows
from facewright.core.emotion.source import (
    EmotionSource,
    columns,
    detect,
    detection_identity,
    emotion_defaults,
    emotion_keys,
    emotion_notices,
    mix_emotion,
    resolve_emotion,
)
from facewright.core.emotion.track import EmotionTrack
from facewright.core.errors import Cancelled, UserError
from facewright.core.models.model import load_emotion_model
from facewright.core.parameters import EMOTION_NAMES, Settings
from facewright.core.voice.audio import Clip
from stub_emotion import make_stub_emotion
from stubs import speech_like

FPS = Fraction(30)
JOY, PAIN = EMOTION_NAMES.index("joy"), EMOTION_NAMES.index("pain")


def vector(**strengths):
    return tuple(float(strengths.get(name, 0.0)) for name in EMOTION_NAMES)


def opened(folder, **changes):
    model = load_emotion_model(make_stub_emotion(folder, **changes).folder)
    return Detector(model, open_emotion_session(model, 1))


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    return opened(tmp_path_factory.mktemp("emotion") / "stub")


@pytest.fixture(scope="module")
def clip():
    samples = speech_like(4.2)
    return Clip((samples * np.linspace(0, 3, len(samples))).astype(np.float32), "voice", "0")


@pytest.fixture(scope="module")
def keys():
    rng = np.random.default_rng(8)
    return EmotionTrack(np.array([0.1, 1.3, 3.9]), rng.uniform(0, 1, (3, 10)).astype(np.float32))


def resolved(source, clip, settings=None, detector=None, fps=FPS, names=EMOTION_NAMES):
    return resolve_emotion(source, clip, fps, settings or Settings(), names, detector)


# ---- by hand alone: as it is --------------------------------------------------------------------


def test_sliders_alone_go_to_the_network_as_they_are(clip):
    settings = Settings(emotion_joy=0.7, emotion_pain=0.2, overall_emotion_strength=0.1)
    found = resolved(EmotionSource(), clip, settings)
    np.testing.assert_allclose(found.values, [vector(joy=0.7, pain=0.2)], rtol=1e-6)


def test_keys_alone_go_to_the_network_as_they_are(clip, keys):
    found = resolved(EmotionSource(keys=keys), clip, Settings(emotion_joy=1.0))
    np.testing.assert_array_equal(found.values, keys.values)
    np.testing.assert_allclose(found.times_s, keys.times_s, atol=0.5 / 16000)
    np.testing.assert_array_equal(found.times_s * 16000, np.round(keys.times_s * 16000))


def test_a_folder_that_is_not_used_changes_nothing(clip, keys, detector):
    source = EmotionSource(keys=keys, model="somewhere")
    np.testing.assert_array_equal(resolved(source, clip, detector=detector).values, keys.values)
    assert detect(source, clip, FPS, Settings(), detector) is None


def test_emotions_are_brought_to_the_network_by_name(clip, keys):
    names = ("sadness", "joy", "surprise", "amazement")
    found = resolved(EmotionSource(keys=keys), clip, names=names)
    expected = keys.values[:, [9, 6, 0, 0]].copy()
    expected[:, 2] = 0
    np.testing.assert_array_equal(found.values, expected)
    np.testing.assert_array_equal(columns(found.values, ()), np.zeros((3, 0)))


# ---- manual 13: overrides -----------------------------------------------------------------------


def test_overrides_without_a_voice_act_on_neutral(clip):
    source = EmotionSource(overrides={"joy": 1.0, "pain": 0.5})
    found = resolved(source, clip)
    np.testing.assert_allclose(found.values, [vector(joy=0.3, pain=0.15)], rtol=1e-6)


def test_overrides_without_a_voice_act_on_what_was_set_by_hand(clip, keys):
    settings = Settings(preferred_strength=0.25, overall_emotion_strength=0.8)
    found = resolved(EmotionSource(keys=keys, overrides={"joy": 1.0}), clip, settings)
    expected = 0.8 * (0.75 * keys.values + 0.25 * np.array(vector(joy=1)))
    np.testing.assert_allclose(found.values, expected, rtol=1e-6)


@pytest.mark.parametrize("ignored", [-0.01, 1.01, 7, float("nan"), float("inf"), None])
def test_overrides_outside_the_range_are_ignored(clip, keys, ignored):
    without = EmotionSource(keys=keys, overrides={"joy": ignored})
    assert without.override is None
    np.testing.assert_array_equal(resolved(without, clip).values, keys.values)
    beside = EmotionSource(keys=keys, overrides={"joy": ignored, "pain": 0.5})
    np.testing.assert_array_equal(beside.override, vector(pain=0.5))


def test_an_override_of_zero_is_neutral(clip, detector):
    settings = Settings(preferred_strength=1.0, overall_emotion_strength=1.0)
    source = EmotionSource(mode="frames", overrides={"joy": 0.0})
    found = resolved(source, clip, settings, detector)
    np.testing.assert_array_equal(found.values, 0)


def test_emotions_that_are_not_overridden_count_as_zero_in_the_override(clip, detector):
    settings = Settings(preferred_strength=1.0, overall_emotion_strength=1.0)
    source = EmotionSource(mode="frames", overrides={"pain": 1.0})
    found = resolved(source, clip, settings, detector)
    np.testing.assert_allclose(found.values, np.tile(vector(pain=1), (len(found.values), 1)))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_override_strength_goes_from_detected_only_to_override_only(clip, detector, share):
    settings = Settings(preferred_strength=share, key_interval=0.5)
    found = resolved(EmotionSource(mode="keys", overrides={"joy": 0.9}), clip, settings, detector)
    heard = still_rows(
        detect_keys(detector, clip.samples, settings).logits,
        MixSettings(detector.model.targets, strength=1.0),
        None,
    )
    expected = 0.6 * ((1 - share) * heard + share * np.array(vector(joy=0.9)))
    np.testing.assert_allclose(found.values, expected, atol=1e-7)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"overrides": {"happy": 1.0}}, "no emotion called 'happy'"),
        ({"overrides": {"joy": "much"}}, "override of joy"),
        ({"preferred": (0.0,) * 9}, "preferred emotion has to be 10"),
        ({"preferred": vector(fear=1.5)}, "preferred emotion's fear is 1.5"),
        ({"preferred": vector(fear=float("nan"))}, "preferred emotion's fear is nan"),
        ({"beginning": vector(fear=-1)}, "beginning emotion's fear"),
        ({"mode": "sometimes"}, "mode 'sometimes'"),
        ({"keys": EmotionTrack(np.zeros(1), np.zeros((1, 3), np.float32))}, "10 values"),
        (
            {"keys": EmotionTrack(np.array([0, 1e-6]), np.zeros((2, 10), np.float32))},
            "closer together",
        ),
    ],
)
def test_bad_sources_are_refused_by_name(bad, says):
    with pytest.raises(UserError, match=says):
        EmotionSource(**bad)


# ---- frame by frame -----------------------------------------------------------------------------


def by_hand(clip, detector, wished, **mix):
    heard = detect_frames(detector, clip.samples, FPS)
    mixer = EmotionMixer(MixSettings(detector.model.targets, **mix), FPS)
    return mixer.block(heard.logits, wished)[0]


def test_frames_have_their_own_key_each(clip, detector):
    found = resolved(EmotionSource(mode="frames"), clip, detector=detector)
    assert len(found.times_s) == math.ceil(4.2 * 30)
    np.testing.assert_array_equal(
        found.times_s * 16000, [i * 16000 // 30 for i in range(len(found.times_s))]
    )
    np.testing.assert_array_equal(found.values, by_hand(clip, detector, None))


def test_the_settings_reach_the_mix(clip, detector):
    settings = Settings(
        detected_emotion_contrast=2.0, max_emotions=2, live_blend=0.3, live_transition=1.5,
        overall_emotion_strength=0.9, preferred_strength=0.2,
    )  # fmt: skip
    source = EmotionSource(mode="frames", preferred=vector(joy=0.4), beginning=vector(pain=1))
    expected = by_hand(
        clip, detector, vector(joy=0.4), contrast=2.0, max_emotions=2, live_blend=0.3,
        transition_s=1.5, strength=0.9, preferred_strength=0.2, beginning=vector(pain=1),
    )  # fmt: skip
    found = resolved(source, clip, settings, detector).values
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_manual_keys_are_the_preferred_emotion_when_frames_are_detected(clip, detector, keys):
    found = resolved(EmotionSource(keys=keys, mode="frames"), clip, detector=detector)
    frames = np.arange(len(found.times_s)) * 16000 // 30
    wished = [[np.interp(t, np.round(keys.times_s * 16000), c) for c in keys.values.T]
              for t in frames]  # fmt: skip
    np.testing.assert_allclose(found.values, by_hand(clip, detector, wished), atol=1e-7)


def test_sliders_are_the_preferred_emotion_unless_all_are_zero(clip, detector):
    source = EmotionSource(mode="frames")
    found = resolved(source, clip, Settings(emotion_pain=0.5), detector)
    np.testing.assert_allclose(found.values, by_hand(clip, detector, vector(pain=0.5)), atol=1e-7)


def test_which_preferred_emotion_comes_first(clip, keys, tmp_path):
    own = vector(fear=0.7)
    folder = opened(
        tmp_path / "own", config={"enable_preferred_emotion": True, "preferred_emotion": list(own)}
    )
    settings = Settings(preferred_strength=1.0, live_transition=0.001, overall_emotion_strength=1)
    joyful = Settings.from_mapping({**settings.to_mapping(), "emotion_joy": 0.25})

    def first(values, detector=folder, **parts):
        return resolved(EmotionSource(mode="frames", **parts), clip, values, detector).values[0]

    overrides, preferred = {"pain": 0.5}, vector(anger=0.5)
    assert first(joyful, keys=keys, preferred=preferred, overrides=overrides)[PAIN] == 0.5
    np.testing.assert_allclose(first(joyful, keys=keys, preferred=preferred), preferred)
    np.testing.assert_allclose(first(joyful, keys=keys), keys.values[0], rtol=1e-6)
    np.testing.assert_allclose(first(joyful), vector(joy=0.25))
    np.testing.assert_allclose(first(settings), own, rtol=1e-6)


@pytest.mark.parametrize("mode", ["frames", "keys"])
def test_without_a_folder_nothing_is_detected_and_it_is_said(clip, keys, mode):
    source = EmotionSource(keys=keys, mode=mode)
    np.testing.assert_array_equal(resolved(source, clip).values, keys.values)
    assert "no Audio2Emotion folder" in emotion_notices(source, None)[0]
    over = EmotionSource(mode=mode, overrides={"joy": 1.0})
    np.testing.assert_allclose(resolved(over, clip).values, [vector(joy=0.3)], rtol=1e-6)


def test_nothing_is_said_where_nothing_is_missing(detector):
    assert emotion_notices(EmotionSource(), None) == ()
    assert emotion_notices(EmotionSource(mode="frames"), detector) == ()


# ---- manual 5: auto-emotion ---------------------------------------------------------------------


def test_detection_range_is_the_voice_around_a_key(emotion_stub_output, clip, detector):
    for seconds in (0.5, 1.4, 3.75):
        settings = Settings(detection_range=seconds, key_interval=2.0)
        length = round(seconds * 16000)
        padded = np.concatenate([np.zeros(60000), clip.samples, np.zeros(60000)])
        start = 60000 + 32000 - length // 2
        expected = emotion_stub_output(padded[start : start + length][None])
        found = detect_keys(detector, clip.samples, settings).logits[1]
        np.testing.assert_allclose(found, expected[0], atol=2e-4)


@pytest.fixture(scope="module")
def emotion_stub_output(tmp_path_factory):
    return make_stub_emotion(tmp_path_factory.mktemp("emotion") / "known").output


@pytest.mark.parametrize("interval", [0.1, 0.7, 1.0, 10.0])
def test_key_interval_is_the_time_between_keys(clip, detector, interval):
    found = emotion_keys(clip, Settings(key_interval=interval), detector)
    count = math.ceil(Fraction(len(clip.samples), 16000) / Fraction(str(interval))) + 1
    np.testing.assert_allclose(found.times_s, interval * np.arange(count), atol=1 / 16000)
    assert found.times_s[-1] >= clip.duration_s - 1e-9


def test_emotion_strength_scales_relative_to_neutral(clip, detector):
    def found(strength):
        settings = Settings(overall_emotion_strength=strength)
        return emotion_keys(clip, settings, detector, vector(pain=1)).values

    assert not found(0.0).any()
    np.testing.assert_allclose(found(0.5) * 2, found(1.0), rtol=1e-6)


def test_smoothing_averages_neighbouring_keys(clip, detector):
    plain = emotion_keys(clip, Settings(key_interval=0.5), detector).values
    found = emotion_keys(clip, Settings(key_interval=0.5, key_smoothing=2), detector).values
    expected = [plain[max(i - 2, 0) : i + 3].mean(axis=0) for i in range(len(plain))]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("most", [1, 2, 6])
def test_max_emotions_at_a_time(clip, detector, most):
    found = emotion_keys(clip, Settings(max_emotions=most), detector)
    assert (np.count_nonzero(found.values, axis=1) == min(most, 5)).all()


def test_contrast_spreads_values(clip, detector):
    calm, strong = (
        emotion_keys(clip, Settings(detected_emotion_contrast=contrast), detector).values
        for contrast in (0.3, 3.0)
    )
    assert (strong.max(axis=1) > calm.max(axis=1)).sum() > len(calm) / 2


def test_preferred_emotion_is_mixed_in_throughout(clip, detector):
    settings = Settings(preferred_strength=0.25)
    plain = emotion_keys(clip, settings, detector).values
    found = emotion_keys(clip, settings, detector, vector(pain=1, joy=0.5)).values
    expected = 0.75 * plain + 0.25 * 0.6 * np.array(vector(pain=1, joy=0.5))
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_generated_keys_are_ordinary_keys(clip, detector):
    made = emotion_keys(clip, Settings(), detector)
    found = resolved(EmotionSource(keys=made), clip)
    np.testing.assert_array_equal(found.values, made.values)
    np.testing.assert_array_equal(found.times_s, made.times_s)
    again = resolved(EmotionSource(mode="keys"), clip, detector=detector)
    np.testing.assert_array_equal(again.values, made.values)


def test_keys_over_the_timeline_take_the_place_of_those_made_by_hand(clip, detector, keys):
    made = emotion_keys(clip, Settings(), detector)
    joyful = Settings(emotion_joy=1.0)
    found = resolved(EmotionSource(mode="keys", keys=keys), clip, joyful, detector)
    np.testing.assert_array_equal(found.values, made.values)


def test_the_folders_own_preferred_emotion_is_used(clip, detector, tmp_path):
    own = opened(
        tmp_path / "own",
        config={"enable_preferred_emotion": True, "preferred_emotion": list(vector(pain=1))},
    )
    expected = emotion_keys(clip, Settings(), detector, vector(pain=1)).values
    np.testing.assert_array_equal(emotion_keys(clip, Settings(), own).values, expected)


def test_the_folders_numbers_are_defaults(detector, tmp_path):
    assert emotion_defaults(detector.model.config) == {
        name: getattr(Settings(), name)
        for name in (
            "detected_emotion_contrast", "max_emotions", "live_blend", "preferred_strength",
            "live_transition", "overall_emotion_strength",
        )
    }  # fmt: skip
    other = opened(
        tmp_path / "other",
        config={"emotion_contrast": 2.0, "max_emotions": 3, "transition_smoothing": 0.2},
    )
    found = emotion_defaults(other.model.config)
    assert found["detected_emotion_contrast"] == 2.0 and found["max_emotions"] == 3
    assert found["live_transition"] == 0.2
    Settings.from_mapping(found)


# ---- short and long voices, progress, cancel ----------------------------------------------------


@pytest.mark.parametrize("mode", ["off", "frames", "keys"])
@pytest.mark.parametrize("count", [1, 533, 7999])
def test_short_clips_are_animated_too(detector, mode, count):
    short = Clip(np.full(count, 0.3, np.float32), "short", "0")
    source = EmotionSource(mode=mode, overrides={"joy": 1.0})
    found = resolved(source, short, detector=detector)
    assert np.isfinite(found.values).all() and len(found.values)
    assert found.sample(np.array([0.0]))[0, JOY] > 0


def test_a_network_that_says_nothing_of_silence_leaves_it_neutral(detector):
    class Silent:
        def __getattr__(self, name):
            return getattr(detector.network.session, name)

        def run(self, outputs, feeds):
            (logits,) = detector.network.session.run(outputs, feeds)
            logits[np.abs(feeds["input_values"]).max(axis=1) == 0] = np.nan
            return [logits]

    quiet = Clip(np.zeros(80_000, np.float32), "quiet", "0")
    deaf = Detector(detector.model, type(detector.network)(Silent()))
    for mode in ("frames", "keys"):
        assert not resolved(EmotionSource(mode=mode), quiet, detector=deaf).values.any()


@pytest.mark.parametrize("mode", ["frames", "keys"])
def test_progress_and_cancel(clip, detector, mode):
    told = []
    settings = Settings(key_interval=0.2)
    source = EmotionSource(mode=mode)
    resolve_emotion(source, clip, FPS, settings, EMOTION_NAMES, detector, told.append)
    assert told == sorted(told) and told[-1] == 1.0
    with pytest.raises(Cancelled):
        resolve_emotion(source, clip, FPS, settings, EMOTION_NAMES, detector, None, lambda: True)


def test_the_voice_is_not_heard_again_for_another_mix(clip, detector):
    source = EmotionSource(mode="frames")
    heard = detect(source, clip, FPS, Settings(), detector)
    for settings in (Settings(), Settings(max_emotions=2, live_blend=0.1, emotion_joy=0.5)):
        again = mix_emotion(source, settings, heard, detector)
        np.testing.assert_array_equal(
            again.values, resolved(source, clip, settings, detector).values
        )
        assert detection_identity(source, settings, FPS) == detection_identity(
            source, Settings(), FPS
        )
    other = EmotionSource(mode="keys")
    ranges = {detection_identity(other, Settings(detection_range=r), FPS) for r in (1.0, 2.0)}
    assert len(ranges | {detection_identity(source, Settings(), FPS)}) == 3


def test_sources_that_mean_the_same_are_the_same(keys):
    same = EmotionTrack(keys.times_s.copy(), keys.values.copy())
    one = EmotionSource(keys=keys, overrides={"joy": 0.5, "pain": 3.0})
    other = EmotionSource(keys=same, overrides={"fear": None, "joy": 0.5})
    assert one.identity == other.identity and hash(one.identity) == hash(other.identity)
    assert EmotionSource(overrides={"joy": 0.5}).identity != one.identity
    assert EmotionSource(preferred=vector()).identity != EmotionSource().identity
