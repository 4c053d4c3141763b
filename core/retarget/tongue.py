# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver's tongue on the target's tongue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import AnyArray, Doubles
from .binding import bind
from .mesh import Mesh
from .pairs import Similarity
from .wrap import wrapped

_LEAST = 0.05  # of the driver's tongue's sides: a target that is flatter is not stretched to


@dataclass(frozen=True, eq=False)
class Tongue:
    """A driver's tongue at rest, in the driver's space. `moves` (E, V, 3) of the shapes `names` are
    relative to the jaw; `axes` (3, 3) are the character's left, up and front there, as columns."""

    mesh: Mesh
    names: tuple[str, ...]
    moves: Doubles
    axes: Doubles


def tongue_moves(tongue: Tongue, over: Similarity, target: Mesh) -> Doubles:
    """Displacements (E, N, 3) of the target's tongue, relative to its jaw.

    `over` leads from the driver's space to the target's, as the lower face goes. The driver's
    tongue is then stretched along the jaw's own axes until both tongues fill the same box, and the
    target's tongue is wrapped on it.
    """
    aligned, stretch = _aligned(tongue, over, target.points)
    # Opening the box tells no sheets apart: a tongue is one body.
    binding = bind(aligned, np.zeros_like(aligned.points), target)
    wrap = wrapped(binding.feet, target.points, aligned.points, aligned.normals)
    moves = np.empty((len(tongue.moves), *target.points.shape))
    for row, move in zip(moves, tongue.moves @ stretch.T, strict=True):
        posed = aligned.moved_to(aligned.points + move)
        row[:] = wrap.moves(posed.points, posed.normals)
    return moves


def _aligned(tongue: Tongue, over: Similarity, goal: AnyArray) -> tuple[Mesh, Doubles]:
    """The driver's tongue in the target's box, and the matrix (3, 3) of its displacements."""
    axes = over.turn @ tongue.axes
    brought = over(tongue.mesh.points) @ axes
    goal = np.asarray(goal) @ axes
    mine, theirs = np.ptp(brought, axis=0), np.ptp(goal, axis=0)
    sides = np.maximum(theirs / np.maximum(mine, 1e-300), _LEAST)
    middle = (brought.min(axis=0) + brought.max(axis=0)) / 2
    there = (goal.min(axis=0) + goal.max(axis=0)) / 2
    placed = ((brought - middle) * sides + there) @ axes.T
    stretch = over.scale * (axes * sides) @ axes.T @ over.turn
    return Mesh.of(placed, tongue.mesh.triangles), stretch
