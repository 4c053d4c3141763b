# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a live session is fed: as fast as the sound is heard, or as fast as it can be taken.

Only live sessions are held back; a take of a whole voice and a batch never are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

FREE_S = 0.5  # of every session that is never held back, so that the face starts at once


class Burst(Enum):
    """DEFAULT is real time. A burst is not advised while the same machine renders."""

    DEFAULT = "DEFAULT"
    FORCE_BURST = "FORCE_BURST"
    FORCE_REAL_TIME = "FORCE_REAL_TIME"

    @property
    def is_throttled(self) -> bool:
        return self is not Burst.FORCE_BURST


@dataclass(frozen=True)
class Clock:
    """Time in seconds and a way to let it pass; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Pace:
    """Says how many samples (per channel) may be fed now."""

    def __init__(self, rate: int, burst: Burst, clock: Clock) -> None:
        self._rate = rate
        self._throttled = burst.is_throttled
        self._clock = clock
        self._free = rate * FREE_S
        self._credit = self._free
        self._at_s: float | None = None

    def take(self, waiting: int) -> int:
        """Of ``waiting`` samples, how many go now; they count as fed."""
        if not self._throttled:
            return waiting
        now = self._clock.now()
        if self._at_s is None:
            if not waiting:
                return 0
            self._at_s = now
        self._credit += (now - self._at_s) * self._rate
        self._at_s = now
        fed = min(waiting, int(self._credit))
        self._credit -= fed
        if fed == waiting:
            # Nothing is left to wait: a pause of the speaker is not saved up for a rush later.
            self._credit = min(self._credit, self._free)
        return fed
