# SPDX-License-Identifier: GPL-3.0-or-later
"""Correspondences: points that stick to surfaces, and how well two sets of them agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import AnyArray, Doubles
from .mesh import Corners

FEWEST = 12  # pairs, without which no fitting begins
FEW = 20  # pairs, below which a warning is due
ADVISED = 30


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """K points on a mesh: ``corners`` (K, 3) int32 are the vertices of the triangles they lie in,
    ``shares`` (K, 3) their barycentric coordinates, at least 0 with a sum of 1."""

    corners: Corners
    shares: Doubles

    @classmethod
    def of(cls, corners: ArrayLike, shares: ArrayLike) -> SurfacePoints:
        """Points of arrays of any number types; the shares are brought to a sum of 1."""
        shares = np.maximum(np.asarray(shares, np.float64).reshape(-1, 3), 0.0)
        return cls(
            np.ascontiguousarray(corners, np.int32).reshape(-1, 3),
            shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12),
        )

    @classmethod
    def at_vertices(cls, vertices: AnyArray) -> SurfacePoints:
        """Points that lie at vertices (K,)."""
        corners = np.repeat(np.asarray(vertices, np.int32).reshape(-1, 1), 3, axis=1)
        return cls.of(corners, np.tile([1.0, 0.0, 0.0], (len(corners), 1)))

    def __len__(self) -> int:
        return len(self.corners)

    def joined(self, others: SurfacePoints) -> SurfacePoints:
        """These points, then others of the same mesh."""
        return SurfacePoints(
            np.concatenate([self.corners, others.corners]),
            np.concatenate([self.shares, others.shares]),
        )

    def on(self, points: AnyArray) -> Doubles:
        """Where they are (K, 3) on a mesh with these vertices (V, 3)."""
        return np.einsum("kc,kcd->kd", self.shares, np.asarray(points)[self.corners])


@dataclass(frozen=True, eq=False)
class Similarity:
    """``scale`` * ``turn`` (3, 3) @ point + ``shift`` (3,)."""

    scale: float
    turn: Doubles
    shift: Doubles

    def __call__(self, points: AnyArray) -> Doubles:
        """Points (..., 3) brought over."""
        return self.scale * (np.asarray(points, np.float64) @ self.turn.T) + self.shift

    @property
    def matrix(self) -> Doubles:
        """The same as (4, 4)."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.scale * self.turn
        matrix[:3, 3] = self.shift
        return matrix


def similarity(source: AnyArray, goal: AnyArray, weights: AnyArray | None = None) -> Similarity:
    """The best scale, turn and shift from points (K, 3) to others (Umeyama 1991, least squares).

    `weights` (K,), at least 0 and not all 0, say how much each pair counts; without them all alike.
    """
    source, goal = np.asarray(source, np.float64), np.asarray(goal, np.float64)
    counts = np.full(len(source), 1.0) if weights is None else np.asarray(weights, np.float64)
    counts = (counts / counts.sum())[:, None]
    here, there = (counts * source).sum(axis=0), (counts * goal).sum(axis=0)
    spread = float((counts * (source - here) ** 2).sum())
    u, values, vt = np.linalg.svd((counts * (goal - there)).T @ (source - here))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt)) or 1.0])
    turn = (u * signs) @ vt
    scale = float((values * signs).sum()) / spread if spread > 0 else 1.0
    return Similarity(scale, turn, there - scale * turn @ here)


def residuals(source: AnyArray, goal: AnyArray) -> Doubles:
    """Distance (K,) of each point to its partner after the best similarity, in the goal's unit."""
    if len(source) < 3:
        return np.zeros(len(source))
    fitted: Doubles = np.linalg.norm(similarity(source, goal)(source) - goal, axis=1)
    return fitted
