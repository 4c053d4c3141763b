# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggests where a head's known points lie on another head, from that head's shape alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import AnyArray, Doubles
from .finding import Frame, find_head, visible_triangles
from .landmarks import Landmarks
from .laplacian import Solve, factorised, laplacian, lumped_areas
from .mesh import Mesh, unit
from .pairs import Similarity, SurfacePoints
from .surface import Surface

STIFF, SOFT, LEVELS, ROUNDS = 3e4, 30.0, 7, 3
RADII = (0.014, 0.035, 0.08)  # of the head's height: scales of the curvature that is compared
FEATURE = 0.25  # of the head's height: how much a curvature of 1 is worth
_FAR = 0.16


def frame_of(landmarks: Landmarks, points: AnyArray) -> Frame:
    spots = dict(zip(landmarks.names, landmarks.points.on(points), strict=True))
    left = sum(
        spots[name] - spots["Right" + name[4:]] for name in spots if name.startswith("Left ")
    )
    return Frame.of(left, spots["Nose root"] - spots["Chin"], spots["Crown"], spots["Chin"])


def convexity(mesh: Mesh, radii: Doubles) -> Doubles:
    """How far (V, R) each vertex stands out of the surface smoothed over a radius, over that
    radius: positive on ridges, negative in creases."""
    from scipy.sparse import diags

    areas = lumped_areas(mesh)
    stretched = laplacian(mesh)
    found = []
    for radius in radii:
        solve = factorised(diags(areas) + radius**2 * stretched)
        smoothed = solve(areas[:, None] * mesh.points)
        normals = mesh.moved_to(smoothed).normals
        found.append(np.einsum("vd,vd->v", mesh.points - smoothed, normals) / radius)
    return np.stack(found, axis=1)


def loose_fit(
    driver: Mesh, found: Similarity, frame: Frame, target: Mesh, trace=None
) -> tuple[Doubles, Surface, Doubles]:
    from scipy.sparse import diags

    height = found.scale * frame.height
    start = driver.moved_to(found(driver.points))
    near = np.linalg.norm(target.points - start.points.mean(axis=0), axis=1) < 1.3 * height
    target = Mesh(target.points, target.triangles[near[target.triangles].all(axis=1)])
    target = compact(target)
    seen = visible_triangles(target)
    radii = height * np.array(RADII)
    features = FEATURE * height * np.clip(convexity(target, radii), -0.6, 0.6)
    own = FEATURE * height * np.clip(convexity(start, radii), -0.6, 0.6)
    surface = Surface(target, seen, features)
    open_edge = np.zeros(len(target.points), bool)
    open_edge[target.boundary] = True
    weight = np.zeros(len(driver.points))
    weight[driver.triangles[visible_triangles(driver)]] = 1.0
    weight[driver.boundary] = 0.0
    up = found.turn @ frame.turn[:, 1]
    low = start.points @ up < (found.scale * frame.chin + found.shift @ up) - 0.12 * height
    weight[low] = 0.0

    count = len(driver.points)
    areas = lumped_areas(start)
    stretched = laplacian(start)
    stiff = (stretched @ diags(1 / (areas / areas.sum())) @ stretched) * (1e-4 / count)
    shape = start.points
    for level in np.geomspace(STIFF, SOFT, LEVELS):
        for _ in range(ROUNDS):
            normals = start.moved_to(shape).normals
            hits = surface.closest(shape, normals, 0.4, near=12, features=own)
            goals = surface.on(hits, target.points)
            rim = open_edge[target.triangles[hits.triangles]].sum(axis=1) >= 2
            used = weight * hits.found * (hits.distances < _FAR * height) * ~rim
            usual = 3 * np.median(hits.distances[used > 0]) + 1e-9 * height
            used = used / (1 + (hits.distances / usual) ** 2) / count
            system = diags(used + 1e-9 / count) + level * stiff
            shape = start.points + factorised(system)(used[:, None] * (goals - start.points))
    return shape, surface, own


def compact(mesh: Mesh) -> Mesh:
    used, triangles = np.unique(mesh.triangles, return_inverse=True)
    return Mesh.of(mesh.points[used], triangles.reshape(-1, 3))
