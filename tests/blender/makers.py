# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes to animate, and a look at what animates them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np
import stubs
from mathutils import Matrix, Vector


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


FACE_BONES = ("Head", "Jaw", "Eye.R", "Eye.L")


def face_rig(
    up_y: bool = False, tilt: float = 0.4, names: Sequence[str] = FACE_BONES
) -> bpy.types.Object:
    """Head, jaw and eyes of an armature that lean and roll at rest, as those of real rigs do."""
    data = bpy.data.armatures.new("Rig")
    obj = bpy.data.objects.new("Rig", data)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    places = {"Head": (0, 0, 1.5), "Jaw": (0, -0.02, 1.55), "Eye.R": (-0.03, -0.09, 1.6)}
    for name in names:
        x, y, z = places.get(name, (0.03, -0.09, 1.6))
        bone = data.edit_bones.new(name)
        bone.head = (x, z, -y) if up_y else (x, y, z)
        bone.tail = bone.head + Vector((0.02, -0.05, 0.2))
        bone.roll = tilt
        if name != names[0]:
            bone.parent = data.edit_bones[names[0]]
    bpy.ops.object.mode_set(mode="OBJECT")
    return obj


def placed_mesh(name: str, points: Any, matrix: Matrix | None = None) -> bpy.types.Object:
    """A mesh of points alone, at a place in the world."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([tuple(point) for point in points], [], [])
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    if matrix is not None:
        obj.matrix_world = matrix
    return obj
