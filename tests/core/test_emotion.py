# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from facewright.core import emotion
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
