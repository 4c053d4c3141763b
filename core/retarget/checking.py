# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pairs look wrong: swapped sides, slips of the pointer. numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import AnyArray, Doubles
from .landmarks import mirrored
from .pairs import residuals, similarity

FEWEST_CHECKED = 5  # pairs: three fit any others
TIMES_MEDIAN, LEAST = 3.0, 0.02  # beyond so many medians and this share of the size
FAR, FAR_MEDIANS = 0.04, 2.0  # also beyond this share of the size and so many medians
ROUNDS = 4
OPENINGS = 11


@dataclass(frozen=True, eq=False)
class Check:
    """``residuals`` (K,) in the goal's unit, ``bad`` (K,) and ``swapped`` (K,) whether the other
    side's partner would fit better."""

    residuals: Doubles
    bad: NDArray[np.bool_]
    swapped: NDArray[np.bool_]


def opened_share(neutral: AnyArray, opened: AnyArray, goal: AnyArray) -> float:
    """How far the driver's mouth is opened where its points (K, 3) agree best with their partners:
    0 as at rest, 1 as on the OpenMouth mesh, in tenths. Targets have it closed, mostly."""
    neutral, moves = np.asarray(neutral), np.asarray(opened) - np.asarray(neutral)
    if len(neutral) < FEWEST_CHECKED:
        return 0.0
    shares = np.linspace(0.0, 1.0, OPENINGS)
    gaps = [residuals(neutral + share * moves, goal).sum() for share in shares]
    return float(shares[int(np.argmin(gaps))])


def check(source: AnyArray, goal: AnyArray, names: Sequence[str], size: float) -> Check:
    """How well points (K, 3) agree with their partners (K, 3) after a similarity that does not
    count the worst. ``size`` is the head's in the goal's unit."""
    source, goal = np.asarray(source, np.float64), np.asarray(goal, np.float64)
    count = len(source)
    if count < 3:
        return Check(np.zeros(count), np.zeros(count, bool), np.zeros(count, bool))
    aligned = _aligned(source, goal)
    gaps = np.linalg.norm(aligned - goal, axis=1)
    if count < FEWEST_CHECKED:
        return Check(gaps, np.zeros(count, bool), np.zeros(count, bool))
    median = float(np.median(gaps))
    # Heads differ more where a point lies alone, as the crown does
    away = np.linalg.norm(goal - np.median(goal, axis=0), axis=1)
    room = np.maximum(away / max(float(np.median(away)), 1e-12), 1.0)
    bad = gaps > room * max(TIMES_MEDIAN * median, LEAST * size)
    bad |= gaps > room * max(FAR_MEDIANS * median, FAR * size)
    return Check(gaps, bad, _swapped(aligned, goal, names, gaps) & bad)


def _aligned(source: Doubles, goal: Doubles) -> Doubles:
    """The source after a similarity from the pairs that agree best."""
    used = np.arange(len(source))
    moved = source
    for _ in range(ROUNDS):
        moved = similarity(source[used], goal[used])(source)
        gaps = np.linalg.norm(moved - goal, axis=1)
        limit = max(2.5 * float(np.median(gaps)), 1e-12)
        kept = np.flatnonzero(gaps <= limit)
        if len(kept) < 4 or np.array_equal(kept, used):
            break
        used = kept
    return moved


def _swapped(
    aligned: Doubles, goal: Doubles, names: Sequence[str], gaps: Doubles
) -> NDArray[np.bool_]:
    places = {name: place for place, name in enumerate(names)}
    found = np.zeros(len(names), bool)
    for place, name in enumerate(names):
        other = places.get(mirrored(name))
        if other is not None and other != place:
            crossed = float(np.linalg.norm(aligned[place] - goal[other]))
            found[place] = crossed < gaps[place] / 2
    return found
