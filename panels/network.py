# SPDX-License-Identifier: GPL-3.0-or-later
"""The network: model, identity, default expression, and how fast it was where."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.memory import GIB
from ..core.parameters import PARAMETERS
from ..operators.processors import memory_warning
from ..properties.library import look, preferences
from ..properties.parameters import is_own
from ..properties.pipeline import people_of
from ..properties.progress import speed_of
from .parameters import draw_parameters, draw_reset
from .sidebar import MARGIN_PX, MOST_PX, SubPanel, aligned, shown_pipeline
from .texts import draw_sentence, room

NOISE = ("noise_seed", "fresh_noise")
NOT_YET = "The network's speed is shown here after the first take"


class FACEWRIGHT_PT_network(SubPanel, bpy.types.Panel):
    """Which model moves the face, and how fast it is"""

    bl_label = "Network"
    bl_order = 80

    def draw(self, context: bpy.types.Context) -> None:
        layout, pipeline = aligned(self.layout), shown_pipeline(context)
        width, index = room(context, MARGIN_PX, MOST_PX), look(pipeline.model_folder).index
        draw_chooser(layout, pipeline, "model_choice")
        if len(people_of(pipeline)) > 1:
            layout.prop(pipeline, "person")
        elif index is not None:
            layout.label(text=f"Identity: {', '.join(index.identities)}", icon="USER")
        if preferences() is not None:
            layout.prop(preferences(), "device")
        if index is not None:
            _draw_index(layout.column(align=True), pipeline, index, width)
        if index is not None and index.family == "diffusion":
            draw_parameters(layout, pipeline, NOISE)
        speed = speed_of(pipeline.id, pipeline.model_text)
        draw_sentence(layout, speed or NOT_YET, "SORTTIME", width)


def _draw_index(layout: bpy.types.UILayout, pipeline: Any, index: Any, width: float) -> None:
    """What the model's folder says: languages, frame rate, memory, and what it is good at."""
    layout.scale_y = 0.85
    layout.label(text=index.languages, icon="WORLD")
    layout.label(text=index.frame_rate, icon="TIME")
    guess = "" if index.memory_known else ", estimated"
    layout.label(text=f"About {index.memory_bytes / GIB:.1f} GiB of memory{guess}", icon="MEMORY")
    for text in (index.good_at, dict(index.people_good_at).get(pipeline.person, "")):
        if text:
            draw_sentence(layout, text, "INFO", width)
    warning = memory_warning(index.memory_bytes, getattr(preferences(), "device", "auto"))
    if warning:
        draw_sentence(layout, warning, "ERROR", width)


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
