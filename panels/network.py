# SPDX-License-Identifier: GPL-3.0-or-later
"""The network: model, identity, default expression, and how fast it was where."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.parameters import PARAMETERS
from ..properties.library import look
from ..properties.parameters import is_own
from ..properties.pipeline import people_of
from ..properties.progress import STATE
from .parameters import draw_reset
from .sidebar import MARGIN_PX, MOST_PX, SubPanel, aligned, shown_pipeline
from .texts import draw_sentence, room


class FACEWRIGHT_PT_network(SubPanel, bpy.types.Panel):
    """Which model moves the face, and how fast it is"""

    bl_label = "Network"
    bl_order = 80

    def draw(self, context: bpy.types.Context) -> None:
        layout, pipeline = aligned(self.layout), shown_pipeline(context)
        draw_chooser(layout, pipeline, "model_choice")
        if len(people_of(pipeline)) > 1:
            layout.prop(pipeline, "person")
        index = look(pipeline.model_folder).index
        if index is not None:
            column = layout.column(align=True)
            column.scale_y = 0.85
            column.label(text=index.languages, icon="WORLD")
            column.label(text=index.frame_rate, icon="TIME")
            if index.good_at:
                column.label(text=index.good_at, icon="INFO")
        if STATE.network:
            draw_sentence(layout, STATE.network, "SORTTIME", room(context, MARGIN_PX, MOST_PX))


class FACEWRIGHT_PT_default_expression(SubPanel, bpy.types.Panel):
    """An expression of the model's database that tints the whole performance"""

    bl_label = "Default Expression Override"
    bl_order = 70

    def draw(self, context: bpy.types.Context) -> None:
        layout, pipeline = aligned(self.layout), shown_pipeline(context)
        shots = pipeline.shots
        column = layout.column()
        column.enabled = bool(shots)
        row = column.row(align=True)
        row.prop(pipeline, "shot")
        draw_reset(row, bool(pipeline.source_shot), "source_shot")
        row = column.row(align=True)
        row.prop(pipeline, "source_frame", text=PARAMETERS["source_frame"].label)
        draw_reset(row, is_own(pipeline, "source_frame"), "source_frame")
        if not shots:
            text = "This model has no database of expressions"
            draw_sentence(layout, text, "INFO", room(context, MARGIN_PX, MOST_PX))


def draw_chooser(layout: bpy.types.UILayout, chosen: Any, name: str) -> None:
    """A drop-down of models, with a button to add one that is not in it."""
    row = layout.row(align=True)
    row.prop(chosen, name)
    row.operator("facewright.model_add", text="", icon="FILE_FOLDER").choose = True


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_PT_default_expression, FACEWRIGHT_PT_network)
)
