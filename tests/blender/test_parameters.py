# SPDX-License-Identifier: GPL-3.0-or-later
"""Pre- and post-processing, auto-emotion: each row with its label, range, default and reset.

The rows are those of Audio2Face's own panels and the ranges the published ones, written down here
once more.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import bpy
import pytest

PRE, AUTO, EYES = "pre_processing", "auto_emotion", "eyes"
SKIN, TEETH, TONGUE = "post_processing", "lower_denture", "tongue"
# Panel, label, parameter, least, most
ROWS = (
    (PRE, "Prediction Delay", "prediction_delay", -1, 1),
    (PRE, "Input Strength", "input_strength", 0, 3),
    (PRE, "Blink Interval", "blink_interval", 0, 60),
    (AUTO, "Detection Range", "detection_range", 0.5, 3.75),
    (AUTO, "Key Interval", "key_interval", 0.1, 10),
    (AUTO, "Emotion Strength", "overall_emotion_strength", 0, 1),
    (AUTO, "Smoothing", "key_smoothing", 0, 20),
    (AUTO, "Max Emotions", "max_emotions", 1, 6),
    (AUTO, "Contrast", "detected_emotion_contrast", 0.3, 3),
    (AUTO, "Preferred Strength", "preferred_strength", 0, 1),
    (SKIN, "Skin Strength", "skin_strength", 0, 2),
    (SKIN, "Upper Face Strength", "upper_face_strength", 0, 2),
    (SKIN, "Lower Face Strength", "lower_face_strength", 0, 2),
    (SKIN, "Eyelid Offset", "eyelid_open_offset", -1, 1),
    (SKIN, "Blink Strength", "blink_strength", 0, 2),
    (SKIN, "Lip Open Offset", "lip_open_offset", -0.2, 0.2),
    (SKIN, "Upper Face Smoothing", "upper_face_smoothing", 0, 0.1),
    (SKIN, "Lower Face Smoothing", "lower_face_smoothing", 0, 0.1),
    (SKIN, "Face Mask Level", "face_mask_level", 0, 1),
    (SKIN, "Face Mask Softness", "face_mask_softness", 0.001, 0.5),
    (EYES, "Offset Strength", "eyeballs_strength", 0, 2),
    (EYES, "Saccade Strength", "saccade_strength", 0, 2),
    (EYES, "Right Eye Rotate X", "right_eye_rot_x_offset", -10, 10),
    (EYES, "Right Eye Rotate Y", "right_eye_rot_y_offset", -10, 10),
    (EYES, "Left Eye Rotate X", "left_eye_rot_x_offset", -10, 10),
    (EYES, "Left Eye Rotate Y", "left_eye_rot_y_offset", -10, 10),
    (TEETH, "Strength", "lower_teeth_strength", 0, 2),
    (TEETH, "Height", "lower_teeth_height_offset", -3, 3),
    (TEETH, "Depth", "lower_teeth_depth_offset", -3, 3),
    (TONGUE, "Strength", "tongue_strength", 0, 3),
    (TONGUE, "Height", "tongue_height_offset", -3, 3),
    (TONGUE, "Depth", "tongue_depth_offset", -3, 3),
)


class Rows:
    """A layout that notes, for each row, the property with its text and what its button resets."""

    def __init__(self, found: dict[str, list[Any]]) -> None:
        self.__dict__.update(found=found, buttons=[])

    def __setattr__(self, name: str, value: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        def draw(*args: Any, **options: Any) -> Any:
            if name == "prop":
                self.found.setdefault(args[1], [options.get("text")])
                self.found["last"] = [args[1]]
            elif name == "operator" and args[0] == "facewright.reset":
                button = SimpleNamespace(names="")
                self.found.setdefault("buttons", []).append((self.found["last"][0], button))
                return button
            elif name == "label":
                self.found.setdefault("labels", []).append(options.get("text"))
            return self

        return draw


@pytest.fixture
def drawn(code, wired):
    """What a panel draws, by its name."""

    def draw(name: str) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        module = code("panels.auto_emotion" if name == AUTO else "panels.parameters")
        panel = getattr(module, f"FACEWRIGHT_PT_{name}")
        panel.draw(SimpleNamespace(layout=Rows(found)), SimpleNamespace(scene=wired.scene))
        return found

    return draw


@pytest.mark.parametrize(("panel", "label", "name", "least", "most"), ROWS)
def test_a_row_has_its_label_range_and_own_reset(wired, drawn, panel, label, name, least, most):
    pipeline, found = wired.pipeline, drawn(panel)
    assert found[name] == [label]
    assert name in [button.names for row, button in found["buttons"] if row == name]
    assert name in found["buttons"][-1][1].names.split(",")  # all of the panel
    rest = getattr(pipeline, name)
    for value, kept in ((least - 1, least), (most + 1, most)):
        setattr(pipeline, name, value)
        assert getattr(pipeline, name) == pytest.approx(kept)
    others = pipeline.changed_settings()
    assert list(others) == [name]
    pipeline.noise_seed = 3
    assert bpy.ops.facewright.reset(names=name) == {"FINISHED"}
    assert getattr(pipeline, name) == rest
    assert pipeline.changed_settings() == {"noise_seed": 3}


def test_eye_saccade_data_is_chosen_by_name_the_first_by_default(wired, drawn, code):
    pipeline, found = wired.pipeline, drawn(PRE)
    assert "Eye Saccade Data" in found["labels"]
    items = [item[0] for item in code("properties.pipeline").SACCADE_DATA]
    assert pipeline.saccade_data == items[0] and pipeline.changed_settings() == {}
    for place, item in enumerate(items):
        pipeline.saccade_data = item
        assert pipeline.changed_settings() == {"saccade_pattern": place}
    button = next(button for row, button in found["buttons"] if row == "saccade_data")
    assert bpy.ops.facewright.reset(names=button.names) == {"FINISHED"}
    assert pipeline.saccade_data == items[0] and pipeline.changed_settings() == {}
