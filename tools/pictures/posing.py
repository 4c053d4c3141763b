# SPDX-License-Identifier: GPL-3.0-or-later
"""Pose the built-in head by shape names: shape keys, jaw and eyes together."""

from __future__ import annotations

from collections.abc import Mapping
from math import radians
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

_EYE_LIMITS = {"In": 14.5, "Out": 13.8, "Down": 10.7, "Up": 9.5}
_TO_BLENDER = Matrix(((0.01, 0, 0), (0, 0, -0.01), (0, 0.01, 0)))


def pose(objects: Mapping[str, bpy.types.Object], head: Any, weights: Mapping[str, float]) -> None:
    """Set every shape key (others to 0), the lower denture's and the eyes' transforms.

    A name without its side means both sides.
    """
    full = both_sides(weights, {*head.skin.shape_names, *head.parts["tongue"].shape_names})
    for obj in objects.values():
        keys = obj.data.shape_keys
        for key in keys.key_blocks if keys else ():
            key.value = full.get(key.name, 0.0)
    motion = sum((full.get(name, 0.0) * move for name, move in head.jaw_motions.items()))
    turn, shift = (_TO_BLENDER @ Vector(row) for row in np.asarray(motion, dtype=float))
    angle = turn.length * 100.0
    jaw = objects["lower_denture"]
    pivot = _TO_BLENDER @ Vector(head.jaw_pivot)
    turned = Matrix.Rotation(angle, 4, turn.normalized()) if angle else Matrix()
    jaw.matrix_local = Matrix.Translation(pivot + shift) @ turned
    for side, outward in (("Left", 1.0), ("Right", -1.0)):
        look = {way: full.get(f"eyeLook{way}{side}", 0.0) for way in _EYE_LIMITS}
        yaw = outward * (look["Out"] * _EYE_LIMITS["Out"] - look["In"] * _EYE_LIMITS["In"])
        pitch = look["Down"] * _EYE_LIMITS["Down"] - look["Up"] * _EYE_LIMITS["Up"]
        eye = objects[f"eye_{side.lower()}"]
        eye.rotation_euler = (radians(pitch), 0.0, radians(yaw))


def both_sides(weights: Mapping[str, float], names: set[str]) -> dict[str, float]:
    """Expand names without a side to left and right; refuse unknown ones."""
    full: dict[str, float] = {}
    for name, value in weights.items():
        sides = [name] if name in names else [f"{name}Left", f"{name}Right"]
        if sides[0] not in names:
            raise KeyError(name)
        full.update(dict.fromkeys(sides, float(value)))
    return full
