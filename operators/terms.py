# SPDX-License-Identifier: GPL-3.0-or-later
"""The terms of models: reading and accepting them, in the preferences and in the sidebar."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from ..core.errors import UserError
from ..properties import library
from .explained import DIALOG_WIDTH, Explained
from .faults import sentence
from .fetching import redraw_preferences

LINE = 84  # letters that fit into a dialog


def chosen_row() -> Any:
    """The row that is marked in the list; None when there is none."""
    chosen = library.preferences()
    if chosen is None or not 0 <= chosen.active_model < len(chosen.models):
        return None
    return chosen.models[chosen.active_model]


class FACEWRIGHT_OT_model_licence(Explained, bpy.types.Operator):
    """Read the terms of the model, and accept them"""

    bl_idname = "facewright.model_licence"
    bl_label = "Terms of the Model"

    accept: BoolProperty(
        name="I accept these terms",
        description="The model can be used from then on",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        row = chosen_row()
        if row is None:
            return "Choose a model first"
        if row.built_in or library.look(library.folder_of(row)).licence is None:
            return "This model comes without terms of others"
        return ""

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        row = chosen_row()
        self.accept = library.is_accepted(row)
        return _ask(self, context, row.name, "Save")

    def draw(self, context: bpy.types.Context) -> None:
        folder = library.folder_of(chosen_row())
        draw_licence(self.layout.column(), library.look(folder).licence, folder)
        self.layout.prop(self, "accept")

    def execute(self, context: bpy.types.Context) -> set[str]:
        row = chosen_row()
        licence = library.look(library.folder_of(row)).licence
        row.accepted = licence.key if self.accept and licence else ""
        library.changed()
        redraw_preferences()
        return {"FINISHED"}


class FACEWRIGHT_OT_model_terms(bpy.types.Operator):
    """Read the terms of the chosen model, and accept them; the model is added to the library"""

    bl_idname = "facewright.model_terms"
    bl_label = "Read and Accept Terms"

    folder: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})
    accept: BoolProperty(
        name="I accept these terms",
        description="The model can be used from then on",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return _ask(self, context, self._path().name, "Accept")

    def draw(self, context: bpy.types.Context) -> None:
        licence = library.look(self._path()).licence
        if licence is not None:
            draw_licence(self.layout.column(), licence, self._path())
            self.layout.prop(self, "accept")

    def execute(self, context: bpy.types.Context) -> set[str]:
        licence = library.look(self._path()).licence
        if licence is None or not self.accept:
            self.report({"WARNING"}, "The terms were not accepted: the box was not ticked")
            return {"CANCELLED"}
        try:
            library.add_model(library.preferences(), self._path(), accepted=licence.key)
        except UserError as error:
            self.report({"ERROR"}, sentence(error))
            return {"CANCELLED"}
        redraw_preferences()
        return {"FINISHED"}

    def _path(self) -> Path:
        return Path(bpy.path.abspath(self.folder)).absolute()


def _ask(
    operator: bpy.types.Operator, context: bpy.types.Context, name: str, button: str
) -> set[str]:
    """Open the dialog of terms; its title names the model."""
    title = f"Terms of {textwrap.shorten(name, 60, placeholder=' ...')}"
    return context.window_manager.invoke_props_dialog(
        operator, width=DIALOG_WIDTH, title=title, confirm_text=button
    )


def draw_licence(
    column: bpy.types.UILayout, licence: Any, folder: Path | None, page: str = ""
) -> None:
    """Terms in short, and the way to all of them."""
    column.label(text=licence.title, icon="TEXT")
    draw_lines(column, f"{licence.notice.rstrip('.')}. Read the whole text before you accept it.")
    column.separator()
    row = column.row()
    row.operator("wm.url_open", text="Open the Page", icon="URL").url = page or licence.url
    for path in _texts_in(folder) if folder else ():
        text = f"Open {path.name}"
        row.operator("wm.path_open", text=text, icon="TEXT").filepath = str(path)
    column.separator()


def _texts_in(folder: Path) -> Iterable[Path]:
    """Files in a model's folder that hold its terms."""
    try:
        names = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError:
        return ()
    words = ("license", "licence", "notice")
    return [path for path in names if path.name.lower().startswith(words)][:2]


def draw_lines(column: bpy.types.UILayout, text: str) -> None:
    """A text in as many lines as it takes."""
    lines = column.column(align=True)
    lines.scale_y = 0.8
    for line in textwrap.wrap(text, LINE, break_on_hyphens=False):
        lines.label(text=line)


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_OT_model_licence, FACEWRIGHT_OT_model_terms)
)
