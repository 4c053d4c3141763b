# SPDX-License-Identifier: GPL-3.0-or-later
"""Resetting the face parameters of the scene."""

from __future__ import annotations

from typing import Any

import bpy


class FACEWRIGHT_OT_reset_settings(bpy.types.Operator):
    """Set all face parameters back to the model's own values"""

    bl_idname = "facewright.reset_settings"
    bl_label = "Reset"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        chosen.reset_settings()
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_OT_reset_settings,))
