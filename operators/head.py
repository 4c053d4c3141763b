# SPDX-License-Identifier: GPL-3.0-or-later
"""Add Template Head: the built-in head at the 3D cursor, chosen as the face."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.errors import UserError
from .explained import Explained
from .faults import report_fault, sentence


class FACEWRIGHT_OT_add_head(Explained, bpy.types.Operator):
    """Add the built-in head at the 3D cursor and choose it as the face"""

    bl_idname = "facewright.add_head"
    bl_label = "Add Template Head"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if context.mode == "OBJECT" else "Leave the edit mode first"

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.template_head import add_template_head

        try:
            head = add_template_head(context.collection, context.scene.cursor.location)
        except UserError as error:
            self.report({"ERROR"}, sentence(error))
            return {"CANCELLED"}
        except Exception as error:
            self.report({"ERROR"}, report_fault(error))
            return {"CANCELLED"}
        for obj in tuple(context.view_layer.objects.selected):
            obj.select_set(False)
        head.skin.select_set(True)
        context.view_layer.objects.active = head.skin
        chosen: Any = context.scene.facewright
        chosen.face = head.skin
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_OT_add_head,))
