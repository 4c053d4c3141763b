# SPDX-License-Identifier: GPL-3.0-or-later
"""A voice file that is dropped on a face in the viewport makes that face speak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from ..core.errors import UserError
from ..properties.ids import index_of
from ..properties.progress import STATE
from ..scene.characters import find_character
from ..scene.picking import mesh_under
from ..scene.refusals import said
from .chosen import attachments_of, scene_problem
from .explained import Explained
from .faults import sentence

ENDINGS = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")


class FACEWRIGHT_OT_drop_voice(Explained, bpy.types.Operator):
    """Let the face under the pointer speak this voice"""

    bl_idname = "facewright.drop_voice"
    bl_label = "Speak This Voice"
    bl_options = {"UNDO"}

    filepath: StringProperty(
        name="File", description="The voice's file", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    object: StringProperty(
        name="Object",
        description="Name of the face's mesh; empty is the one under the pointer, or the active",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if STATE.running:
            return "A face is being animated already"
        return scene_problem(context.scene)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.object:
            point = (float(event.mouse_region_x), float(event.mouse_region_y))
            under = mesh_under(context, point)
            self.object = under.name if under else ""
        return self._speak(context, "INVOKE_DEFAULT")

    def execute(self, context: bpy.types.Context) -> set[str]:
        return self._speak(context, "EXEC_DEFAULT")

    def _speak(self, context: bpy.types.Context, how: str) -> set[str]:
        try:
            path = _checked(self.filepath)
            name = _prepared(context.scene, _chosen(context, self.object), path)
        except UserError as error:
            self.report({"ERROR"}, sentence(error))
            return {"CANCELLED"}
        try:
            outcome: set[str] = bpy.ops.facewright.animate(how, pipeline=name)
        except RuntimeError as error:  # what it reported, as every call of an operator raises it
            self.report({"ERROR"}, said(error))
            return {"FINISHED"}  # the voice is set
        return {"FINISHED"} if outcome & {"FINISHED", "RUNNING_MODAL"} else {"CANCELLED"}


class FACEWRIGHT_FH_voice(bpy.types.FileHandler):
    """Voice files that are dropped on a face"""

    bl_idname = "FACEWRIGHT_FH_voice"
    bl_label = "Facewright Voice"
    bl_import_operator = "facewright.drop_voice"
    bl_file_extensions = ";".join(ENDINGS)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Only the 3D viewport; other editors have their own use for sounds."""
        area, region = context.area, context.region
        return bool(area and area.type == "VIEW_3D" and region and region.type == "WINDOW")


def _checked(text: str) -> str:
    """The path of a sound file that is there. Raises UserError."""
    if not text.strip():
        raise UserError("No voice file is named.", "Drop one on a face.")
    path = Path(bpy.path.abspath(text))
    if path.suffix.casefold() not in ENDINGS:
        known = ", ".join(ending[1:] for ending in ENDINGS)
        raise UserError(f"{path.name} is no voice file.", f"Take one of these kinds: {known}.")
    if not path.is_file():
        raise UserError(f"{path.name} is not there.", "Choose another file.")
    return text


def _chosen(context: bpy.types.Context, name: str) -> bpy.types.Object:
    obj = context.scene.objects.get(name) if name else context.active_object
    if obj is None:
        said = f"The scene has no object '{name}'." if name else "There is no face here."
        raise UserError(said, "Drop the voice on a face.")
    return obj


def _prepared(scene: bpy.types.Scene, obj: bpy.types.Object, voice: str) -> str:
    """Show the pipeline that drives an object, a new one if none does, and give its player the
    voice; the pipeline's name. Raises UserError when the object is no face."""
    chosen: Any = scene.facewright
    character = _character_of(chosen, obj)
    if character is None:
        face = find_character(obj).face
        pipeline = chosen.add_pipeline("Core", chosen.add_player("Player"))
        chosen.add_character(face.name, pipeline, face)
    else:
        if index_of(chosen.pipelines, character.pipeline_id) < 0:
            character_id = character.id
            new_id = chosen.add_pipeline("Core", chosen.add_player("Player")).id
            chosen.characters[index_of(chosen.characters, character_id)].pipeline_id = new_id
            character = chosen.characters[index_of(chosen.characters, character_id)]
        chosen.active_pipeline = index_of(chosen.pipelines, character.pipeline_id)
    if chosen.player_of(chosen.pipeline) is None:
        player_id = chosen.add_player("Player").id
        chosen.pipeline.player_id = player_id
    player = chosen.player_of(chosen.pipeline)
    player.voice_source, player.voice_path = "FILE", voice
    return str(chosen.pipeline.name)


def _character_of(chosen: Any, obj: bpy.types.Object) -> Any:
    """The character that an object is a part of, those of the shown pipeline first."""
    shown = chosen.characters_of(chosen.pipeline)
    others = [one for one in chosen.characters if one.id not in {each.id for each in shown}]
    for character in (*shown, *others):
        try:
            found = find_character(character.skin, attached=attachments_of(character))
        except UserError:
            continue
        if obj == character.skin or obj in found.members:
            return character
    return None


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_OT_drop_voice, FACEWRIGHT_FH_voice)
)
