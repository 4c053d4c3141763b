# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON files of settings, chosen in the file browser: what the operators that load and save share.

Each names its own ``filepath``, so that its tooltip says what the file holds.
"""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from ..core.errors import UserError

SUFFIX = ".json"


class LoadsJson:
    """A base of operators that load a file."""

    filter_glob: StringProperty(default=f"*{SUFFIX}", options={"HIDDEN", "SKIP_SAVE"})
    filepath: str

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


class SavesJson(LoadsJson):
    """A base of operators that save one; the file browser asks before it replaces a file."""

    check_existing: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def suggested(self, context: bpy.types.Context) -> str:
        """The name that the file browser begins with."""
        raise NotImplementedError

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.filepath = self.filepath or self.suggested(context)
        return LoadsJson.invoke(self, context, event)

    def check(self, context: bpy.types.Context) -> bool:
        """The file browser asks after each change of the name."""
        wanted = str(_ending(Path(self.filepath)))
        changed = wanted != self.filepath
        self.filepath = wanted
        return changed


def file_to_load(filepath: str) -> Path:
    """The full path of a file that the browser or a script names. Raises UserError for none."""
    if not filepath.strip():
        raise UserError("No file is named.", "Choose one.")
    return Path(bpy.path.abspath(filepath)).absolute()


def file_to_save(filepath: str) -> Path:
    """The same, with the ending that it has to have."""
    return _ending(file_to_load(filepath))


def _ending(path: Path) -> Path:
    return path if path.suffix.lower() == SUFFIX else path.with_name(path.name + SUFFIX)
