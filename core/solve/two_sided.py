# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights of a whole clip, smoothed by the frames on both sides, and never both of a cancel pair.

The energy is that of ``stretch``. A clip begins with its solution without bounds, which is had in
one step: the poses' matrix and time are turned into numbers that do not mix (eigenvectors, cosine
transform). A long one is solved in windows that overlap, over and over until no weight changes, so
that memory stays small.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..arrays import AnyArray, Doubles
from ..watch import Watch
from .blendshape import Solver
from .stretch import Stretch, bounds_of, settle

TEXT = "Smoothing the weights"
WINDOW = 4_096  # frames solved at once
OVERLAP = 512
_SWEEPS = 40
_STILL = 1e-10  # change of a weight that is none


def solve_clip(solver: Solver, sides: Doubles, pull: float, watch: Watch) -> Doubles:
    """Weights (T, P') float64 of the active poses for right sides (T, P) of all poses.

    ``solver`` is prepared without its temporal term; ``pull`` (> 0) is 100 T s.
    """
    sides = np.ascontiguousarray(sides[:, solver.active])
    free = Stretch(solver.matrix, sides, pull, np.zeros(sides.shape, bool))
    if not len(sides):
        return sides
    weights = without_bounds(free)
    share = 0.5 if solver.cancel_pairs else 1.0
    weights = _settled(free, weights, watch, 0.0, share)
    if solver.cancel_pairs:
        held = Stretch(solver.matrix, sides, pull, barred(solver, weights, pull))
        weights = _settled(held, weights, watch, share, 1.0)
    return weights


def without_bounds(stretch: Stretch) -> Doubles:
    """The weights (T, P) of a whole clip if they could be any number."""
    from scipy.fft import dct, idct

    values, vectors = np.linalg.eigh(stretch.matrix)
    waves = 2.0 - 2.0 * np.cos(np.pi * np.arange(len(stretch)) / len(stretch))
    turned = dct(stretch.sides @ vectors, axis=0, norm="ortho", overwrite_x=True)
    turned /= values + stretch.pull * waves[:, None]
    weights: Doubles = idct(turned, axis=0, norm="ortho", overwrite_x=True) @ vectors.T
    return weights


def _settled(stretch: Stretch, weights: Doubles, watch: Watch, begin: float, end: float) -> Doubles:
    """The exact weights from others near them, which may be out of 0..1."""
    bounds = bounds_of(weights, stretch.barred)
    rounds = 0

    def look() -> None:
        nonlocal rounds
        rounds += 1
        watch.tell(begin + (end - begin) * (1.0 - 0.9**rounds), TEXT)

    if len(stretch) <= WINDOW:
        return settle(stretch, bounds, look)[0]
    weights = np.clip(weights, 0.0, 1.0)
    weights[stretch.barred] = 0.0
    for _ in range(_SWEEPS):
        change = 0.0
        for first, last in _windows(len(stretch)):
            part = stretch.part(first, last, weights)
            found, bounds[first:last] = settle(part, bounds[first:last], look)
            change = max(change, float(np.abs(found - weights[first:last]).max()))
            weights[first:last] = found
        if change <= _STILL:
            break
    return weights


def _windows(count: int) -> Iterator[tuple[int, int]]:
    step = WINDOW - OVERLAP
    for first in range(0, max(count - OVERLAP, 1), step):
        yield first, min(first + WINDOW, count)


def barred(solver: Solver, weights: Doubles, pull: float) -> AnyArray:
    """Which weights (T, P') have to be 0 so that no cancel pair is active together.

    Of each pair the way through time that costs least, as far as ``weights``, solved without such
    bounds, can tell: the square of the weight that is given up in each frame, and at a change of
    sides the pull's square of both that jump. So the sides change where both are near 0, and not
    for a frame or two. Without pull it is the smaller of the two in each frame.
    """
    barred = np.zeros(weights.shape, bool)
    diagonal = solver.matrix.diagonal()
    for first, second in solver.cancel_pairs:
        size = (diagonal[first] + diagonal[second]) / 2.0
        given_up = 0.5 * size * weights[:, [second, first]] ** 2  # if the first, the second is kept
        kept = weights[:, [first, second]] ** 2
        second_kept = cheapest(given_up, 0.5 * pull * kept)
        barred[:, first] = second_kept
        barred[:, second] = ~second_kept
    return barred


def cheapest(costs: Doubles, leaps: Doubles) -> AnyArray:
    """Which frames (T,) are in state 1, of least sum of ``costs`` (T, 2) and leaps between.

    A change from state i before frame t to j in it costs ``leaps[t - 1, i] + leaps[t, j]``.
    """
    total = costs[0].tolist()
    came: list[tuple[int, int]] = []
    rows = zip(costs[1:].tolist(), leaps[:-1].tolist(), leaps[1:].tolist(), strict=True)
    for cost, left, joined in rows:
        into = [total[1] + left[1] + joined[0], total[0] + left[0] + joined[1]]
        changes = [into[state] < total[state] for state in (0, 1)]
        came.append((int(changes[0]), int(not changes[1])))
        total = [cost[s] + (into[s] if changes[s] else total[s]) for s in (0, 1)]
    state = int(total[1] < total[0])
    states = [state]
    for back in reversed(came):
        state = back[state]
        states.append(state)
    return np.array(states[::-1], bool)
