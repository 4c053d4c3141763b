# SPDX-License-Identifier: GPL-3.0-or-later
"""Small quadratic programmes with bounds, many in a row that differ little from each other.

Minimises ``w'Aw/2 - b'w`` with ``0 <= w <= upper``, exactly, by block principal pivoting: guess
which unknowns are at a bound, solve for the others, change the side of all that are wrong, repeat.
The guess is what the programme before ended with. After three rounds that made nothing better only
the last wrong unknown changes (Murty's rule), which always comes to an end.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arrays import AnyArray, Doubles, Integers

Pivot = Callable[[Doubles, Doubles, Integers], tuple[Doubles, Integers]]

_BLOCK_TRIES = 3
_MAX_ROUNDS = 1_000
_TOLERANCE = 1e-11


def make_pivot(matrix: Doubles) -> Pivot:
    """Return ``pivot(side, upper, bounds)`` for one symmetric positive definite A (P, P).

    ``side`` (P,) is b, ``upper`` (P,) > 0, ``bounds`` (P,) int64 the guess: -1 at 0, 1 at the upper
    bound, 0 free. It returns the weights (P,) float64 and where they ended.
    """
    # The routine itself: numpy's solve starts threads even for matrices as small as these.
    from scipy.linalg.lapack import dposv

    scale = float(matrix.diagonal().max())

    def best(side: Doubles, upper: Doubles, bounds: Integers) -> Doubles:
        """Weights when those at a bound stay there and the others are free."""
        weights = np.where(bounds == 1, upper, 0.0)
        free = np.flatnonzero(bounds == 0)
        if len(free):
            rest = (side - matrix @ weights)[free]
            inner = matrix.take(free, 0).take(free, 1).T
            _, found, failed = dposv(inner, rest, overwrite_a=1, overwrite_b=1)
            weights[free] = _careful(matrix, side, weights, free) if failed else found
        return weights

    def pivot(side: Doubles, upper: Doubles, bounds: Integers) -> tuple[Doubles, Integers]:
        bounds = bounds.copy()
        slack = _TOLERANCE * (float(np.abs(side).max()) + scale)
        top = upper + _TOLERANCE
        fewest, tries = len(side) + 1, _BLOCK_TRIES
        weights = side
        for _ in range(_MAX_ROUNDS):
            weights = best(side, upper, bounds)
            slope = matrix @ weights - side
            above = weights > top
            wrong = np.flatnonzero(above | (weights < -_TOLERANCE) | (slope * bounds > slack))
            if not len(wrong):
                break
            if len(wrong) < fewest:
                fewest, tries = len(wrong), _BLOCK_TRIES
            elif tries > 0:
                tries -= 1
            else:
                wrong = wrong[-1:]
            goal = np.where(bounds != 0, 0, np.where(above, 1, -1))
            bounds[wrong] = goal[wrong]
        return np.minimum(np.maximum(weights, 0.0), upper), bounds

    return pivot


def _careful(matrix: Doubles, side: Doubles, weights: Doubles, free: AnyArray) -> Doubles:
    """The free weights when the matrix is singular to rounding: those of least size."""
    inner = matrix[np.ix_(free, free)]
    return np.linalg.lstsq(inner, (side - matrix @ weights)[free], rcond=None)[0]
