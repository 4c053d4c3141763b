# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the parts of a character that are not set, by their usual names.

It looks at what belongs to the skin: its children, what has the same parent or armature, and what
lies in the same collection. The bones are those of the armature that the skin follows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import bpy

from ..core import part_names
from ..core.naming import CANONICAL_NAMES, Match, match
from .joints import PART, Joint

_EYES = (part_names.EYE_RIGHT, part_names.EYE_LEFT)
_FEW_POSES = 12  # of an own face; brows, lashes and teeth have fewer or say what they are


@dataclass
class Guess:
    """What was found. ``joints`` by part name, ``remarks`` are sentences for the user."""

    tongue: bpy.types.Object | None = None
    joints: dict[str, Joint] = field(default_factory=dict)
    others: list[bpy.types.Object] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def guess_parts(skin: bpy.types.Object, taken: Collection[bpy.types.Object] = ()) -> Guess:
    """The parts of the character with this skin; ``taken`` objects belong to others.

    Of the template head nothing is told: its parts are found by themselves.
    """
    guess = Guess()
    if PART in skin:
        return guess
    rig = armature_of(skin)
    relatives = [obj for obj in _relatives(skin, rig) if obj not in taken]
    for obj in relatives:
        _look_at(obj, skin, rig, guess)
    if rig is not None and rig.pose is not None:
        for part, bone in part_names.best_bones(bone.name for bone in rig.pose.bones).items():
            guess.joints[part] = Joint(rig, bone)
    _leave_out_what_moves_already(skin, relatives, guess)
    return guess


def armature_of(obj: bpy.types.Object) -> bpy.types.Object | None:
    """The armature that an object follows; None when it follows none."""
    modifiers: Any = obj.modifiers
    for modifier in modifiers:
        if modifier.type == "ARMATURE" and modifier.object is not None:
            found: bpy.types.Object = modifier.object
            return found
    parent = obj.parent
    while parent is not None:
        if parent.type == "ARMATURE":
            return parent
        parent = parent.parent
    return None


def _relatives(skin: bpy.types.Object, rig: bpy.types.Object | None) -> Iterator[bpy.types.Object]:
    """Objects that may belong to a skin, the nearest first, each once."""
    seen = {skin}
    for obj in _candidates(skin, rig):
        if obj not in seen and obj.type in ("MESH", "EMPTY") and PART not in obj:
            seen.add(obj)
            yield obj


def _candidates(skin: bpy.types.Object, rig: bpy.types.Object | None) -> Iterator[bpy.types.Object]:
    yield from skin.children_recursive
    if skin.parent is not None:
        yield from skin.parent.children
    if rig is not None:
        yield from rig.children_recursive
        scene = skin.users_scene[0] if skin.users_scene else None
        yield from (obj for obj in scene.objects if armature_of(obj) == rig) if scene else ()
    for collection in skin.users_collection:
        beside = (obj for obj in collection.objects if obj.parent is None)
        yield from (obj for obj in beside if armature_of(obj) in (None, rig))


def _look_at(
    obj: bpy.types.Object, skin: bpy.types.Object, rig: bpy.types.Object | None, guess: Guess
) -> None:
    part = part_names.object_part(obj.name)
    found = _poses(obj)
    if found.pairs and _is_further_mesh(obj, found, skin, rig, part is not None):
        if part and part[0] == part_names.TONGUE:
            guess.tongue = guess.tongue or obj
        elif skin not in _parents(obj):  # children move along by themselves
            guess.others.append(obj)
        return
    if part is None or part[0] == part_names.TONGUE or found.pairs:
        return
    if armature_of(obj) is None:  # else its bones move it
        name = part_names.JAW if part[0] == part_names.LOWER_DENTURE else part[0]
        guess.joints.setdefault(name, Joint(obj))


def _is_further_mesh(
    obj: bpy.types.Object,
    found: Match,
    skin: bpy.types.Object,
    rig: bpy.types.Object | None,
    named: bool,
) -> bool:
    """Whether it belongs to this face, and is no face of its own that only stands beside it."""
    if skin in _parents(obj) or (rig is not None and armature_of(obj) == rig):
        return True
    beside = skin.parent is not None and obj.parent == skin.parent
    return named or (beside and len(found.pairs) < _FEW_POSES)


def _parents(obj: bpy.types.Object) -> Iterator[bpy.types.Object]:
    parent = obj.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _poses(obj: bpy.types.Object) -> Match:
    key: Any = getattr(obj.data, "shape_keys", None)
    return match(CANONICAL_NAMES, [block.name for block in key.key_blocks[1:]] if key else ())


def _leave_out_what_moves_already(
    skin: bpy.types.Object, relatives: list[bpy.types.Object], guess: Guess
) -> None:
    """A joint whose motion the shape keys hold already would be moved twice."""
    jaw = guess.joints.get(part_names.JAW)
    if jaw and jaw.bone and "jawOpen" in _poses(skin).pairs and _deforms(jaw, skin):
        del guess.joints[part_names.JAW]
        guess.remarks.append(
            f"The jaw bone '{jaw.bone}' was left out: it bends the face, which has its own jawOpen."
        )
    for obj in relatives:
        part = part_names.object_part(obj.name)
        if part and part[0] in _EYES and part[0] in guess.joints and _looks(_poses(obj)):
            del guess.joints[part[0]]
            guess.remarks.append(f"'{obj.name}' looks about by its own shape keys.")


def _looks(found: Match) -> bool:
    return any(name.startswith("eyeLook") for name in found.pairs)


def _deforms(joint: Joint, obj: bpy.types.Object) -> bool:
    """Whether any vertex of an object follows a bone, or one below it."""
    bones = [joint.node, *joint.node.children_recursive]
    names = {bone.name for bone in bones}
    groups = {group.index for group in obj.vertex_groups if group.name in names}
    vertices: Any = obj.data.vertices
    return bool(groups) and any(
        element.group in groups and element.weight > 0
        for vertex in vertices
        for element in vertex.groups
    )
