# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes of the shown pipeline's characters: which are there, which one is up to date."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.take_label import TakeLabel, is_lead, label_of
from ..operators.take_status import is_lost, status_of
from ..properties.take import NOT_BAKED, OUTDATED, UP_TO_DATE, belongs, chosen_take
from .presets import draw_presets
from .sidebar import MARGIN_PX, MOST_PX, SubPanel, aligned, one_look, shown_pipeline
from .texts import draw_sentence, room, translated

# Coloured icons: green, yellow, grey
ICONS = {
    UP_TO_DATE: "COLORSET_03_VEC",
    OUTDATED: "COLORSET_09_VEC",
    NOT_BAKED: "COLORSET_13_VEC",
}
ABOUT = {
    UP_TO_DATE: "The take on the face is what Animate would make now",
    OUTDATED: "Something has changed since the take was made: animate again",
    NOT_BAKED: "No take of this pipeline moves its characters",
}
LOST = "The file of the vertex animation is gone: animate again"


class FACEWRIGHT_UL_takes(bpy.types.UIList):
    """The takes of the shown pipeline's characters"""

    bl_idname = "FACEWRIGHT_UL_takes"

    def filter_items(
        self, context: bpy.types.Context, data: Any, property: str
    ) -> tuple[list[int], list[int]]:
        chosen: Any = context.scene.facewright
        characters = chosen.characters_of(chosen.pipeline)
        wanted = self.filter_name.casefold()
        shown = [
            is_lead(action)
            and wanted in action.name.casefold()
            and belongs(label_of(action), characters)
            for action in getattr(data, property)
        ]
        return [self.bitflag_filter_item if each else 0 for each in shown], []

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
        chosen: Any = context.scene.facewright
        active = _is_active(item, chosen.characters_of(chosen.pipeline))
        row.prop(item, "name", text="", emboss=False, icon="ACTION")
        mark = row.operator(
            "facewright.take_activate",
            text="",
            icon="RADIOBUT_ON" if active else "RADIOBUT_OFF",
            emboss=False,
        )
        mark.take = item.name


def _is_active(action: bpy.types.Action, characters: list[Any]) -> bool:
    """Whether a take moves a face now: its shape keys, or its vertices where it has none."""
    skins = [one.skin for one in characters if one.skin is not None]
    return any(
        owner.animation_data is not None and owner.animation_data.action == action
        for owner in (*bpy.data.shape_keys, *skins)
    )


class FACEWRIGHT_PT_takes(SubPanel, bpy.types.Panel):
    """Takes: what was baked, and whether it is still what the settings say"""

    bl_label = "Takes"
    bl_order = 95

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        draw_presets(self.layout)

    @one_look
    def draw(self, context: bpy.types.Context) -> None:
        layout, chosen = self.layout, context.scene.facewright
        pipeline = shown_pipeline(context)
        draw_status(layout, context, pipeline)
        row = layout.row()
        row.template_list(
            "FACEWRIGHT_UL_takes", "", bpy.data, "actions", pipeline.takes, "index", rows=3
        )
        buttons = row.column(align=True)
        buttons.operator("facewright.take_activate", text="", icon="PLAY")
        buttons.operator("facewright.take_to_nla", text="", icon="NLA_PUSHDOWN")
        buttons.operator("facewright.take_restore", text="", icon="LOOP_BACK")
        buttons.separator()
        buttons.operator("facewright.take_remove", text="", icon="TRASH")
        action = chosen_take(pipeline.takes)
        label = label_of(action) if action is not None else None
        if label is not None and belongs(label, chosen.characters_of(pipeline)):
            _draw_label(layout.column(align=True), label)
        column = aligned(layout.column())
        column.prop(pipeline, "output")
        column.prop(pipeline.takes, "bake")


def draw_status(layout: bpy.types.UILayout, context: bpy.types.Context, pipeline: Any) -> None:
    """The coloured state of the shown pipeline's take, and what it means."""
    status = status_of(context.scene, pipeline)
    layout.label(text=status, icon=ICONS[status])
    if status == OUTDATED:
        text = LOST if is_lost(context.scene, pipeline) else ABOUT[status]
        draw_sentence(layout, text, "BLANK1", room(context, MARGIN_PX, MOST_PX))


def _draw_label(layout: bpy.types.UILayout, label: TakeLabel) -> None:
    layout.scale_y = 0.8
    text = translated("Voice: {voice}").format(voice=label.voice)
    layout.label(text=text, translate=False)
    who = f", {label.identity}" if label.identity else ""
    text = translated("Network: {network}").format(network=f"{label.model}{who}")
    layout.label(text=text, translate=False)
    rate = label.fps[0] / max(1, label.fps[1])
    text = translated("Frames {first:g} to {last:g}, {rate:.4g} per second")
    text = text.format(first=label.first_frame, last=label.last_frame, rate=rate)
    layout.label(text=text, translate=False)


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_UL_takes, FACEWRIGHT_PT_takes)
)
