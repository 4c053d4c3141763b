# SPDX-License-Identifier: GPL-3.0-or-later
"""Seams, loose parts and open sides of meshes as files bring them."""

from __future__ import annotations

import numpy as np
from facewright.core.retarget.cleaning import loose_parts, open_sides, turned, welded
from facewright.core.retarget.mesh import Mesh

SQUARE = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
HALVES = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def test_a_cut_square_is_joined_along_its_cut():
    cut = Mesh.of(SQUARE[HALVES].reshape(-1, 3), np.arange(6))
    stands = welded(cut)
    assert np.array_equal(cut.points[stands], cut.points)
    joined = Mesh.of(cut.points, stands[cut.triangles])
    assert len(np.unique(joined.triangles)) == 4
    assert open_sides(cut).all() and open_sides(joined).sum() == 4


def test_points_apart_and_points_with_other_values_stay_apart():
    cut = Mesh.of(SQUARE[HALVES].reshape(-1, 3), np.arange(6))
    open_mouth = np.repeat([[0.0, 0, 0], [0.0, -1, 0]], 3, axis=0)
    assert np.array_equal(welded(cut, open_mouth), np.arange(6))
    apart = cut.moved_to(cut.points + open_mouth * [0, 0.01, 0])
    assert np.array_equal(welded(apart), np.arange(6))


def test_the_inside_of_a_surface_is_never_joined():
    """Two lips touch in one point that lies on no open edge."""
    fan = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 1]])
    ring = np.array([[0.0, 0, 0], [1, 0, 1], [0, 1, 1], [-1, 0, 1], [0, -1, 1]])
    both = Mesh.of(np.vstack([ring, ring * [1, 1, -1]]), np.vstack([fan, fan[:, ::-1] + 5]))
    assert np.array_equal(welded(both), np.arange(10))


def test_loose_parts_by_size():
    """As an independent search says, on long chains whose numbers run wild."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    dice = np.random.default_rng(2)
    names = dice.permutation(500)
    chains = np.split(names, [250, 400, 470])
    triangles = np.concatenate(
        [np.stack([chain[:-2], chain[1:-1], chain[2:]], axis=1) for chain in chains]
    )
    label = loose_parts(503, triangles.astype(np.int32))
    row, column = triangles[:, [0, 1]].ravel(), triangles[:, [1, 2]].ravel()
    graph = coo_matrix((np.ones(len(row)), (row, column)), shape=(503, 503))
    count, other = connected_components(graph, directed=False)
    assert len(np.unique(label)) == count == 7
    assert all(len(np.unique(label[other == part])) == 1 for part in range(count))
    assert [int((label == part).sum()) for part in range(4)] == [250, 150, 70, 30]


def test_a_triangle_with_one_vertex_twice_opens_nothing():
    closed = Mesh.of(SQUARE, [[0, 1, 2], [0, 2, 1], [0, 0, 1]])
    assert not open_sides(closed).any()


def test_turned():
    mesh = Mesh.of(SQUARE, turned(HALVES, np.array([True, False])))
    assert np.allclose(mesh.crossed[:, 2], [-1, 1])
