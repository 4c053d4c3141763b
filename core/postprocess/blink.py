# SPDX-License-Identifier: GPL-3.0-or-later
"""Natural blinks. The network and the published SDK make none; they only take a closing per frame.

Random numbers come from a generator that is written out in this package, so the same seed gives
the same blinks with every version of every library.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from fractions import Fraction
from functools import lru_cache

import numpy as np

from ..arrays import Doubles, Floats
from ..parameters import Settings
from .random_numbers import uniforms

PROFILE_RATE = 30  # samples of the profile per second
PAUSE_S = 0.25  # lids stay open at least so long between two blinks


def blink_times(
    duration_s: float,
    interval_s: float,
    length_s: float,
    seed: int,
    begun_s: float = 0.0,
    from_s: float = -math.inf,
) -> list[float]:
    """Starts, in seconds, of blinks that each take ``length_s`` and all end before the end.

    Time from start to start varies as it does in people, mostly short with some long ones (a gamma
    distribution, four times less variable than waiting for a random event), with the mean
    ``interval_s``; 0 gives no blinks. One that starts before ``begun_s`` goes on beyond the end.
    Those that start before ``from_s`` are left out.
    """
    if interval_s <= 0:
        return []
    end_s = max(duration_s, begun_s)
    starts = _series(interval_s, length_s, seed).until(end_s)
    near = starts[bisect_left(starts, from_s) : bisect_right(starts, end_s)]
    return [start for start in near if start + length_s <= duration_s or start < begun_s]


class _Series:
    """All blinks of a voice that never ends, drawn as far as anybody has looked."""

    def __init__(self, interval_s: float, length_s: float, seed: int) -> None:
        self._shortest = length_s + PAUSE_S
        self._spare = max(interval_s - self._shortest, 0.0)
        self._numbers = uniforms(seed)
        self._starts = [interval_s * (0.15 + 0.7 * next(self._numbers))]

    def until(self, end_s: float) -> list[float]:
        """Starts of all that begin by then, and perhaps of some later ones."""
        while self._starts[-1] <= end_s:
            wait = -sum(math.log(next(self._numbers)) for _ in range(4)) / 4.0
            self._starts.append(self._starts[-1] + self._shortest + self._spare * wait)
        return self._starts


@lru_cache(maxsize=32)
def _series(interval_s: float, length_s: float, seed: int) -> _Series:
    """Kept, so that each block of a live session costs the same, however long it has lasted."""
    return _Series(interval_s, length_s, seed)


def blink_track(
    count: int,
    fps: Fraction,
    profile: Floats,
    settings: Settings,
    first: int = 0,
    ended: bool = True,
) -> Doubles:
    """Closing of the lids (count,) float64, 0 open to 1 closed, for frames from ``first`` on.

    ``profile`` (B,) is one blink at 30 samples per second. The constant ``blink_offset`` is added.
    ``ended`` False: more frames follow, so a blink may start at any of these; one that has started
    in an earlier block is always played to its end. Blocks of a voice that is still being spoken
    are the whole take's frames but for a last blink that turns out to have too little time.
    """
    end_s = (first + count - 1) * fps.denominator / fps.numerator if count else 0.0
    begun_s = (first if ended else first + count) * fps.denominator / fps.numerator
    return _closing(first, count, fps, profile, settings, end_s, begun_s)


def blinks_of_take(
    first: int, count: int, total: int, fps: Fraction, profile: Floats, settings: Settings
) -> Doubles:
    """The frames ``first`` .. ``first + count - 1`` of ``blink_track`` for a take of ``total``."""
    end_s = (total - 1) * fps.denominator / fps.numerator if total else 0.0
    return _closing(first, count, fps, profile, settings, end_s, 0.0)


def _closing(
    first: int,
    count: int,
    fps: Fraction,
    profile: Floats,
    settings: Settings,
    end_s: float,
    begun_s: float,
) -> Doubles:
    """Closing (count,) by the blinks that end by ``end_s`` or start before ``begun_s``."""
    track = np.zeros(count)
    length_s = (len(profile) + 1) / PROFILE_RATE  # it rises from 0 before and falls to 0 after
    keys = np.arange(len(profile) + 2) / PROFILE_RATE
    values = np.concatenate([[0.0], profile, [0.0]]).astype(np.float64)
    numbers = np.arange(first, first + count, dtype=np.int64)
    times = numbers * fps.denominator / fps.numerator
    from_s = float(times[0]) - length_s if count else 0.0
    for start in blink_times(
        end_s, settings.blink_interval, length_s, settings.blink_seed, begun_s, from_s
    ):
        low, high = np.searchsorted(times, [start, start + length_s + 1e-9])
        track[low:high] = np.interp(times[low:high] - start, keys, values)
    return np.clip(track + settings.blink_offset, 0.0, 1.0)
