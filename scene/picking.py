# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mesh lies under the pointer in a 3D viewport."""

from __future__ import annotations

from typing import Any

import bpy
from bpy_extras import view3d_utils

FAR_M = 1e5


def mesh_under(context: bpy.types.Context, point: tuple[float, float]) -> bpy.types.Object | None:
    """The visible mesh at a point (x, y) of the viewport's region in pixels; None for none."""
    region, view = context.region, getattr(context, "region_data", None)
    if region is None or view is None:
        return None
    begin = view3d_utils.region_2d_to_origin_3d(region, view, point)
    ray = view3d_utils.region_2d_to_vector_3d(region, view, point)
    graph = context.evaluated_depsgraph_get()
    hit: Any = context.scene.ray_cast(graph, begin, ray, distance=FAR_M)
    found, obj = hit[0], hit[4]
    return obj.original if found and obj is not None else None
