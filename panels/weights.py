# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights: a face's weights as files for other programs, their gains, and files read as takes."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.exchange.weights import METAHUMAN_JSON, METAHUMAN_USD, USD
from ..operators.weights import PANEL, FACEWRIGHT_OT_export_weights
from ..operators.weights_face import face_name, face_problem
from ..properties.progress import STATE
from .exports import ExportPanel
from .sidebar import MARGIN_PX, MOST_PX, Sidebar, aligned, draw_outcome, draw_running, one_look
from .texts import draw_sentence, room, translated

NAME_SHARE = 0.48  # of a row of gains
APPROXIMATE = "The way from ARKit's poses to a MetaHuman's curves is approximate."


class FACEWRIGHT_PT_weights(ExportPanel, bpy.types.Panel):
    """The weights of a face as files, and files of weights as takes"""

    bl_idname = PANEL
    bl_label = "Weights"
    bl_order = 20

    @one_look
    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        width = room(context, MARGIN_PX, MOST_PX)
        chosen: Any = context.scene.facewright.weights
        column = aligned(layout.column())
        column.prop(chosen, "face")
        problem = face_problem(context.scene, chosen.face)
        if problem:
            draw_sentence(layout, problem, "INFO", width)
        elif chosen.face is None:
            text = translated("Uses '{name}'").format(name=face_name(context.scene))
            draw_sentence(layout, text, "INFO", width)
        aligned(layout.column()).row().prop(chosen, "source", expand=True)
        _draw_kinds(layout, chosen, width)
        layout.operator(FACEWRIGHT_OT_export_weights.bl_idname, icon="EXPORT")
        reason = FACEWRIGHT_OT_export_weights.disabled_reason(context)
        if reason and reason != problem and not STATE.running:
            draw_sentence(layout, reason, "INFO", width)
        layout.operator("facewright.choose_weights", icon="IMPORT")
        if STATE.topic == PANEL and not draw_running(layout):
            draw_outcome(layout, width)


def _draw_kinds(layout: bpy.types.UILayout, chosen: Any, width: float) -> None:
    column = aligned(layout.column(heading="Weights Only"))
    for name in ("json", "json46", "usd", METAHUMAN_USD, METAHUMAN_JSON, "csv"):
        column.prop(chosen, name)
    column = aligned(layout.column(heading="With Meshes"))
    for name in ("glb", "fbx", "usdc"):
        column.prop(chosen, name)
    column = aligned(layout.column(heading="Content"))
    column.prop(chosen, "tongue")
    if getattr(chosen, USD) or getattr(chosen, METAHUMAN_USD):
        column.prop(chosen, "joints")
    column.prop(chosen, "extra")
    if getattr(chosen, METAHUMAN_USD) or getattr(chosen, METAHUMAN_JSON):
        aligned(layout.column()).prop(chosen, "mapping")
        draw_sentence(layout, APPROXIMATE, "INFO", width)


class FACEWRIGHT_UL_gains(bpy.types.UIList):
    """The multiplier and the offset of each channel"""

    bl_idname = "FACEWRIGHT_UL_gains"

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
        name, row = _columns(layout)
        name.label(text=item.name, translate=False)
        row.prop(item, "multiplier", text="")
        row.prop(item, "offset", text="")


def _columns(layout: bpy.types.UILayout) -> tuple[bpy.types.UILayout, bpy.types.UILayout]:
    """Room for a channel's name, and for its two numbers."""
    parts = layout.split(factor=NAME_SHARE, align=True)
    return parts.row(), parts.row(align=True)


class FACEWRIGHT_PT_gains(Sidebar, bpy.types.Panel):
    """A multiplier and an offset for each channel that is written"""

    bl_idname = "FACEWRIGHT_PT_gains"
    bl_label = "Multipliers and Offsets"
    bl_parent_id = PANEL
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        chosen: Any = context.scene.facewright.weights
        if len(chosen.gains):
            _name, heads = _columns(layout)
            heads.label(text="x")
            heads.label(text="+")
            layout.template_list(
                "FACEWRIGHT_UL_gains", "", chosen, "gains", chosen, "active_gain", rows=5
            )
        row = layout.row(align=True)
        if len(chosen.gains):
            row.operator("facewright.gains_reset", icon="LOOP_BACK")
        else:
            row.operator("facewright.gains_reset", text="Set Multipliers", icon="ADD")
        row.operator("facewright.gains_load", text="Load", icon="FILEBROWSER")
        row.operator("facewright.gains_save", text="Save", icon="FILE_TICK")
        aligned(layout.column()).prop(chosen, "clamp")


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_UL_gains, FACEWRIGHT_PT_weights, FACEWRIGHT_PT_gains)
)
