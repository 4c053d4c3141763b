# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto-emotion: who listens, how what is heard becomes keys, and what is preferred."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.parameters import EMOTION_NAMES, EMOTION_PREFIX, PARAMETERS
from ..operators.auto_emotion import FACEWRIGHT_OT_generate_emotion
from ..properties.model_choice import terms_missing
from .network import draw_chooser
from .parameters import draw_parameters, draw_reset, draw_reset_all
from .sidebar import MARGIN_PX, MOST_PX, SubPanel, aligned, draw_running, shown_pipeline
from .texts import draw_sentence, room, translated

AUTO = "FACEWRIGHT_PT_auto_emotion"
HEARD = (
    "detection_range",
    "key_interval",
    "overall_emotion_strength",
    "key_smoothing",
    "max_emotions",
    "detected_emotion_contrast",
)
LIVE = ("live_blend", "live_transition")
SHOWN = 3  # emotions that the preferred one is described by


class FACEWRIGHT_PT_auto_emotion(SubPanel, bpy.types.Panel):
    """Reads the emotion from the voice and writes keys that can be edited"""

    bl_idname = AUTO
    bl_label = "Auto-Emotion"
    bl_order = 40

    def draw(self, context: bpy.types.Context) -> None:
        layout, pipeline = aligned(self.layout), shown_pipeline(context)
        draw_chooser(layout, pipeline, "emotion_choice")
        draw_parameters(layout, pipeline, HEARD)
        _draw_preferred(layout, pipeline)
        draw_parameters(layout, pipeline, ("preferred_strength",))
        row = layout.row(align=True)
        row.use_property_split = False
        row.prop(pipeline, "auto_generate")
        draw_reset(row, pipeline.auto_generate, "auto_generate")
        draw_reset_all(layout, (*HEARD, "preferred_strength", "preferred", "auto_generate"))
        _draw_generate(layout, context, pipeline)


class FACEWRIGHT_PT_auto_emotion_live(SubPanel, bpy.types.Panel):
    """How emotion follows the voice frame by frame, where it comes from the voice"""

    bl_parent_id = AUTO
    bl_label = "Frame by Frame"

    def draw(self, context: bpy.types.Context) -> None:
        draw_parameters(self.layout, shown_pipeline(context), LIVE)
        draw_reset_all(self.layout, LIVE)


def preferred_text(pipeline: Any) -> str:
    """The preferred emotion in short: its strongest, or that it is not set."""
    if not pipeline.has_preferred:
        return translated("is not set")
    found = zip(pipeline.preferred, EMOTION_NAMES, strict=True)
    strongest = sorted((pair for pair in found if pair[0] >= 0.005), key=lambda pair: -pair[0])
    labels = [(translated(PARAMETERS[EMOTION_PREFIX + n].label), value) for value, n in strongest]
    return ", ".join(f"{label} {value:.2f}" for label, value in labels[:SHOWN]) or translated(
        "Neutral"
    )


def _draw_preferred(layout: bpy.types.UILayout, pipeline: Any) -> None:
    column = layout.column(align=True)
    text = translated("Preferred Emotion: {emotions}").format(emotions=preferred_text(pipeline))
    column.label(text=text, translate=False)
    row = column.row(align=True)
    row.operator("facewright.preferred_load", icon="IMPORT")
    row.operator("facewright.preferred_clear", icon="X")


def _draw_generate(layout: bpy.types.UILayout, context: bpy.types.Context, pipeline: Any) -> None:
    layout.separator()
    if draw_running(layout):
        return
    row = layout.row()
    row.scale_y = 1.4
    row.operator("facewright.generate_emotion", icon="KEY_HLT")
    reason = FACEWRIGHT_OT_generate_emotion.disabled_reason(context)
    if reason:
        draw_sentence(layout, reason, "INFO", room(context, MARGIN_PX, MOST_PX))
        folder = pipeline.emotion_model_text
        if terms_missing(folder):
            layout.operator("facewright.model_terms", icon="TEXT").folder = folder


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_PT_auto_emotion, FACEWRIGHT_PT_auto_emotion_live)
)
