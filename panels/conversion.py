# SPDX-License-Identifier: GPL-3.0-or-later
"""Blend Shape Conversion: the meshes, the solve, and how well it fits."""

from __future__ import annotations

from typing import Any

import bpy

from ..operators.conversion import TOPIC as PARENT
from ..operators.conversion import FACEWRIGHT_OT_bake_solve
from ..operators.conversion_live import shown_residual
from ..operators.conversion_setup import FACEWRIGHT_OT_set_up_solve
from ..operators.conversion_status import shown_conversion, status_of
from ..operators.lengths import length_text
from ..properties.poses import suits
from ..properties.progress import STATE
from .exports import ExportPanel
from .sidebar import MARGIN_PX, MOST_PX, Sidebar, aligned, draw_outcome, draw_running
from .texts import draw_sentence, room, translated


class FACEWRIGHT_UL_conversions(bpy.types.UIList):
    """Blend shape conversions: their names"""

    bl_idname = "FACEWRIGHT_UL_conversions"

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
        layout.prop(item, "name", text="", emboss=False, icon="SHAPEKEY_DATA")


class FACEWRIGHT_PT_conversion(ExportPanel, bpy.types.Panel):
    """Any animated mesh becomes weights of another mesh's shape keys"""

    bl_idname = PARENT
    bl_label = "Blend Shape Conversion"
    bl_order = 30

    def draw(self, context: bpy.types.Context) -> None:
        layout, conversion = self.layout, shown_conversion(context)
        width = room(context, MARGIN_PX, MOST_PX)
        if conversion is None:
            layout.operator("facewright.add_conversion", icon="ADD")
            text = "Turns any animated mesh into weights of a mesh's shape keys"
            draw_sentence(layout, text, "INFO", width)
            return
        _draw_list(layout, context.scene.facewright)
        text, wrong = status_of(conversion)
        if not draw_running(layout):
            draw_sentence(layout, text, "ERROR" if wrong else "INFO", width)
            if STATE.topic == PARENT:
                draw_outcome(layout, width)
        column = aligned(layout.column())
        column.prop(conversion, "source")
        column.prop(conversion, "target")
        column.prop(conversion, "neutral")
        if conversion.neutral == "FRAME":
            column.prop(conversion, "neutral_frame")
        _draw_buttons(layout, context, conversion, width)
        _draw_residual(layout, context, conversion)


def _draw_list(layout: bpy.types.UILayout, chosen: Any) -> None:
    row = layout.row()
    row.template_list(
        "FACEWRIGHT_UL_conversions", "", chosen, "conversions", chosen, "active_conversion", rows=2
    )
    buttons = row.column(align=True)
    buttons.operator("facewright.add_conversion", text="", icon="ADD")
    buttons.operator("facewright.remove_conversion", text="", icon="REMOVE")


def _draw_buttons(
    layout: bpy.types.UILayout, context: bpy.types.Context, conversion: Any, width: float
) -> None:
    row = layout.row(align=True)
    row.scale_y = 1.3
    text = "Live Solve" if conversion.live else FACEWRIGHT_OT_set_up_solve.bl_label
    row.operator(
        FACEWRIGHT_OT_set_up_solve.bl_idname, text=text, icon="PLAY", depress=conversion.live
    )
    row.operator(FACEWRIGHT_OT_bake_solve.bl_idname, icon="REC")
    reason = FACEWRIGHT_OT_bake_solve.disabled_reason(context)
    if reason and not STATE.running and reason != status_of(conversion)[0]:
        draw_sentence(layout, reason, "INFO", width)


def _draw_residual(layout: bpy.types.UILayout, context: bpy.types.Context, conversion: Any) -> None:
    """How well it fits: on this frame, on all frames, and where it fits least."""
    scene, width = context.scene, room(context, MARGIN_PX, MOST_PX)
    here, problem = shown_residual(scene, conversion)
    if problem:
        draw_sentence(layout, problem, "ERROR", width)
    elif here is not None:
        text = translated("This frame: {length}").format(length=length_text(scene, here))
        layout.label(text=text, icon="DRIVER_DISTANCE", translate=False)
    if not len(conversion.worst):
        return
    text = translated("Mean {mean}, worst {worst} at frame {frame}").format(
        mean=length_text(scene, conversion.mean_residual),
        worst=length_text(scene, conversion.worst[0].residual),
        frame=f"{conversion.worst[0].frame:g}",
    )
    layout.label(text=text, icon="BLANK1", translate=False)
    row = layout.row(align=True)
    for place, each in enumerate(conversion.worst):
        text = f"{each.frame:g}"
        row.operator("facewright.show_worst", text=text, translate=False).place = place
    row.operator("facewright.mark_worst", text="", icon="MARKER_HLT")


class ConversionPanel(Sidebar):
    """A closed panel below the conversion, there as soon as there is one."""

    bl_parent_id = PARENT
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return shown_conversion(context) is not None


class FACEWRIGHT_PT_conversion_strengths(ConversionPanel, bpy.types.Panel):
    """How strongly weights are kept small, smooth, few and equal"""

    bl_label = "Solve"
    bl_order = 10

    def draw(self, context: bpy.types.Context) -> None:
        conversion = shown_conversion(context)
        column = aligned(self.layout.column())
        for name in ("regularisation", "temporal", "smoothing", "sparsity", "symmetry"):
            column.prop(conversion, name)
        column.prop(conversion, "template_size")
        row = self.layout.row(align=True)
        row.operator("facewright.load_solve", icon="FILEBROWSER")
        row.operator("facewright.save_solve", icon="FILE_TICK")


SIGNS = {"cancel": "\u2260", "symmetry": "="}  # never both, and equal


class FACEWRIGHT_UL_poses(bpy.types.UIList):
    """Poses: whether they are used, and the numbers of their pairs"""

    bl_idname = "FACEWRIGHT_UL_poses"

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
        row.prop(item, "use", text="")
        split = row.split(factor=0.84, align=True)
        split.emboss = "NONE"
        name = split.row()
        name.alignment, name.active = "LEFT", item.use
        icon_name = "RADIOBUT_ON" if item.select else "RADIOBUT_OFF"
        button = name.operator(
            "facewright.select_pose", text=item.name, icon=icon_name, translate=False
        )
        button.place = index
        numbers = {sign: getattr(item, kind) for kind, sign in SIGNS.items()}
        text = " ".join(f"{sign}{number}" for sign, number in numbers.items() if number >= 0)
        split.label(text=text, translate=False)


class FACEWRIGHT_PT_conversion_poses(ConversionPanel, bpy.types.Panel):
    """The shape keys that the solve may use, and which of them belong together"""

    bl_label = "Poses"
    bl_order = 20

    def draw(self, context: bpy.types.Context) -> None:
        conversion, layout = shown_conversion(context), self.layout
        if not suits(conversion):
            layout.operator("facewright.suit_poses", icon="FILE_REFRESH")
        row = layout.row()
        row.template_list(
            "FACEWRIGHT_UL_poses", conversion.id, conversion, "poses", conversion, "active_pose",
            rows=8,
        )  # fmt: skip
        buttons = row.column(align=True)
        buttons.menu("FACEWRIGHT_MT_poses", text="", icon="DOWNARROW_HLT")
        buttons.separator()
        buttons.operator("facewright.toggle_poses", text="", icon="CHECKBOX_HLT")
        if 0 <= conversion.active_pose < len(conversion.poses):
            pose = conversion.poses[conversion.active_pose]
            column = aligned(layout.column())
            column.prop(pose, "multiplier")
            column.prop(pose, "offset")


class FACEWRIGHT_MT_poses(bpy.types.Menu):
    """What can be done with the selected poses"""

    bl_idname = "FACEWRIGHT_MT_poses"
    bl_label = "Poses"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        for which, text in (
            ("ALL", "Select All"), ("NONE", "Select None"), ("INVERT", "Invert Selection")
        ):  # fmt: skip
            layout.operator("facewright.select_poses", text=text).which = which
        layout.separator()
        layout.operator("facewright.toggle_poses")
        layout.separator()
        for kind, tag, untag in (
            ("cancel", "Tag as Cancel Pair", "Untag Cancel Pair"),
            ("symmetry", "Tag as Symmetry Pair", "Untag Symmetry Pair"),
        ):
            layout.operator("facewright.pair_poses", text=tag).kind = kind
            layout.operator("facewright.unpair_poses", text=untag).kind = kind
        layout.operator("facewright.pair_names")
        layout.separator()
        layout.operator("facewright.reset_poses")


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_UL_conversions,
        FACEWRIGHT_UL_poses,
        FACEWRIGHT_MT_poses,
        FACEWRIGHT_PT_conversion,
        FACEWRIGHT_PT_conversion_strengths,
        FACEWRIGHT_PT_conversion_poses,
    )
)
