# SPDX-License-Identifier: GPL-3.0-or-later
"""What turns: an object or one bone of an armature, and how a take moves it as jaw, eye or head.

The template head's parts hang in its own space. Anything else is turned as the character stands:
a bone or an empty about its own place, a mesh about the place where it hangs in a real head.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core.errors import UserError
from ..core.face.track import FaceTrack
from . import space
from .take_marks import rest_of

PART = "facewright_part"
REST = "facewright_rest"
CLEARLY = 3.0  # times as far along one axis as along the other

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Joint:
    """What a take turns: an object, or one ``bone`` of an armature."""

    object: bpy.types.Object
    bone: str = ""

    @property
    def node(self) -> Any:
        """What turns, with a pose of its own."""
        return turning(self.object, self.bone)

    @property
    def is_part(self) -> bool:
        """Whether it is a part of the template head."""
        return PART in self.object


@dataclass(frozen=True)
class Turns:
    """Poses of a joint: ``matrices`` (T, 4, 4) are its ``matrix_basis``; ``moves`` also from its
    place, not only about it."""

    matrices: Array
    rest: Array
    moves: bool


def turning(owner: Any, bone: str) -> Any:
    """What turns: the object itself or its bone, as one pose; None when the bone is gone."""
    return owner.pose.bones.get(bone) if bone else owner


def rest_matrix(turns: Any) -> Array:
    """Where an object or bone stands when nothing moves it, as before its first take."""
    saved = turns.get(REST)
    if isinstance(saved, str):
        with suppress(ValueError):
            return np.array(json.loads(saved), np.float64)[:16].reshape(4, 4)
    owner = turns.id_data
    known = rest_of(owner, "" if turns == owner else turns.name)
    return np.array(known or turns.matrix_basis, np.float64).reshape(4, 4)


def remember_rest(turns: Any, rest: Sequence[float], moves: bool) -> None:
    """Keep the rest (16 numbers) of what a take turns, and whether the take moves it as well."""
    turns[REST] = json.dumps([*rest, float(moves)])


def rest_place(turns: Any) -> tuple[float, float, float] | None:
    """Where a joint that takes move away from its place belongs; None when they only turn it."""
    with suppress(ValueError, TypeError):
        values = json.loads(turns[REST])
        if len(values) > 16 and values[16]:
            return float(values[3]), float(values[7]), float(values[11])
    return None


def check_joint(joint: Joint, what: str) -> None:
    """Raise UserError where this cannot be turned as a character's ``what``."""
    obj = joint.object
    if not obj.users_scene:
        raise UserError(f"The {what} '{obj.name}' is in no scene.", "Choose another.")
    if not obj.is_editable:
        raise UserError(
            f"'{obj.name}' is linked from another file.", "Make a library override of it first."
        )
    if obj.type == "ARMATURE" and not joint.bone:
        raise UserError(f"No bone of '{obj.name}' is chosen for the {what}.", "Choose its bone.")
    bones = obj.pose.bones if obj.type == "ARMATURE" and obj.pose else {}
    if joint.bone and joint.bone not in bones:
        raise UserError(f"'{obj.name}' has no bone '{joint.bone}'.", f"Choose its {what} bone.")


def jaw_turns(joint: Joint, skin: bpy.types.Object, face: FaceTrack) -> Turns:
    """The lower denture's or jaw's poses in a take of the character with this skin."""
    rest = rest_matrix(joint.node)
    if joint.is_part and not joint.bone:
        motion = space.jaw_matrices(space.as_built_in(face.jaw, face.jaw_rest))
        return Turns(space.moved(motion, rest), rest, moves=True)
    turns, shifts = space.jaw_about_hinge(face.jaw, face.jaw_rest)
    if joint.bone:
        return Turns(*_bone_poses(joint, turns, shifts / size_of(world(joint.object))), moves=True)
    axes, unit, hinge = hinge_of(joint, skin, rest)
    return Turns(_about(hinge, turns, shifts * unit, axes, rest), rest, moves=True)


def eye_turns(joint: Joint, skin: bpy.types.Object, angles: Array) -> Turns:
    """An eye's poses for pitch and yaw (T, 2) in degrees."""
    turns, rest = space.eye_matrices(angles), rest_matrix(joint.node)
    if joint.is_part and not joint.bone:
        return Turns(space.turned(turns, rest), rest, moves=False)
    nowhere = np.zeros((len(turns), 3))
    if joint.bone:
        return Turns(*_bone_poses(joint, turns, nowhere), moves=False)
    axes, _parent = stand(joint.object, skin)
    centre, moves = rest[:3, 3], False
    points = corners(joint.object)
    if len(points) and not encloses_origin(points):
        # Its origin was left elsewhere, as importers do
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        centre, moves = rest[:3, :3] @ middle + rest[:3, 3], True
    return Turns(_about(centre, turns, nowhere, axes, rest), rest, moves)


def head_turns(joint: Joint, angles: Array) -> Turns:
    """The head's poses for pitch, yaw and roll (T, 3) in degrees, about its own axes."""
    turns, rest = space.head_matrices(angles), rest_matrix(joint.node)
    if joint.bone:
        return Turns(*_bone_poses(joint, turns, np.zeros((len(turns), 3))), moves=False)
    return Turns(space.turned_within(turns, rest), rest, moves=False)


def _bone_poses(joint: Joint, turns: Array, shifts: Array) -> tuple[Array, Array]:
    """Poses and rest of a bone that turns about its own place, and is shifted (T, 3) in metres."""
    bone, rest = joint.node.bone, rest_matrix(joint.node)
    axes = space.bone_axes(np.array(bone.matrix_local, np.float64), y_is_up(joint))
    poses = space.turned_within(space.within(turns, axes), rest)
    poses[:, :3, 3] = rest[:3, 3] + shifts @ axes
    return poses, rest


def y_is_up(joint: Joint) -> bool:
    """Whether an armature is laid out with Y up, as those from other programs may be."""
    _x, y, z = joint.node.bone.head_local
    if abs(z) > CLEARLY * abs(y) or y > CLEARLY * abs(z):
        return bool(y > abs(z))
    return local_up_is_y(world(joint.object))


def local_up_is_y(matrix: Array) -> bool:
    """Whether something that stands so in the world was laid out with Y up."""
    upright = matrix[2, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    return bool(upright[1] > abs(upright[2]))


def stand(obj: bpy.types.Object, skin: bpy.types.Object) -> tuple[Array, Array]:
    """The character's axes (3, 3) as columns in the space that an object lies in, and that space's
    own matrix (4, 4) in the world."""
    parent = _space_of(obj)
    body = world(skin)
    axes = space.turn_of(np.linalg.inv(parent) @ body)
    return (axes @ space.AXES.T if local_up_is_y(body) else axes), parent


def _space_of(obj: bpy.types.Object) -> Array:
    if obj.parent is None:
        return np.eye(4)
    if obj.parent_type != "OBJECT":
        return np.array(obj.matrix_world @ obj.matrix_basis.inverted(), np.float64)
    return world(obj.parent) @ np.array(obj.matrix_parent_inverse, np.float64)


def world(obj: bpy.types.Object) -> Array:
    """An object's matrix in the world, also before Blender has worked it out."""
    return _space_of(obj) @ np.array(obj.matrix_basis, np.float64)


def size_of(matrix: Array) -> float:
    """How many times larger a matrix makes things, on the whole."""
    return float(max(abs(np.linalg.det(matrix[:3, :3])), 1e-12) ** (1 / 3))


def corners(obj: bpy.types.Object) -> Array:
    """Corners (N, 3) of an object's mesh; none of anything else."""
    if obj.type != "MESH":
        return np.zeros((0, 3))
    vertices: Any = obj.data.vertices
    found = np.empty(len(vertices) * 3, np.float32)
    vertices.foreach_get("co", found)
    return found.reshape(-1, 3).astype(np.float64)


def encloses_origin(points: Array) -> bool:
    """Whether the origin lies in the box around points (N, 3)."""
    return bool(np.all(points.min(axis=0) <= 0) and np.all(points.max(axis=0) >= 0))


def hinge_of(joint: Joint, skin: bpy.types.Object, rest: Array) -> tuple[Array, float, Array]:
    """The character's axes (3, 3), the length of the template's metre, and the hinge (3,) of a jaw
    that is an object, all in the space it lies in."""
    axes, parent = stand(joint.object, skin)
    points = corners(joint.object) @ rest[:3, :3].T + rest[:3, 3]
    if not len(points):
        return axes, 1.0 / size_of(parent), rest[:3, 3]
    unit, hinge = _like_template(points @ axes)
    return axes, unit, axes @ hinge


def _like_template(points: Array) -> tuple[float, Array]:
    """How many times larger than the template's a denture is, and where its hinge lies.

    ``points`` (N, 3) of the denture along the character's axes.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    size = float(high[0] - low[0]) / space.DENTURE_WIDTH_M
    return size, (low + high) / 2 + size * space.HINGE_FROM_DENTURE_M


def _about(centre: Array, turns: Array, shifts: Array, axes: Array, rest: Array) -> Array:
    """Poses of an object turned about a point of the space it lies in, then shifted."""
    turns = space.within(turns, axes.T)
    poses = turns @ rest
    poses[:, :3, 3] += centre - turns[:, :3, :3] @ centre + shifts @ axes.T
    return poses
