# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of emotion keys, good and bad."""

from __future__ import annotations

import json

import numpy as np
import pytest
from facewright.core.errors import UserError
from facewright.core.exchange.emotion_json import read_emotion_keys
from facewright.core.exchange.sdk_names import FACE_PARAMETERS, face_settings
from facewright.core.parameters import EMOTION_NAMES, PARAMETERS


def write(folder, value):
    path = folder / "keys.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def test_keys_become_a_track_of_all_emotions(tmp_path):
    keys = [
        {"time": 0, "emotions": {"joy": 1}},
        {"time": 1.5, "emotions": {"fear": 0.5, "joy": 0.25}},
        {"time": 2, "emotions": {}},
    ]
    track = read_emotion_keys(write(tmp_path, keys))
    assert track.times_s.tolist() == [0, 1.5, 2]
    assert track.values.shape == (3, 10)
    joy, fear = EMOTION_NAMES.index("joy"), EMOTION_NAMES.index("fear")
    assert track.values[:, joy].tolist() == [1, 0.25, 0]
    assert track.values[:, fear].tolist() == [0, 0.5, 0]
    assert np.count_nonzero(track.values) == 3


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("[", "not valid JSON"),
        ("{}", "list of emotion keys"),
        ("[]", "at least one"),
        ("[1]", "key 1 has to be a table"),
        ([{"time": 0}], "key 1 has to be a table"),
        ([{"time": 0, "emotions": {}, "other": 1}], "key 1 has to be a table"),
        ([{"time": "0", "emotions": {}}], "key 1: time has to be a number"),
        ([{"time": -1, "emotions": {}}], "key 1: time is -1"),
        ('[{"time": NaN, "emotions": {}}]', "not valid JSON"),
        ([{"time": 0, "emotions": []}], "emotions has to be a table"),
        ([{"time": 0, "emotions": {"rage": 1}}], "no emotion called 'rage'"),
        ([{"time": 0, "emotions": {"joy": 1.5}}], "joy is 1.5"),
        ([{"time": 0, "emotions": {"joy": True}}], "joy has to be a number"),
        ([{"time": 1, "emotions": {}}, {"time": 1, "emotions": {}}], "key 2 is not later"),
    ],
)
def test_bad_files_are_refused_by_key(tmp_path, value, words):
    with pytest.raises(UserError, match=words):
        read_emotion_keys(write(tmp_path, value))


def test_face_parameters_of_the_sdk_are_ours(tmp_path):
    assert set(FACE_PARAMETERS.values()) <= set(PARAMETERS)
    assert face_settings({"lowerFaceStrength": 1.25, "tongueStrength": 1.3}) == {
        "lower_face_strength": 1.25,
        "tongue_strength": 1.3,
    }
    with pytest.raises(UserError, match="no face parameter called 'skin_strength'"):
        face_settings({"skin_strength": 1.0})
    with pytest.raises(UserError, match=r"blinkStrength: .*between 0 and 2"):
        face_settings({"blinkStrength": 3.0})
