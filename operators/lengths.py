# SPDX-License-Identifier: GPL-3.0-or-later
"""Lengths as the scene's unit writes them."""

from __future__ import annotations

import bpy


def length_text(scene: bpy.types.Scene, length: float) -> str:
    """A length of the world in the scene's unit."""
    settings = scene.unit_settings
    if settings.system == "NONE":
        return f"{length:.3g}"
    metres = length * settings.scale_length
    return str(bpy.utils.units.to_string(settings.system, "LENGTH", metres, precision=2))
