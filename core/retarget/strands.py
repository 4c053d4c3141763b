# SPDX-License-Identifier: GPL-3.0-or-later
"""Lashes, brows, beards: what stands off the face follows the place where it grows.

A lash that lies before the eye is nearest to many places that a blink moves differently; bound to
them vertex by vertex it would be smeared over the lid. So each small loose part that stands off the
skin goes as one, with its root (`tufts`), and of larger ones only the vertices near the skin are
bound for themselves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays import AnyArray
from .binding import Binding
from .cleaning import loose_parts
from .mesh import Mesh
from .tufts import SMALL, extents, least_of, roots_of

_NEAR = 0.1  # of a larger part's extent: farther off the skin than its nearest vertex and this


def rooted(binding: Binding, mesh: Mesh, size: float, vertices: AnyArray | None = None) -> Binding:
    """The binding of a mesh (N vertices) whose far vertices have the feet of their roots.

    ``vertices`` (K,) are those of whole loose parts that this is for; None for all. ``size`` is the
    fitted mesh's diagonal. In a larger part the root of a vertex is the nearest along the edges
    among those close to the skin.
    """
    from scipy import sparse
    from scipy.sparse.csgraph import dijkstra

    points, edges, count = mesh.points, mesh.edges, len(mesh.points)
    if not count:
        return binding
    parts, which = loose_parts(count, edges)
    spans = extents(points, parts, which)
    nearest = least_of(binding.distances, parts, which)
    roots = np.where(
        (spans < SMALL * size)[which],
        roots_of(points, edges, binding.distances, size) == np.arange(count),
        binding.distances <= (nearest + _NEAR * spans)[which],
    )
    lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1) + 1e-12 * size
    graph = sparse.csr_matrix((lengths, edges.T), shape=(count, count))
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
