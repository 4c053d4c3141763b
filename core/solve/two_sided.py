# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights of a whole clip, smoothed by the frames on both sides.

Minimises ``sum_t (w_t'A w_t / 2 - b_t'w_t) + pull / 2 sum_t |w_t - w_(t-1)|^2`` with
``0 <= w_t <= upper_t``, exactly.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Doubles
from ..watch import Watch
from .blendshape import CANCELLED_BOUND, Solver


def solve_clip(solver: Solver, sides: Doubles, pull: float, watch: Watch) -> Doubles:
    """Weights (T, P') float64 of the active poses for right sides (T, P) of all poses.

    ``solver`` is prepared without its temporal term; ``pull`` is 100 T s of the module above it.
    """
    raise NotImplementedError
