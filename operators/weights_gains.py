# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of gains: filled with the poses, saved, loaded, put back to 1 and 0."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import StringProperty

from ..core.exchange.gains import NO_GAINS, read_gains, write_gains
from ..core.naming import CANONICAL_NAMES
from .explained import Explained
from .faults import attempt
from .json_files import SUFFIX, LoadsJson, SavesJson, file_to_load, file_to_save


def _filepath() -> Any:
    return StringProperty(
        name="File",
        description="JSON file of the multipliers and offsets",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )


def _weights(context: bpy.types.Context) -> Any:
    chosen: Any = context.scene.facewright
    return chosen.weights


class FACEWRIGHT_OT_gains_reset(Explained, bpy.types.Operator):
    """Show a row for each of the poses, all with multiplier 1 and offset 0"""

    bl_idname = "facewright.gains_reset"
    bl_label = "Reset"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        _weights(context).set_gains(NO_GAINS, CANONICAL_NAMES)
        return {"FINISHED"}


class FACEWRIGHT_OT_gains_save(Explained, SavesJson, bpy.types.Operator):
    """Save the multipliers and offsets as a JSON file"""

    bl_idname = "facewright.gains_save"
    bl_label = "Save Gains"

    filepath: _filepath()

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if len(_weights(context).gains) else "There are no multipliers yet"

    def suggested(self, context: bpy.types.Context) -> str:
        return f"gains{SUFFIX}"

    def execute(self, context: bpy.types.Context) -> set[str]:
        gains = _weights(context).gains_now()
        return attempt(self, lambda: write_gains(file_to_save(self.filepath), gains))


class FACEWRIGHT_OT_gains_load(Explained, LoadsJson, bpy.types.Operator):
    """Load multipliers and offsets from a JSON file"""

    bl_idname = "facewright.gains_load"
    bl_label = "Load Gains"
    bl_options = {"REGISTER", "UNDO"}

    filepath: _filepath()

    def execute(self, context: bpy.types.Context) -> set[str]:
        def load() -> None:
            gains = read_gains(file_to_load(self.filepath))
            _weights(context).set_gains(gains, CANONICAL_NAMES)

        return attempt(self, load)


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_OT_gains_reset, FACEWRIGHT_OT_gains_save, FACEWRIGHT_OT_gains_load)
)
