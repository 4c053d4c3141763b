# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of parameters, each with its own reset, and the panels that consist of nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import bpy

from ..core.parameters import EYES, PARAMETERS, TEETH, TONGUE
from ..properties.parameters import is_own
from .sidebar import SubPanel, shown_pipeline

POST = "FACEWRIGHT_PT_post_processing"
SKIN_NAMES = (
    "skin_strength",
    "upper_face_strength",
    "lower_face_strength",
    "eyelid_open_offset",
    "blink_strength",
    "lip_open_offset",
    "upper_face_smoothing",
    "lower_face_smoothing",
    "face_mask_level",
    "face_mask_softness",
)
EYE_NAMES = (*(row.name for row in EYES if "saccade_" not in row.name), "saccade_strength")
PRE_NAMES = (
    "prediction_delay",
    "input_strength",
    "blink_interval",
    "blink_offset",
    "blink_seed",
    "eye_saccade_seed",
)


def draw_parameters(
    layout: bpy.types.UILayout,
    pipeline: Any,
    names: Iterable[str],
    texts: Mapping[str, str] | None = None,
) -> None:
    """A row for each parameter: its slider, and its reset where the user has set it.

    The names stand inside the sliders: beside them, half of them would be cut off.
    """
    column = layout.column()
    column.use_property_split = False
    for name in names:
        row = column.row(align=True)
        row.prop(pipeline, name, text=(texts or {}).get(name, PARAMETERS[name].label))
        draw_reset(row, is_own(pipeline, name), name)


def draw_reset(row: bpy.types.UILayout, active: bool, name: str) -> None:
    """A small button that resets one parameter; pale as long as the value is the model's."""
    part = row.row(align=True)
    part.active = active
    part.operator("facewright.reset", text="", icon="LOOP_BACK", emboss=False).names = name


def draw_reset_all(layout: bpy.types.UILayout, names: Iterable[str]) -> None:
    """One button that resets all parameters of a panel."""
    operator = layout.operator("facewright.reset", text="Reset All", icon="LOOP_BACK")
    operator.names = ",".join(names)


class FACEWRIGHT_PT_pre_processing(SubPanel, bpy.types.Panel):
    """What happens before the network: delay, gain, blinks, darts"""

    bl_label = "Pre-Processing"
    bl_order = 50

    def draw(self, context: bpy.types.Context) -> None:
        pipeline = shown_pipeline(context)
        draw_parameters(self.layout, pipeline, PRE_NAMES)
        column = self.layout.column(align=True)
        column.label(text="Eye Saccade Data")
        row = column.row(align=True)
        row.prop(pipeline, "saccade_data", text="")
        draw_reset(row, is_own(pipeline, "saccade_pattern"), "saccade_pattern")
        draw_reset_all(self.layout, (*PRE_NAMES, "saccade_pattern"))


class FACEWRIGHT_PT_post_processing(SubPanel, bpy.types.Panel):
    """What happens after the network: strengths, offsets, smoothing, the face mask"""

    bl_idname = POST
    bl_label = "Post-Processing"
    bl_order = 60

    def draw(self, context: bpy.types.Context) -> None:
        draw_parameters(self.layout, shown_pipeline(context), SKIN_NAMES)
        draw_reset_all(self.layout, SKIN_NAMES)


class FACEWRIGHT_PT_eyes(SubPanel, bpy.types.Panel):
    """How far the eyes turn and dart, and where they look at rest"""

    bl_parent_id = POST
    bl_label = "Eyes"

    def draw(self, context: bpy.types.Context) -> None:
        draw_parameters(self.layout, shown_pipeline(context), EYE_NAMES)
        draw_reset_all(self.layout, EYE_NAMES)


class FACEWRIGHT_PT_lower_denture(SubPanel, bpy.types.Panel):
    """How far the lower teeth move, and where they stand"""

    bl_parent_id = POST
    bl_label = "Lower Denture"

    def draw(self, context: bpy.types.Context) -> None:
        names = tuple(row.name for row in TEETH)
        draw_parameters(self.layout, shown_pipeline(context), names)
        draw_reset_all(self.layout, names)


class FACEWRIGHT_PT_tongue(SubPanel, bpy.types.Panel):
    """How far the tongue moves, and where it lies"""

    bl_parent_id = POST
    bl_label = "Tongue"

    def draw(self, context: bpy.types.Context) -> None:
        names = tuple(row.name for row in TONGUE)
        draw_parameters(self.layout, shown_pipeline(context), names)
        draw_reset_all(self.layout, names)


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_PT_pre_processing,
        FACEWRIGHT_PT_post_processing,
        FACEWRIGHT_PT_eyes,
        FACEWRIGHT_PT_lower_denture,
        FACEWRIGHT_PT_tongue,
    )
)
