# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that a file gives at any times, brought to an even rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .. import limits
from ..arrays import AnyArray, Doubles
from ..errors import UserError

EVEN = 1e-4  # of a frame: so far times may be off and still count as even


@dataclass(frozen=True)
class Evenly:
    """``rate`` frames per second, exact, from the first time on; each frame lies between the rows
    ``low`` and ``low + 1`` of what was given, ``share`` (T,) of the way."""

    rate: Fraction
    low: AnyArray
    share: Doubles

    @property
    def count(self) -> int:
        """How many frames it makes."""
        return len(self.low)

    def rows(self, values: AnyArray) -> AnyArray:
        """What was given per row (n, ...) per frame (T, ...), straight in between."""
        high = np.minimum(self.low + 1, len(values) - 1)
        share = self.share.reshape(-1, *(1 for _ in values.shape[1:]))
        if not share.any():
            return values[self.low]
        result: AnyArray = values[self.low] * (1 - share) + values[high] * share
        return result


def evenly(frames: Doubles, rate: Fraction, where: str) -> Evenly:
    """``frames`` (n,), rising, are times in frames of ``rate``.

    Times that are even already keep their own step; others are filled in at ``rate``. Raises
    UserError naming ``where`` for times that cannot be frames.
    """
    count = len(frames)
    if not count:
        raise UserError(f"{where} holds no frames.", "Choose another file.")
    if not np.isfinite(frames).all() or (count > 1 and np.diff(frames).min() <= 0):
        raise UserError(f"{where}: its frames are not in the order of time.")
    steps = np.diff(frames) if count > 1 else np.ones(1)
    step = Fraction(float(steps.mean())).limit_denominator(1000)
    even = rate / step if step > 0 else Fraction(limits.MAX_FPS + 1)
    if np.abs(steps - steps.mean()).max() < EVEN and even >= limits.MIN_FPS:
        low, share = np.arange(count), np.zeros(count)
    else:
        even = rate
        total = math.floor(frames[-1] - frames[0] + EVEN) + 1
        if total > limits.MAX_FRAMES:
            raise UserError(f"{where} is too long: {total} frames.")
        wanted = frames[0] + np.arange(total)
        low = np.clip(np.searchsorted(frames, wanted + EVEN, side="right") - 1, 0, count - 2)
        share = np.clip((wanted - frames[low]) / (frames[low + 1] - frames[low]), 0.0, 1.0)
        share[share < EVEN] = 0.0
    if not limits.MIN_FPS <= even <= limits.MAX_FPS:
        raise UserError(
            f"{where} has {float(even):g} frames per second; {limits.MIN_FPS} to {limits.MAX_FPS} "
            f"are accepted."
        )
    return Evenly(even, low, share)
