# SPDX-License-Identifier: GPL-3.0-or-later
"""The main panel: the scene's pipelines, the shown one's voice and characters, Animate."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.naming import ARKIT_NAMES
from ..operators.animate import FaceStatus, FACEWRIGHT_OT_animate, face_status
from ..operators.overrides import FACEWRIGHT_OT_override_face
from ..operators.take_status import status_of
from ..properties.pipeline import folder_without_terms
from ..properties.progress import STATE
from ..scene.versions import all_strips_name
from .sidebar import (
    MAIN,
    MARGIN_PX,
    MOST_PX,
    Sidebar,
    aligned,
    draw_outcome,
    draw_running,
    one_look,
)
from .takes import ICONS as ICONS_OF_TAKES
from .texts import draw_sentence, room, translated

LISTED = 60  # names in an opened list


class FACEWRIGHT_UL_pipelines(bpy.types.UIList):
    """Pipelines: their names, and which of them is solo"""

    bl_idname = "FACEWRIGHT_UL_pipelines"

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
        row.prop(item, "name", text="", emboss=False, icon="NODETREE")
        row.label(text="", icon=ICONS_OF_TAKES[status_of(context.scene, item)])
        star = "SOLO_ON" if item.solo else "SOLO_OFF"
        row.prop(item, "solo", text="", icon=star, emboss=False)


class FACEWRIGHT_PT_face(Sidebar, bpy.types.Panel):
    """Pipelines, voice, characters, Animate"""

    bl_idname = MAIN
    bl_label = "Facewright"

    @one_look
    def draw(self, context: bpy.types.Context) -> None:
        layout = aligned(self.layout)
        chosen: Any = context.scene.facewright
        pipeline = chosen.pipeline
        if pipeline is None:
            _draw_begin(layout, context)
            return
        _draw_pipelines(layout, chosen)
        _draw_voice(layout.column(), context.scene, chosen, pipeline)
        _draw_characters(layout.column(), chosen, pipeline)
        _draw_job(layout.column(), context, pipeline)


def _draw_begin(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The two ways to begin: with the template head, or with a face of one's own."""
    column = layout.column()
    column.scale_y = 1.4
    head = column.operator("facewright.add_pipeline", text="New with Template Head", icon="ADD")
    head.character = "HEAD"
    own = column.operator("facewright.add_pipeline", text="New with Active Mesh", icon="MESH_DATA")
    own.character = "ACTIVE"
    text = "A pipeline joins a voice, a network and a character"
    draw_sentence(layout, text, "INFO", room(context, MARGIN_PX, MOST_PX))


def _draw_pipelines(layout: bpy.types.UILayout, chosen: Any) -> None:
    row = layout.row()
    rows = 2 if len(chosen.pipelines) < 3 else 4
    row.template_list(
        "FACEWRIGHT_UL_pipelines", "", chosen, "pipelines", chosen, "active_pipeline", rows=rows
    )
    buttons = row.column(align=True)
    buttons.menu("FACEWRIGHT_MT_add", text="", icon="ADD")
    buttons.operator("facewright.remove_pipeline", text="", icon="REMOVE")
    buttons.operator("facewright.duplicate_pipeline", text="", icon="DUPLICATE")


class FACEWRIGHT_MT_add(bpy.types.Menu):
    """Add pipelines and their parts"""

    bl_idname = "FACEWRIGHT_MT_add"
    bl_label = "Add"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        for character, text, icon in (
            ("HEAD", "New Pipeline with Template Head", "ADD"),
            ("ACTIVE", "New Pipeline with Active Mesh", "MESH_DATA"),
        ):
            layout.operator("facewright.add_pipeline", text=text, icon=icon).character = character
        layout.separator()
        layout.operator("facewright.add_head", icon="USER")
        layout.operator("facewright.add_player", icon="SPEAKER")
        layout.operator("facewright.add_core", icon="NODETREE")


def _draw_voice(
    layout: bpy.types.UILayout, scene: bpy.types.Scene, chosen: Any, pipeline: Any
) -> None:
    if len(chosen.players) > 1 or not pipeline.player_id:
        layout.prop(pipeline, "player")
    player = chosen.player_of(pipeline)
    if player is None:
        layout.operator("facewright.add_player", icon="ADD")
        return
    layout.prop(player, "voice_source")
    if player.voice_source == "FILE":
        layout.prop(player, "voice_path")
    elif player.voice_source == "SOUND":
        layout.template_ID(player, "sound", open="sound.open")
    elif player.voice_source == "STRIP":
        if scene.sequence_editor is None:
            layout.label(text="The sequencer is empty", icon="INFO")
        else:
            layout.prop_search(
                player, "strip", scene.sequence_editor, all_strips_name(), icon="SOUND"
            )


def _draw_characters(layout: bpy.types.UILayout, chosen: Any, pipeline: Any) -> None:
    for character in chosen.characters_of(pipeline):
        row = layout.row(align=True)
        row.prop(character, "skin", text=character.name, translate=False, icon="MESH_DATA")
        if len(chosen.pipelines) > 1:
            row.prop(character, "pipeline", text="", icon="NODETREE", icon_only=True)
        remove = row.operator("facewright.remove_character", text="", icon="X", emboss=False)
        remove.character = character.id
        if character.skin is not None:
            status = face_status(character.skin)
            if not status.problem:  # the greyed button says it
                _draw_match(layout, status)
    for character in chosen.loose_characters:  # or nothing could link them again
        row = layout.row(align=True)
        row.prop(character, "pipeline", text=character.name)
        remove = row.operator("facewright.remove_character", text="", icon="X", emboss=False)
        remove.character = character.id
    row = layout.row(align=True)
    row.operator("facewright.add_character", icon="ADD")
    row.operator("facewright.add_head", text="Template Head", icon="USER")


def _draw_match(layout: bpy.types.UILayout, status: FaceStatus) -> None:
    found = len(ARKIT_NAMES) - len(status.missing)
    text = translated("{found} of {wanted} shapes found")
    text = text.format(found=found, wanted=len(ARKIT_NAMES))
    layout.label(text=text, icon="CHECKMARK", translate=False)
    _draw_list(layout, "missing", "Missing: {count}", status.missing)
    _draw_list(layout, "unmatched", "Not driven: {count}", status.unmatched)


def _draw_list(layout: bpy.types.UILayout, name: str, title: str, names: tuple[str, ...]) -> None:
    if not names:
        return
    header, body = layout.panel(f"FACEWRIGHT_{name}", default_closed=True)
    header.label(text=translated(title).format(count=len(names)), translate=False)
    if body is None:
        return
    column = body.column(align=True)
    column.scale_y = 0.75
    for entry in names[:LISTED]:
        column.label(text=entry, translate=False)
    if len(names) > LISTED:
        text = translated("... and {count} more").format(count=len(names) - LISTED)
        column.label(text=text, translate=False)


def _draw_job(layout: bpy.types.UILayout, context: bpy.types.Context, pipeline: Any) -> None:
    layout.separator()
    if draw_running(layout):
        return
    row = layout.row()
    row.scale_y = 1.4
    row.operator("facewright.animate", icon="PLAY")
    if len(context.scene.facewright.pipelines) > 1:
        row.operator("facewright.animate_all", text="All")
    reason = FACEWRIGHT_OT_animate.disabled_reason(context)
    width = room(context, MARGIN_PX, MOST_PX)
    if reason:
        draw_sentence(layout, reason, "INFO", width)
        _draw_terms(layout, pipeline)
        if FACEWRIGHT_OT_override_face.poll(context):
            layout.operator("facewright.override_face", icon="LIBRARY_DATA_OVERRIDE")
    elif not STATE.topic:
        draw_outcome(layout, width)


def _draw_terms(layout: bpy.types.UILayout, pipeline: Any) -> None:
    """The way to accept terms, where those are what Animate waits for."""
    folder = folder_without_terms(pipeline)
    if folder:
        button = layout.operator("facewright.model_terms", icon="TEXT")
        button.folder = folder


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_UL_pipelines, FACEWRIGHT_MT_add, FACEWRIGHT_PT_face)
)
