# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets of a pipeline's settings: the shipped ones and the user's own, all JSON files."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from ..core.errors import UserError
from ..core.presets import SUFFIX, file_name, read_preset, write_preset
from ..properties.presets import apply_preset, preset_of
from ..properties.progress import STATE
from ..scene.places import PRESETS, user_folder
from .explained import Explained
from .faults import attempt

FOLDER = "presets"
MOST = 200  # in a menu


def preset_names() -> tuple[list[str], list[str]]:
    """The names of the shipped presets and of the user's own. Nothing is read but the folders."""
    return listed(PRESETS, user_folder(FOLDER))


def listed(shipped: Path, own: Path) -> tuple[list[str], list[str]]:
    """The names of presets in a folder of the extension and in one of the user's."""
    return [name.replace("_", " ").title() for name in _names(shipped)], _names(own)


def _names(folder: Path) -> list[str]:
    names: list[str] = []
    with suppress(OSError), os.scandir(folder) as entries:
        names = [e.name[: -len(SUFFIX)] for e in entries if _is_preset(e)]
    return sorted(names, key=str.casefold)[:MOST]


def _is_preset(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(SUFFIX) and not entry.name.startswith(".") and entry.is_file()


def preset_path(name: str) -> Path:
    """The file of a preset; the user's own goes before a shipped one. Raises UserError."""
    wanted = file_name(name)
    own = user_folder(FOLDER) / wanted
    path = own if own.is_file() else PRESETS / wanted.lower().replace(" ", "_")
    if not path.is_file():
        raise UserError(f"There is no preset '{name}'.", f"Presets are files in {own.parent}.")
    return path


def delete_own(folder: Path, name: str, what: str) -> None:
    """Delete a file of the user's own from one of the extension's folders. Raises UserError."""
    path = folder / file_name(name)
    try:
        path.unlink()
    except FileNotFoundError:
        raise UserError(f"There is no {what} '{name}' of your own.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be deleted: {error.strerror}.") from error


def _name() -> Any:
    return StringProperty(
        name="Name", description="What the preset is called", options={"SKIP_SAVE"}, maxlen=60
    )


class _OfPipeline(Explained):
    """For operators that need a pipeline which nobody uses at present."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        chosen: Any = context.scene.facewright
        if chosen.pipeline is None:
            return "Add a pipeline first"
        return "Wait until the face is animated" if STATE.running else ""


class FACEWRIGHT_OT_preset_apply(_OfPipeline, bpy.types.Operator):
    """Give the shown pipeline the settings of this preset; its voice, model and characters stay"""

    bl_idname = "facewright.preset_apply"
    bl_label = "Apply Preset"
    bl_options = {"REGISTER", "UNDO"}

    name: _name()

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        return attempt(
            self, lambda: apply_preset(chosen.pipeline, read_preset(preset_path(self.name)))
        )


class FACEWRIGHT_OT_preset_add(_OfPipeline, bpy.types.Operator):
    """Save the shown pipeline's settings as a preset of your own"""

    bl_idname = "facewright.preset_add"
    bl_label = "Add Preset"
    bl_options = {"REGISTER"}

    name: _name()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        chosen: Any = context.scene.facewright
        self.name = self.name or chosen.pipeline.name
        found: set[str] = context.window_manager.invoke_props_dialog(self)
        return found

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright

        def work() -> None:
            target = user_folder(FOLDER) / file_name(self.name)
            name = target.name[: -len(SUFFIX)]
            write_preset(target, preset_of(chosen.pipeline, name))
            self.report({"INFO"}, f"The preset '{name}' is saved.")

        return attempt(self, work)


class FACEWRIGHT_OT_preset_remove(Explained, bpy.types.Operator):
    """Delete this preset of your own"""

    bl_idname = "facewright.preset_remove"
    bl_label = "Remove Preset"
    bl_options = {"REGISTER"}

    name: _name()

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if preset_names()[1] else "There is no preset of your own"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        found: set[str] = context.window_manager.invoke_confirm(self, event)
        return found

    def execute(self, context: bpy.types.Context) -> set[str]:
        return attempt(self, lambda: delete_own(user_folder(FOLDER), self.name, "preset"))


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_OT_preset_apply, FACEWRIGHT_OT_preset_add, FACEWRIGHT_OT_preset_remove)
)
