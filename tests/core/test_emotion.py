# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from facewright.core.emotion import track as emotion
from facewright.core.errors import UserError


def test_published_interpolation_example():
    keys = emotion.EmotionTrack(
        np.array([2.0, 6.0]), np.array([[1, 2, 3], [5, 10, 15]], np.float32)
    )
    found = keys.sample(np.array([0.0, 2, 3, 6, 9]))
    expected = [[1, 2, 3], [1, 2, 3], [2, 4, 6], [5, 10, 15], [5, 10, 15]]
    np.testing.assert_allclose(found, expected)


def test_a_constant_emotion_is_the_same_at_all_times():
    track = emotion.constant((0.0, 0.25, 1.0))
    np.testing.assert_array_equal(track.sample(np.linspace(-5, 50, 7)), [[0, 0.25, 1]] * 7)


def test_a_network_without_named_emotions_gets_empty_rows():
    assert emotion.constant(()).sample(np.zeros(4)).shape == (4, 0)


@pytest.mark.parametrize(
    ("times", "values"),
    [
        ([0.0, 0.0], [[1.0], [2.0]]),
        ([1.0, 0.0], [[1.0], [2.0]]),
        ([0.0, np.nan], [[1.0], [2.0]]),
        ([0.0], [[np.inf]]),
        ([], np.zeros((0, 1))),
        ([0.0, 1.0], [[1.0]]),
    ],
)
def test_bad_keys_are_refused(times, values):
    with pytest.raises(UserError, match=r"[Ee]motion keys"):
        emotion.EmotionTrack(np.array(times, float), np.array(values, np.float32))


def test_implicit_vector_is_the_row_of_shot_and_frame(stub, model):
    np.testing.assert_array_equal(
        emotion.implicit_vector(model, "mute_joy", 4), stub.emo_db[20 + 4]
    )
    np.testing.assert_array_equal(emotion.implicit_vector(model, "", 2), stub.emo_db[2])


@pytest.mark.parametrize(
    ("shot", "frame", "says"),
    [("nope", 0, "nope.*stub_neutral"), ("mute_joy", 10, "0 to 9"), ("mute_joy", -1, "0 to 9")],
)
def test_unknown_shots_and_frames_are_refused_with_what_there_is(model, shot, frame, says):
    with pytest.raises(UserError, match=says):
        emotion.implicit_vector(model, shot, frame)


# ---- keys that come in while the voice does ------------------------------------------------------


def accumulator():
    keys = emotion.EmotionAccumulator(3)
    keys.add(2, (1, 2, 3))
    keys.add(6, (5, 10, 15))
    return keys


def test_published_accumulator_example():
    keys = accumulator()
    np.testing.assert_array_equal(
        keys.sample(np.array([3, 0, 2, 6])), [[2, 4, 6], [1, 2, 3], [1, 2, 3], [5, 10, 15]]
    )
    assert keys.sample(np.array([3])).dtype == np.float32


def test_after_the_last_key_nothing_is_known_until_it_is_closed():
    keys = accumulator()
    assert keys.known(6) and not keys.known(7)
    with pytest.raises(UserError, match="not known yet"):
        keys.sample(np.array([5, 7]))
    keys.close()
    assert keys.known(10**12)
    np.testing.assert_array_equal(keys.sample(np.array([7, 10**12])), [[5, 10, 15]] * 2)


def test_an_open_accumulator_goes_on_with_the_next_key():
    keys = accumulator()
    keys.sample(np.array([6]))
    keys.add(10, (9, 10, 15))
    np.testing.assert_array_equal(keys.sample(np.array([8])), [[7, 10, 15]])
    assert keys.last_sample == 10


def test_an_accumulator_without_keys_knows_nothing_and_cannot_be_closed():
    keys = emotion.EmotionAccumulator(3)
    assert keys.last_sample is None and not keys.known(0)
    with pytest.raises(UserError, match="at least one key"):
        keys.close()
    with pytest.raises(UserError, match="not known yet"):
        keys.sample(np.array([0]))


def test_one_key_that_is_closed_is_a_constant_emotion():
    keys = emotion.EmotionAccumulator(2)
    keys.add(0, (0.5, 0.25))
    keys.close()
    np.testing.assert_array_equal(keys.sample(np.array([-9, 0, 99])), [[0.5, 0.25]] * 3)


@pytest.mark.parametrize("sample", [6, 5, -1])
def test_times_only_grow(sample):
    with pytest.raises(UserError, match="not in the order"):
        accumulator().add(sample, (0, 0, 0))


@pytest.mark.parametrize("values", [(0, 0), (0, 0, np.nan), (0, np.inf, 0)])
def test_keys_of_another_length_or_that_are_no_numbers_are_refused(values):
    with pytest.raises(UserError, match="3 numbers"):
        accumulator().add(7, values)


def test_a_closed_accumulator_takes_no_key():
    keys = accumulator()
    keys.close()
    with pytest.raises(UserError, match="after the last"):
        keys.add(9, (0, 0, 0))


def test_values_are_as_they_were_given():
    keys = emotion.EmotionAccumulator(2)
    row = np.array([-3.0, 7.5])
    keys.add(0, row)
    row[:] = 0
    keys.close()
    np.testing.assert_array_equal(keys.sample(np.array([0])), [[-3.0, 7.5]])


def test_old_keys_can_be_dropped():
    keys = emotion.EmotionAccumulator(1)
    for sample in range(0, 1000, 10):
        keys.add(sample, [float(sample)])
    keys.forget_before(504)
    assert len(keys._samples) == 50  # from 500 on
    np.testing.assert_allclose(keys.sample(np.array([504, 505, 990])), [[504], [505], [990]])
    assert not keys.known(503)
    with pytest.raises(UserError, match="no longer"):
        keys.sample(np.array([503]))


def test_seconds_are_rounded_to_samples():
    times = np.array([0.0, 1.49 / 16000, 2.5 / 16000, 1.0])
    track = emotion.EmotionTrack(times, np.zeros((4, 1), np.float32))
    np.testing.assert_array_equal(track.samples(), [0, 1, 3, 16000])
    found = emotion.EmotionAccumulator.of(track)
    assert found.closed and found.last_sample == 16000


def test_keys_on_one_sample_are_refused():
    track = emotion.EmotionTrack(np.array([0.0, 1e-5]), np.zeros((2, 1), np.float32))
    with pytest.raises(UserError, match="closer together"):
        track.samples()


def test_an_accumulator_gives_what_the_track_gives():
    rng = np.random.default_rng(2)
    times = np.sort(rng.choice(160_000, 40, False)) / 16000
    track = emotion.EmotionTrack(times, rng.uniform(0, 1, (40, 10)).astype(np.float32))
    samples = rng.integers(-1000, 170_000, 300)
    np.testing.assert_allclose(
        emotion.EmotionAccumulator.of(track).sample(samples),
        track.sample(samples / 16000),
        atol=1e-7,
    )


def test_a_track_can_end_earlier_without_changing_before():
    times = np.array([0.0, 1.0, 2.0, 3.0])
    track = emotion.EmotionTrack(times, np.array([[0], [1], [0], [1]], np.float32))
    short = track.until(1.5)
    np.testing.assert_array_equal(short.times_s, [0, 1, 1.5])
    np.testing.assert_allclose(short.values[:, 0], [0, 1, 0.5])
    assert track.until(9.0) is track
    np.testing.assert_array_equal(track.until(2.0).times_s, [0, 1, 2])
