# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of a mesh that plays its cache: nothing else moves it, so the motion is there once."""

from __future__ import annotations

import os
from contextlib import suppress
from fractions import Fraction
from typing import Any

import bpy

from .blend_shapes import clear_shape_keys
from .evaluated import COUNTING
from .mesh_cache import add_mesh_cache, mesh_caches_of

SUFFIX = "_cache"
OURS = "facewright_"  # marks of parts, results, takes: the copy is none of them


def add_copy(
    obj: bpy.types.Object,
    scene: bpy.types.Scene,
    layer: bpy.types.ViewLayer,
    path: str | os.PathLike[str],
    first_frame: float,
    rate: Fraction,
    *,
    world: bool = False,
    leave_out: bool = True,
) -> bpy.types.Object:
    """The copy ``<name>_cache`` of a mesh that plays a .pc2 or .mdd; the mesh itself is hidden.

    ``world`` and ``leave_out`` are how the cache was written: a cache in the world stays where it
    is, else the copy goes where the mesh goes; modifiers that change the number of vertices come
    along if they were left out. An older copy is replaced. Raises UserError.
    """
    name = f"{obj.name}{SUFFIX}"
    data = _mesh(obj, layer, leave_out)
    data.name = name
    copy = obj.copy()
    copy.data = data
    try:
        if leave_out:
            clear_shape_keys(copy)
        for modifier in list(copy.modifiers):
            if not (leave_out and modifier.type in COUNTING):
                copy.modifiers.remove(modifier)
        marks: Any = copy
        for key in [key for key in marks.keys() if key.startswith(OURS)]:  # noqa: SIM118
            del marks[key]
        if world:
            _stand_still(copy)
        add_mesh_cache(copy, path, scene, first_frame, rate)
    except BaseException:
        bpy.data.objects.remove(copy)
        bpy.data.meshes.remove(data)
        raise
    marks.facewright_cache.use = False  # else the next export would write the copy
    _replace(name)
    copy.name = name
    for collection in obj.users_collection:
        collection.objects.link(copy)
    with suppress(RuntimeError):  # in another view layer alone
        obj.hide_set(True, view_layer=layer)
    obj.hide_render = True
    return copy


def _mesh(obj: Any, layer: bpy.types.ViewLayer, leave_out: bool) -> bpy.types.Mesh:
    if leave_out:
        data: bpy.types.Mesh = obj.data.copy()
        data.animation_data_clear()
        return data
    graph = layer.depsgraph
    return bpy.data.meshes.new_from_object(obj.evaluated_get(graph), depsgraph=graph)


def _stand_still(copy: Any) -> None:
    copy.animation_data_clear()
    copy.constraints.clear()
    copy.parent = None
    copy.matrix_world.identity()
    copy.matrix_basis.identity()
    copy.delta_location, copy.delta_scale = (0, 0, 0), (1, 1, 1)
    copy.delta_rotation_euler = (0, 0, 0)
    copy.delta_rotation_quaternion = (1, 0, 0, 0)


def _replace(name: str) -> None:
    """Take an older copy of that name away."""
    old = bpy.data.objects.get(name)
    if old is not None and old.type == "MESH" and mesh_caches_of(old):
        data: Any = old.data
        bpy.data.objects.remove(old)
        if not data.users:
            bpy.data.meshes.remove(data)
