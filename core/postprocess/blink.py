# SPDX-License-Identifier: GPL-3.0-or-later
"""Natural blinks. The network and the published SDK make none; they only take a closing per frame.

Random numbers come from a generator that is written out here, so the same seed gives the same
blinks with every version of every library.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from ..arrays import Doubles, Floats
from ..parameters import Settings

PROFILE_RATE = 30  # samples of the profile per second
PAUSE_S = 0.25  # lids stay open at least so long between two blinks
_MASK = (1 << 64) - 1


def _uniforms(seed: int) -> Iterator[float]:
    """Endless numbers in (0, 1): splitmix64."""
    state = (seed * 0x9E3779B97F4A7C15 + 0x5851F42D4C957F2D) & _MASK
    while True:
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        yield ((mixed ^ (mixed >> 31)) + 0.5) / 2.0**64


def blink_times(duration_s: float, interval_s: float, length_s: float, seed: int) -> list[float]:
    """Starts, in seconds, of blinks that each take ``length_s`` and all end before the end.

    Time from start to start varies as it does in people, mostly short with some long ones (a gamma
    distribution, four times less variable than waiting for a random event), with the mean
    ``interval_s``; 0 gives no blinks.
    """
    if interval_s <= 0:
        return []
    shortest = length_s + PAUSE_S
    spare = max(interval_s - shortest, 0.0)
    numbers = _uniforms(seed)
    times: list[float] = []
    start = interval_s * (0.15 + 0.7 * next(numbers))
    while start + length_s <= duration_s:
        times.append(start)
        wait = -sum(math.log(next(numbers)) for _ in range(4)) / 4.0
        start += shortest + spare * wait
    return times


def blink_track(count: int, fps: Fraction, profile: Floats, settings: Settings) -> Doubles:
    """Closing of the lids (count,) float64, 0 open to 1 closed, per frame.

    ``profile`` (B,) is one blink at 30 samples per second. The constant ``blink_offset`` is added.
    """
    track = np.zeros(count)
    length_s = (len(profile) + 1) / PROFILE_RATE  # it rises from 0 before and falls to 0 after
    keys = np.arange(len(profile) + 2) / PROFILE_RATE
    values = np.concatenate([[0.0], profile, [0.0]]).astype(np.float64)
    times = np.arange(count, dtype=np.int64) * fps.denominator / fps.numerator
    end_s = float(times[-1]) if count else 0.0
    for start in blink_times(end_s, settings.blink_interval, length_s, settings.blink_seed):
        first, last = np.searchsorted(times, [start, start + length_s + 1e-9])
        track[first:last] = np.interp(times[first:last] - start, keys, values)
    return np.clip(track + settings.blink_offset, 0.0, 1.0)
