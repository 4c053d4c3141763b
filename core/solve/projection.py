# SPDX-License-Identifier: GPL-3.0-or-later
"""The shortcut from the network's coefficients to the solver's right side.

Everything between them is linear (strengths, masks, the basis, D'), so one small matrix stands for
the whole geometry: ``b = controls @ matrix + offset``. Same result as with vertices, to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import limits
from ..arrays import Doubles, Floats
from ..models import ModelData
from ..parameters import Settings
from ..postprocess.skin import region_strengths, skin_basis
from ..postprocess.tongue import tongue_rest
from .blendshape import Solver

_VERTEX_BLOCK = 4_096


@dataclass(frozen=True)
class Projection:
    """``matrix`` (K, P') and ``offset`` (P',), float64."""

    matrix: Doubles
    offset: Doubles


def skin_projection(data: ModelData, settings: Settings, solver: Solver) -> Projection:
    """For smoothed controls of the skin, both regions side by side: K = 2 (S + 2)."""
    strengths = region_strengths(data.skin_neutral, settings)[:, solver.vertices]
    basis = skin_basis(data)
    matrix = np.concatenate([_products(basis, solver, weights) for weights in strengths])
    return Projection(matrix, _rest_offset(solver, data.skin_neutral.astype(np.float64)))


def tongue_projection(data: ModelData, settings: Settings, solver: Solver) -> Projection:
    """For controls of the tongue: K = Tt."""
    ones = np.ones(len(solver.vertices))
    matrix = _products(data.tongue_shapes, solver, ones)
    return Projection(matrix, _rest_offset(solver, tongue_rest(data, settings)))


def _rest_offset(solver: Solver, rest: Doubles) -> Doubles:
    return solver.deltas @ (rest[solver.vertices].reshape(-1) - solver.neutral)


def _products(basis: Floats, solver: Solver, weights: Doubles) -> Doubles:
    """Sum over the vertices looked at of weight * basis (K, V, 3) * deltas: (K, P')."""
    deltas = solver.deltas.reshape(len(solver.active), -1, 3)
    total = np.zeros((len(basis), len(solver.active)))
    for at in range(0, len(solver.vertices), _VERTEX_BLOCK):
        part = slice(at, at + _VERTEX_BLOCK)
        moved = basis[:, solver.vertices[part]].astype(np.float64)
        moved *= weights[part, None]
        total += moved.reshape(len(basis), -1) @ deltas[:, part].reshape(len(deltas), -1).T
    return total


def project(projection: Projection, controls: Doubles) -> Doubles:
    """Right sides (T, P') float64 of controls (T, K).

    Summed in a fixed order without a matrix library: the result of a frame depends neither on the
    frames around it nor on the number of threads.
    """
    result = np.empty((len(controls), len(projection.offset)))
    for at in range(0, len(controls), limits.PROJECTION_BLOCK):
        block = controls[at : at + limits.PROJECTION_BLOCK]
        sums = np.broadcast_to(projection.offset, (len(block), len(projection.offset))).copy()
        for column, row in zip(block.T, projection.matrix, strict=True):
            sums += column[:, None] * row
        result[at : at + limits.PROJECTION_BLOCK] = sums
    return result
