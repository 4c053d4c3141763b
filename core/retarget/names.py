# SPDX-License-Identifier: GPL-3.0-or-later
"""What character transfer calls shapes and the parts of a target, in every layer."""

from __future__ import annotations

JAW_OPEN = "jawOpen"
OPEN_MOUTH = "open mouth"  # the OpenMouth mesh among the shapes: no shape key of that name is made
OPENINGS = (JAW_OPEN, OPEN_MOUTH)  # what parts the lips, the first that there is

SKIN, FOLLOWER, TONGUE = "skin", "follower", "tongue"
UPPER_TEETH, LOWER_TEETH = "upper_teeth", "lower_teeth"
EYE_LEFT, EYE_RIGHT = "eye_left", "eye_right"
KINDS = (SKIN, FOLLOWER, TONGUE, UPPER_TEETH, LOWER_TEETH, EYE_LEFT, EYE_RIGHT)
