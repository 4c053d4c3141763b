# SPDX-License-Identifier: GPL-3.0-or-later
"""Correspondences: the list of pairs, how they are picked and shown, and their setups."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.retarget.landmarks import NAMES
from ..core.retarget.pairs import FEWEST
from ..operators.correspondence_files import setup_names
from ..operators.correspondence_look import known_check
from ..operators.correspondence_session import SESSION
from ..operators.correspondences import picking_problem
from ..operators.lengths import length_text
from ..operators.transfer_status import meshes_problem, shown_transfer
from .sidebar import MARGIN_PX, MOST_PX, aligned
from .texts import draw_sentence, room, translated
from .transfer import TransferPanel


class FACEWRIGHT_UL_pairs(bpy.types.UIList):
    """Pairs: their names, and how far each is from where the others say"""

    bl_idname = "FACEWRIGHT_UL_pairs"
    check: Any = None  # of the pairs that are drawn just now

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
        found = FACEWRIGHT_UL_pairs.check
        # Three pairs agree however wrong they are
        known = found is not None and index < len(found.bad) and len(found.bad) > 3
        row = layout.split(factor=0.6 if known else 1.0, align=True)
        row.emboss = "NONE"
        name = row.row()
        name.alignment = "LEFT"
        chosen = "CHECKBOX_HLT" if item.select else "CHECKBOX_DEHLT"
        select = name.operator(
            "facewright.select_pair", text=item.name, icon=chosen, translate=False
        )
        select.place = index
        if known:
            value = row.row()
            value.alignment = "RIGHT"
            value.alert = bool(found.bad[index])
            text = length_text(context.scene, float(found.residuals[index]))
            value.label(text=text, icon="ERROR" if found.bad[index] else "NONE", translate=False)


class FACEWRIGHT_PT_correspondences(TransferPanel, bpy.types.Panel):
    """Pairs of points on the OpenMouth mesh and the target that belong together"""

    bl_label = "Correspondences"
    bl_order = 10

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        self.layout.emboss = "NONE"
        self.layout.menu("FACEWRIGHT_MT_setups", text="", icon="PRESET")

    def draw(self, context: bpy.types.Context) -> None:
        transfer, layout = shown_transfer(context), self.layout
        missing = picking_problem(context)
        if meshes_problem(transfer) and not len(transfer.pairs):
            draw_sentence(
                layout, "Choose the meshes above first", "INFO", room(context, MARGIN_PX, MOST_PX)
            )
            return
        if missing:
            draw_sentence(layout, missing, "INFO", room(context, MARGIN_PX, MOST_PX))
        column = layout.column()
        column.enabled = not missing
        FACEWRIGHT_UL_pairs.check = None if meshes_problem(transfer) else known_check(transfer)
        _draw_modes(column, context)
        _draw_list(column, transfer)
        _draw_count(column, context, transfer)
        _draw_display(column, transfer)
        row = column.row(align=True)
        row.operator("facewright.load_setup", icon="FILEBROWSER")
        row.operator("facewright.save_setup", icon="FILE_TICK")
        column.operator("facewright.clear_pairs", icon="TRASH")


def _draw_modes(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    transfer = shown_transfer(context)
    row = layout.row(align=True)
    row.scale_y = 1.3
    for mode, icon in (("ADD", "ADD"), ("EDIT", "GREASEPENCIL")):
        text = "Add" if mode == "ADD" else "Edit"
        depressed = SESSION.running and mode == SESSION.mode
        button = row.operator("facewright.pick_pairs", text=text, icon=icon, depress=depressed)
        button.mode = mode
    layout.operator("facewright.suggest_pairs", icon="SHADERFX")
    row = layout.row(align=True)
    row.prop(transfer, "pick_mirrored", toggle=True, icon="MOD_MIRROR")
    row.prop(transfer, "pick_snapped", toggle=True, icon="SNAP_ON")
    row.prop(transfer, "show_loupe", toggle=True, icon="VIEWZOOM")


def _draw_list(layout: bpy.types.UILayout, transfer: Any) -> None:
    row = layout.row()
    row.template_list(
        "FACEWRIGHT_UL_pairs", transfer.id, transfer, "pairs", transfer, "active_pair", rows=6
    )
    buttons = row.column(align=True)
    buttons.operator("facewright.delete_pairs", text="", icon="REMOVE")
    buttons.separator()
    buttons.operator("facewright.frame_pair", text="", icon="VIEW_ZOOM")
    if 0 <= transfer.active_pair < len(transfer.pairs):
        layout.prop(transfer.pairs[transfer.active_pair], "name", text="", icon="SORTALPHA")


def _draw_count(layout: bpy.types.UILayout, context: Any, transfer: Any) -> None:
    """How many there are, and which look wrong."""
    count, found = len(transfer.pairs), FACEWRIGHT_UL_pairs.check
    few = count < FEWEST
    text = translated("{count} of {all} pairs")
    if few:
        text = translated("{count} of {all} pairs, at least {least}")
    text = text.format(count=count, all=len(NAMES), least=FEWEST)
    layout.label(text=text, icon="INFO" if few else "CHECKMARK", translate=False)
    bad = 0 if found is None else int(found.bad.sum())
    width = room(context, MARGIN_PX, MOST_PX)
    if bad:
        text = translated("1 pair does not agree with the others")
        if bad > 1:
            text = translated("{count} pairs do not agree with the others").format(count=bad)
        draw_sentence(layout, text, "ERROR", width)
    swapped = [] if found is None else _named(transfer, found.swapped)
    if swapped:
        text = translated("Left and right may be exchanged: {names}")
        text = text.format(names=", ".join(translated(name) for name in swapped))
        draw_sentence(layout, text, "ERROR", width)


def _named(transfer: Any, chosen: Any) -> list[str]:
    return [pair.name for pair, one in zip(transfer.pairs, chosen, strict=True) if one]


def _draw_display(layout: bpy.types.UILayout, transfer: Any) -> None:
    column = aligned(layout.column())
    row = column.row(heading="Show", align=True)
    row.prop(transfer, "show_points", toggle=True)
    row.prop(transfer, "show_lines", toggle=True)
    column.prop(transfer, "display_size")


class FACEWRIGHT_MT_setups(bpy.types.Menu):
    """Setups of pairs, ready for a target"""

    bl_idname = "FACEWRIGHT_MT_setups"
    bl_label = "Setups"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        shipped, own = setup_names()
        for names in (shipped, own):
            for name in names:
                layout.operator("facewright.setup_apply", text=name, translate=False).name = name
            if names:
                layout.separator()
        layout.operator("facewright.setup_add", icon="ADD")
        layout.menu("FACEWRIGHT_MT_remove_setup", icon="REMOVE")


class FACEWRIGHT_MT_remove_setup(bpy.types.Menu):
    """Setups of your own that can be removed"""

    bl_idname = "FACEWRIGHT_MT_remove_setup"
    bl_label = "Remove Setup"

    def draw(self, context: bpy.types.Context) -> None:
        own = setup_names()[1]
        for name in own:
            remove = self.layout.operator("facewright.setup_remove", text=name, translate=False)
            remove.name = name
        if not own:
            self.layout.label(text="There is no setup of your own")


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_UL_pairs,
        FACEWRIGHT_MT_setups,
        FACEWRIGHT_MT_remove_setup,
        FACEWRIGHT_PT_correspondences,
    )
)
