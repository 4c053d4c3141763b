# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs mirrored in the plane that a face is its own mirror image in, as the fit needs them."""

from __future__ import annotations

import numpy as np

from ..arrays import AnyArray, Doubles
from .mesh import unit
from .pairs import SurfacePoints
from .surface import Surface
from .symmetry import Plane

ROUNDS = 12
SAMPLES = 3000  # vertices that are compared with the mirror image
MEDIAN, MOST = 0.002, 0.01  # distances to the mirror image, of the samples' extent: half, 90 %
_FACING = 0.5


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
