# SPDX-License-Identifier: GPL-3.0-or-later
"""Saving what a batch would do, for a farm or the command line: its order and its manifest."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty

from .batch_order import manifest_of, order_of, order_problem, rows_of, source_of
from .explained import Explained
from .faults import attempt
from .json_files import SUFFIX, SavesJson, file_to_save


class FACEWRIGHT_OT_batch_save(Explained, SavesJson, bpy.types.Operator):
    """Save the present settings as an order and the voices as a manifest, for the command line \
and for farms"""

    bl_idname = "facewright.batch_save"
    bl_label = "Save for a Farm"

    filepath: StringProperty(
        name="File",
        description="File of the order; the manifest gets the same name and ends in .jsonl",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return order_problem(context.scene)

    def suggested(self, context: bpy.types.Context) -> str:
        return f"batch{SUFFIX}"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return attempt(self, lambda: self._save(context.scene))

    def _save(self, scene: bpy.types.Scene) -> None:
        from ..core.batch.order import write_order

        path = file_to_save(self.filepath)
        source = source_of(scene)
        rows = rows_of(source)
        write_order(path, order_of(scene))
        manifest = manifest_of(source, rows, path.with_suffix(".jsonl"))
        self.report({"INFO"}, f"Saved {path.name} and {manifest.name}.")


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_OT_batch_save,))
