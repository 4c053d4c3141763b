# SPDX-License-Identifier: GPL-3.0-or-later
"""Small loose parts of a mesh, such as hairs, that go as one with their root. numpy only."""

from __future__ import annotations

import numpy as np

from ..arrays import AnyArray, Doubles
from .cleaning import loose_parts

SMALL = 0.05  # of the driver's diagonal: loose parts that may go as one
THICK = 0.9  # of a strand's greatest thickness: where its root may be
FLAT = 0.1  # of a part's extent: one that lies on the driver is no farther from it


def roots_of(points: Doubles, edges: AnyArray, distances: AnyArray, size: float) -> AnyArray:
    """For each of N vertices the one whose place on the driver it takes: itself, or the root of its
    loose part, if that is small beside ``size``, the driver's diagonal, and stands off the driver.
    Hairs that lie on the skin bend with it; a lash would be smeared over what is near its tip.

    ``points`` (N, 3), ``edges`` (E, 2), ``distances`` (N,) from the driver. A root is among the
    thickest vertices of the part and the nearest of those.
    """
    count = len(points)
    if not count:
        return np.arange(0)
    parts, which = loose_parts(count, edges)
    lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    chosen = np.flatnonzero(thickest(lengths, edges, distances, parts, which))
    root = np.empty(parts, np.int64)
    root[which[chosen]] = chosen
    spans = extents(points, parts, which)
    farthest = np.zeros(parts)
    np.maximum.at(farthest, which, distances)
    stands_off = farthest > distances[root] + FLAT * spans
    as_one = stands_off & (spans < SMALL * size)
    return np.where(as_one[which], root[which], np.arange(count))


def extents(points: Doubles, parts: int, which: AnyArray) -> Doubles:
    """Diagonals (parts,) of the loose parts' boxes."""
    low, high = np.full((parts, 3), np.inf), np.full((parts, 3), -np.inf)
    np.minimum.at(low, which, points)
    np.maximum.at(high, which, points)
    return np.asarray(np.linalg.norm(high - low, axis=1))


def least_of(values: AnyArray, parts: int, which: AnyArray) -> Doubles:
    """The least value (parts,) of each loose part."""
    least = np.full(parts, np.inf)
    np.minimum.at(least, which, values)
    return least


def thickest(
    lengths: Doubles, edges: AnyArray, distances: Doubles, parts: int, which: AnyArray
) -> AnyArray:
    """Of each loose part one vertex (N,) bool: the root of a strand.

    A strand is as thick at a vertex as the shortest edge there, since it is longer than wide.
    """
    thickness = np.full(len(which), np.inf)
    np.minimum.at(thickness, edges.ravel(), np.repeat(lengths, 2))
    thickness[~np.isfinite(thickness)] = 0.0
    most = -least_of(-thickness, parts, which)
    ranks = np.where(thickness >= THICK * most[which], distances, np.inf)
    order = np.lexsort((ranks, which))
    first = np.r_[True, which[order][1:] != which[order][:-1]]
    chosen = np.zeros(len(which), bool)
    chosen[order[first]] = True
    return chosen
