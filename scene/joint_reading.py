# SPDX-License-Identifier: GPL-3.0-or-later
"""Jaw, eyes and head as they stand in the scene, as a take would say it: ``joints`` backwards."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from . import space
from .joints import (
    REST,
    Joint,
    hinge_of,
    rest_matrix,
    size_of,
    stand,
    world,
    y_is_up,
)
from .take_marks import rest_of

Array = np.ndarray[Any, Any]


def has_rest(joint: Joint) -> bool:
    """Whether a take has turned this joint, so that its rest is known."""
    return REST in joint.node or bool(rest_of(joint.object, joint.bone))


def pose_now(joint: Joint, graph: bpy.types.Depsgraph) -> Array:
    """What a joint's ``matrix_basis`` (4, 4) would be, constraints and drivers included."""
    obj: Any = joint.object.evaluated_get(graph)
    if joint.bone:
        bone = obj.pose.bones[joint.bone]
        local = obj.convert_space(
            pose_bone=bone, matrix=bone.matrix, from_space="POSE", to_space="LOCAL"
        )
        return np.array(local, np.float64)
    if obj.parent is not None and obj.parent_type != "OBJECT":
        return np.array(obj.matrix_basis, np.float64)
    at = np.array(obj.matrix_world, np.float64)
    if obj.parent is None:
        return at
    parent = np.array(obj.parent.matrix_world @ obj.matrix_parent_inverse, np.float64)
    return np.linalg.solve(parent, at)


def jaw_motion(joint: Joint, skin: bpy.types.Object, poses: Array) -> Array:
    """The rigid motion (T, 4, 4) of the built-in model's space behind a jaw's poses (T, 4, 4)."""
    rest = _rest(joint)
    if joint.is_part and not joint.bone:
        to_local = space.character_matrix()
        return np.linalg.inv(to_local) @ (poses @ np.linalg.inv(rest)) @ to_local
    if joint.bone:
        axes = _bone_axes(joint)
        turns = axes @ (space.turn_of(rest).T @ _turns(poses)) @ axes.T
        shifts = (poses[:, :3, 3] - rest[:3, 3]) @ axes.T * size_of(world(joint.object))
        return _about_hinge(turns, shifts)
    axes, unit, hinge = hinge_of(joint, skin, rest)
    moved = poses @ np.linalg.inv(rest)
    turned = _turns(moved)
    shifts = moved[:, :3, 3] - hinge + turned @ hinge
    return _about_hinge(axes.T @ turned @ axes, shifts @ axes / unit)


def eye_angles(joint: Joint, skin: bpy.types.Object, poses: Array) -> Array:
    """Pitch and yaw (T, 2) in degrees behind an eye's poses (T, 4, 4)."""
    rest = _rest(joint)
    if joint.bone:
        axes = _bone_axes(joint)
        turns = axes @ (space.turn_of(rest).T @ _turns(poses)) @ axes.T
    else:
        turns = _turns(poses) @ space.turn_of(rest).T
        if not joint.is_part:
            axes, _parent = stand(joint.object, skin)
            turns = axes.T @ turns @ axes
    return _angles(turns)[:, :2]


def head_angles(joint: Joint, poses: Array) -> Array:
    """Pitch, yaw and roll (T, 3) in degrees behind a head's poses (T, 4, 4)."""
    turns = space.turn_of(_rest(joint)).T @ _turns(poses)
    if joint.bone:
        axes = _bone_axes(joint)
        turns = axes @ turns @ axes.T
    return _angles(turns)


def _rest(joint: Joint) -> Array:
    """How it stands at rest; a bone that no take has turned rests as its armature says."""
    return np.eye(4) if joint.bone and not has_rest(joint) else rest_matrix(joint.node)


def _bone_axes(joint: Joint) -> Array:
    bone: Any = joint.node.bone
    return space.bone_axes(np.array(bone.matrix_local, np.float64), y_is_up(joint))


def _turns(poses: Array) -> Array:
    """The turns (T, 3, 3) in matrices that may hold a scale."""
    return np.stack([space.turn_of(pose) for pose in poses]) if len(poses) else poses[:, :3, :3]


def _about_hinge(turns: Array, shifts: Array) -> Array:
    """Motions (T, 4, 4) of the model's space from turns (T, 3, 3) about the built-in head's hinge
    and its shifts (T, 3) in metres, in the character's space."""
    hinge = space.MARKERS_CM + space.HINGE_CM
    motion = np.tile(np.eye(4), (len(turns), 1, 1))
    motion[:, :3, :3] = space.AXES.T @ turns @ space.AXES
    motion[:, :3, 3] = shifts / space.MODEL_UNIT_M @ space.AXES + hinge - motion[:, :3, :3] @ hinge
    return motion


def _angles(turns: Array) -> Array:
    """Degrees (T, 3) of turns (T, 3, 3) in the character's space: first roll, then pitch, then
    yaw; see ``space.head_matrices``."""
    model = space.AXES.T @ turns @ space.AXES
    pitch = np.arctan2(-model[:, 1, 2], np.hypot(model[:, 1, 0], model[:, 1, 1]))
    yaw = np.arctan2(model[:, 0, 2], model[:, 2, 2])
    roll = np.arctan2(model[:, 1, 0], model[:, 1, 1])
    return np.degrees(np.stack([pitch, yaw, roll], axis=1))
