# SPDX-License-Identifier: GPL-3.0-or-later
"""Closest points, against a slow search over all triangles and against triangles done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.retarget.mesh import Mesh
from facewright.core.retarget.surface import Surface
from facewright.tools.head import topology

SQUARE = Mesh.of([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]])


def bumpy(seed, count=60):
    """A soup of triangles of very different sizes."""
    dice = np.random.default_rng(seed)
    corners = dice.normal(size=(count, 1, 3)) + dice.normal(size=(count, 3, 3)) * dice.choice(
        [0.02, 0.2, 1.0], (count, 1, 1)
    )
    return Mesh.of(corners.reshape(-1, 3), np.arange(3 * count))


@pytest.mark.parametrize("seed", [1, 2])
def test_as_near_as_a_search_over_all_triangles(seed):
    mesh = bumpy(seed)
    points = np.random.default_rng(seed).normal(size=(200, 3)) * 2
    hits = Surface(mesh).closest(points, near=1000)
    spots = mesh.points[mesh.triangles]
    for at, point in enumerate(points):
        local = topology.closest_barycentric(point, spots)
        far = np.linalg.norm(np.einsum("nc,ncd->nd", local, spots) - point, axis=1)
        assert hits.distances[at] == pytest.approx(far.min(), abs=1e-9)
    assert np.allclose(hits.shares.sum(axis=1), 1) and (hits.shares >= -1e-12).all()
    assert hits.found.all()


@pytest.mark.parametrize(
    ("point", "nearest"),
    [
        ((0.25, 0.1, 2.0), (0.25, 0.1, 0.0)),  # above the inside
        ((0.5, -3.0, 1.0), (0.5, 0.0, 0.0)),  # beyond a side
        ((4.0, 5.0, -1.0), (1.0, 1.0, 0.0)),  # beyond a corner
        ((0.5, 0.5, 0.0), (0.5, 0.5, 0.0)),  # on the diagonal
    ],
)
def test_points_by_hand(point, nearest):
    surface = Surface(SQUARE)
    hits = surface.closest(np.array([point]))
    assert np.allclose(surface.on(hits, SQUARE.points), [nearest], atol=1e-12)
    assert hits.distances[0] == pytest.approx(np.linalg.norm(np.subtract(point, nearest)))


def test_large_triangles_beside_small_ones_are_found():
    """Their middles are far from points over their corners, where those of small ones are near."""
    places = np.concatenate([np.arange(0, 1, 0.05), 1 + 0.05 * 1.4 ** np.arange(12)])
    x, y = np.meshgrid(places, places, indexing="ij")
    count = len(places)
    a = (np.arange(count - 1)[:, None] * count + np.arange(count - 1)).ravel()
    b, c, d = a + count, a + count + 1, a + 1
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    mesh = Mesh.of(np.stack([x, y, 0.1 * np.sin(3 * x)], axis=2).reshape(-1, 3), triangles)
    points = np.random.default_rng(0).uniform(0, places[-1], (100, 3)) * [1, 1, 0.02]
    exact = Surface(mesh).closest(points, near=100_000).distances
    assert np.allclose(Surface(mesh).closest(points).distances, exact)


def test_only_triangles_that_face_the_same_way():
    """Upper and lower lip: the nearer of two plates faces away."""
    upper = SQUARE.points + np.array([0, 0, 0.1])
    both = Mesh.of(
        np.vstack([SQUARE.points, upper]),
        np.vstack([SQUARE.triangles, SQUARE.triangles[:, ::-1] + 4]),
    )
    point, up = np.array([[0.3, 0.4, 0.08]]), np.array([[0.0, 0.0, 1.0]])
    surface = Surface(both)
    assert surface.closest(point).distances[0] == pytest.approx(0.02)
    assert surface.closest(point, up).distances[0] == pytest.approx(0.08)
    assert surface.closest(point, -up).distances[0] == pytest.approx(0.02)
    assert not surface.closest(point, np.array([[1.0, 0.0, 0.0]])).found[0]


def test_features_pull_along_the_surface():
    """With the feature f = x, closest to (x, 0) and f is the middle of x and f."""
    surface = Surface(SQUARE, features=SQUARE.points[:, :1])
    hits = surface.closest(np.array([[0.2, 0.5, 0.0]]), features=np.array([[0.8]]))
    assert np.allclose(surface.on(hits, SQUARE.points), [[0.5, 0.5, 0.0]])


def test_flat_triangles_and_empty_meshes_do_no_harm():
    flat = Mesh.of(SQUARE.points, np.vstack([SQUARE.triangles, [[0, 0, 1], [2, 2, 2]]]))
    hits = Surface(flat).closest(np.array([[0.1, 0.0, 1.0]]))
    assert hits.triangles[0] < 2 and hits.distances[0] == pytest.approx(1.0)
    none = Surface(SQUARE, used=np.zeros(2, bool)).closest(np.zeros((3, 3)))
    assert not none.found.any()
    assert len(Surface(SQUARE).closest(np.zeros((0, 3))).triangles) == 0
