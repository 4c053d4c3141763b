# SPDX-License-Identifier: GPL-3.0-or-later
"""Lips or lids that are one surface: their displacements meet without spikes."""

from __future__ import annotations

import numpy as np

from ..arrays import AnyArray, Doubles
from .laplacian import factorised, laplacian, lumped_areas
from .mesh import Corners, Mesh

_REACH = 3.0  # how far around a torn edge displacements give way, in mean lengths of torn places
_LEAST = 0.02  # of the mesh's diagonal


def mended(mesh: Mesh, torn: Corners, moves: AnyArray) -> Doubles:
    """Displacements (N, C) that give way around torn edges (M, 2).

    Within a reach r of them the displacements become those of a membrane that is held to its own
    displacement the more, the farther it is from the tear:

        (L + M k) d' = M k d,   k = (30 / r^2) (distance / r)^4 within r; outside all is kept.
    """
    from scipy.sparse import diags
    from scipy.spatial import cKDTree

    moves = np.asarray(moves, np.float64)
    middles = mesh.points[torn].mean(axis=1)
    size = float(np.linalg.norm(np.ptp(middles, axis=0)))
    reach = max(size / _REACH, _LEAST * mesh.diagonal)
    far, _ = cKDTree(middles).query(mesh.points, distance_upper_bound=reach)
    free = np.flatnonzero(np.isfinite(far))
    kept = np.ones(len(mesh.points), bool)
    kept[free] = False
    hold = 30.0 / reach**2 * (far[free] / reach) ** 4 * lumped_areas(mesh)[free]
    rows = laplacian(mesh)[free]
    system = rows[:, free] + diags(hold + 1e-9 * hold.max(initial=1e-300))
    fixed = np.flatnonzero(kept)
    result = moves.copy()
    result[free] = factorised(system)(hold[:, None] * moves[free] - rows[:, fixed] @ moves[fixed])
    return result
