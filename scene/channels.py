# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take moves, as curves of data-blocks: shape keys, lower denture, eyes and head."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core.face.track import FaceTrack
from ..core.naming import retarget
from . import space
from .characters import Character, ShapedMesh
from .joints import Joint, Turns, eye_turns, head_turns, jaw_turns
from .references import Reference, reference
from .take_marks import CurveId, Turned

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Channels:
    """The curves of one data-block: values (T,) by data path and index.

    ``shared`` with the animation of a whole body, which goes on beside these curves.
    """

    owner: Reference
    id_type: str
    curves: dict[CurveId, Array]
    turned: tuple[Turned, ...] = ()
    shared: bool = False


def channels_of(
    character: Character, face: FaceTrack, resting: Collection[bpy.types.Object] = ()
) -> list[Channels]:
    """Everything that a take moves: the keys that match, the lower denture, eyes and head.

    Each data-block comes once, also where several bones of an armature turn. The keys of
    ``resting`` meshes get no curves, since their vertices are moved; they, or the face where
    nothing has keys, still get the action, by which the take is known.
    """
    skin = character.face
    joints = [(joint, jaw_turns(joint, skin, face)) for joint in character.jaw]
    joints += [
        (joint, eye_turns(joint, skin, face.eyes[:, index]))
        for index, joint in enumerate(character.eyes)
        if joint is not None
    ]
    if face.head is not None and character.head is not None:
        joints.append((character.head, head_turns(character.head, face.head)))
    result = [
        Channels(reference(mesh.key), "KEY", {})
        if mesh.object in resting
        else _key_channels(mesh, face)
        for mesh in character.meshes
    ]
    merged: dict[Reference, Channels] = {}
    if not character.meshes:
        merged[reference(skin)] = Channels(reference(skin), "OBJECT", {})
    for joint, turns in joints:
        shared = not joint.is_part or joint == character.head
        new = _joint_channels(joint, turns, shared)
        old = merged.get(new.owner, Channels(new.owner, "OBJECT", {}))
        merged[new.owner] = Channels(
            new.owner,
            "OBJECT",
            {**old.curves, **new.curves},
            old.turned + new.turned,
            old.shared or new.shared,
        )
    return result + list(merged.values())


def rotation(turns: Any, matrices: Array) -> tuple[str, str, Array]:
    """The rotation mode, its property, and that property's values (T, 3 or 4) for matrices."""
    if turns.rotation_mode == "QUATERNION":
        return "QUATERNION", "rotation_quaternion", space.quaternions(matrices)
    mode = "XYZ" if turns.rotation_mode == "AXIS_ANGLE" else str(turns.rotation_mode)
    return mode, "rotation_euler", space.euler(matrices, mode)


def _key_channels(mesh: ShapedMesh, face: FaceTrack) -> Channels:
    names, values = retarget(mesh.found, face.names, face.weights)
    limits = np.array([mesh.ranges[name] for name in names], np.float32).reshape(-1, 2)
    values = np.clip(values, limits[:, 0], limits[:, 1])
    curves: dict[CurveId, Array] = {}
    for column, name in enumerate(names):
        path = mesh.key.key_blocks[name].path_from_id("value")
        curves[path, 0] = values[:, column]
    return Channels(reference(mesh.key), "KEY", curves)


def _joint_channels(joint: Joint, turns: Turns, shared: bool) -> Channels:
    node = joint.node
    curves: dict[CurveId, Array] = {}
    if turns.moves:
        path = node.path_from_id("location")
        curves.update({(path, i): turns.matrices[:, i, 3] for i in range(3)})
    mode, name, values = rotation(node, turns.matrices)
    path = node.path_from_id(name)
    curves.update({(path, i): values[:, i] for i in range(values.shape[1])})
    turned = Turned(joint.bone, mode, tuple(turns.rest.ravel().tolist()), turns.moves)
    return Channels(reference(joint.object), "OBJECT", curves, (turned,), shared)
