# SPDX-License-Identifier: GPL-3.0-or-later
"""What all exports are told by the common settings: the folder, the name, the frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import UserError
from ..core.file_names import cleaned_name, name_problem
from ..scene.rates import parse_rate
from ..scene.spans import Span, span_of
from .faults import sentence


@dataclass(frozen=True)
class ExportOrder:
    """``folder`` and ``name`` of the files, without ending, and their frames."""

    folder: Path
    name: str
    span: Span

    def path(self, ending: str) -> Path:
        """A file of this export; ``ending`` is ".json", "_bsweight.usd", ..."""
        return self.folder / f"{self.name}{ending}"


def order_of(scene: bpy.types.Scene, name: str) -> ExportOrder:
    """The scene's common settings; ``name`` stands where they give none. Raises UserError."""
    chosen: Any = scene.facewright.exports
    file_name = chosen.file_name.strip() or cleaned_name(name) or "_"
    reason = name_problem(file_name)
    if reason:
        raise UserError(f"'{file_name}' cannot be the name of a file: {reason}.", "Type another.")
    return ExportOrder(export_folder(chosen.directory), file_name, chosen_span(scene))


def chosen_span(scene: bpy.types.Scene) -> Span:
    """The frames of the common settings alone. Raises UserError."""
    chosen: Any = scene.facewright.exports
    first, last = scene.frame_start, scene.frame_end
    if not chosen.use_scene_range:
        first, last = chosen.frame_start, chosen.frame_end
    rate = None if chosen.use_scene_fps else parse_rate(chosen.fps)
    return span_of(scene, first, last, rate)


def folder_problem(scene: bpy.types.Scene) -> str:
    """Why nothing can be written to the export directory, as one sentence; empty when it can."""
    chosen: Any = scene.facewright.exports
    try:
        export_folder(chosen.directory)
    except UserError as error:
        return sentence(error)
    return ""


def export_folder(text: str) -> Path:
    """The export directory as a full path. Raises UserError when it is not there."""
    if text.startswith("//") and not bpy.data.filepath:
        raise UserError(
            "The export directory is the .blend's, which is not saved yet.",
            "Save the .blend, or choose an export directory.",
        )
    folder = Path(bpy.path.abspath(text)).absolute()
    if not folder.is_dir():
        raise UserError(
            f"The export directory {folder} does not exist.", "Create it or choose another."
        )
    return folder
