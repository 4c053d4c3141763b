# SPDX-License-Identifier: GPL-3.0-or-later
"""Data Conversion: what all exports share; caches, weights, conversion and batches lie below it."""

from __future__ import annotations

from typing import Any

import bpy

from .sidebar import Sidebar, aligned

PARENT = "FACEWRIGHT_PT_exports"


class FACEWRIGHT_PT_exports(Sidebar, bpy.types.Panel):
    """Faces as files for other programs, and back in"""

    bl_idname = PARENT
    bl_label = "Data Conversion"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 130

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        chosen: Any = context.scene.facewright.exports
        column = aligned(layout.column())
        column.prop(chosen, "directory")
        column.prop(chosen, "file_name")
        column.prop(chosen, "use_scene_fps")
        if not chosen.use_scene_fps:
            column.prop(chosen, "fps")
        column.prop(chosen, "use_scene_range")
        if not chosen.use_scene_range:
            frames = column.column(align=True)
            frames.prop(chosen, "frame_start")
            frames.prop(chosen, "frame_end")


class ExportPanel(Sidebar):
    """A closed panel below Data Conversion."""

    bl_parent_id = PARENT
    bl_options = {"DEFAULT_CLOSED"}


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_PT_exports,))
