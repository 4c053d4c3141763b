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

jawOpen and its corrective mouthClose are left alone: the transfer is linear, so together they bring
the fitted lips back to where they were, as they do on the driver.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import AnyArray, Doubles
from ..watch import Watch
from .extent import face_size
from .laplacian import factorised, laplacian, lumped_areas
from .mesh import Corners, Mesh, unit
from .names import JAW_OPEN, OPENINGS
from .pairs import similarity
from .smoothing import weights

UNTOUCHED = (JAW_OPEN, "mouthClose")
MOST_PAIRS = 400  # of one expression
STRENGTH = 0.5
_CLOSE = 1.2  # median edges: the gap of a closed pair
_OPENED = 3.0  # how many times wider it is at rest
_PARTNERS = 12  # that are looked at for each vertex
_RINGS = 4  # pairs that are nearer neighbours than this are one fold
_MOVES = 0.05  # of the expression's largest displacement: what counts as moving
_DECAY = 0.0235  # in sizes of the face: how far a correction reaches
_AROUND = 4.0  # decays: where it is nothing
_CLOSING = ("eyeBlinkLeft", "eyeBlinkRight", "mouthRollLower", "mouthRollUpper")
_SPARED_NEAR, _SPARED_FAR = 0.0155, 0.047  # in sizes of the face
_STILL = 40.0  # how much harder a vertex that rests is to move than one that moves most


class Meetings:
    """Finds the vertices of a mesh that a displacement brings together."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        ends = mesh.points[mesh.edges]
        lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
        self._edge = float(np.median(lengths)) if len(lengths) else 0.0

    def pairs(self, move: AnyArray) -> Corners:
        """Pairs (K, 2) of vertices that a displacement (V, 3) brings together, at most
        `MOST_PAIRS`."""
        from scipy.spatial import cKDTree

        sizes = np.linalg.norm(move, axis=1)
        none = np.zeros((0, 2), np.int32)
        if sizes.max(initial=0.0) <= self._edge * _MOVES:
            return none
        moving = np.flatnonzero(sizes > _MOVES * sizes.max())
        near = np.flatnonzero(self._reachable(moving, 2 * sizes.max()))
        points, posed = self._mesh.points, self._mesh.points + move
        far, other = cKDTree(posed[near]).query(
            posed[moving], k=min(_PARTNERS, len(near)), distance_upper_bound=_CLOSE * self._edge
        )
        row, column = np.nonzero(np.isfinite(far))
        pairs, far = np.stack([moving[row], near[other[row, column]]], axis=1), far[row, column]
        rest = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
        wide = (rest > _OPENED * far) & (rest > self._edge)
        pairs, far = pairs[wide], far[wide]
        if not len(pairs):
            return none
        apart = ~self._folded(pairs)
        pairs, far = pairs[apart], far[apart]
        # The closest partner of each vertex is enough, and not every vertex of a dense mesh.
        pairs = pairs[np.lexsort((far, pairs[:, 0]))]
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
    """Corrects the contacts of a transfer. `local` (V, 3, 3) are its derivatives, `size` that of
    the driver's face."""

    def __init__(self, driver: Mesh, fitted: Doubles, local: Doubles, size: float) -> None:
        self._driver = driver
        self._meetings = Meetings(driver)
        self._fitted = Mesh.of(fitted, driver.triangles)
        self._local = local
        self._decay = _DECAY * size * similarity(driver.points, fitted).scale

    def apply(
        self, moves: Doubles, moved: Doubles, names: Sequence[str], watch: Watch | None = None
    ) -> None:
        """Correct the displacements `moved` (E, V, 3) of the fitted mesh in place.

        `moves` (E, V, 3) are the driver's, `names` theirs.
        """
        for number, name in enumerate(names):
            if watch is not None:
                watch.tell(0.4 + 0.6 * number / len(names), "Let lids and lips meet")
            if name in UNTOUCHED:
                continue
            pairs = self._meetings.pairs(moves[number])
            if len(pairs):
                gaps = self._gaps(pairs, moves[number], moved[number])
                moved[number] += self._correction(pairs, gaps, moves[number])

    @cached_property
    def _laplacian(self) -> Any:
        return laplacian(self._fitted)

    @cached_property
    def _areas(self) -> Doubles:
        return lumped_areas(self._fitted)

    def _gaps(self, pairs: Corners, move: Doubles, reached: Doubles) -> Doubles:
        """By what (K, 3) the two of each pair have still to come together."""
        i, j = pairs.T
        rest = self._driver.points[i] - self._driver.points[j]
        local = (self._local[i] + self._local[j]) / 2
        closing = np.einsum("kij,kj->ki", local, move[i] - move[j])
        wished = np.einsum("kij,kj->ki", local, rest) + closing
        has = self._fitted.points[i] - self._fitted.points[j] + reached[i] - reached[j]
        along = unit(closing)
        # No pair goes farther than it came: a fit gone wrong must not throw the lids about.
        most = np.linalg.norm(closing, axis=1)
        still = np.clip(np.sum((wished - has) * along, axis=1), -most, most)
        gaps: Doubles = still[:, None] * along
        return gaps

    def _correction(self, pairs: Corners, gaps: Doubles, move: Doubles) -> Doubles:
        """The smoothest displacement (V, 3) that closes these gaps (K, 3)."""
        from scipy import sparse
        from scipy.spatial import cKDTree

        points, count = self._fitted.points, len(pairs)
        far, _ = cKDTree(points[np.unique(pairs)]).query(
            points, distance_upper_bound=_AROUND * self._decay
        )
        free = np.flatnonzero(np.isfinite(far))
        place = np.full(len(points), -1)
        place[free] = np.arange(len(free))
        rows = sparse.csr_matrix(
            (np.tile([1.0, -1.0], count), (np.repeat(np.arange(count), 2), place[pairs].ravel())),
            shape=(count, len(free)),
        )
        own, areas = self._laplacian[free], self._areas
        smooth = (own @ sparse.diags(1.0 / areas) @ own.T) * self._decay**4
        sizes = np.linalg.norm(move, axis=1)
        still = 1 - sizes[free] / sizes.max()
        held = areas[free] * (1 + (_STILL - 1) * still**2)
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
    size = face_size(driver.points, moves)
    return weights(far, _SPARED_NEAR * size, _SPARED_FAR * size)
