# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a wrapped mesh is held on its driver: found, measured, and kept as attributes.

All of it is measured with the meshes at rest, where they stand now. numpy and Blender only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np
from mathutils.bvhtree import BVHTree

from ..core.arrays import AnyArray, Doubles
from ..core.errors import UserError
from ..core.retarget.pairs import SurfacePoints
from ..core.retarget.surface import closest_shares
from ..core.retarget.tufts import roots_of
from ..core.retarget.wrap import flattened, longest_first, offsets
from . import wrap_nodes
from .retarget_meshes import local_points, to_local, to_world, triangles

SUBDIVIDING = ("SUBSURF", "MULTIRES")
MOST_LEVELS = 6


def nearest(driven: bpy.types.Object, driver: bpy.types.Object) -> tuple[SurfacePoints, Doubles]:
    """The driver's points that are closest to the driven mesh's vertices, as both stand at rest,
    and how far (N,) those are in the world. Small loose parts, as hairs are, go with their root.

    Raises UserError for a driver without a surface.
    """
    corners = triangles(driver)
    points = to_world(driver, local_points(driver))
    if not len(corners) or not np.isfinite(points).all():
        raise UserError(f"'{driver.name}' has no faces.", "Choose a mesh with a surface.")
    tree = BVHTree.FromPolygons(points.tolist(), corners.tolist(), all_triangles=True)
    wanted = to_world(driven, local_points(driven))
    if not np.isfinite(wanted).all():
        raise UserError(f"'{driven.name}' has vertices without a place.", "Delete those.")
    found = [tree.find_nearest(point)[2:] for point in wanted.tolist()]
    number, distances = np.array(found, np.float64).reshape(-1, 2).T
    if not np.isfinite(number).all():  # Blender's search ends at about 1e19
        raise UserError(f"'{driven.name}' is endlessly far from '{driver.name}'.", "Move it near.")
    size = float(np.linalg.norm(np.ptp(points, axis=0)))
    roots = roots_of(wanted, _edges(driven), distances, size)
    chosen = corners[number.astype(np.int64)[roots]]
    feet = SurfacePoints(chosen, _shares(points[chosen], wanted[roots]))
    return longest_first(points, feet), distances


def _edges(obj: Any) -> AnyArray:
    found = np.empty(len(obj.data.edges) * 2, np.int32)
    obj.data.edges.foreach_get("vertices", found)
    return found.reshape(-1, 2)


def _shares(spots: Doubles, wanted: Doubles) -> Doubles:
    """Barycentric (N, 3) of the points of triangles (N, 3, 3) that are closest to places (N, 3)."""
    first, second = spots[:, 1] - spots[:, 0], spots[:, 2] - spots[:, 0]
    return closest_shares(first, second, spots[:, 0] - wanted)[0]


def keep(
    driven: bpy.types.Object,
    driver: bpy.types.Object,
    feet: SurfacePoints,
    binding: str,
    distances: AnyArray | None = None,
    weights: AnyArray | None = None,
    smooth: AnyArray | None = None,
    flat: bool = False,
) -> None:
    """Write a binding's attributes onto the driven mesh, for ``flat`` frames or smooth ones.
    ``distances`` (N,) from the driver's surface are those to the feet, unless they are given."""
    points, normals = rest_surface(driver)
    rest = local_points(driven)
    placed = to_local(driver, to_world(driven, rest))
    if flat:
        held, turned = flattened(feet, placed, points)
    else:
        held, turned = feet, offsets(feet, placed, points, normals)
    own = rest - to_local(driven, to_world(driver, held.on(points)))
    if distances is None:
        distances = np.linalg.norm(
            to_world(driven, rest) - to_world(driver, feet.on(points)), axis=1
        )
    full = np.ones(len(rest))
    values = {
        **dict(zip(wrap_nodes.CORNERS, feet.corners.T, strict=True)),
        **dict(zip(wrap_nodes.SHARES, held.shares.T[1:], strict=True)),
        **dict(zip(wrap_nodes.OFFSETS, turned.T, strict=True)),
        wrap_nodes.OBJECT: own,
        wrap_nodes.DISTANCE: distances,
        wrap_nodes.WEIGHT: full if weights is None else weights,
        wrap_nodes.SMOOTH: full if smooth is None else smooth,
    }
    for name, value in values.items():
        _write(driven.data, f"{binding}_{name}", np.asarray(value))


def _write(mesh: Any, name: str, values: AnyArray) -> None:
    """A point attribute of a mesh: integers, numbers or vectors, as the array's."""
    kind, field = "FLOAT", "value"
    if values.ndim > 1:
        kind, field = "FLOAT_VECTOR", "vector"
    elif values.dtype.kind == "i":
        kind = "INT"
    found = mesh.attributes.get(name)
    if found is not None and (found.data_type != kind or found.domain != "POINT"):
        mesh.attributes.remove(found)
        found = None
    if found is None:
        found = mesh.attributes.new(name, kind, "POINT")
    own = np.int32 if kind == "INT" else np.float32
    found.data.foreach_set(field, np.ascontiguousarray(values, own).ravel())


def forget(mesh: Any, binding: str) -> None:
    """Take a binding's attributes off a mesh."""
    for name in attribute_names(binding):
        found = mesh.attributes.get(name)
        if found is not None:
            mesh.attributes.remove(found)


def attribute_names(binding: str) -> list[str]:
    """The names of a binding's attributes."""
    names = (
        *(*wrap_nodes.CORNERS, *wrap_nodes.SHARES, *wrap_nodes.OFFSETS),
        *(wrap_nodes.OBJECT, wrap_nodes.DISTANCE, wrap_nodes.WEIGHT, wrap_nodes.SMOOTH),
    )
    return [f"{binding}_{name}" for name in names]


def free_binding(mesh: Any) -> str:
    """A name that no binding on the mesh has: meshes may be shared, or wrapped twice."""
    number, name = 1, wrap_nodes.BINDING
    while f"{name}_{wrap_nodes.DISTANCE}" in mesh.attributes:
        number += 1
        name = f"{wrap_nodes.BINDING}_{number}"
    return name


# ---- the driver at rest


def known_counts(driver: bpy.types.Object) -> str:
    """The numbers of vertices with which the driver is the same mesh: as it is, and subdivided,
    which keeps its vertices and puts them first. As the node group reads them."""
    between = wrap_nodes.BETWEEN
    return between + (between * 2).join(map(str, counts_of(driver))) + between


def counts_of(driver: bpy.types.Object) -> list[int]:
    """The same as numbers."""
    mesh: Any = driver.data
    count, edges = len(mesh.vertices), len(mesh.edges)
    faces, corners = len(mesh.polygons), len(mesh.loops)
    counts = [count]
    for _level in range(MOST_LEVELS):
        count, edges = count + edges + faces, 2 * edges + corners
        faces, corners = corners, 4 * corners
        counts.append(count)
    return counts


def rest_surface(driver: bpy.types.Object) -> tuple[Doubles, Doubles]:
    """The driver's vertices and their normals (V, 3) at rest, in its own space, as the node group
    meets them: subdivision moves both."""
    mesh: Any = driver.data
    points = local_points(driver)
    own = _read(mesh.vertices, "co")
    if not _subdivisions(driver) and np.array_equal(own, points):
        return points, _read(mesh.vertex_normals, "vector")
    return _evaluated(driver, len(points))


def _evaluated(driver: bpy.types.Object, count: int) -> tuple[Doubles, Doubles]:
    """The first vertices and normals of the driver at rest after its subdivision."""
    with _standing_in(driver) as stand_in:
        scene = bpy.data.scenes.new("Facewright Rest")
        try:
            scene.collection.objects.link(stand_in)
            layer = scene.view_layers[0]
            layer.update()
            looks = stand_in.evaluated_get(layer.depsgraph)
            mesh = looks.to_mesh()  # a subdivision that the graphics card does is done here
            points, normals = _read(mesh.vertices, "co"), _read(mesh.vertex_normals, "vector")
            looks.to_mesh_clear()
            return points[:count], normals[:count]
        finally:
            bpy.data.scenes.remove(scene)


@contextmanager
def _standing_in(driver: bpy.types.Object) -> Iterator[Any]:
    """A copy of the driver without what moves it."""
    mesh: Any = driver.data.copy()
    keys = mesh.shape_keys
    if keys is not None:
        keys.animation_data_clear()
        for block in keys.key_blocks:
            block.value, block.mute = 0.0, True
    stand_in = driver.copy()
    try:
        stand_in.animation_data_clear()
        stand_in.parent, stand_in.data = None, mesh
        stand_in.constraints.clear()
        kept = [each.name for each in _subdivisions(driver)]
        for modifier in [each for each in stand_in.modifiers if each.name not in kept]:
            stand_in.modifiers.remove(modifier)
        yield stand_in
    finally:
        bpy.data.objects.remove(stand_in)
        bpy.data.meshes.remove(mesh)


def _subdivisions(driver: bpy.types.Object) -> list[Any]:
    return [e for e in driver.modifiers if e.type in SUBDIVIDING and e.show_viewport]


def _read(items: Any, field: str) -> Doubles:
    """Vectors (N, 3) of a collection."""
    flat = np.empty(len(items) * 3, np.float32)
    items.foreach_get(field, flat)
    return flat.reshape(-1, 3).astype(np.float64)
