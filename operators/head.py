# SPDX-License-Identifier: GPL-3.0-or-later
"""Add Template Head: the built-in head at the 3D cursor, driven by the shown pipeline."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.errors import UserError
from .chosen import scene_problem
from .explained import Explained
from .faults import report_fault, sentence

FAR_M = 1.0  # from farther away, a head is too small to be seen as one


class FACEWRIGHT_OT_add_head(Explained, bpy.types.Operator):
    """Add the built-in head at the 3D cursor or beside another, driven by the shown pipeline"""

    bl_idname = "facewright.add_head"
    bl_label = "Add Template Head"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return not_now(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        outcome = self.execute(context)
        if "FINISHED" in outcome:
            come_near(context)
        return outcome

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        pipeline = chosen.pipeline or chosen.add_pipeline("Core", chosen.add_player("Player"))
        return {"FINISHED"} if add_head_for(self, context, pipeline) else {"CANCELLED"}


def not_now(context: bpy.types.Context) -> str:
    """Why nothing can be added to the scene now, as one phrase; empty when it can."""
    if context.mode != "OBJECT":
        return "Leave the edit mode first"
    return scene_problem(context.scene)


def add_head_for(operator: Any, context: bpy.types.Context, pipeline: Any) -> bool:
    """Add a head that a pipeline drives and select it; False after an error was reported."""
    from ..scene.template_head import add_template_head, free_place

    try:
        place = free_place(context.scene, context.scene.cursor.location)
        head = add_template_head(context.collection, place)
    except UserError as error:
        operator.report({"ERROR"}, sentence(error))
        return False
    except Exception as error:
        operator.report({"ERROR"}, report_fault(error))
        return False
    for obj in tuple(context.view_layer.objects.selected):
        obj.select_set(False)
    head.skin.select_set(True)
    context.view_layer.objects.active = head.skin
    chosen: Any = context.scene.facewright
    chosen.add_character("Head", pipeline, head.skin)
    return True


def come_near(context: bpy.types.Context) -> None:
    """Bring the view to the new head where it stands far off, as it does in Blender's own scene."""
    area: Any = context.area
    if area is None or area.type != "VIEW_3D":
        return
    if area.spaces.active.region_3d.view_distance < FAR_M:
        return
    region = next(region for region in area.regions if region.type == "WINDOW")
    with context.temp_override(region=region):
        bpy.ops.view3d.view_selected()


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_OT_add_head,))
