# SPDX-License-Identifier: GPL-3.0-or-later
"""The cotangent Laplacian of a triangle mesh, its lumped areas, and sparse factorisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import Doubles
from .mesh import Mesh

Sparse = Any  # a scipy.sparse matrix; scipy is loaded inside functions only
Solve = Callable[[Doubles], Doubles]
LEAST_COTANGENT, MOST_COTANGENT = 0.01, 10.0  # half cotangents; keeps every weight above 0
_LEAST_AREA = 1e-3  # of the mean
CLOSE, STEPS = 1e-5, 12  # of conjugate gradients: residual of the right side, and most steps
_TINY = 1e-300


def laplacian(mesh: Mesh) -> Sparse:
    """The positive semidefinite cotangent Laplacian, CSR (V, V); its rows sum to 0.

    An edge weighs the sum of half the cotangents of the angles opposite to it (Pinkall and
    Polthier 1993), each kept within LEAST_COTANGENT..MOST_COTANGENT, so that thin triangles do no
    harm and every weight is positive.
    """
    from scipy.sparse import csr_matrix, diags

    rows, columns, weights = [], [], []
    for corner in range(3):
        i, j, _ = (mesh.triangles[:, (corner + step) % 3] for step in range(3))
        weight = half_cotangents(mesh, (corner + 2) % 3)
        rows += [i, j]
        columns += [j, i]
        weights += [weight, weight]
    count = len(mesh.points)
    places = (np.concatenate(rows), np.concatenate(columns))
    sides = csr_matrix((np.concatenate(weights), places), shape=(count, count))
    return (diags(np.asarray(sides.sum(axis=1)).ravel()) - sides).tocsr()


def half_cotangents(mesh: Mesh, corner: int) -> Doubles:
    """Half the cotangent (F,) of each triangle's angle at a corner (0..2), clamped."""
    i, j, apex = (mesh.points[mesh.triangles[:, (corner + step) % 3]] for step in (1, 2, 0))
    one, other = i - apex, j - apex
    doubled = np.linalg.norm(np.cross(one, other), axis=1)
    cosines = np.einsum("fd,fd->f", one, other)
    half = 0.5 * cosines / np.maximum(doubled, _TINY)
    return np.asarray(np.clip(half, LEAST_COTANGENT, MOST_COTANGENT))


def lumped_areas(mesh: Mesh) -> Doubles:
    """A third (V,) of the area of the triangles around each vertex, at least 0.001 of the mean."""
    each = np.linalg.norm(mesh.crossed, axis=1) / 6
    areas = np.bincount(mesh.triangles.ravel(), np.repeat(each, 3), len(mesh.points))
    return np.asarray(np.maximum(areas, max(_LEAST_AREA * areas.mean(), _TINY)))


def factorised(matrix: Sparse) -> Solve:
    """A function that solves ``matrix`` x = b (b of one or more columns).

    For symmetric positive definite matrices: SuperLU in symmetric mode without pivoting, minimum
    degree ordering of A^T + A.
    """
    from scipy.sparse.linalg import splu

    lu = splu(
        matrix.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    solve: Solve = lu.solve
    return solve


def solved_near(
    matrix: Sparse, near: Solve, wanted: Doubles, start: Doubles, steps: int = STEPS
) -> Doubles:
    """x of ``matrix`` x = ``wanted`` (V, C), when a matrix much like it is factorised already.

    Conjugate gradients from ``start`` (V, C) with ``near``, the solution of the other matrix, as
    preconditioner: much cheaper than a factorisation. Ends at CLOSE or after so many steps.
    """
    x = np.array(start, np.float64)
    rest = wanted - matrix @ x
    bar = CLOSE * np.linalg.norm(wanted)
    moved = near(rest)
    along, slope = moved, (rest * moved).sum(axis=0)
    for _ in range(steps):
        if np.linalg.norm(rest) <= bar:
            break
        across = matrix @ along
        step = slope / np.maximum((along * across).sum(axis=0), _TINY)
        x += step * along
        rest -= step * across
        moved = near(rest)
        before, slope = slope, (rest * moved).sum(axis=0)
        along = moved + slope / np.maximum(before, _TINY) * along
    return x
