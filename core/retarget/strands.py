# SPDX-License-Identifier: GPL-3.0-or-later
"""Lashes, brows, beards: what stands off the face follows the place where it grows.

A lash that lies before the eye is nearest to many places that a blink moves differently; bound to
them vertex by vertex it would be smeared over the lid. So each small loose part goes as one, with
its root, and of larger ones only the vertices near the skin are bound for themselves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays import AnyArray, Doubles
from .binding import Binding
from .mesh import Mesh

_SMALL = 0.05  # of the mesh's diagonal or of the driver's: loose parts that go as one
_NEAR = 0.1  # of a larger part's extent: farther off the skin than its nearest vertex and this
_THICK = 0.9  # of a strand's greatest thickness: where its root may be


def rooted(binding: Binding, mesh: Mesh, size: float, vertices: AnyArray | None = None) -> Binding:
    """The binding of a mesh (N vertices) whose far vertices have the feet of their roots.

    ``vertices`` (K,) are those of whole loose parts that this is for; None for all. ``size`` is the fitted mesh's diagonal. The root of a strand is its thickest vertex, of several
    the nearest to the skin: a tip may touch the skin too. In a larger part the root of a vertex is
    the nearest along the edges among those close to the skin.
    """
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components, dijkstra

    count = len(mesh.points)
    if not count:
        return binding
    a, b = mesh.edges.T
    lengths = np.linalg.norm(mesh.points[a] - mesh.points[b], axis=1) + 1e-12 * size
    graph = sparse.csr_matrix((lengths, (a, b)), shape=(count, count))
    parts, which = connected_components(graph, directed=False)
    extents = _extents(mesh.points, parts, which)
    nearest = _least(binding.distances, parts, which)
    roots = np.where(
        (extents < _SMALL * size)[which],
        _thickest(lengths, mesh.edges, binding.distances, parts, which),
        binding.distances <= (nearest + _NEAR * extents)[which],
    )
    found: Any = dijkstra(
        graph,
        directed=False,
        indices=np.flatnonzero(roots),
        min_only=True,
        return_predecessors=True,
    )
    sources = np.arange(count)
    chosen = slice(None) if vertices is None else vertices
    sources[chosen] = found[2][chosen]
    return replace(
        binding,
        corners=binding.corners[sources],
        shares=binding.shares[sources],
        weights=binding.weights[sources],
    )


def _extents(points: Doubles, parts: int, which: AnyArray) -> Doubles:
    """Diagonals (parts,) of the loose parts' boxes."""
    low, high = np.full((parts, 3), np.inf), np.full((parts, 3), -np.inf)
    np.minimum.at(low, which, points)
    np.maximum.at(high, which, points)
    return np.asarray(np.linalg.norm(high - low, axis=1))


def _least(values: AnyArray, parts: int, which: AnyArray) -> Doubles:
    """The least value (parts,) of each loose part."""
    least = np.full(parts, np.inf)
    np.minimum.at(least, which, values)
    return least


def _thickest(
    lengths: Doubles, edges: AnyArray, distances: Doubles, parts: int, which: AnyArray
) -> AnyArray:
    """Of each loose part one vertex (N,) bool: the root of a strand.

    A strand is as thick at a vertex as the shortest edge there, since it is longer than wide.
    """
    thickness = np.full(len(which), np.inf)
    np.minimum.at(thickness, edges.ravel(), np.repeat(lengths, 2))
    thickness[~np.isfinite(thickness)] = 0.0
    most = -_least(-thickness, parts, which)
    ranks = np.where(thickness >= _THICK * most[which], distances, np.inf)
    order = np.lexsort((ranks, which))
    first = np.r_[True, which[order][1:] != which[order][:-1]]
    chosen = np.zeros(len(which), bool)
    chosen[order[first]] = True
    return chosen
