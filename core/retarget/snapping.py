# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawing a picked point to what people aim at: creases, marked edges, vertices, edges.

Everything is looked at near the pointer only, so meshes may be of any size. numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import AnyArray, Doubles, Integers
from .mesh import Corners, Mesh, unit
from .picking import Seen, Spot

SHARP = np.radians(35.0)  # between two faces, whatever their size
CURVED = 25.0  # angle over length, in units of one over the mesh's diagonal
VERTEX_SHARE, EDGE_SHARE = 0.5, 0.35  # of the radius: creases draw from farthest away
DEPTH_RADII = 4.0  # how much deeper than the pointed-at surface something may lie


@dataclass(frozen=True, eq=False)
class _Edges:
    """Edges near the pointer: ``ends`` (E, 2), and how much of a crease each is, 0..1."""

    ends: Corners
    crease: Doubles


def snapped(seen: Seen, spot: Spot, x: float, y: float, radius: float, marked: AnyArray) -> Spot:
    """A point near ``spot``, which lies under pixel x, y: on the strongest crease within
    ``radius`` pixels, else on a vertex or edge that is quite near, else ``spot`` itself.

    ``marked`` (M, 2): edges that count as creases, such as seams.
    """
    edges = _edges_near(seen, seen.near(x, y, radius), marked)
    if not len(edges.ends):
        return spot
    shares, gaps = _closest_on(seen, edges.ends, x, y)
    depth = float(spot.on(seen.screen)[2])
    depths = np.einsum("ec,ec->e", shares, seen.screen[edges.ends, 2])
    shallow = np.abs(depths - depth) * seen.view.pixels <= DEPTH_RADII * radius
    gaps = np.where(shallow, gaps, np.inf)
    closeness = 1.0 - 0.7 * np.minimum(gaps, radius) / radius
    worth = np.where(gaps <= radius, edges.crease * closeness, 0.0)
    if worth.max() > 0:
        best = int(worth.argmax())
    else:
        best = int(gaps.argmin())
        if gaps[best] > radius * VERTEX_SHARE:
            return spot
    ends = edges.ends[best]
    away = np.linalg.norm(seen.screen[ends, :2] - [x, y], axis=1)
    if away.min() <= radius * VERTEX_SHARE:
        return _at_vertex(int(ends[away.argmin()]))
    if worth.max() <= 0 and gaps[best] > radius * EDGE_SHARE:
        return spot
    first, second = shares[best]
    return Spot(np.array([*ends, ends[0]], np.int32), np.array([first, second, 0.0]))


def _at_vertex(vertex: int) -> Spot:
    return Spot(np.full(3, vertex, np.int32), np.array([1.0, 0.0, 0.0]))


def _closest_on(seen: Seen, ends: Corners, x: float, y: float) -> tuple[Doubles, Doubles]:
    """For each edge the shares (E, 2) of its point next to a pixel, and the distance in pixels."""
    start, end = (seen.screen[ends[:, side], :2].astype(np.float64) for side in range(2))
    along = end - start
    length = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip((([x, y] - start) * along).sum(axis=1) / length, 0.0, 1.0)
    gaps = np.linalg.norm(start + share[:, None] * along - [x, y], axis=1)
    return np.stack([1.0 - share, share], axis=1), gaps


def _edges_near(seen: Seen, triangles: Corners, marked: AnyArray) -> _Edges:
    mesh = seen.mesh
    corners = mesh.triangles[triangles]
    sides = np.sort(corners[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1).astype(np.int64)
    keys = sides[:, 0] * len(mesh.points) + sides[:, 1]
    found, first, inverse, counts = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    ends = sides[first].astype(np.int32)
    crease = np.where(counts == 1, 1.0, 0.0)
    crease = np.maximum(crease, _bends(mesh, corners, inverse.ravel(), counts))
    crease[np.isin(found, _keys(marked, len(mesh.points)))] = 1.0
    return _Edges(ends, crease)


def _bends(mesh: Mesh, corners: Corners, edge_of: AnyArray, counts: AnyArray) -> Doubles:
    """How sharply the two faces of each edge meet: 0 for a gentle bend, up to 1."""
    a, b, c = (mesh.points[corners[:, corner]] for corner in range(3))
    normals, middles = unit(np.cross(b - a, c - a)), (a + b + c) / 3
    order = np.argsort(edge_of, kind="stable")
    starts = np.cumsum(counts) - counts
    two = np.flatnonzero(counts == 2)
    one, other = order[starts[two]] // 3, order[starts[two] + 1] // 3
    cosine = np.einsum("ed,ed->e", normals[one], normals[other])
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    apart = np.linalg.norm(middles[one] - middles[other], axis=1)
    curved = angle * mesh.diagonal / np.maximum(apart, 1e-12) / CURVED
    bends = np.zeros(len(counts))
    strength = np.maximum(angle / SHARP, np.where(angle > SHARP / 8, curved, 0.0))
    bends[two] = np.where(strength >= 1.0, np.minimum(strength / 4.0, 1.0), 0.0)
    return bends


def _keys(edges: AnyArray, count: int) -> Integers:
    ends = np.sort(np.asarray(edges, np.int64).reshape(-1, 2), axis=1)
    keys: Integers = ends[:, 0] * count + ends[:, 1]
    return keys
