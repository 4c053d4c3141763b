# SPDX-License-Identifier: GPL-3.0-or-later
<<<<<<< HEAD
"""The plane that a face is its own mirror image in, and pairs mirrored in it."""
=======
"""The plane that a head is nearly the same on both sides of, from its shape alone. numpy only."""
>>>>>>> 42bc2963ff23859b1106f327d6d561f32a92605f

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import AnyArray, Doubles
<<<<<<< HEAD
from .mesh import unit
from .pairs import Similarity, SurfacePoints
from .surface import Surface

ROUNDS = 12
SAMPLES = 3000  # vertices that are compared with the mirror image
MEDIAN, MOST = 0.002, 0.01  # distances to the mirror image, of the samples' extent: half, 90 %
_FACING = 0.5
=======
from .mesh import Mesh, unit

SAMPLES, AGAINST = 300, 1500  # points that are mirrored, and those they are compared with
TRIES, ROUNDS = 2, 8
_KEPT = 0.7  # of the samples: a parting or an ear ring has no twin
>>>>>>> 42bc2963ff23859b1106f327d6d561f32a92605f


@dataclass(frozen=True, eq=False)
class Plane:
<<<<<<< HEAD
    """All points whose product with ``normal`` (3,) is ``offset``."""

    normal: Doubles
    offset: float

    def mirrored(self, points: AnyArray) -> Doubles:
        """Points (N, 3) on the other side."""
        away = np.asarray(points) @ self.normal - self.offset
        return np.asarray(points - 2 * away[:, None] * self.normal)

    def turned(self, directions: AnyArray) -> Doubles:
        """Directions (N, 3) as a mirror shows them."""
        return Plane(self.normal, 0.0).mirrored(directions)

    def after(self, move: Similarity) -> Plane:
        """The plane where a similarity takes it."""
        normal = move.turn @ self.normal
        return Plane(normal, float(move(self.offset * self.normal) @ normal))


def own_plane(surface: Surface) -> Plane | None:
    """The mirror plane of a mesh on its own, or None.

    The normal of a mirror plane is a principal axis of the surface, so those three are tried.
    """
    mesh = surface.mesh
    areas = np.linalg.norm(mesh.crossed, axis=1)
    centres = mesh.points[mesh.triangles].mean(axis=1)
    if not areas.sum() > 0:
        return None
    middle = areas @ centres / areas.sum()
    away = centres - middle
    _, axes = np.linalg.eigh((areas[:, None] * away).T @ away)
    for axis in axes.T:
        plane = _refined(surface, Plane(axis, float(axis @ middle)), None)
        if plane is not None:
            return plane
    return None


def plane_near(surface: Surface, guess: Plane, around: AnyArray) -> Plane | None:
    """The mirror plane of the part of a mesh around some points (K, 3), near a first guess."""
    return _refined(surface, guess, np.asarray(around))


def _refined(surface: Surface, plane: Plane, around: Doubles | None) -> Plane | None:
    """The plane moved until nothing changes, or None where the mesh is no mirror image."""
    mesh = surface.mesh
    used = np.unique(mesh.triangles[surface.numbers])
    if around is not None:
        middle = around.mean(axis=0)
        reach = 1.2 * np.linalg.norm(around - middle, axis=1).max()
        used = used[np.linalg.norm(mesh.points[used] - middle, axis=1) < reach]
    used = used[:: -(-len(used) // SAMPLES) or 1]
    if len(used) < 3:
        return None
    points, normals = mesh.points[used], mesh.normals[used]
    extent = float(np.linalg.norm(np.ptp(points, axis=0)))
    before = np.inf
    for _ in range(ROUNDS):
        hits = surface.closest(plane.mirrored(points), plane.turned(normals), _FACING, near=8)
        far = np.where(hits.found, hits.distances, extent)
        half, most = np.quantile(far, [0.5, 0.9])
        if half < 1e-6 * extent or half > 0.98 * before:
            break
        before = half
        near = far <= 4 * half
        plane = _between(points[near], surface.on(hits, mesh.points)[near])
    return plane if half < MEDIAN * extent and most < MOST * extent else None


def _between(points: Doubles, others: Doubles) -> Plane:
    """The plane that mirrors points (N, 3) to others best, in the sense of least squares."""
    product = (points - points.mean(axis=0)).T @ (others - others.mean(axis=0))
    _, axes = np.linalg.eigh(product + product.T)
    normal = axes[:, 0]
    return Plane(normal, float(((points + others) / 2 @ normal).mean()))


def mirrored_points(surface: Surface, points: SurfacePoints, plane: Plane) -> SurfacePoints:
    """Where the mirror images of points lie on the surface."""
    mesh = surface.mesh
    normals = unit(points.on(mesh.normals))
    hits = surface.closest(plane.mirrored(points.on(mesh.points)), plane.turned(normals), 0.3)
    return SurfacePoints.of(mesh.triangles[hits.triangles], hits.shares)
=======
    """All points with ``normal`` (3,) @ point = ``offset``; ``error`` is how far the mirrored mesh
    is from itself, as a share of its diagonal."""

    normal: Doubles
    offset: float
    error: float

    def mirrored(self, points: AnyArray) -> Doubles:
        """Points (..., 3) on the other side."""
        points = np.asarray(points, np.float64)
        return points - 2 * self.away(points)[..., None] * self.normal

    def away(self, points: AnyArray) -> Doubles:
        """Distance (...,) of points (..., 3) from the plane, signed."""
        return np.asarray(np.asarray(points, np.float64) @ self.normal - self.offset)


def symmetry_plane(mesh: Mesh) -> Plane:
    """The best plane of those near the mesh's principal axes and the space's own.

    Points of the mesh are mirrored and compared with the tangent planes next to them; the plane
    moves until they agree (Gauss and Newton, the worst left out).
    """
    used = np.unique(mesh.triangles)
    pick = np.random.default_rng(0).permutation(used)
    points, normals = mesh.points[pick[:AGAINST]], mesh.normals[pick[:AGAINST]]
    middle = points.mean(axis=0)
    size = max(mesh.diagonal, 1e-300)
    flat, samples = (points - middle) / size, min(SAMPLES, len(points))
    _, _, principal = np.linalg.svd(flat, full_matrices=False)
    tries = [_refined(flat, normals, samples, axis, TRIES) for axis in (*np.eye(3), *principal)]
    best = min(tries, key=lambda plane: plane.error)
    best = _refined(flat, normals, samples, best.normal, ROUNDS, best.offset)
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
        error = float(np.abs(gap[kept]).mean() + 0.02 * (1 - facing.mean()))
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
>>>>>>> 42bc2963ff23859b1106f327d6d561f32a92605f
