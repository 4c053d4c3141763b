# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets of the solve as JSON files, in the schema of the published models' own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from ..core.errors import UserError, shortly
from ..core.presets import file_name
from ..core.solve.conversion import ConversionSettings
from ..properties.poses import KINDS, NO_PAIR, suit_mesh
from ..scene.conversion_meshes import pose_sizes
from .conversion_poses import OfPoses
from .conversion_status import poses_problem, settings_of, shown_conversion
from .faults import attempt
from .json_files import LoadsJson, SavesJson, file_to_load, file_to_save

_STRENGTHS = ("regularisation", "temporal", "sparsity", "symmetry", "template_size", "smoothing")


def _filepath() -> Any:
    return StringProperty(
        name="File",
        description="JSON file of the solver's settings",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )


class FACEWRIGHT_OT_load_solve(OfPoses, LoadsJson, bpy.types.Operator):
    """Take strengths and pose table from a preset, or from a model's bs_skin_config.json"""

    bl_idname = "facewright.load_solve"
    bl_label = "Load Preset"
    bl_options = {"REGISTER", "UNDO"}

    filepath: _filepath()

    def execute(self, context: bpy.types.Context) -> set[str]:
        def work() -> None:
            path = file_to_load(self.filepath)
            for notice in load_preset(shown_conversion(context), path):
                self.report({"WARNING"}, notice)

        return attempt(self, work)


class FACEWRIGHT_OT_save_solve(OfPoses, SavesJson, bpy.types.Operator):
    """Save strengths and pose table as a preset, in the schema of the models' own settings"""

    bl_idname = "facewright.save_solve"
    bl_label = "Save Preset"
    bl_options = {"REGISTER"}

    filepath: _filepath()

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = super().disabled_reason(context)
        return reason or poses_problem(shown_conversion(context))

    def suggested(self, context: bpy.types.Context) -> str:
        return file_name(shown_conversion(context).name)

    def execute(self, context: bpy.types.Context) -> set[str]:
        def work() -> None:
            path = file_to_save(self.filepath)
            save_preset(shown_conversion(context), path)
            self.report({"INFO"}, f"The preset is saved as {path.name}.")

        return attempt(self, work)


def save_preset(conversion: Any, path: Path) -> None:
    """Write a conversion's settings. Raises UserError."""
    from ..core.solve.solve_preset import preset_of, write_solve_preset

    suit_mesh(conversion)
    sizes = pose_sizes(conversion.target)
    write_solve_preset(path, preset_of(sizes, settings_of(conversion)))


def load_preset(conversion: Any, path: Path) -> list[str]:
    """Give a conversion the settings of a file; returns notices. Raises UserError."""
    from ..core.solve.solve_preset import applied, read_solve_preset

    suit_mesh(conversion)
    names = [pose.name for pose in conversion.poses]
    preset = read_solve_preset(path)
    try:
        found = applied(preset, names, settings_of(conversion))
    except UserError as error:
        raise UserError(f"{path.name}: {error.message}", error.hint) from error
    apply_settings(conversion, found.settings)
    notices = []
    if found.missing:
        notices.append(f"The mesh has no shape key for {shortly(found.missing)}.")
    if found.untold:
        notices.append(f"The preset says nothing of {shortly(found.untold)}: in use, no pairs.")
    return notices


def apply_settings(conversion: Any, settings: ConversionSettings) -> None:
    """Give a conversion these settings."""
    for name in _STRENGTHS:
        setattr(conversion, name, getattr(settings, name))
    table = settings.table
    for pose in conversion.poses:
        pose.use = table.active.get(pose.name, True)
        pose.multiplier = table.multipliers.get(pose.name, 1.0)
        pose.offset = table.offsets.get(pose.name, 0.0)
        for kind in KINDS:
            setattr(pose, kind, getattr(table, kind).get(pose.name, NO_PAIR))


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_OT_load_solve, FACEWRIGHT_OT_save_solve)
)
