# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes to animate, and a look at what animates them."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
import stubs


def shaped_mesh(name: str, keys: list[str], parent: Any = None) -> bpy.types.Object:
    """A small grid with shape keys that each move it differently."""
    points = [(x / 5, y / 5, 0.0) for y in range(6) for x in range(6)]
    faces = [(y * 6 + x, y * 6 + x + 1, y * 6 + x + 7, y * 6 + x + 6)
             for y in range(5) for x in range(5)]  # fmt: skip
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points, [], faces)
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    obj.parent = parent
    rest = np.array(points, np.float32)
    if keys:
        obj.shape_key_add(name="Basis")
    for number, key in enumerate(keys):
        block = obj.shape_key_add(name=key, from_mix=False)
        block.value = 0.0
        moved = rest + np.array([0, 0, 0.01 * (number + 1)], np.float32)
        block.points.foreach_set("co", moved.ravel())
    return obj


def curves_of(block: Any) -> dict[tuple[str, int], Any]:
    """The curves that move a data-block, whatever Blender's version."""
    data = block.animation_data
    if data is None or data.action is None:
        return {}
    if not hasattr(data, "action_slot"):
        found = data.action.fcurves
    else:
        bag = data.action.layers[0].strips[0].channelbag(data.action_slot)
        found = bag.fcurves if bag else ()
    return {(curve.data_path, curve.array_index): curve for curve in found}


def spoken(seconds: float, seed: int = 1) -> np.ndarray:
    """So much of a made-up voice at 16 kHz, int16."""
    return (stubs.speech_like(seconds, seed=seed) * 20000).astype(np.int16)


def strengths_at(wired: Any, frame: float) -> np.ndarray:
    """What the sliders show at a frame."""
    wired.scene.frame_set(int(frame), subframe=frame % 1)
    return np.array(wired.pipeline.emotion.values())
