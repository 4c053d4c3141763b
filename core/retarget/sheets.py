# SPDX-License-Identifier: GPL-3.0-or-later
"""Closest points on one sheet of a surface, reached by walking over its triangles."""

from __future__ import annotations

import numpy as np

from ..arrays import AnyArray, Doubles
from .mesh import Corners, Mesh, unit
from .surface import closest_shares

_STEPS = 12
_MOST_AROUND = 24  # triangles around one that are looked at


class SheetWalk:
    """Walks on a mesh from triangle to adjoining triangle, as long as that comes closer.

    Upper and lower lip lie on each other, but the way from one to the other is long: a walk stays
    on the sheet where it begins.
    """

    def __init__(self, mesh: Mesh, least_cosine: float) -> None:
        self._mesh = mesh
        self._least = least_cosine
        self._facing = unit(mesh.crossed)
        self._around = _around(mesh)

    def __call__(
        self, points: AnyArray, normals: AnyArray, begin: AnyArray
    ) -> tuple[Corners, Doubles]:
        """Triangles (N,) and shares (N, 3) of the closest points to points (N, 3) with normals
        (N, 3), from triangles (N,)."""
        triangles = np.array(begin, np.int32)
        shares, far = self._closest(points, triangles)
        moving = np.arange(len(triangles))
        for _ in range(_STEPS):
            if not len(moving):
                break
            options = self._around[triangles[moving]]
            here = np.asarray(points)[moving]
            new_shares, new_far = self._closest(here[:, None], options)
            facing = np.einsum("nkd,nd->nk", self._facing[options], np.asarray(normals)[moving])
            new_far = np.where(facing < self._least, np.inf, new_far)
            best = new_far.argmin(axis=1)
            row = np.arange(len(moving))
            closer = new_far[row, best] < far[moving] * (1 - 1e-9)
            row, best, moving = row[closer], best[closer], moving[closer]
            triangles[moving] = options[row, best]
            shares[moving], far[moving] = new_shares[row, best], new_far[row, best]
        return triangles, shares

    def _closest(self, points: AnyArray, triangles: AnyArray) -> tuple[Doubles, Doubles]:
        """Shares (..., 3) and squared distances (...) of points (..., 3) on triangles (...)."""
        corners = self._mesh.points[self._mesh.triangles[triangles]]
        start = corners[..., 0, :]
        return closest_shares(
            corners[..., 1, :] - start, corners[..., 2, :] - start, start - points
        )


def _around(mesh: Mesh) -> Corners:
    """For each triangle (F, K) those that share a vertex with it, filled up with itself."""
    from scipy import sparse

    count = len(mesh.triangles)
    own = np.repeat(np.arange(count), 3)
    touch = sparse.csr_matrix(
        (np.ones(3 * count, np.int32), (own, mesh.triangles.ravel())),
        shape=(count, len(mesh.points)),
    )
    shared = (touch @ touch.T).tocsr()
    numbers = np.diff(shared.indptr)
    width = int(min(numbers.max(initial=1), _MOST_AROUND))
    around = np.repeat(np.arange(count, dtype=np.int32)[:, None], width, axis=1)
    rows = np.repeat(np.arange(count), numbers)
    places = np.arange(len(rows)) - np.repeat(shared.indptr[:-1], numbers)
    kept = places < width
    around[rows[kept], places[kept]] = shared.indices[kept]
    return around
