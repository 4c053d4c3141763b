# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs that count on both sides, where driver and target are their own mirror images.

The hand that picks is wrong by half a millimetre here and there; what it says of the left says
something of the right too, and a pair on one side only stands for its twin.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Doubles
from .mesh import unit
from .pairs import Similarity, SurfacePoints
from .surface import Surface
from .symmetry import Plane, symmetry_plane

ROUNDS = 12
SAMPLES = 3000  # vertices that are compared with the mirror image
MEDIAN, MOST = 0.002, 0.01  # distances to the mirror image, of the samples' extent: half, 90 %
_FACING = 0.5
_AROUND = 1.2  # of the farthest pair's distance from their middle: what is compared at all


def both_sides(
    driver: Surface, target: Surface, pairs: tuple[SurfacePoints, SurfacePoints], move: Similarity
) -> tuple[SurfacePoints, SurfacePoints]:
    """The pairs (K) on driver and target, then their mirror images; or the pairs alone.

    ``move`` brings the driver near the target.
    """
    here, there = pairs
    own = refined(driver, symmetry_plane(driver.mesh), here.on(driver.mesh.points))
    if own is None:
        return pairs
    other = refined(target, own.after(move), there.on(target.mesh.points))
    if other is None:
        return pairs
    return (
        here.joined(mirrored_points(driver, here, own)),
        there.joined(mirrored_points(target, there, other)),
    )


def refined(surface: Surface, plane: Plane, around: Doubles) -> Plane | None:
    """The mirror plane near a first guess, exact, or None where the surface is no mirror image.

    Only what lies around some points (K, 3) is looked at: a body's arms may hang as they like.
    """
    mesh = surface.mesh
    middle = around.mean(axis=0)
    reach = _AROUND * np.linalg.norm(around - middle, axis=1).max()
    used = np.unique(mesh.triangles[surface.numbers])
    used = used[np.linalg.norm(mesh.points[used] - middle, axis=1) < reach]
    used = used[:: max(1, -(-len(used) // SAMPLES))]
    if len(used) < 3:
        return None
    points, normals = mesh.points[used], mesh.normals[used]
    extent = float(np.linalg.norm(np.ptp(points, axis=0)))
    before = np.inf
    for _ in range(ROUNDS):
        hits = surface.closest(plane.mirrored(points), plane.turned(normals), _FACING, near=8)
        far = np.where(hits.found, hits.distances, extent)
        half, most = (float(each) for each in np.quantile(far, [0.5, 0.9]))
        if half < 1e-6 * extent or half > 0.98 * before:
            break
        before = half
        near = far <= 4 * half
        plane = _between(points[near], surface.on(hits, mesh.points)[near], half / extent)
    return plane if half < MEDIAN * extent and most < MOST * extent else None


def _between(points: Doubles, others: Doubles, error: float) -> Plane:
    """The plane that mirrors points (N, 3) to others best, in the sense of least squares."""
    product = (points - points.mean(axis=0)).T @ (others - others.mean(axis=0))
    _, axes = np.linalg.eigh(product + product.T)
    normal = axes[:, 0]
    return Plane(normal, float(((points + others) / 2 @ normal).mean()), error)


def mirrored_points(surface: Surface, points: SurfacePoints, plane: Plane) -> SurfacePoints:
    """Where the mirror images of points lie on the surface."""
    mesh = surface.mesh
    normals = unit(points.on(mesh.normals))
    hits = surface.closest(plane.mirrored(points.on(mesh.points)), plane.turned(normals), 0.3)
    return SurfacePoints.of(mesh.triangles[hits.triangles], hits.shares)
