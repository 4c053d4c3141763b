# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes of the scene made ready for picking: at rest in the world, with what points snap to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import bpy
import numpy as np

from ..core.arrays import AnyArray
from ..core.errors import UserError
from ..core.head import load_head
from ..core.retarget import landmarks
from ..core.retarget.mesh import Mesh
from ..core.retarget.picking import Spot, nearest
from ..core.retarget.symmetry import POOR, Plane, symmetry_plane
from .joints import PART, world
from .retarget_meshes import standing_mesh
from .template_head import ASSET

ON_PLANE = 0.008  # of the mesh's diagonal: nearer to the plane a point is its own mirror image


@dataclass(frozen=True, eq=False)
class Pickable:
    """A mesh in the world; it stays as it was when it was looked at."""

    mesh: Mesh
    marked: AnyArray
    front: AnyArray

    @cached_property
    def plane(self) -> Plane:
        """The mesh's plane of symmetry."""
        return symmetry_plane(self.mesh)

    def mirrored(self, spot: Spot) -> Spot | None:
        """The same point on the other side; None for a point of the middle. Raises UserError for
        a mesh that is not symmetric."""
        if not self.plane.error <= POOR:
            raise UserError(
                "The mesh is too far from symmetric to mirror points.", "Switch Mirrored off."
            )
        place = spot.on(self.mesh.points)
        if abs(float(self.plane.away(place))) < ON_PLANE * self.mesh.diagonal:
            return None
        return nearest(self.mesh, self.plane.mirrored(place))


def pickable(obj: bpy.types.Object) -> Pickable:
    """A mesh of the scene as it stands now. Raises UserError for one without faces."""
    mesh = standing_mesh(obj)
    if not len(mesh.triangles):
        raise UserError(f"'{obj.name}' has no faces.", "Choose a mesh with a surface.")
    turn = world(obj)[:3, :3]
    return Pickable(mesh, _marked(obj.data), turn / np.maximum(np.linalg.norm(turn, axis=0), 1e-12))


def _marked(mesh: Any) -> AnyArray:
    """Edges (M, 2) that somebody has marked: seams and sharp ones."""
    count = len(mesh.edges)
    chosen = np.zeros(count, bool)
    for name in ("use_seam", "use_edge_sharp"):
        flags = np.zeros(count, bool)
        mesh.edges.foreach_get(name, flags)
        chosen |= flags
    ends = np.zeros(count * 2, np.int32)
    mesh.edges.foreach_get("vertices", ends)
    return ends.reshape(-1, 2)[chosen]


def hints_for(driver: bpy.types.Object) -> dict[str, Spot]:
    """Where the recommended points lie on a driver, by name: known for the built-in head alone."""
    if driver.get(PART) != "skin":
        return {}
    count, hints = _of_built_in()
    return dict(hints) if len(driver.data.vertices) == count else {}


@lru_cache(maxsize=1)
def _of_built_in() -> tuple[int, dict[str, Spot]]:
    """The number of the built-in head's vertices, and its points."""
    try:
        head = load_head(ASSET)
        known = landmarks.of_head(head)
    except (UserError, KeyError):
        return 0, {}
    spots = zip(known.names, known.points.corners, known.points.shares, strict=True)
    return len(head.skin.vertices), {name: Spot(*place) for name, *place in spots}
