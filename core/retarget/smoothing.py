# SPDX-License-Identifier: GPL-3.0-or-later
"""Smooth Level: how much the displacements of a wrapped mesh are evened out, 0 (off) to 10.

Offline the smoothing is one implicit diffusion step (Desbrun et al. 1999) of the displacements d,

    (M + t L_s) d' = M d,    t = 0.01 * 1.6^(level - 1) * mean vertex area,

with the lumped areas M and the cotangent Laplacian L_s whose edges weigh sqrt(s_i s_j) times as
much. The weights s (see `weights`) spare lids and the lips' contact, which smoothing would keep
from closing.

Live it is `BLUR_STEPS` steps of Blender's Blur Attribute node over the mesh's edges (`blurred`);
`blur_weight` says how strong, so that a wave of middling length is damped as by the implicit step
on a regular mesh.
"""

from __future__ import annotations

import numpy as np

from ..arrays import AnyArray, Doubles
from .mesh import Mesh

HIGHEST = 10
DEFAULT = 1
SPARED = 0.1  # the weight where lids or lips meet
BLUR_STEPS = 2  # of the live form, at every level but 0
_COLUMNS, _STEPS = 24, 60  # of conjugate gradients at a time, which bounds memory; at most
_FIRST = 0.01
_GROWTH = 1.6
_NEIGHBOURS = 4  # of a vertex in a mesh of quads
_PULL = 2.0 * np.sqrt(3.0)  # L over M of equilateral triangles, toward the mean of the neighbours


def diffusion(level: float) -> float:
    """t in mean vertex areas. Raises ValueError outside 0..10."""
    if not 0 <= level <= HIGHEST:
        raise ValueError(f"smooth level {level} is not within 0 to {HIGHEST}")
    return 0.0 if level == 0 else _FIRST * _GROWTH ** (level - 1)


def blur_weight(level: float) -> float:
    """The weight of each neighbour in the live form's steps; 0 at level 0.

    On a regular mesh the implicit step damps a displacement with curvature p (0 for constant, 1 for
    noise: 1 - mean of the neighbours over the own) by 1 / (1 + r p), r = 2 sqrt(3) t / mean area,
    and a blur step toward the neighbours' mean by a share f damps it by 1 - f p. Both are equal at
    p = 1/2 with f = 2 (1 - (1 + r/2)^(-1/steps)); a vertex with 4 neighbours of weight w has
    f = 4 w / (1 + 4 w).
    """
    rate = _PULL * diffusion(level)
    share = 2.0 * (1.0 - (1.0 + rate / 2.0) ** (-1.0 / BLUR_STEPS))
    return share / (_NEIGHBOURS * (1.0 - share))


def blurred(
    moves: AnyArray, edges: AnyArray, weights: AnyArray, steps: int = BLUR_STEPS
) -> Doubles:
    """Displacements (N, 3) after Blender's Blur Attribute: in each step every vertex becomes
    (own + weight * sum of neighbours) / (1 + weight * number of neighbours).

    `edges` (E, 2) of the driven mesh, `weights` (N,) are `blur_weight(level)` times the weights
    kept at the vertices.
    """
    moves, edges = np.array(moves, np.float64), np.asarray(edges)
    ends, others = edges.ravel(), edges[:, ::-1].ravel()
    count = len(moves)
    weights = np.asarray(weights, np.float64)[:, None]
    below = 1.0 + weights * np.bincount(ends, minlength=count)[:, None]
    for _ in range(steps):
        sums = [np.bincount(ends, moves[others, axis], count) for axis in range(3)]
        moves = (moves + weights * np.stack(sums, axis=1)) / below
    return moves


def weights(distances: AnyArray, near: float, far: float) -> Doubles:
    """Weights (N,) of the smoothing from each vertex' distance to the nearest place where lids or
    lips meet: `SPARED` up to `near`, 1 from `far`, a smooth step between."""
    share = np.clip((np.asarray(distances, np.float64) - near) / max(far - near, 1e-12), 0.0, 1.0)
    return SPARED + (1.0 - SPARED) * share * share * (3.0 - 2.0 * share)


class Smoothing:
    """The offline form for one mesh and level.

    The step is short, so conjugate gradients end after a few rounds; a factorisation takes minutes
    for some meshes of 200,000 vertices. Raises ValueError for a level outside 0..10. `weights`
    (N,) 0..1; without them 1 everywhere.
    """

    def __init__(self, mesh: Mesh, level: float, weights: AnyArray | None = None) -> None:
        self._areas: Doubles | None = None
        time = diffusion(level)
        if not time or not len(mesh.triangles):
            return
        from scipy import sparse

        from .laplacian import laplacian, lumped_areas

        areas = lumped_areas(mesh)
        kept = np.ones(len(areas)) if weights is None else np.asarray(weights, np.float64)
        # sqrt(s) L sqrt(s) would move constants; s on both ends of each edge does not.
        whole = sparse.coo_matrix(laplacian(mesh))
        between = whole.row != whole.col
        sides = -whole.data[between] * np.sqrt(kept[whole.row[between]] * kept[whole.col[between]])
        places = (whole.row[between], whole.col[between])
        edges = sparse.csr_matrix((sides, places), shape=whole.shape)
        spread = sparse.diags(np.asarray(edges.sum(axis=1)).ravel()) - edges
        self._areas = areas[:, None]
        self._matrix = (sparse.diags(areas) + time * float(areas.mean()) * spread).tocsr()

    def __call__(self, moves: AnyArray) -> Doubles:
        """Displacements (N, C) smoothed, of any number of columns."""
        moves = np.asarray(moves, np.float64)
        if self._areas is None:
            return moves
        from .laplacian import solved_near

        wanted, diagonal = self._areas * moves, self._matrix.diagonal()[:, None]
        smoothed = np.empty_like(moves)
        for first in range(0, moves.shape[1], _COLUMNS):
            some = slice(first, first + _COLUMNS)
            smoothed[:, some] = solved_near(
                self._matrix, lambda rest: rest / diagonal, wanted[:, some], moves[:, some], _STEPS
            )
        return smoothed
