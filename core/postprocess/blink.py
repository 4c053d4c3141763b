# SPDX-License-Identifier: GPL-3.0-or-later
"""Natural blinks. The network and the published SDK make none; they only take a closing per frame.

Random numbers come from a generator that is written out in this package, so the same seed gives
the same blinks with every version of every library.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from ..arrays import Doubles, Floats
from ..parameters import Settings
from .random_numbers import uniforms

PROFILE_RATE = 30  # samples of the profile per second
PAUSE_S = 0.25  # lids stay open at least so long between two blinks


def blink_times(
    duration_s: float, interval_s: float, length_s: float, seed: int, begun_s: float = 0.0
) -> list[float]:
    """Starts, in seconds, of blinks that each take ``length_s`` and all end before the end.

    Time from start to start varies as it does in people, mostly short with some long ones (a gamma
    distribution, four times less variable than waiting for a random event), with the mean
    ``interval_s``; 0 gives no blinks. One that starts before ``begun_s`` goes on beyond the end.
    """
    if interval_s <= 0:
        return []
    shortest = length_s + PAUSE_S
    spare = max(interval_s - shortest, 0.0)
    numbers = uniforms(seed)
    times: list[float] = []
    start = interval_s * (0.15 + 0.7 * next(numbers))
    while start + length_s <= duration_s or start < begun_s:
        times.append(start)
        wait = -sum(math.log(next(numbers)) for _ in range(4)) / 4.0
        start += shortest + spare * wait
    return times


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
    track = np.zeros(count)
    length_s = (len(profile) + 1) / PROFILE_RATE  # it rises from 0 before and falls to 0 after
    keys = np.arange(len(profile) + 2) / PROFILE_RATE
    values = np.concatenate([[0.0], profile, [0.0]]).astype(np.float64)
    numbers = np.arange(first, first + count, dtype=np.int64)
    times = numbers * fps.denominator / fps.numerator
    end_s = float(times[-1]) if count else 0.0
    begun_s = (first if ended else first + count) * fps.denominator / fps.numerator
    for start in blink_times(
        end_s, settings.blink_interval, length_s, settings.blink_seed, begun_s
    ):
        low, high = np.searchsorted(times, [start, start + length_s + 1e-9])
        track[low:high] = np.interp(times[low:high] - start, keys, values)
    return np.clip(track + settings.blink_offset, 0.0, 1.0)
