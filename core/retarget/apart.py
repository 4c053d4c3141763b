# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of an animated mesh that tell its sheets apart for `binding.bind`.

Where nobody has named an opening of the mouth or a closing of the lids, the animation itself shows
what parts from what: the frames that differ most from rest and from each other are enough.
"""

from __future__ import annotations

import numpy as np

from ..arrays import AnyArray

MOST = 3


def telling_frames(moves: AnyArray, most: int = MOST) -> tuple[int, ...]:
    """Rows of displacements (K, V, 3) from rest, at most `most` of them: each time the one that is
    farthest from rest and from all that are chosen (Gonzalez 1985). None where nothing moves."""
    flat = np.asarray(moves, np.float64).reshape(len(moves), -1)
    far = np.einsum("kd,kd->k", flat, flat)
    least = 1e-12 * float(far.max(initial=0.0))
    chosen: list[int] = []
    while len(chosen) < min(most, len(flat)) and float(far.max()) > least:
        chosen.append(int(far.argmax()))
        away = flat - flat[chosen[-1]]
        far = np.minimum(far, np.einsum("kd,kd->k", away, away))
    return tuple(chosen)
