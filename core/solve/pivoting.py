# SPDX-License-Identifier: GPL-3.0-or-later
"""Small quadratic programmes with bounds, many in a row that differ little from each other.

Minimises ``w'Aw/2 - b'w`` with ``0 <= w <= upper``, exactly. First by block principal pivoting:
guess which unknowns are at a bound, solve for the others, change the side of all that are wrong,
repeat. The guess is what the programme before ended with, so that two or three rounds do. Where A
is so badly conditioned that a round makes nothing better (the SDK's squared equations are), an
active set method goes on from there: always inside the bounds, one unknown changes its side at a
time and the energy only falls, so it comes to an end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..arrays import AnyArray, Doubles, Integers

Pivot = Callable[[Doubles, Doubles, Integers], tuple[Doubles, Integers]]
Library = Literal["scipy", "numpy"]
_Best = Callable[[Doubles, Doubles, Integers], Doubles]
_Posv = Callable[[Doubles, Doubles], "Doubles | None"]

_BLOCK_TRIES = 1
_MAX_ROUNDS = 1_000
_TOLERANCE = 1e-11
_ROOT_TOLERANCE = 1e-14


@dataclass(frozen=True)
class _Programme:
    """``best`` weights when those at a bound stay and others are free, ``slope`` of the energy at
    weights for a side and how much of it (P,) is ``slack``, ``sizes`` (P,) the roots of A's
    diagonal."""

    best: _Best
    slope: Callable[[Doubles, Doubles], Doubles]
    slack: Callable[[Doubles], Doubles | float]
    sizes: Doubles


def make_pivot(matrix: Doubles, library: Library = "scipy") -> Pivot:
    """Return ``pivot(side, upper, bounds)`` for one symmetric positive definite A (P, P).

    ``side`` (P,) is b, ``upper`` (P,) > 0, ``bounds`` (P,) int64 the guess: -1 at 0, 1 at the upper
    bound, 0 free. It returns the weights (P,) float64 and where they ended. ``library`` solves the
    small systems: scipy is faster, numpy is what Blender's own process has.
    """
    sizes = np.sqrt(matrix.diagonal())
    scale = float(matrix.diagonal().max())
    posv = _posv_of_scipy() if library == "scipy" else _posv_of_numpy
    return _pivot_of(
        _Programme(
            _make_best(matrix, posv),
            lambda weights, side: matrix @ weights - side,
            lambda side: _TOLERANCE * (float(np.abs(side).max()) + scale),
            sizes,
        )
    )


def make_root_pivot(root: Doubles, library: Library = "scipy") -> Pivot:
    """The same for the energy ``|root w - side|^2 / 2``, ``root`` (P, P) of any condition.

    Its square is never formed: that would cost half of the digits.
    """
    least = _gels_of_scipy() if library == "scipy" else _least_squares

    def best(side: Doubles, upper: Doubles, bounds: Integers) -> Doubles:
        weights = np.where(bounds == 1, upper, 0.0)
        free = np.flatnonzero(bounds == 0)
        if len(free):
            weights[free] = least(root.take(free, 1), side - root @ weights)
        return weights

    sizes = np.linalg.norm(root, axis=0)
    sizes = np.maximum(sizes, 1e-12 * sizes.max())
    return _pivot_of(
        _Programme(
            best,
            lambda weights, side: root.T @ (root @ weights - side),
            lambda side: _ROOT_TOLERANCE * float(np.linalg.norm(side)) * sizes,
            sizes,
        )
    )


def _pivot_of(programme: _Programme) -> Pivot:
    best = programme.best

    def pivot(side: Doubles, upper: Doubles, bounds: Integers) -> tuple[Doubles, Integers]:
        bounds = bounds.copy()
        slack = programme.slack(side)
        top = upper + _TOLERANCE
        fewest, tries = len(side) + 1, _BLOCK_TRIES
        while True:
            weights = best(side, upper, bounds)
            above = weights > top
            wrong = above | (weights < -_TOLERANCE)
            wrong |= programme.slope(weights, side) * bounds > slack
            count = int(np.count_nonzero(wrong))
            if not count:
                return np.minimum(np.maximum(weights, 0.0), upper), bounds
            if count < fewest:
                fewest, tries = count, _BLOCK_TRIES
            elif tries > 0:
                tries -= 1
            else:
                return _descend(programme, side, upper, weights, slack)
            goal = (bounds == 0) * (2 * above - 1)  # what is held becomes free
            np.copyto(bounds, goal, where=wrong)

    return pivot


def _posv_of_scipy() -> _Posv:
    # The routine itself: numpy's solve starts threads even for matrices as small as these.
    from scipy.linalg.lapack import dposv

    def posv(matrix: Doubles, side: Doubles) -> Doubles | None:
        _, found, failed = dposv(matrix, side, overwrite_a=1, overwrite_b=1)
        return None if failed else found

    return posv


def _gels_of_scipy() -> Callable[[Doubles, Doubles], Doubles]:
    from scipy.linalg.lapack import dgels

    def gels(matrix: Doubles, side: Doubles) -> Doubles:
        _, found, failed = dgels(matrix, side)
        least: Doubles = _least_squares(matrix, side) if failed else found[: matrix.shape[1]]
        return least

    return gels


def _least_squares(matrix: Doubles, side: Doubles) -> Doubles:
    return np.asarray(np.linalg.lstsq(matrix, side, rcond=1e-15)[0], np.float64)


def _posv_of_numpy(matrix: Doubles, side: Doubles) -> Doubles | None:
    try:
        np.linalg.cholesky(matrix)  # says whether it is positive definite, as dposv does
        found = np.linalg.solve(matrix, side)
    except np.linalg.LinAlgError:
        return None
    return np.asarray(found, np.float64)


def _make_best(matrix: Doubles, posv: _Posv) -> _Best:
    """Return the function that gives the weights when those at a bound stay and others are free."""

    def best(side: Doubles, upper: Doubles, bounds: Integers) -> Doubles:
        above = bounds == 1
        weights = above * upper
        free = (bounds == 0).nonzero()[0]
        if len(free):
            rest = (side - matrix @ weights if above.any() else side).take(free)
            inner = matrix.take(free, 0).take(free, 1).T
            found = posv(inner, rest)
            weights[free] = _careful(matrix, side, weights, free) if found is None else found
        return weights

    return best


def _descend(
    programme: _Programme,
    side: Doubles,
    upper: Doubles,
    start: Doubles,
    slack: Doubles | float,
) -> tuple[Doubles, Integers]:
    """The same programme by an active set, from the point of the box nearest to ``start``."""
    weights = np.minimum(np.maximum(start, 0.0), upper)
    bounds = np.where(weights >= upper, 1, np.where(weights <= 0.0, -1, 0))
    for _ in range(_MAX_ROUNDS):
        goal = programme.best(side, upper, bounds)
        beyond = np.flatnonzero((goal < -_TOLERANCE) | (goal > upper + _TOLERANCE))
        if len(beyond):
            edge = np.where(goal[beyond] < 0.0, 0.0, upper[beyond])
            share = (edge - weights[beyond]) / (goal[beyond] - weights[beyond])
            first = int(share.argmin())
            weights += max(float(share[first]), 0.0) * (goal - weights)
            weights[beyond[first]] = edge[first]
            bounds[beyond[first]] = -1 if goal[beyond[first]] < 0.0 else 1
            continue
        weights = goal
        push = programme.slope(weights, side) * bounds
        if (push <= slack).all():
            break
        bounds[int((push / programme.sizes).argmax())] = 0
    return np.minimum(np.maximum(weights, 0.0), upper), bounds


def _careful(matrix: Doubles, side: Doubles, weights: Doubles, free: AnyArray) -> Doubles:
    """The free weights when the matrix is singular to rounding: those of least size."""
    inner = matrix[np.ix_(free, free)]
    return np.linalg.lstsq(inner, (side - matrix @ weights)[free], rcond=None)[0]
