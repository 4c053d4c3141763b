# SPDX-License-Identifier: GPL-3.0-or-later
"""Batch: many voices at once, with the present settings; how far they are and what went wrong."""

from __future__ import annotations

from typing import Any

import bpy

from ..operators.batch import FACEWRIGHT_OT_batch_animate, batch_folder
from ..operators.batch_order import notices_for
from ..operators.faults import shortened
from ..properties.batch import BATCH, DONE, FAILED, FRESH, RUNNING, WAITING, Row
from .exports import ExportPanel
from .sidebar import ICONS, MARGIN_PX, MOST_PX, aligned, shown_player
from .texts import draw_sentence, room, translated

ROW_ICONS = {
    WAITING: "DOT",
    RUNNING: "SORTTIME",
    DONE: "CHECKMARK",
    FRESH: "CHECKMARK",
    FAILED: "ERROR",
}
STATES = {
    WAITING: "Waiting",
    RUNNING: "Running",
    DONE: "Done",
    FRESH: "Up to date",
    FAILED: "Failed",
}
KINDS = (
    ("Weights", (("json", "JSON"), ("json46", "JSON, 46"), ("usd", "USD"), ("csv", "CSV"))),
    ("Curves of a MetaHuman", (("metahuman_json", "JSON"), ("metahuman_usd", "USD"))),
    ("With the Character", (("blend", "Blend"), ("fbx", "FBX"), ("usdc", "USD"), ("glb", "glTF"))),
)
SHOWN_FAILURES = 3


class FACEWRIGHT_UL_batch(bpy.types.UIList):
    """Voices of the batch: how far each is"""

    bl_idname = "FACEWRIGHT_UL_batch"

    def filter_items(
        self, context: bpy.types.Context, data: Any, property: str
    ) -> tuple[list[int], list[int]]:
        wanted = self.filter_name.casefold()
        if not wanted:
            return [], []
        shown = [wanted in row.name.casefold() for row in BATCH.rows]
        count = len(getattr(data, property))
        shown = (shown + [False] * count)[:count]
        return [self.bitflag_filter_item if each else 0 for each in shown], []

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
        if index >= len(BATCH.rows):
            return
        row = BATCH.rows[index]
        parts = layout.split(factor=0.7)
        parts.label(text=row.name, icon=ROW_ICONS[row.state], translate=False)
        parts.label(text=STATES[row.state])


class FACEWRIGHT_PT_batch(ExportPanel, bpy.types.Panel):
    """Many voices at once, with the present settings"""

    bl_label = "Batch"
    bl_order = 90

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        chosen: Any = context.scene.facewright.batch
        width = room(context, MARGIN_PX, MOST_PX)
        column = aligned(layout.column())
        column.enabled = not BATCH.running
        _draw_source(column, context, chosen)
        _draw_formats(column, chosen)
        column.prop(chosen, "processes")
        column.prop(chosen, "redo")
        _draw_start(layout, context, width)
        _draw_rows(layout, context, width)


def _draw_source(layout: bpy.types.UILayout, context: bpy.types.Context, chosen: Any) -> None:
    layout.prop(chosen, "source")
    if chosen.source == "FOLDER":
        layout.prop(chosen, "folder")
    elif chosen.source == "MANIFEST":
        layout.prop(chosen, "manifest")
    elif (player := shown_player(context)) is not None:
        layout.prop(player, "track_root", text="Folder")


def _draw_formats(layout: bpy.types.UILayout, chosen: Any) -> None:
    for heading, kinds in KINDS:
        column = layout.column(align=True)
        column.use_property_split = False
        column.label(text=heading)
        grid = column.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
        for kind, name in kinds:
            grid.prop(chosen, f"use_{kind}", text=name)


def _draw_start(layout: bpy.types.UILayout, context: bpy.types.Context, width: float) -> None:
    """The button, or how far the batch is with a button that ends it; what came of it."""
    if BATCH.running:
        row = layout.row(align=True)
        row.scale_y = 1.3
        row.progress(factor=BATCH.fraction, text=BATCH.text)
        row.operator("facewright.batch_cancel", text="", icon="CANCEL")
        return
    row = layout.row(align=True)
    row.scale_y = 1.3
    row.operator(FACEWRIGHT_OT_batch_animate.bl_idname, icon="RENDER_ANIMATION")
    row.operator("facewright.batch_save", text="", icon="FILE_TICK")
    reason = FACEWRIGHT_OT_batch_animate.disabled_reason(context)
    if reason:
        draw_sentence(layout, reason, "INFO", width)
    for notice in notices_for(context.scene):
        draw_sentence(layout, notice, "INFO", width)
    if BATCH.outcome:
        draw_sentence(layout, shortened(BATCH.outcome)[0], ICONS[BATCH.ending], width)
        for notice in BATCH.notices:
            draw_sentence(layout, notice, "INFO", width)


def _draw_rows(layout: bpy.types.UILayout, context: bpy.types.Context, width: float) -> None:
    if not BATCH.rows:
        return
    listed: Any = context.window_manager.facewright_batch
    layout.template_list("FACEWRIGHT_UL_batch", "", listed, "rows", listed, "active", rows=5)
    active = BATCH.rows[min(max(listed.active, 0), len(BATCH.rows) - 1)]
    if active.sentence:
        draw_sentence(layout, active.sentence, ROW_ICONS[active.state], width)
    _draw_failures(layout, active, width)
    folder = batch_folder()
    if folder:
        button = layout.operator("wm.path_open", text="Open the Folder", icon="FILE_FOLDER")
        button.filepath = folder


def _draw_failures(layout: bpy.types.UILayout, active: Row, width: float) -> None:
    failed = [row for row in BATCH.rows if row.state == FAILED and row is not active]
    for row in failed[:SHOWN_FAILURES]:
        draw_sentence(layout, row.sentence, "ERROR", width)
    if len(failed) > SHOWN_FAILURES:
        text = translated("{count} more have failed: choose them in the list")
        draw_sentence(layout, text.format(count=len(failed) - SHOWN_FAILURES), "BLANK1", width)


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_UL_batch, FACEWRIGHT_PT_batch)
)
