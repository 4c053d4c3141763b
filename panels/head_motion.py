# SPDX-License-Identifier: GPL-3.0-or-later
"""Head motion: nods and drift, and what of each character turns."""

from __future__ import annotations

from typing import Any

import bpy

from .parameters import draw_parameters
from .sidebar import SubPanel, shown_pipeline

TEXTS = {"head_motion_strength": "Strength", "head_motion_seed": "Seed"}


class FACEWRIGHT_PT_head_motion(SubPanel, bpy.types.Panel):
    """Nods and drift of the head; off, the head stays as it is"""

    bl_label = "Head Motion"
    bl_order = 90

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.prop(shown_pipeline(context), "head_motion", text="")

    def draw(self, context: bpy.types.Context) -> None:
        layout, pipeline = self.layout, shown_pipeline(context)
        layout.active = pipeline.head_motion
        draw_parameters(layout, pipeline, TEXTS, TEXTS)
        chosen: Any = context.scene.facewright
        for character in chosen.characters_of(pipeline):
            column = layout.column()
            column.prop(character, "head_target", text=character.name, translate=False)
            target = character.head_target
            if target is not None and target.type == "ARMATURE":
                column.prop_search(character, "head_bone", target.data, "bones", text="Bone")


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_PT_head_motion,))
