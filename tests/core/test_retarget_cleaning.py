# SPDX-License-Identifier: GPL-3.0-or-later
"""Seams, loose parts and open sides of meshes as files bring them."""

from __future__ import annotations

import numpy as np
import pytest
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


def _walked(count: int, edges: np.ndarray) -> list[set[int]]:
    """Loose parts, found by walking from vertex to vertex."""
    beside: list[set[int]] = [set() for _ in range(count)]
    for a, b in edges.tolist():
        beside[a].add(b)
        beside[b].add(a)
    found, seen = [], set()
    for start in range(count):
        waiting, part = [start], set()
        while waiting:
            vertex = waiting.pop()
            if vertex not in seen:
                seen.add(vertex)
                part.add(vertex)
                waiting += beside[vertex]
        if part:
            found.append(part)
    return found


@pytest.mark.parametrize(("count", "edges"), [(1, 0), (50, 20), (400, 380), (300, 600)])
def test_loose_parts_are_those_that_a_walk_finds(count, edges):
    rng = np.random.default_rng(count)
    found = rng.integers(0, count, (edges, 2))
    parts, which = loose_parts(count, found)
    walked = _walked(count, found)
    assert parts == len(walked)
    assert {frozenset(np.flatnonzero(which == part)) for part in range(parts)} == {
        frozenset(part) for part in walked
    }


def test_a_long_chain_is_one_part():
    """Whatever the order of its vertices."""
    order = np.random.default_rng(0).permutation(5000)
    assert loose_parts(5000, np.stack([order[:-1], order[1:]], axis=1))[0] == 1


def test_a_triangle_with_one_vertex_twice_opens_nothing():
    closed = Mesh.of(SQUARE, [[0, 1, 2], [0, 2, 1], [0, 0, 1]])
    assert not open_sides(closed).any()


def test_turned():
    mesh = Mesh.of(SQUARE, turned(HALVES, np.array([True, False])))
    assert np.allclose(mesh.crossed[:, 2], [-1, 1])
