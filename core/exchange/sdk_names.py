# SPDX-License-Identifier: GPL-3.0-or-later
"""Face parameters by the names that Audio2Face's programming interfaces give them.

Scripts and, over the wire, clients send them as one map from name to value.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import UserError
from ..parameters import Value, checked

# Name in requests -> name in ``core.parameters``
FACE_PARAMETERS: dict[str, str] = {
    "lowerFaceSmoothing": "lower_face_smoothing",
    "upperFaceSmoothing": "upper_face_smoothing",
    "lowerFaceStrength": "lower_face_strength",
    "upperFaceStrength": "upper_face_strength",
    "faceMaskLevel": "face_mask_level",
    "faceMaskSoftness": "face_mask_softness",
    "skinStrength": "skin_strength",
    "blinkStrength": "blink_strength",
    "eyelidOpenOffset": "eyelid_open_offset",
    "lipOpenOffset": "lip_open_offset",
    "blinkOffset": "blink_offset",
    "tongueStrength": "tongue_strength",
    "tongueHeightOffset": "tongue_height_offset",
    "tongueDepthOffset": "tongue_depth_offset",
}


def face_settings(values: Mapping[str, object]) -> dict[str, Value]:
    """Settings by our own names. Raises UserError for unknown names and values out of range."""
    settings: dict[str, Value] = {}
    for name, value in values.items():
        ours = FACE_PARAMETERS.get(name)
        if ours is None:
            known = ", ".join(FACE_PARAMETERS)
            raise UserError(f"There is no face parameter called {name!r}.", f"There are {known}.")
        settings[ours] = checked(ours, value, name)
    return settings
