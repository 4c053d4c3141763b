# SPDX-License-Identifier: GPL-3.0-or-later
"""A triangle mesh as character transfer sees it: points, triangles and what follows from them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import AnyArray, Doubles

Corners = NDArray[np.int32]
HASH_DIGITS = 16
_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Mesh:
    """``points`` (V, 3) float64 in any one unit, ``triangles`` (F, 3) int32, wound outwards."""

    points: Doubles
    triangles: Corners

    @classmethod
    def of(cls, points: ArrayLike, triangles: ArrayLike) -> Mesh:
        """A mesh of arrays of any number types."""
        return cls(
            np.ascontiguousarray(points, np.float64).reshape(-1, 3),
            np.ascontiguousarray(triangles, np.int32).reshape(-1, 3),
        )

    def moved_to(self, points: AnyArray) -> Mesh:
        """The same surface with its points elsewhere."""
        return Mesh.of(points, self.triangles)

    @cached_property
    def normals(self) -> Doubles:
        """Unit normals (V, 3): the triangles around, by their area; 0 without any."""
        crossed = self.crossed
        sums = np.stack(
            [
                np.bincount(
                    self.triangles.ravel(), np.repeat(crossed[:, axis], 3), len(self.points)
                )
                for axis in range(3)
            ],
            axis=1,
        )
        return unit(sums)

    @cached_property
    def crossed(self) -> Doubles:
        """Normals (F, 3) of the triangles, twice as long as they have area."""
        a, b, c = (self.points[self.triangles[:, corner]] for corner in range(3))
        return np.asarray(np.cross(b - a, c - a), np.float64)

    @cached_property
    def edges(self) -> Corners:
        """Every edge (E, 2) once, smaller vertex first."""
        return self._counted_edges[0]

    @cached_property
    def boundary(self) -> Corners:
        """The edges (B, 2) that only one triangle has."""
        edges, counts = self._counted_edges
        return edges[counts == 1]

    @cached_property
    def _counted_edges(self) -> tuple[Corners, AnyArray]:
        sides = self.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
        edges, counts = np.unique(np.sort(sides, axis=1), axis=0, return_counts=True)
        return edges.astype(np.int32), counts

    @property
    def diagonal(self) -> float:
        """Length of the bounding box's diagonal."""
        return float(np.linalg.norm(np.ptp(self.points, axis=0))) if len(self.points) else 0.0


def unit(vectors: AnyArray) -> Doubles:
    """Vectors (..., 3) of length 1; those without a length stay 0."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(lengths > _TINY, vectors / np.maximum(lengths, _TINY), 0.0)


def fans(faces: AnyArray) -> Corners:
    """Triangles (F, 3) of triangles and quads (M, 4), whose fourth corner is -1 in triangles.

    Unlike triangles that suit a mesh's shape, they change with its faces alone.
    """
    faces = np.asarray(faces, np.int32).reshape(-1, 4)
    return np.concatenate([faces[:, :3], faces[faces[:, 3] >= 0][:, [0, 2, 3]]])


def topology_hash(vertex_count: int, triangles: AnyArray) -> str:
    """16 hexadecimal digits that change with a mesh's vertices' number or its triangles.

    Positions do not count, nor does the order of triangles or which corner of one comes first.
    """
    turned = np.asarray(triangles, np.int64).reshape(-1, 3)
    first = turned.argmin(axis=1)
    turned = np.take_along_axis(turned, (first[:, None] + np.arange(3)) % 3, axis=1)
    turned = turned[np.lexsort(turned.T[::-1])]
    digest = hashlib.sha256(f"{vertex_count}:{len(turned)}:".encode())
    digest.update(np.ascontiguousarray(turned, "<i4").tobytes())
    return digest.hexdigest()[:HASH_DIGITS]
