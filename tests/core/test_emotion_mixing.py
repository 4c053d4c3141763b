# SPDX-License-Identifier: GPL-3.0-or-later
"""From logits to emotions: the published order, its numbers, and keys over the timeline."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from facewright.core.emotion.mixing import (
    EmotionMixer,
    MixSettings,
    averaged,
    blend,
    detected,
    offline_keys,
    still_rows,
)
from facewright.core.parameters import EMOTION_NAMES, PARAMETERS, Settings

TARGETS = (1, 3, 4, 6, -1, 9)  # angry, disgust, fear, happy, neutral, sad
LOGITS = np.array([2.0, 0, 0, 1, 3, 0])
FPS = Fraction(30)
JOY, CHEEKINESS, ANGER = (EMOTION_NAMES.index(name) for name in ("joy", "cheekiness", "anger"))


def one(name, value=1.0):
    row = np.zeros(10)
    row[EMOTION_NAMES.index(name)] = value
    return row


def slow(logits, mix, fps, preferred=None):
    """The published order as it is read: one frame and one emotion at a time, float64."""
    begin = list(mix.beginning or [0.0] * 10)
    emotion, previous, changed, rows = list(begin), list(begin), None, []
    for frame, line in enumerate(logits):
        highest = max(float(z) * mix.contrast for z in line)
        powers = [math.exp(float(z) * mix.contrast - highest) for z in line]
        p = [power / sum(powers) for power in powers]
        for k, target in enumerate(mix.targets):
            if target == -1:
                p[k] = 0.0
        strongest = sorted(range(len(p)), key=lambda k: (-p[k], k))[: mix.max_emotions]
        p = [value if k in strongest else 0.0 for k, value in enumerate(p)]
        for k, target in enumerate(mix.targets):
            if target != -1:
                emotion[target] = p[k]
        c, s = mix.live_blend, mix.preferred_strength
        emotion = [(1 - c) * e + c * q for e, q in zip(emotion, previous, strict=True)]
        previous = list(emotion)
        if preferred is not None:
            emotion = [(1 - s) * e + s * q for e, q in zip(emotion, preferred[frame], strict=True)]
        if frame > 0:
            w = min((1 / float(fps)) / max(mix.transition_s, 0.001), 1.0)
            emotion = [w * e + (1 - w) * q for e, q in zip(emotion, changed, strict=True)]
        changed = list(emotion)
        emotion = [e * mix.strength for e in emotion]
        rows.append(list(emotion))
    return np.array(rows)


# ---- the published numbers ----------------------------------------------------------------------


def test_published_softmax():
    mix = MixSettings(targets=(0, 1, 2, 3, 4, 5))
    expected = [0.22261, 0.03013, 0.03013, 0.08189, 0.60512, 0.03013]
    np.testing.assert_allclose(detected(LOGITS[None], mix)[0], expected, atol=5e-6)


def test_published_first_frame():
    rows, _ = EmotionMixer(MixSettings(TARGETS), FPS).block(LOGITS[None], None)
    assert rows.dtype == np.float32 and rows.shape == (1, 10)
    expected = [0, 0.040070, 0, 0.005423, 0.005423, 0, 0.014741, 0, 0, 0.005423]
    np.testing.assert_allclose(rows[0], expected, atol=5e-7)


def test_published_limit_of_constant_logits():
    rows, _ = EmotionMixer(MixSettings(TARGETS), FPS).block(np.tile(LOGITS, (600, 1)), None)
    assert rows[-1, ANGER] == pytest.approx(0.13357, abs=5e-6)
    assert rows[-1, JOY] == pytest.approx(0.04914, abs=5e-6)


def test_published_quirk_of_emotions_that_no_label_stands_for():
    rows, _ = EmotionMixer(MixSettings(TARGETS), FPS).block(
        np.tile(LOGITS, (2000, 1)), one("cheekiness")
    )
    assert rows[0, CHEEKINESS] == pytest.approx(0.3)
    assert rows[-1, CHEEKINESS] == pytest.approx(0.428571, abs=1e-6)
    # Keys over the timeline know nothing of each other, so there it is the share times strength
    still = still_rows(LOGITS[None], MixSettings(TARGETS), one("cheekiness"))
    assert still[0, CHEEKINESS] == pytest.approx(0.3)


def test_the_settings_have_the_published_defaults():
    mix = MixSettings.of(Settings(), TARGETS)
    assert mix == MixSettings(TARGETS)
    assert (mix.contrast, mix.max_emotions, mix.live_blend) == (1.0, 6, 0.7)
    assert (mix.preferred_strength, mix.transition_s, mix.strength) == (0.5, 0.5, 0.6)


# ---- against the slow form ----------------------------------------------------------------------


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"contrast": 2.7, "max_emotions": 2},
        {"contrast": 0.3, "max_emotions": 1, "live_blend": 0.0, "strength": 1.0},
        {"live_blend": 1.0, "beginning": tuple(np.linspace(0, 0.9, 10))},
        {"transition_s": 0.0, "preferred_strength": 1.0},
        {"transition_s": 3.0, "preferred_strength": 0.2, "beginning": (0.5,) * 10},
        {"targets": (6, -1, 1, -1, 1, 2)},
        {"strength": 0.0},
    ],
    ids=lambda changes: " ".join(changes) or "defaults",
)
def test_frames_are_those_of_the_slow_form(changes, keyed):
    rng = np.random.default_rng(3)
    mix = MixSettings(**{"targets": TARGETS, **changes})
    logits = rng.normal(0, 3, (90, 6))
    preferred = rng.uniform(0, 1, (90, 10)) if keyed else None
    fps = Fraction(24000, 1001)
    rows, _ = EmotionMixer(mix, fps).block(logits, preferred)
    np.testing.assert_allclose(rows, slow(logits, mix, fps, preferred), atol=1e-7)


@pytest.mark.parametrize("sizes", [(90,), (1,) * 90, (0, 7, 0, 30, 53, 0), (89, 1)])
def test_blocks_equal_the_whole(sizes):
    rng = np.random.default_rng(4)
    logits, preferred = rng.normal(0, 3, (90, 6)), rng.uniform(0, 1, (90, 10))
    mixer = EmotionMixer(MixSettings(TARGETS, beginning=(0.25,) * 10), FPS)
    whole, end = mixer.block(logits, preferred)
    state, parts, at = None, [], 0
    for size in sizes:
        part = slice(at, at + size)
        rows, state = mixer.block(logits[part], preferred[part], state)
        parts.append(rows)
        at += size
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    for name in ("emotion", "blended", "changed"):
        np.testing.assert_array_equal(getattr(state, name), getattr(end, name))


# ---- one step at a time -------------------------------------------------------------------------


def test_max_emotions_keeps_only_the_strongest():
    for most in range(1, 7):
        shares = detected(LOGITS[None], MixSettings(TARGETS, max_emotions=most))[0]
        assert np.count_nonzero(shares) == min(most, 5)  # neutral is never among them
        assert shares[0] == pytest.approx(0.22261, abs=5e-6)  # not normalised again
    assert detected(LOGITS[None], MixSettings(TARGETS, max_emotions=2))[0, 3] > 0


def test_of_equal_emotions_the_first_is_kept():
    shares = detected(np.zeros((1, 6)), MixSettings(TARGETS, max_emotions=2))[0]
    np.testing.assert_allclose(shares, [1 / 6, 1 / 6, 0, 0, 0, 0])


def test_contrast_favours_the_strongest():
    low, middle, high = (
        detected(LOGITS[None], MixSettings((0, 1, 2, 3, 4, 5), contrast=contrast))[0]
        for contrast in (0.3, 1.0, 3.0)
    )
    assert low.max() < middle.max() < high.max()
    assert low.min() > middle.min() > high.min()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_are_neutral(bad):
    logits = np.tile(LOGITS, (3, 1))
    logits[1, 2] = bad
    rows = still_rows(logits, MixSettings(TARGETS), None)
    assert np.isfinite(rows).all() and not rows[1].any() and rows[0].any()
    frames, state = EmotionMixer(MixSettings(TARGETS), FPS).block(logits, None)
    assert np.isfinite(frames).all() and np.isfinite(state.emotion).all()


def test_huge_logits_do_not_overflow():
    shares = detected(np.array([[3e38, -3e38, 0, 0, 0, 0]], np.float32), MixSettings(TARGETS))
    np.testing.assert_array_equal(shares, [[1, 0, 0, 0, 0, 0]])


def test_no_frames_give_no_rows():
    mixer = EmotionMixer(MixSettings(TARGETS), FPS)
    rows, state = mixer.block(np.zeros((0, 6)), None)
    assert rows.shape == (0, 10) and state.changed is None


def test_a_long_transition_takes_its_time():
    mixer = EmotionMixer(MixSettings(TARGETS, live_blend=0.0, transition_s=1.0, strength=1.0), FPS)
    logits = np.tile([[50.0, 0, 0, 0, 0, 0]], (200, 1))
    logits[0] = [0, 0, 0, 0, 50, 0]
    anger = mixer.block(logits, None)[0][:, ANGER]
    assert anger[0] == pytest.approx(0, abs=1e-9)
    expected = 1 - (1 - 1 / 30) ** np.arange(200)
    np.testing.assert_allclose(anger, expected, atol=1e-6)


# ---- manual 5 and 13: mixing --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "strength", "expected"),
    [(0.0, 1.0, 0.4), (1.0, 1.0, 0.8), (0.5, 1.0, 0.6), (0.5, 0.6, 0.36), (0.5, 0.0, 0.0)],
)
def test_preferred_strength_goes_from_detected_only_to_preferred_only(share, strength, expected):
    mix = MixSettings(preferred_strength=share, strength=strength)
    found = blend(one("joy", 0.4)[None], one("joy", 0.8), mix)
    assert found[0, JOY] == pytest.approx(expected)
    assert np.count_nonzero(found) == np.count_nonzero([expected])


def test_overall_strength_scales_towards_neutral():
    mixes = [MixSettings(TARGETS, strength=strength) for strength in (0.0, 0.3, 0.6)]
    none, half, whole = (still_rows(LOGITS[None], mix, one("pain")) for mix in mixes)
    assert not none.any()
    np.testing.assert_allclose(half * 2, whole)


# ---- keys over the timeline ---------------------------------------------------------------------


def test_a_key_is_softmax_places_preferred_and_strength_alone():
    samples = np.array([0, 16000, 32000])
    logits = np.array([LOGITS, -LOGITS, 2 * LOGITS])
    mix = MixSettings(TARGETS, contrast=1.5, max_emotions=3, live_blend=0.9, transition_s=9.0)
    preferred = one("joy", 0.5) + one("pain", 1.0)
    keys = offline_keys(samples, logits, mix, preferred)
    np.testing.assert_array_equal(keys.times_s, [0, 1, 2])
    expected = []
    for row in logits:
        p = np.exp(1.5 * row) / np.exp(1.5 * row).sum()
        p[4] = 0
        p[np.argsort(-p, kind="stable")[3:]] = 0
        emotion = np.zeros(10)
        emotion[[1, 3, 4, 6, 9]] = p[[0, 1, 2, 3, 5]]
        expected.append((0.5 * emotion + 0.5 * preferred) * 0.6)
    np.testing.assert_allclose(keys.values, expected, atol=1e-7)


def test_keys_do_not_know_of_each_other():
    rng = np.random.default_rng(5)
    logits, samples = rng.normal(0, 2, (6, 6)), np.arange(6) * 16000
    forth = offline_keys(samples, logits, MixSettings(TARGETS), one("pain")).values
    back = offline_keys(samples, logits[::-1], MixSettings(TARGETS), one("pain")).values
    np.testing.assert_array_equal(forth, back[::-1])


@pytest.mark.parametrize("radius", [0, 1, 2, 5, 20])
def test_smoothing_averages_neighbours_that_exist(radius):
    rows = np.random.default_rng(6).uniform(0, 1, (9, 10))
    expected = [rows[max(i - radius, 0) : i + radius + 1].mean(axis=0) for i in range(9)]
    np.testing.assert_allclose(averaged(rows, radius), expected, atol=1e-12)
    np.testing.assert_array_equal(averaged(np.ones((1, 10)), radius), np.ones((1, 10)))


def test_smoothing_of_three_keys_by_hand():
    rows = np.array([[0.0], [0.3], [0.9]])
    np.testing.assert_allclose(averaged(rows, 1)[:, 0], [0.15, 0.4, 0.6])


@pytest.mark.parametrize(
    ("name", "low", "high", "default"),
    [
        ("key_interval", 0.1, 10.0, 1.0),
        ("detection_range", 0.5, 3.75, 1.4),
        ("overall_emotion_strength", 0, 1, 0.6),
        ("key_smoothing", 0, 20, 0),
        ("max_emotions", 1, 6, 6),
        ("detected_emotion_contrast", 0.3, 3, 1.0),
        ("preferred_strength", 0, 1, 0.5),
        ("live_blend", 0, 1, 0.7),
    ],
)
def test_ranges_and_defaults_of_the_manual(name, low, high, default):
    row = PARAMETERS[name]
    assert (row.minimum, row.maximum, row.default) == (low, high, default)
