# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu of presets, in the header of the panel of takes."""

from __future__ import annotations

import bpy

from ..operators.presets import preset_names


class FACEWRIGHT_MT_presets(bpy.types.Menu):
    """Presets of all settings of a pipeline"""

    bl_idname = "FACEWRIGHT_MT_presets"
    bl_label = "Pipeline Presets"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        shipped, own = preset_names()
        for names in (shipped, own):
            for name in names:
                layout.operator("facewright.preset_apply", text=name, translate=False).name = name
            if names:
                layout.separator()
        layout.operator("facewright.preset_add", icon="ADD")
        layout.menu("FACEWRIGHT_MT_remove_preset", icon="REMOVE")


class FACEWRIGHT_MT_remove_preset(bpy.types.Menu):
    """Presets of your own that can be removed"""

    bl_idname = "FACEWRIGHT_MT_remove_preset"
    bl_label = "Remove Preset"

    def draw(self, context: bpy.types.Context) -> None:
        own = preset_names()[1]
        for name in own:
            remove = self.layout.operator("facewright.preset_remove", text=name, translate=False)
            remove.name = name
        if not own:
            self.layout.label(text="There is no preset of your own")


def draw_presets(layout: bpy.types.UILayout) -> None:
    """The button that opens the menu, as Blender's own panels have it."""
    layout.emboss = "NONE"
    layout.menu("FACEWRIGHT_MT_presets", text="", icon="PRESET")


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_MT_presets, FACEWRIGHT_MT_remove_preset)
)
