# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a fitted mesh's mouth stands open at rest."""

from __future__ import annotations

import numpy as np

from ..arrays import AnyArray
from .contacts import Meetings
from .mesh import Mesh
from .pairs import similarity

_CLOSED = 0.05  # so little is the fit's noise


def opening_of(driver: Mesh, opening: AnyArray, fitted: AnyArray) -> float:
    """How much (0..1) of the driver's opening (V, 3) is in the fitted points (V, 3) already.

    Where the driver's lips lie on each other and part as the mouth opens, the gap on the fitted
    mesh tells: the least squares share of the driver's. 0 for less than `_CLOSED`.
    """
    opened = np.asarray(opening, np.float64)
    pairs = Meetings(driver.moved_to(driver.points + opened)).pairs(-opened)
    if not len(pairs):
        return 0.0
    i, j = pairs.T
    over = similarity(driver.points, fitted)
    parting = over.scale * (opened[i] - opened[j]) @ over.turn.T
    rest = over.scale * (driver.points[i] - driver.points[j]) @ over.turn.T
    gaps = np.asarray(fitted)[i] - np.asarray(fitted)[j] - rest
    share = float((gaps * parting).sum() / (parting**2).sum())
    return min(share, 1.0) if share >= _CLOSED else 0.0
