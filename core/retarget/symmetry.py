# SPDX-License-Identifier: GPL-3.0-or-later
"""The plane that a head is nearly the same on both sides of, from its shape alone. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import AnyArray, Doubles
from .mesh import Mesh, unit
from .pairs import Similarity

SAMPLES, AGAINST = 300, 1500  # points that are mirrored, and those they are compared with
TRIES, ROUNDS, LAST_ROUNDS = 2, 5, 3
POOR = 0.006  # error from which a mesh counts as not symmetric
_KEPT = 0.7  # of the samples: a parting or an ear ring has no twin


@dataclass(frozen=True, eq=False)
class Plane:
    """All points with ``normal`` (3,) @ point = ``offset``; ``error`` is how far the mirrored mesh
    is from itself, as a share of its diagonal."""

    normal: Doubles
    offset: float
    error: float = 0.0

    def mirrored(self, points: AnyArray) -> Doubles:
        """Points (..., 3) on the other side."""
        points = np.asarray(points, np.float64)
        return points - 2 * self.away(points)[..., None] * self.normal

    def away(self, points: AnyArray) -> Doubles:
        """Distance (...,) of points (..., 3) from the plane, signed."""
        return np.asarray(np.asarray(points, np.float64) @ self.normal - self.offset)

    def turned(self, directions: AnyArray) -> Doubles:
        """Directions (..., 3) as a mirror shows them."""
        return Plane(self.normal, 0.0).mirrored(directions)

    def after(self, move: Similarity) -> Plane:
        """The plane where a similarity takes it."""
        normal = move.turn @ self.normal
        return Plane(normal, float(move(self.offset * self.normal) @ normal))


def symmetry_plane(mesh: Mesh) -> Plane:
    """The best plane of those near the mesh's principal axes and the space's own.

    Points of the mesh are mirrored and compared with the tangent planes next to them; the plane
    moves until they agree (Gauss and Newton, the worst left out).
    """
    used = np.unique(mesh.triangles)
    pick = np.random.default_rng(0).permutation(used)
    chosen = pick[: 2 * AGAINST]
    points, size = mesh.points[chosen], max(mesh.diagonal, 1e-300)
    middle = points.mean(axis=0)
    closer = ((points - middle) / size, mesh.normals[chosen])
    flat, normals = (values[:AGAINST] for values in closer)
    samples = min(SAMPLES, len(points))
    _, _, principal = np.linalg.svd(flat, full_matrices=False)
    tries = [_refined(flat, normals, samples, axis, TRIES) for axis in (*np.eye(3), *principal)]
    best = min(tries, key=lambda plane: plane.error)
    best = _refined(flat, normals, samples, best.normal, ROUNDS, best.offset)
    best = _refined(*closer, 2 * samples, best.normal, LAST_ROUNDS, best.offset)
    return Plane(best.normal, best.offset * size + float(best.normal @ middle), best.error)


def _refined(
    points: Doubles,
    normals: Doubles,
    samples: int,
    normal: Doubles,
    rounds: int,
    offset: float = 0.0,
) -> Plane:
    here = points[:samples]
    lengths = (points**2).sum(axis=1)
    error = np.inf
    for _ in range(rounds):
        plane = Plane(normal, offset, 0.0)
        there = plane.mirrored(here)
        twin = (lengths[None] - 2 * there @ points.T).argmin(axis=1)
        # Mirrored normals have to agree, or lips and lids take the other side of a gap
        turned = normals[:samples] - 2 * (normals[:samples] @ normal)[:, None] * normal
        facing = np.einsum("kd,kd->k", turned, normals[twin]) > 0.5
        gap = np.einsum("kd,kd->k", there - points[twin], normals[twin])
        if facing.sum() < 12:
            return Plane(normal, offset, np.inf)
        limit = np.quantile(np.abs(gap[facing]), _KEPT)
        kept = facing & (np.abs(gap) <= limit)
        error = float(np.abs(gap[facing]).mean() + 0.02 * (1 - facing.mean()))
        normal, offset = _stepped(normal, offset, here[kept], normals[twin[kept]], gap[kept])
    return Plane(normal, offset, error)


def _stepped(
    normal: Doubles, offset: float, points: Doubles, facing: Doubles, gap: Doubles
) -> tuple[Doubles, float]:
    """One step of least squares: how the gaps change with the plane's normal and offset."""
    helper = np.eye(3)[np.abs(normal).argmin()]
    first = unit(np.cross(normal, helper))
    second = np.cross(normal, first)
    away, along = points @ normal - offset, facing @ normal
    columns = [-2 * ((points @ axis) * along + away * (facing @ axis)) for axis in (first, second)]
    matrix = np.stack([*columns, 2 * along], axis=1)
    step = np.linalg.lstsq(
        np.vstack([matrix, 1e-6 * np.eye(3)]), np.concatenate([-gap, np.zeros(3)]), rcond=None
    )[0]
    moved = normal + step[0] * first + step[1] * second
    return unit(moved), float(offset + step[2])
