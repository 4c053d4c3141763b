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


Keys = dict[str, Array]  # all that makes keys: (n,) or (n, 2) by name


def read_keys(curve: Any) -> Keys:
    """Everything about a curve's keys; ``co`` (n, 2) are frames and values."""
    points = curve.keyframe_points
    found: Keys = {}
    for name, size, kind in _COPIED:
        values = np.empty(len(points) * size, kind)
        points.foreach_get(name, values)
        found[name] = values.reshape(-1, size) if size > 1 else values
    return found


def put_keys(curve: Any, keys: Keys) -> None:
    """Give a curve these keys instead of its own, in the order of their frames."""
    order = np.argsort(keys["co"][:, 0], kind="stable")
    curve.keyframe_points.clear()
    curve.keyframe_points.add(len(order))
    for name, _size, kind in _COPIED:
        values = np.ascontiguousarray(keys[name][order], kind).ravel()
        curve.keyframe_points.foreach_set(name, values)
    curve.update()


def linear_keys(frames: Array, values: Array) -> Keys:
    """Linear keys at ``frames`` (n,), with handles that are right should they become curved."""
    pairs = np.stack([frames, values], axis=1).astype(np.float32)
    found: Keys = {
        name: np.zeros((len(pairs), size) if size > 1 else len(pairs), kind)
        for name, size, kind in _COPIED
    }
    found["co"] = pairs
    aside = np.array([1, 0], np.float32)
    found["handle_left"], found["handle_right"] = pairs - aside, pairs + aside
    found["interpolation"][:] = linear()
    found["handle_left_type"][:] = found["handle_right_type"][:] = _handle_type("AUTO_CLAMPED")
    return found


def _handle_type(name: str) -> int:
    items = bpy.types.Keyframe.bl_rna.properties["handle_left_type"].enum_items
    return int(items[name].value)


def copy_curve(source: Any, curves: Any, path: str = "") -> Any:
    """Add a copy of a curve, with its keys and modifiers (no envelope's points); "" keeps its
    path."""
    copy = curves.new(path or source.data_path, index=source.array_index)
    put_keys(copy, read_keys(source))
    copy.extrapolation, copy.mute = source.extrapolation, source.mute
    for modifier in source.modifiers:
        twin = copy.modifiers.new(modifier.type)
        for row in modifier.bl_rna.properties:
            if not row.is_readonly:
                setattr(twin, row.identifier, getattr(modifier, row.identifier))
    copy.update()
    return copy
