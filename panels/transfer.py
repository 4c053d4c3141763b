# SPDX-License-Identifier: GPL-3.0-or-later
"""Character Transfer: the meshes, what is to be done next, fitting, wrap and blend shapes."""

from __future__ import annotations

from typing import Any

import bpy

from ..operators.transfer_jobs import (
    FACEWRIGHT_OT_begin_fitting,
    FACEWRIGHT_OT_begin_wrap,
    FACEWRIGHT_OT_generate_shapes,
)
from ..operators.transfer_status import meshes_problem, next_step, shown_transfer
from ..properties.progress import STATE
from .sidebar import MARGIN_PX, MOST_PX, Sidebar, aligned, draw_outcome, draw_running
from .texts import draw_sentence, room

PARENT = "FACEWRIGHT_PT_transfer"


class FACEWRIGHT_UL_transfers(bpy.types.UIList):
    """Character transfers: their names"""

    bl_idname = "FACEWRIGHT_UL_transfers"

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
        layout.prop(item, "name", text="", emboss=False, icon="COMMUNITY")


class FACEWRIGHT_PT_transfer(Sidebar, bpy.types.Panel):
    """Any head learns the driver's expressions"""

    bl_idname = PARENT
    bl_label = "Character Transfer"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 110

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        transfer = shown_transfer(context)
        if transfer is None:
            layout.operator("facewright.add_transfer", icon="ADD")
            text = "Brings a head without shapes to life: pick pairs, fit, wrap"
            draw_sentence(layout, text, "INFO", room(context, MARGIN_PX, MOST_PX))
            return
        _draw_list(layout, context.scene.facewright)
        text, wrong = next_step(transfer)
        if not draw_running(layout):
            icon = "ERROR" if wrong else "INFO"
            draw_sentence(layout, text, icon, room(context, MARGIN_PX, MOST_PX))
            if STATE.topic == PARENT:
                draw_outcome(layout, room(context, MARGIN_PX, MOST_PX))
        _draw_meshes(layout, transfer)


def _draw_list(layout: bpy.types.UILayout, chosen: Any) -> None:
    row = layout.row()
    row.template_list(
        "FACEWRIGHT_UL_transfers", "", chosen, "transfers", chosen, "active_transfer", rows=2
    )
    buttons = row.column(align=True)
    buttons.operator("facewright.add_transfer", text="", icon="ADD")
    buttons.operator("facewright.delete_setup", text="", icon="TRASH")


def _draw_meshes(layout: bpy.types.UILayout, transfer: Any) -> None:
    column = aligned(layout.column())
    column.prop(transfer, "driver")
    column.prop(transfer, "target")
    if transfer.target is not None:
        column.prop(transfer, "open_mouth", text="OpenMouth")
    row = layout.row(align=True)
    row.operator("facewright.add_driver", icon="USER")
    row.operator("facewright.add_sample_target", icon="MESH_MONKEY")


class TransferPanel(Sidebar):
    """A closed panel below Character Transfer, there as soon as there is a transfer."""

    bl_parent_id = PARENT
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return shown_transfer(context) is not None


class FACEWRIGHT_PT_transfer_parts(TransferPanel, bpy.types.Panel):
    """Teeth, tongue and eyes of the target, and what follows its skin"""

    bl_label = "Target Parts"
    bl_order = 20

    def draw(self, context: bpy.types.Context) -> None:
        transfer = shown_transfer(context)
        column = aligned(self.layout.column())
        for name in ("lower_denture", "tongue", "eye_right", "eye_left"):
            column.prop(transfer, name)
        self.layout.label(text="Follow the Skin")
        row = self.layout.row()
        row.template_list(
            "FACEWRIGHT_UL_meshes", "followers", transfer, "others", transfer, "active_other",
            rows=2,
        )  # fmt: skip
        buttons = row.column(align=True)
        buttons.operator("facewright.add_followers", text="", icon="ADD")
        buttons.operator("facewright.remove_follower", text="", icon="REMOVE")


class FACEWRIGHT_PT_transfer_fitting(TransferPanel, bpy.types.Panel):
    """The driver takes the shape of the target"""

    bl_label = "Mesh Fitting"
    bl_order = 30

    def draw(self, context: bpy.types.Context) -> None:
        transfer = shown_transfer(context)
        column = aligned(self.layout.column())
        column.prop(transfer, "iterations", text="Iterations")
        column.prop(transfer, "stiffness", text="Stiffness")
        _draw_button(self.layout, context, FACEWRIGHT_OT_begin_fitting, "MOD_SHRINKWRAP")


class FACEWRIGHT_PT_transfer_wrap(TransferPanel, bpy.types.Panel):
    """Copies of the target and its parts follow the driver live"""

    bl_label = "Post Wrap"
    bl_order = 40

    def draw(self, context: bpy.types.Context) -> None:
        transfer = shown_transfer(context)
        column = aligned(self.layout.column())
        column.prop(transfer, "fitted")
        column.prop(transfer, "smooth_level")
        _draw_button(self.layout, context, FACEWRIGHT_OT_begin_wrap, "MOD_MESHDEFORM")


class FACEWRIGHT_PT_transfer_shapes(TransferPanel, bpy.types.Panel):
    """52 face shapes and 16 of the tongue on the target and its parts"""

    bl_label = "Blend Shape Generation"
    bl_order = 50

    def draw(self, context: bpy.types.Context) -> None:
        _draw_button(self.layout, context, FACEWRIGHT_OT_generate_shapes, "SHAPEKEY_DATA")
        self.layout.operator("facewright.export_shapes", icon="EXPORT")


def _draw_button(layout: bpy.types.UILayout, context: Any, operator: Any, icon: str) -> None:
    """A job's button, with the reason below it where it is grey."""
    row = layout.row()
    row.scale_y = 1.3
    row.operator(operator.bl_idname, icon=icon)
    reason = operator.disabled_reason(context)
    if reason and not meshes_problem(shown_transfer(context)):  # the status line says that
        draw_sentence(layout, reason, "INFO", room(context, MARGIN_PX, MOST_PX))


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_UL_transfers,
        FACEWRIGHT_PT_transfer,
        FACEWRIGHT_PT_transfer_parts,
        FACEWRIGHT_PT_transfer_fitting,
        FACEWRIGHT_PT_transfer_wrap,
        FACEWRIGHT_PT_transfer_shapes,
    )
)
