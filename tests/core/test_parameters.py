# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import stubs
from facewright.core import parameters
from facewright.core.errors import UserError
from facewright.core.models import model as models
from facewright.core.parameters import PARAMETERS, Settings

# Defaults and ranges copied by hand from the published table; lower_face_strength, blink_interval
# and the two before the network from the manual.
PUBLISHED = {
    "input_strength": (0, 3, 1.0),
    "blink_interval": (0, 60, 3.0),
    "saccade_pattern": (0, 7, 0),
    "key_interval": (0.1, 10, 1.0),
    "detection_range": (0.5, 3.75, 1.4),
    "overall_emotion_strength": (0, 1, 0.6),
    "key_smoothing": (0, 20, 0),
    "max_emotions": (1, 6, 6),
    "detected_emotion_contrast": (0.3, 3, 1.0),
    "preferred_strength": (0, 1, 0.5),
    "live_blend": (0, 1, 0.7),
    "live_transition": (0.001, 10, 0.5),
    "skin_regularization": (0, 1000, 3.5),
    "skin_sparsity": (0, 1000, 1.0),
    "skin_temporal": (0, 1000, 0.0),
    "skin_symmetry": (0, 1000, 100.0),
    "tongue_regularization": (0, 1000, 3.5),
    "tongue_sparsity": (0, 1000, 1.0),
    "tongue_temporal": (0, 1000, 0.0),
    "tongue_symmetry": (0, 1000, 100.0),
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
        ("skin_strength", 10**400, "has to be a number, not inf"),
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


NUMBERS = [name for name, row in PARAMETERS.items() if row.kind != "text"]


@pytest.mark.parametrize("name", NUMBERS)
def test_no_parameter_takes_nan_or_a_value_out_of_its_range(name):
    row = PARAMETERS[name]
    beyond = 1e-3 * (row.maximum - row.minimum) if row.kind == "float" else 1
    wrong = (math.nan, math.inf, -math.inf, row.minimum - beyond, row.maximum + beyond)
    for value in (*wrong, "1", None, [1.0]):
        with pytest.raises(UserError, match=rf"{row.label} \({name}\)"):
            Settings.from_mapping({name: value})
    for value in (row.minimum, row.maximum, row.default):
        assert getattr(Settings.from_mapping({name: value}), name) == value
    assert row.minimum <= float(row.default) <= row.maximum


def test_reset_gives_the_models_own_value_and_else_the_tables(model, tmp_path):
    """No value of the user's is what reset leaves behind."""
    config = {"lower_face_strength": 1.4, "tongue_height_offset": -0.2, "input_strength": 1.3}
    solve = {"strengthL1regularization": 0.5, "strengthL2regularization": 0.25,
             "strengthTemporalSmoothing": 0.3, "strengthSymmetry": 10.0}  # fmt: skip
    folder = stubs.make_stub_model(tmp_path / "m", config=config, skin_solve=solve).folder
    settings = models.settings_for(models.load_model(folder), {})
    own = {**config, "skin_sparsity": 0.5, "skin_regularization": 0.25, "skin_temporal": 0.3,
           "skin_symmetry": 10.0, "saccade_strength": 0.6, "source_shot": "stub_neutral",
           "source_frame": 3, "tongue_sparsity": 0.1, "tongue_regularization": 0.1,
           "tongue_temporal": 0.0, "tongue_symmetry": 0.0}  # fmt: skip
    for name, row in PARAMETERS.items():
        assert getattr(settings, name) == own.get(name, row.default), name


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
    empty = models.settings_for(model, {"source_shot": ""})
    assert (empty.source_shot, empty.source_frame) == ("stub_neutral", 3)
    settings = models.settings_for(model, {"source_shot": "mute_joy"})
    assert (settings.source_shot, settings.source_frame) == ("mute_joy", 0)


def test_emotions_follow_the_networks_own_names():
    settings = Settings.from_mapping({"emotion_joy": 0.5, "emotion_fear": 0.25})
    assert settings.emotion(("joy", "boredom", "fear")) == (0.5, 0.0, 0.25)
