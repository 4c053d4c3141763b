# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the lower teeth are when nothing but weights is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import AnyArray, Doubles


def jaw_of_weights(
    names: Sequence[str],
    weights: AnyArray,
    pivot: ArrayLike,
    motions: Mapping[str, AnyArray],
) -> Doubles:
    """The jaw's rigid motion (T, 4, 4) that weights (T, P) of ``names`` say.

    ``motions`` (2, 3) per jaw shape are its rotation vector in radians about ``pivot`` (3,) and its
    shift at weight 1, both linear in weight, as ``core.head.Head`` has them; the motion is in their
    space and unit. Rotation vectors add up, which is exact about one axis. Names that are no jaw
    shape do not count.
    """
    weights, pivot = np.asarray(weights, np.float64), np.asarray(pivot, np.float64)
    columns = [(place, motions[name]) for place, name in enumerate(names) if name in motions]
    rotation, shift = np.zeros((2, len(weights), 3))
    for place, (turn, move) in columns:
        rotation += weights[:, place, None] * turn
        shift += weights[:, place, None] * move
    found = np.tile(np.eye(4), (len(weights), 1, 1))
    found[:, :3, :3] = _turns(rotation)
    found[:, :3, 3] = pivot + shift - found[:, :3, :3] @ pivot
    return found


def _turns(rotations: Doubles) -> Doubles:
    """Matrices (T, 3, 3) of rotation vectors (T, 3) in radians (Rodrigues' formula)."""
    angles = np.linalg.norm(rotations, axis=1)
    x, y, z = (rotations / np.where(angles > 0, angles, 1.0)[:, None]).T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    sine, rest = np.sin(angles)[:, None, None], (1 - np.cos(angles))[:, None, None]
    turns: Doubles = np.eye(3) + sine * cross + rest * cross @ cross
    return turns
