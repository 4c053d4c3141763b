# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tab: choose a voice, choose the face, Animate."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.naming import ARKIT_NAMES
from ..operators.animate import FaceStatus, FACEWRIGHT_OT_animate, face_status
from ..operators.faults import shortened
from ..properties.face import SHOWN_PARAMETERS, folder_without_terms, people_of
from ..properties.progress import STATE
from ..scene.versions import all_strips_name
from .texts import draw_sentence, room

LISTED = 60  # names in an opened list
MARGIN_PX = 87  # tabs, icon and rims
MOST_PX = 700  # of a line, to be read well
SHORT = {"upper_face_strength": "Upper Face", "lower_face_strength": "Lower Face"}
ICONS = {"done": "CHECKMARK", "stopped": "INFO", "failed": "ERROR"}


class _Sidebar:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Facewright"


class FACEWRIGHT_PT_face(_Sidebar, bpy.types.Panel):
    """Voice, face, Animate"""

    bl_idname = "FACEWRIGHT_PT_face"
    bl_label = "Facewright"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        chosen: Any = context.scene.facewright
        _draw_voice(layout.column(), context.scene, chosen)
        _draw_face(layout.column(), chosen)
        _draw_job(layout.column(), context)


class FACEWRIGHT_PT_parameters(_Sidebar, bpy.types.Panel):
    """Face parameters; untouched ones are the model's"""

    bl_idname = "FACEWRIGHT_PT_parameters"
    bl_parent_id = "FACEWRIGHT_PT_face"
    bl_label = "Parameters"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        chosen: Any = context.scene.facewright
        _draw_chooser(layout, chosen, "model_choice")
        if len(people_of(chosen)) > 1:
            layout.prop(chosen, "person")
        layout.prop(chosen, "detect_emotion")
        if chosen.detect_emotion != "OFF":
            _draw_chooser(layout, chosen, "emotion_choice")
        column = layout.column()
        for name in SHOWN_PARAMETERS:
            if name in SHORT:
                column.prop(chosen, name, text=SHORT[name])
            else:
                column.prop(chosen, name)
        layout.operator("facewright.reset_settings", icon="LOOP_BACK")


class FACEWRIGHT_PT_head_motion(_Sidebar, bpy.types.Panel):
    """Nods and drift of the head; off, the head stays as it is"""

    bl_idname = "FACEWRIGHT_PT_head_motion"
    bl_parent_id = "FACEWRIGHT_PT_face"
    bl_label = "Head Motion"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.prop(context.scene.facewright, "head_motion", text="")

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        chosen: Any = context.scene.facewright
        layout.active = chosen.head_motion
        layout.prop(chosen, "head_motion_strength", text="Strength")
        layout.prop(chosen, "head_motion_seed", text="Seed")
        layout.prop(chosen, "head_target", text="Target")
        target = chosen.head_target
        if target is not None and target.type == "ARMATURE":
            layout.prop_search(chosen, "head_bone", target.data, "bones", text="Bone")


def _draw_chooser(layout: bpy.types.UILayout, chosen: Any, name: str) -> None:
    """A drop-down of models, with a button to add one that is not in it."""
    row = layout.row(align=True)
    row.prop(chosen, name)
    row.operator("facewright.model_add", text="", icon="FILE_FOLDER").choose = True


def _draw_voice(layout: bpy.types.UILayout, scene: bpy.types.Scene, chosen: Any) -> None:
    layout.prop(chosen, "voice_source")
    if chosen.voice_source == "FILE":
        layout.prop(chosen, "voice_path")
    elif chosen.voice_source == "SOUND":
        layout.template_ID(chosen, "sound", open="sound.open")
    elif chosen.voice_source == "STRIP":
        if scene.sequence_editor is None:
            layout.label(text="The sequencer is empty", icon="INFO")
        else:
            layout.prop_search(
                chosen, "strip", scene.sequence_editor, all_strips_name(), icon="SOUND"
            )
    layout.prop(chosen, "channel", text="Channel" if chosen.channel else "Channel (all)")
    if chosen.voice_source != "STRIP":
        layout.prop(chosen, "start_frame")


def _draw_face(layout: bpy.types.UILayout, chosen: Any) -> None:
    layout.prop(chosen, "face", icon="MESH_DATA")
    if chosen.face is None:
        layout.operator("facewright.add_head", icon="ADD")
        return
    status = face_status(chosen.face)
    if status.problem:
        return  # the greyed button says it
    _draw_match(layout, status)


def _draw_match(layout: bpy.types.UILayout, status: FaceStatus) -> None:
    found = len(ARKIT_NAMES) - len(status.missing)
    layout.label(text=f"{found} of {len(ARKIT_NAMES)} shapes found", icon="CHECKMARK")
    _draw_list(layout, "missing", f"Missing: {len(status.missing)}", status.missing)
    _draw_list(layout, "unmatched", f"Not driven: {len(status.unmatched)}", status.unmatched)


def _draw_list(layout: bpy.types.UILayout, name: str, title: str, names: tuple[str, ...]) -> None:
    if not names:
        return
    header, body = layout.panel(f"FACEWRIGHT_{name}", default_closed=True)
    header.label(text=title)
    if body is None:
        return
    column = body.column(align=True)
    column.scale_y = 0.75
    for entry in names[:LISTED]:
        column.label(text=entry)
    if len(names) > LISTED:
        column.label(text=f"... and {len(names) - LISTED} more")


def _draw_job(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    layout.separator()
    if STATE.running:
        row = layout.row(align=True)
        row.progress(factor=STATE.fraction, text=STATE.text)
        row.operator("facewright.cancel", text="", icon="CANCEL")
        return
    row = layout.row()
    row.scale_y = 1.4
    row.operator("facewright.animate", icon="PLAY")
    reason = FACEWRIGHT_OT_animate.disabled_reason(context)
    width = room(context, MARGIN_PX, MOST_PX)
    if reason:
        draw_sentence(layout, reason, "INFO", width)
        _draw_terms(layout, context.scene.facewright)
    elif STATE.outcome:
        _draw_outcome(layout, width)
        draw_sentence(layout, STATE.network, "BLANK1", width)
        for notice in STATE.notices:
            draw_sentence(layout, notice, "INFO", width)


def _draw_outcome(layout: bpy.types.UILayout, width: float) -> None:
    """What came of the job; files of the extension's own folder by their short names."""
    short, folder = shortened(STATE.outcome)
    draw_sentence(layout, short, ICONS[STATE.ending], width)
    if folder:
        button = layout.operator("wm.path_open", text="Open the Folder", icon="FILE_FOLDER")
        button.filepath = folder


def _draw_terms(layout: bpy.types.UILayout, chosen: Any) -> None:
    """The way to accept terms, where those are what Animate waits for."""
    folder = folder_without_terms(chosen)
    if folder:
        button = layout.operator("facewright.model_terms", icon="TEXT")
        button.folder = folder


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_PT_face, FACEWRIGHT_PT_parameters, FACEWRIGHT_PT_head_motion)
)
