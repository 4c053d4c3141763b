# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of the Audio2Emotion family."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil

import pytest
import stubs
from facewright.core.errors import UserError
from facewright.core.models.model import load_emotion_model


@pytest.fixture(scope="module")
def emotion(tmp_path_factory):
    return stubs.make_stub_emotion(tmp_path_factory.mktemp("emotion") / "m")


@pytest.fixture
def emotion_folder(emotion, tmp_path):
    return shutil.copytree(emotion.folder, tmp_path / "spoiled emotion")


def change(path, edit):
    values = json.loads(path.read_text())
    edit(values)
    path.write_text(json.dumps(values))


def test_an_emotion_folder_is_read(emotion):
    model = load_emotion_model(emotion.folder)
    assert model.emotions == ("angry", "disgust", "fear", "happy", "neutral", "sad")
    assert model.targets == (1, 3, 4, 6, -1, 9)
    assert model.sample_rate == 16000
    assert model.network_path == emotion.folder / "network.onnx"
    assert dataclasses.astuple(model.config)[:7] == (1.0, 6, 0.7, False, 0.5, 0.5, 0.6)
    assert model.config.preferred == (0.0,) * 10
    assert len(model.sha256) == 64


def test_labels_are_mapped_by_name_not_by_position(tmp_path):
    labels = ("sad", "neutral", "happy", "fear", "disgust", "angry")
    stubs.make_stub_emotion(tmp_path, labels=labels)
    assert load_emotion_model(tmp_path).targets == (9, -1, 6, 4, 3, 1)
    names = {"anger": 1, "joy": 6, "neutral": -1}
    stubs.make_stub_emotion(
        tmp_path / "other", config={"emotion_correspondence": names, "max_emotions": 3},
        info={"emotions": ["neutral", "joy", "anger"]},
    )  # fmt: skip
    assert load_emotion_model(tmp_path / "other").targets == (-1, 6, 1)


def test_labels_may_stand_among_the_parameters(emotion_folder):
    def move(values):
        values["params"] = {"emotions": values.pop("emotions")}

    before = load_emotion_model(emotion_folder).emotions
    change(emotion_folder / "network_info.json", move)
    assert load_emotion_model(emotion_folder).emotions == before


def test_an_emotion_config_may_say_nothing_but_the_correspondence(emotion_folder):
    def strip(values):
        section = values["post_processing_config"]
        for key in [key for key in section if key != "emotion_correspondence"]:
            del section[key]

    before = load_emotion_model(emotion_folder).config
    change(emotion_folder / "model_config.json", strip)
    assert load_emotion_model(emotion_folder).config == before


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("emotion_contrast", 0.1, "emotion_contrast is 0.1; it has to be 0.3 to 3"),
        ("emotion_contrast", "high", "emotion_contrast has to be a number"),
        ("max_emotions", 7, "max_emotions is 7; it has to be 1 to 6"),
        ("max_emotions", 2.5, "max_emotions has to be a whole number"),
        ("live_blend_coef", 1.1, "live_blend_coef is 1.1"),
        ("preferred_emotion_strength", -1, "preferred_emotion_strength is -1"),
        ("transition_smoothing", 0, "transition_smoothing is 0"),
        ("emotion_strength", 2, "emotion_strength is 2"),
        ("enable_preferred_emotion", 3, "enable_preferred_emotion has to be true or false"),
        ("preferred_emotion", [0.0] * 9, "preferred_emotion has to be a list of 10"),
        ("preferred_emotion", [2.0] * 10, "preferred_emotion has to hold numbers from 0 to 1"),
        ("output_emotion_length", 11, "output_emotion_length is 11"),
        ("emotion_correspondence", {"angry": 1}, "does not say what 'disgust' stands for"),
        ("emotion_correspondence", [1, 3, 4, 6, -1, 9], "section 'emotion_correspondence'"),
        ("emotion_correspondence", dict.fromkeys(stubs.LABELS, 10), "angry is 10"),
    ],
)  # fmt: skip
def test_settings_of_an_emotion_folder_are_refused_by_name(emotion_folder, key, value, says):
    change(
        emotion_folder / "model_config.json",
        lambda v: v["post_processing_config"].update({key: value}),
    )
    with pytest.raises(UserError, match=r"model_config\.json.*" + re.escape(says)):
        load_emotion_model(emotion_folder)


@pytest.mark.parametrize(
    ("info", "says"),
    [
        ({"emotions": []}, "emotions names none"),
        ({"emotions": ["sad", "sad"]}, "list of different names"),
        ({"audio_params": {"samplerate": 8000}}, "wants 8000 samples per second"),
        ({"audio_params": {}}, "samplerate has to be a whole number"),
    ],
)
def test_sizes_of_an_emotion_network_are_checked(tmp_path, info, says):
    stubs.make_stub_emotion(tmp_path, info=info)
    with pytest.raises(UserError, match=rf"network_info\.json.*{says}"):
        load_emotion_model(tmp_path)
