# SPDX-License-Identifier: GPL-3.0-or-later
"""Small faces whose transfer is known in closed form: two lips that lie on each other."""

from __future__ import annotations

import numpy as np
from facewright.core.retarget.mesh import Mesh

GAP = 0.02  # between the lips at rest, where a cell is 0.1


def sheet(xs, ys, z=0.0):
    """A grid that faces +z: points, triangles."""
    x, y = np.meshgrid(xs, ys, indexing="ij")
    points = np.stack([x, y, np.full_like(x, z)], axis=2).reshape(-1, 3)
    rows = len(ys)
    i, j = np.meshgrid(np.arange(len(xs) - 1), np.arange(rows - 1), indexing="ij")
    a = (i * rows + j).ravel()
    upper = np.stack([a, a + rows, a + rows + 1], axis=1)
    lower = np.stack([a, a + rows + 1, a + 1], axis=1)
    return points, np.concatenate([upper, lower])


def joined(*parts):
    """One mesh of several."""
    points, triangles, at = [], [], 0
    for own, corners in parts:
        points.append(own)
        triangles.append(np.asarray(corners) + at)
        at += len(own)
    return Mesh.of(np.concatenate(points), np.concatenate(triangles))


def lips(cell=0.1):
    """Two plates, one over the other with a narrow slit at y = 0, both with a rim that goes inside.

    Returns the mesh, and its opening: the lower plate goes down by 1, more towards the slit.
    """
    xs = np.arange(-1.5, 1.5 + cell / 2, cell)
    upper = sheet(xs, np.arange(GAP / 2, 1.5, cell))
    lower = sheet(xs, -np.arange(GAP / 2, 1.5, cell)[::-1])
    mesh = joined(upper, lower)
    below = mesh.points[:, 1] < 0
    fall = np.cos(np.pi * mesh.points[:, 0] / 3.0) * (1.5 + mesh.points[:, 1]) / 1.5
    opening = np.zeros_like(mesh.points)
    opening[below, 1] = -fall[below]
    return mesh, opening


def turn(x=0.4, y=-0.7, z=1.1):
    """A rotation matrix that is none of the simple ones."""
    (a, b, c), (d, e, f) = np.cos([x, y, z]), np.sin([x, y, z])
    about_x = np.array([[1, 0, 0], [0, a, -d], [0, d, a]])
    about_y = np.array([[b, 0, e], [0, 1, 0], [-e, 0, b]])
    about_z = np.array([[c, -f, 0], [f, c, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def ball(count=800, radius=1.0):
    """A sphere: points evenly on it, and its triangles."""
    from scipy.spatial import ConvexHull

    k = np.arange(count) + 0.5
    z, angle = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    r = np.sqrt(1 - z * z)
    points = np.stack([r * np.cos(angle), r * np.sin(angle), z], axis=1)
    triangles = ConvexHull(points).simplices
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    inward = np.einsum("fd,fd->f", np.cross(b - a, c - a), a + b + c) < 0
    triangles[inward] = triangles[inward][:, ::-1]
    return Mesh.of(points * radius, triangles)
