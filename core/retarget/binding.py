# SPDX-License-Identifier: GPL-3.0-or-later
"""Binding: which point of the fitted mesh each vertex of the target follows.

The closest point will not do: lips and lids lie on each other, and a vertex of the upper lip that
follows the lower one is torn away as soon as the mouth opens. So a vertex takes the place that is
least in

    distance^2 + SPLIT |u - mean of its neighbours' u|^2    among places that face as it does,

where u are displacements on the fitted mesh that tell its sheets apart: the opening of the mouth,
the closing of the lids. Neighbours are those of the target's own surface, so a vertex of the upper
lip stays with the upper lip. The sum is lessened by turns (iterated conditional modes, Besag 1986):
each turn is one search for closest points in the space of (x, sqrt(SPLIT) u), which finds the right
sheet, and a walk on that sheet to its closest point in space, since u alone must not pull a vertex
along its own sheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import AnyArray, Doubles
from ..watch import Watch
from .cleaning import SAME, firsts
from .laplacian import lumped_areas
from .mesh import Corners, Mesh, unit
from .pairs import SurfacePoints
from .sheets import SheetWalk
from .surface import Surface
from .wrap import longest_first

SPLIT = 0.5
SWEEPS = 10
FACING = 0.2  # least cosine between the normals, about 78 degrees
NEAR_SHARE, FAR_SHARE = 0.03, 0.2  # in diagonals of the fitted mesh: followed wholly, not at all
_NEAR = 16
_ON = 0.015  # in diagonals: what is closer than this to the fitted mesh is the face itself
_DOUBT = 0.01  # of the largest u: neighbours that agree so well need no second look
_TORN = 0.5  # of the largest u: an edge whose ends differ so much is torn
_TORN_STEEP = 4.0  # and by so many of its own lengths


@dataclass(frozen=True, eq=False)
class Binding:
    """`corners` (N, 3) int32 and `shares` (N, 3) of the point on the fitted mesh that each vertex
    of the target follows, `distances` (N,) to it, `weights` (N,) 0..1 how far it follows (parts far
    from the face do not). `torn` (M, 2) are edges of the target whose ends go apart, in number
    `torn_in` (M,) of the displacements that tell the sheets apart: lips or lids that are one."""

    corners: Corners
    shares: Doubles
    distances: Doubles
    weights: Doubles
    torn: Corners
    torn_in: Corners

    @property
    def feet(self) -> SurfacePoints:
        """The points on the fitted mesh."""
        return SurfacePoints(self.corners, self.shares)


def bind(fitted: Mesh, open_moves: AnyArray, target: Mesh, watch: Watch | None = None) -> Binding:
    """Bind the target's vertices to the fitted mesh.

    `open_moves` (V, 3), or several of them (K, V, 3), are displacements of the fitted mesh that
    tell its sheets apart: the mouth's opening, the lids' closing. The target may have loose parts,
    vertices without triangles, several vertices at one place, and edges of any number of triangles.
    """
    watch = watch or Watch()
    watch.tell(0.0, "Bind the target to the fitted mesh")
    telling = np.atleast_3d(np.asarray(open_moves, np.float64)).reshape(-1, len(fitted.points), 3)
    features = np.sqrt(SPLIT) * np.concatenate(list(telling), axis=1)
    welded = _welded(target)
    links = _Links(target, welded)
    corners, shares, seen = _settled(fitted, features, target, welded, links, watch)
    feet = longest_first(fitted.points, SurfacePoints(corners, shares))
    corners, shares, seen = feet.corners[welded], feet.shares[welded], seen[welded]
    distances = np.linalg.norm(target.points - feet.on(fitted.points)[welded], axis=1)
    near = distances < _ON * fitted.diagonal
    return Binding(
        corners,
        shares,
        distances,
        _nearness(links, welded, distances, fitted.diagonal),
        *_torn(target, seen / np.sqrt(SPLIT), _face(links, target, welded, near)),
    )


def _settled(
    fitted: Mesh,
    features: Doubles,
    target: Mesh,
    welded: Corners,
    links: _Links,
    watch: Watch,
) -> tuple[Corners, Doubles, Doubles]:
    """Corners, shares and features of the places that the vertices end up with."""
    normals = _normals(target, welded, fitted)
    plain = Surface(fitted)
    hits = plain.closest(target.points, normals, FACING, _NEAR)
    # Where nothing faces the right way (loose cards, flat parts), the closest is taken.
    lost = ~hits.found
    corners, shares = fitted.triangles[hits.triangles], hits.shares
    if lost.any():
        anyhow = plain.closest(target.points[lost], None, FACING, _NEAR)
        corners[lost], shares[lost] = fitted.triangles[anyhow.triangles], anyhow.shares
    split, walk = Surface(fitted, features=features), SheetWalk(fitted, FACING)
    bar = (_DOUBT * np.linalg.norm(features, axis=1).max(initial=0.0)) ** 2
    seen = _at(features, corners, shares)
    for sweep in range(SWEEPS):
        watch.tell((1 + sweep) / (1 + SWEEPS), "Bind the target to the fitted mesh")
        wished = links.means(seen)
        doubtful = np.flatnonzero((((seen - wished) ** 2).sum(axis=1) > bar) & ~lost)
        if not len(doubtful):
            break
        better = split.closest(
            target.points[doubtful], normals[doubtful], FACING, _NEAR, wished[doubtful]
        )
        taken, before = doubtful[better.found], seen.copy()
        sheet = walk(target.points[taken], normals[taken], better.triangles[better.found])
        corners[taken], shares[taken] = fitted.triangles[sheet[0]], sheet[1]
        seen[taken] = _at(features, corners[taken], shares[taken])
        if ((seen - before) ** 2).sum(axis=1).max() <= bar:
            break
    return corners, shares, seen


def _at(values: Doubles, corners: Corners, shares: Doubles) -> Doubles:
    mixed: Doubles = np.einsum("nc,ncd->nd", shares, values[corners])
    return mixed


def _normals(target: Mesh, welded: Corners, fitted: Mesh) -> Doubles:
    """Normals of the target, over seams, turned about when most of them face the wrong way."""
    summed = Mesh.of(target.points, welded[target.triangles]).normals[welded]
    hits = Surface(fitted).closest(target.points, None, FACING, 1)
    if not len(fitted.triangles):
        return summed
    facing = np.einsum("nd,nd->n", unit(fitted.crossed)[hits.triangles], summed)
    close = hits.distances < _ON * fitted.diagonal
    return -summed if facing[close].sum() < 0 else summed


def _welded(target: Mesh) -> Corners:
    """For each vertex the one that stands for all at its place that face as it does.

    Split seams thus stay closed, while lips that touch stay two.
    """
    count = len(target.points)
    numbers = np.arange(count, dtype=np.int32)
    stands = firsts(target.points, SAME * target.diagonal)
    twice = stands != numbers
    alike = np.einsum("nd,nd->n", target.normals, target.normals[stands]) > 0.5
    lone = ~target.normals.any(axis=1)
    return np.where(twice & (alike | lone), stands, numbers).astype(np.int32)


class _Links:
    """The target's edges between the vertices that stand for their places, with their lengths."""

    def __init__(self, target: Mesh, welded: Corners) -> None:
        count = len(target.points)
        edges = np.sort(welded[target.edges], axis=1).astype(np.int64)
        keys = np.unique(edges[:, 0] * count + edges[:, 1])
        edges = np.stack([keys // max(count, 1), keys % max(count, 1)], axis=1)
        self._edges = edges[edges[:, 0] != edges[:, 1]]
        ends = target.points[self._edges]
        lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
        self._lengths = np.maximum(lengths, 1e-9 * max(target.diagonal, 1e-300))
        self._count = count
        self._near = self._matrix(1.0 / self._lengths)
        self._total = np.asarray(self._near.sum(axis=1)).reshape(-1, 1)

    def _matrix(self, values: Doubles) -> Any:
        from scipy import sparse

        size = (self._count, self._count)
        half = sparse.csr_matrix((values, self._edges.T), shape=size)
        return (half + half.T).tocsr()

    def means(self, values: Doubles) -> Doubles:
        """Means of values (N, C) over each vertex' neighbours, weighted by 1 / length."""
        mixed: Doubles = self._near @ values / np.maximum(self._total, 1e-300)
        return np.where(self._total > 0, mixed, values)

    @cached_property
    def parts(self) -> AnyArray:
        """Numbers (N,) of the loose parts."""
        from scipy.sparse.csgraph import connected_components

        found: AnyArray = connected_components(self._near, directed=False)[1]
        return found

    def ways(self, begin: AnyArray, limit: float) -> Doubles:
        """Length (N,) of the way over edges from the nearest vertex of `begin`, up to a limit;
        infinite beyond, and -1 where no edges lead."""
        from scipy.sparse.csgraph import dijkstra

        part = self.parts
        far = dijkstra(self._matrix(self._lengths), indices=begin, min_only=True, limit=limit)
        reached: Doubles = np.where(np.isin(part, part[begin]), far, -1.0)
        return reached


def _nearness(links: _Links, welded: Corners, distances: Doubles, diagonal: float) -> Doubles:
    """Weights: 1 on the face and near it, falling to 0 with the way over the surface from there.

    The way counts, not the distance: the chest lies near the chin, but far along the skin. Loose
    parts that the face does not reach go by their distance.
    """
    near, far = NEAR_SHARE * diagonal, FAR_SHARE * diagonal
    away, core = distances, np.unique(welded[distances < _ON * diagonal])
    if len(core):
        ways = links.ways(core, far)[welded]
        away = np.where(ways >= 0, ways, distances)
    left = np.clip((far - away) / (far - near), 0.0, 1.0)
    smooth: Doubles = left * left * (3.0 - 2.0 * left)
    return smooth


def _face(links: _Links, target: Mesh, welded: Corners, near: AnyArray) -> AnyArray:
    """Which vertices (N,) belong to that loose part which most of the face is, by its area."""
    if not len(target.triangles):
        return np.zeros(len(target.points), bool)
    part = links.parts[welded]
    areas = np.bincount(part, np.where(near, lumped_areas(target), 0.0))
    return np.asarray(part == areas.argmax())


def _torn(target: Mesh, seen: Doubles, face: AnyArray) -> tuple[Corners, Corners]:
    """Torn edges, and in which of the displacements that the columns of `seen` (N, 3 K) hold.

    Those of the face (N,) alone: teeth and tongue that nobody named are no lips.
    """
    edges = target.edges[face[target.edges].all(axis=1)]
    parts = seen.reshape(len(seen), seen.shape[1] // 3, 3)
    apart = np.linalg.norm(parts[edges[:, 0]] - parts[edges[:, 1]], axis=2)
    lengths = np.linalg.norm(target.points[edges[:, 0]] - target.points[edges[:, 1]], axis=1)
    largest = np.linalg.norm(parts, axis=2).max(axis=0, initial=0.0)
    steep = (apart > _TORN * largest) & (apart > _TORN_STEEP * lengths[:, None]) & (largest > 0)
    which, number = np.nonzero(steep)
    return edges[which], number.astype(np.int32)
