# SPDX-License-Identifier: GPL-3.0-or-later
"""Animation curves in bulk: thousands of keys at once, and copies of somebody else's curves."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

Array = np.ndarray[Any, Any]

_COPIED: tuple[tuple[str, int, Any], ...] = (
    ("co", 2, np.float32),
    ("handle_left", 2, np.float32),
    ("handle_right", 2, np.float32),
    ("amplitude", 1, np.float32),
    ("back", 1, np.float32),
    ("period", 1, np.float32),
    ("interpolation", 1, np.int32),
    ("easing", 1, np.int32),
    ("handle_left_type", 1, np.int32),
    ("handle_right_type", 1, np.int32),
    ("type", 1, np.int32),
)


def linear() -> int:
    """Blender's number for linear interpolation."""
    items = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items
    return int(items["LINEAR"].value)


def write_curve(curves: Any, path: str, index: int, frames: Array, values: Array) -> None:
    """Add a curve with linear keys at ``frames`` (T,)."""
    curve = curves.new(path, index=index)
    points = curve.keyframe_points
    points.add(len(frames))
    pairs = np.empty((len(frames), 2), np.float32)
    pairs[:, 0], pairs[:, 1] = frames, values
    points.foreach_set("co", pairs.ravel())
    points.foreach_set("interpolation", np.full(len(frames), linear(), np.int32))
    curve.update()


def copy_curve(source: Any, curves: Any) -> None:
    """Add a copy of another action's curve, with its keys and modifiers (no envelope's points)."""
    count = len(source.keyframe_points)
    copy = curves.new(source.data_path, index=source.array_index)
    copy.keyframe_points.add(count)
    for name, size, kind in _COPIED:
        values = np.empty(count * size, kind)
        source.keyframe_points.foreach_get(name, values)
        copy.keyframe_points.foreach_set(name, values)
    copy.extrapolation, copy.mute = source.extrapolation, source.mute
    for modifier in source.modifiers:
        twin = copy.modifiers.new(modifier.type)
        for row in modifier.bl_rna.properties:
            if not row.is_readonly:
                setattr(twin, row.identifier, getattr(modifier, row.identifier))
    copy.update()
