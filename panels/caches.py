# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry Cache: which meshes, in which format, and the button that writes them."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.retarget.marks import HIDDEN
from ..operators.caches import (
    PANEL,
    FACEWRIGHT_OT_export_caches,
    left_out,
    left_out_problem,
    listed,
    ticked,
    undriven_problem,
)
from ..properties.caches import MAYA, PLAYED
from ..properties.progress import STATE
from .exports import ExportPanel
from .sidebar import MARGIN_PX, MOST_PX, aligned, draw_outcome, draw_running
from .texts import draw_sentence, room, translated


class FACEWRIGHT_UL_cached_meshes(bpy.types.UIList):
    """Meshes that the filter offers: a tick and the name"""

    bl_idname = "FACEWRIGHT_UL_cached_meshes"

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
        row = layout.row(align=True)
        row.prop(item.facewright_cache, "use", text="")
        row.label(text=item.name, translate=False, icon="ERROR" if HIDDEN in item else "NONE")
        if not item.visible_get():
            row.label(text="", icon="HIDE_ON")

    def filter_items(
        self, context: bpy.types.Context, data: Any, propname: str
    ) -> tuple[list[int], list[int]]:
        names = {obj.name for obj in listed(context)}
        shown = [self.bitflag_filter_item if each.name in names else 0 for each in data.objects]
        return shown, bpy.types.UI_UL_list.sort_items_by_name(data.objects)


class FACEWRIGHT_PT_caches(ExportPanel, bpy.types.Panel):
    """Meshes with all their frames, for Maya, Unreal, Houdini and others"""

    bl_idname = PANEL
    bl_label = "Geometry Cache"
    bl_order = 10

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout
        scene: Any = context.scene
        chosen, width = scene.facewright.caches, room(context, MARGIN_PX, MOST_PX)
        layout.row().prop(chosen, "mesh_filter", expand=True)
        if chosen.mesh_filter == "NAME":
            layout.prop(chosen, "pattern", text="", icon="VIEWZOOM")
        row = layout.row()
        row.template_list(
            "FACEWRIGHT_UL_cached_meshes", "", scene, "objects", chosen, "active", rows=3
        )
        buttons = row.column(align=True)
        for use, icon in ((True, "CHECKBOX_HLT"), (False, "CHECKBOX_DEHLT")):
            buttons.operator("facewright.tick_caches", text="", icon=icon).use = use
        for obj in (each for each in ticked(context) if HIDDEN in each):
            text = translated(undriven_problem()).format(name=obj.name)
            draw_sentence(layout, text, "ERROR", width)
        _draw_options(aligned(layout.column()), chosen)
        world = chosen.space == "WORLD" or (chosen.play and chosen.format in PLAYED)
        name = left_out(ticked(context), chosen.format, world)
        if name:
            draw_sentence(layout, translated(left_out_problem()).format(name=name), "INFO", width)
        layout.operator(FACEWRIGHT_OT_export_caches.bl_idname, icon="EXPORT")
        reason = FACEWRIGHT_OT_export_caches.disabled_reason(context)
        if STATE.running:
            draw_running(layout) if STATE.topic == PANEL else None
        elif reason:
            draw_sentence(layout, reason, "INFO", width)
        if STATE.topic == PANEL and not STATE.running:
            draw_outcome(layout, width)


def _draw_options(column: bpy.types.UILayout, chosen: Any) -> None:
    column.prop(chosen, "format")
    column.prop(chosen, "space")
    if chosen.format in MAYA:
        column.prop(chosen, "channel")
    column.prop(chosen, "leave_out")
    column.prop(chosen, "neutral")
    if chosen.format in PLAYED:
        column.prop(chosen, "play")


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_UL_cached_meshes, FACEWRIGHT_PT_caches)
)
