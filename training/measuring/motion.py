# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures of a mouth's motion against labels and sound."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..coarticulation import CLOSE, CURVES, JAW, ROUND, WIDE, target_frames
from ..recipe import Recipe
from .faces import RATE, Performance
from .labelled import BILABIALS, LABIODENTALS, OPEN_VOWELS, VOWELS, Labelled

CLOSED, OPEN = 0.05, 0.10  # gap over the mouth's width
BITTEN = 0.05  # lower lip to upper teeth over the mouth's width: 2.3 mm on the head
FARTHEST_LAG_S = 0.2
ENERGY_WINDOW_S = 0.04
SUSTAINED_S = 0.12
MEASURED_CURVES = {"jaw": JAW, "close": CLOSE, "round": ROUND, "wide": WIDE}
Pair = tuple[Labelled, Performance]


def contact_shares(pairs: Iterable[Pair]) -> dict[str, float]:
    """Shares of sounds in which the mouth does what it must.

    ``shut``: the smallest gap inside m, b, p is under 5 % of the mouth's width; ``open``: the
    gap at the middle of open vowels is over 10 %; ``bite``: the lower lip comes as near as
    5 % to the upper teeth inside f, v.
    """
    shares: dict[str, list[bool]] = {"shut": [], "open": [], "bite": []}
    for recording, face in pairs:
        for segment in recording.segments:
            if not len(face.times) or segment.start >= face.times[-1]:
                continue
            if segment.phone in BILABIALS:
                shares["shut"].append(
                    _smallest(face, face.gap, segment.start, segment.end) < CLOSED
                )
            elif segment.phone in LABIODENTALS:
                near = _smallest(face, face.teeth, segment.start, segment.end)
                shares["bite"].append(near < BITTEN)
            elif segment.phone in OPEN_VOWELS:
                shares["open"].append(np.interp(segment.centre, face.times, face.gap) > OPEN)
    return {name: float(np.mean(told)) for name, told in shares.items() if told}


def _smallest(face: Performance, values: np.ndarray, start: float, end: float) -> float:
    inside = values[(face.times >= start) & (face.times <= end)]
    return float(inside.min() if len(inside) else np.interp(start, face.times, values))


def best_lag(pairs: Sequence[Pair]) -> tuple[float, float]:
    """Lag in seconds at which gap and sound energy agree best, pooled, and their correlation.

    Negative: the mouth moves first. All frames of all recordings (each less its own mean) are
    taken at every whole frame of lag; a parabola through the best three gives the lag between.
    """
    if not pairs:
        return np.nan, np.nan
    rate = pairs[0][1].rate
    farthest = round(FARTHEST_LAG_S * rate)
    lags = range(-farthest, farthest + 1)
    products, gaps, energies = np.zeros(len(lags)), 0.0, 0.0
    for recording, face in pairs:
        count = len(face.gap)
        if count <= 2 * farthest:
            continue
        gap = face.gap - face.gap.mean()
        energy = energy_frames(recording.samples, count, rate)
        energy -= energy.mean()
        gaps += float(gap @ gap)
        energies += float(energy @ energy)
        for index, lag in enumerate(lags):  # gap(t + lag) against energy(t)
            first, last = max(0, -lag), min(count, count - lag)
            products[index] += float(gap[first + lag : last + lag] @ energy[first:last])
    if gaps <= 0.0 or energies <= 0.0:
        return np.nan, np.nan
    correlations = products / np.sqrt(gaps * energies)
    best = int(correlations.argmax())
    offset = 0.0
    if 0 < best < len(lags) - 1:
        before, here, after = correlations[best - 1 : best + 2]
        bend = before - 2 * here + after
        offset = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float((lags[best] + offset) / rate), float(correlations[best])


def energy_frames(samples: np.ndarray, frames: int, rate: float) -> np.ndarray:
    """Root mean square (frames,) around each frame's time, relative to the loudest frame."""
    half = int(ENERGY_WINDOW_S / 2 * RATE)
    sums = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    centres = (np.arange(frames) * RATE / rate).astype(int)
    first = np.clip(centres - half, 0, len(samples))
    last = np.clip(centres + half, 0, len(samples))
    energy = np.sqrt((sums[last] - sums[first]) / (2 * half))
    return np.asarray(energy / max(float(energy.max()), 1e-9))


def targets(
    recording: Labelled, times: np.ndarray, recipe: Recipe
) -> tuple[np.ndarray, np.ndarray]:
    """Viseme classes (T,) and curves (T, 7) that the recording's phones ask for."""
    leads = recipe.section("timing", "lead")
    return target_frames(recording.sounds, times, leads["motion"], leads["contact"])


def correlations(told: Iterable[tuple[dict[str, np.ndarray], np.ndarray]]) -> dict[str, float]:
    """Median over recordings of the correlation per curve, of curves (T,) by name and targets."""
    found: dict[str, list[float]] = {name: [] for name in MEASURED_CURVES}
    for curves, wanted in told:
        for name, column in MEASURED_CURVES.items():
            one, other = curves[name], wanted[:, column]
            if one.std() > 1e-6 and other.std() > 1e-6:
                found[name].append(float(np.corrcoef(one, other)[0, 1]))
            elif other.std() > 1e-6:
                found[name].append(0.0)  # a curve that does not move agrees with nothing
    return {name: float(np.median(each)) for name, each in found.items() if each}


def shown_curves(face: Performance) -> dict[str, np.ndarray]:
    """The measured curves as the face shows them; lips that touch are a closure of 1."""
    return {**face.shown, "close": 1.0 - np.clip(face.gap / OPEN, 0.0, 1.0)}


def named_curves(curves: np.ndarray) -> dict[str, np.ndarray]:
    """Curves (T, 7) by name."""
    return {name: curves[:, column] for column, name in enumerate(CURVES)}


def jitter(pairs: Iterable[Pair], recipe: Recipe) -> float:
    """Mean jerk of the jaw in vowels of 0.12 s and more over that of the targets' jaw.

    Each motion is taken relative to its own spread over all recordings.
    """
    jerks: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    values: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for recording, face in pairs:
        wanted = targets(recording, face.times, recipe)[1][:, JAW]
        inside = np.zeros(len(face.times), bool)
        for segment in recording.segments:
            if segment.phone in VOWELS and segment.end - segment.start >= SUSTAINED_S:
                inside |= (face.times >= segment.start) & (face.times <= segment.end)
        for kind, motion in enumerate((face.shown["jaw"], wanted)):
            if len(motion) > 3:
                jerk = np.abs(np.diff(motion, 3))
                whole = inside[:-3] & inside[3:]
                jerks[kind].append(jerk[whole])
                values[kind].append(motion)
    if not jerks[0] or not sum(len(each) for each in jerks[0]):
        return float("nan")
    ours, wanted_jerk = (
        float(np.concatenate(jerk).mean() / max(np.concatenate(motion).std(), 1e-9))
        for jerk, motion in zip(jerks, values, strict=True)
    )
    return ours / wanted_jerk
