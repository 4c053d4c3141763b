# SPDX-License-Identifier: GPL-3.0-or-later
"""The cotangent Laplacian where its values are known, and the two ways to solve with it."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.retarget.laplacian import (
    factorised,
    half_cotangents,
    laplacian,
    lumped_areas,
    solved_near,
)
from facewright.core.retarget.mesh import Mesh


def grid(count=12, seed=0):
    """A flat grid of uneven triangles without right angles, 1 by 1 with slanting sides."""
    x, y = np.meshgrid(np.linspace(0, 1, count), np.linspace(0, 1, count), indexing="ij")
    points = np.stack([x - 0.5 * y, y, 0 * x], axis=2).reshape(-1, 3)
    inside = ((x > 0) & (x < 1) & (y > 0) & (y < 1)).ravel()
    shaken = np.random.default_rng(seed).uniform(-0.012, 0.012, (count**2, 2))
    points[inside, :2] += shaken[inside]
    a = (np.arange(count - 1)[:, None] * count + np.arange(count - 1)).ravel()
    b, c, d = a + count, a + count + 1, a + 1
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return Mesh.of(points, triangles)


def test_linear_functions_on_a_plane_have_none():
    mesh = grid()
    for corner in range(3):
        half = half_cotangents(mesh, corner)
        assert ((half > 0.01) & (half < 10)).all(), "the grid has triangles that are clamped"
    inside = np.ones(len(mesh.points), bool)
    inside[np.unique(mesh.boundary)] = False
    matrix = laplacian(mesh)
    slopes = matrix @ (mesh.points @ [1.0, 2.0, 0.0])
    assert np.abs(slopes[inside]).max() < 1e-12 < 0.1 < np.abs(slopes).max()
    assert np.abs(matrix @ np.ones(len(mesh.points))).max() < 1e-12
    assert abs(matrix - matrix.T).max() == 0


def test_areas_add_up():
    assert lumped_areas(grid()).sum() == pytest.approx(1.0)


def test_a_degenerate_triangle_keeps_all_weights_finite_and_positive():
    mesh = Mesh.of([[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0]], [[0, 1, 2], [0, 1, 3], [1, 1, 3]])
    matrix = laplacian(mesh).toarray()
    assert np.isfinite(matrix).all()
    assert (np.linalg.eigvalsh(matrix) > -1e-9).all()
    assert (lumped_areas(mesh) > 0).all()


def test_both_ways_solve():
    mesh = grid()
    count = len(mesh.points)
    from scipy.sparse import diags

    dice = np.random.default_rng(4)
    first = (laplacian(mesh) + diags(dice.uniform(0.5, 1.0, count))).tocsr()
    second = (first + diags(dice.uniform(0, 2, count))).tocsr()
    wanted = dice.normal(size=(count, 3))
    solve = factorised(first)
    assert np.allclose(solve(wanted), np.linalg.solve(first.toarray(), wanted))
    exact = np.linalg.solve(second.toarray(), wanted)
    reached = solved_near(second, solve, wanted, np.zeros_like(wanted))
    assert np.abs(reached - exact).max() < 1e-4 * np.abs(exact).max()
    assert np.allclose(solved_near(second, solve, wanted, exact), exact)
