# SPDX-License-Identifier: GPL-3.0-or-later
"""The pose table of a conversion: one row per shape key, in the mesh's order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, StringProperty

from ..core.naming import mirrored_pairs, opposite_pairs
from ..core.solve.pose_table import LARGEST
from .changes import telling

NO_PAIR = -1
KINDS = ("cancel", "symmetry")
FIELDS = ("use", *KINDS, "multiplier", "offset", "select")


def _pair(label: str, field: str, about: str) -> Any:
    return IntProperty(
        name=label, description=about, default=NO_PAIR, min=NO_PAIR, update=telling(field)
    )


class FACEWRIGHT_PG_pose(bpy.types.PropertyGroup):
    """What the solve may do with a shape key"""

    name: StringProperty(name="Name", description="Name of the shape key")
    use: BoolProperty(
        name="Use",
        description="Solve for this pose; the weight of one that is not used is its offset",
        default=True,
        update=telling("use"),
    )
    cancel: _pair(
        "Cancel Pair", "cancel", "Two poses with the same number are never active together"
    )
    symmetry: _pair(
        "Symmetry Pair", "symmetry", "Two poses with the same number are kept nearly equal"
    )
    multiplier: FloatProperty(
        name="Multiplier",
        description="The solved weight is multiplied by this",
        default=1.0,
        min=-LARGEST,
        max=LARGEST,
        soft_min=0.0,
        soft_max=2.0,
        update=telling("multiplier"),
    )
    offset: FloatProperty(
        name="Offset",
        description="Added to the weight after the multiplier",
        default=0.0,
        min=-LARGEST,
        max=LARGEST,
        soft_min=-1.0,
        soft_max=1.0,
        update=telling("offset"),
    )
    select: BoolProperty(name="Selected", description="Whether the pose is selected")


def key_names(target: Any) -> tuple[str, ...]:
    """Names of the shape keys of an object's mesh without its basis, in their order."""
    keys: Any = getattr(target.data, "shape_keys", None) if target is not None else None
    if keys is None:
        return ()
    return tuple(block.name for block in keys.key_blocks if block != keys.reference_key)


def suits(conversion: Any) -> bool:
    """Whether the table has the rows of the present blend shape mesh."""
    names = key_names(conversion.target)
    return len(names) == len(conversion.poses) and all(
        pose.name == name for pose, name in zip(conversion.poses, names, strict=True)
    )


def suit_mesh(conversion: Any) -> bool:
    """Give the table the rows of the present shape keys; False when it had them already.

    A row goes with its name; one whose name is gone goes with its place when a new name stands
    there, so a renamed shape key keeps its settings. A table without any row begins with the pairs
    that the names tell.
    """
    if suits(conversion):
        return False
    names, before = key_names(conversion.target), list(map(_row, conversion.poses))
    known = {row["name"]: row for row in before}
    count = len(before)
    conversion.poses.clear()
    for place, name in enumerate(names):
        row = known.get(name, {})
        if not row and count == len(names) and before[place]["name"] not in names:
            row = before[place]
        pose = conversion.poses.add()
        for field in FIELDS if row else ():
            setattr(pose, field, row[field])
        pose.name = name
    if not any(row["name"] in names for row in before):
        pair_by_names(conversion)
    return True


def _row(pose: Any) -> dict[str, Any]:
    return {field: getattr(pose, field) for field in ("name", *FIELDS)}


def pair_by_names(conversion: Any) -> int:
    """Pair left with right, and ways that exclude each other, as the names tell; returns how many
    pairs are new. Poses that have a partner keep it."""
    names = [pose.name for pose in conversion.poses]
    made = 0
    for kind, found in zip(KINDS, (opposite_pairs(names), mirrored_pairs(names)), strict=True):
        for first, second in found:
            if partner(conversion, kind, first) < 0 and partner(conversion, kind, second) < 0:
                pair(conversion, kind, (first, second))
                made += 1
    return made


def partner(conversion: Any, kind: str, place: int) -> int:
    """The place of a pose's partner; -1 for none. Three of one number are no pair."""
    number = getattr(conversion.poses[place], kind)
    if number < 0:
        return -1
    same = [at for at, pose in enumerate(conversion.poses) if getattr(pose, kind) == number]
    return next((at for at in same if at != place), -1) if len(same) == 2 else -1


def pair(conversion: Any, kind: str, places: Sequence[int]) -> None:
    """Make two poses a pair, with the lowest free number; partners of before lose theirs."""
    unpair(conversion, kind, places)
    taken = {getattr(pose, kind) for pose in conversion.poses}
    number = next(each for each in range(len(conversion.poses) + 1) if each not in taken)
    for place in places:
        setattr(conversion.poses[place], kind, number)


def unpair(conversion: Any, kind: str, places: Sequence[int]) -> int:
    """Take poses out of their pairs, with their partners; returns how many had one."""
    numbers = {getattr(conversion.poses[place], kind) for place in places} - {NO_PAIR}
    changed = 0
    for pose in conversion.poses:
        if getattr(pose, kind) in numbers:
            setattr(pose, kind, NO_PAIR)
            changed += 1
    return changed


def reset(pose: Any) -> None:
    """Give a row its defaults; what it is called and whether it is selected stays."""
    for field in FIELDS:
        if field != "select":
            pose.property_unset(field)


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_PG_pose,))
