# SPDX-License-Identifier: GPL-3.0-or-later
"""Pipelines, players and characters of a scene: add, duplicate, remove."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from ..core.errors import UserError
from ..properties.ids import index_of
from ..properties.progress import STATE
from ..scene.characters import find_character
from ..scene.emotion_curves import close_gap, copy_keys
from .chosen import scene_problem
from .explained import Explained
from .faults import attempt, sentence
from .head import add_head_for, come_near, not_now

BUSY = "Wait until the face is animated"
ADD_FIRST = "Add a pipeline first"


class FACEWRIGHT_OT_add_pipeline(Explained, bpy.types.Operator):
    """Add a player and a core that moves skin, tongue, jaw and eyes, wired to a new character"""

    bl_idname = "facewright.add_pipeline"
    bl_label = "New Pipeline"
    bl_options = {"REGISTER", "UNDO"}

    character: EnumProperty(
        name="Character",
        description="What the new pipeline drives",
        items=(
            ("HEAD", "Template Head", "A new template head at the 3D cursor"),
            ("ACTIVE", "Active Mesh", "The mesh that is selected last"),
            ("NONE", "None", "Nothing yet"),
        ),
        default="HEAD",
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return not_now(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        outcome = self.execute(context)
        if "FINISHED" in outcome and self.character == "HEAD":
            come_near(context)
        return outcome

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        active = context.active_object
        try:
            if self.character == "ACTIVE":
                find_character(active)
        except UserError as error:
            self.report({"ERROR"}, sentence(error))
            return {"CANCELLED"}
        pipeline = chosen.add_pipeline("Core", chosen.add_player("Player"))
        if self.character == "ACTIVE":
            chosen.add_character(active.name, pipeline, active)
        elif self.character == "HEAD" and not add_head_for(self, context, pipeline):
            chosen.remove_pipeline(pipeline)
            return {"CANCELLED"}
        if self.character == "HEAD":  # so that there is something to hear on the first day
            chosen.player_of(pipeline).voice_source = "SAMPLE"
        return {"FINISHED"}


class FACEWRIGHT_OT_add_core(Explained, bpy.types.Operator):
    """Add a core without a player and without a character, to be linked by hand"""

    bl_idname = "facewright.add_core"
    bl_label = "New Core"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return scene_problem(context.scene)

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        chosen.add_pipeline("Core")
        return {"FINISHED"}


class _OfPipeline(Explained):
    """For operators that need nothing but a pipeline that is shown."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return _no_pipeline(context)


class FACEWRIGHT_OT_add_player(_OfPipeline, bpy.types.Operator):
    """Add an audio player and let it feed the shown core"""

    bl_idname = "facewright.add_player"
    bl_label = "New Player"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        player_id = chosen.add_player("Player").id
        chosen.pipeline.player_id = player_id
        return {"FINISHED"}


class FACEWRIGHT_OT_add_character(Explained, bpy.types.Operator):
    """Let the shown pipeline drive the active mesh as well"""

    bl_idname = "facewright.add_character"
    bl_label = "Add Active Mesh"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        missing = _no_pipeline(context)
        active = context.active_object
        if missing or active is None:
            return missing or "Select the mesh of a face first"
        chosen: Any = context.scene.facewright
        if any(each.skin == active for each in chosen.characters):
            return f"'{active.name}' is a character already"
        try:
            find_character(active)
        except UserError as error:
            return sentence(error)
        return ""

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        chosen.add_character(context.active_object.name, chosen.pipeline, context.active_object)
        return {"FINISHED"}


class FACEWRIGHT_OT_remove_character(bpy.types.Operator):
    """Take the character off the list; its meshes and their animation stay"""

    bl_idname = "facewright.remove_character"
    bl_label = "Remove Character"
    bl_options = {"REGISTER", "UNDO"}

    character: StringProperty(name="Character", description="Id of the character")

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        place = index_of(chosen.characters, self.character)
        if place < 0:
            return {"CANCELLED"}
        chosen.characters.remove(place)
        return {"FINISHED"}


class FACEWRIGHT_OT_duplicate_pipeline(_OfPipeline, bpy.types.Operator):
    """Copy the shown pipeline with all settings and its player; the copy drives no character yet"""

    bl_idname = "facewright.duplicate_pipeline"
    bl_label = "Duplicate Pipeline"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        scene, source = context.scene, chosen.pipeline
        place = index_of(chosen.pipelines, source.id)
        copy = chosen.duplicate_pipeline(source)
        return attempt(self, lambda: copy_keys(scene, place, index_of(chosen.pipelines, copy.id)))


class FACEWRIGHT_OT_remove_pipeline(Explained, bpy.types.Operator):
    """Remove the shown pipeline, and its player if it feeds no other; meshes and takes stay"""

    bl_idname = "facewright.remove_pipeline"
    bl_label = "Remove Pipeline"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return _no_pipeline(context) or (BUSY if STATE.running else "")

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        place = index_of(chosen.pipelines, chosen.pipeline.id)
        chosen.remove_pipeline(chosen.pipeline)
        close_gap(context.scene, place)
        return {"FINISHED"}


def _no_pipeline(context: bpy.types.Context) -> str:
    chosen: Any = context.scene.facewright
    return scene_problem(context.scene) or ("" if chosen.pipeline else ADD_FIRST)


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_OT_add_pipeline,
        FACEWRIGHT_OT_add_core,
        FACEWRIGHT_OT_add_player,
        FACEWRIGHT_OT_add_character,
        FACEWRIGHT_OT_remove_character,
        FACEWRIGHT_OT_duplicate_pipeline,
        FACEWRIGHT_OT_remove_pipeline,
    )
)
