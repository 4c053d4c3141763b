# SPDX-License-Identifier: GPL-3.0-or-later
"""Blend shape conversions of a scene: add, delete, bake, and look at the worst frames."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import IntProperty

from ..properties.progress import STATE
from ..scene.conversion import mark_frames, unmark_frames
from .conversion_live import LIVE
from .conversion_status import busy, marks_of, shown_conversion, solve_problem
from .explained import Explained
from .exports import chosen_span
from .faults import attempt
from .lengths import length_text
from .running import Running

if TYPE_CHECKING:
    from .asking import Progress
    from .transfer_steps import Told

TOPIC = "FACEWRIGHT_PT_conversion"


class FACEWRIGHT_OT_add_conversion(Explained, bpy.types.Operator):
    """Begin a conversion; a selected mesh with shape keys becomes its target, another its input"""

    bl_idname = "facewright.add_conversion"
    bl_label = "New Conversion"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = busy(context)
        return "" if shown_conversion(context) is None and not STATE.running else reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        source, target = _proposed(context)
        conversion = chosen.add_conversion(target.name if target else "Conversion")
        conversion.source, conversion.target = source, target
        return {"FINISHED"}


def _proposed(context: bpy.types.Context) -> tuple[Any, Any]:
    """Input and blend shape mesh among the selected ones: the active one is the latter."""
    meshes: list[Any] = [obj for obj in context.selected_objects if obj.type == "MESH"]
    meshes.sort(key=lambda obj: obj != context.active_object)
    target = next((obj for obj in meshes if obj.data.shape_keys is not None), None)
    others = [obj for obj in meshes if obj != target] if target is not None else meshes
    return others[0] if len(others) == 1 else None, target


class OfConversion(Explained):
    """For operators that need a conversion."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return busy(context)


class FACEWRIGHT_OT_remove_conversion(OfConversion, bpy.types.Operator):
    """Take the conversion off the list; keyframes that it has baked stay"""

    bl_idname = "facewright.remove_conversion"
    bl_label = "Remove Conversion"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        conversion = chosen.conversion
        LIVE.end(context.scene, conversion)
        unmark_frames(context.scene, marks_of(conversion))
        chosen.remove_conversion(conversion)
        return {"FINISHED"}


class FACEWRIGHT_OT_bake_solve(Running, bpy.types.Operator):
    """Solve all frames and key the weights on the blend shape mesh; Esc cancels"""

    bl_idname = "facewright.bake_solve"
    bl_label = "Bake Solve"
    bl_options = {"REGISTER", "UNDO"}

    topic = TOPIC

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return busy(context) or solve_problem(shown_conversion(context))

    def steps(self, context: bpy.types.Context) -> Generator[Progress, None, Told]:
        from .conversion_steps import convert_steps, order_of

        span = chosen_span(context.scene)
        return convert_steps(order_of(context.scene, shown_conversion(context), span))

    def tell(self, result: Told) -> None:
        for notice in result.notices:
            self.report({"WARNING"}, notice)
        STATE.end("The weights are keyed", "done", result.notices)  # the panel shows how well
        self.report({"INFO"}, f"{result.sentence}.")


class _OfWorst(OfConversion):
    """For operators that need the worst frames of a bake."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = super().disabled_reason(context)
        if reason:
            return reason
        return "" if len(shown_conversion(context).worst) else "Bake the solve first"


class FACEWRIGHT_OT_show_worst(_OfWorst, bpy.types.Operator):
    """Go to this frame, which the shape keys do not reach well"""

    bl_idname = "facewright.show_worst"
    bl_label = "Show Worst Frame"
    bl_options = {"INTERNAL"}

    place: IntProperty(name="Place", description="Place on the list", min=0)

    def execute(self, context: bpy.types.Context) -> set[str]:
        worst = shown_conversion(context).worst
        if self.place >= len(worst):
            self.report({"ERROR"}, "There is no such frame.")
            return {"CANCELLED"}
        frame = worst[self.place].frame
        whole = math.floor(frame)
        context.scene.frame_set(whole, subframe=frame - whole)
        return {"FINISHED"}


class FACEWRIGHT_OT_mark_worst(_OfWorst, bpy.types.Operator):
    """Put markers on the time line at the worst frames; the next bake takes them away"""

    bl_idname = "facewright.mark_worst"
    bl_label = "Mark Worst Frames"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        conversion, scene = shown_conversion(context), context.scene
        unmark_frames(scene, marks_of(conversion))
        for each in conversion.worst:
            each.mark = length_text(scene, each.residual)
        return attempt(self, lambda: mark_frames(scene, marks_of(conversion)))


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_OT_add_conversion,
        FACEWRIGHT_OT_remove_conversion,
        FACEWRIGHT_OT_bake_solve,
        FACEWRIGHT_OT_show_worst,
        FACEWRIGHT_OT_mark_worst,
    )
)
