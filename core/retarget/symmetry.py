# SPDX-License-Identifier: GPL-3.0-or-later
"""The plane that a head is nearly the same on both sides of, from its shape alone. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import AnyArray, Doubles
from .mesh import Mesh, unit
from .pairs import Similarity

# Points that are mirrored, those they are compared with, and how often: for every direction, for
# the best ones, and at last
STAGES = ((120, 600, 3), (300, 1500, 4), (500, 3000, 3))
DIRECTIONS, BEST = 64, 3
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
    """The best plane of all directions.

    Points of the mesh are mirrored and compared with the tangent planes next to them; the plane
    moves until they agree (Gauss and Newton, the worst left out).
    """
    chosen = np.random.default_rng(0).permutation(np.unique(mesh.triangles))[: STAGES[-1][1]]
    middle, size = mesh.points[chosen].mean(axis=0), max(mesh.diagonal, 1e-300)
    points, normals = (mesh.points[chosen] - middle) / size, mesh.normals[chosen]
    best = _best_of(np.eye(3), points, normals)
    if best.error > POOR / 3:  # most heads stand upright: that was quick
        turned = _best_of(_directions(), points, normals)
        best = min(best, turned, key=lambda plane: plane.error)
    return Plane(best.normal, best.offset * size + float(best.normal @ middle), best.error)


def _best_of(directions: Doubles, points: Doubles, normals: Doubles) -> Plane:
    tries = [Plane(normal, 0.0) for normal in directions]
    for (samples, against, rounds), kept in zip(STAGES, (BEST, 1, 1), strict=True):
        part = (points[:against], normals[:against], min(samples, len(points)))
        tries = [_refined(*part, each, rounds) for each in tries]
        tries = sorted(tries, key=lambda plane: plane.error)[:kept]
    return tries[0]


def _directions() -> Doubles:
    """Unit vectors all over a half sphere: a spiral of Fibonacci."""
    number = np.arange(DIRECTIONS) + 0.5
    height = number / DIRECTIONS
    angle = number * np.pi * (1 + 5**0.5)
    wide = np.sqrt(1 - height**2)
    spiral: Doubles = np.stack([wide * np.cos(angle), wide * np.sin(angle), height], axis=1)
    return spiral


def _refined(points: Doubles, normals: Doubles, samples: int, begin: Plane, rounds: int) -> Plane:
    here, normal, offset = points[:samples], begin.normal, begin.offset
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
