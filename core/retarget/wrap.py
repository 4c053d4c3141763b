# SPDX-License-Identifier: GPL-3.0-or-later
"""The wrap: what makes a mesh follow another, point by point. numpy only.

This is the twin of the Geometry Nodes modifier, number for number. Every driven point has a foot on
the driver (`SurfacePoints`) and an offset from it:

    foot   = sum of share * corner
    normal = unit(sum of share * the corners' smooth normals)
    along  = unit(edge - (edge . normal) normal),  edge = second corner - first corner
    frame  = [along, normal x along, normal]       as columns
    offset = transposed frame @ (point - foot)     in the tangent frame, or point - foot as it is
    move   = weight * (foot now + frame now @ offset - point)

A wrap may be flat instead (`flattened`): the foot lies anywhere in its triangle's plane, and the
offset along the triangle's own normal. That is faster, since no smooth normals and no frames have
to be found, and as good where offsets are small beside the driver's triangles.

The smooth normals are given from outside, because Blender weights its own by angles: offsets that
were taken with other normals than those of the modifier would change the rest pose (by 0.3 mm on
the built-in head). `unit` of nothing is nothing, here and in Blender.

Moves may then be smoothed (`smoothing.blurred`), which is Blender's own Blur Attribute node.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import AnyArray, Doubles
from .mesh import unit
from .pairs import SurfacePoints

FEATHER = 0.1  # the share of the greatest distance within which a soft cut fades
_LINE = 1e-9  # the squared sine of the angle between two edges of one line
MAX_DISTANCE = 0.02  # the default of the greatest distance, in diagonals of the driver


@dataclass(frozen=True, eq=False)
class Wrap:
    """One wrapped mesh of N points. `feet` on the driver; `offsets` (N, 3) in the moving frame of
    the face when `tangent`, else in the space of the meshes; `rest` (N, 3) where the points were;
    `weights` (N,) 0..1 how far they follow."""

    feet: SurfacePoints
    offsets: Doubles
    rest: Doubles
    weights: Doubles
    tangent: bool = True

    def moves(self, points: AnyArray, normals: AnyArray | None) -> Doubles:
        """Displacements (N, 3) from rest for the driver's points (V, 3) and unit normals (V, 3)."""
        goal = self.feet.on(points)
        if self.tangent:
            goal += np.einsum("nij,nj->ni", frames(self.feet, points, normals), self.offsets)
        else:
            goal += self.offsets
        return self.weights[:, None] * (goal - self.rest)

    def __call__(self, points: AnyArray, normals: AnyArray | None) -> Doubles:
        """Where the points (N, 3) are now."""
        return self.rest + self.moves(points, normals)


def wrapped(
    feet: SurfacePoints,
    rest: AnyArray,
    points: AnyArray,
    normals: AnyArray | None,
    *,
    weights: AnyArray | None = None,
    tangent: bool = True,
) -> Wrap:
    """Wrap points (N, 3) on a driver with `points` (V, 3) and `normals` (V, 3), both at rest.

    Without `weights` (N,) all follow wholly.
    """
    rest = np.asarray(rest, np.float64)
    kept = np.ones(len(rest)) if weights is None else np.asarray(weights, np.float64)
    return Wrap(feet, offsets(feet, rest, points, normals, tangent), rest, kept, tangent)


def frames(feet: SurfacePoints, points: AnyArray, normals: AnyArray | None) -> Doubles:
    """Tangent frames (N, 3, 3) at the feet, axes as columns: along, across, normal.

    Without normals they are flat: the normal is the triangle's own.
    """
    points = np.asarray(points, np.float64)
    edge = points[feet.corners[:, 1]] - points[feet.corners[:, 0]]
    if normals is None:
        other = points[feet.corners[:, 2]] - points[feet.corners[:, 0]]
        normal = unit(np.cross(edge, other))
    else:
        normal = unit(feet.on(normals))
    along = unit(edge - np.sum(edge * normal, axis=1, keepdims=True) * normal)
    return np.stack([along, np.cross(normal, along), normal], axis=2)


def longest_first(points: AnyArray, feet: SurfacePoints) -> SurfacePoints:
    """The same feet with their corners turned so that the first edge is the triangle's longest,
    which keeps the tangent frame steady on thin triangles."""
    spots = np.asarray(points)[feet.corners]
    longest = np.linalg.norm(np.roll(spots, -1, axis=1) - spots, axis=2).argmax(axis=1)
    turned = (longest[:, None] + np.arange(3)) % 3
    return SurfacePoints(
        np.take_along_axis(feet.corners, turned, axis=1).astype(np.int32),
        np.take_along_axis(feet.shares, turned, axis=1),
    )


def offsets(
    feet: SurfacePoints,
    rest: AnyArray,
    points: AnyArray,
    normals: AnyArray | None,
    tangent: bool = True,
) -> Doubles:
    """What leads from the feet to the points `rest` (N, 3), in the tangent frame or as it is."""
    plain = np.asarray(rest, np.float64) - feet.on(points)
    if not tangent:
        return plain
    turned: Doubles = np.einsum("nij,ni->nj", frames(feet, points, normals), plain)
    return turned


def flattened(
    feet: SurfacePoints, rest: AnyArray, points: AnyArray
) -> tuple[SurfacePoints, Doubles]:
    """Feet in the planes of their triangles right below the points `rest` (N, 3), whose shares may
    be below 0, and the offsets (N, 3), which have a normal part only.

    Where a triangle is a line the foot stays, and the offset is 0.
    """
    points = np.asarray(points, np.float64)
    first = points[feet.corners[:, 0]]
    edge, other = (points[feet.corners[:, corner]] - first for corner in (1, 2))
    normal = unit(np.cross(edge, other))
    away = np.asarray(rest, np.float64) - first
    a, b, c = (
        np.einsum("nd,nd->n", x, y) for x, y in ((edge, edge), (edge, other), (other, other))
    )
    d, e = (np.einsum("nd,nd->n", x, away) for x in (edge, other))
    below = a * c - b * b
    good = below > _LINE * a * c
    safe = np.where(good, below, 1.0)
    second, third = (c * d - b * e) / safe, (a * e - b * d) / safe
    shares = np.stack([1.0 - second - third, second, third], axis=1)
    shares = np.where(good[:, None], shares, feet.shares)
    heights = np.where(good, np.einsum("nd,nd->n", normal, away), 0.0)
    return SurfacePoints(feet.corners, shares), heights[:, None] * [0.0, 0.0, 1.0]


def within(distances: AnyArray, greatest: float, feather: float = 0.0) -> Doubles:
    """Weights (N,): 1 up to the greatest distance and 0 beyond it.

    With a `feather` (a share of the greatest distance) they fall from 1 to 0 along a smooth step
    that ends at the greatest distance.
    """
    distances = np.asarray(distances, np.float64)
    if feather <= 0 or greatest <= 0:
        return (distances <= greatest).astype(np.float64)
    left = np.clip((greatest - distances) / (feather * greatest), 0.0, 1.0)
    return left * left * (3.0 - 2.0 * left)
