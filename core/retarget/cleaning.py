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
    stands[rim] = rim[firsts(places[rim], step)]
    return stands


def firsts(places: AnyArray, step: float) -> Corners:
    """For each of places (N, D) the number of the first that lies within the same ``step``."""
    low = places.min(axis=0, initial=np.inf)
    cells = np.round((places - low) / max(step, 1e-300))
    _, first, same = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    return first[same.ravel()].astype(np.int32)


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


def loose_parts(count: int, edges: AnyArray) -> tuple[int, NDArray[np.int64]]:
    """How many loose parts ``count`` vertices with edges (E, 2) make, and each vertex' (N,)."""
    labels = np.arange(count)
    first, second = np.asarray(edges, np.int64).reshape(-1, 2).T
    while True:
        here, there = labels[first], labels[second]
        least = labels.copy()
        np.minimum.at(least, np.maximum(here, there), np.minimum(here, there))
        while not np.array_equal(shorter := least[least], least):
            least = shorter
        if np.array_equal(least, labels):
            break
        labels = least
    kept, which = np.unique(labels, return_inverse=True)
    return len(kept), which.reshape(-1).astype(np.int64)


def turned(triangles: Corners, inward: AnyArray) -> Corners:
    """The triangles, those of the mask (F,) wound the other way round."""
    return np.where(np.asarray(inward)[:, None], triangles[:, [0, 2, 1]], triangles)
