# SPDX-License-Identifier: GPL-3.0-or-later
"""How the jaw moves where only weights are known: as the built-in head's does with its poses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ..core.arrays import AnyArray, Floats
from ..core.head import load_head
from ..core.naming import match, retarget
from ..core.solve.jaw import jaw_of_weights
from .template_head import ASSET


def jaw_poses() -> tuple[str, ...]:
    """The poses that move the jaw."""
    return tuple(_jaw()[1])


def jaw_by_poses(names: Sequence[str], weights: AnyArray) -> Floats:
    """The jaw's motion (T, 4, 4) float32 for weights (T, P) of poses, however they are spelled; see
    ``core.face.track.FaceTrack``."""
    pivot, motions = _jaw()
    found = match(names, tuple(motions))
    known, values = retarget(found, names, np.asarray(weights, np.float32))
    return jaw_of_weights(known, values, pivot, motions).astype(np.float32)


@lru_cache(maxsize=1)
def _jaw() -> tuple[Floats, dict[str, Floats]]:
    """Pivot and motions of the built-in head's jaw."""
    head = load_head(ASSET)
    return head.jaw_pivot, dict(head.jaw_motions)
