# SPDX-License-Identifier: GPL-3.0-or-later
"""Setups of pairs: saved, loaded, and kept as presets; the shipped ones and the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from ..core.errors import UserError
from ..core.presets import file_name
from ..core.retarget.setup_file import SUFFIX, read_setup, write_setup
from ..scene.correspondences import apply_setup, setup_of
from ..scene.places import SETUPS, user_folder
from . import correspondence_session as session
from .correspondence_session import SESSION
from .correspondences import OfMeshes
from .explained import Explained
from .faults import attempt
from .json_files import LoadsJson, SavesJson, file_to_load, file_to_save
from .presets import delete_own, listed
from .transfer_status import shown_transfer

FOLDER = "pairs"


def setup_names() -> tuple[list[str], list[str]]:
    """The names of the shipped setups and of the user's own. Nothing is read but the folders."""
    return listed(SETUPS, user_folder(FOLDER))


def setup_path(name: str) -> Path:
    """The file of a setup that is a preset; the user's own go before. Raises UserError."""
    wanted = file_name(name)
    own = user_folder(FOLDER) / wanted
    path = own if own.is_file() else SETUPS / wanted.lower().replace(" ", "_")
    if not path.is_file():
        raise UserError(f"There is no setup '{name}'.", f"Setups are files in {own.parent}.")
    return path


def _load(context: bpy.types.Context, path: Path) -> None:
    transfer = shown_transfer(context)
    apply_setup(transfer, read_setup(path), str(path))
    if SESSION.running and SESSION.transfer_id == transfer.id:
        SESSION.drag, SESSION.pending, SESSION.hot, SESSION.name = None, None, -1, ""
        session.choose_name(transfer)


class _WithPairs(OfMeshes):
    """For operators that need pairs too."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        missing = super().disabled_reason(context)
        if missing:
            return missing
        return "" if len(shown_transfer(context).pairs) else "There are no pairs yet"


def _filepath() -> Any:
    return StringProperty(
        name="File",
        description="JSON file of the setup",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )


def _name() -> Any:
    return StringProperty(
        name="Name", description="What the setup is called", options={"SKIP_SAVE"}, maxlen=60
    )


class FACEWRIGHT_OT_load_setup(OfMeshes, LoadsJson, bpy.types.Operator):
    """Take pairs and settings from a file that was saved for these meshes"""

    bl_idname = "facewright.load_setup"
    bl_label = "Load Setup"
    bl_options = {"REGISTER", "UNDO"}

    filepath: _filepath()

    def execute(self, context: bpy.types.Context) -> set[str]:
        return attempt(self, lambda: _load(context, file_to_load(self.filepath)))


class FACEWRIGHT_OT_save_setup(_WithPairs, SavesJson, bpy.types.Operator):
    """Save pairs and settings as a JSON file"""

    bl_idname = "facewright.save_setup"
    bl_label = "Save Setup"
    bl_options = {"REGISTER"}

    filepath: _filepath()

    def suggested(self, context: bpy.types.Context) -> str:
        return file_name(shown_transfer(context).target.name)

    def execute(self, context: bpy.types.Context) -> set[str]:
        def work() -> None:
            path = file_to_save(self.filepath)
            write_setup(path, setup_of(shown_transfer(context), path.stem[:60]))
            self.report({"INFO"}, f"The setup is saved as {path.name}.")

        return attempt(self, work)


class FACEWRIGHT_OT_setup_apply(OfMeshes, bpy.types.Operator):
    """Take pairs and settings from this setup; it has to be for these meshes"""

    bl_idname = "facewright.setup_apply"
    bl_label = "Apply Setup"
    bl_options = {"REGISTER", "UNDO"}

    name: _name()

    def execute(self, context: bpy.types.Context) -> set[str]:
        return attempt(self, lambda: _load(context, setup_path(self.name)))


class FACEWRIGHT_OT_setup_add(_WithPairs, bpy.types.Operator):
    """Keep pairs and settings as a setup of your own in this menu"""

    bl_idname = "facewright.setup_add"
    bl_label = "Add Setup"
    bl_options = {"REGISTER"}

    name: _name()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.name = self.name or shown_transfer(context).target.name
        found: set[str] = context.window_manager.invoke_props_dialog(self)
        return found

    def execute(self, context: bpy.types.Context) -> set[str]:
        def work() -> None:
            path = user_folder(FOLDER) / file_name(self.name)
            name = path.name[: -len(SUFFIX)]
            write_setup(path, setup_of(shown_transfer(context), name))
            self.report({"INFO"}, f"The setup '{name}' is saved.")

        return attempt(self, work)


class FACEWRIGHT_OT_setup_remove(Explained, bpy.types.Operator):
    """Delete this setup of your own"""

    bl_idname = "facewright.setup_remove"
    bl_label = "Remove Setup"
    bl_options = {"REGISTER"}

    name: _name()

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if setup_names()[1] else "There is no setup of your own"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        found: set[str] = context.window_manager.invoke_confirm(self, event)
        return found

    def execute(self, context: bpy.types.Context) -> set[str]:
        return attempt(self, lambda: delete_own(user_folder(FOLDER), self.name, "setup"))


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_OT_load_setup,
        FACEWRIGHT_OT_save_setup,
        FACEWRIGHT_OT_setup_apply,
        FACEWRIGHT_OT_setup_add,
        FACEWRIGHT_OT_setup_remove,
    )
)
