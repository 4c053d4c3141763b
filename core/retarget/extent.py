# SPDX-License-Identifier: GPL-3.0-or-later
"""How large a face is, whatever mesh it is part of."""

from __future__ import annotations

import numpy as np

from ..arrays import AnyArray

_MOVES = 0.03  # of the largest displacement: what belongs to the face


def face_size(points: AnyArray, moves: AnyArray) -> float:
    """Diagonal of the box around the vertices that expressions (E, V, 3) move, in the points' unit.

    A body below the head does not make the face larger. Where nothing moves, all vertices (V, 3)
    count.
    """
    points, moves = np.asarray(points), np.asarray(moves)
    sizes = np.zeros(len(points))
    for move in moves:
        np.maximum(sizes, np.linalg.norm(move, axis=1), out=sizes)
    moving = sizes > _MOVES * sizes.max(initial=0.0)
    box = points[moving] if moving.any() else points
    return float(np.linalg.norm(np.ptp(box, axis=0)))
