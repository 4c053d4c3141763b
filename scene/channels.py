# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take moves, as curves of data-blocks: shape keys, lower denture, eyes and head."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core.face.track import FaceTrack
from ..core.naming import retarget
from . import space
from .characters import Character, HeadTarget, ShapedMesh
from .references import Reference, reference

REST = "facewright_rest"

Array = np.ndarray[Any, Any]
CurveId = tuple[str, int]


@dataclass(frozen=True)
class Channels:
    """The curves of one data-block: values (T,) by data path and index.

    ``bone`` is the one of an armature that turns; ``shared`` with the animation of a whole body,
    which goes on beside these curves.
    """

    owner: Reference
    id_type: str
    curves: dict[CurveId, Array]
    rotation_mode: str = ""
    rest: tuple[float, ...] = ()
    bone: str = ""
    shared: bool = False


def channels_of(character: Character, face: FaceTrack) -> list[Channels]:
    """Everything that a take moves: the keys that match, the lower denture, eyes and head."""
    result = [_key_channels(mesh, face) for mesh in character.meshes]
    motion = space.jaw_matrices(face.jaw)
    for obj in character.jaw:
        rest = rest_matrix(obj)
        result.append(_object_channels(obj, space.moved(motion, rest), rest, moves=True))
    for index, obj in enumerate(character.eyes):
        if obj is not None:
            rest = rest_matrix(obj)
            turns = space.turned(space.eye_matrices(face.eyes[:, index]), rest)
            result.append(_object_channels(obj, turns, rest, moves=False))
    if face.head is not None and character.head is not None:
        result.append(_head_channels(character.head, face.head))
    return result


def turning(owner: Any, bone: str) -> Any:
    """What turns: the object itself or its bone, as one pose; None when the bone is gone."""
    return owner.pose.bones.get(bone) if bone else owner


def rest_matrix(turns: Any) -> Array:
    """Where an object or bone stands when nothing moves it, as before its first take."""
    saved = turns.get(REST)
    if isinstance(saved, str):
        with suppress(ValueError):
            return np.array(json.loads(saved), np.float64).reshape(4, 4)
    return np.array(turns.matrix_basis, np.float64)


def rotation(turns: Any, matrices: Array) -> tuple[str, str, Array]:
    """The rotation mode, its property, and that property's values (T, 3 or 4) for matrices."""
    if turns.rotation_mode == "QUATERNION":
        return "QUATERNION", "rotation_quaternion", space.quaternions(matrices)
    mode = "XYZ" if turns.rotation_mode == "AXIS_ANGLE" else str(turns.rotation_mode)
    return mode, "rotation_euler", space.euler(matrices, mode)


def _key_channels(mesh: ShapedMesh, face: FaceTrack) -> Channels:
    names, values = retarget(mesh.found, face.names, face.weights)
    curves: dict[CurveId, Array] = {}
    for column, name in enumerate(names):
        path = mesh.key.key_blocks[name].path_from_id("value")
        curves[path, 0] = np.clip(values[:, column], *mesh.ranges[name])
    return Channels(reference(mesh.key), "KEY", curves)


def _object_channels(
    obj: bpy.types.Object, matrices: Array, rest: Array, *, moves: bool
) -> Channels:
    curves: dict[CurveId, Array] = {}
    if moves:
        curves.update({("location", i): matrices[:, i, 3] for i in range(3)})
    mode, path, turns = rotation(obj, matrices)
    curves.update({(path, i): turns[:, i] for i in range(turns.shape[1])})
    return Channels(reference(obj), "OBJECT", curves, mode, tuple(rest.ravel().tolist()))


def _head_channels(head: HeadTarget, angles: Array) -> Channels:
    """Turns about the head's own axes, on top of how it is held at rest."""
    turns, node = space.head_matrices(angles), turning(head.object, head.bone)
    if head.bone:
        bone: Any = node.bone
        # An armature that came from another program may have Y up: then its head is far along Y.
        up_y = abs(bone.head_local.y) > abs(bone.head_local.z)
        turns = space.in_bone(turns, np.array(bone.matrix_local, np.float64), up_y)
    rest = rest_matrix(node)
    mode, name, values = rotation(node, space.turned_within(turns, rest))
    path = node.path_from_id(name)
    return Channels(
        reference(head.object),
        "OBJECT",
        {(path, i): values[:, i] for i in range(values.shape[1])},
        mode,
        tuple(rest.ravel().tolist()),
        head.bone,
        shared=True,
    )
