# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes of the scene as character transfer sees them: at rest, as triangles, as they stand.

All numbers of a transfer are in the world's space and unit, so that no object's scale, turn or
mirroring matters; results are brought back into the space of the object they belong to.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..core.arrays import AnyArray, Doubles
from ..core.errors import UserError
from ..core.retarget.mesh import Corners, Mesh, topology_hash
from .joints import world


def local_points(obj: bpy.types.Object) -> Doubles:
    """Vertices (V, 3) at rest in the object's space: the basis where it has shape keys."""
    mesh: Any = obj.data
    return places(mesh.shape_keys.reference_key.points if mesh.shape_keys else mesh.vertices)


def places(items: Any) -> Doubles:
    """Vertices (V, 3) of a mesh or of one of its shape keys."""
    found = np.empty(len(items) * 3, np.float32)
    items.foreach_get("co", found)
    return found.reshape(-1, 3).astype(np.float64)


def triangles(obj: bpy.types.Object) -> Corners:
    """Triangles (F, 3) of the mesh itself, without its modifiers."""
    mesh: Any = obj.data
    mesh.calc_loop_triangles()
    found = np.empty(len(mesh.loop_triangles) * 3, np.int32)
    mesh.loop_triangles.foreach_get("vertices", found)
    return found.reshape(-1, 3)


def to_world(obj: bpy.types.Object, points: AnyArray) -> Doubles:
    """Points (..., 3) of the object's space in the world's."""
    matrix = world(obj)
    return np.asarray(points, np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def to_local(obj: bpy.types.Object, points: AnyArray) -> Doubles:
    """Points (..., 3) of the world's space in the object's. Raises UserError for a flat object."""
    matrix = from_world(obj)
    return np.asarray(points, np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def moves_to_world(obj: bpy.types.Object, moves: AnyArray) -> Doubles:
    """Displacements (..., 3) of the object's space in the world's."""
    return np.asarray(moves, np.float64) @ world(obj)[:3, :3].T


def moves_to_local(obj: bpy.types.Object, moves: AnyArray) -> Doubles:
    """Displacements (..., 3) of the world's space in the object's."""
    return np.asarray(moves, np.float64) @ from_world(obj)[:3, :3].T


def standing_mesh(obj: bpy.types.Object) -> Mesh:
    """The mesh at rest in the world's space, wound outwards also where the object is mirrored."""
    corners = triangles(obj)
    if np.linalg.det(world(obj)[:3, :3]) < 0:
        corners = corners[:, ::-1]
    return Mesh.of(to_world(obj, local_points(obj)), corners)


def hash_of(obj: bpy.types.Object) -> str:
    """What changes with the mesh's topology (`core/retarget/mesh.topology_hash`)."""
    return topology_hash(len(obj.data.vertices), _fans(obj.data))


def _fans(mesh: Any) -> AnyArray:
    """Triangles (F, 3) around each polygon's first corner: of its faces alone, where Blender's own
    triangles of a quad also change with its shape."""
    starts, sizes = (np.empty(len(mesh.polygons), np.int32) for _ in range(2))
    mesh.polygons.foreach_get("loop_start", starts)
    mesh.polygons.foreach_get("loop_total", sizes)
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    first = np.repeat(starts, sizes - 2)
    ends = np.cumsum(sizes - 2)
    step = 1 + np.arange(len(first)) - np.repeat(ends - (sizes - 2), sizes - 2)
    return np.stack([corners[first], corners[first + step], corners[first + step + 1]], axis=1)


def shape_moves(obj: bpy.types.Object) -> tuple[tuple[str, ...], Doubles]:
    """Names of a mesh's shape keys and their displacements (E, V, 3) in the object's space, each
    from the key that it is relative to."""
    keys: Any = getattr(obj.data, "shape_keys", None)
    blocks = [] if keys is None else [b for b in keys.key_blocks if b != keys.reference_key]
    rest = local_points(obj)
    moves = np.empty((len(blocks), *rest.shape))
    for row, block in zip(moves, blocks, strict=True):
        plain = block.relative_key == keys.reference_key
        row[:] = places(block.points) - (rest if plain else places(block.relative_key.points))
    return tuple(block.name for block in blocks), moves


def from_world(obj: bpy.types.Object) -> Doubles:
    """The matrix (4, 4) from the world's space to the object's. Raises UserError for a flat one."""
    try:
        return np.linalg.inv(world(obj))
    except np.linalg.LinAlgError:
        raise UserError(
            f"'{obj.name}' is scaled to nothing along an axis.", "Clear its scale."
        ) from None


def loosely_equal(obj: bpy.types.Object, other: bpy.types.Object) -> bool:
    """Whether two meshes have as many vertices, edges, faces and corners: enough for a panel."""
    first, second = obj.data, other.data
    return all(
        len(getattr(first, name)) == len(getattr(second, name))
        for name in ("vertices", "edges", "polygons", "loops")
    )
