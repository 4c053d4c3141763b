# SPDX-License-Identifier: GPL-3.0-or-later
"""Attached Meshes: which objects and bones each character consists of, and what is missing."""

from __future__ import annotations

from typing import Any

import bpy

from ..operators.attached_meshes import status_of
from .sidebar import MARGIN_PX, MOST_PX, SubPanel, aligned, one_look, shown_pipeline
from .texts import draw_sentence, room

JOINTS = (
    ("lower_denture", "jaw_bone"),
    ("eye_right", "eye_right_bone"),
    ("eye_left", "eye_left_bone"),
)


class FACEWRIGHT_UL_meshes(bpy.types.UIList):
    """Further meshes of a character"""

    bl_idname = "FACEWRIGHT_UL_meshes"

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        layout.prop(item, "object", text="", emboss=False, icon="MESH_DATA")


class FACEWRIGHT_PT_attached_meshes(SubPanel, bpy.types.Panel):
    """The meshes and bones that each character consists of"""

    bl_label = "Attached Meshes"
    bl_order = 25

    @one_look
    def draw(self, context: bpy.types.Context) -> None:
        chosen: Any = context.scene.facewright
        pipeline = shown_pipeline(context)
        characters = chosen.characters_of(pipeline)
        if not characters:
            self.layout.label(text="The pipeline drives no character", icon="INFO")
        for place, character in enumerate(characters):
            if place:
                self.layout.separator()
            _draw_character(self.layout.column(), context, character, pipeline)


def _draw_character(
    layout: bpy.types.UILayout, context: Any, character: Any, pipeline: Any
) -> None:
    row = layout.row(align=True)
    row.prop(character, "name", text="", icon="USER")
    select = row.operator("facewright.select_character", text="", icon="RESTRICT_SELECT_OFF")
    select.character = character.id
    status = status_of(character, pipeline)
    draw_sentence(layout, status.text, _icon(status), room(context, MARGIN_PX, MOST_PX))
    column = aligned(layout.column())
    column.prop(character, "skin")
    column.prop(character, "tongue")
    for target, bone in JOINTS:
        column.prop(character, target)
        obj = getattr(character, target)
        if obj is not None and obj.type == "ARMATURE":
            column.prop_search(character, bone, obj.data, "bones", text="Bone")
    _draw_others(layout, character)
    layout.operator("facewright.guess_parts", icon="VIEWZOOM").character = character.id


def _icon(status: Any) -> str:
    if status.problem:
        return "ERROR"
    return "CHECKMARK" if status.complete else "INFO"


def _draw_others(layout: bpy.types.UILayout, character: Any) -> None:
    layout.label(text="Further Meshes")
    row = layout.row()
    row.template_list(
        "FACEWRIGHT_UL_meshes", character.id, character, "others", character, "active_other", rows=2
    )
    buttons = row.column(align=True)
    buttons.operator("facewright.add_meshes", text="", icon="ADD").character = character.id
    remove = buttons.operator("facewright.remove_mesh", text="", icon="REMOVE")
    remove.character, remove.place = character.id, character.active_other


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_UL_meshes, FACEWRIGHT_PT_attached_meshes)
)
