# SPDX-License-Identifier: GPL-3.0-or-later
"""What meshes from outside need before anything is measured on them. numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import AnyArray, Doubles
from .mesh import Corners, Mesh

SAME = 1e-6  # of the diagonal: vertices this close are one, where a surface is cut open


def welded(mesh: Mesh, values: Doubles | None = None) -> Corners:
    """For each vertex (V,) the one that stands for it, where a surface is cut without a gap.

    Files often split vertices along seams of textures and materials. Only vertices of open edges
    are joined, and with ``values`` (V, C), in the unit of the points, only those whose values
    agree too: lips that touch stay apart when the open mouth's points are handed in.
    """
    stands = np.arange(len(mesh.points), dtype=np.int32)
    sides = mesh.triangles[:, [[0, 1], [1, 2], [2, 0]]]
    rim = np.unique(sides[open_sides(mesh)])
    step = SAME * mesh.diagonal
    if not len(rim) or step <= 0:
        return stands
    places = mesh.points if values is None else np.hstack([mesh.points, values])
    cells = np.round((places[rim] - places[rim].min(axis=0)) / step).astype(np.int64)
    _, first, same = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    stands[rim] = rim[first[same.ravel()]]
    return stands


def open_sides(mesh: Mesh) -> NDArray[np.bool_]:
    """Mask (F, 3) of the triangles' sides 0-1, 1-2, 2-0 that no other triangle has.

    Triangles with one vertex twice do not count.
    """
    sides = np.sort(mesh.triangles[:, [[0, 1], [1, 2], [2, 0]]], axis=2).astype(np.int64)
    keys = sides[..., 0] * len(mesh.points) + sides[..., 1]
    solid = (sides[..., 0] != sides[..., 1]).all(axis=1)
    _, place, counts = np.unique(keys[solid], return_inverse=True, return_counts=True)
    mask = np.zeros(keys.shape, bool)
    mask[solid] = counts[place].reshape(-1, 3) == 1
    return mask


def loose_parts(count: int, triangles: Corners) -> NDArray[np.int64]:
    """Number (V,) of the loose part that each of ``count`` vertices is in; 0 is the largest.

    A vertex without a triangle is a part of its own.
    """
    label = np.arange(count)
    sides = np.concatenate([triangles[:, :2], triangles[:, 1:]]).astype(np.int64)
    while True:
        low = np.minimum(label[sides[:, 0]], label[sides[:, 1]])
        before = label.copy()
        np.minimum.at(label, sides[:, 0], low)
        np.minimum.at(label, sides[:, 1], low)
        label = label[label]  # hang on to whatever the neighbour hangs on to
        if (label == before).all():
            break
    _, numbers, sizes = np.unique(label, return_inverse=True, return_counts=True)
    rank = np.empty(len(sizes), np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return np.asarray(rank[numbers.ravel()])


def turned(triangles: Corners, inward: AnyArray) -> Corners:
    """The triangles, those of the mask (F,) wound the other way round."""
    return np.where(np.asarray(inward)[:, None], triangles[:, [0, 2, 1]], triangles)
