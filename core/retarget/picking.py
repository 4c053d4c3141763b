# SPDX-License-Identifier: GPL-3.0-or-later
"""Which point of a mesh lies under a pixel or next to a place. numpy only, without lag: a pixel
takes milliseconds on 400,000 triangles, since nothing has to be built but what a look changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..arrays import AnyArray, Doubles, Floats
from .mesh import Corners, Mesh
from .pairs import SurfacePoints
from .surface import closest_shares
from .views import View

_FLAT = 1e-9  # square pixels of a triangle that is seen from its edge


@dataclass(frozen=True, eq=False)
class Spot:
    """One point on a surface: ``corners`` (3,) and ``shares`` (3,), as in ``SurfacePoints``."""

    corners: Corners
    shares: Doubles

    def on(self, points: AnyArray) -> Doubles:
        """Where it is (3,) on a mesh with these vertices (V, 3)."""
        place: Doubles = self.shares @ np.asarray(points)[self.corners]
        return place


@dataclass(frozen=True, eq=False)
class Seen:
    """A mesh under a look: ``screen`` (V, 3) float32 are its vertices, x and y in pixels and how
    near they are."""

    mesh: Mesh
    view: View
    screen: Floats

    @classmethod
    def of(cls, mesh: Mesh, view: View) -> Seen:
        """A mesh as it is seen now."""
        return cls(mesh, view, view.seen(mesh.points).astype(np.float32))

    @cached_property
    def _bounds(self) -> tuple[Floats, ...]:
        """Left, right, lower and upper end (F,) of every triangle."""
        a, b, c = (self.screen[self.mesh.triangles[:, corner], :2] for corner in range(3))
        low, high = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
        return tuple(np.ascontiguousarray(each) for each in (*low.T, *high.T))

    def near(self, x: float, y: float, radius: float = 0.0) -> Corners:
        """Triangles whose bounds come as near to a pixel as ``radius`` in x and y."""
        left, low, right, high = self._bounds
        found = left <= x + radius
        found &= right >= x - radius
        found &= low <= y + radius
        found &= high >= y - radius
        return np.flatnonzero(found).astype(np.int32)

    def hit(self, x: float, y: float) -> Spot | None:
        """The nearest point of the surface under a pixel; None beside the mesh."""
        corners = self.mesh.triangles[self.near(x, y)]
        shares, inside = _shares_at(self.screen[corners, :2].astype(np.float64), x, y)
        if not inside.any():
            return None
        nearness = np.einsum("kc,kc->k", shares, self.screen[corners, 2])
        best = int(np.where(inside, nearness, -np.inf).argmax())
        return Spot(corners[best], shares[best])


def _shares_at(corners: Doubles, x: float, y: float) -> tuple[Doubles, AnyArray]:
    """Barycentric coordinates (K, 3) of a pixel in flat triangles (K, 3, 2), and whether it lies
    inside."""
    away = corners - np.array([x, y])
    following = np.roll(away, -1, axis=1)
    crossed = away[..., 0] * following[..., 1] - away[..., 1] * following[..., 0]
    parts = np.roll(crossed, -1, axis=1)  # the side across from each corner
    area = parts.sum(axis=1, keepdims=True)
    solid = np.abs(area) > _FLAT
    shares = np.where(solid, parts / np.where(solid, area, 1.0), -1.0)
    inside: AnyArray = np.all(shares >= -1e-9, axis=1)
    shares = np.maximum(shares, 0.0)
    return shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12), inside


def nearest(mesh: Mesh, place: AnyArray) -> Spot:
    """The point of a mesh next to a place (3,), exactly."""
    place = np.asarray(place, np.float64)
    used = mesh.points[mesh.triangles[:, 0]]
    bound = float(np.sqrt(((used - place) ** 2).sum(axis=1).min()))
    corners = mesh.points[mesh.triangles]
    away = np.maximum(corners.min(axis=1) - place, place - corners.max(axis=1))
    near = np.flatnonzero((np.maximum(away, 0.0) ** 2).sum(axis=1) <= bound**2 * (1 + 1e-9))
    start = corners[near, 0]
    shares, squares = closest_shares(
        corners[near, 1] - start, corners[near, 2] - start, start - place
    )
    best = int(squares.argmin())
    return Spot(mesh.triangles[near[best]], shares[best])


def together(spots: list[Spot]) -> SurfacePoints:
    """Single points as one set."""
    if not spots:
        return SurfacePoints.of(np.zeros((0, 3), np.int32), np.zeros((0, 3)))
    corners, shares = (
        np.array([getattr(one, each) for one in spots]) for each in ("corners", "shares")
    )
    return SurfacePoints.of(corners, shares)
