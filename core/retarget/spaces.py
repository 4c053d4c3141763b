# SPDX-License-Identifier: GPL-3.0-or-later
"""What leads from one file's space to another's: other axes, another unit, another place.

Two meshes of the same vertices tell it, although one may have an expression, or be another head.
So what is nearly a change of axes or of the unit is taken for exactly that.
"""

from __future__ import annotations

import numpy as np

from ..arrays import AnyArray, Doubles
from .pairs import Similarity, similarity

_NEARLY = 0.15  # of a turn's entries; about 8 degrees
_UNIT = 0.06  # in powers of ten; about 15 %
_FAR = 0.05  # in diagonals: what is nearer has not been put elsewhere


def between(source: AnyArray, goal: AnyArray) -> Similarity:
    """The similarity from points (V, 3) to the same points of another space (V, 3)."""
    source, goal = np.asarray(source, np.float64), np.asarray(goal, np.float64)
    found = similarity(source, goal)
    turn, scale = _axes(found.turn), _unit(found.scale)
    # Most of a head rests whatever its face does, so the middle of all shifts is the place's
    shift = np.median(goal - scale * (source @ turn.T), axis=0)
    if np.linalg.norm(shift) < _FAR * np.linalg.norm(np.ptp(goal, axis=0)):
        shift = np.zeros(3)
    return Similarity(scale, turn, shift)


def _axes(turn: Doubles) -> Doubles:
    rounded: Doubles = np.round(turn)
    near = np.abs(turn - rounded).max() < _NEARLY
    return rounded if near and np.allclose(rounded @ rounded.T, np.eye(3)) else turn


def _unit(scale: float) -> float:
    power = np.log10(max(scale, 1e-12))
    return float(10.0 ** round(power)) if abs(power - round(power)) < _UNIT else scale
