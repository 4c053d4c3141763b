# SPDX-License-Identifier: GPL-3.0-or-later
"""Driver and target made ready for fitting: without seams, wound outwards, with what counts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..arrays import AnyArray, Doubles
from .cleaning import loose_parts, open_sides, turned, welded
from .mesh import Corners, Mesh
from .pairs import SurfacePoints
from .surface import Surface

_NEAR = 0.05  # of a head's diagonal: from how far the target's winding is judged


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two meshes.

    ``mesh`` has the same vertices and triangles (F), but along seams one vertex stands for all:
    ``stands`` (V,). ``parts`` (F,) numbers the loose parts, ``used`` (F,) marks those with a pair.
    Parts without one do not count: teeth and eyes in the target's mesh attract nothing.
    """

    mesh: Mesh
    stands: Corners
    parts: AnyArray
    used: AnyArray

    @classmethod
    def of(cls, mesh: Mesh, points: SurfacePoints, values: Doubles | None = None) -> Side:
        """The side of a mesh with the pairs' points on it; for ``values`` see ``welded``."""
        stands = welded(mesh, values)
        joined = Mesh.of(mesh.points, stands[mesh.triangles])
        _, label = loose_parts(len(mesh.points), joined.edges)
        parts = label[joined.triangles[:, 0]]
        return cls(joined, stands, parts, np.isin(parts, label[stands[points.corners]]))

    def wound(self, inside_out: AnyArray) -> Side:
        """The same with some triangles (F,) the other way round."""
        triangles = turned(self.mesh.triangles, inside_out)
        return replace(self, mesh=Mesh.of(self.mesh.points, triangles))

    def surface(self, features: Doubles | None = None) -> Surface:
        """The triangles that count, those along open edges apart: beyond an edge every point is
        closest to it."""
        return Surface(self.mesh, self.used & ~open_sides(self.mesh).any(axis=1), features)

    @property
    def free(self) -> AnyArray:
        """Mask (V,) of the vertices that are on what counts and on no open edge."""
        mask = np.zeros(len(self.mesh.points), bool)
        mask[self.mesh.triangles[self.used]] = True
        sides = self.mesh.triangles[:, [[0, 1], [1, 2], [2, 0]]]
        mask[sides[open_sides(self.mesh)]] = False
        return mask


def volume(mesh: Mesh) -> float:
    """Volume enclosed by a mesh, negative when it is wound inside out; open ones about so."""
    away = mesh.points[mesh.triangles].mean(axis=1)
    away = away - away.mean(axis=0)
    return float(np.einsum("fd,fd->", mesh.crossed, away) / 6)


def inside_out(target: Side, near: Mesh, size: float) -> AnyArray:
    """Mask (F,) of the target's triangles whose loose part is wound the other way than ``near``.

    ``near`` lies about where the target does, a head of diagonal ``size``; the closest triangle of
    each of its vertices votes for its part.
    """
    surface = target.surface()
    hits = surface.closest(near.points)
    close = hits.distances < _NEAR * size
    facing = np.einsum("nd,nd->n", target.mesh.crossed[hits.triangles], near.normals)
    sides = np.where(close, np.sign(facing), 0.0)
    votes = np.bincount(target.parts[hits.triangles], sides, int(target.parts.max()) + 1)
    return np.asarray(votes[target.parts] < 0)
