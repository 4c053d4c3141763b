# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether closures of the lips are found where p, b and m are spoken, and nowhere else.

A closure counts when it overlaps a labelled one within 50 ms, and for one labelled closure
only, so that a mouth that is always shut finds next to nothing. What lies in labelled
silence, where a mouth may well be shut, is not held against anyone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .labelled import Interval

TOLERANCE_S = 0.05


@dataclass(frozen=True)
class ClosureFigures:
    """How well closures were found; times in seconds, positive when they come late."""

    wanted: int
    found: int
    false: int
    late_s: float  # median of the closures' middles against the labels'
    spread_s: float  # its inter-quartile range

    @property
    def recall(self) -> float:
        """Share of labelled closures that were found."""
        return self.found / max(1, self.wanted)

    @property
    def precision(self) -> float:
        """Share of closures that belong to a labelled one."""
        return self.found / max(1, self.found + self.false)

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.found / max(1, self.wanted + self.found + self.false)


def runs(values: np.ndarray, rate: float, limit: float) -> list[Interval]:
    """Stretches in which ``values`` (T,) at ``rate`` per second lie under ``limit``.

    Their ends are where a line through neighbouring values crosses the limit.
    """
    under = np.concatenate([[False], values < limit, [False]])
    starts = np.flatnonzero(~under[:-1] & under[1:])
    ends = np.flatnonzero(under[:-1] & ~under[1:])  # first value that is not under
    return [
        (
            _crossing(values, start - 1, start, limit) / rate,
            _crossing(values, end, end - 1, limit) / rate,
        )
        for start, end in zip(starts, ends, strict=True)
    ]


def _crossing(values: np.ndarray, outside: int, inside: int, limit: float) -> float:
    """Place between two neighbours at which the values cross the limit."""
    if not 0 <= outside < len(values):
        return float(inside)
    share = (limit - values[inside]) / (values[outside] - values[inside])
    return float(inside + share * (outside - inside))


def closure_figures(
    recordings: Iterable[tuple[list[Interval], list[Interval], list[Interval]]],
) -> ClosureFigures:
    """Figures of recordings, each as labelled closures, labelled silences, closures found."""
    wanted = found = false = 0
    late: list[float] = []
    for labelled, silences, closures in recordings:
        free = list(closures)
        wanted += len(labelled)
        for closure in labelled:
            near = [other for other in free if _overlap(closure, other, TOLERANCE_S)]
            if not near:
                continue
            best = min(near, key=lambda other: abs(_middle(other) - _middle(closure)))
            free.remove(best)
            found += 1
            if not any(_overlap(best, silence, 0.0) for silence in silences):
                late.append(_middle(best) - _middle(closure))
        false += sum(not _excused(other, labelled, silences) for other in free)
    quarter, half, three = np.percentile(late, [25, 50, 75]) if late else (np.nan,) * 3
    return ClosureFigures(wanted, found, false, float(half), float(three - quarter))


def _excused(closure: Interval, labelled: list[Interval], silences: list[Interval]) -> bool:
    """Whether a closure that counts for no label is no fault: in silence, or a label's second."""
    middle = (_middle(closure),) * 2
    return any(_overlap(middle, silence, TOLERANCE_S) for silence in silences) or any(
        _overlap(middle, other, TOLERANCE_S) for other in labelled
    )


def _middle(interval: Interval) -> float:
    return 0.5 * (interval[0] + interval[1])


def _overlap(one: Interval, other: Interval, tolerance: float) -> bool:
    return one[1] >= other[0] - tolerance and one[0] <= other[1] + tolerance
