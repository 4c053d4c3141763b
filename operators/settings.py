# SPDX-License-Identifier: GPL-3.0-or-later
"""Resetting parameters of the shown pipeline: one, some, or all of them."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import StringProperty

from ..properties.changes import tell
from ..properties.parameters import NAMES, reset
from .explained import Explained

# Choices of a pipeline that are no parameters, and the properties that hold them
OTHERS = {
    "source_shot": ("source_shot",),
    "preferred": ("preferred", "has_preferred"),
    "auto_generate": ("auto_generate",),
}


class FACEWRIGHT_OT_reset(Explained, bpy.types.Operator):
    """Set back to the model's own value"""

    bl_idname = "facewright.reset"
    bl_label = "Reset"
    bl_options = {"REGISTER", "UNDO"}

    names: StringProperty(
        name="Parameters",
        description="Names of parameters with commas between; empty is all of them",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        chosen: Any = context.scene.facewright
        return "" if chosen.pipeline else "Add a pipeline first"

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        pipeline = chosen.pipeline
        names = [name.strip() for name in self.names.split(",") if name.strip()]
        if not names:
            pipeline.reset_settings()
            return {"FINISHED"}
        unknown = [name for name in names if name not in (*NAMES, *OTHERS)]
        if unknown:
            self.report({"ERROR"}, f"There is no parameter called {unknown[0]!r}.")
            return {"CANCELLED"}
        for name in [name for name in names if name in OTHERS]:
            for held in OTHERS[name]:
                pipeline.property_unset(held)
            tell(pipeline, name)
        reset(pipeline, [name for name in names if name in NAMES])
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_OT_reset,))
