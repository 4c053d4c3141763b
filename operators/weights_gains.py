# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of gains: filled with the poses, saved, loaded, put back to 1 and 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from ..core.errors import UserError
from ..core.exchange.gains import NO_GAINS, read_gains, write_gains
from ..core.naming import CANONICAL_NAMES
from .explained import Explained
from .faults import attempt

SUFFIX = ".json"


def _filepath() -> Any:
    return StringProperty(
        name="File",
        description="JSON file of the multipliers and offsets",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )


def _filter() -> Any:
    return StringProperty(default=f"*{SUFFIX}", options={"HIDDEN", "SKIP_SAVE"})


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


class FACEWRIGHT_OT_gains_save(Explained, bpy.types.Operator):
    """Save the multipliers and offsets as a JSON file"""

    bl_idname = "facewright.gains_save"
    bl_label = "Save Gains"

    filepath: _filepath()
    filter_glob: _filter()

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if len(_weights(context).gains) else "There are no multipliers yet"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.filepath = self.filepath or f"gains{SUFFIX}"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        return attempt(self, lambda: write_gains(_path(self.filepath), _gains(context)))


class FACEWRIGHT_OT_gains_load(Explained, bpy.types.Operator):
    """Load multipliers and offsets from a JSON file"""

    bl_idname = "facewright.gains_load"
    bl_label = "Load Gains"
    bl_options = {"REGISTER", "UNDO"}

    filepath: _filepath()
    filter_glob: _filter()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        def load() -> None:
            gains = read_gains(_path(self.filepath))
            _weights(context).set_gains(gains, CANONICAL_NAMES)

        return attempt(self, load)


def _gains(context: bpy.types.Context) -> Any:
    return _weights(context).gains_now()


def _path(text: str) -> Path:
    """A path of the file browser or a script. Raises UserError."""
    if not text.strip():
        raise UserError("No file is named.", "Choose one.")
    path = Path(bpy.path.abspath(text)).absolute()
    return path if path.suffix else path.with_name(path.name + SUFFIX)


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_OT_gains_reset, FACEWRIGHT_OT_gains_save, FACEWRIGHT_OT_gains_load)
)
