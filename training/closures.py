# SPDX-License-Identifier: GPL-3.0-or-later
"""How well phone times fit the sound, judged by what needs no recogniser: lips shut, sound stops.

A p or b after a louder sound makes the energy fall. The moment of the fall is compared with where
the label begins.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .phones import SILENCE, Segment

STOPS = frozenset("pb")
WINDOW_S, HOP_S = 0.010, 0.002
AROUND_S = 0.09  # looked at on either side of a label's start
LEAST_FALL_DB = 12.0  # less is no closure to measure with


def energy_db(samples: np.ndarray, rate: int) -> np.ndarray:
    """Energy in decibels every ``HOP_S``; value k is of the window around ``k * HOP_S``."""
    half, hop = round(WINDOW_S / 2 * rate), round(HOP_S * rate)
    power = np.pad(samples.astype(np.float64) ** 2, half)
    sums = np.concatenate([[0.0], np.cumsum(power)])
    begins = np.arange(0, len(samples), hop)
    return np.asarray(10 * np.log10((sums[begins + 2 * half] - sums[begins]) / (2 * half) + 1e-9))


def closure_offsets(samples: np.ndarray, rate: int, segments: Iterable[Segment]) -> list[float]:
    """Seconds from where labels of p and b begin to where the sound falls; positive: label early.

    ``samples`` (N,) in -1..1. Stops after silence, and those without a clear fall, are left out.
    """
    energy = energy_db(samples, rate)
    found = []
    before = Segment(SILENCE, 0.0, 0.0)
    for segment in segments:
        if segment.phone in STOPS and before.phone != SILENCE:
            fall = _fall(energy, segment.start)
            if fall is not None:
                found.append(fall - segment.start)
        before = segment
    return found


def _fall(energy: np.ndarray, near: float) -> float | None:
    """When the energy falls through the middle between its top and its bottom around a time."""
    first = max(0, round((near - AROUND_S) / HOP_S))
    piece = energy[first : round((near + AROUND_S) / HOP_S)]
    if len(piece) < 3:
        return None
    middle = len(piece) // 3  # the bottom lies behind the first third, the top before it
    bottom = middle + int(piece[middle:].argmin())
    top = int(piece[:bottom].argmax())
    if piece[top] - piece[bottom] < LEAST_FALL_DB:
        return None
    half = 0.5 * (piece[top] + piece[bottom])
    below = top + int((piece[top : bottom + 1] <= half).argmax())
    above = piece[below - 1]
    return (first + below - (half - piece[below]) / (above - piece[below])) * HOP_S
