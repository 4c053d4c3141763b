# SPDX-License-Identifier: GPL-3.0-or-later
"""Lids and lips that meet on the driver meet on the fitted mesh, too.

A pair of driver vertices which an expression brings together, though they are apart at rest, asks
for the same of the fitted mesh: its gap there becomes the driver's gap, brought over by the local
derivatives, instead of what the two transferred displacements leave of it. Only the part of that
along the closing counts; along the lids' edge they may slide. The correction c of the displacements
is as smooth as it can be:

    minimise  decay^4 |M^-1/2 L c|^2 + |M^1/2 S c|^2 + STRENGTH |R c - gaps|^2

around the pairs and nothing elsewhere, L and M being the Laplacian and lumped areas of the fitted
mesh, R the pairs' differences, and S larger where the driver hardly moves, so that in a blink the
upper lid goes the rest of the way and not the lower.

mouthClose is made for an open jaw: its pairs are looked for on jawOpen + mouthClose, and correct
mouthClose.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import AnyArray, Doubles
from ..watch import Watch
from .laplacian import factorised, laplacian, lumped_areas
from .mesh import Corners, Mesh, unit
from .smoothing import weights

CORRECTIVES = {"mouthClose": "jawOpen"}
OPENINGS = ("jawOpen", "open mouth")  # what parts the lips; the second is the OpenMouth mesh's
MOST_PAIRS = 400  # of one expression
STRENGTH = 0.5
_CLOSE = 1.2  # median edges: the gap of a closed pair
_OPENED = 3.0  # how many times wider it is at rest
_RINGS = 4  # pairs that are nearer neighbours than this are one fold
_MOVES = 0.05  # of the expression's largest displacement: what counts as moving
_DECAY = 0.015  # in diagonals: how far a correction reaches
_AROUND = 4.0  # decays: where it is nothing
_CLOSING = ("eyeBlinkLeft", "eyeBlinkRight", "mouthRollLower", "mouthRollUpper")
_SPARED_NEAR, _SPARED_FAR = 0.01, 0.03  # in diagonals
_STILL = 40.0  # how much harder a vertex that rests is to move than one that moves most


class Meetings:
    """Finds the vertices of a mesh that a displacement brings together."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        ends = mesh.points[mesh.edges]
        lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
        self._edge = float(np.median(lengths)) if len(lengths) else 0.0

    def pairs(self, move: Doubles, own: Doubles | None = None) -> Corners:
        """Pairs (K, 2) of vertices that a displacement (V, 3) of the driver brings together.

        Of `own` (V, 3), if it is not all of the displacement, one of each pair has to move.
        """
        from scipy.spatial import cKDTree

        sizes = np.linalg.norm(move, axis=1)
        mine = sizes if own is None else np.linalg.norm(own, axis=1)
        if mine.max(initial=0.0) <= self._edge * _MOVES:
            return np.zeros((0, 2), np.int32)
        moving = np.flatnonzero(mine > _MOVES * mine.max())
        near = np.flatnonzero(self._reachable(moving, 2 * sizes.max()))
        posed = self._mesh.points + move
        far, other = cKDTree(posed[near]).query(
            posed[moving], k=12, distance_upper_bound=_CLOSE * self._edge
        )
        row, column = np.nonzero(np.isfinite(far))
        first, second, far = moving[row], near[other[row, column]], far[row, column]
        points = self._mesh.points
        rest = np.linalg.norm(points[first] - points[second], axis=1)
        wide = (rest > _OPENED * far) & (rest > self._edge)
        pairs, far = np.stack([first, second], axis=1)[wide], far[wide]
        if not len(pairs):
            return np.zeros((0, 2), np.int32)
        apart = ~self._folded(pairs)
        pairs, far = pairs[apart], far[apart]
        # The closest partner of each vertex is enough, and not every vertex of a dense mesh.
        order = np.lexsort((far, pairs[:, 0]))
        pairs = pairs[order]
        pairs = pairs[np.unique(pairs[:, 0], return_index=True)[1]]
        pairs = np.unique(np.sort(pairs, axis=1), axis=0).astype(np.int32)
        return pairs[:: 1 + len(pairs) // MOST_PAIRS]

    def _reachable(self, vertices: AnyArray, far: float) -> AnyArray:
        points = self._mesh.points
        low, high = points[vertices].min(axis=0) - far, points[vertices].max(axis=0) + far
        return ((points >= low) & (points <= high)).all(axis=1)

    def _folded(self, pairs: AnyArray) -> AnyArray:
        """Whether the two of a pair are near neighbours on the surface."""
        starts, which = np.unique(pairs[:, 0], return_inverse=True)
        reached = self._adjacent[starts]
        for _ in range(_RINGS - 1):
            reached = reached @ self._adjacent
        return np.asarray(reached[which, pairs[:, 1]]).ravel() > 0

    @cached_property
    def _adjacent(self) -> Any:
        from scipy import sparse

        edges, count = self._mesh.edges, len(self._mesh.points)
        half = sparse.csr_matrix((np.ones(len(edges)), edges.T), shape=(count, count))
        return (half + half.T + sparse.identity(count)).tocsr()


class Contacts:
    """Corrects the contacts of a transfer. `local` (V, 3, 3) are its derivatives."""

    def __init__(self, driver: Mesh, fitted: Doubles, local: Doubles) -> None:
        self._driver = driver
        self._meetings = Meetings(driver)
        self._fitted = Mesh.of(fitted, driver.triangles)
        self._local = local

    def apply(
        self, moves: Doubles, moved: Doubles, names: Sequence[str], watch: Watch | None = None
    ) -> None:
        """Correct the displacements `moved` (E, V, 3) of the fitted mesh in place.

        `moves` (E, V, 3) are the driver's, `names` theirs.
        """
        order = {name: number for number, name in enumerate(names)}
        late = [name for name in CORRECTIVES if {name, CORRECTIVES[name]} <= order.keys()]
        for place, name in enumerate([each for each in names if each not in late] + late):
            if watch is not None:
                watch.tell(0.4 + 0.6 * place / len(names), "Let lids and lips meet")
            number = order[name]
            together, reached = moves[number], moved[number]
            if name in late:
                other = order[CORRECTIVES[name]]
                together, reached = together + moves[other], reached + moved[other]
            pairs = self._meetings.pairs(together, moves[number])
            if len(pairs):
                moved[number] += self._correction(pairs, together, reached)

    @cached_property
    def _laplacian(self) -> Any:
        return laplacian(self._fitted)

    @cached_property
    def _areas(self) -> Doubles:
        return lumped_areas(self._fitted)

    def _correction(self, pairs: Corners, move: Doubles, reached: Doubles) -> Doubles:
        from scipy import sparse
        from scipy.spatial import cKDTree

        i, j = pairs.T
        rest = self._driver.points[i] - self._driver.points[j]
        closing = move[i] - move[j]
        local = (self._local[i] + self._local[j]) / 2
        along = unit(np.einsum("kij,kj->ki", local, closing))
        wished = np.einsum("kij,kj->ki", local, rest + closing)
        has = self._fitted.points[i] - self._fitted.points[j] + reached[i] - reached[j]
        gaps = np.sum((wished - has) * along, axis=1, keepdims=True) * along

        decay = _DECAY * self._fitted.diagonal
        involved = self._fitted.points[np.unique(pairs)]
        far, _ = cKDTree(involved).query(self._fitted.points, distance_upper_bound=_AROUND * decay)
        free = np.flatnonzero(np.isfinite(far))
        place = np.full(len(self._fitted.points), -1)
        place[free] = np.arange(len(free))
        count = len(pairs)
        ends = np.concatenate([place[i], place[j]])
        rows = sparse.csr_matrix(
            (np.repeat([1.0, -1.0], count), (np.tile(np.arange(count), 2), ends)),
            shape=(count, len(free)),
        )
        own = self._laplacian[free]
        areas = self._areas
        smooth = (own @ sparse.diags(1.0 / areas) @ own.T) * decay**4
        sizes = np.linalg.norm(move[free], axis=1) / np.linalg.norm(move, axis=1).max()
        held = areas[free] * (1 + (_STILL - 1) * (1 - sizes) ** 2)
        strength = STRENGTH * areas[free].sum() / count
        system = smooth + sparse.diags(held) + strength * (rows.T @ rows)
        correction = np.zeros_like(move)
        correction[free] = factorised(system)(strength * (rows.T @ gaps))
        return correction


def spared(driver: Mesh, moves: AnyArray, names: Sequence[str]) -> Doubles:
    """Weights (V,) of the smoothing for the driver's vertices: small where lids or lips meet in one
    of its shapes (E, V, 3), or part when the jaw opens."""
    from scipy.spatial import cKDTree

    finder = Meetings(driver)
    found = [
        finder.pairs(move) for name, move in zip(names, moves, strict=True) if name in _CLOSING
    ]
    opening = next((name for name in OPENINGS if name in names), None)
    if opening is not None:
        move = np.asarray(moves[list(names).index(opening)], np.float64)
        found.append(Meetings(driver.moved_to(driver.points + move)).pairs(-move))
    meeting = np.unique(np.concatenate([np.zeros((0, 2), np.int32), *found]))
    if not len(meeting):
        return np.ones(len(driver.points))
    far, _ = cKDTree(driver.points[meeting]).query(driver.points)
    return weights(far, _SPARED_NEAR * driver.diagonal, _SPARED_FAR * driver.diagonal)
