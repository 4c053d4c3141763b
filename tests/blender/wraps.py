# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes for tests of the wrap, and where they are when Blender has moved them."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Euler, Matrix, Vector

DRIVER_PLACE = Matrix.LocRotScale(Vector((0.3, 0.2, 0.1)), Euler((0.3, 0.2, 0.5)), (1.0, 1.2, 0.9))
DRIVEN_PLACE = Matrix.LocRotScale(Vector((0.2, 0.2, 0.2)), Euler((0.1, 0.7, 0.2)), (0.8, 1.1, 1.0))


def ball(
    name: str, size: int = 12, radius: float = 1.0, place: Matrix | None = None, seed: int = 0
) -> Any:
    """A bumpy sphere of quads and triangles, in the scene at a place."""
    mesh = bpy.data.meshes.new(name)
    down, around = np.meshgrid(
        np.linspace(0.2, np.pi - 0.2, size), np.arange(size) * 2 * np.pi / size, indexing="ij"
    )
    bumps = 1 + 0.1 * np.sin(3 * down + seed) * np.cos(2 * around + seed)
    points = radius * np.stack(
        [
            bumps * np.sin(down) * np.cos(around),
            bumps * np.sin(down) * np.sin(around),
            bumps * np.cos(down),
        ],
        axis=-1,
    ).reshape(-1, 3)
    grid = np.arange(size * size).reshape(size, size)
    aside = np.roll(grid, -1, axis=1)
    faces = np.stack([grid[:-1], grid[1:], aside[1:], aside[:-1]], axis=-1).reshape(-1, 4).tolist()
    mesh.from_pydata(points.tolist(), [], [*faces, grid[-1].tolist()])
    mesh.update()
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    if place is not None:
        obj.matrix_world = place
    bpy.context.view_layer.update()
    return obj


def bend(obj: Any, value: float = 1.0, seed: int = 1) -> Any:
    """Give a mesh a shape key that moves and turns all of its surface; returns the key."""
    if obj.data.shape_keys is None:
        obj.shape_key_add(name="Basis")
    key = obj.shape_key_add(name="Bent", from_mix=False)
    points = rest_of(obj)
    moved = points + 0.3 * np.sin(2 * points[:, [1, 2, 0]] + seed) + [0.1, 0.0, 0.2]
    key.points.foreach_set("co", moved.astype(np.float32).ravel())
    key.value = value
    bpy.context.view_layer.update()
    return key


def rest_of(obj: Any) -> Any:
    """Vertices (V, 3) of the mesh itself."""
    return _read(obj.data.vertices, "co")


def now_of(obj: Any) -> Any:
    """Vertices (V, 3) as Blender has moved them, in the object's space."""
    bpy.context.view_layer.update()
    return _read(obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.vertices, "co")


def normals_of(obj: Any, count: int | None = None) -> Any:
    """Normals (V, 3) of the vertices as Blender has moved them."""
    mesh = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    return _read(mesh.vertex_normals, "vector")[:count]


def moved_by(obj: Any) -> float:
    """The farthest that a vertex of an object has gone from rest."""
    return float(np.abs(now_of(obj) - rest_of(obj)).max())


def stored(obj: Any, name: str, binding: str = "facewright_wrap") -> Any:
    """A binding's attribute: (N,), or (N, 3) for vectors."""
    found = obj.data.attributes[f"{binding}_{name}"]
    return _read(found.data, "vector" if found.data_type == "FLOAT_VECTOR" else "value")


def _read(items: Any, field: str) -> Any:
    width = 3 if field in ("co", "vector") else 1
    found = np.empty(len(items) * width)
    items.foreach_get(field, found)
    return found.reshape(-1, 3) if width == 3 else found


def through(matrix: Any, points: Any) -> Any:
    """Points (N, 3) moved by a matrix of Blender's."""
    own = np.array(matrix)
    return points @ own[:3, :3].T + own[:3, 3]
