# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes objects of the parts of a head that comes with the extension."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..core.head_parts import MATERIALS, HeadPart
from . import materials
from .space import character_matrix

Array = np.ndarray[Any, Any]


def place(point: Array) -> tuple[float, float, float]:
    """A point (3,) of the asset's space in metres."""
    x, y, z = local(np.asarray(point)[None])[0]
    return float(x), float(y), float(z)


def local(points: Array) -> Array:
    """Points or displacements (..., 3) of the asset's space in the object's space, float32."""
    turn = character_matrix()[:3, :3].T.astype(np.float32)
    return np.asarray(points, np.float32) @ turn


def add_part(
    part: HeadPart, title: str, origin: Array, collection: bpy.types.Collection
) -> bpy.types.Object:
    """A part at rest as an object, with its materials and colours; it has its origin there."""
    mesh = new_mesh(title, part, local(part.vertices - origin))
    used = np.unique(part.materials)
    for number in used:
        mesh.materials.append(materials.material(MATERIALS[number]))
    slots = np.searchsorted(used, part.materials).astype(np.int32)
    mesh.polygons.foreach_set("material_index", slots)
    if part.colours is not None:
        _tint(mesh, part.colours)
    mesh.update()
    obj = bpy.data.objects.new(title, mesh)
    collection.objects.link(obj)
    return obj


def new_mesh(title: str, part: HeadPart, rest: Array) -> bpy.types.Mesh:
    """The part's faces, shaded smooth, with its vertices at `rest` (V, 3)."""
    mesh = bpy.data.meshes.new(title)
    real = part.faces >= 0  # a triangle's fourth corner is not
    sizes = real.sum(axis=1)
    mesh.vertices.add(len(rest))
    mesh.vertices.foreach_set("co", rest.ravel())
    mesh.loops.add(int(sizes.sum()))
    mesh.loops.foreach_set("vertex_index", part.faces[real])
    mesh.polygons.add(len(sizes))
    mesh.polygons.foreach_set("loop_start", (np.cumsum(sizes) - sizes).astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(sizes), dtype=bool))
    mesh.update(calc_edges=True)
    return mesh


def _tint(mesh: bpy.types.Mesh, colours: Array) -> None:
    layer: Any = mesh.color_attributes.new(materials.COLOUR_ATTRIBUTE, "FLOAT_COLOR", "POINT")
    rgba = np.ones((len(colours), 4), dtype=np.float32)
    rgba[:, :3] = colours
    layer.data.foreach_set("color", rgba.ravel())
