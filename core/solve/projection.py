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
from ..models.model import ModelData
from ..parameters import Settings
from ..postprocess.skin import region_shares, region_strengths
from ..postprocess.tongue import tongue_rest
from .basis import PoseBasis

_VERTEX_BLOCK = 4_096


@dataclass(frozen=True)
class Projection:
    """``matrix`` (K, P) and ``offset`` (P,) for all poses of a rig, float64."""

    matrix: Doubles
    offset: Doubles


def region_products(
    data: ModelData, shapes: Floats, basis: PoseBasis, settings: Settings
) -> Doubles:
    """Products (2, S + 2, P) of the skin's controls with the poses: upper face, lower face.

    Only the face mask's two parameters play a part; the strengths come in ``skin_projection``.
    ``shapes`` (S, V, 3) float32.
    """
    shares = region_shares(data.skin_neutral, settings)[:, basis.vertices]
    extra = np.stack([data.eye_close_delta, data.lip_open_delta])
    return np.concatenate([_products(moves, basis, shares) for moves in (shapes, extra)], axis=1)


def skin_projection(
    products: Doubles, data: ModelData, basis: PoseBasis, settings: Settings
) -> Projection:
    """For smoothed controls of the skin, both regions side by side: K = 2 (S + 2)."""
    strengths = np.array([settings.upper_face_strength, settings.lower_face_strength])
    matrix = (products * strengths[:, None, None]).reshape(-1, products.shape[2])
    return Projection(matrix, _rest_offset(basis, data.skin_neutral.astype(np.float64)))


def skin_sides_of_few(
    data: ModelData, shapes: Floats, basis: PoseBasis, smoothed: Doubles, settings: Settings
) -> Doubles:
    """Right sides (T, P) of smoothed controls (T, 2, K) by way of the vertices, for a few frames.

    As with ``skin_projection``, to single precision, without the products of all controls: those
    take much longer than a frame and hang on the face mask.
    """
    rest = data.skin_neutral.reshape(-1)
    regions = region_strengths(data.skin_neutral, settings)[:, basis.vertices]
    moves = shapes.reshape(len(shapes), rest.size)
    extra = np.stack([data.eye_close_delta, data.lip_open_delta]).reshape(2, rest.size)
    known = len(shapes)
    total = np.zeros((len(smoothed), 3 * len(basis.vertices)))
    for region, strengths in enumerate(regions):
        controls = smoothed[:, region].astype(np.float32)
        moved = controls[:, :known] @ moves + controls[:, known:] @ extra
        seen = moved.reshape(len(smoothed), -1, 3)[:, basis.vertices] * strengths[:, None]
        total += seen.reshape(len(smoothed), -1)
    offset = _rest_offset(basis, data.skin_neutral.astype(np.float64))
    return total @ basis.deltas.T + offset


def tongue_products(shapes: Floats, basis: PoseBasis) -> Doubles:
    """Products (Tt, P) of the tongue's controls with the poses; ``shapes`` (Tt, Vt, 3)."""
    return _products(shapes, basis, np.ones((1, len(basis.vertices))))[0]


def tongue_projection(
    products: Doubles, data: ModelData, basis: PoseBasis, settings: Settings
) -> Projection:
    """For controls of the tongue: K = Tt."""
    return Projection(products, _rest_offset(basis, tongue_rest(data, settings)))


def _rest_offset(basis: PoseBasis, rest: Doubles) -> Doubles:
    return basis.deltas @ (rest[basis.vertices].reshape(-1) - basis.neutral)


def _products(moves: Floats, basis: PoseBasis, weights: Doubles) -> Doubles:
    """Sums over the vertices looked at of weight * moves (K, V, 3) * deltas: (R, K, P).

    ``weights`` (R, M), one row per region.
    """
    poses, regions = len(basis.names), len(weights)
    deltas = basis.deltas.reshape(poses, -1, 3)
    total = np.zeros((len(moves), regions * poses))
    for at in range(0, len(basis.vertices), _VERTEX_BLOCK):
        part = slice(at, at + _VERTEX_BLOCK)
        # The fewer poses are weighted rather than the many moves, and all regions go in one sum.
        weighted = deltas[None, :, part] * weights[:, None, part, None]
        size = 3 * weighted.shape[2]
        moved = moves[:, basis.vertices[part]].reshape(-1, size).astype(np.float64)
        total += moved @ weighted.reshape(-1, size).T
    return np.ascontiguousarray(total.reshape(-1, regions, poses).transpose(1, 0, 2))


def project(projection: Projection, controls: Doubles) -> Doubles:
    """Right sides (T, P) float64 of controls (T, K).

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
