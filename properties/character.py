# SPDX-License-Identifier: GPL-3.0-or-later
"""A character: the meshes and bones that one face consists of, driven by one pipeline."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import CollectionProperty, IntProperty, PointerProperty, StringProperty

from .changes import telling
from .links import link
from .names import unique_name

HEAD_TYPES = ("ARMATURE", "EMPTY", "MESH")


def _is_mesh(_self: Any, obj: bpy.types.Object) -> bool:
    return obj.type == "MESH"


def _can_turn(_self: Any, obj: bpy.types.Object) -> bool:
    return obj.type in HEAD_TYPES


def _part(label: str, what: str, name: str, poll: Any) -> Any:
    return PointerProperty(
        name=label,
        description=f"{what}. Empty is found by itself where it has a usual name",
        type=bpy.types.Object,
        poll=poll,
        update=telling(name),
    )


def _bone(label: str, what: str, name: str) -> Any:
    return StringProperty(
        name=label, description=f"The armature's bone that is {what}", update=telling(name)
    )


class FACEWRIGHT_PG_mesh(bpy.types.PropertyGroup):
    """A further mesh of a character"""

    object: PointerProperty(
        name="Mesh",
        description="A further mesh whose shape keys move with the face",
        type=bpy.types.Object,
        poll=_is_mesh,
        update=telling("object"),
    )


class FACEWRIGHT_PG_character(bpy.types.PropertyGroup):
    """A character; its name is ``name``"""

    name: unique_name("What the character is called", "characters", "Character")
    id: StringProperty(name="Id", description="What takes know the character by")
    pipeline_id: StringProperty(name="Pipeline", description="Id of the pipeline that drives it")
    pipeline: link(
        "Pipeline",
        "The pipeline that drives this character",
        "pipeline_id",
        "pipelines",
        "NODETREE",
    )
    skin: PointerProperty(
        name="Skin",
        description="Mesh with ARKit-named shape keys, or a part of the template head",
        type=bpy.types.Object,
        poll=_is_mesh,
        update=telling("skin"),
    )
    tongue: _part("Tongue", "Mesh of the tongue with shape keys of its own", "tongue", _is_mesh)
    lower_denture: _part(
        "Lower Denture", "Lower teeth: a mesh, or an armature's jaw bone", "lower_denture",
        _can_turn,
    )  # fmt: skip
    jaw_bone: _bone("Jaw Bone", "the jaw", "jaw_bone")
    eye_right: _part(
        "Right Eye", "The character's right eye: an object, or a bone", "eye_right", _can_turn
    )
    eye_right_bone: _bone("Right Eye Bone", "the right eye", "eye_right_bone")
    eye_left: _part(
        "Left Eye", "The character's left eye: an object, or a bone", "eye_left", _can_turn
    )
    eye_left_bone: _bone("Left Eye Bone", "the left eye", "eye_left_bone")
    guessed: StringProperty(
        name="Found Parts",
        description="Fields that were filled by name; those of another skin are found anew",
        options={"HIDDEN"},
    )
    others: CollectionProperty(type=FACEWRIGHT_PG_mesh)
    active_other: IntProperty(name="Mesh", description="The chosen further mesh")
    head_target: PointerProperty(
        name="Head Target",
        description="What head motion turns: an object, about its origin, or an armature's head "
        "bone. Empty turns the template head, and nothing of another face",
        type=bpy.types.Object,
        poll=_can_turn,
    )
    head_bone: StringProperty(name="Head Bone", description="The armature's bone that turns")


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_PG_mesh, FACEWRIGHT_PG_character)
)
