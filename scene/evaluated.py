# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes as they look at the present frame, with or without what changes their vertices' number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core.arrays import Doubles, Floats, Integers
from ..core.errors import UserError
from .references import Reference, reference
from .wrap_nodes import is_wrap_group

# Kinds of modifiers that add or take vertices
COUNTING = frozenset(
    {
        *("ARRAY", "BEVEL", "BOOLEAN", "BUILD", "DECIMATE", "EDGE_SPLIT", "EXPLODE", "MASK"),
        *("MIRROR", "MULTIRES", "OCEAN", "PARTICLE_INSTANCE", "REMESH", "SCREW", "SKIN"),
        *("SOLIDIFY", "SUBSURF", "VOLUME_TO_MESH", "WELD", "WIREFRAME"),
    }
)


def points_of(obj: Any, depsgraph: Any) -> Floats:
    """Points (V, 3) of an object as it looks now, in its own space."""
    looks = obj.evaluated_get(depsgraph)
    mesh = looks.to_mesh()  # a subdivision that the graphics card does is done here
    try:
        points = np.empty((len(mesh.vertices), 3), np.float32)
        if len(points):
            mesh.attributes["position"].data.foreach_get("vector", points.ravel())
        return points
    finally:
        looks.to_mesh_clear()


def faces_of(obj: Any, depsgraph: Any) -> tuple[Integers, Integers]:
    """Corners of each face (F,), and the vertices of all corners one after the other."""
    looks = obj.evaluated_get(depsgraph)
    mesh = looks.to_mesh()
    try:
        counts = np.empty(len(mesh.polygons), np.int32)
        corners = np.empty(len(mesh.loops), np.int32)
        mesh.polygons.foreach_get("loop_total", counts)
        mesh.loops.foreach_get("vertex_index", corners)
        return counts.astype(np.int64), corners.astype(np.int64)
    finally:
        looks.to_mesh_clear()


def place_of(obj: Any, depsgraph: Any) -> Doubles:
    """Where an object stands now, (4, 4) with columns for axes."""
    return np.array(obj.evaluated_get(depsgraph).matrix_world, np.float64)


@dataclass(frozen=True)
class LeftOut:
    """Modifiers of meshes that are switched off for a while, by their names."""

    modifiers: tuple[tuple[Reference, tuple[str, ...]], ...]

    def take_away(self) -> None:
        """Switch them off; what is gone meanwhile is passed over."""
        self._show(False)

    def give_back(self) -> None:
        """Switch them on again."""
        self._show(True)

    def _show(self, shown: bool) -> None:
        for owner, names in self.modifiers:
            modifiers: Any = getattr(owner.find(), "modifiers", {})
            for name in names:
                if name in modifiers:
                    modifiers[name].show_viewport = shown


def leave_out(objects: Sequence[bpy.types.Object], layer: bpy.types.ViewLayer) -> LeftOut:
    """Switch off what changes the number of vertices, so that each mesh looks as it does but has
    its own. The caller gives it back. Raises UserError where a mesh will not."""
    left: list[tuple[Reference, list[Any]]] = []
    try:
        for obj in objects:
            off: list[Any] = []
            left.append((reference(obj), off))
            _leave_out(obj, layer, off)
    except BaseException:
        _known(left).give_back()
        raise
    return _known(left)


def _known(left: Sequence[tuple[Reference, Sequence[Any]]]) -> LeftOut:
    return LeftOut(tuple((owner, tuple(each.name for each in off)) for owner, off in left))


def _leave_out(obj: Any, layer: Any, off: list[Any]) -> None:
    shown = [modifier for modifier in obj.modifiers if modifier.show_viewport]
    unknown = [
        each for each in shown if each.type == "NODES" and not is_wrap_group(each.node_group)
    ]
    for modifier in [each for each in shown if each.type in COUNTING]:
        off.append(modifier)
        modifier.show_viewport = False
    layer.update()
    own = len(obj.data.vertices)
    while len(points_of(obj, layer.depsgraph)) != own:
        if not unknown:
            raise UserError(
                f"'{obj.name}' has another number of vertices than its mesh, whatever is left out.",
                "Switch No Subdivision off, or apply what changes its vertices.",
            )
        off.append(unknown.pop())
        off[-1].show_viewport = False
        layer.update()
