# SPDX-License-Identifier: GPL-3.0-or-later
"""Closest points on a triangle mesh, many at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import AnyArray, Doubles
from .mesh import Corners, Mesh, unit

NEAR = 16  # triangles that are looked at for a point
_BLOCK = 4096  # points at a time, for the processor's cache
_MOST_PARTS = 12  # a large triangle is found through this many rows of samples at most
_FLAT = 1e-12


@dataclass(frozen=True, eq=False)
class Hits:
    """Closest points: ``triangles`` (N,) of the mesh, ``shares`` (N, 3) barycentric, ``distances``
    (N,) in space, ``found`` (N,) whether a triangle near enough faces the right way."""

    triangles: Corners
    shares: Doubles
    distances: Doubles
    found: NDArray[np.bool_]


class Surface:
    """A mesh's triangles, or some of them, ready to be asked for closest points.

    With ``features`` (V, M), in the unit of the points, closeness is that of points with features:
    features are linear over each triangle, so a triangle is one in more dimensions.
    """

    def __init__(
        self, mesh: Mesh, used: AnyArray | None = None, features: Doubles | None = None
    ) -> None:
        from scipy.spatial import cKDTree

        whole = unit(mesh.crossed)
        able = np.einsum("fd,fd->f", mesh.crossed, mesh.crossed) > _flat(mesh)
        if used is not None:
            able &= used
        self.numbers: Corners = np.flatnonzero(able).astype(np.int32)
        self.mesh = mesh
        self.facing = whole[self.numbers]
        places = mesh.points if features is None else np.hstack([mesh.points, features])
        corners = places[mesh.triangles[self.numbers]]
        self._start = corners[:, 0]
        self._first, self._second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        self._tree: Any = None
        if len(self.numbers):
            samples, self._owners = _samples(corners)
            self._tree = cKDTree(samples)

    def closest(
        self,
        points: AnyArray,
        normals: AnyArray | None = None,
        least_cosine: float = 0.5,
        near: int = NEAR,
        features: Doubles | None = None,
    ) -> Hits:
        """The closest of the ``near`` nearest triangles, for points (N, 3).

        With ``normals`` (N, 3) only triangles whose normal has at least this cosine with the
        point's are taken; ``found`` is False where there is none.
        """
        points = np.asarray(points, np.float64)
        hits = [
            self._block(
                points[rows],
                None if normals is None else np.asarray(normals)[rows],
                least_cosine,
                near,
                None if features is None else features[rows],
            )
            for rows in _rows(len(points))
        ]
        if not hits:
            none = np.zeros(0, np.int32)
            return Hits(none, np.zeros((0, 3)), np.zeros(0), np.zeros(0, bool))
        return Hits(*(np.concatenate(parts) for parts in zip(*hits, strict=True)))

    def on(self, hits: Hits, values: Doubles) -> Doubles:
        """Values (V, C) of the mesh's vertices at closest points, (N, C)."""
        corners = self.mesh.triangles[hits.triangles]
        return np.asarray(np.einsum("nc,ncd->nd", hits.shares, values[corners]))

    def _block(
        self,
        points: Doubles,
        normals: Doubles | None,
        least_cosine: float,
        near: int,
        features: Doubles | None,
    ) -> tuple[AnyArray, ...]:
        count = len(points)
        if self._tree is None:
            never = np.zeros(count, bool)
            return np.zeros(count, np.int32), _corner(count), np.full(count, np.inf), never
        places = points if features is None else np.hstack([points, features])
        _, samples = self._tree.query(places, k=min(near, len(self._owners)))
        owners = self._owners[samples.reshape(count, -1)]
        shares, squares = self._shares(places, owners)
        if normals is not None:
            cosines = np.einsum("nkd,nd->nk", self.facing[owners], normals)
            squares = np.where(cosines < least_cosine, np.inf, squares)
        best = squares.argmin(axis=1)
        row = np.arange(count)
        triangles = self.numbers[owners[row, best]]
        shares = shares[row, best]
        spots = np.einsum("nc,ncd->nd", shares, self.mesh.points[self.mesh.triangles[triangles]])
        far = np.linalg.norm(spots - points, axis=1)
        return triangles, shares, far, np.isfinite(squares[row, best])

    def _shares(self, places: Doubles, owners: AnyArray) -> tuple[Doubles, Doubles]:
        """Barycentric coordinates (N, K, 3) and squared distances (N, K) of triangles (N, K)."""
        away = self._start[owners] - places[:, None]
        return closest_shares(self._first[owners], self._second[owners], away)


def closest_shares(first: AnyArray, second: AnyArray, away: AnyArray) -> tuple[Doubles, Doubles]:
    """Barycentric coordinates (..., 3) of triangles' closest points, and squared distances (...).

    ``first`` and ``second`` (..., D) are the sides u and v from a triangle's first corner, ``away``
    leads to that corner from the point: w. Sought is the least of |w + s u + t v|^2, that is
    a s^2 + 2 b s t + c t^2 + 2 d s + 2 e t + f, for s, t >= 0 and s + t <= 1.
    """
    a, b, c, d, e, f = (
        np.einsum("...d,...d->...", one, other)
        for one, other in (
            *((first, first), (first, second), (second, second)),
            *((first, away), (second, away), (away, away)),
        )
    )
    det = a * c - b * b
    solid = det > _FLAT * a * c
    safe = np.where(solid, det, 1.0)
    s, t = (b * e - c * d) / safe, (b * d - a * e) / safe
    inside = solid & (s >= 0) & (t >= 0) & (s + t <= 1)
    record = np.where(
        inside, a * s * s + 2 * b * s * t + c * t * t + 2 * (d * s + e * t) + f, np.inf
    )
    along = np.clip(-d / np.where(a > 0, a, 1.0), 0, 1)
    up = np.clip(-e / np.where(c > 0, c, 1.0), 0, 1)
    third = a - 2 * b + c
    across = np.clip((c + e - b - d) / np.where(third > 0, third, 1.0), 0, 1)
    for s_edge, t_edge in ((along, 0.0 * along), (0.0 * up, up), (across, 1 - across)):
        value = s_edge * (a * s_edge + 2 * (b * t_edge + d)) + t_edge * (c * t_edge + 2 * e) + f
        better = value < record
        record = np.where(better, value, record)
        s, t = np.where(better, s_edge, s), np.where(better, t_edge, t)
    return np.stack([1 - s - t, s, t], axis=-1), np.maximum(record, 0.0)


def _samples(corners: Doubles) -> tuple[Doubles, Corners]:
    """Points that lie on triangles (F, 3, D), and the triangle of each.

    One in the middle; more in triangles that are larger than most, which would else be missed by
    points near their corners.
    """
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    usual = max(float(np.median(longest)), 1e-300)
    parts = np.clip(np.ceil(longest / (1.5 * usual)), 1, _MOST_PARTS).astype(int)
    samples, owners = [], []
    for count in np.unique(parts):
        which = np.flatnonzero(parts == count)
        shares = _lattice(int(count))
        samples.append(
            np.einsum("sc,fcd->fsd", shares, corners[which]).reshape(-1, corners.shape[2])
        )
        owners.append(np.repeat(which, len(shares)))
    return np.concatenate(samples), np.concatenate(owners).astype(np.int32)


def _lattice(count: int) -> Doubles:
    """Shares of the middles of the upright ones among count^2 equal parts of a triangle."""
    s, t = np.meshgrid(np.arange(count), np.arange(count), indexing="ij")
    inner = s + t < count
    s, t = (s[inner] + 1 / 3) / count, (t[inner] + 1 / 3) / count
    return np.stack([1 - s - t, s, t], axis=1)


def _flat(mesh: Mesh) -> float:
    """Square of twice an area, below which a triangle counts as none."""
    return float((_FLAT * mesh.diagonal**2) ** 2)


def _rows(count: int) -> list[slice]:
    return [slice(start, start + _BLOCK) for start in range(0, count, _BLOCK)]


def _corner(count: int) -> Doubles:
    return np.tile([1.0, 0.0, 0.0], (count, 1))
