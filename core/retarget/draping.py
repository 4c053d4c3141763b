# SPDX-License-Identifier: GPL-3.0-or-later
"""Lays a head loosely over another without any pairs: ever softer, by closest points that also
stand out or lie deep as theirs do. Uses scipy.

Registration by closest points with a falling stiffness (after Amberg, Romdhani and Vetter 2007),
with a biharmonic energy as the stiffness and curvatures at several scales as further coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Doubles
from ..watch import Watch
from .finding import Frame, visible_triangles
from .laplacian import factorised, laplacian, lumped_areas
from .mesh import Mesh
from .pairs import Similarity
from .surface import Surface

STIFF, SOFT, LEVELS, ROUNDS = 1e7, 3.0, 9, 2
RADII = (0.014, 0.035, 0.08)  # of the head's height: scales of the curvature that is compared
FEATURE = 0.15  # of the head's height: how far a curvature of 1 is away
MOST_VERTICES = 40_000  # of a target whose curvature is computed
_FAR = 0.16  # of the head's height: farther points draw nothing
_LEAST_COSINE = 0.4
_MOST_CURVED = 0.6
_BELOW_CHIN = 0.12
_UNIT = 1e-4


@dataclass(frozen=True, eq=False)
class Drape:
    """The driver's vertices (V, 3) where they were laid, its normals there, and the height from
    chin to crown there."""

    points: Doubles
    normals: Doubles
    height: float


def drape(driver: Mesh, found: Similarity, frame: Frame, target: Mesh, watch: Watch) -> Drape:
    """Lay the driver, from where `finding.py` found it, over a target's head."""
    from scipy.sparse import diags

    height = found.scale * frame.height
    start = driver.moved_to(found(driver.points))
    radii = height * np.array(RADII)
    target = thinned(target, MOST_VERTICES, height)
    worth = FEATURE * height
    surface = Surface(target, visible_triangles(target), worth * convexity(target, radii))
    features = worth * convexity(start, radii)
    rim = np.zeros(len(target.points), bool)
    rim[target.boundary] = True

    count = len(driver.points)
    weights = face_weights(driver, frame) / count
    areas = lumped_areas(start)
    stretched = laplacian(start)
    bending = (stretched @ diags(areas.sum() / areas) @ stretched) * (_UNIT / count)
    laid = start
    steps = np.repeat(np.geomspace(STIFF, SOFT, LEVELS), ROUNDS)
    for step, stiffness in enumerate(steps):
        watch.tell(0.4 + 0.55 * step / len(steps), "Laying the driver over it")
        hits = surface.closest(laid.points, laid.normals, _LEAST_COSINE, 12, features)
        good = hits.found & (hits.distances < _FAR * height)
        good &= rim[target.triangles[hits.triangles]].sum(axis=1) < 2
        used = weights * good
        if not used.any():
            break
        usual = 3 * np.median(hits.distances[used > 0]) + 1e-9 * height
        used = used / (1 + (hits.distances / usual) ** 2)
        goals = surface.on(hits, target.points)
        solve = factorised(diags(used + 1e-9 / count) + stiffness * bending)
        laid = start.moved_to(start.points + solve(used[:, None] * (goals - start.points)))
    return Drape(laid.points, laid.normals, height)


def face_weights(driver: Mesh, frame: Frame) -> Doubles:
    """1 for the driver's vertices (V,) that are laid on something: what is seen of its head."""
    weights = np.zeros(len(driver.points))
    weights[driver.triangles[visible_triangles(driver)]] = 1.0
    weights[driver.boundary] = 0.0
    low = driver.points @ frame.turn[:, 1] < frame.chin - _BELOW_CHIN * frame.height
    return np.where(low, 0.0, weights)


def convexity(mesh: Mesh, radii: Doubles) -> Doubles:
    """How far (V, R) each vertex stands out of the surface smoothed over a radius, over that
    radius: positive on ridges, negative in creases; the same on any topology."""
    from scipy.sparse import diags

    areas = lumped_areas(mesh)
    stretched = laplacian(mesh)
    found = []
    for radius in radii:
        smoothed = factorised(diags(areas) + radius**2 * stretched)(areas[:, None] * mesh.points)
        normals = mesh.moved_to(smoothed).normals
        found.append(np.einsum("vd,vd->v", mesh.points - smoothed, normals) / radius)
    return np.clip(np.stack(found, axis=1), -_MOST_CURVED, _MOST_CURVED)


def cropped(mesh: Mesh, laid: Doubles, height: float) -> Mesh:
    """The part of a mesh near a head that was laid on it, (V, 3), without what it does not use."""
    near = np.linalg.norm(mesh.points - laid.mean(axis=0), axis=1) < 1.3 * height
    kept = mesh.triangles[near[mesh.triangles].all(axis=1)]
    used, triangles = np.unique(kept if len(kept) else mesh.triangles, return_inverse=True)
    return Mesh.of(mesh.points[used], triangles.reshape(-1, 3))


def thinned(mesh: Mesh, most: int, height: float) -> Mesh:
    """A coarser mesh where one has more vertices: those of one small cell become one."""
    cell = height / 400
    while len(mesh.points) > most:
        _, owner = np.unique((mesh.points / cell).astype(int), axis=0, return_inverse=True)
        owner = owner.ravel()
        counts = np.bincount(owner)
        points = np.stack(
            [np.bincount(owner, mesh.points[:, axis]) / counts for axis in range(3)], axis=1
        )
        triangles = owner[mesh.triangles]
        a, b, c = triangles.T
        mesh = Mesh.of(points, triangles[(a != b) & (b != c) & (c != a)])
        cell *= 1.3
    return mesh
