# SPDX-License-Identifier: GPL-3.0-or-later
"""The wrap tool: meshes such as brows, beard and lashes follow the surface of a driver."""

from __future__ import annotations

import json
from typing import Any

import bpy
from bpy.props import CollectionProperty, StringProperty

from ..core.errors import UserError
from ..properties import changes
from ..properties.wrap import FACEWRIGHT_PG_deformed
from ..scene.deformers import deformers_of
from ..scene.wrap_modifier import (
    NO_DRIVER,
    OTHER_DRIVER_VERTICES,
    OTHER_VERTICES,
    WrapOptions,
    driver_of,
    fault_of,
    is_wrap,
    remove_wrap,
    set_options,
    wrap_of,
    wraps_of,
)
from ..scene.wrapping import ADD, LEAVE, REPLACE, check, wrap_meshes
from .explained import DIALOG_WIDTH, Explained
from .faults import attempt

TITLE = "These meshes are deformed already"
WAYS = (LEAVE, REPLACE, ADD)


def settings_of(context: bpy.types.Context) -> Any:
    """What the wrap tool works on."""
    chosen: Any = context.scene.facewright
    return chosen.wrap


def chosen_driver(context: bpy.types.Context) -> Any:
    """The driver of the panel, else the active mesh; None when there is neither."""
    driver, active = settings_of(context).driver, context.active_object
    if driver is None and active is not None and active.type == "MESH":
        return active
    return driver


def chosen_driven(context: bpy.types.Context) -> list[Any]:
    """The meshes of the panel's list, else the selected ones without the driver."""
    listed: list[Any] = settings_of(context).driven_objects
    if listed:
        return listed
    driver = chosen_driver(context)
    return [obj for obj in context.selected_objects if obj.type == "MESH" and obj != driver]


def _mode_problem(context: bpy.types.Context) -> str:
    return "" if context.mode == "OBJECT" else "Leave the edit mode first"


def begin_problem(context: bpy.types.Context) -> str:
    """Why nothing can be wrapped; empty when it can."""
    if chosen_driver(context) is None:
        return "Choose the driver: the mesh whose surface the others follow"
    if not chosen_driven(context):
        return "Add the meshes that are to follow the driver"
    return _mode_problem(context)


def is_wrapped(obj: Any) -> bool:
    """Whether a wrap moves an object."""
    return wrap_of(obj) is not None


def state_problem(obj: Any, driver: Any) -> str:
    """What is wrong with a listed mesh's wrap; empty when all is well or it has none."""
    wrap = wrap_of(obj)
    if wrap is None:
        return ""
    fault = fault_of(wrap)
    if fault == NO_DRIVER:
        return "The driver of a mesh is gone: remove its wrap, or begin another"
    if fault == OTHER_VERTICES:
        return "A mesh has other vertices than when it was bound: begin its wrap again"
    if fault == OTHER_DRIVER_VERTICES:
        return "The driver has other vertices than when it was bound: begin the wrap again"
    return "A mesh follows another driver" if driver not in (None, driver_of(wrap)) else ""


class FACEWRIGHT_OT_wrap_fill(Explained, bpy.types.Operator):
    """Take the active mesh as the driver, and the other selected meshes as those that follow"""

    bl_idname = "facewright.wrap_fill"
    bl_label = "Take from Selection"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        active = context.active_object
        return "" if active and active.type == "MESH" else "Make the driver the active object first"

    def execute(self, context: bpy.types.Context) -> set[str]:
        wrap, active = settings_of(context), context.active_object
        wrap.driver = active
        selected = [obj for obj in context.selected_objects if obj.type == "MESH"]
        _list_only(wrap, [obj for obj in selected if obj != active])
        return {"FINISHED"}


class FACEWRIGHT_OT_wrap_swap(Explained, bpy.types.Operator):
    """Let the driver and the chosen mesh of the list change places"""

    bl_idname = "facewright.wrap_swap"
    bl_label = "Swap"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        wrap = settings_of(context)
        if wrap.driver is None or not wrap.driven_objects:
            return "Choose a driver and a mesh that follows first"
        return ""

    def execute(self, context: bpy.types.Context) -> set[str]:
        wrap = settings_of(context)
        row = wrap.driven[min(max(wrap.active_driven, 0), len(wrap.driven) - 1)]
        wrap.driver, row.object = row.object, wrap.driver
        return {"FINISHED"}


class FACEWRIGHT_OT_wrap_add_meshes(Explained, bpy.types.Operator):
    """Let the selected meshes follow the driver"""

    bl_idname = "facewright.wrap_add_meshes"
    bl_label = "Add Selected Meshes"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if any(obj.type == "MESH" for obj in context.selected_objects):
            return ""
        return "Select the meshes in the viewport first"

    def execute(self, context: bpy.types.Context) -> set[str]:
        wrap = settings_of(context)
        there = {wrap.driver, *wrap.driven_objects}
        new = [obj for obj in context.selected_objects if obj.type == "MESH" and obj not in there]
        if not new:
            self.report({"WARNING"}, "The selected meshes are there already.")
            return {"CANCELLED"}
        for obj in new:
            wrap.driven.add().object = obj
        wrap.active_driven = len(wrap.driven) - 1
        return {"FINISHED"}


class FACEWRIGHT_OT_wrap_remove_mesh(Explained, bpy.types.Operator):
    """Take the chosen mesh off the list; it stays in the scene, with its wrap"""

    bl_idname = "facewright.wrap_remove_mesh"
    bl_label = "Remove Mesh"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if len(settings_of(context).driven) else "There is no mesh on the list"

    def execute(self, context: bpy.types.Context) -> set[str]:
        wrap = settings_of(context)
        place = min(max(wrap.active_driven, 0), len(wrap.driven) - 1)
        wrap.driven.remove(place)
        wrap.active_driven = max(0, min(place, len(wrap.driven) - 1))
        return {"FINISHED"}


class FACEWRIGHT_OT_wrap_begin(Explained, bpy.types.Operator):
    """Bind the meshes to the driver as all of them rest now; they follow it from then on"""

    bl_idname = "facewright.wrap_begin"
    bl_label = "Begin Wrap"
    bl_options = {"REGISTER", "UNDO"}

    answers: StringProperty(
        name="Answers",
        description="For meshes that are deformed already: LEAVE, REPLACE or ADD for all of them, "
        "or as JSON for each by its name. Those that are not named are left",
        options={"SKIP_SAVE"},
    )
    asked: CollectionProperty(type=FACEWRIGHT_PG_deformed, options={"SKIP_SAVE", "HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return begin_problem(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        driver = chosen_driver(context)
        self.asked.clear()
        for obj in chosen_driven(context) if not self.answers else ():
            found = deformers_of(obj)
            if found:
                row = self.asked.add()
                row.name, row.by = obj.name, ", ".join(each.name for each in found)
                again = all(is_wrap(each) and driver_of(each) == driver for each in found)
                row.choice = REPLACE if again else LEAVE
        if not self.asked:
            return self.execute(context)
        return context.window_manager.invoke_props_dialog(
            self, width=DIALOG_WIDTH, title=TITLE, confirm_text="Wrap"
        )

    def draw(self, context: bpy.types.Context) -> None:
        for row in self.asked:
            box = self.layout.box()
            text = f"{row.name}: {row.by}"
            box.label(text=text, icon="MESH_DATA", translate=False)
            box.row().prop(row, "choice", expand=True)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return attempt(self, lambda: self._wrap(context))

    def _wrap(self, context: bpy.types.Context) -> None:
        driver, driven = chosen_driver(context), chosen_driven(context)
        check(driver, driven)
        ways = {row.name: row.choice for row in self.asked}
        ways = ways or answers_of(self.answers, [obj.name for obj in driven])
        outcome = wrap_meshes(driver, driven, options_of_panel(context, driver), ways)
        wrap = settings_of(context)
        wrap.driver = driver
        if not wrap.driven_objects:
            _list_only(wrap, driven)
        for text in outcome.notices:
            self.report({"WARNING"}, text)
        names = ", ".join(f"'{name}'" for name in outcome.wrapped) or "Nothing new"
        self.report({"INFO"}, f"{names} follows '{driver.name}'.")


class FACEWRIGHT_OT_wrap_remove(Explained, bpy.types.Operator):
    """Take the wraps off the listed meshes, or off the selected ones where none is listed"""

    bl_idname = "facewright.wrap_remove"
    bl_label = "Remove Wrap"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if not any(wraps_of(obj) for obj in _to_free(context)):
            return "None of the meshes is wrapped"
        return _mode_problem(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        freed = [obj for obj in _to_free(context) if wraps_of(obj) and obj.data.library is None]
        for obj in freed:
            on = [each for each in wraps_of(obj) if each.show_viewport or each.show_render]
            for wrap in on or wraps_of(obj):
                remove_wrap(wrap)
        self.report({"INFO"}, f"{len(freed)} meshes rest again.")
        return {"FINISHED"}


def _to_free(context: bpy.types.Context) -> list[Any]:
    listed: list[Any] = settings_of(context).driven_objects
    return listed or [obj for obj in context.selected_objects if obj.type == "MESH"]


def answers_of(text: str, names: list[str]) -> dict[str, str]:
    """What is to become of each mesh of a name that is deformed already. Raises UserError."""
    text = text.strip()
    hint = 'Give LEAVE, REPLACE or ADD, or JSON as in {"Beard": "ADD"}.'
    if text.upper() in WAYS:
        return dict.fromkeys(names, text.upper())
    try:
        given = json.loads(text or "{}")
    except ValueError:
        raise UserError(f"The answers {text!r} cannot be read.", hint) from None
    if not isinstance(given, dict) or not all(
        isinstance(way, str) and way.upper() in WAYS for way in given.values()
    ):
        raise UserError(f"The answers {text!r} are no answers.", hint)
    unknown = [name for name in given if name not in names]
    if unknown:
        raise UserError(f"'{unknown[0]}' is none of the meshes that are to follow.")
    return {name: way.upper() for name, way in given.items()}


def options_of_panel(context: bpy.types.Context, driver: Any) -> WrapOptions:
    """How meshes are to follow."""
    wrap = settings_of(context)
    if wrap.driver is None:
        wrap.driver = driver  # the usual distance is a share of its size
    return WrapOptions(wrap.use_max_distance, wrap.max_distance, wrap.face_tangent_space)


def _list_only(wrap: Any, objects: list[Any]) -> None:
    wrap.driven.clear()
    for obj in objects:
        wrap.driven.add().object = obj
    wrap.active_driven = 0


def _on_change(item: Any, name: str) -> None:
    """What the panel says holds at once for the wraps of its meshes."""
    if not hasattr(item, "own_max_distance"):
        return
    options = WrapOptions(item.use_max_distance, item.max_distance, item.face_tangent_space)
    for obj in item.driven_objects:
        wrap = wrap_of(obj)
        if wrap is not None and driver_of(wrap) == item.driver and obj.library is None:
            set_options(wrap, options)


_register, _unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_OT_wrap_fill,
        FACEWRIGHT_OT_wrap_swap,
        FACEWRIGHT_OT_wrap_add_meshes,
        FACEWRIGHT_OT_wrap_remove_mesh,
        FACEWRIGHT_OT_wrap_begin,
        FACEWRIGHT_OT_wrap_remove,
    )
)


def register() -> None:
    _register()
    changes.LISTENERS.append(_on_change)


def unregister() -> None:
    if _on_change in changes.LISTENERS:
        changes.LISTENERS.remove(_on_change)
    _unregister()
