# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrap: a driver, the meshes that follow it, how they follow, and what is to be done next."""

from __future__ import annotations

from typing import Any

import bpy

from ..operators.wrap import (
    FACEWRIGHT_OT_wrap_begin,
    chosen_driver,
    is_wrapped,
    settings_of,
    state_problem,
)
from .sidebar import MARGIN_PX, MOST_PX, Sidebar, aligned
from .texts import draw_sentence, room


class FACEWRIGHT_UL_wrapped(bpy.types.UIList):
    """Meshes that follow the driver, and whether they do"""

    bl_idname = "FACEWRIGHT_UL_wrapped"

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        row = layout.row(align=True)
        row.prop(item, "object", text="", emboss=False, icon="MESH_DATA")
        if item.object is not None:
            row.label(text="", icon=_icon(item.object, data.driver))


class FACEWRIGHT_PT_wrap(Sidebar, bpy.types.Panel):
    """Brows, beard and lashes follow a face, whatever moves it; no pipeline is needed"""

    bl_label = "Wrap"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 120

    def draw(self, context: bpy.types.Context) -> None:
        layout = aligned(self.layout)
        wrap = settings_of(context)
        row = layout.row(align=True)
        row.prop(wrap, "driver")
        row.operator("facewright.wrap_swap", text="", icon="UV_SYNC_SELECT")
        layout.operator("facewright.wrap_fill", icon="RESTRICT_SELECT_OFF")
        _draw_list(layout, wrap)
        column = layout.column()
        column.prop(wrap, "use_max_distance")
        distance = column.row()
        distance.enabled = wrap.use_max_distance
        distance.prop(wrap, "max_distance")
        column.prop(wrap, "face_tangent_space")
        _draw_state(layout, context, wrap)
        column = layout.column(align=True)
        column.scale_y = 1.2
        column.operator("facewright.wrap_begin", icon="MOD_MESHDEFORM")
        layout.operator("facewright.wrap_remove", icon="TRASH")


def _draw_list(layout: bpy.types.UILayout, wrap: Any) -> None:
    layout.label(text="Meshes That Follow")
    row = layout.row()
    row.template_list("FACEWRIGHT_UL_wrapped", "", wrap, "driven", wrap, "active_driven", rows=3)
    buttons = row.column(align=True)
    buttons.operator("facewright.wrap_add_meshes", text="", icon="ADD")
    buttons.operator("facewright.wrap_remove_mesh", text="", icon="REMOVE")


def _draw_state(layout: bpy.types.UILayout, context: Any, wrap: Any) -> None:
    """What is missing, else what is wrong with a wrap."""
    width = room(context, MARGIN_PX, MOST_PX)
    reason = FACEWRIGHT_OT_wrap_begin.disabled_reason(context)
    if reason:
        draw_sentence(layout, reason, "INFO", width)
    driver = chosen_driver(context)
    problems = [state_problem(obj, driver) for obj in wrap.driven_objects]
    for problem in dict.fromkeys(filter(None, problems)):
        draw_sentence(layout, problem, "ERROR", width)


def _icon(obj: Any, driver: Any) -> str:
    if state_problem(obj, driver):
        return "ERROR"
    return "LINKED" if is_wrapped(obj) else "UNLINKED"


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_UL_wrapped, FACEWRIGHT_PT_wrap)
)
