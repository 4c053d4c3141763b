# SPDX-License-Identifier: GPL-3.0-or-later
"""Small mesh tools in plain numpy: neighbours, edge loops, mirroring, normals, closest points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

MIRROR = np.array([-1.0, 1.0, 1.0])


def edges_of(quads: Ints) -> Ints:
    """Unique undirected edges (E, 2) of quads (M, 4)."""
    pairs = np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)])
    return np.unique(np.sort(pairs, axis=1), axis=0)


@dataclass(frozen=True)
class Neighbours:
    """Directed edges (2E, 2) and each vertex' number of neighbours (V,)."""

    heads: Ints
    tails: Ints
    degree: Floats

    @classmethod
    def of(cls, quads: Ints, count: int) -> Neighbours:
        """Neighbours by edge for `count` vertices."""
        edges = edges_of(quads)
        heads = np.concatenate([edges[:, 0], edges[:, 1]])
        tails = np.concatenate([edges[:, 1], edges[:, 0]])
        degree = np.maximum(np.bincount(heads, minlength=count), 1).astype(float)
        return cls(heads, tails, degree)

    def mean(self, values: Floats) -> Floats:
        """Mean of the neighbours' values, (V, ...) -> (V, ...)."""
        total = np.zeros_like(values)
        np.add.at(total, self.heads, values[self.tails])
        return total / self.degree.reshape((-1,) + (1,) * (values.ndim - 1))

    def grow(self, mask: Mask, rings: int = 1) -> Mask:
        """The mask and its neighbours, `rings` times."""
        mask = mask.copy()
        for _ in range(rings):
            mask[self.heads[mask[self.tails]]] = True
        return mask

    def distance(self, seeds: Mask) -> Ints:
        """Number of edges to the nearest seed, (V,)."""
        steps = np.where(seeds, 0, -1)
        reached = seeds.copy()
        step = 0
        while True:
            grown = self.grow(reached)
            fresh = grown & ~reached
            if not fresh.any():
                return steps
            step += 1
            steps[fresh] = step
            reached = grown


def smooth(
    values: Floats, around: Neighbours, limit: float, rounds: int = 1, fixed: Mask | None = None
) -> Floats:
    """Low-pass (Taubin) that never moves a value farther than `limit` per coordinate.

    With the rounding step of the source as the limit it removes rounding steps and nothing else.
    """
    result = values
    for _ in range(rounds):
        for factor in (0.5, -0.53):
            result = result + factor * (around.mean(result) - result)
    result = values + np.clip(result - values, -limit, limit)
    if fixed is not None:
        result[fixed] = values[fixed]
    return result


def mirror_map(points: Floats, tolerance: float = 1e-3) -> Ints:
    """For each point the index of its mirror image over x = 0; raises if one has none."""
    result = np.empty(len(points), dtype=np.int64)
    for start in range(0, len(points), 512):
        block = points[start : start + 512] * MIRROR
        distance = ((block[:, None] - points[None]) ** 2).sum(axis=2)
        result[start : start + 512] = distance.argmin(axis=1)
    worst = np.abs(points[result] * MIRROR - points).max()
    if worst > tolerance or (result[result] != np.arange(len(points))).any():
        raise ValueError(f"The mesh is not mirror symmetric (worst distance {worst:.4f} cm).")
    return result


def edge_loop(quads: Ints, first: int, second: int) -> Ints:
    """Follow the edge loop that starts with the edge first -> second until it closes or ends."""
    around: dict[int, list[Ints]] = {}
    for quad in quads:
        for corner in quad:
            around.setdefault(int(corner), []).append(quad)
    loop = [first, second]
    while True:
        before, here = loop[-2], loop[-1]
        touching = around[here]
        beside = {int(v) for quad in touching if before in quad for v in quad}
        ahead = {
            int(quad[(list(quad).index(here) + turn) % 4]) for quad in touching for turn in (1, 3)
        }
        ahead -= beside
        if len(touching) != 4 or len(ahead) != 1:
            return np.array(loop)
        (after,) = ahead
        if after == first:
            return np.array(loop)
        loop.append(after)


def flood(around: Neighbours, seed: int, wall: Ints) -> Mask:
    """Everything connected to `seed` without crossing the wall; the wall is not included."""
    blocked = np.zeros(len(around.degree), dtype=bool)
    blocked[wall] = True
    reached = np.zeros_like(blocked)
    reached[seed] = True
    while True:
        grown = around.grow(reached) & ~blocked
        if grown.sum() == reached.sum():
            return reached
        reached = grown


def triangles_of(quads: Ints) -> Ints:
    """Two triangles per quad, (2M, 3)."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


@dataclass(frozen=True)
class Binding:
    """Points on a surface: three vertex indices (N, 3) and barycentric weights (N, 3)."""

    corners: Ints
    weights: Floats

    def carry(self, values: Floats) -> Floats:
        """Interpolate vertex values (V, C) to the points, (N, C)."""
        return np.einsum("nk,nkc->nc", self.weights, values[self.corners])


def bind(points: Floats, surface: Floats, triangles: Ints) -> Binding:
    """Closest points of a triangulated surface, among the 48 triangles with the nearest middles."""
    corners = np.empty((len(points), 3), dtype=np.int64)
    weights = np.empty((len(points), 3))
    centres = surface[triangles].mean(axis=1)
    lengths = (centres**2).sum(axis=1)
    for start in range(0, len(points), 128):
        block = points[start : start + 128]
        near = np.argpartition(lengths - 2 * block @ centres.T, 48, axis=1)[:, :48]
        flat = triangles[near].reshape(-1, 3)
        places = np.repeat(block, 48, axis=0)
        local = closest_barycentric(places, surface[flat])
        spots = np.einsum("nk,nkc->nc", local, surface[flat])
        best = ((spots - places) ** 2).sum(axis=1).reshape(near.shape).argmin(axis=1)
        rows = best + 48 * np.arange(len(block))
        corners[start : start + 128], weights[start : start + 128] = flat[rows], local[rows]
    return Binding(corners, weights)


def closest_barycentric(points: Floats, triangles: Floats) -> Floats:
    """Barycentric weights (N, 3) of the point of each triangle (N, 3, 3) closest to `points`,
    which are one (3,) or one for each triangle (N, 3)."""
    points = np.broadcast_to(points, (len(triangles), 3))
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    normal = np.cross(b - a, c - a)
    area = np.maximum((normal**2).sum(axis=1), 1e-18)
    to_point = points - a
    v = (np.cross(to_point, c - a) * normal).sum(axis=1) / area
    w = (np.cross(b - a, to_point) * normal).sum(axis=1) / area
    best = np.stack([1 - v - w, v, w], axis=1)
    outside = (best < 0).any(axis=1)
    if outside.any():
        best[outside] = _closest_on_edges(points[outside], triangles[outside])
    return best


def _closest_on_edges(points: Floats, triangles: Floats) -> Floats:
    """Like `closest_barycentric`, on the triangles' edges only."""
    count = len(triangles)
    best, record = np.zeros((count, 3)), np.full(count, np.inf)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        start, along = triangles[:, i], triangles[:, j] - triangles[:, i]
        length = np.maximum((along**2).sum(axis=1), 1e-18)
        t = np.clip(((points - start) * along).sum(axis=1) / length, 0, 1)
        distance = ((start + t[:, None] * along - points) ** 2).sum(axis=1)
        better = distance < record
        record[better] = distance[better]
        best[better] = 0
        best[better, i] = 1 - t[better]
        best[better, j] = t[better]
    return best


@dataclass(frozen=True)
class Limit:
    """Where Catmull-Clark subdivision takes the cage's own vertices (linear in the points)."""

    around: Neighbours
    quads: Ints
    sides: Floats
    border: Mask

    @classmethod
    def of(cls, quads: Ints, around: Neighbours) -> Limit:
        """Prepare for a mesh of quads; vertices on the open border stay where they are."""
        sides = np.bincount(quads.ravel(), minlength=len(around.degree)).astype(float)
        return cls(around, quads, sides, sides != around.degree)

    def __call__(self, values: Floats) -> Floats:
        """Limit positions (or displacements) for vertex values (V, 3)."""
        opposite = np.zeros_like(values)
        for corner in range(4):
            np.add.at(opposite, self.quads[:, corner], values[self.quads[:, (corner + 2) % 4]])
        n = self.around.degree[:, None]
        total = n * n * values + 4 * n * self.around.mean(values) + opposite
        return np.where(self.border[:, None], values, total / (n * (n + 5)))
