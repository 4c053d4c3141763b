# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings whose phones are known, and what the mouth has to do in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ...core.voice.audio import Voice, read_voice
from ..phones import SILENCE, VISEME_OF_PHONE, VISEMES, Segment, Sound, shift, sounds

Interval = tuple[float, float]  # start and end in seconds

BILABIALS = frozenset("mbp")
LABIODENTALS = frozenset("fv")
# The aligner's ʌ and the hand labels' ɐ stand for reduced vowels as well, so neither counts.
OPEN_VOWELS = frozenset({"a", "ɑ", "æ", "aɪ", "aʊ"})  # noqa: RUF001 - phonetic letters
VOWELS = frozenset(
    phone
    for phone, viseme in VISEME_OF_PHONE.items()
    if VISEMES[viseme] in {"aa", "E", "I", "O", "U", "ax"} and phone not in "jwɥʍɰ"
)
SAME_CLOSURE_S = 0.03  # between bilabials that are one closure, as in "mb"


@dataclass(frozen=True)
class Labelled:
    """A recording and its phones, in order; touching segments of one phone are one."""

    language: str
    name: str
    path: Path
    segments: tuple[Segment, ...]

    @property
    def voice(self) -> Voice:
        """The recording as the product reads it."""
        return Voice(path=str(self.path), name=self.name)

    @cached_property
    def samples(self) -> np.ndarray:
        """float32 (N,) mono at 16 kHz."""
        return np.asarray(read_voice(self.voice).samples)

    @cached_property
    def sounds(self) -> list[Sound]:
        """What the mouth shows of the phones."""
        return sounds(list(self.segments))

    @property
    def closures(self) -> list[Interval]:
        """Where the lips have to meet; bilabials that follow each other are one closure."""
        return joined([(s.start, s.end) for s in self.segments if s.phone in BILABIALS])

    @property
    def silences(self) -> list[Interval]:
        """Where nobody speaks, the time before the first and after the last label included."""
        quiet = [(s.start, s.end) for s in self.segments if s.phone == SILENCE]
        return [(-np.inf, self.segments[0].start), *quiet, (self.segments[-1].end, np.inf)]


def joined(intervals: list[Interval], apart: float = SAME_CLOSURE_S) -> list[Interval]:
    """Intervals in order of time; those less than ``apart`` seconds from each other are one."""
    result: list[Interval] = []
    for start, end in sorted(intervals):
        if result and start - result[-1][1] < apart:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def labelled_folder(folder: Path, limit: int | None = None) -> list[Labelled]:
    """The recordings of a folder with ``labels.json``; its name is their language.

    ``limit`` takes so many, spread evenly.
    """
    told: Mapping[str, list[list]] = json.loads((folder / "labels.json").read_text("utf-8"))
    names = sorted(told)
    if limit is not None and limit < len(names):
        names = [names[i] for i in np.linspace(0, len(names) - 1, limit).astype(int)]
    return [
        Labelled(folder.name, name, folder / name, tuple(_segments(told[name]))) for name in names
    ]


def later(recording: Labelled, seconds: float) -> Labelled:
    """The recording with its labels so much later."""
    return replace(recording, segments=tuple(shift(list(recording.segments), seconds)))


def _segments(told: list[list]) -> list[Segment]:
    """Closure and burst of one stop have a label each in hand labels: here they are one."""
    merged: list[Segment] = []
    for phone, start, end in told:
        if end <= start:
            continue
        if merged and merged[-1].phone == phone and start - merged[-1].end < 1e-3:
            merged[-1] = Segment(str(phone), merged[-1].start, float(end))
        else:
            merged.append(Segment(str(phone), float(start), float(end)))
    return merged
