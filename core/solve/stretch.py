# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights of a stretch of frames that pull at each other, exactly.

Minimises ``sum_t (w_t'A w_t / 2 - b_t'w_t) + pull / 2 sum_t |w_t - w_(t-1)|^2`` with
``0 <= w <= 1``, as ``pivoting`` does for one frame: guess which weights are at a bound, solve for
all others at once, change the side of all that are wrong, repeat. The equations of the free weights
are a band not much wider than the poses of a frame, so that a round takes little more than the
frames one by one. Wrong guesses that are left in few places are mended there, with the frames
around them as they are, before the whole is solved again.

Where rounds make nothing better (poses that are almost alike), frames are solved one by one with
their neighbours held, back and forth: the energy only falls, if slowly; then rounds go on from
there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import AnyArray, Doubles, Integers
from .pivoting import make_pivot

Bounds = AnyArray  # (T, P) int8: -1 at 0, 1 at 1, 0 between

TOLERANCE = 1e-10  # of a weight
_TRIES = 3  # rounds that may make nothing better before frames are solved one by one
_RESCUES = 8
_SWEEPS = 4
_MARGIN = 16  # frames around a wrong guess that are solved again with it
_SHORTEST = 4 * _MARGIN  # of a stretch that is not cut further
_UNKNOWNS = 2_048  # of the band, filled at once
_BARRED = 1e-10  # the least that the solver of one frame takes as an upper bound


@dataclass(frozen=True)
class Stretch:
    """``matrix`` (P, P) A, positive definite; ``sides`` (T, P) b; ``barred`` (T, P) weights held at
    0; ``before`` and ``after`` (P,) the weights around it, None at the ends of a clip."""

    matrix: Doubles
    sides: Doubles
    pull: float
    barred: AnyArray
    before: Doubles | None = None
    after: Doubles | None = None

    def __len__(self) -> int:
        return len(self.sides)

    def part(self, first: int, last: int, weights: Doubles) -> Stretch:
        """Frames ``first`` to before ``last``, with the others held at ``weights``."""
        return replace(
            self,
            sides=self.sides[first:last],
            barred=self.barred[first:last],
            before=weights[first - 1] if first else self.before,
            after=weights[last] if last < len(self) else self.after,
        )

    def neighbours(self) -> Doubles:
        """How many frames pull at each (T,): 2, or 1 at the ends of a clip."""
        count = np.full(len(self), 2.0)
        count[0] -= self.before is None
        count[-1] -= self.after is None
        return count

    def around(self, weights: Doubles) -> Doubles:
        """Sum (T, P) of the weights before and after each frame."""
        total = np.zeros_like(weights)
        total[1:] += weights[:-1]
        total[:-1] += weights[1:]
        if self.before is not None:
            total[0] += self.before
        if self.after is not None:
            total[-1] += self.after
        return total

    def slope(self, weights: Doubles) -> Doubles:
        """What the energy gains (T, P) per weight added."""
        pulled = self.neighbours()[:, None] * weights - self.around(weights)
        slope: Doubles = weights @ self.matrix - self.sides + self.pull * pulled
        return slope

    def wrong(self, weights: Doubles, bounds: Bounds) -> AnyArray:
        """Which guesses (T, P) are wrong: free and out of 0..1, or held where it wants away."""
        slack = TOLERANCE * (self.matrix.diagonal() + float(np.abs(self.sides).max(initial=0.0)))
        outside = (weights < -TOLERANCE) | (weights > 1.0 + TOLERANCE)
        held = (self.slope(weights) * bounds > slack) & ~self.barred
        return np.where(bounds == 0, outside, held)


def bounds_of(weights: Doubles, barred: AnyArray) -> Bounds:
    """The guess that weights, which may be out of 0..1, lead to."""
    bounds = (weights >= 1.0).astype(np.int8) - (weights <= 0.0).astype(np.int8)
    bounds[barred] = -1
    return bounds


def settle(
    stretch: Stretch, bounds: Bounds, look: Callable[[], None] = lambda: None
) -> tuple[Doubles, Bounds]:
    """Weights (T, P) float64 within 0..1 and where they are, from a guess.

    ``look`` is called before every round; it may raise to end it.
    """
    bounds = np.where(stretch.barred, -1, bounds).astype(np.int8)
    fewest, tries, rescues = bounds.size + 1, _TRIES, 0
    room = np.empty(bounds.size * (bounds.shape[1] + 1))
    while True:
        look()
        weights = best(stretch, bounds, room)
        wrong = stretch.wrong(weights, bounds)
        count = int(wrong.sum())
        if not count:
            break
        if count < fewest:
            fewest, tries = count, _TRIES
        elif tries:
            tries -= 1
        else:
            frames = np.flatnonzero(_near(wrong))
            weights = rescue(stretch, weights, frames, _SWEEPS << rescues, look)
            if rescues == _RESCUES:
                break  # as near as it gets
            bounds = bounds_of(weights, stretch.barred)
            fewest, tries, rescues = bounds.size + 1, _TRIES, rescues + 1
            continue
        bounds = _turned(weights, bounds, wrong)
        for first, last in _places(wrong):
            inner = stretch.part(first, last, weights)
            bounds[first:last] = settle(inner, bounds[first:last], look)[1]
    weights = np.clip(weights, 0.0, 1.0)
    weights[stretch.barred] = 0.0
    return weights, bounds


def _turned(weights: Doubles, bounds: Bounds, wrong: AnyArray) -> Bounds:
    """Free what is wrongly held, hold what is wrongly free."""
    goal = np.where(bounds != 0, 0, np.where(weights > 0.5, 1, -1))
    return np.where(wrong, goal, bounds).astype(np.int8)


def _places(wrong: AnyArray) -> Iterator[tuple[int, int]]:
    """Parts around the frames with wrong guesses; none where they would be half of the whole."""
    inside = _near(wrong)
    if len(wrong) < _SHORTEST or 2 * int(inside.sum()) > len(wrong):
        return
    edges = np.diff(np.concatenate([[0], inside.astype(np.int8), [0]]))
    firsts, lasts = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    yield from zip(firsts.tolist(), lasts.tolist(), strict=True)


def _near(wrong: AnyArray) -> AnyArray:
    """Which frames (T,) are near one with a wrong guess."""
    edges = np.zeros(len(wrong) + 1, np.int64)
    for frame in np.flatnonzero(wrong.any(axis=1)):
        edges[max(frame - _MARGIN, 0)] += 1
        edges[min(frame + _MARGIN + 1, len(wrong))] -= 1
    near: AnyArray = np.cumsum(edges[:-1]) > 0
    return near


def best(stretch: Stretch, bounds: Bounds, room: Doubles) -> Doubles:
    """The weights (T, P) when those at a bound stay and the others are free of bounds.

    ``room`` (T P (P + 1),) is overwritten: to get as much memory each time takes as long as to
    solve.
    """
    from scipy.linalg.lapack import dpbsv

    weights = np.where(bounds == 1, 1.0, 0.0)
    free = bounds == 0
    if not free.any():
        return weights
    rest = stretch.sides - weights @ stretch.matrix + stretch.pull * stretch.around(weights)
    for ridge in (0.0, 1e-13, 1e-12, 1e-11, 1e-10):
        band = _band(stretch, free, ridge * float(stretch.matrix.diagonal().max()), room)
        _, found, failed = dpbsv(band, rest[free], lower=1, overwrite_ab=1, overwrite_b=1)
        if not failed:
            break
    weights[free] = found
    return weights


def _band(stretch: Stretch, free: AnyArray, ridge: float, room: Doubles) -> Doubles:
    """The equations of the free weights as LAPACK keeps a lower band (W + 1, N), by columns.

    Unknowns go frame by frame, in a frame pose by pose.
    """
    frames, poses = np.nonzero(free)
    count = len(frames)
    numbers = np.full(free.shape, -1)
    numbers[free] = np.arange(count)
    here = numbers[:-1][free[:-1] & free[1:]]
    ahead = numbers[1:][free[:-1] & free[1:]] - here
    sizes = free.sum(axis=1)
    most = int(sizes.max())
    width = max(most, int(ahead.max(initial=0)) + 1)
    band = room[: count * width].reshape(count, width)
    band[:, most:] = 0.0
    # A row per unknown: A's entries with those that follow it in its frame
    ends = np.cumsum(sizes)[frames] - np.arange(count)
    following = np.lib.stride_tricks.sliding_window_view(np.pad(poses, (0, most - 1)), most)
    for at in range(0, count, _UNKNOWNS):
        some = slice(at, at + _UNKNOWNS)
        entries = stretch.matrix.take(poses[some, None] * free.shape[1] + following[some])
        np.multiply(entries, np.arange(most) < ends[some, None], out=band[some, :most])
    band[:, 0] += stretch.pull * stretch.neighbours()[frames] + ridge
    band[here, ahead] -= stretch.pull
    return band.T


def rescue(
    stretch: Stretch,
    weights: Doubles,
    frames: Integers,
    sweeps: int,
    look: Callable[[], None] = lambda: None,
) -> Doubles:
    """Weights within 0..1 of less energy: ``frames`` one by one, neighbours held, back and forth.

    The others are brought within 0..1 only.
    """
    weights = np.clip(weights, 0.0, 1.0)
    weights[stretch.barred] = 0.0
    counts = stretch.neighbours()
    unit = np.eye(len(stretch.matrix)) * stretch.pull
    pivots = {n: make_pivot(stretch.matrix + n * unit) for n in np.unique(counts)}
    bounds = bounds_of(weights, stretch.barred).astype(np.int64)
    upper = np.where(stretch.barred, _BARRED, 1.0)
    order = frames.tolist()
    for _ in range(sweeps):
        look()
        for frame in order:
            near = stretch.part(frame, frame + 1, weights)
            side = stretch.sides[frame] + stretch.pull * near.around(weights[frame : frame + 1])[0]
            found = pivots[counts[frame]](side, upper[frame], bounds[frame])
            weights[frame], bounds[frame] = found
        order = order[::-1]
    weights[stretch.barred] = 0.0
    return weights
