# SPDX-License-Identifier: GPL-3.0-or-later
"""Export Head: the target with its generated blend shapes and its parts, as USD or FBX."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import StringProperty

from ..core.errors import UserError
from ..core.retarget.marks import FITTED, RESULT
from ..properties.transfer import PART_FIELDS
from ..scene.exports import Exported, check_outputs, save
from .explained import Explained
from .faults import attempt
from .transfer_status import busy, shown_transfer

SUFFIXES = (".usdc", ".usd", ".fbx")


class FACEWRIGHT_OT_export_shapes(Explained, bpy.types.Operator):
    """Save the target with its shape keys, teeth, tongue and eyes as USD (UsdSkel) or FBX"""

    bl_idname = "facewright.export_shapes"
    bl_label = "Export Head"
    bl_options = {"REGISTER"}

    filepath: StringProperty(
        name="File Path",
        description="Where to save; the ending, .usdc, .usd or .fbx, says what",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    filter_glob: StringProperty(default="*.usdc;*.usd;*.fbx", options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = busy(context)
        if reason:
            return reason
        target = shown_transfer(context).target
        keys = getattr(getattr(target, "data", None), "shape_keys", None)
        return "" if keys is not None else "Generate the blend shapes first"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.filepath:
            self.filepath = f"{shown_transfer(context).target.name}.fbx"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        return attempt(self, lambda: self._save(context))

    def _save(self, context: bpy.types.Context) -> None:
        for notice in export_head(context.scene, shown_transfer(context), self.filepath):
            self.report({"WARNING"}, notice)
        self.report({"INFO"}, f"Saved {bpy.path.basename(self.filepath)}.")


def export_head(scene: bpy.types.Scene, transfer: Any, filepath: str) -> tuple[str, ...]:
    """Save a transfer's target and its parts to a file; returns notices. Raises UserError."""
    if not filepath.lower().endswith(SUFFIXES):
        raise UserError(
            f"{bpy.path.basename(filepath) or 'The head'} cannot be saved: its ending is none of "
            f"{', '.join(SUFFIXES)}.",
            "Choose another file name.",
        )
    (path,) = check_outputs([filepath])
    parts = [transfer.target, *(getattr(transfer, name) for name in PART_FIELDS)]
    parts += [each.object for each in transfer.others]
    parts += [each for each in transfer.target.children_recursive if _belongs(each)]
    objects = tuple(dict.fromkeys(obj for obj in parts if obj is not None and obj.users_scene))
    return save(path, Exported(scene, objects, scene.frame_start, scene.frame_end))


def _belongs(obj: Any) -> bool:
    """Whether what hangs on the target is a part of the head that is seen, as upper teeth are."""
    made = any(mark in obj for mark in (FITTED, RESULT))
    return obj.type == "MESH" and not made and obj.visible_get()


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_OT_export_shapes,))
