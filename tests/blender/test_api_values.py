# SPDX-License-Identifier: GPL-3.0-or-later
"""What the programming side accepts and refuses, and the pace of live sessions."""

from __future__ import annotations

import io
import math
import wave

import numpy as np
import pytest


@pytest.mark.parametrize(
    ("name", "low", "high", "default"),
    [
        ("overall_strength", 0.0, 1.0, 0.6),
        ("contrast", 0.3, 3.0, 1.0),
        ("max_emotions", 1, 6, 3),
        ("smoothing", 0.0, 1.0, 0.7),
        ("override_strength", 0.0, 1.0, 0.5),
    ],
)
def test_emotion_parameters_have_the_manuals_ranges(api, name, low, high, default):
    assert getattr(api.EmotionParameters(), name) == default
    for value in (low, high):
        assert getattr(api.EmotionParameters(**{name: value}), name) == value
    for value in (low - 0.01, high + 0.01, math.nan, math.inf, "much", None):
        with pytest.raises(api.UserError, match=name):
            api.EmotionParameters(**{name: value})


def test_overrides_out_of_range_are_ignored_and_other_mistakes_refused(api):
    given = {
        "joy": 0.5,
        "fear": 0.0,
        "anger": 1.5,
        "pain": -0.1,
        "grief": math.nan,
        "disgust": 10**400,
        "sadness": None,
        "amazement": np.float32(0.25),
    }
    parameters = api.EmotionParameters(overrides=given)
    assert parameters.set_overrides == {"joy": 0.5, "fear": 0.0, "amazement": 0.25}
    with pytest.raises(api.UserError, match="no emotion called 'rage'"):
        api.EmotionParameters(overrides={"rage": 0.5})
    with pytest.raises(api.UserError, match="override of joy"):
        api.EmotionParameters(overrides={"joy": "much"})


def test_samples_are_checked(api):
    assert api.Samples(np.zeros(8, np.int16), 16000, 2).duration_s == 4 / 16000
    assert api.Samples(np.zeros((8, 2), np.float32), 16000, 2).duration_s == 8 / 16000
    for values, rate, channels, words in (
        (np.zeros(8), 16000, 1, "float32 or int16, not float64"),
        (np.zeros(7, np.float32), 16000, 2, "7 samples cannot be shared out to 2 channels"),
        (np.zeros((4, 3), np.float32), 16000, 2, "3 columns, but channels is 2"),
        (np.zeros((2, 2, 2), np.float32), 16000, 2, "one row"),
        (np.zeros(8, np.float32), 100, 1, "rate is 100"),
        (np.zeros(8, np.float32), 16000.5, 1, "rate has to be a whole number"),
        (np.zeros(8, np.float32), 16000, 0, "channels is 0"),
        (np.zeros(8, np.float32), 16000, 65, "channels is 65"),
    ):
        with pytest.raises(api.UserError, match=words):
            api.Samples(values, rate, channels)


def test_samples_become_a_sound_file(api):
    values = np.array([[1, -2], [300, -32768], [32767, 0]], np.int16)
    data = api.Samples(values, 22050, 2).voice().data
    with wave.open(io.BytesIO(data)) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getsampwidth()) == (2, 22050, 2)
        assert sound.readframes(3) == values.tobytes()


def test_samples_in_another_byte_order_are_the_same(api):
    values = np.array([1, -2, 300], np.int16)
    swapped = api.Samples(values.astype(">i2"), 16000)
    np.testing.assert_array_equal(swapped.values, values)
    assert swapped.voice().data == api.Samples(values, 16000).voice().data


@pytest.fixture
def pace(code):
    """A pace of 1,000 samples a second and the clock that it goes by."""
    burst = code("api.burst")

    class Now:
        seconds = 100.0

    def make(mode: str):
        clock = burst.Clock(lambda: Now.seconds, lambda _s: None)
        return burst.Pace(1000, burst.Burst(mode), clock), Now

    return make


@pytest.mark.parametrize("mode", ["DEFAULT", "FORCE_REAL_TIME"])
def test_real_time_gives_half_a_second_at_once_and_then_goes_by_the_clock(pace, mode):
    paced, now = pace(mode)
    assert paced.take(5000) == 500
    assert paced.take(4500) == 0
    now.seconds += 0.25
    assert paced.take(4500) == 250
    now.seconds += 3.0
    assert paced.take(4250) == 3000  # held up, but the sound went on
    now.seconds += 60.0
    assert paced.take(1250) == 1250
    assert paced.take(5000) == 500  # a pause is no credit beyond the first half second


def test_a_burst_is_never_held_back(pace):
    paced, _now = pace("FORCE_BURST")
    assert paced.take(5_000_000) == 5_000_000
