# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from facewright.core import models, parameters
from facewright.core.errors import UserError
from facewright.core.parameters import PARAMETERS, Settings

# Defaults and ranges copied by hand from the published table; lower_face_strength, blink_interval
# and the two before the network from the manual.
PUBLISHED = {
    "input_strength": (0, 3, 1.0),
    "prediction_delay": (-1, 1, 0.0),
    "lower_face_smoothing": (0, 0.1, 0.0023),
    "upper_face_smoothing": (0, 0.1, 0.001),
    "lower_face_strength": (0, 2, 1.0),
    "upper_face_strength": (0, 2, 1.0),
    "face_mask_level": (0, 1, 0.6),
    "face_mask_softness": (0.001, 0.5, 0.0085),
    "skin_strength": (0, 2, 1.0),
    "blink_strength": (0, 2, 1.0),
    "blink_offset": (0, 1, 0.0),
    "eyelid_open_offset": (-1, 1, 0.06),
    "lip_open_offset": (-0.2, 0.2, -0.03),
    "tongue_strength": (0, 3, 1.5),
    "tongue_height_offset": (-3, 3, 0.2),
    "tongue_depth_offset": (-3, 3, 0.13),
    "lower_teeth_strength": (0, 2, 1.0),
    "lower_teeth_height_offset": (-3, 3, 0.0),
    "lower_teeth_depth_offset": (-3, 3, 0.0),
    "eyeballs_strength": (0, 2, 1.0),
    "saccade_strength": (0, 2, 1.0),
    "right_eye_rot_x_offset": (-10, 10, 0.0),
    "right_eye_rot_y_offset": (-10, 10, 0.0),
    "left_eye_rot_x_offset": (-10, 10, 0.0),
    "left_eye_rot_y_offset": (-10, 10, 0.0),
    "eye_saccade_seed": (0, 4999, 0),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_ranges_and_defaults_are_the_published_ones(name):
    row = PARAMETERS[name]
    assert (row.minimum, row.maximum, row.default) == PUBLISHED[name]
    assert getattr(Settings(), name) == row.default


def test_settings_hold_exactly_the_table():
    fields = [field.name for field in dataclasses.fields(Settings)]
    assert sorted(fields) == sorted(PARAMETERS)
    assert Settings().to_mapping() == {name: row.default for name, row in PARAMETERS.items()}
    assert len(PARAMETERS) == sum(map(len, parameters.GROUPS.values()))


def test_every_text_is_a_tooltip():
    for row in PARAMETERS.values():
        assert row.label
        assert row.text
        assert not row.text.endswith(".")


def test_mapping_and_back():
    settings = Settings.from_mapping({"skin_strength": 1.25, "source_shot": "joy", "blink_seed": 7})
    assert Settings.from_mapping(settings.to_mapping()) == settings
    assert settings.skin_strength == 1.25


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("skin_strength", float("nan"), "Skin Strength.*number"),
        ("skin_strength", float("inf"), "Skin Strength.*number"),
        ("skin_strength", 2.1, "Skin Strength.*2.1.*between 0 and 2"),
        ("face_mask_softness", 0.0, "Face Mask Softness.*0.001"),
        ("skin_strength", "1", "has to be a number"),
        ("skin_strength", None, "has to be a number"),
        ("blink_seed", 1.5, "whole number"),
        ("source_shot", 3, "text"),
        ("skin_strenght", 1.0, "skin_strenght"),
    ],
)
def test_bad_values_are_refused_by_name(name, value, says):
    with pytest.raises(UserError, match=says):
        Settings.from_mapping({name: value})
    if name in PARAMETERS:
        with pytest.raises(UserError, match=says):
            Settings(**{name: value})


def test_limits_survive_the_float32_of_a_blender_property():
    settings = Settings.from_mapping({"face_mask_softness": float(np.float32(0.001)),
                                      "lip_open_offset": float(np.float32(0.2))})  # fmt: skip
    assert settings.face_mask_softness >= 0.001
    assert settings.lip_open_offset == 0.2


def test_users_values_go_before_the_models_and_those_before_the_tables(model):
    assert model.config["lower_face_strength"] == 1.2
    settings = models.settings_for(model, {"saccade_strength": 2.0})
    assert settings.lower_face_strength == 1.2
    assert settings.saccade_strength == 2.0
    assert settings.tongue_strength == 1.5
    assert (settings.source_shot, settings.source_frame) == ("stub_neutral", 3)


def test_a_users_shot_without_a_frame_starts_at_its_first(model):
    settings = models.settings_for(model, {"source_shot": "mute_joy"})
    assert (settings.source_shot, settings.source_frame) == ("mute_joy", 0)


def test_emotions_follow_the_networks_own_names():
    settings = Settings.from_mapping({"emotion_joy": 0.5, "emotion_fear": 0.25})
    assert settings.emotion(("joy", "boredom", "fear")) == (0.5, 0.0, 0.25)
