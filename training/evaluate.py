# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: RUF001 - phonetic letters look alike on purpose
"""Measures whether a model moves the lips rightly on recorded human speech.

One function, :func:`evaluate_lips`, runs the product's own path (audio, windows, network,
post-processing, solve, weights) over labelled recordings, poses the head with the weights
and measures the gap between the inner lips over the mouth's width:

- inside labelled m, b, p the smallest gap has to fall under 5 %,
- at the middle of open vowels it has to be over 10 %,
- the lag at which the gap follows the sound's energy best has to be small.

The same recordings with the face delayed, or with the face of another recording, are the
control: there the same demands must not be met.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np

from ..core.head import Head, lip_gap, pose_skin
from ..core.naming import ARKIT_NAMES
from ..core.pipeline import Loaded, Request, animate, open_model
from ..core.voice.audio import Voice, read_voice

Pairing = Literal["true", "delayed", "swapped"]

FPS = Fraction(60)
RATE = 16000
CLOSED, OPEN = 0.05, 0.10  # gap over the mouth's width
CLOSED_SHARE = {"en": 0.75, "de": 0.60}
OPEN_SHARE = 0.85
EARLIEST, LATEST = -0.070, 0.020  # seconds; negative: the mouth moves before the sound
BILABIALS = frozenset({"m", "b", "p"})
# The aligner's ʌ and the hand labels' ɐ stand for reduced vowels as well, so neither counts.
OPEN_VOWELS = frozenset({"a", "ɑ", "æ", "aɪ", "aʊ"})
DELAY_S = 0.3  # of the face in the control "delayed"
FARTHEST_LAG_S = 0.2
ENERGY_WINDOW_S = 0.04

Labels = list[tuple[str, float, float]]


@dataclass(frozen=True)
class Recording:
    """A labelled recording, its energy and the mouth that the model gave it, at 60 fps."""

    name: str
    labels: Labels
    gap: np.ndarray  # (T,) gap over mouth width
    energy: np.ndarray  # (T,) root mean square of the sound


@dataclass(frozen=True)
class LipFigures:
    """Figures of one language."""

    language: str
    files: int
    closures: int
    closed: float  # share of m, b, p with the lips shut
    vowels: int
    opened: float  # share of open vowels with the lips apart
    lag_s: float  # best lag of the gap against the energy; negative: mouth first
    correlation: float  # at that lag

    @property
    def passes(self) -> bool:
        """Whether all three demands are met."""
        return (
            self.closed >= CLOSED_SHARE.get(self.language, max(CLOSED_SHARE.values()))
            and self.opened >= OPEN_SHARE
            and EARLIEST <= self.lag_s <= LATEST
        )


@dataclass(frozen=True)
class LipVerdict:
    """Figures per language with how sound and face were paired."""

    pairing: Pairing
    languages: tuple[LipFigures, ...]

    @property
    def passes(self) -> bool:
        """Whether every language passes."""
        return all(figures.passes for figures in self.languages)

    def table(self) -> str:
        """The figures as text, one line per language."""
        head = (
            f"{'pairing':9}{'lang':>5}{'files':>7}{'m b p':>7}{'shut':>8}{'vowels':>8}"
            f"{'open':>8}{'lag ms':>8}{'corr':>7}  verdict"
        )
        lines = [
            f"{self.pairing:9}{f.language:>5}{f.files:>7}{f.closures:>7}{f.closed:>8.1%}"
            f"{f.vowels:>8}{f.opened:>8.1%}{1000 * f.lag_s:>8.0f}{f.correlation:>7.2f}  "
            f"{'pass' if f.passes else 'fail'}"
            for f in self.languages
        ]
        return "\n".join([head, *lines])


def evaluate_lips(
    model_folder: Path,
    head: Head,
    speech_folder: Path,
    pairings: tuple[Pairing, ...] = ("true", "delayed", "swapped"),
    limit: int | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> dict[Pairing, LipVerdict]:
    """Judge the model on every language folder of ``speech_folder``, pooled per language.

    ``limit`` takes so many recordings per language, spread evenly; every pairing is judged
    on the same faces.
    """
    model = open_model(model_folder, threads=1)
    recordings: dict[str, list[Recording]] = {}
    for folder in sorted(path.parent for path in speech_folder.glob("*/labels.json")):
        recordings[folder.name] = _record(model, head, folder, limit, progress)
    return {
        pairing: LipVerdict(
            pairing,
            tuple(
                _judge(language, _paired(told, pairing)) for language, told in recordings.items()
            ),
        )
        for pairing in pairings
    }


def read_labels(folder: Path) -> dict[str, Labels]:
    """Labels per file; touching segments of one phone (closure and burst) are one."""
    told: Mapping[str, list[list]] = json.loads((folder / "labels.json").read_text("utf-8"))
    result: dict[str, Labels] = {}
    for name, segments in sorted(told.items()):
        merged: Labels = []
        for phone, start, end in segments:
            if merged and merged[-1][0] == phone and start - merged[-1][2] < 1e-3:
                merged[-1] = (phone, merged[-1][1], float(end))
            else:
                merged.append((str(phone), float(start), float(end)))
        result[name] = merged
    return result


def mouth_gap(model: Loaded, head: Head, voice: Voice) -> np.ndarray:
    """Gap over mouth width (T,) at 60 fps, by the product's own path and its defaults."""
    take = animate(Request(voice, model.model.folder, FPS), loaded=model)
    columns = [take.face.names.index(name) for name in ARKIT_NAMES]
    return lip_gap(head, pose_skin(head, take.face.weights[:, columns]))


def _record(
    model: Loaded,
    head: Head,
    folder: Path,
    limit: int | None,
    progress: Callable[[float, str], None] | None,
) -> list[Recording]:
    labels = read_labels(folder)
    names = list(labels)
    if limit is not None and limit < len(names):
        names = [names[i] for i in np.linspace(0, len(names) - 1, limit).astype(int)]
    recordings = []
    for done, name in enumerate(names, 1):
        voice = Voice(path=str(folder / name), name=name)
        gap = mouth_gap(model, head, voice)
        energy = _energy(read_voice(voice).samples, len(gap))
        recordings.append(Recording(name, labels[name], gap, energy))
        if progress is not None:
            progress(done / len(names), folder.name)
    return recordings


def _energy(samples: np.ndarray, frames: int) -> np.ndarray:
    """Root mean square around each frame's time, relative to the loudest frame."""
    half = int(ENERGY_WINDOW_S / 2 * RATE)
    sums = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    centres = (np.arange(frames) * RATE / float(FPS)).astype(int)
    first = np.clip(centres - half, 0, len(samples))
    last = np.clip(centres + half, 0, len(samples))
    energy = np.sqrt((sums[last] - sums[first]) / (2 * half))
    return energy / max(float(energy.max()), 1e-9)


def _paired(recordings: list[Recording], pairing: Pairing) -> list[Recording]:
    """The recordings with the faces they are judged with."""
    if pairing == "true":
        return recordings
    if pairing == "delayed":
        by = round(DELAY_S * float(FPS))
        gaps = [np.concatenate([np.zeros(by), r.gap])[: len(r.gap)] for r in recordings]
    else:
        other = recordings[len(recordings) // 2 :] + recordings[: len(recordings) // 2]
        gaps = [np.resize(o.gap, len(r.gap)) for o, r in zip(other, recordings, strict=True)]
    return [
        Recording(r.name, r.labels, gap, r.energy) for r, gap in zip(recordings, gaps, strict=True)
    ]


def _judge(language: str, recordings: list[Recording]) -> LipFigures:
    shut: list[bool] = []
    apart: list[bool] = []
    for recording in recordings:
        gap = recording.gap
        times = np.arange(len(gap)) / float(FPS)
        for phone, start, end in recording.labels:
            if end <= start or start >= times[-1]:
                continue
            if phone in BILABIALS:
                inside = gap[(times >= start) & (times <= end)]
                smallest = inside.min() if len(inside) else np.interp(start, times, gap)
                shut.append(bool(smallest < CLOSED))
            elif phone in OPEN_VOWELS:
                apart.append(bool(np.interp(0.5 * (start + end), times, gap) > OPEN))
    lag, correlation = _best_lag(recordings)
    return LipFigures(
        language,
        len(recordings),
        len(shut),
        float(np.mean(shut)) if shut else 0.0,
        len(apart),
        float(np.mean(apart)) if apart else 0.0,
        lag,
        correlation,
    )


def _best_lag(recordings: list[Recording]) -> tuple[float, float]:
    """Lag in seconds at which gap and energy agree best, pooled, and their correlation.

    The correlation of all frames of all recordings (each less its own mean) is taken at
    every whole frame of lag; a parabola through the best three gives the lag between frames.
    """
    farthest = round(FARTHEST_LAG_S * float(FPS))
    lags = range(-farthest, farthest + 1)
    products = np.zeros(len(lags))
    gaps, energies = 0.0, 0.0
    for recording in recordings:
        gap = recording.gap - recording.gap.mean()
        energy = recording.energy - recording.energy.mean()
        count = len(gap)
        if count <= 2 * farthest:
            continue
        gaps += float(gap @ gap)
        energies += float(energy @ energy)
        for index, lag in enumerate(lags):  # gap(t + lag) against energy(t)
            first, last = max(0, -lag), min(count, count - lag)
            products[index] += float(gap[first + lag : last + lag] @ energy[first:last])
    if gaps <= 0.0 or energies <= 0.0:
        return 0.0, 0.0
    correlations = products / np.sqrt(gaps * energies)
    best = int(correlations.argmax())
    offset = 0.0
    if 0 < best < len(lags) - 1:
        before, here, after = correlations[best - 1 : best + 2]
        bend = before - 2 * here + after
        offset = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float((lags[best] + offset) / float(FPS)), float(correlations[best])
