# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a face at rest is an expression of the same head, or another head."""

from __future__ import annotations

import numpy as np

from ..arrays import AnyArray, Doubles
from .basis import PoseBasis, energies_of, sides_of

_MOSTLY = 0.75
_NOTHING = 1e-6  # of the head's diagonal, root mean square: the same to rounding


def explained(basis: PoseBasis, face: AnyArray) -> float:
    """The share 0..1 of what leads from the poses' neutral to a face (V, 3) that some weights of
    the poses, of any size, can make: 1 where nothing does. In squares."""
    faces = np.asarray(face, np.float64)[None]
    side, energy = sides_of(basis, faces)[0], float(energies_of(basis, faces)[0])
    if energy <= basis.count * basis.size2 * _NOTHING**2:
        return 1.0
    weights = np.linalg.lstsq(basis.normal, side, rcond=1e-9)[0]
    return float(np.clip(weights @ side / energy, 0.0, 1.0))


def is_same_head(basis: PoseBasis, face: AnyArray) -> bool:
    """Whether a face (V, 3) of the poses' topology is that head, perhaps with an expression, as the
    first frame of a cache is: what poses make of it is most of the difference. Another head differs
    by what no pose can do."""
    return explained(basis, face) >= _MOSTLY


def shift_between(basis: PoseBasis, face: AnyArray) -> Doubles:
    """The shift (3,) of a face (V, 3) of that head, with an expression or without, from its place:
    what together with weights of the poses, of any size, leads there best (least squares)."""
    count, poses = basis.count, len(basis.names)
    moved = np.asarray(face, np.float64)[basis.vertices] - basis.neutral.reshape(-1, 3)
    sums = basis.deltas.reshape(poses, -1, 3).sum(axis=1)
    matrix = np.block([[basis.normal, sums], [sums.T, count * np.eye(3)]])
    side = np.concatenate([basis.deltas @ moved.ravel(), moved.sum(axis=0)])
    found: Doubles = np.linalg.lstsq(matrix, side, rcond=1e-12)[0]
    return found[poses:]
