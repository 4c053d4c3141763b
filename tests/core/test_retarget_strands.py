# SPDX-License-Identifier: GPL-3.0-or-later
"""Lashes and beards hang on where they grow."""

from __future__ import annotations

import numpy as np
from facewright.core.retarget.binding import Binding
from facewright.core.retarget.mesh import Mesh
from facewright.core.retarget.strands import rooted


def _strip(start, way, rows, width):
    """A card of quads that gets narrower, from its root on."""
    points, triangles = [], []
    for row in range(rows):
        middle = np.asarray(start) + row * np.asarray(way)
        half = np.array([width * (1 - 0.8 * row / rows), 0, 0])
        points += [middle - half, middle + half]
        if row:
            a = 2 * row - 2
            triangles += [[a, a + 1, a + 3], [a, a + 3, a + 2]]
    return np.array(points), np.array(triangles)


def _bound(points):
    """Each vertex held at the place below it on the plane z = 0: its own number stands for that."""
    count = len(points)
    corners = np.repeat(np.arange(count), 3).reshape(-1, 3)
    shares = np.tile([1.0, 0.0, 0.0], (count, 1))
    none = np.zeros((0, 2), np.int32)
    return Binding(corners, shares, np.abs(points[:, 2]), np.ones(count), none, none[:, 0])


def test_a_lash_whose_tip_touches_the_skin_hangs_on_its_root():
    points, triangles = _strip((0, 0, 0.002), (0, 0.01, 0.0), 6, 0.002)
    points[:, 2] = 0.002 + 0.01 * np.sin(np.linspace(0, np.pi, 6)).repeat(2)
    points[-2:, 2] = 0.0  # the tip is nearer than the root
    made = rooted(_bound(points), Mesh.of(points, triangles), 2.0)
    assert len(set(made.corners[:, 0])) == 1
    assert made.corners[0, 0] in (0, 1)


def test_a_hair_that_lies_flat_keeps_its_own_places():
    points, triangles = _strip((0, 0, 0.001), (0, 0.01, 0.0), 6, 0.002)
    made = rooted(_bound(points), Mesh.of(points, triangles), 2.0)
    assert (made.corners[:, 0] == np.arange(len(points))).all()


def test_a_beards_end_goes_with_the_nearest_of_those_at_the_skin():
    points, triangles = _strip((0, 0, 0.0), (0, 0.0, 0.12), 9, 0.3)
    made = rooted(_bound(points), Mesh.of(points, triangles), 2.0)
    assert set(made.corners[:, 0]) == {0, 1}
    assert (made.corners[2::2, 0] == 0).all()
    assert (made.corners[3::2, 0] == 1).all()


def test_only_the_named_vertices_change():
    points, triangles = _strip((0, 0, 0.0), (0, 0.0, 0.12), 9, 0.3)
    made = rooted(_bound(points), Mesh.of(points, triangles), 2.0, np.array([16]))
    assert made.corners[16, 0] == 0
    assert made.corners[17, 0] == 17
