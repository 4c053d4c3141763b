# SPDX-License-Identifier: GPL-3.0-or-later
"""Preferences of the extension: the model to start with, and where its files are."""

from __future__ import annotations

import bpy
from bpy.props import IntProperty, StringProperty


class FACEWRIGHT_AP_preferences(bpy.types.AddonPreferences):
    """Preferences of Facewright"""

    bl_idname = __package__ or ""

    model: StringProperty(
        name="Model",
        description="Folder of the model for scenes that name none; empty is the built-in one",
        subtype="DIR_PATH",
    )
    threads: IntProperty(
        name="Threads",
        description="Processor threads of the network; 0 chooses by itself",
        default=0,
        min=0,
        max=64,
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "model")
        layout.prop(self, "threads")
        folder = bpy.utils.extension_path_user(__package__ or "")
        row = layout.row()
        row.label(text=f"Logs, reports and takes: {folder}")
        row.operator("wm.path_open", text="", icon="FILE_FOLDER").filepath = folder


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_AP_preferences,))
