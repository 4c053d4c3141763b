# SPDX-License-Identifier: GPL-3.0-or-later
"""The emotion panel: where emotion comes from, ten strengths, and the keys of the timeline."""

from __future__ import annotations

import bpy

from ..core.parameters import EMOTION_NAMES, EMOTION_PREFIX, PARAMETERS
from ..operators.emotion import key_times
from .sidebar import MARGIN_PX, MOST_PX, SubPanel, aligned, shown_pipeline
from .texts import draw_sentence, room, translated

IN_VOICE = "While emotion comes from the voice, these count as preferred emotion unless one is set"


class FACEWRIGHT_PT_emotion(SubPanel, bpy.types.Panel):
    """What the face feels: a strength for each emotion, and keys over time"""

    bl_label = "Emotion"
    bl_order = 30

    def draw(self, context: bpy.types.Context) -> None:
        layout, pipeline = aligned(self.layout), shown_pipeline(context)
        layout.prop(pipeline, "detect_emotion")
        if pipeline.detects:
            draw_sentence(layout, IN_VOICE, "INFO", room(context, MARGIN_PX, MOST_PX))
        layout.prop(pipeline.emotion, "chosen")
        row = layout.row(align=True)
        row.operator("facewright.emotion_solo", icon="SOLO_ON")
        row.operator("facewright.emotion_clear_strength", icon="X")
        column = layout.column(align=True)
        column.use_property_decorate = True  # dots that show keys and set them
        for name in EMOTION_NAMES:
            label = PARAMETERS[EMOTION_PREFIX + name].label
            column.prop(pipeline.emotion, name, text=label, slider=True)
        _draw_keys(layout, context)


def _draw_keys(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    count = len(key_times(context))
    text = translated("No keys" if not count else "1 key" if count == 1 else "{count} keys")
    text = text.format(count=count)
    layout.label(text=text, icon="KEYFRAME_HLT" if count else "KEYFRAME", translate=False)
    column = layout.column(align=True)
    row = column.row(align=True)
    row.use_property_split = False
    row.operator("facewright.emotion_key_previous", text="", icon="PREV_KEYFRAME")
    row.prop(shown_pipeline(context).emotion, "frame")
    row.operator("facewright.emotion_key_next", text="", icon="NEXT_KEYFRAME")
    row = column.row(align=True)
    row.operator("facewright.emotion_key_add", text="Add", icon="KEY_HLT")
    row.operator("facewright.emotion_key_remove", text="Remove", icon="KEY_DEHLT")
    row.operator("facewright.emotion_keys_clear", text="Clear", icon="TRASH")


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_PT_emotion,))
