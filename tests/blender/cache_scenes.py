# SPDX-License-Identifier: GPL-3.0-or-later
"""A face that moves in every way, and how it looks without our code."""

from __future__ import annotations

import bpy
import numpy as np
from makers import shaped_mesh

FIRST, LAST = 5, 14
FRAMES = range(FIRST, LAST + 1)
CM = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]) * 100.0


def make_face(scene):
    """A mesh that its shape keys, its place, and a Subdivision change."""
    obj = shaped_mesh("Tête 1", ["jawOpen", "mouthLeft"])
    rng = np.random.default_rng(0)
    for key in obj.data.shape_keys.key_blocks:  # every vertex moves its own way
        key.points.foreach_set("co", rng.normal(size=3 * len(key.points)).astype(np.float32))
    obj.modifiers.new("Subdivision", "SUBSURF").levels = 1
    obj.location, obj.rotation_euler, obj.scale = (1, 2, 3), (0.3, 0.2, 0.1), (1, 2, 0.5)
    for frame, value in ((1, 0.0), (10, 1.0), (20, 0.2)):
        for name, factor in (("jawOpen", 1.0), ("mouthLeft", -0.5)):
            key = obj.data.shape_keys.key_blocks[name]
            key.value = factor * value
            key.keyframe_insert("value", frame=frame)
        obj.location.x = value
        obj.keyframe_insert("location", frame=frame)
    scene.frame_start, scene.frame_end = FIRST, LAST
    scene.frame_set(3)
    return obj


def shown(obj, frame, world=False):
    """Vertices as they look at a frame."""
    bpy.context.scene.frame_set(int(frame // 1), subframe=frame % 1)
    looks = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = looks.to_mesh()
    points = np.array([each.co for each in mesh.vertices], np.float64)
    matrix = np.array(looks.matrix_world)
    looks.to_mesh_clear()
    return points @ matrix[:3, :3].T + matrix[:3, 3] if world else points


def caged(obj, frames=FRAMES, world=False):
    """The same without the subdivision, at all frames."""
    for modifier in obj.modifiers:
        modifier.show_viewport = False
    found = np.array([shown(obj, frame, world) for frame in frames])
    for modifier in obj.modifiers:
        modifier.show_viewport = True
    return found
