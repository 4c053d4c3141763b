# SPDX-License-Identifier: GPL-3.0-or-later
"""A face that is linked from another file is made ready to be animated."""

from __future__ import annotations

from typing import Any

import bpy

from ..scene.overrides import needs_override, override_face
from .explained import Explained
from .faults import attempt


class FACEWRIGHT_OT_override_face(Explained, bpy.types.Operator):
    """Make library overrides of the shown pipeline's linked faces, so that they can be animated"""

    bl_idname = "facewright.override_face"
    bl_label = "Make Library Override"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        chosen: Any = context.scene.facewright
        linked = any(needs_override(one.skin) for one in chosen.characters_of(chosen.pipeline))
        return "" if linked else "No face of this pipeline is linked from another file"

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright

        def work() -> None:
            for one in chosen.characters_of(chosen.pipeline):
                if needs_override(one.skin):
                    one.skin = override_face(one.skin, context.scene, context.view_layer)

        return attempt(self, work)


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_OT_override_face,))
