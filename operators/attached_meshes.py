# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a character: found by name, added from the selection, taken off, selected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy
from bpy.props import IntProperty, StringProperty

from ..core import part_names
from ..core.errors import UserError
from ..core.take_label import SHAPE_KEYS, VERTICES
from ..properties import changes
from ..properties.ids import find
from ..scene.character_status import CharacterStatus, character_status
from ..scene.characters import find_character
from ..scene.guessing import Guess, guess_parts
from .chosen import attachments_of
from .explained import Explained
from .faults import sentence
from .vertex_animation import check_skin, other_tongue

# Part -> where its object and its bone are kept
JOINTS = {
    part_names.JAW: ("lower_denture", "jaw_bone", "jaw"),
    part_names.EYE_RIGHT: ("eye_right", "eye_right_bone", "right eye"),
    part_names.EYE_LEFT: ("eye_left", "eye_left_bone", "left eye"),
    part_names.HEAD: ("head_target", "head_bone", "head"),
}
CHARACTER = {"name": "Character", "description": "Id of the character"}


class FACEWRIGHT_OT_guess_parts(bpy.types.Operator):
    """Fill the empty fields with objects and bones of the usual names; what is set stays"""

    bl_idname = "facewright.guess_parts"
    bl_label = "Find Parts"
    bl_options = {"REGISTER", "UNDO"}

    character: StringProperty(**CHARACTER)

    def execute(self, context: bpy.types.Context) -> set[str]:
        character = _named(self, context)
        if character is None:
            return {"CANCELLED"}
        try:
            find_character(character.skin)
        except UserError as error:
            self.report({"ERROR"}, sentence(error))
            return {"CANCELLED"}
        found, remarks = fill_parts(context.scene, character)
        text = f"Found: {', '.join(found)}." if found else "Nothing more was found."
        self.report({"INFO"}, " ".join((text, *remarks)))
        return {"FINISHED"}


class FACEWRIGHT_OT_add_meshes(Explained, bpy.types.Operator):
    """Let the shape keys of the selected meshes move with the face"""

    bl_idname = "facewright.add_meshes"
    bl_label = "Add Selected Meshes"
    bl_options = {"REGISTER", "UNDO"}

    character: StringProperty(**CHARACTER)

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if any(obj.type == "MESH" for obj in context.selected_objects):
            return ""
        return "Select the meshes in the viewport first"

    def execute(self, context: bpy.types.Context) -> set[str]:
        character = _named(self, context)
        if character is None:
            return {"CANCELLED"}
        there = {character.skin, character.tongue, *(each.object for each in character.others)}
        new = [o for o in context.selected_objects if o.type == "MESH" and o not in there]
        if not new:
            self.report({"WARNING"}, "The selected meshes are there already.")
            return {"CANCELLED"}
        for obj in new:
            character.others.add().object = obj
        character.active_other = len(character.others) - 1
        return {"FINISHED"}


class FACEWRIGHT_OT_remove_mesh(bpy.types.Operator):
    """Take the mesh off the list; it stays in the scene, with its animation"""

    bl_idname = "facewright.remove_mesh"
    bl_label = "Remove Mesh"
    bl_options = {"REGISTER", "UNDO"}

    character: StringProperty(**CHARACTER)
    place: IntProperty(name="Place", description="Place on the list", default=-1)

    def execute(self, context: bpy.types.Context) -> set[str]:
        character = _named(self, context)
        if character is None or not 0 <= self.place < len(character.others):
            return {"CANCELLED"}
        character.others.remove(self.place)
        character.active_other = max(0, min(self.place, len(character.others) - 1))
        changes.tell(character, "others")
        return {"FINISHED"}


class FACEWRIGHT_OT_select_character(bpy.types.Operator):
    """Select all objects of the character in the viewport"""

    bl_idname = "facewright.select_character"
    bl_label = "Select Character"
    bl_options = {"REGISTER", "UNDO"}

    character: StringProperty(**CHARACTER)

    def execute(self, context: bpy.types.Context) -> set[str]:
        character = _named(self, context)
        if character is None:
            return {"CANCELLED"}
        try:
            found = find_character(character.skin, attached=attachments_of(character))
        except UserError as error:
            self.report({"ERROR"}, sentence(error))
            return {"CANCELLED"}
        here = set(context.view_layer.objects)
        if found.face not in here:
            self.report({"ERROR"}, f"'{found.face.name}' is not in this view layer.")
            return {"CANCELLED"}
        for obj in tuple(context.view_layer.objects.selected):
            obj.select_set(False)
        for obj in here.intersection(found.members):
            obj.select_set(True)
        context.view_layer.objects.active = found.face
        return {"FINISHED"}


def status_of(character: Any, pipeline: Any = None) -> CharacterStatus:
    """What is wrong with a character, or what it has and lacks; where a pipeline moves vertices,
    also whether the meshes have as many as the network."""
    output = SHAPE_KEYS if pipeline is None else pipeline.output
    attached = attachments_of(character)
    found = character_status(character.skin, attached, output == VERTICES)
    if found.problem or output == SHAPE_KEYS:
        return found
    face = find_character(character.skin, attached=attached, keyless=output == VERTICES)
    try:
        check_skin(face, pipeline.model_text)
    except UserError as error:
        return CharacterStatus(" ".join(str(error).split()), problem=True)
    return CharacterStatus(other_tongue(face, pipeline.model_text) or found.text)


def fill_parts(scene: bpy.types.Scene, character: Any) -> tuple[list[str], list[str]]:
    """Fill a character's empty fields by name: what was found, and remarks for the user."""
    guess = guess_parts(character.skin, _taken(scene, character))
    names: list[str] = []
    fields: list[str] = []
    if guess.tongue is not None and character.tongue is None:
        character.tongue = guess.tongue
        names.append("tongue")
        fields.append("tongue")
    for part, joint in guess.joints.items():
        target, bone, name = JOINTS[part]
        if getattr(character, target) is None:
            setattr(character, target, joint.object)
            setattr(character, bone, joint.bone)
            names.append(name)
            fields.append(target)
    names += _add_others(character, guess)
    kept = character.guessed.split(",") if character.guessed else []
    character.guessed = ",".join(dict.fromkeys([*kept, *fields]))
    return names, guess.remarks


def _add_others(character: Any, guess: Guess) -> list[str]:
    there = {character.skin, *(each.object for each in character.others)}
    new = [obj for obj in guess.others if obj not in there]
    for obj in new:
        character.others.add().object = obj
    return [f"'{obj.name}'" for obj in new]


def _taken(scene: bpy.types.Scene, character: Any) -> set[bpy.types.Object]:
    """Objects of the scene's other characters."""
    chosen: Any = scene.facewright
    return {
        obj
        for other in chosen.characters
        if other.id != character.id and other.skin != character.skin
        for obj in _objects(other)
    }


def _objects(character: Any) -> Iterator[bpy.types.Object]:
    for obj in (character.skin, character.tongue, *(each.object for each in character.others)):
        if obj is not None:
            yield obj
    for target, _bone, _name in JOINTS.values():
        obj = getattr(character, target)
        if obj is not None and obj.type != "ARMATURE":
            yield obj


def _named(operator: Any, context: bpy.types.Context) -> Any:
    """The operator's character; None after it was reported that there is none."""
    chosen: Any = context.scene.facewright
    found = find(chosen.characters, operator.character)
    if found is None:
        operator.report({"ERROR"}, "There is no such character in this scene.")
    return found


def _on_change(item: Any, name: str) -> None:
    """A new skin has other parts; what the user sets by hand counts as found no more."""
    if not hasattr(item, "guessed"):
        return
    if name == "skin":
        _forget_found(item)
        if item.skin is not None:
            fill_parts(item.id_data, item)
    elif name in item.guessed.split(","):
        item.guessed = ",".join(each for each in item.guessed.split(",") if each != name)


def _forget_found(character: Any) -> None:
    found, character.guessed = character.guessed.split(","), ""
    for target, bone in (("tongue", ""), *((t, b) for t, b, _name in JOINTS.values())):
        if target in found:
            setattr(character, target, None)
            if bone:
                setattr(character, bone, "")


_register, _unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_OT_guess_parts,
        FACEWRIGHT_OT_add_meshes,
        FACEWRIGHT_OT_remove_mesh,
        FACEWRIGHT_OT_select_character,
    )
)


def register() -> None:
    _register()
    changes.LISTENERS.append(_on_change)


def unregister() -> None:
    if _on_change in changes.LISTENERS:
        changes.LISTENERS.remove(_on_change)
    _unregister()
