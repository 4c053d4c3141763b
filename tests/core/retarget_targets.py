# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets as they come from elsewhere: spoilt in ways that must not change the fit."""

from __future__ import annotations

import numpy as np
from facewright.core.retarget.mesh import Mesh
from facewright.core.retarget.pairs import SurfacePoints

from .retarget_faces import ball, turn


def placed(points, scale=1.0):
    """Points of another size, turned and shifted."""
    return scale * (points @ turn().T + [3.0, -50.0, 20.0])


def unplaced(points, scale=1.0):
    """Back again."""
    return (points / scale - [3.0, -50.0, 20.0]) @ turn()


def split_at_every_edge(mesh, points):
    """Each triangle with vertices of its own, as files without smooth shading have it."""
    places = {tuple(corners): row for row, corners in enumerate(mesh.triangles.tolist())}
    rows = np.array([places[tuple(corners)] for corners in points.corners.tolist()])
    soup = Mesh.of(mesh.points[mesh.triangles].reshape(-1, 3), np.arange(3 * len(mesh.triangles)))
    return soup, SurfacePoints.of(rows[:, None] * 3 + np.arange(3), points.shares)


def with_teeth_and_eyes(mesh, centres):
    """Balls close behind the skin, in the same mesh, and vertices that belong to nothing."""
    balls = [(ball(300, 1.4).points + centre, ball(300).triangles) for centre in centres]
    points, triangles = [mesh.points], [mesh.triangles]
    for own, corners in balls:
        triangles.append(corners + sum(len(each) for each in points))
        points.append(own)
    points.append(np.random.default_rng(0).normal(size=(20, 3)) * 30)
    return Mesh.of(np.vstack(points), np.vstack(triangles))


def with_bad_triangles(mesh):
    """Triangles without an area, and a third triangle on some edges."""
    tips = mesh.points[mesh.triangles[::97]].mean(axis=1) + mesh.normals[mesh.triangles[::97, 0]]
    fins = mesh.triangles[::97].copy()
    fins[:, 2] = len(mesh.points) + np.arange(len(fins))
    flat = mesh.triangles[::50][:, [0, 0, 1]]
    return Mesh.of(np.vstack([mesh.points, tips]), np.vstack([mesh.triangles, flat, fins]))


def coarse(mesh, cell):
    """The mesh with all vertices of one cell of a grid in one."""
    cells = np.floor(mesh.points / cell).astype(int)
    _, same = np.unique(cells, axis=0, return_inverse=True)
    same = same.ravel()
    counts = np.bincount(same)
    points = np.stack([np.bincount(same, column) / counts for column in mesh.points.T], axis=1)
    triangles = same[mesh.triangles]
    solid = (triangles != np.roll(triangles, 1, axis=1)).all(axis=1)
    _, first = np.unique(np.sort(triangles[solid], axis=1), axis=0, return_index=True)
    return Mesh.of(points, triangles[solid][first])
